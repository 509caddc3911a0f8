"""NumPy's operators of bits, its ways to write shapes and axes, bounds that cross, and axes without elements."""

import operator

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.op import Op

# --- axes without elements --------------------------------------------------------------------------------------------

SHAPES = [((0, 3), (3, 2)), ((2, 0), (0, 2)), ((2, 3), (3, 0)), ((2, 0, 3), (3, 2)), ((0,), (0, 2)), ((2, 3), (3, 2))]


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize(("rows", "weights"), SHAPES)
def test_C6_a_linear_map_without_a_bias_is_a_product_also_of_nothing(rows, weights, dtype):
    x, w = (Tensor(np.ones(shape, dtype), requires_grad=True) for shape in (rows, weights))
    fast = mg.compile(lambda x, w: mg.grad(mg.sum(mg.linear(x, w, None)), [x, w]))
    for y in (mg.linear(x, w), mg.linear(x, w, None), mg.linear(x, w, bias=None), mg.compile(mg.linear)(x, w, None)):
        np.testing.assert_array_equal(y.numpy(), x.numpy() @ w.numpy())
        assert y.dtype == dtype
    for g, slow, given in zip(fast(x, w), mg.grad(mg.sum(mg.linear(x, w)), [x, w]), (x, w), strict=True):
        np.testing.assert_array_equal(g.numpy(), slow.numpy())
        assert (g.shape, g.dtype) == (given.shape, given.dtype)


# --- bounds that cross ------------------------------------------------------------------------------------------------


def expected_slopes(x, low, high):
    """1 for what the value is taken from: x up to the bounds, else a bound; the upper one where they cross."""
    to_high = (x > high) | (low > high)
    to_low = (x < low) & ~to_high
    return ~to_low & ~to_high, to_low, to_high


GRID = [x.ravel() for x in np.meshgrid(*[[-1.0, 0.0, 1.0, 2.0]] * 3)]


@pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
def test_C7_where_bounds_cross_the_upper_one_gets_the_gradient(run):
    x, low, high = (Tensor(values, requires_grad=True) for values in GRID)
    slopes = run(lambda *xs: mg.grad(mg.sum(mg.clip(*xs)), list(xs)))(x, low, high)
    for slope, expected in zip(slopes, expected_slopes(*GRID), strict=True):
        np.testing.assert_array_equal(slope.numpy(), expected)


@pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("low", [None, 0.0, 1.0])
@pytest.mark.parametrize("high", [None, 0.0, 1.0])
def test_C7_numbers_as_bounds_are_as_tensors_to_the_second_order(low, high, run):
    """Of x²: inside of the bounds its second derivative is 2, elsewhere 0."""
    x = Tensor([-1.0, 0.0, 0.5, 1.0, 2.0], requires_grad=True)

    def curvature(x):
        slope = mg.grad(mg.sum(mg.clip(x * x, low, high)), x, create_graph=True)
        return slope, mg.grad(mg.sum(slope), x)

    inside, _, _ = expected_slopes(x.numpy() ** 2, -np.inf if low is None else low, np.inf if high is None else high)
    slope, second = run(curvature)(x)
    np.testing.assert_array_equal(slope.numpy(), np.where(inside, 2 * x.numpy(), 0))
    np.testing.assert_array_equal(second.numpy(), np.where(inside, 2, 0))


@pytest.mark.parametrize("number_first", [False, True])
def test_C7_a_number_and_a_tensor_as_bounds(number_first):
    x, bound = Tensor([0.0, 0.5, 2.0], requires_grad=True), Tensor([1.0, -1.0, 1.0], requires_grad=True)
    low, high = (0.25, bound) if number_first else (bound, 0.25)
    arrays = [0.25, bound.numpy()] if number_first else [bound.numpy(), 0.25]
    to_x, to_low, to_high = expected_slopes(x.numpy(), *arrays)
    of_x, of_bound = mg.grad(mg.sum(mg.clip(x, low, high)), [x, bound])
    np.testing.assert_array_equal(of_x.numpy(), to_x)
    np.testing.assert_array_equal(of_bound.numpy(), to_high if number_first else to_low)


# --- bits -------------------------------------------------------------------------------------------------------------

OPERATORS = [operator.and_, operator.or_, operator.xor]
FUNCTIONS = [np.bitwise_and, np.bitwise_or, np.bitwise_xor]
KINDS = [np.bool_, np.int64, np.int8, np.uint8, np.uint64]
OPERANDS = [
    (np.array([6, 5, 0]), np.array([3, 2, 1])), (np.array([[1], [4]]), np.array([7, 0])), (np.array(6), np.array([3])),
    (np.array([6, 0]), 1), (np.array([], int), np.array([], int)),
]  # fmt: skip


