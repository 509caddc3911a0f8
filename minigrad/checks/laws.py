"""Laws that every function on record obeys, tried on every sample.

`check_op` runs them all, on the ops of minigrad (in the tests) and on a user's own. A law takes a case and raises
AssertionError; LAWS holds them by name, with the cases they apply to. Ids such as S21 are those of the hard cases.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.checks.cases import (
    LAYOUTS,
    Case,
    cases_of,
    cotangents_for,
    gradients,
    is_float_array,
    one_element,
    results,
    variables,
)
from minigrad.checks.compare import dtypes, require, require_close, require_equal, require_raises, require_same_bits
from minigrad.checks.declared import check_kink, check_refusal
from minigrad.checks.gradients import check_gradients
from minigrad.core.arrays import Array, Shaped
from minigrad.core.autodiff import grad
from minigrad.core.errors import GradientCheckError
from minigrad.core.modes import expanded, within
from minigrad.core.op import Op
from minigrad.core.record import Function, by_numpy
from minigrad.core.storage import array_of, storage_of
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph.build import find_ancestors
from minigrad.ops.specimens import specimens_of


class Law(NamedTuple):
    """What every function obeys, on the cases that it applies to; `holds` raises where it does not."""

    name: str
    applies: Callable[[Case], bool]
    holds: Callable[[Case], None]


LAWS: dict[str, Law] = {}


def check_op(function: Callable[..., Any]) -> list[str]:
    """Try every law on every sample, refusal and kink of an op or composition.

    Args:
        function: what `minigrad.op` or `minigrad.composition` returned.

    Returns:
        The names of the laws that were tried.

    Raises:
        GradientCheckError: a law does not hold; the message names it, the sample and what came out.
        TypeError: a function that was not declared.
        ValueError: the function has no samples.

    >>> names = check_op(mg.softmax)
    >>> "gradients of orders 1 and 2 agree with finite differences" in names
    True
    """
    if not isinstance(function, Function):
        raise TypeError(f"check_op: expected what op or composition returned, got {type(function).__name__}")
    specimens = specimens_of(function)
    if not specimens.samples:
        raise ValueError(f"check_op: {function.name} has no samples to try the laws on: pass samples=[call(…)]")
    tried = []
    for law in LAWS.values():
        cases = [case for case in cases_of(function) if law.applies(case)]
        for case in cases:
            try:
                law.holds(case)
            except Exception as error:
                raise GradientCheckError(f"{function.name}, {law.name}: {error}\n  in sample {case.sample}") from error
        tried += [law.name] if cases else []
    for refused in specimens.refusals:
        check_refusal(function, refused)
    for kink in specimens.kinks:
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


def _reference(case: Case) -> Callable[..., Any]:
    reference = specimens_of(case.function).reference
    if reference is None:
        raise ValueError("there is no NumPy function and no reference to compare with")
    return reference


# --- values -----------------------------------------------------------------------------------------------------------


@_law("value is that of NumPy or of the reference")
def _(case: Case) -> None:
    args, params = case.arguments()
    expected = _reference(case)(*args, **params)
    actual = case.function(*args, **params)
    require_close(actual, expected, 1e-14)
    require_equal(dtypes(actual), dtypes(expected), "dtypes")


@_law("D5 integers and booleans are taken as NumPy takes them, or as the floats it makes of them", _has_floats)
def _(case: Case) -> None:
    rng = np.random.default_rng(case.number)
    by_numpy_itself = specimens_of(case.function).reference in by_numpy
    for dtype in (np.int64, np.int32, np.uint8, *([np.bool_] if by_numpy_itself else [])):  # a sum of booleans is "or"
        integers: list[Any] = [rng.integers(1, 4, x.shape).astype(dtype) for x in case.floats()]
        floating = np.result_type(dtype, np.float16)
        with np.errstate(all="ignore"):
            try:
                expected = (
                    case.on(integers, _reference(case)) if by_numpy_itself
                    else case(*(x.astype(np.result_type(dtype, np.float32)) for x in integers))
                )  # fmt: skip
            except (TypeError, np.linalg.LinAlgError) as error:  # as np.subtract of booleans, or what has no inverse
                kind = TypeError if isinstance(error, TypeError) else np.linalg.LinAlgError
                require_raises(kind, lambda *x: case(*x), *integers)  # called at once
                continue
            actual = case(*integers)
        require_close(actual, expected, {2: 2e-2, 4: 1e-5, 8: 1e-12}[floating.itemsize])
        if by_numpy_itself:
            require_equal(dtypes(actual), dtypes(expected), f"dtypes of {np.dtype(dtype)}")


@_law("definition has the same value and gradients", lambda case: bool(getattr(case.function, "definition", None)))
def _(case: Case) -> None:
    floats = case.floats()
    with expanded(case.function.name):
        made = [y for y in results(case(*variables(floats))) if isinstance(y, Tensor)]  # of numbers alone none is
        inside, nodes = case(*floats), find_ancestors(made)
        inside_gradients = gradients(case, floats) if case.differentiable else []
    require(all(node.op is not case.function for node in nodes), "the definition uses the op itself")
    require_close(case(*floats), inside, 1e-14)
    if case.differentiable:
        require_close(gradients(case, floats), inside_gradients, 1e-13)


def _takes_arrays(case: Case) -> bool:
    """What is made of numbers alone is an array whatever it is called with."""
    return any(isinstance(leaf, np.ndarray) for leaf in leaves(case.arguments()))


@_law("arrays and Tensors give the same bits", _takes_arrays)
def _(case: Case) -> None:
    args, params = case.arguments()
    on_tensors = map_leaves(lambda leaf: Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, (args, params))
    on_arrays = case.function(*args, **params)
    require(all(isinstance(y, (np.ndarray, np.generic)) for y in results(on_arrays)), "arrays must give arrays")
    actual = case.function(*on_tensors[0], **on_tensors[1])
    require(
        all(isinstance(y, Tensor) and type(array_of(y)) is np.ndarray for y in results(actual)),
        "Tensors must give Tensors",
    )
    require_same_bits(actual, on_arrays)
    require_same_bits(case(*variables(case.floats())), on_arrays)


@_law("D8 NumPy functions take Tensors", lambda case: case.function in by_numpy.values())
def _(case: Case) -> None:
    floats = iter(variables(case.floats()))
    args, params = map_leaves(lambda leaf: next(floats) if is_float_array(leaf) else leaf, case.arguments())
    if not case.floats():
        args = (Tensor(args[0]), *args[1:])
    for numpy_function in [known for known, function in by_numpy.items() if function is case.function]:
        written = inspect.unwrap(numpy_function)
        if inspect.isfunction(written) and not params.keys() <= inspect.signature(written).parameters.keys():
            continue  # it is ours that takes more
        actual = numpy_function(*args, **params)
        require(
            all(isinstance(y, Tensor) and y.requires_grad == case.differentiable for y in results(actual)),
            f"{numpy_function} must give Tensors with history",
        )
        require_same_bits(actual, case.function(*args, **params))


@_law("G16 same bits when called again")
def _(case: Case) -> None:
    require_same_bits(case(*case.floats()), case(*case.floats()))
    if case.differentiable:
        require_same_bits(gradients(case, case.floats()), gradients(case, case.floats()))


# --- derivatives ------------------------------------------------------------------------------------------------------


@_law("gradients of orders 1 and 2 agree with finite differences", _differentiable)
def _(case: Case) -> None:
    check_gradients(case.__call__, case.floats(), order=2, elements=6, directions=2)


def _takes_complex_numbers(case: Case) -> bool:
    """Whether NumPy's function continues analytically: complex numbers in, and out."""
    reference = specimens_of(case.function).reference
    if not case.differentiable or reference not in by_numpy or reference is np.sign:
        return False  # of a complex number, sign is x / |x|, which is another function
    try:
        with np.errstate(all="ignore"):
            values = results(case.on([x + 0j for x in case.floats()], _reference(case)))
    except (TypeError, ValueError):
        return False
    return all(np.iscomplexobj(y) for y in values)


