"""One program for batches of any size, from programs for a few sizes: where these differ is the batch.

They have the same operators. The constants that differ, shapes above all, are computed from the size of the batch in
the file, as a polynomial of it or one over a polynomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.export.onnx_program import INT64, Instruction, Program, Value, Writer

# Primes, so that no length is a multiple of one by chance. Three make a parabola; the last, where a function takes it,
# shows what is another for small batches, as x[:10].
BATCHES = (31, 37, 41, 2)
POWERS = np.vander(BATCHES, 3, increasing=True).astype(np.float64)
SYMBOL = "batch"


def merge(programs: Sequence[Program], single: Program | None = None) -> Program:
    """The program that is each of `programs` at its size of the batch; results have the shapes of `single` at 1."""
    first = programs[0]
    for other in programs[1:]:
        _check_alike(first, other)
    if single is not None:
        _check_shapes(programs, single)
    sizes = _Sizes(_find_batch(programs))
    shapes = {x.inputs[1] for x in first.instructions if x.kind == "Reshape"}
    merged, computed = Program(), {}
    for name in first.constants:
        arrays = [program.constants[name] for program in programs]
        if _are_equal(arrays):
            merged.constants[name] = arrays[0]
        elif name in shapes and (open_shape := _leave_open(arrays)) is not None:
            merged.constants[name] = open_shape
        else:
            computed[name] = sizes.compute(name, arrays).name
    merged.constants |= sizes.writer.program.constants
    merged.instructions = sizes.writer.program.instructions + [
        same._replace(inputs=tuple(computed.get(x, x) for x in same.inputs), text=_same_text(texts))
        for same, texts in zip(first.instructions, zip(*map(_texts_of, programs), strict=True), strict=True)
    ]
    merged.inputs = [_merge_shapes(each) for each in zip(*(p.inputs for p in programs), strict=True)]
    merged.outputs = [_merge_shapes(each) for each in zip(*(p.outputs for p in programs), strict=True)]
    merged.shapes = {name: _merge_shapes([p.shapes[name] for p in programs]) for name in first.shapes}
    return merged


def _check_shapes(programs: Sequence[Program], single: Program) -> None:
    """Refuse what has other shapes where the batch is 1, where operators may be fewer, as nothing is broadcast."""
    for expected, *same in zip(single.outputs, *(program.outputs for program in programs), strict=True):
        lengths = zip(*(x.shape for x in same), strict=True)
        found = [fit([np.array([n]) for n in each]) for each in lengths]
        shape = tuple(None if x is None else int(x.sum()) for x in found)
        if shape != expected.shape:
            raise _refuse(f"the result {expected.name} has the shape {expected.shape} where the batch is 1")


def _texts_of(program: Program) -> list[str]:
    return [instruction.text for instruction in program.instructions]


def _same_text(texts: Sequence[str]) -> str:
    """What would name one of the sizes is not said."""
    return texts[0] if len(set(texts)) == 1 else ""


def _check_alike(first: Program, other: Program) -> None:
    """Refuse programs that are not the same but for their constants."""

    def operator(x: Instruction) -> tuple[Any, ...]:
        return x.kind, x.inputs, x.outputs, x.attributes

    for a, b in zip(first.instructions, other.instructions, strict=False):
        if operator(a) != operator(b):
            raise _refuse(f"{a.node!r} at one size, {b.node!r} at another")
    if len(first.instructions) != len(other.instructions) or first.constants.keys() != other.constants.keys():
        raise _refuse("it takes more steps at another size of the batch")


def _refuse(why: str) -> GraphError:
    return GraphError(
        f"to_onnx: what the function does depends on the size of the batch, and not through shapes alone: {why}. Say "
        "with batch= which axes are the batch, pass what depends on it as an argument, or write the file for one size: "
        "minigrad.trace(function, …).to_onnx(path)"
    )


def _are_equal(arrays: Sequence[Array]) -> bool:
    """Bit by bit: NaN is itself, and 0 is not −0."""
    return all(x.shape == arrays[0].shape and x.tobytes() == arrays[0].tobytes() for x in arrays[1:])


def _find_batch(programs: Sequence[Program]) -> tuple[str, int]:
    """An input and the axis of it that is as long as the batch."""
    for inputs in zip(*(program.inputs for program in programs), strict=True):
        for axis, lengths in enumerate(zip(*(x.shape for x in inputs), strict=True)):
            if lengths == BATCHES[: len(lengths)]:
                return inputs[0].name, axis
    raise GraphError(
        "to_onnx: no argument has a batch: its arrays have no axes, or batch= names none. A graph is written with the "
        "shapes that it has by minigrad.trace(function, …).to_onnx(path)"
    )


def _leave_open(shapes: Sequence[Array]) -> Array | None:
    """A shape in which one length follows from the others."""
    differs = np.any([shape != shapes[0] for shape in shapes], axis=0)
    return np.where(differs, -1, shapes[0]) if differs.sum() == 1 and shapes[0].all() else None


class _Sizes:
    """Writes what is computed from the size of the batch, each value once."""

    def __init__(self, source: tuple[str, int]) -> None:
        self.writer = Writer()
        self.writer.prefix = "size of the batch"
        self.source = source
        self.known: dict[Any, Value] = {}

    @cached_property
    def vector(self) -> Value:
        name, axis = self.source
        return self.writer.Shape(Value(name, INT64), start=axis, end=axis + 1)

    @cached_property
    def number(self) -> Value:
        return self.writer.Squeeze(self.vector, [0])

    def compute(self, name: str, arrays: Sequence[Array]) -> Value:
        """A constant that is one of these at each of the sizes."""
        if len({array.shape for array in arrays}) == 1:
            return self._interpolate(name, [array.ravel() for array in arrays], is_vector=bool(arrays[0].ndim))
        lengths = [np.array(array.shape, INT64) for array in arrays]
        fill = np.resize(arrays[0], 1)
        if all(_are_equal([array, np.full_like(array, fill[0])]) for array in arrays):
            return self.writer.ConstantOfShape(self._interpolate(name, lengths, is_vector=True), value=fill)
        if all(_are_equal([array, np.arange(array.size)]) for array in arrays):
            end = self._interpolate(name, lengths, is_vector=False)
            return self.writer.Range(self.writer.constant(0), end, self.writer.constant(1))
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise _refuse(f"the constant {name} has the shapes {shapes} at {BATCHES[: len(arrays)]}")

    def _interpolate(self, name: str, arrays: Sequence[Array], is_vector: bool) -> Value:
        """Numbers as polynomials of the batch; floats perhaps as one over them."""
        dtype = arrays[0].dtype
        coefficients, inverted = fit(arrays), False
        if coefficients is None and dtype.kind == "f" and all(array.all() for array in arrays):
            coefficients, inverted = fit([1 / array for array in arrays]), True
        if coefficients is None:
            numbers = ", ".join(str(array.tolist()) for array in arrays)
            raise _refuse(f"{name} is {numbers} at {BATCHES[: len(arrays)]}")
        key = coefficients.tobytes(), coefficients.shape, inverted, dtype, is_vector
        if key not in self.known:
            self.known[key] = self._compute(coefficients, inverted, dtype, is_vector)
        return self.known[key]

    def _compute(self, coefficients: Array, inverted: bool, dtype: np.dtype[Any], is_vector: bool) -> Value:
        """By Horner's rule, from the highest power on."""
        writer = self.writer
        batch = writer.cast(self.vector if is_vector else self.number, coefficients.dtype)
        *lower, highest = coefficients if is_vector else coefficients[:, 0]
        value = writer.constant(highest)
        for factor in lower[::-1]:
            value = writer.Mul(value, batch)
            value = writer.Add(value, writer.constant(factor)) if np.any(factor) else value
        return writer.cast(writer.Reciprocal(value) if inverted else value, dtype)


