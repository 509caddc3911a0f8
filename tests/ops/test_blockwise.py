"""Attention block by block: the plain form's values and derivatives, in memory that grows with the length alone."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.ops.kernels.blocks import count_pairs

attention = mg.scaled_dot_product_attention
BLOCKS = [1, 4, 7, 16, 100]  # of 16 queries and 11 keys: some divide the lengths, some do not, one holds everything

OPTIONS = {
    "plain": {},
    "causal": {"causal": True},
    "mask": {"mask": np.random.default_rng(5).random((2, 1, 16, 11)) < 0.5},
    "keys": {"mask": np.arange(11) < np.array([11, 3])[:, None, None, None]},
    "nothing": {"mask": (np.arange(16) % 3 > 0)[:, None], "causal": True},
    "bias": {"bias": np.random.default_rng(6).standard_normal((3, 16, 11)), "scale": 0.7},
    "all": {
        "mask": np.random.default_rng(5).random((16, 11)) < 0.5, "causal": True,
        "bias": np.random.default_rng(6).standard_normal((3, 1, 11)),
    },
}  # fmt: skip


def arrays(dtype=np.float64, lead=(2, 3), width=4, queries=16, keys=11):
    rng = np.random.default_rng(0)
    shapes = (queries, width), (keys, width), (keys, width), (queries, width)
    return [rng.standard_normal((*lead, *shape), np.float32).astype(dtype) for shape in shapes]


def derivatives(dtype, options, **block):
    """The context, its gradients, and the gradients of these along random directions."""
    *inputs, g = (Tensor(x, requires_grad=True) for x in arrays(dtype))
    bias = options.get("bias")
    if bias is not None:
        bias = Tensor(bias.astype(np.float32).astype(dtype), requires_grad=True)
        inputs.append(bias)
    context = attention(*inputs[:3], **{**options, "bias": bias}, **block)
    first = mg.grad(context, inputs, g, create_graph=True)
    rng = np.random.default_rng(9)
    directions = tuple(rng.standard_normal(x.shape, np.float32).astype(dtype) for x in first)
    second = mg.grad(tuple(first), [*inputs, g], directions)
    return [x.numpy() for x in (context, *first, *second)]


def require_close(actual, expected, tolerance):
    for a, e in zip(actual, expected, strict=True):
        np.testing.assert_allclose(a, e, rtol=0, atol=tolerance * max(1.0, np.max(np.abs(e), initial=0.0)))


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_values_and_derivatives_of_two_orders_are_those_of_the_plain_form(options, block, dtype, tolerance):
    """In float32 too they are compared with the plain form in float64, of the same numbers."""
    actual = derivatives(dtype, OPTIONS[options], block=block)
    assert {x.dtype for x in actual} == {np.dtype(dtype)}
    require_close(actual, derivatives(np.float64, OPTIONS[options]), tolerance)


@pytest.mark.parametrize("causal", [False, True])
def test_long_sequences_are_as_exact(causal):
    def value_and_gradients(dtype, **block):
        *inputs, g = arrays(dtype, (), 64, 600, 600)
        context, gradients = mg.vjp(lambda *x: attention(*x, causal=causal, **block), inputs, g)
        return [x.numpy() for x in (context, *gradients)]

    require_close(value_and_gradients(np.float32, block=128), value_and_gradients(np.float64), 1e-6)


def test_the_third_derivative_is_that_of_the_plain_form():
    query, key, value = (x[0, 0, :5] for x in arrays()[:3])

    def third(**block):
        x = Tensor(query, requires_grad=True)
        result = attention(x, key, value, causal=True, **block)
        for seed in range(3):
            result = mg.grad(result, x, np.random.default_rng(seed).standard_normal((5, 4)), create_graph=True)
        return result.numpy()

    np.testing.assert_allclose(third(block=2), third(), rtol=1e-12)


# --- numerics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("offset", [0.0, 1e4, -1e4, 300.0, -300.0])
@pytest.mark.parametrize("slope", [0.0, 25.0, -25.0])
def test_maxima_that_grow_and_fall_along_the_keys(offset, slope):
    """Whatever the size of the scores, and wherever along the keys the largest is, nothing overflows or vanishes."""
    *inputs, g = arrays(lead=())
    options = {"bias": offset + slope * np.arange(11.0), "mask": OPTIONS["all"]["mask"]}
    expected = mg.vjp(lambda *x: attention(*x, **options), inputs, g)
    actual = mg.vjp(lambda *x: attention(*x, **options, block=2), inputs, g)
    for a, e in zip([actual[0], *actual[1]], [expected[0], *expected[1]], strict=True):
        np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=0, atol=1e-11)


def test_N1_a_query_that_sees_nothing_gives_zeros_and_no_share_in_any_gradient():
    *inputs, g = arrays(lead=())
    mask = np.ones((16, 11), bool)
    mask[3] = False

    def gradients(row, cotangent):
        inputs[0][3], g[3] = row, cotangent
        context, found = mg.vjp(lambda *x: attention(*x, mask, block=4), inputs, g)
        assert not context.numpy()[3].any()
        assert not found[0].numpy()[3].any()
        return [x.tolist() for x in found]

    expected = gradients(0.0, 0.0)
    for row, cotangent in ((0.0, 1e300), (1e300, -7.0), (-3.0, 5.0)):
        assert gradients(row, cotangent) == expected


def test_N2_scores_of_minus_infinity_without_a_mask_are_nan_in_their_row_alone():
    query, key, value, _ = arrays(lead=())
    bias = np.zeros((16, 11))
    bias[5] = -np.inf
    context = attention(query, key, value, bias=bias, block=4)
    assert np.isnan(context[5]).all()
    assert np.isfinite(np.delete(context, 5, 0)).all()


def test_what_is_hidden_may_be_anything():
    query, key, value, _ = arrays(lead=())
    mask = np.arange(11) < 8
    expected = attention(query, key, value, mask, block=4)
    for bad in (np.nan, np.inf, -np.inf, 1e300):
        bias = np.where(mask, 0, bad)
        np.testing.assert_array_equal(attention(query, key, value, mask, bias=bias, block=4), expected)


def test_N35_scores_far_apart_attend_to_one_key():
    inputs = [np.array([[1e4]]), np.array([[1.0], [0.0], [-1.0]]), np.array([[1.0], [2.0], [4.0]])]
    context, gradients = mg.vjp(lambda *x: attention(*x, block=1), inputs, np.ones((1, 1)))
    assert context.tolist() == [[1.0]]
    assert [x.tolist() for x in gradients] == [[[0.0]], [[0.0]] * 3, [[1.0], [0.0], [0.0]]]


def test_float16_is_computed_in_float32():
    inputs = [x.astype(np.float16) for x in arrays(lead=())[:3]]
    context = attention(*inputs, block=4)
    assert context.dtype == np.float16
    np.testing.assert_allclose(context, attention(*(x.astype(np.float64) for x in inputs)), atol=2e-3)
    wide, g = [x.astype(np.float32) for x in inputs], np.ones(context.shape, np.float16)
    expected, gradients = mg.vjp(lambda *x: attention(*x, block=4), wide, g.astype(np.float32))
    np.testing.assert_array_equal(context, expected.astype(np.float16))  # rounded once, at the end
    _, found = mg.vjp(lambda *x: attention(*x, block=4), inputs, g)
    for ours, theirs in zip(found, gradients, strict=True):
        np.testing.assert_array_equal(ours, theirs.astype(np.float16))


def test_blocks_that_are_wholly_hidden_by_causality_are_left_out():
    """What comes after the last query of a block is never read: it may be NaN, which no mask lets through otherwise."""
    query, key, value, _ = arrays(lead=(), keys=16)
    expected = attention(query[:8], key, value, causal=True, block=4)
    value[8:] = np.nan
    np.testing.assert_array_equal(attention(query[:8], key, value, causal=True, block=4), expected)
    assert np.isnan(attention(query[:8], key, value, causal=True)).all()
    assert count_pairs(16, 16, 4, causal=True) == 16 * (1 + 2 + 3 + 4)
    assert count_pairs(16, 16, 4, causal=False) == count_pairs(16, 16, 100, causal=True) == 16 * 16


def test_floating_point_operations_are_those_of_the_products_and_of_the_passes_over_the_scores():
    x = Tensor(np.ones((2, 3, 38, 4)), requires_grad=True)
    context = mg.blockwise_attention(x, queries=16, block=4)
    costs = mg.graph_of(mg.grad(context, x, np.ones(context.shape), create_graph=True)).cost().by_op
    assert costs["blockwise_attention_gradient"].flops == 6 * 16 * 11 * (5 * 2 * 4 + 5)
    assert context.graph().cost().total.flops == 6 * 16 * 11 * (2 * 2 * 4 + 1)


# --- memory, graphs, programs -----------------------------------------------------------------------------------------


def test_memory_grows_with_the_length_and_not_with_its_square():
    def peak(length):
        *inputs, g = arrays(np.float32, (), 8, length, length)
        tracemalloc.start()
        mg.vjp(lambda *x: attention(*x, block=64), inputs, g)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(64)
    assert peak(2048) < 2.3 * peak(1024)
    assert peak(2048) < 2048 * 2048  # a quarter of one array of scores


def test_the_graph_has_one_node_for_the_context_and_one_for_all_gradients():
    query, key, value, g = (Tensor(x, requires_grad=True) for x in arrays())
    context = attention(query, key, value, block=4)
    graph = mg.graph_of((context, mg.grad(context, (query, key, value), g, create_graph=True)))
    assert [node.op for node in graph if node.op and not node.order] == [
        "multiply",
        "concatenate",
        "blockwise_attention",
    ]
    assert graph.find("attention/tokens").shape == (2, 3, 38, 4)
    assert graph.find("attention/context").op == "blockwise_attention"
    assert graph.stats().operations["blockwise_attention_gradient"] == 1


def test_without_a_block_the_graph_is_that_of_the_plain_form():
    query, key, value = (Tensor(x, requires_grad=True) for x in arrays()[:3])
    plain = str(attention(query, key, value, causal=True).graph())
    assert str(attention(query, key, value, causal=True, block=None).graph()) == plain
    assert "blockwise" not in plain


def test_values_of_another_width_and_leading_axes_that_are_shared():
    query, key, _, _ = arrays()
    for value_width in (1, 4, 9):
        wide = np.random.default_rng(1).standard_normal((11, value_width))
        for k in (key, key[:1], key[0, 0]):
            expected = attention(query, k, wide)
            np.testing.assert_allclose(attention(query, k, wide, block=5), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("options", OPTIONS)
def test_compiled_programs_compute_the_same(options):
    *inputs, g = arrays()
    given = {name: x for name, x in OPTIONS[options].items() if isinstance(x, np.ndarray)}
    fixed = {name: x for name, x in OPTIONS[options].items() if name not in given}

    def step(query, key, value, g, given):
        context = attention(query, key, value, **given, **fixed, block=4)
        return context, *mg.grad(context, (query, key, value), g)

    arguments = *(Tensor(x, requires_grad=True) for x in inputs), g, given
    for a, e in zip(mg.compile(step)(*arguments), step(*arguments), strict=True):
        np.testing.assert_allclose(a.numpy(), e.numpy(), rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(("block", "error"), [(0, ValueError), (-1, ValueError), (2.0, TypeError), (True, TypeError)])
def test_blocks_that_are_no_positive_integers_are_refused(block, error):
    query, key, value, _ = arrays()
    message = rf"block={block}: expected an integer, at least 1"
    with pytest.raises(error, match=message):
        attention(query, key, value, block=block)
    with pytest.raises(error, match=message):
        mg.nn.MultiHeadAttention(4, 2, rng=np.random.default_rng(0), block=block)


def test_a_numpy_integer_is_a_block():
    query, key, value, _ = arrays()
    expected = attention(query, key, value, block=4)
    np.testing.assert_array_equal(attention(query, key, value, block=np.int64(4)), expected)
