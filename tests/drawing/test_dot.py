"""What DOT text says: nodes, edges, clusters, notes; and that no name can break it."""

import re

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.dot import LARGE, dot_source
from minigrad.drawing.engines import ENGINES, layout
from minigrad.drawing.style import INKS
from minigrad.graph import graph_of, trace

needs_engine = pytest.mark.skipif(
    not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot"
)


def parameter(*shape, name=None):
    return mg.Tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), requires_grad=True, name=name)


def nodes(dot):
    """The attributes of every node, by its name in the DOT text."""
    return dict(re.findall(r"^  ([nu]\d+) (\[.*\]);$", dot, re.MULTILINE))


def edges(dot):
    return re.findall(r"^  ([nu]\d+) -> ([nu]\d+)(?: (\[.*\]))?;$", dot, re.MULTILINE)


def lines_of(attributes):
    """The lines of a label."""
    return re.search(r'\blabel="((?:[^"\\]|\\.)*)"', attributes)[1].split(r"\n")


def test_a_node_shows_name_operation_and_shape():
    y = parameter(2, 3, name="x") * 0.25
    y.name = "scaled"
    boxes = nodes(y.graph().dot())
    assert lines_of(boxes["n0"]) == ["x", "(2, 3)"]
    assert lines_of(boxes["n1"]) == ["scaled", "multiply(·, 0.25)", "(2, 3)"]
    boxes = nodes(mg.sum(parameter(2, 3), axis=-1).graph().dot())
    assert lines_of(boxes["n1"]) == ["sum", "axis=-1", "(2,)"]


def test_one_edge_for_each_use():
    x = parameter(name="x")
    assert [(tail, head) for tail, head, _ in edges((x * x + x).graph().dot())] == [
        ("n0", "n1"), ("n0", "n1"), ("n1", "n2"), ("n0", "n2"),
    ]  # fmt: skip


def test_operands_are_named_where_their_order_matters_and_there_are_several():
    x, y = parameter(2, 2), parameter(2, 2)
    labels = [attributes for *_, attributes in edges(mg.exp((x @ y) + y).graph().dot())]
    assert ['label=" x1"' in text for text in labels] == [True, False, False, False, False]
    assert ['label=" x2"' in text for text in labels] == [False, True, False, False, False]
    assert not any("label" in attributes for *_, attributes in edges((x - 1.0).graph().dot()))
    x.name = "x1"
    assert [attributes for *_, attributes in edges((x @ y).graph().dot())] == ["", '[label=" x2"]']


def test_broadcasting_is_noted_on_the_edge():
    bias, data = parameter(8), mg.Tensor(np.ones((6, 8)))
    noted = {tail: attributes for tail, _, attributes in edges((data + bias).graph().dot())}
    assert noted == {"n0": "", "n1": '[label=" (8,) → (6, 8)"]'}


def test_roles_differ_in_shape_or_outline_and_in_colour():
    rng, state, weight = np.random.default_rng(0), mg.Tensor(np.zeros(2), name="state"), parameter(2, name="weight")

    def step(x):
        weight.grad = None
        y = mg.sum(mg.dropout(x, 0.5, rng=rng) * weight * mg.constant([1.0, 2.0]))
        y.backward()
        mg.assign(state, weight.grad)
        return y

    graph = trace(step, np.ones(2))
    boxes = nodes(graph.dot())
    looks = {}
    for node in graph:
        attributes = re.sub(r'\b(label|tooltip)="(?:[^"\\]|\\.)*"', "", boxes[f"n{node.number}"])
        looks.setdefault("output" if node.output else node.role, attributes)
    assert set(looks) == {"input", "state", "parameter", "constant", "random", "op", "output", "cotangent"}
    assert len(set(looks.values())) == len(looks)
    assert lines_of(boxes[f"u{graph.find('state').number}"]) == ["next state"]


def test_scopes_are_clusters_and_parameters_lie_in_the_one_that_owns_them():
    weight = parameter(2, name="weight")
    with mg.scope("block"), mg.scope("attention"):
        y = weight * 2.0
    with mg.scope("block"), mg.scope("feed_forward"):
        y = y * weight
    dot = y.graph().dot()
    assert re.findall(r'label="(block|attention|feed_forward)"', dot) == ["block", "attention", "feed_forward"]
    inside = dot.split('label="attention"')[1].split("}")[0]
    assert "n0; n1;" in inside
    assert dot.count('label="weight') == 1


