"""pspy_dask."""
