"""A program without what nothing uses."""

from __future__ import annotations

from .program import Program, Step, refs


def pruned(program: Program) -> Program:
    """Without what nothing uses; a step that only writes stays, and `backward` where a gradient is read after it."""
    needed = {ref.number for ref in program.outputs}
    steps: dict[int, Step] = {}
    for number, step in reversed(program.steps.items()):
        read = step.call == "mg.Tensor.backward" and any(kept.call == "grad_of" for kept in steps.values())
        if number in needed or read or step.call == "mg.assign":
            steps[number] = step
            needed |= {ref.number for ref in refs((step.args, step.params))}
    for number in reversed(program.leaves):
        leaf = program.leaves[number]
        if number in needed and leaf.same_as is not None:
            needed.add(leaf.same_as)
    leaves = {number: leaf for number, leaf in program.leaves.items() if number in needed}
    return program._replace(leaves=leaves, steps=dict(reversed(steps.items())))
