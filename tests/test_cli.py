"""The command: what it makes, what it prints, where it works."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import ome_zarr_models
import pandas as pd
import pytest
import tifffile
import zarr
from distributed import LocalCluster

import pspy_dask as ps
from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.run import cluster
from pspy_dask.run.cluster import open_cluster
from tests.commands import (
    DONE,
    REFUSED,
    dots_file,
    five_axes_file,
    image_file,
    run,
    told,
)


@pytest.fixture
def image(tmp_path):
    return image_file(tmp_path)


def test_segments_a_file(image, tmp_path, one_cluster):
    out = tmp_path / "results"
    done = run("segment", image, out, "--gaussian", 1, "--keep-border", "--tiff")
    assert done.exit_code == DONE, done.output
    table = pd.read_csv(out / "particles.csv")
    assert f"{len(table)} particles" in done.stdout and len(table) > 3
    assert tifffile.imread(out / "labels.tif").max() == len(table)
    for name in ("report.html", "particles.parquet", "image.ome.zarr"):
        assert (out / name).exists() and name in done.stdout


def test_options_win_over_the_parameter_file(image, tmp_path, one_cluster):
    (tmp_path / "p.yaml").write_text("threshold: li\nmin_size: 7\n")
    options = ("--parameters", tmp_path / "p.yaml", "--min-size", 9)
    assert run("segment", image, tmp_path / "out", *options).exit_code == DONE
    report = (tmp_path / "out/report.html").read_text()
    assert ">li<" in report and ">9<" in report and ">7<" not in report


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_plane_in_five_axes(version, tmp_path, one_cluster):
    """The ordinary layout of OME-Zarr, t c z y x, of which t and z have length 1."""
    pixels = np.asarray(mosaic((160, 140)).values)
    path = five_axes_file(tmp_path, pixels, version)
    options = {"gaussian": 2.0, "local_size": 31, "threshold": "sauvola", "watershed": True}
    expected = ps.segment(pixels, **options).values
    assert expected.max() > 3
    lazy = ps.segment(ps.open_image(path, channel=1), **options)
    np.testing.assert_array_equal(lazy.values, expected[None, None])
    arguments = ("--gaussian", 2, "--local-size", 31, "--threshold", "sauvola", "--watershed")
    done = run("segment", path, tmp_path / "out", "--channel", 1, *arguments)
    assert done.exit_code == DONE, done.output
    labels = zarr.open_group(path / "labels/particles", mode="r")
    np.testing.assert_array_equal(labels["0"][:], expected[None, None])
    model = ome_zarr_models.open_ome_zarr(labels)
    multiscale = (model.ome_attributes if version == "0.5" else model.attributes).multiscales[0]
    assert [axis.name for axis in multiscale.axes] == ["t", "z", "y", "x"]
    assert multiscale.datasets[0].coordinateTransformations[0].scale == [1, 3, 0.5, 0.5]
    table = pd.read_csv(tmp_path / "out/particles.csv")
    assert len(table) == expected.max() and "area_px (px^2)" in table
    assert "disk of equal area" in (tmp_path / "out/report.html").read_text()


def test_a_channel_of_many_stored_chunks(tmp_path, one_cluster):
    pixels = np.asarray(mosaic((160, 140)).values)
    path = five_axes_file(tmp_path, pixels, "0.4", chunk=32)
    done = run("segment", path, tmp_path / "out", "--channel", 1, "--gaussian", 2)
    assert done.exit_code == DONE, done.output
    found = zarr.open_group(path / "labels/particles", mode="r")["0"][0, 0]
    np.testing.assert_array_equal(found, ps.segment(pixels, gaussian=2.0))


def test_axes_of_a_stack(tmp_path, one_cluster):
    """A particle through both pages is one in a volume, two in a series."""
    stack = np.zeros((3, 64, 60), np.uint8)
    stack[:2, 20:30, 20:30] = 200
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    for axes, count in (("zyx", 1), ("tyx", 2)):
        assert f"{axes[0]} 3, y 64" in run("info", tmp_path / "stack.tif", "--axes", axes).stdout
        options = ("--axes", axes, "--keep-border", "--threshold", "mean")
        done = run("segment", tmp_path / "stack.tif", tmp_path / axes, *options)
        assert done.exit_code == DONE, done.output
        assert len(pd.read_csv(tmp_path / axes / "particles.csv")) == count
    told(run("info", tmp_path / "stack.tif", "--axes", "yx"), REFUSED, "name as many, not 'yx'")


def test_quiet_prints_nothing(image, tmp_path, one_cluster):
    done = run("segment", image, tmp_path / "out", "--quiet")
    assert done.exit_code == DONE and done.output == ""


def test_overwrite_replaces_results(image, tmp_path, one_cluster):
    out = tmp_path / "out"
    assert run("segment", image, out, "--tiff").exit_code == DONE
    (out / ".DS_Store").touch()  # a file browser looked at the folder
    assert run("segment", dots_file(tmp_path), out, "--overwrite").exit_code == DONE
    names = {"image.ome.zarr", "particles.csv", "particles.parquet", "report.html"}
    assert {path.name for path in out.iterdir()} == names
    assert len(pd.read_csv(out / "particles.csv")) == 39 * 34


def test_demo(tmp_path, one_cluster):
    done = run("demo", tmp_path / "new/demo", "--side", 256)
    assert done.exit_code == DONE, done.output
    assert "particles" in done.stdout and "Try next" in done.stdout
    image = zarr.open_group(tmp_path / "new/demo/mosaic.ome.zarr", mode="r")
    assert image["0"].shape == image["labels/particles/0"].shape == (256, 256)
    told(run("demo", tmp_path / "new/demo", "--side", 256), REFUSED, "pass --overwrite")
    again = run("demo", tmp_path / "new/demo", "--side", 128, "--overwrite")
    assert again.exit_code == DONE
    assert zarr.open_group(tmp_path / "new/demo/mosaic.ome.zarr", mode="r")["0"].shape == (128, 128)


def test_try_next_can_be_typed_as_it_stands(tmp_path):
    """Called by its path, as the README does, or found on the PATH; names with spaces."""
    command, folder = Path(sys.executable).with_name("pspy-dask"), "my demo"
    options = ["--side", "128", "--workers", "1", "--memory", "1GiB"]
    bare = {**os.environ, "PATH": os.defpath}
    known = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.defpath}"}
    for call, environment in ((str(command), bare), ("pspy-dask", known)):
        kept = {"cwd": tmp_path, "env": environment, "text": True, "stdout": subprocess.PIPE}
        shell = " ".join([call, "demo", f"'{folder}'", "--overwrite", *options])
        shown = subprocess.run(shell, shell=True, check=True, **kept).stdout
        *_, segment, last = (line.strip() for line in shown.splitlines() if line)
        assert (last, segment.split()[:2]) == (f"{call} segment --help", [call, "segment"])
        assert "Usage: " in subprocess.run(last, shell=True, check=True, **kept).stdout
    subprocess.run(f"{segment} --workers 1", shell=True, check=True, **kept)
    assert (tmp_path / folder / "local/report.html").exists()


def test_brackets_in_names(tmp_path, one_cluster):
    """Square brackets are colours to the library that prints, and names to everyone else."""
    folder = tmp_path / "o [red]x"
    folder.mkdir()
    image = folder / "[bold]a.ome.zarr"
    write_image(mosaic((160, 140)), image).run()
    done = run("segment", image, folder / "[blue]out")
    assert f"{folder}/[blue]out/report.html\n" in done.stdout
    assert f"{image}/labels/particles\n" in done.stdout
    assert re.search(r"^name +\[bold\]a$", run("info", image).stdout, re.M)
    done = run("demo", folder / "[i]demo", "--side", 128)
    assert f"{folder}/[i]demo/mosaic.ome.zarr\n" in done.stdout
    assert f"open {folder}/[i]demo/results/report.html in" in done.stdout


def test_info(image):
    done = run("info", image)
    assert done.exit_code == DONE
    assert "y 160, x 140" in done.stdout and "uint16" in done.stdout


def test_version():
    assert run("--version").stdout.split()[-1] == ps.__version__ and "__version__" in dir(ps)


def test_help_says_what_chunks_are_by_default():
    text = " ".join(run("segment", "--help").stdout.split())
    assert "[default: whole stored chunks, up to 4 million pixels]" in text


def test_help_names_every_command_and_exit_code():
    assert all(name in run("--help").stdout for name in ("segment", "demo", "info"))
    for command in ("segment", "demo"):
        text = " ".join(run(command, "--help").stdout.split())
        assert "0 done, 1 failed while working, 2 refused before any work, 130 inter" in text


def test_help_shows_examples_on_lines_of_their_own():
    lines = [line.strip() for line in run("segment", "--help").stdout.splitlines()]
    assert "pspy-dask segment mosaic.ome.zarr results --gaussian 2 --min-size 20" in lines
    assert sum(line.startswith("pspy-dask segment") for line in lines) == 3
    assert not any(sign in line for line in lines for sign in ("\\b", "\b"))


@pytest.mark.parametrize("command", ["segment", "demo"])
def test_a_cluster_that_cannot_be(command, image, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", "1s")
    arguments = [command, *([image] if command == "segment" else []), tmp_path / "out"]
    for options, says in (
        (["--scheduler", "tcp://127.0.0.1:1"], "no scheduler answers at tcp://127.0.0.1:1"),
        (["--scheduler", "tcp://127.0.0.1:1", "--workers", 1], "leave them out"),
        (["--workers", 0], "workers is 0: give 1 or more"),
        (["--memory", "lots"], "memory is 'lots': give a size"),
        (["--memory", "1KiB"], "at least 256 MiB"),
    ):
        told(run(*arguments, *options), REFUSED, says)
    assert list(tmp_path.iterdir()) == [image]


def test_a_scheduler_without_workers(image, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE_WITH_WORKERS", 1.0)
    with LocalCluster(n_workers=0, processes=False, dashboard_address=None) as empty:
        done = run("segment", image, tmp_path / "out", "--scheduler", empty.scheduler_address)
    told(done, REFUSED, "has no workers after 1 s: start some with dask worker inproc")
    assert list(tmp_path.iterdir()) == [image]


def test_relative_paths(tmp_path, one_cluster, monkeypatch):
    """Workers of a running cluster may be in any folder; results say where they are."""
    monkeypatch.chdir(tmp_path)
    image_file(tmp_path)
    write_image(mosaic((160, 140)), tmp_path / "m.ome.zarr").run()
    for source in ("m.ome.zarr", "an image.tif"):
        done = run("segment", source, f"out of {source}")
        assert done.exit_code == DONE, done.output
        paths = re.findall(r"^  \w+ *(?:\(\w+\))? +(.+)$", done.stdout, re.M)
        assert len(paths) == 4 and all(Path(p).is_absolute() and Path(p).exists() for p in paths)


def test_workers_in_another_folder(tmp_path, monkeypatch):
    write_image(mosaic((160, 140)), tmp_path / "m.ome.zarr").run()
    with open_cluster(workers=1, memory="1GiB") as client:
        monkeypatch.chdir(tmp_path)
        done = run("segment", "m.ome.zarr", "out", "--scheduler", client.scheduler.address)
    assert done.exit_code == DONE, done.output
    found = zarr.open_group("m.ome.zarr", mode="r")["labels/particles/0"][:]
    assert found.max() == len(pd.read_csv("out/particles.csv")) > 3