@pytest.mark.parametrize("operands", OPERANDS)
@pytest.mark.parametrize("dtype", KINDS)
@pytest.mark.parametrize("operation", [*OPERATORS, *FUNCTIONS], ids=lambda f: f.__name__)
def test_C8_operators_are_bit_by_bit_on_both_sides(operation, dtype, operands):
    a, b = (np.asarray(x).astype(dtype) if isinstance(x, np.ndarray) else x for x in operands)
    tensors = [Tensor(x) if isinstance(x, np.ndarray) else x for x in (a, b)]
    expected = operation(a, b)
    for pair in ([*tensors], [tensors[0], b], [a, tensors[1]]):
        if any(isinstance(x, Tensor) for x in pair):
            for left, right in (pair, pair[::-1]):
                y = operation(left, right)
                assert isinstance(y, Tensor)
                np.testing.assert_array_equal(y.numpy(), expected)
                assert y.dtype == expected.dtype
    y = mg.compile(operation)(a, b) if isinstance(b, np.ndarray) else mg.compile(lambda a: operation(b, a))(a)
    np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("dtype", KINDS)
def test_C8_the_inverse_is_that_of_the_bits(dtype):
    a = np.array([6, 0, 1]).astype(dtype)
    for y in (
        ~Tensor(a),
        np.invert(Tensor(a)),
        np.bitwise_not(Tensor(a)),
        mg.invert(Tensor(a)),
        mg.compile(mg.invert)(a),
    ):
        np.testing.assert_array_equal(y.numpy(), ~a)
        assert y.dtype == dtype


@pytest.mark.parametrize("name", ["bitwise_and", "bitwise_or", "bitwise_xor", "invert"])
def test_C8_floats_are_refused_by_name_eager_and_compiled(name):
    function, logical = mg.registry[name], {"invert": "logical_not"}.get(name, name.replace("bitwise", "logical"))
    operands = [Tensor([1.0])] * len(function.arguments)
    for call in (function, mg.compile(function)):
        with pytest.raises(TypeError, match=rf"{name}.*booleans or integers, got float64.*{logical}"):
            call(*operands)


# --- axes as NumPy lets them be written -------------------------------------------------------------------------------

