"""What a painted picture shows: texts, tables of numbers, arrows, legend; nothing leaves its place."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES
from minigrad.drawing.look import parse_options
from minigrad.drawing.painter import paint_picture, plan_picture
from minigrad.drawing.sheet import Group, Rectangle, Text, walk_elements

pytestmark = pytest.mark.skipif(
    not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot"
)
SVG = "{http://www.w3.org/2000/svg}"


def parameter(*shape, name=None):
    return mg.Tensor(np.arange(1.0, 1.0 + np.prod(shape)).reshape(shape), requires_grad=True, name=name)


def paint(graph, **options):
    shown, look = parse_options(graph, options)
    return paint_picture(plan_picture(shown, look), look)


def texts_of(sheet):
    return [element.text for element in walk_elements(sheet.children) if isinstance(element, Text)]


def groups_of(sheet):
    """The texts of each group, by the end of its id."""
    return {
        group.id.rpartition("-")[2]: [part.text for part in group.children if isinstance(part, Text)]
        for group in sheet.children
        if hasattr(group, "id")
    }


def test_a_name_is_bold_and_what_is_said_beside_it_is_not():
    y = parameter(2, 3, name="x") * 0.25
    y.name = "scaled"
    sheet = paint(y.graph())
    assert groups_of(sheet)["n1"] == ["scaled", "multiply(·, 0.25)\u2002(2, 3)"]
    bold = {element.text for element in walk_elements(sheet.children) if isinstance(element, Text) and element.bold}
    assert bold == {"x", "scaled"}


def test_each_element_of_a_vector_stands_above_its_gradient():
    x = mg.Tensor([1.0, -0.5, 20.25], requires_grad=True, name="x")
    mg.sum(x * mg.constant([0.125, 100.0, 3.0])).backward(keep=True)
    y = mg.sum(x * x)
    y.backward(keep=True)
    sheet = paint(y.graph(), values=True, gradients=True)
    (box,) = [group for group in sheet.children if getattr(group, "id", "").endswith("-n0")]
    numbers = {part.text: part for part in box.children if isinstance(part, Text) and part.anchor == "end"}
    assert [*numbers] == ["1", "−0.5", "20.25", "2.125", "99", "43.5"]
    ends = [numbers[text].x for text in ("20.25", "43.5")]
    assert ends[0] - ends[1] == pytest.approx(0.59 * 9), "their points, not their ends, are one under the other"
    assert numbers["1"].y < numbers["2.125"].y
    assert numbers["1"].fill != numbers["2.125"].fill


@pytest.mark.parametrize("shape", [(), (1,), (6,), (7,), (2, 3), (6, 6), (1, 1, 2), (2, 2, 2), (0, 3)])
@pytest.mark.parametrize("font_size", [10, 17])
def test_everything_in_a_box_has_room_in_it(shape, font_size):
    x = mg.Tensor(np.random.default_rng(0).normal(size=shape) * 1e3, requires_grad=True, name="weights of the layer")
    y = mg.sum(mg.exp(x * 1e-3))
    y.backward(keep=True)
    sheet = paint(y.graph(), values=True, gradients=True, font_size=font_size)
    for group in sheet.children:
        if not re.search(r"-n\d+$", getattr(group, "id", "")):
            continue
        outline, *inside = [part for part in group.children if isinstance(part, Rectangle)]
        for panel in inside:
            assert outline.x < panel.x
            assert panel.x + panel.width < outline.x + outline.width
        for text in (part for part in group.children if isinstance(part, Text)):
            assert outline.y < text.y - 0.7 * text.size
            assert text.y < outline.y + outline.height


@pytest.mark.parametrize("direction", ["TB", "BT", "LR", "RL"])
def test_the_heading_of_a_scope_stands_above_what_is_in_it(direction):
    with mg.scope("inside"):
        y = mg.tanh(mg.exp(parameter(2)))
    groups = [part for part in paint(y.graph(), direction=direction).children if isinstance(part, Group)]
    texts = {part.text: part.y for group in groups for part in group.children if isinstance(part, Text)}
    boxes = [group for group in groups if re.search(r"-n\d+$", group.id)]
    assert len(boxes) == 3
    assert texts["inside"] < min(part.y for box in boxes for part in box.children if isinstance(part, Rectangle))


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_legend_explains_what_is_there_and_nothing_else(theme):
    x = parameter(2, name="x")
    y = mg.sum(x * mg.constant([1.0, 2.0]))
    y.backward(keep=True)
    plain = texts_of(paint(y.graph(), theme=theme))
    assert texts_of(paint(y.graph(), legend=True, theme=theme))[len(plain) :] == [
        "parameter", "constant", "operation", "output", "value",
    ]  # fmt: skip
    texts = texts_of(paint(y.graph(), legend=True, gradients=True, theme=theme))
    assert "gradient flowing back" in texts
    assert "value kept for the gradient" not in texts


def test_the_legend_tells_outputs_of_gradients_apart_and_names_marks():
    y = mg.exp(parameter(2))
    texts = texts_of(paint(mg.sum(y).graph(gradients=True), legend=True))
    assert texts.count("output") == texts.count("gradient, output") == 1
    graph = y.graph()
    texts = texts_of(paint(graph, legend=True, marks={graph[1]: "changed", graph[0]: "removed"}))
    assert [text for text in texts if text in ("added", "removed", "changed", "failed")] == ["removed", "changed"]


def test_a_legend_that_is_wider_than_the_picture_takes_several_rows():
    sheet = paint(mg.sum(mg.exp(parameter(2) * 2.0)).graph(gradients=True), legend=True, direction="TB")
    rows = {element.y for element in sheet.children if isinstance(element, Text)}
    assert len(rows) > 1
    assert sheet.width < 400


def test_the_tooltip_of_a_box_is_its_line_and_formula_that_of_a_flow_its_contribution(tmp_path, parts_of):
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    y = mg.exp(x)
    y.backward(keep=True)
    graph = y.graph()
    graph.draw(tmp_path / "x.svg", gradients=True)
    box = parts_of(tmp_path / "x.svg", "node")[1]
    assert (
        box.find(f"{SVG}title").text == f"{graph[1]!r}\nyᵢ = exp(xᵢ)" or repr(graph[1]) in box.find(f"{SVG}title").text
    )
    (flow,) = parts_of(tmp_path / "x.svg", "flow")
    assert flow.find(f"{SVG}title").text.startswith("∂%1/∂x, added to the gradient of %0")


def test_highlights_alarms_and_marks_are_outlines():
    x = mg.Tensor([-1.0, 4.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        y = mg.sum(mg.sqrt(x))
    graph = y.graph()
    plain, shown = paint(graph), paint(graph, values=True, highlight=["x"], marks={graph[2]: "changed"})
    widths = [
        {
            group.id[-2:]: group.children[0].stroke_width
            for group in sheet.children
            if group.id[-2:] in ("n0", "n1", "n2")
        }
        for sheet in (plain, shown)
    ]
    assert all(widths[1][name] > 2 * widths[0][name] * 0.9 for name in ("n0", "n1", "n2"))


def test_a_picture_of_nothing_is_empty(tmp_path):
    mg.graph_of([]).draw(tmp_path / "x.svg")
    assert "<title>Graph</title>" in (tmp_path / "x.svg").read_text("utf-8")
    assert ElementTree.parse(tmp_path / "x.svg").getroot().get("width") == "16"
