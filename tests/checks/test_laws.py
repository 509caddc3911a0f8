"""Laws that every op obeys, tried on every sample of every function in the registry."""

import functools
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.base.arrays import Shaped
from minigrad.base.record import Call, Function, by_numpy
from minigrad.base.structure import leaves, map_leaves
from minigrad.core.modes import within
from minigrad.core.op import Op
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.ops.samples import realise


class Case(NamedTuple):
    """One sample of one function, as a function of its floating-point arrays."""

    function: Function
    sample: Call
    number: int

    def arguments(self, dtype=np.float64) -> Any:
        """A pair, the positional and the named arguments, with arrays of its own."""
        return map_leaves(copied, drawn(self.function.name, self.number, dtype))

    def arrays(self, dtype=np.float64) -> list[np.ndarray]:
        return [leaf for leaf in leaves(self.arguments(dtype)) if isinstance(leaf, np.ndarray)]

    def floats(self, dtype=np.float64) -> list[np.ndarray]:
        return [array for array in self.arrays(dtype) if array.dtype.kind == "f"]

    def __call__(self, *floats: Any) -> Any:
        """The function, with `floats` in place of its floating-point arrays."""
        given = iter(floats)
        arguments = drawn(self.function.name, self.number, np.float64)
        args, params = map_leaves(lambda leaf: next(given) if is_float_array(leaf) else leaf, arguments)
        return self.function(*args, **params)

    @property
    def differentiable(self) -> bool:
        return getattr(self.function, "differentiable", True) and bool(self.floats())

    @property
    def shape_depends_on_values(self) -> bool:
        return self.function.name == "index" and any(array.dtype.kind == "b" for array in self.arrays())


@functools.cache
def drawn(name, number, dtype):
    """The arguments of one sample, drawn from a generator that only this sample has."""
    args, params = mg.registry[name].samples[number]
    rng = np.random.default_rng([number, *name.encode()])
    drawn_args = tuple(realise(argument, rng, dtype) for argument in args)
    return drawn_args, {key: realise(value, rng, dtype) for key, value in params.items()}


def copied(leaf):
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def is_float_array(leaf):
    return isinstance(leaf, np.ndarray) and leaf.dtype.kind == "f"


def each(cases):
    """Run a law on every one of `cases`: a test for each function, which says on which sample it failed."""
    samples = {name: [case for case in cases if case.function.name == name] for name in mg.registry}
    names = [name for name, of_function in samples.items() if of_function]

    def decorate(law):
        @functools.wraps(law)
        def test(case, **others):
            for one in samples[case]:
                try:
                    law(case=one, **others)
                except BaseException as error:
                    error.add_note(f"in sample {one.number} of {case}: {one.sample}")
                    raise

        return pytest.mark.parametrize("case", names)(test)

    return decorate


FUNCTIONS = list(mg.registry.values())
CASES = [Case(function, sample, i) for function in FUNCTIONS for i, sample in enumerate(function.samples)]
DIFFERENTIABLE = [case for case in CASES if case.differentiable]
DEFINED = [case for case in CASES if getattr(case.function, "definition", None)]


def results(outputs):
    """What a function returned, as a list."""
    return list(leaves(outputs))


def variables(arrays):
    return [Tensor(array, requires_grad=True) for array in arrays]


def cotangents_for(outputs):
    rng = np.random.default_rng(7)
    return tuple(rng.standard_normal(y.shape).astype(y.dtype) for y in outputs)


def gradients(case, arrays, cotangents=None, create_graph=False):
    inputs = arrays if isinstance(arrays[0], Tensor) else variables(arrays)
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs) if cotangents is None else cotangents
    return mg.grad(tuple(outputs), inputs, cotangents, create_graph=create_graph, unused="zero")


def nodes_behind(tensors):
    """Every tensor that led to `tensors`, and these."""
    found, stack = {}, list(tensors)
    while stack:
        t = stack.pop()
        if t.id not in found:
            found[t.id] = t
            stack += [x for x in t.inputs if isinstance(x, Tensor)]
    return list(found.values())


def value(x):
    return x.numpy() if isinstance(x, Tensor) else np.asarray(x)


def assert_same_bits(actual, expected):
    actual, expected = [value(x) for x in results(actual)], [value(x) for x in results(expected)]
    assert [(x.dtype, x.shape) for x in actual] == [(x.dtype, x.shape) for x in expected]
    assert [x.tobytes() for x in actual] == [x.tobytes() for x in expected]


def assert_close(actual, expected, relative):
    """Equal to `relative` times the largest number on either side."""
    for x, y in zip(results(actual), results(expected), strict=True):
        x, y = value(x), value(y)
        assert x.shape == y.shape
        largest = max((float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a))) for a in (x, y)), default=0.0)
        np.testing.assert_allclose(x, y, rtol=0, atol=relative * max(1.0, largest))


# --- values -----------------------------------------------------------------------------------------------------------


