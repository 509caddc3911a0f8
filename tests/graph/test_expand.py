"""Composite operations replaced by their definition."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of, results
from minigrad.core.op import Op
from minigrad.core.structure import leaves, map_leaves
from minigrad.graph import graph_of, trace


def model():
    rng = np.random.default_rng(1)
    x = mg.Tensor(rng.standard_normal((4, 3)), requires_grad=True, name="x")
    gain = mg.Tensor(rng.standard_normal(3), requires_grad=True, name="gain")
    with mg.scope("block"):
        with mg.scope("norm"):
            y = mg.layer_norm(x, gain)
        weights = mg.softmax(y, where=np.tri(4, 3, dtype=bool))
        weights.name = "weights"
    loss = mg.cross_entropy(mg.gelu(weights), [0, 1, 2, 0])
    loss.name = "loss"
    return loss, [x, gain]


def test_values_and_gradients_stay_the_same_to_rounding():
    loss, variables = model()
    graph = graph_of([loss, mg.grad(loss, variables, create_graph=True)])
    composite = {node.op for node in graph if node.function is not None and node.function.definition is not None}
    expanded = graph.expand(*composite)
    assert not composite & {node.op for node in expanded}
    for a, b in zip(leaves(graph.run()), leaves(expanded.run()), strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-15)
    for before, after in zip(graph.outputs, expanded.outputs, strict=True):
        np.testing.assert_allclose(after.value, before.value, rtol=1e-12, atol=1e-15)


def test_names_scopes_roles_and_origins_stay():
    loss, variables = model()
    graph = graph_of([loss, mg.grad(loss, variables, create_graph=True)])
    expanded = graph.expand("softmax", "gelu")
    for node in graph:
        if node.name:
            same = expanded.find(node.path)
            assert (same.path, same.role, same.order, same.shape) == (node.path, node.role, node.order, node.shape)
    of_weights = {node.origin.node for node in expanded if node.origin and node.origin.argument == "x"}
    assert expanded.find("weights") in of_weights
    inside = [node for node in expanded if node.scope == "block/softmax"]
    assert {"exp", "sum"} <= {node.op for node in inside}


def test_a_leaf_stays_in_its_scope():
    scores = mg.Tensor([1.0, 2.0], requires_grad=True, name="scores")
    with mg.scope("head"):
        graph = mg.softmax(scores).graph()
    assert [node.path for node in graph.expand("softmax") if node.op is None] == ["head/scores"]


def test_an_expanded_graph_can_be_expanded_again():
    loss, variables = model()
    graph = graph_of([loss, mg.grad(loss, variables, create_graph=True)])
    twice = graph.expand("softmax").expand("gelu")
    assert str(twice.stats()) == str(graph.expand("softmax", "gelu").stats())


def test_a_traced_step_keeps_its_inputs_updates_and_effects():
    def traced():
        rng = np.random.default_rng(0)
        weight = mg.Tensor(np.ones((3, 2), np.float32), requires_grad=True, name="weight")

        def step(x):
            weight.grad = None
            loss = mg.sum(mg.softmax(mg.dropout(x, 0.5, rng=rng) @ weight) ** 2)
            loss.backward()
            mg.assign(weight, mg.read(weight) - weight.grad)
            return loss

        return trace(step, np.ones((4, 3), np.float32)), weight

    (graph, weight), (other, other_weight) = traced(), traced()
    expanded = other.expand("softmax")
    assert [node.name for node in expanded.inputs] == ["x"]
    assert [state.name for state in expanded.updates] == ["weight"]
    assert [node.op for node in expanded.effects] == [node.op for node in graph.effects]
    x = np.random.default_rng(2).standard_normal((4, 3)).astype(np.float32)
    for _ in range(3):
        np.testing.assert_allclose(expanded.run(x), graph.run(x), rtol=1e-5)
    np.testing.assert_allclose(other_weight.data, weight.data, rtol=1e-5)


def test_an_operation_without_a_definition_is_refused_naming_those_with_one():
    loss, _ = model()
    with pytest.raises(ValueError, match=r"composite ones: .*softmax"):
        loss.graph().expand("matmul")


def test_a_definition_may_return_what_it_is_given():
    @mg.op(formula="y = x", definition=lambda x: x)
    def unchanged(x):
        return np.array(x)

    try:
        x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
        graph = (unchanged(x) * 2.0).graph().expand("unchanged")
    finally:
        del mg.registry["unchanged"]
    assert [node.name or node.op for node in graph] == ["x", "multiply"]


# --- of all operations ------------------------------------------------------------------------------------------------

COMPOSITE = [op for op in mg.registry.values() if isinstance(op, Op) and op.definition is not None]


@pytest.mark.parametrize("op", COMPOSITE, ids=lambda op: op.name)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_sample_of_every_operation_computes_the_same_expanded(op):
    """With gradients and second derivatives of it, in which it may be as well."""
    for case in cases_of(op):
        arrays = case.arrays()

        def call(*tensors, case=case):
            given = iter(tensors)
            args, params = map_leaves(lambda x: next(given) if isinstance(x, np.ndarray) else x, case.arguments())
            made = results(case.function(*args, **params))
            last, variables = made, [x for x in tensors if x.dtype.kind == "f"]
            for _ in range(2 if case.differentiable else 0):
                last = list(mg.grad([mg.sum(mg.sin(y)) for y in last], variables, create_graph=True, unused="zero"))
                made = made + last
            return made

        graph = trace(call, *(mg.Tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays))
        expanded = graph.expand(op.name)
        assert op.name not in {node.op for node in expanded}
        for actual, expected in zip(expanded.run(*arrays), graph.run(*arrays), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-10, err_msg=f"sample {case.number}")


SPECIAL = [0.0, 1e-30, 1e-7, 0.5, 1, 2.5, 3, 20, 90, 1e30, np.inf]
INTEGERS = np.array([-128, -7, -1, 0, 1, 2, 90, 127])


@pytest.mark.parametrize("op", [op for op in COMPOSITE if op.elementwise], ids=lambda op: op.name)
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int8", "uint8", "bool"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values_and_integers_are_those_of_the_operation(op, dtype):
    values = np.array([*SPECIAL, *np.negative(SPECIAL), np.nan]) if dtype.startswith("float") else INTEGERS
    values = values.astype(dtype)
    if op is mg.softplus:  # whose definition overflows
        values = values[~(values > 80)]
    arrays = [x.ravel() for x in np.meshgrid(*[values] * len(op.arguments))]
    for params in ({}, {"approximate": "tanh"}) if op is mg.gelu else ({},):
        graph = trace(functools.partial(op, **params), *arrays)
        actual, expected = graph.expand(op.name).run(*arrays), graph.run(*arrays)
        assert actual.dtype == expected.dtype
        tolerance = {"float16": 1e-3, "float32": 1e-5}.get(expected.dtype.name, 1e-12)
        np.testing.assert_allclose(actual, expected, rtol=tolerance, atol=tolerance / 10)


@pytest.mark.parametrize(("shape", "ddof"), [((3,), 3), ((1,), 1), ((1,), 2), ((0,), 0), ((0,), 1)])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_deviation_without_degrees_of_freedom_is_expanded(shape, ddof):
    x = mg.Tensor(np.arange(*shape, dtype=float), requires_grad=True)
    loss = mg.std(x, ddof=ddof)
    graph = graph_of([loss, mg.grad(loss, x, create_graph=True)])
    for actual, expected in zip(graph.expand("std").run(), graph.run(), strict=True):
        np.testing.assert_array_equal(actual, expected)


def test_a_definition_in_which_the_operation_itself_stands_is_expanded_once():
    @mg.op(formula="y = x", definition=lambda x: around(x * 2.0) / 2.0)
    def around(x):
        return np.array(x)

    try:
        graph = around(mg.Tensor([1.0, 2.0], requires_grad=True, name="x")).graph().expand("around")
        assert [node.name or node.op for node in graph] == ["x", "multiply", "around", "divide"]
        assert graph.run().tolist() == [1.0, 2.0]
    finally:
        del mg.registry["around"]
