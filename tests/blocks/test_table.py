"""Rows of objects in many chunks meet exactly once, and partitions follow in raster order."""

from __future__ import annotations

from dataclasses import dataclass
from zlib import crc32

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pspy_dask.blocks.sources import ArraySource, lazy_array
from pspy_dask.blocks.table import gather_table
from tests.shapes import chunkings

SHAPE = (13, 18)
COLUMNS = ["frame", "label", "y", "x", "pixels"]


def digest(places):
    return crc32(repr(sorted(places)).encode())


@dataclass(frozen=True)
class Places:
    """Of each label its first pixel, and all its pixels in order: no pixel twice, none lost."""

    local: bool

    def rows(self, pixels, window):
        places = {}
        for at in np.argwhere(pixels[0] > 0):
            place = tuple((at + window.core.start).tolist())
            places.setdefault(int(pixels[0][tuple(at)]), []).append(place)
        return places

    def merge(self, parts):
        merged = {}
        for rows in parts:
            for label, places in rows.items():
                merged.setdefault(label, []).extend(places)
        return merged

    def divide(self, rows, box, shape):
        done = {}
        for label, places in rows.items():
            sides = [
                at in (start, stop - 1)
                for place in places
                for at, start, stop, n in zip(place, *box, shape, strict=True)
                if stop - start < n
            ]
            if box.shape == shape or (self.local and not any(sides)):
                done[label] = places
        return done, {label: p for label, p in rows.items() if label not in done}

    def starting(self, rows, start, stop):
        return {label: p for label, p in rows.items() if start <= min(p)[0] < stop}

    def table(self, parts, frame):
        found = sorted((min(p), label, digest(p)) for rows in parts for label, p in rows.items())
        return pd.DataFrame([(frame or 0, n, *f, p) for f, n, p in found], columns=COLUMNS)

    def empty(self):
        return self.table([], None)


def connected(seed):
    """Rectangles of one label each that do not touch: chunks that cut them see an open side."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(SHAPE, np.int64)
    for label in rng.permutation(40)[:25] + 1:
        y, x = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1])
        box = slice(y, y + rng.integers(1, 7)), slice(x, x + rng.integers(1, 7))
        around = tuple(slice(max(0, s.start - 1), s.stop + 1) for s in box)
        if not labels[around].any():
            labels[box] = label
    return labels


def expected(labels, frame=0):
    places = {n: [tuple(p) for p in np.argwhere(labels == n).tolist()] for n in np.unique(labels)}
    rows = sorted((p[0], int(n), p) for n, p in places.items() if n > 0)
    return [(frame, n, *first, digest(p)) for first, n, p in rows]


def found(table):
    return list(table.compute(scheduler="sync").itertuples(index=False, name=None))


def lazily(labels, chunks, random_access):
    if random_access:
        return lazy_array(ArraySource(labels, (None,) * labels.ndim), chunks)
    return da.from_array(labels, chunks=chunks) + 0


@settings(max_examples=20)
@given(chunkings(SHAPE), st.integers(0, 999), st.booleans(), st.booleans(), st.booleans())
def test_every_pixel_of_an_object_is_counted_once(chunks, seed, local, again, random_access):
    labels = connected(seed)
    image = lazily(labels, chunks, random_access)
    table = gather_table([image], Places(local), again=again)
    assert found(table) == expected(labels)


@settings(max_examples=10)
@given(chunkings(SHAPE), st.integers(0, 999), st.booleans())
def test_labels_in_several_pieces(chunks, seed, again):
    labels = np.random.default_rng(seed).integers(0, 30, SHAPE)
    table = gather_table([lazily(labels, chunks, True)], Places(False), again=again)
    assert found(table) == expected(labels)


@pytest.mark.parametrize("again", [True, False])
@pytest.mark.parametrize("time_chunks", [(1, 1), (2,)])
def test_frames_follow_one_another(time_chunks, again):
    series = np.stack([connected(1), connected(2)])
    image = lazily(series, (time_chunks, (6, 7), (5,) * 3 + (3,)), True)
    table = gather_table([image], Places(True), frames=True, again=again)
    assert found(table) == expected(series[0], 0) + expected(series[1], 1)


def test_a_band_of_many_chunks_makes_several_partitions():
    labels = connected(3)
    table = gather_table([lazily(labels, ((13,), (1,) * 18), True)], Places(True))
    assert table.npartitions > 1
    assert found(table) == expected(labels)


def test_control_rows_closed_too_early_are_found():
    """Where a program takes objects on seams for finished, they fall to pieces."""

    class Careless(Places):
        def divide(self, rows, box, shape):
            return rows, {}

    labels = connected(4)
    table = gather_table([lazily(labels, ((3,) * 4 + (1,), (18,)), True)], Careless(True))
    assert len(found(table)) > len(expected(labels))
