"""Signals that end a real command, with real workers: nothing unfinished is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile
from distributed import Client

from pspy_dask.datasets import mosaic
from pspy_dask.io.ome_zarr import write_image, write_labels
from pspy_dask.run.cluster import open_cluster
from pspy_dask.run.interrupts import interrupted_once
from tests.commands import INTERRUPTED, contents

COMMAND = str(Path(sys.executable).with_name("pspy-dask"))
SENTENCE = "Error: interrupted: nothing unfinished was left behind\n"
HERE = ("--workers", "2", "--memory", "1GiB")

# What is there once a stage writes.
STAGES = {
    "copy the image": ("a.tif", ".out-partial/.image.ome.zarr-partial/0/c"),
    "label particles": ("m.ome.zarr", "m.ome.zarr/labels/.particles-partial/0/c"),
    "measure particles": ("m.ome.zarr", ".out-partial/.particles.parquet-parts-partial"),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """An image in many chunks, so that workers are at some of them when a signal comes."""
    folder = tmp_path_factory.mktemp("images")
    pixels = mosaic((1000, 1000))
    write_image(pixels.chunk(64), folder / "m.ome.zarr").run()
    write_labels(pixels // 2, folder / "m.ome.zarr", name="others").run()
    tifffile.imwrite(folder / "a.tif", np.asarray(pixels.values), tile=(64, 64))
    return folder


@pytest.fixture
def images(originals, tmp_path):
    return Path(shutil.copytree(originals, tmp_path / "images"))


def start(images, source, *options, interpreter=()):
    arguments = [*interpreter, COMMAND, "segment", str(source), "out", "--chunks", "64", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        arguments, cwd=images, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def wait_until(is_so, seconds=120):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.002)


def signal_while(images, stage, command, number, *, group=True):
    grows = images / STAGES[stage][1]
    wait_until(lambda: grows.exists() or command.poll() is not None)
    assert command.poll() is None, command.stderr.read()
    (os.killpg if group else os.kill)(command.pid, number)
    return command.communicate(timeout=60)[1]


@pytest.mark.parametrize("stage", STAGES)
def test_ctrl_c_leaves_nothing(stage, images):
    before = contents(images)
    command = start(images, STAGES[stage][0], *HERE)
    assert signal_while(images, stage, command, signal.SIGINT) == SENTENCE
    assert command.returncode == INTERRUPTED
    assert contents(images) == before


@pytest.mark.parametrize("group", [True, False])
def test_sigterm_ends_like_ctrl_c(group, images):
    """A batch system sends it to every process of a job or to the first one alone."""
    before = contents(images)
    command = start(images, "m.ome.zarr", *HERE)
    told = signal_while(images, "label particles", command, signal.SIGTERM, group=group)
    assert (told, command.returncode) == (SENTENCE, INTERRUPTED)
    assert contents(images) == before


class Swallower:
    """Prints what is raised while it is cleared away, as the interpreter does."""

    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def test_a_signal_is_not_lost_in_a_finalizer():
    since = time.monotonic()
    with pytest.raises(KeyboardInterrupt), interrupted_once():
        del [Swallower()][0]
        time.sleep(60)
    assert time.monotonic() - since < 30


def test_ctrl_c_while_modules_are_imported(images):
    """Python names each module once it is imported."""
    command = start(images, "m.ome.zarr", interpreter=[sys.executable, "-X", "importtime"])
    before = []
    while not before or before[-1].split()[-1] != "numpy":
        before.append(command.stderr.readline())
        assert before[-1], before
    os.killpg(command.pid, signal.SIGINT)
    after = command.communicate(timeout=60)[1].splitlines(keepends=True)
    assert [line for line in after if not line.startswith("import time:")] == [SENTENCE]
    assert command.returncode == INTERRUPTED


def test_ctrl_c_while_the_cluster_starts(images):
    before = contents(images)
    command = start(images, "m.ome.zarr", *HERE)
    process = psutil.Process(command.pid)
    wait_until(lambda: any("spawn_main" in " ".join(c.cmdline()) for c in process.children()))
    os.killpg(command.pid, signal.SIGINT)
    told = command.communicate(timeout=60)[1]
    assert (told, command.returncode) == (SENTENCE, INTERRUPTED)
    assert contents(images) == before


def at_work(dask_worker):
    return len(dask_worker.active_keys)


def test_workers_of_a_cluster_that_lives_on(images):
    before = contents(images)
    with open_cluster(workers=2, memory="1GiB") as client:
        address = client.scheduler.address
        command = start(images, images / "m.ome.zarr", "--scheduler", address)
        told = signal_while(images, "label particles", command, signal.SIGINT)
        assert (told, command.returncode) == (SENTENCE, INTERRUPTED)
        with Client(address) as other:
            wait_until(lambda: not any(other.run(at_work).values()))
        assert contents(images) == before
