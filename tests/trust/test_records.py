"""What is on record: functions are pickled by name, and declared again or not at all."""

import copy
import functools
import pickle
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.record import by_numpy
from minigrad.nn import Module
from tests.trust import decorated

X = np.array([1.0, 2.0])


def sent(thing):
    return pickle.loads(pickle.dumps(thing))


class Activated(Module):
    def __init__(self):
        self.act = mg.relu
        self.other = functools.partial(mg.softmax, axis=-1)
        self.several = [mg.exp, {"tanh": mg.tanh}]

    def forward(self, x):
        return self.other(self.act(x)) + self.several[0](self.several[1]["tanh"](x))


@pytest.mark.parametrize("name", sorted(mg.registry))
def test_E3_every_function_on_record_is_pickled_and_copied_as_itself(name):
    function = mg.registry[name]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(function, protocol)) is function
    assert copy.copy(function) is function
    assert copy.deepcopy([function])[0] is function
    assert len(pickle.dumps(function)) < 200


def test_E3_modules_with_functions_are_pickled_and_copied():
    model = Activated()
    expected = model(mg.Tensor(X)).tolist()
    for other in (sent(model), copy.deepcopy(model), model.astype(np.float32)):
        assert other.act is mg.relu
        assert other(mg.Tensor(X)).tolist() == expected


@pytest.mark.parametrize("name", decorated.NAMES)
def test_E3_decorated_functions_of_a_module_are_pickled(name):
    function = getattr(decorated, name)
    expected = function(X).tolist()
    assert sent(function)(X).tolist() == expected
    assert copy.deepcopy(function)(X).tolist() == expected


def test_E3_in_a_process_that_has_imported_nothing():
    things = [*mg.registry.values(), *(getattr(decorated, name) for name in decorated.NAMES), Activated()]
    code = (
        "import pickle, sys, numpy as np\n"
        "*functions, model = [pickle.loads(bytes.fromhex(line)) for line in sys.stdin]\n"
        "print(len(functions), functions[-1](np.array([1.0, 2.0])).shape, model(np.array([1.0, 2.0])).shape)"
    )
    text = "\n".join(pickle.dumps(thing).hex() for thing in things)
    run = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [str(len(things) - 1), "(2,)", "(2,)"]


@pytest.fixture
def cell():
    """Runs the text of a notebook's cell; what it declares is forgotten after the test."""
    before, numpy = dict(mg.registry), dict(by_numpy)
    space = {"mg": mg, "np": np, "__name__": "__main__"}
    yield lambda text: exec(text, space) or space
    for table, was in ((mg.registry, before), (by_numpy, numpy)):
        table.clear()
        table.update(was)


CUBE = """
@mg.op(formula="y = x³", numpy=[{numpy}])
def cube(x):
    return x * x * x * {factor}
@cube.vjp("x")
def _(g, y, x):
    return g * 3.0 * x * x * {factor}
"""


def test_E6_of_a_cell_that_is_run_twice_the_later_counts(cell):
    first = cell(CUBE.format(numpy="np.cbrt, np.sinc", factor=1.0))["cube"]
    y = first(mg.Tensor(2.0, requires_grad=True))
    second = cell(CUBE.format(numpy="np.cbrt", factor=2.0))["cube"]
    assert second is not first
    assert mg.registry["cube"] is second
    assert float(mg.Tensor(2.0).cube()) == float(np.cbrt(mg.Tensor(2.0))) == 16.0
    assert np.sinc not in by_numpy
    x = mg.Tensor(2.0, requires_grad=True)
    assert float(mg.grad(second(x), x)) == 24.0
    assert float(mg.compile(second)(2.0 * np.ones(()))) == 16.0
    assert float(mg.grad(y, y.inputs[0])) == 12.0  # what was recorded stays what it was
    assert copy.deepcopy(first) is first
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(first)
    assert sent(second) is second


@pytest.mark.parametrize("name", ["exp", "stack", "add"])
def test_E6_names_of_others_are_refused(cell, name):
    function = mg.registry[name]
    with pytest.raises(ValueError, match=f"'{name}' is declared twice: by minigrad"):
        cell(f"@mg.op()\ndef {name}(x):\n    return x")
    with pytest.raises(ValueError, match=f"'{name}' is declared twice"):
        cell(f"@mg.composition()\ndef {name}(x):\n    return x")
    assert mg.registry[name] is function
    assert by_numpy[np.exp] is mg.exp


@pytest.mark.parametrize(
    "text",
    [
        '@mg.op(numpy=[np.cbrt], colour="red")\ndef broken(x): return x',
        "@mg.op(numpy=[[]])\ndef broken(x): return x",
        "@mg.op(numpy=[np.cbrt], samples=5)\ndef broken(x): return x",
        "mg.op(numpy=[np.cbrt], name='broken')(max)",
        "mg.op(numpy=[np.cbrt], name='broken')(5)",
        "mg.composition(numpy=[np.cbrt], colour='red')(lambda x: x)",
    ],
)
def test_E6_a_declaration_that_fails_leaves_nothing_behind(cell, text):
    before, numpy = dict(mg.registry), dict(by_numpy)
    with pytest.raises((TypeError, ValueError, AttributeError)):
        cell(text)
    assert mg.registry == before
    assert by_numpy == numpy


def test_E6_a_rule_for_no_argument_is_refused_and_not_kept(cell):
    cube = cell(CUBE.format(numpy="", factor=1.0))["cube"]
    rules = dict(cube.rules)
    with pytest.raises(ValueError, match="cube has no argument 'y': it takes x"):
        cube.vjp("x", "y")
    assert cube.rules == rules


def test_E6_a_function_with_attributes_of_its_own_keeps_ours(cell):
    space = cell("def f(x): return 2.0 * x\nf.call = f.name = f.rules = f.forward = f.arguments = 5\ng = mg.op()(f)")
    assert float(space["g"](mg.Tensor(3.0))) == 6.0
    assert space["g"].name == "f"


def test_E6_a_program_is_not_of_a_function_that_was_taken_off_the_record():
    def declare(factor):
        def scaled_by(x):
            return x * factor

        return mg.composition(formula="x, scaled")(scaled_by)

    try:
        declare(2.0)
        step = mg.compile(lambda x: x.scaled_by() * 1.0)
        assert step(mg.Tensor([1.0])).tolist() == [2.0]
        del mg.registry["scaled_by"]
        declare(4.0)
        assert step(mg.Tensor([1.0])).tolist() == [4.0]
    finally:
        del mg.registry["scaled_by"]
