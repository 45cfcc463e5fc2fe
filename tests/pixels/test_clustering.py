"""Clusters are those of the whole image in memory, whatever the chunks."""

from __future__ import annotations

import pickle
from functools import reduce

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage import data, filters, morphology
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    AgglomerativeClustering,
    Birch,
    BisectingKMeans,
    KMeans,
    MiniBatchKMeans,
)
from sklearn.linear_model import LinearRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KDTree, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

import pspy_dask as ps
from pspy_dask.blocks.grid import Box, make_grid
from pspy_dask.blocks.images import source_image
from pspy_dask.blocks.sampling import SampleLaw
from pspy_dask.blocks.windows import Window
from pspy_dask.kernels.coordinate_hash import coordinate_hashes
from pspy_dask.pixels.cluster_fit import complaint_of, fit_clusters
from pspy_dask.pixels.clusterers import Clusterer, ClusterModel, make_clusterer
from pspy_dask.pixels.density import dbscan_of
from pspy_dask.pixels.features import feature_stack
from pspy_dask.pixels.survey import Survey, SurveyOfPixels
from tests.counting import Counting
from tests.shapes import chunkings

SOME = ps.FeatureParameters(
    gaussian=(1, 2), difference_of_gaussians=(1, 3), median=None, minimum=2, maximum=None,
    sobel=0, membrane=None,
)  # fmt: skip
SMOOTH = ps.FeatureParameters(
    gaussian=1, difference_of_gaussians=None, median=None, minimum=None, maximum=None, sobel=None,
    membrane=None,
)  # fmt: skip
SHAPE = (150, 141)  # more than one tile each way


