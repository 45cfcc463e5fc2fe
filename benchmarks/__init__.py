"""Figures, each taken side by side in one run. Nothing here runs in the tests.

``python -m benchmarks.speed``, ``.memory``, ``.watershed``, ``.watershed_memory``, ``.graph``: each
prints Markdown.
"""
