"""Graphs that readers of foreign programs make, before any engine: every reader of graphs reads them."""

import itertools
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.record import registry
from minigrad.foreign.op import compute_values, fits, make_results
from minigrad.graph.made import make_leaf, make_operation

WEIGHT = np.array([[1.0, 2.0], [3.0, 4.0]])


@pytest.fixture
def calls():
    return []


def describe(calls, values=False):
    """A layer, an operation with three results of which two are used, and its gradient."""

    def split(x, y):
        calls.append(None)
        return [x + y, x - y, x * y]

    shape, float64 = (2, 2), "float64"
    x = make_leaf("input", shape, float64, name="x", value=np.ones(shape) if values else None)
    unused = make_leaf("input", (), "int32", name="unused", value=np.array(1, "int32") if values else None)
    weight = make_leaf("parameter", shape, float64, name="weight", value=WEIGHT)
    total = make_leaf("state", shape, float64, name="total", value=np.zeros(shape))
    product = make_operation(mg.matmul, [x, weight], shape, float64, scope="model/layer")
    above, none, times = make_results(
        "engine.split", split, [product, 2.0], [(shape, float64)] * 3, {"parts": 3, "program": object()},
        used=(0, 2), scope="model",
    )  # fmt: skip
    assert none is None
    dropped = make_operation(mg.exp, [above], shape, float64)
    y = make_operation(mg.softmax, [times], shape, float64, {"axis": 0}, scope="model", name="weights")
    slope = make_operation(mg.multiply, [y, above], shape, float64, scope="model", order=1)
    following = make_operation(mg.add, [total, slope], shape, float64)
    nodes = [x, unused, weight, total, product, above, times, dropped, y, slope, following]
    if values:
        compute_values(nodes)
    return mg.Graph.of(nodes, {"y": y, "slope": slope}, {total: following})


LISTING = """\
%0 = input                                     (2, 2)  float64  x
%1 = parameter                                 (2, 2)  float64  model/layer/weight
%2 = matmul(%0, %1)                            (2, 2)  float64  model/layer
%3 = engine.split(%2, 2.0, result=0, parts=3)  (2, 2)  float64  model
%4 = engine.split(%2, 2.0, result=2, parts=3)  (2, 2)  float64  model
%5 = softmax(%4, axis=0)                       (2, 2)  float64  model/weights
%6 = multiply(%5, %3)                          (2, 2)  float64  model
%7 = state                                     (2, 2)  float64  total
%8 = add(%7, %6)                               (2, 2)  float64
%9 = input                                     ()      int32    unused
%7 ← %8  total
return %5, %6"""


def expected():
    product = np.ones((2, 2)) @ WEIGHT
    weights = mg.softmax(product * 2.0, axis=0)
    return weights, weights * (product + 2.0)


def test_it_is_listed_without_purposes_and_without_what_nothing_needs(calls):
    graph = describe(calls)
    assert str(graph) == LISTING
    assert [node.name for node in graph.inputs] == ["x", "unused"]
    assert all(node.purpose == "" for node in graph)
    assert graph.captured
    assert calls == []


def test_it_runs_with_one_evaluation_and_writes_updates(calls):
    graph = describe(calls)
    for times in (1, 2):
        results = graph.run(np.ones((2, 2)), 7)
        np.testing.assert_array_equal(results["y"], expected()[0])
        np.testing.assert_array_equal(results["slope"], expected()[1])
        assert len(calls) == times
        np.testing.assert_array_equal(graph.find("total").cell.data, times * expected()[1])
    with pytest.raises(ValueError, match=r"run takes \(x: \(2, 2\) float64, unused: \(\) int32\), got \(nothing\)"):
        graph.run()


def test_other_operands_are_another_evaluation(calls):
    part = describe(calls).between("matmul", "multiply")  # all that it is about
    for value in (1.0, 3.0):
        results = part.run(np.full((2, 2), value))
        np.testing.assert_allclose(results, np.full((2, 2), (value + 2.0) / 2.0))
    assert len(calls) == 2


