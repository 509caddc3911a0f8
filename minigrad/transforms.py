"""Derivatives of functions: vjp, jvp, hvp, jacobian, hessian, value_and_grad, all made of `grad`.

A function of Tensors and a list of arguments enter, all of them differentiated; Tensors leave. An argument is an array
(or a nested list of numbers), or arrays in tuples, lists and dictionaries, and its gradient has the same structure.

Within a function that another transform differentiates, what leaves has a graph and is differentiated again. Elsewhere
it has none: where a gradient would flow through it, to what the function takes from around it, that is an error.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar, overload

import numpy as np

from minigrad.core.arrays import Array, real_array, shape_of
from minigrad.core.autodiff import grad
from minigrad.core.errors import CaptureError
from minigrad.core.modes import current_mode, within
from minigrad.core.record import registry
from minigrad.core.storage import CUT
from minigrad.core.structure import leaves, leaves_beside, map_leaves
from minigrad.core.tensor import Operand, Tensor, constant
from minigrad.wording.messages import describe

Result = TypeVar("Result")


def vjp(function: Callable[..., Any], inputs: Sequence[Any], cotangents: Any = None) -> tuple[Any, tuple[Any, ...]]:
    """The value of `function(*inputs)` and its vector-Jacobian products, one per input.

    Args:
        function: takes Tensors, returns a Tensor or several in tuples, lists or dictionaries.
        inputs: the arguments, of floating-point type.
        cotangents: the vector of the product, shaped like the outputs; may be left out for a scalar.

    Raises:
        TypeError: inputs or results that are not of floating-point type.

    >>> value, gradients = vjp(lambda x, y: x * y, [2.0, 3.0])
    >>> float(value), [float(g) for g in gradients]
    (6.0, [3.0, 2.0])
    """
    variables = _make_variables("vjp", inputs)
    outputs = _call_function(function, variables)
    vectors = None if cotangents is None else _read_vectors("vjp: cotangents", "output", outputs, cotangents)
    gradients = grad(_check_results("vjp", outputs), variables, vectors, create_graph=_is_nested(), unused="zero")
    return _hand_out((outputs, tuple(gradients)), outputs, variables, (inputs, cotangents))


@overload
def value_and_grad(function: Callable[..., Any], flat: Literal[True], like: Any = None) -> FlatFunction: ...
@overload
def value_and_grad(function: Callable[..., Any], flat: Literal[False] = False) -> Callable[..., tuple[Any, Any]]: ...
def value_and_grad(function: Callable[..., Any], flat: bool = False, like: Any = None) -> Callable[..., Any]:
    """A function that gives the value of a scalar function, and its gradient by the first argument.

    Args:
        function: takes Tensors, returns a scalar. Its first argument is one array, or arrays in tuples, lists and
            dictionaries, and so is the gradient; all other arguments are passed on as they are.
        flat: make a function of one vector, as optimisers want them: it returns a float, and the gradient as a vector
            of float64, which `scipy.optimize.minimize(…, jac=True)` takes.
        like: with `flat`, an example of the first argument, in whose structure, shapes and types the vector is read.
            The result's `flatten(x)` makes the vector to begin with, its `unflatten(vector)` reads the one found.
            Without an example, `function` is given the vector itself.

    Raises:
        TypeError: arguments or a result that are not of floating-point type; an example without `flat`.
        ValueError: a result that is not a scalar; a vector that does not fit the example.

    >>> function = value_and_grad(lambda p, x: ((p["w"] * x + p["b"]) ** 2).sum())
    >>> value, gradient = function({"w": 2.0, "b": 1.0}, np.array([1.0, -1.0]))
    >>> float(value), {name: float(g) for name, g in gradient.items()}
    (10.0, {'w': 8.0, 'b': 4.0})
    >>> function = value_and_grad(lambda p: (p["w"] ** 2).sum() + p["b"], flat=True, like={"w": [1.0, 2.0], "b": 0.5})
    >>> function(np.array([3.0, 4.0, 5.0]))
    (30.0, array([6., 8., 1.]))
    """
    if like is not None and not flat:
        raise TypeError("value_and_grad: like= is the example of a flat vector: expected flat=True beside it")

    def call(x: Any, *args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        variables = _make_variables("value_and_grad", [x])
        value, (gradient,) = _differentiate_scalar(
            "value_and_grad", lambda x: function(x, *args, **kwargs), variables, create_graph=_is_nested()
        )
        return _hand_out((value, gradient), value, variables, (x, args, kwargs))

    return FlatFunction(call, like) if flat else call


class FlatFunction:
    """What `value_and_grad` makes with `flat=True`: a function of one vector, and the way there and back."""

    def __init__(self, call: Callable[..., tuple[Tensor, Any]], like: Any) -> None:
        self._call = call
        self._like = None if like is None else _make_variable(like, "value_and_grad: like: ")

    def __call__(self, vector: Any, *args: Any, **kwargs: Any) -> tuple[float, Array]:
        """The value as a float, and the gradient as a vector of float64."""
        value, gradient = self._call(self.unflatten(vector), *args, **kwargs)
        return float(value), _join(gradient)

    def flatten(self, x: Any) -> Array:
        """Arrays in the structure of the example as one vector of float64, in memory of its own."""
        variable = _make_variable(x, "flatten: ")
        if self._like is not None:
            _read_vectors("flatten", "example", self._like, variable)
        return _join(variable)

    def unflatten(self, vector: Any) -> Any:
        """The parts of a vector as arrays, in the structure, shapes and types of the example."""
        vector = np.array(vector.numpy() if isinstance(vector, Tensor) else vector, np.float64)
        if self._like is None:
            return vector
        ends = np.cumsum([0, *(x.size for x in leaves(self._like))]).tolist()
        if vector.shape != (ends[-1],):
            raise ValueError(f"value_and_grad: a vector of shape {vector.shape}: the example has {ends[-1]} elements")
        parts = (vector[a:b] for a, b in itertools.pairwise(ends))
        return map_leaves(lambda x: next(parts).reshape(x.shape).astype(x.dtype), self._like)


def _join(tree: Any) -> Array:
    """The elements of all leaves in one vector of float64."""
    return np.concatenate([np.empty(0), *(x.numpy().ravel() for x in leaves(tree))], dtype=np.float64)


def jvp(function: Callable[..., Any], inputs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of `function(*inputs)`, and its change along `tangents`: a Jacobian-vector product.

    Args:
        function: takes Tensors, returns a Tensor or several in tuples, lists or dictionaries.
        inputs: the arguments, of floating-point type.
        tangents: one for each input, of its shape.

    Raises:
        TypeError: inputs that are not a list or tuple of floating-point arrays.
        ValueError: tangents that do not fit the inputs.

    The vector-Jacobian product vᵀJ is linear in v, and its own gradient for v, along the tangents, is J·t ("a new
    trick for calculating Jacobian vector products", J. Townsend, 2017). It costs about three evaluations.

    >>> value, change = jvp(lambda x, y: x * y, [2.0, 3.0], [1.0, 10.0])
    >>> float(value), float(change)
    (6.0, 23.0)
    """
    variables = _make_variables("jvp", inputs)
    directions = _check_tangents("jvp", variables, tangents)
    outputs = _call_function(function, variables)
    results = _check_results("jvp", outputs)
    dummies = [Tensor(np.zeros(y.shape, y.dtype), requires_grad=True) for y in results]  # their values do not matter
    gradients = grad(tuple(results), tuple(leaves(variables)), tuple(dummies), create_graph=True, unused="zero")
    changes = iter(grad(gradients, dummies, directions, create_graph=_is_nested(), unused="zero"))
    change = map_leaves(lambda _: next(changes), outputs)
    return _hand_out((outputs, change), outputs, variables, (inputs, tangents))


