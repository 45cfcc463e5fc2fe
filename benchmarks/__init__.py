"""Figures, each taken side by side in one run. Nothing here runs in the tests.

``python -m benchmarks.speed``, ``.memory``, ``.watershed``, ``.watershed_memory`` and ``.graph``; all
print Markdown.
"""
