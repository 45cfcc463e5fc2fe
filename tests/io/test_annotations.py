"""Annotations in files: what was painted is what is read, and what cannot be meant is refused."""

from __future__ import annotations

import json
import warnings

import dask.array as da
import imageio.v3 as imageio
import numpy as np
import pytest
import tifffile
import xarray as xr
import zarr
from PIL import Image

import pspy_dask as ps
from pspy_dask.blocks.images import as_image, make_image
from pspy_dask.io import ome_zarr
from pspy_dask.pixels.annotations import DrawLaw, annotated_pixels
from pspy_dask.pixels.palettes import DEFAULT_COLORS

LABELS = np.random.default_rng(2).integers(0, 5, (24, 31)).astype(np.uint8)
TWO = ("#ff0000", "#0000ff")


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        yield


def assert_opened(found, labels, dims=("y", "x")):
    assert isinstance(found, xr.DataArray)
    assert isinstance(found.data, da.Array)
    assert found.dims == dims
    assert found.dtype.kind in "biu"
    np.testing.assert_array_equal(found.values, labels)


def with_opacity(picture):
    """The same picture, transparent in a colour of its own where it was black."""
    opaque = picture.any(axis=-1, keepdims=True)
    return np.where(opaque, np.append(picture, 255 * opaque, axis=-1), [9, 9, 9, 0]).astype(
        np.uint8
    )


@pytest.mark.parametrize(
    ("ending", "opacity"),
    [("png", False), ("png", True), ("tif", False), ("tif", True), ("bmp", False)],
)
def test_pictures_in_colours(tmp_path, ending, opacity):
    picture = ps.toggle_channels(LABELS)
    path = tmp_path / f"strokes.{ending}"
    imageio.imwrite(path, with_opacity(picture) if opacity else picture)
    assert_opened(ps.open_annotations(path), LABELS)
    assert_opened(ps.open_annotations(str(path), shape=LABELS.shape), LABELS)


def test_colours_of_the_user(tmp_path):
    path = tmp_path / "strokes.png"
    imageio.imwrite(path, ps.toggle_channels(LABELS % 3, TWO))
    assert_opened(ps.open_annotations(path, colors=TWO), LABELS % 3)
    swapped = ps.open_annotations(path, colors=TWO[::-1])
    assert (swapped.values != LABELS % 3).any()


@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_series_in_colours(tmp_path, planes):
    classes = np.stack([LABELS, LABELS[::-1]])
    picture = ps.toggle_channels(classes)
    path = tmp_path / "strokes.tif"
    data = picture if planes == "contig" else np.moveaxis(picture, -1, 1)
    axes = "TYXS" if planes == "contig" else "TCYX"
    photometric = "rgb" if planes == "contig" else "minisblack"
    tifffile.imwrite(path, data, metadata={"axes": axes}, photometric=photometric, ome=True)
    assert_opened(ps.open_annotations(path), classes, ("t", "y", "x"))


def test_large_pictures_are_read_chunk_by_chunk(tmp_path):
    classes = np.zeros((4500, 2100), np.uint8)
    classes[4000:4010, 5:2000] = 2
    path = tmp_path / "strokes.tif"
    tifffile.imwrite(path, ps.toggle_channels(classes), tile=(512, 512), photometric="rgb")
    found = ps.open_annotations(path)
    assert found.data.npartitions > 1
    assert (found.values == classes).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_grey_pictures_hold_labels(tmp_path, ending, dtype):
    labels = LABELS.astype(dtype) * (60 if dtype == np.uint8 else 300)
    path = tmp_path / f"labels.{ending}"
    imageio.imwrite(path, labels)
    assert_opened(ps.open_annotations(path), labels)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_pictures_of_0_and_255_are_masks(tmp_path, ending):
    path = tmp_path / f"mask.{ending}"
    imageio.imwrite(path, np.where(LABELS > 2, 255, 0).astype(np.uint8))
    assert_opened(ps.open_annotations(path), LABELS > 2)
    others = np.where(LABELS > 2, 255, LABELS).astype(np.uint8)
    imageio.imwrite(path, others)
    assert_opened(ps.open_annotations(path), others)
    imageio.imwrite(path, np.zeros_like(LABELS))
    assert_opened(ps.open_annotations(path), np.zeros_like(LABELS))


