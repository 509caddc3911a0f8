"""Op: a primitive declared once, and how applying it records a node.

A declaration says everything there is to know about an op: what it computes on arrays (`forward`), its gradient rules,
its formula, the NumPy function it stands for, sample calls, and for composite ops a definition in simpler ones. In a
declaration, positional arguments are arrays (`inputs` of the node; None where left out) and keyword-only arguments are
static `params`. An op applied to plain arrays computes an array; applied to a Tensor it makes a Tensor.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from minigrad.core.modes import caller_line, current_mode, scope
from minigrad.core.tensor import Shaped, Tensor, by_numpy, constant, describe, new_tensor, registry, storage_of

Rule = Callable[..., Any]
_KEPT = frozenset({int, float, bool, type(None)})  # operands that stay as they are among the inputs of a node


class Call(NamedTuple):
    """One sample call of a function: what the law tests, the docs and the pictures try it on."""

    args: tuple[Any, ...]
    params: dict[str, Any]


class Function:
    """A public function: a method of Tensor, the stand-in for NumPy functions, and a record for tests and docs."""

    def __init__(
        self, call: Callable[..., Any], numpy: Sequence[Callable[..., Any]] = (), samples: Sequence[Call] = (),
        formula: str = "", reference: Callable[..., Any] | None = None, name: str = "",
    ) -> None:  # fmt: skip
        if isinstance(call, np.ufunc) or call.__name__ == "<lambda>":
            self.__name__, self.__doc__ = name, f"{formula}, elementwise, with broadcasting."
        else:
            functools.update_wrapper(self, call)
        self.name = name or call.__name__
        self.call = call
        self.samples = tuple(samples)
        self.formula = formula
        self.reference = reference or (numpy[0] if numpy else None)
        if self.name in registry:
            raise ValueError(f"an op named {self.name!r} is declared twice")
        registry[self.name] = self
        by_numpy.update(dict.fromkeys(numpy, self))
        if not hasattr(Tensor, self.name):
            setattr(Tensor, self.name, self)

    def __get__(self, instance: Tensor | None, owner: type) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        result: Tensor = self.call(*args, **kwargs)
        return result

    def __repr__(self) -> str:
        return f"minigrad.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return registry.__getitem__, (self.name,)


class Op(Function):
    """A primitive, or a composite with rules of its own; made by the decorator `op`."""

    def __init__(
        self, forward: Callable[..., Any], *, view: bool = False, elementwise: bool = False,
        definition: Callable[..., Any] | None = None, infer: Callable[..., Shaped] | None = None, latex: str = "",
        effect: bool = False, differentiable: bool = True, arguments: tuple[str, ...] | None = None, **record: Any,
    ) -> None:  # fmt: skip
        super().__init__(forward, **record)
        self.forward = forward
        self.view = view  # the result may look into the memory of an input
        self.elementwise = elementwise
        self.definition = definition
        self.own_infer = infer
        self.latex = latex
        self.effect = effect  # computing it has an effect (a random draw): never merged, dropped or moved
        self.differentiable = differentiable  # False: the result never requires a gradient
        self.rules: dict[str, Rule] = {}
        # A NumPy ufunc as forward has no signature to read: its declaration names the arguments.
        parameters = () if arguments else tuple(inspect.signature(forward).parameters.values())
        self.arguments = arguments or tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.optional = frozenset(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is None)
        self.variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        self._arity = -1 if self.variadic or inspect.Parameter.empty in self.defaults.values() else len(self.arguments)

    def vjp(self, *names: str) -> Callable[[Rule], Rule]:
        """Declare the gradient rule of arguments: `rule(g, y, *inputs, **params)`, written in ops, for each of `names`.

        A rule for the variadic argument also receives `argument`, the position of the input it is asked about.
        """

        def declare(rule: Rule) -> Rule:
            for name in names:
                if name != self.variadic and name not in self.arguments:
                    raise ValueError(f"{self.name} has no argument {name!r} to give a rule to")
                self.rules[name] = rule
            return rule

        return declare

    def argument(self, position: int) -> str:
        """The name of the input at `position`."""
        return self.arguments[position] if position < len(self.arguments) else f"{self.variadic}"

    def rule(self, position: int) -> Rule | None:
        """The gradient rule of the input at `position`."""
        if position < len(self.arguments):
            return self.rules.get(self.arguments[position])
        rule = self.rules.get(self.variadic or "")
        return rule and functools.partial(rule, argument=position)

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """A Tensor for Tensors; for plain arrays a plain array, which the annotation leaves out."""
        params: Mapping[str, Any]
        if kwargs or len(args) != self._arity:
            args, params = self.bind(args, kwargs)
        else:
            params = self.defaults
        mode = current_mode()
        if mode.expanded and self.definition is not None and self.name in mode.expanded:
            with scope(self.name):
                expansion: Tensor = self.definition(*args, **params)
                return expansion

        recorded, requires_grad = mode.record and (self.effect or not args), False
        for x in args:
            if isinstance(x, Tensor):
                recorded = True
                if x.requires_grad:
                    requires_grad = True
        if not recorded:  # plain arrays in, a plain array out
            try:
                array: Any = self.forward(*args, **params)
                return array  # type: ignore[no-any-return]  # the array carrier is duck-typed
            except (TypeError, ValueError, IndexError) as error:
                self._explain(error, args, params)

        inputs = tuple(x if isinstance(x, Tensor) or type(x) in _KEPT else _operand(x) for x in args)
        if mode.capture is not None:
            inputs = mode.capture.inputs_of(self, inputs)
            data: Any = self.infer(inputs, params)
        else:
            arrays = [x._data if isinstance(x, Tensor) else x for x in inputs]
            try:
                data = self.forward(*arrays, **params)
            except (TypeError, ValueError, IndexError) as error:
                self._explain(error, inputs, params)
            if type(data) is not np.ndarray:
                data = np.asarray(data)
        requires_grad = requires_grad and mode.grad and self.differentiable and data.dtype.kind == "f"
        if requires_grad or mode.record:
            inputs = tuple(constant(x) if isinstance(x, np.ndarray) else x for x in inputs)
            result = new_tensor(data, self, inputs, params, requires_grad, mode.place)
            if mode.lines:
                result.line = caller_line()
            if self.effect and mode.capture is not None:
                mode.capture.effects.append(result)
        else:
            result = new_tensor(data, place=mode.place, role="constant")
        if self.view and mode.capture is None:
            _share_storage(result, inputs)
        return result

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort what was passed into inputs (None where left out) and complete params, NumPy's habits allowed.

        `sum(x, 0)`, `x.reshape(2, 3)`, `concatenate([a, b], 1)`, `where=mask` all mean what they mean in NumPy.
        """
        count = len(self.arguments)
        extra = args[count:]
        inputs = list(args[:count])
        if self.variadic:
            if count < len(args) and isinstance(args[count], (list, tuple)):
                inputs += args[count]
                extra = args[count + 1 :]
            else:
                inputs += extra
                extra = ()
        for name in self.arguments[len(inputs) :]:
            if name not in kwargs and name not in self.optional:
                raise TypeError(f"{self.name}: argument {name!r} is missing; it takes {self._signature()}")
            inputs.append(kwargs.pop(name, None))
        if len(extra) > len(self.defaults) == 1:
            extra = (extra,)
        if len(extra) > len(self.defaults):
            raise TypeError(f"{self.name}: {len(args)} arguments given; it takes {self._signature()}")
        given = dict(zip(self.defaults, extra, strict=False)) | kwargs
        unknown = given.keys() - self.defaults.keys()
        if unknown:
            raise TypeError(
                f"{self.name}: argument {', '.join(sorted(unknown))} is not supported; it takes {self._signature()}"
            )
        params = self.defaults | {name: static(self, name, value) for name, value in given.items()}
        for name, value in params.items():
            if value is inspect.Parameter.empty:
                raise TypeError(f"{self.name}: argument {name!r} is missing; it takes {self._signature()}")
        return tuple(inputs), params

    def infer(self, inputs: tuple[Any, ...], params: Mapping[str, Any]) -> Shaped:
        """The shape and dtype of the result, without computing it."""
        key = tuple(
            Shaped(x.shape, x.dtype) if isinstance(x, (Tensor, np.ndarray)) else None if x is None else type(x)
            for x in inputs
        )
        try:
            return _infer(self, key, tuple(params.items()))
        except (TypeError, ValueError, IndexError) as error:
            self._explain(error, inputs, params)

    def _signature(self) -> str:
        arguments = [*self.arguments, *([f"*{self.variadic}"] if self.variadic else [])]
        return f"({', '.join(arguments + [f'{name}=' for name in self.defaults])})"

    def _explain(self, error: Exception, inputs: Sequence[Any], params: Mapping[str, Any]) -> NoReturn:
        """Raise `error` again, saying which op failed on which arguments."""
        given = [f"{self.argument(i)}: {_described(x)}" for i, x in enumerate(inputs) if x is not None]
        given += [f"{name}={value}" for name, value in params.items()]
        raise type(error)(f"{self.name}({', '.join(given)}): {error}") from error


