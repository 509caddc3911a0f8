"""Softmax and one attention head: the gradient of each order against finite differences of the order before."""

import numpy as np
import pytest

import minigrad as mg


def head(query, key, value):
    return mg.scaled_dot_product_attention(query, key, value, causal=True)


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize(
    ("function", "shapes"), [(mg.softmax, [(3,)]), (head, [(3, 2), (3, 2), (3, 2)])], ids=["softmax", "attention"]
)
def test_each_order_agrees_with_differences_of_the_order_before(function, shapes, order):
    rng = np.random.default_rng(order)
    report = mg.check_gradients(function, [rng.standard_normal(shape) for shape in shapes], order=order)
    assert report.passed
    assert report.order == order
    assert report.worst.error < 1e-7


@pytest.mark.parametrize("order", [1, 2, 3])
def test_each_order_is_a_graph_that_computes_what_it_shows(order):
    scores = mg.Tensor([1.0, 0.0, -1.0], requires_grad=True, name="scores")
    result = mg.softmax(scores)
    for _ in range(order):
        result = mg.grad(result, scores, cotangents=np.array([1.0, 2.0, 4.0]), create_graph=True)
    graph = mg.graph_of(result)
    assert max(node.order for node in graph) == order
    np.testing.assert_array_equal(graph.run(), result.numpy())
