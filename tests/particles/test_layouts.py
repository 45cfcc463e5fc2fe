"""Series, planes in volumes, files read at random, several processes: the same table."""

from __future__ import annotations

import pickle
import subprocess
import sys
from math import prod

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest
from skimage.measure import label as skimage_label

import pspy_dask as ps
from pspy_dask.blocks.images import as_image
from pspy_dask.blocks.sources import lazy_array
from pspy_dask.particles import properties as rooms
from pspy_dask.particles.catalogue import choose
from pspy_dask.particles.measure import MeasureRegions
from tests.particles.test_particle_list import Counting
from tests.shapes import NAMED

MASK = NAMED["blobs"]
IMAGE = np.random.default_rng(0).normal(50, 9, MASK.shape).astype(np.float32)


def everything(labels, image, **options):
    table = ps.region_properties(labels, image, properties="all", **options).compute()
    return table.reset_index(drop=True)


def same(one, two):
    pd.testing.assert_frame_equal(one, two, check_exact=True)


WHOLE = skimage_label(MASK)


def test_connected_labels_of_ours():
    labels = ps.label(as_image(MASK, chunks=5))
    same(everything(labels, IMAGE), everything(WHOLE, IMAGE))


def test_a_volume_of_one_plane_is_a_plane():
    lazy = da.from_array(WHOLE[None], chunks=(1, 6, 7))
    same(everything(lazy, IMAGE[None], connected=True), everything(WHOLE, IMAGE))


def test_frames_do_not_see_each_other():
    series, images = np.stack([WHOLE, WHOLE.T]), np.stack([IMAGE, IMAGE * 2])
    lazy = as_image(da.from_array(series[:, None], chunks=(2, 1, 9, 8)))
    table = everything(lazy, images[:, None], connected=True)
    for frame, rows in table.groupby("frame"):
        alone = everything(series[frame], images[frame])
        alone.insert(0, "frame", frame)
        same(
            rows.sort_values("label", ignore_index=True),
            alone.sort_values("label", ignore_index=True),
        )


def test_chunks_read_twice(monkeypatch):
    once = everything(ps.label(as_image(MASK, chunks=7)), IMAGE)
    chunks = as_image(WHOLE, chunks=7).data.chunks
    for most, times in ((2**28, 1), (0, 2)):
        monkeypatch.setattr(rooms, "_KEEP_PIXELS", most)
        labels, image = Counting(WHOLE), Counting(IMAGE)
        lazy = [as_image(lazy_array(source, chunks)) for source in (labels, image)]
        same(everything(*lazy, connected=True), once)
        expected = times * prod(map(len, chunks))
        assert len(labels.reads) == len(image.reads) == expected


def test_programs_travel():
    form = rooms.table_form(as_image(WHOLE), IMAGE.dtype)
    program = MeasureRegions(form, choose("all", form), True)
    assert pickle.loads(pickle.dumps(program)) == program
    tables = [ps.region_properties(WHOLE, IMAGE, properties="all") for _ in range(2)]
    assert tables[0].dask.keys() == tables[1].dask.keys()


@pytest.mark.parametrize("dtype", [None, "u1", "i8", "f4"])
@pytest.mark.parametrize("axes", [2, 3])
def test_types_of_columns_are_known_before_any_is_made(axes, dtype):
    labels = np.pad(np.ones((2,) * axes, int), 1)
    image = None if dtype is None else labels.astype(dtype)
    lazy = ps.region_properties(labels, image, properties="all")
    made = lazy.compute()
    assert len(made) == 1
    pd.testing.assert_series_equal(lazy.dtypes, made.dtypes)


NOTHING_COMPILED = """
import gc
import numpy as np
from numba.core.dispatcher import Dispatcher
import pspy_dask as ps

labels = np.pad(np.ones((3, 3), int), 1)
for axes in (2, 3):
    lazy = ps.region_properties(labels, labels * 0.5, properties="all")
    labels = np.stack([labels, labels])
kernels = [kernel for kernel in gc.get_objects() if isinstance(kernel, Dispatcher)]
assert len(kernels) > 20
print(*(kernel.py_func.__name__ for kernel in kernels if kernel.signatures))
lazy.compute()
print(any(kernel.signatures for kernel in kernels))
"""


def test_a_lazy_table_compiles_nothing():
    done = subprocess.run(
        [sys.executable, "-c", NOTHING_COMPILED], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["", "True"]


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_schedulers(scheduler):
    lazy = da.from_array(WHOLE, chunks=9)
    names = ["solidity", "moments_hu", "intensity_median", "local_background", "perimeter"]
    table = ps.region_properties(lazy, IMAGE, properties=names, connected=True)
    with dask.config.set(scheduler="synchronous"):
        one = table.compute()
    with dask.config.set(scheduler=scheduler, num_workers=2):
        same(table.compute(), one)


def test_sums_beyond_the_floats_are_infinite():
    labels = np.ones((1, 3), int)
    image = np.array([[1e308, 1e308, -5e307]])
    row = everything(labels, image).iloc[0]
    assert row["intensity_sum"] == 1.5e308 and row["intensity_mean"] == 5e307
    row = everything(labels, np.abs(image) * 1.5).iloc[0]
    assert row["intensity_sum"] == np.inf and row["intensity_mean"] == pytest.approx(1.25e308)


def test_weights_that_cancel_have_no_centroid():
    labels = np.array([[1, 1, 0], [2, 2, 2]])
    for dtype in ("i2", "f4"):
        image = np.array([[3, -3, 0], [-1, -1, -2]]).astype(dtype)
        table = everything(labels, image)
        assert np.isnan(table["centroid_weighted_x"][0])
        assert table["centroid_weighted_x"][1] == 1.25
        assert table["moments_weighted_0_1"].tolist() == [-3, -5]
