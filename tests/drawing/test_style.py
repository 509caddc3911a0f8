"""The look: readable text on every fill, roles that differ in more than colour, and nothing an engine refuses."""

from __future__ import annotations

import itertools
import re
import subprocess

import pytest

from minigrad.drawing import engines
from minigrad.drawing.style import (
    DARK,
    EDGES,
    LIGHT,
    MARKS,
    ROLES,
    SIGNS,
    THEMES,
    Paint,
    Theme,
    style_cluster,
    style_edge,
    style_graph,
    style_node,
)

FILLS = {"#B2D5E8", "#F2E85E", "#A8A8A8", "#E28E4C", "#56B4E9"}  # they stay apart for every colour vision

each_theme = pytest.mark.parametrize("theme", [pytest.param(theme, id=name) for name, theme in THEMES.items()])


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
    for paint in [*theme.roles.values(), *theme.orders]:
        assert contrast(paint.text, paint.fill) >= 7
        assert contrast(paint.outline, theme.background) >= 3


@each_theme
def test_text_and_lines_outside_of_nodes_are_readable(theme: Theme) -> None:
    for paint in theme.clusters:
        assert contrast(paint.text, paint.fill) >= 4.5
        assert contrast(theme.edges["value"], paint.fill) >= 4.5
        assert contrast(theme.edges["gradient"], paint.fill) >= 4.5
    assert contrast(theme.text, theme.background) >= 7
    assert contrast(theme.selection, theme.background) >= 4.5


@each_theme
def test_fills_are_the_five_that_stay_apart(theme: Theme) -> None:
    paints: list[Paint] = [*theme.roles.values(), *theme.orders[1:]]
    assert {paint.fill for paint in paints} == FILLS
    assert len({paint.fill for paint in theme.orders}) == len(theme.orders)


@each_theme
@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(ROLES, 2)))
def test_roles_differ_in_two_of_shape_line_and_fill(theme: Theme, first: str, second: str) -> None:
    looks = [style_node(theme, role) for role in (first, second)]
    lines = [(look["style"], look.get("peripheries"), look["color"]) for look in looks]
    differences = [looks[0]["shape"] != looks[1]["shape"], lines[0] != lines[1]]
    assert sum([*differences, looks[0]["fillcolor"] != looks[1]["fillcolor"]]) >= 2


@each_theme
@pytest.mark.parametrize("role", ROLES)
def test_output_has_a_double_outline(theme: Theme, role: str) -> None:
    plain, output = style_node(theme, role), style_node(theme, role, output=True)
    assert output["peripheries"] == "2"
    assert output["shape"] == "box"
    assert output["fillcolor"] == plain["fillcolor"]
    assert output != plain


@each_theme
def test_orders_beyond_the_table_look_like_the_last(theme: Theme) -> None:
    assert style_node(theme, "op", order=99)["fillcolor"] == theme.orders[-1].fill
    assert style_cluster(theme, order=99)["fillcolor"] == theme.clusters[-1].fill


def test_themes_have_the_same_entries() -> None:
    for part in ("roles", "edges"):
        assert getattr(LIGHT, part).keys() == getattr(DARK, part).keys()
    assert len(LIGHT.orders) == len(DARK.orders)
    assert len(LIGHT.clusters) == len(DARK.clusters)
    assert set(LIGHT.edges) == set(EDGES)
    assert set(LIGHT.roles) | {"op", "scope", "stack", "group"} == set(ROLES)
    assert set(LIGHT.marks) == set(DARK.marks) == set(MARKS) == set(SIGNS)


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
    lines += [f"n0 -> n{number} [{written(style_edge(theme, kind))}]" for number, kind in enumerate(EDGES)]
    lines += [f"subgraph cluster_x {{ graph [{written(style_cluster(theme))}] n0 }}"]
    dot = "\n".join([f"digraph g {{ graph [{written(style_graph(theme))}]", *lines, "}"])
    run = subprocess.run([*command, "-Tsvg"], input=dot.encode(), capture_output=True, check=True, timeout=20)
    complaints = [line for line in run.stderr.splitlines() if not line.startswith(b"Fontconfig")]  # on the machine
    assert complaints == []


def every_attribute(theme: Theme) -> list[dict[str, str]]:
    edges = [style_edge(theme, kind) for kind in EDGES]
    clusters = [style_cluster(theme, order) for order in (0, 1)]
    return [style_graph(theme), *edges, *clusters, *every_node(theme)]


def every_node(theme: Theme) -> list[dict[str, str]]:
    return [style_node(theme, role, order, output) for role in ROLES for order in (0, 1) for output in (False, True)]


def written(attributes: dict[str, str]) -> str:
    return " ".join(f'{name}="{value}"' for name, value in attributes.items())
