"""Zarr arrays on a local disk, read and written by the thread that asks for it.

zarr-python passes every call to one event loop of the process, and that passes the work on to
threads of its own, which share the cores with the threads that wait for them: to two threads
windows come no faster than to one, and go no faster. Where every thread does its own work they do
(``python -m benchmarks.local_zarr`` has the figures). It is tasks that run side by side; inside a
task nothing does.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import zarr
from dask.base import normalize_token
from numpy.typing import NDArray
from zarr.codecs import BloscCodec
from zarr.storage import LocalStore, StorePath
from zarrs import ZarrsCodecPipeline
from zarrs._internal import CodecPipelineImpl

from pspy_dask.io.in_this_thread import in_event_loop, in_this_thread

Selection = tuple[int | slice, ...]

_OF_DECODERS = (RuntimeError, ValueError, OSError, EOFError, zlib.error, lzma.LZMAError)
_OF_PYTHON = (RecursionError, NotImplementedError)  # RuntimeErrors, but of no decoder


@dataclass(frozen=True, eq=False)
class LocalArray:
    """A Zarr array on a local disk, as far as it takes to read and write boxes.

    Chunks are decoded by zarrs where it can. They are written by zarr-python, whose files appear
    whole or not at all: a broken write leaves the old one, and two tasks may write the same pixels,
    as a task that is repeated does. Two parts of one chunk are not for two tasks: each reads the
    chunk, changes its part and writes the whole, so that the other part may be lost.

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
        # zarrs reads no mix of numbers and slices, so each number is a slice of length 1 to it.
        spans = tuple(at if isinstance(at, slice) else slice(at, at + 1 or None) for at in box)
        dropped = (slice(None) if isinstance(at, slice) else 0 for at in box)
        read = self._read
        with _told_plainly(str(self.store_path)):
            if in_event_loop():
                pixels = np.asarray(read[spans])
            else:
                pixels = np.asarray(in_this_thread(read.async_array.getitem(spans)))
        return pixels[(*dropped, ...)]

    def __setitem__(self, box: Selection, pixels: NDArray[Any]) -> None:
        """Store the pixels of a box."""
        if in_event_loop():
            self.array[box] = pixels
        else:
            in_this_thread(self.array.async_array.setitem(box, pixels))


def local(array: zarr.Array[Any]) -> zarr.Array[Any] | LocalArray:
    """Return the same array for tasks to work on: as it is where it is on no local disk."""
    # A kind of local store may keep its files in ways of its own.
    return LocalArray(array) if type(array.store) is LocalStore else array


def _decoded_by_zarrs(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return the same array, read through zarrs where zarrs can read it.

    zarr-python takes about half a millisecond a chunk beside decoding it: windows of 2064^2 pixels
    from chunks of 512^2 came 4 times as fast through zarrs. Arrays of foreign byte order, columns
    first, with a codec unknown to zarrs, or packed twice come back as they are. What zarrs calls
    damaged is not read again by zarr-python: that makes pixels of a blosc chunk cut short.
    """
    if array.order != "C" or not array.dtype.isnative or array.dtype.kind not in "biuf":
        return array
    if _is_misread_by_zarrs(array):
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


def _is_misread_by_zarrs(array: zarr.Array[Any]) -> bool:
    """Whether zarrs takes on an array of whose chunks it then says that they are damaged.

    It fails where blosc packs what another codec has packed before.
    """
    return any(isinstance(codec, BloscCodec) for codec in array.compressors[1:])


@contextmanager
def _told_plainly(where: str) -> Iterator[None]:
    """Say where and what went wrong, where decoders say it in words of their own."""
    try:
        yield
    except Exception as error:
        code = re.search(r"\(os error (\d+)\)", str(error))
        if code is not None:
            raise OSError(int(code[1]), os.strerror(int(code[1])), where) from error
        if not _is_of_a_decoder(error):
            raise
        raise ValueError(f"{where} has a damaged chunk ({error}): restore the file") from error


def _is_of_a_decoder(error: Exception) -> bool:
    """Whether bytes are to blame, rather than the system, Python or whoever asks."""
    if isinstance(error, IndexError):  # that of zarrs, where a chunk ends too early
        return "byte range" in str(error)
    of_the_system = isinstance(error, OSError) and error.errno is not None
    return (
        isinstance(error, _OF_DECODERS) and not isinstance(error, _OF_PYTHON) and not of_the_system
    )
