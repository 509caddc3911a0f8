"""Types across ops: float32 stays float32, integers become what NumPy makes of them, the rest is refused."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


def float32(*shape):
    return Tensor(np.ones(shape, np.float32), requires_grad=True)


# D1 for every op, and D8 for every NumPy function, are laws: see tests/checks/test_laws.py.


@pytest.mark.parametrize(
    "function",
    [lambda x: x * 2.0, lambda x: 2 * x, lambda x: x * np.float64(2), lambda x: np.float64(2) * x,
     lambda x: x / np.sqrt(8), lambda x: x**2, lambda x: x ** np.float64(0.5), lambda x: 2.0**x, lambda x: x - True,
     lambda x: mg.maximum(x, 0.0), lambda x: mg.where(x > np.float64(0), x, np.float64(1)),
     lambda x: mg.clip(x, 0.0, 1), lambda x: mg.set_at(x, 0, np.float64(3)), lambda x: mg.softmax(x * np.log(2.0)),
     lambda x: mg.mean(x),
     lambda x: mg.layer_norm(x, epsilon=np.float64(1e-5)), lambda x: mg.var(x, ddof=1), lambda x: mg.std(x),
     lambda x: mg.cross_entropy(x, [0, 1], label_smoothing=0.1), lambda x: mg.cross_entropy(x, [0, 1], ignore_index=1),
     lambda x: mg.scaled_dot_product_attention(x, x, x, causal=True)],
)  # fmt: skip
def test_D2_numbers_and_numpy_scalars_are_weak(function):
    x = float32(2, 3)
    y = function(x)
    assert y.dtype == np.float32
    gradient = mg.grad(mg.sum(y), x, create_graph=True)
    assert gradient.dtype == np.float32
    assert mg.grad(mg.sum(gradient), x, unused="zero").dtype == np.float32


@pytest.mark.parametrize("function", [mg.add, mg.multiply, mg.divide, mg.matmul, mg.maximum, mg.vecdot])
def test_D3_float64_data_makes_a_float64_result_and_a_float32_gradient(function):
    parameter, data = float32(3, 3), Tensor(np.ones((3, 3)))
    y = function(parameter, data)
    assert y.dtype == np.float64
    for create_graph in (False, True):
        assert mg.grad(mg.sum(y), parameter, create_graph=create_graph).dtype == np.float32


def test_D4_integers_that_require_a_gradient_name_the_cast():
    for values in ([1, 2], [True, False]):
        with pytest.raises(TypeError, match=r"cannot require a gradient; pass dtype=numpy\.float64"):
            Tensor(values, requires_grad=True)


def test_D5_results_of_integers_and_booleans_are_numpys():
    integers, booleans = Tensor([1, 2]), Tensor([True, False])
    expected = {
        integers / integers: np.float64, integers * integers: np.int64, integers + booleans: np.int64,
        mg.mean(integers): np.float64, mg.sum(booleans): np.int64, mg.exp(integers): np.float64,
        integers @ integers: np.int64, integers > 1: np.bool_, mg.where(booleans, integers, 0): np.int64,
        integers**2: np.int64, mg.absolute(integers): np.int64, mg.concatenate([integers, booleans]): np.int64,
    }  # fmt: skip
    assert [y.dtype for y in expected] == [np.dtype(dtype) for dtype in expected.values()]


def test_D6_float16_through_a_small_network():
    rng = np.random.default_rng(0)
    x = Tensor(rng.standard_normal((2, 4)), np.float16, requires_grad=True)
    y = mg.sum(mg.gelu(mg.layer_norm(x)) * mg.softmax(x) + mg.tanh(x))
    assert y.dtype == np.float16
    gradient = mg.grad(y, x)
    assert gradient.dtype == np.float16
    exact = Tensor(x.numpy(), np.float64, requires_grad=True)
    reference = mg.grad(mg.sum(mg.gelu(mg.layer_norm(exact)) * mg.softmax(exact) + mg.tanh(exact)), exact)
    np.testing.assert_allclose(gradient.numpy(), reference.numpy(), atol=2e-2)


@pytest.mark.parametrize(
    "operand", ["a", None, 1j, np.array([1j]), np.array(["a"]), np.array([None]), [[1.0], [1.0, 2.0]]]
)
def test_D7_operands_that_are_not_real_numbers_are_refused(operand):
    for x in (Tensor([1.0]), Tensor([1.0], requires_grad=True)):
        with pytest.raises((TypeError, ValueError)):
            x * operand


def test_astype_casts_and_its_gradient_casts_back():
    x = Tensor(np.ones(3), requires_grad=True)
    y = mg.astype(x, np.float32)
    assert y.dtype == np.float32
    assert mg.grad(mg.sum(y), x).dtype == np.float64
    assert not mg.astype(x, "int64").requires_grad


def test_one_hot_has_the_dtype_it_is_asked_for():
    assert mg.one_hot([0, 1], classes=2).dtype == np.float32
    assert mg.one_hot([0, 1], classes=2, dtype=np.float64).dtype == np.float64


def attend(x):
    """Attention of `x` to itself; its scale is a number, which makes integers float64, as in NumPy."""
    return mg.scaled_dot_product_attention(x, x, x)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int8, np.int64])
@pytest.mark.parametrize(
    "function",
    [mg.softmax, mg.log_softmax, mg.standardize, mg.layer_norm, mg.rms_norm, mg.logsumexp, mg.sigmoid, mg.softplus,
     mg.log_sigmoid, mg.softsign, mg.elu, mg.leaky_relu, mg.gelu, mg.silu, mg.mish,
     lambda x: mg.cross_entropy(x, [0, 2], reduction="none"), lambda x: mg.nll(x, [0, 2], reduction="none"),
     attend],
)  # fmt: skip
def test_integers_and_booleans_are_computed_with_as_floats(function, dtype):
    values = np.array([[1, 0, 1], [0, 0, 1]]) if dtype is np.bool_ else np.array([[5, 100, 7], [0, 3, 120]])
    result = function(Tensor(values.astype(dtype)))
    assert result.dtype == (np.float64 if function is attend else np.result_type(dtype, np.float16))
    tolerance = 1e-2 if result.dtype == np.float16 else 1e-12
    np.testing.assert_allclose(result.numpy(), function(values.astype(np.float64)), rtol=tolerance, atol=tolerance)
    assert function(values.astype(dtype)).dtype == result.dtype
