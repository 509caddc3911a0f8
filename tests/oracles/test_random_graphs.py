"""1,000 random expression graphs against JAX: value, gradients, and Hessian-vector products.

A graph is data, a list of steps drawn from a seed; an operation is said once, and both libraries run it. While a graph
is drawn the value of every node is known, and an operation is taken only where it is smooth and well-conditioned:
logarithms and divisions away from 0, maxima away from ties, nothing large. So every graph that is drawn counts.
"""

import itertools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg

jax = pytest.importorskip("jax", reason="JAX is not installed: pip install jax==0.10.2")
jnp = jax.numpy

TESTS, GRAPHS_A_TEST = 20, 50
STEPS = 10
SHAPES = [(), (2,), (3,), (2, 1), (2, 2), (2, 3), (3, 2), (2, 2, 3)]  # of all nodes: few, so that JAX compiles little
LARGEST = 8.0  # of all values


class Step(NamedTuple):
    """One node: an operation of the table on earlier nodes, by their numbers."""

    operation: str
    nodes: tuple[int, ...]
    params: dict[str, Any]


class RandomGraph(NamedTuple):
    """First the leaves, then the steps, numbered on; the result is Σ weights · node over the nodes that nobody used."""

    seed: int
    leaves: list[np.ndarray]
    steps: list[Step]
    weights: dict[int, np.ndarray]
    tangents: list[np.ndarray]

    def __str__(self) -> str:
        lines = [f"%{i} = leaf {leaf.shape} {leaf.tolist()}" for i, leaf in enumerate(self.leaves)]
        for i, (operation, nodes, params) in enumerate(self.steps, len(self.leaves)):
            arguments = [f"%{node}" for node in nodes] + [f"{name}={value}" for name, value in params.items()]
            lines.append(f"%{i} = {operation}({', '.join(arguments)})")
        result = " + ".join(f"sum(%{i} * {weight.tolist()})" for i, weight in self.weights.items())
        return "\n".join([f"the graph of seed {self.seed}", *lines, f"result = {result}"])

    def result(self, library, *leaves):
        """The graph, run by minigrad or by JAX."""
        nodes = list(leaves)
        for operation, numbers, params in self.steps:
            nodes.append(OPERATIONS[operation].compute(library, *(nodes[i] for i in numbers), **params))
        return sum(library.sum(nodes[i] * weight) for i, weight in self.weights.items())


# --- the tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", range(0, TESTS * GRAPHS_A_TEST, GRAPHS_A_TEST))
def test_random_graphs_have_the_value_gradients_and_hessian_vector_products_of_jax(first, assert_agree):
    for seed in range(first, first + GRAPHS_A_TEST):
        compare(drawn(seed), assert_agree)


def test_a_wrong_rule_is_found_and_the_graph_is_printed(assert_agree, monkeypatch):
    graph = next(graph for graph in map(drawn, itertools.count()) if "tanh" in [step.operation for step in graph.steps])
    monkeypatch.setitem(mg.tanh.by_position, 0, lambda g, y, x: g * y)
    with pytest.raises(AssertionError, match="gradients") as caught:
        compare(graph, assert_agree)
    assert f"the graph of seed {graph.seed}" in caught.value.__notes__[0]
    assert " = tanh(%" in caught.value.__notes__[0]


def test_the_graphs_use_every_operation_and_most_use_a_node_more_than_once():
    graphs = [drawn(seed) for seed in range(TESTS * GRAPHS_A_TEST)]
    operations = [step.operation for graph in graphs for step in graph.steps]
    assert min(operations.count(name) for name in OPERATIONS) >= 30
    uses = [[node for step in graph.steps for node in step.nodes] for graph in graphs]
    assert sum(len(set(nodes)) < len(nodes) for nodes in uses) >= 0.95 * len(graphs)


def compare(graph, assert_agree):
    parts = "value", "gradients", "Hessian-vector products"
    try:
        for part, actual, expected in zip(parts, by_minigrad(graph), by_jax(graph), strict=True):
            assert all(np.isfinite(array).all() for array in actual), f"{part}: not finite"
            assert_agree(part, actual, expected)
    except BaseException as error:
        error.add_note(str(graph))
        raise