def fit(arrays: Sequence[Array]) -> Array | None:
    """Coefficients of 1, of the batch and of its square for each element; None where no plain ones are right.

    Any three points lie on a parabola; here its coefficients are integers, or there is only the second one.

    >>> fit([np.array([2 * n, n - 5, n * n]) for n in BATCHES]).tolist()
    [[0, -5, 0], [2, 1, 0], [0, 0, 1]]
    >>> fit([np.array([n // 2]) for n in BATCHES]), fit([np.array([min(n, 10)]) for n in BATCHES])
    (None, None)
    """
    values, powers = np.array(arrays, np.float64), POWERS[: len(arrays)]
    of_floats = arrays[0].dtype.kind == "f"
    rounding = 1e-6 if of_floats else 0  # that of float32
    found: Array = np.rint(np.linalg.solve(powers[:3], values[:3]))
    if not np.allclose(powers @ found, values, rtol=rounding, atol=0):
        factor = values / powers[:, 1:2]
        if not of_floats or not np.allclose(factor, factor[0], rtol=rounding, atol=0):
            return None
        found = np.array([0 * factor[0], factor[0]])
    used = max(i for i, row in enumerate(found) if row.any() or not i) + 1
    return found[:used].astype("float64" if of_floats else INT64)


def _merge_shapes(values: Sequence[Value]) -> Value:
    """The value with a text in place of each length that depends on the batch."""
    return values[0]._replace(shape=tuple(_name_length(n) for n in zip(*(x.shape for x in values), strict=True)))


def _name_length(lengths: tuple[int, ...]) -> int | str:
    if len(set(lengths)) == 1:
        return lengths[0]
    coefficients = fit([np.array([n]) for n in lengths])
    if coefficients is None:
        return f"some of {SYMBOL}"
    terms = [(factor, power) for power, (factor,) in enumerate(coefficients.tolist()) if factor]
    powers = "", SYMBOL, f"{SYMBOL}²"
    parts = [powers[i] if i and n == 1 else f"{n} {powers[i]}".strip() for n, i in terms]
    return " + ".join(parts[::-1]).replace("+ -", "- ")
