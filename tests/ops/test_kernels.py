"""The fast ways against the obvious ones, for values that lie near each other, far apart, nowhere and at infinity."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops import kernels
from minigrad.ops.kernels import blocks, places, sums

SHAPES = [(5,), (1,), (3, 4), (4, 1), (2, 3, 4), (0, 3), (3, 0), (2, 0, 3)]
SPREADS = [1.0, 40.0, 800.0]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_spread = pytest.mark.parametrize("spread", SPREADS)
every_dtype = pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])


def normal(shape, spread=1.0, dtype=np.float64, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * spread).astype(dtype)


def axes(shape):
    return range(-len(shape), len(shape))


def close(dtype):
    return {2: 1e-2, 4: 1e-5, 8: 1e-13}[np.dtype(dtype).itemsize]


@every_shape
@every_dtype
def test_sums_of_rows_and_of_axes(shape, dtype):
    x = normal(shape, 3.0, dtype)
    for axis in axes(shape):
        expected = np.sum(x, axis, np.float64, keepdims=True)
        found = kernels.sum_axis(x, axis)
        assert found.shape == expected.shape
        assert found.dtype == np.sum(x, axis).dtype
        np.testing.assert_allclose(found, expected, rtol=close(dtype), atol=10 * close(dtype))
    np.testing.assert_array_equal(kernels.sum_last_axis(x), kernels.sum_axis(x, -1))


@every_dtype
@pytest.mark.parametrize("trailing", [0, 1, 2, 3])
@every_shape
def test_sums_over_the_leading_axes(shape, trailing, dtype):
    x = normal((2, 3, *shape), 3.0, dtype)
    rest = x.shape[max(1, x.ndim - trailing) :]
    found = kernels.sum_batch(x, rest)
    expected = np.sum(x, tuple(range(x.ndim - len(rest))), np.float64)
    assert (found.shape, found.dtype) == (rest, np.sum(x[..., :0]).dtype)
    np.testing.assert_allclose(found, expected, rtol=close(dtype), atol=10 * close(dtype))


@every_shape
@every_spread
def test_the_largest_of_each_axis(shape, spread):
    x = normal(shape, spread)
    for axis in axes(shape):
        expected = np.max(x, axis, keepdims=True, initial=-np.inf)
        np.testing.assert_array_equal(kernels.find_maxima(x, axis), expected, strict=True)


def assert_moved_together(x, found, axis, allowed):
    """Along the axis everything was moved by the same, to where the largest is 0."""
    for row, moved, counts in zip(
        *(np.moveaxis(a, axis, -1).reshape(-1, x.shape[axis]) for a in (x, found, allowed)), strict=True
    ):
        if counts.any():
            assert moved[counts].max() == 0
            np.testing.assert_allclose((row - moved)[counts], (row - moved)[counts][0], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if 0 not in shape], ids=str)
@every_spread
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64])
def test_shifting_keeps_exponentials_finite_and_their_proportions(shape, spread, dtype):
    x = normal(shape, spread, dtype)
    for axis in axes(shape):
        found = kernels.shift_rows(x, axis)
        assert (found.shape, found.dtype) == (shape, np.float64 if dtype is np.int64 else dtype)
        assert_moved_together(x, found, axis, np.ones(shape, bool))


@every_spread
@pytest.mark.parametrize("axis", [-1, 0, 1])
@pytest.mark.parametrize("mask_shape", [(3, 4), (4,), (3, 1), (2, 3, 4)], ids=str)
def test_under_a_mask_only_what_it_lets_through_decides(spread, axis, mask_shape):
    mask = normal(mask_shape, seed=1) > 0
    x, allowed = np.broadcast_arrays(normal((3, 4), spread), mask)
    found = kernels.shift_rows(normal((3, 4), spread), axis, mask)
    assert found.shape == x.shape
    assert np.all(np.exp(found) < np.inf)
    assert_moved_together(x, found, axis, allowed)


@pytest.mark.parametrize("axis", [-1, 0])
def test_a_row_of_nothing_is_not_a_number_and_makes_no_noise(axis):
    x = np.full((2, 2), -np.inf)
    assert np.isnan(kernels.shift_rows(x, axis)).all()
    assert np.isneginf(kernels.shift_rows(x, axis, np.ones((2, 2), bool))).all()
    assert np.isneginf(kernels.shift_rows(np.zeros((2, 2)), axis, np.zeros((3, 2, 2), bool))).all()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_selection_keeps_the_bits(dtype):
    x = np.array([1.5, -0.0, np.nan, np.inf, -np.inf, 2.0], dtype)
    condition = np.array([True, True, True, True, False, False])
    found = kernels.select_where(condition, x)
    assert found.dtype == dtype
    assert found[:4].tobytes() == x[:4].tobytes()
    assert found[4:].tobytes() == np.zeros(2, dtype).tobytes()


@pytest.mark.parametrize(
    ("shape", "target", "expected"),
    [((), (2,), True), ((3,), (2, 3), True), ((1, 3), (2, 3), True), ((2, 1), (2, 3), True), ((2, 3), (3,), False),
     ((1, 1, 3), (2, 3), False), ((2,), (2, 3), False), ((0,), (1,), False), ((1,), (0,), True)],
)  # fmt: skip
def test_broadcasting_that_leaves_the_target_as_it_is(shape, target, expected):
    assert kernels.broadcasts_to(shape, target) is expected


def test_arrays_of_ones_are_kept_and_cannot_be_written_to():
    found = kernels.make_ones(3, np.dtype(np.float32))
    assert found is kernels.make_ones(3, np.dtype(np.float32))
    assert (found.dtype, found.tolist()) == (np.float32, [1.0, 1.0, 1.0])
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 2.0


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("function", [mg.mean, mg.sum, mg.logsumexp], ids=lambda function: function.name)
@pytest.mark.parametrize(
    "lay_out",
    [np.ascontiguousarray, lambda x: x[:, ::-1], lambda x: np.repeat(x, 2, axis=1)[:, ::2],
     lambda x: np.broadcast_to(x[:, :1], x.shape)],
    ids=["plain", "reversed", "strided", "broadcast"],
)  # fmt: skip
def test_wide_rows_are_added_up_to_rounding_in_every_layout(function, lay_out, compiled):
    x = lay_out(np.full((2, 300_001), 0.5143, np.float32))
    run = mg.compile(function) if compiled else function
    ours, exact = np.asarray(run(x, axis=-1)), np.asarray(function(x.astype(np.float64), axis=-1))
    np.testing.assert_allclose(ours, exact, rtol=2e-6)


# --- what is refused, and at the edges --------------------------------------------------------------------------------


def test_a_cache_takes_tokens_up_to_its_last_place():
    places.check_room(np.array(4), 1, 5)
    with pytest.raises(ValueError, match=r"KeyValueCache\(context=5\) is full: it holds 4 tokens, and 2 more"):
        places.check_room(np.array(4), 2, 5)


def test_a_nan_in_any_gradient_is_refused():
    fine, nothing = np.array([-1.0, np.inf]), np.empty(0)
    kernels.check_numbers(fine, nothing)
    with pytest.raises(kernels.NotANumberError):
        kernels.check_numbers(nothing, fine, np.array([[np.nan, 1.0]]))


def test_a_result_of_another_shape_or_type_is_refused():
    out = np.empty(2, np.float32)
    assert kernels.check_fit("op", np.float32([1, 2]), out).tolist() == [1.0, 2.0]
    for wrong in (np.float32([1]), np.float64([1, 2]), 1.0):
        with pytest.raises(TypeError, match=r"op: returned .* where for zeros it returned float32 \(2,\)"):
            kernels.check_fit("op", wrong, out)


@pytest.mark.parametrize(
    ("values", "dtype"), [(2.5, np.int64), (-1, np.uint8), (256, np.uint8), (np.nan, np.int64), (2, bool)]
)
def test_what_another_type_cannot_hold_is_refused(values, dtype):
    with pytest.raises(TypeError, match="cannot be held by"):
        kernels.cast_exactly(values, dtype)


@pytest.mark.parametrize("values", [1j, "text", None])
def test_what_is_no_real_number_is_refused(values):
    with pytest.raises(TypeError, match="expected real numbers, got"):
        kernels.cast_exactly(values, np.float64)


def test_what_another_type_holds_is_cast():
    for values, dtype in [(2.0, np.int64), (255, np.uint8), (1, bool), (0.1, np.float16), (True, np.int8)]:
        found = kernels.cast_exactly(values, dtype)
        assert (found.dtype, found.item()) == (dtype, np.asarray(values).astype(dtype).item())
    integers = np.arange(3)
    assert kernels.cast_exactly(integers, np.int64) is integers


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int32])
@pytest.mark.parametrize("rows", [[0, 2, 2], [-1, 0, -3], [[0, 1], [2, 2]], []], ids=str)
def test_rows_are_added_as_numpy_adds_them(rows, dtype):
    rows = np.array(rows, np.int64)
    values = normal((*rows.shape, 2), 3.0, dtype)
    expected = np.zeros((3, 2), kernels.find_sum_dtype(values.dtype))
    np.add.at(expected, rows, values)
    found = places.add_at_rows(values, rows, (3, 2))
    np.testing.assert_allclose(found, expected, rtol=close(dtype))
    assert found.dtype == (dtype if values.dtype.kind == "f" else np.int64)


@pytest.mark.parametrize("rows", [[0, 3], [-4, 0], [1, 2**40]], ids=str)
def test_rows_outside_are_refused(rows):
    outside = next(row for row in rows if not -3 <= row < 3)
    with pytest.raises(IndexError, match=rf"index {outside} is out of bounds for axis 0 with size 3"):
        places.add_at_rows(np.ones((2, 2)), np.array(rows), (3, 2))


@pytest.mark.parametrize("value", [1.0, np.inf, np.nan])
def test_rows_are_added_by_a_product_where_all_is_finite(value):
    values, rows = np.array([[1.0, 2.0], [value, 3.0], [4.0, 5.0]]), np.array([2, 0, 2])
    out, hot = np.empty((3, 2)), np.empty((3, 3))
    with np.errstate(invalid="ignore"):
        places.add_hot_rows(values, rows, np.eye(3), hot, out)
    np.testing.assert_array_equal(out, places.add_at_rows(values, rows, (3, 2)))
    np.testing.assert_array_equal(out, [[value, 3.0], [0.0, 0.0], [5.0, 7.0]])


@pytest.mark.parametrize("shape", [(3,), (1,), ()])
def test_one_value_may_be_added_at_several_places(shape):
    found = places.add_at_places(np.ones(shape), np.array([0, 2, 2]), (3,))
    assert found.tolist() == [1.0, 0.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_a_mask_hides_keeps_the_type(dtype):
    """Rows far apart, and one of which nothing is let through."""
    x, mask = np.array([[0, 99], [-99, 1], [1, 2]], dtype), np.array([[True, False], [True, True], [False, False]])
    found = kernels.shift_rows(x, -1, mask)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array([[0, -np.inf], [-100, 0], [-np.inf, -np.inf]], dtype))


FLOATS = [np.float16, np.float32, np.float64]


@pytest.mark.parametrize("of_bias", [*FLOATS, None])
@pytest.mark.parametrize("of_weight", FLOATS)
@pytest.mark.parametrize("of_x", FLOATS)
def test_a_linear_map_has_the_type_of_all_that_goes_into_it(of_x, of_weight, of_bias):
    x, weight = normal((2, 3, 4), dtype=of_x), normal((4, 5), dtype=of_weight, seed=1)
    bias = None if of_bias is None else normal(5, dtype=of_bias, seed=2)
    found = sums.linear(x, weight, bias)
    exact = x.astype(np.float64) @ weight.astype(np.float64) + (0.0 if bias is None else bias.astype(np.float64))
    dtype = np.result_type(*(a for a in (x, weight, bias) if a is not None))
    assert (found.shape, found.dtype) == ((2, 3, 5), dtype)
    allowed = max(close(a.dtype) for a in (x, weight))
    np.testing.assert_allclose(found, exact, rtol=allowed, atol=allowed)
    if of_x is of_weight is np.float16 and bias is not None:  # rounded once
        product = x.astype(np.float32) @ weight.astype(np.float32)
        np.testing.assert_array_equal(found, (product if bias is None else product + bias).astype(dtype))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, -1, -2, 0, 1, 2, (0, 2), (-1,)])
@every_dtype
def test_means_over_every_axis(axis, keepdims, dtype):
    x = np.abs(normal((3, 4, 50), 900.0, dtype)) + dtype(900)  # whose sums float16 does not hold
    found, exact = sums.mean(x, axis, keepdims), np.mean(x, axis, np.float64, keepdims=keepdims)
    assert (found.shape, found.dtype) == (exact.shape, np.mean(x, axis).dtype)
    np.testing.assert_allclose(found, exact, rtol=close(dtype))


def test_a_strong_product_keeps_the_sign_of_zero_and_is_zero_beside_infinity():
    x, y = np.array([-1.0, 0.0, np.inf, np.nan, np.nan, np.inf]), np.array([0.0, -np.inf, -0.0, 0.0, 1.0, np.inf])
    out, expected = np.empty(6), np.array([-0.0, 0.0, 0.0, 0.0, np.nan, np.inf])
    with np.errstate(invalid="ignore"):
        sums.write_strong_product(x, y, out)
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(np.signbit(out), np.signbit(expected))


@pytest.mark.parametrize("lay_out", [np.ascontiguousarray, np.asfortranarray])
def test_attention_of_halves_is_computed_in_float32(lay_out):
    tokens, g = lay_out(normal((15, 8), dtype=np.float16)), lay_out(normal((5, 8), dtype=np.float16, seed=1))
    wide, wide_g = tokens.astype(np.float32), g.astype(np.float32)
    context = blocks.blockwise_attention(tokens, None, None, 5, 2, False)
    expected = blocks.blockwise_attention(wide, None, None, 5, 2, False)
    np.testing.assert_array_equal(context, expected.astype(np.float16), strict=True)
    gradient = blocks.blockwise_attention_gradient(g, tokens, None, None, 5, 2, False)
    expected = blocks.blockwise_attention_gradient(wide_g, wide, None, None, 5, 2, False)
    np.testing.assert_array_equal(gradient, expected.astype(np.float16), strict=True)
