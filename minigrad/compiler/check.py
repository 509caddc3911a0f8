"""Comparing a compiled call with the function itself: on the same state, the same draws, the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.core.errors import GraphError
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor
from minigrad.graph import Node
from minigrad.graph.node import printable

if TYPE_CHECKING:
    from minigrad.compiler.program import Program, Snapshot

ALLOWED = {"e": 2e-2, "f": 1e-3, "d": 1e-8, "g": 1e-8}  # relative to the largest value of an array, by type


def compare_with_eager(
    function: Callable[..., Any], program: Program, args: Any, kwargs: Any, arrays: Sequence[Array]
) -> Any:
    """The results of the program, after the function itself gave the same ones and left the same state.

    Raises:
        GraphError: they differ; the message lists where. State is then as the function left it.
    """
    before = program.snapshot()
    results = program.run(arrays)
    compiled = program.snapshot()
    names = [node.path or f"output {i}" for i, node in enumerate(program.graph.outputs)]
    names += [tensor.name or "state" for tensor in program._state]
    names = [*map(printable, names)]
    actual = [*results, *compiled.state]

    def eager(start: Snapshot) -> list[Array]:
        program.restore(start)
        return _by_itself(function, program, args, kwargs)

    expected = eager(before)
    problems = _differences(names, actual, expected)
    if problems and _same(expected, eager(before)):  # a gradient may be nothing but rounding, and Adam makes it large
        rounding = [np.subtract(x, y, dtype=float) for x, y in zip(eager(_nudged(before)), expected, strict=True)]
        problems = _differences(names, actual, expected, rounding)
    if problems:
        eager(before)
        raise GraphError(
            "compile(check=…): the program and the function itself differ; does the function draw numbers, or read "
            "values that change, without Tensors?\n" + "\n".join(problems)
        )
    program.restore(compiled)
    program.unchecked -= 1
    return program.results(results)


def _by_itself(function: Callable[..., Any], program: Program, args: Any, kwargs: Any) -> list[Array]:
    """What the function returns where the program returns arrays, and the state it leaves; `.grad` stays as it was."""
    gradients = [(node.cell, node.cell._grad) for node in program.graph if node.cell is not None]
    returned = zip(leaves(program.graph.returned), leaves(function(*args, **kwargs)), strict=True)
    outputs = [np.array(x.numpy() if isinstance(x, Tensor) else x) for node, x in returned if isinstance(node, Node)]
    for tensor, gradient in gradients:
        tensor._grad = gradient
    return [*outputs, *program.snapshot().state]


def _same(some: Sequence[Array], others: Sequence[Array]) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(some, others, strict=True))


def _nudged(snapshot: Snapshot) -> Snapshot:
    """State with its last bits changed."""
    signs = np.random.default_rng(0)
    state = [
        x * (1 + signs.choice([-1, 1], x.shape) * np.finfo(x.dtype).eps).astype(x.dtype) if x.dtype.kind == "f" else x
        for x in snapshot.state
    ]
    return snapshot._replace(state=state)


def _differences(
    names: Sequence[str], actual: Sequence[Array], expected: Sequence[Array], rounding: Sequence[Array] | None = None
) -> list[str]:
    moved = [float(np.abs(x).max(initial=0)) for x in rounding] if rounding else [0.0] * len(names)
    found = map(_difference, actual, expected, moved)
    return [f"  {name}: {difference}" for name, difference in zip(names, found, strict=True) if difference]


def _difference(ours: Array, theirs: Array, moved: float) -> str:
    """How they differ, if by more than rounding; `moved` is how far the last bits of state move the result."""
    ours, theirs = (x.astype(x.dtype.newbyteorder("="), copy=False) for x in (ours, theirs))  # not part of a value
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.shape} {ours.dtype} instead of {theirs.shape} {theirs.dtype}"
    if ours.dtype.kind != "f":
        return "" if np.array_equal(ours, theirs) else f"{np.count_nonzero(ours != theirs)} elements differ"
    with np.errstate(all="ignore"):
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0)
        wrong = ~(
            (np.abs(ours - theirs) <= ALLOWED[ours.dtype.char] * scale + 16 * moved)
            | (ours == theirs)
            | (np.isnan(ours) & np.isnan(theirs))
        )
    if not wrong.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{np.count_nonzero(wrong)} of {ours.size} elements differ, at {place} {ours[place]} instead of {theirs[place]}"
    )
