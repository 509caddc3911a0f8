"""Random shapes, axes, indices and equations: values are NumPy's, gradients those of finite differences.

The examples are the same in every run. Where one fails, Hypothesis looks for a smaller one.
"""

import string

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import minigrad as mg
from minigrad import Tensor

few = settings(max_examples=25, deadline=None, derandomize=True, database=None)
shapes = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
filled = npst.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=3)
seeds = st.integers(0, 2**32 - 1)


def numbers(seed, *arrays_shapes, low=-2.0, high=2.0):
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.uniform(low, high, shape)) for shape in arrays_shapes]


def ties(seed, shape):
    """Few different numbers, so that equal ones are common."""
    return np.asarray(np.random.default_rng(seed).integers(0, 3, shape), float)


def agrees(function, reference, arrays):
    """The value is NumPy's on arrays and on Tensors, and derivatives to second order are right."""
    expected = np.asarray(reference(*arrays))
    for found in (np.asarray(function(*arrays)), function(*(Tensor(x) for x in arrays)).numpy()):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13, strict=True)
    mg.check_gradients(function, arrays, order=2, elements=3, directions=1)


# --- broadcasting -----------------------------------------------------------------------------------------------------

PAIRS = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]


@few
@given(
    st.sampled_from(PAIRS), npst.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, min_side=0, max_side=3), seeds
)
def test_S3_S4_pairs_of_any_broadcastable_shapes(name, broadcastable, seed):
    arrays = numbers(seed, *broadcastable.input_shapes, low=0.5)
    agrees(getattr(mg, name), getattr(np, name), arrays)


@few
@given(npst.mutually_broadcastable_shapes(num_shapes=3, max_dims=3, min_side=0, max_side=3), seeds)
def test_S6_where_of_any_broadcastable_shapes(broadcastable, seed):
    of_condition, *others = broadcastable.input_shapes
    condition = np.asarray(np.random.default_rng(seed).integers(0, 2, of_condition)).astype(bool)
    agrees(lambda x, y: mg.where(condition, x, y), lambda x, y: np.where(condition, x, y), numbers(seed, *others))


# --- reductions -------------------------------------------------------------------------------------------------------


@st.composite
def axes_of(draw, shape):
    """None, one axis, or several, counted from either end."""
    ndim = len(shape)
    chosen = draw(npst.valid_tuple_axes(ndim)) if ndim else ()
    return draw(st.sampled_from([None, chosen, chosen[0] if chosen else ()]))


@st.composite
def reductions(draw, of_shapes):
    shape = draw(of_shapes)
    return shape, draw(axes_of(shape)), draw(st.booleans()), draw(seeds)


def checked_reduction(name, reduction):
    shape, axis, keepdims, seed = reduction
    agrees(
        lambda x: getattr(mg, name)(x, axis=axis, keepdims=keepdims),
        lambda x: getattr(np, name)(x, axis=axis, keepdims=keepdims),
        numbers(seed, shape),
    )


@few
@given(st.sampled_from(["sum", "prod"]), reductions(shapes))
def test_S2_S8_S9_sums_and_products_over_any_axes(name, reduction):
    checked_reduction(name, reduction)


@few
@given(st.sampled_from(["mean", "max", "min", "var", "ptp"]), reductions(filled))
def test_S8_S9_reductions_over_any_axes(name, reduction):
    checked_reduction(name, reduction)


@few
@given(st.sampled_from(["cumsum", "cumprod"]), shapes, st.data(), seeds)
def test_S8_running_sums_and_products_along_any_axis(name, shape, data, seed):
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    agrees(lambda x: getattr(mg, name)(x, axis), lambda x: getattr(np, name)(x, axis), numbers(seed, shape))


# --- ties -------------------------------------------------------------------------------------------------------------


@few
@given(st.sampled_from(["max", "min"]), reductions(filled))
def test_N26_the_shares_of_ties_add_up_to_what_comes_in(name, reduction):
    shape, axis, keepdims, seed = reduction
    x = ties(seed, shape)
    value = getattr(np, name)(x, axis=axis, keepdims=True)
    (g,) = numbers(seed, getattr(np, name)(x, axis=axis, keepdims=keepdims).shape)
    _, (gradient,) = mg.vjp(lambda x: getattr(mg, name)(x, axis=axis, keepdims=keepdims), [x], g)
    shares = np.where(x == value, g.reshape(value.shape) / (x == value).sum(axis, keepdims=True), 0.0)
    np.testing.assert_allclose(gradient.numpy(), shares, rtol=1e-14)
    np.testing.assert_allclose(gradient.numpy().sum(axis, keepdims=keepdims), g, rtol=1e-13)


