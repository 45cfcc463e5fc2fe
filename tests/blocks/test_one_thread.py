"""Libraries keep to one thread while tasks ask for it, and no longer."""

from __future__ import annotations

import os
from threading import Barrier, Thread

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import ThreadpoolController, threadpool_limits

from pspy_dask.blocks import one_thread as module
from pspy_dask.blocks.one_thread import one_thread

ROWS = np.random.default_rng(0).normal(size=(20_000, 7))


def threads(api):
    return {lib.num_threads for lib in ThreadpoolController().select(user_api=api).lib_controllers}


def many():
    """Let BLAS have several threads, and nobody the say over them."""
    ThreadpoolController().limit(limits=2)
    for lib in ThreadpoolController().lib_controllers:
        getattr(lib, "clear_controlling_thread", lambda: None)()


def all_are(count):
    return threads("blas") == threads("openmp") == {count}


def test_threads_come_back_when_the_last_task_leaves():
    many()
    both_in, one_out = Barrier(2), Barrier(2)
    seen = []

    def first():
        with one_thread():
            both_in.wait()
        one_out.wait()

    def second():
        with one_thread():
            both_in.wait()
            one_out.wait()
            seen.append(all_are(1))

    tasks = [Thread(target=first), Thread(target=second)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert seen == [True] and all_are(2)


def test_a_block_in_a_block_changes_nothing():
    many()
    with one_thread():
        with one_thread():
            assert all_are(1)
        assert all_are(1)
    assert all_are(2)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_gives_threads_back(error):
    many()
    with pytest.raises(error), one_thread():
        raise error
    assert all_are(2)


@pytest.mark.parametrize("after", [0, 1])
def test_an_interrupt_on_the_way_in_gives_threads_back(after, monkeypatch):
    many()
    calls, real = [], module._set_threads

    def interrupted(library, count):
        calls.append(count)
        if len(calls) == 1 + after:
            raise KeyboardInterrupt
        real(library, count)

    monkeypatch.setattr(module, "_set_threads", interrupted)
    with pytest.raises(KeyboardInterrupt), one_thread():
        pass
    assert all_are(2)


def test_a_library_loaded_later_is_held_too(monkeypatch):
    many()
    with one_thread():
        pass
    late = Late()
    real = ThreadpoolController

    def found():
        controller = real()
        controller.lib_controllers.append(late)
        return controller

    monkeypatch.setattr(module, "ThreadpoolController", found)
    with one_thread():
        assert late.num_threads == 1
    assert late.num_threads == 5


class Late:
    """A BLAS of five threads."""

    user_api, filepath, num_threads = "blas", "late.so", 5

    def set_num_threads(self, count):
        self.num_threads = count


def test_the_limit_of_another_thread_is_no_hindrance():
    many()
    seen = []

    def task():
        with one_thread():
            seen.append(all_are(1))

    with threadpool_limits(2):
        other = Thread(target=task)
        other.start()
        other.join()
        assert seen == [True] and threads("blas") == {2}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_holds_nothing():
    with one_thread():
        child = os.fork()
        if child == 0:
            os._exit(len(module._BLAS.holders) + module._BLAS.lock.locked())
    assert os.waitpid(child, 0)[1] == 0


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