def discs(shape=SHAPE, seed=0):
    """Bright discs of two kinds on a dark background."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape[-2:])
    truth = np.zeros(shape[-2:], np.int64)
    for kind in (1, 2) * 6:
        cy, cx, r = rng.integers(0, shape[-2]), rng.integers(0, shape[-1]), rng.integers(6, 14)
        truth[(y - cy) ** 2 + (x - cx) ** 2 <= r * r] = kind
    pixels = np.array([60, 130, 220])[truth] + rng.normal(0, 8, shape[-2:])
    return pixels.clip(0, 255).astype(np.uint8), truth


IMAGE, TRUTH = discs()
HOLED = IMAGE.astype(np.float32)
HOLED[20:50, 60:90], HOLED[100, 100] = np.nan, np.inf
ESTIMATORS = {
    "kmeans": KMeans(2, random_state=5),
    "minibatch_kmeans": MiniBatchKMeans(2, random_state=5),
    "gaussian_mixture": GaussianMixture(2, random_state=5),
    "birch": Birch(n_clusters=2),
    "hdbscan": None,
    "dbscan": None,
}
FEW = {"features": SOME, "n_samples": 300, "seed": 5}


def computed(images):
    return [each.compute(scheduler="sync").values for each in images]


# -- chunks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ESTIMATORS)
@settings(max_examples=8)
@given(chunks=chunkings((5, 6)), random_access=st.booleans())
def test_chunks_leave_no_trace(estimator, chunks, random_access):
    lengths = tuple(scaled(c, n) for c, n in zip(chunks, SHAPE, strict=True))
    if random_access:
        image = source_image(Counting(HOLED), ("y", "x"), chunks=lengths)
    else:
        image = da.from_array(HOLED, chunks=lengths) + 0
    numbers = ps.cluster(image, estimator, **FEW)
    assert numbers.data.chunks == lengths
    np.testing.assert_array_equal(numbers.compute(scheduler="sync"), whole(estimator))


def scaled(lengths, n):
    """Stretch chunk lengths of a small axis to one of n pixels; the last takes the rest."""
    wide = [length * (n // sum(lengths)) for length in lengths]
    return (*wide[:-1], n - sum(wide[:-1]))


KEPT = {}


def whole(estimator):
    if estimator not in KEPT:
        KEPT[estimator] = ps.cluster(HOLED, estimator, **FEW).compute(scheduler="sync").values
    return KEPT[estimator]


SERIES = np.stack([discs((70, 60), seed)[0] for seed in range(3)])


@pytest.mark.parametrize("fit", ["series", "image"])
@settings(max_examples=8)
@given(chunks=chunkings(SERIES.shape))
def test_chunks_of_a_series_leave_no_trace(fit, chunks):
    lengths = (
        chunks[0],
        *(scaled(c, n) for c, n in zip(chunks[1:], SERIES.shape[1:], strict=True)),
    )
    if max(map(len, lengths)) > 8:
        lengths = (lengths[0], (31, 39), (60,))
    image = xr.DataArray(da.from_array(SERIES, chunks=lengths), dims=("t", "y", "x"))
    numbers = ps.cluster(image, fit=fit, **FEW).compute(scheduler="sync")
    np.testing.assert_array_equal(numbers, series(fit))


def series(fit):
    if fit not in KEPT:
        image = xr.DataArray(SERIES, dims=("t", "y", "x"))
        KEPT[fit] = ps.cluster(image, fit=fit, **FEW).compute(scheduler="sync").values
    return KEPT[fit]


@pytest.mark.parametrize("estimator", ["gaussian_mixture", "kmeans"])
def test_threads_leave_no_trace(estimator):
    image = da.from_array(HOLED, chunks=(64, 50))
    numbers = ps.cluster(image, estimator, **FEW).compute(scheduler="threads", num_workers=2)
    np.testing.assert_array_equal(numbers, whole(estimator))


@pytest.mark.parametrize("estimator", ["kmeans", "hdbscan"])
def test_tasks_travel(estimator):
    """Every task is what another process makes of it."""
    lazy = ps.cluster(da.from_array(HOLED, chunks=(64, 50)), estimator, **FEW).data

    tasks = dict(lazy.__dask_graph__()).items()
    graph = {key: pickle.loads(pickle.dumps(task)) for key, task in tasks}
    there = da.Array(graph, lazy.name, lazy.chunks, lazy.dtype)
    np.testing.assert_array_equal(there.compute(scheduler="sync"), whole(estimator))


def surveyed(pixels, box, law, first=0):
    stack = feature_stack(xr.DataArray(pixels, dims=("y", "x")), SOME)
    outer = box.grow(stack.halo, pixels.shape)
    window = Window(box, outer, pixels.shape, None)
    return SurveyOfPixels(stack, law, first)(pixels[outer.slices], window)


def alike(a: Survey, b: Survey):
    sums = (a.count, a.sums, a.squares) == (b.count, b.sums, b.squares)
    pairs = ((getattr(a.sample, k), getattr(b.sample, k)) for k in ("hashes", "places", "rows"))
    return sums and all(np.array_equal(*pair) for pair in pairs)


SMALL = HOLED[10:40, 50:85]
LAW = SampleLaw(2, 30, SMALL.size)


@settings(max_examples=20)
@given(chunkings(SMALL.shape).filter(lambda c: len(c[0]) * len(c[1]) < 60), st.randoms())
def test_surveys_merge_in_any_order(chunks, random):
    grid = make_grid(chunks)
    parts = [surveyed(SMALL, grid.box(0, index), LAW) for index in grid.nodes(0)]
    random.shuffle(parts)
    all_at_once = surveyed(SMALL, Box((0, 0), SMALL.shape), LAW)
    assert alike(reduce(Survey.merge, parts), all_at_once)
    half = len(parts) // 2
    if half:
        left, right = (reduce(Survey.merge, some) for some in (parts[:half], parts[half:]))
        assert alike(left.merge(right), all_at_once) and alike(right.merge(left), all_at_once)


# -- scikit-image and scikit-learn in memory ------------------------------------------------------


def features_in_memory(pixels):
    image = pixels.astype(np.float32)
    smooth = {s: filters.gaussian(image, s, mode="nearest", preserve_range=True) for s in (1, 2, 3)}
    disk = morphology.disk(2)
    planes = [smooth[1], smooth[2], smooth[1] - smooth[3]]
    planes += [morphology.erosion(image, disk, mode="ignore"), filters.sobel(image)]
    return np.stack(planes, axis=-1).astype(np.float32).reshape(-1, len(planes))


def sampled(shape, size, seed):
    """Return the flat indices of the sample by sorting the hashes of all pixels."""
    hashes = coordinate_hashes(seed, 0, (0, 0), shape).reshape(-1)
    return np.sort(np.argsort(hashes, kind="stable")[:size])


def ordered(labels, of_sample, intensity):
    """Return numbers from 1 in the order of mean intensity; noise is 0."""
    found = np.unique(of_sample[of_sample >= 0])
    found = sorted(found, key=lambda k: intensity[of_sample == k].mean())
    numbers = np.zeros(labels.shape, np.int64)
    for number, label in enumerate(found, start=1):
        numbers[labels == label] = number
    return numbers


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize(
    "estimator", ["kmeans", "minibatch_kmeans", "gaussian_mixture", "birch", BisectingKMeans()]
)
def test_labels_are_those_of_scikit_learn(estimator, n):
    rows = StandardScaler().fit_transform(features_in_memory(IMAGE).astype(np.float64))
    at = sampled(SHAPE, 3000, 11)
    reference = {
        "kmeans": KMeans(n, random_state=11),
        "minibatch_kmeans": MiniBatchKMeans(n, random_state=11),
        "gaussian_mixture": GaussianMixture(n, random_state=11),
        "birch": Birch(n_clusters=n),
    }.get(str(estimator), BisectingKMeans(n, random_state=11))
    reference.fit(rows[at])
    expected = ordered(
        reference.predict(rows), reference.predict(rows[at]), IMAGE.reshape(-1)[at].astype(float)
    )
    numbers = ps.cluster(IMAGE, estimator, n_clusters=n, features=SOME, n_samples=3000, seed=11)
    assert numbers.dtype == np.uint8
    np.testing.assert_array_equal(numbers.values.reshape(-1), expected)


@pytest.mark.parametrize(
    "estimator",
    [DBSCAN(eps=0.6, min_samples=8), HDBSCAN(min_cluster_size=30, copy=True),
     AgglomerativeClustering(3)],
    ids=lambda e: type(e).__name__,
)  # fmt: skip
@pytest.mark.parametrize("noise", ["nearest", "zero"])
def test_those_that_cannot_predict_are_carried_to_the_nearest(estimator, noise):
    rows = StandardScaler().fit_transform(features_in_memory(IMAGE).astype(np.float64))
    at = sampled(SHAPE, 1000, 0)
    of_sample = estimator.fit_predict(rows[at])
    kept = np.flatnonzero(of_sample >= 0) if noise == "nearest" else np.arange(1000)
    nearest = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(rows[at][kept])
    labels = of_sample[kept][nearest.kneighbors(rows)[1][:, 0]]
    expected = ordered(labels, of_sample, IMAGE.reshape(-1)[at].astype(float))
    numbers = ps.cluster(IMAGE, estimator, features=SOME, n_samples=1000, noise=noise)
    assert len(np.unique(expected)) > 2
    assert (expected == 0).any() == (noise == "zero" and (of_sample < 0).any())
    np.testing.assert_array_equal(numbers.values.reshape(-1), expected)


def test_mean_and_deviation_are_those_of_all_pixels():
    rows = ps.features(HOLED, SOME).values.reshape(5, -1).T.astype(np.float64)
    scaler = StandardScaler().fit(rows[np.isfinite(HOLED).reshape(-1)])
    mean, deviation = surveyed(HOLED, Box((0, 0), SHAPE), LAW).mean_and_deviation()
    np.testing.assert_allclose(mean, scaler.mean_, rtol=1e-13)
    np.testing.assert_allclose(deviation, scaler.scale_, rtol=1e-12)


@pytest.mark.parametrize("rows", [[[5], [1], [5], [9], [1], [5]], None])
def test_dbscan_groups_equal_rows_as_it_would_alone(rows):
    rows = np.random.default_rng(3).integers(0, 9, (400, 2)) if rows is None else np.array(rows)
    asked = Clusterer("DBSCAN", DBSCAN(eps=1.0, min_samples=6), None)
    _, labels = asked.fit(rows.astype(float))
    np.testing.assert_array_equal(labels, DBSCAN(eps=1.0, min_samples=6).fit_predict(rows))


# -- series ---------------------------------------------------------------------------------------


def test_a_list_and_a_time_axis_are_one_series():
    listed = computed(ps.cluster(list(SERIES), **FEW))
    np.testing.assert_array_equal(listed, series("series"))
    halves = [SERIES[0], xr.DataArray(SERIES[1:], dims=("t", "y", "x"))]
    first, rest = computed(ps.cluster(halves, **FEW))
    np.testing.assert_array_equal(np.concatenate([first[None], rest]), series("series"))


def test_each_image_may_have_its_own_fit():
    alone = [ps.cluster(frame, **FEW).values for frame in SERIES]
    np.testing.assert_array_equal(series("image"), alone)
    np.testing.assert_array_equal(computed(ps.cluster(list(SERIES), fit="image", **FEW)), alone)


def test_one_fit_gives_numbers_one_meaning():
    """One image has both kinds of disc, the other only the fainter: one fit knows, two do not."""
    both = np.array([50, 130, 220], np.uint8)[TRUTH]
    faint = np.where(TRUTH == 2, np.uint8(50), both)
    options = {"n_clusters": 3, "features": SMOOTH}
    core = ndimage.binary_erosion(TRUTH == 1, iterations=4)
    for fit, number in (("series", 2), ("image", 3)):
        numbers = computed(ps.cluster([both, faint], fit=fit, **options))
        assert np.median(numbers[0][core]) == 2
        assert np.median(numbers[1][core]) == number


def test_images_of_a_series_may_differ_in_size_and_type():
    images = [IMAGE, HOLED[:80, :90], IMAGE[:40].astype(np.float64)]
    results = ps.cluster(images, **FEW)
    assert [each.shape for each in results] == [image.shape for image in images]
    assert [set(np.unique(each)) for each in results] == [{1, 2}, {0, 1, 2}, {1, 2}]


def test_a_plane_in_a_volume_and_a_volume():
    flat = ps.cluster(IMAGE[None], **FEW)
    assert flat.dims == ("z", "y", "x")
    np.testing.assert_array_equal(flat.values[0], ps.cluster(IMAGE, **FEW).values)
    volume = np.stack([IMAGE[:40, :50]] * 4)
    whole = ps.cluster(volume, **FEW).values
    cut = ps.cluster(da.from_array(volume, chunks=(3, 17, 50)), **FEW)
    np.testing.assert_array_equal(cut.compute(scheduler="sync"), whole)


# -- what it finds --------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", ["kmeans", "minibatch_kmeans"])
def test_discs_are_found(estimator):
    bright = np.where(TRUTH > 0, np.uint8(200), np.uint8(40))
    image = bright + np.random.default_rng(1).integers(0, 30, SHAPE).astype(np.uint8)
    found = ps.cluster(image, estimator, features=SMOOTH).values == 2
    overlap = (found & (TRUTH > 0)).sum() / (found | (TRUTH > 0)).sum()
    assert overlap > 0.93


@pytest.mark.parametrize("estimator", ["dbscan", "hdbscan"])
def test_density_tells_kinds_apart_without_being_told_how_many(estimator):
    numbers = ps.cluster(IMAGE, estimator, features=SOME, n_samples=5000)
    assert numbers.dtype == np.int32 and "n_clusters" not in numbers.attrs
    inner = [ndimage.binary_erosion(kind == TRUTH, iterations=3) for kind in range(3)]
    typical = [int(np.median(numbers.values[pixels])) for pixels in inner]
    assert 0 < typical[0] < typical[1] < typical[2]
    right = [(numbers.values[i] == t).mean() for i, t in zip(inner, typical, strict=True)]
    assert min(right) > 0.8


@pytest.mark.parametrize("estimator", ["dbscan", "hdbscan"])
def test_coins_are_told_from_the_table_by_density(estimator):
    coins = data.coins()
    numbers = ps.cluster(coins, estimator, n_samples=5000).values
    shares = np.bincount(numbers.reshape(-1)) / numbers.size
    assert shares[0] == 0 and shares[1] > 0.5 and shares[-1] > 0.25
    assert coins[numbers == numbers.max()].mean() > 1.5 * coins[numbers == 1].mean()


def test_control_a_fixed_share_of_noise_runs_coins_into_the_table():
    rows = ps.features(data.coins()).values.reshape(7, -1).T[:: data.coins().size // 5000]
    rows = StandardScaler().fit_transform(rows.astype(np.float64))
    distance = np.quantile(NearestNeighbors(n_neighbors=14).fit(rows).kneighbors(rows)[0], 0.99)
    apart = dbscan_of(rows, 14)
    assert apart.eps < distance
    sizes = [np.bincount(DBSCAN(eps=eps, min_samples=14).fit_predict(rows) + 1)[1:]
             for eps in (distance, apart.eps)]  # fmt: skip
    second = [np.sort(size)[-2] if size.size > 1 else 0 for size in sizes]
    assert second[0] < len(rows) / 100 < len(rows) / 10 < second[1]


@pytest.mark.parametrize("estimator", ["dbscan", "hdbscan"])
def test_noise_belongs_to_the_nearest_cluster_and_changes_no_other(estimator):
    zero, nearest = (
        ps.cluster(HOLED, estimator, noise=noise, features=SOME, n_samples=3000).values
        for noise in ("zero", "nearest")
    )
    np.testing.assert_array_equal(nearest == 0, ~np.isfinite(HOLED))
    assert ((zero == 0) & (nearest > 0)).any()
    np.testing.assert_array_equal(zero[zero > 0], nearest[zero > 0])


def test_a_fit_of_no_use_is_told():
    one, two = np.array([0] * 8), np.array([0] * 3 + [1] * 3 + [-1] * 2)
    told = Clusterer("kmeans", None, 3)
    assert "finds 2 clusters where 3" in complaint_of(two, told)
    assert complaint_of(one, Clusterer("kmeans", None, 1)) == ""
    told = Clusterer("dbscan", None, None)
    assert "one cluster alone" in complaint_of(one, told)
    assert "all pixels for noise" in complaint_of(one - 1, told)
    assert complaint_of(two, told) == ""
    told = Clusterer("dbscan", None, None, "zero")
    assert complaint_of(two, told) == ""
    assert "50% of the sampled pixels for noise" in complaint_of(np.minimum(two, two[::-1]), told)
    alone = ps.cluster(IMAGE, DBSCAN(eps=100), features=SOME, n_samples=300)
    with pytest.warns(UserWarning, match="DBSCAN finds one cluster alone"):
        assert (alone.values == 1).all()


def test_pixels_without_a_value_are_no_cluster():
    numbers = ps.cluster(HOLED, **FEW).values
    np.testing.assert_array_equal(numbers == 0, ~np.isfinite(HOLED))
    blank = ps.cluster(np.full((20, 20), np.nan), **FEW)
    with pytest.warns(UserWarning, match="no pixel has a value"):
        assert not blank.values.any()


def test_pixels_too_large_for_single_precision_count_for_nothing():
    image = np.where(np.arange(141) < 70, 10.0, 200.0) + np.random.default_rng(4).random(SHAPE)
    image[50:60, 5:15] = np.nan
    expected = ps.cluster(image, **FEW).values
    image[50:60, 5:15] = 1e300
    np.testing.assert_array_equal(ps.cluster(image, **FEW).values, expected)
    assert (expected[:, :60] <= 1).all() and (expected[:, 80:] == 2).all()


def test_a_blank_frame_has_no_clusters_and_spoils_no_other():
    frames = SERIES.astype(np.float32)
    frames[1] = np.nan
    image = xr.DataArray(frames, dims=("t", "y", "x"))
    lazy = ps.cluster(image, fit="image", **FEW)
    with pytest.warns(UserWarning, match="no pixel has a value"):
        numbers = lazy.values
    assert not numbers[1].any()
    np.testing.assert_array_equal(numbers[[0, 2]], series("image")[[0, 2]])


def test_features_that_overflow_are_no_value():
    image = IMAGE.astype(np.float32)
    image[30, 40] = 3e38
    features = ps.FeatureParameters(membrane=("sum",), median=None, minimum=None, maximum=None)
    with np.errstate(over="ignore", invalid="ignore"):
        stack = ps.features(image, features).values
        numbers = ps.cluster(image, features=features, n_samples=300).values
    np.testing.assert_array_equal(numbers == 0, ~np.isfinite(stack).all(axis=0))


def test_clusters_without_a_sampled_pixel_come_last():
    class Fixed:
        def predict(self, rows):
            return rows[:, 0].astype(int)

    model = ClusterModel(np.zeros(1), np.ones(1), Fixed(), (4, 1))
    rows = np.array([[4], [1], [0], [2], [3], [5]], np.float32)
    assert model.numbers(rows).tolist() == [1, 2, 3, 4, 5, 6]
    with pytest.raises(TypeError, match="fit_classifier"):
        model.probabilities(rows)


def test_seeds_draw_other_samples():
    one, same, other = (ps.cluster(IMAGE, **{**FEW, "seed": s}).values for s in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_a_clusterer_is_copied_and_given_the_seed():
    own = make_pipeline(PowerTransformer(), KMeans(3))
    numbers = ps.cluster(IMAGE, own, **FEW)
    assert numbers.max() == 3 and not hasattr(own[-1], "cluster_centers_")
    assert own[-1].random_state is None
    seeded = make_pipeline(PowerTransformer(), KMeans(3, random_state=5))
    np.testing.assert_array_equal(numbers, ps.cluster(IMAGE, seeded, **FEW))
    assert make_clusterer(KMeans(4), None, 1).n_clusters == 4
    assert make_clusterer(KMeans(4, random_state=9), 6, 1).estimator.get_params()["n_clusters"] == 6
    assert make_clusterer(KMeans(4, random_state=9), None, 1).estimator.random_state == 9
    assert make_clusterer("kmeans", 300, 1).dtype == np.int32


def test_a_fitted_model_travels():
    survey = surveyed(HOLED, Box((0, 0), SHAPE), SampleLaw(0, 200, HOLED.size))
    rows = np.random.default_rng(0).normal(90, 40, (500, 5)).astype(np.float32)
    for name in ESTIMATORS:
        model = fit_clusters(make_clusterer(name, None, 0), survey)
        again = pickle.loads(pickle.dumps(model))
        assert again.rowwise == model.rowwise == (name in ("dbscan", "hdbscan"))
        np.testing.assert_array_equal(again.numbers(rows), model.numbers(rows))


# -- laziness -------------------------------------------------------------------------------------


def test_nothing_is_read_before_it_is_asked_for():
    source = Counting(IMAGE)
    image = source_image(source, ("y", "x"), chunks=50, steps={"y": 0.5, "x": 0.5})
    numbers = ps.cluster(image, **FEW)
    assert not source.boxes
    assert numbers.name == "clusters" and numbers.coords["x"].attrs["step"] == 0.5
    told = {"estimator": "kmeans", "n_clusters": 2, "n_samples": 300, "fit": "series", "seed": 5}
    assert numbers.attrs.items() >= told.items()
    assert numbers.attrs["features"] == ps.features(image, SOME).feature.values.tolist()
    numbers.compute(scheduler="sync")
    assert len(source.boxes) == 2 * 9
    source.boxes.clear()
    numbers[:10, :10].compute(scheduler="sync")
    assert len(source.boxes) == 9 + 1


def test_a_series_is_fitted_once():
    sources = [Counting(frame) for frame in SERIES]
    images = [source_image(each, ("y", "x"), chunks=35) for each in sources]
    results = ps.cluster(images, **FEW)
    da.compute(*(each.data for each in results), scheduler="sync")
    assert [len(each.boxes) for each in sources] == [2 * 4] * 3


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "options", "error", "match"),
    [
        (IMAGE, {"estimator": "k-means"}, ValueError, "kmeans, minibatch_kmeans, gaussian"),
        (IMAGE, {"n_clusters": 0}, ValueError, "1 or more"),
        (IMAGE, {"n_clusters": 2.5}, ValueError, "whole number"),
        (IMAGE, {"n_clusters": True}, ValueError, "whole number"),
        (IMAGE, {"n_clusters": 5, "n_samples": 4}, ValueError, "at most 4 pixels"),
        (IMAGE[:2, :3], {"n_clusters": 7}, ValueError, "at most 6 pixels"),
        (IMAGE, {"estimator": KMeans(9), "n_samples": 8}, ValueError, "n_clusters is 9"),
        (IMAGE, {"estimator": "dbscan", "n_clusters": 2}, ValueError, "leave n_clusters out"),
        (IMAGE, {"estimator": HDBSCAN(), "n_clusters": 2}, ValueError, "leave n_clusters out"),
        (IMAGE, {"n_samples": 0}, ValueError, "n_samples is 0"),
        (IMAGE, {"seed": -1}, ValueError, "seed is -1"),
        (IMAGE, {"seed": None}, ValueError, "seed is None"),
        (IMAGE, {"fit": "frame"}, ValueError, "'series' or 'image'"),
        (IMAGE, {"noise": None}, ValueError, "'nearest' or 'zero'"),
        (IMAGE, {"features": "edges"}, TypeError, "FeatureParameters"),
        (IMAGE, {"estimator": KMeans}, TypeError, "instance"),
        (IMAGE, {"estimator": PowerTransformer()}, TypeError, "does not cluster"),
        (IMAGE, {"estimator": KDTree(IMAGE)}, TypeError, "does not cluster"),
        (IMAGE, {"estimator": LinearRegression()}, TypeError, "does not cluster"),
        ([], {}, ValueError, "empty"),
        ([IMAGE, np.stack([IMAGE] * 3)], {}, ValueError, "planes and volumes"),
        ([IMAGE, "path.tif"], {}, TypeError, "open_image"),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(image, options, error, match):
    with pytest.raises(error, match=match):
        ps.cluster(image, **options)


@pytest.mark.parametrize("estimator", ["kmeans", "gaussian_mixture", "dbscan", "hdbscan"])
def test_a_constant_image_is_refused_when_computed(estimator):
    numbers = ps.cluster(np.full((30, 30), 7, np.uint8), estimator, **FEW)
    with pytest.raises(ValueError, match=r"only 1 different .* fewer clusters or more n_samples"):
        numbers.compute(scheduler="sync")
    one = ps.cluster(np.full((30, 30), 7, np.uint8), n_clusters=1, features=SOME)
    assert (one.values == 1).all()


def test_planes_and_volumes_may_be_fitted_apart():
    volume = np.stack([IMAGE[:30, :40]] * 3)
    plane, solid = computed(ps.cluster([IMAGE, volume], fit="image", **FEW))
    assert plane.max() == solid.max() == 2