WRITTEN = {
    "transpose of a vector by its axis": ((3,), lambda x: x.transpose(0)),
    "by its last axis": ((3,), lambda x: x.transpose(-1)),
    "by a tuple": ((3,), lambda x: x.transpose((0,))), "by a list": ((2, 3), lambda x: x.transpose([1, 0])),
    "by numbers": ((2, 3, 4), lambda x: x.transpose(2, 0, -2)), "all reversed": ((2, 3), lambda x: x.transpose()),
    "by None": ((2, 3), lambda x: x.transpose(None)), "of a number": ((), lambda x: x.transpose()),
    "of a number by no axes": ((), lambda x: x.transpose(())), "T": ((3,), lambda x: x.T),
    "twice": ((3,), lambda x: x.transpose(0).transpose(-1)),
    "twice, by numbers": ((2, 3), lambda x: x.transpose(1, 0).T),
    "NumPy's integers": ((2, 3), lambda x: x.transpose(np.int64(1), np.int64(0))),
    "reshape by a number": ((2, 3), lambda x: x.reshape(6)), "by -1": ((2, 3), lambda x: x.reshape(-1)),
    "reshape by numbers": ((2, 3), lambda x: x.reshape(3, -1)), "by a shape": ((2, 3), lambda x: x.reshape([3, 2])),
    "reshape to a number": ((1, 1), lambda x: x.reshape(())),
    "reshape twice": ((2, 3), lambda x: x.reshape(6).reshape(3, 2)), "ravel": ((2, 3), lambda x: x.ravel()),
    "squeeze": ((1, 2, 1), lambda x: x.squeeze()), "squeeze an axis": ((1, 2, 1), lambda x: x.squeeze(-1)),
    "squeeze axes": ((1, 2, 1), lambda x: x.squeeze((0, 2))), "squeeze none": ((1, 2), lambda x: x.squeeze(())),
    "swapaxes": ((2, 3), lambda x: x.swapaxes(0, -1)), "swapaxes of itself": ((3,), lambda x: x.swapaxes(0, 0)),
    "repeat": ((2, 3), lambda x: x.repeat(2)), "repeat along": ((2, 3), lambda x: x.repeat(2, 1)),
    "diagonal": ((2, 3), lambda x: x.diagonal(1)), "diagonal of axes": ((2, 3, 2), lambda x: x.diagonal(0, 2, 0)),
    "take": ((2, 3), lambda x: x.take(1, 1)), "take of all": ((2, 3), lambda x: x.take(5)),
    "sum": ((2, 3), lambda x: x.sum(0)), "sum by keyword": ((2, 3), lambda x: x.sum(axis=(0, 1), keepdims=True)),
    "mean": ((2, 3), lambda x: x.mean(-1)), "prod": ((2, 3), lambda x: x.prod(1)), "max": ((2, 3), lambda x: x.max(0)),
    "cumsum": ((2, 3), lambda x: x.cumsum(1)), "cumprod of all": ((2, 3), lambda x: x.cumprod()),
}  # fmt: skip
OF_NUMPY = {
    "expand_dims": ((2, 3), lambda x: np.expand_dims(x, 1)), "of two": ((2,), lambda x: np.expand_dims(x, (0, -1))),
    "broadcast_to": ((3,), lambda x: np.broadcast_to(x, (2, 3))),
    "broadcast_to by a number": ((1,), lambda x: np.broadcast_to(x, 3)),
    "moveaxis": ((2, 3, 4), lambda x: np.moveaxis(x, 0, -1)),
    "moveaxis by lists": ((2, 3, 4), lambda x: np.moveaxis(x, [0, 1], [1, 0])),
    "flip": ((2, 3), lambda x: np.flip(x)), "flip an axis": ((2, 3), lambda x: np.flip(x, -1)),
    "flip axes": ((2, 3), lambda x: np.flip(x, (0, 1))), "roll": ((2, 3), lambda x: np.roll(x, 1)),
    "roll along": ((2, 3), lambda x: np.roll(x, 1, 0)), "roll axes": ((2, 3), lambda x: np.roll(x, (1, -1), (0, 1))),
    "tile": ((2, 3), lambda x: np.tile(x, 2)), "tile by a shape": ((2, 3), lambda x: np.tile(x, (2, 1, 1))),
    "pad": ((2, 3), lambda x: np.pad(x, 1)), "pad by a pair": ((2, 3), lambda x: np.pad(x, (0, 1))),
    "pad by pairs": ((2, 3), lambda x: np.pad(x, ((0, 1), (2, 0)))), "tril": ((3, 3), lambda x: np.tril(x, -1)),
    "stack": ((3,), lambda x: np.stack([x, x], 1)), "concatenate": ((2, 3), lambda x: np.concatenate([x, x], 1)),
    "split": ((4, 3), lambda x: np.split(x, 2)[1]), "split along": ((4, 3), lambda x: np.split(x, [1], 1)[1]),
    "transpose": ((2, 3), lambda x: np.transpose(x)), "transpose a vector": ((3,), lambda x: np.transpose(x, 0)),
    "transpose by a list": ((2, 3), lambda x: np.transpose(x, [1, 0])), "diag": ((3,), lambda x: np.diag(x, 1)),
    "windows": ((2, 4), lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, 1)),
    "windows along axes": ((2, 4), lambda x: np.lib.stride_tricks.sliding_window_view(x, [3, 2], (1, 0))),
}  # fmt: skip


@pytest.mark.parametrize("name", [*WRITTEN, *(f"np.{name}" for name in OF_NUMPY)])
def test_C9_axes_may_be_written_as_in_numpy_forward_backward_and_compiled(name):
    shape, function = WRITTEN[name] if name in WRITTEN else OF_NUMPY[name.removeprefix("np.")]
    values = np.random.default_rng(0).standard_normal(shape)
    x = Tensor(values, requires_grad=True)
    expected = function(values)
    y = function(x)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-15)
    g = np.random.default_rng(1).standard_normal(expected.shape)

    def both_orders(x, g):
        slope = mg.grad(function(mg.square(x)), x, g, create_graph=True)
        return function(x), slope, mg.grad(mg.sum(slope), x)

    slow, fast = both_orders(x, g), mg.compile(both_orders)(x, g)
    np.testing.assert_allclose(fast[0].numpy(), expected, rtol=1e-15)
    for a, b in zip(slow, fast, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
    report = mg.check_gradients(function, [x])
    assert report.passed


def test_C9_every_view_is_tried_in_some_form():
    """An op of shapes that comes in has to be written here too."""
    views = {op.name for op in mg.registry.values() if isinstance(op, Op) and op.view}
    tried = {"transpose", "reshape", "squeeze", "swapaxes", "expand_dims", "broadcast_to", "sliding_window_view"}
    ours = {"astype", "getitem", "merge_heads", "split_heads", "stop_gradient", "sum_to"}  # NumPy has no such functions
    assert views == tried | ours
