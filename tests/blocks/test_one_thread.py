"""Libraries keep to one thread while tasks ask for it, and no longer."""

from __future__ import annotations

from threading import Barrier, Thread

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import ThreadpoolController, threadpool_limits

from pspy_dask.blocks.one_thread import one_thread

ROWS = np.random.default_rng(0).normal(size=(20_000, 7))


def threads(api):
    return {lib.num_threads for lib in ThreadpoolController().select(user_api=api).lib_controllers}


def many():
    """Let BLAS have several threads, and nobody the say over them."""
    ThreadpoolController().limit(limits=2)
    for lib in ThreadpoolController().lib_controllers:
        getattr(lib, "clear_controlling_thread", lambda: None)()


def test_threads_come_back_when_the_last_task_leaves():
    many()
    both_in, one_out = Barrier(2), Barrier(2)
    seen = {}

    def first():
        with one_thread():
            both_in.wait()
        one_out.wait()

    def second():
        with one_thread():
            both_in.wait()
            one_out.wait()
            seen["blas"], seen["openmp"] = threads("blas"), threads("openmp")

    tasks = [Thread(target=first), Thread(target=second)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert seen == {"blas": {1}, "openmp": {1}}
    assert threads("blas") == threads("openmp") == {2}


def test_an_error_gives_threads_back():
    many()
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert threads("blas") == threads("openmp") == {2}


def centres(count, held):
    with threadpool_limits(count):
        if not held:
            return KMeans(4, random_state=0).fit(ROWS).cluster_centers_
        with one_thread():
            return KMeans(4, random_state=0).fit(ROWS).cluster_centers_


def test_a_fit_does_not_hang_on_the_number_of_threads():
    np.testing.assert_array_equal(centres(1, True), centres(2, True))


def test_control_left_alone_it_does():
    assert (centres(1, False) != centres(2, False)).any()
