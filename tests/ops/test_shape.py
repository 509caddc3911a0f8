"""Rearranging elements, as NumPy does it; the gradient goes back to where each element came from."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


def gradient(function, x, g):
    """The gradient of one input."""
    return mg.vjp(function, [x], g)[1][0].numpy()


def numbered(*shape):
    """1, 2, 3, … in a shape: an incoming gradient whose places can be told apart."""
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


def test_S5_broadcast_to_sums_over_new_and_stretched_axes():
    g = numbered(2, 5, 5)
    assert gradient(lambda x: mg.broadcast_to(x, (2, 5, 5)), np.ones((5, 1)), g).tolist() == (
        g.sum((0, 2))[:, None].tolist()
    )


@pytest.mark.parametrize("axes", [(0, -2, -1, 1), (0, 2, 3, -3), (3, 2, 1, 0), (-1, 0, 1, 2), None])
def test_S7_transpose_is_undone_by_the_inverse_permutation(axes):
    x = np.random.default_rng(0).standard_normal((2, 3, 4, 5))
    y = np.transpose(x, axes)
    assert mg.transpose(Tensor(x), axes).numpy().tolist() == y.tolist()
    assert gradient(lambda x: mg.transpose(x, axes), np.zeros(x.shape), y).tolist() == x.tolist()


@pytest.mark.parametrize(
    "function",
    [lambda x: x.reshape(4, 6), lambda x: x.reshape((-1, 2)), lambda x: x.T, lambda x: x.swapaxes(0, -1),
     lambda x: x.expand_dims((0, -1)), lambda x: x.reshape(2, 1, 3, 4).squeeze(1), lambda x: x.reshape(-1)],
)  # fmt: skip
def test_rearranging_back_gives_the_incoming_gradient_in_place(function):
    x = numbered(2, 3, 4)
    assert gradient(function, np.zeros(x.shape), function(Tensor(x)).numpy()).tolist() == x.tolist()


@pytest.mark.parametrize("axis", [-1, (0, -1), (-1, 0), ()])
def test_S8_axes_of_both_signs(axis):
    x = numbered(1, 2, 1)
    assert mg.expand_dims(Tensor(x), axis).shape == np.expand_dims(x, axis).shape
    assert mg.squeeze(Tensor(x), axis).shape == np.squeeze(x, axis).shape
    assert mg.flip(Tensor(x), axis).tolist() == np.flip(x, axis).tolist()


AXES = {
    "squeeze": lambda x, axes: mg.squeeze(x, axes), "transpose": mg.transpose, "flip": mg.flip,
    "moveaxis": lambda x, axes: mg.moveaxis(x, axes, (0, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", AXES)
def test_S8_E2_an_axis_twice_or_out_of_range(name):
    for x in (np.ones((1, 1)), Tensor(np.ones((1, 1)))):
        with pytest.raises(ValueError, match=rf"(?=.*{name}).*(repeated|duplicate)"):
            AXES[name](x, (0, -2))
        with pytest.raises(np.exceptions.AxisError, match=rf"{name}.*axis 2 is out of bounds .* dimension 2"):
            AXES[name](x, (0, 2))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("expand_dims", (7,)), ("swapaxes", (0, 7)), ("concatenate", (7,)), ("stack", (7,)), ("split", (2, 7)),
     ("take", (0, 7)), ("sort", (7,)), ("argsort", (7,)), ("take_along_axis", ([[0]], 7)), ("softmax", (None, 7)),
     ("log_softmax", (None, 7))],
)  # fmt: skip
def test_E2_an_axis_that_is_not_there_names_operation_axis_and_dimensions(name, arguments):
    for x in (np.ones((2, 2)), Tensor(np.ones((2, 2)))):
        first = [x, x] if name in ("concatenate", "stack") else x
        options = {"axis": 7} if "softmax" in name else {}
        with pytest.raises(np.exceptions.AxisError, match=rf"{name}.*axis 7 is out of bounds .* dimension [23]"):
            getattr(mg, name)(first, *(arguments[:1] if options else arguments), **options)


def test_S17_both_halves_of_a_concatenation_count():
    assert gradient(lambda x: mg.concatenate([x, x]), np.zeros(2), [1.0, 2.0, 10.0, 20.0]).tolist() == [11.0, 22.0]


def test_S17_an_empty_part_has_an_empty_gradient():
    _, (full, empty) = mg.vjp(lambda *parts: mg.concatenate(parts), [np.ones((2, 5)), np.ones((0, 5))], numbered(2, 5))
    assert full.tolist() == numbered(2, 5).tolist()
    assert empty.shape == (0, 5)


def test_S17_a_stack_of_one_keeps_its_shape():
    assert mg.stack([Tensor([1.0, 2.0])]).tolist() == [[1.0, 2.0]]
    assert gradient(lambda x: mg.stack([x]), np.zeros(2), [[3.0, 4.0]]).tolist() == [3.0, 4.0]


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_concatenate_is_numpys_on_every_axis(axis):
    x, y = numbered(2, 3), -numbered(2, 3)
    joined = np.concatenate([x, y], axis)
    assert mg.concatenate([Tensor(x), y], axis).tolist() == joined.tolist()
    _, found = mg.vjp(lambda x, y: mg.concatenate([x, y], axis), [x, y], joined)
    assert [g.tolist() for g in found] == [x.tolist(), y.tolist()]


def test_S18_a_part_of_a_split_that_is_not_used_gets_zeros():
    assert gradient(lambda x: mg.split(x, [1, 3])[1], np.zeros(5), [7.0, 8.0]).tolist() == [0.0, 7.0, 8.0, 0.0, 0.0]


def test_S18_split_is_numpys():
    x = numbered(4, 6)
    for sections, axis in ((2, 0), (3, 1), ([1, 3], 1), ([], 0), ([5, 9], -1)):
        parts = mg.split(Tensor(x), sections, axis)
        assert [p.tolist() for p in parts] == [p.tolist() for p in np.split(x, sections, axis)]
    with pytest.raises(ValueError, match="an axis of length 4 does not divide into 3 equal sections"):
        mg.split(Tensor(x), 3)


def test_S19_reshape_of_an_empty_array():
    assert mg.reshape(Tensor(np.zeros((0, 5))), (5, -1)).shape == (5, 0)
    with pytest.raises(ValueError, match=r"reshape\(x: float64 \(0, 5\), shape=\(-1, 0\)\)"):
        mg.reshape(Tensor(np.zeros((0, 5))), (-1, 0))
    assert gradient(lambda x: x.reshape(5, -1), np.zeros((0, 5)), np.zeros((5, 0))).shape == (0, 5)


def test_large_broadcasts_are_views():
    assert mg.broadcast_to(np.zeros(()), (2**18, 2**18)).strides == (0, 0)


@pytest.mark.parametrize(
    ("shape", "target"),
    [((2, 1, 5), (1, 1)), ((2, 3, 5), (1, 5)), ((3, 1, 5), (3, 1, 1)), ((2, 3, 4, 5), (3, 1, 5)), ((4, 3), (4, 1)),
     ((2, 1, 4), (1, 4)), ((3, 4), (1, 1)), ((3, 4), (3, 4))],
)  # fmt: skip
def test_sum_to_undoes_broadcasting(shape, target):
    x = np.random.default_rng(0).standard_normal(shape)
    wide = (1,) * (len(shape) - len(target)) + target
    expected = np.sum(x, tuple(i for i, n in enumerate(wide) if n == 1), keepdims=True).reshape(target)
    np.testing.assert_allclose(mg.sum_to(x, target), expected, rtol=1e-14, strict=True)


@pytest.mark.parametrize("k", [-4, -1, 0, 1, 4])
def test_triangles_are_numpys(k):
    x = numbered(2, 3, 4)
    assert mg.tril(Tensor(x), k).tolist() == np.tril(x, k).tolist()
    assert mg.triu(Tensor(x), k=k).tolist() == np.triu(x, k).tolist()
    assert gradient(lambda x: mg.tril(x, k), np.zeros(x.shape), x).tolist() == np.tril(x, k).tolist()


def test_N38_the_sign_of_zero_survives_rearranging():
    x = Tensor([[-0.0, 0.0]])
    for y in (x.T, x.reshape(2), x[0], mg.broadcast_to(x, (3, 2))[0], mg.concatenate([x, x])[0], mg.stack([x])[0, 0]):
        assert np.signbit(y.numpy()).ravel().tolist() == [True, False]


@pytest.mark.parametrize(
    "function", [lambda x: x.reshape(1, 1), lambda x: x.T, lambda x: mg.expand_dims(x, 0), lambda x: mg.squeeze(x),
                 lambda x: mg.broadcast_to(x, (2, 2)), lambda x: mg.stack([x, x]), lambda x: mg.sum_to(x, ())],
)  # fmt: skip
def test_S1_numbers_can_be_rearranged(function):
    y = function(Tensor(2.0))
    g = gradient(function, 2.0, np.ones(y.shape))
    assert (type(y._held), g.shape, float(g)) == (np.ndarray, (), y.size)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"reshape\(x: float64 \(2, 3\), shape=\(4, 2\)\)"):
        Tensor(np.ones((2, 3))).reshape(4, 2)
    with pytest.raises(ValueError, match=r"sum_to.*shape \(2,\) cannot be broadcast to \(2, 3\)"):
        mg.sum_to(Tensor(np.ones((2, 3))), (2,))
    with pytest.raises(ValueError, match=r"concatenate\(arrays: float64 \(2, 3\), arrays: float64 \(2, 2\)"):
        mg.concatenate([Tensor(np.ones((2, 3))), np.ones((2, 2))])


def test_the_rules_of_all_parts_at_once_are_those_of_each():
    rng = np.random.default_rng(0)
    arrays, params = [rng.standard_normal((2, n)) for n in (1, 3, 2)], {"axis": 1}
    y = mg.concatenate(arrays, **params)
    g = rng.standard_normal(y.shape)
    for position, rule in mg.concatenate.joined(*arrays, **params).items():
        expected = mg.concatenate.rule(position)(g, y, *arrays, **params)
        np.testing.assert_array_equal(rule(g, y), expected)
        assert expected.shape == arrays[position].shape
