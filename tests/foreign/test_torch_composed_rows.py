"""Convolution, pooling and linear algebra of PyTorch, with every keyword, are what minigrad's own functions say."""

import functools
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.foreign import torch_composed_rows

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python -m pip install torch==2.13.0")
functional, linalg = torch.nn.functional, torch.linalg
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning"),
]
RANDOM = torch.Generator().manual_seed(0)
ROWS = torch_composed_rows.ROWS
OWN = {name for name, row in ROWS.items() if getattr(row, "func", row).__module__ == torch_composed_rows.__name__}


def floats(*shape):
    return torch.randn(shape, dtype=torch.float64, generator=RANDOM)


class Called(torch.nn.Module):
    def __init__(self, functions):
        super().__init__()
        self.functions = functions

    def forward(self, *inputs):
        return [function(*inputs) for function in self.functions]


def options(**choices):
    """All calls with one choice for each keyword."""
    return [dict(zip(choices, chosen, strict=True)) for chosen in itertools.product(*choices.values())]


def each(function, calls):
    return [lambda *inputs, call=call: function(*inputs, **call) for call in calls]


def root(a, more, upper):
    """Of a matrix that is positive definite by its lower triangle; the upper one may be another."""
    return linalg.cholesky(a @ a.mT + 5 * torch.eye(3) + more * torch.ones(3, 3).triu(1), upper=upper)


STEPS = {"stride": [1, (2, 1)], "dilation": [1, (1, 2)]}
IMAGE, SIGNAL = (2, 4, 7, 6), (2, 4, 9)
DIFFERENTIABLE = {  # functions of the same inputs, and their shapes
    "conv2d": (each(functional.conv2d, options(padding=[0, (2, 1), "valid"], **STEPS)), [IMAGE, (6, 4, 3, 2), (6,)]),
    "conv2d that keeps lengths": (
        each(functional.conv2d, options(padding=["same"], dilation=[1, 2])), [IMAGE, (6, 4, 3, 3), (6,)],
    ),
    "conv2d in groups": (each(functional.conv2d, options(groups=[2], padding=[1])), [IMAGE, (6, 2, 3, 3), (6,)]),
    "conv2d without bias": (each(functional.conv2d, options(padding=[1])), [IMAGE, (6, 4, 3, 3)]),
    "conv2d of one image": (each(functional.conv2d, options(padding=[1])), [IMAGE[1:], (6, 4, 3, 3), (6,)]),
    "conv1d": (
        each(functional.conv1d, options(stride=[1, 2], padding=[0, 1], dilation=[1, 3])), [SIGNAL, (6, 4, 2), (6,)],
    ),
    "conv1d in groups": (each(functional.conv1d, options(groups=[4], padding=[2])), [SIGNAL, (8, 1, 3)]),
    "average of planes": (
        each(functional.avg_pool2d, options(
            kernel_size=[2, (3, 2)], stride=[None, (1, 2)], padding=[0, 1], count_include_pad=[True, False],
        )), [IMAGE],
    ),
    "average of rows": (
        each(functional.avg_pool1d, options(
            kernel_size=[3], stride=[None, 1], padding=[0, 1], count_include_pad=[True, False],
        )), [SIGNAL],
    ),
    "adaptive average": (each(functional.adaptive_avg_pool2d, options(output_size=[1, (7, 3), (1, 2)])), [IMAGE]),
    "adaptive average of rows": (each(functional.adaptive_avg_pool1d, options(output_size=[1, 3])), [SIGNAL]),
}  # fmt: skip
FORWARD = DIFFERENTIABLE | {
    "conv2d that keeps even lengths": (
        each(functional.conv2d, options(padding=["same"], dilation=[1, 2])), [IMAGE, (6, 4, 4, 2), (6,)],
    ),
    "conv1d that keeps lengths": (each(functional.conv1d, options(padding=["same"])), [SIGNAL, (6, 4, 2)]),
    "largest of planes": (
        each(functional.max_pool2d, options(
            kernel_size=[2, (3, 2)], stride=[None, (1, 2)], padding=[0, 1], dilation=[1, (2, 1)],
        )), [IMAGE],
    ),
    "largest of rows": (
        each(functional.max_pool1d, options(kernel_size=[3], stride=[None, 1], padding=[0, 1], dilation=[1, 2])),
        [SIGNAL],
    ),
    "matrices": (
        [linalg.inv, torch.inverse, linalg.det, linalg.slogdet, torch.logdet, linalg.eigvalsh,
         lambda a: linalg.eigvalsh(a, UPLO="U")],
        [(5, 3, 3)],
    ),
    "one matrix": ([linalg.inv, linalg.det, lambda a: linalg.slogdet(a)[1]], [(4, 4)]),
    "roots": (each(root, options(more=[0, 0.5], upper=[True, False])), [(2, 3, 3)]),
    "solutions": ([linalg.solve], [(2, 3, 3), (2, 3, 4)]),
    "solutions of vectors": ([linalg.solve], [(2, 3, 3), (2, 3)]),
    "solution of a vector": ([linalg.solve], [(3, 3), (3,)]),
    "solutions of one system": ([linalg.solve], [(3, 3), (5, 3, 2)]),
}  # fmt: skip


