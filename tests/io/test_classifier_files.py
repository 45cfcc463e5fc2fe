"""Files of classifiers: what is read is what was written, runs no code, and is whole."""

from __future__ import annotations

import hashlib
import io
import json
import os
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import SVC

from pspy_dask.feature_parameters import FeatureParameters
from pspy_dask.io import classifier_files
from pspy_dask.io.classifier_files import read_classifier, write_classifier
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


@pytest.mark.parametrize("name", CLASSIFIERS)
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


def test_an_estimator_without_a_name_is_not_fitted_anew(tmp_path):
    path = written(tmp_path, SVC())
    assert isinstance(read_classifier(path).estimator, SVC)
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
    with pytest.raises(ValueError, match="is no classifier of pspy_dask, or was cut off"):
        read_classifier(path)


def test_a_zip_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.zip"
    put(path, {"readme.txt": b"hello"})
    with pytest.raises(ValueError, match="is no classifier of pspy_dask"):
        read_classifier(path)
    with pytest.raises(FileNotFoundError, match="no classifier"):
        read_classifier(tmp_path / "none")


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_a_file_that_was_cut_off_is_refused(tmp_path, keep):
    path = written(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(ValueError, match="was cut off"):
        read_classifier(path)


def test_every_byte_counts(tmp_path):
    path = written(tmp_path)
    members = members_of(path)
    for name in ("training.npz", "estimator.skops"):
        data = bytearray(members[name])
        data[len(data) // 2] ^= 1
        put(path, {**members, name: bytes(data)})
        with pytest.raises(ValueError, match=f"changed after it was written, in {name}"):
            read_classifier(path)
    renamed = members["classifier.json"].replace(b'"film"', b'"flim"')
    assert renamed != members["classifier.json"]
    put(path, {**members, "classifier.json": renamed})
    with pytest.raises(ValueError, match="changed after it was written, in values"):
        read_classifier(path)
    put(path, {**members, "classifier.json": b"[]"})
    with pytest.raises(ValueError, match="says nothing of its format"):
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
        lambda values: values.pop("evaluation"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(tmp_path, change):
    path = written(tmp_path)
    forge(path, change)
    with pytest.raises(ValueError, match="cannot be put together"):
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
    path = written(tmp_path, loud)
    mark.unlink()
    name = f"{shout.__module__}.shout"
    with pytest.raises(ValueError, match=f"holds {name}, which is not trusted"):
        read_classifier(path)
    assert not mark.exists()
    read_classifier(path, trusted=[name]).estimator.predict(MANY)
    assert mark.exists()  # control: it would have run


def test_calls_hidden_in_an_estimator_do_not_run(tmp_path):
    mark, path = tmp_path / "mark", written(tmp_path)
    call = FunctionTransformer(os.system, kw_args={"command": f"touch {mark}"})
    forge(path, estimator_skops=skops.io.dumps(call))
    with pytest.raises(ValueError, match="system, which is not trusted"):
        read_classifier(path)
    assert not mark.exists()


def test_pickles_among_the_pixels_do_not_run(tmp_path):
    mark, path = tmp_path / "mark", written(tmp_path)
    stream = io.BytesIO()
    np.savez(stream, points=np.array([Bomb(mark)], object), classes=CLASSES, rows=ROWS)
    forge(path, training_npz=stream.getvalue())
    with pytest.raises(ValueError, match=r"holds no plain arrays in training\.npz"):
        read_classifier(path)
    assert not mark.exists()
    np.load(io.BytesIO(stream.getvalue()), allow_pickle=True)["points"]
    assert mark.exists()  # control: it would have run


def test_an_estimator_that_is_none_is_refused(tmp_path):
    path = written(tmp_path)
    for wrong in (skops.io.dumps({"n_features_in_": 6}), b"nothing"):
        forge(path, estimator_skops=wrong)
        with pytest.raises(ValueError, match="holds an estimator that cannot be read"):
            read_classifier(path)


def spoilt_forest():
    forest = fitted(RandomForestClassifier(3, random_state=0))
    tree = forest.estimator.estimators_[1].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = 10**6
    tree.__setstate__(state)
    return forest


def spoilt_boosting():
    boosting = fitted(HistGradientBoostingClassifier(max_iter=3))
    boosting.estimator._predictors[1][0].nodes["feature_idx"][0] = 900
    return boosting


def spoilt_neighbours():
    neighbours = fitted(KNeighborsClassifier(algorithm="kd_tree"))
    tree = neighbours.estimator._tree
    state = [*tree.__getstate__()]
    state[1] = state[1] + 10**6
    tree.__setstate__(tuple(state))
    return neighbours


def walking_in_circles():
    forest = fitted(RandomForestClassifier(3, random_state=0))
    tree = forest.estimator.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"]["right_child"][0] = 0
    tree.__setstate__(state)
    return forest


@pytest.mark.parametrize(
    ("spoilt", "message"),
    [
        (spoilt_forest, "points outside itself"),
        (spoilt_boosting, "points outside itself"),
        (spoilt_neighbours, "not that of its points"),
        (walking_in_circles, "walks in circles"),
    ],
)
def test_trees_that_point_anywhere_are_refused(tmp_path, spoilt, message):
    path = written(tmp_path, spoilt())
    with pytest.raises(ValueError, match=message):
        read_classifier(path)
