"""Why a gradient is absent, or what it is the sum of: two Tensors enter, plain data that prints as text leaves.

`explain_grad` is for users. It reads the trail of `loss.backward(keep=True)`, or makes one without touching `.grad`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.core.arrays import Array, read_only
from minigrad.core.autodiff import Contribution, sweep
from minigrad.core.storage import array_of, storage_of
from minigrad.core.tensor import Operand, Tensor
from minigrad.graph.build import find_ancestors
from minigrad.ops.specimens import specimens_of
from minigrad.wording.messages import describe, find_maker
from minigrad.wording.refusals import HOW_TO_MAKE_A_LEAF

LISTED = 3  # causes that a message lists
WRITTEN_OUT = 9  # elements of an array that is printed with its values
MEANT_TO_CUT = {"stop_gradient": "detach() or stop_gradient"}  # ops that end a gradient on purpose, as users call them

REASONS = {
    "present": "the gradient is in x.grad",
    "not kept": "x is an interior tensor, and backward() was not asked to keep its gradient",
    "not computed": "x is a leaf, and backward() was not called, or its gradient was cleared",
    "not a float": "x holds integers or booleans",
    "not required": "x does not require a gradient",
    "nothing required": "nothing behind the loss requires a gradient",
    "cut": "the path from the loss to x is known to end at a detached view of x",
    "no path": "no path leads from the loss to x",
}

NO_GRAD = {  # what is said first where there is a gradient, and not in x.grad
    "not kept": "its .grad is None: it is no leaf, and only loss.backward(keep=True) keeps its gradient\n",
    "not computed": "its .grad is None: backward() was not called, or the gradient was cleared\n",
}


@dataclass(frozen=True, eq=False)
class Part:
    """One contribution to a gradient: what came back along one use of the tensor.

    Attributes:
        op: the op that used it, and in `argument` as what.
        formula: of that op.
        expression: the use, such as `multiply(weights, exp(…))`, with its scope and source line where they are known.
        incoming: the gradient of the op's result.
        value: the contribution, in the shape of the tensor.
        share: ⟨value, gradient⟩ / ⟨gradient, gradient⟩; shares add up to 1, and are NaN where the gradient is 0.
    """

    op: str
    argument: str
    formula: str
    expression: str
    incoming: Array
    value: Array
    share: float

    def __str__(self) -> str:
        share = "      " if np.isnan(self.share) else f"{self.share:6.1%}"
        return f"{share}  from {self.expression}, argument {self.argument}:  {_show(self.value)}"


@dataclass(frozen=True, eq=False)
class GradientExplanation:
    """What `explain_grad` found.

    Attributes:
        reason: why `x.grad` is what it is; one of `REASONS`.
        message: the same in words, about these tensors, and what to do.
        gradient: the gradient, also where it was not kept; None where there is none.
        parts: the contributions that it is the sum of.
        zero_because: where the gradient is zero everywhere, what stopped it.
    """

    reason: str
    message: str
    gradient: Array | None = None
    parts: tuple[Part, ...] = ()
    zero_because: tuple[str, ...] = ()

    def __str__(self) -> str:
        zero = [f"it is zero everywhere: {'; '.join(self.zero_because)}"] if self.zero_because else []
        return "\n".join([self.message, *zero, *(f"  {part}" for part in self.parts)])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from minigrad.drawing.notebook import show_explanation

        return show_explanation(self)


def explain_grad(loss: Tensor, x: Tensor, cotangent: Operand | None = None) -> GradientExplanation:
    """Why the gradient of `loss` with respect to `x` is absent or zero, or which contributions it is the sum of.

    Args:
        loss: a scalar; or any tensor, with a `cotangent` of its shape, or after `loss.backward(cotangent, keep=True)`.
        x: a leaf or an interior tensor.

    Raises:
        TypeError: something that is not a Tensor.
        ValueError: a loss that is no scalar, without cotangent.
        GraphError: a value was written to since it was used, so the gradient is not to be had any more.

    >>> w = Tensor([1.0, 2.0], requires_grad=True, name="w")
    >>> loss = mg.sum(w * 3.0) + mg.sum(mg.square(w))
    >>> loss.backward()
    >>> print(mg.explain_grad(loss, w))
    the gradient of float64 () made by add for float64 (2,) 'w' is [5. 7.], the sum of 2 contributions:
       51.4%  from square(w), argument x:  [2. 4.]
       48.6%  from multiply(w, 3.0), argument x1:  [3. 3.]
    >>> mg.explain_grad(loss, w.detach()).reason
    'not required'
    """
    for tensor in (loss, x):
        if not isinstance(tensor, Tensor):
            raise TypeError(f"explain_grad: expected Tensors, got {type(tensor).__name__}")
    array_of(loss)  # under capture there is none, and this says so
    reached = {t.id: t for t in find_ancestors([loss], lambda t: bool(t.requires_grad)) if t.requires_grad}
    return _explain_absence(loss, x, reached) or _explain(loss, x, cotangent, reached)


def _explain_absence(loss: Tensor, x: Tensor, reached: Mapping[int, Tensor]) -> GradientExplanation | None:
    """The explanation where there is no gradient at all."""
    if x.dtype.kind != "f":
        remedy = "" if find_maker(x) else "; make it with dtype=numpy.float64 and requires_grad=True"
        return GradientExplanation(
            "not a float", f"{describe(x)} holds no floating-point numbers and has no derivative{remedy}"
        )
    if not x.requires_grad:
        return GradientExplanation("not required", f"{describe(x)} does not require a gradient: {_say_why_constant(x)}")
    if not loss.requires_grad:
        return GradientExplanation(
            "nothing required",
            f"nothing requires a gradient behind {describe(loss)}: {_say_why_constant(loss)}; {HOW_TO_MAKE_A_LEAF}",
        )
    if x.id in reached:
        return None
    no_path = f"no path leads from {describe(loss)} to {describe(x)}"
    if x.id > loss.id:
        return GradientExplanation("no path", f"{no_path}, which was made after it")
    cuts = _find_cuts(reached.values())
    views = [t for t in cuts if storage_of(t) is storage_of(x)]
    if views:
        return GradientExplanation(
            "cut",
            f"{no_path}: it is cut at {_list(views)}, which is x, or a part of it, without history: "
            + _say_why_constant(views[0]),
        )
    if cuts:
        return GradientExplanation(
            "no path",
            f"{no_path}; it may have been cut at one of these, which have no history: "
            + _list(cuts, lambda t: f"{describe(t)} ({_say_why_constant(t)})"),
        )
    return GradientExplanation(
        "no path", f"{no_path}: it was not used, or as plain numbers (x.numpy(), x.data, float(x))"
    )


def _find_cuts(reached: Iterable[Tensor]) -> list[Tensor]:
    """The results without history that the differentiable part of the graph uses, each once."""
    used = dict.fromkeys(x for node in reached for x in node.inputs if isinstance(x, Tensor))
    return [x for x in used if not x.requires_grad and find_maker(x)]


def _say_why_constant(x: Tensor) -> str:
    """Why a Tensor requires no gradient, as far as it is known."""
    maker = find_maker(x)
    if maker is None:
        return "it was made without requires_grad=True" if x.role is None else "it is a constant"
    if maker.name in MEANT_TO_CUT:
        return f"it was made by {MEANT_TO_CUT[maker.name]}"
    if not maker.differentiable or x.dtype.kind != "f":
        return f"the result of {maker.name} has no derivative"
    return f"it was computed by {maker.name} under no_grad(), or from what requires no gradient"


def _list(tensors: Sequence[Tensor], write: Callable[[Tensor], str] = describe) -> str:
    more = f" and {len(tensors) - LISTED} more" if len(tensors) > LISTED else ""
    return ", ".join(write(t) for t in tensors[:LISTED]) + more


def _explain(loss: Tensor, x: Tensor, cotangent: Operand | None, nodes: Mapping[int, Tensor]) -> GradientExplanation:
    """The explanation where there is a gradient."""
    trail = loss.trail if cotangent is None else None
    if trail is None or x is loss:
        trail = []
        totals = sweep([loss], [cotangent], None, trail=trail)
    uses = [step for step in trail if step.target == x.id]
    gradient = read_only(uses[-1].total if uses else totals[x])
    reason = "present" if x.grad is not None else "not computed" if x.op is None else "not kept"
    counts = {0: "the cotangent itself", 1: "one contribution:"}
    count = counts.get(len(uses), f"the sum of {len(uses)} contributions:")
    return GradientExplanation(
        reason,
        f"{NO_GRAD.get(reason, '')}the gradient of {describe(loss)} for {describe(x)} is {_show(gradient)}, {count}",
        gradient,
        tuple(_make_part(step, nodes[step.node], gradient) for step in uses),
        tuple(_say_why_zero(x, trail, nodes)) if gradient.size and not gradient.any() else (),
    )


def _make_part(step: Contribution, node: Tensor, gradient: Array) -> Part:
    assert node.op is not None
    with np.errstate(all="ignore"):  # 0/0 is NaN: no shares of a gradient that is zero
        share = float(np.sum(step.value * gradient) / np.sum(gradient * gradient))
    return Part(
        node.op.name, node.op.argument(step.argument), node.op.formula, _write_expression(node),
        read_only(step.incoming), read_only(step.value), share,
    )  # fmt: skip


def _say_why_zero(x: Tensor, trail: Sequence[Contribution], nodes: Mapping[int, Tensor]) -> Iterator[str]:
    """What stopped the gradient: followed towards the loss, from where nothing comes out to where something came in."""
    to: dict[int, list[Contribution]] = {}
    for step in trail:
        to.setdefault(step.target, []).append(step)
    seen, waiting = {x.id}, [x.id]
    for target in waiting:
        steps = to.get(target, [])
        if not steps:
            yield "the cotangent is zero"
        if any(step.value.any() for step in steps):
            yield f"the contributions to {describe(nodes[target])} cancel"
            continue
        for step in steps:
            node = nodes[step.node]
            assert node.op is not None
            if step.incoming.any():
                why = f"{specimens_of(node.op).flat or 'its derivative is 0'} where the gradient arrives"
                argument = node.op.argument(step.argument)
                yield f"nothing passes {_write_expression(node)} to its argument {argument}: {why}"
            elif step.node not in seen:
                seen.add(step.node)
                waiting.append(step.node)


def _write_expression(node: Tensor) -> str:
    """`multiply(weights, exp(…)) in attention at model.py:12`, as far as it is known."""
    assert node.op is not None
    operands = ", ".join(_write_operand(x) for x in node.inputs if x is not None)
    scope = f" in {node.scope}" if node.scope else ""
    return f"{node.op.name}({operands}){scope}" + (f" at {node.line}" if node.line else "")


def _write_operand(x: Tensor | float) -> str:
    if not isinstance(x, Tensor):
        return repr(x)
    maker = find_maker(x)
    return x.name or (f"{maker.name}(…)" if maker else f"{x.dtype} {x.shape}")


def _show(array: Array) -> str:
    """The values of a small array, the shape and norm of a large one."""
    if array.size > WRITTEN_OUT:
        return f"{array.dtype} {array.shape} of norm {np.linalg.norm(array):.4g}"
    return " ".join(np.array2string(array + 0.0, precision=4).split()).replace("[ ", "[").replace(" ]", "]")
