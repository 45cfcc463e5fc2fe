"""ParticleSpy's particles: its figures, whatever the image is kept in."""

from __future__ import annotations

import sys

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label as label_values

import pspy_dask.api as ps
from pspy_dask.blocks.images import as_image
from pspy_dask.io import particlespy_files
from pspy_dask.run import value_pieces
from tests.api.pictures import disc, generated, picture, signal, values

#: What ParticleSpy 0.6.3 (scikit-image 0.26, HyperSpy 2.5) finds in ``signal(picture())`` with
#: ``generate(watershed=True, watershed_size=11)``. Its x is the row and its y the column: they are
#: named here as they should be. Its ``intensity_std`` is of the whole frame, and left out.
NAMES = (
    *("area", "equivalent circular diameter", "x", "y", "major axis length", "minor axis length"),
    *("circularity", "eccentricity", "solidity", "intensity", "intensity_max", "bbox_area"),
    *("bbox_length",),
)
FOUND = np.array(
    [
        [
            68.75,
            9.35602579627389,
            10.0,
            7.5,
            11.032513930939023,
            7.937941111579821,
            0.9007087308905017,
            0.694487995235204,
            0.9450171821305842,
            82538.33333333334,
            313.4666666666667,
            97.75,
            14.300349646075091,
        ],
        [
            65.25,
            9.114761669619748,
            35.0,
            10.0,
            14.267289706021797,
            5.8250351486286,
            0.7034107694069406,
            0.9128571830857983,
            0.9157894736842105,
            65254.08823529412,
            263.2647058823529,
            94.25,
            15.890248582070704,
        ],
        [
            63.0,
            8.956231982162771,
            14.982142857142858,
            20.0,
            8.995589748350852,
            8.92355414586051,
            0.9708341513868685,
            0.12629977709357065,
            0.9545454545454546,
            90034.5,
            719.1964285714286,
            85.5,
            13.0862523283024,
        ],
        [
            55.5,
            8.406235467365969,
            23.01801801801802,
            22.0,
            8.982465401251746,
            7.8771098551741225,
            0.9071272167263748,
            0.480594458521398,
            0.9327731092436975,
            67060.0,
            693.5,
            76.0,
            12.419742348374221,
        ],
    ]
)
TOUCHING = {"watershed": True, "watershed_size": 11}


def assert_found(particles):
    for own, expected in zip(particles.list, FOUND, strict=True):
        found = [own.properties[name]["value"] for name in NAMES]
        # ParticleSpy's pi has nine digits, which its circularity shows.
        np.testing.assert_allclose(found, expected, rtol=2e-9)


def calibrated(array):
    coords = {
        d: xr.Variable(d, 0.5 * np.arange(n), {"step": 0.5, "units": "nm"})
        for d, n in zip("yx", array.shape, strict=True)
    }
    return xr.DataArray(array, coords, ("y", "x"))


def test_the_disc_has_particlespys_own_figures():
    params = generated(store_im=True)
    own = ps.particle_analysis(signal(disc(), 1), params).list[0]
    expected = {
        "area": (20069.0, "nm^2"),
        "circularity": (0.9095832157785668, None),
        "equivalent circular diameter": (159.8519453221949, "nm"),
        "x": (100.0, "nm"),
        "y": (100.0, "nm"),
        "bbox_area": (25281.0, "nm^2"),
        "bbox_length": (224.8599564173221, "nm"),
    }
    for name, (value, units) in expected.items():
        assert own.properties[name]["value"] == pytest.approx(value, rel=2e-9), name
        assert own.properties[name]["units"] == units
    assert own.bbox == (21, 21, 180, 180)
    assert own.properties["frame"] == {"value": None, "units": None}
    np.testing.assert_array_equal(own.mask, disc() > 0)
    # ParticleSpy cuts one row and one column less: [16:184, 16:184].
    np.testing.assert_array_equal(own.image.data, disc()[16:185, 16:185])
    assert own.image.axes_manager[0].units == "nm"