def test_pictures_of_one_bit_are_masks(tmp_path):
    Image.fromarray(LABELS > 2).save(tmp_path / "mask.png")
    assert_opened(ps.open_annotations(tmp_path / "mask.png"), LABELS > 2)


def indexed(path, indices, palette):
    picture = Image.fromarray(indices, mode="P")
    picture.putpalette([value for color in palette for value in bytes.fromhex(color[1:])])
    picture.save(path)


def test_pictures_with_a_palette(tmp_path):
    path = tmp_path / "indexed.png"
    others = ["#000000", "#800000", "#008000", "#808000", "#000080"]
    indexed(path, LABELS, others)
    with pytest.warns(UserWarning, match="in its palette, 1 is #800000, 2 is #008000, .* name col"):
        assert_opened(ps.open_annotations(path), LABELS)
    assert_opened(ps.open_annotations(path, colors=others[1:]), LABELS)
    # Programs that pack a painted picture number its colours as they like.
    indexed(path, 4 - LABELS, [*DEFAULT_COLORS[3::-1], "#000000"])
    assert_opened(ps.open_annotations(path), LABELS)
    assert (LABELS != 4 - LABELS).any()


def test_a_packed_picture_in_other_colours_is_no_picture_of_labels(tmp_path):
    """Black is number 2 of the palette: as labels nearly all of the picture would be class 2."""
    path = tmp_path / "packed.png"
    painted = np.zeros((40, 50), np.uint8)
    painted[3, 5:20], painted[30, 5:9] = 1, 2
    picture = Image.fromarray(ps.toggle_channels(painted, ["#ff0000", "#00ff00"]))
    packed = picture.quantize(4)
    packed.save(path)
    assert np.bincount(np.asarray(packed).ravel())[2] == (painted == 0).sum()
    sentence = r"painted in #ff0000 \(15 pixels\), #00ff00 \(4 pixels\).*=\"#ff0000,#00ff00\"$"
    with pytest.raises(ValueError, match=sentence):
        ps.open_annotations(path)
    assert_opened(ps.open_annotations(path, colors="#ff0000,#00ff00"), painted)


def test_numbers_of_a_palette_all_over_are_refused(tmp_path):
    path = tmp_path / "packed.png"
    indexed(path, LABELS + 21, ["#000000"] * 21 + ["#800000", "#808000", "#000080"] * 2)
    with (
        pytest.raises(ValueError, match="cover 100% of the picture, with grey levels 21, 22"),
        pytest.warns(UserWarning, match="palette"),
    ):
        ps.open_annotations(path)


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_a_photograph_is_no_picture_of_labels(tmp_path, ending):
    path = tmp_path / f"photograph.{ending}"
    levels = np.arange(30 * 40).reshape(30, 40) // 5
    for photograph in (levels.astype(np.uint8), levels.astype(np.uint16)):
        imageio.imwrite(path, photograph)
        with pytest.raises(ValueError, match=r"would be 239 classes, .* photograph: paint strokes"):
            ps.open_annotations(path)
    imageio.imwrite(path, np.minimum(levels, 20).astype(np.uint8))
    assert_opened(ps.open_annotations(path), np.minimum(levels, 20))
    np.save(tmp_path / "many.npy", levels)
    assert_opened(ps.open_annotations(tmp_path / "many.npy"), levels)


