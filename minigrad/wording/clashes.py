"""Why shapes of operands do not fit: which axes clash, what may have been meant. Loaded when something does not."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import shape_of
from minigrad.wording.messages import find_maker, is_operand

if TYPE_CHECKING:
    from minigrad.core.op import Op

Shape = tuple[int, ...]


def explain_shapes(op: Op, operands: Sequence[tuple[str, Any]]) -> str:
    """Which axes clash and what may have been meant; "" where the shapes are not the problem."""
    shapes = [(name, shape_of(x)) for name, x in operands]
    if op.symbol == "@":
        clash = find_product_clash(*shapes[0], *shapes[1])
        if not clash and len(shapes) == 3:  # the bias
            clash = find_broadcast_clash([("weight", shapes[1][1][-1:]), shapes[2]])
    elif op.elementwise:
        clash = find_broadcast_clash(shapes)
    else:
        clash = ""
    if not clash:
        return ""
    alternatives = list(_suggest_alternatives(op.symbol, operands)) if len(operands) == 2 else []
    tensors = [x for _, x in operands if is_operand(x) and not isinstance(x, np.ndarray)]
    lines_unknown = any(find_maker(x) and not x.line for x in tensors)
    return (
        clash
        + (f"; did you mean {', or '.join(alternatives)}?" if alternatives else "")
        + ("; inside `with minigrad.trace_lines():` this says on which line each was made" if lines_unknown else "")
    )


def find_broadcast_clash(shapes: Sequence[tuple[str, Shape]], left_out: int = 0) -> str:
    """The axes at which named shapes do not broadcast; "" if they do. `left_out` axes stood at the end of each.

    >>> find_broadcast_clash([("x1", (2, 3)), ("x2", (4,))])
    'shapes (2, 3) and (4,) do not broadcast: axis -1 is 3 in x1 against 4 in x2'
    """
    clashes = []
    for back in range(1, 1 + max((len(shape) for _, shape in shapes), default=0)):
        lengths: dict[int, list[str]] = {}
        for name, shape in shapes:
            if back <= len(shape) and shape[-back] != 1:
                lengths.setdefault(shape[-back], []).append(name)
        if len(lengths) > 1:
            lengths_shown = " against ".join(f"{length} in {' and '.join(names)}" for length, names in lengths.items())
            clashes.append(f"axis {-left_out - back} is {lengths_shown}")
    listed = " and ".join(str(shape) for _, shape in shapes)
    which = "leading shapes" if left_out else "shapes"
    return f"{which} {listed} do not broadcast: {', '.join(clashes)}" if clashes else ""


def refuse_clash(*shapes: tuple[str, Shape]) -> None:
    """ValueError naming the axes at which shapes do not broadcast, if they do not."""
    clash = find_broadcast_clash(shapes)
    if clash:
        raise ValueError(clash) from None


def find_product_clash(name1: str, shape1: Shape, name2: str, shape2: Shape) -> str:
    """Why two shapes have no matrix product; "" if they have one.

    >>> find_product_clash("x1", (2, 3), "x2", (2, 3))
    'axis -1 of x1 is 3 and axis -2 of x2 is 2: they must be equal'
    """
    if not shape1 or not shape2:
        return f"{name2 if shape1 else name1} has no axis, and a matrix product needs one on both sides"
    inner = -min(2, len(shape2))
    if shape1[-1] != shape2[inner]:
        return f"axis -1 of {name1} is {shape1[-1]} and axis {inner} of {name2} is {shape2[inner]}: they must be equal"
    return find_broadcast_clash([(name1, shape1[:-2]), (name2, shape2[:-2])], left_out=2)


def _suggest_alternatives(symbol: str, operands: Sequence[tuple[str, Any]]) -> Iterator[str]:
    """Expressions of two operands that would work and look like what was written, with the shape of their result."""
    (name1, x1), (name2, x2) = operands
    a, b, shape1, shape2 = *_choose_names(name1, x1, name2, x2), shape_of(x1), shape_of(x2)
    if symbol == "@" and shape1 and shape2:
        yield from _suggest_product(a, shape1, *_transpose(b, shape2))
        yield from _suggest_product(*_transpose(a, shape1), b, shape2)
    elif symbol == "@":
        yield f"`{a} * {b}`"
    elif symbol in ("+", "-", "*", "/"):
        if symbol == "*":
            yield from _suggest_product(a, shape1, b, shape2) or _suggest_product(b, shape2, a, shape1)
        for left, right in (((a, shape1), _make_column(b, shape2)), (_make_column(a, shape1), (b, shape2))):
            if not find_broadcast_clash([left, right]):
                yield f"`{left[0]} {symbol} {right[0]}` of shape {np.broadcast_shapes(left[1], right[1])}"


def _suggest_product(a: str, shape1: Shape, b: str, shape2: Shape) -> list[str]:
    if find_product_clash(a, shape1, b, shape2):
        return []
    result = (*np.broadcast_shapes(shape1[:-2], shape2[:-2]), *shape1[-2:-1], *shape2[-1:][: len(shape2) - 1])
    return [f"`{a} @ {b}` of shape {result}"]


def _transpose(name: str, shape: Shape) -> tuple[str, Shape]:
    return f"{name}.T" if len(shape) == 2 else f"{name}.swapaxes(-1, -2)", (*shape[:-2], *shape[-2:][::-1])


def _make_column(name: str, shape: Shape) -> tuple[str, Shape]:
    """A vector with one number per row; other shapes as they are."""
    return (f"{name}[:, None]", (*shape, 1)) if len(shape) == 1 else (name, shape)


def _choose_names(name1: str, x1: Any, name2: str, x2: Any) -> tuple[str, str]:
    """How two operands are written: by their own names where these can be told apart and are Python names."""
    names = [getattr(x, "name", None) if is_operand(x) else None for x in (x1, x2)]
    fit = [bool(name) and str(name).isidentifier() and not keyword.iskeyword(str(name)) for name in names]
    if names[0] == names[1] and x1 is not x2:
        fit = [False, False]
    return str(names[0]) if fit[0] else name1, str(names[1]) if fit[1] else name2
