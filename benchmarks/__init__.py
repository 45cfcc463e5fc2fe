"""Figures, each taken side by side in one run. Nothing here runs in the tests.

``python -m benchmarks.speed`` and ``python -m benchmarks.memory``; both print Markdown.
"""
