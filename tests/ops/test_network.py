"""What networks are made of, against plain NumPy; masks, infinities and rows that carry nothing."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

inf, nan = math.inf, math.nan


def value_and_gradients(function, inputs, g=1.0):
    value, gradients = mg.vjp(function, [np.asarray(x) for x in inputs], np.asarray(g, np.asarray(inputs[0]).dtype))
    return value.numpy(), *(gradient.numpy() for gradient in gradients)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


# --- softmax ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where", [np.array([[True, True, False], [False, False, False]]), Tensor([[True, True, False], [False] * 3])]
)
def test_N1_a_row_without_anything_gives_zeros_and_zero_gradients(where):
    for order in (1, 2):
        mg.check_gradients(lambda x: mg.softmax(x, where), [normal(2, 3)], order=order)
    value, gradient = value_and_gradients(
        lambda x: mg.softmax(x, where), [[[1.0, 2.0, nan], [inf, -inf, nan]]], normal(2, 3)
    )
    assert value[1].tolist() == [0, 0, 0]
    assert gradient[1].tolist() == [0, 0, 0]
    assert value[0, 2] == gradient[0, 2] == 0
    assert np.isfinite(value).all()
    assert np.isfinite(gradient).all()


def test_N2_a_row_of_minus_infinity_without_a_mask_is_nan():
    with np.errstate(invalid="ignore"):
        assert np.isnan(mg.softmax(Tensor([-inf] * 3)).numpy()).all()


def test_N3_an_entry_of_minus_infinity_has_no_gradient():
    value, gradient = value_and_gradients(mg.softmax, [[0.0, 1.0, -inf]], [1.0, 2.0, 3.0])
    np.testing.assert_allclose(value, [0.2689414213699951, 0.7310585786300049, 0], rtol=1e-15)
    np.testing.assert_allclose(gradient, [-0.19661193324148185, 0.19661193324148185, 0], rtol=1e-14)


def test_N36_the_gradient_of_softmax_adds_up_to_zero_along_its_axis():
    for axis in (0, 1, -1):
        _, gradient = value_and_gradients(
            lambda x, axis=axis: mg.softmax(x, axis=axis), [normal(6, 7) * 5], normal(6, 7, seed=1)
        )
        np.testing.assert_allclose(gradient.sum(axis), 0, atol=1e-15)


def test_softmax_of_huge_scores():
    value, gradient = value_and_gradients(mg.softmax, [[1e4, -1e4, 0.0]], [1.0, 2.0, 3.0])
    assert (value.tolist(), gradient.tolist()) == ([1, 0, 0], [0, 0, 0])


def test_log_softmax_with_a_mask():
    value, gradient = value_and_gradients(
        lambda x: mg.log_softmax(x, [True, True, False]), [[0.0, 1.0, 5.0]], [1.0, 2.0, 9.0]
    )
    np.testing.assert_allclose(value, [-1.3132616875182228, -0.31326168751822286, -inf], rtol=1e-15)
    np.testing.assert_allclose(gradient, [1 - 3 * 0.2689414213699951, 2 - 3 * 0.7310585786300049, 0], rtol=1e-14)


@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax])
@pytest.mark.parametrize("mask", [np.zeros(3), np.array([0, 1, 1])])
def test_masks_that_are_not_boolean_are_refused(function, mask):
    with pytest.raises(
        TypeError, match=rf"{function.name}.*expected booleans \(True = may attend\), got {mask.dtype}.*bias="
    ):
        function(Tensor(normal(3)), mask)


# --- normalisation ----------------------------------------------------------------------------------------------------


def test_N32_layer_norm_over_an_axis_of_one_element():
    x, gain, bias = np.full((3, 1), 1e6, np.float32), np.float32([2.0]), np.float32([0.5])
    value, dx, dgain, dbias = value_and_gradients(mg.layer_norm, [x, gain, bias], np.float32([[1], [2], [3]]))
    assert value.tolist() == [[0.5]] * 3
    assert dx.tolist() == [[0.0]] * 3
    assert (dgain.tolist(), dbias.tolist()) == ([0.0], [6.0])


def test_N33_layer_norm_of_a_constant_row_is_exactly_the_bias():
    x, bias = np.full((2, 48), 1e6, np.float32), normal(48).astype(np.float32)
    value, dx, _, _ = value_and_gradients(mg.layer_norm, [x, np.ones(48, np.float32), bias], normal(2, 48, seed=1))
    assert (value == bias).all()
    assert np.isfinite(dx).all()


def test_N34_layer_norm_far_from_zero_in_float32():
    x = (1e4 + normal(4, 64)).astype(np.float32)
    exact = mg.layer_norm(x.astype(np.float64))
    assert np.abs(mg.layer_norm(x) - exact).max() < 3e-3


def test_layer_norm_against_numpy():
    x, gain, bias = normal(2, 3, 8), normal(8, seed=1), normal(8, seed=2)
    expected = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * gain + bias
    np.testing.assert_allclose(mg.layer_norm(Tensor(x), gain, bias).numpy(), expected, rtol=1e-13, atol=1e-14)
    expected = x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * gain
    np.testing.assert_allclose(mg.rms_norm(Tensor(x), gain).numpy(), expected, rtol=1e-13)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_embedding_adds_up_the_gradient_of_repeated_rows():
    weight, indices = normal(5, 2), np.array([[1, 3], [1, 1]])
    value, gradient = value_and_gradients(lambda w: mg.embedding(w, indices), [weight], np.ones((2, 2, 2)))
    assert value.tolist() == weight[indices].tolist()
    assert gradient[:, 0].tolist() == [0, 3, 0, 1, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_D10_indices_of_any_integer_type(dtype):
    assert mg.embedding(Tensor(normal(5, 2)), np.array([4, 0], dtype)).shape == (2, 2)
    assert mg.one_hot(np.array([1, 0], dtype), classes=2).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("indices", "culprit"), [([[0, 1], [10, 2]], r"index 10 at \(1, 0\)"), ([3, -1], r"index -1 at \(1,\)")]
)
def test_E4_indices_outside_the_table_are_named_with_their_place(indices, culprit):
    with pytest.raises(IndexError, match=rf"embedding: {culprit} is outside 0 … 9"):
        mg.embedding(Tensor(normal(10, 2)), indices)
    with pytest.raises(IndexError, match=rf"one_hot: {culprit} is outside 0 … 9"):
        mg.one_hot(indices, classes=10)


def test_E4_indices_that_are_not_integers_are_refused():
    with pytest.raises(TypeError, match="embedding: indices must be integers, got float64"):
        mg.embedding(Tensor(normal(10, 2)), [0.0])


# --- dropout ----------------------------------------------------------------------------------------------------------


def test_dropout_keeps_the_expectation_and_drops_the_same_entries_of_the_gradient():
    x = np.full((100, 100), 3.0)
    value, gradient = value_and_gradients(
        lambda x: mg.dropout(x, 0.25, np.random.default_rng(0)), [x], np.ones(x.shape)
    )
    kept = np.random.default_rng(0).random((100, 100), np.float32) >= 0.25
    np.testing.assert_array_equal(value, np.where(kept, x / 0.75, 0))
    np.testing.assert_array_equal(gradient, np.where(kept, 1 / 0.75, 0))
    assert value.mean() == pytest.approx(3.0, abs=0.05)


def test_dropout_at_the_ends_of_its_range():
    x = Tensor([1.0, 2.0])
    assert mg.dropout(x, 0.0).tolist() == [1.0, 2.0]
    assert mg.dropout(x, 1.0, np.random.default_rng(0)).tolist() == [0.0, 0.0]
    assert mg.dropout(Tensor(np.ones(4, np.float32)), 0.5, np.random.default_rng(0)).dtype == np.float32


@pytest.mark.parametrize("rate", [-0.1, 1.5, nan])
def test_E6_dropout_rate_outside_its_range(rate):
    with pytest.raises(ValueError, match=rf"dropout: rate={rate} must be between 0 and 1"):
        mg.dropout(Tensor([1.0]), rate, np.random.default_rng(0))


def test_random_numbers_need_a_generator_and_take_the_one_in_force():
    with pytest.raises(mg.GraphError, match=r"with minigrad.generator\(numpy.random.default_rng\(0\)\):"):
        mg.dropout(Tensor([1.0]), 0.5)
    with mg.generator(np.random.default_rng(3)):
        first = mg.dropout(Tensor(np.ones(20)), 0.5)
    assert first.tolist() == mg.dropout(Tensor(np.ones(20)), 0.5, np.random.default_rng(3)).tolist()


# --- losses -----------------------------------------------------------------------------------------------------------


def cross_entropy_in_numpy(logits, targets, ignore_index=None, label_smoothing=0.0):
    """The textbook way, target by target: −Σ q log p."""
    losses = []
    for row, target in zip(logits.reshape(-1, logits.shape[-1]), np.ravel(targets), strict=True):
        if target == ignore_index:
            continue
        wanted = np.full(row.size, label_smoothing / row.size)
        wanted[target] += 1 - label_smoothing
        losses.append(-np.sum(wanted * np.log(np.exp(row) / np.exp(row).sum())))
    return np.mean(losses)


@pytest.mark.parametrize(
    "options", [{}, {"label_smoothing": 0.2}, {"ignore_index": 1}, {"ignore_index": -100, "label_smoothing": 1.0}]
)
def test_cross_entropy_against_numpy(options):
    logits, targets = normal(3, 4, 5), np.random.default_rng(1).integers(0, 5, (3, 4))
    if options.get("ignore_index") == -100:
        targets[0] = -100
    value = mg.cross_entropy(Tensor(logits), targets, **options)
    assert float(value) == pytest.approx(cross_entropy_in_numpy(logits, targets, **options), rel=1e-13)
    mg.check_gradients(lambda x: mg.cross_entropy(x, targets, **options), [logits], order=2)


def test_N7_cross_entropy_of_a_confident_mistake():
    value, gradient = value_and_gradients(lambda x: mg.cross_entropy(x, [1]), [[[1e4, -1e4]]])
    assert (float(value), gradient.tolist()) == (20000.0, [[1.0, -1.0]])


def test_N8_cross_entropy_of_an_impossible_target():
    value, gradient = value_and_gradients(lambda x: mg.cross_entropy(x, [2]), [[[0.0, 1.0, -inf]]])
    assert float(value) == inf
    np.testing.assert_allclose(gradient, [[0.2689414213699951, 0.7310585786300049, -1]], rtol=1e-15)


def test_N9_cross_entropy_of_targets_that_are_all_ignored():
    value, gradient = value_and_gradients(lambda x: mg.cross_entropy(x, [7, 7], ignore_index=7), [normal(2, 3)])
    assert np.isnan(value)
    assert gradient.tolist() == [[0, 0, 0], [0, 0, 0]]


def test_ignored_rows_carry_no_gradient_whatever_they_hold():
    logits = np.array([[1.0, 2.0], [nan, inf]])
    value, gradient = value_and_gradients(lambda x: mg.cross_entropy(x, [0, -1], ignore_index=-1), [logits])
    assert float(value) == pytest.approx(1.3132616875182228, rel=1e-15)
    assert gradient[1].tolist() == [0, 0]


def test_E4_targets_that_do_not_fit():
    logits = Tensor(normal(2, 5))
    with pytest.raises(IndexError, match=r"cross_entropy: index 7 at \(1,\) is outside 0 … 4"):
        mg.cross_entropy(logits, [0, 7])
    with pytest.raises(TypeError, match="cross_entropy: indices must be integers, got float64"):
        mg.cross_entropy(logits, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"targets of shape \(3,\) for logits \(2, 5\): expected \(2,\), classes last"):
        mg.cross_entropy(logits, [0, 1, 2])


def test_mse_against_numpy():
    x, target = normal(3, 4), normal(3, 4, seed=1)
    value, gradient = value_and_gradients(lambda x: mg.mse(x, target), [x])
    assert float(value) == pytest.approx(np.mean((x - target) ** 2), rel=1e-15)
    np.testing.assert_allclose(gradient, 2 * (x - target) / 12, rtol=1e-14)


def test_E4_the_target_that_does_not_fit_is_named_and_not_an_ignored_one():
    with pytest.raises(IndexError, match=r"index 7 at \(1,\) is outside 0 … 4"):
        mg.cross_entropy(np.zeros((2, 5)), np.array([-1, 7]), ignore_index=-1)
