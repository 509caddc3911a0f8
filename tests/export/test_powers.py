"""Powers of special values in other engines: graphs go out with minigrad's, and come in with those of the engine."""

import numpy as np
import pytest

import minigrad as mg
from tests.ops.test_powers import EXPONENTS, SPECIAL, expected_power, power_of_c, require_alike

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
TYPES = [np.float32, np.float64]


def graphs_of(x, exponent):
    """Powers both by a number and by an array, with what they make of `x`."""
    yield mg.trace(lambda x: x**exponent, x), expected_power(x, exponent)
    yield mg.trace(lambda x: mg.tensor_power(x, exponent), x), power_of_c(x, exponent)
    whole = np.full(x.shape, exponent, x.dtype)
    yield mg.trace(lambda x: mg.tensor_power(x, mg.constant(whole)), x), power_of_c(x, exponent)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_jax(exponent, dtype):
    jax = pytest.importorskip("jax")
    x = np.array(SPECIAL, dtype)
    with jax.enable_x64(True):
        for graph, expected in graphs_of(x, exponent):
            step = graph.to_jax()
            require_alike(step({}, x)[1], expected)
            require_alike(jax.jit(step)({}, x)[1], expected)
        for function in (lambda x: x**exponent, lambda x: jax.numpy.power(x, dtype(exponent))):
            require_alike(mg.from_jax(function, x).run(x), function(jax.numpy.asarray(x)))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_onnx(exponent, dtype, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    x = np.array(SPECIAL, dtype)
    for graph, expected in graphs_of(x, exponent):
        graph.to_onnx(tmp_path / "power.onnx")
        (found,) = onnxruntime.InferenceSession(tmp_path / "power.onnx").run(None, {"x": x})
        require_alike(found, expected)


@pytest.mark.parametrize("dtype", [np.float16, *TYPES])
@pytest.mark.parametrize("exponent", EXPONENTS)
def test_pytorch(exponent, dtype):
    torch = pytest.importorskip("torch")
    x = torch.tensor(np.array(SPECIAL, dtype))

    class Power(torch.nn.Module):
        def __init__(self, exponent):
            super().__init__()
            self.exponent = exponent

        def forward(self, x):
            return x**self.exponent

    for n in (exponent, torch.tensor(exponent, dtype=x.dtype), torch.full(x.shape, exponent, dtype=x.dtype)):
        module = Power(n)
        require_alike(mg.from_torch(module, x).run(x), module(x))