def test_grey_strokes_on_white_paper_are_refused(tmp_path):
    """As labels the paper would be class 255."""
    path = tmp_path / "paper.png"
    paper = np.full((40, 50), 255, np.uint8)
    paper[3, 5:20], paper[30, 5:9] = 87, 162
    imageio.imwrite(path, paper)
    sentence = "cover 100% of the picture, with grey levels 87, 162, 255: paint strokes on a black"
    with pytest.raises(ValueError, match=sentence):
        ps.open_annotations(path)
    dense = np.where(paper == 255, 1, 2).astype(np.uint8)
    imageio.imwrite(path, dense)
    assert_opened(ps.open_annotations(path), dense)


@pytest.mark.parametrize("under", ["white", "a micrograph", "a colour"])
def test_what_lies_under_strokes_is_neither_suggested_nor_warned_of(tmp_path, under):
    painted = np.zeros((40, 50), np.uint8)
    painted[3:6, 5:25], painted[30:32, 5:15] = 1, 2
    strokes = ps.toggle_channels(painted, TWO)
    grey = np.random.default_rng(1).integers(0, 256, (40, 50, 1))
    below = {"white": [255, 255, 255], "a micrograph": grey, "a colour": [250, 240, 200]}[under]
    picture = np.where(painted[..., None] > 0, strokes, below).astype(np.uint8)
    picture[20, 20] = (120, 60, 200)  # a mixture at a soft edge
    path = tmp_path / "strokes.png"
    imageio.imwrite(path, picture)
    with pytest.raises(ValueError, match=r"such as colors=\"#[0-9,#af]*\"$") as caught:
        ps.open_annotations(path)
    suggested = str(caught.value).rsplit('"', 2)[1]
    assert sorted(suggested.split(",")) == sorted(TWO)
    lost = 1 if under != "a colour" else 40 * 50 - 80
    sentence = f"strokes.png: 80 pixels have the colour of a class; {lost:,} of other"
    with pytest.warns(UserWarning, match=sentence):
        assert_opened(ps.open_annotations(path, colors=",".join(TWO)), painted)
    picture[20, 20] = (9, 9, 9)
    imageio.imwrite(path, picture)
    if under != "a colour":
        assert_opened(ps.open_annotations(path, colors=",".join(TWO)), painted)


def test_a_photograph_in_colours_suggests_none(tmp_path):
    path = tmp_path / "photograph.png"
    grey = np.arange(30 * 40).reshape(30, 40, 1) // 5
    imageio.imwrite(path, np.repeat(grey, 3, axis=-1).astype(np.uint8))
    with pytest.raises(ValueError, match="looks like a photograph or plain paper, so paint"):
        ps.open_annotations(path)


def test_colours_of_no_class_are_reported_once(tmp_path):
    picture = ps.toggle_channels(LABELS)
    picture[3, 4:6] = (1, 2, 3)
    path = tmp_path / "strokes.png"
    imageio.imwrite(path, picture)
    with pytest.warns(UserWarning, match=r"strokes.png: .* #010203 \(2 pixels\): paint with"):
        found = ps.open_annotations(path)
    expected = LABELS.copy()
    expected[3, 4:6] = 0
    assert_opened(found, expected)


@pytest.mark.parametrize("colors", [None, ["#00ff00"]])
def test_pictures_in_other_colours_are_refused(tmp_path, colors):
    path = tmp_path / "strokes.png"
    imageio.imwrite(path, ps.toggle_channels(np.array([[0, 1, 2, 2]]), TWO))
    sentence = (
        r"is painted in #0000ff \(2 pixels\), #ff0000 \(1 pixel\), no colour of a class: "
        r"name those of class 1, 2, ... in their order, such as colors=\"#0000ff,#ff0000\"$"
    )
    with pytest.raises(ValueError, match=sentence):
        ps.open_annotations(path, colors=colors)


def test_an_empty_picture_has_no_labels(tmp_path):
    imageio.imwrite(tmp_path / "black.png", np.zeros((5, 6, 3), np.uint8))
    assert_opened(ps.open_annotations(tmp_path / "black.png"), np.zeros((5, 6)))


