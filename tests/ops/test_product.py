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
