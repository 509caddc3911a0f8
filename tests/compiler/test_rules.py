"""Every rewrite rule: it fires on its example, and what it leaves computes the same."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import rewrite, rules
from minigrad.compiler.rewrite import rewritten

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((2, 3, 4)), RNG.standard_normal((2, 3, 4))
V, ROWS = RNG.standard_normal(4), RNG.standard_normal((5, 4))
WIDE = RNG.standard_normal((5, 30)), RNG.standard_normal((5, 30)), RNG.standard_normal(30)
TARGETS = np.array([0, 3, 1, 1, 2])


def products_then_their_sums(x, y, v):
    return mg.sum(x * y, axis=0), mg.vecdot(x * v, y)


def loss_and_probabilities(logits, targets):
    return mg.cross_entropy(logits, targets), mg.softmax(logits)


def gradients_clipped(x, y, factor):
    joined = mg.concatenate([x, y], axis=None)
    return joined, mg.concatenate([x * factor, factor * y], axis=None)


def gradient_of_parts(x):
    """The last part is a single entry of each row."""
    parts = mg.exp(x[:, :1]), mg.square(x[..., 1:3]), mg.sin(x[:, -1])
    return mg.grad(sum((mg.sum(part) for part in parts), start=0.0), x)


EXAMPLES = {
    rules.times_one: (lambda x: (x * 1.0, 1.0 * x), X),
    rules.by_one: (lambda x: x / 1.0, X),
    rules.by_power_of_two: (lambda x: (x / 8.0, x / 0.5), X),
    rules.minus_nothing: (lambda x: x - 0.0, X),
    rules.twice_negative: (lambda x: mg.negative(mg.negative(x)), X),
    rules.plus_negative: (lambda x, y: (x + (-y), -x + y), X, Y),
    rules.minus_negative: (lambda x, y: x - (-y), X, Y),
    rules.same_type: (lambda x: mg.astype(x, np.float64), X),
    rules.itself: (mg.stop_gradient, X),
    rules.one_reshape: (lambda x: x.reshape(6, 4).reshape(-1, 3).reshape(8, 3), X),
    rules.one_transpose: (lambda x: mg.swapaxes(x, 0, 2).transpose((2, 1, 0)), X),
    rules.to_same_shape: (lambda x: (mg.sum_to(x, (2, 3, 4)), mg.broadcast_to(x, (2, 3, 4))), X),
    rules.sum_of_scaled: (lambda x, v: mg.sum(x * v, axis=-1), X, V),
    rules.sum_of_known_products: (products_then_their_sums, *WIDE),
    rules.factor_of_sum: (lambda x, v: (x @ v) * 0.5, ROWS, V),
    rules.quotient_of_sum: (lambda x, v: (x @ v) / 3.0, ROWS, V),
    rules.centred_in_one_product: (lambda x, v: x * v - mg.mean(x * v, axis=-1, keepdims=True), ROWS, V),
    rules.from_log_total: (loss_and_probabilities, ROWS, TARGETS),
    rules.scaled_when_joined: (gradients_clipped, X, ROWS, np.array(0.3)),
    rules.neighbours_joined: (gradient_of_parts, mg.Tensor(ROWS, requires_grad=True)),
    rules.contiguous_operand: (lambda x, y: x @ mg.swapaxes(y, -1, -2), X, Y),
}


def test_every_rule_has_an_example_and_a_reason():
    assert {rule.apply for rule in rules.TABLE} == set(EXAMPLES)
    assert all(rule.reason for rule in rules.TABLE)


def test_neighbours_among_zeros_become_one_array_in_either_order():
    x = mg.Tensor(ROWS, requires_grad=True)
    for parts in (range(4), range(3, -1, -1)):

        def function(x, parts=parts):
            return mg.grad(sum((mg.sum(mg.exp(x[:, i])) for i in parts), start=0.0), x)

        graph = rewritten(mg.trace(function, x)).graph
        assert [node.op for node in graph].count("concatenate") == 1
        assert "scatter_add" not in {node.op for node in graph}
        np.testing.assert_array_equal(graph.run(x), np.exp(ROWS))


@pytest.mark.parametrize("rule", rules.TABLE, ids=lambda rule: rule.apply.__name__)
def test_a_rule_fires_on_its_example_and_keeps_the_values(rule, monkeypatch):
    function, *arrays = EXAMPLES[rule.apply]
    fired = []

    def apply(graph, inputs, params):
        found = rule.apply(graph, inputs, params)
        fired.append(found is not None)
        return found

    table = {op: [r._replace(apply=apply) if r is rule else r for r in found] for op, found in rules.RULES.items()}
    monkeypatch.setattr(rewrite, "RULES", table)
    graph = mg.graph.trace(function, *arrays)
    simplified = rewritten(graph).graph
    assert any(fired)
    before, after = graph.run(*arrays), simplified.run(*arrays)
    for one, other in zip(mg.graph.build.leaves(before), mg.graph.build.leaves(after), strict=True):
        if "to rounding" in rule.reason:
            np.testing.assert_allclose(other, one, rtol=1e-13, atol=1e-13)
        else:
            np.testing.assert_array_equal(other, one)


# --- what is done to every operation ----------------------------------------------------------------------------------


def operations(function, *arrays):
    return [node.op for node in rewritten(mg.graph.trace(function, *arrays)).graph if node.op]


def test_nothing_is_computed_twice():
    assert operations(lambda x: mg.exp(x) + mg.exp(x) * mg.exp(x), X) == ["exp", "multiply", "add"]


def test_nothing_is_computed_for_nothing():
    def function(x):
        mg.exp(x)
        return x + 1.0

    assert operations(function, X) == ["add"]


def test_random_draws_are_neither_merged_nor_dropped():
    rng = np.random.default_rng(0)

    def function(x):
        mg.random_uniform(shape=(2,), generator=rng)
        return x, mg.random_uniform(shape=(2,), generator=rng) + mg.random_uniform(shape=(2,), generator=rng)

    assert operations(function, X).count("random_uniform") == 3


def test_constants_are_computed_beforehand_but_not_made_larger():
    def function(x):
        half = mg.exp(mg.constant([0.0])) / 2.0
        return x * half, x + mg.broadcast_to(mg.constant([[1.0]]), (2, 3, 4))

    assert operations(function, X) == ["multiply", "add"]
    (times, plus) = (node for node in rewritten(mg.graph.trace(function, X)).graph if node.op)
    assert times.inputs[1] == 0.5
    assert plus.inputs[1] == 1.0


def test_what_no_grad_computed_outside_is_no_constant():
    weight = mg.Tensor([1.0, 2.0])
    with mg.no_grad():
        part = weight[:1]
    step = mg.compile(lambda x: x * part)
    assert step(np.ones(2)).tolist() == [1.0, 1.0]
    mg.assign(weight, [5.0, 2.0])
    assert step(np.ones(2)).tolist() == [5.0, 5.0]


def test_a_mask_that_no_grad_computed_outside_may_change():
    buffer = mg.Tensor([[True, True, True]])
    with mg.no_grad():
        mask = buffer[:, :2]
    step = mg.compile(lambda x: mg.softmax(x, mask))
    assert step(np.zeros((1, 2))).tolist() == [[0.5, 0.5]]
    mg.assign(buffer, [[True, False, True]])
    assert step(np.zeros((1, 2))).tolist() == [[1.0, 0.0]]


def test_numbers_of_another_type_stay_arrays():
    wide = mg.constant(np.float64(0.1))
    assert mg.compile(lambda x: x * wide)(np.ones(2, np.float32)).dtype == np.float64


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_the_sign_of_zero_is_kept(zero):
    x = np.array([zero])
    for function in (lambda x: x + 0.0, lambda x: x - 0.0, lambda x: x * 1.0, lambda x: x - (-x), lambda x: 0.0 - x):
        assert np.signbit(mg.compile(function)(x).numpy()) == np.signbit(function(mg.Tensor(x)).numpy())


@pytest.fixture
def steady():
    """A user's op that is called as one that programs make for themselves."""

    @mg.op(formula="2 x")
    def steady(x):
        return x * 2.0

    yield steady
    del mg.registry["steady"]


