"""The job end to end: labels, tables, report; complete or absent."""

from __future__ import annotations

import signal
from io import StringIO

import numpy as np
import ome_zarr_models
import pandas as pd
import pytest
import tifffile
import zarr
from ome_zarr.io import parse_url
from ome_zarr.reader import Reader
from rich.console import Console

import pspy_dask as ps
from pspy_dask.blocks.images import as_image
from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image
from pspy_dask.io.tables import read_table
from pspy_dask.parameters import SegmentationParameters
from pspy_dask.run import progress
from pspy_dask.run.cluster import describe, open_cluster
from pspy_dask.run.job import run_job
from pspy_dask.run.plan import Job, check
from pspy_dask.run.progress import LiveProgress, Silence, Stage

RECIPE = SegmentationParameters(gaussian=2.0, min_size=20)


@pytest.fixture(scope="module")
def client():
    with open_cluster(workers=1, memory="2GiB") as client:
        yield client


class Recorder(Silence):
    def __init__(self):
        self.titles, self.updates = [], []

    def begin(self, stage: Stage):
        self.titles.append(stage.title)

    def update(self, fraction, chunks):
        self.updates.append(fraction)


def image_of(tmp_path, version="0.5"):
    path = tmp_path / "image.ome.zarr"
    write_image(mosaic((700, 600)), path, version=version).run()
    return path


def test_an_axis_that_descends_is_refused_before_any_work(tmp_path):
    with pytest.raises(ValueError, match=r"along y do not ascend: sort"):
        check(Job(mosaic((70, 60))[::-1], tmp_path / "out", RECIPE))


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_into_ome_zarr(tmp_path, client, version):
    path = image_of(tmp_path, version)
    watcher = Recorder()
    job = Job(path, tmp_path / "out", RECIPE, chunks=256, tiff=True)
    done = run_job(job, client, watcher, machine=describe(client))
    expected = ps.segment(np.asarray(mosaic((700, 600)).values), RECIPE).values
    stored = zarr.open_group(path, mode="r")["labels/particles/0"]
    np.testing.assert_array_equal(stored[:], expected)
    assert done.objects == expected.max() > 50
    table = read_table(done.outputs["table"])
    assert list(table["label"]) == list(range(1, done.objects + 1))
    assert table.attrs["units"]["area"] == "nm^2"
    assert len(pd.read_csv(done.outputs["table (CSV)"])) == done.objects
    np.testing.assert_array_equal(tifffile.imread(done.outputs["labels (TIFF)"]), expected)
    assert f"{done.objects}" in done.outputs["report"].read_text()
    assert watcher.titles[:2] == ["find threshold", "label particles"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.ome.zarr", "out"]
    ome_zarr_models.open_ome_zarr(zarr.open_group(path / "labels/particles", mode="r"))
    nodes = list(Reader(parse_url(str(path)))())
    assert any("particles" in str(node.zarr) for node in nodes)


class Counts(Silence):
    """The stages, and every number of chunks that each showed as done."""

    def __init__(self):
        self.stages, self.shown = {}, {}

    def begin(self, stage: Stage):
        self.stages[stage.title], self.shown[stage.title] = stage, set()

    def update(self, fraction, chunks):
        self.shown[list(self.shown)[-1]].add(chunks)
        assert 0 <= fraction <= 1


def test_chunks_are_counted_while_a_stage_goes_on(tmp_path, client, monkeypatch):
    monkeypatch.setattr(progress, "_PERIOD", 0.005)
    pixels = mosaic((1100, 1000)).astype(np.float32)  # two passes find their threshold
    write_image(pixels.chunk(128), tmp_path / "m.ome.zarr").run()
    watcher = Counts()
    run_job(Job(tmp_path / "m.ome.zarr", tmp_path / "out", RECIPE, chunks=128), client, watcher)
    uncounted = {title for title, stage in watcher.stages.items() if not stage.tasks}
    assert uncounted == {"write report"}
    for title in watcher.stages.keys() - uncounted:
        end = watcher.stages[title].chunks
        assert any(0 < n < end for n in watcher.shown[title]), title
        assert max(watcher.shown[title]) <= end


def test_no_count_is_shown_where_nothing_is_counted():
    console = Console(file=StringIO(), force_terminal=True, width=120)
    for tasks, says in (("write", "3/8 chunks"), ("", "")):
        with LiveProgress(console) as watcher:
            watcher.begin(Stage("write report", 100, 8, tasks))
            watcher.update(0.4, 3)
        text = console.file.getvalue()
        console.file.truncate(console.file.seek(0))
        assert "write report" in text and says in text
        assert ("chunks" in text) == bool(tasks)


def test_other_sources_are_copied(tmp_path, client):
    pixels = np.asarray(mosaic((300, 280)).values)
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(64, 64))
    done = run_job(Job(tmp_path / "a.tif", tmp_path / "out", RECIPE), client, Silence())
    group = zarr.open_group(tmp_path / "out/image.ome.zarr", mode="r")
    np.testing.assert_array_equal(group["0"][:], pixels)
    np.testing.assert_array_equal(group["labels/particles/0"][:], ps.segment(pixels, RECIPE))
    assert done.outputs["labels"].exists()
    assert "<h1>a</h1>" in done.outputs["report"].read_text()


