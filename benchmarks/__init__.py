"""Figures, each taken side by side in one run. Nothing here runs in the tests.

``python -m benchmarks [section ...]`` measures, prints, and writes the page of results;
``python -m benchmarks.memory`` and ``.watershed_memory`` watch small workers on large images,
``.objects_memory`` one on many objects; ``.local_zarr`` reads and writes from two threads;
``.series`` takes long series, and ``.particle_analysis`` ParticleSpy's analysis beside ours. The
history of kernels and recipe is kept by asv: see ``asv.conf.json``.
"""
