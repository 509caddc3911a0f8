"""Buffer: parameters of one dtype and their moments, side by side in flat arrays, and the update of them all at once.

An update rule is one pure function on flat values. Here it meets the two ways of running: on arrays, piece by piece in
the memory of the parameters, and on Tensors under capture.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Array
from minigrad.core.modes import current_mode
from minigrad.core.storage import Storage, assign, cast, memory_of, rebase, touch
from minigrad.core.tensor import Tensor

Rule = Callable[..., tuple[Any, ...]]  # (parameter, gradient, *moments) -> (parameter, *moments)


def widen_dtype(dtype: Any) -> np.dtype[Any]:
    """The type of the moments of parameters."""
    return np.result_type(dtype, np.float32)


PIECE = 16384  # elements of an array that the rule is run on at a time: all it needs stays in the cache


class Buffer:
    """Parameters of one dtype, laid out in one array; each of `moments` is a flat Tensor of the same size.

    The rule is run in `wide`, float32 at least, and the parameters are rounded once: in float16 the square of a
    gradient of 300 is infinite, and that of a small one, like Adam's epsilon, is 0.
    """

    def __init__(self, parameters: Sequence[Tensor], moments: Sequence[Tensor]) -> None:
        self.parameters = parameters
        self.moments = moments
        self.wide = widen_dtype(parameters[0].dtype)
        ends = list(itertools.accumulate(parameter.size for parameter in parameters))
        self.slices = [slice(end - parameter.size, end) for parameter, end in zip(parameters, ends, strict=True)]
        self._memory: Array = np.empty(ends[-1], parameters[0].dtype)
        self._homes = [self._memory[s].reshape(p.shape) for p, s in zip(parameters, self.slices, strict=True)]
        self._changes_seen = -1  # what the clock of changes said when the parameters were last seen in this memory
        self._move_in()

    def __reduce__(self) -> tuple[Any, ...]:
        return Buffer, (self.parameters, self.moments)  # copies lay out memory of their own

    def update(self, rule: Rule) -> None:
        """Run `rule` on every parameter that has a gradient; the others and their moments are left alone."""
        gradients = [parameter.grad for parameter in self.parameters]
        captured = current_mode().capture is not None
        for has_gradient, run in itertools.groupby(range(len(gradients)), lambda i: gradients[i] is not None):
            if has_gradient:
                (self._update_graph if captured else self._update_memory)(rule, list(run), gradients)

    def _update_memory(self, rule: Rule, run: list[int], gradients: list[Any]) -> None:
        self._move_in()
        start, stop = self.slices[run[0]].start, self.slices[run[-1]].stop
        gradient = np.concatenate([gradients[i] for i in run], axis=None, dtype=self.wide)
        values = [self._memory, *(memory_of(moment) for moment in self.moments)]
        for at in range(start, stop, PIECE):
            end = min(at + PIECE, stop)
            pieces = [value[at:end] for value in values]
            results = rule(pieces[0].astype(self.wide, copy=False), gradient[at - start : end - start], *pieces[1:])
            for piece, result in zip(pieces, results, strict=True):
                piece[...] = result
        touch(*(self.parameters[i] for i in run), *self.moments)

    def _update_graph(self, rule: Rule, run: list[int], gradients: list[Any]) -> None:
        start, stop = self.slices[run[0]].start, self.slices[run[-1]].stop
        part = None if len(run) == len(self.parameters) else slice(start, stop)
        parameter = ops.concatenate([memory_of(self.parameters[i]) for i in run], axis=None)
        gradient = ops.concatenate([gradients[i] for i in run], axis=None)
        before = [memory_of(moment) for moment in self.moments]
        parameter, gradient = (cast(x, self.wide, "an optimiser") for x in (parameter, gradient))
        updated, *after = rule(parameter, gradient, *(m if part is None else m[part] for m in before))
        for i in run:
            values = updated[self.slices[i].start - start : self.slices[i].stop - start]
            shape = self.parameters[i].shape
            assign(self.parameters[i], values if values.shape == shape else ops.reshape(values, shape))
        for moment, old, new in zip(self.moments, before, after, strict=True):
            assign(moment, new if part is None else ops.set_at(old, part, new))

    def _move_in(self) -> None:
        """Let every parameter live in this memory: at first, and again where another optimiser has moved it out."""
        if self._changes_seen != Storage.changes:
            for parameter, home in zip(self.parameters, self._homes, strict=True):
                if memory_of(parameter) is not home:
                    rebase(parameter, home)
            self._changes_seen = Storage.changes
