"""One sweep, newest node first: every gradient of minigrad is made here.

At each node the sweep asks the op's rule for the contribution to each input, undoes broadcasting, and adds up. On plain
arrays that is a fast first-order backward; on Tensors the same rules record a gradient that is itself a graph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.errors import GraphError
from minigrad.core.modes import Mode, Origin, Place, current_mode, reset_mode, set_mode
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import (
    Array,
    Operand,
    Storage,
    Tensor,
    describe,
    new_tensor,
    real_array,
    registry,
    shape_of,
    storage_of,
)


class Contribution(NamedTuple):
    """One step of a sweep, for those who replay it: tensors by id, so that keeping it makes no cycle."""

    node: int
    argument: int
    target: int
    incoming: Array
    value: Array
    total: Array


def grad(
    outputs: Any, inputs: Any, cotangents: Any = None, create_graph: bool = False, unused: str | None = "raise"
) -> Any:
    """The gradients of `outputs` with respect to `inputs`: vector-Jacobian products, in the structure of `inputs`.

    Args:
        outputs: a Tensor, or several in tuples, lists or dictionaries.
        inputs: a Tensor, or several in the same ways; interior nodes are allowed.
        cotangents: the vector of the product, shaped like `outputs`; may be left out for scalars, and is then 1.
        create_graph: whether the gradients are recorded, to be differentiated again and drawn.
        unused: what an input that the outputs do not depend on gets: "raise", "zero" or None.

    Raises:
        GraphError: an input that is not differentiable or (with "raise") not used; a value written since it was used.
        ValueError: a cotangent that is missing or has the wrong shape.

    >>> x = Tensor(3.0, requires_grad=True)
    >>> first = grad(x**3, x, create_graph=True)
    >>> float(first), float(grad(first, x))
    (27.0, 18.0)
    """
    if callable(outputs):
        raise TypeError("grad takes tensors, not a function: see minigrad.vjp, jvp, hvp, jacobian and hessian")
    if unused not in ("raise", "zero", None):
        raise ValueError(f"unused={unused!r}: expected 'raise', 'zero' or None")
    results, targets = _tensors(outputs, "outputs"), _tensors(inputs, "inputs")
    for x in targets:
        if not x.requires_grad:
            raise GraphError(f"grad: input {describe(x)} does not require a gradient: {_how_to_make_a_leaf}")
    capture = current_mode().capture
    if capture is not None:
        results = [capture.value_of(t) for t in results]
    on_tensors = create_graph or capture is not None
    seeds = [_seed(t, c, on_tensors) for t, c in zip(results, _cotangents(results, cotangents), strict=True)]
    totals = _sweep(results, seeds, {x.id for x in targets}, on_tensors, create_graph)

    def gradient(x: Tensor) -> Tensor | None:
        total = totals.get(x.id)
        if total is None:
            if unused == "raise":
                raise GraphError(f"grad: the outputs do not depend on {describe(x)}; unused='zero' or None allows it")
            return None if unused is None else new_tensor(np.zeros(x.shape, x.dtype), role="constant")
        return total if isinstance(total, Tensor) else new_tensor(np.array(total), role="constant")

    return map_leaves(gradient, inputs)


def backward(output: Tensor, cotangent: Operand | None = None, keep: bool = False) -> None:
    """Add the gradient of `output` into `.grad` of every leaf that requires one.

    Args:
        output: what to differentiate; a scalar, unless `cotangent` is given.
        cotangent: the vector of the product, shaped like `output`.
        keep: keep the gradient of every node in its `.grad`, and the trail of contributions in `output.trail`.

    The graph stays: calling it twice adds exactly twice the gradient.
    """
    if not output.requires_grad:
        raise GraphError(f"backward: nothing requires a gradient behind {describe(output)}: {_how_to_make_a_leaf}")
    capture = current_mode().capture
    if capture is not None:
        output = capture.value_of(output)
    nodes: dict[int, Tensor] = {}
    seed = _seed(output, cotangent, capture is not None)
    output.trail = [] if keep else output.trail
    totals = _sweep([output], [seed], None, capture is not None, False, nodes, output.trail if keep else None, keep)
    for number, gradient in totals.items():
        x = nodes[number]
        if capture is not None:
            capture.add_gradient(x, gradient)
        else:
            x._grad = gradient if x._grad is None else x._grad + gradient


def vjp(function: Callable[..., Any], inputs: Sequence[Any], cotangents: Any = None) -> tuple[Any, Any]:
    """The value of `function(*inputs)` and its vector-Jacobian products, one per input.

    >>> value, gradients = vjp(lambda x, y: x * y, (2.0, 3.0))
    >>> float(value), [float(g) for g in gradients]
    (6.0, [3.0, 2.0])
    """
    variables = [Tensor(x, requires_grad=True) for x in inputs]
    outputs = function(*variables)
    gradients = grad(outputs, variables, cotangents, unused="zero")
    return map_leaves(lambda t: t.detach() if isinstance(t, Tensor) else t, outputs), tuple(gradients)


def _sweep(
    outputs: Sequence[Tensor], seeds: Sequence[Any], targets: set[int] | None, on_tensors: bool, create_graph: bool,
    nodes: dict[int, Tensor] | None = None, trail: list[Contribution] | None = None, keep: bool = False,
) -> dict[int, Any]:  # fmt: skip
    """The totals at `targets` (None: at every leaf) by id, as arrays of their own or as Tensors.

    `nodes` receives every tensor reached. Nodes are visited newest first: ids are a topological order.
    """
    reached = {} if nodes is None else nodes
    order = _needed(outputs, targets, reached)
    _check_unchanged(order, reached)
    kept = (reached if keep else {x.id for x in reached.values() if x.op is None}) if targets is None else targets
    totals: dict[int, Any] = {}
    owned: set[int] = set()  # totals that nobody else holds: may be added to in place, and handed out
    add, sum_to, astype = registry["add"], registry["sum_to"], registry["astype"]
    mode = current_mode()
    names = _Names(outputs) if on_tensors else None
    degree = 1 + max((x.origin.order for x in reached.values() if x.origin), default=0) if on_tensors else 0

    def contribute(x: Tensor, value: Any, fresh: bool) -> None:
        total = totals.get(x.id)
        if total is None:
            totals[x.id] = value
            if fresh:
                owned.add(x.id)
        elif on_tensors:
            totals[x.id] = add(total, value)
        elif x.id in owned and trail is None:
            np.add(total, value, out=total)
        else:
            totals[x.id] = np.asarray(total + value)
            owned.add(x.id)

    token = set_mode(mode._replace(grad=create_graph, record=True) if on_tensors else mode)
    try:
        with np.errstate(all="ignore"):
            for output, seed in zip(outputs, seeds, strict=True):
                if output.id in reached:
                    contribute(output, seed, False)
            for number in reversed(order):
                node = reached[number]
                incoming = totals.get(number) if number in kept else totals.pop(number, None)
                if incoming is None:
                    continue
                if names is not None:
                    names.give(incoming, node)
                op: Any = node.op
                values = node.inputs if on_tensors else [x._data if isinstance(x, Tensor) else x for x in node.inputs]
                output_value = node if on_tensors else node._data
                for position, x in enumerate(node.inputs):
                    if not isinstance(x, Tensor) or x.id not in reached:
                        continue
                    rule = op.rule(position)
                    if rule is None:
                        raise GraphError(
                            f"{op.name} has no derivative with respect to {op.argument(position)!r}, "
                            f"and {describe(x)} requires one: detach() it"
                        )
                    if on_tensors:
                        _set_place(mode, create_graph, node, position, degree)
                    value = rule(incoming, output_value, *values, **node.params)
                    if value.shape != x.shape:
                        value = _unbroadcast(sum_to, value, x, op, position)
                    if value.dtype != x.dtype:
                        value = astype(value, x.dtype)
                    if on_tensors:
                        contribute(x, value, False)
                        continue
                    if type(value) is not np.ndarray:
                        value = np.asarray(value)
                    fresh = value.base is None and value is not incoming and all(value is not v for v in values)
                    contribute(x, value, fresh and value is not output_value)
                    if trail is not None:
                        trail.append(Contribution(number, position, x.id, incoming, value, totals[x.id]))
    finally:
        reset_mode(token)
    if names is not None:
        for number, total in totals.items():
            names.give(total, reached[number])
        return totals
    return {number: total if number in owned else np.array(total) for number, total in totals.items()}


def _needed(outputs: Sequence[Tensor], targets: set[int] | None, reached: dict[int, Tensor]) -> list[int]:
    """Ids of the op nodes between outputs and targets, oldest first; `reached` gets these and the targets."""
    stack = [t for t in outputs if t.requires_grad]
    while stack:
        t = stack.pop()
        if t.id not in reached:
            reached[t.id] = t
            stack += [x for x in t.inputs if isinstance(x, Tensor) and x.requires_grad and x.id not in reached]
    order = sorted(reached)
    if targets is not None:  # prune to the paths that matter
        needed = set()
        for number in order:
            t = reached[number]
            if number in targets or any(isinstance(x, Tensor) and x.id in needed for x in t.inputs):
                needed.add(number)
        order = [number for number in order if number in needed]
        for number in reached.keys() - needed:
            del reached[number]
    return [number for number in order if reached[number].op is not None]


def _check_unchanged(order: Sequence[int], reached: dict[int, Tensor]) -> None:
    """Raise if a value was written after the node that used it was recorded."""
    if not order or Storage.latest < order[0]:
        return
    for number in order:
        node = reached[number]
        for x in (node, *node.inputs):
            if isinstance(x, Tensor) and x._storage is not None and storage_of(x).stamp > number:
                assert node.op is not None
                raise GraphError(
                    f"{describe(x)} was written to after {node.op.name} used it, so its gradient would be wrong: "
                    "call backward before the update, or compute the forward pass again"
                )


def _unbroadcast(sum_to: Any, value: Any, x: Tensor, op: Any, position: int) -> Any:
    try:
        return sum_to(value, x.shape)
    except ValueError:
        raise GraphError(
            f"the gradient rule of {op.name} for {op.argument(position)!r} returned shape {value.shape}, "
            f"expected {x.shape} or what broadcasting makes of it"
        ) from None


def _set_place(mode: Mode, create_graph: bool, node: Tensor, position: int, order: int) -> None:
    place = Place(node.place.scope, Origin(node, position, order))
    set_mode(mode._replace(grad=create_graph, record=True, place=place))


class _Names:
    """Names gradient nodes after what they are the gradient of: ∂loss/∂scores."""

    def __init__(self, outputs: Sequence[Tensor]) -> None:
        self.of = _bracketed(outputs[0].name or "output") if len(outputs) == 1 else "outputs"

    def give(self, total: Tensor, x: Tensor) -> None:
        if total.name is None and x.name is not None:
            total.name = f"∂{self.of}/∂{_bracketed(x.name)}"


def _bracketed(name: str) -> str:
    return f"({name})" if "∂" in name else name


_how_to_make_a_leaf = "make a leaf with Tensor(data, requires_grad=True), and compute outside no_grad()"


def _tensors(tree: Any, what: str) -> list[Tensor]:
    found = list(leaves(tree))
    for t in found:
        if not isinstance(t, Tensor):
            raise TypeError(f"grad: {what} must be Tensors, got {type(t).__name__}")
    if not found:
        raise ValueError(f"grad: no {what}")
    return found


def _cotangents(outputs: Sequence[Tensor], cotangents: Any) -> list[Any]:
    if cotangents is None:
        return [None] * len(outputs)
    given = (
        [cotangents] if len(outputs) == 1 and not isinstance(cotangents, (tuple, dict)) else list(leaves(cotangents))
    )
    if len(given) != len(outputs):
        raise ValueError(f"grad: {len(outputs)} outputs but {len(given)} cotangents")
    return given


def _seed(output: Tensor, cotangent: Any, on_tensors: bool) -> Any:
    """The cotangent of one output: an array, or on Tensors a named leaf, so that it shows."""
    if cotangent is None:
        if output.shape != ():
            raise ValueError(
                f"{describe(output)} is not a scalar: pass a cotangent of shape {output.shape}, or take its sum or mean"
            )
        cotangent = np.ones((), output.dtype)
    if shape_of(cotangent) != output.shape:
        raise ValueError(f"a cotangent of shape {shape_of(cotangent)} for {describe(output)}: the shapes must be equal")
    if not isinstance(cotangent, Tensor):
        array = real_array(cotangent)
        if not np.can_cast(array.dtype, output.dtype, "same_kind"):
            raise TypeError(f"a cotangent of dtype {array.dtype} for {describe(output)}")
        array = array.astype(output.dtype, copy=False)
        return (
            new_tensor(np.array(array), role="cotangent", name=f"∂{output.name or 'output'}") if on_tensors else array
        )
    if cotangent.dtype != output.dtype:
        raise TypeError(f"a cotangent of dtype {cotangent.dtype} for {describe(output)}")
    if not on_tensors:
        return cotangent._values()
    cotangent.name = cotangent.name or f"∂{output.name or 'output'}"
    return cotangent