@pytest.mark.parametrize(
    "kept",
    [
        signal,
        lambda image: signal(image).as_lazy(),
        lambda image: [signal(image)],
        calibrated,
        lambda image: calibrated(da.from_array(image, chunks=(20, 33))),
    ],
    ids=["signal", "lazy signal", "list", "DataArray", "dask in a DataArray"],
)
def test_particlespys_figures_whatever_holds_the_image(kept):
    assert_found(ps.particle_analysis(kept(picture()), generated(**TOUCHING)))


@pytest.mark.parametrize("kept", [np.asarray, lambda image: da.from_array(image, chunks=40)])
def test_arrays_without_pixel_size_are_in_pixels(kept):
    found = ps.particle_analysis(kept(picture()), generated(**TOUCHING))
    assert values(found, "area") == [275, 261, 252, 222]
    assert found.list[0].properties["x"] == {"value": 20.0, "units": "px"}


@given(chunks=st.tuples(st.integers(7, 72), st.integers(7, 96)))
@settings(max_examples=8)
def test_chunks_leave_no_trace(chunks):
    whole = ps.particle_analysis(picture(), generated(**TOUCHING))
    parts = ps.particle_analysis(da.from_array(picture(), chunks=chunks), generated(**TOUCHING))
    for own, other in zip(whole.list, parts.list, strict=True):
        assert own.properties == other.properties
        np.testing.assert_array_equal(own.mask, other.mask)


def test_x_is_along_rows_and_control_they_differ():
    found = ps.particle_analysis(signal(picture()), generated())
    y, x = np.nonzero(found.list[1].mask)
    assert values(found, "x")[1] == pytest.approx(x.mean() / 2)
    assert values(found, "y")[1] == pytest.approx(y.mean() / 2)
    assert abs(x.mean() - y.mean()) > 10


def test_units_are_those_of_the_signal():
    found = ps.particle_analysis(signal(picture(), 0.0005, "µm"), generated())
    assert found.list[0].properties["area"] == {"value": pytest.approx(68.75e-6), "units": "µm^2"}


def test_a_scale_without_units_is_in_no_units():
    found = ps.particle_analysis(signal(picture(), 0.5, ""), generated())
    assert found.list[0].properties["area"] == {"value": 275 / 4, "units": None}


def test_intensities_count_from_the_background():
    image = picture().astype(float)
    own = ps.particle_analysis(image, generated()).list[0]
    inside = image[own.mask]
    highest = inside.max() - own.background
    assert own.properties["intensity"]["value"] == pytest.approx((inside - own.background).sum())
    assert own.properties["intensity_std"]["value"] == pytest.approx(inside.std() / highest)


def test_a_pre_segmented_mask_gives_pieces_of_one_value():
    mask = np.zeros(picture().shape, int)
    mask[0:10, 5:15], mask[0:10, 15:25], mask[30:40, 5:15] = 1, 2, 2
    image = signal(picture())
    assert values(ps.particle_analysis(image, generated(), mask=mask), "area") == [25.0] * 3
    assert values(ps.particle_analysis(image, generated(), mask=mask > 0), "area") == [50.0, 25.0]
    lazy = da.from_array(mask > 0, chunks=16)
    assert values(ps.particle_analysis(image, generated(), mask=lazy), "area") == [50.0, 25.0]
    assert len(ps.particle_analysis(image, generated(), mask=mask.astype(np.float16)).list) == 3
    assert len(ps.particle_analysis(image, generated(), mask=signal(mask)).list) == 3


