"""One sweep: every edge counted, every node visited once, nothing left behind."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor


def leaf(values, **options):
    return Tensor(values, requires_grad=True, **options)


# --- structure --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "function", "expected"),
    [
        ("x*x", lambda x: x * x, [2.0, 4.0]),
        ("x+x", lambda x: x + x, [2.0, 2.0]),
        ("x-x", lambda x: x - x, [0.0, 0.0]),
        ("x/x", lambda x: x / x, [0.0, 0.0]),
        ("x*x+x", lambda x: x * x + x, [3.0, 5.0]),
        ("shared node", lambda x: (lambda b: b + b)(x + x), [4.0, 4.0]),
        ("diamond", lambda x: (lambda b: mg.sin(b) * mg.cos(b))(x * 2.0), 2 * np.cos(4 * np.array([1.0, 2.0]))),
        ("broadcast diamond", lambda x: x * x.sum(), [6.0, 6.0]),
    ],
)
def test_G1_every_edge_counts(name, function, expected):
    x = leaf([1.0, 2.0])
    function(x).sum().backward()
    np.testing.assert_allclose(x.grad, expected, rtol=1e-15, atol=1e-16)


def test_G2_sixty_doublings_take_sixty_visits():
    x = leaf(1.0)
    y = x
    for _ in range(60):
        y = y + y
    y.backward(keep=True)
    assert x.grad == 2.0**60
    assert len(y.trail) == 120


def test_G3_second_order_through_a_deep_chain():
    x = leaf(2.0)
    y = x * x
    for _ in range(5_000):
        y = y * 1.0
    first = mg.grad(y, x, create_graph=True)
    assert mg.grad(first, x).item() == 2.0


def test_G4_many_uses_of_one_leaf():
    x = leaf(0.5)
    total = x * 1.0
    for _ in range(100_000):
        total = total + x
    total.backward()
    assert x.grad == pytest.approx(100_001, rel=1e-9)
    few = x * 1.0
    for _ in range(1_000):
        few = few + x
    few.backward(keep=True)
    assert len(few.trail) == 2_001  # a contribution for each edge, and no more: the time is linear


def test_G5_backward_twice_is_exactly_twice():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    first = x.grad
    kept = first.copy()
    y.backward()
    np.testing.assert_array_equal(x.grad, 2 * kept)
    np.testing.assert_array_equal(first, kept)  # M4: accumulation makes a new array


def test_G6_unused_inputs_follow_one_rule():
    x, other = leaf([1.0]), leaf([1.0, 2.0], name="other")
    y = (x * 2.0).sum()
    with pytest.raises(GraphError, match="do not depend on float64 \\(2,\\) 'other'"):
        mg.grad(y, [x, other])
    assert mg.grad(y, [x, other], unused="zero")[1].tolist() == [0.0, 0.0]
    assert mg.grad(y, [x, other], unused=None)[1] is None
    with pytest.raises(ValueError, match="unused='maybe'"):
        mg.grad(y, x, unused="maybe")


def test_G6_a_constant_output_depends_on_nothing():
    x = leaf([1.0], name="x")
    for output in (Tensor(2.0), Tensor(1.0) + 1.0, (x * 2.0).detach().sum()):
        with pytest.raises(GraphError, match="do not depend on float64 \\(1,\\) 'x'"):
            mg.grad(output, x)
        assert mg.grad(output, x, unused="zero").tolist() == [0.0]
        assert mg.grad([output, x.sum()], x).tolist() == [1.0]


def test_G7_cotangents_must_fit():
    x = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match=r"not a scalar: pass a cotangent of shape \(2,\)"):
        (x * 2.0).backward()
    with pytest.raises(ValueError, match=r"cotangent of shape \(3,\).*\(2,\)"):
        (x * 2.0).backward(np.ones(3))
    with pytest.raises(TypeError, match="complex128"):
        (x * 2.0).backward(np.ones(2, complex))


def test_G8_interior_tensors_and_the_output_itself():
    x = leaf(2.0)
    middle = x * 3.0
    y = middle * middle
    assert mg.grad(y, middle).item() == 12.0
    assert mg.grad(y, y).item() == 1.0
    assert [g.item() for g in mg.grad(y, (middle, x))] == [12.0, 36.0]


def test_gradients_come_in_the_structure_of_the_inputs():
    x, y = leaf(2.0), leaf(3.0)
    gradients = mg.grad({"loss": x * y}, {"a": x, "b": [y, (x,)]})
    assert gradients["a"].item() == 3.0
    assert gradients["b"][0].item() == 2.0
    assert gradients["b"][1][0].item() == 3.0


def test_several_outputs_add_up():
    x = leaf(2.0)
    assert mg.grad([x * x, x * 3.0], x, [1.0, 10.0]).item() == 34.0
    y = leaf([1.0, 2.0])
    assert mg.grad((y * 2.0, {"b": y}), y, ([1.0, 0.0], {"b": [0.0, 1.0]})).tolist() == [2.0, 1.0]
    with pytest.raises(ValueError, match="cotangents: expected 2, in a tuple or list, got 1"):
        mg.grad([x * x, x * 3.0], x, [1.0])
    with pytest.raises(ValueError, match=r"expected a dictionary with the keys \['a'\]"):
        mg.grad({"a": x * x}, x, 1.0)


def test_G9_sine_differentiated_ten_times():
    x = leaf(0.7)
    y = mg.sin(x)
    for _ in range(10):
        y = mg.grad(y, x, create_graph=True)
    assert y.item() == pytest.approx(-np.sin(0.7), abs=1e-12)


def test_G11_nested_differentiation_keeps_levels_apart():
    x, y = leaf(1.0), leaf(1.0)
    inner = mg.grad(x + y, y, create_graph=True)
    assert mg.grad(x * inner, x).item() == 1.0


def test_G12_an_inner_gradient_leaves_grad_alone():
    x = leaf(2.0)
    slope = mg.grad(x**3, x, create_graph=True)
    assert x.grad is None
    (slope * slope).backward()
    assert x.grad == pytest.approx(2 * 12.0 * 12.0)


def test_G13_detach():
    x = leaf(3.0)
    (x * x.detach()).backward()
    assert x.grad == 3.0


def test_G14_parts_that_are_not_used_get_zeros():
    x = leaf([1.0, 2.0, 3.0])
    first, _ = mg.split(x, [1])
    (first * 5.0).sum().backward()
    assert x.grad.tolist() == [5.0, 0.0, 0.0]
    variance, mean = mg.var(x), mg.mean(x)
    np.testing.assert_allclose(mg.grad(variance, x).numpy(), 2 * (x.numpy() - mean.item()) / 3, rtol=1e-15)
    np.testing.assert_allclose(mg.grad(mean, x).numpy(), 1 / 3, rtol=1e-15)
    rows = list(Tensor(np.eye(2), requires_grad=True) * 2.0)
    assert [row.tolist() for row in mg.grad(rows[1].sum(), rows, unused="zero")] == [[0.0, 0.0], [1.0, 1.0]]


def test_G15_no_grad_makes_constants():
    x = leaf(2.0)
    with mg.no_grad():
        constant = x * 3.0
    assert constant.op is None
    assert not constant.requires_grad
    (x * constant).backward()
    assert x.grad == 6.0


def test_G16_two_runs_give_the_same_bits():
    def run():
        x = leaf(np.random.default_rng(0).standard_normal((5, 5)))
        (mg.softmax(x @ x) * x).sum().backward()
        return x.grad.tobytes()

    assert run() == run()


def test_G17_equal_constants_stay_apart_and_a_shared_leaf_sums():
    a, b = leaf(2.0), leaf(2.0)
    (a * 3.0 + b * 5.0).backward()
    assert (a.grad, b.grad) == (3.0, 5.0)
    first = mg.nn.Linear(2, 2, bias=False, rng=np.random.default_rng(0))
    second = mg.nn.Linear(2, 2, bias=False, rng=np.random.default_rng(1))
    second.weight = first.weight
    x = np.array([[1.0, 2.0]], np.float32)
    second(first(x)).sum().backward()
    w = first.weight.numpy()
    expected = x.T @ (np.ones((1, 2), np.float32) @ w.T) + (x @ w).T @ np.ones((1, 2), np.float32)
    np.testing.assert_allclose(first.weight.grad, expected, rtol=1e-6)


def test_G18_an_exception_leaves_no_state_behind():
    @mg.op(name="fragile")
    def fragile(x):
        return x * 1.0

    @fragile.vjp("x")
    def _(g, y, x):
        raise RuntimeError("rule failed")

    try:
        x = leaf(1.0)
        for create_graph in (False, True):
            with pytest.raises(RuntimeError, match="rule failed"):
                mg.grad(fragile(x), x, create_graph=create_graph)
        assert mg.grad(x * 2.0, x).item() == 2.0
        assert not mg.grad(x * 2.0, x).requires_grad
        assert x.grad is None
    finally:
        del mg.registry["fragile"]


def test_G18_an_exception_frees_the_graph():
    x = leaf([1.0, 2.0])
    gc.collect()
    gc.disable()
    try:
        y = x * 2.0
        watched = weakref.ref(y)
        with pytest.raises(ValueError, match="add"), mg.no_grad(), mg.scope("a"):
            y + np.ones(3)
        with pytest.raises(ValueError, match="cotangent"):
            y.backward()
        assert (x * 2.0).requires_grad
        assert (x * 2.0).scope == ""
        del y
        assert watched() is None
    finally:
        gc.enable()


def test_G19_the_gradient_with_respect_to_the_cotangent():
    x, cotangent = leaf([1.0, 2.0]), leaf([1.0, 1.0])
    pulled = mg.grad(x**2, x, cotangent, create_graph=True)
    direction = np.array([3.0, 5.0])
    np.testing.assert_allclose(mg.grad(pulled, cotangent, direction).numpy(), 2 * x.numpy() * direction)


def test_E3_backward_from_nothing():
    with pytest.raises(GraphError, match=r"nothing requires a gradient.*requires_grad=True"):
        Tensor(1.0).backward()
    with pytest.raises(GraphError, match="does not require a gradient"):
        mg.grad(leaf(1.0) * 2.0, Tensor(1.0))
    with pytest.raises(TypeError, match="vjp, jvp"):
        mg.grad(lambda x: x, leaf(1.0))


def test_an_argument_without_a_rule_raises():
    @mg.op(name="half_declared")
    def half_declared(x, y):
        return x * y

    @half_declared.vjp("x")
    def _(g, result, x, y):
        return g * y

    try:
        x, y = leaf(1.0), leaf(2.0, name="y")
        assert mg.grad(half_declared(x, y.detach()), x).item() == 2.0
        with pytest.raises(GraphError, match="half_declared has no derivative with respect to 'y'"):
            half_declared(x, y).backward()
    finally:
        del mg.registry["half_declared"]


def test_S21_a_rule_of_the_wrong_shape_is_loud():
    @mg.op(name="misshapen")
    def misshapen(x):
        return x * 1.0

    @misshapen.vjp("x")
    def _(g, y, x):
        return g[:1]

    try:
        with pytest.raises(GraphError, match=r"rule of misshapen for 'x' returned shape \(1,\), expected \(3,\)"):
            misshapen(leaf([1.0, 2.0, 3.0])).sum().backward()
    finally:
        del mg.registry["misshapen"]


# --- the trail --------------------------------------------------------------------------------------------------------


def test_contributions_of_the_trail_add_up_to_the_gradients():
    x = leaf(np.arange(6.0).reshape(2, 3))
    w = leaf(np.ones((3, 3)))
    loss = (mg.softmax(x @ w) * x + x).sum()
    loss.backward(keep=True)
    for target in (x, w):
        contributions = [step.value for step in loss.trail if step.target == target.id]
        np.testing.assert_allclose(sum(contributions), target.grad, rtol=1e-14)
        assert [step.total for step in loss.trail if step.target == target.id][-1].tolist() == target.grad.tolist()
    assert len([step for step in loss.trail if step.target == x.id]) == 3
    nodes = [step.node for step in loss.trail]
    assert nodes == sorted(nodes, reverse=True)


def test_keep_leaves_gradients_on_every_node():
    x = leaf([1.0, 2.0])
    middle = x * 3.0
    loss = (middle * middle).sum()
    loss.backward(keep=True)
    assert middle.grad.tolist() == [6.0, 12.0]
    assert loss.grad == 1.0


def test_both_carriers_agree():
    x = leaf(np.random.default_rng(0).standard_normal((3, 4)))
    loss = (mg.layer_norm(mg.gelu(x)) ** 3).sum()
    np.testing.assert_array_equal(mg.grad(loss, x).numpy(), mg.grad(loss, x, create_graph=True).numpy())


def test_gradient_nodes_say_what_they_are():
    x = leaf([1.0, 2.0], name="x")
    with mg.scope("middle"):
        scores = x * 2.0
        scores.name = "scores"
    loss = (scores * scores).sum()
    loss.name = "loss"
    first = mg.grad(loss, x, create_graph=True)
    assert first.name == "∂loss/∂x"
    assert first.scope == "middle"
    assert first.origin.node is scores
    assert first.origin.order == 1
    second = mg.grad(first.sum(), x, create_graph=True)
    assert second.origin.order == 2


def test_what_is_not_on_the_way_is_not_differentiated():
    x, y = leaf([1.0, 2.0]), leaf([1.0, 3.0])

    def no_derivative(x):
        return x * 1.0

    op = mg.op(formula="x")(no_derivative)
    try:
        total = mg.sum(x * 2.0 + op(y))
        assert mg.grad(total, x).tolist() == [2.0, 2.0]
        with pytest.raises(GraphError, match="no derivative"):
            mg.grad(total, y)
    finally:
        del mg.registry["no_derivative"]


def test_numbers_among_the_operands_are_never_written_to():
    x, other = leaf([1.0, 2.0]), Tensor([0.0])
    y = mg.sum(x * 2.0 + 1.0)
    mg.assign(other, [1.0])
    assert mg.grad(y, x).tolist() == [2.0, 2.0]


def test_a_gradient_that_a_module_holds_is_no_state():
    class Holder(mg.nn.Module):
        pass

    x, module = leaf([1.0, 2.0]), Holder()
    module.slope = mg.grad(mg.sum(x * x), x)
    assert module.state_dict() == {}


@pytest.mark.parametrize(("count", "name"), [(1, "∂first/∂x"), (2, "∂outputs/∂x")])
def test_gradients_are_named_after_one_output_or_all(count, name):
    x = leaf([1.0, 2.0], name="x")
    first, second = mg.sum(x * x), mg.sum(x * 3.0)
    first.name, second.name = "first", "second"
    assert mg.grad([first, second][:count], x, create_graph=True).name == name


@pytest.mark.parametrize("create_graph", [True, False])
def test_a_cotangent_is_taken_as_it_is_when_it_is_given(create_graph):
    x, cotangent = leaf([1.0, 2.0]), np.ones(2)
    gradient = mg.grad(x, x, cotangent, create_graph=create_graph)
    cotangent[...] = 9.0
    assert gradient.tolist() == [1.0, 1.0]
