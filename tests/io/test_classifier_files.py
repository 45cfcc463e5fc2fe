"""Files of classifiers: what is read is what was written, runs no code, and is whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.decomposition import PCA
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io import classifier_files
from pspy_dask.io.classifier_files import read_classifier, write_classifier
from pspy_dask.io.estimator_checks import strange_types, type_name
from pspy_dask.pixels.classes import make_classes
from pspy_dask.pixels.estimators import CLASSIFIERS, new_estimator
from pspy_dask.pixels.fitted import fitted_classifier
from pspy_dask.pixels.stack import FeatureStack
from pspy_dask.pixels.training import Sampling, training_rows

STACK = FeatureStack(FeatureParameters.preset("edges"), 2)
RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(200, len(STACK.names))).astype(np.float32)
MANY = RNG.normal(size=(3000, len(STACK.names))).astype(np.float32)
CLASSES = np.where(ROWS[:, 0] + ROWS[:, 1] > 0, 3, 1).astype(np.int32)
PIXELS = training_rows(
    np.pad(np.arange(200)[:, None], ((0, 0), (3, 0))).astype(np.int64), CLASSES, ROWS
)
KINDS = make_classes([1, 3], ["film", "particle"], ["#ff0000", "#00ff00", "#0000ff"])


def fitted(classifier="naive_bayes"):
    name = classifier if isinstance(classifier, str) else None
    template = new_estimator(classifier, 5)
    return fitted_classifier(template, STACK, PIXELS, KINDS, Sampling(seed=5), name=name)


def written(tmp_path, classifier="naive_bayes"):
    path = tmp_path / "film.classifier"
    write_classifier(path, classifier if hasattr(classifier, "stack") else fitted(classifier))
    return path


DAMAGED = "is no classifier of pspy_dask or is damaged"
SVC_TYPE = "sklearn.svm._classes.SVC"


def members_of(path):
    with ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def put(path, members):
    with ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def forge(path, change=None, **replaced):
    """Change a file as one would who knows how its hashes are made."""
    members = {**members_of(path), **{k.replace("_", "."): v for k, v in replaced.items()}}
    head = json.loads(members["classifier.json"])
    if change:
        change(head["values"])
    whole = json.dumps(head["values"], sort_keys=True).encode()
    for name, data in {**members, "values": whole}.items():
        if name != "classifier.json":
            head["sha256"][name] = hashlib.sha256(data).hexdigest()
    put(path, {**members, "classifier.json": json.dumps(head).encode()})


@pytest.mark.parametrize("name", [*CLASSIFIERS, ExtraTreesClassifier(5)])
@pytest.mark.filterwarnings("error")  # none of these asks for trust
def test_what_is_read_is_what_was_written(tmp_path, name):
    first = fitted(name)
    found = read_classifier(written(tmp_path, first))
    assert found.as_mapping() == first.as_mapping()
    assert found.evaluation == first.evaluation and found.classes == first.classes
    for part in ("points", "classes", "rows"):
        np.testing.assert_array_equal(getattr(found.training, part), getattr(PIXELS, part))
    np.testing.assert_array_equal(found.estimator.predict(MANY), first.estimator.predict(MANY))
    shares = found.estimator.predict_proba(MANY)
    np.testing.assert_array_equal(shares, first.estimator.predict_proba(MANY))


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_fitting_anew_gives_the_same(tmp_path, name):
    first = fitted(name)
    found = read_classifier(written(tmp_path, first), refit=True)
    assert found.evaluation == first.evaluation
    np.testing.assert_array_equal(found.estimator.predict(MANY), first.estimator.predict(MANY))


@pytest.mark.parametrize(
    ("estimator", "types"),
    [
        (SVC(), [SVC_TYPE]),
        (
            make_pipeline(PCA(2), RandomForestClassifier(5, random_state=0)),
            ["sklearn.decomposition._pca.PCA"],
        ),
        (
            BaggingClassifier(n_estimators=3, max_features=0.5),
            ["sklearn.ensemble._bagging.BaggingClassifier"],
        ),
        (
            KNeighborsClassifier(algorithm="brute"),
            ["sklearn.neighbors._classification.KNeighborsClassifier"],
        ),
        (
            make_pipeline(new_estimator("naive_bayes", 0), memory="there"),
            ["sklearn.pipeline.Pipeline"],
        ),
    ],
)
def test_other_estimators_are_written_with_a_warning_and_read_where_trusted(
    tmp_path, estimator, types
):
    first, path = fitted(estimator), tmp_path / "film.classifier"
    with pytest.warns(UserWarning, match="vouch for the file") as told:
        write_classifier(path, first)
    assert str(told[0].message).endswith(f"pass trusted={types}")
    with pytest.raises(ValueError, match=f"holds {types[0]}, which load takes only where"):
        read_classifier(path)
    found = read_classifier(path, trusted=types)
    np.testing.assert_array_equal(found.estimator.predict(MANY), first.estimator.predict(MANY))
    with pytest.raises(ValueError, match="its estimator was given and has no name"):
        read_classifier(path, refit=True)


def test_it_is_one_file_of_plain_members(tmp_path):
    path = written(tmp_path)
    assert [*members_of(path)] == ["classifier.json", "training.npz", "estimator.skops"]
    values = json.loads(members_of(path)["classifier.json"])["values"]
    assert values["versions"].keys() == {"pspy-dask", "scikit-learn", "numpy", "skops"}
    assert values["classes"]["names"] == ["film", "particle"]
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_nothing_is_replaced_unasked_and_nothing_half_written(tmp_path, monkeypatch):
    path = written(tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write_classifier(path, fitted())

    def fail(*args):
        raise OSError("no space")

    monkeypatch.setattr(classifier_files.ZipFile, "writestr", fail)
    with pytest.raises(OSError, match="no space"):
        write_classifier(path, fitted("qda"), overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("content", [b"", b"stripes", b"PK\x03\x04 and then nothing"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=DAMAGED):
        read_classifier(path)


def test_a_zip_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.zip"
    put(path, {"readme.txt": b"hello"})
    with pytest.raises(ValueError, match=DAMAGED):
        read_classifier(path)
    with pytest.raises(FileNotFoundError, match="no classifier"):
        read_classifier(tmp_path / "none")


def test_a_damaged_file_is_refused_or_the_same(tmp_path):
    """A flip of dates, say, in the lists of the zip changes nothing that is read."""
    path, first = written(tmp_path), fitted()
    whole, refused, same = path.read_bytes(), 0, 0
    count = len(whole)
    places = [*range(200), *range(200, count - 400, 29), *range(count - 400, count)]
    flips = [whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :] for at in places]
    cuts = [whole[:length] for length in range(0, count, 101)] + [whole[:-1]]
    for damaged in (*flips, *cuts):
        path.write_bytes(damaged)
        try:
            found = read_classifier(path)
        except ValueError as error:
            assert DAMAGED in str(error)
            refused += 1
        else:
            assert found.as_mapping() == first.as_mapping()
            same += 1
    assert refused > 4 * same > 0


def test_a_member_of_another_file_is_refused(tmp_path):
    path = written(tmp_path)
    members = members_of(path)
    for name in ("training.npz", "estimator.skops"):
        data = bytearray(members[name])
        data[len(data) // 2] ^= 1
        put(path, {**members, name: bytes(data)})
        with pytest.raises(ValueError, match=f"{name} was changed after it was written"):
            read_classifier(path)
    renamed = members["classifier.json"].replace(b'"film"', b'"flim"')
    assert renamed != members["classifier.json"]
    put(path, {**members, "classifier.json": renamed})
    with pytest.raises(ValueError, match="values was changed after it was written"):
        read_classifier(path)


def test_another_format_is_refused(tmp_path):
    path = written(tmp_path)
    forge(path, lambda values: values.update(format=2))
    with pytest.raises(ValueError, match="is of format 2 and this version of pspy_dask reads 1"):
        read_classifier(path)


def test_another_scikit_learn_is_refused_and_the_pixels_are_fitted_anew(tmp_path):
    path = written(tmp_path)
    forge(path, lambda values: values["versions"].update({"scikit-learn": "0.24.2"}))
    with pytest.raises(ValueError, match=r"scikit-learn 0\.24\.2 .* load\(path, refit=True\)"):
        read_classifier(path)
    found = read_classifier(path, refit=True)
    expected = fitted().estimator.predict(MANY)
    np.testing.assert_array_equal(found.estimator.predict(MANY), expected)


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values["classes"].update(numbers=[1, 2]),
        lambda values: values["classes"].pop("numbers"),
        lambda values: values["features"].update(gaussian=[1.0]),
        lambda values: values["features"].update(blur=[1.0]),
        lambda values: values.update(axes=7),
        lambda values: values["sampling"].update(most="all"),
        lambda values: values.update(axes=float("inf")),
        lambda values: values.update(versions=[1]),
        lambda values: values.pop("evaluation"),
        lambda values: values["evaluation"].update(confusion="x"),
        lambda values: values["evaluation"].update(importances=[0.5]),
        lambda values: values["evaluation"].update(accuracy="good"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path, change):
    path = written(tmp_path)
    forge(path, change)
    with pytest.raises(ValueError, match=DAMAGED):
        read_classifier(path)


def shout(rows):
    """Stand for a function that a file must not bring along."""
    Path(os.environ["PSPY_DASK_TEST_SHOUT"]).touch()
    return rows


class Bomb:
    """An object whose pickle makes a file when it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_types_that_are_not_trusted_are_not_made(tmp_path, monkeypatch):
    mark = tmp_path / "mark"
    monkeypatch.setenv("PSPY_DASK_TEST_SHOUT", str(mark))
    loud = make_pipeline(FunctionTransformer(shout), new_estimator("naive_bayes", 0))
    with pytest.warns(UserWarning, match="vouch"):
        path = written(tmp_path, loud)
    mark.unlink()
    name = f"{shout.__module__}.shout"
    transformer = "sklearn.preprocessing._function_transformer.FunctionTransformer"
    for trusted in ((), [transformer]):
        with pytest.raises(ValueError, match=f"holds {name}, which load takes only where"):
            read_classifier(path, trusted=trusted)
    assert not mark.exists()
    read_classifier(path, trusted=[name, transformer]).estimator.predict(MANY)
    assert mark.exists()  # control: it would have run


