"""A program without what nothing uses."""

from __future__ import annotations

from .program import Program, refs


def pruned(program: Program) -> Program:
    """Without what nothing uses; a step that only writes stays."""
    needed = {ref.number for ref in program.outputs}
    steps = {}
    for number, step in reversed(program.steps.items()):
        if number in needed or step.call in ("mg.assign", "mg.Tensor.backward"):
            steps[number] = step
            needed |= {ref.number for ref in refs((step.args, step.params))}
    for number in reversed(program.leaves):
        leaf = program.leaves[number]
        if number in needed and leaf.same_as is not None:
            needed.add(leaf.same_as)
    leaves = {number: leaf for number, leaf in program.leaves.items() if number in needed}
    return program._replace(leaves=leaves, steps=dict(reversed(steps.items())))
