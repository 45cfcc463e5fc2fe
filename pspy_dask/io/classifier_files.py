"""Classifiers in files that run no code when they are read: one zip of plain values and arrays.

``classifier.json`` holds names, numbers, versions and the SHA-256 of all else, ``training.npz``
arrays, ``estimator.skops`` the fitted estimator as skops writes it: by the names of its types, of
which none but known ones, and those that a user names, are taken.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import skops.io
from numpy.typing import NDArray
from skops.io.exceptions import UnsupportedTypeException

from pspy_dask.io.estimator_checks import KNOWN, strange_types
from pspy_dask.io.outputs import check_file, growing_file
from pspy_dask.pixels.estimators import CLASSIFIERS
from pspy_dask.pixels.fitted import FittedClassifier, restored_classifier

FORMAT = 1

_VALUES, _ARRAYS, _ESTIMATOR = "classifier.json", "training.npz", "estimator.skops"
_DTYPES = {"points": np.int64, "classes": np.int32, "rows": np.float32}
_UNPACKED = 100  # times as large as the file, or a GB: estimators are, by 6 to 12
_SMALL = 2**30


def write_classifier(
    path: str | Path, classifier: FittedClassifier, *, overwrite: bool = False
) -> None:
    """Write a classifier as one file, complete or not at all; warn if reading it asks for trust.

    Raises
    ------
    FileExistsError
        There is one, and ``overwrite`` is False.
    TypeError
        The estimator is of a kind that skops does not write, or that could not be read again.
    """
    target = check_file(path, overwrite=overwrite)
    members = {_ARRAYS: _packed(classifier), _ESTIMATOR: _dumped(classifier.estimator)}
    strange = _asked_for(classifier.estimator, members[_ESTIMATOR])
    values = {"format": FORMAT, "versions": _versions(), **classifier.as_mapping()}
    hashes = {name: _hash(data) for name, data in members.items()}
    head = {"sha256": {**hashes, "values": _hash(_canonical(values))}, "values": values}
    members[_VALUES] = json.dumps(head, indent=2).encode()
    with growing_file(target) as partial, ZipFile(partial, "w") as archive:
        for name in (_VALUES, _ARRAYS, _ESTIMATOR):
            archive.writestr(ZipInfo(name), members[name], ZIP_DEFLATED)
    if strange:
        # Of save, where users call it.
        warnings.warn(_untrusted(target, strange), UserWarning, stacklevel=3)


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
        Types that the estimator may be made of besides those of the classifiers known by name, as
        ``module.Name``. What such hold is not checked.

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
    with source.open("rb") as stream, _or_damaged(source):
        members = _members(stream, source.stat().st_size)
        head = json.loads(members[_VALUES])
        values, written = dict(head["values"]), head["values"]["format"]
    if written != FORMAT:
        raise ValueError(
            f"{source} is of format {written} and this version of pspy_dask reads {FORMAT}: "
            "read it with the version that wrote it, or fit again"
        )
    with _or_damaged(source):
        _check_hashes(head["sha256"], {**members, "values": _canonical(values)})
        arrays = _arrays(members[_ARRAYS])
        name, learned = values["classifier"], str(values["versions"]["scikit-learn"])
    estimator = None
    if not refit:
        _check_version(source, learned)
        estimator = _trusted_estimator(source, members[_ESTIMATOR], trusted)
    elif name not in CLASSIFIERS:
        raise ValueError(
            f"{source} cannot be fitted anew, for its estimator was given and has no name by which "
            "to make another: read it without refit, or fit again from the annotations"
        )
    with _or_damaged(source):
        classifier = restored_classifier(values, arrays, estimator)
        _check_evaluation(classifier)
    return classifier


@contextmanager
def _or_damaged(source: Path) -> Iterator[None]:
    """Say the same of all that may go wrong with a file: a crafted one may fail in any way."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"{source} is no classifier of pspy_dask or is damaged ({_first_line(error)}): take a "
            "copy that is whole, or fit again"
        ) from None


def _packed(classifier: FittedClassifier) -> bytes:
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **vars(classifier.training))
    return arrays.getvalue()


def _dumped(estimator: Any) -> bytes:
    try:
        data: bytes = skops.io.dumps(estimator)
    except UnsupportedTypeException as error:
        raise _not_written(estimator, error) from None
    return data


