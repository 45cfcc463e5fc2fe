"""Faster decoding of Zarr arrays on a local disk, by zarrs."""

from __future__ import annotations

import warnings
from typing import Any

import zarr
from zarr.storage import LocalStore

_ZARRS = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}


def decoded_by_zarrs(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return the same array, read through zarrs where zarrs can read it.

    zarr-python takes about half a millisecond a chunk beside decoding it: windows of 2064^2 pixels
    from chunks of 512^2 came 4 times as fast through zarrs. Arrays elsewhere than on a local disk,
    of foreign byte order, columns first, or with a codec unknown to zarrs come back as they are.
    """
    local = isinstance(array.store, LocalStore) and array.order == "C"
    if not (local and array.dtype.isnative and array.dtype.kind in "biuf"):
        return array
    with zarr.config.set(_ZARRS), warnings.catch_warnings():
        warnings.simplefilter("error")  # zarrs warns of what it leaves to zarr-python
        try:
            return zarr.open_array(array.store, path=array.path, mode="r")
        except UserWarning:
            return array
