"""Stages of a job on a cluster, watched and timed; what a stage writes is complete or absent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import prod
from typing import Any

import dask
import dask.array as da
import xarray as xr
from dask.system import CPU_COUNT
from distributed import Client

from pspy_dask.blocks.merging import total
from pspy_dask.blocks.sources import source_of
from pspy_dask.io.pyramid_write import PyramidWrite
from pspy_dask.run.cluster import explain_killed
from pspy_dask.run.progress import Stage, Watcher, watched
from pspy_dask.run.stopping import nothing_left_running


class Bench:
    """Does stages on a cluster, shows their progress and notes their times."""

    def __init__(self, client: Client, watcher: Watcher) -> None:
        self.client, self.watcher = client, watcher
        self.seconds: dict[str, float] = {}

    def stage(self, title: str, image: xr.DataArray, tasks: str, work: Callable[[], Any]) -> Any:
        """Return what the work returns, watched as a stage."""
        chunks = prod(len(c) for c in image.chunks or ())
        return self._watched(Stage(title, image.size, chunks, tasks), work)

    def _watched(self, stage: Stage, work: Callable[[], Any]) -> Any:
        with (
            explain_killed(),
            watched(self.client, self.watcher, stage) as seconds,
            dask.config.set(scheduler=self._get),
            nothing_left_running(self.client),
        ):
            result = work()
        self.seconds |= seconds
        return result

    def _get(self, *graph: Any, **options: Any) -> Any:
        """Compute a graph, for writers that clear away their own files when they fail."""
        with nothing_left_running(self.client):
            return self.client.get(*graph, **options)

    def pyramid(self, title: str, writing: PyramidWrite) -> None:
        """Write all levels and finish, or leave nothing.

        An image that is not read at random may hang on a file that is open in this process (HDF5)
        or lie in its memory, and is therefore written from here.
        """
        with finished(writing):
            here = source_of(writing.data) is None
            self.levels(title, writing, range(len(writing.levels)), here=here)

    def levels(
        self,
        title: str,
        writing: PyramidWrite,
        levels: Sequence[int],
        *,
        here: bool = False,
        beside: Sequence[da.Array] = (),
    ) -> list[Any]:
        """Write some levels, one after the other.

        ``here`` does it in threads of this process; otherwise values ``beside`` the last level,
        which are made of the same tasks, are returned.
        """

        def write() -> list[Any]:
            values: list[Any] = []
            for level in levels:
                written = total(writing.step(level))
                if here:
                    _compute_here(written)
                else:
                    wanted = [written, *(beside if level == levels[-1] else ())]
                    _, *values = self.client.gather(self.client.compute(wanted))
            return values

        blocks = [prod(map(len, writing.levels[k].layout.blocks)) for k in levels]
        pixels = sum(prod(writing.levels[k].shape) for k in levels)
        # The scheduler never sees what is done here.
        tasks, count = ("", 0) if here else ("write", sum(blocks))
        values: list[Any] = self._watched(Stage(title, pixels, count, tasks, count), write)
        return values


def _compute_here(written: da.Array) -> None:
    """Compute in threads of this process, none of which is at work any more at the end."""
    pool = ThreadPoolExecutor(CPU_COUNT)
    try:
        written.compute(scheduler="threads", pool=pool)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def finished(writing: PyramidWrite) -> Iterator[None]:
    """Finish a write at the end, or discard it."""
    try:
        yield
        writing.finish()
    except BaseException:
        writing.discard()
        raise
