"""C1: what flows back through a choice that was not taken is exactly 0, whatever lies behind it, at every order."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.strong import strong_sums, strongly_divided, strongly_multiplied

INF, NAN = np.inf, np.nan
BEHIND = np.array([[1.0, 2.0], [3.0, 4.0]])


def fixed(values):
    """A constant, also while a function is captured."""
    return mg.constant(np.array(values))


def entropy(scores):
    """Of attention; a weight of 0 has an infinite logarithm."""
    weights = mg.softmax(scores, where=fixed([[True, False], [True, True]]))
    return -mg.sum(mg.where(weights > 0.0, weights * mg.log(weights), 0.0))


CASES = {
    "entropy of masked weights": (entropy, BEHIND, [[0, 0], [0.196612, -0.196612]]),
    "a product of poles": (lambda x: mg.where(x > 0.0, mg.sqrt(x) * mg.log(x), 0.0), [0, 4], [0, 0.846574]),
    "a product of infinities": (lambda x: mg.where(mg.isfinite(x), x * x, 0.0), [INF, 4], [0, 8]),
    "a square": (lambda x: mg.where(mg.isfinite(x), mg.square(x), 0.0), [INF, 4], [0, 8]),
    "an index": (lambda x: (x * x)[1:], [INF, 2], [0, 4]),
    "a mask as index": (lambda x: (x * x)[fixed([False, True])], [INF, 2], [0, 4]),
    "relu": (lambda x: mg.relu(x**3), [-INF, 2], [0, 12]),
    "leaky_relu without a slope": (lambda x: mg.leaky_relu(x**3, slope=0.0), [-INF, 2], [0, 12]),
    "maximum": (lambda x: mg.maximum(x * x * x, 1.0), [-INF, 2], [0, 12]),
    "minimum": (lambda x: mg.minimum(x * x, 9.0), [INF, 2], [0, 4]),
    "clip": (lambda x: mg.clip(x * x, 0.0, 9.0), [INF, 2], [0, 4]),
    "max": (lambda x: mg.max(x * x * x), [-INF, 2], [0, 12]),
    "min": (lambda x: mg.min(x * x), [INF, 2], [0, 4]),
    "take_along_axis": (lambda x: mg.take_along_axis(x * x, fixed([1]), axis=0), [INF, 2], [0, 4]),
    "the smallest after sorting": (lambda x: mg.sort(x * x)[0], [INF, 2], [0, 4]),
    "a masked softmax": (lambda x: mg.softmax(x * x, where=fixed([False, True]))[1] * 0.0 + x[1], [INF, 2], [0, 1]),
    "set_at": (lambda x: mg.set_at(x * x, 0, 0.0), [INF, 2], [0, 4]),
    "a matrix": (lambda x: (x @ fixed(BEHIND))[1:], [[INF, NAN], [1, 2]], [[0, 0], [3, 7]]),
    "a matrix from the right": (lambda x: (fixed(BEHIND) @ x)[:, 1:], [[INF, 1], [NAN, 2]], [[0, 4], [0, 6]]),
    "linear": (lambda x: mg.linear(x, x, fixed([0.0, 0.0]))[0, 0] + x[1, 1], [[1, 0], [2, INF]], None),
    "vecdot": (lambda x: mg.vecdot(x, x)[1:], [[INF, NAN], [1, 2]], [[0, 0], [2, 4]]),
    "outer": (lambda x: mg.outer(x, x)[1, 1], [INF, 2], [0, 4]),
    "einsum": (lambda x: mg.einsum("i,j,ij->ij", x, x, fixed(BEHIND))[1, 1], [NAN, 2], [0, 16]),
    "prod": (lambda x: mg.prod(mg.reshape(x, (2, 2)), axis=1)[1:], [INF, 0, 2, 3], [0, 0, 3, 2]),
    "cumprod": (lambda x: mg.cumprod(x)[:2], [2, 3, INF], [4, 2, 0]),
    "a recurrence": (lambda x: mg.linear_recurrence(x, x)[:2], [2, 3, INF], [4, 3, 0]),
    "divide": (lambda x: mg.where(x > 1.0, 1.0 / x / x, 0.0), [0, 2], [0, -0.25]),
    "a class": (lambda x: mg.cross_entropy((x * x)[:, :2], fixed([1])), [[0, 1, INF]], [[0, -0.537883, 0]]),
    "a row of an embedding": (lambda x: mg.embedding(x * x, fixed([1])), [[INF, NAN], [1, 2]], [[0, 0], [2, 4]]),
    "an ignored target": (
        lambda x: mg.cross_entropy(x * x, fixed([7, 1]), ignore_index=7), [[INF, 1], [1, 2]],
        [[0, 0], [0.094852, -0.189703]],
    ),
    "dropped": (lambda x: mg.dropout(x * x, 1.0, np.random.default_rng(0)) + x, [INF, 2], [1, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_C1_what_a_choice_did_not_take_gives_exactly_0(name):
    function, x, expected = CASES[name]
    x = np.array(x, float)
    with np.errstate(all="ignore"):
        _, (gradient,) = mg.vjp(lambda x: mg.sum(function(x)), [x])
    if expected is None:  # a sum of which parts are infinite: no NaN is all there is to say
        assert not np.isnan(gradient.numpy()).any()
        return
    assert gradient.numpy().round(6).tolist() == np.array(expected, float).tolist()


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][2] is not None])
def test_C1_the_same_when_recorded_kept_and_differentiated_again(name):
    function, values, expected = CASES[name]
    x = mg.Tensor(np.array(values, float), requires_grad=True)
    with np.errstate(all="ignore"):
        y = mg.sum(function(x))
        recorded = mg.grad(y, x, create_graph=True)
        y.backward(keep=True)
        explained = mg.explain_grad(y, x).gradient
        for gradient in (recorded.numpy(), x.grad, explained):
            assert gradient.round(6).tolist() == np.array(expected, float).tolist()
        total = sum(step.value for step in y.trail if step.target == x.id)
        assert np.asarray(total).round(6).tolist() == np.array(expected, float).tolist()
        gradient = recorded
        for _ in range(2):
            if not gradient.requires_grad:
                break
            gradient = mg.grad(mg.sum(gradient * np.cos(1.0 + np.arange(x.size)).reshape(x.shape)), x,
                               create_graph=True, unused="zero")  # fmt: skip
            assert not np.isnan(gradient.numpy()).any()
            left_out = ~np.isfinite(x.numpy())
            assert not gradient.numpy()[left_out].any()


def test_C1_rows_of_a_jacobian_are_choices():
    with np.errstate(all="ignore"):
        (square,) = mg.jacobian(lambda x: x * x, [[INF, 2.0]])
        (product,) = mg.jacobian(lambda x: x @ np.array([[1.0, 0.0], [0.0, 1.0]]), [[[1.0, 2.0], [INF, NAN]]])
    assert square.tolist() == [[INF, 0.0], [0.0, 4.0]]
    assert product.numpy().reshape(4, 4).tolist() == np.eye(4).tolist()


def test_C1_products_along_directions():
    def chosen(x):
        return mg.sum(mg.where(x > 0.0, mg.sqrt(x) * mg.log(x), 0.0))

    with np.errstate(all="ignore"):
        _, change = mg.jvp(chosen, [[0.0, 4.0]], [[1.0, 1.0]])
        _, (product,) = mg.hvp(chosen, [[0.0, 4.0]], [[1.0, 1.0]])
        ((hessian,),) = mg.hessian(chosen, [[0.0, 4.0]])
    slope = (np.log(4) / 2 + 1) / 2
    curvature = -np.log(4) / 32
    assert float(change) == pytest.approx(slope)
    assert product.tolist() == pytest.approx([0.0, curvature])
    assert hessian.tolist() == [[0.0, 0.0], [0.0, pytest.approx(curvature)]]


def test_C1_attention_by_blocks_does_not_see_what_it_left_out():
    rng = np.random.default_rng(0)
    query, key, value = rng.standard_normal((3, 4, 2))
    value[-1] = INF  # which only the last query may see

    def attend(block):
        def function(*given):
            return mg.sum(mg.scaled_dot_product_attention(*given, causal=True, block=block)[:-1])

        with np.errstate(all="ignore"):
            return mg.vjp(function, [query, key, np.where(np.isfinite(value), value, 0.0)])[1], mg.vjp(
                function, [query, key, value]
            )[1]

    for expected, found in zip(*attend(2), strict=True):
        np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-12)


def test_C1_a_gradient_that_is_no_number_stays_so():
    x = mg.Tensor([1.0, NAN, 2.0], requires_grad=True)
    with np.errstate(all="ignore"):
        gradient = mg.grad(mg.sum(x * x * np.array([1.0, 1.0, INF])), x)
        lost = mg.grad(mg.sum((x - x) * INF), x)
    assert str(gradient.tolist()) == "[2.0, nan, inf]"
    assert np.isnan(lost.numpy()).all()


def test_C1_detect_anomaly_reports_where_0_was_chosen():
    x = mg.Tensor([0.0, 4.0], requires_grad=True)
    with np.errstate(all="ignore"), mg.detect_anomaly(infinities=False) as found:
        y = mg.where(x > 0.0, mg.log(x) * (x + 1.0), 0.0)
        y.sum().backward()
    zeros = [(zero.op, zero.argument, zero.count) for zero in found.strong_zeros]
    assert zeros == [("multiply", "x2", 1), ("log", "x", 1)]
    assert x.grad.tolist() == [0.0, pytest.approx(5 / 4 + np.log(4))]


# --- the products themselves ------------------------------------------------------------------------------------------

NUMBERS = [0.0, -0.0, 1.0, -2.0, INF, -INF, NAN]


def strong(a, b):
    return 0.0 if (a == 0 or b == 0) and np.isnan(a * b) else a * b


@pytest.mark.parametrize("a", NUMBERS)
@pytest.mark.parametrize("b", NUMBERS)
def test_C1_a_strong_product_is_the_product_or_0(a, b):
    with np.errstate(all="ignore"):
        np.testing.assert_equal(strongly_multiplied(np.array([a]), b), [strong(a, b)])
        quotient = np.float64(a) / np.float64(b)
        expected = 0.0 if np.isnan(quotient) and (a == 0 or np.isinf(b)) else quotient
        np.testing.assert_equal(strongly_divided(np.array([a]), np.array([b])), [expected])


@pytest.mark.parametrize("seed", range(200))
def test_C1_strong_sums_are_sums_of_strong_products(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.choice(NUMBERS, (3, 4)), rng.choice(NUMBERS, (4, 2))
    if seed % 2:
        a[rng.random(a.shape) < 0.7], b[rng.random(b.shape) < 0.7] = 0.0, 1.5
    with np.errstate(all="ignore"):
        expected = [[sum(strong(*pair) for pair in zip(row, column, strict=True)) for column in b.T] for row in a]
        np.testing.assert_equal(strong_sums(np.matmul, a, b), np.array(expected))
