"""What goes into a compiled function, and what comes out."""

import collections

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

X = np.arange(6.0).reshape(2, 3)
Pair = collections.namedtuple("Pair", "first second")


def weight_of(*values, name="weight", dtype=np.float64):
    return Tensor(values, dtype, requires_grad=True, name=name)


# --- arguments --------------------------------------------------------------------------------------------------------


def test_arguments_changed_between_calls_are_seen(same):
    step = mg.compile(lambda x, batch: (x * 2.0 + batch["y"], batch["z"][0] - x))
    x, y, z = X.copy(), X.copy(), Tensor(X)
    for _ in range(3):
        assert same(step(x, {"y": y, "z": [z]}), (Tensor(x * 2 + y), Tensor(z.numpy() - x)))
        x += 1.0  # the same array
        y = y * 3.0  # another one
        mg.assign(z, z.numpy() - 5.0)
    assert len(step.programs) == 1


def test_tuples_lists_dictionaries_and_named_tuples_go_in_and_come_out(same):
    def function(pair, others, *more, flag, **named):
        return {
            "pair": Pair(pair.second, pair.first * 2.0), "list": [x + 1.0 for x in others], "none": None,
            "text": "as it is", "number": 3, "tuple": (more[0], (more[1] * named["b"],)),
            "named": named["a"] if flag else None,
        }  # fmt: skip

    step = mg.compile(function)
    arguments = (Pair(Tensor(X), Tensor(X + 1.0)), [Tensor(X[0]), Tensor(X[1])], Tensor(X), Tensor(X))
    for flag in (True, False):
        expected = function(*arguments, flag=flag, a=Tensor(X), b=Tensor(X))
        assert same(step(*arguments, flag=flag, a=Tensor(X), b=Tensor(X)), expected)
        assert same(step(*arguments, flag=flag, b=Tensor(X), a=Tensor(X)), expected)


def test_arguments_by_name_in_any_order_and_defaults():
    def function(x, y, scale=2.0, shift=None):
        return x * scale - y if shift is None else x * scale - y + shift

    step = mg.compile(function)
    x, y = X, X * 10.0
    for args, kwargs in [
        ((x, y), {}), ((x,), {"y": y}), ((), {"y": y, "x": x}), ((), {"x": x, "y": y}), ((x, y, 3.0), {}),
        ((x,), {"scale": 3.0, "y": y}), ((x, y), {"shift": x}), ((), {"shift": x, "y": y, "x": y}),
    ]:  # fmt: skip
        np.testing.assert_array_equal(step(*args, **kwargs).numpy(), np.asarray(function(*args, **kwargs)))
    with pytest.raises(TypeError, match="y"):
        step(x)
    with pytest.raises(TypeError, match="wrong"):
        step(x, y, wrong=1)


def test_numbers_and_strings_are_part_of_the_program():
    step = mg.compile(lambda x, power, kind: mg.sum(x**power) if kind == "sum" else mg.mean(x**power))
    for _ in range(2):
        for power in (2, 3, 2.0, True):
            for kind in ("sum", "mean"):
                expected = getattr(np, kind)(X**power)
                assert step(X, power, kind).item() == pytest.approx(expected)
    assert len(step.programs) == 8


@pytest.mark.parametrize(("one", "other"), [(0.0, -0.0), (1, True), (1, 1.0), (0, False), (2, np.int64(2))])
def test_numbers_that_are_equal_but_not_alike_have_programs_of_their_own(one, other):
    step = mg.compile(lambda x, n: mg.where(x > 1, x, 1.0) * n)
    for number in (one, other, one):
        expected = np.where(X > 1, X, 1.0) * number
        actual = step(X, number).numpy()
        np.testing.assert_array_equal(actual, expected)
        assert (np.signbit(actual) == np.signbit(expected)).all()
    assert len(step.programs) == 2


def test_eight_programs_that_differ_in_one_number_are_warned_of_and_an_array_is_the_remedy():
    step = mg.compile(lambda x, rate, kind: x * rate)
    for i in range(7):
        step(X, float(i), "a")
    with pytest.warns(UserWarning, match=r"8 programs of .* differ only in a number, '\w+' .*numpy\.asarray") as caught:
        step(X, 7.0, "a")
    assert caught[0].filename == __file__
    step(X, 8.0, "a")
    other = mg.compile(lambda x, rate: x * rate)
    for i in range(20):
        assert other(X, np.asarray(float(i))).tolist() == (X * i).tolist()
    assert len(other.programs) == 1


def test_shapes_and_types_have_programs_of_their_own():
    step = mg.compile(lambda x: mg.sum(x * 2, axis=-1))
    for array in (X, X[:1], X.T, X.astype(np.float32), X.astype(int), X[None], X[0, 0], X[:0], X[:, :0], X, X.T, X > 1):
        actual, expected = step(array), np.sum(array * 2, axis=-1) if array.ndim else None
        if expected is not None:
            assert actual.dtype == expected.dtype
            np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-6)
    assert len(step.programs) == 10
    assert sorted({len(program.graph.inputs) for program in step.programs}) == [1]


def test_only_the_latest_programs_are_kept():
    step = mg.compile(lambda x: x + 1.0)
    for n in range(40):
        step(np.zeros(n))
    assert len(step.programs) == 32
    assert step(np.zeros(3)).tolist() == [1.0] * 3


