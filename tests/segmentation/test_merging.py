"""Partial results of windows merge to one result, in whatever order and tree they meet."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pspy_dask.blocks.grid import make_grid
from pspy_dask.blocks.windows import Window
from pspy_dask.parameters import GLOBAL_METHODS
from pspy_dask.segmentation.filters import Filters
from pspy_dask.segmentation.thresholds import (
    FloatMean,
    FloatThreshold,
    IntegerThreshold,
    RangeReducer,
)
from tests.shapes import blobs, chunkings

SIZE = 24
FILTERS = Filters(invert=False, rolling_ball=0, gaussian=0.0)
SMOOTH = Filters(invert=True, rolling_ball=3, gaussian=0.8)


def picture(dtype):
    rng = np.random.default_rng(11)
    image = rng.normal(100 + 90 * blobs(SIZE), 9).clip(0, 255).astype(dtype)
    if image.dtype.kind == "f":
        image *= 10.0 ** rng.integers(-9, 9, image.shape)  # sums that rounding would change
        image[3, 4:7], image[20, 0] = np.nan, np.inf
    return image


def partials(image, reducer, chunks, values):
    """Return the partial results of all windows."""
    grid = make_grid(chunks)
    for index in grid.nodes(0):
        core = grid.box(0, index)
        outer = core.grow((reducer.filters.halo,) * 2, grid.shape)
        window = Window(core, outer, grid.shape, None)
        yield reducer.partial(image[outer.slices], window, *values)


def merged(reducer, parts, chance):
    """Merge any two, again and again: every order and every tree."""
    parts = list(parts)
    while len(parts) > 1:
        one, other = (parts.pop(chance.randrange(len(parts))) for _ in "ab")
        parts.append(reducer.merge(one, other))
    return reducer.finish(parts[0])


def check(image, reducer, data, values=()):
    whole = ((SIZE,), (SIZE,))
    expected = merged(reducer, partials(image, reducer, whole, values), random.Random())
    parts = list(partials(image, reducer, data.draw(chunkings(image.shape)), values))
    for seed in range(3):
        found = merged(reducer, parts, random.Random(seed))
        assert found.dtype == expected.dtype == np.float64
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("filters", [FILTERS, SMOOTH])
@settings(max_examples=8)
@given(st.data(), st.sampled_from(["f4", "f8"]))
def test_range_mean_and_float_thresholds(filters, data, dtype):
    image = picture(dtype)
    check(image, RangeReducer(filters), data)
    check(image, FloatMean(filters), data)
    (part,) = partials(image, RangeReducer(filters), ((SIZE,), (SIZE,)), ())
    limits = RangeReducer(filters).finish(part)
    check(image, FloatThreshold(filters, "otsu"), data, (limits,))


@pytest.mark.parametrize("method", [m for m in GLOBAL_METHODS if m != "minimum"])
@settings(max_examples=5)
@given(st.data(), st.sampled_from(["u1", "u2", "i2", "i4"]))
def test_integer_thresholds(method, data, dtype):
    check(picture(dtype), IntegerThreshold(FILTERS, method), data)


@settings(max_examples=5)
@given(st.data())
def test_grey_levels_between_limits(data):
    reducer = IntegerThreshold(FILTERS, "otsu")
    check(picture("u2"), reducer, data, (np.array([20.0, 200.0]),))


def test_control_rounded_sums_depend_on_the_order():
    """Were sums rounded in between, this image would show it."""
    image = picture("f8")
    values = image[np.isfinite(image)]
    assert len({float(np.sum(np.random.default_rng(k).permutation(values))) for k in range(9)}) > 1


def test_control_windows_without_halo_are_seen():
    image, reducer = picture("u2"), IntegerThreshold(SMOOTH, "mean")
    grid = make_grid(((8,) * 3, (8,) * 3))
    boxes = [grid.box(0, index) for index in grid.nodes(0)]
    windows = [(image[box.slices], Window(box, box, grid.shape, None)) for box in boxes]
    cut = merged(FloatMean(SMOOTH), [FloatMean(SMOOTH).partial(*w) for w in windows], random)
    (whole,) = partials(image, FloatMean(SMOOTH), ((SIZE,), (SIZE,)), ())
    assert reducer.filters.halo > 0 and cut != FloatMean(SMOOTH).finish(whole)
