"""Every source opens lazily, with its pixels, axes and calibration."""

from __future__ import annotations

import pickle
from pathlib import Path

import dask.array as da
import hyperspy.api as hs
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr
from PIL import Image
from zarr.storage import LocalStore

import pspy_dask as ps
from pspy_dask.blocks.grid import Box
from pspy_dask.blocks.images import as_image, axis_units, make_image, pixel_size
from pspy_dask.blocks.sources import source_of
from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image, write_labels
from pspy_dask.run.describe import describe_image
from tests.commands import five_axes_file

PIXELS = np.random.default_rng(0).integers(0, 4000, (40, 50)).astype(np.uint16)


def check(image, pixels, *, step=None, unit="px", random=True):
    """Compare pixels, axes and calibration; sources must travel to other processes."""
    assert isinstance(image.data, da.Array)
    np.testing.assert_array_equal(image.values, pixels)
    assert image.dims[-2:] == ("y", "x")
    assert axis_units(image)["x"] == axis_units(image)["y"] == unit
    assert pixel_size(image)["x"] == pytest.approx(step or 1.0)
    source = source_of(image.data)
    assert (source is not None) == random
    if source is not None:
        travelled = pickle.loads(pickle.dumps(source))
        box = Box((0,) * image.ndim, (1,) * (image.ndim - 2) + (7, 9))
        np.testing.assert_array_equal(travelled.read(box), pixels[box.slices])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr(tmp_path, version):
    steps = {"y": 0.5, "x": 0.5}
    image = make_image(
        da.from_array(PIXELS),
        ("y", "x"),
        steps=steps,
        units={"y": "nm", "x": "nm"},
        origin={"x": 9},
    )
    write_image(image, tmp_path / "a.ome.zarr", version=version).run()
    opened = ps.open_image(tmp_path / "a.ome.zarr", chunks=16)
    check(opened, PIXELS, step=0.5, unit="nm")
    assert opened.name == "a" and float(opened.x[0]) == 9
    assert opened.chunks == ((16, 16, 8), (16, 16, 16, 2))
    with pytest.raises(ValueError, match="no level 3: choose 0 to 0"):
        ps.open_image(tmp_path / "a.ome.zarr", level=3)


def test_ome_zarr_with_a_scale_and_no_unit(tmp_path):
    image = make_image(ps.open_image(PIXELS).data, ("y", "x"), steps={"y": 0.5, "x": 0.5})
    write_image(image, tmp_path / "a.ome.zarr", version="0.4").run()
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")
    assert all("unit" not in axis for axis in group.attrs["multiscales"][0]["axes"])
    check(ps.open_image(tmp_path / "a.ome.zarr"), PIXELS, step=0.5, unit="")
    pitch = dict(describe_image(tmp_path / "a.ome.zarr"))["pixel size"]
    assert pitch == "y 0.5 (no unit), x 0.5 (no unit)"


