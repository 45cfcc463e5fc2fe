"""Components split into objects: as SciPy and scikit-image do it, but for what they leave open."""

from __future__ import annotations

import heapq
import itertools
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import distance_transform_edt, find_objects, maximum_filter
from skimage.feature import peak_local_max
from skimage.measure import label
from skimage.metrics import adapted_rand_error
from skimage.morphology import ball, disk, erosion
from skimage.segmentation import watershed

from pspy_dask.kernels.distance import squared_distances
from pspy_dask.kernels.grouping import group_boxes
from pspy_dask.kernels.maxima import mark_maxima
from pspy_dask.kernels.parting import SplitRule
from pspy_dask.kernels.pieces import ImageRuns
from pspy_dask.kernels.runs import find_runs, label_runs
from pspy_dask.kernels.split import split_components
from tests.shapes import NAMED, blobs

FAST = settings(max_examples=60)
SQUARE = (1.0, 1.0, 1.0)


def volume(mask):
    return mask if mask.ndim == 3 else mask[None]


@st.composite
def masks(draw):
    shape = draw(st.lists(st.integers(1, 12), min_size=2, max_size=3).map(tuple))
    density = draw(st.sampled_from([0.3, 0.6, 0.9]))
    noise = draw(arrays(np.float64, shape, elements=st.floats(0, 1, width=16)))
    return noise < density


def distances(mask, steps):
    block = volume(mask)
    border = [(1, 1) if block.shape[0] > 1 else (0, 0), (1, 1), (1, 1)]
    raster = np.pad(block, border).astype(np.int32)
    squared = np.zeros(raster.size, np.int32 if set(steps) == {1.0} else np.float64)
    found = squared_distances(raster.ravel(), *block.shape, np.array(steps), squared)
    inner = tuple(slice(a, n - b) for (a, b), n in zip(border, raster.shape, strict=True))
    return found, np.sqrt(squared.reshape(raster.shape)[inner].astype(float)).reshape(mask.shape)


@FAST
@given(masks(), st.sampled_from([SQUARE, (2.5, 1.0, 1.0), (0.3, 1.0, 1.7)]))
def test_distances_are_those_of_scipy(mask, steps):
    if mask.ndim == 2:
        steps = SQUARE
    found, ours = distances(mask, steps)
    assert found == (not mask.all())
    if found:
        expected = distance_transform_edt(mask, sampling=steps[3 - mask.ndim :])
        np.testing.assert_allclose(ours, expected, rtol=1e-15 if steps != SQUARE else 0)