@pytest.mark.parametrize("dtype", ["u1", "i8", "f4", "f8"])
def test_a_mask_of_one_number_stays_lazy_and_control_of_two_does_not(dtype, monkeypatch):
    mask = np.zeros(picture().shape, dtype)
    mask[0:10, 5:15], mask[10:20, 15:25], mask[50:60, 5:15] = 255, 255, 255
    given = da.from_array(mask, chunks=16)
    image = as_image(picture())
    expected = label_values(mask.astype(int))
    monkeypatch.setattr(value_pieces, "label_values", None)  # what labels a mask read as a whole
    np.testing.assert_array_equal(value_pieces.label_pieces(given, image), expected)
    empty = value_pieces.label_pieces(da.zeros(mask.shape, dtype=dtype, chunks=16), image)
    assert not np.asarray(empty).any()
    mask[50, 5] = 7
    with pytest.raises(TypeError, match="not callable"):
        value_pieces.label_pieces(da.from_array(mask, chunks=16), image)


def test_an_empty_mask_holds_no_particles_and_none_segments():
    image = picture()
    assert len(ps.particle_analysis(image, generated(), mask=np.zeros(image.shape)).list) == 0
    assert len(ps.particle_analysis(image, generated(), mask=np.zeros(1)).list) == 3


def test_masks_that_cannot_be():
    with pytest.raises(ValueError, match="not whole: give booleans"):
        ps.particle_analysis(picture(), generated(), mask=np.full((72, 96), 0.5))
    with pytest.raises(ValueError, match="the mask has shape"):
        ps.particle_analysis(picture(), generated(), mask=np.ones((3, 3), bool))


@pytest.mark.skipif(sys.platform != "linux", reason="where user data lie is told by a variable")
def test_the_mask_of_the_user_interface(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="no mask was drawn in the Segmentation UI"):
        ps.particle_analysis(picture(), generated(), mask="UI")
    drawn = np.zeros((72, 96, 3), np.uint8)
    drawn[10:20, 30:50, 0] = 255
    path = particlespy_files.user_file("manual_mask.npy")
    path.parent.mkdir(parents=True)
    np.save(path, drawn)
    assert values(ps.particle_analysis(picture(), generated(), mask="UI"), "area") == [200.0]


def test_images_of_particles():
    params = generated(store_im=True, pad=2)
    params.store["p_only"] = True
    from_signal = ps.particle_analysis(signal(picture()).as_lazy(), params).list[0]
    from_array = ps.particle_analysis(picture(), params).list[0]
    y0, x0, y1, x1 = from_array.bbox
    around = slice(y0 - 2, y1 + 2), slice(x0 - 2, x1 + 2)
    expected = np.where(from_array.mask, picture(), 0)[around]
    np.testing.assert_array_equal(from_signal.image.data, expected)
    np.testing.assert_array_equal(np.asarray(from_array.image), expected)
    bare = ps.particle_analysis(picture(), generated()).list[0]
    assert not hasattr(bare, "image")


def test_lists_grow():
    first = ps.particle_analysis(picture(), generated())
    assert ps.particle_analysis(picture(), generated(), particles=first) is first
    assert len(first.list) == 6


def test_a_series_of_frames_and_a_list_agree():
    frames = [np.roll(picture(), 2 * k, axis=1) for k in range(3)]
    stack = np.stack(frames)
    of_list = ps.particle_analysis_series([signal(f) for f in frames], generated(store_im=True))
    of_signal = ps.particle_analysis_series(signal(stack), generated(store_im=True))
    of_array = ps.particle_analysis_series(stack, generated())
    assert values(of_list, "frame") == [0] * 3 + [1] * 3 + [2] * 3
    assert values(of_array, "area") == [4 * a for a in values(of_list, "area")]
    for own, other in zip(of_list.list, of_signal.list, strict=True):
        assert own.properties == other.properties
        np.testing.assert_array_equal(own.mask, other.mask)
        np.testing.assert_array_equal(own.image.data, other.image.data)
    assert len(ps.particle_analysis_series(stack, generated(), particles=of_list).list) == 18
    with pytest.raises(ValueError, match="give one plane, or a series"):
        ps.particle_analysis(signal(stack), generated())


