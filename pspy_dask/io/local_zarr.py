"""Zarr arrays on a local disk, read and written by the thread that asks for it.

zarr-python passes every call to one event loop of the process, and that passes the work on to
threads of its own, which share the cores with the threads that wait for them: to two threads
windows come no faster than to one, and go no faster. Where every thread does its own work they do
(``python -m benchmarks.local_zarr`` has the figures). It is tasks that run side by side; inside a
task nothing does.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import zarr
from dask.base import normalize_token
from numpy.typing import NDArray
from zarr.storage import LocalStore, StorePath
from zarrs import ZarrsCodecPipeline
from zarrs._internal import CodecPipelineImpl

from pspy_dask.io.in_this_thread import in_event_loop, in_this_thread

Selection = tuple[int | slice, ...]


@dataclass(frozen=True, eq=False)
class LocalArray:
    """A Zarr array on a local disk, as far as it takes to read and write boxes.

    Chunks are decoded by zarrs where it can, and written by zarr-python, whose files appear whole
    or not at all: two tasks may write the same chunk, and a broken write leaves the old one.

    Parameters
    ----------
    array
        The array itself.
    """

    array: zarr.Array[Any]

    @cached_property
    def _read(self) -> zarr.Array[Any]:
        return _decoded_by_zarrs(self.array)

    def __reduce__(self) -> tuple[type[LocalArray], tuple[zarr.Array[Any]]]:
        return LocalArray, (self.array,)

    def __dask_tokenize__(self) -> Any:
        return normalize_token((type(self).__name__, self.array))

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along the axes."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return np.dtype(self.array.dtype)

    @property
    def store_path(self) -> StorePath:
        """Where the array is."""
        return self.array.store_path

    def __getitem__(self, box: Selection) -> NDArray[Any]:
        """Return the pixels of a box.

        Raises
        ------
        OSError
            The system refuses to read a file.
        ValueError
            A chunk cannot be decoded.
        """
        with _told_plainly(str(self.store_path)):
            if in_event_loop():
                return np.asarray(self._read[box])
            return np.asarray(in_this_thread(self._read.async_array.getitem(box)))

    def __setitem__(self, box: Selection, pixels: NDArray[Any]) -> None:
        """Store the pixels of a box."""
        if in_event_loop():
            self.array[box] = pixels
        else:
            in_this_thread(self.array.async_array.setitem(box, pixels))


def local(array: zarr.Array[Any]) -> zarr.Array[Any] | LocalArray:
    """Return the same array for tasks to work on: as it is where it is on no local disk."""
    return LocalArray(array) if isinstance(array.store, LocalStore) else array


def _decoded_by_zarrs(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return the same array, read through zarrs where zarrs can read it.

    zarr-python takes about half a millisecond a chunk beside decoding it: windows of 2064^2 pixels
    from chunks of 512^2 came 4 times as fast through zarrs. Arrays of foreign byte order, columns
    first, or with a codec unknown to zarrs come back as they are.
    """
    if array.order != "C" or not array.dtype.isnative or array.dtype.kind not in "biuf":
        return array
    try:
        # By zarr's settings, as zarrs is meant to be asked for, all threads would have it.
        decoder = CodecPipelineImpl(
            json.dumps(array.metadata.to_dict()),
            store_config=array.store,
            validate_checksums=True,
            chunk_concurrent_minimum=1,
            chunk_concurrent_maximum=1,
            num_threads=1,
        )
    except TypeError:  # zarrs says so of what it does not know
        return array
    pipeline = ZarrsCodecPipeline(array.metadata, array.store, impl=decoder, python_impl=None)
    through = zarr.AsyncArray(array.metadata, array.store_path)
    object.__setattr__(through, "codec_pipeline", pipeline)
    return zarr.Array(through)


@contextmanager
def _told_plainly(where: str) -> Iterator[None]:
    """Say where and what went wrong, where zarrs says it in words of its own."""
    try:
        yield
    except (RuntimeError, OSError) as error:
        code = re.search(r"\(os error (\d+)\)", str(error))
        if code is not None:
            raise OSError(int(code[1]), os.strerror(int(code[1])), where) from error
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{where} has a damaged chunk ({error}): restore the file") from error
