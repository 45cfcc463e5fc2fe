"""Objects dropped from labels are judged whole, and the others keep their labels."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label as skimage_label
from skimage.morphology import remove_small_objects
from skimage.segmentation import clear_border

import pspy_dask as ps
from pspy_dask.blocks.images import as_image
from tests.shapes import NAMED, chunkings

FAST = settings(max_examples=20)


@given(data=st.data(), name=st.sampled_from(sorted(NAMED)), least=st.integers(0, 30))
@FAST
def test_connected_labels(data, name, least):
    mask = NAMED[name]
    labels = ps.label(as_image(mask, chunks=data.draw(chunkings(mask.shape))))
    expected = skimage_label(mask)
    np.testing.assert_array_equal(ps.clear_border(labels).values, clear_border(expected))
    np.testing.assert_array_equal(
        ps.remove_small_objects(labels, least).values,
        remove_small_objects(expected, max_size=max(0, least - 1)),
    )


def whole_cleared(labels):
    """Clear every label that has a pixel on the border, in all of its pieces."""
    inner = np.zeros(labels.shape, bool)
    inner[1:-1, 1:-1] = True
    return np.where(np.isin(labels, labels[~inner]), 0, labels)


@given(data=st.data(), seed=st.integers(0, 2**16), least=st.integers(0, 12))
@FAST
def test_any_labels_in_several_pieces(data, seed, least):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((14, 17)) < 0.3, rng.integers(1, 40, (14, 17)) * 10**5, 0)
    chunks = data.draw(chunkings(labels.shape))
    for image in (as_image(labels, chunks=chunks), da.from_array(labels, chunks=chunks)):
        np.testing.assert_array_equal(ps.clear_border(image).values, whole_cleared(labels))
        np.testing.assert_array_equal(
            ps.remove_small_objects(image, least).values,
            remove_small_objects(labels, max_size=max(0, least - 1)),
        )


def test_frames_and_volumes():
    rng = np.random.default_rng(3)
    series = np.stack([skimage_label(frame) for frame in rng.random((3, 4, 8, 9)) < 0.15])
    lazy = ps.clear_border(as_image(series, chunks=(2, 3, 5)))
    np.testing.assert_array_equal(lazy.values, np.stack([clear_border(v) for v in series]))


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_a_size_of_numpy(kind):
    labels = np.array([[1, 1, 0], [0, 0, 2]])
    assert ps.remove_small_objects(labels, kind(2)).values.max() == 1


def test_bad_input():
    for size in (True, np.True_, 2.0, "2"):
        with pytest.raises(ValueError, match=r"min_size is .*: give a whole number"):
            ps.remove_small_objects(np.zeros((3, 3), int), size)
    with pytest.raises(ValueError, match="min_size is -1: give a whole number"):
        ps.remove_small_objects(np.zeros((3, 3), int), -1)
    with pytest.raises(ValueError, match="not integers: label the mask first"):
        ps.clear_border(np.zeros((3, 3)))