@_law("gradients on arrays and on Tensors are the same", _differentiable)
def _(case: Case) -> None:
    recorded = gradients(case, case.floats(), create_graph=True)
    require_close(gradients(case, case.floats()), recorded, 1e-15)


@_law("S21 gradients have the shape and dtype of their inputs", _differentiable)
def _(case: Case) -> None:
    for create_graph in (False, True):
        for g, x in zip(gradients(case, case.floats(), None, create_graph), case.floats(), strict=True):
            require_equal((g.shape, g.dtype), (x.shape, x.dtype), "shape and dtype of a gradient")


@_law("zero cotangents give gradients of exactly zero", _differentiable)
def _(case: Case) -> None:
    zeros = tuple(np.zeros_like(y) for y in results(case(*case.floats())))
    require(not any(g.numpy().any() for g in gradients(case, case.floats(), zeros)), "a gradient that is not 0")


@_law("gradients are linear in the cotangents", _differentiable)
def _(case: Case) -> None:
    cotangents = cotangents_for(results(case(*case.floats())))
    once = gradients(case, case.floats(), cotangents)
    require_close(gradients(case, case.floats(), tuple(-3.0 * c for c in cotangents)), [-3.0 * g for g in once], 1e-14)


@_law("gradients agree with the complex step of NumPy's function to the last digits", _takes_complex_numbers)
def _(case: Case) -> None:
    # f(x + ih) = f(x) + ih f'(x) + O(h²): with a tiny h nothing is subtracted (Squire and Trapp, 1998).
    floats, step = case.floats(), 1e-30
    cotangents = cotangents_for(results(case(*floats)))
    for position, (x, gradient) in enumerate(zip(floats, gradients(case, floats, cotangents), strict=True)):
        numeric = np.zeros(x.shape)
        for place in np.ndindex(x.shape):
            moved = [np.array(y, complex) for y in floats]
            moved[position][place] += 1j * step
            values = results(case.on(moved, _reference(case)))
            numeric[place] = sum(np.sum(c * np.imag(y)) for c, y in zip(cotangents, values, strict=True)) / step
        require_close(gradient, numeric, 1e-13)