def test_calls_hidden_in_an_estimator_do_not_run(tmp_path):
    mark, path = tmp_path / "mark", written(tmp_path)
    call = FunctionTransformer(os.system, kw_args={"command": f"touch {mark}"})
    forge(path, estimator_skops=skops.io.dumps(call))
    with pytest.raises(ValueError, match="system, which load takes only where"):
        read_classifier(path)
    assert not mark.exists()


def test_pickles_among_the_pixels_do_not_run(tmp_path):
    mark, path = tmp_path / "mark", written(tmp_path)
    stream = io.BytesIO()
    np.savez(stream, points=np.array([Bomb(mark)], object), classes=CLASSES, rows=ROWS)
    forge(path, training_npz=stream.getvalue())
    with pytest.raises(ValueError, match=DAMAGED):
        read_classifier(path)
    assert not mark.exists()
    np.load(io.BytesIO(stream.getvalue()), allow_pickle=True)["points"]
    assert mark.exists()  # control: it would have run


def test_an_estimator_that_is_none_is_refused(tmp_path):
    path = written(tmp_path)
    for wrong in (skops.io.dumps({"n_features_in_": 6}), b"nothing"):
        forge(path, estimator_skops=wrong)
        with pytest.raises(ValueError, match=DAMAGED):
            read_classifier(path)


