"""What stands in the text of a program means what it means in the function: numbers, joined operands, names."""

import itertools
import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of
from minigrad.core.structure import leaves, map_leaves
from minigrad.ops.specimens import specimens_of

NUMBERS = (-1.0, -0.0, 0.5, -2, 3, math.inf, -math.inf, math.nan, True, -1e-300)


def same(ours, theirs):
    """Equal in number, shape, type, sign and value, to rounding."""
    ours, theirs = ([np.asarray(x) for x in leaves(x)] for x in (ours, theirs))
    for one, other in zip(ours, theirs, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-6 if one.dtype.itemsize > 2 else 2e-3)
        assert (np.signbit(one) == np.signbit(other))[~np.isnan(other)].all()
    return True


def arrays_of(results):
    return map_leaves(lambda x: x.numpy(), results)


# --- B1: numbers ------------------------------------------------------------------------------------------------------


def test_B1_a_negative_number_before_a_power():
    for number in NUMBERS:
        for exponent in (2.0, 3.0, -1.0, 0.0):
            with np.errstate(all="ignore"):
                eager = (number ** mg.Tensor(exponent)).numpy()
                compiled = mg.compile(lambda n, number=number: number**n)(mg.Tensor(exponent)).numpy()
            assert same(compiled, eager), (number, exponent)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "tensor_power", "maximum", "where", "clip"])
def test_B1_numbers_beside_numbers_of_no_axes(name):
    function = mg.registry[name]
    places = function.arity
    for number, chosen in itertools.product(NUMBERS, range(places)):
        given = [mg.Tensor(0.75)] * (places - 1)
        if name == "where" and chosen:
            given[0] = mg.Tensor(True)

        def step(given, number=number, chosen=chosen):
            return function(*given[:chosen], number, *given[chosen:])

        with np.errstate(all="ignore"):
            eager = step(given).numpy()
            assert same(mg.compile(step)(given).numpy(), eager), (name, number, chosen)


def number_cases(function):
    """Each sample with a number in the place of one of its arrays, and with the others of no axes."""
    for case in cases_of(function):
        arrays = case.arrays()
        for chosen, number in itertools.product(range(len(arrays)), NUMBERS):
            for small in (False, True):
                others = [x[(0,) * x.ndim] if small and x.size else x for i, x in enumerate(arrays) if i != chosen]
                if others:
                    yield case, chosen, number, [mg.Tensor(x) for x in others]


ELEMENTWISE = [function for function in mg.registry.values() if getattr(function, "elementwise", False)]


@pytest.mark.parametrize("function", ELEMENTWISE, ids=lambda function: function.name)
def test_B1_a_number_in_any_place_of_any_op(function):
    for case, chosen, number, others in number_cases(function):

        def step(others, case=case, chosen=chosen, number=number):
            following, places = iter(others), itertools.count()
            args, params = map_leaves(
                lambda x: (number if next(places) == chosen else next(following)) if isinstance(x, np.ndarray) else x,
                case.arguments(),
            )
            return case.function(*args, **params)

        with np.errstate(all="ignore"):
            try:
                eager = arrays_of(step(others))
            except (TypeError, ValueError):
                continue
            assert same(arrays_of(mg.compile(step)(others)), eager), (case, chosen, number)


def test_B1_a_setting_that_is_no_finite_number():
    x = np.array([0.5, 2.0])
    for number in NUMBERS[:-2]:
        with np.errstate(all="ignore"):
            eager = mg.ops.number_power(mg.Tensor(x), exponent=number).numpy()
            ours = mg.compile(lambda x, number=number: mg.ops.number_power(x, exponent=number))(x).numpy()
        assert same(ours, eager)


# --- B2: operands that are written into their place at once -----------------------------------------------------------

JOINS = {
    "concatenate": lambda x: mg.concatenate(x), "axis 1": lambda x: mg.concatenate(x, axis=1),
    "flat": lambda x: mg.concatenate(x, axis=None), "stack": lambda x: mg.stack(x), "last": lambda x: mg.stack(x, -1),
    "hstack": lambda x: mg.hstack(x), "vstack": lambda x: mg.vstack(x),
}  # fmt: skip
TYPES = ("bool", "int8", "int64", "float16", "float32", "float64")


@pytest.mark.parametrize("join", JOINS.values(), ids=JOINS)
@pytest.mark.parametrize("dtype", TYPES)
def test_B2_an_operand_keeps_its_type_for_all_that_read_it(join, dtype):
    x = np.array([[2.7, -0.4], [1.5, 0.0]], "float32")

    def step(x):
        y = mg.astype(x, dtype=dtype)
        half = mg.astype(y / 2 if dtype == "float16" else y, dtype="float64") / 3
        return join([x, y]), join([y, x, y]), y, mg.where(mg.astype(y, dtype="bool"), x, -x), half

    assert same(arrays_of(mg.compile(step)(x)), arrays_of(step(mg.Tensor(x))))


