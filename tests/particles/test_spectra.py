"""Spectra of particles: NumPy's sums label by label, the same whatever the chunks."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from types import SimpleNamespace

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import pspy_dask as ps
from pspy_dask.blocks.images import make_image
from pspy_dask.blocks.sources import lazy_array
from pspy_dask.kernels.exact_sums import exact_sum, to_float
from tests.shapes import NAMED, chunkings

FAST = settings(max_examples=15)
BINS = 4


def with_gaps(mask):
    """Labels 2, 5, 8, ... of the mask."""
    labels = ps.label(mask).values
    return np.where(labels > 0, 3 * labels - 1, 0)


LABELS = {name: with_gaps(NAMED[name]) for name in ("spiral", "blobs", "single pixels", "empty")}


def spectra_like(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        wide = rng.normal(size=(*shape, BINS)) * 10.0 ** rng.integers(-12, 12, (*shape, BINS))
        wide[rng.random(wide.shape) < 0.3] = 0
        return wide.astype(dtype)
    return rng.integers(0, 200, (*shape, BINS)).astype(dtype)


def oracle(labels, cube):
    """Sums of each label; those of floats by Python's integers."""
    rows = []
    for k in np.unique(labels[labels > 0]):
        pixels = cube[labels == k]
        if cube.dtype.kind == "f":
            rows.append([to_float(exact_sum(column), 1) for column in pixels.T])
        else:
            rows.append(pixels.sum(0, dtype=np.int64))
    return np.array(rows).reshape(-1, cube.shape[-1])


@given(
    data=st.data(),
    name=st.sampled_from(sorted(LABELS)),
    dtype=st.sampled_from(["u1", "i4", "f4", "f8", ">f4", ">u2"]),
    leading=st.booleans(),
)
@FAST
def test_any_chunks_of_space_and_signal(data, name, dtype, leading):
    labels = LABELS[name]
    cube = spectra_like(labels.shape, dtype)
    expected = oracle(labels, cube)
    given_cube = np.moveaxis(cube, -1, 0) if leading else cube
    chunked = da.from_array(given_cube, chunks=data.draw(chunkings(given_cube.shape)))
    own = da.from_array(labels, chunks=data.draw(chunkings(labels.shape)))
    numbers = np.unique(labels[labels > 0])
    sums = ps.sum_spectra(own, chunked, numbers=numbers)
    assert sums.dims == ("label", "signal")
    assert sums.data.chunks[1] == chunked.chunks[0 if leading else 2]
    np.testing.assert_array_equal(sums.values, expected)
    assert sums.values.dtype == sums.dtype


def test_control_plain_sums_of_floats_depend_on_the_chunks():
    labels = LABELS["spiral"]
    cube = spectra_like(labels.shape, "f8")
    inside = labels == labels.max()
    whole = cube[inside].sum(0)
    halves = cube[:11][inside[:11]].sum(0) + cube[11:][inside[11:]].sum(0)
    assert (whole != halves).any()


def test_objects_cut_by_chunks_add_up():
    labels = np.ones((8, 8), int)
    cube = da.ones((8, 8, 4), chunks=(3, 3, 2), dtype="u2")
    assert ps.sum_spectra(labels, cube).values.tolist() == [[64] * 4]


def test_numbers_in_any_order_and_labels_that_are_not_there():
    labels = np.array([[9, 9, 0, 4]])
    cube = np.arange(8).reshape(1, 4, 2)
    sums = ps.sum_spectra(labels, cube, numbers=[7, 9, 4])
    assert sums.label.values.tolist() == [7, 9, 4]
    assert sums.values.tolist() == [[0, 0], [2, 4], [6, 7]]
    other = ps.sum_spectra(labels, cube, numbers=[4])
    assert other.values.tolist() == [[6, 7]]  # of the same arrays, yet another result


def test_values_that_are_not_finite_do_not_count():
    cube = np.array([[[1.0, np.nan], [2.0, np.inf], [0.5, 3.0]]])
    assert ps.sum_spectra(np.array([[1, 1, 1]]), cube).values.tolist() == [[3.5, 3.0]]


def test_large_integers():
    cube = np.full((1, 3, 1), 2**62 + 1, np.uint64)
    sums = ps.sum_spectra(np.array([[1, 1, 1]]), cube)
    assert sums.dtype == np.uint64
    assert int(sums.values[0, 0]) == 3 * (2**62 + 1)


