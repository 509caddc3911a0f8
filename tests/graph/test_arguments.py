"""Dictionaries among the arguments are taken by their keys, whatever their order, or refused."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph.arguments import flatten, strip

A, B, C, X = np.array([1.0, 2.0]), np.array([30.0, 40.0]), np.array([500.0, 600.0]), np.array([7.0, 11.0])
PARAMETERS = {"weight": A, "bias": B, "rest": [C, {"last": A + 0.5, "first": B + 0.5}]}
OTHERS = {
    "a key for another": {"weight": A, "shift": B, "rest": PARAMETERS["rest"]},
    "a key too few": {"weight": A, "rest": PARAMETERS["rest"]},
    "a key inside": PARAMETERS | {"rest": [C, {"last": A, "second": B}]},
    "a dictionary for an array": PARAMETERS | {"bias": {"bias": B}},
    "a list that is longer": {"weight": A, "bias": [B, C], "rest": [PARAMETERS["rest"][1]]},
}


def compute(parameters, x):
    """No two of its arguments may change places."""
    c, rest = parameters["rest"]
    signed = mg.sigmoid(parameters["weight"]) * x * x + parameters["bias"] * x - c / x
    return mg.sum(signed + rest["last"] ** 3 - rest["first"])


def orders_of(tree):
    """The tree with its dictionaries in every order."""
    if isinstance(tree, dict):
        for names in itertools.permutations(tree):
            for values in itertools.product(*(list(orders_of(tree[name])) for name in names)):
                yield dict(zip(names, values, strict=True))
    elif isinstance(tree, list):
        yield from map(list, itertools.product(*(list(orders_of(value)) for value in tree)))
    else:
        yield tree


EXPECTED = np.asarray(compute(PARAMETERS, X))
GRAPH = mg.trace(compute, PARAMETERS, X)
CALLS = {
    "run": GRAPH.run,
    "expanded": GRAPH.expand("sigmoid").run,
    "compiled": mg.compile(compute),
    "checked": mg.compile(compute, check=100),
    "vjp": lambda *args: mg.vjp(compute, args)[0],
}


@pytest.mark.parametrize("name", CALLS)
def test_the_order_of_a_dictionary_changes_nothing(name):
    for parameters in orders_of(PARAMETERS):
        np.testing.assert_allclose(np.asarray(CALLS[name](parameters, X)), EXPECTED, 1e-12)


def test_vectors_of_products_are_taken_by_their_keys():
    (gradient, _) = mg.vjp(compute, (PARAMETERS, X))[1]
    vectors = {"weight": C, "bias": A, "rest": [A, {"last": B, "first": X}]}
    expected = gradient["weight"].numpy() @ C + X @ A - (1 / X) @ A + (3 * (A + 0.5) ** 2) @ B - X.sum()
    for tangents in orders_of(vectors):
        np.testing.assert_allclose(float(mg.jvp(compute, [PARAMETERS, X], [tangents, 0 * X])[1]), expected)
        product = mg.hvp(compute, [PARAMETERS, X], [tangents, 0 * X])[1][0]["rest"][1]["last"]
        np.testing.assert_allclose(product.numpy(), 6 * (A + 0.5) * B)


@pytest.mark.parametrize("others", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("name", ["run", "expanded"])
def test_other_structures_are_refused(name, others):
    with pytest.raises(ValueError, match="expected"):
        CALLS[name](others, X)


def test_the_refusal_names_the_keys():
    expected = r"arguments\[0\]: expected a dictionary with the keys \['weight', 'bias', 'rest'\], got one with the "
    with pytest.raises(ValueError, match=expected + r"keys \['weight', 'shift', 'rest'\]"):
        GRAPH.run(OTHERS["a key for another"], X)
    with pytest.raises(ValueError, match="expected an array, got a dictionary with the keys"):
        GRAPH.run(PARAMETERS, PARAMETERS)
    with pytest.raises(ValueError, match="expected 2 arguments, as the graph was traced with, got 1"):
        GRAPH.run(PARAMETERS)


def test_without_dictionaries_the_arrays_may_come_one_by_one():
    assert GRAPH.run(A, B, C, A + 0.5, B + 0.5, X) == GRAPH.run([A, B], (C, A + 0.5), B + 0.5, X) == GRAPH.run(
        PARAMETERS, X
    )  # fmt: skip


def test_a_graph_that_was_made_without_dictionaries_takes_none():
    x, y = mg.Tensor(A, name="x"), mg.Tensor(B, name="y")
    made = {
        "traced": mg.trace(lambda x, y: x - y, A, B),
        "recorded": mg.graph.graph_of(mg.Tensor(1.0, requires_grad=True) * x - y),
        "a part": GRAPH.between("sigmoid", "sum"),
    }
    for name, graph in made.items():
        with pytest.raises(ValueError, match="got a dictionary, and the graph was made without"):
            graph.run(dict(enumerate(node.name or name for node in graph.inputs)))


def test_what_is_no_array_has_no_place_and_what_comes_by_name_stands_last():
    def function(x, flags, *others, scale, **rest):
        return x * scale - others[0] if flags["minus"] else rest["a"] * flags["by"] - rest["b"]

    graph = mg.trace(function, X, {"minus": False, "by": A, "nothing": {}}, B, scale=C, b=B, a=A)
    assert graph.run(X, {"by": A, "nothing": {}}, B, C, B, A).tolist() == (A * A - B).tolist()
    assert strip((X, {"n": 3}, [], None), lambda leaf: isinstance(leaf, np.ndarray)) == (None, ())
    assert flatten(({}, 1.0)) == [1.0]
