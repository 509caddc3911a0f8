"""What is needed in another order of its axes is computed there: no copies beside those that make BLAS faster."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn

RNG = np.random.default_rng(0)


def compared(function, *arrays):
    """The program of a function, after it gave what eager code gives."""
    step = mg.compile(function)
    for _ in range(2):
        for computed, expected in zip(step(*arrays), function(*map(mg.Tensor, arrays)), strict=True):
            np.testing.assert_allclose(computed.numpy(), expected.numpy(), rtol=2e-5, atol=1e-6)
    return step.source


def copies(text):
    return text.count("np.copyto(") + text.count("[...] = ")


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def merged(x):
    """(batch, heads, tokens, width) as (batch · tokens, heads · width)."""
    batch, heads, tokens, width = x.shape
    return mg.reshape(mg.transpose(x, (0, 2, 1, 3)), (batch * tokens, heads * width))


@pytest.mark.parametrize("axes", [(0, 2, 1, 3), (0, 3, 1, 2), (1, 0, 2, 3), (2, 3, 0, 1), (3, 2, 1, 0), (0, 1, 3, 2)])
@pytest.mark.parametrize("compute", [lambda x, y: x @ y, lambda x, y: x * 2.0, lambda x, y: mg.cumsum(x, axis=1)])
def test_a_result_in_any_order_of_its_axes(axes, compute):
    def function(x, y):
        return [mg.exp(mg.reshape(mg.transpose(compute(x, y), axes), (-1,)))]

    compared(function, normal(2, 3, 4, 5), normal(2, 3, 5, 5))


def test_products_and_elementwise_results_are_written_in_the_order_that_is_read():
    assert not copies(compared(lambda x, y: [mg.exp(merged(x @ y))], normal(2, 3, 4, 5), normal(2, 3, 5, 6)))
    assert not copies(compared(lambda x, y: [mg.exp(merged(x * y))], normal(2, 3, 4, 5), normal(2, 3, 4, 5)))
    text = compared(
        lambda x, y: [mg.exp(mg.reshape(mg.transpose(x @ y, (0, 3, 1, 2)), (-1, 3)))],
        normal(2, 3, 4, 5), normal(2, 3, 5, 6),
    )  # fmt: skip
    assert not copies(text)  # transposed matrices are what BLAS writes as well


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: (z := x @ y, [mg.exp(merged(z)), mg.tanh(z)])[1],  # read in its own order, too
        lambda x, y: (z := mg.transpose(x @ y, (0, 2, 1, 3)), [mg.reshape(z, (-1, 4)), mg.tanh(z)])[1],
        lambda x, y: [mg.exp(merged(mg.softmax(x @ y))), x],  # whose kernel needs its rows side by side
    ],
)
def test_what_is_read_otherwise_is_copied(function):
    text = compared(function, normal(2, 3, 4, 5), normal(2, 3, 5, 4))
    assert copies(text) == 1


def test_what_is_returned_keeps_its_own_memory():
    compared(lambda x, y: (z := x @ y, [mg.exp(merged(z)), z])[1], normal(2, 3, 4, 5), normal(2, 3, 5, 6))


def test_large_ones_are_cut_into_pieces_as_well():
    text = compared(lambda x, y: [mg.exp(merged((x * 0.02) @ y))], normal(16, 4, 64, 128), normal(16, 4, 128, 128))
    assert "for i in range(" in text


def test_one_head_split_and_merged_leaves_one_copy_each_way():
    """Of keys, and in the backward pass of values: second matrices that are transposed."""
    attention = nn.MultiHeadAttention(8, 2, dtype="float64", rng=np.random.default_rng(0))

    def function(x):
        out = attention(x)
        return [out, *mg.grad(mg.sum(out * out), list(attention.parameters()))]

    assert copies(compared(function, normal(3, 4, 8).astype(np.float64))) == 2
