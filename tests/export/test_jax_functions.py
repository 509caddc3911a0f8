"""Every sample of every function on record, exported to JAX: values, gradients and second derivatives.

All samples of a function, in float64 and in float32, make one program: compiling is what takes the time.
"""

import contextlib
import functools
from inspect import Parameter

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of, cotangents_for, is_float_array, results
from minigrad.core.op import Op
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import new_tensor
from minigrad.ops.specimens import specimens_of

jax = pytest.importorskip("jax", reason="JAX is not installed: python -m pip install jax==0.10.2")

FUNCTIONS = [name for name, function in mg.registry.items() if specimens_of(function).samples]
TAKE_LISTS = {"moveaxis", "partition", "repeat", "rot90", "tensordot"} | {
    f"{kind}split" for kind in ("", "array_", "v", "h", "d")
}
# as axes and counts, which are no arrays
FROM_NUMBERS = "arange", "tri"  # which make no Tensor


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_of_all_orders_are_those_of_eager_code(name):
    cases = [case for case in cases_of(mg.registry[name]) if not case.shape_depends_on_values]
    problems = [(case, *given(case, dtype)) for case in cases for dtype in (np.float64, np.float32)]
    compute = [functools.partial(derivatives, case.function) for case, *_ in problems]
    if name in FROM_NUMBERS:
        pytest.skip("of numbers alone it makes an array, which is a constant of whatever graph it is in")
    eager = [arrays_of(function(*each)) for function, (_, *each) in zip(compute, problems, strict=True)]
    steps = [mg.trace(function, *each).to_jax() for function, (_, *each) in zip(compute, problems, strict=True)]
    inputs = [[x for x in map(value_of, leaves(each)) if x is not None] for _, *each in problems]
    states = [step.state for step in steps]
    compiled = jax.jit(lambda states, inputs: [s(*each)[1] for s, *each in zip(steps, states, inputs, strict=True)])
    answers = [arrays_of(answer) for answer in compiled(states, inputs)]
    for i, case in enumerate(cases):
        for exact, usual, double, single in zip(*eager[2 * i : 2 * i + 2], *answers[2 * i : 2 * i + 2], strict=True):
            what = f"sample {case.number} of {name}: {case.sample}"
            agree(double, exact, 1e-12 * max(1.0, scale_of(exact)), what)
            if exact.dtype.kind == "f":
                own_error = np.max(np.abs(usual - exact), initial=0, where=np.isfinite(exact) & np.isfinite(usual))
                agree(single, exact, 4 * own_error + 2e-6 * max(1e-3, scale_of(exact)), what, usual.dtype)
            else:
                agree(single, usual, 0, what)


def derivatives(function, arguments, cotangents, directions):
    """The value, the gradients along cotangents, and the gradients of these along directions."""
    args, params = arguments
    ys = results(function(*args, **params))
    if not cotangents:
        return ys, [], []
    xs = [x for x in leaves(arguments) if getattr(x, "requires_grad", False)]
    firsts = mg.grad(ys, xs, cotangents, create_graph=True, unused="zero")
    return ys, firsts, mg.grad(firsts, [*xs, *cotangents], directions, unused="zero")


def given(case, dtype):
    """Arguments, cotangents and directions; Tensors that require a gradient where there is one."""
    args, params = case.arguments(dtype)
    if case.function.name == "take":  # takes a tuple as a list of indices
        args = (args[0], np.asarray(args[1]), *args[2:])
    elif case.function.name not in TAKE_LISTS:
        args, params = lists_as_arrays(args), {key: lists_as_arrays(x) for key, x in params.items()}

    def variable(leaf):
        return new_tensor(leaf.astype(dtype), requires_grad=case.differentiable) if is_float_array(leaf) else leaf

    arguments = map_leaves(variable, (args, params))
    if not case.differentiable:
        return arguments, [], []
    args, params = arguments
    cotangents = [variable(y) for y in cotangents_for(results(case.function(*args, **params)))]
    rng = np.random.default_rng(11)
    xs = [x for x in leaves(arguments) if getattr(x, "requires_grad", False)]
    return arguments, cotangents, [np.asarray(rng.standard_normal(x.shape)).astype(x.dtype) for x in xs]


