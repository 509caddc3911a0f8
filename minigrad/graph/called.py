"""The graph of one real call: a function and its arguments enter, the graph of what it computed leaves, with gradients.

Where `trace` records a function on shapes, here it is called, once, and backward too: there are values to look at.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.core.arrays import real_array
from minigrad.core.errors import GraphError
from minigrad.core.modes import within
from minigrad.core.record import registry
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph.build import build, find_ancestors
from minigrad.graph.captured import map_named, name_leaves
from minigrad.graph.graph import Graph
from minigrad.wording.calls import check_call

SUM = "sum of the output"


def graph_of_call(function: Callable[..., Any], *args: Any) -> Graph:
    """The graph of the call `function(*args)` and of its backward pass, as `loss.backward(keep=True)` leaves it.

    Args:
        function: of Tensors; it returns a Tensor, or several in tuples, lists or dictionaries. A module is one.
        args: what it is called with. Arrays become Tensors named after its parameters, those of floats with a gradient.

    What requires a gradient is differentiated: by itself where it is one scalar, otherwise the sum of all its elements
    is, which is the last node then, called `sum of the output`. Gradients of Tensors stay as they were, also those that
    the function computes on its way.

    Raises:
        TypeError: the function does not take these arguments, or returns something that is no Tensor, or nothing.
        GraphError: it has written to what it used, as a training step does.

    >>> import minigrad as mg, numpy as np
    >>> graph = graph_of_call(lambda x, shift: mg.exp(x) + shift, np.array([0.0, 1.0]), 2.0)
    >>> print(graph)
    %0 = input         (2,)  float64  x
    %1 = exp(%0)       (2,)  float64
    %2 = add(%1, 2.0)  (2,)  float64
    %3 = sum(%2)       ()    float64  sum of the output
    return %3
    >>> graph[0].gradient.round(2).tolist()
    [1.0, 2.72]
    """
    given = _bind(function, args)
    for name, value in given.arguments.items():
        given.arguments[name] = map_named(_make_input, name, value)
    with _named(given.arguments):
        with within(record=True):  # also what needs no gradient
            returned = function(*given.args, **given.kwargs)
        arguments = [x for x in leaves(given.args) if isinstance(x, Tensor) and x.op is None]  # those not used, too
        outputs = list(leaves(returned))
        for output in outputs:
            if not isinstance(output, Tensor):
                wanted_kind = "Tensors, which arrays become; numbers and lists stay what they are"
                raise TypeError(f"{name_of(function)} returned {type(output).__name__}: expected {wanted_kind}")
        if not outputs:
            raise TypeError(f"{name_of(function)} returned nothing: expected Tensors")
        wanted = [output for output in outputs if output.requires_grad]
        if not wanted:
            return build(returned, arguments)
        loss = wanted[0] if len(wanted) == 1 and wanted[0].shape == () else _sum_elements(wanted)
        others = [output for output in outputs if not output.requires_grad]
        try:
            return differentiate(loss, others, arguments)
        except GraphError as error:
            raise GraphError(
                f"{name_of(function)} cannot be differentiated: {error}. A step that updates its parameters is drawn "
                "on shapes, minigrad.trace(function, …).draw(path)"
            ) from error


def differentiate(loss: Tensor, beside: Iterable[Tensor] = (), arguments: Iterable[Tensor] = ()) -> Graph:
    """The graph of `loss`, of outputs `beside` it and of `arguments`, with the gradients of a backward pass of its own.

    What `.grad` of any Tensor holds stays as it was; earlier trails of the graph are forgotten.
    """
    reached = find_ancestors([loss, *beside])
    before = [(tensor, tensor.grad) for tensor in reached]
    for tensor in reached:
        tensor.grad = tensor.trail = None
    try:
        loss.backward(keep=True)
        return build([loss, *beside] if beside else loss, arguments)
    finally:
        for tensor, gradient in before:
            tensor.grad = gradient


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called: by its own name, or that of its class.

    >>> name_of(np.exp), name_of(slice(2))
    ('exp', 'slice')
    """
    return str(getattr(function, "__name__", type(function).__name__))


def _bind(function: Callable[..., Any], args: tuple[Any, ...]) -> inspect.BoundArguments:
    try:
        signature = inspect.signature(function)
    except ValueError as error:
        raise TypeError(f"{name_of(function)}: {error}: write a function around it") from None
    check_call(name_of(function), function, args, {})
    return signature.bind(*args)


def _make_input(name: str, value: Any) -> Any:
    """The Tensor of an array among the arguments; numbers, texts and modules stay what they are."""
    if not isinstance(value, np.ndarray):
        return value
    array = real_array(value, copy=True)
    tensor = new_tensor(array, requires_grad=array.dtype.kind == "f", role="input")
    tensor.name = name
    return tensor


@contextmanager
def _named(arguments: Mapping[str, Any]) -> Iterator[None]:
    """Tensors among the arguments that have no name are called after their parameters inside."""
    nameless = {
        leaf: called for name, value in arguments.items()
        for called, leaf in zip(name_leaves(name, value), leaves(value), strict=True)
        if isinstance(leaf, Tensor) and leaf.name is None
    }  # fmt: skip
    for tensor, name in nameless.items():
        tensor.name = name
    try:
        yield
    finally:
        for tensor in nameless:
            tensor.name = None


def _sum_elements(outputs: list[Tensor]) -> Tensor:
    """One scalar to differentiate: the sum of all elements of all outputs."""
    total = registry["sum"](outputs[0])
    for output in outputs[1:]:
        total = total + registry["sum"](output)
    total.name = SUM
    return total
