"""Labels are those of one piece, whatever the chunks."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label as skimage_label
from skimage.morphology import remove_small_objects
from skimage.segmentation import clear_border, relabel_sequential

import pspy_dask as ps
from pspy_dask.blocks.grid import make_grid
from pspy_dask.blocks.images import as_image
from pspy_dask.blocks.tree import sweep_serially
from pspy_dask.segmentation import components
from pspy_dask.segmentation.components import LabelComponents
from pspy_dask.segmentation.foreground import is_non_zero
from tests.shapes import NAMED, N, chunkings

FAST = settings(max_examples=25)


def kept(mask, min_size, border):
    """Label in memory with scikit-image, clear, number again."""
    labels = skimage_label(mask)
    if border:
        labels = clear_border(labels)
    labels = remove_small_objects(labels, max_size=max(0, min_size - 1))
    return relabel_sequential(labels)[0]


@pytest.mark.parametrize("name", NAMED)
@given(data=st.data())
@settings(max_examples=8)
def test_named_shapes(name, data):
    mask = NAMED[name]
    chunks = data.draw(chunkings(mask.shape))
    border, min_size = data.draw(st.booleans()), data.draw(st.integers(0, 12))
    lazy = ps.label(as_image(mask, chunks=chunks), min_size=min_size, clear_border=border)
    np.testing.assert_array_equal(lazy.values, kept(mask, min_size, border))


@given(data=st.data(), seed=st.integers(0, 2**16), density=st.floats(0.05, 0.7))
@FAST
def test_volumes(data, seed, density):
    shape = data.draw(st.tuples(st.integers(1, 7), st.integers(1, 9), st.integers(1, 9)))
    mask = np.random.default_rng(seed).random(shape) < density
    chunks = data.draw(chunkings(shape))
    border, min_size = data.draw(st.booleans()), data.draw(st.integers(0, 5))
    lazy = ps.label(as_image(mask, chunks=chunks), min_size=min_size, clear_border=border)
    plane = mask[0] if shape[0] == 1 else mask  # a volume of one plane is a plane
    expected = kept(plane, min_size, border).reshape(shape)
    np.testing.assert_array_equal(lazy.values, expected)


@given(data=st.data(), seed=st.integers(0, 2**16))
@FAST
def test_dask_array_and_source_agree(data, seed):
    mask = np.random.default_rng(seed).random((19, 23)) < 0.5
    chunks = data.draw(chunkings(mask.shape))
    from_dask = ps.label(da.from_array(mask, chunks=chunks))
    np.testing.assert_array_equal(from_dask.values, skimage_label(mask))


@given(data=st.data(), seed=st.integers(0, 2**16))
@FAST
def test_frames_are_labelled_one_by_one(data, seed):
    series = np.random.default_rng(seed).random((4, 1, 11, 13)) < 0.4
    expected = np.stack([skimage_label(frame[0])[None] for frame in series])
    series_array = da.from_array(series, chunks=(data.draw(st.integers(1, 4)), 1, 5, 6))
    np.testing.assert_array_equal(ps.label(series_array).values, expected)
    np.testing.assert_array_equal(ps.label(as_image(series, chunks=(1, 4, 7))).values, expected)


@given(data=st.data(), seed=st.integers(0, 2**16))
@settings(max_examples=10)
def test_graph_equals_serial_reference(data, seed):
    mask = np.random.default_rng(seed).random((17, 21)) < 0.5
    chunks = data.draw(chunkings(mask.shape))
    program = LabelComponents(is_non_zero, 2, 0, False, np.dtype(np.int32))
    serial = sweep_serially(mask, make_grid(chunks), program, (0, 0), np.int32)
    np.testing.assert_array_equal(serial, ps.label(as_image(mask, chunks=chunks)).values)


def test_control_labels_are_wrong_where_seams_do_not_meet(monkeypatch):
    """It is the merge at the seams that makes one object of what chunks cut."""
    mask = NAMED["spiral"]
    expected = skimage_label(mask)
    np.testing.assert_array_equal(ps.label(as_image(mask, chunks=12)).values, expected)
    monkeypatch.setattr(components, "meet", lambda *arguments: None)
    unmerged = ps.label(as_image(mask, chunks=12)).values
    assert unmerged.max() > expected.max()
    np.testing.assert_array_equal(unmerged > 0, mask)
    np.testing.assert_array_equal(ps.label(as_image(mask, chunks=N)).values, expected)


def test_recomputing_the_last_pass_changes_nothing(monkeypatch):
    from pspy_dask.segmentation import labels

    mask = NAMED["diagonals"]
    monkeypatch.setattr(labels, "_KEEP_PIXELS", 0)
    monkeypatch.setattr(labels, "_SHARE_BYTES", 0)
    for image in (as_image(mask, chunks=9), da.from_array(mask, chunks=9)):
        np.testing.assert_array_equal(ps.label(image).values, skimage_label(mask))


@pytest.mark.parametrize("scheduler", ["threads", "synchronous"])
def test_schedulers_agree(scheduler):
    mask = NAMED["specks"]
    with dask.config.set(scheduler=scheduler):
        labels = ps.label(as_image(mask, chunks=5)).values
    np.testing.assert_array_equal(labels, skimage_label(mask))


def test_window_of_zarr_labels(tmp_path):
    mask = zarr.create_array(tmp_path / "mask.zarr", shape=(29, 29), chunks=(10, 10), dtype=bool)
    mask[:] = NAMED["rings"]
    labels = ps.label(mask)
    assert labels.dims == ("y", "x")
    np.testing.assert_array_equal(labels[3:9, 20:].values, skimage_label(mask[:])[3:9, 20:])


def test_too_many_objects_for_the_type():
    mask = np.zeros((64, 64), bool)
    mask[::2, ::2] = True
    with pytest.raises(OverflowError, match="1024 objects do not fit labels of type uint8"):
        ps.label(mask, dtype=np.uint8).compute()
    assert ps.label(mask, dtype=np.uint16).dtype == np.uint16


def test_floats_cannot_be_labels():
    with pytest.raises(TypeError, match="choose an integer type"):
        ps.label(np.ones((3, 3), bool), dtype=np.float32)


def test_what_describes_classes_does_not_describe_particles():
    classes = as_image(np.array([[1, 2, 1, 2]], np.uint8))
    classes.attrs = {
        "source": "a.tif",
        "class_names": ["a", "b"],
        "colors": [],
        "class_numbers": [],
    }
    for found in (ps.label(classes), ps.watershed(classes > 1)):
        assert found.attrs.keys() - {"watershed_budget"} == {"source"}
    assert "class_names" in classes.attrs