def arrays_that(points):
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        archive.writestr("points.npy", points)
    return stream.getvalue()


def header(dtype, shape):
    stream = io.BytesIO()
    form = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, form)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (arrays_that(header("<f8", (10**13,))), "is not all there"),
        (arrays_that(header("|S0", (10**13,))), "KeyError"),
        (arrays_that(bytes(10**6)), "far more than it holds"),
        (header("<f8", (0,)), "not a zip file"),
    ],
)
def test_arrays_that_would_fill_the_memory_are_not_made(tmp_path, arrays, message):
    path = written(tmp_path)
    forge(path, training_npz=arrays)
    with pytest.raises(ValueError, match=f"{DAMAGED}.*{message}"):
        read_classifier(path)


def test_a_file_that_unpacks_without_end_is_not_unpacked(tmp_path, monkeypatch):
    path = written(tmp_path)
    monkeypatch.setattr(classifier_files, "_SMALL", 10**5)
    read_classifier(path)
    members = {**members_of(path), "more": bytes(10**7)}
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match="far more than it holds"):
        read_classifier(path)


FAR = 500_000_000


def with_nodes(tree, **changes):
    """Give a tree other indices at its root."""
    state = tree.__getstate__()
    state["nodes"] = state["nodes"].copy()
    for name, value in changes.items():
        state["nodes"][name][0] = value
    tree.__setstate__(state)


def spoilt_forest(**changes):
    forest = fitted(RandomForestClassifier(3, random_state=0)).estimator
    with_nodes(forest.estimators_[1].tree_, **changes)
    return forest


