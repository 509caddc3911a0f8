"""What type checkers see: the stubs say what the declarations say, and mistakes are found where they are made.

MINIGRAD_UPDATE_GOLDEN=1 writes the stubs again.
"""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.extended import TypedOp
from minigrad.stubs import stubs, write_stubs

ROOT = Path(mg.__file__).parent.parent

RIGHT = """\
from typing import Any, assert_type

import numpy as np

import minigrad as mg

Array = np.ndarray[Any, np.dtype[Any]]
a: Array = np.ones((2, 3), np.float32)
x = mg.Tensor(a, requires_grad=True)
model = mg.nn.Linear(3, 2, rng=np.random.default_rng(0))

assert_type(mg.softmax(x), mg.Tensor)
assert_type(mg.softmax(x, where=a > 0, axis=0), mg.Tensor)
assert_type(mg.softmax(a), Array)
assert_type(mg.add(a, x), mg.Tensor)
assert_type(mg.add(1.0, a), Array)
assert_type(mg.where(a > 0, x, 0.0), mg.Tensor)
assert_type(mg.sum(x, 0), mg.Tensor)
assert_type(mg.sum(x, (0, 1), True), mg.Tensor)
assert_type(x.sum(axis=-1, keepdims=True), mg.Tensor)
assert_type(x.reshape(2, 3), mg.Tensor)
assert_type(x.reshape((2, 3)), mg.Tensor)
assert_type(mg.reshape(x, 3, -1), mg.Tensor)
assert_type(x.transpose(1, 0), mg.Tensor)
assert_type(x.transpose(), mg.Tensor)
assert_type(mg.concatenate([a, x], axis=0), mg.Tensor)
assert_type(mg.concatenate([a, a], 1), Array)
assert_type(mg.stack((x, x)), mg.Tensor)
assert_type(mg.split(x, 2), list[mg.Tensor])
assert_type(mg.einsum("ij,kj->ik", x, a), mg.Tensor)
assert_type(mg.mse(x, a, reduction="sum"), mg.Tensor)
assert_type(mg.mse(x, a, "sum"), mg.Tensor)
assert_type(x.cross_entropy([0, 1], label_smoothing=0.1), mg.Tensor)
assert_type(mg.scaled_dot_product_attention(*[x, x, x], causal=True), mg.Tensor)
assert_type(mg.Tensor.softmax(x, axis=0), mg.Tensor)
assert_type((x @ x.T)[0, ..., None], mg.Tensor)
assert_type(x.astype("float32").max().exp(), mg.Tensor)
assert_type(mg.arange(3), Array)
assert_type(mg.grad(x.sum(), x), mg.Tensor)
assert_type(mg.grad(x.sum(), [x, x]), list[mg.Tensor])
assert_type(x.graph(), mg.Graph)
assert_type(mg.trace(mg.exp, x), mg.Graph)
print(x.exp().graph()[-1].value.sum(axis=-1))
assert_type(model(x), mg.Tensor)
mg.check_op(mg.softmax)


@mg.compile
def step(x: mg.Tensor, rate: float = 0.1) -> mg.Tensor:
    return x * rate


@mg.compile(check=1)
def checked_step(x: mg.Tensor) -> mg.Tensor:
    return x


assert_type(step(x, 0.2), mg.Tensor)
assert_type(checked_step(x), mg.Tensor)
"""

MISTAKES = """\
x.sofmax()
mg.sofmax(x)
mg.softmax(x, dim=0)
mg.softmax()
x.sum(dim=0)
mg.mse(x, a, reduction=3)
x.reshape("2, 3")
x.einsum(x)
mg.cross_entropy(x, [0, 1], label_smoothing="much")
mg.one_hot([0, 1], num_classes=2)
x.graph().drawing()
model(x).sofmax()
mg.grad(x.sum(), x).grads
step()
"""


@pytest.mark.parametrize("path", stubs(), ids=lambda path: path.name)
def test_a_stub_is_what_the_declarations_say(path):
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        write_stubs()
    assert path.read_text("utf-8") == stubs()[path], f"{path.name} is out of date: python -m minigrad.stubs"


@pytest.mark.deep
def test_right_uses_pass_and_each_mistake_is_found_on_its_line(tmp_path):
    pytest.importorskip("mypy")
    program, path = RIGHT + MISTAKES, tmp_path / "uses.py"
    path.write_text(program, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    places = re.findall(r"uses\.py:(\d+): error:", run.stdout)
    found = {program.splitlines()[int(place) - 1] for place in places}
    assert found == {*MISTAKES.splitlines()}, run.stdout + run.stderr


def test_right_uses_run():
    exec(RIGHT, {})


def test_a_method_is_the_function_of_the_class_and_bound_to_a_tensor():
    x = mg.Tensor([1.0, 2.0])
    assert mg.Tensor.softmax is mg.softmax
    assert mg.Tensor.softmax(x).tolist() == x.softmax().tolist()
    assert x.softmax.__doc__ == mg.softmax.__doc__
    assert [*inspect.signature(x.softmax).parameters] == ["where", "axis"]
    assert "softmax" in dir(x)


def test_every_function_has_a_signature_and_a_docstring_of_its_own():
    for name, function in mg.registry.items():
        arguments = [p.name for p in inspect.signature(function).parameters.values()]
        assert arguments not in ([], ["args", "kwargs"]), name
        if isinstance(function, mg.core.op.Op):
            variadic = [function.variadic] if function.variadic else []
            dtype = ["dtype"] if isinstance(function, TypedOp) else []
            assert arguments == [*function.arguments, *variadic, *function.defaults, *dtype], name
        assert function.__doc__ not in (None, "", type(function).__doc__), name
        assert function.__name__ == name


@pytest.mark.parametrize("name", ["einsum", "random_normal", "random_uniform", "arange", "tri", "stack", "concatenate"])
def test_what_does_not_begin_with_an_array_is_no_method(name):
    assert not hasattr(mg.Tensor, name)
    with pytest.raises(AttributeError, match=f"a Tensor has no attribute '{name}'"):
        getattr(mg.Tensor(1.0), name)


def test_functions_of_ones_own_are_methods_as_long_as_they_are_on_record():
    @mg.op()
    def tripled(x):
        return x * 3

    mg.composition(name="scaled")(lambda x: x * 2.0)
    assert hasattr(mg.Tensor, "scaled")

    @mg.composition()  # declared again, as in a notebook
    def scaled(factor: float, x: mg.Tensor):
        return x * factor

    x = mg.Tensor(np.ones(2))
    try:
        assert x.tripled().tolist() == [3.0, 3.0]
        assert mg.Tensor.tripled is tripled
        assert not hasattr(x, "scaled")
    finally:
        del mg.registry["tripled"], mg.registry["scaled"]
    with pytest.raises(AttributeError, match="a Tensor has no attribute 'tripled'"):
        x.tripled
