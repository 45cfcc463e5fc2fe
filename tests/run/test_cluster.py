"""Clusters of this machine's processes: the memory that their workers keep."""

from __future__ import annotations

import os

import pytest

from pspy_dask.run.cluster import open_cluster

NAME = "MALLOC_TRIM_THRESHOLD_"


def kept() -> str | None:
    return os.environ.get(NAME)  # os.environ.get itself would be sent with what is set here


def kept_by_workers(memory: str) -> set[str | None]:
    with open_cluster(workers=1, memory=memory) as client:
        return set(client.run(kept).values())


@pytest.fixture
def unset(monkeypatch):
    monkeypatch.setenv(NAME, "1")  # so that it is put back as it was
    monkeypatch.delenv(NAME)


def test_workers_keep_memory_only_where_there_is_room(unset):
    assert kept_by_workers("1GiB") == {str(2**27)}
    assert kept_by_workers("2GiB") == {str(2**28)}  # not as the cluster before
    small = kept_by_workers("512MiB")  # one that keeps what is not in use would pause for good
    assert small == {str(2**16)}  # dask's own
    assert NAME not in os.environ


def test_a_cluster_inside_another(unset):
    with open_cluster(workers=1, memory="1GiB"):
        assert kept_by_workers("2GiB") == {str(2**28)}


def test_settings_of_the_user_are_kept(monkeypatch):
    monkeypatch.setenv(NAME, "123456")
    assert kept_by_workers("1GiB") == {"123456"}
    assert os.environ[NAME] == "123456"


def test_a_restarted_worker_leaves_nothing(unset):
    with open_cluster(workers=1, memory="1GiB") as client:
        client.restart()
        assert set(client.run(kept).values()) == {str(2**27)}
    assert NAME not in os.environ