@few
@given(st.sampled_from(["maximum", "minimum"]), filled, seeds)
def test_N27_two_that_are_equal_share_what_comes_in(name, shape, seed):
    x, y = ties(seed, shape), ties(seed + 1, shape)
    (g,) = numbers(seed, shape)
    _, (gx, gy) = mg.vjp(getattr(mg, name), [x, y], g)
    np.testing.assert_array_equal(gx.numpy() + gy.numpy(), g)
    np.testing.assert_array_equal(gx.numpy()[x == y], g[x == y] / 2)


@few
@given(filled, st.data(), seeds)
def test_sorting_with_ties_hands_every_gradient_on_once(shape, data, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = ties(seed, shape)
    (g,) = numbers(seed, shape)
    value, (gradient,) = mg.vjp(lambda x: mg.sort(x, axis), [x], g)
    np.testing.assert_array_equal(value.numpy(), np.sort(x, axis))
    np.testing.assert_array_equal(np.sort(gradient.numpy(), axis), np.sort(g, axis))


# --- indices ----------------------------------------------------------------------------------------------------------


@few
@given(filled, st.data(), seeds)
def test_S12_indices_that_repeat_add_up(shape, data, seed):
    rows, columns = data.draw(npst.integer_array_indices(shape[:1], result_shape=filled)), slice(None, None, -1)
    key = (*rows, columns) if len(shape) > 1 else rows
    (x,) = numbers(seed, shape)
    agrees(lambda x: x[key], lambda x: x[key], [x])
    (g,) = numbers(seed, x[key].shape)
    _, (gradient,) = mg.vjp(lambda x: x[key], [x], g)
    expected = np.zeros(shape)
    np.add.at(expected, key, g)
    np.testing.assert_allclose(gradient.numpy(), expected, rtol=1e-13, atol=1e-14)


@few
@given(filled, st.data(), seeds)
def test_S12_take_with_repeats_along_any_axis(shape, data, seed):
    axis = data.draw(st.sampled_from([None, *range(-len(shape), len(shape))]))
    length = np.prod(shape) if axis is None else shape[axis]
    indices = np.asarray(np.random.default_rng(seed).integers(-length, length, data.draw(shapes)))
    agrees(lambda x: mg.take(x, indices, axis), lambda x: np.take(x, indices, axis), numbers(seed, shape))


@few
@given(filled, st.data(), seeds)
def test_S12_one_index_per_row_with_repeats_and_its_reverse(shape, data, seed):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    places = list(shape)
    places[axis] = data.draw(st.integers(0, 4))
    indices = np.random.default_rng(seed).integers(0, shape[axis], places)
    agrees(
        lambda x: mg.take_along_axis(x, indices, axis),
        lambda x: np.take_along_axis(x, indices, axis),
        numbers(seed, shape),
    )
    x, values = numbers(seed, shape, tuple(places))
    taken = np.take_along_axis(x, indices, axis)
    added = mg.add_along_axis(values, indices, axis=axis, shape=shape)
    np.testing.assert_allclose((taken * values).sum(), (x * added).sum(), rtol=1e-12, atol=1e-13)


# --- equations --------------------------------------------------------------------------------------------------------


@st.composite
def equations(draw):
    """Subscripts, and the shapes of operands that fit: labels that repeat, dots, lengths of 1 that broadcast."""
    lengths = dict(zip("ijK", draw(st.tuples(*[st.integers(0, 3)] * 3)), strict=True))
    behind_dots = draw(st.lists(st.integers(1, 3), max_size=2))
    terms, operands = [], []
    for _ in range(draw(st.integers(1, 3))):
        labels = draw(st.lists(st.sampled_from("ijK"), max_size=3))
        own = {label: draw(st.sampled_from([lengths[label]] * 3 + [1])) for label in dict.fromkeys(labels)}
        shape = [own[label] for label in labels]
        if draw(st.booleans()):
            place = draw(st.integers(0, len(labels)))
            dots = behind_dots[draw(st.integers(0, len(behind_dots))) :]
            shape[place:place] = [draw(st.sampled_from([n, n, 1])) for n in dots]
            labels.insert(place, "...")
        terms.append("".join(labels))
        operands.append(tuple(shape))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        output = draw(st.permutations(sorted({*subscripts} & {*string.ascii_letters})))
        output = output[: draw(st.integers(0, len(output)))]
        if "..." in subscripts:
            output.insert(draw(st.integers(0, len(output))), "...")
        subscripts = f"{subscripts} -> {''.join(output)}"
    return subscripts, operands


@settings(few, max_examples=60)
@given(equations(), seeds)
def test_S11_any_equation(equation, seed):
    subscripts, operands = equation
    agrees(lambda *xs: mg.einsum(subscripts, *xs), lambda *xs: np.einsum(subscripts, *xs), numbers(seed, *operands))
