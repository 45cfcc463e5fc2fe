"""Bad input is refused in one sentence, before a cluster is started, and nothing changes."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import zarr

from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.run import cluster
from tests.commands import REFUSED, contents, image_file, run, told


@pytest.fixture(autouse=True)
def no_cluster(monkeypatch):
    def refuse(**place):
        raise AssertionError("a cluster was started")

    monkeypatch.setattr(cluster, "open_cluster", refuse)


@pytest.fixture
def image(tmp_path):
    return image_file(tmp_path)


def text(name, content="no image"):
    def make(folder):
        (folder / name).write_text(content)
        return folder / name

    return make


def tiff(pixels, **options):
    def make(folder):
        tifffile.imwrite(folder / "a.tif", pixels, **options)
        return folder / "a.tif"

    return make


def array(shape, dtype):
    def make(folder):
        zarr.create_array(folder / "a.zarr", shape=shape, chunks=(4, 4), dtype=dtype)
        return folder / "a.zarr"

    return make


def broken_zarr(folder):
    (folder / "broken.zarr").mkdir()
    (folder / "broken.zarr/zarr.json").write_text("{")
    return folder / "broken.zarr"


BAD_IMAGES = {
    "missing": (lambda folder: folder / "missing.tif", "no such file .*missing.tif"),
    "no match": (lambda folder: f"{folder}/none*.tif", "no file matches .*none"),
    "empty folder": (lambda folder: folder, "folder without Zarr or images"),
    "text": (text("notes.txt"), "notes.txt is not an image"),
    "text called TIFF": (text("a.tif"), "a.tif is not a TIFF image"),
    "empty file": (text("a.tif", ""), "a.tif is not a TIFF image"),
    "text called PNG": (text("a.png"), "a.png cannot be read as PNG"),
    "text called dm4": (text("a.dm4"), "a.dm4 cannot be read"),
    "broken Zarr": (broken_zarr, "broken.zarr cannot be opened .*damaged"),
    "no server": (lambda folder: "http://127.0.0.1:1/a.zarr", "127.0.0.1:1/a.zarr.*address"),
    "RGB": (tiff(np.zeros((20, 20, 3), np.uint8), photometric="rgb"), "3 channels.*--channel"),
    "complex TIFF": (tiff(np.zeros((20, 20), np.complex64)), "complex: take its modulus"),
    "complex Zarr": (array((20, 20), "c8"), "complex: take its modulus"),
    "no rows": (array((0, 20), "u1"), "has no pixels"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
@pytest.mark.parametrize("command", ["segment", "info"])
def test_bad_images(case, command, tmp_path):
    (tmp_path / "in").mkdir()
    make, says = BAD_IMAGES[case]
    source, before = make(tmp_path / "in"), contents(tmp_path)
    done = run(command, source, *([tmp_path / "out"] if command == "segment" else []))
    told(done, REFUSED, says)
    assert contents(tmp_path) == before


BAD_OPTIONS = [
    (["--threshold", "best"], "otsu.*triangle.*local_otsu.*sauvola"),
    (["--threshold", "local", "--local-size", 10], "odd"),
    (["--threshold", "local", "--local-size", 0], "positive odd"),
    (["--threshold", "local", "--local-size", -3], "positive odd"),
    (["--threshold", "local", "--local-size", 141], "141 pixels but the image only 140"),
    (["--rolling-ball", 141], "141 pixels but the image only 140"),
    (["--gaussian", -1], "gaussian is -1.0"),
    (["--gaussian", "nan"], "gaussian is nan"),
    (["--min-size", -1], "min_size is -1"),
    (["--chunks", 0], "chunks is 0: give a whole number of pixels, 1 or more"),
    (["--label-type", "float32"], "float32.*uint8.*int64"),
    (["--level", 3], "no level 3: choose 0"),
    (["--channel", 5], "one channel"),
    (["--channel", "--5"], "one channel"),
    (["--name", ""], "named ''"),
    (["--name", "a/b"], "named 'a/b'"),
    (["--name", ".hidden"], "named '.hidden'"),
    (["--name", "zarr.json"], "named 'zarr.json'"),  # it would replace the list of labels
    (["--name", "a" * 250], "named 'aaa"),
    (["--parameters", "missing.yaml"], "no parameter file missing.yaml"),
]


@pytest.mark.parametrize(("options", "says"), BAD_OPTIONS)
def test_bad_options(options, says, image, tmp_path):
    told(run("segment", image, tmp_path / "out", *options), REFUSED, says)
    assert list(tmp_path.iterdir()) == [image]


BAD_FILES = [
    ("p.yaml", b"gaussian: [", r"p.yaml is neither YAML nor JSON \(line 1\)"),
    ("p.yaml", b"\xff\xfe\x9f", "p.yaml is neither YAML nor JSON"),
    ("p.json", b"{gaussian: 2}", r"p.json is neither YAML nor JSON \(line 1\)"),
    ("p.yaml", b"- 1", "holds no parameters"),
    ("p.yaml", b"", "holds no parameters"),
    ("p.yaml", b"size: 3", "unknown parameter 'size'"),
    ("p.yaml", b"1: 2\nsize: 3", "unknown parameter 1"),
    ("p.yaml", b"gaussian: much", "gaussian is 'much'"),
]


@pytest.mark.parametrize(("name", "content", "says"), BAD_FILES)
def test_bad_parameter_files(name, content, says, image, tmp_path):
    (tmp_path / name).write_bytes(content)
    done = run("segment", image, tmp_path / "out", "--parameters", tmp_path / name)
    told(done, REFUSED, says)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("command", ["segment", "demo"])
def test_outputs_that_cannot_be(command, image, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    before = contents(tmp_path)
    source = [image] if command == "segment" else []
    told(run(command, *source, tmp_path / "file/out"), REFUSED, "file is a file, no folder")
    monkeypatch.setattr("os.access", lambda *arguments: False)  # root may write anywhere
    told(run(command, *source, tmp_path / "out"), REFUSED, "cannot be written to: ask for")
    assert contents(tmp_path) == before


def test_labels_beside_a_read_only_image(tmp_path, monkeypatch):
    write_image(mosaic((64, 64)), tmp_path / "m.ome.zarr").run()
    before = contents(tmp_path)
    refused = tmp_path / "m.ome.zarr"
    monkeypatch.setattr("os.access", lambda path, *mode: path != refused)
    told(run("segment", refused, tmp_path / "out"), REFUSED, "m.ome.zarr cannot be written to")
    assert contents(tmp_path) == before


def test_existing_outputs_need_overwrite(image, tmp_path):
    (tmp_path / "out").mkdir()
    told(run("segment", image, tmp_path / "out"), REFUSED, "out exists: pass --overwrite")
    told(run("segment", image, tmp_path / "no/such/out"), REFUSED, "no folder .*: create it")
    (tmp_path / "demo/results").mkdir(parents=True)
    told(run("demo", tmp_path / "demo"), REFUSED, "results exists: pass --overwrite")


LOSSES = {
    "the image": ("m.ome.zarr", "m.ome.zarr", "holds the image"),
    "a TIFF": ("an image.tif", "an image.tif", "holds the image"),
    "the folder around it": ("m.ome.zarr", ".", "holds the image"),
    "a level of it": ("m.ome.zarr", "m.ome.zarr/0", "is no result"),
    "the copy in the results": ("out/image.ome.zarr", "out", "holds the image"),
    "frames": ("frames/*.tif", "frames", "holds the image"),
    "work of others": ("m.ome.zarr", "mine", "holds thesis.txt, which is no result"),
    "a file": ("m.ome.zarr", "mine/thesis.txt", "is a file"),
}


@pytest.mark.parametrize("case", LOSSES)
def test_overwrite_replaces_only_results(case, image, tmp_path):
    pixels = np.asarray(mosaic((64, 64)).values)
    for folder in ("mine", "out", "frames"):
        (tmp_path / folder).mkdir()
    for path in ("m.ome.zarr", "out/image.ome.zarr"):
        write_image(mosaic((64, 64)), tmp_path / path).run()
    (tmp_path / "mine/thesis.txt").write_text("mine")
    tifffile.imwrite(tmp_path / "frames/0.tif", pixels)
    before = contents(tmp_path)
    source, out, says = LOSSES[case]
    told(run("segment", tmp_path / source, tmp_path / out, "--overwrite"), REFUSED, says)
    assert contents(tmp_path) == before