def test_npy(tmp_path):
    np.save(tmp_path / "labels.npy", LABELS.astype(np.int64))
    assert_opened(ps.open_annotations(tmp_path / "labels.npy"), LABELS)


def test_zarr_arrays(tmp_path):
    path = tmp_path / "labels.zarr"
    array = zarr.create_array(path, shape=LABELS.shape, chunks=(10, 10), dtype=LABELS.dtype)
    array[:] = LABELS
    assert_opened(ps.open_annotations(path), LABELS)
    assert ps.open_annotations(array) is array


def written(write):
    for step in write.steps():
        step.compute()
    write.finish()


def test_labels_of_an_ome_zarr_image(tmp_path):
    path = tmp_path / "image.ome.zarr"
    image = make_image(da.zeros(LABELS.shape, dtype=np.float32), ("y", "x"))
    written(ome_zarr.write_image(image, path))
    with pytest.raises(TypeError, match=r"image.ome.zarr are float32, not whole numbers"):
        ps.open_annotations(path)
    written(ome_zarr.write_labels(as_image(LABELS.astype(np.int32)), path, name="strokes"))
    for source in (path, path / "labels", path / "labels/strokes", zarr.open_group(path)):
        assert_opened(ps.open_annotations(source), LABELS)
    written(ome_zarr.write_labels(as_image(LABELS[::-1].astype(np.int32)), path, name="others"))
    with pytest.raises(ValueError, match="has the labels strokes, others: open one of them, such"):
        ps.open_annotations(path)
    assert_opened(ps.open_annotations(path / "labels/others"), LABELS[::-1])


SHAPES = [
    ps.Polygon(1, [(0, 0), (0, 5), (5, 0)]),
    ps.Points(2, [(9, 9), (10.5, 3)], radius=3),
    ps.Line(2, [(12, 1), (20, 30)], width=3),
]
LISTED = [
    {"label": 1, "polygon": [[0, 0], [0, 5], [5, 0]]},
    {"label": 2, "points": [[9, 9], [10.5, 3]], "radius": 3},
    {"label": 2, "line": [[12, 1], [20, 30]], "width": 3},
]


def test_lists_of_shapes(tmp_path):
    path = tmp_path / "strokes.json"
    path.write_text(json.dumps(LISTED))
    for source in (path, str(path), LISTED, SHAPES, [SHAPES[0], *LISTED[1:]]):
        assert ps.open_annotations(source) == SHAPES
    assert ps.open_annotations(SHAPES[0]) == SHAPES[:1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[{", r"strokes.json is no JSON \("),
        ("{}", "is no list of shapes"),
        ("[3]", "shape 1 of .*strokes.json is a int"),
        ('[{"polygon": [[0, 0], [0, 1], [1, 1]]}]', "must have a label and one of"),
        ('[{"label": 1, "points": [[0, 0]], "line": [[0, 0]]}]', "one of points, line and polygon"),
        ('[{"label": 1, "points": [[0, 0]], "width": 2}]', "unknown name 'width'"),
        (
            '[{"label": 1, "points": [[0, 0]]}, {"label": 0, "points": [[0, 0]]}]',
            "shape 2 of .* 0:",
        ),
        ('[{"label": 1, "points": [0, 0]}]', "shape 1 of .*no points: give a list of"),
    ],
)
def test_files_of_no_shapes_are_refused(tmp_path, text, sentence):
    path = tmp_path / "strokes.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence):
        ps.open_annotations(path)


def test_arrays_stay_as_they_are():
    lazy = da.from_array(LABELS, chunks=10)
    named = xr.DataArray(LABELS, dims=("y", "x"))
    for array in (LABELS, lazy, named, LABELS > 1):
        assert ps.open_annotations(array) is array


def test_arrays_in_colours():
    picture = ps.toggle_channels(LABELS % 3, TWO)
    named = xr.DataArray(picture, dims=("y", "x", "c"))
    big = np.tile(picture, (2, 2, 1))
    assert (ps.open_annotations(named, colors=TWO).values == LABELS % 3).all()
    assert (ps.open_annotations(big, colors=TWO) == np.tile(LABELS % 3, (2, 2))).all()


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        ("none.png", FileNotFoundError, "no such file none.png: check the path"),
        ("none.json", FileNotFoundError, "no such file none.json: check the path"),
        (3, TypeError, "int holds no annotations: give a file"),
        (np.zeros((4, 4)), TypeError, "the annotations are float64, not whole numbers"),
    ],
)
def test_what_holds_no_annotations_is_refused(source, error, sentence):
    with pytest.raises(error, match=sentence):
        ps.open_annotations(source)


