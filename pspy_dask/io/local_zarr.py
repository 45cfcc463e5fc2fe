"""Zarr arrays on a local disk, read and written in the thread that asks for it.

zarr-python passes each call to one event loop for the whole process, which passes the work on to
threads of its own. Two threads that read at the same time, each on a core, then wait for both:
windows of 2064^2 pixels from chunks of 512^2 came no faster to two threads than to one. Where the
thread that asks does the work itself they come 1.5 times as fast to two.
"""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.storage import LocalStore

P = ParamSpec("P")
T = TypeVar("T")

_ZARRS = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}


@dataclass(frozen=True)
class LocalArray:
    """A Zarr array on a local disk with as much of its manner as reading and writing boxes need.

    Parameters
    ----------
    array
        The array itself.
    """

    array: zarr.Array[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths along the axes."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a pixel."""
        return self.array.dtype

    def __getitem__(self, box: tuple[int | slice, ...]) -> NDArray[Any]:
        """Return the pixels of a box."""
        if _in_event_loop():
            return np.asarray(self.array[box])
        return np.asarray(_in_this_thread(self.array.async_array.getitem(box)))

    def __setitem__(self, box: tuple[int | slice, ...], pixels: NDArray[Any]) -> None:
        """Store the pixels of a box."""
        if _in_event_loop():
            self.array[box] = pixels
        else:
            _in_this_thread(self.array.async_array.setitem(box, pixels))


def in_this_thread(array: zarr.Array[Any]) -> zarr.Array[Any] | LocalArray:
    """Return the same array, worked on by the thread that asks; elsewhere than on disk as it is."""
    return LocalArray(array) if isinstance(array.store, LocalStore) else array


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


class _AtOnce(ThreadPoolExecutor):
    """Does what it is given in the thread that gives it: it never starts one."""

    def submit(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return what is done already."""
        done: Future[T] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:  # it belongs to whoever waits for the result
            done.set_exception(error)
        return done


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
