"""A command that fails while working says so in one sentence and leaves what was there before."""

from __future__ import annotations

import errno
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import zarr
from distributed import KilledWorker

from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.run import job, labelling
from tests.commands import (
    DONE,
    FAILED,
    INTERRUPTED,
    REFUSED,
    contents,
    dots_file,
    image_file,
    run,
    share,
    told,
)

STAGES = ["write_image", "write_labels", "write_parquet", "convert_to_csv", "write_report"]


@pytest.fixture
def image(tmp_path):
    return image_file(tmp_path)


def breaking(monkeypatch, stage, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(labelling if stage == "write_labels" else job, stage, fail)


@pytest.fixture(scope="module")
def earlier(client, tmp_path_factory):
    """An image and its results, made once; tests take copies."""
    folder = tmp_path_factory.mktemp("earlier")
    with pytest.MonkeyPatch.context() as patch:
        share(client, patch)
        assert run("segment", image_file(folder), folder / "out").exit_code == DONE
    return folder


@pytest.fixture
def results(earlier, tmp_path):
    return Path(shutil.copytree(earlier, tmp_path / "work"))


@pytest.mark.parametrize("stage", STAGES)
def test_a_full_disk_leaves_the_old_results(stage, results, one_cluster, monkeypatch):
    before = contents(results)
    breaking(monkeypatch, stage, OSError(errno.ENOSPC, "No space left on device"))
    done = run("segment", results / "an image.tif", results / "out", "--overwrite", "-q")
    told(done, FAILED, "No space left on device while writing .*out: free some space")
    assert contents(results) == before


def test_a_full_disk_of_a_worker(results, one_cluster, monkeypatch):
    before, room = contents(results), [3]

    async def fill(self, *arguments, **options):
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return await stored(self, *arguments, **options)

    stored = zarr.storage.LocalStore.set
    monkeypatch.setattr(zarr.storage.LocalStore, "set", fill)
    done = run("segment", results / "an image.tif", results / "out", "--overwrite", "-q")
    told(done, FAILED, "No space left on device while writing .*image.ome.zarr.*: free some space")
    assert done.stderr.count("while writing") == 1
    assert contents(results) == before


@pytest.mark.parametrize("stage", STAGES)
def test_interrupted(stage, results, one_cluster, monkeypatch):
    before = contents(results)
    breaking(monkeypatch, stage, KeyboardInterrupt())
    done = run("segment", results / "an image.tif", results / "out", "--overwrite", "-q")
    told(done, INTERRUPTED, "interrupted: nothing unfinished was left")
    assert contents(results) == before


def test_a_failed_run_leaves_the_old_labels_of_an_image(tmp_path, one_cluster, monkeypatch):
    write_image(mosaic((160, 140)), tmp_path / "m.ome.zarr").run()
    assert run("segment", tmp_path / "m.ome.zarr", tmp_path / "out").exit_code == DONE
    before = contents(tmp_path)
    breaking(monkeypatch, "write_report", ValueError("odd table: try again"))
    done = run("segment", tmp_path / "m.ome.zarr", tmp_path / "out", "--overwrite", "--min-size", 9)
    told(done, FAILED, "odd table")
    assert contents(tmp_path) == before


def test_results_that_cannot_be_renamed(results, one_cluster, monkeypatch):
    before, rename = contents(results), Path.rename

    def fail(self, target):
        if self.name == ".out-partial":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    done = run("segment", results / "an image.tif", results / "out", "--overwrite")
    told(done, FAILED, "permission denied: check the path")
    assert contents(results) == before


def test_a_file_that_ends_too_soon(image, tmp_path, one_cluster):
    image.write_bytes(image.read_bytes()[:20_000])
    told(run("segment", image, tmp_path / "out"), FAILED, "an image.tif cannot be read .*: it is")
    assert list(tmp_path.iterdir()) == [image]


def test_an_error_of_ours_says_where_to_look(image, tmp_path, one_cluster, monkeypatch):
    breaking(monkeypatch, "write_report", ZeroDivisionError("oh"))
    done = run("segment", image, tmp_path / "out")
    told(done, FAILED, r"ZeroDivisionError: oh \(--verbose shows where\)")
    assert list(tmp_path.iterdir()) == [image]


def test_killed_workers(image, tmp_path, one_cluster, monkeypatch):
    last = SimpleNamespace(address="tcp://127.0.0.1:1")
    breaking(monkeypatch, "write_report", KilledWorker("label", last, 3))
    told(run("segment", image, tmp_path / "out"), FAILED, "want of memory: .*--memory.*--chunks")
    assert list(tmp_path.iterdir()) == [image]


def test_verbose_shows_where_with_the_same_exit_code(image, tmp_path, one_cluster, monkeypatch):
    breaking(monkeypatch, "write_report", ZeroDivisionError("oh"))
    done = run("segment", image, tmp_path / "out", "--verbose")
    assert done.exit_code == FAILED and "Traceback" in done.stderr and "in fail" in done.stderr
    done = run("segment", tmp_path / "none", tmp_path / "out", "--verbose")
    assert done.exit_code == REFUSED and "Traceback" in done.stderr


def test_too_many_objects_for_the_labels(tmp_path):
    """With real workers: the error of a task is told once, by the command alone."""
    dots = dots_file(tmp_path)
    command = [str(Path(sys.executable).with_name("pspy-dask")), "segment", str(dots)]
    options = ["--label-type", "uint8", "--keep-border", "--workers", "1", "--memory", "1GiB"]
    done = subprocess.run(
        [*command, str(tmp_path / "out"), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == FAILED
    assert re.fullmatch("Error: 1400 objects do not fit labels of type uint8.*: .*\n", done.stderr)
    assert list(tmp_path.iterdir()) == [dots]
