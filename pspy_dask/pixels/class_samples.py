"""Samples of annotated pixels: how many there are of each class, and those of lowest hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pspy_dask.blocks.sampling import Sample


@dataclass(frozen=True, eq=False)
class ClassSamples:
    """The pixels of every class: all are counted, and so many of lowest hash are kept.

    Attributes
    ----------
    counts
        How many pixels there are of each class.
    samples
        Those that are kept of it.

    Examples
    --------
    >>> places, hashes = np.zeros((3, 4), np.int64), np.array([5, 3, 4], np.uint64)
    >>> places[:, 3] = 0, 1, 2
    >>> some = class_samples(hashes, places, np.array([7, 7, 2]), most=1)
    >>> some.counts, some.lowest({2: 1, 7: 1}).places[:, 3].tolist()
    ({2: 1, 7: 2}, [1, 2])
    """

    counts: dict[int, int]
    samples: dict[int, Sample]

    def merge(self, other: ClassSamples) -> ClassSamples:
        """Return the samples of both sets of pixels, which have none in common."""
        counts, samples = dict(self.counts), dict(self.samples)
        for number, sample in other.samples.items():
            before = samples.get(number)
            samples[number] = sample if before is None else before.merge(sample)
            counts[number] = counts.get(number, 0) + other.counts[number]
        numbers = sorted(counts)
        return ClassSamples({n: counts[n] for n in numbers}, {n: samples[n] for n in numbers})

    def lowest(self, quotas: Mapping[int, int]) -> ClassPixels:
        """Return so many pixels of each class, those of lowest hash, in the order of places."""
        chosen = [(number, self.samples[number], quota) for number, quota in quotas.items()]
        places = np.concatenate([sample.places[:quota] for _, sample, quota in chosen])
        rows = np.concatenate([sample.rows[:quota] for _, sample, quota in chosen])
        sizes = [min(len(sample), quota) for _, sample, quota in chosen]
        classes = np.repeat(np.array([number for number, *_ in chosen], np.int32), sizes)
        order = np.lexsort(places.T[::-1])
        return ClassPixels(places[order], classes[order], rows[order])


@dataclass(frozen=True, eq=False)
class ClassPixels:
    """Pixels: their places (frame, z, y, x), their classes, and what is known of each."""

    places: NDArray[np.int64]
    classes: NDArray[np.int32]
    rows: NDArray[Any]

    def __len__(self) -> int:
        return len(self.classes)


def class_samples(
    hashes: NDArray[np.uint64],
    places: NDArray[np.int64],
    classes: NDArray[np.integer[Any]],
    most: int,
    rows: NDArray[Any] | None = None,
) -> ClassSamples:
    """Return the samples of some pixels, at most so many of each class.

    Parameters
    ----------
    hashes
        The hash of each pixel.
    places
        Where each lies, ``(frame, z, y, x)``, each once.
    classes
        1 to 65535.
    most
        Pixels of a class that are kept; of equal hashes those that come first.
    rows
        What is known of each.
    """
    known = np.zeros((len(classes), 0), np.bool_) if rows is None else rows
    short = classes.astype(np.uint16)  # numbers of two bytes are sorted in a few passes
    order = np.argsort(short, kind="stable")
    numbers, counts = np.unique(short, return_counts=True)
    members = np.split(order, np.cumsum(counts)[:-1])
    samples = {}
    for number, some in zip(numbers.tolist(), members, strict=False):
        kept = some[_low(hashes[some], most)]
        by_hash = kept[np.lexsort((*places[kept].T[::-1], hashes[kept]))[:most]]
        samples[number] = Sample(most, hashes[by_hash], places[by_hash], known[by_hash])
    return ClassSamples(dict(zip(numbers.tolist(), counts.tolist(), strict=True)), samples)


def _low(hashes: NDArray[np.uint64], most: int) -> NDArray[np.bool_] | slice:
    """Return which hashes are at most the one whose rank is ``most``: sorting these is enough."""
    if len(hashes) <= most:
        return slice(None)
    return np.asarray(hashes <= np.partition(hashes, most - 1)[most - 1])
