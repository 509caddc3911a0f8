"""A sheet as SVG: what is written for each primitive, in each theme, and that no text can break it."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad.drawing.sheet import PAPER, Ellipse, Group, Ink, Path, Rectangle, Sheet, Text, Tiles
from minigrad.drawing.svg import write_svg
from minigrad.drawing.text import make_text

NAME = "{http://www.w3.org/2000/svg}"
ALLOWED = {"svg", "title", "desc", "g", "text", "style"}
INK, FILL = Ink("#1a1a1a", "#e6edf3"), Ink("#b2d5e8", "#1f3b4d")


def draw(*children, theme="light", **options):
    return ElementTree.fromstring(write_svg(Sheet(100, 50, children, title="a", **options), theme))


def only(root, name):
    return [element for element in root if element.tag == NAME + name][-1]


def test_the_size_follows_the_width_and_the_coordinates_stay():
    svg = write_svg(Sheet(200, 100, [], title="a"), width=238.11, unit="pt")
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("238.11pt", "119.06pt", "0 0 200 100")


@pytest.mark.parametrize(
    ("shape", "name", "attributes"),
    [
        (
            Rectangle(1, 2.504, 3, 4, radius=1.5),
            "rect",
            {"x": "1", "y": "2.5", "width": "3", "height": "4", "rx": "1.5"},
        ),
        (Ellipse(5, 6, 7, 8), "ellipse", {"cx": "5", "cy": "6", "rx": "7", "ry": "8"}),
        (Path([("M", 0, 0), ("C", 1, 2, 3, 4, 5, 6), ("L", 5, 9), ("Z",)]), "path", {"d": "M0 0C1 2 3 4 5 6V9Z"}),
        (Path([("M", 0, 0), ("Z",), ("L", 1, 2)]), "path", {"d": "M0 0ZL1 2"}),
    ],
)
def test_a_shape_that_is_not_painted_is_its_outline_alone(shape, name, attributes):
    assert only(draw(shape), name).attrib == attributes | {"fill": "none"}


def test_strokes_have_a_width_and_dashes_where_these_are_not_plain():
    plain = only(draw(Rectangle(0, 0, 1, 1, fill=FILL, stroke=INK)), "rect").attrib
    assert (plain["fill"], plain["stroke"]) == (FILL.light, INK.light)
    assert not {"stroke-width", "stroke-dasharray", "stroke-linejoin"} & plain.keys()
    dashed = only(draw(Path([("M", 0, 0), ("L", 9, 9)], stroke=INK, stroke_width=2.5, dash=(4, 1.5))), "path").attrib
    assert (dashed["stroke-width"], dashed["stroke-dasharray"], dashed["stroke-linejoin"]) == ("2.5", "4 1.5", "round")


def test_tiles_are_a_path_for_each_colour_in_units_of_a_cell_with_sharp_edges():
    tiles = Tiles(4, 5.5, 10, 20, np.array([[0, 0, 1], [1, 1, 1]]), [FILL, INK])
    group = only(draw(tiles), "g")
    assert group.get("transform") == "translate(4 5.5) scale(10 20)"
    assert group.get("shape-rendering") == "crispEdges"
    assert [(path.get("fill"), path.get("d")) for path in group] == [
        (FILL.light, "M0 0h2v1h-2z"),
        (INK.light, "M2 0h1v1h-1zM0 1h3v1h-3z"),
    ]


def test_tiles_overlap_by_a_seam():
    tiles = Tiles(0, 0, 10, 20, np.array([[0]]), [FILL])
    svg = write_svg(Sheet(10, 20, [tiles], title="a"), seam=0.1)
    assert 'd="M-0.01 -0.005h1.02v1.01h-1.02z"' in svg


def test_text_has_a_place_and_a_manner():
    plain = only(draw(Text(1, 2, "a < b & c", 9, INK)), "text")
    assert plain.text == "a < b & c"
    assert plain.attrib == {"x": "1", "y": "2", "font-size": "9", "fill": INK.light}
    styled = only(draw(Text(1, 2, "a", 9, INK, anchor="end", bold=True, turned=True)), "text")
    assert styled.get("transform") == "translate(1 2) rotate(-90)"
    assert [styled.get(name) for name in ("text-anchor", "font-weight")] == ["end", "bold"]


def test_groups_carry_tooltips_of_several_lines_ids_and_labels():
    group = only(draw(Group([Text(0, 0, "a", 9, INK)], tooltip="one\ntwo <", id="n1", label="softmax (2, 3)")), "g")
    assert group[0].text == "one\ntwo <"
    assert group.attrib == {"id": "n1", "aria-label": "softmax (2, 3)", "role": "img"}
    assert only(draw(Group([])), "g").attrib == {}


def test_the_description_is_there_when_given():
    assert only(draw(description="two boxes"), "desc").text == "two boxes"
    assert not draw().findall(f"{NAME}desc")


@pytest.mark.parametrize(("theme", "colour"), [("light", "#FFFFFF"), ("dark", "#0D1117")])
def test_light_and_dark_have_a_background_and_no_style_sheet(theme, colour):
    root = draw(Rectangle(0, 0, 1, 1, fill=FILL), theme=theme)
    paper = {"width": "100", "height": "50", "fill": colour, "shape-rendering": "crispEdges"}
    assert root.find(f"{NAME}rect").attrib == paper
    assert root.find(f"{NAME}style") is None
    assert len(draw(theme=theme, background=None)) == 1  # the title


def test_auto_is_light_with_one_style_sheet_that_overrides_what_differs():
    same = Ink("#888888", "#888888")
    shapes = [Rectangle(0, 0, 1, 1, fill=FILL, stroke=INK), Text(0, 0, "a", 9, INK), Rectangle(0, 0, 2, 2, fill=same)]
    root = draw(*shapes, theme="auto")
    paper, box, grey = root.findall(f"{NAME}rect")
    assert (paper.get("fill"), paper.get("class")) == (PAPER.light, "mg-fill-FFFFFF-0D1117")
    assert (box.get("fill"), box.get("class")) == (FILL.light, "mg-fill-b2d5e8-1f3b4d mg-stroke-1a1a1a-e6edf3")
    assert grey.get("class") is None
    rules = re.findall(r"\.([\w-]+)\{(\w+):(#\w{6})\}", root.find(f"{NAME}style").text)
    assert rules == [
        ("mg-fill-1a1a1a-e6edf3", "fill", INK.dark),
        ("mg-fill-FFFFFF-0D1117", "fill", PAPER.dark),
        ("mg-fill-b2d5e8-1f3b4d", "fill", FILL.dark),
        ("mg-stroke-1a1a1a-e6edf3", "stroke", INK.dark),
    ]


def test_another_theme_is_refused():
    with pytest.raises(ValueError, match="theme must be 'light', 'dark' or 'auto', got 'sepia'"):
        draw(theme="sepia")


def test_hostile_texts_stay_texts(hostile):
    for typed in hostile:
        texts = {"title": typed, "description": typed}
        sheet = Sheet(9, 9, [Group([Text(0, 0, typed, 9, INK)], typed, typed, typed)], **texts, background=None)
        root = ElementTree.fromstring(write_svg(sheet, "auto"))
        assert (only(only(root, "g"), "text").text or "") == make_text(typed)
        assert {element.tag.removeprefix(NAME) for element in root.iter()} <= ALLOWED
        assert not any(name.startswith(("href", "on")) for element in root.iter() for name in element.attrib)
