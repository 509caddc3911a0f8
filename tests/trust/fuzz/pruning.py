"""A program without what nothing uses."""

from __future__ import annotations

from collections.abc import Iterator

from .program import Program, Ref, Step, refs


def pruned(program: Program, draws: bool = False) -> Program:
    """Without what nothing uses; a step that only writes stays, and `backward` where a gradient is read after it.

    With `draws` random draws stay too: others come out different after them.
    """
    needed = {ref.number for ref in program.outputs}
    steps: dict[int, Step] = {}
    for number, step in reversed(program.steps.items()):
        read = step.call == "mg.Tensor.backward" and any(kept.call == "grad_of" for kept in steps.values())
        drawn = draws and not step.params.keys().isdisjoint(("rng", "generator"))
        if number in needed or read or drawn or step.call == "mg.assign":
            steps[number] = step
            needed |= {ref.number for ref in refs((step.args, step.params))}
    for number in reversed(program.leaves):
        leaf = program.leaves[number]
        if number in needed and leaf.same_as is not None:
            needed.add(leaf.same_as)
    leaves = {number: leaf for number, leaf in program.leaves.items() if number in needed}
    return program._replace(leaves=leaves, steps=dict(reversed(steps.items())))


def without_gradients_of_one(program: Program) -> Iterator[Program]:
    """The program once for each step, which no `mg.grad` is of: what flows from there may be asked for by nobody."""
    for result in program.steps:
        steps: dict[int, Step] = {}
        for number, step in program.steps.items():
            kept = [place for place, x in enumerate(step.args[0]) if x != Ref(result)] if step.call == "mg.grad" else []
            if step.call != "mg.grad" or len(kept) == len(step.args[0]):
                steps[number] = step
                continue
            outputs, inputs, *cotangents = step.args
            if not kept:  # a gradient of 0
                zero = Ref(number + max(program.steps) + 1)
                steps[zero.number] = Step("mg.multiply", (inputs[0], 0.0), {})
                outputs, cotangents, kept = [zero], [[zero]], [0]
            lists = [[x[place] for place in kept] for x in (outputs, *cotangents)]
            steps[number] = step._replace(args=(lists[0], inputs, *lists[1:]))
        if steps != program.steps:
            yield pruned(program._replace(steps=steps), draws=True)
