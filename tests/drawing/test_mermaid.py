"""Mermaid text, read back by a small parser that knows the grammar line by line."""

import html
import inspect
import json
import re
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.drawing import mermaid
from minigrad.drawing.look import parse_options
from minigrad.drawing.mermaid import SHAPES, mermaid_source, quote_lines, write_mermaid
from minigrad.drawing.text import escape_hidden
from minigrad.drawing.view import make_view

STRING = r'"(?P<text>(?:[^"#\n<>]|#\w+;|<br/>)*)"'
BOX = re.compile(rf"(?P<id>[nsgu]\d+)(?P<begin>[\[({{/]+){STRING}(?P<end>[\])}}/]+)")
ARROW = re.compile(rf"(?P<source>[nsgu]\d+) (?P<line>-->|-\.->)(\|{STRING}\|)? (?P<target>[nsgu]\d+)")
SUBGRAPH = re.compile(rf"subgraph (?P<id>c\d+)\[{STRING}\]")
DEFINITION = re.compile(r"classDef (?P<name>\w+) (?P<style>[-\w:#,. ]+)")
MEMBERS = re.compile(r"class (?P<ids>\w+(,\w+)*) (?P<name>\w+)")


class Parsed:
    """What a flowchart says; raises where a line is none of its grammar."""

    def __init__(self, text):
        lines = text.split("\n")
        assert lines.pop() == ""
        self.title = None
        if lines[0] == "---":
            self.title = json.loads(lines[1].removeprefix("title: "))
            assert lines[2] == "---"
            lines = lines[3:]
        kind, self.direction = lines[0].split(" ")
        assert kind == "flowchart"
        self.boxes, self.shapes, self.arrows, self.clusters, self.styles, self.classes = {}, {}, [], {}, {}, {}
        self.parent = {}
        stack = []
        for line in map(str.strip, lines[1:]):
            if line == "end":
                stack.pop()
            elif found := SUBGRAPH.fullmatch(line):
                self.parent[found["id"]] = stack[-1] if stack else None
                self.clusters[found["id"]] = decoded(found["text"])
                stack.append(found["id"])
            elif found := BOX.fullmatch(line):
                assert found["id"] not in self.boxes
                self.parent[found["id"]] = stack[-1] if stack else None
                self.boxes[found["id"]] = decoded(found["text"]).split("<br/>")
                self.shapes[found["id"]] = found["begin"], found["end"]
            elif found := ARROW.fullmatch(line):
                note = decoded(found["text"]) if found["text"] else ""
                self.arrows.append((found["source"], found["target"], note, found["line"]))
            elif found := DEFINITION.fullmatch(line):
                self.styles[found["name"]] = found["style"]
            else:
                found = MEMBERS.fullmatch(line)
                assert found, line
                for id in found["ids"].split(","):
                    self.classes.setdefault(id, []).append(found["name"])
        assert not stack
        assert {end for arrow in self.arrows for end in arrow[:2]} <= {*self.boxes}
        assert {*self.boxes} <= {*self.classes} <= {*self.boxes, *self.clusters}
        assert {name for names in self.classes.values() for name in names} == {*self.styles}


def decoded(text):
    """As a browser shows it: `#60;` and `#lt;` are characters."""
    return re.sub(
        r"#(\w+);", lambda found: chr(int(found[1])) if found[1].isdigit() else html.unescape(f"&{found[1]};"), text
    )


def expression(scope="model"):
    x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name="x")
    shift = mg.Tensor([[1.0], [2.0]])
    with mg.scope(scope):
        y = mg.softmax(x * 2.0) - shift
    y.name = "y"
    return y


class Blocks(nn.Module):
    def __init__(self, count):
        rng = np.random.default_rng(0)
        self.blocks = [nn.TransformerBlock(8, 2, rng=rng) for _ in range(count)]

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return mg.sum(x)


def step():
    total = mg.Tensor([0.0, 0.0], name="total")

    def accumulate(x):
        mg.assign(total, mg.read(total) + mg.dropout(x, 0.5, rng=np.random.default_rng(0)))
        return x.sum()

    return mg.trace(accumulate, np.ones(2))


# --- what it says -----------------------------------------------------------------------------------------------------


def test_boxes_arrows_and_scopes():
    chart = Parsed(expression().graph().mermaid())
    assert chart.direction == "LR"
    assert chart.boxes == {
        "n0": ["x", "(1, 2)"], "n1": ["multiply(·, 2)", "(1, 2)"], "n2": ["softmax", "(1, 2)"],
        "n3": ["input", "(2, 1)"], "n4": ["y", "subtract", "(2, 2)"],
    }  # fmt: skip
    assert chart.arrows == [
        ("n0", "n1", "", "-->"), ("n1", "n2", "", "-->"), ("n2", "n4", "x1 (1, 2) → (2, 2)", "-->"),
        ("n3", "n4", "x2 (2, 1) → (2, 2)", "-->"),
    ]  # fmt: skip
    assert chart.clusters == {"c0": "model"}
    assert chart.parent == {"c0": None, "n0": "c0", "n1": "c0", "n2": "c0", "n3": None, "n4": "c0"}