def test_a_subclass_of_array_is_an_argument_as_well():
    assert mg.compile(lambda x: x * 2.0)(np.array(X).view(np.recarray)).tolist() == (X * 2).tolist()


def test_numpy_numbers_share_a_program_and_arrays_of_no_axes_have_another():
    step = mg.compile(lambda x, n: x * n)
    for n in (np.float64(2.0), np.float64(3.0), np.array(4.0)):
        assert step(X, n).tolist() == (X * n).tolist()
    assert len(step.programs) == 2


# --- results ----------------------------------------------------------------------------------------------------------


def test_results_of_one_call_are_not_overwritten_by_the_next():
    step = mg.compile(lambda x: (x * 2.0, mg.sum(x), mg.exp(x).T, (x + 1.0)[0], mg.reshape(x - 1.0, (3, 2))))
    first = step(X)
    before = [t.numpy() for t in first]
    second = step(X + 5.0)
    assert all(np.array_equal(t.numpy(), array) for t, array in zip(first, before, strict=True))
    assert not any(np.shares_memory(a._held, b._held) for a in first for b in second)
    assert not any(np.shares_memory(a._held, b._held) for i, a in enumerate(first) for b in first[:i])


def test_results_that_are_arguments_state_or_views_of_them_are_copies():
    state, argument, memory = weight_of(1.0, 2.0), Tensor([3.0, 4.0]), X.copy()
    step = mg.compile(
        lambda a, m: (state, state[:1], a, a[1:], m, m.T, m[0], mg.reshape(state, (2, 1)), state, a.detach())
    )
    results = step(argument, memory)
    expected = ([1, 2], [1], [3, 4], [4], X.tolist(), X.T.tolist(), X[0].tolist(), [[1], [2]], [1, 2], [3, 4])
    assert tuple(t.tolist() for t in results) == expected
    mg.assign(state, [9.0, 9.0])
    mg.assign(argument, [9.0, 9.0])
    memory[...] = 9.0
    assert tuple(t.tolist() for t in results) == expected


def test_results_have_no_graph_and_are_plain_tensors():
    result = mg.compile(lambda x: x * 2.0)(Tensor(X, requires_grad=True))
    assert (result.op, result.requires_grad, type(result)) == (None, False, Tensor)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64, np.int32, np.uint8, np.bool_])
def test_every_type_goes_in_and_comes_out(dtype):
    def function(x):
        return x, x + x, mg.sum(x), x > 1, mg.argmax(x), mg.logical_not(x), mg.max(x, axis=0), mg.softmax(x), mg.mean(x)

    array = X.astype(dtype)
    for actual, expected in zip(mg.compile(function)(array), function(Tensor(array)), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-2 if dtype == np.float16 else 1e-6)


def test_float16_has_gradients_too():
    def function(x):
        y = mg.sum(mg.layer_norm(mg.tanh(x @ x.T)) ** 2)
        return y, mg.grad(y, x)

    x = Tensor(X / 10, np.float16, requires_grad=True)
    for actual, expected in zip(mg.compile(function)(x), function(x), strict=True):
        assert actual.dtype == np.float16
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=0.02, atol=0.02)


def test_numbers_of_no_dimension():
    step = mg.compile(lambda x, y: (x + y, x * 2.0, mg.exp(x), -x, mg.where(x > y, x, y), x > y, mg.sqrt(y) / x))
    for x, y in ((1.0, 2.0), (4.0, 2.0)):
        results = step(np.asarray(x), np.asarray(y, np.float64))
        assert [t.item() for t in results] == [x + y, 2 * x, np.exp(x), -x, max(x, y), x > y, np.sqrt(y) / x]
        assert {t.shape for t in results} == {()}


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0), (0, 0)])
def test_nothing_at_all(shape):
    def function(x):
        y = mg.softmax(x) * 2.0 + mg.sum(x, axis=0)
        z = mg.sum(y * y)
        return y, z, mg.grad(z, x), mg.concatenate([x, x]), x @ mg.swapaxes(x, 0, -1), mg.cumsum(x, axis=0)

    x = Tensor(np.zeros(shape), requires_grad=True)
    for actual, expected in zip(mg.compile(function)(x), function(x), strict=True):
        assert (actual.shape, actual.dtype, actual.tolist()) == (expected.shape, expected.dtype, expected.tolist())


def test_a_function_of_nothing_and_a_function_that_returns_no_tensor():
    state = weight_of(1.0)
    assert mg.compile(lambda: state * 2.0)().tolist() == [2.0]
    assert mg.compile(lambda x: None)(X) is None
    assert mg.compile(lambda x: (1, "a", ()))(X) == (1, "a", ())
    assert mg.compile(lambda: mg.constant([1.0]))().tolist() == [1.0]


@pytest.mark.parametrize(("call", "named"), [
    (lambda step, n: step(X, n), "'power'"), (lambda step, n: step(x=X, power=n), "'power'"),
    (lambda step, n: step(X, 1, {"deep": [n]}), "'more'"),
])  # fmt: skip
def test_the_warning_names_the_argument(call, named):
    step = mg.compile(lambda x, power=1, more=None: x * float(power))
    for n in range(7):
        call(step, n)
    with pytest.warns(UserWarning, match=f"a number, {named} "):
        call(step, 7)
