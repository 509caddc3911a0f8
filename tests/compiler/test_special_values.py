"""Infinite, huge, constant and masked rows, zeros and NaN: compiled as in eager code, without a warning of NumPy's.

The cases are those that are hard for an engine; most names begin with the id of one. What eager code gives is tested
with the operations themselves.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

INF, NAN = np.inf, np.nan
ROWS = [
    [0.0, 1.0, -INF], [-INF, -INF, -INF], [INF, 0.0, 1.0], [INF, INF, 0.0], [NAN, 0.0, 1.0], [1e4, -1e4, 0.0],
    [1000.0, 1001.0, 999.0], [-1000.0, -1001.0, -1000.5], [-1e4, -1e4, -1e4], [3.0, 3.0, 3.0], [1e-300, 0.0, -0.0],
    [1e6, 1e6, 1e6], [88.0, 89.0, -104.0], [700.0, 710.0, -745.0], [1e38, -1e38, 0.0], [0.1, 0.1, 0.1],
]  # fmt: skip
MASKS = [[True, False, True], [False, False, False], [False, True, False]]

GAIN_AND_BIAS = [mg.constant(np.float32(row)) for row in ([1.0, 2.0, 3.0], [0.5, 0.0, -0.5])]
OF_ROWS = {
    "N2 N3 N6 softmax": mg.softmax,
    "N6 log_softmax": mg.log_softmax,
    "N4 N5 N6 logsumexp": lambda x: mg.logsumexp(x, axis=-1),
    "N7 N8 cross_entropy": lambda x: mg.cross_entropy(x, mg.constant([2] * x.shape[0])),
    "N7 N8 cross_entropy, one by one": lambda x: mg.cross_entropy(x, mg.constant([1] * x.shape[0]), reduction="none"),
    "N32 N33 layer_norm": lambda x: mg.layer_norm(x, *GAIN_AND_BIAS),
    "N33 standardize": mg.standardize,
    "rms_norm": mg.rms_norm,
    "N10 sigmoid, tanh": lambda x: mg.sigmoid(x) + mg.tanh(x),
    "N12 softplus, log_sigmoid": lambda x: mg.softplus(x) - mg.log_sigmoid(x),
    "N13 N14 gelu": mg.gelu,
    "N14 silu, mish": lambda x: mg.silu(x) + mg.mish(x),
    "N21 std": lambda x: mg.std(x, axis=-1),
    "N21 var": lambda x: mg.var(x, axis=-1, ddof=1),
    "N26 N28 max": lambda x: mg.max(x, axis=-1),
    "N29 N30 prod, cumprod": lambda x: mg.prod(x, axis=-1, keepdims=True) * mg.cumprod(x, axis=-1),
    "N31 relu, absolute, sign, clip": lambda x: mg.relu(x) + mg.absolute(x) + mg.sign(x) + mg.clip(x, -1.0, 3.0),
    "N19 vector_norm": lambda x: mg.vector_norm(x, axis=-1),
    "mean": lambda x: mg.mean(x, axis=-1),
    "N16 where of an exponential": lambda x: mg.where(x > 0, mg.sqrt(x), 0.0) + mg.where(x > 0, x, mg.exp(x)),
}  # fmt: skip
ONE_BY_ONE = [[row] for row in ROWS]
FINITE = [row for row in ROWS if np.isfinite(row).all()]


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")  # ∞ − ∞ and the like, as in eager code
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", OF_ROWS)
def test_a_row_of_special_values_gives_what_eager_code_gives(name, dtype):
    function = OF_ROWS[name]

    def value_and_gradient(x, g):
        y = function(x)
        return y, mg.grad(y, x, g[0, 0] if not y.shape else g[:, 0] if y.ndim == 1 else g)

    step = mg.compile(value_and_gradient)
    for rows in [*ONE_BY_ONE, FINITE]:
        with np.errstate(over="ignore"):
            rows = np.array(rows, dtype)
        if "cross_entropy" not in name or np.isfinite(rows[:, 1:]).all():
            g = np.array([[1.0, 2.0, 3.0]] * len(rows), dtype)
            arguments = Tensor(rows, requires_grad=True), g
            with np.errstate(over="ignore" if name in MAY_OVERFLOW else "warn"):
                expected = [t.numpy() for t in value_and_gradient(*arguments)]
                actual = [t.numpy() for t in step(*arguments)]
            for what, a, e in zip(("value", "gradient"), actual, expected, strict=True):
                terms = float(np.abs(rows[np.isfinite(rows)]).max(initial=0.0)) ** TERMS.get(name, np.nan)
                require_alike(a, e, f"{what} for {rows.tolist()}", terms)


TERMS = {"mean": 1, "N21 var": 2}  # powers of the values whose sums may cancel
MAY_OVERFLOW = (
    "N21 std", "N21 var", "N19 vector_norm", "N29 N30 prod, cumprod", "N16 where of an exponential", "N33 standardize",
    "N32 N33 layer_norm", "rms_norm", "mean", "N14 silu, mish", "N13 N14 gelu",
)  # fmt: skip


def require_alike(actual, expected, what, terms=np.nan):
    """NaN and infinities in the same places; the rest to rounding, of the largest number or of the `terms` of a sum."""
    assert (actual.shape, actual.dtype) == (expected.shape, expected.dtype)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(actual[~finite], expected[~finite], err_msg=what)
    tolerance = 1e-12 if actual.dtype == np.float64 else 1e-5
    scale = np.fmax(float(np.max(np.abs(expected), initial=0.0, where=finite)), terms)
    np.testing.assert_allclose(actual[finite], expected[finite], rtol=0, atol=tolerance * scale, err_msg=what)


@pytest.mark.parametrize("largest", [-20.0, -30.0, -40.0])
def test_N2_small_weights_of_rows_far_below_zero_keep_their_digits(largest):
    """Where the largest exponential is small already, those much smaller would be left with a few bits."""
    x = Tensor(np.array([[largest, -95.0, -100.0, -102.0]], np.float32))
    np.testing.assert_allclose(mg.compile(mg.softmax)(x).numpy(), mg.softmax(x).numpy(), rtol=1e-5)


@pytest.mark.parametrize("row", [[0.0, 1.0, 2.0], [1e4, -1e4, 0.0], [INF, 0.0, NAN], [-INF, 2.0, -INF]])
@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax], ids=lambda function: function.name)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_N1_masked_rows_give_what_eager_code_gives(function, row):
    def value_and_gradient(x, mask, g):
        y = function(x, mask)
        return y, mg.grad(y, x, g)

    arguments = Tensor([row] * 3, requires_grad=True), np.array(MASKS), np.array([[1.0, 2.0, 3.0]] * 3)
    for a, e in zip(mg.compile(value_and_gradient)(*arguments), value_and_gradient(*arguments), strict=True):
        require_alike(a.numpy(), e.numpy(), f"{row}")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_N1_N35_attention_where_a_query_sees_nothing_or_scores_are_far_apart(dtype, scale):
    rng = np.random.default_rng(0)
    query, key, value, g = (rng.standard_normal((2, 3, 4)).astype(dtype) for _ in range(4))
    mask = np.array([[True, False, True], [False, False, False], [True, True, True]])

    def attend(query, key, value, mask, g):
        y = mg.scaled_dot_product_attention(query, key, value, mask)
        return y, *mg.grad(y, [query, key, value], g)

    arguments = [Tensor(x, requires_grad=True) for x in (query * dtype(scale), key, value)]
    for a, e in zip(mg.compile(attend)(*arguments, mask, g), attend(*arguments, mask, g), strict=True):
        require_alike(a.numpy(), e.numpy(), f"scale {scale}")
        assert np.isfinite(a.numpy()).all()


def test_N9_targets_that_are_all_ignored_have_no_mean_and_no_gradient():
    def loss(x, targets):
        y = mg.cross_entropy(x, targets, ignore_index=-1)
        return y, mg.grad(y, x)

    with np.errstate(invalid="ignore"):
        y, gradient = mg.compile(loss)(Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), np.array([-1, -1]))
    assert np.isnan(y.item())
    assert gradient.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_N9_the_mean_of_no_target_is_NaN_without_a_warning():
    compiled = mg.compile(lambda x, targets: mg.cross_entropy(x, targets, ignore_index=-1))
    for targets, expected in ([-1, -1], np.nan), ([-1, 0], np.log1p(np.exp(1.0))):
        np.testing.assert_allclose(compiled(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array(targets)).item(), expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("row", ROWS)
def test_N9_an_ignored_row_counts_for_nothing_whatever_is_in_it(row, reduction, dtype):
    def loss(x, targets):
        y = mg.cross_entropy(x, targets, ignore_index=-1, reduction=reduction)
        return y, mg.grad(y, x)

    with np.errstate(over="ignore"):
        arguments = Tensor(np.array([row, [0.0, 1.0, 3.0]], dtype), requires_grad=True), np.array([-1, 1])
    y, gradient = mg.compile(loss)(*arguments)
    for actual, expected in zip((y, gradient), loss(*arguments), strict=True):
        require_alike(actual.numpy(), expected.numpy(), f"{row}")
    assert gradient.tolist()[0] == [0.0, 0.0, 0.0]
    assert np.isfinite(gradient.numpy()).all()


@pytest.mark.parametrize("entry", [3.0, 1e6])
@pytest.mark.parametrize("width", [2, 3, 7, 48])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_N21_N33_a_constant_row_has_no_deviation_and_its_norm_is_exactly_the_bias(width, entry, dtype):
    def function(x, bias, g):
        std, var = mg.std(x, axis=-1), mg.var(x, axis=-1)
        return mg.layer_norm(x, mg.ones_like(bias), bias), std, var, mg.grad(std, x, g), mg.grad(var, x, g)

    x = Tensor(np.full((2, width), entry, dtype), requires_grad=True)
    bias = np.random.default_rng(0).standard_normal(width).astype(dtype)
    normed, *others = mg.compile(function)(x, bias, bias[:2])
    assert normed.tolist() == [bias.tolist()] * 2
    for zero in others:
        assert not zero.numpy().any()


def test_N34_layer_norm_far_from_zero_in_float32():
    x = (1e4 + np.random.default_rng(0).standard_normal((4, 64))).astype(np.float32)
    assert np.abs(mg.compile(mg.layer_norm)(x).numpy() - mg.layer_norm(x.astype(np.float64))).max() < 3e-3


@pytest.mark.parametrize(
    "name", ["x*x", "x+x", "x-x", "x/x", "x - -x", "-(-x)", "x*1.0", "x/1.0", "x-0.0", "x + -0.0", "0.0 + x"]
)
def test_N38_G1_signs_of_zero_and_repeated_operands(name):
    x = Tensor([0.0, -0.0, 3.0, -3.0, INF, NAN], requires_grad=True)
    function = eval(f"lambda x: {name}")
    with np.errstate(invalid="ignore"):
        actual, expected = mg.compile(function)(x).numpy(), function(x).numpy()
    np.testing.assert_array_equal(actual, expected)
    assert (np.signbit(actual) == np.signbit(expected)).all()


UNSIGNED = np.array([1, 2, 250], np.uint8)
OF_INTEGERS = {
    "x + -n": lambda x, n: x + -n, "x - -n": lambda x, n: x - -n, "-n + x": lambda x, n: -n + x,
    "-(-n)": lambda x, n: mg.negative(-n), "n * 1": lambda x, n: n * 1, "n / 1": lambda x, n: n / 1,
    "n - 0": lambda x, n: n - 0, "n * 1.0": lambda x, n: n * 1.0, "n + n": lambda x, n: n + n,
    "x * n": lambda x, n: x * n, "n @ n": lambda x, n: n @ n, "(n > 1) + n": lambda x, n: (n > 1) + n,
    "sum": lambda x, n: mg.sum(n),
    "mean": lambda x, n: mg.mean(n), "cumsum": lambda x, n: mg.cumsum(n), "softmax": lambda x, n: mg.softmax(n),
    "layer_norm": lambda x, n: mg.layer_norm(n), "astype": lambda x, n: mg.astype(mg.astype(x, int), float),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_INTEGERS)
@pytest.mark.parametrize(
    "numbers", [UNSIGNED, UNSIGNED.astype(int), UNSIGNED.view(np.int8)], ids=lambda n: n.dtype.name
)
def test_D5_integers_are_computed_with_as_in_eager_code(name, numbers):
    function = OF_INTEGERS[name]
    x = np.array([0.5, 1.5, 2.5])
    actual, expected = mg.compile(function)(x, numbers).numpy(), np.asarray(function(x, numbers))
    assert actual.dtype == expected.dtype
    np.testing.assert_allclose(actual, expected, rtol=1e-14)


BRANCHES = {
    "sqrt": lambda x: mg.where(x > 0, mg.sqrt(x), 0.0), "log": lambda x: mg.where(x > 0, mg.log(x), x),
    "reciprocal": lambda x: mg.where(x != 0, 1 / x, 0.0), "exp": lambda x: mg.where(x <= 0, mg.exp(x), 1 + x),
    "x**0": lambda x: x**0, "x**2": lambda x: x**2, "x**1": lambda x: x**1.0, "root": lambda x: mg.absolute(x) ** 0.5,
    "x**-1": lambda x: mg.where(x > 0, x**-1.0, x), "sqrt of square": lambda x: mg.sqrt(x * x),
    "exp of −∞": lambda x: mg.exp(mg.where(x > 5, -INF, x)),
}  # fmt: skip


@pytest.mark.parametrize("name", BRANCHES)
def test_N16_N23_a_branch_not_taken_has_no_gradient(name):
    function = BRANCHES[name]
    x = Tensor([0.0, 1.0, -2.0, 1000.0, 4.0], requires_grad=True)

    def value_and_gradient(x):
        y = function(x)
        return y, mg.grad(y, x, mg.ones_like(y))

    with np.errstate(all="ignore"):
        pairs = zip(mg.compile(value_and_gradient)(x), value_and_gradient(x), strict=True)
        for actual, expected in pairs:
            np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-14)


# --- where no faster way applies --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "array"),
    [
        (mg.sigmoid, np.array([-2, 0, 3])), (mg.softplus, np.array([-2, 0, 3], np.int8)),
        (lambda x: mg.one_hot(x, classes=1000), np.array([0, 999, 5])),
        (lambda x: mg.max(x, axis=-1), np.array([[1.0, 3.0]], np.float16)),
        (lambda x: mg.sum(x, axis=-1), np.array([[1.0, 3.0]], np.float16)),
    ],
)  # fmt: skip
def test_what_no_faster_way_applies_to_is_computed_as_in_eager_code(function, array):
    actual, expected = mg.compile(function)(array).numpy(), function(Tensor(array)).numpy()
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual, expected)


def test_indices_in_the_byte_order_of_other_machines():
    weight, indices = np.arange(6.0).reshape(3, 2), np.array([2, 0], ">i8")
    for embed in (mg.embedding, mg.compile(mg.embedding)):
        assert np.asarray(embed(weight, indices)).tolist() == [[4.0, 5.0], [0.0, 1.0]]
        with pytest.raises(IndexError, match="index 3"):
            embed(weight, np.array([3], ">i8"))


def test_floating_point_operations_are_counted():
    step = mg.compile(lambda x, w, b: mg.linear(x, w, b))
    step(np.ones((2, 3)), np.ones((3, 4)), np.ones(4))
    assert step.stats.flops == 2 * 2 * 3 * 4 + 2 * 4


@pytest.mark.parametrize("score", [88.0, 88.7, 89.0, 1e4])  # exponentials that overflow in their sum, and themselves
def test_softmax_of_large_scores_warns_as_little_as_eager_code(score):
    scores = np.full((2, 4), score, np.float32)
    compiled = mg.compile(lambda x: mg.softmax(x))
    np.testing.assert_array_equal(compiled(scores).numpy(), np.full((2, 4), 0.25, np.float32))


@pytest.mark.parametrize("operation", [mg.logical_xor, mg.logical_and, mg.logical_or, mg.less, mg.equal, mg.maximum])
@pytest.mark.parametrize("number", [1e-300, -1e-300, 0.0, 1e300])
def test_numbers_that_vanish_in_the_type_beside_them_are_what_numpy_takes_them_for(operation, number):
    x = np.float32([1.0, 0.0, -1.0])
    with np.errstate(over="ignore"):
        expected = operation(number, Tensor(x)).tolist()
        assert mg.compile(lambda x: operation(number, x))(x).tolist() == expected