@pytest.mark.parametrize("chunks", [(1, 690, 1), (1, 7, 1)])
def test_sums_that_do_not_fit_their_type_are_refused_and_all_others_exact(chunks):
    labels = np.ones((1, 690), int)
    labels[0, 600:] = 2
    cube = np.full((1, 690, 1), 2**62)
    sums = ps.sum_spectra(labels, da.from_array(cube, chunks=chunks))
    with pytest.raises(OverflowError, match=r"label 1 does not fit int64: .*astype\(float\)"):
        sums.compute()
    cube[0, 1::2] = -(2**62) + 5  # partial sums are beyond, whole ones are not
    cube[0, 600:602] = -(2**62)
    cube[0, 602:] = 0
    sums = ps.sum_spectra(labels, da.from_array(cube, chunks=chunks))
    assert sums.values.tolist() == [[300 * 5], [-(2**63)]]
    cube[0, 602] = -1
    with pytest.raises(OverflowError, match="label 2"):
        ps.sum_spectra(labels, da.from_array(cube, chunks=chunks)).compute()
    unsigned = np.zeros((1, 690, 1), np.uint64)
    unsigned[0, :2, 0] = 2**63, 2**63 - 1
    sums = ps.sum_spectra(labels, da.from_array(unsigned, chunks=chunks))
    assert sums.dtype == np.uint64 and sums.values.tolist() == [[2**64 - 1], [0]]
    unsigned[0, 2] = 1
    with pytest.raises(OverflowError, match="fit uint64"):
        ps.sum_spectra(labels, da.from_array(unsigned, chunks=chunks)).compute()


def test_axes_and_coordinates_of_a_data_array():
    labels = make_image(da.from_array(LABELS["blobs"], chunks=7), ("y", "x"))
    cube = spectra_like(labels.shape, "u2")
    energy = xr.Variable("energy", np.arange(BINS) * 10.0, {"units": "eV"})
    named = xr.DataArray(
        cube.transpose(2, 1, 0), {"energy": energy}, ("energy", "x", "y"), "counts", {"beam": 200}
    )
    numbers = np.unique(LABELS["blobs"])[1:]
    sums = ps.sum_spectra(labels, named.chunk(x=5, energy=3), numbers=numbers)
    np.testing.assert_array_equal(sums.values, oracle(LABELS["blobs"], cube))
    assert sums.dims == ("label", "energy")
    assert sums.attrs == {"beam": 200}
    assert sums.energy.units == "eV"
    assert sums.energy.values.tolist() == energy.values.tolist()


def test_a_diffraction_pattern_at_every_pixel_of_a_volume():
    labels = np.zeros((3, 4, 5), int)
    labels[1:, 1:3, 2:] = 2
    cube = np.random.default_rng(0).integers(0, 9, (3, 4, 5, 3, 2))
    sums = ps.sum_spectra(labels, da.from_array(cube, chunks=2))
    assert sums.dims == ("label", "signal_0", "signal_1")
    np.testing.assert_array_equal(sums.values[0], cube[labels == 2].sum(0))


def test_a_square_is_told_apart_by_its_signal_axes():
    labels = np.diag([1, 2, 3])
    cube = np.arange(27).reshape(3, 3, 3)
    with pytest.raises(ValueError, match="signal_axes="):
        ps.sum_spectra(labels, cube)
    last = ps.sum_spectra(labels, cube, signal_axes=-1)
    np.testing.assert_array_equal(last.values, cube[[0, 1, 2], [0, 1, 2]])
    first = ps.sum_spectra(labels, cube, signal_axes=0)
    np.testing.assert_array_equal(first.values, cube[:, [0, 1, 2], [0, 1, 2]].T)


@dataclass(frozen=True)
class Counting:
    """A cube that is never whole in memory, and counts how often each box is read."""

    shape: tuple[int, ...]
    boxes: list = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    dtype: np.dtype = field(default_factory=lambda: np.dtype("u2"))

    def read(self, box):
        with self.lock:
            self.boxes.append(box)
        y, x, e = np.ogrid[box.slices]
        return ((y + 2 * x + 3 * e) % 50).astype("u2")

    def __dask_tokenize__(self):
        return ("counting", self.shape, id(self.boxes))


def test_the_cube_is_read_once_and_never_whole():
    labels = ps.label(np.tile(NAMED["lattice"], (3, 3))).values
    source = Counting((87, 87, 40))
    cube = xr.DataArray(
        lazy_array(source, ((20, 20, 20, 20, 7),) * 2 + ((15, 15, 10),)), dims=("y", "x", "energy")
    )
    sums = ps.sum_spectra(labels, cube)
    assert not source.boxes
    y, x, e = np.ogrid[:87, :87, :40]
    whole = (y + 2 * x + 3 * e) % 50
    with dask.config.set(scheduler="threads"):
        computed = sums.values
    assert len(set(source.boxes)) == len(source.boxes) == 5 * 5 * 3
    assert max(box.size for box in source.boxes) == 20 * 20 * 15
    np.testing.assert_array_equal(computed, oracle(labels, whole))
    source.boxes.clear()
    assert sums[:, :15].values.shape[1] == 15
    assert len(source.boxes) == 25  # a part of the spectrum reads that part alone


