"""A process that forks while another of its threads runs a compiled function has a child that runs it too."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

SCRIPT = """
import os, sys, threading, time
import numpy as np
import minigrad as mg

inside, go_on = threading.Event(), threading.Event()

step = mg.compile(lambda x: mg.sum(x * 2.0))
x = np.ones(4)
if sys.argv[1] == "capture":
    @mg.compile
    def step(x):
        if threading.current_thread() is other:
            inside.set()
            go_on.wait()
        return mg.sum(x * 2.0)
else:
    assert float(step(x)) == 8.0
    program, run = step.program, step.program._step
    def slow(*arrays):
        if threading.current_thread() is other:
            inside.set()
            go_on.wait()
        return run(*arrays)
    program._step = slow

other = threading.Thread(target=step, args=(x,), daemon=True)
other.start()
inside.wait()
child = os.fork()
if child == 0:
    os._exit(0 if float(step(x)) == 8.0 and float(step(np.ones(2))) == 4.0 else 3)
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        go_on.set()
        other.join()
        assert float(step(x)) == 8.0
        sys.exit(os.waitstatus_to_exitcode(status))
    time.sleep(0.01)
os.kill(child, 9)
sys.exit(4)
"""


@needs_fork
@pytest.mark.parametrize("held", ["program", "capture"])
def test_A12_a_child_of_a_process_with_a_running_step_runs_it(held):
    done = subprocess.run([sys.executable, "-c", SCRIPT, held], capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)


def locked_objects():
    """Everything of minigrad that has a lock of its own, wherever it is held."""
    lock = type(threading.RLock())
    found = [x for x in gc.get_objects() if str(type(x).__module__).startswith("minigrad.compiler.")]
    return [x for x in found if isinstance(getattr(x, "_lock", None), lock)]


@needs_fork
def test_law6_every_lock_is_free_in_a_child():
    layer = nn.Linear(2, 2, rng=np.random.default_rng(0), dtype=np.float64)
    functions = [mg.compile(layer), mg.compile(lambda x: x * 2.0)]
    for function in functions:
        function(np.ones((1, 2)))
    owners, held, done = locked_objects(), threading.Event(), threading.Event()
    assert len(owners) >= 4
    assert {id(x) for x in (*functions, *(f.program for f in functions))} <= {id(x) for x in owners}

    def hold():
        for owner in owners:
            owner._lock.acquire()
        held.set()
        done.wait()
        for owner in owners:
            owner._lock.release()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    child = os.fork()
    if child == 0:
        os._exit(sum(not owner._lock.acquire(blocking=False) for owner in owners))
    status = os.waitpid(child, 0)[1]
    done.set()
    thread.join()
    assert os.waitstatus_to_exitcode(status) == 0
