"""The look: readable text on every fill, roles that differ in more than colour, and nothing an engine refuses."""

from __future__ import annotations

import itertools
import re
import subprocess
from typing import Any, Literal, get_args

import numpy as np
import pytest

from minigrad.drawing import engines
from minigrad.drawing.outlines import OUTLINES
from minigrad.drawing.sheet import Ink
from minigrad.drawing.style import (
    EDGES,
    INKS,
    MARKS,
    ROLES,
    SIGNS,
    style_cluster,
    style_edge,
    style_graph,
    style_node,
)

Theme = Literal["light", "dark"]
each_theme = pytest.mark.parametrize("theme", get_args(Theme))


def pick(part: Any, theme: Theme) -> Any:
    """The same with the colours of one theme."""
    if isinstance(part, Ink):
        return getattr(part, theme)
    if isinstance(part, dict):
        return {name: pick(each, theme) for name, each in part.items()}
    if not isinstance(part, tuple):
        return part
    parts = [pick(each, theme) for each in part]
    return type(part)(*parts) if hasattr(part, "_fields") else tuple(parts)


def contrast(first: str, second: str) -> float:
    """The contrast ratio of WCAG 2.1, between 1 and 21."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@each_theme
def test_text_in_nodes_is_readable(theme: Theme) -> None:
    inks = pick(INKS, theme)
    for paint in [*inks.roles.values(), *inks.orders]:
        assert contrast(paint.text, paint.fill) >= 7
        assert contrast(paint.outline, inks.background) >= 3


@each_theme
def test_text_and_lines_outside_of_nodes_are_readable(theme: Theme) -> None:
    inks = pick(INKS, theme)
    for paint in inks.clusters:
        assert contrast(paint.text, paint.fill) >= 4.5
        assert contrast(inks.edges["value"], paint.fill) >= 4.5
        assert contrast(inks.edges["gradient"], paint.fill) >= 4.5
    assert contrast(inks.text, inks.background) >= 7
    assert contrast(inks.selection, inks.background) >= 4.5


# What somebody sees of linear red, green and blue (Machado, Oliveira and Fernandes 2009, of severity 1).
VISIONS = {
    "three kinds of cones": np.eye(3),
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no blue": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def lab(colour: str, vision: str) -> np.ndarray:
    """The place of a colour in CIELAB, as somebody sees it."""
    channels = np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(VISIONS[vision]) @ linear, 0, 1)
    x, y, z = np.cbrt(np.maximum(TO_XYZ @ seen / [0.95047, 1.0, 1.08883], 1e-9))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@each_theme
@pytest.mark.parametrize("vision", VISIONS)
def test_fills_stay_apart_for_every_colour_vision(theme: Theme, vision: str) -> None:
    inks = pick(INKS, theme)
    fills = {paint.fill for paint in [*inks.roles.values(), *inks.orders]}
    assert len(fills) == 6
    for first, second in itertools.combinations(sorted(fills), 2):
        assert np.linalg.norm(lab(first, vision) - lab(second, vision)) >= 19
    assert len({paint.fill for paint in inks.orders}) == len(inks.orders)


@each_theme
def test_what_is_said_beside_a_name_and_in_tables_is_readable(theme: Theme) -> None:
    inks = pick(INKS, theme)
    for paint in [*inks.roles.values(), *inks.orders]:
        assert contrast(paint.quiet, paint.fill) >= 4.5
    for ink in (inks.quiet, inks.edges["gradient"]):
        assert contrast(ink, inks.background) >= 4.5


@each_theme
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ROLES, 2)))
def test_roles_differ_in_two_of_shape_line_and_fill(theme: Theme, first: str, second: str) -> None:
    looks = [pick(style_node(role), theme) for role in (first, second)]
    lines = [(look["style"], look.get("peripheries"), look["color"]) for look in looks]
    differences = [looks[0]["shape"] != looks[1]["shape"], lines[0] != lines[1]]
    assert sum([*differences, looks[0]["fillcolor"] != looks[1]["fillcolor"]]) >= 2


@each_theme
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(OUTLINES, 2)))
def test_roles_of_a_painted_picture_differ_in_two_of_shape_line_and_fill(theme: Theme, first: str, second: str) -> None:
    outlines = OUTLINES[first], OUTLINES[second]
    shapes = [(outline.draw, outline.stacked) for outline in outlines]
    paints = [pick(INKS.paint_node(role), theme) for role in (first, second)]
    lines = [(o.dash, o.double, o.weight, paint.outline) for o, paint in zip(outlines, paints, strict=True)]
    assert sum([shapes[0] != shapes[1], lines[0] != lines[1], paints[0].fill != paints[1].fill]) >= 2


@each_theme
@pytest.mark.parametrize("role", ROLES)
def test_output_has_a_double_outline(theme: Theme, role: str) -> None:
    plain, output = pick(style_node(role), theme), pick(style_node(role, output=True), theme)
    assert output["peripheries"] == "2"
    assert output["shape"] == "box"
    assert output["fillcolor"] == plain["fillcolor"]
    assert output != plain


def test_orders_beyond_the_table_look_like_the_last() -> None:
    assert style_node("op", order=99)["fillcolor"] == INKS.orders[-1].fill
    assert style_cluster(order=99)["fillcolor"] == INKS.clusters[-1].fill


def test_tables_have_the_same_entries() -> None:
    assert set(INKS.edges) == set(EDGES)
    assert set(INKS.roles) | {"op", "scope", "stack", "group"} == set(ROLES)
    assert set(INKS.marks) == set(MARKS) == set(SIGNS)


@each_theme
def test_colours_have_six_digits_and_fonts_one_name(theme: Theme) -> None:
    for attributes in every_attribute(theme):
        for name, value in attributes.items():
            assert "color" not in name or re.fullmatch("#[0-9A-F]{6}", value)
            assert name != "fontname" or value == "Arial"


@each_theme
@pytest.mark.parametrize("engine", engines.ENGINES, ids=lambda engine: engine.name)
def test_engines_accept_every_attribute(theme: Theme, engine: engines.Engine) -> None:
    command = engine.find()
    if command is None:
        pytest.skip(f"the {engine.name} engine is not installed")
    lines = [f"n{number} [{written(attributes)}]" for number, attributes in enumerate(every_node(theme))]
    lines += [f"n0 -> n{number} [{written(pick(style_edge(kind), theme))}]" for number, kind in enumerate(EDGES)]
    lines += [f"subgraph cluster_x {{ graph [{written(pick(style_cluster(), theme))}] n0 }}"]
    dot = "\n".join([f"digraph g {{ graph [{written(pick(style_graph(), theme))}]", *lines, "}"])
    run = subprocess.run([command, "-Tsvg"], input=dot.encode(), capture_output=True, check=True, timeout=20)
    complaints = [line for line in run.stderr.splitlines() if not line.startswith(b"Fontconfig")]  # on the machine
    assert complaints == []


def every_attribute(theme: Theme) -> list[dict[str, str]]:
    edges = [style_edge(kind) for kind in EDGES]
    clusters = [style_cluster(order) for order in (0, 1)]
    return [*pick((style_graph(), *edges, *clusters), theme), *every_node(theme)]


def every_node(theme: Theme) -> list[dict[str, str]]:
    nodes = [style_node(role, order, output) for role in ROLES for order in (0, 1) for output in (False, True)]
    return [pick(node, theme) for node in nodes]


def written(attributes: dict[str, str]) -> str:
    return " ".join(f'{name}="{value}"' for name, value in attributes.items())
