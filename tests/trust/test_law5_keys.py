"""Law 5: every key tells 1, 1.0, True, 0.0 and −0.0 apart, and every argument may be given twice.

Keys are those of compiled functions, of inferred shapes, of constants and numbers within a program, and of every cache
of a function in the package.
"""

import functools
import importlib
import itertools
import pkgutil

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.checks.cases import cases_of, is_float_array
from minigrad.core.op import Op
from minigrad.core.structure import leaves, map_leaves
from minigrad.graph.exact import Exact

ALIKE = (1, 1.0, True, 0, 0.0, -0.0, False)
TYPES = {"int": int, "float": float, "bool": bool}
NAMES = list(mg.registry)


# --- compiled functions -----------------------------------------------------------------------------------------------


def number_of(value):
    """A number that says of which type and sign a number is, also in −0.0."""
    return [*TYPES].index(type(value).__name__) * 10 + float(value) * 3 + (str(value)[0] == "-") * 0.5


PLACES = {
    "an argument": (lambda x, n: x + number_of(n), lambda n: n),
    "a list": (lambda x, n: x + number_of(n[1]), lambda n: [2, n]),
    "a tuple": (lambda x, n: x + number_of(n[0]), lambda n: (n, "a")),
    "a dictionary": (lambda x, n: x + number_of(n["n"]), lambda n: {"n": n}),
    "a key": (lambda x, n: x + number_of(next(iter(n))), lambda n: {n: "a"}),
    "a set": (lambda x, n: x + number_of(next(iter(n))), lambda n: {n}),
    "a frozen set": (lambda x, n: x + number_of(next(iter(n))), lambda n: frozenset([n])),
    "a set of tuples": (lambda x, n: x + number_of(next(iter(n))[0]), lambda n: {(n,)}),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("pair", [pair for pair in itertools.permutations(ALIKE, 2) if pair[0] == pair[1]], ids=repr)
def test_A4_numbers_that_are_equal_have_programs_of_their_own(place, pair):
    function, within = PLACES[place]
    step, x = mg.compile(function), np.zeros(1)
    for n in (*pair, pair[0]):
        assert step(x, within(n)).item() == number_of(n), n
    assert len(step.programs) == 2
    named = mg.compile(lambda x, **given: function(x, given["n"]))
    for n in (*pair, pair[0]):
        assert named(x, n=within(n)).item() == number_of(n), n


def test_A4_objects_in_sets_and_keys_are_told_apart_by_what_they_are():
    class Equal:
        def __init__(self, factor):
            self.factor = factor

        def __eq__(self, other):
            return isinstance(other, Equal)

        def __hash__(self):
            return 1

    step = mg.compile(lambda x, ones: x * next(iter(ones)).factor)
    one, two = Equal(1.0), Equal(2.0)
    assert [step(np.ones(1), {one}).item(), step(np.ones(1), {two}).item()] == [1.0, 2.0]
    assert [step(np.ones(1), {one: 0}).item(), step(np.ones(1), {two: 0}).item()] == [1.0, 2.0]
    assert Exact(one) == Exact(one) != Exact(two)
    assert Exact(1) != 1


# --- inferred shapes --------------------------------------------------------------------------------------------------


def outcome(function):
    """The shape and type of a result, or what is raised."""
    with np.errstate(all="ignore"):
        try:
            result = function()
        except Exception as error:
            return type(error).__name__
    return result.shape, result.dtype


def likes_of(value):
    """Values that Python takes for equal to a number, or to one in a tuple."""
    if type(value) in (int, float, bool) and np.isfinite(value):
        return [x for x in (int(value), float(value), bool(value)) if x == value and type(x) is not type(value)]
    if isinstance(value, tuple):
        return [
            (*value[:i], like, *value[i + 1 :]) for i, part in enumerate(value) for like in likes_of(part)
        ]  # fmt: skip
    return []


@pytest.mark.parametrize("name", [name for name in NAMES if isinstance(mg.registry[name], Op)])
def test_A4_what_is_inferred_for_a_parameter_is_not_taken_from_an_equal_one(name):
    """Of every parameter of every sample: first as it is, then as its equal, against the op itself."""
    op = mg.registry[name]
    for case in cases_of(op):
        args, params = case.arguments()
        try:
            inputs, params = op.bind(args, params)
        except TypeError:
            continue
        inputs = tuple([np.asarray(x) if isinstance(x, list) else x for x in inputs])
        if op.effect or op.own_infer is not None:
            continue
        for key, value in params.items():
            for like in likes_of(value):
                outcome(lambda: op.infer(inputs, params))  # noqa: B023  # called at once
                given = params | {key: like}
                expected = outcome(lambda: np.asarray(op.forward(*inputs, **given)))  # noqa: B023
                actual = outcome(lambda: op.infer(inputs, given))  # noqa: B023
                assert actual == expected or {type(actual), type(expected)} == {str}, (case, key, like)


@pytest.mark.parametrize("first", [2, 2.0])
def test_A4_a_power_by_an_equal_number(first):
    x = np.array([2**40])
    for exponent in (first, 2, 2.0, True, 1, 1.0):
        result = mg.compile(lambda x: x**exponent)(x)  # noqa: B023  # called at once
        assert (result.dtype, result.tolist()) == ((x**exponent).dtype, (x**exponent).tolist())


# --- within a program -------------------------------------------------------------------------------------------------


def bits(x):
    return x.dtype, x.shape, x.tobytes()


@pytest.mark.parametrize("size", [1, 3, 2**14])
def test_A1_A4_constants_that_are_equal_but_not_alike_stay_apart(size):
    values = [np.zeros(size), -np.zeros(size), np.zeros(size, np.float32), np.zeros(size, int), np.ones(size),
              np.ones(size, bool), np.full(size, np.nan), np.full(size, -np.nan), -np.zeros(size)]  # fmt: skip

    def function(x):
        return [mg.stop_gradient(mg.constant(value)) for value in values], [x * mg.constant(v) for v in values]

    same, products = mg.compile(function)(np.ones(size))
    assert [bits(x.numpy()) for x in same] == [bits(value) for value in values]
    assert [x.dtype for x in products] == [(np.ones(size) * value).dtype for value in values]
    assert [np.signbit(x.numpy()).all() for x in products[:2]] == [False, True]


@pytest.mark.parametrize("size", [2**13 + 1, 2**15])
def test_A1_computed_constants_of_every_size_are_told_apart(size):
    def function(x):
        return [x + (mg.constant(np.arange(size)) * float(n) - n) for n in range(20)]

    for _ in range(3):  # with another layout of what is freed meanwhile
        for n, result in enumerate(mg.compile(function)(np.zeros(size))):
            assert result.numpy()[-1] == (size - 1) * float(n) - n


@pytest.mark.parametrize("pair", [pair for pair in itertools.permutations(ALIKE, 2) if pair[0] == pair[1]], ids=repr)
def test_A4_operands_that_are_equal_are_not_one_operation(pair):
    def function(x):
        return [mg.multiply(x, n) for n in pair] + [mg.where(x > 5, x, n) for n in pair] + [mg.add(x, n) for n in pair]

    for x in (np.array([2, 3]), np.array([2.5, -3.0]), np.array([True, False])):
        for actual, expected in zip(mg.compile(function)(x), function(Tensor(x)), strict=True):
            assert bits(actual.numpy()) == bits(expected.numpy())


# --- every cache ------------------------------------------------------------------------------------------------------

CALLS = {  # for each cached function, arguments that Python takes for equal
    "minigrad.compiler.lowerings.column_of_ones": [(1, np.dtype(float)), (1, np.dtype("f4")), (1, np.dtype(bool))],
    "minigrad.compiler.lowerings.identity_matrix": [(1, np.dtype(float)), (1, np.dtype("f4")), (1, np.dtype(bool))],
    "minigrad.compiler.lowerings.numbers_of_rows": [(1,), (2,)],
    "minigrad.compiler.names.word": [("∂loss",), ("d_loss",)],
    "minigrad.compiler.printer.describe_type": [(np.dtype("l"),), (np.dtype("q"),), (np.dtype(">f8"),)],
    "minigrad.compiler.printer.text_of_type": [(np.dtype("l"),), (np.dtype("q"),), (np.dtype(">f8"),)],
    "minigrad.compiler.threads._find_blas": [],  # what the process has
    "minigrad.graph.shapes._infer": [],  # above
    "minigrad.nn.positions._make_table": [(0, 3, 4, np.dtype(float)), (0.0, 3.0, 4, np.dtype(float))],
    "minigrad.ops.einstein.parse_subscripts": [("ij->j", ((2, 1),)), ("ij->j", ((2.0, True),))],
    "minigrad.ops.kernels.make_ones": [(1, np.dtype(float)), (1, np.dtype("f4")), (1, np.dtype(bool))],
    "minigrad.ops.kernels.find_sum_dtype": [(np.dtype(int),), (np.dtype(bool),), (np.dtype("<i8"),)],
    "minigrad.ops.kernels.turns.helping_threads": [],  # a pool for each number
    "minigrad.ops.methods._signature_of": [(("x",),), (("x", "y"),)],
    "minigrad.ops.specimens.load_families": [()],
    "minigrad.ops.shape.inverse_permutation": [((1, 0),), ((True, False),)],
}


def caches():
    """Every cached function of the package that reads no files of it, by name."""
    for module in pkgutil.walk_packages(mg.__path__, "minigrad."):
        if module.name.split(".")[1] in ("compiler", "core", "base", "graph", "ops", "nn", "optim", "checks"):
            for name, value in vars(importlib.import_module(module.name)).items():
                if isinstance(value, functools._lru_cache_wrapper) and value.__module__ == module.name:
                    yield f"{module.name}.{name}", value


def test_A4_every_cache_is_listed_here():
    assert dict(caches()).keys() == CALLS.keys()


@pytest.mark.parametrize("name", CALLS)
def test_A4_a_cache_gives_what_its_function_gives(name):
    cached = dict(caches())[name]
    cached.cache_clear()
    for arguments in CALLS[name] * 2:
        expected, actual = cached.__wrapped__(*arguments), cached(*arguments)
        assert repr(actual) == repr(expected)
        assert getattr(actual, "dtype", None) == getattr(expected, "dtype", None)


# --- every argument twice ---------------------------------------------------------------------------------------------


def pairs(name):
    """The cases of a function with every two of its arrays that are alike."""
    for case in cases_of(mg.registry[name]):
        arrays = case.floats() if case.differentiable else []
        for i, j in itertools.combinations(range(len(arrays)), 2):
            if arrays[i].shape == arrays[j].shape:
                yield case, i, j


@pytest.mark.parametrize("name", [name for name in NAMES if any(pairs(name))])
def test_A2_every_two_arguments_may_be_the_same_tensor(name):
    for case, i, j in pairs(name):
        gradients = functools.partial(gradients_of, case, i)
        floats = [Tensor(x, requires_grad=True) for x in case.floats()]
        apart, together = list(floats), [floats[i] if k == j else x for k, x in enumerate(floats)]
        step, state = mg.compile(gradients), together[i]
        closed = mg.compile(lambda x, f=gradients, t=together, i=i: f([x if k == i else y for k, y in enumerate(t)]))
        with np.errstate(all="ignore"):
            for given in (apart, together, apart):
                require_same(step(given), gradients(given))
            require_same(closed(state), gradients(together))
            require_same(mg.trace(gradients, together).run(together), gradients(together))


def gradients_of(case, i, floats):
    """The outputs of a case for these, and the gradient for one of them."""
    following = iter(floats)

    def given(leaf):
        if not isinstance(leaf, np.ndarray):
            return leaf
        return next(following) if is_float_array(leaf) else mg.constant(leaf)

    args, params = map_leaves(given, case.arguments())
    outputs = list(leaves(case.function(*args, **params)))
    return outputs, mg.grad(outputs, floats[i], [mg.ones_like(y) for y in outputs], unused="zero")


def require_same(actual, expected):
    for ours, exact in zip(leaves(actual), leaves(expected), strict=True):
        ours, exact = (x.numpy() if isinstance(x, Tensor) else x for x in (ours, exact))
        assert ours.dtype == exact.dtype
        np.testing.assert_allclose(ours, exact, rtol=1e-9, atol=1e-12)