def test_a_users_op_is_not_taken_for_one_of_the_same_name_that_programs_make(steady):
    def function(logits, targets):
        return steady(logits), mg.cross_entropy(logits, targets), mg.softmax(logits)

    twice, loss, probabilities = mg.compile(function)(ROWS, TARGETS)
    np.testing.assert_array_equal(twice, 2.0 * ROWS)
    np.testing.assert_allclose(loss.item(), mg.cross_entropy(mg.Tensor(ROWS), TARGETS).item(), rtol=1e-13)
    np.testing.assert_allclose(probabilities, mg.softmax(ROWS), rtol=1e-13)


@pytest.mark.parametrize("size", [0, 1, 2**13, 2**13 + 1])
def test_constants_are_known_by_what_they_hold(size):
    array = np.arange(float(size))
    equal, other = array.copy(), np.concatenate([array[:-1], [-1.0]])
    keys = {rewrite.key_of_array(x) for x in (array, equal, np.repeat(array, 2)[::2])}
    assert len(keys) == 1
    assert not keys & {
        rewrite.key_of_array(x) for x in (other, array[None], array.astype(np.float32), array.view("i8"))
    }


def test_what_is_seen_in_another_order_is_computed_as_it_lies():
    x, y = RNG.standard_normal((2, 3, 4, 5))
    order = (2, 0, 1)
    turned = rewritten(mg.trace(lambda x, y: mg.exp(x.transpose(order) * y.transpose(order)) * 2.0, x, y)).graph
    assert [node.op for node in turned if node.op] == ["multiply", "exp", "multiply", "transpose"]
    np.testing.assert_array_equal(turned.run(x, y), np.exp(x * y).transpose(order) * 2.0)
    for function in (
        lambda x, y: x.transpose(order) * y.reshape(5, 3, 4),  # which lies in another order
        lambda x, y: x.transpose((1, 0, 2)) * 2.0,  # of which rows are rows
    ):
        graph = rewritten(mg.trace(function, x, y)).graph
        assert [node.op for node in graph if node.op][-1] == "multiply"
