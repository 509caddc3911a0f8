"""What the demo shows of the engine: three tokens worked by hand, a block that is checked, a head and its gradient."""

from __future__ import annotations

import numpy as np

import minigrad as mg
from minigrad import ops
from minigrad.checks import GradientReport, check_gradients
from minigrad.core.arrays import Array
from minigrad.graph import Graph
from minigrad.graph.numbers import format_number
from minigrad.nn import TransformerBlock


def three_tokens() -> dict[str, mg.Tensor]:
    """Attention of one query to three tokens that are keys and values, unscaled; every node with its gradient.

    >>> weights = three_tokens()["weights"]
    >>> format_array(weights.numpy()), format_array(weights.grad)
    ('[0.6652, 0.2447, 0.09003]', '[1, 1, -2]')
    """
    embeddings = mg.Tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], requires_grad=True, name="embeddings")
    query = mg.Tensor([1.0, 0.0], requires_grad=True, name="query")
    scores = embeddings @ query
    weights = ops.softmax(scores)
    context = weights @ embeddings
    loss = ops.sum(context)
    nodes = {"embeddings": embeddings, "query": query, "scores": scores, "weights": weights, "context": context,
             "loss": loss}  # fmt: skip
    for name, node in nodes.items():
        node.name = name
    loss.backward(keep=True)
    return nodes


def format_array(array: Array) -> str:
    """An array on one line, its numbers as pictures write them.

    >>> format_array(np.array([[1.0, -0.0], [0.66524096, 0.5]]))
    '[[1, 0], [0.6652, 0.5]]'
    """
    return "[" + ", ".join(map(format_array, array)) + "]" if array.ndim else format_number(array)


def check_block() -> GradientReport:
    """The gradients of a causal transformer block with two heads, for its input and all its parameters, to order 2."""
    rng = np.random.default_rng(0)
    block = TransformerBlock(8, 2, hidden=16, causal=True, activation="gelu", dtype=np.float64, rng=rng)
    parameters = dict(block.named_parameters())
    return check_gradients(lambda x: block(x), [rng.standard_normal((4, 8))], 2, parameters=parameters)


def one_head() -> Graph:
    """One head of causal attention over three tokens, and the graph of its gradient."""
    rng = np.random.default_rng(0)
    names = ("query", "key", "value")
    query, key, value = (mg.Tensor(rng.standard_normal((3, 2)), requires_grad=True, name=name) for name in names)
    loss = ops.sum(ops.square(ops.scaled_dot_product_attention(query, key, value, causal=True)))
    loss.name = "loss"
    return mg.graph_of(loss, gradients=True)
