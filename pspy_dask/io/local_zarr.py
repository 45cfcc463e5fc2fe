"""Zarr arrays on a local disk, read and written by the thread that asks for it.

zarr-python passes every call to one event loop of the process, and that passes the work on to
threads of its own, which share the cores with the threads that wait for them: to two threads
windows come no faster than to one (1.0x), and go no faster (1.1x). Where every thread does its own
work they come 2.0 to 2.2 times and go 1.8 times as fast to two (``python -m
benchmarks.local_zarr``). It is tasks that run side by side; inside a task nothing does.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore, StorePath
from zarrs.pipeline import UnsupportedMetadataError

P = ParamSpec("P")
T = TypeVar("T")
Selection = tuple[int | slice, ...]

_ZARRS = {
    "codec_pipeline.path": "zarrs.ZarrsCodecPipeline",
    "codec_pipeline.strict": True,  # an error, not a warning, for what zarrs leaves to zarr-python
    "codec_pipeline.chunk_concurrent_minimum": 1,
    "codec_pipeline.chunk_concurrent_maximum": 1,
    "threading.max_workers": 1,
}
_setting = Lock()  # settings of zarr are those of the process


@dataclass(frozen=True)
class LocalArray:
    """A Zarr array on a local disk, as far as it takes to read and write boxes.

    Chunks are decoded and encoded by zarrs where it can. A write that is broken off may leave half
    a chunk behind: it is to be written again.

    Parameters
    ----------
    array
        The array itself.
    """

    array: zarr.Array[Any]
    _fast: zarr.Array[Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_fast", _by_zarrs(self.array))

    def __reduce__(self) -> tuple[type[LocalArray], tuple[zarr.Array[Any]]]:
        return LocalArray, (self.array,)

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
        """Return the pixels of a box."""
        with _errors_of_the_system():
            if _in_event_loop():
                return np.asarray(self._fast[box])
            return np.asarray(_in_this_thread(self._fast.async_array.getitem(box)))

    def __setitem__(self, box: Selection, pixels: NDArray[Any]) -> None:
        """Store the pixels of a box."""
        with _errors_of_the_system():
            if _in_event_loop():
                self._fast[box] = pixels
            else:
                _in_this_thread(self._fast.async_array.setitem(box, pixels))


def local(array: zarr.Array[Any]) -> zarr.Array[Any] | LocalArray:
    """Return the same array for tasks to work on: as it is where it is on no local disk."""
    return LocalArray(array) if isinstance(array.store, LocalStore) else array


def _by_zarrs(array: zarr.Array[Any]) -> zarr.Array[Any]:
    """Return the same array, read through zarrs where zarrs can read it.

    zarr-python takes about half a millisecond a chunk beside decoding it: windows of 2064^2 pixels
    from chunks of 512^2 came 4 times as fast through zarrs. Arrays of foreign byte order, columns
    first, or with a codec unknown to zarrs come back as they are.
    """
    if array.order != "C" or not array.dtype.isnative or array.dtype.kind not in "biuf":
        return array
    with _setting, zarr.config.set(_ZARRS):
        try:
            return zarr.Array(zarr.AsyncArray(array.metadata, array.store_path))
        except UnsupportedMetadataError:
            return array


@contextmanager
def _errors_of_the_system() -> Iterator[None]:
    """Raise OSError, as zarr-python does, where zarrs says that the system refused something."""
    try:
        yield
    except RuntimeError as error:
        code = re.search(r"\(os error (\d+)\)", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1]))) from error


def _in_this_thread(work: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine, all of whose work this thread does."""
    loop = asyncio.new_event_loop()
    try:
        loop.set_default_executor(_AtOnce(1))
        return loop.run_until_complete(work)
    finally:
        loop.close()


def _in_event_loop() -> bool:
    """Whether this thread runs an event loop, as that of a notebook does: it cannot run another."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _AtOnce(ThreadPoolExecutor):
    """Does what it is given in the thread that gives it; it never starts one."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the future of what is done already."""
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:  # it belongs to whoever asks for the result
            done.set_exception(error)
        return done
