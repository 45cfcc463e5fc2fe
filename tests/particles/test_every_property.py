"""Every property is scikit-image's, and the same to the last bit whatever the chunks."""

from __future__ import annotations

import warnings
from math import prod

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.draw import disk
from skimage.measure import label as skimage_label
from skimage.measure import perimeter, regionprops, regionprops_table

import pspy_dask as ps
from pspy_dask.blocks.images import make_image
from pspy_dask.kernels.moments import powers_of
from pspy_dask.particles import measure
from pspy_dask.particles.catalogue import property_names
from tests.shapes import NAMED, chunkings

FEW = settings(max_examples=12, deadline=None)
DTYPES = ("u1", "i2", "u2", "i4", "i8", "u8", "f4", "f8")
SCALARS = {
    "area": "area",
    "num_pixels": "num_pixels",
    "area_bbox": "area_bbox",
    "extent": "extent",
    "axis_major_length": "axis_major_length",
    "axis_minor_length": "axis_minor_length",
    "equivalent_diameter": "equivalent_diameter_area",
    "euler_number": "euler_number",
    **{f"intensity_{n}": f"intensity_{n}" for n in ("mean", "min", "max", "std", "median")},
}
PLANAR = ("eccentricity", "orientation", "perimeter", "perimeter_crofton")
HULLS = ("area_convex", "solidity", "feret_diameter_max")


def names_of(axes, spacing):
    """Yield names of our columns and of scikit-image's."""
    dims, isotropic = "zyx"[3 - axes :], len(set(spacing)) == 1
    yield from SCALARS.items()
    for name in PLANAR if axes == 2 else ():
        if isotropic or not name.startswith("perimeter"):
            yield name, name
    for name in HULLS:
        yield name, name
    for k, dim in enumerate(dims):
        yield f"bbox_{dim}0_px", f"bbox-{k}"
        yield f"bbox_{dim}1_px", f"bbox-{k + axes}"
        yield f"inertia_tensor_eigvals_{k}", f"inertia_tensor_eigvals-{k}"
        for name in ("centroid", "centroid_local", "centroid_weighted", "centroid_weighted_local"):
            yield f"{name}_{dim}", f"{name}-{k}"
        for j in range(k, axes):
            yield f"inertia_tensor_{dim}{dims[j]}", f"inertia_tensor-{k}-{j}"
    for power in powers_of(axes, 3):
        ours, theirs = ("_".join(map(str, power[-axes:])), "-".join(map(str, power[-axes:])))
        for name in ("moments", "moments_central", "moments_weighted", "moments_weighted_central"):
            yield f"{name}_{ours}", f"{name}-{theirs}"
        for name in ("moments_normalized", "moments_weighted_normalized"):
            if sum(power) > 1:
                yield f"{name}_{ours}", f"{name}-{theirs}"
    if axes == 2 and set(spacing) == {1.0}:
        for k in range(7):
            yield f"moments_hu_{k}", f"moments_hu-{k}"
            yield f"moments_weighted_hu_{k}", f"moments_weighted_hu-{k}"


def table_of(labels, image, chunks, **options):
    """Return our table of all properties, rows in the order of labels."""
    lazy = da.from_array(labels, chunks=chunks)
    table = ps.region_properties(lazy, image, properties="all", **options).compute()
    return table.sort_values("label", ignore_index=True)