def test_values_are_kept_where_they_are_computed(calls):
    graph = describe(calls, values=True)
    assert not graph.captured
    assert len(calls) == 1
    np.testing.assert_array_equal(graph.find("weights").value, expected()[0])
    assert len(graph.steps()) == len([node for node in graph if node.op])
    results = graph.run()
    np.testing.assert_array_equal(results["slope"], expected()[1])


def test_every_reader_reads_it(calls, tmp_path):
    graph = describe(calls)
    assert "gradient" in graph.dot()
    assert "engine.split" in graph.mermaid()
    assert graph.cost().by_op["matmul"].flops == 16
    assert graph.stats().orders == {0: 8, 1: 2}
    assert graph.find("model/layer/weight").role == "parameter"
    assert str(graph.diff(describe(calls))) == "no difference"
    assert graph.explore().html.startswith("<!DOCTYPE html>")
    assert str(graph.between("matmul", "softmax")).splitlines()[-1] == "return %2"


def test_what_another_engine_computes_is_not_counted_and_named(calls):
    cost = describe(calls).cost()
    assert cost.not_counted == {"engine.split": 2}
    assert cost.by_op["engine.split"].flops == 0 < cost.by_op["matmul"].flops
    assert str(cost).endswith("\nflops not counted: 2 engine.split")


def test_foreign_ops_are_on_no_record(calls):
    before, declared = dict(registry), mg.core.record.Function.declared
    graph = describe(calls)
    assert registry == before
    assert mg.core.record.Function.declared == declared
    assert graph[3].function.defaults.keys() == {"result", "parts", "program"}


def test_what_does_not_fit_is_told():
    x = make_leaf("input", (2, 3), "float32")
    assert fits(mg.sum, [x], {"axis": 1}, (2,), "float32")
    assert not fits(mg.sum, [x], {"axis": 1}, (2,), "float64")
    assert not fits(mg.sum, [x], {"axis": 2}, (2,), "float32")
    assert not fits(mg.matmul, [x, x], {}, (2, 2), "float32")


def test_what_an_earlier_run_of_a_part_left_is_not_taken_for_other_values():
    leaf, array = make_leaf("input", (2,), "float64"), np.ones(2)
    once, twice = make_results("engine.both", lambda x: [x * 1, x * 2], [leaf], [((2,), "float64")] * 2, {})
    assert once.op.forward(array).tolist() == [1.0, 1.0]
    array += 2.0  # a parameter is written where it lies
    assert (once.op.forward(array).tolist(), twice.op.forward(array).tolist()) == ([3.0, 3.0], [6.0, 6.0])


def count_draws():
    """A graph of two results of one operation, the first and the second draw of each evaluation, by their number."""
    leaf, draws = make_leaf("input", (), "float64", name="x"), itertools.count(1.0)
    pair = make_results(
        "engine.draw", lambda x: [np.array(next(draws))] * 2, [leaf], [((), "float64")] * 2, {}, effect=True
    )
    return mg.Graph.of([leaf, *pair], tuple(pair))


def test_what_a_run_of_a_part_left_is_not_taken_by_a_run_of_another():
    graph, x = count_draws(), np.array(0.0)
    first, second = (graph.between("x", node) for node in graph.outputs)
    assert [float(part.run(x)) for part in (first, second, first)] == [1.0, 2.0, 3.0]
    assert graph.run(x) == (4.0, 4.0)


def test_a_thread_does_not_take_what_is_of_another():
    graph, x = count_draws(), np.array(0.0)
    once, twice = (node.function for node in graph.outputs)
    first, others = once.forward(x), []
    thread = threading.Thread(target=lambda: others.extend(graph.run(x)))
    thread.start()
    thread.join()
    assert (first, twice.forward(x), others) == (1.0, 1.0, [2.0, 2.0])