def op(**record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op: a decorator for its forward function on arrays. See `Op` and `Function` for what a record holds.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> @mg.op(formula="y = x³")
    ... def cube(x):
    ...     return x * x * x
    >>> @cube.vjp("x")
    ... def _(g, y, x):
    ...     return g * 3.0 * x * x
    >>> x = mg.Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> float(x.grad)
    12.0
    >>> del mg.registry["cube"], mg.Tensor.cube
    """
    return lambda forward: Op(forward, **record)


def composition(**record: Any) -> Callable[[Callable[..., Any]], Function]:
    """Declare a public function that is written in ops, and so needs no rule."""
    return lambda call: Function(call, **record)


def call(*args: Any, **params: Any) -> Call:
    """A sample call, for a declaration."""
    return Call(args, params)


def static(function: Op, name: str, value: Any) -> Any:
    """A parameter as the graph stores it: hashable and plain. Arrays are refused: they are inputs, not parameters."""
    if isinstance(value, list) or type(value) is tuple:
        return tuple(static(function, name, v) for v in value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, type):
        return np.dtype(value)
    if isinstance(value, Tensor) and value.dtype.kind in "iu" and not value.shape:
        return value.__index__()
    if isinstance(value, (Tensor, np.ndarray)):
        raise TypeError(f"{function.name}: {name}= must be plain Python values, got an array of shape {value.shape}")
    return value


def _operand(value: Any) -> Any:
    """An operand that is neither a Tensor nor a Python number: NumPy scalars act as numbers, lists as arrays."""
    if isinstance(value, np.generic) and value.dtype.kind in "biuf":
        return value.item()
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"expected a Tensor or real numbers, got {type(value).__name__} ({array.dtype})")
    return array.view(np.ndarray)


def _described(x: Any) -> str:
    if isinstance(x, Tensor):
        return describe(x)
    return f"{x.dtype} {x.shape}" if isinstance(x, np.ndarray) else repr(x)


def _share_storage(result: Tensor, inputs: tuple[Any, ...]) -> None:
    data: Any = result._data
    for x in inputs:
        if isinstance(x, Tensor):
            memory: Any = x._data
            if data is memory or data.base is memory or (data.base is not None and data.base is memory.base):
                result._storage = storage_of(x)


@functools.lru_cache(maxsize=4096)
def _infer(function: Op, key: tuple[Any, ...], params: tuple[tuple[str, Any], ...]) -> Shaped:
    if function.own_infer is not None:
        return function.own_infer(*key, **dict(params))
    shaped = [x for x in key if isinstance(x, Shaped)]
    with np.errstate(all="ignore"):
        if function.elementwise:  # one element tells the type, broadcasting the shape
            one = [np.ones((), x.dtype) if isinstance(x, Shaped) else _example(x) for x in key]
            return Shaped(np.broadcast_shapes(*(x.shape for x in shaped)), function.forward(*one, **dict(params)).dtype)
        # Zeros of stride 0 cost no memory, and zero is a valid index.
        zeros = [np.broadcast_to(np.zeros((), x.dtype), x.shape) if isinstance(x, Shaped) else _example(x) for x in key]
        result = np.asarray(function.forward(*zeros, **dict(params)))
    return Shaped(result.shape, result.dtype)


def _example(kind: type | None) -> Any:
    return None if kind is None else kind(1)
