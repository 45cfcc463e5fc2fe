"""However long a series is, only a few of its frames are in memory at a time."""

from __future__ import annotations

import dask
import numpy as np
import pytest
from dask.callbacks import Callback

import pspy_dask as ps
from pspy_dask.datasets import mosaic

SIDE = 64
WORK = {
    "region_properties": ps.region_properties,
    "link": lambda labels, image: ps.link(ps.region_properties(labels, image), distance=3),
    "link_overlap": lambda labels, image: ps.link_overlap(labels, memory=1),
}


class LivePixels(Callback):
    """The most chunks of pixels that dask holds between its tasks."""

    most = 0

    def _posttask(self, key, result, dsk, state, worker):
        arrays = [v for v in state["cache"].values() if isinstance(v, np.ndarray)]
        self.most = max(self.most, sum(array.size >= SIDE**2 for array in arrays))


def labelled(frames):
    image = mosaic((SIDE, SIDE), frames=frames, chunks=(1, SIDE, SIDE))
    return ps.segment(image, gaussian=1.0, min_size=5), image


def held(collection):
    with LivePixels() as live, dask.config.set(scheduler="synchronous"):
        dask.compute(collection)
    return live.most


@pytest.mark.parametrize("work", sorted(WORK))
def test_memory_does_not_grow_with_frames(work):
    few, many = (held(WORK[work](*labelled(frames))) for frames in (6, 40))
    assert 1 <= many == few <= 3


def test_control_frames_that_are_asked_for_are_held():
    assert held(labelled(12)[0].data) == 12


@pytest.mark.parametrize("work", sorted(WORK))
def test_tasks_of_a_frame(work):
    few, many = (len(WORK[work](*labelled(frames)).__dask_graph__()) for frames in (6, 40))
    assert (many - few) / 34 <= 18
