"""Graphs of other people's programs go on to JAX and to ONNX; what another engine computes is refused by name."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.structure import leaves

X = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)


def of_jax():
    jax = pytest.importorskip("jax", reason="JAX is not installed: python -m pip install jax==0.10.2")

    def loss(weights, x):
        hidden = jax.nn.gelu(x @ weights["up"]) + jax.numpy.full((3, 4), 0.5, np.float32)
        return jax.numpy.sum(jax.nn.softmax(hidden) ** 2)

    weights = {"up": np.eye(4, dtype=np.float32)}
    return mg.from_jax(jax.value_and_grad(loss), weights, X), [weights["up"], X]


def of_jax_with_numbers():
    jax = pytest.importorskip("jax", reason="JAX is not installed: python -m pip install jax==0.10.2")
    numbers = jax.numpy.zeros((3, 4), np.float32)
    return mg.from_jax(lambda x: jax.numpy.concatenate([x, jax.numpy.zeros_like(x)]) * numbers[0], X), [X]


def of_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    layer = torch.nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, dropout=0.0)
    encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    return mg.from_torch(encoder, torch.tensor(X[None])), [X[None]]


def of_torch_with_buffers():
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    module = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.BatchNorm1d(6), torch.nn.GELU())
    return mg.from_torch(module.train(), torch.tensor(X)), [X]


SOURCES = [of_jax, of_jax_with_numbers, of_torch, of_torch_with_buffers]


def agree(actual, expected):
    for x, y in zip(leaves(actual), leaves(expected), strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)


def state_of(graph):
    return {state.path.replace("/", "."): state.cell.numpy().copy() for state in graph.updates}


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test_they_run_on_jax(make):
    jax = pytest.importorskip("jax", reason="JAX is not installed: python -m pip install jax==0.10.2")
    graph, args = make()
    step = graph.to_jax()
    state, actual = jax.jit(step)(step.state, *args)
    agree(actual, graph.run(*args))
    after = state_of(graph)
    narrow = {name: array.astype(state[name].dtype) for name, array in after.items()}  # without 64 bits in JAX
    agree([np.asarray(state[name]) for name in after], [*narrow.values()])


@pytest.mark.parametrize("make", SOURCES, ids=lambda make: make.__name__)
def test_they_are_written_as_onnx(make, tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed: python -m pip install onnx==1.23.2")
    reference = pytest.importorskip("onnx.reference")
    graph, args = make()
    graph.to_onnx(tmp_path / "model.onnx")
    model = onnx.load(tmp_path / "model.onnx")
    onnx.checker.check_model(model, full_check=True)
    names = [x.name for x in model.graph.input]
    results = reference.ReferenceEvaluator(model).run(None, dict(zip(names, args, strict=False)))
    expected = [np.asarray(x) for x in leaves(graph.run(*args))]
    agree([*map(np.asarray, results)], [*expected, *state_of(graph).values()])


def test_what_another_engine_computes_is_refused_by_name(tmp_path):
    jax = pytest.importorskip("jax", reason="JAX is not installed: python -m pip install jax==0.10.2")
    zeros = jax.numpy.zeros(4, np.float32)
    graph = mg.from_jax(lambda x: jax.lax.scan(lambda total, row: (total + row, total), zeros, x), X)
    with pytest.raises(mg.GraphError, match=r"to_jax: nothing says what jax\.scan is in JAX"):
        graph.to_jax()
    pytest.importorskip("onnx", reason="onnx is not installed: python -m pip install onnx==1.23.2")
    with pytest.raises(mg.GraphError, match=r"to_onnx: .*jax\.scan has no row in ONNX"):
        graph.to_onnx(tmp_path / "model.onnx")
