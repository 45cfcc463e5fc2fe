"""ParticleSpy's parameters and lists of particles: files, groups, boxes and plots."""

from __future__ import annotations

import sys

import h5py
import hyperspy.api as hs
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import pspy_dask.api as ps
from tests.api.pictures import disc, generated, picture, signal, values


@pytest.fixture(autouse=True)
def _no_windows():
    before = mpl.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


def test_parameters_have_particlespys_defaults():
    params = generated()
    assert params.segment == {
        "threshold": "otsu",
        "watershed": False,
        "watershed_size": 0,
        "watershed_erosion": 0,
        "invert": False,
        "min_size": 0,
        "rb_kernel": 0,
        "gaussian": 0,
        "local_size": 1,
    }
    assert params.store == {"store_im": False, "pad": 5, "p_only": False, "store_maps": False}
    assert params.eds == {"method": False, "elements": False, "factors": False}


def test_parameters_become_the_recipe():
    params = generated(threshold="local_otsu", local_size=12, rb_kernel=9, watershed=True)
    params.segment["min_size"] = 30
    recipe = params.recipe()
    assert recipe.local_size == 25  # the diameter of a disk of radius 12
    assert recipe.rolling_ball == 9
    assert recipe.watershed_separation is None
    assert recipe.min_size == 30
    assert generated(threshold="sauvola", local_size=25).recipe().local_size == 25
    assert generated(local_size=4).recipe().threshold == "otsu"  # which has no neighbourhood
    with pytest.raises(ValueError, match="positive odd"):
        generated(threshold="local", local_size=4).recipe()
    with pytest.raises(ValueError, match="call generate"):
        ps.parameters().recipe()


def test_parameter_files_come_back(tmp_path):
    params = generated(threshold="li", gaussian=1.5, watershed=True)
    params.generate_eds("CL", ["Au", "Pd"], [1.0, 2.0], store_maps=True)
    params.save(tmp_path / "p.hdf5")
    again = ps.parameters()
    again.load(tmp_path / "p.hdf5")
    assert vars(again) == vars(params)
    assert again.recipe() == params.recipe()


def test_a_parameter_file_as_particlespy_writes_it(tmp_path):
    # Groups, names and types (NumPy's, as on Windows) of parameters_current.hdf5 of version 0.6.3.
    path = tmp_path / "parameters_current.hdf5"
    with h5py.File(path, "w") as file:
        segment = file.create_group("segment").attrs
        segment["threshold"] = "otsu"
        for name in ("watershed", "invert"):
            segment[name] = np.bool_(name == "watershed")
        for name in ("watershed_erosion", "min_size", "rb_kernel", "gaussian"):
            segment[name] = np.int32(0)
        segment["watershed_size"], segment["local_size"] = np.int32(3), np.int32(1)
        store = file.create_group("store").attrs
        store["pad"] = np.int32(5)
        for name in ("store_im", "store_maps", "p_only"):
            store[name] = np.bool_(False)
        for name in ("method", "elements", "factors"):
            file.require_group("eds").attrs[name] = np.bool_(False)
    params = ps.parameters()
    params.load(path)
    assert params.segment["watershed"] is True
    assert params.recipe().watershed_separation == 3
    assert params.eds["factors"] is False
    with h5py.File(path, "a") as file:
        del file["segment"].attrs["rb_kernel"]
    with pytest.raises(ValueError, match="lacks 'rb_kernel' in 'segment'"):
        params.load(path)


@pytest.mark.skipif(sys.platform != "linux", reason="where user data lie is told by a variable")
def test_parameters_without_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    params = ps.parameters()
    with pytest.raises(FileNotFoundError, match="writes one"):
        params.load()
    generated(min_size=7).save()
    params.load()
    assert params.segment["min_size"] == 7


def test_files_that_are_none(tmp_path):
    (tmp_path / "text.hdf5").write_text("no")
    with pytest.raises(ValueError, match="is no HDF5 file"):
        ps.load(tmp_path / "text.hdf5")
    with pytest.raises(FileNotFoundError, match="no folder"):
        generated().save(tmp_path / "nowhere" / "p.hdf5")


