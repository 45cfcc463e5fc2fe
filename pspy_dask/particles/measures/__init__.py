"""Families of measures: what a chunk sees of objects, how it merges, what columns it gives."""
