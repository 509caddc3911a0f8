"""What pictures show: every node has a box, every use an arrow, whatever is closed, folded or grouped."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.boxes import Cluster, View, list_clusters
from minigrad.drawing.labels import describe_box
from minigrad.drawing.remarks import list_remarks_in_full
from minigrad.drawing.scopes import order_of
from minigrad.drawing.view import make_view
from minigrad.graph import Graph, Node
from minigrad.nn import LanguageModel


def model_graph(layers: int, gradients: bool = False) -> Graph:
    rng = np.random.default_rng(0)
    model = LanguageModel(vocabulary=12, width=8, heads=2, layers=layers, context=6, rng=rng)
    tokens = rng.integers(0, 12, (2, 6))
    return mg.cross_entropy(model(tokens), tokens).graph(gradients=gradients)


def chain(length: int) -> Graph:
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for _ in range(length):
        x = x * 0.5
    return x.graph()


def chain_by_lot(length: int) -> Graph:
    """A chain in which nothing is repeated."""
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for choice in np.random.default_rng(0).integers(0, 4, length):
        x = (mg.tanh, mg.sin, mg.cos, mg.negative)[choice](x)
    return x.graph()


def flat(clusters: tuple[Cluster, ...] | list[Cluster]) -> list[Cluster]:
    return [found for cluster in clusters for found in (cluster, *flat(cluster.inside))]


GRAPHS = {
    "small": lambda: chain(3),
    "chain": lambda: chain(500),
    "chain by lot": lambda: chain_by_lot(500),
    "model": lambda: model_graph(3),
    "gradients": lambda: model_graph(2, gradients=True),
    "empty": lambda: mg.graph.trace(lambda: ()),
}
OPTIONS = [
    {}, {"depth": 0}, {"depth": 1}, {"depth": 3}, {"depth": 99}, {"hide_constants": True}, {"order": 0}, {"limit": 7},
    {"opened": ()}, {"opened": ("transformer", "transformer/blocks", "transformer/blocks/1")},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_every_node_has_one_box_and_every_use_an_arrow(name: str, options: dict[str, object]) -> None:
    graph = GRAPHS[name]()
    shown = make_view(graph, **options)  # type: ignore[arg-type]  # each option is tried with every graph
    kept = [
        node for node in graph
        if order_of(node) <= options.get("order", 9) and not (options.get("hide_constants") and node.role == "constant")
    ]  # fmt: skip
    assert sorted(node.number for box in shown.boxes for node in box.nodes if box.kind != "next") == [
        node.number for node in kept
    ]
    assert all(any(node is x for x in shown.box_of[node.number].nodes) for node in kept)
    assert len({box.id for box in shown.boxes}) == len(shown.boxes)
    assert all(re.fullmatch("[nsgu][0-9]+", box.id) for box in shown.boxes)
    drawn = {(arrow.source.id, arrow.target.id) for arrow in shown.arrows}
    for node in kept:
        for x in node.inputs:
            if isinstance(x, Node) and x in kept:
                source, target = shown.box_of[x.number], shown.box_of[node.number]
                folded = target.kind == "node" and node is not target.node
                folded = folded or (target.kind == "scope" and not f"{node.scope}/".startswith(f"{target.scope}/"))
                folded = folded or target.count > 1
                assert source is target or folded or (source.id, target.id) in drawn
    uses = [use for arrow in shown.arrows for use in arrow.uses]
    assert len(set(uses)) == len(uses), "no use is drawn twice"


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("name", GRAPHS)
def test_clusters_hold_each_box_at_most_once(name: str, options: dict[str, object]) -> None:
    shown = make_view(GRAPHS[name](), **options)  # type: ignore[arg-type]  # each option is tried with every graph
    inside = [box for cluster in flat(shown.clusters) for box in cluster.boxes]
    assert len(set(inside)) == len(inside)
    assert set(inside) <= set(shown.boxes)
    loose = [box for box in shown.boxes if box not in set(inside)]
    assert all(box.order == 0 for box in loose)


def test_PI6_a_model_of_twelve_blocks_is_readable_by_default_and_whole_on_demand() -> None:
    graph = model_graph(12)
    shown = make_view(graph)
    assert len(shown.boxes) <= 150
    assert [(cluster.title, cluster.count) for cluster in flat(shown.clusters) if cluster.count > 1] == [
        ("blocks/0–11", 12)
    ]
    assert "transformer/blocks/0 to 11: 12 equal scopes, drawn once" in shown.notes
    whole = make_view(graph, depth=99)
    assert [box.node for box in whole.boxes] == list(graph)
    assert not whole.notes
    closed = make_view(graph, depth=3)
    assert len(closed.boxes) < len(whole.boxes)


def test_gradients_of_twelve_blocks_fold_too() -> None:
    shown = make_view(model_graph(12, gradients=True))
    assert len(shown.boxes) <= 150
    assert [cluster.count for cluster in flat(shown.clusters) if cluster.count > 1] == [12, 12]


def test_three_runs_of_equal_scopes_are_noted_and_how_many_more_there_are() -> None:
    x = mg.tanh(mg.Tensor([1.0, 2.0], requires_grad=True))
    for name in "abcde":
        for number in range(2):
            with mg.scope(f"{name}{number}"):
                x = mg.tanh(x) * 2.0
    notes = make_view(x.graph(), limit=12).notes
    runs = [f"{name}0 to {name}1: 2 equal scopes, drawn once" for name in "abc"]
    assert notes == (*runs, "and 2 more runs of equal scopes")


def test_closed_equal_scopes_are_one_box() -> None:
    graph = model_graph(4)
    opened = {"transformer", "transformer/blocks"}
    badge = [box for box in make_view(graph, opened=opened).boxes if box.count > 1]
    assert [(box.title, box.count, len(box.nodes)) for box in badge] == [("0–3", 4, 4 * 41)]
    opened |= {"transformer/blocks/2"}  # an open one is not folded
    shown = make_view(graph, opened=opened)
    assert [(box.title, box.count) for box in shown.boxes if box.title in ("0–1", "3")] == [("0–1", 2), ("3", 1)]
    assert "2" in {cluster.title.rpartition("/")[2] for cluster in flat(shown.clusters)}


@pytest.mark.parametrize(
    "change", [lambda x: x * 3.0, lambda x: mg.exp(x), lambda x: mg.sum(x, axis=0, keepdims=True) + x]
)
def test_scopes_that_differ_are_not_folded(change: object) -> None:
    def block(x: mg.Tensor, number: int, differs: bool) -> mg.Tensor:
        with mg.scope(f"block{number}"):
            return change(x) if differs else x * 2.0  # type: ignore[operator,no-any-return]

    x = mg.Tensor([1.0, 2.0], requires_grad=True) * 0.1
    for number in range(6):
        x = block(x, number, differs=number == 3)
    shown = make_view(x.graph(), depth=0)
    assert [(box.title, box.count) for box in shown.boxes if box.kind == "scope"] == [
        ("block0–block2", 3), ("block3", 1), ("block4–block5", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("numbers", "title", "note"),
    [
        ((7, 8, 9, 10), "block 7–block 10", "block 7 to block 10"),
        ((3, 2, 1, 0), "block 3–block 0", "block 3 to block 0"),
        ((2, 5), "block 2, block 5", "block 2, block 5"),
        ((0, 1, 5, 9), "block 0, block 1, block 5, …", "block 0, block 1, block 5, block 9"),
        ((0, 2, 1, 3), "block 0 … block 3", "block 0, block 1 … block 3"),
        ((0, 3, 1), "block 0, block 1, block 3", "block 0, block 1, block 3"),
    ],
    ids=str,
)
def test_a_range_of_scopes_is_written_where_there_are_all_of_them(
    numbers: tuple[int, ...], title: str, note: str
) -> None:
    x = mg.tanh(mg.Tensor([1.0, 2.0], requires_grad=True))
    for number in numbers:
        with mg.scope("model"), mg.scope(f"block {number}"):
            x = mg.tanh(x) * 2.0
    shown = make_view(x.graph(), depth=1)
    assert [(box.title, box.count) for box in shown.boxes if box.kind == "scope"] == [(title, len(numbers))]
    assert f"model/{note}: {len(numbers)} equal scopes, drawn once" in shown.notes


def test_scopes_with_different_names_are_not_folded() -> None:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    parts = []
    for name in ("query", "key", "value"):
        with mg.scope(name):
            parts.append(x * 2.0)
    assert [box.title for box in make_view((parts[0] + parts[1] + parts[2]).graph(), depth=0).boxes if box.title] == [
        "query", "key", "value",
    ]  # fmt: skip


def test_too_many_boxes_become_groups() -> None:
    shown = make_view(chain_by_lot(2_000))
    assert 20 < len(shown.boxes) <= 150
    assert [box.kind for box in shown.boxes] == ["node", *["group"] * (len(shown.boxes) - 2), "node"], (
        "x and the output"
    )
    assert sum(len(box.nodes) for box in shown.boxes) == 2_001
    ends = {arrow.source.id: arrow.target.id for arrow in shown.arrows}
    assert len(ends) == len(shown.boxes) - 1, "a chain stays a chain"
    assert any("groups of neighbours" in note for note in shown.notes)


def test_next_values_of_state_lie_with_what_computes_them() -> None:
    total = mg.Tensor([0.0, 0.0], name="total")

    def accumulate(x: mg.Tensor) -> mg.Tensor:
        with mg.scope("sum"):
            mg.assign(total, mg.read(total) + x)
        return x * 2.0

    graph = mg.graph.trace(accumulate, mg.Tensor([1.0, 2.0]))
    shown = make_view(graph)
    (found,) = (box for box in shown.boxes if box.kind == "next")
    assert (found.title, found.scope) == ("next total", "sum")
    assert [arrow.target for arrow in shown.arrows if not arrow.uses] == [found]
    assert not any(box.kind == "next" for box in make_view(graph, depth=0).boxes)


@pytest.mark.parametrize("options", [{"depth": -1}, {"depth": 1.5}, {"depth": True}, {"order": -1}, {"order": "1"}])
def test_bad_depths_and_orders_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))}=.*expected a whole number"):
        make_view(chain(2), **options)


def test_two_runs_show_the_same() -> None:
    def text(shown: View) -> list[str]:
        return [f"{box.id} {box.title}" for box in shown.boxes] + [f"{a.source.id}{a.target.id}" for a in shown.arrows]

    assert text(make_view(model_graph(12, gradients=True))) == text(make_view(model_graph(12, gradients=True)))


# --- names ------------------------------------------------------------------------------------------------------------


def squares(count: int) -> Graph:
    """Named leaves of seven shapes, one after the other, each squared and added in one of three ways."""
    rng, total = np.random.default_rng(0), mg.Tensor(0.0, name="start")
    for number in range(count):
        x = mg.Tensor(np.ones(1 + number % 7), requires_grad=True, name=f"w{number}")
        ways = (mg.add, mg.subtract, mg.maximum)
        total = ways[int(rng.integers(3))](total, mg.sum(x * x))
    total.name = "loss"
    return total.graph()


def names_said(shown: View) -> str:
    return "\n".join(text for box in shown.boxes for text in list_remarks_in_full(shown, box)) + "\n".join(
        line for box in shown.boxes for line in describe_box(shown, box)
    )


def test_many_named_leaves_become_a_range_that_says_them_all() -> None:
    shown = make_view(squares(120))
    (range_box,) = (box for box in shown.boxes if box.node is not None and len(box.nodes) > 1)
    assert describe_box(shown, range_box)[:2] == ["w0 … w119", "7 shapes"]
    assert "loss" in names_said(shown)
    assert [box.node.name for box in shown.boxes if box.node is not None and box.node.op] == ["loss"]


def test_up_to_forty_named_leaves_stand_by_themselves() -> None:
    shown = make_view(squares(39))
    leaves = [box for box in shown.boxes if box.node is not None and box.node.op is None]
    assert [box.node.name for box in leaves if box.node is not None] == [
        "w0",
        "start",
        *(f"w{n}" for n in range(1, 39)),
    ]


def test_names_of_what_is_computed_stand_as_long_as_there_is_room() -> None:
    x = mg.Tensor([0.5], requires_grad=True, name="x")
    for number, choice in enumerate(np.random.default_rng(0).integers(0, 4, 600)):
        x = (mg.tanh, mg.sin, mg.cos, mg.negative)[choice](x)
        if number % 40 == 3:
            x.name = f"level {chr(97 + number // 40)}"
    shown = make_view(x.graph())
    named = [box.node.name for box in shown.boxes if box.node is not None and box.node.name]
    assert named == ["x", *(f"level {letter}" for letter in "abcdefghijklmno")]


def test_groups_say_the_names_that_are_in_them_and_the_heading_the_remedy() -> None:
    nodes = [mg.Tensor([0.5], requires_grad=True, name="x")]
    for number, (choice, place) in enumerate(np.random.default_rng(0).integers(0, 1_000, (600, 2))):
        nodes.append((mg.add, mg.minimum, mg.maximum)[choice % 3](nodes[place % len(nodes)], nodes[-1]))
        nodes[-1].name = f"y{number}"
    shown = make_view(nodes[-1].graph())
    groups = [describe_box(shown, box) for box in shown.boxes if box.kind == "group"]
    assert groups[0][0].endswith("…") or "nodes" in groups[0][0]
    assert any("y0 … y" in line for line in groups[0])
    assert any('with mg.scope("name"):' in note for note in shown.notes)


def test_states_written_one_after_the_other_are_grouped() -> None:
    cells = [mg.Tensor(np.zeros(1 + number % 5), name=f"cell{number}") for number in range(300)]

    def step(x: mg.Tensor) -> mg.Tensor:
        rng = np.random.default_rng(0)
        for cell in cells:
            way = (mg.add, mg.subtract, mg.maximum)[int(rng.integers(3))]
            mg.assign(cell, way(mg.read(cell), x))
        return x * 2.0

    shown = make_view(mg.trace(step, mg.Tensor([1.0])))
    assert len(shown.boxes) <= 150
    assert sum(len(box.nodes) for box in shown.boxes if box.kind == "next") == 300
    assert all(f"cell{number}" in names_said(shown) for number in (0, 299))


def test_TX15_a_parameter_that_a_gradient_alone_takes_is_not_in_its_box():
    x, p = (mg.Tensor([1.0, 2.0], requires_grad=True, name=name) for name in "xp")
    first = mg.grad(mg.sum(x * x * p), x, create_graph=True)
    second = mg.grad(mg.sum(first * first), x, create_graph=True)
    graph = mg.graph_of([second])
    inside = {box.node for cluster in list_clusters(make_view(graph).clusters) for box in cluster.boxes}
    assert not {node for node in graph if node.role == "parameter"} & inside
    assert {node for node in graph if node.role == "cotangent"} <= inside


@pytest.mark.parametrize(("kinds", "said"), [(1, "exp"), (2, "exp, tanh"), (3, "exp, tanh, …")])
def test_a_group_names_two_kinds_and_says_that_there_are_others(kinds, said):
    y = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for function in (mg.exp, mg.exp, mg.tanh, mg.sin)[: kinds + 1]:
        y = function(y)
    assert f"{kinds + 1} nodes: {said}" in [box.title for box in make_view((y * 2.0).graph(), limit=3).boxes]