def test_gradient_graphs_of_each_order_lie_in_clusters_of_their_own():
    x = parameter(3, name="x")
    with mg.scope("attention"):
        y = mg.softmax(x)
    first = mg.grad(y, x, cotangents=np.array([1.0, 2.0, 3.0]), create_graph=True)
    second = mg.grad(first, x, cotangents=np.array([3.0, 2.0, 1.0]), create_graph=True)
    graph = graph_of([y, first, second])
    dot = graph.dot()
    titles = re.findall(r'graph \[.*label="([^"]*)"\];', dot)
    assert titles == ["attention", "gradient of attention", "second derivative of attention"]
    fills = {
        order: set(
            re.findall(
                r'fillcolor="(#\w+)"', "".join(nodes(dot)[f"n{n.number}"] for n in graph if n.op and n.order == order)
            )
        )
        for order in (1, 2)
    }
    assert len(fills[1]) == len(fills[2]) == 1
    assert fills[1] != fills[2]
    # Written against its direction within a gradient graph, so that it does not run downwards.
    within = [attributes for tail, head, attributes in edges(dot) if 'dir="back"' in attributes]
    assert within


def test_the_update_that_uses_a_gradient_is_not_part_of_the_gradient_graph():
    weight = parameter(2, name="weight")

    def step():
        weight.grad = None
        mg.sum(weight * weight).backward()
        with mg.scope("optimiser"):
            mg.assign(weight, weight - weight.grad * 0.1)

    dot = trace(step).dot()
    assert re.findall(r'graph \[.*label="([^"]*)"\];', dot) == ["optimiser", "gradient"]


def test_values_are_shown_on_request():
    graph = (parameter(2, name="x") * 2.0).graph()
    assert lines_of(nodes(graph.dot(values=True))["n1"]) == ["multiply(·, 2)", "(2,)", "[2 4]"]
    assert lines_of(nodes(mg.exp(parameter()).graph().dot(values=True))["n1"]) == ["exp", "2.718"]
    traced = trace(lambda x: x * 2.0, np.ones(2)).dot(values=True)
    assert lines_of(nodes(traced)["n1"]) == ["multiply(·, 2)", "(2,)"]


def test_gradients_are_shown_on_request_with_what_flows_back():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    y = x * x + x
    y.backward(keep=True)
    dot = y.graph().dot(gradients=True)
    assert [lines_of(nodes(dot)[name])[-1] for name in ("n0", "n1", "n2")] == [
        "gradient: 7", "gradient: 1", "gradient: 1",
    ]  # fmt: skip
    back = [(tail, head) for tail, head, attributes in edges(dot) if "dashed" in attributes]
    assert back == [("n1", "n2"), ("n0", "n2"), ("n0", "n1"), ("n0", "n1")]
    assert "dashed" not in y.graph().dot()


def test_a_gradient_that_is_not_there_is_never_shown_as_zero():
    x, indices = parameter(3), mg.Tensor([0, 2])
    y = mg.sum(mg.take(x, indices) * mg.stop_gradient(x)[:2])
    assert "gradients: not computed" in y.graph().dot(gradients=True, title="before")
    y.backward(keep=True)
    dot = y.graph().dot(gradients=True)
    assert "not computed" not in dot
    last = {lines_of(attributes)[0]: lines_of(attributes)[-1] for attributes in nodes(dot).values()}
    assert last["constant"] == "gradient: none (result of getitem without history)"
    assert last["input"] == "gradient: none (int64)"


def test_gradients_that_were_not_kept_are_not_called_none():
    x = parameter(3)
    y = mg.exp(x)
    mg.sum(y).backward()
    dot = y.graph().dot(gradients=True)
    assert "of leaves only" in dot
    assert [lines_of(attributes)[-1] for attributes in nodes(dot).values()] == ["gradient: [2.718 7.389 20.09]", "(3,)"]


def test_direction_and_title():
    graph = (parameter(2) * 2.0).graph()
    assert 'rankdir="LR"' in graph.dot()
    assert 'rankdir="BT"' in graph.dot(direction="BT")
    assert 'label="a title"' in graph.dot(title="a title")
    with pytest.raises(ValueError, match="direction='down'"):
        graph.dot(direction="down")


def test_a_long_chain_is_written_without_recursion():
    x = y = parameter()
    for _ in range(5_000):
        y = y + x
    dot = y.graph().dot(depth=0)
    assert dot.count("->") == 4_999
    assert "5,001 uses" in dot, "of x, which gets no arrows"
    assert 'nslimit="1"' in dot
    assert LARGE < 5_000