def test_ome_zarr_channels_and_levels(tmp_path):
    import ome_zarr.io
    import ome_zarr.writer

    stack = np.stack([PIXELS, PIXELS // 2])[None]
    root = zarr.open_group(tmp_path / "c.zarr", mode="w", zarr_format=2)
    ome_zarr.writer.write_image(
        stack,
        root,
        axes=[
            {"name": "t", "type": "time"},
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space"},
            {"name": "x", "type": "space"},
        ],
        fmt=ome_zarr.format.FormatV04(),
    )
    root.attrs["omero"] = {"channels": [{"label": "HAADF"}, {"label": "BF"}]}
    with pytest.raises(ValueError, match=r"2 channels: choose one, for example channel=0"):
        ps.open_image(tmp_path / "c.zarr")
    image = ps.open_image(tmp_path / "c.zarr", channel="BF")
    check(image, stack[:, 1])
    assert ps.open_image(tmp_path / "c.zarr", channel=1, level=1).shape == (1, 20, 25)
    with pytest.raises(ValueError, match="no channel 'DF': choose one of HAADF, BF"):
        ps.open_image(tmp_path / "c.zarr", channel="DF")


@pytest.mark.parametrize("version", [2, 3])
def test_a_channel_of_many_stored_chunks(tmp_path, version):
    """Windows, halos and all, cross stored chunks whose every axis is fixed but y and x."""
    pixels = np.asarray(mosaic((160, 140)).values)
    path = five_axes_file(tmp_path, pixels, "0.4" if version == 2 else "0.5", chunk=32)
    for chunks in (48, "auto"):
        image = ps.open_image(path, channel=1, chunks=chunks)
        check(image, pixels[None, None], step=0.5, unit="")
        for options in ({"gaussian": 2.0}, {"gaussian": 2.0, "watershed": True}):
            found = ps.segment(image, **options)
            np.testing.assert_array_equal(found[0, 0], ps.segment(pixels, **options))


def test_plain_zarr(tmp_path):
    array = zarr.create_array(
        tmp_path / "p.zarr",
        shape=(3, 40, 50),
        chunks=(1, 20, 20),
        dtype="u2",
        dimension_names=("t", "y", "x"),
    )
    array[:] = np.stack([PIXELS, PIXELS + 1, PIXELS + 2])
    image = ps.open_image(tmp_path / "p.zarr")
    assert image.dims == ("t", "y", "x")
    check(image, array[:])
    check(ps.open_image(array), array[:])
    zarr.create_group(tmp_path / "g.zarr").create_group("inside")
    with pytest.raises(ValueError, match="it holds inside; open one of them"):
        ps.open_image(tmp_path / "g.zarr")


def test_channels_named_by_a_number():
    image = xr.DataArray(
        np.stack([PIXELS, PIXELS // 2]), {"c": ["405", "488"]}, dims=("c", "y", "x")
    )
    check(ps.open_image(image, channel=488), PIXELS // 2)
    check(ps.open_image(image, channel=0), PIXELS)
    with pytest.raises(ValueError, match="no channel 561: choose one of 405, 488"):
        ps.open_image(image, channel=561)


def test_tiff_kinds(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS, bigtiff=True, tile=(16, 16), compression="zlib")
    image = ps.open_image(path)
    check(image, PIXELS)
    tifffile.imwrite(path, PIXELS, resolution=(5e6, 5e6), resolutionunit="CENTIMETER")
    check(ps.open_image(path), PIXELS, step=2.0, unit="nm")
    tifffile.imwrite(path, PIXELS, resolution=(72, 72), resolutionunit="INCH")
    check(ps.open_image(path), PIXELS)
    ome = {"axes": "ZYX", "PhysicalSizeX": 0.3, "PhysicalSizeXUnit": "nm"}
    ome |= {"PhysicalSizeY": 0.3, "PhysicalSizeYUnit": "nm"}
    stack = np.stack([PIXELS] * 3)
    tifffile.imwrite(tmp_path / "a.ome.tif", stack, metadata=ome)
    image = ps.open_image(tmp_path / "a.ome.tif", chunks=20)
    assert image.dims == ("z", "y", "x")
    check(image, stack, step=0.3, unit="nm")
    tifffile.imwrite(
        path, stack, imagej=True, resolution=(4, 4), metadata={"unit": "um", "axes": "TYX"}
    )
    image = ps.open_image(path)
    assert image.dims == ("t", "y", "x")
    check(image, stack, step=0.25, unit="µm")


@pytest.mark.parametrize("dtype", [">u2", ">f4"])
def test_foreign_byte_order(tmp_path, dtype):
    """What bioformats2raw writes, among others; kernels read the order of the machine alone."""
    pixels = PIXELS.astype(dtype)
    stored = zarr.create_array(
        tmp_path / "a.zarr", shape=pixels.shape, dtype=dtype, zarr_format=2, chunks=(16, 16)
    )
    stored[:] = pixels
    write_image(ps.open_image(PIXELS), tmp_path / "a.ome.zarr", version="0.4").run()
    group = zarr.open_group(tmp_path / "a.ome.zarr", mode="r+")
    group.create_array("0", shape=pixels.shape, dtype=dtype, chunks=(16, 16), overwrite=True)
    group["0"][:] = pixels
    tifffile.imwrite(tmp_path / "a.tif", pixels, byteorder=">", tile=(16, 16))
    np.save(tmp_path / "a.npy", pixels)
    named = xr.DataArray(pixels, dims=("y", "x"))
    files = [tmp_path / name for name in ("a.zarr", "a.ome.zarr", "a.tif", "a.npy")]
    for source in (*files, pixels, named, named.chunk(x=20), hs.signals.Signal2D(pixels)):
        image = ps.open_image(source)
        np.testing.assert_array_equal(image.values, PIXELS)
        assert image.dtype.isnative and image.values.dtype.isnative
        labels = ps.segment(image, clear_border=False)
        assert len(ps.region_properties(labels, image).compute()) == labels.values.max()


def test_tiff_of_several_images(tmp_path):
    with tifffile.TiffWriter(tmp_path / "two.ome.tif") as tif:
        size = {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
        for name, pixels, step in (("survey", PIXELS[:9], 4.0), ("detail", PIXELS, 0.5)):
            own = {"Name": name, "PhysicalSizeX": step, "PhysicalSizeY": step}
            tif.write(pixels, metadata={"axes": "YX", **own, **size})
    with tifffile.TiffWriter(tmp_path / "two.tif") as tif:
        tif.write(PIXELS[:9])
        tif.write(PIXELS, resolution=(5e6, 5e6), resolutionunit="CENTIMETER")
    check(ps.open_image(tmp_path / "two.ome.tif"), PIXELS[:9], step=4.0, unit="nm")
    check(ps.open_image(tmp_path / "two.ome.tif", channel=1), PIXELS, step=0.5, unit="nm")
    check(ps.open_image(tmp_path / "two.ome.tif", channel="detail"), PIXELS, step=0.5, unit="nm")
    check(ps.open_image(tmp_path / "two.tif", channel=1), PIXELS, step=2.0, unit="nm")
    with pytest.raises(ValueError, match="no channel 'BF': choose one of survey, detail"):
        ps.open_image(tmp_path / "two.ome.tif", channel="BF")


def test_channel_names_of_ome_tiff(tmp_path):
    stack = np.stack([PIXELS, PIXELS // 2])
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    for k in range(2):
        tifffile.imwrite(tmp_path / f"{k}.ome.tif", stack + k, metadata=metadata)
    check(ps.open_image(tmp_path / "0.ome.tif", channel="GFP"), stack[1])
    check(ps.open_image(tmp_path, channel="GFP"), np.stack([stack[1], stack[1] + 1]))
    with pytest.raises(ValueError, match=r"2 channels: choose one.* of DAPI, GFP"):
        ps.open_image(tmp_path / "0.ome.tif")
    rgb = np.stack([PIXELS.astype(np.uint8)] * 3, axis=-1)
    tifffile.imwrite(tmp_path / "rgb.ome.tif", rgb, metadata={"Channel": {"Name": ["all"]}})
    check(ps.open_image(tmp_path / "rgb.ome.tif", channel=2), rgb[..., 2])


def test_a_rewritten_tiff_is_read_anew(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, PIXELS)
    ps.open_image(path).values  # noqa: B018
    import os

    tifffile.imwrite(path, PIXELS + 1)
    os.utime(path, ns=(1, 1))
    np.testing.assert_array_equal(ps.open_image(path).values, PIXELS + 1)


def test_rgb(tmp_path):
    rgb = np.stack([PIXELS.astype(np.uint8)] * 3, axis=-1)
    rgb[..., 1] = 7
    tifffile.imwrite(tmp_path / "rgb.tif", rgb)
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    for name in ("rgb.tif", "rgb.png"):
        with pytest.raises(ValueError, match=r"3 channels \(RGB\): choose one, for example chan"):
            ps.open_image(tmp_path / name)
        check(ps.open_image(tmp_path / name, channel=1), rgb[..., 1])


def test_frames(tmp_path):
    for k in (1, 2, 10):
        tifffile.imwrite(tmp_path / f"f{k}.tif", PIXELS + k)
    expected = np.stack([PIXELS + k for k in (1, 2, 10)])
    for source in (
        tmp_path,
        str(tmp_path / "f*.tif"),
        [tmp_path / f"f{k}.tif" for k in (1, 2, 10)],
    ):
        image = ps.open_image(source)
        assert image.dims == ("t", "y", "x")
        check(image, expected)
    tifffile.imwrite(tmp_path / "f3.tif", PIXELS[:5])
    with pytest.raises(ValueError, match=r"f3.tif is .* frames of a series must be alike"):
        ps.open_image(tmp_path)


def test_workers_may_be_in_another_folder(tmp_path, monkeypatch):
    gray = PIXELS.astype(np.uint8)
    (tmp_path / "frames").mkdir()
    for k in range(2):
        tifffile.imwrite(tmp_path / f"frames/{k}.tif", gray)
        Image.fromarray(gray).save(tmp_path / f"{k}.png")
    tifffile.imwrite(tmp_path / "a.tif", gray)
    np.save(tmp_path / "a.npy", gray)
    write_image(ps.open_image(gray), tmp_path / "a.ome.zarr").run()
    zarr.save_array(tmp_path / "a.zarr", gray)
    hs.signals.Signal2D(gray).save(tmp_path / "a.hspy")
    monkeypatch.chdir(tmp_path)
    plain = ("a.tif", "a.npy", "a.ome.zarr", "a.zarr", "a.hspy", "0.png")
    series = ("frames", "[01].png", ["0.png", "1.png"], [Path("frames/0.tif"), "frames/1.tif"])
    images = [(ps.open_image(name), gray) for name in plain]
    images += [(ps.open_image(names), np.stack([gray, gray])) for names in series]
    opened = (zarr.open("a.zarr", mode="r"), zarr.open("a.ome.zarr", mode="r"))
    images += [(ps.open_image(node), gray) for node in opened]
    images += [(as_image(opened[0]), gray), (as_image(opened[1]["0"]), gray)]
    labels = ps.label(gray)
    writings = [
        write_labels(labels, "a.ome.zarr"),
        write_labels(labels, LocalStore("a.ome.zarr"), name="again"),
    ]
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    for image, pixels in images:
        check(image, pixels, random=source_of(image.data) is not None)
    for writing in writings:
        writing.run()
    assert not any((tmp_path / "elsewhere").iterdir())
    stored = zarr.open_group(tmp_path / "a.ome.zarr", mode="r")["labels"]
    for name in ("particles", "again"):
        np.testing.assert_array_equal(stored[name]["0"][:], labels)


def test_names_that_look_like_patterns(tmp_path):
    folder = tmp_path / "br[ack]et"
    folder.mkdir()
    for name, pixels in (("1", PIXELS), ("[12]", PIXELS + 1)):
        Image.fromarray(pixels).save(folder / f"{name}.png")
        tifffile.imwrite(folder / f"{name}.tif", pixels)
    for ending in ("png", "tif"):
        check(ps.open_image(folder / f"[12].{ending}"), PIXELS + 1)


def test_pictures(tmp_path):
    gray = PIXELS.astype(np.uint8)
    for k in range(2):
        Image.fromarray(gray).save(tmp_path / f"p{k}.png")
    check(ps.open_image(tmp_path / "p0.png"), gray)
    check(ps.open_image(str(tmp_path / "p*.png")), np.stack([gray, gray]))


@pytest.mark.parametrize("ending", ["hspy", "emd"])
def test_microscope_files(tmp_path, ending):
    signal = hs.signals.Signal2D(PIXELS.astype(np.int16))
    for axis, name in zip(signal.axes_manager.signal_axes, "xy", strict=True):
        axis.scale, axis.units, axis.name = 0.002, "µm", name
    path = tmp_path / f"a.{ending}"
    signal.save(path)
    check(ps.open_image(path), PIXELS, step=2.0, unit="nm", random=False)


def test_signals():
    signal = hs.signals.Signal2D(np.stack([PIXELS] * 3))
    signal.axes_manager.signal_axes[0].units = signal.axes_manager.signal_axes[1].units = "nm"
    image = ps.open_image(signal)
    assert image.dims == ("t", "y", "x")
    np.testing.assert_array_equal(image.values, signal.data)
    lazy = ps.open_image(signal.as_lazy())
    np.testing.assert_array_equal(lazy.values, signal.data)
    assert axis_units(lazy)["x"] == "nm"


def test_arrays():
    check(ps.open_image(PIXELS), PIXELS)
    check(ps.open_image(da.from_array(PIXELS), chunks=20), PIXELS, random=False)
    coloured = xr.DataArray(np.stack([PIXELS] * 2), dims=("c", "y", "x"))
    check(ps.open_image(coloured, channel=1), PIXELS)
    with pytest.raises(ValueError, match="choose one, for example channel=0"):
        ps.open_image(coloured)


def test_arrays_that_look_like_rgb(tmp_path):
    """512 x 512 x 3 is a picture: as a volume it would be segmented without a word."""
    rgb = np.stack([PIXELS] * 3, axis=-1)
    rgb[..., 1] = 7
    for array in (rgb, da.from_array(rgb), zarr.array(rgb)):
        with pytest.raises(
            ValueError, match=r"looks like RGB, not like a volume: give one channel"
        ):
            ps.segment(array)
    np.save(tmp_path / "rgb.npy", rgb)
    zarr.save_array(tmp_path / "rgb.zarr", rgb)
    for source in (rgb, da.from_array(rgb), tmp_path / "rgb.npy", tmp_path / "rgb.zarr"):
        with pytest.raises(ValueError, match=r"3 channels \(RGB\): choose one, for example chan"):
            ps.open_image(source)
        random = not isinstance(source, da.Array)
        check(ps.open_image(source, channel=1), rgb[..., 1], random=random)
    check(ps.open_image(np.stack([rgb, rgb]), channel=0), np.stack([PIXELS, PIXELS]))
    thin = xr.DataArray(rgb, dims=("z", "y", "x"))
    assert ps.segment(thin).shape == ps.open_image(rgb, axes="zyx").shape == rgb.shape


def test_axes_named_by_the_user(tmp_path):
    stack = np.stack([PIXELS, PIXELS + 1, PIXELS + 2, PIXELS + 3, PIXELS + 4])
    np.save(tmp_path / "a.npy", stack)
    tifffile.imwrite(tmp_path / "a.tif", stack, photometric="minisblack")
    zarr.save_array(tmp_path / "a.zarr", stack)
    (tmp_path / "frames").mkdir()
    for k, frame in enumerate(stack):
        tifffile.imwrite(tmp_path / f"frames/{k}.tif", frame)
    sources = {name: tmp_path / name for name in ("a.npy", "a.tif", "a.zarr", "frames")}
    sources |= {"array": stack, "signal": hs.signals.Signal2D(stack)}
    defaults = dict.fromkeys(("a.tif", "frames", "signal"), "tyx")
    for name, source in sources.items():
        assert "".join(ps.open_image(source).dims) == defaults.get(name, "zyx")
        for axes in ("tyx", "zyx"):
            image = ps.open_image(source, axes=axes, chunks=16)
            assert "".join(image.dims) == axes
            assert axis_units(image)[axes[0]] == ("frame" if axes[0] == "t" else "px")
            check(image, stack)
        if name != "frames":
            check(ps.open_image(source, axes="cyx", channel=2), stack[2])
        with pytest.raises(ValueError, match=r"has \d axes .*: name as many, not 't?zyx'"):
            ps.open_image(source, axes="tzyx")
    for axes in ("tzx", "tyxx", "qyx", ""):
        with pytest.raises(ValueError, match=f"axes is '{axes}': give each axis one of"):
            ps.open_image(stack, axes=axes)
    with pytest.raises(ValueError, match="files lie along t or z"):
        ps.open_image(tmp_path / "frames", axes="cyx")
    with pytest.raises(ValueError, match="names its axes itself: rename them"):
        ps.open_image(xr.DataArray(stack, dims=("t", "y", "x")), axes="zyx")


def test_bad_input(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no such file .*nothing\.tif: check the path"):
        ps.open_image(tmp_path / "nothing.tif")
    with pytest.raises(FileNotFoundError, match="no such file '': give the path"):
        ps.open_image("")
    with pytest.raises(FileNotFoundError, match="no file matches"):
        ps.open_image(str(tmp_path / "*.tif"))
    (tmp_path / "a.txt").write_text("text")
    with pytest.raises(ValueError, match="not an image that pspy_dask can read: give OME-Zarr"):
        ps.open_image(tmp_path / "a.txt")
    (tmp_path / "a.csv").write_text("area,label\n1.5,1\n")
    with pytest.raises(ValueError, match=r"a\.csv is a table, not an image"):
        ps.open_image(tmp_path / "a.csv")
    for name in ("a.tif", "a.png", "a.dm4", "a.npy"):
        (tmp_path / name).write_text("text")
        with pytest.raises(ValueError, match=r"a\.\w+ "):
            ps.open_image(tmp_path / name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="a folder without Zarr or images"):
        ps.open_image(tmp_path / "empty")
    with pytest.raises(TypeError, match=r"not an array: .* open files and signals with open_image"):
        ps.open_image(3)
    with pytest.raises(ValueError, match="complex: take its modulus"):
        ps.open_image(np.zeros((3, 3), complex))
    with pytest.raises(ValueError, match="no pixels"):
        ps.open_image(np.zeros((0, 3)))


def test_opening_reads_no_pixels(tmp_path):
    array = zarr.create_array(
        tmp_path / "big.zarr", shape=(2**20, 2**20), chunks=(4096, 4096), dtype="u2"
    )
    image = ps.open_image(array)
    assert image.nbytes == 2**41
    np.testing.assert_array_equal(image[:3, -2:].values, np.zeros((3, 2)))