FUNCTIONS = [function for function in mg.registry.values() if specimens_of(function).samples]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_B2_any_result_is_joined_along_any_axis(function):
    """A part of a larger array may be in pieces all over it, which not every way to write it can do."""

    def arguments_of(case, arrays):
        following = iter(arrays)
        return map_leaves(lambda x: next(following) if isinstance(x, np.ndarray) else x, case.arguments())

    def joined(case, arrays):
        args, params = arguments_of(case, arrays)
        results = [x for x in leaves(function(*args, **params)) if isinstance(x, mg.Tensor) and x.ndim]
        return [mg.concatenate([x, x * 2, x], axis=axis) for x in results for axis in range(x.ndim)]

    for case in cases_of(function):
        arrays = case.arrays()
        if case.shape_depends_on_values or not arrays or function.name.startswith(("random", "dropout")):
            continue
        try:
            eager = arrays_of(joined(case, map(mg.Tensor, arrays)))
            step = mg.compile(lambda arrays, case=case: joined(case, arrays))
            assert same(arrays_of(step(arrays)), eager), case
        except mg.CaptureError:  # a list of numbers becomes an array on the way, which is no argument
            continue


JOINED = {
    "draws": lambda x, i, mask, rng: [mg.random_normal(shape=(5, 2, 3), generator=rng), mg.dropout(x, 0.5, rng)],
    "rows added up": lambda x, i, mask, rng: mg.grad(mg.sum(mg.tanh(mg.take(x, i, axis=0)) ** 2), [x]),
    "weights": lambda x, i, mask, rng: [mg.softmax(x, where=mask), mg.softmax(x)],
}  # fmt: skip


@pytest.mark.parametrize("parts", JOINED.values(), ids=JOINED)
def test_B2_what_needs_all_its_elements_side_by_side_is_joined_along_any_axis(parts):
    x, i, mask = np.arange(30.0).reshape(5, 2, 3) / 7, np.array([0, 1, 1, 3]), np.arange(30).reshape(5, 2, 3) % 3 > 0

    def step(x, i, mask):
        found = [[*parts(x, i, mask, np.random.default_rng(axis)), x] for axis in range(3)]
        return [mg.concatenate(joined, axis=axis) for axis, joined in enumerate(found)]

    given = [mg.Tensor(x, requires_grad=True), mg.Tensor(i), mg.Tensor(mask)]
    assert same(arrays_of(mg.compile(step)(*given)), arrays_of(step(*given)))


def test_B2_masks_and_indices_stay_what_they_are():
    x = np.array([2.7, -0.4, 0.0])

    def step(x):
        mask, order = x > 0, mg.argsort(x)
        joined = mg.stack([x, mask, order])
        chosen = mg.where(mask, x, 0.0), mg.take(x, order), mg.take(joined, order)
        return joined, mask, order, chosen, mg.sum(mask), mg.grad(mg.sum(mg.stack([x * x, mask])), x)

    given = mg.Tensor(x, requires_grad=True)
    assert same(arrays_of(mg.compile(step)(given)), arrays_of(step(given)))


def test_B2_an_operand_that_is_state_joined_twice_or_written_afterwards():
    def new_step():
        first, second = mg.Tensor(np.arange(3), name="first"), mg.Tensor(np.arange(3) / 2, name="second")

        def step(x):
            new = mg.read(first) + mg.astype(x, dtype="int64")
            joined = mg.concatenate([mg.read(first), mg.read(second), new, new, x])
            mg.assign(first, new)
            mg.assign(second, joined[6:9] / 2)
            return joined, first * 2, mg.concatenate([second, first])

        return step

    eager, compiled = new_step(), mg.compile(new_step())
    for i in range(3):
        x = np.array([1.5, -2.5, i])
        assert same(arrays_of(compiled(x)), arrays_of(eager(mg.Tensor(x))))


# --- A10: names -------------------------------------------------------------------------------------------------------


def test_A10_arguments_called_as_what_a_loop_over_pieces_uses():
    x = np.ones((2**10, 2**8))

    def step(range, min, i, start, stop, np):
        return mg.tanh(mg.tanh(range + min) * i + start) * stop + np

    for shape in ((2**10, 2**8), (2**18,)):
        given = [x.reshape(shape) * i for i in range(6)]
        assert same(arrays_of(mg.compile(step)(*given)), arrays_of(step(*map(mg.Tensor, given))))