def hvp(function: Callable[..., Any], inputs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """The value of a scalar function, and the change of its gradients along `tangents`: Hessian-vector products.

    Arguments and errors are those of `jvp`; the products are a tuple, one for each input. The Hessian is not formed:
    the gradient of gradient·t is computed (Pearlmutter, Fast exact multiplication by the Hessian, 1994).

    >>> value, (product,) = hvp(lambda x: (x**3).sum(), [[1.0, 2.0]], [[1.0, 1.0]])
    >>> float(value), product.tolist()
    (9.0, [6.0, 12.0])
    """
    variables = _make_variables("hvp", inputs)
    directions = _check_tangents("hvp", variables, tangents)
    value, gradients = _differentiate_scalar("hvp", function, variables)
    gradients = tuple(leaves(gradients))
    products = grad(gradients, tuple(variables), directions, create_graph=_is_nested(), unused="zero")
    return _hand_out((value, products), value, variables, (inputs, tangents))


def jacobian(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[Tensor, ...]:
    """The Jacobians of `function(*inputs)`, which returns one Tensor: one of shape output + input for each input.

    Each element of the output costs one backward sweep over the same graph.

    >>> (jacobian_of_x,) = jacobian(lambda x: x * x, [[1.0, 2.0, 3.0]])
    >>> jacobian_of_x.tolist()
    [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]
    """
    variables = _make_variables("jacobian", inputs)
    output = _check_one_result("jacobian", _call_function(function, variables))
    return _hand_out(_compute_rows(output, variables), output, variables, inputs)


def hessian(function: Callable[..., Any], inputs: Sequence[Any]) -> tuple[tuple[Tensor, ...], ...]:
    """The second derivatives of a scalar function: `hessian(f, inputs)[i][j]` has the shape of input i + input j.

    Each element of the inputs costs one backward sweep over the graph of the gradient.

    >>> ((xx, xy), (yx, yy)) = hessian(lambda x, y: x * x * y, [2.0, 3.0])
    >>> float(xx), float(xy), float(yx), float(yy)
    (6.0, 4.0, 4.0, 0.0)
    """
    variables = _make_variables("hessian", inputs)
    value, gradients = _differentiate_scalar("hessian", function, variables)
    second = tuple(map_leaves(lambda gradient: _compute_rows(gradient, variables), gradients))
    return _hand_out(second, value, variables, inputs)


def _is_nested() -> bool:
    """Whether what is computed now is differentiated afterwards: by a transform whose function called this one."""
    mode = current_mode()
    return mode.record and mode.grad


def _hand_out(result: Result, outputs: Any, variables: Sequence[Any], given: Any) -> Result:
    """The result of a transform: within another as it is, else as values, which know if they should have a graph."""
    if _is_nested():
        return result
    around = [x for x in leaves(given) if isinstance(x, Tensor)]
    around += _find_leaves_behind(outputs, {*leaves(variables)})
    cut = current_mode().grad and any(x._requires_grad for x in around)

    def take_value(t: Any) -> Any:
        if isinstance(t, Tensor):
            t = t.detach()
            t._requires_grad = cut and t.dtype.kind == "f" and CUT
        return t

    values: Result = map_leaves(take_value, result)
    return values


def _find_leaves_behind(outputs: Any, variables: set[Tensor]) -> list[Tensor]:
    """What the outputs depend on beside the variables, and has no operation behind it."""
    waiting, visited = [y for y in leaves(outputs) if isinstance(y, Tensor)], set(variables)
    while waiting:
        tensor = waiting.pop()
        if tensor not in visited:
            visited.add(tensor)
            waiting += [x for x in tensor.inputs if isinstance(x, Tensor)]
    return [tensor for tensor in visited - variables if tensor.op is None]


def _call_function(function: Callable[..., Any], variables: Sequence[Any]) -> Any:
    """What the function returns, with the graph behind it: also under `no_grad()`, and of a compiled function."""
    with within(grad=True, record=True):
        return function(*variables)


def _compute_rows(output: Tensor, variables: Sequence[Any]) -> tuple[Any, ...]:
    """The Jacobians of `output`, one element of it at a time, in the structure of `variables`."""
    inputs, rows = list(leaves(variables)), []
    for i in range(output.size):
        cotangent = np.zeros(output.shape, output.dtype)
        cotangent.flat[i] = 1
        rows.append(grad(output, inputs, cotangent, create_graph=_is_nested(), unused="zero"))
    results = iter([_stack_rows([row[i] for row in rows], output.shape, x) for i, x in enumerate(inputs)])
    return tuple(map_leaves(lambda _: next(results), variables))


def _stack_rows(rows: Sequence[Tensor], shape: tuple[int, ...], x: Tensor) -> Tensor:
    """The gradients for `x`, one for each element of an output of this shape, as one Jacobian."""
    if rows and _is_nested():
        return registry["reshape"](registry["stack"](rows), shape=shape + x.shape)
    return constant(np.array([row.numpy() for row in rows], x.dtype).reshape(shape + x.shape))


def _differentiate_scalar(
    name: str, function: Callable[..., Any], variables: Sequence[Any], create_graph: bool = True
) -> tuple[Tensor, tuple[Any, ...]]:
    value = _check_one_result(name, _call_function(function, variables))
    if value.shape != ():
        raise ValueError(f"{name}: the function must return a scalar, got {describe(value)}: take its sum or mean")
    return value, grad(value, tuple(variables), create_graph=create_graph, unused="zero")


def _make_variables(name: str, inputs: Sequence[Any]) -> list[Any]:
    """The arguments as Tensors, in their own structures."""
    if current_mode().capture is not None:
        raise CaptureError(
            f"{name} is called while a function is captured: write there what it does, minigrad.grad of what the "
            "function makes of Tensors that require a gradient, or call it outside"
        )
    if not isinstance(inputs, (tuple, list)):
        raise TypeError(
            f"{name}: inputs must be a list with one array per argument, got {type(inputs).__name__}: write [x]"
        )
    list(leaves(inputs))  # what holds itself is refused here
    return [_make_variable(x, f"{name}: inputs: ") for x in inputs]


def _make_variable(x: Any, what: str) -> Any:
    """An argument: an array, also a nested list of numbers; or a list, tuple or dictionary of such."""
    if isinstance(x, dict):
        return {key: _make_variable(value, what) for key, value in x.items()}
    if hasattr(x, "_fields"):
        return type(x)(*(_make_variable(value, what) for value in x))
    if isinstance(x, (tuple, list)) and not all(isinstance(number, (int, float, np.generic)) for number in leaves(x)):
        return type(x)(_make_variable(value, what) for value in x)
    if isinstance(x, Tensor) and x.requires_grad and _is_nested():
        return registry["copy"](x)  # a node, so that a gradient flows on to what it was made of
    return Tensor(real_array(x, what=what) if isinstance(x, (tuple, list)) else x, requires_grad=True)


def _check_tangents(name: str, variables: Sequence[Any], tangents: Any) -> list[Operand]:
    if not isinstance(tangents, (tuple, list)) or len(tangents) != len(variables):
        raise ValueError(f"{name}: tangents must be a list of {len(variables)}, one for each input")
    return _read_vectors(f"{name}: tangents", "input", variables, tangents)


def _read_vectors(what: str, of: str, tree: Any, given: Any) -> list[Any]:
    """The vectors of a product, each of the shape of a leaf of `tree`; None, of an output, stands for 1."""
    vectors = list(leaves_beside(tree, given, what))
    for i, (x, vector) in enumerate(zip(leaves(tree), vectors, strict=True)):
        if (vector is not None or of == "input") and shape_of(vector, f"{what}[{i}]: ") != shape_of(x):
            raise ValueError(f"{what}[{i}] has shape {shape_of(vector)}, its {of} {shape_of(x)}")
    return [t.detach() if isinstance(t, Tensor) and not _is_nested() else t for t in vectors]


def _check_results(name: str, outputs: Any) -> list[Tensor]:
    results = list(leaves(outputs))
    for y in results:
        if not isinstance(y, Tensor) or y.dtype.kind != "f":
            kind = describe(y) if isinstance(y, Tensor) else type(y).__name__
            raise TypeError(f"{name}: the function must return floating-point Tensors, got {kind}")
    return results


def _check_one_result(name: str, output: Any) -> Tensor:
    _check_results(name, output)
    if not isinstance(output, Tensor):
        raise TypeError(f"{name}: the function must return one Tensor, got a {type(output).__name__}")
    return output
