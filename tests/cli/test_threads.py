"""One BLAS thread while a command trains, and as many as before afterwards."""

import ctypes
import os
import signal
import sys

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from minigrad.cli.threads import one_blas_thread
from minigrad.compiler.threads import VARIABLES


def threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def _two_threads(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    with threadpool_limits(2, user_api="blas"):
        if set(threads()) != {2}:
            pytest.skip(f"this BLAS does not take two threads: {threadpool_info()}")
        yield


def test_one_thread_within_the_block_and_as_many_as_before_after_it():
    with one_blas_thread():
        assert set(threads()) == {1}
    assert set(threads()) == {2}
    with pytest.raises(ZeroDivisionError), one_blas_thread():
        1 / 0
    assert set(threads()) == {2}


@pytest.mark.parametrize("name", VARIABLES)
def test_the_users_choice_stands(name, monkeypatch):
    monkeypatch.setenv(name, "2")
    with one_blas_thread():
        assert set(threads()) == {2}


def test_ctrl_c_while_libraries_are_looked_for_ends_the_command(monkeypatch):
    """As threadpoolctl does in a callback of C's, where Python can only print an exception."""
    interrupt = ctypes.CFUNCTYPE(None)(lambda: os.kill(os.getpid(), signal.SIGINT))

    def look_for_libraries(**options):
        interrupt()
        return threadpool_limits(**options)

    monkeypatch.setattr("threadpoolctl.threadpool_limits", look_for_libraries)
    with pytest.raises(KeyboardInterrupt), one_blas_thread():
        raise AssertionError("the command went on")
    assert set(threads()) == {2}


def test_without_the_library_nothing_happens(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with one_blas_thread():
        monkeypatch.undo()
        assert set(threads()) == {2}
