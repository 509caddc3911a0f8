"""Laws that every function on record obeys, tried on every sample of its declaration.

`check_op` runs them all, on the ops of minigrad (in the tests) and on a user's own. A law takes a case and raises
AssertionError; LAWS holds them by name, with the cases they apply to. Ids such as S21 are those of the hard cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.base.arrays import Array, Shaped
from minigrad.base.record import Function, Kink, Refusal, by_numpy
from minigrad.base.structure import leaves, map_leaves
from minigrad.checks.cases import (
    Case,
    cases_of,
    cotangents_for,
    gradients,
    is_float_array,
    nodes_behind,
    results,
    variables,
)
from minigrad.checks.gradients import check_gradients
from minigrad.core.autodiff import grad
from minigrad.core.errors import GradientCheckError
from minigrad.core.modes import expanded, within
from minigrad.core.op import Op
from minigrad.core.tensor import Tensor, new_tensor


class Law(NamedTuple):
    name: str
    applies: Callable[[Case], bool]
    holds: Callable[[Case], None]


LAWS: dict[str, Law] = {}


def check_op(function: Function) -> list[str]:
    """Try every law on every sample, refusal and kink in the declaration of an op or composition.

    Args:
        function: what `minigrad.op` or `minigrad.composition` returned.

    Returns:
        The names of the laws that were tried.

    Raises:
        GradientCheckError: a law does not hold; the message names it, the sample and what came out.
        ValueError: the declaration has no samples.

    >>> names = check_op(mg.softmax)
    >>> "gradients of orders 1 and 2 agree with finite differences" in names
    True
    """
    if not function.samples:
        raise ValueError(f"check_op: {function.name} declares no samples to try the laws on: pass samples=[call(…)]")
    tried = []
    for law in LAWS.values():
        cases = [case for case in cases_of(function) if law.applies(case)]
        for case in cases:
            try:
                law.holds(case)
            except Exception as error:
                raise GradientCheckError(f"{function.name}, {law.name}: {error}\n  in sample {case.sample}") from error
        tried += [law.name] if cases else []
    for refused in function.refusals:
        check_refusal(function, refused)
    for kink in function.kinks:
        check_kink(function, kink)
    return tried


def _law(name: str, applies: Callable[[Case], bool] = lambda case: True) -> Callable[[Callable[[Case], None]], None]:
    def declare(holds: Callable[[Case], None]) -> None:
        LAWS[name] = Law(name, applies, holds)

    return declare


def _differentiable(case: Case) -> bool:
    return case.differentiable


def _has_floats(case: Case) -> bool:
    return bool(case.floats())


def _keeps_its_dtype(case: Case) -> bool:
    """Where nothing among the parameters says which dtype is wanted."""
    parameters = getattr(case.function, "defaults", {})
    return bool(case.floats()) and "dtype" not in parameters


# --- values -----------------------------------------------------------------------------------------------------------


@_law("value is that of NumPy or of the reference")
def _(case: Case) -> None:
    args, params = case.arguments()
    expected = _reference(case)(*args, **params)
    actual = case.function(*args, **params)
    _require_close(actual, expected, 1e-14)
    _require_equal(_dtypes(actual), _dtypes(expected), "dtypes")


@_law("D5 integers and booleans are taken as NumPy takes them, or as the floats it makes of them", _has_floats)
def _(case: Case) -> None:
    rng = np.random.default_rng(case.number)
    by_numpy_itself = case.function.reference in by_numpy
    for dtype in (np.int64, np.int32, np.uint8, *([np.bool_] if by_numpy_itself else [])):  # a sum of booleans is "or"
        integers: list[Any] = [rng.integers(1, 4, x.shape).astype(dtype) for x in case.floats()]
        floating = np.result_type(dtype, np.float16)
        with np.errstate(all="ignore"):
            try:
                expected = (
                    case.on(integers, _reference(case)) if by_numpy_itself
                    else case(*(x.astype(floating) for x in integers))
                )  # fmt: skip
            except TypeError:  # as np.subtract of booleans
                _require_raises(TypeError, lambda *x: case(*x), *integers)  # called at once
                continue
            actual = case(*integers)
        _require_close(actual, expected, {2: 2e-2, 4: 1e-5, 8: 1e-12}[floating.itemsize])
        if by_numpy_itself:
            _require_equal(_dtypes(actual), _dtypes(expected), f"dtypes of {np.dtype(dtype)}")


@_law("definition has the same value and gradients", lambda case: bool(getattr(case.function, "definition", None)))
def _(case: Case) -> None:
    floats = case.floats()
    with expanded(case.function.name):
        inside, nodes = case(*floats), nodes_behind(results(case(*variables(floats))))
        inside_gradients = gradients(case, floats) if case.differentiable else []
    _require(all(node.op is not case.function for node in nodes), "the definition uses the op itself")
    _require_close(case(*floats), inside, 1e-14)
    if case.differentiable:
        _require_close(gradients(case, floats), inside_gradients, 1e-13)


@_law("arrays and Tensors give the same bits")
def _(case: Case) -> None:
    args, params = case.arguments()
    on_tensors = map_leaves(lambda leaf: Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, (args, params))
    on_arrays = case.function(*args, **params)
    _require(all(isinstance(y, (np.ndarray, np.generic)) for y in results(on_arrays)), "arrays must give arrays")
    actual = case.function(*on_tensors[0], **on_tensors[1])
    _require(
        all(isinstance(y, Tensor) and type(y._data) is np.ndarray for y in results(actual)), "Tensors must give Tensors"
    )
    _require_same_bits(actual, on_arrays)
    _require_same_bits(case(*variables(case.floats())), on_arrays)


@_law("D8 NumPy functions take Tensors", lambda case: case.function in by_numpy.values())
def _(case: Case) -> None:
    floats = iter(variables(case.floats()))
    args, params = map_leaves(lambda leaf: next(floats) if is_float_array(leaf) else leaf, case.arguments())
    if not case.floats():
        args = (Tensor(args[0]), *args[1:])
    for numpy_function in [known for known, function in by_numpy.items() if function is case.function]:
        actual = numpy_function(*args, **params)
        _require(
            all(isinstance(y, Tensor) and y.requires_grad == case.differentiable for y in results(actual)),
            f"{numpy_function} must give Tensors with history",
        )
        _require_same_bits(actual, case.function(*args, **params))


@_law("G16 same bits when called again")
def _(case: Case) -> None:
    _require_same_bits(case(*case.floats()), case(*case.floats()))
    if case.differentiable:
        _require_same_bits(gradients(case, case.floats()), gradients(case, case.floats()))


# --- derivatives ------------------------------------------------------------------------------------------------------


@_law("gradients of orders 1 and 2 agree with finite differences", _differentiable)
def _(case: Case) -> None:
    check_gradients(case.__call__, case.floats(), order=2, elements=6, directions=2)


@_law("gradients on arrays and on Tensors are the same", _differentiable)
def _(case: Case) -> None:
    recorded = gradients(case, case.floats(), create_graph=True)
    _require_close(gradients(case, case.floats()), recorded, 1e-15)


@_law("S21 gradients have the shape and dtype of their inputs", _differentiable)
def _(case: Case) -> None:
    for create_graph in (False, True):
        for g, x in zip(gradients(case, case.floats(), None, create_graph), case.floats(), strict=True):
            _require_equal((g.shape, g.dtype), (x.shape, x.dtype), "shape and dtype of a gradient")


@_law("zero cotangents give gradients of exactly zero", _differentiable)
def _(case: Case) -> None:
    zeros = tuple(np.zeros_like(y) for y in results(case(*case.floats())))
    _require(not any(g.numpy().any() for g in gradients(case, case.floats(), zeros)), "a gradient that is not 0")


@_law("gradients are linear in the cotangents", _differentiable)
def _(case: Case) -> None:
    cotangents = cotangents_for(results(case(*case.floats())))
    once = gradients(case, case.floats(), cotangents)
    _require_close(gradients(case, case.floats(), tuple(-3.0 * c for c in cotangents)), [-3.0 * g for g in once], 1e-14)


# --- dtypes -----------------------------------------------------------------------------------------------------------


@_law("D1 float32 stays float32 in every node of value and gradients",
      lambda case: case.differentiable and _keeps_its_dtype(case))  # fmt: skip
def _(case: Case) -> None:
    inputs = variables(case.floats(np.float32))
    outputs = results(case(*inputs))
    first = grad(tuple(outputs), inputs, cotangents_for(outputs), create_graph=True, unused="zero")
    second = grad(tuple(first), inputs, cotangents_for(first), create_graph=True, unused="zero")
    made = [node for node in nodes_behind([*outputs, *first, *second]) if node.dtype.kind == "f"]
    drifted = sorted({f"{node.op and node.op.name} gives {node.dtype}" for node in made if node.dtype != np.float32})
    _require(not drifted, f"not float32: {', '.join(drifted)}")
    _require_equal(set(_dtypes(case(*case.floats(np.float32)))), {np.dtype(np.float32)}, "dtypes on arrays")


@_law("D2 NumPy scalars beside Tensors are as weak as Python numbers",
      lambda case: case.differentiable and any(type(leaf) is float for leaf in leaves(case.arguments())))  # fmt: skip
def _(case: Case) -> None:
    given = iter(variables(case.floats(np.float32)))
    args, params = map_leaves(
        lambda leaf: next(given) if is_float_array(leaf) else np.float64(leaf) if type(leaf) is float else leaf,
        case.arguments(),
    )
    y = case.function(*args, **params)
    _require_equal(y.dtype, np.dtype(np.float32), "dtype")
    _require_same_bits(y, case(*variables(case.floats(np.float32))))


@_law("D3 a float32 argument beside float64 ones has a float32 gradient",
      lambda case: case.differentiable and _keeps_its_dtype(case) and len(case.floats()) > 1)  # fmt: skip
def _(case: Case) -> None:
    floats = case.floats()
    for position, x in enumerate(floats):
        mixed: list[Array] = [*floats[:position], x.astype(np.float32), *floats[position + 1 :]]
        inputs = variables(mixed)
        _require_equal(_dtypes(case(*inputs)), _dtypes(case.on(mixed, _reference(case))), "dtypes of the value")
        _require_equal([g.dtype for g in gradients(case, list(inputs))], [a.dtype for a in mixed], "of the gradients")


@_law("gradients in float32 are those in float64, rounded", _keeps_its_dtype)
def _(case: Case) -> None:
    # A rule that squares, sums or subtracts carelessly loses more than a few of the 7 digits.
    _require_close(case(*case.floats(np.float32)), case(*case.floats()), 1e-5)
    if case.differentiable:
        _require_close(gradients(case, case.floats(np.float32)), gradients(case, case.floats()), 3e-5)


# --- memory -----------------------------------------------------------------------------------------------------------


@_law("M7 read-only inputs are accepted, and nothing is written to")
def _(case: Case) -> None:
    args, params = case.arguments()
    for array in (leaf for leaf in leaves((args, params)) if isinstance(leaf, np.ndarray)):
        array.flags.writeable = False
    case.function(*args, **params)
    if not case.differentiable:
        return
    inputs = variables(case.floats())
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs)
    watched: list[Any] = [node._data for node in nodes_behind(outputs)] + list(cotangents)
    before = [array.tobytes() for array in watched]
    for array in watched:
        array.flags.writeable = False
    grad(tuple(outputs), inputs, cotangents, unused="zero")
    _require([array.tobytes() for array in watched] == before, "an array was written to")


@_law("M3 gradients share memory with nothing", _differentiable)
def _(case: Case) -> None:
    inputs = variables(case.floats())
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs)
    found = [g._data for g in grad(tuple(outputs), inputs, cotangents, unused="zero")]
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.requires_grad:
            output.backward(cotangent)
    found += [x.grad for x in inputs if x.grad is not None]
    others: list[Any] = [node._data for node in nodes_behind(outputs)] + list(cotangents)
    for i, gradient in enumerate(found):
        _require(not any(np.shares_memory(gradient, other) for other in others + found[:i]), "shared memory")
        _require(gradient.flags.writeable, "a gradient must be writable")


@_law("M6 only ops declared as views share memory with an input, and then its stamp")
def _(case: Case) -> None:
    if isinstance(case.function, Op) and not case.function.view:
        args, params = case.arguments()
        arrays = [leaf for leaf in leaves((args, params)) if isinstance(leaf, np.ndarray)]
        y = case.function(*args, **params)
        _require(not any(np.shares_memory(y, array) for array in arrays), "shared memory without view=True")
    inputs = variables(case.floats())
    for result in results(case(*inputs)):
        for x in inputs:
            shared = np.shares_memory(result._data, x._data)
            _require(not shared or (x._storage is not None and result._storage is x._storage), "no stamp in common")


def _strided(array: Array) -> Array:
    """Every second element of a larger array, along every axis."""
    wide = np.full([2 * n for n in array.shape], np.nan)
    wide[(slice(None, None, 2),) * array.ndim] = array
    return wide[(slice(None, None, 2),) * array.ndim]


def _reversed_in_memory(array: Array) -> Array:
    backwards = (slice(None, None, -1),) * array.ndim
    return array[backwards].copy()[backwards]


def _one_element(array: Array) -> Array:
    """One element, seen at every place."""
    return np.broadcast_to(array.flat[0], array.shape) if array.size else array


_LAYOUTS: tuple[Callable[[Array], Array], ...] = (np.asfortranarray, _strided, _reversed_in_memory, _one_element)


@_law("S20 the layout in memory does not matter", _has_floats)
def _(case: Case) -> None:
    for layout in _LAYOUTS:
        laid_out = [layout(array) if array.ndim else array for array in case.floats()]
        plain = [np.array(array, order="C") for array in laid_out]
        _require_close(case(*laid_out), case(*plain), 1e-15)
        if case.differentiable:
            cotangents = cotangents_for(results(case(*plain)))
            inputs = [new_tensor(array, requires_grad=True) for array in laid_out]
            keep = layout is _one_element
            other = tuple(np.array(c) if keep or not c.ndim else layout(c) for c in cotangents)
            _require_close(gradients(case, inputs, other), gradients(case, plain, cotangents), 1e-15)


# --- shapes without values --------------------------------------------------------------------------------------------


@_law("infer gives the shape and dtype of every node")
def _(case: Case) -> None:
    args, params = map_leaves(lambda leaf: Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, case.arguments())
    with within(record=True):
        nodes = nodes_behind(results(case.function(*args, **params)))
    if case.differentiable:
        nodes += nodes_behind(gradients(case, case.floats(), create_graph=True))
    for node in nodes:
        boolean_index = case.shape_depends_on_values and node.op and node.op.name in ("getitem", "scatter_add")
        if node.op is not None and not boolean_index:
            inputs = tuple(
                new_tensor(Shaped(x.shape, x.dtype)) if isinstance(x, Tensor) else x for x in node.inputs
            )  # no values to look at
            _require_equal(node.op.infer(inputs, node.params), (node.shape, node.dtype), f"infer of {node.op.name}")


# --- refusals and kinks -----------------------------------------------------------------------------------------------


def check_refusal(function: Function, refused: Refusal) -> None:
    """The call raises the error that is declared, with all names in its message, on arrays and on Tensors."""
    for as_tensors in (False, True):
        args, params = Case(function, refused.call, 0).arguments()
        if as_tensors:
            args, params = map_leaves(lambda x: Tensor(x) if isinstance(x, np.ndarray) else x, (args, params))
        error = _require_raises(refused.error, function, *args, **params)
        missing = [name for name in refused.names if name not in str(error)]
        _require(not missing, f"{function.name}{refused.call}: the message does not name {missing}: {error}")


def check_kink(function: Function, kink: Kink) -> None:
    """The gradients at the kink are those declared, exactly, on arrays and as a graph."""
    case = Case(function, kink.call, 0)
    floats = case.floats()
    with np.errstate(all="ignore"):
        cotangents = tuple(np.ones_like(y) for y in results(case(*floats)))
        for create_graph in (False, True):
            found = [g.numpy() for g in gradients(case, floats, cotangents, create_graph)]
            _require_equal(len(found), len(kink.gradients), "number of gradients")
            for g, expected in zip(found, kink.gradients, strict=True):
                same = np.array_equal(g, np.broadcast_to(expected, g.shape), equal_nan=True)
                _require(same, f"{function.name}{kink.call}: gradient {g.tolist()}, by convention {expected}")


# --- how two results are compared -------------------------------------------------------------------------------------


def _reference(case: Case) -> Callable[..., Any]:
    reference = case.function.reference
    if reference is None:
        raise ValueError("the declaration names no NumPy function and no reference to compare with")
    return reference


def _require(condition: Any, problem: str) -> None:
    if not condition:
        raise AssertionError(problem)


def _require_equal(actual: Any, expected: Any, what: str) -> None:
    _require(actual == expected, f"{what}: {actual}, expected {expected}")


def _require_raises(kind: type[Exception], function: Callable[..., Any], *args: Any, **params: Any) -> Exception:
    try:
        result = function(*args, **params)
    except kind as error:
        return error
    raise AssertionError(f"{(args, params)} must raise {kind.__name__}, and gave {result!r}")


def _value(x: Any) -> Array:
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def _dtypes(outputs: Any) -> list[np.dtype[Any]]:
    return [_value(x).dtype for x in results(outputs)]


def _require_same_bits(actual: Any, expected: Any) -> None:
    for x, y in _pairs(actual, expected):
        _require_equal((x.dtype, x.shape), (y.dtype, y.shape), "dtype and shape")
        _require(x.tobytes() == y.tobytes(), f"other bits: {x.tolist()}, expected {y.tolist()}")


def _require_close(actual: Any, expected: Any, relative: float) -> None:
    """Equal to `relative` times the largest number on either side, or to that much where all are smaller than 1."""
    for x, y in _pairs(actual, expected):
        largest = max(float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a))) for a in (x, y))
        np.testing.assert_allclose(x, y, rtol=0, atol=relative * max(1.0, largest), strict=False)
        _require_equal(x.shape, y.shape, "shape")


def _pairs(actual: Any, expected: Any) -> Iterator[tuple[Array, Array]]:
    return zip(map(_value, results(actual)), map(_value, results(expected)), strict=True)