def test_PI4_each_use_is_an_arrow():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    chart = Parsed((x * x + x).graph().mermaid())
    assert [arrow[:2] for arrow in chart.arrows] == [("n0", "n1"), ("n0", "n1"), ("n1", "n2"), ("n0", "n2")]


def test_roles_differ_in_shape_or_outline_and_in_colour():
    drawn = [expression().graph(gradients=False), mg.sum(expression()).graph(gradients=True), step()]
    looks = {}
    for graph in drawn:
        chart = Parsed(graph.mermaid())
        for node in graph:
            id = f"n{node.number}"
            styles = ",".join(chart.styles[name] for name in chart.classes[id])
            looks.setdefault((node.role, node.output and node.op is not None), set()).add(
                (chart.shapes[id], "stroke-" in styles)
            )
    assert {role for role, _ in looks} == {"parameter", "input", "op", "cotangent", "state", "random"}
    assert all(len(found) == 1 for found in looks.values())
    assert len({*map(tuple, looks.values())}) == len(looks)
    assert len({*SHAPES.values()}) >= 7


def test_gradients_are_a_subgraph_of_their_own_fed_by_dotted_arrows():
    chart = Parsed(mg.sum(expression()).graph(gradients=True).mermaid())
    assert {"model", "gradient of model"} <= {*chart.clusters.values()} or "gradient" in chart.clusters.values()
    assert chart.direction == "TB"
    assert {line for *_, line in chart.arrows} == {"-->", "-.->"}
    assert {"op", "op1", "open", "open1"} <= {*chart.styles}
    assert not {"op1", "open1"} & {*Parsed(mg.sum(expression()).graph(gradients=True).mermaid(order=0)).styles}


def test_the_next_value_of_state_is_a_box():
    chart = Parsed(step().mermaid())
    (next_value,) = [id for id in chart.boxes if id.startswith("u")]
    assert chart.boxes[next_value] == ["next total"]
    assert chart.shapes[next_value] == SHAPES["state"]


def test_what_is_shown_is_what_the_view_has():
    graph = Blocks(11)(mg.Tensor(np.ones((1, 3, 8), np.float32))).graph()
    for options in ({}, {"depth": 1}, {"depth": 99}, {"hide_constants": True, "depth": 3}):
        chart, shown = Parsed(graph.mermaid(**options)), make_view(graph, **options)
        assert {*chart.boxes} == {box.id for box in shown.boxes}
        assert [arrow[:2] for arrow in chart.arrows] == [(a.source.id, a.target.id) for a in shown.arrows]
        assert chart.title == (None if "depth" in options else " · ".join(shown.notes)), "what was not asked for"


def test_PI6_equal_siblings_are_folded():
    chart = Parsed(Blocks(12)(mg.Tensor(np.ones((1, 3, 8), np.float32))).graph().mermaid())
    assert len(chart.boxes) <= 150
    assert "1–11 ×11" in {*chart.clusters.values(), *(lines[0] for lines in chart.boxes.values())}


# --- what can be chosen -----------------------------------------------------------------------------------------------


def test_direction_title_values_labels_and_highlights():
    graph = expression().graph()
    chart = Parsed(
        graph.mermaid(direction="BT", title="a <title>", values=True, labels={"y": "the result"}, highlight=[graph[2]])
    )
    assert chart.direction == "BT"
    assert chart.title == "a ‹title›"
    assert chart.boxes["n1"] == ["multiply(·, 2)", "(1, 2)", "[2 4]"]
    assert chart.boxes["n4"][0] == "the result"
    assert chart.classes["n2"] == ["op", "selected"]


def test_a_part_and_closed_scopes():
    graph = expression().graph()
    assert [lines[0] for lines in Parsed(graph.mermaid(between=("x", "softmax"))).boxes.values()] == [
        "x", "multiply(·, 2)", "softmax",
    ]  # fmt: skip
    closed = Parsed(graph.mermaid(depth=0))
    assert closed.boxes == {"s0": ["model", "(2, 2)"], "n3": ["input", "(2, 1)"]}
    assert closed.classes["s0"] == ["scope"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"direction": "up"}, ValueError, "direction='up'"), ({"depth": -1}, ValueError, "depth=-1"),
        ({"titel": "x"}, TypeError, "did you mean 'title'"), ({"gradients": True}, TypeError, "no option 'gradients'"),
    ],
)  # fmt: skip
def test_what_cannot_be_chosen_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        expression().graph().mermaid(**options)


