"""D1 to D3: a check of gradients says what it cannot tell, and takes functions that take gradients themselves."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, ops

X = np.array([0.3, -0.7, 1.2])
MASK = np.array([True, False, True])


def failure(function, inputs, **options):
    with pytest.raises(mg.GradientCheckError) as raised:
        mg.check_gradients(function, inputs, **options)
    return str(raised.value)


@pytest.mark.parametrize("around", [
    lambda y: mg.where(MASK, y, -1e30), lambda y: 1e12 + y, lambda y: 1e-10 * y, lambda y: 1 + 1e-12 * y,
])  # fmt: skip
@pytest.mark.parametrize("order", [1, 2])
def test_D1_a_wrong_rule_behind_a_constant_a_factor_or_a_mask_is_found(around, order, plant):
    plant("sin", "x", lambda g, y, x: 2.0 * g * ops.cos(x))
    assert "WRONG" in failure(lambda x: around(mg.sin(x)), [X], order=order)


def test_D1_what_rounding_hides_is_undecided():
    text = failure(lambda x: 1e14 + mg.sin(x), [X])
    assert text.splitlines()[0] == "gradients of order 1 undecided for 1 of 1 inputs"
    assert text.splitlines()[2].endswith("undecided")
    assert "order 1, x: the results are rounded, which leaves the difference uncertain by" in text
    assert "take large constants out of the results" in text
    assert "the results do not move, but they are so large that rounding hides slopes" in failure(
        lambda x: 1e30 + mg.sin(x), [X]
    )


def test_D1_wrong_and_undecided_rows_are_counted_apart():
    text = failure(lambda x, y, z: [1e12 + mg.sin(x), y.detach() * 3.0, z * 1e11], [X, X, X])
    assert text.splitlines()[0] == "gradients of order 1 WRONG for 1 of 3 inputs"
    text = failure(lambda x, y: [1e30 + mg.sin(x), y.detach()], [X, X])
    assert text.splitlines()[0] == "gradients of order 1 WRONG for 1 and undecided for 1 of 2 inputs"


def test_D1_results_that_do_not_move_have_a_derivative_of_0():
    report = mg.check_gradients(lambda x, y: mg.where(MASK, y, mg.round(x)) * 1e20, [X, X])
    assert report.passed
    assert (report.inputs[0].numeric, report.inputs[0].uncertainty) == (0.0, 0.0)


def test_D1_an_infinite_gradient_is_wrong(plant):
    plant("sin", "x", lambda g, y, x: g * np.inf)
    assert "WRONG for 1 of 2 inputs" in failure(lambda x, y: mg.sin(x) + y, [X, X])


@pytest.mark.parametrize(("function", "value", "reason"), [
    (mg.sin, 1e8, "hardly more than the distance of floating-point numbers near 1e+08"),
    (mg.reciprocal, 1e-20, "a kink or a jump within"),
    (lambda x: 1 / x, 1e-20, "a kink or a jump within"),
    (mg.log, 1e-10, "no two step sizes agree"),
    (mg.log, 1e-20, "leave the domain of the function"),
    (mg.relu, 0.0, "a kink or a jump within"),
])  # fmt: skip
def test_D2_a_right_gradient_at_an_awkward_place_is_undecided(function, value, reason):
    text = failure(function, [np.array([value])])
    assert "undecided for 1 of 1 inputs" in text.splitlines()[0]
    assert reason in text
    assert "choose" in text


def test_D2_a_compiled_function_is_named():
    step = mg.compile(lambda x: x * x)
    for function in (step, mg.compile(nn.Linear(3, 2, rng=np.random.default_rng(0), dtype=np.float64))):
        assert "undecided" in failure(function, [X])
        assert "is compiled" in failure(function, [X])
    assert "no result has a graph" in failure(lambda x: step(x), [X])
    assert "check_gradients" in failure(step, [X])


def test_D3_functions_that_take_gradients_themselves_pass():
    rng = np.random.default_rng(1)
    w = mg.Tensor(rng.standard_normal((3, 2)), requires_grad=True)
    x, y = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))

    def learned_again(x, y):  # Finn et al., 2017
        fast = w - 0.1 * mg.grad(mg.mean((mg.tanh(x @ w) - y) ** 2), w, create_graph=True)
        return mg.mean((mg.tanh(x @ fast) - y) ** 2)

    def equation(t):  # u'' + u = 0, for a network u
        u = mg.sum(mg.tanh(mg.tanh(t[:, None] * w[0]) @ mg.swapaxes(w, 0, 1)))
        slope = mg.grad(u, t, create_graph=True)
        return mg.mean((mg.grad(mg.sum(slope), t, create_graph=True) + u) ** 2)

    def penalty(x):
        slope = mg.grad(mg.sum(mg.tanh(x @ w)), x, create_graph=True)
        return (mg.vector_norm(slope) - 1.0) ** 2

    for function, inputs in ((learned_again, [x, y]), (equation, [y[:, 0]]), (penalty, [x])):
        assert mg.check_gradients(function, inputs, parameters={"w": w}, order=2).passed


def test_D3_grad_of_something_computed_under_no_grad_says_so():
    w = mg.Tensor(X, requires_grad=True)
    with mg.no_grad():
        loss = mg.sum(w * w)
        with pytest.raises(
            mg.GraphError, match=r"do not depend on .*: nothing requires a gradient behind .* outside no_grad"
        ):
            mg.grad(loss, w)
    with pytest.raises(
        mg.GraphError, match=r"do not depend on .*: nothing requires a gradient behind .* outside no_grad"
    ):
        mg.grad([loss, loss], [w])
    with pytest.raises(mg.GraphError, match=r"do not depend on .*; unused"):
        mg.grad([loss, mg.sum(mg.Tensor(X, requires_grad=True))], w)
    with pytest.raises(mg.GraphError, match=r"do not depend on .*; unused"):
        mg.grad([], w)
