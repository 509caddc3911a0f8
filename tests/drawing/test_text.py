"""Text safety: whatever a user calls a node, the picture has the intended nodes and shows the text as typed."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.drawing import engines
from minigrad.drawing.engines import layout
from minigrad.drawing.text import escape_hidden, format_array, format_number, quote_label, quote_tooltip

SVG = "{http://www.w3.org/2000/svg}"
TITLE = "{http://www.w3.org/1999/xlink}title"


def graph_of(texts: list[str]) -> str:
    """A graph with one node per text, which is also its tooltip; and all of them as edges and clusters."""
    nodes = [
        f"n{number} [label={quote_label(text)} tooltip={quote_tooltip(text)}]" for number, text in enumerate(texts)
    ]
    edges = [
        f"n{number} -> n{number} [xlabel={quote_label(text)} tooltip={quote_tooltip(text)}]"
        for number, text in enumerate(texts)
    ]
    clusters = [
        f"subgraph cluster_{number} {{ label={quote_label(text)} tooltip={quote_tooltip(text)} n{number} }}"
        for number, text in enumerate(texts)
    ]
    return "\n".join(["digraph g {", *nodes, *edges, *clusters, "}"])


def parts(picture: bytes, kind: str) -> dict[str, tuple[str, str]]:
    """Label and tooltip by the title of each node, edge or cluster of an SVG."""
    groups = [group for group in ElementTree.fromstring(picture).iter(f"{SVG}g") if group.get("class") == kind]
    return {group.findtext(f"{SVG}title") or "": (shown_label(group), shown_tooltip(group)) for group in groups}


def shown_label(group: ElementTree.Element) -> str:
    return as_typed("\n".join(text.text or "" for text in group.iter(f"{SVG}text")))


def shown_tooltip(group: ElementTree.Element) -> str:
    titles = {link.get(TITLE, "") for link in group.iter(f"{SVG}a")}  # an edge has it twice, on its line and its label
    return as_typed("".join(titles))


def as_typed(text: str) -> str:
    return text.replace("\xa0", " ")  # Graphviz keeps runs of spaces apart in this way


def test_PI2_there_are_forty_hostile_texts(hostile: dict[str, str]) -> None:
    assert len(hostile) >= 40


def test_H3_hostile_text_is_visible(hostile: dict[str, str]) -> None:
    for text, shown in hostile.items():
        seen = escape_hidden(text)
        assert (seen if len(seen) <= 200 else seen[:199] + "…") == shown


def test_H1_H2_H3_hostile_text_is_shown_as_typed(
    engine: str, hostile: dict[str, str], svg_of: Callable[..., bytes]
) -> None:
    texts = list(hostile)
    picture = svg_of(graph_of(texts), engine)
    for kind, title in (("node", "n{}"), ("cluster", "cluster_{}"), ("edge", "n{0}->n{0}")):
        found = parts(picture, kind)
        assert sorted(found) == sorted(title.format(number) for number in range(len(texts)))
        for number, text in enumerate(texts):
            in_label, in_tooltip = found[title.format(number)]
            assert in_label == hostile[text]
            assert in_tooltip[:199] == hostile[text][:199]
    elements = list(ElementTree.fromstring(picture).iter())
    tags = {element.tag.removeprefix(SVG) for element in elements}
    assert tags <= {"svg", "g", "a", "title", "text", "path", "polygon", "ellipse"}
    names = set().union(*(element.attrib for element in elements))
    assert not [name for name in names if name.startswith("on") or name.endswith(("href", "style"))]


def test_H1_hostile_text_makes_no_node_edge_or_attribute(engine: str, hostile: dict[str, str]) -> None:
    texts = list(hostile)
    view = layout(graph_of(texts), "json", engine)
    nodes = [item for item in view["objects"] if "nodes" not in item]
    assert [node["name"] for node in nodes] == [f"n{number}" for number in range(len(texts))]
    assert len(view["edges"]) == len(texts)
    assert {key for node in nodes for key in node} <= {
        "_gvid", "name", "label", "tooltip", "height", "width", "pos", "_draw_", "_ldraw_",
    }  # fmt: skip


@pytest.mark.deep
@settings(max_examples=15, deadline=None)
@given(texts=st.lists(st.text(max_size=30), min_size=20, max_size=40))
def test_any_text_in_a_picture(svg_of: Callable[..., bytes], texts: list[str]) -> None:
    if not any(engine.find() for engine in engines.ENGINES):
        pytest.skip("no layout engine is installed")
    found = parts(svg_of(graph_of(texts)), "node")
    assert len(found) == len(texts)
    for number, text in enumerate(texts):
        assert found[f"n{number}"][0] == as_typed(escape_hidden(text))


@given(lines=st.lists(st.text(), min_size=1, max_size=4))
def test_H1_H2_label_is_one_quoted_string(lines: list[str]) -> None:
    written = quote_label(*lines)
    assert re.fullmatch(r'"(?:[^"\\]|\\[\\"n])*"', written)
    shown = {r"\\": "\\", r"\"": '"', r"\n": "\n", "&amp;": "&"}
    read = re.sub(r"\\.|&amp;", lambda escape: shown[escape[0]], written[1:-1])
    assert read.split("\n") == [line if len(line) <= 200 else line[:199] + "…" for line in map(escape_hidden, lines)]


@given(text=st.text(st.characters()))
def test_visible_text_is_settled(text: str) -> None:
    seen = escape_hidden(text)
    assert escape_hidden(seen) == seen
    seen.encode("utf-8")
    ElementTree.fromstring(f"<a>{seen.translate({ord('&'): None, ord('<'): None})}</a>")


def test_label_cuts_each_line_and_tooltip_the_whole() -> None:
    assert quote_label("a" * 200, "b" * 201) == '"' + "a" * 200 + r"\n" + "b" * 199 + '…"'
    assert quote_tooltip("a" * 200, "b" * 799) == '"' + "a" * 200 + r"\n" + "b" * 799 + '"'
    assert quote_tooltip("a" * 200, "b" * 800) == '"' + "a" * 200 + r"\n" + "b" * 798 + '…"'


def test_lines_of_a_tooltip_are_lines(engine: str, svg_of: Callable[..., bytes]) -> None:
    picture = svg_of(f"digraph {{ n0 [label=a tooltip={quote_tooltip('one', 'two')}] }}", engine)
    assert parts(picture, "node")["n0"] == ("a", "one\ntwo")


# Numbers and arrays


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.66524096, "0.6652"),
        (np.float32(1) / 3, "0.3333"),
        (np.float16(65504), "6.55e+04"),
        (1e-300, "1e-300"),
        (-0.0, "0"),
        (2.0, "2"),
        (float("nan"), "NaN"),
        (float("inf"), "inf"),
        (np.float32("-inf"), "-inf"),
        (123456789, "123456789"),
        (np.uint8(255), "255"),
        (-(2**63), "-9223372036854775808"),
        (True, "True"),
        (np.bool_(False), "False"),
        (np.array(0.5), "0.5"),
    ],
)
def test_format_number(value: object, shown: str) -> None:
    assert format_number(value) == shown


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (3.5, ["3.5"]),
        ([1.0, 0.0, -1.0], ["[1 0 −1]"]),
        ([[1.0, 2.0], [3.0, 4.0]], ["[1 2]", "[3 4]"]),
        ([[[[1, 2]]]], ["[1 2]"]),
        ([[1.0], [2.0]], ["[1]", "[2]"]),
        ([True, False], ["[True False]"]),
        (np.zeros((6, 6)), ["[0 0 0 0 0 0]"] * 6),
        (np.zeros((0, 3)), ["(0, 3)", "empty"]),
        (np.zeros((2, 0)), ["(2, 0)", "empty"]),
        (np.ones((2, 2, 2)), ["(2, 2, 2)", "min 1, max 1, mean 1"]),
        (np.arange(7), ["(7,)", "min 0, max 6, mean 3"]),
        (np.ones((7, 1)), ["(7, 1)", "min 1, max 1, mean 1"]),
        (np.ones((1, 1, 7)), ["(1, 1, 7)", "min 1, max 1, mean 1"]),
        (np.arange(12) < 5, ["(12,)", "5 of 12 True"]),
        ([np.nan, np.nan, np.inf, -np.inf, 0, 1, 2, 5], ["(8,)", "min 0, max 5, mean 2", "2 NaN, 1 inf, 1 -inf"]),
        (np.full(7, np.nan), ["(7,)", "7 NaN"]),
        (np.full(7, 1e308), ["(7,)", "min 1e+308, max 1e+308, mean inf"]),
        (np.full(7, 3e38, np.float32), ["(7,)", "min 3e+38, max 3e+38, mean 3e+38"]),
    ],
)
def test_array_lines(values: npt.ArrayLike, lines: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert format_array(values) == lines
