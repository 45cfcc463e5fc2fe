"""Floor 0: plain functions on plain NumPy arrays, most of them compiled by Numba."""
