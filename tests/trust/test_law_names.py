"""Any name works, in every role: compiled, saved, and run in a fresh process that has NumPy alone.

Nothing of a name is ever run: those that are code would leave a file behind.
"""

import importlib
from contextlib import contextmanager, nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.structure import leaves
from tests.trust.hostile import NAMES, PROGRAM, PYTHON
from tests.trust.saved import CANARY, check_saved

pytestmark = pytest.mark.deep

ROLES = ("argument", "parameter", "state", "constant", "result", "output", "scope", "op", "key")
rng = np.random.default_rng(0)
scaled = importlib.import_module("own_functions").scaled  # as the scripts do, which have no more than NumPy besides
X, W = rng.standard_normal((2, 3)), rng.standard_normal((3, 3))


def new_step(names):
    """A function with a little of everything that a program may hold, and its arguments; `names` by role."""
    given = mg.Tensor(X, requires_grad=True, name=names["argument"])
    weight = mg.Tensor(W, requires_grad=True, name=names["parameter"])
    first, second = (mg.Tensor(np.full((2, 3), i), name=names["state"]) for i in (0.0, 1.0))
    power = mg.Tensor(2.0, name=names["state"])
    fixed = mg.constant(X[:1], name=names["constant"])
    own = mg.op(formula="", name=names["op"])(scaled)
    own.vjp("x")(lambda g, y, x, *, factor: g * factor)
    draws = np.random.default_rng(1)
    try:
        scope = mg.scope(names["scope"])
    except (TypeError, ValueError):  # refused at the door
        scope = nullcontext()

    def step(given, other):
        with scope:
            x = given[names["key"]]
            hidden = mg.tanh(mg.matmul(x, weight) * 0.5 + fixed)
            hidden.name = names["result"]
            hidden = own(mg.concatenate([hidden, -hidden, x])) ** 3 / 2.0
            loss = mg.cross_entropy(hidden, other) + mg.sum(mg.softmax(hidden) * (-1.5) ** mg.read(power))
            slope = mg.grad(loss, weight)
            mg.assign(first, mg.read(second) + slope[:2])
            mg.assign(second, mg.read(first) * 0.5)
            noise = mg.dropout(hidden, 0.5, draws)
            whole = mg.astype(hidden * 3.0, dtype="int64")
            joined = mg.concatenate([hidden, whole])
        return {names["output"]: loss, "slope": slope, "rest": [noise, joined, whole, whole * 2]}

    return step, ({names["key"]: given}, np.array([0, 1, 2, 0, 1, 2]))


@contextmanager
def declared_for_a_while():
    """What is declared inside is not on record afterwards."""
    before = dict(mg.registry)
    try:
        yield
    finally:
        mg.registry.clear()
        mg.registry.update(before)


def eager_and_compiled(new, *args):
    """The compiled function, and what it gives, which is what the function gives."""
    with declared_for_a_while():
        step, arguments = new(*args)
        expected = [x.numpy() for x in leaves(step(*arguments))]
    with declared_for_a_while():
        step, arguments = new(*args)
        compiled = mg.compile(step)
        ours = [x.numpy() for x in leaves(compiled(*arguments))]
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15, err_msg=repr(args))
        assert one.dtype == other.dtype
    assert all(line.isprintable() for line in f"{compiled.source}{compiled.program!r}{compiled!r}".split("\n"))
    return compiled, ours


def op_name(name):
    return "own" if name in mg.registry else name


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("others", [0, 1], ids=["one name in every role", "another name in each role"])
def test_any_name_works_in_a_program_and_in_its_script(others, tmp_path):
    cases = []
    for i in range(len(NAMES)):
        names = {role: NAMES[(i + others * j) % len(NAMES)] for j, role in enumerate(ROLES)}
        names["op"] = op_name(names["op"])
        cases.append(eager_and_compiled(new_step, names))
    assert not (tmp_path / CANARY).exists()
    assert check_saved(cases, tmp_path) == []


def new_step_on_large_arrays(names, shape):
    """A loop over pieces, by elements or by rows, with a view, a joined result, state and random numbers in it."""
    total = mg.Tensor(np.zeros(shape), name=names[0])
    draws = np.random.default_rng(1)
    own = mg.op(formula="", name=op_name(names[1]), elementwise=True)(scaled)

    def step(*given):
        y = given[0] * 2.0
        for x in given:
            y = mg.tanh(y + x) * 0.5
        y.name = names[1]
        y = own(mg.relu(y)) - 1.0
        mg.assign(total, mg.read(total) * 0.9 + y)
        return y, mg.dropout(y, 0.5, draws), mg.concatenate([y, y * 3.0])

    return step, [mg.Tensor(np.full(shape, 0.1 * i), name=name) for i, name in enumerate(names)]


@pytest.mark.parametrize("shape", [(2**17 + 5,), (2**10, 2**8)], ids=["elements", "rows"])
def test_any_name_works_where_large_arrays_are_done_in_pieces(shape, tmp_path):
    names = [*PROGRAM, *PYTHON]
    cases = [eager_and_compiled(new_step_on_large_arrays, names[i : i + 20], shape) for i in range(0, len(names), 20)]
    loops = ("range(", "min(") if len(shape) == 1 else ("range(",)
    assert all(f"{loop}" in compiled.source for loop in loops for compiled, _ in cases)
    assert check_saved(cases, tmp_path) == []
