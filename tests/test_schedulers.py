"""The result does not depend on who computes it, in which order, or on who dies meanwhile."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import dask
import numpy as np
import pytest
from dask._task_spec import convert_legacy_graph
from distributed import Client, LocalCluster

import pspy_dask as ps
from pspy_dask.datasets import mosaic

PIXELS = np.asarray(mosaic((500, 460)).values)
RECIPE = {"gaussian": 2.0, "min_size": 10}


def lazily(chunk):
    image = ps.open_image(PIXELS, chunks=chunk)
    labels = ps.segment(image, **RECIPE)
    return labels, ps.region_properties(labels, image)


@pytest.fixture(scope="module")
def expected():
    labels, table = lazily(500)
    found = dask.compute(labels.data, table, scheduler="sync")
    assert found[0].max() > 50
    return found


def assert_same(found, expected):
    assert found[0].dtype == expected[0].dtype
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1].reset_index(drop=True).equals(expected[1].reset_index(drop=True))


@pytest.mark.parametrize("scheduler", ["sync", "threads"])
def test_local_schedulers(scheduler, expected):
    labels, table = lazily(70)
    assert_same(dask.compute(labels.data, table, scheduler=scheduler, num_workers=3), expected)


def random_order(graph, keys, **options):
    """Run a graph one task at a time, each time any of those that could run."""
    chance = random.Random(0)
    waiting, done = convert_legacy_graph(graph.__dask_graph__()), {}
    while waiting:
        ready = [key for key, task in waiting.items() if task.dependencies <= done.keys()]
        key = chance.choice(ready)
        task = waiting.pop(key)
        done[key] = task({name: done[name] for name in task.dependencies})
    return nested(keys, done)


def nested(keys, done):
    return [nested(key, done) for key in keys] if isinstance(keys, list) else done[keys]


def test_any_order_of_tasks(expected):
    labels, table = lazily(130)
    assert_same(dask.compute(labels.data, table, scheduler=random_order), expected)


@pytest.fixture(scope="module")
def cluster():
    options = {"dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with LocalCluster(n_workers=2, threads_per_worker=2, **options) as cluster:
        yield cluster


def test_distributed(cluster, expected):
    with Client(cluster) as client:
        labels, table = lazily(70)
        assert_same(client.gather(client.compute([labels.data, table])), expected)


def die_once(block, marker):
    """Kill the worker that comes here first."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return block
    os.kill(os.getpid(), signal.SIGKILL)
    return block


def test_a_killed_worker_changes_nothing(cluster, expected, tmp_path):
    marker = str(tmp_path / "died")
    with Client(cluster) as client:
        labels, table = lazily(70)
        mortal = labels.data.map_blocks(die_once, marker, meta=labels.data._meta)
        assert_same(client.gather(client.compute([mortal, table])), expected)
    assert Path(marker).exists()
