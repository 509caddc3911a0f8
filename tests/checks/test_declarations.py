"""What a declaration must hold, so that the laws of test_laws.py see all of an op."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of, is_float_array
from minigrad.core.op import Op
from minigrad.ops.methods import NO_METHODS, takes_array_first
from minigrad.ops.specimens import specimens_of

FUNCTIONS = list(mg.registry.values())
OPS = [function for function in FUNCTIONS if isinstance(function, Op)]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
COMPOSITIONS = [function for function in FUNCTIONS if not isinstance(function, Op)]
every_composition = pytest.mark.parametrize("function", COMPOSITIONS, ids=lambda function: function.name)
every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)

random = {"random_uniform", "random_normal", "dropout"}  # no law holds for them; tests/ops has theirs


def bound(op):
    """Inputs and parameters of each sample."""
    return [op.bind(*case.arguments()) for case in cases_of(op)]


@every_function
def test_it_has_a_formula_samples_and_something_to_compare_with(function):
    assert function.formula
    if function.name not in random:
        assert specimens_of(function).samples
        assert specimens_of(function).reference


@every_function
def test_it_is_public_and_a_method_of_tensor_if_an_array_comes_first(function):
    assert getattr(mg.ops, function.name) is getattr(mg, function.name) is function
    is_method = takes_array_first(function) and function.name not in NO_METHODS
    assert getattr(mg.Tensor, function.name, None) is (function if is_method else None)


@every_op
def test_every_float_argument_has_a_rule_and_every_rule_is_tried_with_an_array(op):
    given = [(op.argument(i), x) for inputs, _ in bound(op) for i, x in enumerate(inputs)]
    arrays = {argument for argument, x in given if is_float_array(x)}
    numbers = {argument for argument, x in given if type(x) is float}
    assert arrays | numbers <= op.rules.keys() or not op.differentiable
    assert op.rules.keys() <= arrays


@every_op
def test_every_optional_argument_is_tried_with_and_without(op):
    given = [inputs[op.arguments.index(name)] is None for name in op.optional for inputs, _ in bound(op)]
    assert set(given) == ({True, False} if op.optional else set())


@every_op
def test_every_parameter_is_tried_with_another_value_than_its_default(op):
    tried = {name for _, params in bound(op) for name, value in params.items() if value != op.defaults[name]}
    assert tried == op.defaults.keys() or op.name in random


@every_composition
def test_every_argument_of_a_composition_is_tried_with_another_value_than_its_default(function):
    signature = inspect.signature(function.call)
    tried = {
        name
        for sample in specimens_of(function).samples
        for name, value in signature.bind(*sample.args, **sample.params).arguments.items()
        if differs(value, signature.parameters[name].default)
    }
    assert tried == signature.parameters.keys() or function.name in random


def differs(value, default):
    return type(value) is not type(default) or value != default


@every_function
def test_what_it_must_refuse_is_declared(function):
    """One argument, elementwise, of any shape: such a function has nothing of its own to refuse."""
    takes_anything = getattr(function, "elementwise", False) and len(function.arguments) == 1 and not function.required
    assert specimens_of(function).refusals or takes_anything
    for refused in specimens_of(function).refusals:
        assert refused.names


def test_operations_of_two_operands_say_whether_these_may_change_places() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.5, 2.0, (2, 3, 3))
    x[0], y[1, 0] = y[0], 0.0  # some are equal, some are false
    for function in mg.registry.values():
        if isinstance(function, Op) and function.elementwise and function.arguments == ("x1", "x2"):
            drawn = specimens_of(function).samples[0].args[0]
            a, b = (x, y) if drawn.kind == "f" else (x.astype(int), y.astype(int))
            with np.errstate(all="ignore"):
                same = np.array_equal(function(a, b), function(b, a))
            assert function.commutative == same, function.name
    assert mg.registry["vecdot"].commutative
    np.testing.assert_array_equal(mg.registry["vecdot"](x, y), mg.registry["vecdot"](y, x))
