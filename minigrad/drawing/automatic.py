"""The theme "auto": one SVG for readers in the light and in the dark.

The writer of DOT gives every box, arrow and cluster a class; a style sheet overrides their colours where the reader
prefers dark ones. Viewers that know no style sheets show the light picture.
"""

from __future__ import annotations

from collections.abc import Iterator

from minigrad.drawing.style import DARK, LIGHT, Paint

PICTURE = "minigrad-picture"  # the class of the root, so that the rules reach nothing else of a page


def add_dark_theme(svg: bytes) -> bytes:
    """An SVG picture with the style sheet inside it."""
    start = svg.index(b"<svg") + len(b"<svg")
    end = svg.index(b">", start) + 1
    style = f"\n<style>\n{write_style_sheet()}\n</style>".encode()
    return svg[:start] + f' class="{PICTURE}"'.encode() + svg[start:end] + style + svg[end:]


def write_style_sheet() -> str:
    """The rules for dark colours; those of the light theme are written on the elements themselves."""
    rules = "\n".join(f"  .{PICTURE} {selector} {{ {declarations} }}" for selector, declarations in _list_rules())
    return f"@media (prefers-color-scheme: dark) {{\n{rules}\n}}"


def _list_rules() -> Iterator[tuple[str, str]]:
    yield ".graph > text", f"fill: {DARK.text}"
    yield ".node text", f"fill: {DARK.text}"
    for role, paint in DARK.roles.items():
        yield from _list_box_rules(f".role-{role}", paint)
    for order, paint in enumerate(DARK.orders):
        yield from _list_box_rules(f".order-{order}", paint)
    for order, paint in enumerate(DARK.clusters):
        yield from _list_box_rules(f".cluster-{order}", paint)
    for kind, colour in DARK.edges.items():
        yield f".edge-{kind} path", f"stroke: {colour}"
        yield f".edge-{kind} polygon", f"stroke: {colour}; fill: {colour}"
        yield f".edge-{kind} text", f"fill: {colour}"
    outlines = [(LIGHT.selection, DARK.selection), (LIGHT.alarm, DARK.alarm)]
    outlines += [(LIGHT.marks[mark], DARK.marks[mark]) for mark in LIGHT.marks]
    for light, dark in outlines:  # of highlights and the like, which are laid over any class
        yield f'.node [stroke="{light.lower()}"]', f"stroke: {dark}"
        yield f'.edge [stroke="{light.lower()}"]', f"stroke: {dark}"
        yield f'.edge [fill="{light.lower()}"]', f"fill: {dark}"


def _list_box_rules(selector: str, paint: Paint) -> Iterator[tuple[str, str]]:
    # The outer line of a double outline has no fill, and must not get one.
    shapes = ":is(path, polygon, ellipse)"
    yield f"{selector} {shapes}", f"stroke: {paint.outline}"
    yield f'{selector} {shapes}:not([fill="none"])', f"fill: {paint.fill}"
    yield f"{selector} text", f"fill: {paint.text}"
