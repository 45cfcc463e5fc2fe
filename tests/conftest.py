"""Settings of all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The first example compiles kernels; a slow machine is no failure.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="module")
def client():
    """One cluster for the commands of a module."""
    from tests.commands import thread_client

    with thread_client() as client:
        yield client


@pytest.fixture
def one_cluster(client, monkeypatch):
    """Let all commands of a test use it."""
    from tests.commands import share

    share(client, monkeypatch)