def empty_tree():
    forest = fitted(RandomForestClassifier(3, random_state=0)).estimator
    tree = forest.estimators_[1].tree_
    tree.__setstate__({**tree.__getstate__(), "node_count": 0})
    return forest


def spoilt_gradient():
    gradient = fitted(GradientBoostingClassifier(n_estimators=2)).estimator
    with_nodes(gradient.estimators_[0, 0].tree_, left_child=FAR, right_child=FAR)
    return gradient


def spoilt_deep():
    deep = DecisionTreeClassifier()
    for _ in range(4):
        deep = make_pipeline(deep)
    deep = inner = fitted(deep).estimator
    while hasattr(inner, "steps"):
        inner = inner.steps[-1][1]
    with_nodes(inner.tree_, left_child=FAR, right_child=FAR)
    return deep


def narrow_tree():
    forest = fitted(RandomForestClassifier(3, random_state=0)).estimator
    forest.estimators_[1].n_features_in_ -= 1
    return forest


def spoilt_boosting():
    boosting = fitted(HistGradientBoostingClassifier(max_iter=3)).estimator
    boosting._predictors[1][0].nodes["feature_idx"][0] = 900
    return boosting


def spoilt_neighbours():
    neighbours = fitted(KNeighborsClassifier(algorithm="kd_tree")).estimator
    state = [*neighbours._tree.__getstate__()]
    state[1] = state[1] + 10**6
    neighbours._tree.__setstate__(tuple(state))
    return neighbours


def endless_array():
    bayes = fitted().estimator
    bayes.more = np.ndarray(1000, np.dtype("S0"))
    return bayes


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (spoilt_forest(left_child=10**6), "points outside itself"),
        (spoilt_forest(feature=900), "points outside itself"),
        (spoilt_forest(right_child=0), "walks in circles"),
        (empty_tree(), "a tree has other nodes than it says"),
        (narrow_tree(), "of another number of features"),
        (spoilt_gradient(), "points outside itself"),
        (spoilt_deep(), "points outside itself"),
        (spoilt_boosting(), "points outside itself"),
        (spoilt_neighbours(), "not that of its points"),
        (endless_array(), "an array holds nothing"),
    ],
)
def test_what_points_anywhere_is_neither_written_nor_read(tmp_path, spoilt, message):
    """Nor where the estimator that holds the trees is trusted."""
    path = written(tmp_path)
    whole = replace(read_classifier(path), estimator=spoilt)
    with pytest.raises(TypeError, match=f"may be read again without harm.*{message}"):
        write_classifier(path, whole, overwrite=True)
    read_classifier(path)
    forge(path, estimator_skops=skops.io.dumps(spoilt))
    kinds = [type_name(GradientBoostingClassifier), type_name(DummyClassifier)]
    with pytest.raises(ValueError, match=f"{DAMAGED}.*{message}"):
        read_classifier(path, trusted=[*kinds, type_name(np.random.RandomState)])


def test_random_numbers_of_other_kinds_are_not_taken(tmp_path):
    """The state of some holds a place in a table."""
    path, bayes = written(tmp_path), fitted().estimator
    for bits, known in ((np.random.PCG64(1), True), (np.random.MT19937(1), False)):
        bayes.more = np.random.Generator(bits)
        assert strange_types(bayes) == ([] if known else [type_name(np.random.Generator)])
    forge(path, estimator_skops=skops.io.dumps(bayes))
    with pytest.raises(ValueError, match=r"Generator, which load takes only"):
        read_classifier(path)


def test_types_that_skops_trusts_are_not_taken_for_that(tmp_path):
    path = written(tmp_path)
    forge(path, estimator_skops=skops.io.dumps(fitted(SVC()).estimator))
    assert not skops.io.get_untrusted_types(data=members_of(path)["estimator.skops"])
    with pytest.raises(ValueError, match=f"holds {SVC_TYPE}, which load takes only where"):
        read_classifier(path)


def test_categories_are_not_followed(tmp_path):
    path = written(tmp_path)
    boosting = fitted(HistGradientBoostingClassifier(max_iter=2)).estimator
    boosting._bin_mapper.is_categorical_[0] = 1
    forge(path, estimator_skops=skops.io.dumps(boosting))
    with pytest.raises(ValueError, match="HistGradientBoostingClassifier, which load takes only"):
        read_classifier(path)
    boosting._bin_mapper.is_categorical_[0] = 0
    forge(path, estimator_skops=skops.io.dumps(boosting))
    read_classifier(path)