def assert_same(ours, theirs, within=1e-11):
    ours, theirs = map(torch.utils._pytree.tree_leaves, (ours, theirs))
    for x, y in zip(ours, theirs, strict=True):
        y = y.numpy(force=True)
        assert (x.dtype, x.shape) == (y.dtype, y.shape)
        np.testing.assert_allclose(x, y, rtol=within, atol=within)


def foreign(graph):
    return {node.op for node in graph if node.op and "." in node.op}


@functools.cache
def read(name, gradients):
    """A module, its inputs, its graph, and the rows that were asked."""
    functions, shapes = FORWARD[name]
    module, inputs = Called(functions), [floats(*shape).requires_grad_(gradients) for shape in shapes]
    asked, rows = set(), {row: ROWS[row] for row in OWN}
    try:
        for row, function in rows.items():
            ROWS[row] = lambda *args, row=row, function=function, **kwargs: (asked.add(row), function(*args, **kwargs))[
                1
            ]
        with mg.no_grad():
            graph = mg.from_torch(module, *inputs, gradients=gradients)
    finally:
        ROWS.update(rows)
    return module, inputs, graph, asked


@pytest.mark.parametrize("name", FORWARD)
def test_the_values_are_those_of_pytorch(name):
    module, inputs, graph, _ = read(name, False)
    assert foreign(graph) == set()
    for given in (inputs, [floats(*x.shape) for x in inputs]):
        with np.errstate(invalid="ignore"):  # the logarithm of a negative determinant
            assert_same(graph.run(*given), module(*given))


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_the_gradients_are_those_of_pytorch(name):
    module, inputs, graph, _ = read(name, True)
    assert foreign(graph) == set()
    assert {node.order for node in graph if node.op} == {0, 1}
    outputs = module(*inputs)
    incoming = [floats(*y.shape) for y in outputs]
    results, gradients = graph.run(*inputs, *incoming)
    assert_same(results, outputs)
    assert_same(list(gradients.values()), torch.autograd.grad(outputs, inputs, incoming))


def test_every_row_is_tried():
    asked = [
        read(name, gradients)[3] for gradients, names in ((False, FORWARD), (True, DIFFERENTIABLE)) for name in names
    ]
    assert set().union(*asked) == OWN


SPECIAL = [np.nan, np.inf, -np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pooling_of_special_values(dtype):
    module = Called([
        *each(functional.max_pool2d, options(kernel_size=[2], stride=[1, 2], padding=[0, 1])),
        *each(functional.avg_pool2d, options(kernel_size=[2], padding=[0, 1], count_include_pad=[True, False])),
    ])  # fmt: skip
    graph = mg.from_torch(module, torch.zeros(3, 2, 4, 5, dtype=dtype))
    for start in range(8):
        x = torch.tensor(np.resize(np.roll(SPECIAL, start), (3, 2, 4, 5)), dtype=dtype)
        with np.errstate(all="ignore"):
            assert_same(graph.run(x), module(x), 1e-6)


def test_a_singular_matrix_is_refused_as_in_pytorch():
    graph = mg.from_torch(Called([linalg.inv]), floats(3, 3))
    with pytest.raises(np.linalg.LinAlgError):
        graph.run(np.ones((3, 3)))
    with pytest.raises(torch.linalg.LinAlgError):
        linalg.inv(torch.ones(3, 3))
    assert mg.from_torch(Called([linalg.det]), floats(2, 2)).run(np.ones((2, 2))) == [0.0]


ASKED = {
    "sizes rounded up": (lambda x: functional.max_pool2d(x, 2, ceil_mode=True), [IMAGE]),
    "means of sizes rounded up": (lambda x: functional.avg_pool2d(x, 2, ceil_mode=True), [IMAGE]),
    "a divisor": (lambda x: functional.avg_pool2d(x, 2, divisor_override=3), [IMAGE]),
    "windows that are not alike": (lambda x: functional.adaptive_avg_pool2d(x, 4), [IMAGE]),
    "transposed": (lambda x, w: functional.conv_transpose2d(x, w), [IMAGE, (4, 2, 3, 3)]),
    "three axes": (lambda x, w: functional.conv3d(x, w), [(1, 2, 4, 4, 4), (3, 2, 2, 2, 2)]),
    "from the right": (lambda a, b: linalg.solve(a, b, left=False), [(3, 3), (2, 3)]),
    "vectors": (lambda a: linalg.eigh(a)[1].abs(), [(3, 3)]),
}


@pytest.mark.parametrize("gradients", [False, True])
@pytest.mark.parametrize("name", ASKED)
def test_what_no_function_says_is_asked_of_pytorch(name, gradients):
    function, shapes = ASKED[name]
    inputs = [floats(*shape).requires_grad_(gradients) for shape in shapes]
    module = Called([function])
    graph = mg.from_torch(module, *inputs, gradients=gradients)
    assert foreign(graph)
    outputs = module(*inputs)
    incoming = [floats(*y.shape) for y in outputs] if gradients else []
    found = graph.run(*inputs, *incoming)
    assert_same(found[0] if gradients else found, outputs)
    if gradients:
        assert_same(list(found[1].values()), torch.autograd.grad(outputs, inputs, incoming))
