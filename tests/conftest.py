"""What every test and doctest gets: the names that docstrings use, and a watch over global state."""

import itertools
import os
import signal
from importlib import import_module
from importlib.util import find_spec

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small, and other processes need the cores

import numpy as np
import pytest
from hypothesis import settings

import minigrad as mg
from minigrad.core.modes import current_mode

LIBRARIES = {
    "examples.fields.date_pairs.dates": "babel", "examples.fields.tunebook.tunes": "music21",
    "minigrad.export.onnx.to_onnx": "onnxruntime", "minigrad.foreign.jax.from_jax": "jax",
    "minigrad.foreign.torch.from_torch": "torch",
    "minigrad.graph.graph.Graph.to_jax": "jax",
}  # fmt: skip
"""What the doctests of these functions need; without it they are skipped."""


def pytest_configure(config):
    """Register the fixtures for all of the run: the doctests lie outside this folder."""
    config.pluginmanager.register(Everywhere(), "minigrad-everywhere")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell starts what runs in its background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.register_profile("any machine", deadline=None)  # how fast one is, and what else it does, is not tested
    settings.load_profile("any machine")
    if fault := os.environ.get("MINIGRAD_FAULT"):  # `tests/faults.py` puts it back
        import_module("tests.faults").plant(fault)


class Everywhere:
    @pytest.fixture(autouse=True)
    def _names_of_doctests(self, doctest_namespace):
        doctest_namespace |= {"mg": mg, "np": np, "Tensor": mg.Tensor}

    @pytest.fixture(autouse=True)
    def _libraries_of_doctests(self, request):
        library = LIBRARIES.get(request.node.name)
        if library is not None and find_spec(library) is None:
            pytest.skip(f"{library} is not installed: python -m pip install {library}")

    @pytest.fixture(autouse=True)
    def _no_state_leaks(self):
        """A test that leaves the mode, the registry or NumPy's error state changed fails."""
        before = global_state()
        yield
        assert global_state() == before, "the test changed global state and did not change it back"


@pytest.fixture
def interrupt_at(monkeypatch):
    """A function that arranges Ctrl-C, so many `times`, while the step of that number is under way, in commands."""
    from minigrad.cli import run
    from minigrad.training import fit

    def arrange(number, times=1):
        def interrupted_fit(step, batches, steps, start=0, **options):
            done = itertools.count(start + 1)

            def step_and_stop(*batch):
                loss = step(*batch)
                for _ in range(times if next(done) == number else 0):
                    os.kill(os.getpid(), signal.SIGINT)
                return loss

            return fit(step_and_stop, batches, steps, start=start, **options)

        monkeypatch.setattr(run, "fit", interrupted_fit)

    return arrange


def global_state():
    rules = {name: dict(getattr(function, "rules", {})) for name, function in mg.registry.items()}
    return current_mode(), dict(mg.registry), rules, np.geterr(), np.geterrcall()