@pytest.mark.parametrize("holes", [1, 3, 300])
@pytest.mark.parametrize("shape", [(190, 333), (2, 170, 150)])
def test_near_and_far_distances_are_those_of_scipy(holes, shape):
    rng = np.random.default_rng(holes)
    mask = np.ones(shape, bool)
    mask[tuple(rng.integers(0, n, holes) for n in shape)] = False
    mask[..., : shape[-2] // 2, :40] &= rng.random((shape[-2] // 2, 40)) < 0.7
    expected = distance_transform_edt(mask)
    assert (expected.max() > 64) == (holes < 30)
    np.testing.assert_array_equal(distances(mask, SQUARE)[1], expected)


def objects(mask, separation, **rule):
    """Split every component; return labels in raster order of the first pixels."""
    block = volume(mask)
    runs = find_runs(block)
    component = label_runs(runs, block.shape[0])
    rows = np.repeat(np.arange(len(runs.starts) - 1), np.diff(runs.starts))
    whole = ImageRuns(rows, runs.first.astype(np.int64), runs.stop.astype(np.int64))
    everything = np.arange(component.max() + 1 if component.size else 0)
    options = {"erosion": 0, "min_size": 0, "clear_border": False, "steps": SQUARE} | rule
    options = {"budget": 2**20, "exact": False} | options
    pieces, _ = split_components(
        whole, component, everything, block.shape, SplitRule(separation, **options)
    )
    painted = np.zeros((len(runs.starts) - 1, block.shape[2]), np.int64)
    for row, first, stop, owner in zip(*pieces[:4], strict=True):
        painted[row, first:stop] = owner + 1
    return painted.reshape(mask.shape)


def peaks(mask, separation):
    """Return where scikit-image finds maxima."""
    footprint = np.ones((separation,) * mask.ndim)
    found = peak_local_max(
        distance_transform_edt(mask), footprint=footprint, labels=label(mask), exclude_border=False
    )
    marked = np.zeros(mask.shape, bool)
    marked[tuple(found.T)] = True
    return marked


def theirs(mask, separation):
    """Return scikit-image's markers and objects, but that it drops no maximum.

    Of a component all of whose pixels are maxima it keeps those alone that opening takes off.
    """
    distance, components = distance_transform_edt(mask), label(mask)
    marked = peaks(mask, separation)
    for k in range(1, components.max() + 1):
        own = components == k
        highest = maximum_filter(np.where(own, distance, 0), separation, mode="constant")
        if (highest == distance)[own].all():
            marked |= own
    markers = label(marked)
    return markers, watershed(-distance, markers, mask=mask)


@FAST
@given(masks(), st.integers(1, 9))
def test_as_many_objects_as_scikit_image_finds(mask, separation):
    found = objects(mask, separation)
    assert ((found > 0) == mask).all()
    if not mask.all():  # SciPy's distance is undefined without background
        assert found.max(initial=0) == theirs(mask, separation)[0].max(initial=0)


def test_a_component_of_maxima_alone_is_one_object():
    mask = np.ones((3, 3), bool)
    mask[0, 0] = False
    distance = distance_transform_edt(mask)
    assert (maximum_filter(distance, 2) == distance)[mask].all()
    assert label(peaks(mask, 2)).max() == 3  # scikit-image keeps the corners
    assert objects(mask, 2).max() == 1


@FAST
@given(masks(), st.integers(1, 9))
def test_objects_are_connected_and_in_raster_order(mask, separation):
    found = objects(mask, separation)
    numbers, firsts = np.unique(found[found > 0], return_index=True)
    assert numbers.tolist() == list(range(1, len(numbers) + 1))
    assert (np.diff(firsts) > 0).all()
    assert all(label(found == k).max() == 1 for k in numbers)


def by_heap(mask, separation):
    """Split by the rule of the flood in plain words: a queue ordered by depth, then by arrival."""
    markers, _ = theirs(mask, separation)
    depth = np.rint(distance_transform_edt(mask) ** 2)
    labels, arrivals = markers.copy(), itertools.count()
    front = [(-depth[p], next(arrivals), p) for p in zip(*np.nonzero(markers), strict=True)]
    heapq.heapify(front)
    while front:
        turn, _, (y, x) = heapq.heappop(front)
        for near in ((y - 1, x), (y, x - 1), (y, x + 1), (y + 1, x)):
            inside = all(0 <= a < n for a, n in zip(near, mask.shape, strict=True))
            if inside and mask[near] and not labels[near]:
                labels[near] = labels[y, x]
                heapq.heappush(front, (max(turn, -depth[near]), next(arrivals), near))
    return labels


@pytest.mark.parametrize("separation", [1, 4, 9])
@pytest.mark.parametrize("seed", range(6))
def test_the_rule_among_equals_is_the_documented_one(seed, separation):
    mask = blobs(70, seed) if seed % 2 else np.kron(blobs(14, seed), np.ones((5, 5))) > 0
    expected, found = by_heap(mask, separation), objects(mask, separation)
    reached = expected > 0  # not those that hang on by corners
    pairs = np.unique(np.stack((expected[reached], found[reached])), axis=1)
    assert len(pairs[0]) == len(np.unique(pairs[0])) == len(np.unique(pairs[1]))


@settings(max_examples=20)
@given(st.integers(40, 90), st.integers(65, 130), st.integers(0, 99))
def test_large_footprints_find_the_same_markers(side, separation, seed):
    mask = blobs(side, seed)
    if seed % 2:
        mask = ~mask
    assert objects(mask, separation).max() == theirs(mask, separation)[0].max()


def plateaus(name):
    """Return components that are one pixel thick, but for one place that is thicker."""
    if name == "sheets":
        mask = np.zeros((40, 40, 40), bool)
        mask[::2] = mask[:, 0] = mask[9:14, 20:25, 20:25] = True
        return mask
    if name == "comb":
        mask = np.zeros((200, 200), bool)
        mask[:, ::2] = mask[-1] = mask[50:55, 50:55] = True
        return mask
    y, x = np.indices((160, 160)) - 80
    round_, beside = np.maximum(abs(y), abs(x)) % 8, (abs(y - 3) < 3) & (x > 0)
    return (round_ == 0) | (beside & (abs(round_ - 4) > 2))


@pytest.mark.parametrize("separation", [5, 20, 63, 64, 500])
@pytest.mark.parametrize("name", ["sheets", "comb", "rings"])
def test_the_search_for_maxima_costs_a_few_looks_a_pixel(name, separation):
    mask = plateaus(name)
    components, squared = label(mask), np.rint(distance_transform_edt(mask) ** 2)
    padded, depths = (np.pad(a, 1).astype(np.int32).ravel() for a in (components, squared))
    found, members = np.zeros_like(padded), int(components.max())
    looks = mark_maxima(padded, members, depths, *volume(mask).shape, separation, found)
    inner = found.reshape([n + 2 for n in mask.shape])[(slice(1, -1),) * mask.ndim]
    np.testing.assert_array_equal(inner != 0, peaks(mask, separation))
    boxes = sum(mask[box].size for box in find_objects(components))
    assert (members > 1) == (name == "rings")
    assert looks <= 49 * (mask.size + (members > 1) * boxes)
    if separation == 500:  # control: to search from every pixel takes many times as much
        assert looks < mask.sum() * mask.size / 20


def test_discs_that_touch_are_parted_where_scikit_image_parts_them():
    y, x = np.indices((60, 150))
    mask = np.zeros((60, 150), bool)
    for centre, radius in ((25, 18), (58, 21), (95, 15), (120, 20)):
        mask |= (y - 30) ** 2 + (x - centre) ** 2 < radius**2
    _, expected = theirs(mask, 15)
    found = objects(mask, 15)
    assert found.max() == expected.max() == 4
    # numbers differ: theirs follow the markers, ours the first pixels
    assert adapted_rand_error(expected, found)[0] < 1e-3


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("separation", [1, 4, 50])
def test_nothing_of_the_foreground_is_lost(name, separation):
    assert ((objects(NAMED[name], separation) > 0) == NAMED[name]).all()


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_erosion_is_by_a_disk_or_ball(radius):
    mask = blobs(60)
    eroded = erosion(mask, disk(radius))
    distance = distance_transform_edt(eroded)
    footprint = np.ones((5, 5))
    found = peak_local_max(distance, footprint=footprint, labels=label(mask), exclude_border=False)
    marked = np.zeros(mask.shape, bool)
    marked[tuple(found.T)] = True
    gone = set(np.unique(label(mask))) - set(np.unique(label(mask)[marked])) - {0}
    assert gone  # such components keep one label
    assert objects(mask, 5, erosion=radius).max() == label(marked).max() + len(gone)
    solid = np.pad(np.ones((9, 9, 9), bool), 1)
    assert erosion(solid, ball(radius)).any()
    assert ((objects(solid, 3, erosion=radius) > 0) == solid).all()


def test_an_image_without_background_is_measured_to_its_outside():
    assert objects(np.ones((9, 31), bool), 40).max() == 1
    assert objects(np.ones((4, 4, 4), bool), 40).max() == 1


def test_what_hangs_on_by_a_corner_stays():
    mask = np.zeros((8, 8), bool)
    mask[1:5, 1:5] = mask[5, 5] = mask[6, 6] = True
    assert objects(mask, 20).max() == 1
    assert ((objects(mask, 20) > 0) == mask).all()


def test_objects_on_every_face_of_a_volume_are_dropped():
    for axis in range(3):
        for end in (0, -1):
            mask = np.zeros((9, 9, 9), bool)
            mask[3:6, 3:6, 3:6] = True
            place = [4, 4, 4]
            place[axis] = end
            mask[tuple(place)] = True
            assert objects(mask, 3).max() == 2
            assert objects(mask, 3, clear_border=True).max() == 1


def test_small_objects_and_those_on_the_border_are_dropped():
    mask = np.zeros((20, 30), bool)
    mask[2:6, 2:6] = mask[10, 10] = mask[15:20, 20:25] = True
    assert objects(mask, 9).max() == 3
    assert objects(mask, 9, min_size=2).max() == 2
    assert objects(mask, 9, min_size=2, clear_border=True).max() == 1
    assert objects(mask, 9, min_size=17).max() == 1


def test_distances_are_right_in_long_thin_shapes():
    mask = np.ones((1, 1, 50_000), bool)  # their squares pass 32 bits
    mask[0, 0, 49_000] = False
    found = objects(mask[0], 20)
    assert found.max() == 2 and found[0, 0] == 1 and found[0, -1] == 2


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.sampled_from([50, 2000, 10**6]))
def test_boxes_that_share_a_raster_keep_to_the_budget(seed, budget):
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 40, (30, 3)) * [0, 1, 1]
    high = low + rng.integers(1, 40, (30, 3)) * [0, 1, 1] + [1, 0, 0]
    groups = group_boxes(low, high, budget)
    assert sorted(groups.order) == list(range(30)) and groups.starts[-1] == 30
    for a, b in pairwise(groups.starts):
        members = groups.order[a:b]
        size = (high[members].max(axis=0) - low[members].min(axis=0)).prod()
        assert b - a == 1 or size <= budget
