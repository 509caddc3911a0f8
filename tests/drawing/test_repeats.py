"""What a loop repeats is drawn once, and what the picture says of it is true of every turn."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.boxes import Cluster, View, list_clusters
from minigrad.drawing.dot import dot_source
from minigrad.drawing.labels import describe_box
from minigrad.drawing.look import parse_options
from minigrad.drawing.repeats import find_repeats
from minigrad.drawing.scopes import REPEATED
from minigrad.drawing.view import make_view
from minigrad.graph import Graph, Node, graph_of


def leaf(*shape: int, name: str | None = None) -> mg.Tensor:
    return mg.Tensor(np.full(shape, 0.5), requires_grad=True, name=name)


def powers(steps: int) -> Graph:
    p, y = leaf(name="p"), leaf(name="y")
    for _ in range(steps):
        y = mg.tanh(y * p)
    y.name = "result"
    return y.graph()


def recurrent(steps: int, gradients: bool = False) -> Graph:
    weight, inputs, h = leaf(3, 3, name="W"), leaf(steps, 3, name="inputs"), leaf(3, name="start")
    for t in range(steps):
        h = mg.tanh((h @ weight) * (0.5 + t) + inputs[t])
        h.name = f"h{t}"
    return mg.sum(h).graph(gradients=gradients)


def repeated(shown: View) -> list[Cluster]:
    return [cluster for cluster in list_clusters(shown.clusters) if cluster.title == REPEATED]


def texts(shown: View) -> list[list[str]]:
    return [describe_box(shown, box) for box in shown.boxes]


def test_a_loop_is_drawn_once_between_its_first_and_its_last_turn() -> None:
    shown = make_view(powers(300))
    assert [(cluster.heading, len(cluster.boxes)) for cluster in repeated(shown)] == [("repeated ×298", 2)]
    assert [lines[0] for lines in texts(shown)] == [
        "y",
        "p",
        "multiply",
        "tanh",
        "multiply",
        "tanh",
        "multiply",
        "result",
    ]
    assert sum(len(box.nodes) for box in shown.boxes) == 602
    assert shown.notes == ("what is repeated is drawn once: ×298",)


def test_a_long_chain_of_few_boxes_folds_and_a_short_one_stays() -> None:
    assert len(make_view(powers(60)).boxes) < 10
    assert len(make_view(powers(20)).boxes) == 42
    assert len(make_view(powers(60), depth=9).boxes) == 122, "as it was asked for"


@pytest.mark.parametrize("turns", [41, 45, 50, 60, 100])
def test_a_fold_that_saves_is_taken_before_hubs_are_cut(turns: int) -> None:
    h = leaf(2, name="x")
    for number in range(turns):
        h = mg.tanh(h * leaf(2, name=f"w{number}"))
    shown = make_view(h.graph())
    assert [cluster.heading for cluster in repeated(shown)] == [f"repeated ×{turns - 1}"]
    assert not shown.cut


def test_names_are_ranges_and_what_differs_is_an_ellipsis() -> None:
    shown = make_view(recurrent(80))
    (cluster,) = repeated(shown)
    inside = [describe_box(shown, box) for box in cluster.boxes]
    assert ["getitem", "index=…", "(3,)"] in inside
    assert ["multiply(·, …)", "(3,)"] in inside
    (named,) = (lines for lines in inside if lines[0].startswith("h"))
    assert named[0] in ("h1 … h78", "h1 … h79")
    assert named[1:] == ["tanh", "(3,)"]


def test_the_gradient_of_a_loop_is_a_loop() -> None:
    shown = make_view(recurrent(80, gradients=True))
    assert sorted(cluster.order for cluster in repeated(shown)) == [0, 1]
    assert len(shown.boxes) < 80


def test_a_loop_within_a_loop_is_a_frame_within_a_frame() -> None:
    y = leaf(2, name="y")
    for _ in range(20):
        for _ in range(30):
            y = mg.sin(y)
        y = mg.cos(y) + 1.0
    frames = repeated(make_view(y.graph()))
    (outer,) = (cluster for cluster in frames if cluster.inside)
    (inner,) = outer.inside
    assert outer.count == 19
    assert inner.count == 30
    assert {cluster.count for cluster in frames} <= {19, 29, 30}


def test_loops_stay_in_their_scope() -> None:
    y = leaf(2)
    for _ in range(100):
        with mg.scope("cell"):
            y = mg.sin(y)
            with mg.scope("inner"):
                y = mg.cos(y)
    shown = make_view(y.graph())
    (cell,) = (cluster for cluster in shown.clusters if cluster.scope == "cell")
    (cluster,) = repeated(shown)
    assert cluster in cell.inside
    assert not cluster.scope
    assert [(inner.title, inner.scope) for inner in cluster.inside] == [("inner", "cell/inner")]
    assert {box.scope for box in shown.boxes} == {"cell", "cell/inner"}
    assert "\0" not in dot_source(y.graph(), depth=1)


def test_scopes_in_a_long_loop_are_closed_and_the_loop_stays_open() -> None:
    y, ways = leaf(2), (mg.tanh, mg.sin, mg.cos, mg.negative)
    for _ in range(6):
        rng = np.random.default_rng(0)
        for part in ("first", "second"):
            with mg.scope(part):
                for choice in rng.integers(0, 4, 120):
                    y = ways[choice](y)
        y = mg.exp(y)
    shown = make_view(y.graph())
    (cluster,) = repeated(shown)
    assert {box.title for box in cluster.boxes if box.kind == "scope"} == {"first", "second"}
    assert {box.scope for box in shown.boxes if box.kind == "scope"} == {"first", "second"}
    assert all("\0" not in text for text in (*shown.notes, dot_source(y.graph())))


@pytest.mark.parametrize("odd", ["op", "shape", "output", "name", "mark"])
def test_what_is_different_ends_the_run(odd: str) -> None:
    y, marked, outputs = leaf(2), [], []
    for number in range(200):
        y = mg.sin(y) if odd == "op" and number == 100 else mg.tanh(y)
        if number == 100:
            y = mg.reshape(y, (2, 1)) if odd == "shape" else y
            y.name = "special" if odd == "name" else None
            marked, outputs = [y], [y] if odd == "output" else []
    graph = graph_of([*outputs, y])
    marks = {node: "changed" for node in graph if odd == "mark" and node.id == marked[0].id}
    shown = make_view(graph, marks=marks)
    assert [cluster.count for cluster in repeated(shown)] == [100, 98] or odd == "shape"
    assert len(repeated(shown)) == 2
    if odd != "shape":
        (alone,) = (box for box in shown.boxes if box.nodes[0].number == 101)
        assert len(alone.nodes) == 1


@pytest.mark.parametrize("told", ["labels", "highlight"])
def test_a_node_that_a_reader_asked_for_is_in_no_run(told: str) -> None:
    graph = powers(300)
    asked = graph[301]
    options = {"labels": {asked: "here"}} if told == "labels" else {"highlight": [asked]}
    shown, look = parse_options(graph, options)
    assert shown.box_of[301].nodes == (asked,)
    assert look.labels.get(asked) == ("here" if told == "labels" else None)
    assert len(repeated(shown)) == 2


def test_random_graphs_have_no_repeats_worth_a_frame() -> None:
    rng, nodes = np.random.default_rng(0), [leaf(2)]
    for choice, a, b in rng.integers(0, 1_000, (500, 3)):
        op = (mg.add, mg.multiply, mg.subtract, mg.maximum)[choice % 4]
        nodes.append(op(nodes[a % len(nodes)], nodes[b % len(nodes)]))
    assert not find_repeats(list(graph_of(nodes).nodes))


@pytest.mark.parametrize("graph", [powers(200), recurrent(60), recurrent(60, gradients=True)], ids=["p", "r", "g"])
def test_repeats_are_equal_but_for_steps(graph: Graph) -> None:
    """Node by node: the same operation on what the other turns take, each operand a fixed number of nodes further."""
    shown, compared = make_view(graph), 0
    for box in shown.boxes:
        if len(box.nodes) < 3:
            continue
        assert len({(node.op, node.shape, node.dtype, node.role, node.order) for node in box.nodes}) == 1
        assert len(np.unique(np.diff([node.number for node in box.nodes]))) == 1
        for operands in zip(*(node.inputs for node in box.nodes), strict=True):
            if isinstance(operands[0], Node):
                numbers = [x.number for x in operands if isinstance(x, Node)]
                assert len(np.unique(np.diff(numbers))) == 1
                compared += 1
    assert compared


def test_no_box_looks_as_if_nobody_used_it() -> None:
    states, h, weight = [], leaf(3, name="start"), leaf(3, 3, name="W")
    for _ in range(100):
        h = mg.tanh(h @ weight)
        states.append(h)
    shown = make_view(mg.sum(mg.stack(states)).graph())
    sources = {arrow.source for arrow in (*shown.arrows, *shown.cut)}
    assert [box for box in shown.boxes if box not in sources] == [shown.boxes[-1]]


def test_next_values_of_a_loop_are_one_box() -> None:
    cells = [mg.Tensor([0.0], name=f"cell{number}") for number in range(100)]

    def step(x: mg.Tensor) -> mg.Tensor:
        for cell in cells:
            mg.assign(cell, mg.read(cell) * 0.5 + x)
        return x * 2.0

    graph = mg.trace(step, mg.Tensor([1.0]))
    shown = make_view(graph)
    titles = [box.title for box in shown.boxes if box.kind == "next"]
    assert titles == ["next cell0 … cell99"] or len(titles) <= 3
    assert sum(len(box.nodes) for box in shown.boxes if box.kind == "next") == 100
    assert "cell0 … cell99" in dot_source(graph) or "cell1 … cell99" in dot_source(graph)