# --- dtypes -----------------------------------------------------------------------------------------------------------


@_law("D1 float32 stays float32 in every node of value and gradients",
      lambda case: case.differentiable and _keeps_its_dtype(case))  # fmt: skip
def _(case: Case) -> None:
    inputs = variables(case.floats(np.float32))
    outputs = results(case(*inputs))
    first = grad(tuple(outputs), inputs, cotangents_for(outputs), create_graph=True, unused="zero")
    second = grad(tuple(first), inputs, cotangents_for(first), create_graph=True, unused="zero")
    made = [node for node in find_ancestors([*outputs, *first, *second]) if node.dtype.kind == "f"]
    drifted = sorted({f"{node.op and node.op.name} gives {node.dtype}" for node in made if node.dtype != np.float32})
    require(not drifted, f"not float32: {', '.join(drifted)}")
    require_equal(set(dtypes(case(*case.floats(np.float32)))), {np.dtype(np.float32)}, "dtypes on arrays")


@_law("D2 NumPy scalars beside Tensors are as weak as Python numbers",
      lambda case: case.differentiable and any(type(leaf) is float for leaf in leaves(case.arguments())))  # fmt: skip
def _(case: Case) -> None:
    given = iter(variables(case.floats(np.float32)))
    args, params = map_leaves(
        lambda leaf: next(given) if is_float_array(leaf) else np.float64(leaf) if type(leaf) is float else leaf,
        case.arguments(),
    )
    found = case.function(*args, **params)
    require_equal(set(dtypes(found)), {np.dtype(np.float32)}, "dtypes")
    require_same_bits(found, case(*variables(case.floats(np.float32))))


@_law("D3 a float32 argument beside float64 ones has a float32 gradient",
      lambda case: case.differentiable and _keeps_its_dtype(case) and len(case.floats()) > 1)  # fmt: skip
def _(case: Case) -> None:
    floats = case.floats()
    for position, x in enumerate(floats):
        mixed: list[Array] = [*floats[:position], x.astype(np.float32), *floats[position + 1 :]]
        inputs = variables(mixed)
        require_equal(dtypes(case(*inputs)), dtypes(case.on(mixed, _reference(case))), "dtypes of the value")
        require_equal([g.dtype for g in gradients(case, list(inputs))], [a.dtype for a in mixed], "of the gradients")