def lists_as_arrays(x):
    """A list of numbers is no argument of a traced function, but part of it; an array is one."""
    if type(x) is tuple:
        return tuple(lists_as_arrays(part) for part in x)
    numbers = isinstance(x, list) and x and not any(isinstance(part, (np.ndarray, str)) for part in x)
    return np.asarray(x) if numbers else x


def value_of(leaf):
    if isinstance(leaf, mg.Tensor):
        return leaf.numpy()
    return leaf if isinstance(leaf, (np.ndarray, np.generic)) else None


def arrays_of(tree):
    return [np.asarray(x.detach()) if isinstance(x, mg.Tensor) else np.asarray(x) for x in leaves(tree)]


def scale_of(array):
    """The largest absolute value of those that are finite."""
    return float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array)))


def agree(actual, expected, allowed, what, dtype=None):
    assert (actual.dtype, actual.shape) == (dtype or expected.dtype, expected.shape), what
    np.testing.assert_allclose(actual, expected, rtol=0, atol=allowed, err_msg=what)


# --- what is not finite, and integers ---------------------------------------------------------------------------------

NUMBERS = np.array([np.nan, np.inf, 0.0, 1e-30, 1e-7, 0.5, 1, 2, 3, 20, 90, 1e4, 1e30])
NUMBERS = np.concatenate([NUMBERS, -NUMBERS])
INTEGERS = {kind: np.array([least, -7, -1, 0, 1, 2, 5, most]) for kind, least, most in [
    ("int8", -128, 127), ("uint8", 0, 255), ("int32", -(2**31), 2**31 - 1), ("int64", -(2**63), 2**62), ("bool", 0, 1),
]}  # fmt: skip
TYPES = ["float16", "float32", "float64", *INTEGERS, ("int32", "float32"), ("uint8", "int8"), ("float32", "float16")]
ELEMENTWISE = [
    op for op in mg.registry.values()
    if isinstance(op, Op) and op.elementwise and op.arguments in (("x",), ("x1", "x2"))
    and all(default is not Parameter.empty for default in op.defaults.values())
]  # fmt: skip


@pytest.mark.parametrize("types", TYPES, ids=str)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_special_values_of_all_types_are_those_of_eager_code(types):
    """What XLA makes of True and False times NaN is left out, and 1 / 0 of integers."""
    pair = [values_of(kind) for kind in (types if isinstance(types, tuple) else (types, types))]
    pairs = [x.ravel() for x in np.meshgrid(*pair)]
    expected = {}
    for op in ELEMENTWISE:
        with contextlib.suppress(TypeError, ValueError):  # not of these types, as integers to powers below 0
            expected[op] = op(*map(mg.Tensor, pairs[: len(op.arguments)])).numpy()
    if pair[0].dtype.kind in "biu":
        expected.pop(mg.reciprocal, None)
    step = mg.trace(lambda *xs: [op(*xs[: len(op.arguments)]) for op in expected], *pairs).to_jax()
    for (op, wanted), actual in zip(expected.items(), jax.jit(step)({}, *pairs)[1], strict=True):
        assert (actual.dtype, actual.shape) == (wanted.dtype, wanted.shape), op
        exact = {2: 2e-3, 4: 2e-5, 8: 1e-11}[wanted.itemsize] if wanted.dtype.kind == "f" else 0
        np.testing.assert_allclose(actual, wanted, rtol=exact, atol=exact * 1e-3, err_msg=op.name)


def values_of(kind):
    return NUMBERS.astype(kind) if kind.startswith("float") else INTEGERS[kind].astype(kind)
