"""Lists of particles: their rows, and crops that read their own pixels alone."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import dataclass, field

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import regionprops

import pspy_dask as ps
from pspy_dask.blocks.images import make_image
from pspy_dask.blocks.sources import lazy_array
from tests.shapes import NAMED, N, blobs, chunkings

LABELS = ps.label(NAMED["blobs"]).values
IMAGE = np.random.default_rng(3).integers(1, 1000, (N, N)).astype("u2")


def calibrated(array, step=0.5, chunks=9):
    data = da.from_array(array, chunks=chunks) if isinstance(array, np.ndarray) else array
    steps, units = {"y": step, "x": step}, {"y": "nm", "x": "nm"}
    return make_image(data, ("y", "x"), steps=steps, units=units, origin={"y": 10.0})


def make_list(labels=LABELS, image=IMAGE, **options):
    table = ps.region_properties(calibrated(labels), calibrated(image)).compute()
    return ps.Particles(table, calibrated(labels, **options), calibrated(image, **options))


@pytest.fixture(scope="module")
def particles():
    return make_list()


def test_a_list_of_rows(particles):
    assert len(particles) == LABELS.max()
    assert [particle.label for particle in particles] == list(range(1, len(particles) + 1))
    last = particles[-1]
    assert last.label == particles[len(particles) - 1].label == len(particles)
    assert (
        last.properties["area"]
        == particles["area"].iloc[-1]
        == 0.25 * (LABELS.max() == LABELS).sum()
    )
    assert last.units["area"] == particles.units["area"] == "nm^2"
    assert last.frame is None
    assert isinstance(last.properties["area_px"], int)
    with pytest.raises(IndexError, match="there is no particle"):
        particles[len(particles)]


def test_slices_masks_and_lists_are_lists(particles):
    large = particles[particles["area_px"] > 20]
    assert isinstance(large, ps.Particles)
    assert 0 < len(large) < len(particles)
    assert all(particle.properties["area_px"] > 20 for particle in large)
    assert large.units == particles.units
    assert [p.label for p in particles[2:7:2]] == [3, 5, 7]
    assert [p.label for p in particles[[4, 0]]] == [5, 1]
    assert len(particles[[]]) == len(particles[:0]) == 0
    assert not list(particles[:0])
    np.testing.assert_array_equal(large[0].mask, particles[large[0].label - 1].mask)
    with pytest.raises(IndexError, match="one for each of"):
        particles[[True, False]]
    with pytest.raises(TypeError, match="boolean mask"):
        particles[1.5]
    with pytest.raises(ValueError, match="no column 'size'"):
        particles["size"]


@given(data=st.data())
@settings(max_examples=10)
def test_crops_at_any_chunks(data):
    chunks = data.draw(chunkings((N, N)))
    listed = make_list(chunks=chunks)
    for own, region in zip(listed, regionprops(LABELS, IMAGE), strict=True):
        np.testing.assert_array_equal(own.mask, region.image)
        np.testing.assert_array_equal(own.image, IMAGE[region.slice])
        np.testing.assert_array_equal(own.crop(p_only=True), region.image_intensity)


def test_crops_keep_their_coordinates_and_are_clipped_at_the_edge(particles):
    corner = next(p for p in particles if p.properties["bbox_y0_px"] == 0)
    low, high = (corner.properties[f"bbox_y{k}_px"] for k in (0, 1))
    crop = corner.crop(pad=3)
    assert isinstance(crop.data, da.Array)
    assert crop.sizes["y"] == high - low + 3
    assert float(crop.y[0]) == 10.0
    assert crop.y.attrs == {"units": "nm", "step": 0.5}
    assert corner.crop_mask(3).shape == crop.shape
    with pytest.raises(ValueError, match="pad is -1"):
        corner.crop(-1)


def test_the_pixels_around_a_particle_get_a_value(particles):
    particle = particles[0]
    inside = particle.mask.values
    with_nan = particle.crop(p_only=True, fill=np.nan)
    assert with_nan.dtype == np.float64
    assert np.isnan(with_nan.values[~inside]).all()
    np.testing.assert_array_equal(with_nan.values[inside], particle.image.values[inside])
    assert particle.crop(p_only=True).dtype == np.uint16
    single = make_list(image=IMAGE.astype("f4"))[0].crop(p_only=True, fill=np.nan)
    assert single.dtype == np.float32


@dataclass(frozen=True)
class Counting:
    """An image that counts the pixels that are read."""

    pixels: np.ndarray
    reads: list = field(default_factory=list)

    @property
    def shape(self):
        return self.pixels.shape

    @property
    def dtype(self):
        return self.pixels.dtype

    def read(self, box):
        self.reads.append(box.size)
        return self.pixels[box.slices]

    def __dask_tokenize__(self):
        return ("counting", id(self.reads))


def test_a_crop_of_a_source_reads_its_box_alone():
    big = ps.label(blobs(120)).values
    labels, image = Counting(big), Counting(big * 2)
    chunks = ((40, 40, 40),) * 2
    table = ps.region_properties(big).compute()
    listed = ps.Particles(table, lazy_array(labels, chunks), lazy_array(image, chunks))
    particle = listed[len(listed) // 2]
    lazy = particle.image, particle.mask
    assert not labels.reads
    assert not image.reads
    np.testing.assert_array_equal(
        lazy[0].values, big[regionprops(big)[particle.label - 1].slice] * 2
    )
    assert image.reads == [lazy[0].size]
    assert not labels.reads
    assert lazy[1].values.sum() == particle.properties["area_px"]
    assert labels.reads == [lazy[1].size]
    assert len(lazy[0].data.dask) <= 2  # however many chunks the image has


def test_a_crop_of_computed_chunks_reads_those_it_touches():
    big = ps.label(blobs(120)).values
    seen = []

    def look(block):
        if block.size:
            seen.append(block.shape)
        return block

    labels = da.from_array(big, chunks=30).map_blocks(look, dtype=big.dtype, meta=big[:0, :0])
    listed = ps.Particles(ps.region_properties(big).compute(), labels)
    inner = next(p for p in listed if all(p.properties[f"bbox_{d}1_px"] <= 29 for d in "yx"))
    assert inner.mask.values.sum() == inner.properties["area_px"]
    assert seen == [(30, 30)]


def test_frames_and_flat_volumes():
    series = xr.DataArray(np.stack([LABELS, LABELS[::-1]]), dims=("t", "y", "x"))
    table = ps.region_properties(series, series).compute()
    listed = ps.Particles(table, series, series)
    for particle in listed[::7]:
        assert particle.mask.dims == ("y", "x")
        whole = series.values[particle.frame] == particle.label
        assert whole.sum() == particle.mask.values.sum() == particle.properties["area_px"]
    flat = LABELS[None]
    particle = ps.Particles(ps.region_properties(flat).compute(), flat)[3]
    assert particle.mask.dims == ("z", "y", "x")
    assert particle.mask.values.sum() == (LABELS == 4).sum()
    volume = np.zeros((4, 5, 6), int)
    volume[1:3, 2:4, 3:] = 8
    particle = ps.Particles(ps.region_properties(volume).compute(), volume)[0]
    assert particle.mask.shape == (2, 2, 3)
    assert particle.mask.values.all()


def test_lists_of_several_images(particles):
    other = make_list(LABELS[::-1].copy(), IMAGE[::-1].copy())
    both = particles.append(other)
    assert len(both) == 2 * len(particles)
    assert both["source"].tolist() == [0] * len(particles) + [1] * len(other)
    assert both.units["area"] == "nm^2"
    assert both["label"].dtype == np.int64
    np.testing.assert_array_equal(both[-1].image, other[-1].image)
    np.testing.assert_array_equal(both[0].mask, particles[0].mask)
    three = ps.Particles.concat([both, particles[:1], both[10:]])
    assert three["source"].tolist()[-1] == 4
    np.testing.assert_array_equal(three[-1].image, other[-1].image)
    empty = particles[:0].append(particles)
    assert empty["area_px"].dtype == particles["area_px"].dtype
    np.testing.assert_array_equal(empty[2].mask, particles[2].mask)


def test_tables_of_very_many_columns_are_joined_without_a_warning():
    many = {f"p{k}": np.arange(3.0) for k in range(150)}
    table = pd.DataFrame({"label": np.arange(1, 4), **many}, copy=False)  # as Parquet is read
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        both = ps.Particles(table).append(ps.Particles(table))
    assert both["source"].tolist() == [0, 0, 0, 1, 1, 1]


def test_lists_that_cannot_be_joined(particles):
    with pytest.raises(ValueError, match="no lists"):
        ps.Particles.concat([])
    with pytest.raises(ValueError, match="differ in cluster"):
        particles.append(particles.with_column("cluster", 1))
    plain = ps.Particles(ps.region_properties(LABELS, IMAGE).compute())
    with pytest.raises(ValueError, match="is in px"):
        particles.append(plain)
    both = particles.append(particles)
    with pytest.raises(ValueError, match="of several images"):
        ps.Particles(both.table, LABELS, IMAGE)


UM = {"steps": {"y": 2.0, "x": 2.0}, "units": {"y": "um", "x": "um"}}


@pytest.mark.parametrize("bare", ["labels", "image"])
def test_a_calibration_that_one_of_the_two_states_is_that_of_both(bare):
    known = calibrated(LABELS), calibrated(IMAGE)
    pair = (LABELS, known[1]) if bare == "labels" else (known[0], IMAGE)
    expected = ps.region_properties(*known).compute().reset_index(drop=True)
    table = ps.region_properties(*pair).compute().reset_index(drop=True)
    pd.testing.assert_frame_equal(table, expected)
    assert table.attrs == expected.attrs
    for found in (ps.find_particles(pair[1], labels=pair[0]), ps.Particles(expected, *pair)):
        pd.testing.assert_frame_equal(found.table, expected)
        assert found.units["area"] == "nm^2"
        for crop in (found[2].image, found[2].mask):
            assert crop.y.attrs == {"units": "nm", "step": 0.5}
            assert float(crop.y[0]) == 10 + 0.5 * found[2].properties["bbox_y0_px"]


def test_units_that_one_of_the_two_lacks():
    image = calibrated(IMAGE)
    labels = calibrated(LABELS).copy()
    for dim in "yx":
        labels.coords[dim].attrs.clear()  # steps of 0.5, of what is not said
    found = ps.find_particles(image, labels=labels)
    assert found.units["area"] == "nm^2"
    assert found[0].mask.y.attrs["units"] == "nm"


def test_two_calibrations_that_differ_are_refused():
    image = calibrated(IMAGE)
    table = ps.region_properties(LABELS).compute()
    other = make_image(da.from_array(LABELS), ("y", "x"), **UM)
    for labels in (other, calibrated(LABELS, step=0.51)):
        with pytest.raises(ValueError, match=r"and those of the image 0\.5 nm: drop the coord"):
            ps.region_properties(labels, image)
        with pytest.raises(ValueError, match="pixels of the labels are"):
            ps.find_particles(image, labels=labels)
        with pytest.raises(ValueError, match="pixels of the labels are"):
            ps.Particles(table, labels, image)
        bare = labels.drop_vars(labels.dims, errors="ignore")  # what the sentence proposes
        assert ps.find_particles(image, labels=bare).units["area"] == "nm^2"
        ps.region_properties(labels, image, spacing=2)  # says which
    near = calibrated(LABELS, step=0.5 + 1e-12)
    assert len(ps.region_properties(near, image).compute()) == LABELS.max()


def test_axes_of_labels_and_image():
    stack = np.stack([LABELS, LABELS[::-1]])
    series = xr.DataArray(stack, dims=("t", "y", "x"))
    found = ps.find_particles(stack, labels=series)
    assert found[0].image.dims == ("y", "x")
    with pytest.raises(ValueError, match=r"label_mask\(labels, image\)"):
        ps.find_particles(series, labels=stack)
    assert "frame" in ps.find_particles(series, labels=ps.label_mask(stack, series)).table


def test_columns_are_added_and_nothing_changes_in_place(particles):
    before = particles.table.copy()
    more = particles.with_column("shade", np.arange(len(particles)), "e")
    assert more[3].properties["shade"] == 3
    assert more.units["shade"] == "e"
    clustered = particles.cluster_particles(["area"], n_clusters=2)
    assert set(clustered["cluster"]) == {1, 2}
    np.testing.assert_array_equal(clustered[1].mask, particles[1].mask)
    pd.testing.assert_frame_equal(particles.table, before)
    with pytest.raises(AttributeError):
        particles.table = before


def test_lists_travel_to_other_processes(particles):
    copy = pickle.loads(pickle.dumps(particles[2:4]))
    pd.testing.assert_frame_equal(copy.table, particles[2:4].table)
    np.testing.assert_array_equal(copy[1].mask, particles[3].mask)


def test_plots_of_one_list_and_of_several(particles):
    alone = particles.plot("area")
    assert alone.axes[0].get_xlabel() == "area (nm²)"
    several = particles.plot(["area", "intensity_mean"], beside=[particles[:5]], names=["a", "b"])
    texts = several.axes[0].get_legend().get_texts()
    assert [text.get_text() for text in texts] == ["a", "b"]


def test_spectra_of_the_particles_of_a_list(particles):
    cube = np.random.default_rng(0).integers(0, 99, (N, N, 3))
    some = particles[[5, 2, 6]]
    sums = some.sum_spectra(da.from_array(cube, chunks=8))
    assert sums.label.values.tolist() == [6, 3, 7]
    for row, particle in zip(sums.values, some, strict=True):
        np.testing.assert_array_equal(row, cube[particle.label == LABELS].sum(0))
    with pytest.raises(ValueError, match="one at a time"):
        some.append(some).sum_spectra(cube)


def test_what_a_list_needs(particles):
    with pytest.raises(TypeError, match="compute it first"):
        ps.Particles(ps.region_properties(LABELS))
    with pytest.raises(ValueError, match="no column 'label'"):
        ps.Particles(pd.DataFrame({"area": [1]}))
    with pytest.raises(ValueError, match="not integers"):
        ps.Particles(particles.table, LABELS * 1.0)
    with pytest.raises(ValueError, match="the image has shape"):
        ps.Particles(particles.table, LABELS, IMAGE[1:])
    bare = ps.Particles(particles.table)
    with pytest.raises(ValueError, match="no image"):
        _ = bare[0].image
    with pytest.raises(ValueError, match="no labels"):
        _ = bare[0].mask
    short = ps.Particles(particles.table[["label", "area"]], LABELS)
    with pytest.raises(ValueError, match="'bbox'"):
        _ = short[0].mask


def test_from_an_image_to_its_particles():
    image = np.where(NAMED["blobs"], 200, 10).astype("u1")
    found = ps.find_particles(
        da.from_array(image, chunks=10), properties=["area"], clear_border=False
    )
    expected = ps.label(NAMED["blobs"]).values
    assert len(found) == expected.max()
    for particle in found:
        own = expected == particle.label
        assert particle.properties["area_px"] == own.sum() == particle.mask.values.sum()
    given_labels = ps.find_particles(image, labels=expected)
    assert given_labels["intensity_mean"].tolist() == [200.0] * len(found)
    with pytest.raises(ValueError, match="labels and a recipe"):
        ps.find_particles(image, labels=expected, watershed=True)
    with pytest.raises(ValueError, match="neither an image nor labels"):
        ps.find_particles()


def test_labels_made_by_a_recipe_are_made_once():
    image = Counting(np.where(NAMED["blobs"], 200, 10).astype("u1"))
    found = ps.find_particles(lazy_array(image, ((10, 10, 9),) * 2), clear_border=False)
    read = len(image.reads)
    assert found[2].mask.values.sum() == found[2].properties["area_px"]
    assert len(image.reads) == read
    again = ps.segment(lazy_array(image, ((10, 10, 9),) * 2), clear_border=False)
    assert ps.Particles(found.table, again)[2].mask.values.any()
    assert len(image.reads) > read  # what keeping the labels saves