@each(CASES)
def test_value_is_that_of_numpy_or_of_the_reference(case):
    args, params = case.arguments()
    expected = case.function.reference(*args, **params)
    actual = case.function(*args, **params)
    assert_close(actual, expected, 1e-14)
    assert [np.asarray(x).dtype for x in results(actual)] == [np.asarray(x).dtype for x in results(expected)]


@each(DEFINED)
def test_definition_has_the_same_value_and_gradients(case):
    floats = case.floats()
    with mg.expanded(case.function.name):
        expanded, nodes = case(*floats), nodes_behind(results(case(*variables(floats))))
        expanded_gradients = gradients(case, floats)
    assert all(node.op is not case.function for node in nodes)
    assert_close(case(*floats), expanded, 1e-14)
    assert_close(gradients(case, floats), expanded_gradients, 1e-13)


@each(CASES)
def test_arrays_and_tensors_give_the_same_bits(case):
    args, params = case.arguments()
    on_tensors = map_leaves(lambda leaf: Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, (args, params))
    on_arrays = case.function(*args, **params)
    assert all(isinstance(y, (np.ndarray, np.generic)) for y in results(on_arrays))
    actual = case.function(*on_tensors[0], **on_tensors[1])
    assert all(isinstance(y, Tensor) and type(y._data) is np.ndarray for y in results(actual))
    assert_same_bits(actual, on_arrays)
    assert_same_bits(case(*variables(case.floats())), on_arrays)


@each([case for case in CASES if case.function in by_numpy.values()])
def test_D8_numpy_functions_take_tensors(case):
    floats = iter(variables(case.floats()))
    args, params = map_leaves(lambda leaf: next(floats) if is_float_array(leaf) else leaf, case.arguments())
    if not case.floats():
        args = (Tensor(args[0]), *args[1:])
    for numpy_function in [known for known, function in by_numpy.items() if function is case.function]:
        actual = numpy_function(*args, **params)
        assert all(isinstance(y, Tensor) and y.requires_grad == case.differentiable for y in results(actual))
        assert_same_bits(actual, case.function(*args, **params))


@each(CASES)
def test_same_bits_when_called_again(case):
    assert_same_bits(case(*case.floats()), case(*case.floats()))
    if case.differentiable:
        assert_same_bits(gradients(case, case.floats()), gradients(case, case.floats()))


# --- derivatives ------------------------------------------------------------------------------------------------------


@each(DIFFERENTIABLE)
def test_gradients_of_orders_1_and_2_agree_with_finite_differences(case):
    mg.check_gradients(case, case.floats(), order=2, elements=6, directions=2)


@each(DIFFERENTIABLE)
def test_gradients_on_arrays_and_on_tensors_are_the_same(case):
    recorded = gradients(case, case.floats(), create_graph=True)
    assert_close(gradients(case, case.floats()), recorded, 1e-15)


@each(DIFFERENTIABLE)
def test_S21_gradients_have_the_shape_and_dtype_of_their_inputs(case):
    for create_graph in (False, True):
        for g, x in zip(gradients(case, case.floats(), None, create_graph), case.floats(), strict=True):
            assert (g.shape, g.dtype) == (x.shape, x.dtype)


@each(DIFFERENTIABLE)
def test_zero_cotangents_give_gradients_of_exactly_zero(case):
    zeros = tuple(np.zeros_like(y) for y in results(case(*case.floats())))
    assert not any(g.numpy().any() for g in gradients(case, case.floats(), zeros))


@each(DIFFERENTIABLE)
def test_gradients_are_linear_in_the_cotangents(case):
    cotangents = cotangents_for(results(case(*case.floats())))
    once = gradients(case, case.floats(), cotangents)
    assert_close(gradients(case, case.floats(), tuple(-3.0 * c for c in cotangents)), [-3.0 * g for g in once], 1e-14)


# --- dtypes -----------------------------------------------------------------------------------------------------------

names_a_dtype = {"astype", "one_hot"}  # their result has the dtype that is asked for


@each([case for case in DIFFERENTIABLE if case.function.name not in names_a_dtype])
def test_D1_float32_stays_float32_in_every_node_of_value_and_gradients(case):
    inputs = variables(case.floats(np.float32))
    outputs = results(case(*inputs))
    first = mg.grad(tuple(outputs), inputs, cotangents_for(outputs), create_graph=True, unused="zero")
    second = mg.grad(tuple(first), inputs, cotangents_for(first), create_graph=True, unused="zero")
    made = [node for node in nodes_behind([*outputs, *first, *second]) if node.dtype.kind == "f"]
    assert {node.dtype.name for node in made} == {"float32"}, [node for node in made if node.dtype != np.float32]
    assert all(np.asarray(y).dtype == np.float32 for y in results(case(*case.floats(np.float32))))