def oracle(labels, image, names, spacing):
    wanted = ["label", *dict.fromkeys(name.split("-")[0] for name in names)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = regionprops_table(labels, image, properties=wanted, spacing=spacing)
    return pd.DataFrame(table)


def terms(name, labels, image, spacing):
    """Return how large the terms are of which a moment is the sum, for each object."""
    power = [int(p) for p in name.split("_")[-labels.ndim :]]
    regions = regionprops(labels)
    weights = np.abs(image) if "weighted" in name else np.ones(labels.shape)
    size = np.array([weights[labels == r.label].sum() for r in regions])
    for k, (step, exponent) in enumerate(zip(spacing, power, strict=True)):
        size *= [((r.bbox[k + labels.ndim] - r.bbox[k]) * step) ** exponent for r in regions]
    if "normalized" in name:
        least = min(spacing)
        total = np.array([weights[labels == r.label].sum() for r in regions])
        size /= least ** sum(power) * total ** (sum(power) / labels.ndim + 1)
    return size


def check(table, labels, image, spacing):
    names = dict(names_of(labels.ndim, spacing))
    expected = oracle(labels, image, names.values(), spacing)
    np.testing.assert_array_equal(table["label"], expected["label"])
    for ours, theirs in names.items():
        found, wanted = table[ours].to_numpy(float), expected[theirs].to_numpy(float)
        slack = slack_of(ours, table, labels, image, spacing)
        if ours in ("axis_minor_length", "eccentricity"):  # roots of what cancels
            found, wanted = found**2, wanted**2
        if ours == "orientation":  # of round objects it is any, and a turn by pi is none
            round_ones = table["eccentricity"] ** 2 < 1e-9
            found = np.where(round_ones, wanted, found)
            wanted = found + (wanted - found + np.pi / 2) % np.pi - np.pi / 2
        near = np.abs(found - wanted) <= 1e-9 * np.abs(wanted) + slack
        if labels.ndim == 3 and ours in HULLS:  # of flat objects scikit-image has no hull
            near |= expected["area_convex"].to_numpy() == 0
        near |= (found == wanted) | (np.isnan(found) & np.isnan(wanted))
        assert near.all(), (ours, found[~near], wanted[~near])


def slack_of(name, table, labels, image, spacing):
    """Return how far apart values may be that are small differences of large ones."""
    if "hu" in name:
        first = table[f"{name[:-2]}_0"].to_numpy()
        return 1e-9 * np.abs(first) ** (1, 2, 3, 3, 6, 4, 6)[int(name[-1])]
    if "moments" in name and ("central" in name or "normalized" in name):
        return 1e-9 * terms(name, labels, image, spacing)
    if name.startswith(("inertia", "axis")):
        return 1e-9 * table["inertia_tensor_eigvals_0"].to_numpy() * (10 if "axis" in name else 1)
    return 1e-9 if name == "eccentricity" else 0.0


def some_labels(rng, shape, density=0.5, most=9):
    return np.where(rng.random(shape) < density, rng.integers(1, most, shape), 0)


@given(data=st.data(), seed=st.integers(0, 2**16), dtype=st.sampled_from(DTYPES))
@FEW
def test_planes(data, seed, dtype):
    rng = np.random.default_rng(seed)
    labels = some_labels(rng, (13, 15), data.draw(st.sampled_from([0.05, 0.5])))
    image = rng.normal(90, 20, labels.shape).clip(0, 255).astype(dtype)
    spacing = data.draw(st.sampled_from([(1.0, 1.0), (0.25, 0.25), (2.0, 0.5)]))
    table = table_of(labels, image, data.draw(chunkings(labels.shape)), spacing=spacing)
    if labels.any():
        check(table, labels, image.astype(float), spacing)


@pytest.mark.parametrize("name", sorted(set(NAMED) - {"empty"}))
def test_objects_in_many_chunks(name):
    labels = skimage_label(NAMED[name])
    image = np.random.default_rng(3).integers(0, 60000, labels.shape).astype(np.uint16)
    check(table_of(labels, image, (3, 4)), labels, image.astype(float), (1.0, 1.0))


@given(data=st.data(), seed=st.integers(0, 2**16), dtype=st.sampled_from(["u2", "i2", "f4"]))
@FEW
def test_volumes(data, seed, dtype):
    rng = np.random.default_rng(seed)
    labels = some_labels(rng, (5, 6, 7), most=4)
    image = rng.normal(0, 20, labels.shape).astype(dtype) if dtype != "u2" else labels.astype("u2")
    image = np.abs(image) + image.dtype.type(1)
    spacing = data.draw(st.sampled_from([(1.0, 1.0, 1.0), (3.0, 0.5, 0.5)]))
    table = table_of(labels, image, data.draw(chunkings(labels.shape)), spacing=spacing)
    check(table, labels, image.astype(float), spacing)


@given(data=st.data(), seed=st.integers(0, 2**16), dtype=st.sampled_from(DTYPES))
@FEW
def test_chunks_leave_no_trace(data, seed, dtype):
    rng = np.random.default_rng(seed)
    shape = data.draw(st.sampled_from([(14, 11), (4, 5, 6)]))
    labels = skimage_label(rng.random(shape) < data.draw(st.sampled_from([0.2, 0.6])))
    image = rng.normal(100, 30, shape).astype(dtype)
    options = {"connected": data.draw(st.booleans())}
    whole = table_of(labels, image, shape, **options)
    cut = table_of(labels, image, data.draw(chunkings(shape)), **options)
    same_bits(cut, whole)


def same_bits(one, two):
    """Pandas takes 0.0 for -0.0, and a nan for any other."""
    pd.testing.assert_frame_equal(one, two, check_exact=True)
    for name in one:
        assert one[name].to_numpy().tobytes() == two[name].to_numpy().tobytes(), name


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("spacing", [1.0, (1.0, 2.0)])
def test_zeros_have_no_sign_and_nans_no_bits(dtype, spacing):
    rng = np.random.default_rng(0)
    labels = some_labels(rng, (16, 17), 0.6, 30)
    image = rng.choice(np.array([0.0, -0.0, -1.0, np.nan, -np.nan], dtype), labels.shape)
    image[labels == 1], image[labels < 9] = np.nan, np.abs(image[labels < 9]) * -0.0
    tables = [table_of(labels, image, chunks, spacing=spacing) for chunks in (17, 5, (16, 1))]
    same_bits(tables[1], tables[0])
    same_bits(tables[2], tables[0])
    floats = tables[0].select_dtypes("f8").to_numpy()
    assert not np.signbit(floats[floats == 0]).any()
    assert len(np.unique(floats[np.isnan(floats)].view(np.int64))) == 1


@pytest.mark.parametrize("shape", [(1, 40_000), (40_000, 1), (2, 33_000, 40)])
def test_objects_may_be_longer_than_the_sums_of_a_chunk(shape):
    labels = da.ones(shape, dtype=np.int64, chunks=shape)
    asked = ["moments", "moments_central", "axis_major_length", "moments_weighted"]
    image = da.full(shape, 3, dtype=np.float32, chunks=shape)
    tables = [
        ps.region_properties(labels.rechunk(chunks), image, properties=asked).compute()
        for chunks in (shape, tuple(-(-n // 2) for n in shape))
    ]
    same_bits(*tables)
    long = max(shape)
    power = "_".join("3" if n == long else "0" for n in shape)
    total = (long * (long - 1) // 2) ** 2 * (prod(shape) // long)
    assert tables[0][f"moments_{power}"][0] == float(total)


def test_default_properties_of_a_line_of_a_million_pixels():
    table = ps.region_properties(da.ones((1, 1_200_000), dtype=np.int32, chunks=-1)).compute()
    assert table["axis_major_length"][0] == pytest.approx(np.sqrt(4 / 3 * (1_200_000**2 - 1)))


@pytest.mark.parametrize("shape", [(23, 19), (7, 8, 9)])
@pytest.mark.parametrize("connected", [False, True])
def test_pieces_of_a_chunk_leave_no_trace(shape, connected, monkeypatch):
    rng = np.random.default_rng(1)
    labels = skimage_label(rng.random(shape) < 0.4)
    image = rng.normal(100, 30, shape).astype(np.float32)
    whole = table_of(labels, image, shape, connected=connected)
    monkeypatch.setattr(measure, "SAFE_BLOCKS", {2: (5, 4), 3: (3, 2, 4)})
    same_bits(table_of(labels, image, shape, connected=connected), whole)
    same_bits(table_of(labels, image, (6,) * len(shape), connected=connected), whole)


@pytest.mark.parametrize("dtype", ["i8", "u8"])
def test_integers_of_64_bits_count_as_the_nearest_floats(dtype):
    labels = np.array([[1, 1, 2]])
    image = np.array([[2**62 + 1, 2**62 + 3, 5]], dtype)
    same_bits(table_of(labels, image, 2), table_of(labels, image.astype(float), 3))


@pytest.mark.parametrize("dtype", ["u2", "f4"])
def test_moments_of_large_objects_do_not_overflow(dtype):
    rng = np.random.default_rng(0)
    labels = np.where(rng.random((330, 310)) < 0.7, 1, 0)
    labels[20:22, 30:40] = 2
    image = rng.integers(0, 65535, labels.shape).astype(dtype)
    some = [n for n in property_names(2, image=True) if "moments" in n or "centroid" in n]
    tables = [
        ps.region_properties(da.from_array(labels, chunks=chunks), image, properties=some)
        .compute()
        .sort_values("label", ignore_index=True)
        for chunks in (330, (100, 47), (330, 16))
    ]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0], check_exact=True)
    y, x = (np.flatnonzero(labels.any(1))[0], np.flatnonzero(labels.any(0))[0])
    at = [np.array(i - o, object) for i, o in zip(np.nonzero(labels == 1), (y, x), strict=True)]
    weights = image[labels == 1].astype(int).astype(object)
    assert tables[0]["moments_3_3"][0] == float((at[0] ** 3 * at[1] ** 3).sum())
    assert tables[0]["moments_weighted_3_3"][0] == float((at[0] ** 3 * at[1] ** 3 * weights).sum())


def test_control_sums_of_floats_leave_a_trace():
    pixels = np.random.default_rng(0).normal(100, 30, 1000)
    assert pixels.sum() != pixels[:300].sum() + pixels[300:].sum()
    labels = np.ones((1, 1000), int)
    one, two = (
        ps.region_properties(da.from_array(labels, chunks=c), pixels[None]).compute()
        for c in (1000, (1, 300))
    )
    assert one["intensity_sum"][0] == two["intensity_sum"][0]


def ring_of(mask):
    once = ndimage.binary_dilation(mask)
    return ndimage.binary_dilation(once) & ~once


@given(data=st.data(), seed=st.integers(0, 2**16), dtype=st.sampled_from(["u1", "f4"]))
@FEW
def test_what_scikit_image_has_not(data, seed, dtype):
    rng = np.random.default_rng(seed)
    shape = data.draw(st.sampled_from([(12, 13), (4, 6, 5)]))
    labels = some_labels(rng, shape, 0.25, 6)
    image = rng.normal(100, 30, shape).astype(dtype)
    asked = ["local_background", "touches_border", "bbox_length", "intensity_percentile_30"]
    asked += ["aspect_ratio", "intensity_percentile_97.5"]
    asked += ["perimeter_8", "circularity"] if labels.ndim == 2 else []
    lazy = da.from_array(labels, chunks=data.draw(chunkings(shape)))
    table = ps.region_properties(lazy, image, properties=asked).compute().reset_index(drop=True)
    inner = tuple(slice(1, -1) for _ in shape)
    for row in table.itertuples():
        mask = labels == row.label
        ring = image[ring_of(mask)].astype(float)
        expected = ring.mean() if ring.size else np.nan
        np.testing.assert_allclose(row.local_background, expected, rtol=1e-12)
        assert row.touches_border == (mask.sum() > mask[inner].sum())
        sides = np.ptp(np.argwhere(mask), axis=0) + 1
        np.testing.assert_allclose(row.bbox_length, np.linalg.norm(sides))
        for level in (30, 97.5):
            name = f"intensity_percentile_{level}"
            expected = np.percentile(image[mask].astype(float), level)
            np.testing.assert_allclose(table.loc[row.Index, name], expected, rtol=1e-12)
        if labels.ndim == 2:
            np.testing.assert_allclose(row.perimeter_8, perimeter(mask, 8), rtol=1e-12)
            with np.errstate(divide="ignore"):
                expected = 4 * np.pi * mask.sum() / perimeter(mask, 4) ** 2
            np.testing.assert_allclose(row.circularity, expected)


def test_control_a_chunk_does_not_know_its_outline():
    mask = np.zeros((20, 20), int)
    mask[disk((10, 10), 7)] = 1
    parts = sum(perimeter(mask[a], 4) for a in (np.s_[:11], np.s_[11:]))
    table = ps.region_properties(da.from_array(mask, chunks=11), properties="perimeter").compute()
    assert table["perimeter"][0] == pytest.approx(perimeter(mask, 4)) != pytest.approx(parts)


def test_particlespy_figures():
    mask = np.zeros((200, 200), int)
    mask[disk((100, 100), 80)] = 1
    lazy = make_image(da.from_array(mask, chunks=70), ("y", "x"), units=dict.fromkeys("yx", "nm"))
    names = ("area", "equivalent_diameter", "centroid", "circularity", "bbox_area", "bbox_length")
    table = ps.region_properties(lazy, properties=names).compute()
    row = table.iloc[0]
    assert row["area"] == 20069 and row["area_bbox"] == 25281
    assert (row["centroid_x"], row["centroid_y"]) == (100, 100)
    # It takes 3.14159265 for pi.
    assert row["circularity"] == pytest.approx(0.9095832157785668 * np.pi / 3.14159265, rel=1e-15)
    assert row["equivalent_diameter"] == pytest.approx(159.8519453221949, rel=1e-15)
    assert row["bbox_length"] == pytest.approx(224.8599564173221, rel=1e-15)
    units = table.attrs["units"]
    assert (units["area"], units["bbox_length"], units["circularity"]) == ("nm^2", "nm", "")
