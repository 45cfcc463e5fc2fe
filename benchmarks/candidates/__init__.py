"""Who takes part in a contest of recipes: ``prepare(data, options)`` returns what is timed.

``data`` is an OME-Zarr image; ``options`` are those of :class:`pspy_dask.SegmentationParameters`.
All of them return the number of objects.
"""
