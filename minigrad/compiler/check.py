"""Comparing a compiled call with the function itself: on the same state, the same draws, the same arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.base.arrays import Array
from minigrad.base.structure import leaves
from minigrad.core.errors import GraphError
from minigrad.core.tensor import Tensor, touch

if TYPE_CHECKING:
    from minigrad.compiler.program import Program

ALLOWED = {"e": 2e-2, "f": 1e-3, "d": 1e-8}  # relative to the largest value of an array, by type


def compare_with_eager(
    function: Callable[..., Any], program: Program, args: Any, kwargs: Any, arrays: Sequence[Array]
) -> Any:
    """The results of the program, after the function itself gave the same ones and left the same state.

    Raises:
        GraphError: they differ; the message lists where. State is then as the function left it.
    """
    before = _everything(program)
    results = program.run(arrays)
    compiled = _everything(program)
    _restore(program, before)
    gradients = [(tensor, tensor._grad) for tensor in program.graph._tensors]
    # Without a Tensor among the arguments the function itself returns arrays, and `.grad` is one in any case.
    eager = [
        x.numpy() if isinstance(x, Tensor) else np.array(x)
        for x in leaves(function(*args, **kwargs)) if isinstance(x, (Tensor, np.ndarray, np.generic))
    ]  # fmt: skip
    for tensor, gradient in gradients:
        tensor._grad = gradient
    names = [node.path or f"output {i}" for i, node in enumerate(program.graph.outputs)]
    states = [
        (tensor.name or "state", after, tensor.numpy())
        for tensor, after in zip(program._state, compiled[0], strict=True)
    ]
    problems = [
        f"  {name}: {difference}"
        for name, ours, theirs in [*zip(names, results, eager, strict=True), *states]
        if (difference := _difference(ours, theirs))
    ]
    if problems:
        raise GraphError(
            "compile(check=…): the program and the function itself differ; does the function draw numbers, or read "
            "values that change, without Tensors?\n" + "\n".join(problems)
        )
    _restore(program, compiled)
    program.unchecked -= 1
    return program.results(results)


def _everything(program: Program) -> tuple[list[Array], list[Any]]:
    """Copies of the state that the program writes, and of the generators it draws from."""
    states = [np.array(tensor._data) for tensor in program._state]
    return states, [generator.bit_generator.state for generator in program.generators.values()]


def _restore(program: Program, everything: tuple[list[Array], list[Any]]) -> None:
    for tensor, array in zip(program._state, everything[0], strict=True):
        np.copyto(tensor._values(), array)
    for generator, state in zip(program.generators.values(), everything[1], strict=True):
        generator.bit_generator.state = state
    if program._state:
        touch(*program._state)


def _difference(ours: Array, theirs: Array) -> str:
    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        return f"{ours.shape} {ours.dtype} instead of {theirs.shape} {theirs.dtype}"
    if ours.dtype.kind != "f":
        return "" if np.array_equal(ours, theirs) else f"{np.count_nonzero(ours != theirs)} elements differ"
    with np.errstate(all="ignore"):
        scale = np.abs(theirs[np.isfinite(theirs)]).max(initial=0)
        wrong = ~(
            (np.abs(ours - theirs) <= ALLOWED[ours.dtype.char] * scale)
            | (ours == theirs)
            | (np.isnan(ours) & np.isnan(theirs))
        )
    if not wrong.any():
        return ""
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (
        f"{np.count_nonzero(wrong)} of {ours.size} elements differ, at {place} {ours[place]} instead of {theirs[place]}"
    )