@each([case for case in DIFFERENTIABLE if any(type(leaf) is float for leaf in leaves(case.arguments()))])
def test_D2_numpy_scalars_beside_tensors_are_as_weak_as_python_numbers(case):
    given = iter(variables(case.floats(np.float32)))
    args, params = map_leaves(
        lambda leaf: next(given) if is_float_array(leaf) else np.float64(leaf) if type(leaf) is float else leaf,
        case.arguments(),
    )
    y = case.function(*args, **params)
    assert y.dtype == np.float32
    assert_same_bits(y, case(*variables(case.floats(np.float32))))


@each([case for case in CASES if case.floats() and case.function.name not in names_a_dtype])
def test_gradients_in_float32_are_those_in_float64_rounded(case):
    """A rule that squares, sums or subtracts carelessly loses more than a few of the 7 digits."""
    assert_close(case(*case.floats(np.float32)), case(*case.floats()), 1e-5)
    if case.differentiable:
        assert_close(gradients(case, case.floats(np.float32)), gradients(case, case.floats()), 3e-5)


# --- memory -----------------------------------------------------------------------------------------------------------


@each(CASES)
def test_M7_read_only_inputs_are_accepted_and_nothing_is_written_to(case):
    args, params = case.arguments()
    for array in (leaf for leaf in leaves((args, params)) if isinstance(leaf, np.ndarray)):
        array.flags.writeable = False
    case.function(*args, **params)
    if not case.differentiable:
        return
    inputs = variables(case.floats())
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs)
    watched = [node._data for node in nodes_behind(outputs)] + list(cotangents)
    before = [array.tobytes() for array in watched]
    for array in watched:
        array.flags.writeable = False
    mg.grad(tuple(outputs), inputs, cotangents, unused="zero")
    assert [array.tobytes() for array in watched] == before


@each(DIFFERENTIABLE)
def test_gradients_share_no_memory(case):
    inputs = variables(case.floats())
    outputs = results(case(*inputs))
    cotangents = cotangents_for(outputs)
    found = [g._data for g in mg.grad(tuple(outputs), inputs, cotangents, unused="zero")]
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.requires_grad:
            output.backward(cotangent)
    found += [x.grad for x in inputs if x.grad is not None]
    others = [node._data for node in nodes_behind(outputs)] + list(cotangents)
    for i, gradient in enumerate(found):
        assert not any(np.shares_memory(gradient, other) for other in others + found[:i])
        assert gradient.flags.writeable


@each(CASES)
def test_only_ops_declared_as_views_share_memory_with_an_input_and_then_its_stamp(case):
    if isinstance(case.function, Op) and not case.function.view:
        args, params = case.arguments()
        arrays = [leaf for leaf in leaves((args, params)) if isinstance(leaf, np.ndarray)]
        y = case.function(*args, **params)
        assert not any(np.shares_memory(y, array) for array in arrays)
    inputs = variables(case.floats())
    for y in results(case(*inputs)):
        for x in inputs:
            if np.shares_memory(y._data, x._data):
                assert y._storage is not None
                assert y._storage is x._storage


def strided(array):
    """Every second element of a larger array, along every axis."""
    wide = np.full([2 * n for n in array.shape], np.nan)
    wide[(slice(None, None, 2),) * array.ndim] = array
    return wide[(slice(None, None, 2),) * array.ndim]


def reversed_in_memory(array):
    backwards = (slice(None, None, -1),) * array.ndim
    return array[backwards].copy()[backwards]


def broadcast(array):
    """One element, seen at every place."""
    return np.broadcast_to(array.flat[0], array.shape) if array.size else array


LAYOUTS = {
    "fortran": lambda array: np.array(array, order="F"), "strided": strided, "reversed": reversed_in_memory,
    "broadcast": broadcast,
}  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@each([case for case in CASES if case.floats()])
def test_S20_the_layout_in_memory_does_not_matter(case, layout):
    laid_out = [layout(array) for array in case.floats()]
    plain = [np.array(array, order="C") for array in laid_out]
    assert_close(case(*laid_out), case(*plain), 1e-15)
    if case.differentiable:
        cotangents = cotangents_for(results(case(*plain)))
        inputs = [new_tensor(array, requires_grad=True) for array in laid_out]
        other = tuple(np.array(c, order="C") if layout is broadcast else layout(c) for c in cotangents)
        assert_close(gradients(case, inputs, other), gradients(case, plain, cotangents), 1e-15)


# --- shapes without values --------------------------------------------------------------------------------------------


@each(CASES)
def test_infer_gives_shape_and_dtype_of_every_node(case):
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
            assert node.op.infer(inputs, node.params) == (node.shape, node.dtype), node.op.name


def test_a_shape_that_depends_on_values_says_so():
    with pytest.raises(mg.CaptureError, match="where\\(mask, x, 0\\)"):
        mg.registry["getitem"].infer((Tensor([1.0, 2.0]), Tensor([True, False])), {"index": mg.ops.Index([True])})
