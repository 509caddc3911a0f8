"""Every sample of every function on record, compiled: its values and its gradients are those of eager code.

Arguments come in every layout in memory, and each call finds NaN in all of the program's memory.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import LAYOUTS, cases_of, cotangents_for, is_float_array, one_element, results
from minigrad.checks.compare import dtypes, require_close, require_equal
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import new_tensor
from minigrad.ops.specimens import specimens_of
from tests.tiers import in_two_tiers

FUNCTIONS = [name for name, function in mg.registry.items() if specimens_of(function).samples]
DIFFERENTIABLE = [name for name in FUNCTIONS if any(case.differentiable for case in cases_of(mg.registry[name]))]
TAKE_LISTS = {"moveaxis", "partition", "repeat", "rot90", "tensordot"} | {
    f"{kind}split" for kind in ("", "array_", "v", "h", "d")
}
"""What takes lists as axes and counts, which are no arrays."""
EPSILON = float(np.finfo(np.float32).eps)


def values(function, arguments, cotangents):
    args, params = arguments
    return results(function(*args, **params))


def gradients(function, arguments, cotangents):
    outputs = values(function, arguments, cotangents)
    inputs = [leaf for leaf in leaves(arguments) if getattr(leaf, "requires_grad", False)]
    return list(mg.grad(outputs, inputs, cotangents, unused="zero"))


@in_two_tiers(first=1)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_those_of_eager_code(name, samples):
    for case in cases_to_compile(name)[samples]:
        require_alike(case, values, layouts=LAYOUTS)


@in_two_tiers(first=1)
@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_are_those_of_eager_code(name, samples):
    for case in cases_to_compile(name)[samples]:
        if case.differentiable:
            require_alike(case, gradients, layouts=LAYOUTS)


@in_two_tiers(first=1)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_float32_is_as_exact_as_in_eager_code(name, samples):
    """Of the values where nothing can be differentiated, else of the gradients: these need the values."""
    for case in cases_to_compile(name)[samples]:
        if not case.floats():
            continue
        what = gradients if case.differentiable else values
        exact = eager(case, what, np.float64)
        rounded, program = eager(case, what, np.float32), compiled(case, what, np.float32)
        for actual, usual, expected in zip(program, rounded, exact, strict=True):
            assert (actual.dtype, actual.shape) == (usual.dtype, usual.shape), case
            if actual.dtype.kind == "f" and np.isfinite(expected).all():
                allowed = 4 * np.max(np.abs(usual - expected), initial=0) + 8 * EPSILON * scale_of(expected)
                assert np.max(np.abs(actual - expected), initial=0) <= allowed, case
            else:
                np.testing.assert_array_equal(actual, usual)


# --- helpers ----------------------------------------------------------------------------------------------------------


def cases_to_compile(name):
    """The samples but for those whose shape depends on values: these cannot be captured."""
    return [case for case in cases_of(mg.registry[name]) if not case.shape_depends_on_values]


def require_alike(case, what, layouts):
    """The compiled function gives what the function itself gives, for the arrays as drawn and in each other layout."""
    step = mg.compile(lambda arguments, cotangents: what(case.function, arguments, cotangents))
    for layout in (np.array, *layouts, np.array):
        try:
            arguments, cotangents = given(case, what, np.float64, layout)
            what(case.function, arguments, cotangents)
        except np.linalg.LinAlgError:  # what has one element at every place is singular
            assert layout is one_element
            continue
        for program in step.programs:
            poison(program)
        actual = [t._held for t in step(arguments, cotangents)]
        arguments, cotangents = given(case, what, np.float64, layout)
        expected = [np.asarray(x) for x in what(case.function, arguments, cotangents)]
        try:
            require_equal(dtypes(actual), dtypes(expected), "dtypes")
            require_close(actual, expected, 1e-12)
        except AssertionError as error:
            error.add_note(f"in sample {case.number} of {case.function.name}: {case.sample}, {layout}\n{step.source}")
            raise
    assert len(step.programs) == 1


def scale_of(array):
    """The largest absolute value of those that are finite."""
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))


def poison(program):
    """NaN in all buffers: what is read before it is written shows."""
    program._step.__globals__.get("memory", np.empty(0, np.uint8)).fill(0xFF)


def given(case, what, dtype, layout=np.array):
    """Arguments and cotangents of their own; Tensors that require a gradient where gradients are wanted."""

    def laid_out(leaf):
        if not is_float_array(leaf):
            return leaf
        array = layout(leaf).astype(dtype, copy=False) if leaf.ndim else leaf
        return new_tensor(array, requires_grad=True) if what is gradients else array

    args, params = case.arguments(dtype)
    name = case.function.name
    if name == "take":  # takes a tuple as a list of indices
        args = (args[0], np.asarray(args[1]), *args[2:])
    elif name not in TAKE_LISTS:
        args, params = lists_as_arrays(args), {key: lists_as_arrays(x) for key, x in params.items()}
    args, params = map_leaves(laid_out, (args, params))
    if what is values:
        return (args, params), ()
    outputs = results(case.function(*args, **params))
    layout = np.array if layout is one_element else layout  # with ones for cotangents too much would be 0
    return (args, params), tuple(layout(y) if y.ndim else y for y in cotangents_for(outputs))


def lists_as_arrays(x):
    """A list of numbers is no argument of a program, but part of it; an array is one."""
    if type(x) is tuple:
        return tuple(lists_as_arrays(part) for part in x)
    numbers = isinstance(x, list) and x and not any(isinstance(part, (np.ndarray, str)) for part in x)
    return np.asarray(x) if numbers else x


def eager(case, what, dtype):
    outputs = what(case.function, *given(case, what, dtype))
    return [x.numpy() if isinstance(x, mg.Tensor) else np.asarray(x) for x in outputs]


def compiled(case, what, dtype):
    step = mg.compile(lambda arguments, cotangents: what(case.function, arguments, cotangents))
    step(*given(case, what, dtype))
    poison(step.program)
    return [t._held for t in step(*given(case, what, dtype))]