def _asked_for(estimator: Any, data: bytes) -> list[str]:
    """Return the types that must be trusted to read what was dumped, having read it."""
    strange: list[str] = []
    try:
        while more := _loaded(data, strange)[1]:
            strange += more
    except Exception as error:
        raise _not_written(estimator, error) from None
    return sorted(strange)


def _not_written(estimator: Any, error: Exception) -> TypeError:
    return TypeError(
        f"{type(estimator).__name__} cannot be written so that it may be read again without harm "
        f"({_first_line(error)}): save the annotations and fit again"
    )


def _untrusted(source: Path, strange: Sequence[str]) -> str:
    return (
        f"{source} holds {', '.join(strange)}, which load takes only where you vouch for the file: "
        f"if you know where it is from, pass trusted={[*strange]!r}"
    )


def _members(stream: IO[bytes], size: int) -> dict[str, bytes]:
    with ZipFile(stream) as archive:
        _check_unpacked(archive, max(_SMALL, _UNPACKED * size))
        return {name: archive.read(name) for name in (_VALUES, _ARRAYS, _ESTIMATOR)}


def _check_unpacked(archive: ZipFile, limit: int) -> None:
    """See that a zip does not unpack to more than this: a small one may well fill the memory."""
    if sum(member.file_size for member in archive.infolist()) > limit:
        raise ValueError("it unpacks to far more than it holds")


def _check_hashes(hashes: Mapping[str, str], known: Mapping[str, bytes]) -> None:
    for name, data in known.items():
        if name != _VALUES and hashes[name] != _hash(data):
            raise ValueError(f"{name} was changed after it was written")


def _check_version(source: Path, written: str) -> None:
    here = version("scikit-learn")
    if written.split(".")[:2] != here.split(".")[:2]:
        raise ValueError(
            f"{source} was fitted with scikit-learn {written} and this is {here}: install that, or "
            "fit the stored pixels anew with load(path, refit=True)"
        )


def _arrays(data: bytes) -> dict[str, NDArray[Any]]:
    with ZipFile(io.BytesIO(data)) as archive:  # as NumPy writes it, nothing is compressed
        _check_unpacked(archive, len(data))
        arrays = {name: _array(archive.read(f"{name}.npy")) for name in _DTYPES}
    for name, dtype in _DTYPES.items():
        if arrays[name].dtype != dtype:
            raise ValueError(f"{name} are of {arrays[name].dtype}")
    return arrays


def _array(data: bytes) -> NDArray[Any]:
    """Return an array whose header claims no more than there is."""
    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError(f"an array of shape {shape} is not all there")
    array: NDArray[Any] = np.load(io.BytesIO(data), allow_pickle=False)
    return array


def _trusted_estimator(source: Path, data: bytes, trusted: Sequence[str]) -> Any:
    with _or_damaged(source):
        estimator, strange = _loaded(data, [trusted] if isinstance(trusted, str) else trusted)
    if strange:
        raise ValueError(_untrusted(source, strange))
    return estimator


def _loaded(data: bytes, trusted: Sequence[str]) -> tuple[Any, list[str]]:
    """Return an estimator and the types that it is made of without being trusted, if any."""
    with ZipFile(io.BytesIO(data)) as archive:  # as skops writes it, nothing is compressed
        _check_unpacked(archive, len(data))
    asked = skops.io.get_untrusted_types(data=data)
    strange = sorted({*asked} - KNOWN - {*trusted})
    if strange:  # these are not even made
        return None, strange
    estimator = skops.io.loads(data, trusted=asked)
    return estimator, strange_types(estimator, trusted)


def _check_evaluation(classifier: FittedClassifier) -> None:
    found, count = classifier.evaluation, len(classifier.classes.numbers)
    confusion, importances = np.asarray(found.confusion), np.asarray(found.importances)
    shapes = confusion.shape, importances.shape
    if shapes != ((count, count), (len(classifier.stack.names),)):
        raise ValueError(f"confusion and importances are of shapes {shapes}")
    kinds = confusion.dtype.kind, importances.dtype.kind, type(found.accuracy)
    texts = type(found.accuracy_by), type(found.importances_by)
    if kinds != ("i", "f", float) or texts != (str, str):
        raise ValueError("its evaluation is not of numbers and words")


def _first_line(error: Exception) -> str:
    text = (str(error).splitlines() or [""])[0]
    return text if text and type(error) is ValueError else f"{type(error).__name__}: {text}"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("pspy-dask", "scikit-learn", "numpy", "skops")}


def _canonical(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True).encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
