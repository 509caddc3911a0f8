"""How ops are written in compiled programs, where that takes more than a line: lines of NumPy as text.

Each function is the `code` of a declaration: it receives the program that is being written (a `Writer`, see
`minigrad/compiler/code.py`), the result and the operands, which stand for their names, and returns lines, or None where
the op is to be called itself. Names that the lines load are those of the module of the op.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.ops.kernels import is_zero, ones

SMALL_LOSS = 1 / 16  # from which on the loss of a row is computed with care
MOST_PLACES = 512  # whose identity matrix is kept: for one-hot rows, and for rows that one product adds up


def written(*lines: str) -> str:
    return "\n".join(lines)


def reduction(ufunc: str) -> Any:
    """The reduction of a ufunc; of float16 it is left to the op, which does it in float32."""

    def code(program: Any, out: Any, x: Any, *, axis: Any, keepdims: bool) -> str | None:
        kept = "keepdims=True, " if keepdims else ""
        return None if x.dtype.char == "e" else f"{ufunc}.reduce({x}, axis={axis}, {kept}out={out})"

    return code


def draw(method: str) -> Any:
    """Random numbers, by a method of the generator."""
    return lambda program, out, *, shape, dtype, generator: (
        f"{program.bind('generator', generator)}.{method}(out={out}, dtype=np.{out.dtype})"
    )


def relu(program: Any, out: Any, x: Any) -> str | None:
    return f"np.maximum({x}, {program.number(0.0, out)}, out={out})" if out.dtype.kind == "f" else None


def where(program: Any, out: Any, condition: Any, x: Any, y: Any) -> str:
    """Beside 0, the bits as integers times the condition: `where=` branches at every element, and 0 · ∞ is NaN."""
    for chosen, other, inverted in ((x, y, False), (y, x, True)):
        alike = getattr(chosen, "shape", None) == out.shape == getattr(condition, "shape", None)
        if is_zero(other) and alike and chosen.dtype == out.dtype and condition.dtype.kind == "b":
            mask = program.memory("mask", out.shape, bool) if inverted else condition
            bits = f"np.int{out.dtype.itemsize * 8}"
            product = f"np.multiply({chosen}.view({bits}), {mask}, out={out}.view({bits}))"
            return written(f"np.logical_not({condition}, out={mask})", product) if inverted else product
    lines, mask = [f"np.copyto({out}, {program.text(y)})"], condition
    if hasattr(condition, "dtype") and condition.dtype.kind != "b":
        mask = program.memory("mask", condition.shape, bool)
        lines.append(f"np.not_equal({condition}, 0, out={mask})")
    elif not hasattr(condition, "dtype"):
        mask = bool(condition)
    return written(*lines, f"np.copyto({out}, {program.text(x)}, where={program.text(mask)})")


def softmax(program: Any, out: Any, x: Any, mask: Any, *, axis: int) -> str | None:
    """Exponentials as they come; where they overflow or vanish, once more from the largest of each row."""
    if (
        not hasattr(x, "dtype")
        or axis not in (-1, x.ndim - 1)
        or x.dtype.char not in "fd"
        or not out.size
        or x.shape != out.shape
    ):
        return None
    program.never_fails()
    rows = (math.prod(out.shape[:-1]), out.shape[-1])
    flat = str(out) if out.ndim == 2 else f"{out}.reshape{rows}"
    totals = program.memory("totals", (rows[0], 1), out.dtype)
    column = program.constant("ones", ones(rows[1], out.dtype)[:, None])
    masking = []
    if mask is not None:
        fixed = mask.kind == "constant"
        factor = program.constant("mask", mask.array.astype(out.dtype)) if fixed else mask
        masking.append(f"    np.multiply({out}, {factor}, out={out})")
    return written(
        'with np.errstate(all="ignore"):',
        f"    np.exp({x}, out={out})",
        *masking,
        f"    np.matmul({flat}, {column}, out={totals})",
        f"if 1e-6 < np.minimum.reduce({totals}, None) and np.maximum.reduce({totals}, None) < 1e30:",
        f"    np.divide({flat}, {totals}, out={flat})",
        "else:  # they overflow or vanish: from the largest of each row",
        f"    {out}[...] = softmax({x}, {mask}, axis={axis})",
    )


def embedding(program: Any, out: Any, weight: Any, indices: Any) -> str | None:
    if isinstance(indices, int):
        return None
    taken = f'np.take({weight}, {indices}, axis=0, out={out}, mode="clip")'
    return written(*program.check("check_classes", "embedding", indices, weight.shape[0]), taken)


def one_hot(program: Any, out: Any, x: Any, *, classes: int, dtype: Any) -> str | None:
    """Rows of the identity matrix, where that is small."""
    if not 0 < classes <= MOST_PLACES or isinstance(x, int):
        return None
    identity = program.constant("identity", np.eye(classes, dtype=out.dtype))
    taken = f'np.take({identity}, {x}, axis=0, out={out}, mode="clip")'
    return written(*program.check("check_classes", "one_hot", x, classes), taken)


def log_total(program: Any, out: Any, x: Any) -> str:
    exponentials = program.memory("exponentials", x.shape, x.dtype)
    column = program.constant("ones", ones(x.shape[1], x.dtype)[:, None])
    return written(
        f"np.exp({x}, out={exponentials})", f"np.matmul({exponentials}, {column}, out={out})",
        f"np.log({out}, out={out})",
    )  # fmt: skip


def surprise(program: Any, out: Any, x: Any, total: Any, targets: Any) -> str:
    rows = program.constant("numbers", np.arange(x.shape[0]))
    return written(
        *program.check("check_classes", "cross_entropy", targets, x.shape[1]),
        f"np.subtract({total}[:, 0], {x}[{rows}, {targets}], out={out})",
        f"if np.fmin.reduce({out}) < {SMALL_LOSS}:  # the difference of two larger numbers has few digits",
        f"    {out}[...] = surprises({x}, {targets})",
    )


def key_text(index: Any, indices: tuple[Any, ...]) -> str:
    """An index as it stands between brackets."""
    following = iter(indices)
    texts = [str(next(following)) if e is True else "..." if e is ... else repr(e) for e in index]
    return ", ".join(texts) or "()"


def setitem(program: Any, out: Any, x: Any, values: Any, *indices: Any, index: Any) -> str | None:
    written_there = f"{out}[{key_text(index, indices)}] = {program.text(values)}"
    return written(program.copy(x), written_there) if out.dtype.kind == "f" else None


def scatter_add(program: Any, out: Any, values: Any, *indices: Any, index: Any, shape: tuple[int, ...]) -> str:
    """Rows are added up by a product with their one-hot vectors, where there are few places for them."""
    if not any(e is True for e in index):
        return written(f"{out}[...] = 0", f"{out}[{key_text(index, indices)}] = {values}")
    if index != (True,) or not hasattr(indices[0], "dtype") or indices[0].dtype.kind not in "iu":
        return f"{out}[...] = added_at_places({values}, numbered({shape})[{key_text(index, indices)}], {shape})"
    count, rows, width = shape[0], math.prod(indices[0].shape), math.prod(shape[1:])
    one_by_one = f"{out}[...] = rows_added({values}, {indices[0]}, {shape})"
    if values.dtype.char not in "fd" or not values.size == rows * width > 0 or count > MOST_PLACES:
        return one_by_one
    hot = program.memory("hot", (rows, count), values.dtype)
    identity = program.constant("identity", np.eye(count, dtype=values.dtype))
    return written(
        f"{hot}[...] = {identity}[{indices[0]}.reshape({rows})]",
        f"np.matmul({hot}.T, {values}.reshape({rows}, {width}), out={out}.reshape({count}, {width}))",
        f"if not np.isfinite(np.add.reduce({out}, None)):  # 0 · ∞ is NaN, which would be everywhere",
        f"    {one_by_one}",
    )