@_law("gradients in float32 are those in float64, rounded", _keeps_its_dtype)
def _(case: Case) -> None:
    # A rule that squares, sums or subtracts carelessly loses more than a few of the 7 digits.
    require_close(case(*case.floats(np.float32)), case(*case.floats()), 1e-5)
    if case.differentiable:
        require_close(gradients(case, case.floats(np.float32)), gradients(case, case.floats()), 3e-5)


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
    watched: list[Any] = [array_of(node) for node in find_ancestors(outputs)] + list(cotangents)
    before = [array.tobytes() for array in watched]
    for array in watched:
        array.flags.writeable = False
    grad(tuple(outputs), inputs, cotangents, unused="zero")
    require([array.tobytes() for array in watched] == before, "an array was written to")


@_law("M3 gradients share memory with nothing", _differentiable)
def _(case: Case) -> None:
    inputs = variables(case.floats())
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs)
    found: list[Any] = [array_of(g) for g in grad(tuple(outputs), inputs, cotangents, unused="zero")]
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.requires_grad:
            output.backward(cotangent)
    found += [x.grad for x in inputs if x.grad is not None]
    others: list[Any] = [array_of(node) for node in find_ancestors(outputs)] + list(cotangents)
    for i, gradient in enumerate(found):
        require(not any(np.shares_memory(gradient, other) for other in others + found[:i]), "shared memory")
        require(gradient.flags.writeable, "a gradient must be writable")


@_law("M6 only ops declared as views share memory with an input, and then its stamp")
def _(case: Case) -> None:
    if isinstance(case.function, Op) and not case.function.view:
        args, params = case.arguments()
        arrays = [leaf for leaf in leaves((args, params)) if isinstance(leaf, np.ndarray)]
        y = case.function(*args, **params)
        require(not any(np.shares_memory(y, array) for array in arrays), "shared memory without view=True")
    inputs = variables(case.floats())
    for result in results(case(*inputs)):
        for x in inputs:
            shared = np.shares_memory(array_of(result), array_of(x))
            require(not shared or storage_of(result) is storage_of(x), "no stamp in common")


@_law("S20 the layout in memory does not matter", _has_floats)
def _(case: Case) -> None:
    for layout in LAYOUTS:
        laid_out = [layout(array) if array.ndim else array for array in case.floats()]
        plain = [np.array(array, order="C") for array in laid_out]
        try:
            expected = case(*plain)
        except np.linalg.LinAlgError:  # what has one element at every place is singular
            require_raises(np.linalg.LinAlgError, case.__call__, *laid_out)
            continue
        require_close(case(*laid_out), expected, 1e-15)
        if case.differentiable:
            cotangents = cotangents_for(results(case(*plain)))
            inputs = [new_tensor(array, requires_grad=True) for array in laid_out]
            keep = layout is one_element
            other = tuple(np.array(c) if keep or not c.ndim else layout(c) for c in cotangents)
            require_close(gradients(case, inputs, other), gradients(case, plain, cotangents), 1e-15)


# --- shapes without values --------------------------------------------------------------------------------------------


@_law("infer gives the shape and dtype of every node", _takes_arrays)
def _(case: Case) -> None:
    args, params = map_leaves(lambda leaf: Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, case.arguments())
    with within(record=True):
        nodes = find_ancestors(results(case.function(*args, **params)))
    if case.differentiable:
        nodes += find_ancestors(gradients(case, case.floats(), create_graph=True))
    for node in nodes:
        has_mask = any(isinstance(x, Tensor) and x.dtype.kind == "b" for x in node.inputs)
        if node.op is not None and not (has_mask and case.shape_depends_on_values):
            inputs = tuple(
                new_tensor(Shaped(x.shape, x.dtype)) if isinstance(x, Tensor) else x for x in node.inputs
            )  # no values to look at
            require_equal(
                node.op.infer(inputs, node.params), Shaped(node.shape, node.dtype), f"infer of {node.op.name}"
            )
