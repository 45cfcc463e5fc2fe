"""The command: what it makes, what it refuses in one sentence, and with which exit code."""

from __future__ import annotations

import errno
import re
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from click.testing import CliRunner

from pspy_dask.cli import main
from pspy_dask.datasets import mosaic
from pspy_dask.run import cluster, job
from pspy_dask.run.cluster import open_cluster

WORK_FAILED, REFUSED, INTERRUPTED = 1, 2, 130


@pytest.fixture(scope="module")
def client():
    with open_cluster(workers=1, memory="2GiB") as client:
        yield client


@pytest.fixture
def one_cluster(client, monkeypatch):
    """All commands of this file share a cluster: to start one takes seconds."""

    @contextmanager
    def shared(**place):
        yield client

    monkeypatch.setattr(cluster, "open_cluster", shared)


@pytest.fixture
def no_cluster(monkeypatch):
    """Bad input is refused before a cluster is started."""

    def refuse(**place):
        raise AssertionError("a cluster was started")

    monkeypatch.setattr(cluster, "open_cluster", refuse)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "an image.tif"
    tifffile.imwrite(path, np.asarray(mosaic((160, 140)).values))
    return path


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_segments_a_file(image, tmp_path, one_cluster):
    out = tmp_path / "results"
    done = run("segment", image, out, "--gaussian", 1, "--keep-border", "--tiff")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(out / "particles.csv")
    assert f"{len(table)} particles" in done.stdout and len(table) > 3
    assert tifffile.imread(out / "labels.tif").max() == len(table)
    for name in ("report.html", "particles.parquet", "image.ome.zarr"):
        assert (out / name).exists() and name in done.stdout


def test_options_win_over_the_parameter_file(image, tmp_path, one_cluster):
    (tmp_path / "p.yaml").write_text("threshold: li\nmin_size: 7\n")
    options = ("--parameters", tmp_path / "p.yaml", "--min-size", 9)
    assert run("segment", image, tmp_path / "out", *options).exit_code == 0
    report = (tmp_path / "out/report.html").read_text()
    assert ">li<" in report and ">9<" in report and ">7<" not in report


def test_quiet_prints_nothing(image, tmp_path, one_cluster):
    done = run("segment", image, tmp_path / "out", "--quiet")
    assert done.exit_code == 0 and done.output == ""


def test_demo(tmp_path, one_cluster):
    done = run("demo", tmp_path / "demo", "--side", 256)
    assert done.exit_code == 0, done.output
    assert "particles" in done.stdout and "Try next" in done.stdout
    image = zarr.open_group(tmp_path / "demo/mosaic.ome.zarr", mode="r")
    assert image["0"].shape == image["labels/particles/0"].shape == (256, 256)
    again = run("demo", tmp_path / "demo", "--side", 256)
    assert again.exit_code == REFUSED and "--overwrite" in again.stderr


def test_info(image):
    done = run("info", image)
    assert done.exit_code == 0
    assert "160" in done.stdout and "uint16" in done.stdout


def test_help_names_every_command_and_exit_code():
    assert all(name in run("--help").stdout for name in ("segment", "demo", "info"))
    assert "130 interrupted" in " ".join(run("segment", "--help").stdout.split())


def write(path: Path, pixels: np.ndarray) -> Path:
    tifffile.imwrite(path, pixels)
    return path


def missing(folder):
    return folder / "missing.tif"


def text(folder):
    (folder / "notes.txt").write_text("no image")
    return folder / "notes.txt"


def colours(folder):
    path = folder / "rgb.tif"
    tifffile.imwrite(path, np.zeros((20, 20, 3), np.uint8), photometric="rgb")
    return path


def complex_pixels(folder):
    zarr.create_array(folder / "wave.zarr", shape=(20, 20), dtype="c8")[:] = 1j
    return folder / "wave.zarr"


def zero_size(folder):
    zarr.create_array(folder / "empty.zarr", shape=(0, 20), chunks=(1, 20), dtype="u1")
    return folder / "empty.zarr"


BAD_IMAGES = [
    (missing, "missing.tif"),
    (text, "notes.txt"),
    (colours, "--channel|channel="),
    (complex_pixels, "complex"),
    (zero_size, "empty|no pixels|zero"),
]