def test_what_failed_and_what_is_different_is_marked():
    with pytest.raises(ValueError, match="reshape"), mg.recording() as r:
        mg.Tensor([1.0]).reshape(3)
    chart = Parsed(r.graph().mermaid())
    assert chart.boxes["n1"] == ["failed: reshape", "?"]
    assert chart.classes["n1"][-1] == "failed"
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    chart = Parsed(mg.exp(mg.relu(x)).graph().diff(mg.exp(mg.sin(x) + 1.0).graph()).mermaid())
    assert [lines[0] for lines in chart.boxes.values()][1:] == ["+ sin", "~ relu → add", "exp"]
    assert chart.title == "1 added, 0 removed, 1 changed, 2 the same"


def test_the_same_text_on_every_run():
    assert expression().graph().mermaid() == expression().graph().mermaid() == mermaid_source(expression().graph())


# --- text -------------------------------------------------------------------------------------------------------------

HOSTILE = [
    'a"]; evil [label="x', '\\" shape=box color=red] # "', "<lambda> <map>", "<b>x</b>", "<", "\\G", "trailing \\",
    "x" * 20_000, "nul\0", "\ud800", "\u202eright to left", "line\nbreak\u2028", "emoji 👩‍🚀", "查询/键/值",
    "<img src=x onerror=alert(1)>", "</script><script>alert(1)</script>", '"onmouseover=', "javascript:alert(1)",
    "end", "style a:#f00;", "classDef b:#1;", "click n0 call", "subgraph x", "%%{init: {'theme': 'dark'}}%%", "%% c",
    "1. list", "10) list", "- list", "+ list", "* list", "# heading", "> quote", "`code`", "**bold**", "_em_",
    "__init__", "www.example.com", "a@b.com", "#quot;", "&lt;", "&#35;", "a|b|c", "```", "===", "    indented",
    "[link](http://x)", "~~s~~", "<br/>", "{{x}}", "o--x", "n9[evil]", "@{shape: x}", "  ", "$x$", "\\N", "\\n",
    "$$x$$", "fa:fa-car",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_H1_H2_H3_hostile_text_is_shown_as_it_is(text):
    """As name, as scope, as label and as title; a few characters that Mermaid finds anywhere have a stand-in."""
    y = expression(scope=text.replace("/", "∕") or "empty")
    y.name = text
    chart = Parsed(y.graph().mermaid(labels={"x": text}, title=text))
    plain = Parsed(expression().graph().mermaid())
    assert chart.shapes == plain.shapes
    assert chart.arrows == plain.arrows
    shown = escape_hidden(text).strip()
    shown = shown if len(shown) <= 200 else f"{shown[:199]}…"
    expected = shown.replace("\\n", "⧵n").replace("$$", "＄$").replace(":fa", "：fa") or "\xa0"
    assert chart.boxes["n4"][0] == chart.boxes["n0"][0] == expected or "<br/>" in text
    assert chart.clusters["c0"] == expected.replace("/", "∕") or "<br/>" in text
    assert chart.title == escape_hidden(text).replace("<", "‹").replace(">", "›")
    y.graph().mermaid(title=text).encode("utf-8")


def test_nothing_that_markdown_or_mermaid_reads_is_left():
    """Colons and percent signs begin what it finds outside of strings too: styles, directives, icons."""
    for text in HOSTILE:
        inside = quote_lines(text)[1:-1]
        assert not re.search(r'["<>&`*:\\|{}\[\]~$%@]', inside.replace("<br/>", ""))
        assert not re.match(r"[-+=\s]|\d+[.)]", inside)
        assert re.sub(r"#\w+;", "", inside).count("#") == 0
        assert not re.search(r"(^|\W)_|_(\W|$)", inside)
    assert quote_lines("stop_gradient(·, 0.5)", "(2,)", "axis=-1") == '"stop_gradient(·, 0.5)<br/>(2,)<br/>axis=-1"'


def test_deep_scopes_need_no_recursion():
    y = mg.Tensor(1.0, requires_grad=True)
    for i in range(300):
        with mg.scope("/".join(["s"] * i)):
            y = y * 1.0
    graph, limit = y.graph(), sys.getrecursionlimit()
    shown, look = parse_options(graph, {"depth": 300})
    sys.setrecursionlimit(len(inspect.stack()) + 100)
    try:
        text = write_mermaid(shown, look)
    finally:
        sys.setrecursionlimit(limit)
    assert len(Parsed(text).clusters) > 290


def test_every_role_has_a_shape_and_colours():
    from minigrad.drawing.style import LEGEND, MARKS

    assert {*LEGEND} <= {*SHAPES}
    assert {*MARKS} <= {*mermaid.LINES}


def test_TX15_more_arrows_than_mermaid_draws_are_refused():
    y = mg.Tensor(np.ones(2), requires_grad=True)
    for _ in range(501):
        y = mg.tanh(y)
    with pytest.raises(ValueError, match=r"mermaid: 501 arrows, .* refuse more than 500: choose a smaller depth="):
        y.graph().mermaid(depth=0)
    assert y.graph().mermaid()
