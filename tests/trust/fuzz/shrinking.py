"""A failing program made smaller, as long as it fails in the same way: greedily, the coarse first."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import minigrad as mg

from .program import Leaf, Program, Ref, Step, map_refs, refs, script
from .pruning import pruned
from .running import Way

MOST_TRIALS = 600


def shrink(program: Program, kind: str, judge: Callable[[Program], Any], trials: int = MOST_TRIALS) -> Program:
    """The smallest program found whose verdict is of that kind."""

    def fails(candidate: Program) -> bool:
        nonlocal trials
        trials -= 1
        try:
            return bool(judge(candidate).kind == kind)
        except Exception:  # no program at all
            return False

    seen = {script(program)}
    smaller = True
    while smaller and trials > 0:
        smaller = False
        for way in (fewer_outputs, fewer_steps, plainer, shorter, simpler_values):
            again = True
            while again and trials > 0:
                again = False
                for candidate in way(program):
                    candidate = pruned(candidate)
                    text = script(candidate)
                    if text in seen or trials <= 0:
                        continue
                    seen.add(text)
                    if fails(candidate):
                        program, again, smaller = candidate, True, True
                        break
    return program


def fewer_outputs(program: Program) -> Iterator[Program]:
    if len(program.outputs) > 1:
        for ref in program.outputs:
            yield program._replace(outputs=(ref,))
        for i in range(len(program.outputs)):
            yield program._replace(outputs=program.outputs[:i] + program.outputs[i + 1 :])


def fewer_steps(program: Program) -> Iterator[Program]:
    """Each step left out: what it computed is given, or one of its arguments stands in its place."""
    values = recorded(program)
    for number, step in reversed(program.steps.items()):
        steps = {n: s for n, s in program.steps.items() if n != number}
        without = program._replace(steps=steps, outputs=tuple([r for r in program.outputs if r.number != number]))
        if not any(r.number == number for s in steps.values() for r in refs((s.args, s.params))):
            yield without
            continue
        for ref in dict.fromkeys(refs((step.args, step.params))):
            yield replaced(without, number, lambda _, ref=ref: ref)
        if number in values:
            yield given(without, number, values[number])


def replaced(program: Program, number: int, by: Callable[[Ref], Any]) -> Program:
    def new(ref: Ref) -> Any:
        return by(ref) if ref.number == number else ref

    steps = {
        n: step._replace(args=map_refs(new, step.args), params=map_refs(new, step.params))
        for n, step in program.steps.items()
    }
    outputs = tuple([x for x in map(new, program.outputs) if isinstance(x, Ref)])
    return program._replace(steps=steps, outputs=outputs)


def given(program: Program, number: int, value: Any) -> Program:
    """With the value of a step as an argument, or each of its parts that is used."""
    leaves = dict(program.leaves)
    numbers: dict[int | None, int] = {}

    def new(ref: Ref) -> Ref:
        if ref.part not in numbers:
            numbers[ref.part] = fresh = max([*leaves, *program.steps, number]) + 1
            part = value if ref.part is None else value[ref.part]
            array = np.array(part._held if isinstance(part, mg.Tensor) else part)
            needs = getattr(part, "requires_grad", False)
            leaves[fresh] = Leaf("tensor" if isinstance(part, mg.Tensor) else "array", (array,), requires_grad=needs)
        return Ref(numbers[ref.part])

    return replaced(program, number, new)._replace(leaves=leaves)


def recorded(program: Program) -> dict[int, Any]:
    """What each step gives on the first call, as far as it comes."""
    found: list[Any] = []

    def keep(value: Any) -> Any:
        found.append(value)
        return value

    try:
        with np.errstate(all="ignore"):
            Way(program, "keep", keep=keep).call(0)
    except Exception:
        pass  # what came until then is enough
    pairs = zip(program.steps, found, strict=False)
    return {number: value for number, value in pairs if isinstance(value, (mg.Tensor, np.ndarray, list, tuple))}


def plainer(program: Program) -> Iterator[Program]:
    """Without what makes it special."""
    for change in ({"form": "flat"}, {"returns": "list"}, {"in_pieces": False}):
        yield program._replace(**change)
    for number, step in program.steps.items():
        if step.quiet:
            yield with_step(program, number, step._replace(quiet=False))
        for key in step.params:
            less = {name: value for name, value in step.params.items() if name != key}
            yield with_step(program, number, step._replace(params=less))
        for i, x in enumerate(step.args):
            if isinstance(x, list) and len(x) > 1:
                for j in range(len(x)):
                    args = (*step.args[:i], x[:j] + x[j + 1 :], *step.args[i + 1 :])
                    yield with_step(program, number, step._replace(args=args))
    for number, leaf in program.leaves.items():
        if leaf.same_as is not None:
            same = program.leaves[leaf.same_as]
            yield with_leaf(program, number, same if not same.is_state else same._replace(kind="tensor"))
            continue
        for change in (
            {"layout": "plain"}, {"label": None}, {"requires_grad": False}, {"values": leaf.values[:1]},
            {"kind": "tensor"}, {"kind": "array", "requires_grad": False, "label": None},
        ):  # fmt: skip
            yield with_leaf(program, number, leaf._replace(**change))


def shorter(program: Program) -> Iterator[Program]:
    """Every axis of one length made short, or an axis of one leaf."""
    arrays = {n: leaf for n, leaf in program.leaves.items() if leaf.values and isinstance(leaf.values[0], np.ndarray)}
    lengths = {n for leaf in arrays.values() for n in leaf.values[0].shape if n > 1}
    for length in sorted(lengths, reverse=True):
        for new in (1, length - 1):
            key_of = lambda shape, length=length, new=new: tuple(  # noqa: E731  # one line of three
                [slice(new) if n == length else slice(None) for n in shape]
            )
            leaves = {
                n: leaf._replace(values=tuple([v[key_of(v.shape)] for v in leaf.values])) for n, leaf in arrays.items()
            }
            yield program._replace(leaves=program.leaves | leaves)
    for number, leaf in arrays.items():
        for axis, length in enumerate(leaf.values[0].shape):
            if length > 1:
                key = (*[slice(None)] * axis, slice(1))
                yield with_leaf(program, number, leaf._replace(values=tuple([v[key] for v in leaf.values])))
        if leaf.values[0].ndim and leaf.values[0].shape[0]:
            yield with_leaf(program, number, leaf._replace(values=tuple([np.asarray(v[0]) for v in leaf.values])))


def simpler_values(program: Program) -> Iterator[Program]:
    for number, leaf in program.leaves.items():
        for value in leaf.values[:1]:
            if not isinstance(value, np.ndarray):
                continue
            for simple in (np.ones_like(value), value.round(0) if value.dtype.kind == "f" else value):
                if simple.tobytes() != value.tobytes():
                    yield with_leaf(program, number, leaf._replace(values=(simple,)))
            if value.dtype.kind == "f" and value.dtype != np.float64:
                yield with_leaf(program, number, leaf._replace(values=(value.astype(np.float64),)))


def with_step(program: Program, number: int, step: Step) -> Program:
    return program._replace(steps=program.steps | {number: step})


def with_leaf(program: Program, number: int, leaf: Leaf) -> Program:
    return program._replace(leaves=program.leaves | {number: leaf})