def test_lists_come_back(tmp_path):
    found = ps.particle_analysis(signal(picture()), generated(store_im=True))
    found.list[0].set_property("catalyst", "Pt", None)
    found.save(tmp_path / "list.hdf5")
    again = ps.load(tmp_path / "list.hdf5")
    for own, other in zip(found.list, again.list, strict=True):
        kept = {k: v for k, v in own.properties.items() if v["value"] is not None}
        assert other.properties == kept
        np.testing.assert_array_equal(other.mask, own.mask)
        np.testing.assert_array_equal(other.image.data, own.image.data)
        assert (other.bbox, other.background) == (own.bbox, own.background)
    assert [p.name for p in tmp_path.iterdir()] == ["list.hdf5"]


def test_a_list_as_particlespy_writes_it(tmp_path):
    # Its groups, attributes and masks; eleven of them, which it reads in the order of letters.
    path = tmp_path / "list.hdf5"
    with h5py.File(path, "w") as file:
        for k in range(11):
            group = file.create_group(f"Particle {k}")
            group.attrs["area"], group.attrs["area units"] = np.float64(k), "nm^2"
            group.attrs["circularity"] = np.float64(0.5)
            group.create_dataset("Mask", data=(disc() if k else 0 * disc()))
    found = ps.load(path)
    assert values(found, "area") == list(range(11))
    assert found.list[1].properties["area"]["units"] == "nm^2"
    assert found.list[1].properties["circularity"] == {"value": 0.5, "units": None}
    assert [own.mask.sum() for own in found.list[:2]] == [0, 20069]
    assert [own.bbox for own in found.list[:2]] == [(0, 0, 0, 0), (21, 21, 180, 180)]
    with pytest.raises(AttributeError, match="particle_analysis finds it"):
        _ = found.list[0].background


def test_a_particle_without_a_mask_is_not_saved(tmp_path):
    found = ps.particle_analysis(picture(), generated())
    found.append(ps.particle())
    with pytest.raises(ValueError, match="particle 3 has no mask"):
        found.save(tmp_path / "list.hdf5")
    assert not list(tmp_path.iterdir())
    with pytest.raises(AttributeError, match="set_mask gives it one"):
        _ = found.list[3].bbox


@pytest.mark.parametrize("corner", [(0, 0), (300, 250), (997, 700), None])
def test_masks_come_back_from_the_chunks_that_were_written(tmp_path, corner):
    # Chunks are 256 wide: in one, across four, and in the last, which the plane cuts off.
    mask = np.zeros((1000, 701), bool)
    if corner is not None:
        mask[corner[0] : corner[0] + 300, corner[1] : corner[1] + 90 : 2] = True
    one, many = ps.particle(), ps.particle_list()
    one.set_mask(mask)
    many.append(one)
    many.save(tmp_path / "list.hdf5")
    again = ps.load(tmp_path / "list.hdf5").list[0]
    np.testing.assert_array_equal(again.mask, mask)
    assert again.bbox == one.bbox


def test_only_chunks_that_were_written_are_read(tmp_path):
    ps.particle_analysis(signal(disc(), 1), generated()).save(tmp_path / "list.hdf5")
    with h5py.File(tmp_path / "list.hdf5", "a") as file:
        del file["Particle 0"]["Mask"]
        stored = file["Particle 0"].create_dataset("Mask", (10**6, 10**6), "u1", chunks=(256, 256))
        stored[600_000:600_020, 255:257] = 1  # as a whole it takes 10^12 bytes
    assert ps.load(tmp_path / "list.hdf5").list[0].bbox == (600_000, 255, 600_020, 257)


def test_a_written_list_has_particlespys_layout(tmp_path):
    ps.particle_analysis(signal(disc(), 1), generated()).save(tmp_path / "list.hdf5")
    with h5py.File(tmp_path / "list.hdf5") as file:
        group = file["Particle 0"]
        assert group.attrs["area"] == 20069.0
        assert group.attrs["area units"] == "nm^2"
        assert "circularity units" not in group.attrs
        assert "frame" not in group.attrs
        np.testing.assert_array_equal(group["Mask"][...], disc())


def test_clusters_of_particles():
    found = ps.particle_analysis(picture(), generated())
    small, large = found.cluster_particles(properties=["area", "circularity"])
    assert values(small, "area") == [474.0] or values(large, "area") == [474.0]
    first, second = found.cluster_particles(properties=["area"])
    assert values(first, "area") == [275.0, 261.0]
    assert values(second, "area") == [474.0]
    assert [own.cluster_number for own in found.list] == [0, 0, 1]
    noise, one = found.cluster_particles("DBSCAN", ["area"], eps=0.3, min_samples=2)
    assert values(noise, "area") == [474.0]
    assert values(one, "area") == [275.0, 261.0]
    assert sum(map(len, found.cluster_particles())) == 3
    with pytest.raises(ValueError, match="unknown algorithm"):
        found.cluster_particles("AffinityPropagation")
    with pytest.raises(ValueError, match="not all particles have 'size'"):
        found.cluster_particles(properties=["size"])