@pytest.mark.parametrize(("make", "says"), BAD_IMAGES)
@pytest.mark.parametrize("command", ["segment", "info"])
def test_bad_images_are_refused_at_once(make, says, command, tmp_path, no_cluster):
    source, out = make(tmp_path), tmp_path / "out"
    done = run(command, source, *([out] if command == "segment" else []))
    refused_in_one_sentence(done, says)
    assert not out.exists()


BAD_OPTIONS = [
    (["--threshold", "best"], "otsu.*triangle.*local_otsu.*sauvola"),
    (["--threshold", "local", "--local-size", 10], "odd"),
    (["--threshold", "local", "--local-size", -3], "odd"),
    (["--threshold", "local", "--local-size", 161], "smaller"),
    (["--rolling-ball", 141], "smaller"),
    (["--gaussian", -1], "gaussian"),
    (["--min-size", -1], "min_size"),
    (["--chunks", 0], "at least 1"),
    (["--label-type", "float32"], "integer"),
    (["--label-type", "colour"], "colour"),
    (["--level", 3], "level"),
    (["--channel", 5], "channel"),
    (["--name", "a/b"], "a/b"),
    (["--parameters", "missing.yaml"], "missing.yaml"),
]


@pytest.mark.parametrize(("options", "says"), BAD_OPTIONS)
def test_bad_options_are_refused_at_once(options, says, image, tmp_path, no_cluster):
    done = run("segment", image, tmp_path / "out", *options)
    refused_in_one_sentence(done, says)
    assert not (tmp_path / "out").exists()


BAD_FILES = [
    ("gaussian: [", "neither YAML nor JSON"),
    ("- 1", "holds no parameters"),
    ("size: 3", "unknown parameter 'size'"),
    ("gaussian: much", "gaussian"),
]


@pytest.mark.parametrize(("text", "says"), BAD_FILES)
def test_bad_parameter_files(text, says, image, tmp_path, no_cluster):
    (tmp_path / "p.yaml").write_text(text)
    done = run("segment", image, tmp_path / "out", "--parameters", tmp_path / "p.yaml")
    refused_in_one_sentence(done, says)


def test_bad_outputs(image, tmp_path, no_cluster):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "out").mkdir()
    refused_in_one_sentence(run("segment", image, tmp_path / "out"), "--overwrite")
    refused_in_one_sentence(run("segment", image, tmp_path / "file/out"), "no folder|cannot")
    refused_in_one_sentence(run("segment", image, tmp_path / "no/such/out"), "no folder")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_scheduler_that_does_not_answer(image, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", "1s")
    done = run("segment", image, tmp_path / "out", "--scheduler", "tcp://127.0.0.1:1")
    refused_in_one_sentence(done, "no scheduler answers at tcp://127.0.0.1:1")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_the_old_results(image, tmp_path, one_cluster, monkeypatch):
    out = tmp_path / "out"
    assert run("segment", image, out).exit_code == 0
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}

    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(job, "write_report", full)
    done = run("segment", image, out, "--overwrite")
    assert done.exit_code != 0 and "No space left on device" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == [image.name, "out"]


def test_too_many_objects_for_the_labels(image, tmp_path, one_cluster):
    dots = np.zeros((160, 140), np.uint8)
    dots[::4, ::4] = 255
    source = write(tmp_path / "dots.tif", dots)
    done = run("segment", source, tmp_path / "out", "--label-type", "uint8", "--keep-border")
    assert done.exit_code != 0 and "uint8" in done.stderr
    assert not (tmp_path / "out").exists()


def test_interrupted(image, tmp_path, one_cluster, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "write_report", interrupt)
    done = run("segment", image, tmp_path / "out")
    assert done.exit_code == INTERRUPTED and "interrupted" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == [image.name]


def test_an_error_of_ours_says_where_to_look(image, tmp_path, one_cluster, monkeypatch):
    def wrong(*arguments, **options):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(job, "write_report", wrong)
    done = run("segment", image, tmp_path / "out")
    assert done.exit_code == WORK_FAILED and "ZeroDivisionError: oh (--verbose" in done.stderr


def refused_in_one_sentence(done, says):
    assert done.exit_code == REFUSED, done.output
    lines = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert len(lines) == 1 and "Traceback" not in done.output
    assert re.search(says, done.stderr, re.S), done.stderr
