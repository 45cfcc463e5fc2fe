"""Classifiers in files that run no code when they are read: one zip of plain values and arrays.

``classifier.json`` holds names, numbers, versions and the SHA-256 of all else, ``training.npz``
arrays, ``estimator.skops`` the fitted estimator as skops writes it: by the names of its types, of
which none but listed ones are made.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import skops.io
from numpy.typing import NDArray
from skops.io.exceptions import UnsupportedTypeException

from pspy_dask.io.estimator_checks import check_estimator
from pspy_dask.io.outputs import check_file, growing_file
from pspy_dask.pixels.fitted import FittedClassifier, restored_classifier

FORMAT = 1

#: Types beside those that skops trusts anyway that the classifiers known by name are made of. The
#: indices that the first three hold are checked before they are followed.
TRUSTED = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn._loss._loss.CyHalfBinomialLoss",
    "sklearn._loss._loss.CyHalfMultinomialLoss",
    "sklearn._loss.loss.HalfBinomialLoss",
    "sklearn._loss.loss.HalfMultinomialLoss",
    "sklearn._loss.link.Interval",
    "sklearn._loss.link.LogitLink",
    "sklearn._loss.link.MultinomialLogit",
)

_VALUES, _ARRAYS, _ESTIMATOR = "classifier.json", "training.npz", "estimator.skops"
_DAMAGED = "take a copy that is whole, or fit again"


def write_classifier(
    path: str | Path, classifier: FittedClassifier, *, overwrite: bool = False
) -> None:
    """Write a classifier as one file, complete or not at all.

    Raises
    ------
    FileExistsError
        There is one, and ``overwrite`` is False.
    TypeError
        The estimator is of a kind that skops does not write.
    """
    target = check_file(path, overwrite=overwrite)
    members = {_ARRAYS: _packed(classifier), _ESTIMATOR: _dumped(classifier.estimator)}
    values = {"format": FORMAT, "versions": _versions(), **classifier.as_mapping()}
    hashes = {name: _hash(data) for name, data in members.items()}
    head = {"sha256": {**hashes, "values": _hash(_canonical(values))}, "values": values}
    members[_VALUES] = json.dumps(head, indent=2).encode()
    with growing_file(target) as partial, ZipFile(partial, "w") as archive:
        for name in (_VALUES, _ARRAYS, _ESTIMATOR):
            archive.writestr(ZipInfo(name), members[name], ZIP_DEFLATED)


def read_classifier(
    path: str | Path, *, refit: bool = False, trusted: Sequence[str] = ()
) -> FittedClassifier:
    """Return the classifier of a file, or raise where something is wrong with it.

    Parameters
    ----------
    path
        The file.
    refit
        Whether to fit the classifier anew to the pixels in the file. Its estimator is not read
        then, and the version of scikit-learn does not matter.
    trusted
        Types that the estimator may be made of besides `TRUSTED`, as ``module.Name``.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no such file, is of another format or version of scikit-learn, was changed, holds
        types that are not trusted, or parts that do not belong together.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"no classifier {source}: check the path")
    members = _members(source)
    values = _values(source, members)
    arrays = _arrays(source, members[_ARRAYS])
    estimator = None
    if not refit:
        _check_version(source, values)
        estimator = _estimator(source, members[_ESTIMATOR], trusted)
    try:
        return restored_classifier(values, arrays, estimator)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(
            f"the classifier of {source} cannot be put together ({error}): fit again from the "
            "annotations"
        ) from None


def _packed(classifier: FittedClassifier) -> bytes:
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **vars(classifier.training))
    return arrays.getvalue()


def _dumped(estimator: Any) -> bytes:
    try:
        data: bytes = skops.io.dumps(estimator)
    except UnsupportedTypeException as error:
        raise TypeError(
            f"{type(estimator).__name__} cannot be written so that reading it runs no code "
            f"({_first_line(error)}): save the annotations and fit again"
        ) from None
    return data


def _members(source: Path) -> dict[str, bytes]:
    try:
        with ZipFile(source) as archive:
            return {name: archive.read(name) for name in (_VALUES, _ARRAYS, _ESTIMATOR)}
    except (BadZipFile, KeyError, OSError, ValueError, NotImplementedError, RuntimeError):
        # Those of the zip itself, a member that is missing, cut off or locked.
        raise ValueError(
            f"{source} is no classifier of pspy_dask, or was cut off: give a file that "
            "PixelClassifier.save wrote"
        ) from None


def _values(source: Path, members: Mapping[str, bytes]) -> dict[str, Any]:
    """Return names and numbers; the format is looked at before all else."""
    try:
        head = json.loads(members[_VALUES])
        values, hashes = dict(head["values"]), dict(head["sha256"])
        found = values["format"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{source} says nothing of its format: {_DAMAGED}") from None
    if found != FORMAT:
        raise ValueError(
            f"{source} is of format {found} and this version of pspy_dask reads {FORMAT}: "
            "read it with the version that wrote it, or fit again"
        )
    known = {"values": _canonical(values), _ARRAYS: members[_ARRAYS]}
    for name, data in {**known, _ESTIMATOR: members[_ESTIMATOR]}.items():
        if hashes.get(name) != _hash(data):
            raise ValueError(f"{source} was changed after it was written, in {name}: {_DAMAGED}")
    return values


def _check_version(source: Path, values: Mapping[str, Any]) -> None:
    written = str(dict(values.get("versions", {})).get("scikit-learn"))
    here = version("scikit-learn")
    if written.split(".")[:2] != here.split(".")[:2]:
        raise ValueError(
            f"{source} was fitted with scikit-learn {written} and this is {here}: install that, or "
            "fit the stored pixels anew with load(path, refit=True)"
        )


def _arrays(source: Path, data: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (ValueError, KeyError, OSError, BadZipFile, EOFError):
        raise ValueError(f"{source} holds no plain arrays in {_ARRAYS}: {_DAMAGED}") from None


def _estimator(source: Path, data: bytes, trusted: Sequence[str]) -> Any:
    allowed = {*TRUSTED, *([trusted] if isinstance(trusted, str) else trusted)}
    try:
        strange = sorted(set(skops.io.get_untrusted_types(data=data)) - allowed)
        if not strange:
            estimator = skops.io.loads(data, trusted=sorted(allowed))
            check_estimator(estimator)
    except Exception as error:  # a crafted file may fail in any way
        raise ValueError(
            f"{source} holds an estimator that cannot be read ({_first_line(error)}): {_DAMAGED}"
        ) from None
    if strange:
        raise ValueError(
            f"{source} holds {', '.join(strange)}, which is not trusted: if you know what it does, "
            f"pass trusted={strange!r}"
        )
    return estimator


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("pspy-dask", "scikit-learn", "numpy", "skops")}


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True).encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
