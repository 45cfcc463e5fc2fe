from __future__ import annotations

import asyncio
import gc
import threading

import pytest

from pspy_dask.io.in_this_thread import in_this_thread


async def passed_on(work):
    return await asyncio.to_thread(work)


def test_what_is_passed_on_is_done_here():
    assert in_this_thread(passed_on(threading.get_ident)) == threading.get_ident()


async def fails():
    raise ValueError("broken")


async def many():
    """As zarr-python begins to read chunks: all of them, before the first is known to fail."""
    await asyncio.gather(*map(asyncio.ensure_future, (fails(), asyncio.sleep(60))))


def test_what_a_failure_leaves_undone_ends_at_once_and_in_silence(caplog):
    with pytest.raises(ValueError, match="broken"):
        in_this_thread(many())
    gc.collect()
    assert not caplog.records
