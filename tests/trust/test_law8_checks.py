"""Law 8: whatever stands around a rule, a check never agrees with a wrong one, nor calls a right one wrong."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops

X = np.array([0.3, -0.7, 1.2, 0.9])
MASK = np.array([True, False, True, True])
WIDE = np.random.default_rng(3).standard_normal((20, 4))

RULES = {
    "twice": lambda g, y, x: 2.0 * g * ops.cos(x),
    "sign": lambda g, y, x: -g * ops.cos(x),
    "1 % more": lambda g, y, x: 1.01 * g * ops.cos(x),
    "nothing": lambda g, y, x: ops.zeros_like(x),
    "infinite": lambda g, y, x: g * np.inf,
    "not a number": lambda g, y, x: g * np.nan,
}

AROUND = {f"{c:g} +": lambda y, c=c: c + y for c in (1.0, 1e6, -1e9, 1e12)}
AROUND |= {f"{c:g} *": lambda y, c=c: c * y for c in (1e-3, 1e-10, 1e-20, 1e-200, 1e10, 1e100)}
AROUND |= {f"where {c:g}": lambda y, c=c: mg.where(MASK, y, c) for c in (0.0, -1e9, -1e30, 1e300, -np.inf)}
AROUND |= {
    "beside 1e30": lambda y: mg.concatenate([y, np.full_like(y.data, 1e30)], axis=-1),
    "two results": lambda y: {"value": y, "constant": mg.constant(np.full(3, -1e30))},
    "1 + 1e-9 *": lambda y: 1.0 + 1e-9 * y,
    "1e9 + 1e-3 *": lambda y: 1e9 + 1e-3 * y,
    "masked softmax": lambda y: mg.softmax(mg.where(MASK, y, -1e30)),
    "bias of softmax": lambda y: mg.softmax(y + np.where(MASK, 0.0, -1e30)),
    "sum": lambda y: mg.sum(mg.where(MASK, y, 1e5)),
    "a large neighbour": lambda y: mg.concatenate([y, mg.constant(np.full(y.shape, 1e12))]),
}  # fmt: skip
SHAPES = {"elements": X, "directions": WIDE}


def outcome(function, inputs, **options):
    try:
        return mg.check_gradients(function, inputs, **options).verdict
    except mg.GradientCheckError as error:
        return str(error).splitlines()[0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("rule", "around"), list(itertools.product(RULES, AROUND)))
def test_a_wrong_rule_is_never_agreed_with(rule, around, shape, plant):
    plant("sin", "x", RULES[rule])
    assert "agree" not in outcome(lambda x: AROUND[around](mg.sin(x)), [SHAPES[shape]])


@pytest.mark.parametrize("constant", [1e14, 1e16, 1e20, 1e30, -1e300])
@pytest.mark.parametrize("rule", ["twice", "sign", "infinite"])
def test_what_a_constant_swallows_is_undecided_at_best(rule, constant, plant):
    right = outcome(lambda x: constant + mg.sin(x), [X])
    assert "undecided" in right
    assert "WRONG" not in right
    plant("sin", "x", RULES[rule])
    assert "agree" not in outcome(lambda x: constant + mg.sin(x), [X])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("around", AROUND)
def test_a_right_rule_is_never_called_wrong(around, shape):
    assert "WRONG" not in outcome(lambda x: AROUND[around](mg.sin(x)), [SHAPES[shape]])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("around", [name for name in AROUND if "1e+12" not in name and "1e9" not in name])
def test_a_right_rule_is_agreed_with_where_rounding_lets_it(around, shape):
    assert "agree" in outcome(lambda x: AROUND[around](mg.sin(x)), [SHAPES[shape]])


def test_an_element_behind_a_mask_that_leaks_is_found(plant):
    plant("where", "x", lambda g, r, c, x, y: g)
    assert "WRONG" in outcome(lambda x: mg.where(MASK, x, -1e6), [X])
    assert "agree" not in outcome(lambda x: mg.where(MASK, x, -1e30), [X])


AWKWARD = {
    "sin": (1e7, 1e8, 1e9, 1e12, 1e300), "cos": (1e8, 1e11), "tan": (1e8,), "tanh": (1e-300, 40.0, 400.0),
    "reciprocal": (1e-5, 1e-10, 1e-20, 1e-100, 1e100), "log": (1e-10, 1e-15, 1e-100, 1e300), "log1p": (-1 + 1e-12,),
    "sqrt": (1e-12, 1e-20, 1e-300, 1e300), "exp": (-700.0, 0.0, 700.0), "square": (0.0, 1e-200, 1e150),
    "arcsin": (1 - 1e-15, 1 - 1e-9), "arctanh": (1 - 1e-12,), "relu": (0.0, 1e-300, -1e-13),
    "absolute": (1e-13, 1e-300),
    "floor": (1 - 1e-13, 1.0, 1e6 + 0.5, 1e12 + 0.5), "round": (1e9 + 0.25,),
     "sign": (1e-14,), "gelu": (-30.0, 1e-200), "sigmoid": (-700.0, 30.0),
}  # fmt: skip


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in AWKWARD.items() for value in values])
def test_a_right_function_at_an_awkward_place_is_never_called_wrong(name, value):
    assert "WRONG" not in outcome(getattr(mg, name), [np.array([value])])


@pytest.mark.parametrize(("name", "value"), [
    ("sin", 1e3), ("sin", 1e6), ("reciprocal", 1e-5), ("log", 1e-9), ("sqrt", 1e-9), ("cos", 0.0), ("square", 0.0),
    ("exp", -40.0), ("exp", 300.0), ("floor", 0.5), ("sign", 3.0), ("tanh", 1e-9), ("square", 1e-9),
])  # fmt: skip
def test_a_place_that_is_hardly_awkward_is_agreed_with(name, value):
    assert "agree" in outcome(getattr(mg, name), [np.array([value])])


def test_true_zeros_beside_other_derivatives_are_agreed_with():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((3, 4)) for _ in range(3))

    def attention(q, bias, v):  # a bias of all keys shifts each row of scores, which softmax does not notice
        return mg.scaled_dot_product_attention(q, k + bias, v)

    assert mg.check_gradients(attention, [q, rng.standard_normal(4), v], order=2).passed
    assert mg.check_gradients(lambda x, y: mg.sum(mg.softmax(x)) * y, [X, X]).passed
    assert mg.check_gradients(lambda x, y: mg.sum(mg.layer_norm(x)) + mg.tanh(y), [X, X]).passed
    assert mg.check_gradients(lambda x, y: x - x + y, [X, X], order=2).passed


def test_an_inner_gradient_without_a_graph_is_found():
    def without_second_derivatives(x):
        w = mg.sin(x)
        return w - 0.1 * mg.grad(mg.sum(mg.exp(w)), w)

    assert "WRONG" in outcome(without_second_derivatives, [X])


@pytest.mark.parametrize("name", ["sin", "exp", "tanh", "square", "gelu", "softmax", "logsumexp"])
def test_functions_that_differentiate_are_agreed_with(name):
    function = getattr(mg, name)

    def slopes(x):
        return mg.grad(mg.sum(function(x) ** 2), x, create_graph=True)

    assert "agree" in outcome(slopes, [X], order=2)