def test_trajectories_as_trackpy_has_them():
    # ParticleSpy finds the same trajectories, x and y swapped.
    stack = np.stack([np.roll(picture(), 2 * k, axis=1) for k in range(3)])
    tracks = ps.time_series_analysis(ps.particle_analysis_series(signal(stack), generated()))
    assert list(tracks.columns) == ["y", "x", "area", "frame", "particle"]
    assert tracks["particle"].tolist() == [0, 1, 2] * 3
    assert tracks["x"].iloc[::3].tolist() == [10.0, 11.0, 12.0]
    assert tracks.groupby("particle")["area"].nunique().tolist() == [1, 1, 1]
    series = ps.particle_analysis_series(stack, generated())
    told = ps.time_series_analysis(series, 4, properties="circularity")
    assert list(told.columns) == ["y", "x", "circularity", "frame", "particle"]
    with pytest.raises(ValueError, match="have no frame"):
        ps.time_series_analysis(ps.particle_analysis(picture(), generated()))


def test_spectra_of_particles_and_signals_without_a_type():
    import hyperspy.api as hs

    image = picture()
    counts = (image[..., None] % np.array([3, 5, 7])).astype(np.int64)
    eels = hs.signals.Signal1D(counts)
    eels.metadata.General.title = "the low-loss part"
    eels.metadata.Signal.signal_type = "EELS"
    bare = hs.signals.Signal1D(counts)
    with pytest.warns(UserWarning, match="no signal_type and is left out"):
        found = ps.particle_analysis([signal(image), eels, bare], generated())
    for own in found.list:
        assert list(own.spectrum) == ["EELS-LL"]
        np.testing.assert_array_equal(own.spectrum["EELS-LL"].data, counts[own.mask].sum(axis=0))
    of_array = ps.particle_analysis([image, counts], generated()).list[0]
    np.testing.assert_array_equal(of_array.spectrum["spectrum"], counts[of_array.mask].sum(axis=0))


def test_maps_need_exspy():
    import hyperspy.api as hs

    eds = hs.signals.Signal1D(np.ones((72, 96, 4)))
    eds.metadata.Signal.signal_type = "EDS_TEM"
    params = generated()
    params.generate_eds("CL", ["Au"], [1.0], store_maps=True)
    with pytest.raises(ImportError, match="install exspy"):
        ps.particle_analysis([signal(picture()), eds], params)


def test_composition_and_maps_as_exspy_has_them():
    pytest.importorskip("exspy")
    import hyperspy.api as hs

    energy = np.linspace(0, 2048, 2048)
    lines = [(0, 5), (280, 7), (970, 10)]
    spectrum = sum(np.exp(-((energy - at) ** 2) / (2 * width**2)) for at, width in lines)
    image = disc()[60:140, :60]
    eds = hs.signals.Signal1D(image[..., None] * spectrum)
    eds.axes_manager[2].scale, eds.axes_manager[2].units = 0.01, "keV"
    eds.set_signal_type("EDS_TEM")
    eds.set_microscope_parameters(beam_energy=200)
    params = generated(pad=3)
    params.generate_eds("CL", ["Au", "Pd"], [1.0, 1.0], store_maps=True)
    own = ps.particle_analysis([signal(image), eds], params, mask=image > 0).list[0]
    # ParticleSpy's own tests state this figure for the same spectrum.
    assert float(own.composition["Au"][0]) == pytest.approx(46.94530019)
    y0, x0, y1, x1 = own.bbox
    around = image[max(y0 - 3, 0) : y1 + 3, max(x0 - 3, 0) : x1 + 3]
    gold = own.maps["Au"].data
    np.testing.assert_array_equal(gold > 0, around > 0)


@pytest.mark.parametrize("name", ["seg_ui", "Seg_ui", "SegUI"])
def test_there_is_no_user_interface_yet(name):
    with pytest.raises(NotImplementedError, match="not there yet"):
        getattr(ps, name)(picture())