def test_no_objects(tmp_path, client):
    tifffile.imwrite(tmp_path / "flat.tif", np.full((64, 64), 9, np.uint8))
    done = run_job(Job(tmp_path / "flat.tif", tmp_path / "out"), client, Silence())
    assert done.objects == 0 and len(read_table(done.outputs["table"])) == 0
    assert done.outputs["report"].exists()


def test_series(tmp_path, client):
    for k in range(3):
        tifffile.imwrite(tmp_path / f"f{k}.tif", np.asarray(mosaic((200, 210), seed=k).values))
    done = run_job(Job(str(tmp_path / "f*.tif"), tmp_path / "out", RECIPE), client, Silence())
    assert set(read_table(done.outputs["table"])["frame"]) == {0, 1, 2}


@pytest.mark.filterwarnings("ignore:.*flooded window by window")
def test_labels_say_how_far_a_watershed_is_in_doubt(tmp_path, client):
    pixels = np.zeros((200, 190), np.uint8)
    pixels[20:180, 20:170] = 200
    pixels[5:10, 5:10] = 200
    path = tmp_path / "a.ome.zarr"
    write_image(as_image(pixels), path).run()
    recipe = {"watershed": True, "watershed_separation": 9}
    for budget, giants in ((4096, 1), (2**16, 0)):
        parameters = SegmentationParameters(**recipe, watershed_budget=budget)
        job = Job(path, tmp_path / "out", parameters, chunks=64, overwrite=True)
        done = run_job(job, client, Silence())
        said = zarr.open_group(path, mode="r")["labels/particles"].attrs["pspy_dask"]
        expected = ps.flooding(ps.segment(as_image(pixels), parameters))
        assert said["watershed_budget"] == budget
        assert said["giant_components"] == int(expected.giant_components) == giants
        assert said["seam_disagreement"] == float(expected.seam_disagreement)
        assert (said["seam_disagreement"] > 0) == bool(done.notes) == bool(giants)


def test_existing_results_are_kept_unless_overwritten(tmp_path, client):
    path = image_of(tmp_path)
    run_job(Job(path, tmp_path / "out", RECIPE), client, Silence())
    before = (tmp_path / "out/report.html").stat().st_mtime_ns
    with pytest.raises(FileExistsError, match="--overwrite"):
        run_job(Job(path, tmp_path / "out", RECIPE), client, Silence())
    with pytest.raises(FileExistsError, match="already holds labels 'particles'"):
        run_job(Job(path, tmp_path / "other", RECIPE), client, Silence())
    assert not (tmp_path / "other").exists()
    assert (tmp_path / "out/report.html").stat().st_mtime_ns == before
    run_job(Job(path, tmp_path / "out", RECIPE, overwrite=True), client, Silence())
    assert (tmp_path / "out/report.html").stat().st_mtime_ns > before
    run_job(Job(path, tmp_path / "other", RECIPE, name="second"), client, Silence())
    assert zarr.open_group(path, mode="r")["labels"].attrs["ome"]["labels"] == [
        "particles",
        "second",
    ]


def test_a_cluster_in_words(client):
    assert describe(client) == "1 worker, 1 thread, 2.0 GiB each"


def test_workers_leave_interrupts_to_the_command(client):
    assert set(client.run(signal.getsignal, signal.SIGINT).values()) == {signal.SIG_IGN}
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN


def test_a_failed_job_leaves_nothing(tmp_path, client):
    path = image_of(tmp_path)
    recipe = SegmentationParameters(clear_border=False)  # more than 127 objects
    job = Job(path, tmp_path / "out", recipe, dtype="int8", chunks=200)
    with pytest.raises(OverflowError, match="do not fit labels of type int8"):
        run_job(job, client, Silence())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["image.ome.zarr"]
    assert not any("partial" in p.name for p in path.rglob("*"))
