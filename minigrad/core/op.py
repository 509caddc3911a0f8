"""Op: a primitive declared once, and how applying it records a node.

A declaration says what an op is: what it computes on arrays (`forward`), its gradient rules, its formula, the NumPy
function it stands for, and for composite ops a definition in simpler ones. In a declaration, positional arguments are
arrays (`inputs` of the node; None where left out) and keyword-only arguments are static `params`. An op applied to
plain arrays computes an array; applied to a Tensor it makes a Tensor.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.core.arrays import Shaped, has_nan, owner_of
from minigrad.core.errors import NUMPYS_OWN, refusals
from minigrad.core.modes import current_mode, within
from minigrad.core.record import Function
from minigrad.core.signature import Signature
from minigrad.core.storage import CUT, check_alive, storage_of
from minigrad.core.structure import NUMBERS
from minigrad.core.tensor import Tensor, array_or_constant, constant, new_tensor

Rule = Callable[..., Any]


class Op(Function, Signature):
    """A primitive, or a composite with rules of its own; made by the decorator `op`.

    Some ops are given more after their declaration, as an attribute each:

    - `strong`, of products: the same where a factor of 0 gives 0 also beside ∞ and NaN. A gradient in which there is a
      NaN is computed again with it (docs/conventions.md).
    - `joined`, of many parts: from (*inputs, **params) the rules (g, y) of all inputs, by position.
    - `added`, where the result is a part of the first input: adds the gradient of that in place and returns True, or
      False where it cannot, of (total, g, *others, **params).
    - `independent`: of what a compiled function returned it makes a Tensor that may meet what requires a gradient.

    Args:
        forward: what it computes on arrays; a NumPy ufunc has no signature to read and needs `arguments`.
        view: the result may look into the memory of the first input.
        elementwise: one element tells the type of the result, broadcasting the shape.
        definition: the same in simpler ops.
        infer: the shape and type of the result, for ops that cannot be tried on zeros.
        effect: computing it has an effect (a random draw): it is never merged, dropped or moved.
        differentiable: False if the result never requires a gradient.
        guarded: makes what is called in place of `forward`, and guards the rules: for ops that users declare.
    """

    def __init__(
        self, forward: Callable[..., Any], *, view: bool = False, elementwise: bool = False,
        definition: Callable[..., Tensor] | None = None, infer: Callable[..., Shaped] | None = None,
        effect: bool = False, differentiable: bool = True, arguments: tuple[str, ...] | None = None,
        guarded: Callable[[Op], Any] | None = None, **record: Any,
    ) -> None:  # fmt: skip
        self.forward, self.definition, self.own_infer = forward, definition, infer
        self.view, self.elementwise, self.effect, self.differentiable = view, elementwise, effect, differentiable
        self.guarded = guarded(self) if guarded else None
        self.rules: dict[str, Rule] = {}
        self.by_position: dict[int, Rule] = {}
        self.strong: Callable[..., Any] | None = None
        self.joined: Callable[..., dict[int, Rule]] | None = None
        self.added: Callable[..., bool] | None = None
        self.independent = False
        Signature.__init__(self, record.get("name") or forward.__name__, forward, arguments)
        Function.__init__(self, forward, **record)  # the last, for it goes on record: a failed declaration does not

    def vjp(self, *names: str) -> Callable[[Rule], Rule]:
        """Declare the gradient rule of arguments: `rule(g, y, *inputs, **params)`, written in ops, for each of `names`.

        A rule for the variadic argument also receives `argument`, the position of the input it is asked about.
        """

        for name in names:
            if name not in (*self.arguments, self.variadic):
                raise refusals.no_such_argument(self, name)

        def declare(rule: Rule) -> Rule:
            for name in names:
                Function.declared += name in self.rules
                self.rules[name] = self.guarded.rule(name, rule) if self.guarded else rule
                if name != self.variadic:
                    self.by_position[self.arguments.index(name)] = self.rules[name]
            return rule

        return declare

    def rule(self, position: int) -> Rule:
        """The gradient rule of the input at `position`."""
        if position in self.by_position:
            return self.by_position[position]
        if position >= len(self.arguments) and self.variadic in self.rules:
            return functools.partial(self.rules[self.variadic], argument=position)
        raise refusals.no_rule(self, self.argument(position))

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """A Tensor for Tensors; for plain arrays a plain array, which the annotation leaves out."""
        params: Mapping[str, Any] = self.defaults
        if kwargs or len(args) != self.arity:
            args, params = self.bind(args, kwargs)
        grad, record, place, capture, expanded, _, watch, _, strong, swept = current_mode()
        if self.name in expanded and self.definition is not None:
            with within(place=place.inside(self.name), expanded=expanded - {self.name}):  # in itself it is an op
                return self.definition(*args, **params)
        arrays: list[Any] = []
        is_node, wanted, has_array, foreign, absent = record and not args, False, False, False, False
        for x in args:
            kind = type(x)
            if kind is Tensor:
                is_node = True
                wanted |= x._requires_grad
                x = x._held
            elif kind is np.ndarray:
                has_array = True
            elif x is None:
                absent = True
            elif kind not in NUMBERS:
                foreign = True
            arrays.append(x)
        if absent:
            self.check_absent(args)
        if foreign or (has_array and (is_node or not swept)):
            given, args = args, tuple([_check_operand(x, is_node, capture is not None) for x in args])
            if foreign and any(type(x) is Tensor is not type(was) for x, was in zip(args, given, strict=True)):
                return self(*args, **params)  # a list that holds Tensors is one now
            arrays = [x._held if type(x) is Tensor else x for x in args]
        try:
            if capture is None or not is_node:
                compute = self.guarded or self.forward
                data = compute(*arrays, **params) if capture is None else capture.compute(compute, arrays, params)
                if strong:
                    data = self.strengthen(data, arrays, params)
            else:
                args = capture.inputs_of(self, args, params)
                data = self.infer(args, params)
        except NUMPYS_OWN as error:
            for x in args:
                check_alive(x)
            raise refusals.failed_operation(self, error, args, params) from error
        if not is_node:  # plain arrays in, a plain array out
            if capture is not None and type(data) is np.ndarray:
                stray = np.ndarray if data.ndim else (np.ndarray, np.generic)  # NumPy makes scalars of those of no axes
                if not any(isinstance(x, stray) for x in args):
                    data = capture.make_constant(data)  # numbers and lists of them are part of the source
            result: Tensor = data
            return result
        if type(data) is not np.ndarray and capture is None:
            data = np.asarray(data)
        requires_grad = wanted and grad and self.differentiable and data.dtype.kind == "f" and wanted
        if requires_grad and requires_grad is not True and requires_grad != CUT:
            raise refusals.mixture_of_graphs(self, args)
        if requires_grad is True or record:
            if foreign or has_array:
                args = tuple([constant(x) if type(x) is np.ndarray else x for x in args])
            result = new_tensor(data, self, args, params, requires_grad, place)
            if capture is not None:
                capture.note_result(result, self)
        else:
            cut = requires_grad and not self.independent and CUT
            result = new_tensor(data, None, (), {"made_by": self}, cut, place, "constant")
        if watch is not None:
            watch.node(result, self, args)
        if self.view and capture is None and type(args[0]) is Tensor and owner_of(data) is owner_of(arrays[0]):
            result._storage = storage_of(args[0])  # users of both notice a write to either
        return result

    def strengthen(self, data: Any, arrays: Sequence[Any], params: Mapping[str, Any]) -> Any:
        """What `forward` made of these operands, or where that has a NaN what `strong` makes of them."""
        return data if self.strong is None or not has_nan(data) else self.strong(*arrays, **params)

    def infer(self, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Shaped:
        """The shape and dtype of the result, without computing it."""
        from minigrad.graph.shapes import infer  # asked for while functions are captured and compiled

        return infer(self, inputs, params)


def op(**record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op: a decorator for its forward function on arrays. See `Op` and `Function` for what it may say."""
    return lambda forward: Op(forward, **record)


def _check_operand(x: Any, is_node: bool, captured: bool) -> Any:
    """An operand as it is computed with, checked; NumPy scalars are numbers in a node (a capture decides by itself)."""
    kind = type(x)
    if kind is Tensor or kind in NUMBERS or (kind is np.ndarray and x.dtype.isnative and x.dtype.kind in "biuf"):
        return x
    if isinstance(x, np.generic) and x.dtype.kind in "biuf":
        return x.item() if is_node and not captured else x
    return array_or_constant(x)
