"""Particles that touch are parted alike, whatever the chunks."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt
from skimage.feature import peak_local_max
from skimage.measure import label
from skimage.morphology import reconstruction
from skimage.segmentation import watershed
from sklearn.metrics import adjusted_rand_score

import pspy_dask as ps
from pspy_dask.blocks.grid import make_grid
from pspy_dask.blocks.images import as_image
from pspy_dask.blocks.tree import sweep_serially
from pspy_dask.datasets import mosaic
from pspy_dask.kernels.parting import SplitRule
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.segmentation.foreground import is_non_zero
from pspy_dask.segmentation.watershed import SplitObjects
from tests.shapes import NAMED, blobs, chunkings


def split(mask, chunks, rule):
    program = SplitObjects(is_non_zero, mask.ndim, rule, np.dtype(np.int32))
    return sweep_serially(mask, make_grid(chunks), program, (0,) * mask.ndim, np.int32)


def in_one_piece(mask, rule):
    return split(mask, tuple((n,) for n in mask.shape), rule)


RULES = st.builds(
    SplitRule,
    separation=st.integers(1, 30),
    erosion=st.sampled_from([0, 0, 1, 2]),
    min_size=st.sampled_from([0, 5]),
    clear_border=st.booleans(),
    steps=st.just((1.0, 1.0, 1.0)),
    budget=st.just(2**20),
    exact=st.just(True),
)


@pytest.mark.parametrize("name", NAMED)
@settings(max_examples=8)
@given(data=st.data(), rule=RULES)
def test_named_shapes_at_any_chunks(name, data, rule):
    mask = NAMED[name]
    chunks = data.draw(chunkings(mask.shape))
    np.testing.assert_array_equal(split(mask, chunks, rule), in_one_piece(mask, rule))


@settings(max_examples=5)
@given(chunkings((120, 120)), RULES)
def test_thousands_of_single_pixels(chunks, rule):
    mask = np.zeros((120, 120), bool)
    mask[1::2, 1::2] = True
    found = split(mask, chunks, rule._replace(min_size=0, clear_border=False))
    assert found.max() == 3600 and (found[mask] == np.arange(1, 3601)).all()
    np.testing.assert_array_equal(split(mask, chunks, rule), in_one_piece(mask, rule))


def test_spheres_that_touch_at_the_corner_of_chunks():
    z, y, x = np.indices((24, 24, 24))
    mask = np.zeros(z.shape, bool)
    for centre in ((6, 6, 6), (17, 17, 17)):  # they meet where eight chunks do
        mask |= sum((a - c) ** 2 for a, c in zip((z, y, x), centre, strict=True)) <= 80
    assert label(mask).max() == 1
    rule = SplitRule(9, 0, 0, False, (1.0, 1.0, 1.0), 2**20, True)
    found = split(mask, ((12, 12),) * 3, rule)
    assert found.max() == 2 and ((found > 0) == mask).all()
    np.testing.assert_array_equal(found, in_one_piece(mask, rule))


@settings(max_examples=15)
@given(st.data(), RULES, st.sampled_from([1.0, 2.2]))
def test_volumes_at_any_chunks(data, rule, step):
    z, y, x = np.indices((9, 17, 19))
    mask = np.zeros(z.shape, bool)
    for centre in ((3, 5, 5), (4, 9, 11), (6, 12, 4), (2, 13, 15)):  # spheres that touch
        mask |= sum((a - c) ** 2 for a, c in zip((z, y, x), centre, strict=True)) <= 16
    rule = rule._replace(steps=(step, 1.0, 1.0))
    chunks = data.draw(chunkings(mask.shape))
    np.testing.assert_array_equal(split(mask, chunks, rule), in_one_piece(mask, rule))


def test_without_the_tree_seams_part_particles():
    mask, rule = blobs(40), SplitRule(5, 0, 0, False, (1.0, 1.0, 1.0), 2**20, True)
    halves = [in_one_piece(half, rule).max() for half in np.split(mask, 2)]
    assert sum(halves) > in_one_piece(mask, rule).max()


@settings(max_examples=15)
@given(chunkings((40, 40)), st.none() | st.integers(1, 60), st.integers(0, 3))
def test_lazy_labels_are_those_of_one_chunk(chunks, separation, erosion):
    mask = blobs(40)
    options = {"separation": separation, "erosion": erosion}
    expected = ps.watershed(mask, **options).values
    lazy = ps.watershed(da.from_array(mask, chunks=chunks), **options)
    np.testing.assert_array_equal(lazy.compute(scheduler="sync"), expected)


def test_in_the_recipe():
    image = mosaic((300, 280))
    recipe = SegmentationParameters(gaussian=2.0, min_size=20, watershed=True)
    parted = ps.segment(image, recipe)
    assert int(parted.max()) > int(ps.segment(image, recipe, watershed=False).max())
    mask = ps.foreground(image, recipe)
    again = ps.watershed(mask, separation=5, min_size=20, clear_border=True)
    np.testing.assert_array_equal(parted, again)
    small = ps.segment(image.copy(data=image.data.rechunk(70)), recipe)
    np.testing.assert_array_equal(parted, small)
    table = ps.region_properties(small, image).compute()
    assert len(table) == int(parted.max())


FACES = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
STEPS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def scikit_image(mask, separation):
    """Return distances, markers and labels as scikit-image makes them in memory."""
    distance = distance_transform_edt(mask)
    footprint = np.ones((separation, separation))
    peaks = peak_local_max(distance, footprint=footprint, labels=label(mask), exclude_border=False)
    marked = np.zeros(mask.shape, bool)
    marked[tuple(peaks.T)] = True
    markers = label(marked)
    return distance, markers, watershed(-distance, markers, mask=mask)


def turns(distance, markers, mask):
    """Return when the flood comes to each pixel: the shallowest water on the best way to it."""
    depth = np.where(mask, -distance, 1.0)
    start = np.where(markers > 0, depth, 1.0)
    return reconstruction(start, depth, method="erosion", footprint=FACES)


def follows_the_rule(labels, turn, markers, mask):
    """Whether each pixel has the label of one of the neighbours that the flood came to first."""
    before = [np.roll(np.pad(turn, 1, constant_values=9.0), s, (0, 1)) for s in STEPS]
    owners = [np.roll(np.pad(labels, 1), s, (0, 1)) for s in STEPS]
    earliest = np.min(before, axis=0)
    ways = [(b == earliest) & (o == np.pad(labels, 1)) for b, o in zip(before, owners, strict=True)]
    reached = np.any(ways, axis=0)[1:-1, 1:-1]
    return reached | (markers > 0) | ~mask | (labels == 0)


@pytest.mark.parametrize("name", ["mosaic", "blobs"])
def test_differs_from_scikit_image_by_ties_alone(name):
    mask = blobs(300)
    if name == "mosaic":
        mask = ps.foreground(mosaic((900, 900)), gaussian=2.0).values
    distance, markers, theirs = scikit_image(mask, 5)
    ours = ps.watershed(mask, separation=5).values
    assert ours.max() == theirs.max() == markers.max()
    hanging = (theirs == 0) & mask  # by corners alone: scikit-image leaves them out
    assert (ours[hanging] > 0).all() and hanging.sum() < 1e-3 * mask.sum()
    inside = mask & ~hanging
    assert adjusted_rand_score(ours[inside], theirs[inside]) >= 0.9995
    turn = turns(distance, markers, mask)
    assert follows_the_rule(theirs, turn, markers, mask).all()
    assert follows_the_rule(np.where(inside, ours, 0), turn, markers, mask).all()
    shuffled = np.where(inside, ours % 7 + 1, 0)  # control: other labels do not
    assert not follows_the_rule(np.roll(shuffled, 1, axis=1) * inside, turn, markers, mask).all()


def test_frames_are_parted_one_by_one():
    frames = np.stack([blobs(30, seed) for seed in range(3)])
    series = xr.DataArray(frames, dims=("t", "y", "x"))
    expected = [ps.watershed(frame, separation=4).values for frame in frames]
    np.testing.assert_array_equal(ps.watershed(series, separation=4), expected)


@pytest.mark.parametrize("steps", [(3, 1, 1), (1, 3, 1), (1, 1, 3), (2, 3, 1), (-2, 1, 1)])
def test_every_pixel_size_counts_in_volumes(steps):
    rng = np.random.default_rng(1)
    mask = np.kron(rng.random((4, 5, 6)) < 0.6, np.ones((4, 4, 4))) > 0
    coords = {d: np.arange(n) * float(s) for d, n, s in zip("zyx", mask.shape, steps, strict=True)}
    found = ps.watershed(xr.DataArray(mask, coords, ("z", "y", "x")), separation=4)
    distance = distance_transform_edt(mask, sampling=np.abs(steps))
    peaks = peak_local_max(
        distance, footprint=np.ones((4, 4, 4)), labels=label(mask), exclude_border=False
    )
    marked = np.zeros(mask.shape, bool)
    marked[tuple(peaks.T)] = True
    assert int(found.max()) == label(marked).max()


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (0.0, "have no shape to measure distances in: assign"),
        (1e300, "have no shape to measure distances in: assign"),
        (np.nan, "the coordinates along z are not evenly spaced"),
    ],
)
def test_pixels_without_a_shape_are_refused(step, said):
    z = np.array([0.0, step])
    volume = xr.DataArray(np.ones((2, 5, 5), bool), {"z": z}, ("z", "y", "x"))
    with pytest.raises(ValueError, match=said):
        ps.watershed(volume)


def test_pixel_sizes_count_in_volumes():
    tall = np.zeros((12, 9, 9), bool)
    tall[1:11, 1:8, 1:8] = True
    tall[5:7] &= np.indices((9, 9)).sum(0) % 9 == 4
    volume = xr.DataArray(tall, dims=("z", "y", "x"))
    scaled = volume.assign_coords(z=np.arange(12) * 5.0, y=np.arange(9.0), x=np.arange(9.0))
    found = ps.watershed(scaled, separation=3).values
    assert ((found > 0) == tall).all()
    assert (found != ps.watershed(volume, separation=3).values).any()


@pytest.mark.parametrize("random_access", [True, False])
def test_recomputing_the_last_pass_changes_nothing(monkeypatch, random_access):
    from pspy_dask.segmentation import labels

    mask = blobs(40)
    expected = ps.watershed(mask, separation=4).values
    monkeypatch.setattr(labels, "_KEEP_PIXELS", 0)
    monkeypatch.setattr(labels, "_SHARE_BYTES", 0)
    image = as_image(mask, chunks=9) if random_access else da.from_array(mask, chunks=9)
    np.testing.assert_array_equal(ps.watershed(image, separation=4), expected)


def test_numbers_of_numpy():
    mask = NAMED["blobs"]
    options = {"separation": 5, "erosion": 1, "min_size": 3, "budget": 5000}
    numpys = {name: np.int64(value) for name, value in options.items()}
    ours, plain = ps.watershed(mask, **numpys), ps.watershed(mask, **options)
    assert ours.data.name == plain.data.name  # the same to dask, and so computed once
    np.testing.assert_array_equal(ours, plain)


def test_what_cannot_be_asked():
    mask = np.ones((5, 5), bool)
    with pytest.raises(ValueError, match=r"^separation is 0"):
        ps.watershed(mask, separation=0)
    with pytest.raises(ValueError, match=r"^erosion is 1\.5"):
        ps.watershed(mask, erosion=1.5)
    with pytest.raises(ValueError, match=r"^erosion is -1"):
        ps.watershed(mask, erosion=-1)
    with pytest.raises(TypeError, match="is of type uint8, not boolean: compare it"):
        ps.watershed(mask.astype(np.uint8))
    with pytest.raises(ValueError, match="chunks of unknown length"):
        unknown = da.from_array(mask, chunks=2)
        ps.watershed(unknown[unknown.all(axis=1)])
    assert int(ps.watershed(mask, separation=99).max()) == 1  # no error


def test_equal_discs_are_parted_at_any_separation():
    y, x = np.indices((40, 90))
    discs = ((x - 20) ** 2 + (y - 20) ** 2 < 200) | ((x - 60) ** 2 + (y - 20) ** 2 < 200)
    mask = discs | (abs(y - 20) < 3) & (x > 20) & (x < 60)
    assert label(mask).max() == 1
    _, markers, _ = scikit_image(mask, 1000)
    assert int(ps.watershed(mask, separation=1000).max()) == markers.max() == 2


def test_small_least_sizes_are_no_separation():
    mask = ps.foreground(mosaic((300, 300)), gaussian=2.0)
    expected = int(ps.watershed(mask, separation=5).max())
    components = int(ps.label(mask).max())
    assert int(ps.watershed(mask, min_size=1).max()) == components < expected
    assert int(ps.watershed(mask, min_size=2, clear_border=False).max()) > 1.2 * expected
    assert int(ps.watershed(mask, min_size=2, separation=5).max()) <= expected
