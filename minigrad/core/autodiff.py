"""One sweep, newest node first: every gradient of minigrad is made here.

At each node the sweep asks the op's rule for the contribution to each input, undoes broadcasting, and adds up. On plain
arrays that is a fast first-order backward; on Tensors the same rules record a gradient that is itself a graph. Where a
NaN arrives the sweep is made again with strong products: what a choice did not take contributes 0, not 0 · ∞.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from minigrad.core.arrays import Array, Shaped, has_nan, real_array, shape_of
from minigrad.core.errors import refusals
from minigrad.core.modes import Origin, Place, current_mode, reset_mode, set_mode
from minigrad.core.record import registry
from minigrad.core.storage import Storage, cast, check_alive, storage_of, widen_operand
from minigrad.core.structure import leaves, leaves_beside, map_leaves
from minigrad.core.tensor import RESULT, Operand, Tensor, new_tensor, refuse_under_capture


class Contribution(NamedTuple):
    """One step of a sweep, for those who replay it: tensors by id, so that keeping it makes no cycle."""

    node: int
    argument: int
    target: int
    incoming: Array
    value: Array
    total: Array


Tree = TypeVar("Tree")


def grad(
    outputs: Any, inputs: Tree, cotangents: Any = None, create_graph: bool = False, unused: str | None = "raise"
) -> Tree:
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
    if unused not in ("raise", "zero", None):
        raise refusals.unknown_use(unused)
    results, targets = list(leaves(outputs)), list(leaves(inputs))
    for t in (*results, *targets):
        if not isinstance(t, Tensor):
            raise refusals.no_tensor(t)
        check_alive(t)
    for x in targets:
        if not x.requires_grad:
            raise refusals.gradient_not_wanted(x)
    given = [None] * len(results) if cotangents is None else [*leaves_beside(outputs, cotangents, "grad: cotangents")]
    totals = sweep(results, given, set(targets), create_graph, use="grad: cotangents: ")

    def gradient(x: Tensor) -> Tensor | None:
        if x in totals:
            total, capture = totals[x], current_mode().capture
            if isinstance(total, Tensor):
                return total if capture is None or total.requires_grad else capture.own(total)
            return new_tensor(total, params=RESULT, role="constant")
        if unused == "raise":
            raise refusals.not_reached(x, results)
        return registry["zeros_like"](x) if unused else None

    return map_leaves(gradient, inputs)  # type: ignore[no-any-return]  # the structure is kept


def backward(output: Tensor, cotangent: Operand | None = None, keep: bool = False) -> None:
    """Add the gradient of `output` into `.grad` of every leaf that requires one.

    Args:
        output: what to differentiate; a scalar, unless `cotangent` is given.
        cotangent: the vector of the product, shaped like `output`.
        keep: keep the gradient of every node in its `.grad`, and the trail of contributions in `output.trail`.

    The graph stays: calling it twice adds exactly twice the gradient.
    """
    check_alive(output)
    if not output.requires_grad:
        raise refusals.nothing_behind("backward", output)
    if keep:
        output.trail = []
    capture = current_mode().capture
    for x, gradient in sweep([output], [cotangent], None, trail=output.trail if keep else None).items():
        if capture is not None:
            capture.add_gradient(x, gradient)
        else:
            x._grad = gradient if x._grad is None else np.asarray(x._grad + gradient)


def sweep(
    outputs: list[Tensor], cotangents: list[Any], targets: set[Tensor] | None, create_graph: bool = False,
    trail: list[Contribution] | None = None, strong: bool = False, use: str = "backward: cotangent: ",
) -> dict[Tensor, Any]:  # fmt: skip
    """The totals at `targets`, as arrays of their own or as Tensors; None: at every leaf, and with a trail everywhere.

    `trail` is a list to leave the contributions in, `use` what messages call the cotangents. Nodes are visited newest
    first: ids are a topological order. Products are plain, and where a NaN comes of it all is done again with strong
    ones; these are chosen where an op is called, so rules get Tensors then.
    """
    mode = current_mode()
    if strong or mode.watch is not None:  # who looks on sees one sweep, which nobody takes back
        mode = mode._replace(strong=True)
    watch = mode.watch
    recorded = create_graph or mode.capture is not None
    on_tensors = recorded or mode.strong
    if mode.capture is not None:
        mode.capture.check_current(*outputs, *targets or ())
        outputs = [mode.capture.value_of(t) for t in outputs]
    order = _find_needed(outputs, targets)
    degree = 1 + max((t.origin.order for t in order if t.origin), default=0) if on_tensors else 0
    mark = degree if degree > 1 else ""  # by which gradients of what has no name are told from those of lower orders
    of = f"outputs{mark}" if len(outputs) != 1 else outputs[0].name or f"output{mark}"
    seeds = [_make_seed(t, c, on_tensors, create_graph, use, mark) for t, c in zip(outputs, cotangents, strict=True)]
    _check_unchanged(order)
    reached, kept = set(order), set(order) if trail is not None else targets or set()
    totals: dict[Tensor, Any] = {}
    owned: set[Tensor] = set()  # whose total nobody else holds: it may be added to in place, and handed out
    add = registry["add"]
    token = set_mode(mode._replace(swept=not on_tensors))
    try:
        with np.errstate(all="ignore"):
            for output, seed in zip(outputs, seeds, strict=True):
                if output in reached:
                    totals[output] = add(totals[output], seed) if output in totals else seed
            for node in reversed(order):
                op, inputs = node.op, node.inputs
                if op is None or node not in totals:
                    continue
                incoming = totals[node] if node in kept else totals.pop(node)
                y: Any = node if on_tensors else node._held
                values = inputs if on_tensors else [x._held if type(x) is Tensor else x for x in inputs]
                half = y.dtype.char == "e"
                if recorded:
                    _name(incoming, node, of)
                rules, params = op.by_position, node.params
                if op.joined is not None:  # here and below: one part of many must not cost as much as the whole
                    rules, values, params, half = op.joined(*values, **params), (), {}, False
                elif op.added is not None:
                    whole = inputs[0]
                    if whole in owned and trail is None and op.added(totals[whole], incoming, *values[1:], **params):
                        continue
                for position, x in enumerate(inputs):
                    if type(x) is not Tensor or x not in reached:
                        continue
                    if on_tensors:
                        place = Place(node.place.scope, Origin(node, position, degree), node.place.model)
                        set_mode(mode._replace(grad=create_graph, record=recorded, place=place))
                    rule = rules.get(position) or op.rule(position)
                    if half:
                        incoming, y, values, half = *_widen_node(node, incoming, values), False
                    value: Any = rule(incoming, y, *values, **params)
                    if watch is not None:
                        watch.contribution(node, position, incoming, value)
                    expected = x._held
                    if value.shape != expected.shape or value.dtype is not expected.dtype:
                        value = _fit(value, expected, node, position)
                    if not on_tensors and type(value) is not np.ndarray:
                        value = np.asarray(value)
                    total = totals.get(x)
                    if total is None:
                        totals[x] = value
                        # A rule is linear in what comes in: it may return that, but no other array it was given.
                        if not on_tensors and value.base is None and value is not incoming:
                            owned.add(x)
                    elif x in owned:
                        np.add(total, value, out=total)
                    else:
                        totals[x] = add(total, value) if on_tensors else np.asarray(total + value)
                        if not on_tensors:
                            owned.add(x)
                    if trail is not None and not recorded:
                        arrays = [np.array(getattr(x, "_held", x)) for x in (incoming, value, totals[x])]
                        trail.append(Contribution(node.id, position, x.id, *arrays))
            plain = mode.capture is None and not mode.strong
            again = plain and has_nan(*([x._held for x in totals.values()] if on_tensors else totals.values()))
    finally:
        reset_mode(token)
    if again:
        if trail is not None:
            trail.clear()
        return sweep(outputs, cotangents, targets, create_graph, trail, strong=True)
    if not recorded:
        return {x: total if x in owned else np.array(getattr(total, "_held", total)) for x, total in totals.items()}
    for x, total in totals.items():
        _name(total, x, of)
    return totals if mode.capture is None else mode.capture.differentiate(outputs, seeds, totals, targets or ())


def _widen_node(node: Tensor, incoming: Any, values: Sequence[Any]) -> tuple[Any, Any, list[Any]]:
    """What the rules of a node in float16 are given: float32, where they neither overflow nor lose small terms.

    The result is computed again too: its rounding would come out multiplied. What a rule returns is rounded once.
    """
    assert node.op is not None
    wide = [widen_operand(x) for x in values]
    return widen_operand(incoming), node.op(*wide, **node.params), wide


def _find_needed(outputs: list[Tensor], targets: set[Tensor] | None) -> list[Tensor]:
    """What lies between outputs and targets, both included, oldest first."""
    reached: set[Tensor] = set()
    stack = [t for t in outputs if t._requires_grad is True]
    while stack:
        t = stack.pop()
        if t not in reached:
            reached.add(t)
            stack += [x for x in t.inputs if type(x) is Tensor and x._requires_grad is True]
    order = sorted(reached, key=attrgetter("id"))
    if targets is None:
        return order
    needed: set[Tensor] = set()
    for t in order:
        if t in targets or any(type(x) is Tensor and x in needed for x in t.inputs):
            needed.add(t)
    return [t for t in order if t in needed]


def _check_unchanged(order: list[Tensor]) -> None:
    """Raise if a value was written after the node that used it was recorded."""
    oldest = next((node.id for node in order if node.op is not None), Storage.latest)
    if oldest >= Storage.latest:
        return
    for node in order:
        for x in (node, *node.inputs) if node.op else ():
            if type(x) is Tensor and x._storage is not None and storage_of(x).stamp > node.id:
                raise refusals.later_write(x, node)


def _fit(value: Any, expected: Array | Shaped, node: Tensor, position: int) -> Any:
    """A contribution in the shape and type of its input: broadcasting is undone here, and nowhere else."""
    if value.shape != expected.shape:
        try:
            sum_to = registry["sum_to"]
            value = (sum_to if isinstance(value, Tensor) else sum_to.call)(value, shape=expected.shape)
        except ValueError:
            raise refusals.misshapen_rule(value, node.inputs[position], node, position) from None
    return cast(value, expected.dtype, "a gradient")


def _name(gradient: Tensor, x: Tensor, of: str) -> None:
    """Name a gradient node after what it is the gradient of: ∂loss/∂scores."""
    if gradient.name is None and x.name is not None:
        gradient.name = f"{_differential(of)}/{_differential(x.name)}"


def _differential(name: str) -> str:
    return f"∂({name})" if "∂" in name else f"∂{name}"


def _make_seed(output: Tensor, cotangent: Any, on_tensors: bool, create_graph: bool, use: str, mark: object) -> Any:
    """The cotangent of one output: an array, or on Tensors a named leaf, so that it shows."""
    if cotangent is None:
        if output.shape != ():
            raise refusals.no_scalar(output)
        cotangent = new_tensor(np.ones((), output.dtype), role="cotangent")
    refuse_under_capture(cotangent, "a cotangent")
    if shape_of(cotangent, use) != output.shape:
        raise refusals.misshapen_cotangent(use, cotangent, output)
    if not isinstance(cotangent, Tensor):
        cotangent = new_tensor(real_array(cotangent, copy=True, what=use), role="cotangent")
    check_alive(cotangent)
    cotangent = cast(cotangent, output.dtype, "the cotangent of", output)
    if on_tensors and not create_graph and (cotangent.requires_grad or cotangent.role is None):
        cotangent = cotangent.detach()  # a gradient is none of the Tensors that were given: it has values of its own
    cotangent.name = cotangent.name or _differential(output.name or f"output{mark}")
    return cotangent if on_tensors else cotangent._held
