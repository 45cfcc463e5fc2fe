import dask.array as da
import numpy as np
import pytest
import tifffile

from pspy_dask.blocks.images import as_image, make_image
from pspy_dask.io import labels as module
from pspy_dask.io.labels import write_label_tiff


def some_labels(shape, dtype=np.int32):
    return np.random.default_rng(0).integers(0, 50, shape).astype(dtype)


@pytest.mark.parametrize("chunks", [(700, 900), (300, 1100), ((1, 699, 13, 587), (1000, 100))])
def test_pixels_and_pixel_size_survive(tmp_path, chunks):
    pixels = some_labels((1300, 1100))
    image = make_image(
        da.from_array(pixels, chunks=chunks),
        ("y", "x"),
        steps={"y": 0.25, "x": 0.5},
        units={"y": "nm", "x": "nm"},
    )
    write_label_tiff(image, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        np.testing.assert_array_equal(tif.asarray(), pixels)
        page = tif.pages[0]
        assert page.tile == (512, 512)
        assert page.compression == tifffile.COMPRESSION.ADOBE_DEFLATE
        assert not tif.is_bigtiff
        x, y = page.get_resolution("CENTIMETER")
        assert (1e7 / x, 1e7 / y) == pytest.approx((0.5, 0.25))
        metadata = tifffile.xml2dict(tif.ome_metadata)["OME"]["Image"]["Pixels"]
        assert (metadata["PhysicalSizeX"], metadata["PhysicalSizeXUnit"]) == (0.5, "nm")
        assert (metadata["PhysicalSizeY"], metadata["PhysicalSizeYUnit"]) == (0.25, "nm")
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("shape", [(2, 3, 530, 20), (3, 20, 530)])
def test_series_and_volumes(tmp_path, shape):
    pixels = some_labels(shape, np.int64)
    image = as_image(da.from_array(pixels, chunks=(1,) * (len(shape) - 2) + (300, 15)))
    write_label_tiff(image, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.series[0].axes == "TZYX"[-len(shape) :]
        assert tif.series[0].dtype == np.uint32
        np.testing.assert_array_equal(tif.asarray(), pixels)


def test_a_source_is_read_by_rows_of_tiles(tmp_path):
    seen, pixels = [], some_labels((1500, 40))

    class Spy:
        shape, dtype = pixels.shape, pixels.dtype

        def __getitem__(self, index):
            seen.append(index)
            return pixels[index]

    write_label_tiff(as_image(Spy()), tmp_path / "a.tif")
    assert [(s[0].start, s[0].stop) for s in seen] == [(0, 512), (512, 1024), (1024, 1500)]
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), pixels)


def test_each_row_of_blocks_is_computed_once(tmp_path):
    counted = []

    def count(block):
        counted.append(block.shape)
        return block

    array = da.from_array(some_labels((900, 64)), chunks=(200, 64))
    array = array.map_blocks(count, dtype=np.int32, meta=np.empty((0, 0), np.int32))
    write_label_tiff(as_image(array), tmp_path / "a.tif")
    assert len(counted) == 5


def test_large_ones_are_bigtiff(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CLASSIC_LIMIT", 100)
    write_label_tiff(as_image(some_labels((30, 30))), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.is_bigtiff


def test_complete_or_absent(tmp_path):
    labels = as_image(some_labels((30, 30)))
    write_label_tiff(labels, tmp_path / "a.tif")
    before = (tmp_path / "a.tif").read_bytes()
    with pytest.raises(FileExistsError, match=r"pass --overwrite \(overwrite=True\)"):
        write_label_tiff(labels, tmp_path / "a.tif")
    with pytest.raises(OverflowError, match="does not fit uint32: write OME-Zarr"):
        write_label_tiff(as_image(np.full((30, 30), 2**33)), tmp_path / "a.tif", overwrite=True)
    with pytest.raises(TypeError, match="convert them to int32"):
        write_label_tiff(as_image(np.zeros((3, 3))), tmp_path / "b.tif")
    with pytest.raises(IsADirectoryError, match="choose a file"):
        write_label_tiff(labels, tmp_path, overwrite=True)
    assert (tmp_path / "a.tif").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


def test_pixels_too_small_for_the_resolution_tags(tmp_path):
    """TIFF counts pixels a centimetre in 32 bits: at 2 pm only the OME metadata has the size."""
    image = make_image(
        da.from_array(some_labels((30, 30))),
        ("y", "x"),
        steps={"y": 0.002, "x": 0.002},
        units={"y": "nm", "x": "nm"},
    )
    write_label_tiff(image, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert 'PhysicalSizeX="0.002"' in tif.ome_metadata
        assert tif.pages[0].get_resolution() == (1, 1)