def by_minigrad(graph):
    def function(*leaves):
        return graph.result(mg, *leaves)

    value, gradients = mg.vjp(function, graph.leaves)
    _, products = mg.hvp(function, graph.leaves, graph.tangents)
    return [[t.numpy() for t in tensors] for tensors in ([value], gradients, products)]


def by_jax(graph):
    def function(leaves):
        return graph.result(jax_names, *leaves)

    with jax.enable_x64(True):
        leaves, tangents = (list(map(jnp.asarray, arrays)) for arrays in (graph.leaves, graph.tangents))
        (value, gradients), (_, products) = jax.jvp(jax.value_and_grad(function), [leaves], [tangents])
    return [value], gradients, products


# --- the operations ---------------------------------------------------------------------------------------------------

jax_names = SimpleNamespace(
    **{name: getattr(jnp, name) for name in dir(jnp)},
    **{name: getattr(jax.nn, name) for name in ("log_softmax", "logsumexp", "relu", "sigmoid", "softmax", "softplus")},
    erf=jax.scipy.special.erf,
    erfc=jax.scipy.special.erfc,
    gelu=lambda x: jax.nn.gelu(x, approximate=False),
    layer_norm=lambda x: jax.nn.standardize(x, axis=-1, epsilon=1e-5),
)


class Operation(NamedTuple):
    """How it is said, the values it takes, and its parameters, drawn for the shape of the first of them."""

    compute: Callable[..., Any]
    admits: Callable[..., Any] = lambda *values: True
    params: Callable[[np.random.Generator, tuple[int, ...]], dict[str, Any]] = lambda rng, shape: {}
    arity: int = 1


def between(low, high):
    return lambda x: low < np.min(x) and np.max(x) < high


def smooth(x):
    """Away from 0, where it has its kink."""
    return np.min(np.abs(x)) > 0.01


def pair(admits=lambda x, y: True):
    """Two arrays that can be broadcast together, and that the operation takes."""
    return lambda x, y: broadcast(x.shape, y.shape) and admits(x, y)


def broadcast(*shapes):
    """Whether they can be broadcast together."""
    lengths = itertools.zip_longest(*map(reversed, shapes), fillvalue=1)
    return all(len(set(at_one_axis) - {1}) <= 1 for at_one_axis in lengths)


def apart(x):
    """No two elements nearly equal: the largest one, and the order, are clear."""
    return x.size == 1 or np.min(np.diff(np.sort(x, None))) > 0.01


def spread(x):
    return x.ndim and x.shape[-1] > 1 and np.min(np.std(x, -1)) > 0.2


def products_fit(x, y):
    return x.ndim and y.ndim and x.shape[-1] == y.shape[max(-2, -y.ndim)] and broadcast(x.shape[:-2], y.shape[:-2])


def axis_and_keepdims(rng, shape):
    chosen = rng.permutation(len(shape))[: rng.integers(len(shape) + 1)]
    axis = tuple(int(a) - len(shape) * int(rng.integers(2)) for a in chosen)
    return {"axis": None if not axis else axis[0] if len(axis) == 1 else axis, "keepdims": bool(rng.integers(2))}


def one_axis(rng, shape):
    return {"axis": int(rng.integers(-len(shape), len(shape)))}


def permutation(rng, shape):
    return {"axes": tuple(int(a) for a in rng.permutation(len(shape)))}


def new_shape(rng, shape):
    return {"shape": [(-1,), shape[::-1], (1, *shape), (shape[0], -1) if shape else (1, 1)][rng.integers(4)]}