def test_A10_tensors_whose_names_end_like_others():
    """A name with a number behind it may be that of another tensor."""
    state = [mg.Tensor(np.full(2, float(i)), name=name) for i, name in enumerate(["a_2", "a", "a", "a_3", "b", "a_2"])]
    compiled = mg.compile(lambda x: [x * t for t in state])
    assert [y.tolist() for y in compiled(np.ones(2))] == [[float(i)] * 2 for i in range(6)]


def test_A10_memory_that_several_parameters_share_and_a_tensor_of_its_name():
    weights = [mg.Tensor(np.full(2, i + 1.0), requires_grad=True, name=f"w{i}") for i in range(2)]
    optimiser = mg.optim.SGD(weights, rate=0.5)
    state = [mg.Tensor(np.full(4, 9.0), name=name) for name in ("parameters", "memory_of_w0", "parameters_2")]

    @mg.compile
    def step(x):
        optimiser.zero_grad()
        loss = mg.sum(weights[0] * weights[1] * x) + mg.sum(mg.stack([mg.read(t) for t in state]))
        loss.backward()
        optimiser.step()
        return loss

    assert float(step(np.ones(2))) == 112.0
    assert [w.tolist() for w in weights] == [[0.0, 0.0], [1.5, 1.5]]


SCALE = 3.0


def helper(x):
    return x * SCALE


@pytest.fixture
def declare():
    """Put functions on record for one test."""
    before = set(mg.registry)
    yield lambda forward, **record: mg.op(formula="", **record)(forward)
    for name in set(mg.registry) - before:
        del mg.registry[name]


@pytest.mark.parametrize("name", ["helper", "SCALE", "np", "len", "own", "t", "range", "x", "check_fit"])
def test_A10_tensors_called_as_what_an_op_of_the_user_uses(name, declare):
    def own(x):
        t = helper(x)
        return np.add(t, SCALE * len(x))

    own = declare(own)
    state = mg.Tensor(np.ones(2), name=name)
    compiled = mg.compile(lambda x: own(own(x * state) - state))
    assert compiled(np.ones(2)).tolist() == [30.0, 30.0]


def test_A10_functions_that_several_ops_call_by_one_name(declare):
    spaces = [{"helper": lambda x, n=n: x + n} for n in range(3)]
    for n, space in enumerate(spaces):
        exec("def forward(x):\n    return helper(x)", space)
        declare(space["forward"], name=f"own_{n}")
    compiled = mg.compile(lambda x: [mg.registry[f"own_{n}"](x) for n in range(3)])
    assert [float(y) for y in compiled(np.zeros(()))] == [0.0, 1.0, 2.0]


def every_second(x):
    return x[::2]


def test_A10_a_view_that_a_function_of_the_user_makes(declare):
    view = declare(every_second, name="own", view=True)
    compiled = mg.compile(lambda x, every_second: (view(x), view(x * 2.0) + every_second))
    assert [y.tolist() for y in compiled(np.arange(3.0), np.ones(2))] == [[0.0, 2.0], [1.0, 5.0]]


@pytest.mark.parametrize("name", ["array", "state", "for", "a b", "查询", "ﬁ"])
def test_A10_an_op_of_the_user_may_have_any_name(name, declare):
    own = declare(lambda x: x * 2, name=name, arguments=("x",))
    compiled = mg.compile(lambda x: own(own(x) + 1.0))
    assert compiled(np.ones(2)).tolist() == [6.0, 6.0]


def test_A10_an_op_called_as_what_a_loop_over_pieces_uses():
    compiled = mg.compile(
        lambda x, y: (mg.tanh(mg.tanh(x * 2.0) + 1.0) * 3.0, mg.min(y))
    )  # of float16 by the op itself
    results = compiled(np.zeros(2**18), np.arange(3, dtype="float16"))  # whose least is found by the op itself
    assert "stop = min(" in compiled.source
    assert float(results[1]) == 0.0
    np.testing.assert_allclose(results[0].numpy(), np.tanh(1.0) * 3.0)


def test_A10_a_profile_and_a_text_of_odd_names():
    state = mg.Tensor(np.ones(2), name="clock\n")
    compiled = mg.compile(lambda x: mg.softmax(x * state))
    compiled(mg.Tensor(np.ones(2), name="times\x1b[31m"))
    assert len(compiled.profile().lines) == 2
    assert "\x1b" not in repr(compiled.program)
    function = lambda x: x  # noqa: E731
    function.__qualname__ = "a\nb"
    assert repr(mg.compile(function)) == r"<compiled a\nb, 0 programs>"
