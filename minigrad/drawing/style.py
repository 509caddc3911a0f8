"""The look of a picture as data: colours for both themes, and DOT attributes of the graph, clusters, nodes and edges.

In come the role of a node and its order of derivative; out go inks, and attributes for the DOT writer.
Roles differ in shape, in outline and in colour, so that no reader depends on one of the three.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from minigrad.drawing.sheet import PAPER, Ink

Attributes = dict[str, str | Ink]  # of DOT, whose writer knows the theme

FONT = "Arial"  # both engines know its widths and every system has it or a font of the same widths


class Paint(NamedTuple):
    """The colours of one kind of box; `quiet` is for what is said beside its name."""

    fill: Ink
    outline: Ink
    text: Ink
    quiet: Ink

    @property
    def attributes(self) -> Attributes:
        return {"fillcolor": self.fill, "color": self.outline, "fontcolor": self.text}


class Inks(NamedTuple):
    """All colours of a picture. Where they go by order of derivative, the last entry is for all later orders."""

    background: Ink
    text: Ink
    quiet: Ink
    frame: Ink  # around numbers
    roles: Mapping[str, Paint]  # nodes that no operation made
    orders: tuple[Paint, ...]  # operations, by order of derivative
    clusters: tuple[Paint, ...]  # scopes, by order of derivative
    edges: Mapping[str, Ink]  # by kind, see EDGES
    marks: Mapping[str, Ink]  # the outlines of what a comparison found, see MARKS
    selection: Ink
    alarm: Ink

    def paint_node(self, role: str, order: int = 0) -> Paint:
        """The colours of a box; `order`, of derivative, matters where there are none for the role."""
        return self.roles.get(role) or self.orders[min(order, len(self.orders) - 1)]

    def paint_cluster(self, order: int = 0) -> Paint:
        """The colours of a scope, or of the gradient graph of an order of derivative."""
        return self.clusters[min(order, len(self.clusters) - 1)]


def style_graph() -> Attributes:
    """The attributes of the whole picture."""
    return {**GRAPH, "bgcolor": INKS.background, "fontcolor": INKS.text}


def style_cluster(order: int = 0, several: bool = False) -> Attributes:
    """The attributes of a scope, of `several` equal ones, or of the gradient graph of an order of derivative."""
    return {**CLUSTER, **INKS.paint_cluster(order).attributes, **(SEVERAL if several else {})}


def style_node(role: str, order: int = 0, output: bool = False) -> Attributes:
    """The attributes of a box: of a node with this role, or of a "scope", a "stack" of equal scopes or a "group".

    `order`, of derivative, matters where there are no colours for the role.

    >>> style_node("input")["shape"]
    'ellipse'
    >>> style_node("op", order=1)["fillcolor"]
    Ink(light='#FDDABD', dark='#3E2A18')
    """
    return {**NODE, **ROLES[role], **INKS.paint_node(role, order).attributes, **(OUTPUT if output else {})}


def style_edge(kind: str = "value") -> Attributes:
    """The attributes of an edge; `kind` is a key of EDGES, where it is told between which nodes each is written."""
    return {**EDGE, **EDGES[kind], "color": INKS.edges[kind], "fontcolor": INKS.edges[kind]}


# Sizes: lengths in inches, fonts and pens in points.
GRAPH = {"fontname": FONT, "fontsize": "11", "labelloc": "t", "nodesep": "0.18", "pad": "0.08", "ranksep": "0.28"}
CLUSTER = {
    "fontname": FONT, "fontsize": "9", "labeljust": "l", "margin": "9", "penwidth": "0.8", "style": "rounded,filled",
}  # fmt: skip
NODE = {"fontname": FONT, "fontsize": "10", "height": "0.3", "margin": "0.11,0.055", "penwidth": "0.9", "width": "0.5"}
EDGE = {"arrowsize": "0.55", "fontname": FONT, "fontsize": "8", "penwidth": "0.8"}

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

# The colours of both themes: fill, outline, text and quiet text of boxes.
_RUST = Ink("#9A3C06", "#FFB27A")  # text on the ground of gradients
_TEXT, _BLACK = Ink("#0D1117", "#F0F6FC"), Ink("#0D1117", "#0D1117")
_ORANGE, _FAINT = Ink("#B54708", "#FF9A4D"), Ink("#57606A", "#9DA7B3")
_SELECTED, _ALARM = Ink("#0072B2", "#6BC1FF"), Ink("#B3002D", "#FF7B9C")
_BLUE = Paint(Ink("#B9DBFA", "#244664"), Ink("#24588A", "#8FBCEB"), _TEXT, Ink("#34424F", "#B9CBDD"))
_GREY = Paint(Ink("#BDBDBD", "#515151"), Ink("#4B535C", "#B1BAC4"), _TEXT, Ink("#363B41", "#D0D5DA"))
_APRICOT = Paint(Ink("#F2AE72", "#863F0C"), _ORANGE, _TEXT, Ink("#4A2C12", "#F0D8C6"))
INKS = Inks(
    background=PAPER,
    text=_TEXT,
    quiet=_FAINT,
    frame=Ink("#C5CCD3", "#3D444D"),
    roles={
        "input": Paint(Ink("#7FA8D1", "#7FA8D1"), Ink("#1F4468", "#D6E8FA"), _BLACK, Ink("#1F2A35", "#1F2A35")),
        "parameter": _BLUE,
        "state": _BLUE,
        "constant": _GREY,
        "cotangent": _APRICOT,
        "random": _GREY,
    },
    orders=(
        Paint(Ink("#FFFFFF", "#1C2128"), Ink("#57606A", "#9198A1"), _TEXT, _FAINT),
        Paint(Ink("#FDDABD", "#3E2A18"), _ORANGE, _TEXT, Ink("#6B4630", "#D9C2AE")),
        _APRICOT,
        Paint(Ink("#7FA8D1", "#7FA8D1"), _ORANGE, _BLACK, Ink("#1F2A35", "#1F2A35")),
    ),
    clusters=(
        Paint(Ink("#F6F8FA", "#151A21"), Ink("#C9D1D9", "#3D444D"), _FAINT, _FAINT),
        Paint(Ink("#FFF8F0", "#1A140F"), Ink("#E8B07F", "#8A5730"), _RUST, _RUST),
    ),
    edges={
        "value": Ink("#57606A", "#B1BAC4"),
        "saved": Ink("#8C959F", "#6E7681"),
        "backward": _ORANGE,
        "gradient": _ORANGE,
    },
    marks={"added": _SELECTED, "removed": _ORANGE, "changed": Ink("#6639BA", "#B794F6"), "failed": _ALARM},
    selection=_SELECTED,
    alarm=_ALARM,
)