def key(rng, shape):
    """An entry for each axis: an integer, a slice, a slice backwards, or integers with repeats in an array."""
    entries = []
    for n in shape[: rng.integers(len(shape) + 1)]:
        at = int(rng.integers(-n, n))
        entries.append([at, slice(None, None, -1), slice(n // 2, None), slice(None)][rng.integers(4)])
    if rng.integers(2) and shape:
        entries[:1] = [rng.integers(-shape[0], shape[0], 3)]
    return {"key": (*entries, ...)}


def named(*names, admits=lambda *values: True, **record):
    """Operations that both libraries have under the same name, with the same arguments."""

    def operation(name):
        return Operation(lambda library, *xs, **params: getattr(library, name)(*xs, **params), admits, **record)

    return {name: operation(name) for name in names}


OPERATIONS = {
    **named("sin", "cos", "arctan", "tanh", "sigmoid", "softplus", "erf", "erfc", "gelu", "negative", "square"),
    **named("exp", "expm1", admits=between(-8, 2)),
    **named("log", "sqrt", "reciprocal", admits=between(0.3, 8)),
    **named("log1p", admits=between(-0.7, 8)),
    **named("absolute", "relu", admits=smooth),
    "cube": Operation(lambda library, x: x**3),
    "root": Operation(lambda library, x: x**1.5, between(0.3, 8)),
    "half": Operation(lambda library, x: 1.5 - x / 2),
    **named("add", "subtract", "multiply", "logaddexp", admits=pair(), arity=2),
    **named("divide", admits=pair(lambda x, y: np.min(np.abs(y)) > 0.3), arity=2),
    **named("power", admits=pair(lambda x, y: np.min(x) > 0.3), arity=2),
    **named("maximum", "minimum", admits=pair(lambda x, y: smooth(x - y)), arity=2),
    "where": Operation(
        lambda library, x, y, z: library.where(x > 0, y, z),
        lambda x, y, z: smooth(x) and broadcast(x.shape, y.shape, z.shape), arity=3,
    ),
    "clip": Operation(lambda library, x: library.clip(x, -0.5, 0.7), lambda x: smooth(x + 0.5) and smooth(x - 0.7)),
    **named("sum", "mean", "prod", "logsumexp", params=axis_and_keepdims),
    **named("max", "min", admits=apart, params=axis_and_keepdims),
    **named("var", params=axis_and_keepdims),
    "std": Operation(lambda library, x: library.std(x, axis=-1), spread),
    **named("softmax", "log_softmax", "cumsum", "cumprod", admits=np.ndim, params=one_axis),
    **named("layer_norm", admits=spread),
    **named("matmul", admits=products_fit, arity=2),
    **named("transpose", params=permutation),
    **named("reshape", params=new_shape),
    **named("tril", admits=lambda x: x.ndim > 1),
    **named("sort", admits=lambda x: x.ndim and apart(x), params=one_axis),
    "index": Operation(lambda library, x, key: x[key], params=key),
    "stack": Operation(lambda library, x, y: library.stack([x, y]), lambda x, y: x.shape == y.shape, arity=2),
    "concatenate": Operation(
        lambda library, x, y: library.concatenate([x, y], axis=-1),
        lambda x, y: x.ndim and x.ndim == y.ndim and x.shape[:-1] == y.shape[:-1], arity=2,
    ),
}  # fmt: skip


# --- drawing a graph --------------------------------------------------------------------------------------------------


def drawn(seed):
    rng = np.random.default_rng(seed)
    shapes = [SHAPES[i] for i in rng.integers(len(SHAPES), size=3)]
    leaves = [np.asarray(rng.uniform(-2, 2, shape)) for shape in shapes]
    values, steps = list(leaves), []
    while len(steps) < STEPS:
        name = list(OPERATIONS)[rng.integers(len(OPERATIONS))]
        for step, value in (tried(rng, name, values) for _ in range(20)):
            if value is not None:
                steps.append(step)
                values.append(value)
                break
    used = {number for step in steps for number in step.nodes}
    weights = {i: np.asarray(rng.standard_normal(x.shape)) for i, x in enumerate(values) if i not in used}
    tangents = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    return RandomGraph(seed, leaves, steps, weights, tangents)


def tried(rng, name, values):
    """One more step, and its value; None where the operation does not take what it was given, or makes it too large."""
    operation = OPERATIONS[name]
    back = rng.random(operation.arity) ** 2  # more often the last nodes, so that graphs are deep, but any node again
    nodes = tuple(len(values) - 1 - int(share * len(values)) for share in back)
    arguments = [values[i] for i in nodes]
    if not operation.admits(*arguments):
        return None, None
    step = Step(name, nodes, operation.params(rng, arguments[0].shape))
    value = np.asarray(operation.compute(mg, *arguments, **step.params))
    return step, value if value.shape in SHAPES and np.max(np.abs(value)) <= LARGEST else None