def test_deep_scopes_are_written_without_recursion():
    scope = "/".join(f"s{depth}" for depth in range(1_500))
    with mg.scope(scope):
        y = parameter(2) * 2.0
    dot = y.graph().dot()
    assert dot.count("subgraph") == 1, "scopes around a single other one are one"
    y = parameter(2) * 2.0
    for depth in range(300):
        with mg.scope("/".join(f"s{level}" for level in range(depth + 1))):
            y = mg.sqrt(y)
    assert y.graph().dot(depth=2_000).count("subgraph") == 300


HOSTILE = [
    'a"]; evil [label="x', '\\" shape=box color=red] # "', "<lambda> <map>", "<b>x</b>", "<", "\\N", "\\G", "\\",
    "trailing\\", "new\nline", "a" * 20_000, "nul\x00", "\u202eevil", "🙂", "<img src=x onerror=alert(1)>", "-->",
    "a:b", "查询/键", "&lt;", "&#92;N", "{a|b}",
]  # fmt: skip


@needs_engine
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_name_adds_nothing_to_the_picture(name):
    x = parameter(2, name=name)
    with mg.scope(name):
        y = x - mg.exp(x)
    y.name = name
    drawn = layout(dot_source(y.graph(), title=name), "json")
    boxes = [box for box in drawn["objects"] if "nodes" not in box]
    assert [box["name"] for box in boxes] == ["n0", "n1", "n2"]
    assert len(drawn["edges"]) == 3
    assert not any(key.lower() in ("href", "url") for box in boxes for key in box)
    assert all(re.fullmatch(r"box", box["shape"]) for box in boxes)


@needs_engine
def test_names_without_control_characters_are_shown_as_they_are(svg_of):
    x = parameter(2, name='say "x" <i> \\N & 查询')
    svg = svg_of((x * 2.0).graph().dot()).decode("utf-8")
    assert "&lt;i&gt;" in svg
    assert "查询" in svg
    assert "\\N" in svg


# --- what is chosen ---------------------------------------------------------------------------------------------------


def test_labels_take_the_place_of_name_and_operation():
    graph = (parameter(2, name="x") * 2.0).graph()
    boxes = nodes(graph.dot(labels={"x": "what is given", graph[1]: "twice <that>"}))
    assert lines_of(boxes["n0"]) == ["what is given", "(2,)"]
    assert lines_of(boxes["n1"]) == ["twice <that>", "(2,)"]
    with pytest.raises(LookupError, match="no node matches 'y'"):
        graph.dot(labels={"y": "nothing"})


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_highlights_have_an_outline_of_their_own(theme):
    graph = (parameter(2, name="x") * 2.0).graph()
    selection = getattr(INKS.selection, theme)
    assert selection not in graph.dot(theme=theme)
    boxes = nodes(graph.dot(theme=theme, highlight=["multiply"]))
    assert [f'color="{selection}"' in attributes for attributes in boxes.values()] == [False, True]
    with mg.scope("inside"):
        closed = mg.exp(parameter(2)).graph()
    (box,) = re.findall(r"^  s0 (\[.*\]);$", closed.dot(depth=0, highlight=["exp"]), re.MULTILINE)
    assert f'color="{INKS.selection.light}"' in box, "the box that hides it"


def test_marks_are_signs_outlines_and_colours():
    graph = (mg.exp(parameter(2, name="x")) * 2.0).graph()
    boxes = nodes(graph.dot(marks={graph[0]: "removed", graph[1]: "added", graph[2]: "failed"}))
    assert [lines_of(boxes[f"n{number}"])[0] for number in range(3)] == ["− x", "+ exp", "failed: multiply(·, 2)"]
    looks = [re.sub(r'\b(label|tooltip)="(?:[^"\\]|\\.)*"', "", boxes[f"n{number}"]) for number in range(3)]
    assert len(set(looks)) == 3


