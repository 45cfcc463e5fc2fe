"""Pixels told apart by features: clustering and trainable classification."""
