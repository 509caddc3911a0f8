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
    assert "Without a mask, a row of −∞ is 0/0: NaN." in mg.softmax.__doc__


@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax])
@pytest.mark.parametrize("axis", [-1, 0])
@pytest.mark.parametrize("bad", [nan, inf])
@pytest.mark.parametrize("expanded", [(), ("softmax", "log_softmax", "logsumexp")])
def test_N2_what_is_no_number_leaves_none_in_its_row_with_a_mask_too(function, axis, bad, expanded):
    x, where = np.array([[0.0, bad, 1.0, 2.0]]), np.array([[True, True, True, False]])
    x, where = (x, where) if axis else (x.T, where.T)
    with mg.expanded(*expanded), np.errstate(invalid="ignore"):
        y = function(Tensor(x, requires_grad=True), where=where, axis=axis)
    assert np.isnan(y.numpy()[where]).all()


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
    for scale in (1e-8, 1e8):
        _, gradient = value_and_gradients(mg.softmax, [normal(6, 7)], normal(6, 7, seed=1) * scale)
        np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-15 * scale)


def test_softmax_of_huge_scores():
    value, gradient = value_and_gradients(mg.softmax, [[1e4, -1e4, 0.0]], [1.0, 2.0, 3.0])
    assert (value.tolist(), gradient.tolist()) == ([1, 0, 0], [0, 0, 0])


@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax])
def test_a_row_of_no_scores_has_no_weights(function):
    for where in (None, np.zeros((2, 0), bool)):
        value, gradient = value_and_gradients(
            lambda x, where=where: function(x, where), [np.zeros((2, 0))], normal(2, 0)
        )
        assert value.shape == gradient.shape == (2, 0)


def test_D6_softmax_over_70000_scores_in_float16():
    scores = np.zeros((2, 70_000), np.float16)
    for where in (None, np.ones(70_000, bool)):
        weights = mg.softmax(scores, where)
        assert weights.dtype == np.float16
        np.testing.assert_allclose(weights, 1 / 70_000, rtol=1e-2)
        np.testing.assert_allclose(mg.log_softmax(scores, where), -np.log(70_000), rtol=1e-3)


def test_long_doubles_keep_their_precision():
    x = np.array([0.0, 1.0], np.longdouble)
    for function in (mg.softmax, mg.log_softmax, mg.standardize):
        assert function(x).dtype == np.longdouble
    assert abs(mg.softmax(x).sum() - 1) <= np.finfo(np.longdouble).eps


def test_log_softmax_with_a_mask():
    value, gradient = value_and_gradients(
        lambda x: mg.log_softmax(x, [True, True, False]), [[0.0, 1.0, 5.0]], [1.0, 2.0, 9.0]
    )
    np.testing.assert_allclose(value, [-1.3132616875182228, -0.31326168751822286, -inf], rtol=1e-15)
    np.testing.assert_allclose(gradient, [1 - 3 * 0.2689414213699951, 2 - 3 * 0.7310585786300049, 0], rtol=1e-14)


@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax])
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("spread", [1.0, 100.0])
@pytest.mark.parametrize("shape", [(2, 3), (3,), (4, 2, 3)], ids=str)
def test_a_definition_has_the_same_values_under_every_mask(function, axis, spread, shape):
    x, mask = normal(2, 3) * spread, normal(*shape, seed=1) > -0.5
    value = function(x, mask, axis=axis)
    graph = mg.trace(lambda x, mask: function(x, mask, axis=axis), x, mask)
    assert (graph[-1].shape, graph[-1].dtype) == (value.shape, value.dtype)
    with mg.expanded(function.name), np.errstate(invalid="ignore"):
        np.testing.assert_allclose(function(x, mask, axis=axis), value, rtol=1e-12, atol=1e-13)


def test_a_mask_may_have_more_axes_than_the_scores():
    mask = np.array([[True, True, False], [False, True, True]])
    scores = np.array([0.0, math.log(3.0), 0.0])
    expected = [[0.25, 0.75, 0.0], [0.0, 0.75, 0.25]]
    np.testing.assert_allclose(mg.softmax(scores, mask), expected, rtol=1e-15)
    mg.check_gradients(lambda x: mg.softmax(x, mask), [scores], order=2)


def test_one_hot_of_one_class():
    assert mg.one_hot([0, 0], classes=1).tolist() == [[1.0], [1.0]]


@pytest.mark.parametrize("function", [mg.softmax, mg.log_softmax])
@pytest.mark.parametrize("mask", [np.zeros(3), np.array([0, 1, 1])])
def test_masks_that_are_not_boolean_are_refused(function, mask):
    with pytest.raises(
        TypeError, match=rf"{function.name}.*expected booleans \(True = may attend\), got {mask.dtype}.*bias="
    ):
        function(Tensor(normal(3)), mask)


# --- tokens -----------------------------------------------------------------------------------------------------------


def test_embedding_adds_up_the_gradient_of_repeated_rows():
    weight, indices = normal(5, 2), np.array([[1, 3], [1, 1]])
    value, gradient = value_and_gradients(lambda w: mg.embedding(w, indices), [weight], np.ones((2, 2, 2)))
    assert value.tolist() == weight[indices].tolist()
    assert gradient[:, 0].tolist() == [0, 3, 0, 1, 0]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_D10_the_gradient_of_rows_is_right_for_small_index_types(dtype):
    indices = np.array([10, 100, 100, 3], dtype)
    _, gradient = value_and_gradients(lambda w: mg.embedding(w, indices), [np.zeros((300, 48))], np.ones((4, 48)))
    assert np.flatnonzero(gradient.any(-1)).tolist() == [3, 10, 100]
    assert gradient[[3, 10, 100]].tolist() == [[1.0] * 48, [1.0] * 48, [2.0] * 48]


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_D10_indices_of_any_integer_type(dtype):
    assert mg.embedding(Tensor(normal(5, 2)), np.array([4, 0], dtype)).shape == (2, 2)
    assert mg.one_hot(np.array([1, 0], dtype), classes=2).tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("indices", "culprit"), [([[0, 1], [10, 2]], r"index 10 at \(1, 0\)"), ([3, -1], r"index -1 at \(1,\)")]
)
def test_E4_indices_outside_the_table_are_named_with_their_place(indices, culprit):
    with pytest.raises(IndexError, match=rf"(?s)embedding.*{culprit} is outside 0 … 9"):
        mg.embedding(Tensor(normal(10, 2)), indices)
    with pytest.raises(IndexError, match=rf"(?s)one_hot.*{culprit} is outside 0 … 9"):
        mg.one_hot(indices, classes=10)


def test_E4_indices_that_are_not_integers_are_refused():
    with pytest.raises(TypeError, match=r"(?s)embedding.*indices must be integers, got float64"):
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


def test_what_is_no_generator_is_refused():
    with pytest.raises(TypeError, match=r"expected a numpy\.random\.Generator, got RandomState"):
        mg.generator(np.random.RandomState(0))
    with pytest.raises(TypeError, match=r"random_uniform.*expected a numpy\.random\.Generator, got int"):
        mg.dropout(Tensor([1.0]), 0.5, 3)


def test_captured_draws_have_the_shape_and_type_they_are_asked_for():
    rng = np.random.default_rng(0)
    for draw in (mg.random_uniform, mg.random_normal):
        graph = mg.trace(lambda x, draw=draw: x * draw(shape=(2, 3), dtype="float32", generator=rng), np.float32(1.0))
        assert (graph[-1].shape, graph[-1].dtype) == ((2, 3), np.float32)