def test_pictures_that_cannot_hold_annotations_are_refused(tmp_path):
    imageio.imwrite(tmp_path / "a.jpg", ps.toggle_channels(LABELS))
    with pytest.raises(ValueError, match="is a JPEG, which blurs labels and colours: save it as"):
        ps.open_annotations(tmp_path / "a.jpg")
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((24, 31, 3), np.uint16), photometric="rgb")
    with pytest.raises(ValueError, match="has 3 channels of uint16: save annotations in grey"):
        ps.open_annotations(tmp_path / "a.tif")
    (tmp_path / "b.png").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="cannot be read as PNG: it is damaged"):
        ps.open_annotations(tmp_path / "b.png")
    with pytest.raises(ValueError, match="colour '#12' is not six hex digits"):
        imageio.imwrite(tmp_path / "c.png", ps.toggle_channels(LABELS))
        ps.open_annotations(tmp_path / "c.png", colors=["#12"])


def test_labels_of_another_shape_are_refused(tmp_path):
    imageio.imwrite(tmp_path / "a.png", LABELS)
    with pytest.raises(ValueError, match=r"a.png have shape \(24, 31\) but the image \(24, 32\)"):
        ps.open_annotations(tmp_path / "a.png", shape=(24, 32))
    assert_opened(ps.open_annotations(tmp_path / "a.png", shape=(1, 24, 31)), LABELS)


def test_what_is_opened_is_what_training_takes(tmp_path):
    imageio.imwrite(tmp_path / "a.png", ps.toggle_channels(LABELS))
    image = as_image(np.zeros(LABELS.shape))
    opened, law = ps.open_annotations(tmp_path / "a.png"), DrawLaw(seed=0, most=LABELS.size)
    (found,) = annotated_pixels([opened], [image], law).compute()
    pixels = found.lowest(found.counts)
    np.testing.assert_array_equal(pixels.places[:, 2:], np.argwhere(LABELS))
    np.testing.assert_array_equal(pixels.classes, LABELS[LABELS > 0])


@pytest.mark.parametrize("lazy", [False, True])
def test_a_picture_to_paint_on(tmp_path, lazy):
    path = tmp_path / "classes.png"
    labels = as_image(LABELS, chunks=9) if lazy else LABELS.astype(np.int64)
    ps.write_class_picture(labels, path)
    np.testing.assert_array_equal(imageio.imread(path), ps.toggle_channels(LABELS))
    assert_opened(ps.open_annotations(path), LABELS)
    with pytest.raises(FileExistsError, match="exists"):
        ps.write_class_picture(labels, path)
    ps.write_class_picture(LABELS % 3, path, TWO, overwrite=True)
    assert_opened(ps.open_annotations(path, colors=TWO), LABELS % 3)
    assert [p.name for p in tmp_path.iterdir()] == ["classes.png"]


def test_pictures_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(ValueError, match="choose one plane"):
        ps.write_class_picture(LABELS[None], tmp_path / "a.png")
    with pytest.raises(ValueError, match="no name of a PNG"):
        ps.write_class_picture(LABELS, tmp_path / "a.jpg")
    with pytest.raises(ValueError, match="class 4 has no colour"):
        ps.write_class_picture(LABELS, tmp_path / "a.png", TWO)
    assert not list(tmp_path.iterdir())