def test_a_particle_without_a_finite_property_is_in_no_cluster():
    image = np.zeros((20, 20))
    image[5, 5] = image[10:14, 10:14] = image[2:4, 12:16] = 1
    found = ps.particle_analysis(image, generated())  # one pixel has no perimeter
    lists = found.cluster_particles(properties=["area", "circularity"])
    assert [values(each, "area") for each in lists] == [[8.0], [16.0]]
    assert sorted(own.cluster_number for own in found.list) == [-1, 0, 1]


@pytest.mark.parametrize("even", [False, True])
def test_boxes_of_one_size(even):
    image = np.zeros((60, 60), np.uint8)
    image[10:20, 10:20], image[30:39, 30:41] = 100, 200
    found = ps.particle_analysis(signal(image), generated(store_im=True))
    before = [own.image.data.copy() for own in found.list]
    found.normalize_boxing(even=even)
    side = 22 if even else 21
    for own, pixels in zip(found.list, before, strict=True):
        assert own.image.data.shape == (side, side)
        assert own.image.axes_manager[0].size == side
        assert own.image.data.sum() == pixels.sum()  # whole pixels: nothing is interpolated
        assert own.image.data.dtype == np.uint8


def test_radial_profiles():
    own = ps.particle_analysis(signal(disc(), 2.0), generated(store_im=True)).list[0]
    profile = ps.radial_profile(own, ["Image"], plot=True, mark_radius=True)
    distances, means = profile["Image"]
    assert distances[:3] == [0, 1, 2]
    assert means[:70] == [1.0] * 70
    assert means[90:] == [0.0] * len(means[90:])
    axes = plt.gcf().axes[0]
    assert axes.get_xlabel() == "Distance from particle centre (nm)"
    assert axes.lines[0].get_xdata()[10] == 20.0
    with pytest.raises(ValueError, match="no map 'Pt'"):
        ps.radial_profile(own, ["Pt"])


def test_a_radial_plot_of_a_signal_without_units_is_in_pixels():
    uncalibrated = hs.signals.Signal2D(disc())
    own = ps.particle_analysis(uncalibrated, generated(store_im=True)).list[0]
    ps.radial_profile(own, ["Image"])
    assert plt.gcf().axes[0].get_xlabel() == "Distance from particle centre (px)"


def test_plots_are_pyplots_own():
    found = ps.particle_analysis(signal(picture()), generated())
    found.plot("area", bins=4, color="r")
    axes = plt.gcf().axes[0]
    assert axes.get_xlabel() == "area (nm²)"
    assert {bar.get_facecolor() for bar in axes.patches} == {(1.0, 0.0, 0.0, 1.0)}
    assert sum(bar.get_height() for bar in axes.patches) == 3
    ps.plot([found, found], ["area", "circularity"], alpha=0.5)
    assert plt.gcf().axes[0].get_ylabel() == "circularity"
    assert plt.gcf().axes[0].collections[0].get_alpha() == 0.5
    found.plot(["area", "circularity"], c="k", s=9)
    points = plt.gcf().axes[0].collections[0]
    assert (points.get_sizes().tolist(), points.get_facecolor()[0, :3].tolist()) == ([9], [0] * 3)
    found.plot()
    found.plot(["area", "circularity", "area"])
    with pytest.raises(TypeError, match="'density' is no property"):
        found.plot("area", density=True)
    with pytest.raises(ValueError, match="one, two or three"):
        found.plot(["area"] * 4)


def test_particles_made_by_hand():
    own = ps.particle()
    own.set_area(5.0, "nm^2")
    own.set_axes_lengths((3.0, 2.0), "nm")
    own.set_mask(np.eye(4))
    assert own.properties["minor axis length"] == {"value": 2.0, "units": "nm"}
    assert own.mask.sum() == 4
    both = ps.particle_list()
    both.append(own)
    assert len(both) == 1
    with pytest.raises(AttributeError, match="store_im=True"):
        _ = own.image