@pytest.mark.parametrize("what", ["values", "gradients"])
def test_what_is_not_finite_raises_an_alarm_where_it_is_shown(what):
    x = mg.Tensor([-1.0, 4.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        y = mg.sum(mg.sqrt(x)) if what == "values" else mg.sum(mg.exp(x * 1000.0))
        y.backward(keep=True)
    graph = y.graph()
    assert INKS.alarm.light not in graph.dot()
    odd = [node.number for node in graph if not np.isfinite(node.value if what == "values" else node.gradient).all()]
    boxes = nodes(graph.dot(**{what: True}))
    assert odd
    assert [number for number in range(len(graph)) if INKS.alarm.light in boxes[f"n{number}"]] == odd


def test_a_part_and_an_order_can_be_picked():
    x = parameter(2, name="x")
    y = mg.sum(mg.exp(x * 2.0))
    graph = y.graph(gradients=True)
    assert "gradient" not in graph.dot(order=0)
    assert len(nodes(graph.dot(order=0))) == 4
    part = graph.dot(between=(graph[1], graph[2]))
    assert len(nodes(part)) == 2


def test_constants_can_be_left_out():
    graph = (parameter(2) * mg.constant([1.0, 2.0])).graph()
    assert len(nodes(graph.dot())) == 3
    dot = graph.dot(hide_constants=True)
    assert len(nodes(dot)) == 2
    assert dot.count("->") == 1


def test_dot_text_has_no_legend():
    with pytest.raises(ValueError, match="legend: DOT text has none; pictures as svg, png and pdf do"):
        parameter(2).graph().dot(legend=True)


def test_fonts_grow_together():
    graph = (parameter(2, 2) @ parameter(2, 2)).graph()
    sizes = [set(re.findall(r'fontsize="([\d.]+)"', graph.dot(font_size=size))) for size in (10, 20)]
    assert {2 * float(size) for size in sizes[0]} == {float(size) for size in sizes[1]}


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"theme": "blue"}, "theme='blue': expected one of 'light', 'dark', 'auto'"),
        ({"font_size": 0}, "font_size=0: expected a positive number"),
        ({"font_size": "10"}, "font_size='10': expected a positive number"),
        ({"dpi": float("inf")}, "dpi=inf: expected a positive number"),
        ({"depth": -1}, "depth=-1: expected a whole number"),
    ],
)
def test_bad_choices_are_refused(option, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        parameter(2).graph().dot(**option)


def test_PI4_a_tensor_used_twice_is_one_box_with_an_edge_and_a_contribution_for_each_use():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    y = x * x + x
    y.backward(keep=True)
    graph = y.graph()
    dot = graph.dot(gradients=True)
    assert dot.count('label="x\\n') == 1
    forward = [(tail, head) for tail, head, attributes in edges(dot) if "dashed" not in attributes]
    assert sorted(forward) == [("n0", "n1"), ("n0", "n1"), ("n0", "n2"), ("n1", "n2")]
    slots = [step.argument for step in graph.steps() if getattr(step, "target", None) is graph[0]]
    assert sorted(slots) == ["x1", "x2", "x2"]
    assert all(f"∂%{n}/∂{slot}, added to the gradient of %0" in dot for n, slot in ((1, "x1"), (1, "x2"), (2, "x2")))
    contributions = [step.contribution for step in graph.steps() if getattr(step, "target", None) is graph[0]]
    assert sum(float(c) for c in contributions) == float(x.grad) == 7.0


def test_PI5_every_absent_gradient_is_shown_with_its_reason():
    x, integers, data = parameter(3, name="x"), mg.Tensor([0, 2], name="integers"), mg.Tensor(np.ones(2), name="data")
    with mg.trace_lines():
        cut = x.detach()
    y = mg.sum(mg.take(x, integers) * data * mg.take(cut, integers) * mg.constant([1.0, 2.0], "fixed"))
    before = y.graph().dot(gradients=True)
    assert "gradients: not computed" in before
    assert "gradient: none" not in before
    y.backward(keep=True)
    other = mg.exp(x)
    dot = graph_of([y, other]).dot(gradients=True)
    shown = {lines_of(attributes)[0]: lines_of(attributes)[-1] for attributes in nodes(dot).values()}
    assert shown["integers"] == "gradient: none (int64)"
    assert shown["data"] == "gradient: none (not required)"
    assert shown["fixed"] == "gradient: none (constant)"
    assert shown["exp"] == "gradient: none (no path)"
    assert shown["x"] == "gradient: [1 0 6]"


def test_a_gradient_of_zeros_is_shown_as_exactly_zero():
    x = parameter(3, name="x")
    y = mg.sum(x * mg.constant([0.0, 0.0, 0.0]))
    y.backward(keep=True)
    assert lines_of(nodes(y.graph().dot(gradients=True))["n0"])[-1] == "gradient: exactly 0"


def test_many_contributions_to_a_closed_scope_are_told_together():
    x = mg.sin(parameter(2))
    with mg.scope("layer"):
        y = sum((mg.exp(x * float(i)) for i in range(14)), start=x * 0.0)
    loss = mg.sum(y)
    loss.backward(keep=True)
    (into_x,) = [line for line in loss.graph().dot(depth=0, gradients=True).splitlines() if "15 contributions" in line]
    assert ", norm " in into_x
    assert into_x.count("/∂x1 to %1") == 12
    assert into_x.endswith(r'\nand 3 more"];')
