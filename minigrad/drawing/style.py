"""The look of a picture as data: the DOT attributes of the graph, its clusters, nodes and edges.

In come the role of a node, its order of derivative and a theme; out go attributes for the DOT writer. Roles differ in
shape, in outline and in colour, so that no reader depends on one of the three.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

FONT = "Arial"  # both engines know its widths and every system has it or a font of the same widths


@dataclass(frozen=True)
class Paint:
    """The colours of one kind of box."""

    fill: str
    outline: str
    text: str

    @property
    def attributes(self) -> dict[str, str]:
        return {"fillcolor": self.fill, "color": self.outline, "fontcolor": self.text}


@dataclass(frozen=True)
class Theme:
    """All colours of a picture. Where they go by order of derivative, the last entry is for all later orders."""

    background: str
    text: str
    roles: dict[str, Paint]  # nodes that no operation made
    orders: tuple[Paint, ...]  # operations, by order of derivative
    clusters: tuple[Paint, ...]  # scopes, by order of derivative
    edges: dict[str, str]  # by kind, see EDGES
    marks: dict[str, str]  # the outlines of what a comparison found, see MARKS
    selection: str
    alarm: str


def style_graph(theme: Theme) -> dict[str, str]:
    """The attributes of the whole picture."""
    return GRAPH | {"bgcolor": theme.background, "fontcolor": theme.text}


def style_cluster(theme: Theme, order: int = 0, several: bool = False) -> dict[str, str]:
    """The attributes of a scope, of `several` equal ones, or of the gradient graph of an order of derivative."""
    paint = theme.clusters[min(order, len(theme.clusters) - 1)]
    return CLUSTER | paint.attributes | (SEVERAL if several else {})


def style_node(theme: Theme, role: str, order: int = 0, output: bool = False) -> dict[str, str]:
    """The attributes of a box: of a node with this role, or of a "scope", a "stack" of equal scopes or a "group".

    `order`, of derivative, matters where the theme has no colours for the role.

    >>> style_node(LIGHT, "input")["shape"]
    'ellipse'
    >>> style_node(LIGHT, "op", order=1)["fillcolor"]
    '#F2E85E'
    """
    paint = theme.roles.get(role) or theme.orders[min(order, len(theme.orders) - 1)]
    return NODE | ROLES[role] | paint.attributes | (OUTPUT if output else {})


def style_edge(theme: Theme, kind: str = "value") -> dict[str, str]:
    """The attributes of an edge; `kind` is a key of EDGES, where it is told between which nodes each is written."""
    return EDGE | EDGES[kind] | {"color": theme.edges[kind], "fontcolor": theme.edges[kind]}


def scale_fonts(attributes: Mapping[str, str], scale: float) -> dict[str, str]:
    """The same with fonts `scale` times as large."""
    return {key: f"{float(value) * scale:g}" if key == "fontsize" else value for key, value in attributes.items()}


# Sizes: lengths in inches, fonts and pens in points.
GRAPH = {
    "fontname": FONT,
    "fontsize": "11",
    "labelloc": "t",
    "nodesep": "0.18",
    "pad": "0.08",
    "ranksep": "0.28",
}
CLUSTER = {
    "fontname": FONT,
    "fontsize": "9",
    "labeljust": "l",
    "margin": "9",
    "penwidth": "0.8",
    "style": "rounded,filled",
}
NODE = {
    "fontname": FONT,
    "fontsize": "10",
    "height": "0.3",
    "margin": "0.11,0.055",
    "penwidth": "0.9",
    "width": "0.5",
}
EDGE = {
    "arrowsize": "0.55",
    "fontname": FONT,
    "fontsize": "8",
    "penwidth": "0.8",
}

# Shape and line of each role. Graphviz draws double lines four points apart, whatever their width.
ROLES = {
    "input": {"shape": "ellipse", "style": "filled", "margin": "0.04,0.02"},
    "parameter": {"shape": "box", "style": "rounded,filled", "peripheries": "2"},
    "state": {"shape": "cylinder", "style": "filled"},
    "constant": {"shape": "box", "style": "filled,dashed"},
    "cotangent": {"shape": "octagon", "style": "filled", "margin": "0.02,0"},
    "random": {"shape": "hexagon", "style": "filled", "margin": "0.02,0.02"},
    "op": {"shape": "box", "style": "rounded,filled"},
    "scope": {"shape": "folder", "style": "filled"},
    "stack": {"shape": "box3d", "style": "filled,bold"},
    "group": {"shape": "tab", "style": "filled,dotted"},
}
OUTPUT = {"shape": "box", "style": "filled", "peripheries": "2", "penwidth": "1.2"}

SEVERAL = {"penwidth": "1.8", "fontsize": "12"}

# What is laid over the look of a node: NaN or infinities in what it shows, a highlight, the result of a comparison.
ALARM = {"penwidth": "2.4"}
SELECTED = {"penwidth": "3"}
MARKS = {
    "added": {"penwidth": "2.4", "style": "filled,bold"},
    "removed": {"penwidth": "2.4", "style": "filled,dashed"},
    "changed": {"penwidth": "2.4", "style": "filled", "peripheries": "2"},
    "failed": {"penwidth": "2.8", "shape": "octagon", "style": "filled"},
}
SIGNS = {"added": "+", "removed": "−", "changed": "~", "failed": "failed:"}

# The words of the legend, in the order in which boxes are listed.
LEGEND = {
    "input": "input", "parameter": "parameter", "state": "state", "constant": "constant", "random": "random draw",
    "op": "operation", "scope": "closed scope", "stack": "equal scopes", "group": "group of neighbours",
    "cotangent": "incoming gradient",
}  # fmt: skip
ARROWS = {"value": "value", "gradient": "gradient flowing back", "saved": "value kept for the gradient",
          "backward": "gradient"}  # fmt: skip

# By kind of edge. A gradient graph lies beside the forward graph, each gradient in about the row of what it is the
# gradient of: its edges are written against their direction, and what it takes from the forward graph holds no rank.
#   value     from an operand to the operation
#   backward  within a gradient graph; written from the operation to its operand
#   saved     from a forward node into a gradient graph
#   gradient  a gradient without a node of its own, laid over the value edge that it flows back along
EDGES = {
    "value": {},
    "backward": {"dir": "back"},
    "saved": {"arrowsize": "0.45", "constraint": "false", "penwidth": "0.6"},
    "gradient": {"constraint": "false", "dir": "back", "style": "dashed"},
}

LIGHT = Theme(
    background="#FFFFFF",
    text="#0D1117",
    roles={
        "input": Paint(fill="#56B4E9", outline="#1F2328", text="#0D1117"),
        "parameter": Paint(fill="#B2D5E8", outline="#1F2328", text="#0D1117"),
        "state": Paint(fill="#B2D5E8", outline="#1F2328", text="#0D1117"),
        "constant": Paint(fill="#A8A8A8", outline="#1F2328", text="#0D1117"),
        "cotangent": Paint(fill="#E28E4C", outline="#B54708", text="#0D1117"),
        "random": Paint(fill="#A8A8A8", outline="#1F2328", text="#0D1117"),
    },
    orders=(
        Paint(fill="#FFFFFF", outline="#1F2328", text="#0D1117"),
        Paint(fill="#F2E85E", outline="#B54708", text="#0D1117"),
        Paint(fill="#E28E4C", outline="#B54708", text="#0D1117"),
        Paint(fill="#56B4E9", outline="#B54708", text="#0D1117"),
    ),
    clusters=(
        Paint(fill="#F6F8FA", outline="#AFB8C1", text="#57606A"),
        Paint(fill="#FFF8F0", outline="#B54708", text="#B54708"),
    ),
    edges={"value": "#424A53", "saved": "#8C959F", "backward": "#B54708", "gradient": "#B54708"},
    marks={"added": "#0072B2", "removed": "#B54708", "changed": "#6639BA", "failed": "#B3002D"},
    selection="#0072B2",
    alarm="#B3002D",
)

DARK = Theme(
    background="#0D1117",
    text="#E6EDF3",
    roles={
        "input": Paint(fill="#56B4E9", outline="#E6EDF3", text="#0D1117"),
        "parameter": Paint(fill="#B2D5E8", outline="#E6EDF3", text="#0D1117"),
        "state": Paint(fill="#B2D5E8", outline="#E6EDF3", text="#0D1117"),
        "constant": Paint(fill="#A8A8A8", outline="#E6EDF3", text="#0D1117"),
        "cotangent": Paint(fill="#E28E4C", outline="#FF9A4D", text="#0D1117"),
        "random": Paint(fill="#A8A8A8", outline="#E6EDF3", text="#0D1117"),
    },
    orders=(
        Paint(fill="#21262D", outline="#E6EDF3", text="#E6EDF3"),
        Paint(fill="#F2E85E", outline="#FF9A4D", text="#0D1117"),
        Paint(fill="#E28E4C", outline="#FF9A4D", text="#0D1117"),
        Paint(fill="#56B4E9", outline="#FF9A4D", text="#0D1117"),
    ),
    clusters=(
        Paint(fill="#161B22", outline="#484F58", text="#9198A1"),
        Paint(fill="#1F1710", outline="#FF9A4D", text="#FF9A4D"),
    ),
    edges={"value": "#B1BAC4", "saved": "#6E7681", "backward": "#FF9A4D", "gradient": "#FF9A4D"},
    marks={"added": "#6BC1FF", "removed": "#FF9A4D", "changed": "#B794F6", "failed": "#FF7B9C"},
    selection="#6BC1FF",
    alarm="#FF7B9C",
)

THEMES = {"light": LIGHT, "dark": DARK}
