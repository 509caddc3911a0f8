"""Graphs whose names are hostile: the picture has the intended boxes and shows each name as it was typed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from xml.etree import ElementTree

import graphviz
import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES, layout
from minigrad.drawing.text import escape_hidden
from minigrad.graph.node import printable

SVG = "{http://www.w3.org/2000/svg}"
TITLE = "{http://www.w3.org/1999/xlink}title"
DRAWN = {"svg", "g", "title", "desc", "text", "path", "rect", "ellipse", "style"}
BY_ENGINES = {"svg", "g", "a", "title", "text", "path", "polygon", "polyline", "ellipse"}
QUERY_KEY_VALUE = ("查询", "键", "值")
OPTIONS = {"depth": 99, "values": True, "gradients": True}

needs_engine = pytest.mark.skipif(
    not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot"
)


@pytest.fixture
def names(hostile):
    return [*(name for name in hostile if name), *QUERY_KEY_VALUE]


@pytest.fixture
def recorded(names):
    """A graph in which every hostile text names a parameter, its scope and a result."""
    return graph_of(names)


def graph_of(names):
    parts = []
    for name in names:
        with mg.scope(name.replace("/", "")):
            parameter = mg.Tensor([1.0, 2.0], requires_grad=True, name=name)
            parts.append(mg.sum(parameter * 2.0))
            parts[-1].name = f"result {name}"
    loss = mg.sum(mg.stack(parts))
    loss.backward(keep=True)
    return loss.graph()


def seen(text):
    """What a picture shows of one line."""
    shown = escape_hidden(text)
    return shown if len(shown) <= 200 else shown[:199] + "…"


def drawn(picture, known=DRAWN):
    """The texts and the tooltips of an SVG that contains nothing that runs, loads or leads elsewhere."""
    root = ElementTree.fromstring(picture)
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in known
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert not name.endswith("href")
            assert name != "style" or re.fullmatch(r"[a-z:; -]*", value)
    texts = ["".join(text.itertext()).replace("\xa0", " ") for text in root.iter(f"{SVG}text")]
    links = [link.get(TITLE, "").replace("\xa0", " ") for link in root.iter(f"{SVG}a")]
    return texts, links or [title.text for group in root.iter(f"{SVG}g") for title in group.findall(f"{SVG}title")]


@pytest.mark.deep
@pytest.mark.parametrize("theme", ["light", "auto"])
def test_PI2_H1_H2_H3_names_of_parameters_scopes_and_results_are_shown_as_typed(
    recorded, names, engine, tmp_path, theme
):
    recorded.draw(
        tmp_path / "graph.svg", engine=engine, theme=theme, title="\n".join(names)[:150], legend=True, **OPTIONS
    )
    texts, tooltips = drawn((tmp_path / "graph.svg").read_bytes())
    assert seen("\n".join(names)[:150]) in texts
    for name in names:
        scope = seen(name.replace("/", ""))
        assert texts.count(seen(name)) >= (2 if seen(name) == scope else 1), name
        assert scope in texts, name
        assert seen(f"result {name}") in texts
        assert any(escape_hidden(printable(name))[:100] in tooltip for tooltip in tooltips), name


@pytest.mark.deep
def test_PI2_H1_a_picture_has_the_same_parts_whatever_the_names_are(recorded, names, engine):
    harmless = graph_of([f"name {number}" for number in range(len(names))])
    actual, expected = (layout(graph.dot(**OPTIONS), "json", engine) for graph in (recorded, harmless))
    assert parts(actual) == parts(expected)


def parts(view):
    """Boxes, clusters and arrows, each with the names of its attributes."""
    names = [item["name"] for item in view["objects"]]
    boxes = [(item["name"], sorted(item)) for item in view["objects"]]
    arrows = [(names[edge["tail"]], names[edge["head"]], sorted(edge)) for edge in view["edges"]]
    return sorted(boxes), sorted(arrows), sorted(view)


def test_PI2_hostile_state_and_its_next_value(names, engine, svg_of):
    state = [mg.Tensor([1.0, 2.0], name=name) for name in names]

    def step(x):
        for tensor in state:
            mg.assign(tensor, mg.read(tensor) * 0.5)
        return x

    texts, tooltips = drawn(svg_of(mg.trace(step, np.ones(2)).dot(depth=99), engine), BY_ENGINES)
    for name in names:
        assert seen(name) in texts
        assert seen(f"next {name}") in texts
    assert tooltips


def test_PI2_hostile_labels(names, engine, svg_of):
    x = mg.Tensor([1.0], requires_grad=True)
    total = x
    for _ in names:
        total = total + 1.0
    graph = total.graph()
    labels = dict(zip(list(graph)[1:], names, strict=True))
    texts, _ = drawn(svg_of(graph.dot(labels=labels), engine), BY_ENGINES)
    assert all(seen(name) in texts for name in names)


def test_PI2_hostile_names_formulas_and_params_of_operations(names, engine, svg_of):
    total = mg.Tensor([1.0], requires_grad=True)
    operations = [f"op {name}" for name in names]
    try:
        for name, text in zip(operations, names, strict=True):
            total = mg.op(name=name, formula=text)(lambda x, *, text="default": x * 1.0)(total, text=text)
        texts, tooltips = drawn(svg_of(total.graph().dot(), engine), BY_ENGINES)
    finally:
        for name in operations:
            mg.registry.pop(name, None)
    for name in names:
        assert seen(f"op {name}") in texts
        assert any(escape_hidden(name)[:100] in tooltip.rpartition("float64")[2] for tooltip in tooltips), name
        setting = escape_hidden(f"text={name!r}"[:30])
        assert any(text.startswith(setting[:20]) for text in texts), name


@needs_engine
def test_PI2_hostile_file_of_a_source_line(names, svg_of):
    shown = 0
    for name in names:
        file = f"{name}.py"
        try:
            code = compile("y = x * 2.0", file, "exec")
        except (ValueError, UnicodeError):  # no file can have that name
            continue
        space = {"x": mg.Tensor([1.0], requires_grad=True)}
        with mg.trace_lines():
            exec(code, space)
        graph = space["y"].graph()
        _, tooltips = drawn(svg_of(graph.dot()), BY_ENGINES)
        line = next(node.line for node in graph if node.op)
        assert line == f"{Path(file).name}:1"
        assert any(escape_hidden(printable(line))[:200] in tooltip for tooltip in tooltips), name
        shown += 1
    assert shown >= 35


def test_H2_the_graphviz_package_gets_text_that_is_written_already(recorded):
    source = recorded.graphviz(title="<b>x</b>")
    assert isinstance(source, graphviz.Source)
    assert source.source == recorded.dot(title="<b>x</b>")
    assert "=<" not in re.sub(r'"(?:[^"\\]|\\.)*"', '""', source.source)


def test_dot_text_has_no_link_one_font_and_colours_of_six_digits(recorded):
    for options in (OPTIONS, {"theme": "dark"}, {"theme": "auto"}):
        dot = recorded.dot(**options)
        settings = re.sub(r'(label|tooltip)="(?:[^"\\]|\\.)*"', "", dot)
        assert not re.search(r"\b(?:URL|href|target|image|shapefile)\b", settings, re.IGNORECASE)
        assert set(re.findall(r'fontname="([^"]*)"', settings)) == {"Arial"}
        colours = re.findall(r'color="([^"]*)"', settings)
        assert colours
        assert all(re.fullmatch(r"#[0-9A-Fa-f]{6}|transparent", colour) for colour in colours)


def test_PI2_dot_text_is_utf_8_without_what_xml_forbids(recorded):
    text = recorded.dot(**OPTIONS)
    text.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]", text)


@needs_engine
@pytest.mark.parametrize(
    "name", ["-Tsvg", "; rm x", "$(touch owned)", "`touch owned`", "a b", "| cat", "--help", "-ox", "查询", "'\"&<>"]
)
def test_H7_a_file_may_have_any_name(tmp_path, monkeypatch, name):
    if os.name == "nt" and re.search(r'["|<>]', name):
        pytest.skip("Windows has no files with this name")
    monkeypatch.chdir(tmp_path)
    graph = mg.exp(mg.Tensor([1.0], requires_grad=True)).graph()
    graph.draw(f"{name}.svg")
    mg.heatmap([[1.0]]).save(f"{name} map.svg")
    assert sorted(os.listdir()) == sorted([f"{name}.svg", f"{name} map.svg"])
    assert Path(f"{name}.svg").read_bytes().startswith(b"<svg")
