"""A trained classifier finds what scikit-image and scikit-learn find in memory, at any chunks."""

from __future__ import annotations

import pickle
import tracemalloc

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.svm import LinearSVC

import pspy_dask as ps
from benchmarks.blank import image_of, tasks_a_chunk
from benchmarks.features_in_memory import features_in_memory
from pspy_dask.blocks.grid import Box
from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.pixels import stack
from pspy_dask.pixels.estimators import new_estimator
from pspy_dask.pixels.models import EstimatorModel
from tests.shapes import chunkings

FEW = FeatureParameters(
    gaussian=(0.7, 1.5),
    difference_of_gaussians=(0.6, 1),
    median=2,
    minimum=3,
    maximum=(),
    sobel=0,
    membrane=(),
)
SHAPE = (37, 45)
ESTIMATORS = {
    "random_forest": RandomForestClassifier(8, random_state=0),
    "nearest_neighbours": "nearest_neighbours",
    "naive_bayes": "naive_bayes",
    "qda": "qda",
    "logistic_regression": "logistic_regression",
    "gradient_boosting": HistGradientBoostingClassifier(max_iter=4, min_samples_leaf=3),
}


def scene(shape=SHAPE, seed=0):
    """Bright discs on a noisy ground, of any number of axes."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape[-2:])
    discs = ((y % 18 - 9) ** 2 + (x % 18 - 9) ** 2 < 40) * 900
    return (discs + rng.normal(500, 200, shape)).clip(0).astype(np.uint16)


def strokes(shape=SHAPE, kinds=(1, 4, 300)):
    """Lines through discs, between them, and a few pixels of a third class."""
    marks = np.zeros(shape, np.uint16)
    plane = marks.reshape(-1, *shape[-2:])[-1]
    plane[9, 5:13], plane[8:12, 26:29] = kinds[1], kinds[1]
    plane[17:19, 2:30], plane[1:15, 18] = kinds[0], kinds[0]
    if len(kinds) > 2:
        plane[9:11, 14:17], plane[14, 4:12] = kinds[2], kinds[2]
    return marks


def fitted(image=None, marks=None, estimator="naive_bayes", **options):
    image = scene() if image is None else image
    marks = strokes(image.shape) if marks is None else marks
    return ps.fit_classifier(image, marks, estimator, **{"features": FEW, **options})


def same_rows(one, other):
    one, other = one.fitted.training, other.fitted.training
    return all(
        np.array_equal(getattr(one, part), getattr(other, part))
        for part in ("points", "classes", "rows")
    )


WHOLE = {name: fitted(estimator=estimator) for name, estimator in ESTIMATORS.items()}
EXPECTED = {
    name: (found.predict(scene()).values, found.predict_proba(scene()).values)
    for name, found in WHOLE.items()
}


@pytest.mark.parametrize("name", ESTIMATORS)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_chunks_make_no_difference(name, data):
    few = chunkings(SHAPE).filter(lambda chunks: len(chunks[0]) * len(chunks[1]) <= 50)
    image = da.from_array(scene(), data.draw(few))
    marks = da.from_array(strokes(), data.draw(chunkings(SHAPE)))
    found = fitted(image, marks, ESTIMATORS[name])
    assert same_rows(found, WHOLE[name])
    assert found.fitted.evaluation == WHOLE[name].fitted.evaluation
    labels, shares = EXPECTED[name]
    np.testing.assert_array_equal(found.predict(image).compute(scheduler="sync"), labels)
    np.testing.assert_array_equal(found.predict_proba(image).compute(scheduler="sync"), shares)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_labels_are_those_of_scikit_image_and_scikit_learn(name):
    image, marks = scene((150, 140)), strokes((150, 140))
    features = features_in_memory(image, FEW).reshape(len(WHOLE[name].importances), -1).T
    marked = marks.ravel() > 0
    estimator = new_estimator(ESTIMATORS[name], 0)
    estimator.fit(features[marked], marks.ravel()[marked].astype(np.int32))
    lazy = da.from_array(image, (40, 60))
    found = fitted(lazy, marks, ESTIMATORS[name])
    labels = found.predict(lazy)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels.values.ravel(), estimator.predict(features))
    shares = found.predict_proba(lazy).values.reshape(3, -1).T
    expected = estimator.predict_proba(features).astype(np.float32)
    if name == "random_forest":
        np.testing.assert_array_equal(shares, expected)
    np.testing.assert_allclose(shares, expected, atol=1e-5)


class BesideOthers(ClassifierMixin, BaseEstimator):
    """A classifier whose answer hangs on what rows are beside each other."""

    def fit(self, rows, classes):
        self.classes_, self.n_features_in_ = np.unique(classes), rows.shape[1]
        return self

    def predict(self, rows):
        return self.classes_[(rows[:, 0] > rows[:, 0].mean()).astype(int)]


def test_whole_tiles_keep_together_what_hangs_together(monkeypatch):
    image, marks = scene((150, 140)), strokes((150, 140), (1, 2))
    found = fitted(image, marks, BesideOthers())
    expected = found.predict(image).values
    chunked = da.from_array(image, (64, 70))
    np.testing.assert_array_equal(found.predict(chunked), expected)
    monkeypatch.setattr(EstimatorModel, "rowwise", True)  # control: shown rows chunk by chunk
    assert (fitted(image, marks, BesideOthers()).predict(chunked).values != expected).any()


def test_control_chunks_without_a_halo_differ():
    alone = da.from_array(scene(), (20, 20)).map_blocks(
        lambda block: WHOLE["naive_bayes"].predict(block).values, dtype=np.uint16
    )
    assert (alone.compute() != EXPECTED["naive_bayes"][0]).any()


def test_features_and_inference_are_one_task_a_chunk():
    found = fitted(scene(), strokes(kinds=(1, 4)))
    for result in (found.predict(image_of(400)), found.predict_proba(image_of(400))):
        assert tasks_a_chunk(result.data) < 1.01


def test_results_say_what_they_hold():
    image = xr.DataArray(
        da.from_array(scene(), 20), dims=("y", "x"), coords={"x": np.arange(45) * 0.5},
        attrs={"instrument": "STEM"},
    )  # fmt: skip
    names, colors = ["film", "hole", "particle"], ["#FF0000", "#00ff00", "#0000ff"]
    found = fitted(image, strokes(kinds=(1, 2, 3)), class_names=names, colors=colors)
    labels, shares = found.predict(image), found.predict_proba(image)
    assert labels.dtype == np.uint8 and shares.dtype == np.float32
    assert shares.dims == ("class", "y", "x") and shares["class"].values.tolist() == names
    for result in (labels, shares):
        assert result.attrs["class_names"] == names == [*found.class_names]
        assert result.attrs["class_numbers"] == [1, 2, 3] == [*found.class_numbers]
        assert result.attrs["colors"] == [c.lower() for c in colors] == [*found.colors]
        assert result.attrs["instrument"] == "STEM" and result["x"].values[1] == 0.5
        assert result.chunks[-2:] == image.chunks
    np.testing.assert_allclose(shares.sum("class"), 1, rtol=1e-5)
    assert found.predict(image).data.name == labels.data.name
    assert WHOLE["naive_bayes"].class_names == ("class 1", "class 4", "class 300")


def test_numbers_of_how_well_it_knows():
    found = fitted(estimator="random_forest")
    assert found.estimator.n_estimators == 200 and found.accuracy_by == "out of bag"
    assert found.accuracy == found.estimator.oob_score_
    assert found.confusion.loc["class 4"].sum() == (strokes() == 4).sum()
    assert [*found.importances.index] == ps.features(scene(), FEW)["feature"].values.tolist()
    np.testing.assert_array_equal(found.importances, found.estimator.feature_importances_)
    assert len(found.plot().axes) == 2
    assert "random_forest: class 1, class 4, class 300; 6 features" in repr(found)


def test_the_estimator_given_stays_as_it_was():
    given_ = RandomForestClassifier(4)
    before = given_.get_params()
    one, two = fitted(estimator=given_, seed=8), fitted(estimator=given_, seed=8)
    assert given_.get_params() == before and not hasattr(given_, "estimators_")
    assert one.estimator.random_state == 8
    np.testing.assert_array_equal(one.predict(scene()), two.predict(scene()))


@pytest.mark.parametrize("shape", [(3, 37, 45), (1, 37, 45), (2, 3, 37, 45)])
@pytest.mark.parametrize("name", ["random_forest", "logistic_regression"])
def test_volumes_and_series(shape, name):
    image, marks = scene(shape), strokes(shape)
    found = fitted(image, marks, ESTIMATORS[name])
    chunked = da.from_array(image, (1, 2, 20, 30)[-len(shape) :])
    again = fitted(chunked, da.from_array(marks, chunks=10), ESTIMATORS[name])
    assert same_rows(found, again)
    labels = found.predict(image)
    np.testing.assert_array_equal(found.predict(chunked), labels)
    shares = found.predict_proba(chunked)
    np.testing.assert_array_equal(shares, found.predict_proba(image))
    series = len(shape) == 4
    place = ["t"] if series else []
    assert shares.dims == (*place, "class", "z", "y", "x")
    last, inside = (labels[-1], image[-1]) if series else (labels, image)
    features = features_in_memory(inside.squeeze(), FEW)
    rows = features.reshape(len(features), -1).T
    np.testing.assert_array_equal(last.values.ravel(), found.estimator.predict(rows))


def peak_of_predict(found, depth):
    image = da.from_array(scene((depth, 48, 48)).astype(np.uint8), -1)
    tracemalloc.start()
    found.predict(image).data.compute(scheduler="sync")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_depth_of_a_volume(monkeypatch):
    found = fitted(scene((3, 37, 45)), strokes((3, 37, 45)))
    monkeypatch.setattr(stack, "_BAND", 48 * 48 * 8)
    peak_of_predict(found, 40)
    shallow, deep = peak_of_predict(found, 40), peak_of_predict(found, 160)
    own = 120 * 48 * 48 * 3  # bytes of the window and of the result
    assert deep - shallow < own + 0.3 * shallow
    monkeypatch.setattr(stack, "_BAND", 2**30)  # control: in one go
    assert peak_of_predict(found, 160) > 1.5 * deep


@pytest.mark.parametrize("band", [1, 2000, 9000])
def test_bands_of_a_volume_make_no_difference(monkeypatch, band):
    image, marks = scene((24, 17, 31)), np.zeros((24, 17, 31), int)
    marks[3, 3:9, 4], marks[20, 9:14, 9:20] = 1, 2
    found = fitted(image, marks)
    features, labels = ps.features(image, FEW).values, found.predict(image).values
    monkeypatch.setattr(stack, "_BAND", band)
    assert len([*found.fitted.stack.bands(Box((0, 0, 0), image.shape))]) > 1
    np.testing.assert_array_equal(ps.features(image, FEW).values, features)
    np.testing.assert_array_equal(found.predict(image).values, labels)


def test_a_series_is_classified_frame_by_frame():
    movie = xr.DataArray(scene((3, 37, 45)), dims=("t", "y", "x"))
    found = fitted(movie, strokes((3, 37, 45)), "random_forest")
    assert set(found.fitted.training.points[:, 0]) == {2}
    shares = found.predict_proba(movie)
    assert shares.dims == ("t", "class", "y", "x")
    for frame in range(3):
        alone = movie[frame]
        np.testing.assert_array_equal(found.predict(movie)[frame], found.predict(alone))
        np.testing.assert_array_equal(shares[frame], found.predict_proba(alone))


def test_several_images_make_one_classifier_whatever_their_order():
    images = [scene(seed=1), scene((30, 60), seed=2)]
    marks = [strokes(kinds=(1, 4)), strokes((30, 60), (1, 300))]
    found = fitted(images, marks, "random_forest")
    assert found.class_numbers == (1, 4, 300)
    back = fitted(images[::-1], marks[::-1], "random_forest")
    assert same_rows(found, back)
    np.testing.assert_array_equal(found.predict(scene()), back.predict(scene()))
    empty = fitted([*images, scene(seed=3)], [*marks, np.zeros(SHAPE, int)], "random_forest")
    assert same_rows(found, empty)


@pytest.mark.parametrize("options", [{}, {"max_pixels": 60}, {"balanced": True}])
def test_frames_in_a_list_and_frames_of_a_series_are_one_set(options):
    movie = xr.DataArray(scene((3, 37, 45)), dims=("t", "y", "x"))
    marks = np.stack([strokes(kinds=(1, 4)), np.roll(strokes(), 3, axis=1), strokes()])
    series = fitted(movie, marks, "random_forest", **options)
    listed = fitted([*movie], [*marks], "random_forest", **options)
    mixed = fitted([movie[:1], movie[1:]], [marks[:1], marks[1:]], "random_forest", **options)
    for other in (listed, mixed):
        for part in ("classes", "rows"):
            one, two = (getattr(each.fitted.training, part) for each in (series, other))
            np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(series.predict(movie), other.predict(movie))


def test_the_order_of_images_counts_for_the_draw_alone():
    images, marks = [scene(seed=1), scene(seed=2)], [strokes(), strokes()]
    options = {"max_pixels": 60, "seed": 4}
    one, two = fitted(images, marks, **options), fitted(images[::-1], marks, **options)
    assert abs(len(one.fitted.training) - len(two.fitted.training)) <= 3
    assert not same_rows(one, two)
    # The same place is not drawn in every image.
    places = [*map(tuple, one.fitted.training.points.tolist())]
    assert len({*places}) > 0.75 * len(places)


def test_conflicting_classes_of_different_images_both_stay():
    first, second = strokes(kinds=(1, 2)), strokes(kinds=(2, 1))
    found = fitted([scene()] * 2, [first, second])
    assert same_rows(found, fitted([scene()] * 2, [second, first]))
    assert len(found.fitted.training) == 2 * (first > 0).sum()
    later = fitted(scene(), first).refine(scene(), second)
    assert same_rows(later, fitted(scene(), second))


def test_shapes_and_files_are_annotations_too(tmp_path):
    shapes = [ps.Line(1, [(17, 2), (17, 30)]), ps.Points(2, [(9, 9), (9, 27)], radius=3)]
    found = fitted(scene(), shapes)
    assert found.class_numbers == (1, 2)
    marks = np.zeros(SHAPE, np.uint8)
    training = found.fitted.training
    marks[tuple(training.points[:, 2:].T)] = training.classes
    np.save(tmp_path / "marks.npy", marks)
    assert same_rows(found, fitted(scene(), tmp_path / "marks.npy"))
    assert same_rows(found, fitted([scene()], [str(tmp_path / "marks.npy")]))
    palette = ["#ff0000", "#00ff00"]
    picture = ps.toggle_channels(marks, palette)
    assert same_rows(found, fitted(scene(), picture, colors=palette))


def test_pixels_are_balanced_and_capped_before_features_are_computed():
    found = fitted(balanced=True)
    counts = np.unique(found.fitted.training.classes, return_counts=True)[1]
    assert counts.tolist() == [(strokes() == 300).sum()] * 3
    capped = fitted(max_pixels=30, seed=2)
    assert 27 <= len(capped.fitted.training) <= 30  # each class has at least its whole share
    assert same_rows(capped, fitted(da.from_array(scene(), 9), max_pixels=30, seed=2))
    assert not same_rows(capped, fitted(max_pixels=30, seed=3))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_refining_equals_fitting_with_all(name):
    first, all_marks = strokes(kinds=(1, 4)), strokes()
    second = np.where(first > 0, 0, all_marks)
    found = fitted(scene(), first, ESTIMATORS[name])
    other = scene(seed=9)
    refined = found.refine(scene(), second).refine([other], [all_marks])
    at_once = fitted([scene(), other], [all_marks, all_marks], ESTIMATORS[name])
    assert same_rows(refined, at_once)
    assert refined.fitted.evaluation == at_once.fitted.evaluation
    np.testing.assert_array_equal(refined.predict(other), at_once.predict(other))
    assert found.class_numbers == (1, 4) and same_rows(found, fitted(scene(), first))


def test_the_later_class_of_a_pixel_is_right():
    found = fitted(scene(), strokes(kinds=(1, 2)), class_names=["film", "disc"])
    corrected = np.where(strokes(kinds=(1, 2)) == 2, 1, strokes(kinds=(1, 2)))
    corrected[27, 5:12] = 2
    refined = found.refine(scene(), corrected)
    assert same_rows(refined, fitted(scene(), corrected))
    assert refined.class_names == ("film", "disc")
    more = strokes(kinds=(1, 2, 3))
    assert found.refine(scene(), more).class_names == ("film", "disc", "class 3")
    named = found.refine(scene(), more, class_names=["a", "b", "c"])
    assert named.class_names == ("a", "b", "c")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_loaded_classifier_predicts_the_same_bits(tmp_path, name):
    found = WHOLE[name]
    found.save(tmp_path / "c")
    loaded = ps.PixelClassifier.load(tmp_path / "c")
    for each in (loaded, pickle.loads(pickle.dumps(found))):
        np.testing.assert_array_equal(each.predict(scene()), EXPECTED[name][0])
        np.testing.assert_array_equal(each.predict_proba(scene()), EXPECTED[name][1])
    pairs = [(loaded.confusion, found.confusion), (loaded.importances, found.importances)]
    assert all(one.equals(other) for one, other in pairs)
    more = loaded.refine(scene(seed=4), strokes())
    assert same_rows(more, found.refine(scene(seed=4), strokes()))


def test_pixels_without_a_value_have_no_class():
    image = scene().astype(np.float32)
    image[9, 6], image[30, 30] = np.nan, np.inf
    found = fitted(image, strokes())
    assert len(found.fitted.training) == (strokes() > 0).sum() - 1
    labels, shares = found.predict(image).values, found.predict_proba(image).values
    assert labels[9, 6] == labels[30, 30] == 0 and (labels == 0).sum() == 2
    assert np.isnan(shares[:, 9, 6]).all() and np.isnan(shares).sum() == 6


@pytest.mark.filterwarnings("ignore::RuntimeWarning:sklearn")
@pytest.mark.parametrize("name", ESTIMATORS)
def test_pixels_with_features_beyond_all_bounds_have_no_class(name):
    image = scene((150, 140)).astype(np.float32)
    image[100, 100] = 1e25  # the square of its gradient is infinite
    found = fitted(image, strokes((150, 140)), ESTIMATORS[name])
    features = ps.features(image, FEW).values
    known = np.isfinite(features).all(axis=0)
    assert 0 < (~known).sum() < 40
    for chunks in ((150, 140), (40, 60)):
        lazy = da.from_array(image, chunks)
        labels, shares = found.predict(lazy).values, found.predict_proba(lazy).values
        np.testing.assert_array_equal(labels == 0, ~known)
        assert np.isnan(shares[:, ~known]).all()
        rows = features[:, known].T
        with np.errstate(all="ignore"):  # large numbers are too much for normal distributions
            np.testing.assert_array_equal(labels[known], found.estimator.predict(rows))
            expected = found.estimator.predict_proba(rows).T
        np.testing.assert_allclose(shares[:, known], expected, rtol=0, atol=1e-5)
    marks = strokes((150, 140))
    marks[98:102, 90:110] = 1
    again = fitted(image, marks, ESTIMATORS[name])
    assert len(again.fitted.training) == (marks * known > 0).sum() < (marks > 0).sum()


class Duck:
    """Something that walks like a classifier."""

    def fit(self, rows, classes):
        return self

    def predict(self, rows):
        return rows[:, 0]


NOTHING, ONE = np.zeros(SHAPE, int), strokes(kinds=(1, 1))
BAD = {
    "no pixel is annotated: label": lambda: fitted(marks=NOTHING),
    "only class 1 is annotated": lambda: fitted(marks=ONE),
    "have shape (20, 20) but the image (37, 45)": lambda: fitted(marks=np.ones((20, 20), int)),
    "there are 2 class names and 3 annotated classes, 1, 4, 300": lambda: fitted(
        class_names=["a", "b"]
    ),
    "there are 4 class names": lambda: fitted(class_names=["a", "b", "c", "d"]),
    "has a name twice": lambda: fitted(class_names=["a", "b", "a"]),
    "colour '#12' is not six hex digits": lambda: fitted(colors=["#12"]),
    "there are 2 colours and the highest class is 300": lambda: fitted(
        colors=["#120000", "#000000"]
    ),
    "there are 2 images and 1 annotations": lambda: fitted([scene()] * 2, [strokes()]),
    "there are 1 images and no list of annotations": lambda: fitted([scene()], strokes()),
    "the list of images is empty": lambda: fitted([], []),
    "image 0 has 2 axes of space and image 1 3": lambda: fitted(
        [scene(), scene((3, 37, 45))], [strokes(), strokes((3, 37, 45))]
    ),
    "no annotated pixel has a value": lambda: fitted(np.full(SHAPE, np.nan, np.float32), strokes()),
    "no annotated pixel of class 4 has a value": lambda: fitted(
        np.where(strokes() == 4, np.nan, scene()), strokes()
    ),
    "unknown classifier 'forest': choose one of random_forest": lambda: fitted(estimator="forest"),
    "max_pixels is 0": lambda: fitted(max_pixels=0),
    "seed is None": lambda: fitted(seed=None),
    "3 axes of space and 6 features, and the classifier was fitted to 2 and 6": lambda: WHOLE[
        "qda"
    ].predict(scene((3, 37, 45))),
    "and the classifier was fitted to 2": lambda: WHOLE["qda"].refine(
        scene((3, 37, 45)), strokes((3, 37, 45))
    ),
    "no pixel is annotated: label some": lambda: WHOLE["qda"].refine(scene(), NOTHING),
    "QuadraticDiscriminantAnalysis cannot be fitted|Pipeline cannot be fitted": lambda: fitted(
        marks=np.pad([[1, 1, 1, 2]], ((0, 36), (0, 41))), estimator="qda"
    ),
}
WRONG = {
    "LinearRegression does not tell classes apart": lambda: fitted(estimator=LinearRegression()),
    "KMeans does not tell classes apart": lambda: fitted(estimator=KMeans()),
    "RandomForestClassifier is a class": lambda: fitted(estimator=RandomForestClassifier),
    "object has no fit": lambda: fitted(estimator=object()),
    "tells no probabilities: call predict": lambda: fitted(estimator=LinearSVC()).predict_proba(
        scene()
    ),
    "class_names is 'abc'": lambda: fitted(class_names="abc"),
    "Duck cannot be copied": lambda: fitted(estimator=Duck()),
    "features is a dict": lambda: fitted(features={"gaussian": 1}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_refused_in_one_sentence(message):
    with pytest.raises(ValueError) as caught:
        BAD[message]()
    told = str(caught.value)
    assert any(part in told for part in message.split("|")) and "\n" not in told


@pytest.mark.parametrize("message", WRONG)
def test_things_of_the_wrong_kind_are_refused_in_one_sentence(message):
    with pytest.raises(TypeError) as caught:
        WRONG[message]()
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_bad_input_is_refused_before_features_are_computed():
    read = []
    image = da.map_blocks(
        lambda block: read.append(block.shape) or block, da.from_array(scene(), 40), meta=scene()
    )
    read.clear()
    for options in ({"marks": ONE}, {"class_names": ["a"]}, {"estimator": object()}):
        with pytest.raises((ValueError, TypeError)):
            fitted(image, **{"marks": strokes(), **options})
    assert not read