def test_background_and_other_particles_are_not_read():
    labels = np.zeros((60, 60), int)
    labels[2:5, 2:5], labels[18:25, 45:50], labels[50:, :10] = 1, 2, 3
    source = Counting((60, 60, 8))
    cube = xr.DataArray(lazy_array(source, ((20,) * 3,) * 2 + ((8,),)), dims=("y", "x", "energy"))
    sums = ps.sum_spectra(labels, cube, numbers=[2, 1]).values
    assert sorted(box.start[:2] for box in source.boxes) == [(0, 0), (0, 40), (20, 40)]
    y, x, e = np.ogrid[:60, :60, :8]
    np.testing.assert_array_equal(sums[::-1], oracle(labels, (y + 2 * x + 3 * e) % 50)[:2])


def test_hyperspy_signals_lazy_or_not():
    hs = pytest.importorskip("hyperspy.api")
    labels = LABELS["blobs"][:20]
    cube = spectra_like(labels.shape, "u2")
    signal = hs.signals.Signal1D(cube)
    signal.axes_manager[-1].name, signal.axes_manager[-1].units = "Energy", "keV"
    signal.axes_manager[-1].scale, signal.axes_manager[-1].offset = 0.5, -1.0
    expected = oracle(labels, cube)
    for one in (signal, signal.as_lazy()):
        spectra = ps.open_spectra(one)
        assert spectra.dims == ("y", "x", "energy")
        sums = ps.sum_spectra(labels, spectra)
        np.testing.assert_array_equal(sums.values, expected)
        assert sums.energy.values[:3].tolist() == [-1.0, -0.5, 0.0]
        assert sums.energy.units == "keV"
    stack = hs.signals.Signal2D(np.moveaxis(cube, -1, 0))
    assert ps.open_spectra(stack).dims[1:] == ("y", "x")
    np.testing.assert_array_equal(ps.sum_spectra(labels, ps.open_spectra(stack)).values, expected)


def test_files_of_rosettasciio(tmp_path):
    hs = pytest.importorskip("hyperspy.api")
    labels = LABELS["blobs"][:20]
    cube = spectra_like(labels.shape, "u2")
    hs.signals.Signal1D(cube).save(tmp_path / "map.hspy")
    spectra = ps.open_spectra(tmp_path / "map.hspy")
    np.testing.assert_array_equal(ps.sum_spectra(labels, spectra).values, oracle(labels, cube))
    hs.signals.Signal2D(cube[..., 0]).save(tmp_path / "image.hspy")
    with pytest.raises(ValueError, match="no spectrum image"):
        ps.open_spectra(tmp_path / "image.hspy")
    with pytest.raises(FileNotFoundError):
        ps.open_spectra(tmp_path / "none.hspy")
    with pytest.raises(TypeError, match="no signal"):
        ps.open_spectra(3)


LAZY = da.ones((4, 5), dtype=int, chunks=2)


@pytest.mark.parametrize(
    ("labels", "spectra", "options", "words"),
    [
        (np.ones((4, 5)), np.ones((4, 5, 2)), {}, "not integers"),
        (np.ones((4, 5), int), np.ones((5, 4, 2)), {}, "neither begin nor end"),
        (LAZY, np.ones((4, 5, 2)), {}, "numbers=range"),
        (LAZY, np.ones((4, 5, 2)), {"numbers": [1, 1]}, "twice"),
        (LAZY, np.ones((4, 5, 2)), {"numbers": [0, 1]}, "at least 1"),
        (-np.ones((4, 5), int), np.ones((4, 5, 2)), {}, "at least 1"),
        (LAZY, np.ones((4, 5, 2)), {"numbers": [1], "signal_axes": (1, 2)}, "leave 1 axes"),
        (LAZY, np.ones((4, 5, 2)), {"numbers": [1], "signal_axes": "energy"}, "no axis 'energy'"),
        (LAZY, np.ones((5, 4, 2)), {"numbers": [1], "signal_axes": 2}, "same pixels"),
        (xr.DataArray(LAZY[None], dims=("t", "y", "x")), np.ones((4, 5, 2)), {}, "series"),
    ],
)
def test_refusals(labels, spectra, options, words):
    with pytest.raises(ValueError, match=words):
        ps.sum_spectra(labels, spectra, **options)


def test_what_is_no_array_of_numbers_is_refused():
    with pytest.raises(TypeError, match="open_spectra"):
        ps.sum_spectra(np.ones((2, 2), int), "map.hspy")
    signal = SimpleNamespace(data=np.ones((2, 2, 3)), axes_manager=None)
    with pytest.raises(TypeError, match=r"sum_spectra\(labels, open_spectra\(signal\)\)"):
        ps.sum_spectra(np.ones((2, 2), int), signal)
    with pytest.raises(TypeError, match="not real numbers"):
        ps.sum_spectra(np.ones((2, 2), int), np.ones((2, 2, 3), complex))
