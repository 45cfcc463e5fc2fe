"""Trajectories are trackpy's or those of a brute-force search, and the same whatever the chunks."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import trackpy
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from skimage.measure import label as skimage_label

import pspy_dask as ps
from pspy_dask.datasets import mosaic
from pspy_dask.particles.overlap import LinkOverlaps
from tests.shapes import blobs, chunkings

FAST = settings(max_examples=20)


def walk(frames=12, particles=40, size=100.0, step=1.0, seed=0, missing=0.1):
    """Particles that stray at random, in frames from 3 on, some missing; labels are shuffled."""
    rng = np.random.default_rng(seed)
    at = rng.uniform(0, size, (particles, 2))
    rows = []
    for frame in range(3, 3 + frames):
        at = at + rng.normal(0, step, at.shape)
        seen = rng.permutation(np.flatnonzero(rng.random(particles) >= missing))
        rows.append(
            pd.DataFrame(
                {
                    "frame": frame,
                    "label": np.arange(1, seen.size + 1),
                    "centroid_y": at[seen, 0],
                    "centroid_x": at[seen, 1],
                    "area": rng.random(seen.size),
                    "truth": seen,
                }
            )
        )
    table = pd.concat(rows, ignore_index=True)
    table.attrs["units"] = {"area": "nm^2", "centroid_y": "nm", "centroid_x": "nm"}
    return table


def as_numbered(table, column):
    """Number the values of a column anew, in the order of frames and labels."""
    order = table.sort_values(["frame", "label"])[column]
    return table[column].map({k: n for n, k in enumerate(order.unique(), 1)})


def by_trackpy(table, distance, memory):
    trackpy.quiet()
    columns = ["centroid_y", "centroid_x"]
    ordered = table.sort_values(["frame", "label"])
    linked = trackpy.link(ordered, distance, pos_columns=columns, memory=memory)
    return as_numbered(linked.sort_index(), "particle")


@given(seed=st.integers(0, 2**16), memory=st.integers(0, 3), distance=st.floats(1, 5))
@FAST
def test_links_are_those_of_trackpy(seed, memory, distance):
    table = walk(seed=seed)
    linked = ps.link(table, distance=distance, memory=memory)
    np.testing.assert_array_equal(linked["particle"], by_trackpy(table, distance, memory))


@given(seed=st.integers(0, 2**16))
@FAST
def test_crowds_that_trackpy_refuses_have_the_least_cost(seed):
    table = walk(frames=2, particles=120, size=40.0, step=2.0, seed=seed)
    distance = 5.0
    linked = ps.link(table, distance=distance)
    one, two = (rows for _, rows in linked.groupby("frame"))
    columns = ["centroid_y", "centroid_x"]
    lengths = ((one[columns].to_numpy()[:, None] - two[columns].to_numpy()) ** 2).sum(-1)
    allowed = np.where(lengths <= distance**2, lengths, 1e9)
    least = np.hstack([allowed, np.full((len(one), len(one)), distance**2)])
    expected = least[linear_sum_assignment(least)].sum()
    pairs = one.merge(two, on="particle", suffixes=("", "_after"))
    moved = sum((pairs[c] - pairs[f"{c}_after"]) ** 2 for c in columns)
    assert (moved <= distance**2 * (1 + 1e-6)).all()
    cost = moved.sum() + (len(one) - len(pairs)) * distance**2
    assert cost == pytest.approx(expected, rel=1e-5)


def test_trackpy_refuses_such_crowds():
    table = walk(frames=2, particles=400, size=60.0, step=1.0)
    with pytest.raises(trackpy.SubnetOversizeException):
        by_trackpy(table, 5.0, 0)
    assert ps.link(table, distance=5.0)["particle"].max() < 2 * 400


def test_everything_is_kept_and_particles_are_found_again():
    table = walk(particles=15, step=0.2, missing=0.05).sample(frac=1, random_state=1)
    linked = ps.link(table, distance=3, memory=2)
    pd.testing.assert_frame_equal(linked.drop(columns="particle"), table)
    assert linked.attrs["units"] == {**table.attrs["units"], "particle": ""}
    np.testing.assert_array_equal(linked["particle"], as_numbered(table, "truth"))
    assert "particle" not in table


@given(data=st.data(), seed=st.integers(0, 2**16))
@FAST
def test_order_of_rows_and_partitions_leave_no_trace(data, seed):
    table = walk(frames=4, particles=25, size=20.0, seed=seed)
    table[["centroid_y", "centroid_x"]] = table[["centroid_y", "centroid_x"]].round()  # ties
    expected = ps.link(table, distance=4, memory=1)
    shuffled = table.sample(frac=1, random_state=seed)
    again = ps.link(shuffled, distance=4, memory=1)
    pd.testing.assert_frame_equal(again.sort_index(), expected)
    lazy = dd.from_pandas(table, npartitions=data.draw(st.integers(1, 9)), sort=False)
    linked = ps.link(lazy, distance=4, memory=1)
    assert linked.dtypes["particle"] == np.int64
    with dask.config.set(scheduler="synchronous"):
        pd.testing.assert_frame_equal(linked.compute(), expected)


def test_a_lazy_table_keeps_its_units():
    series = mosaic((96, 96), frames=3, chunks=(1, 50, 40))
    table = ps.region_properties(ps.segment(series))
    linked = ps.link(table, distance=5)
    computed = linked.compute()
    assert computed.attrs["units"] == {**table.compute().attrs["units"], "particle": ""}
    in_pixels = ps.link(table, distance=10, units="px").compute()  # 0.5 nm a pixel
    pd.testing.assert_frame_equal(in_pixels, computed)
    assert computed["particle"].max() < len(computed)


def test_lengths_may_be_tiny():
    table = walk()
    expected = ps.link(table, distance=4)["particle"]
    table[["centroid_y", "centroid_x"]] *= 2.0**-30  # metres, say
    np.testing.assert_array_equal(ps.link(table, distance=4 * 2.0**-30)["particle"], expected)


@pytest.mark.parametrize(("gap", "memory", "linked"), [(2, 0, 0), (2, 1, 1), (9, 7, 0), (9, 8, 1)])
def test_frames_without_objects_count_as_missing(gap, memory, linked):
    table = pd.DataFrame({"frame": [0, gap], "label": 1, "centroid_y": 0.0, "centroid_x": 0.0})
    assert ps.link(table, distance=1, memory=memory)["particle"].tolist() == [1, 2 - linked]


def test_volumes_and_positions_that_are_not_finite():
    table = pd.DataFrame({"frame": [0, 0, 1, 1], "label": [1, 2, 1, 2], "centroid_y": 0.0})
    table["centroid_x"], table["centroid_z"] = [0.0, 0.0, 0.0, np.nan], [0.0, 9.0, 9.0, 0.0]
    assert ps.link(table, distance=1)["particle"].tolist() == [1, 2, 2, 0]


def test_threads_that_link_at_once_do_not_mix():
    tables = [walk(frames=8, seed=seed) for seed in range(8)]
    expected = [ps.link(table, distance=3, memory=1) for table in tables]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda table: ps.link(table, distance=3, memory=1), tables))
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_linking_says_nothing(capsys):
    ps.link(walk(), distance=3)
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger().level == logging.WARNING


def test_nothing_to_link():
    linked = ps.link(walk().iloc[:0], distance=1)
    assert len(linked) == 0 and linked["particle"].dtype == np.int64
    labels = xr.DataArray(np.zeros((2, 8, 9), int), dims=("t", "y", "x"))
    assert len(ps.link(ps.region_properties(labels), distance=1).compute()) == 0
    assert ps.link_overlap(labels).compute().dtypes.tolist() == [np.int64] * 3


def test_bad_input_of_link():
    table = walk()
    with pytest.raises(ValueError, match="no column 'frame', and so is of no series"):
        ps.link(table.drop(columns="frame"), distance=1)
    with pytest.raises(ValueError, match="no column 'centroid_y_px'"):
        ps.link(table, distance=1, units="px")
    with pytest.raises(ValueError, match="give 'physical' or 'px'"):
        ps.link(table, distance=1, units="nm")
    for distance in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="give a length above 0"):
            ps.link(table, distance=distance)
    with pytest.raises(ValueError, match="memory is -1"):
        ps.link(table, distance=1, memory=-1)
    with pytest.raises(ValueError, match="not integers"):
        ps.link(table.astype({"frame": float}), distance=1)
    with pytest.raises(ValueError, match=r"within the distance 1000 of one in frame 4: give a sma"):
        ps.link(table, distance=1000)
    table.attrs["units"] = {"centroid_y": "nm", "centroid_x": "px"}
    with pytest.raises(ValueError, match="different units"):
        ps.link(table, distance=1)


def drifting(frames=5, size=64, seed=0):
    """Labels of blobs that drift by a pixel or two a frame, numbered anew in each."""
    mask = blobs(size, seed)
    moved = [np.roll(mask, (k, 2 * (k % 2)), (0, 1)) for k in range(frames)]
    return np.stack([skimage_label(m) for m in moved]).astype(np.int32)


def by_brute_force(labels, min_overlap, memory):
    """Link by sets of pixels, as the docstring says it."""
    tracks, result = [], {}  # of a track: frame, pixels
    for frame, plane in enumerate(labels):
        objects = {k: {*map(tuple, np.argwhere(plane == k))} for k in np.unique(plane[plane > 0])}
        pairs = []
        for number, (seen, pixels) in enumerate(tracks):
            for k, own in objects.items():
                overlap = len(own & pixels) / len(own | pixels)
                if frame - seen <= memory + 1 and overlap >= min_overlap:
                    pairs.append((-overlap, frame - seen, number, k))
        linked = {}
        for _, _, number, k in sorted(pairs):
            if k not in linked and number not in linked.values():
                linked[k] = number
        for k, own in objects.items():
            if k not in linked:
                linked[k] = len(tracks)
                tracks.append(None)
            tracks[linked[k]] = (frame, own)
            result[frame, k] = linked[k] + 1
    return result


def as_dict(table):
    rows = zip(table["frame"], table["label"], table["particle"], strict=True)
    return {(frame, label): particle for frame, label, particle in rows}


def series(labels, chunks):
    return xr.DataArray(da.from_array(labels, chunks=chunks), dims=("t", "y", "x"))


@given(
    data=st.data(),
    seed=st.integers(0, 2**16),
    min_overlap=st.sampled_from([0.05, 0.3, 0.5, 1.0]),
    memory=st.integers(0, 2),
)
@FAST
def test_overlaps_are_those_of_whole_frames(data, seed, min_overlap, memory):
    labels = drifting(4, 24, seed)
    labels[2] *= data.draw(st.sampled_from([0, 1]))
    lazy = series(labels, data.draw(chunkings(labels.shape)))
    with dask.config.set(scheduler="synchronous"):
        table = ps.link_overlap(lazy, min_overlap=min_overlap, memory=memory).compute()
    assert as_dict(table) == by_brute_force(labels, min_overlap, memory)
    assert table["label"].tolist() == [k for plane in labels for k in np.unique(plane[plane > 0])]


def test_control_chunks_that_are_not_merged_link_otherwise():
    labels = drifting(3, 24, 1)
    program, whole = LinkOverlaps(0.5, 0), by_brute_force(labels, 0.5, 0)
    frames = [[labels[k], *labels[max(0, k - 1) : k]] for k in range(3)]

    def linked(join):
        state, tables = None, []
        for frame, pixels in enumerate(frames):
            parts = [
                program.partial([program.code(p[:, a : a + 8]) for p in pixels]) for a in (0, 8, 16)
            ]
            state, table = program.advance(state, join(parts), frame)
            tables.append(table)
        return as_dict(pd.concat(tables))

    assert linked(lambda p: program.merge(program.merge(p[0], p[1]), p[2])) == whole
    assert linked(lambda p: program.merge(p[0], program.merge(p[2], p[1]))) == whole
    assert linked(np.concatenate) != whole


def test_overlap_joins_onto_properties_of_a_segmented_series():
    image = mosaic((256, 256), frames=4, chunks=(2, 100, 256))
    labels = ps.segment(image)
    links, table = ps.link_overlap(labels), ps.region_properties(labels)
    assert links.npartitions == 4
    joined = table.merge(links, on=["frame", "label"]).compute()
    assert len(joined) == len(table) == len(links)
    steady = joined.groupby("particle").size()
    assert (steady == 4).sum() > len(steady) / 2  # a slow drift: most stay themselves
    values = labels.values
    assert as_dict(links.compute()) == by_brute_force(values, 0.5, 0)
    stored = ps.link_overlap(xr.DataArray(values, dims=("t", "y", "x")))  # read at random
    pd.testing.assert_frame_equal(stored.compute(), links.compute())


def test_volumes_overlap():
    labels = np.zeros((2, 3, 4, 4), int)
    labels[0, :2, 1, 1], labels[1, :2, 1, 1], labels[1, 2, 3, 3] = 9, 4, 2
    assert as_dict(ps.link_overlap(labels).compute()) == {(0, 9): 1, (1, 2): 2, (1, 4): 1}


def test_bad_input_of_link_overlap():
    labels = xr.DataArray(np.ones((2, 4, 4), int), dims=("t", "y", "x"))
    with pytest.raises(ValueError, match="are no series: name the axes"):
        ps.link_overlap(labels.values)
    with pytest.raises(ValueError, match="label the mask first"):
        ps.link_overlap(labels > 0)
    for overlap in (0, 1.1, np.nan):
        with pytest.raises(ValueError, match="give a number above 0, at most 1"):
            ps.link_overlap(labels, min_overlap=overlap)
    with pytest.raises(ValueError, match="memory is -1"):
        ps.link_overlap(labels, memory=-1)


def test_drift_is_found_and_taken_off():
    rng = np.random.default_rng(0)
    home = rng.uniform(0, 50, (20, 2))
    steps = np.vstack([[0, 0], rng.normal(0, 1, (6, 2))])
    rows = [
        pd.DataFrame(
            {
                "frame": k,
                "particle": np.arange(1, 21),
                "centroid_y": at[:, 0],
                "centroid_x": at[:, 1],
            }
        )
        for k, at in enumerate(home + shift for shift in steps.cumsum(axis=0))
    ]
    table = pd.concat(rows, ignore_index=True).drop(index=[3, 47])
    table.attrs["units"] = {"centroid_y": "nm", "centroid_x": "nm"}
    found = ps.drift(table)
    np.testing.assert_allclose(found[["step_y", "step_x"]], steps, atol=1e-12)
    np.testing.assert_allclose(found[["drift_y", "drift_x"]], steps.cumsum(axis=0), atol=1e-12)
    assert found["particles"].tolist() == [0, 19, 19, 19, 20, 20, 20]
    assert found.attrs["units"]["drift_y"] == "nm"
    still = ps.subtract_drift(table, found)
    np.testing.assert_allclose(still["centroid_y"], home[still["particle"] - 1, 0], atol=1e-12)
    assert still.attrs == table.attrs
    shuffled = table.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(ps.drift(shuffled), found)
    lazy = dd.from_pandas(table, npartitions=5)
    pd.testing.assert_frame_equal(ps.drift(lazy).compute(), found)
    assert ps.drift(lazy).dtypes.tolist() == found.dtypes.tolist()
    pd.testing.assert_frame_equal(ps.subtract_drift(lazy, found).compute(), still)


def test_drift_where_nothing_tells():
    table = pd.DataFrame({"frame": [0, 1, 3, 4], "particle": [1, 1, 1, 0]})
    table["centroid_y"] = table["centroid_x"] = [0.0, 2.0, 9.0, 9.0]
    found = ps.drift(table)
    assert found["frame"].tolist() == [0, 1, 2, 3]
    assert found["drift_y"].tolist() == [0, 2, 2, 2]
    with pytest.raises(ValueError, match="the drift has no frame 4"):
        ps.subtract_drift(table, found)
    with pytest.raises(ValueError, match="no column 'particle'"):
        ps.drift(table.drop(columns="particle"))
    with pytest.raises(TypeError, match=r"give drift\.compute"):
        ps.subtract_drift(table, dd.from_pandas(found, npartitions=1))
    assert len(ps.drift(table.iloc[:0])) == 0


def test_objects_of_a_volume_are_linked_by_nothing():
    labels = np.zeros((3, 4, 5), int)  # three axes without names: a volume
    labels[1, 1, 1] = 1
    with pytest.raises(ValueError, match=r'no column .frame.*dims=\("t", "y", "x"\)'):
        ps.link(ps.region_properties(labels), distance=5)
    named = xr.DataArray(labels, dims=("t", "y", "x"))
    assert len(ps.link(ps.region_properties(named), distance=5)) == 1
