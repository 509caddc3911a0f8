"""Matrix products against NumPy, over all combinations of ranks, and with nothing to sum over."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

SHAPES = {
    "1-1": ((3,), (3,)), "1-2": ((3,), (3, 2)), "2-1": ((2, 3), (3,)), "2-2": ((2, 3), (3, 4)),
    "3-2": ((2, 2, 3), (3, 4)), "2-3": ((2, 3), (5, 3, 4)), "batches": ((2, 1, 3, 4), (5, 4, 6)),
    "1-4": ((4,), (2, 3, 4, 2)), "4-1": ((2, 3, 5, 4), (4,)), "3-1": ((2, 3, 4), (4,)), "1-3": ((3,), (2, 3, 4)),
    "empty sum": ((5, 0), (0, 10)), "no rows": ((0, 3), (3, 4)), "no matrices": ((0, 2, 3), (3, 4)),
    "empty batch": ((0, 2, 3), (0, 3, 4)), "one batch for many": ((1, 2, 3), (4, 3, 2)),
}  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPES.values(), ids=SHAPES.keys())
def test_S3_S10_matmul_is_numpys_and_its_gradient_sums_over_batches(left, right):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal(left), rng.standard_normal(right)
    expected = x @ y
    g = rng.standard_normal(expected.shape)
    value, (gx, gy) = mg.vjp(mg.matmul, [x, y], g)
    np.testing.assert_allclose(value.numpy(), expected, rtol=1e-14, atol=1e-14, strict=True)
    # The gradients by einsum, over operands that are broadcast and given all their axes.
    rows, columns = x if x.ndim > 1 else x[None], y if y.ndim > 1 else y[:, None]
    full_g = g.reshape(np.broadcast_shapes(rows.shape[:-2], columns.shape[:-2]) + (rows.shape[-2], columns.shape[-1]))
    full_x = np.broadcast_to(rows, full_g.shape[:-2] + rows.shape[-2:])
    full_y = np.broadcast_to(columns, full_g.shape[:-2] + columns.shape[-2:])
    for found, full, operand in (
        (gx, np.einsum("...ij,...kj->...ik", full_g, full_y), rows),
        (gy, np.einsum("...ji,...jk->...ik", full_x, full_g), columns),
    ):
        summed = mg.sum_to(full, operand.shape)
        np.testing.assert_allclose(found.numpy(), summed.reshape(found.shape), rtol=1e-13, atol=1e-13)


def test_E1_lengths_that_clash_are_named():
    with pytest.raises(ValueError, match=r"matmul\(x1: float64 \(2, 3\), x2: float64 \(2, 3\)\)"):
        Tensor(np.ones((2, 3))) @ np.ones((2, 3))
    with pytest.raises(ValueError, match=r"matmul\(x1: float64 \(2, 2, 3\), x2: float64 \(2, 3\)\)"):
        Tensor(np.ones((2, 2, 3))) @ np.ones((2, 3))
    with pytest.raises(ValueError, match="matmul"):
        Tensor(2.0) @ np.ones(3)


def test_a_batch_times_a_matrix_has_a_weight_gradient_of_one_product():
    x, weight = Tensor(np.ones((2, 3, 4)), requires_grad=True), Tensor(np.ones((4, 5)), requires_grad=True)
    y = x @ weight
    gradient = mg.grad(y, weight, np.ones(y.shape), create_graph=True)
    assert gradient.op.name == "matmul"  # no sum over the batch afterwards


def test_linear_is_a_product_and_a_sum():
    rng = np.random.default_rng(0)
    x, weight, bias = rng.standard_normal((2, 5, 3)), rng.standard_normal((3, 4)), rng.standard_normal(4)
    g = rng.standard_normal((2, 5, 4))
    value, gradients = mg.vjp(mg.linear, [x, weight, bias], g)
    np.testing.assert_allclose(value.numpy(), x @ weight + bias, rtol=1e-14)
    expected = (g @ weight.T, np.einsum("bti,bto->io", x, g), g.sum((0, 1)))
    for found, right in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(found.numpy(), right, rtol=1e-13)


def test_vecdot_is_numpys():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((4, 3)), rng.standard_normal(3)
    np.testing.assert_allclose(mg.vecdot(Tensor(x), y).numpy(), np.vecdot(x, y), rtol=1e-15)
    assert mg.vecdot(x, x, axis=0, keepdims=True).shape == (1, 3)


def test_S4_axes_of_length_1_are_summed_in_the_gradient():
    for left, right in (((3, 1), (1, 4)), ((5, 1), (1,)), ((10, 1, 5, 2), (1, 10, 2, 5)), ((1, 2, 3), (4, 3, 2))):
        x, y = np.ones(left), np.ones(right)
        g = np.ones((x @ y).shape)
        _, (gx, gy) = mg.vjp(mg.matmul, [x, y], g)
        assert (gx.shape, gy.shape) == (left, right)
        assert gx.numpy().sum() == gy.numpy().sum() == (x @ y).sum()


# function, arguments: what NumPy has for arrays with any number of axes
PRODUCTS = {
    "outer": ("outer", (3,), (2,)), "outer of matrices": ("outer", (2, 2), (3,)),
    "S3 outer, nothing": ("outer", (0,), (2,)), "S1 outer of numbers": ("outer", (), ()),
    "inner 1-1": ("inner", (3,), (3,)), "inner 2-2": ("inner", (2, 3), (4, 3)), "inner 1-3": ("inner", (3,), (2, 4, 3)),
    "S1 inner of a number": ("inner", (), (2, 3)),
    "S1 inner of numbers": ("inner", (), ()), "inner, nothing": ("inner", (2, 0), (3, 0)),
    "dot 1-1": ("dot", (3,), (3,)), "dot 2-2": ("dot", (2, 3), (3, 4)), "dot 1-3": ("dot", (3,), (2, 3, 4)),
    "dot 3-3": ("dot", (2, 4, 3), (5, 3, 2)), "dot 3-1": ("dot", (2, 4, 3), (3,)), "S1 dot of numbers": ("dot", (), ()),
    "S4 dot of a number": ("dot", (), (2, 3)), "S3 dot, nothing": ("dot", (5, 0), (0, 10)),
    "tensordot": ("tensordot", (2, 3, 4), (3, 4, 5)), "tensordot 0": ("tensordot", (2,), (3,), 0),
    "tensordot 1": ("tensordot", (2, 3), (3, 4), 1), "tensordot of all": ("tensordot", (2, 3), (2, 3), 2),
    "tensordot, axes": ("tensordot", (2, 3, 4), (4, 5, 2), ([0, -1], [2, 0])),
    "tensordot, pair": ("tensordot", (2, 3), (4, 2), (0, 1)), "tensordot of numbers": ("tensordot", (), (), 0),
    "S3 tensordot, nothing": ("tensordot", (5, 0), (0, 10), 1),
}  # fmt: skip


@pytest.mark.parametrize(("name", "left", "right", "axes"), [(*case, None)[:4] for case in PRODUCTS.values()],
                         ids=[name.replace(" ", "_") for name in PRODUCTS])  # fmt: skip
def test_products_are_numpys_to_second_order(name, left, right, axes):
    rng = np.random.default_rng(0)
    x, y = np.asarray(rng.standard_normal(left)), np.asarray(rng.standard_normal(right))
    more = [] if axes is None else [axes]
    function = getattr(np, name)
    found = function(Tensor(x), y, *more).numpy()
    np.testing.assert_allclose(found, function(x, y, *more), rtol=1e-14, atol=1e-14, strict=True)
    mg.check_gradients(lambda x, y: function(x, y, *more), [x, y], order=2, elements=8, directions=2)


@pytest.mark.parametrize("name", ["outer", "inner", "dot", "tensordot", "matmul", "vecdot"])
def test_D5_products_of_integers_and_booleans_are_numpys(name):
    for x in (np.array([[200, 1], [0, 255]], np.uint8), np.array([[True, False], [True, True]])):
        expected = getattr(np, name)(x, x)
        found = getattr(mg, name)(Tensor(x), x).numpy()
        np.testing.assert_array_equal(found, expected, strict=True)


def test_axes_that_clash_are_named():
    x, y = Tensor(np.ones((2, 3))), np.ones((2, 3))
    with pytest.raises(
        ValueError, match=r"dot: x1 \(2, 3\) and x2 \(2, 3\): axis -1 of x1 is 3 and axis -2 of x2 is 2"
    ):
        np.dot(x, y)
    with pytest.raises(ValueError, match=r"tensordot: .* axis 0 of x1 is 2 and axis 1 of x2 is 3"):
        np.tensordot(x, y, ([0], [1]))
    with pytest.raises(ValueError, match=r"inner: .* axis -1 of x1 is 3 and axis -1 of x2 is 2"):
        np.inner(x, y.T)


def test_a_product_of_matrices_is_one_node():
    x, y = Tensor(np.ones((2, 3)), requires_grad=True), np.ones((3, 4))
    for product in (mg.dot(x, y), mg.tensordot(x, y, 1), mg.inner(x, y.T)):
        assert [node.op for node in product.graph() if node.op] == ["matmul"]


def test_D2_a_number_does_not_change_the_type():
    x = Tensor(np.ones(2, np.float32))
    for product in (mg.outer(0.5, x), mg.outer(x, np.float64(2)), mg.inner(x, 0.5), mg.dot(0.5, x)):
        assert product.dtype == np.float32


def test_E1_numbers_have_no_matrix_product_captured_or_not():
    for multiply in (mg.matmul, lambda x1, x2: mg.trace(mg.matmul, x1, x2)):
        with pytest.raises(ValueError, match=r"matmul.*x2 has no axis"):
            multiply(mg.Tensor(np.ones((2, 3))), mg.Tensor(2.0))
