"""The pixels that a classifier is fitted to: which are drawn, and what is read for them."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.images import as_image, source_image
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels.features import feature_stack
from pspy_dask.pixels.training import (
    Sampling,
    check_training,
    joined_rows,
    point_features,
    training_rows,
)
from tests.counting import Counting
from tests.shapes import chunkings

FEW = FeatureParameters(
    gaussian=0.7,
    difference_of_gaussians=(0.6, 1),
    median=2,
    minimum=2,
    maximum=2,
    sobel=0,
    membrane=(),
)
SHAPES = [(30, 41), (1, 30, 41), (5, 20, 24), (3, 1, 18, 19), (2, 4, 15, 17)]


def noise(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 4000, shape).astype(np.uint16)


def points_of(coordinates, image):
    points = np.zeros((len(coordinates), 4), np.int64)
    for column, dim in zip(coordinates.T, image.dims, strict=True):
        points[:, "tzyx".index(str(dim))] = column
    return points


def some_points(image, count, seed=1):
    lengths = [image.sizes[str(dim)] for dim in image.dims]
    flat = np.random.default_rng(seed).choice(np.prod(lengths), count, replace=False)
    return points_of(np.stack(np.unravel_index(np.sort(flat), lengths), axis=1), image)


def gathered(image, points, parameters=FEW):
    stack = feature_stack(image, parameters)
    return joined_rows(point_features(image, stack, points).compute(scheduler="sync"))


def expected(image, points, parameters=FEW):
    """Features of the whole image, at the points."""
    stack = ps.features(image, parameters).transpose(..., "feature").values
    at = [points[:, "tzyx".index(str(dim))] for dim in image.dims]
    return stack[tuple(at)]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rows_do_not_depend_on_chunks(data):
    shape = data.draw(st.sampled_from(SHAPES))
    chunks = data.draw(chunkings(shape))
    whole = as_image(noise(shape))
    points = some_points(whole, 40)
    found = gathered(as_image(da.from_array(noise(shape), chunks)), points)
    np.testing.assert_array_equal(found.numbers, np.arange(40))
    np.testing.assert_array_equal(found.rows, expected(whole, points))


def test_points_far_apart_are_in_their_order():
    image = as_image(noise((600, 700)))
    points = some_points(image, 200)
    assert len(point_features(image, feature_stack(image, FEW), points)) == 9
    np.testing.assert_array_equal(gathered(image, points).rows, expected(image, points))


def test_a_source_is_read_around_the_points_alone():
    source = Counting(noise((1000, 1200)))
    image = source_image(source, ("y", "x"), chunks=(500, 600))
    points = np.zeros((3, 4), np.int64)
    points[:, 2:] = [[10, 20], [13, 40], [900, 1199]]
    halo = feature_stack(image, FEW).halo[0]
    found = gathered(image, points)
    shapes = sorted(box.shape for box in source.boxes)
    assert shapes == [(1 + 2 * halo, 1 + halo), (4 + 2 * halo, 21 + 2 * halo)]
    np.testing.assert_array_equal(found.rows, expected(as_image(source.array), points))


def test_of_a_dask_array_only_chunks_near_the_points_are_computed():
    seen = []

    def note(block, block_info=None):
        seen.append(block_info[0]["chunk-location"])
        return block

    pixels = da.map_blocks(note, da.from_array(noise((400, 400)), 100), dtype=np.uint16, meta=0)
    points = np.zeros((2, 4), np.int64)
    points[:, 2:] = [[150, 50], [155, 50]]
    seen.clear()
    gathered(as_image(pixels), points)
    assert set(seen) == {(1, 0)}


def test_pixels_without_a_value_or_with_features_beyond_all_bounds_are_left_out():
    steep = noise((20, 20)).astype(np.float32)
    steep[3, 4] = 1e30  # a pixel of single precision, not so the square of its gradient
    assert len(gathered(as_image(steep), some_points(as_image(steep), 400)).numbers) < 400
    pixels = noise((20, 20)).astype(np.float32)
    pixels[3, 4], pixels[5, 5] = np.nan, np.inf
    points = np.zeros((3, 4), np.int64)
    points[:, 2:] = [[3, 4], [4, 4], [5, 5]]
    found = gathered(as_image(pixels), points)
    assert found.numbers.tolist() == [1]
    np.testing.assert_array_equal(found.rows, expected(as_image(pixels), points[1:2]))


ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from([0.0, -0.0, 1.5])), min_size=1
)


def table(rows):
    points = np.zeros((len(rows), 4), np.int64)
    points[:, 3] = [row[0] for row in rows]
    classes = np.array([row[1] for row in rows], np.int32)
    return training_rows(points, classes, np.array([[row[2], 1] for row in rows], np.float32))


def as_rows(training):
    return [
        (*p, c, r.tobytes())
        for p, c, r in zip(training.points.tolist(), training.classes, training.rows, strict=True)
    ]


def latest(*rounds):
    """What holds after some rounds, by plain lists: a round takes away what it has itself."""
    kept = []
    for each in rounds:
        named = {(x, np.float32(value).tobytes()) for x, _, value in each}
        kept = [row for row in kept if (row[0], np.float32(row[2]).tobytes()) not in named] + each
    return kept


@given(ROWS, ROWS, ROWS)
def test_merging_is_associative_and_the_later_is_right(a, b, c):
    one, two, three = map(table, (a, b, c))
    left, right = one.merge(two).merge(three), one.merge(two.merge(three))
    assert as_rows(left) == as_rows(right) == as_rows(table(latest(a, b, c)))


@given(ROWS, st.randoms())
def test_pixels_of_one_round_all_stay_in_an_order_of_their_own(rows, random):
    mixed = rows.copy()
    random.shuffle(mixed)
    assert as_rows(table(rows)) == as_rows(table(mixed))
    assert len(table(rows)) == len(rows)


@given(st.lists(st.integers(1, 500), min_size=2, max_size=6), st.integers(6, 800), st.booleans())
def test_quotas_keep_to_the_limit(counts, most, balanced):
    quotas = Sampling(balanced, most).quotas(counts)
    assert all(1 <= quota <= count for quota, count in zip(quotas, counts, strict=True))
    assert sum(quotas) <= most
    if balanced:
        assert len(set(quotas)) == 1 and (quotas[0] == min(counts) or sum(quotas) > most - 6)
    elif sum(counts) <= most:
        assert quotas == counts
    else:
        for quota, count in zip(quotas, counts, strict=True):
            assert quota == 1 or abs(quota - most * count / sum(counts)) < len(counts)


def some_rows(count=900):
    points = some_points(as_image(noise((50, 60))), count)
    classes = np.where(points[:, 3] > 20, 5, 9).astype(np.int32)
    rows = np.random.default_rng(2).normal(size=(count, 3)).astype(np.float32)
    return training_rows(points, classes, rows)


def test_the_draw_of_several_rounds_hangs_on_seed_place_and_features_alone():
    rows = some_rows()
    drawn = Sampling(most=100).taken(rows)
    assert len(drawn) in (99, 100) and {*as_rows(drawn)} < {*as_rows(rows)}
    assert as_rows(Sampling(most=100).taken(drawn)) == as_rows(drawn)
    assert as_rows(Sampling(most=100, seed=1).taken(rows)) != as_rows(drawn)
    assert {*as_rows(Sampling(most=50).taken(rows))} < {*as_rows(drawn)}
    # Control: at the same places, but in another image.
    other = training_rows(rows.points, rows.classes, rows.rows + 1)
    there = Sampling(most=100).taken(other)
    assert not np.array_equal(there.points, drawn.points)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"most": 1}, "max_pixels is 1: give a whole number, 2 or more"),
        ({"most": 2.5}, "max_pixels is 2.5"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": True}, "seed is True"),
        ({"seed": 2**32}, "give a whole number from 0"),
    ],
)
def test_bad_sampling_is_refused(given_, message):
    with pytest.raises(ValueError, match=message):
        Sampling(**given_)


def test_fewer_pixels_than_classes_are_refused():
    with pytest.raises(ValueError, match="max_pixels is 2 and there are 3 classes"):
        Sampling(most=2).quotas([5, 5, 5])


def test_useless_pixels_are_refused():
    with pytest.raises(ValueError, match="no annotated pixel has a value"):
        check_training(table([(0, 1, 0.0)]).take(np.arange(0)))
    with pytest.raises(ValueError, match="no annotated pixel of class 2 has a value, all or their"):
        check_training(table([(0, 1, 0.0)]), [1, 2])
    with pytest.raises(ValueError, match="scale the image down"):
        check_training(table([(0, 1, np.inf)]))
