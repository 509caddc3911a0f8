"""Specimens: attached family by family, loaded when they are asked for, and said in one call for an op of one's own."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import specimens
from minigrad.ops.specimens import FAMILIES, specimens_of
from minigrad.ops.specimens.calls import Specimens
from minigrad.ops.specimens.draws import normal

TRIED_ELSEWHERE = {"random_uniform", "random_normal", "dropout"}  # no law holds for them; tests/ops has theirs
SHARED = {"__init__", "calls", "draws", "rows"}


@pytest.fixture
def taken_off_the_record():
    """A list of names to be forgotten after the test."""
    names = []
    yield names
    for name in names:
        del mg.registry[name]


def test_importing_minigrad_loads_none():
    code = "import sys, minigrad; print([name for name in sys.modules if 'specimens' in name])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout == "[]\n"


def test_every_family_is_loaded():
    assert {path.stem for path in Path(specimens.__file__).parent.glob("*.py")} == {*FAMILIES, *SHARED}


def test_nothing_on_record_is_without_samples():
    assert {f.name for f in mg.registry.values() if not specimens_of(f).samples} == TRIED_ELSEWHERE


def test_the_reference_is_the_numpy_function_unless_another_is_named():
    assert specimens_of(mg.exp).reference is np.exp
    assert specimens_of(mg.strong_multiply).reference is np.multiply
    assert specimens_of(mg.dropout).reference is None


def test_a_function_of_a_name_that_numpy_has_is_compared_with_that():
    """A row that names another function would be compared with that one."""
    named = {name: getattr(np, name) for name in mg.registry if callable(getattr(np, name, None))}
    assert len(named) > 100
    other = {name for name, known in named.items() if specimens_of(mg.registry[name]).reference is not known}
    assert other == {"astype", "vecdot", "partition"}  # of which NumPy's take other arguments, or promise less order


def test_an_op_of_ones_own_says_everything_in_one_call(taken_off_the_record):
    sample, refused = mg.call(normal(2)), mg.refusal(mg.call(normal(2), side=1), TypeError, "side")
    kink = mg.kink(mg.call(np.zeros(1)), 0.0)

    def size(x):
        return np.abs(x)

    op = mg.op(samples=[sample], refusals=[refused], kinks=[kink], reference=np.fabs, flat="nowhere")(size)
    op.vjp("x")(lambda g, y, x: g * mg.sign(x))
    taken_off_the_record.append("size")
    assert specimens_of(op) == Specimens((sample,), (refused,), (kink,), np.fabs, "nowhere")
    assert op.specimens.samples == (sample,)


def test_so_does_a_composition(taken_off_the_record):
    sample = mg.call(normal(2))
    doubled = mg.composition(name="doubled", samples=[sample], reference=lambda x: x + x)(lambda x: mg.add(x, x))
    taken_off_the_record.append("doubled")
    assert specimens_of(doubled).samples == (sample,)
    assert mg.check_op(doubled)


def test_what_is_attached_later_takes_the_place_of_what_was_said(taken_off_the_record):
    tripled = mg.op(name="tripled", samples=[mg.call(normal(1))], flat="nowhere")(lambda x: 3.0 * x)
    taken_off_the_record.append("tripled")
    tripled.specimens = Specimens((mg.call(normal(3)),))
    assert specimens_of(tripled) == Specimens((mg.call(normal(3)),))
