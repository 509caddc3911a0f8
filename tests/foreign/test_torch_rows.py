"""The rows of PyTorch's operations: each is tried, is written in ops of minigrad alone, and says what PyTorch says."""

import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad.foreign.torch_network_rows import ROWS
from tests.foreign import test_torch_composed_rows

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python -m pip install torch==2.13.0")
functional, aten = torch.nn.functional, torch.ops.aten
RANDOM = torch.Generator().manual_seed(0)


def floats(*shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype, generator=RANDOM)


def places(most, *shape):
    return torch.randint(0, most, shape, generator=RANDOM)


def sample(function, *shapes, positive=False):
    """A function and its inputs: of shapes, floats of that shape."""
    inputs = [x if isinstance(x, torch.Tensor) else floats(*x) for x in shapes or [(3, 4)]]
    return function, [x.abs() + 1.5 if positive else x for x in inputs]


MATRIX, ROW, CUBE = (3, 4), (4,), (2, 3, 4)
BOOLS = floats(3, 4) > 0
INTEGERS = places(9, 3, 4)
UNARY = [
    getattr(aten, name)
    for name in (
        "abs", "acos", "alias", "asin", "asinh", "atan", "atanh", "ceil", "clone", "contiguous", "cos", "cosh",
        "deg2rad", "detach", "erf", "erfc", "exp", "exp2", "expm1", "floor", "isfinite", "isinf", "isnan",
        "logical_not", "neg", "rad2deg", "relu", "round", "sigmoid", "sin", "sinh", "square", "tan",
        "tanh", "trunc",
    )
]  # fmt: skip
POSITIVE = [aten.acosh, aten.log, aten.log10, aten.log1p, aten.log2, aten.reciprocal, aten.rsqrt, aten.sqrt]
BINARY = [
    getattr(aten, name)
    for name in (
        "add", "atan2", "div", "eq", "ge", "gt", "hypot", "le", "logaddexp", "logaddexp2", "logical_and", "logical_or",
        "logical_xor", "lt", "maximum", "minimum", "mul", "ne", "sub",
    )
]  # fmt: skip
QUERIES, KEYS = (2, 4, 5, 6), (2, 4, 7, 6)
ATTENTION_MASK = torch.where(floats(5, 7) > 0, 0.0, -torch.inf).double()
ATTENTION_MASK[0] = -torch.inf  # a query that may attend to nothing
attend = functional.scaled_dot_product_attention


def overwrite(x):
    x[0] = x[1]
    x[:, 1] += 2
    x[2:].relu_()
    x[1, 1:] = x.sum()
    return x


SAMPLES = {
    **{function.__name__: sample(lambda x, function=function: function(x / 4)) for function in UNARY},
    **{function.__name__: sample(function, positive=True) for function in POSITIVE},
    **{function.__name__: sample(function, MATRIX, ROW) for function in BINARY},
    "bits": sample(lambda x, y: (x & y, x | y, x ^ y, ~x, aten.bitwise_and(x, y)), INTEGERS, INTEGERS + 1),
    "sign": sample(lambda n: (n - 4).sign(), INTEGERS),
    "bits of numbers": sample(lambda x, y: (aten.bitwise_or(x, y), aten.bitwise_xor(x, 3)), INTEGERS, INTEGERS + 1),
    "numbers on the right": sample(lambda x: (x + 2, x - 1.5, x * 3, x / 2, x > 0, x == 1, x >= 1.5)),
    "numbers on the left": sample(lambda x: (2 + x, 1.5 - x, 3 / x, 2.0**x)),
    "alpha": sample(lambda x, y: (torch.add(x, y, alpha=2), torch.sub(x, 3, alpha=0.5)), MATRIX, ROW),
    "rsub": sample(lambda x, y: (torch.rsub(x, y, alpha=2), aten.rsub.Scalar(x, 1.0)), MATRIX, ROW),
    "integers and floats": sample(lambda n, x: (n + x, n * 1.5, n / 2, x.sum() * n, n + BOOLS), INTEGERS, MATRIX),
    "single and double": sample(lambda x, y: (x * y.sum(), x + y), floats(3, 4, dtype=torch.float32), MATRIX),
    "power": sample(lambda x, y: (x**2, x**-0.5, x**y, 2**x, x.square() ** 3), MATRIX, ROW, positive=True),
    "gelu": sample(lambda x: (functional.gelu(x), functional.gelu(x, approximate="tanh"))),
    "silu": sample(lambda x: (functional.silu(x), functional.mish(x), functional.logsigmoid(x))),
    "elu": sample(lambda x: (functional.elu(x), functional.elu(x, 0.5), functional.leaky_relu(x, 0.2))),
    "clamp": sample(lambda x: (x.clamp(-1, 1), x.clamp(min=0), x.clamp(max=0.5), functional.hardtanh(x))),
    "clamp by a tensor": sample(lambda x, y: (x.clamp(y), aten.clamp_min(x, 0.0), aten.clamp_max(x, 0.0)), MATRIX, ROW),
    "where": sample(
        lambda c, x, y: (torch.where(c, x, y), torch.where(c, x, 0.0), torch.where(c, 1.0, y)), BOOLS, MATRIX, ROW
    ),
    "masked_fill": sample(lambda c, x: (x.masked_fill(c, -torch.inf), x.masked_fill(c, x.sum())), BOOLS, MATRIX),
    "types": sample(
        lambda x, n: (x.float(), x.long(), n.double(), x.to(torch.float16), n.type_as(x), x.double()), MATRIX, INTEGERS
    ),
    "like": sample(lambda x: (x + torch.zeros_like(x), x * torch.ones_like(x), x + torch.full_like(x, 2))),
    "new": sample(
        lambda x: (x + x.new_zeros(4), x * x.new_ones(4), x + x.new_full((4,), 3.0), x + torch.empty_like(x).fill_(1))
    ),
    "reshape": sample(
        lambda x: (x.view(2, -1), x.reshape(-1), x.flatten(1), x.unflatten(2, (2, 2)), aten._unsafe_view(x, [6, 4])),
        CUBE,
    ),
    "as another": sample(lambda x, y: (x.view_as(y), x.reshape_as(y), y[:1].expand_as(y)), MATRIX, (6, 2)),
    "unsqueeze": sample(lambda x: (x[None], x.unsqueeze(-1), x.unsqueeze(0).squeeze(0), x[:1].squeeze(), x.squeeze(0))),
    "squeeze": sample(lambda x: (x.squeeze(), x.squeeze((0, -1)), aten.squeeze.dims(x, [0, 1])), (1, 3, 1)),
    "permute": sample(
        lambda x: (
            x.permute(2, 0, 1),
            x.transpose(0, -1),
            x.mT,
            x.permute(0, 1, 2),
            x.transpose(1, 2).transpose(1, 2) + 1,
        ),
        CUBE,
    ),
    "t": sample(lambda x, y: (x.t(), y.t(), x.T, aten.numpy_T(x), aten.t(aten.t(x)) + 1), MATRIX, ROW),
    "expand": sample(
        lambda x: (x.expand(3, 4), x.expand(4), torch.broadcast_to(x, (2, 4)), aten.expand(x, [2, 3, -1])), ROW
    ),
    "repeat": sample(lambda x: (x.repeat(2, 3), x.repeat(2, 1, 1))),
    "cat": sample(
        lambda x, y: (torch.cat([x, y]), torch.cat([x, x], -1), torch.stack([x, x], 1), torch.cat([x, y.float()])),
        MATRIX,
        (2, 4),
    ),
    "flip": sample(lambda x: (x.flip(0), x.flip(0, -1), x.roll(2), x.roll((1, -1), (0, 1)))),
    "triangles": sample(lambda x: (x.tril(), x.triu(1), x.tril(-1))),
    "pad": sample(
        lambda x: (
            functional.pad(x, (1, 2)),
            functional.pad(x, (1, 0, 0, 2), value=3.0),
            aten.constant_pad_nd(x, [1, 1]),
        )
    ),
    "select": sample(lambda x: (x[1], x[..., -1], x[:, 0], x.select(1, -2)), CUBE),
    "slice": sample(lambda x: (x[1:], x[:, ::2], x[..., :-1], x[:], x[:, 1:3], x.narrow(2, 1, 2)), CUBE),
    "split": sample(
        lambda x: (*x.split(3, -1), *x.split([1, 2], 1), *x.unbind(0), *x.chunk(2, 2), x.unbind(1)[2]), CUBE
    ),
    "unsafe split": sample(
        lambda x: (*aten.unsafe_split(x, 2, 1), *aten.unsafe_split_with_sizes(x, [1, 2])),
    ),
    "index": sample(
        lambda x, i: (x[i], x[:, i], x[i, i], x[:, None, i] * 1, x.index_select(1, i)), MATRIX, places(3, 2)
    ),
    "written at an index": sample(
        lambda x, i: (
            x.index_put((i,), x[i] * 2),
            aten._unsafe_index_put(x, (i,), x[i] * 2),
            x.index_put((i,), x[i], accumulate=True),
            x.index_add(0, i, x[i]),
            x.select_scatter(x[0] * 2, 0, 1),
            x.slice_scatter(x[:1], 0, 2),
            torch.zeros(5, 4, dtype=x.dtype).index_put((i,), x[i], accumulate=True),
        ),
        MATRIX,
        torch.tensor([2, 0]),
    ),
    "added along an axis": sample(
        lambda x, i: (x.scatter_add(1, i, x), torch.zeros_like(x).scatter_add(0, i, x)), MATRIX, places(3, 3, 4)
    ),
    "written in place": sample(lambda x: overwrite(x.clone())),
    "gather": sample(lambda x, i: (x.gather(1, i), x.gather(0, i)), MATRIX, places(3, 3, 4)),
    "embedding": sample(
        lambda w, i: (functional.embedding(i, w), functional.embedding(i, w, padding_idx=0)), MATRIX, places(3, 2, 5)
    ),
    "sum": sample(lambda x: (x.sum(), x.sum(1), x.sum((0, 2), keepdim=True), x.sum(-1, dtype=torch.float32)), CUBE),
    "mean": sample(lambda x: (x.mean(), x.mean(0), x.mean((1, 2)), x.prod(), x.prod(1), x.logsumexp(-1)), CUBE),
    "largest": sample(
        lambda x: (x.amax(1), x.amin((0, 1)), x.max(), x.min(), x.amax(), x.argmax(), x.argmin(1, keepdim=True)), CUBE
    ),
    "largest along": sample(lambda x: (*x.max(1), *x.min(0, keepdim=True), x.max(1)[0] * 2), CUBE),
    "truths": sample(lambda c: (c.any(), c.all(), c.any(1), c.all(0, keepdim=True), c.sum()), BOOLS),
    "cumulative": sample(lambda x, n: (x.cumsum(0), x.cumprod(-1), n.cumsum(1)), MATRIX, INTEGERS),
    "variance": sample(lambda x: (x.var(), x.var(1, correction=0), x.var(dim=0, unbiased=False), x.var((0, 1)))),
    "deviation": sample(lambda x: (x.std(), x.std(1, correction=0), x.std(0, False, True), x.std((0, 1)))),
    "norm": sample(lambda x: (x.norm(), torch.linalg.vector_norm(x, 1, 1), x.norm(dim=0, keepdim=True))),
    "softmax in single precision": sample(lambda x: x.softmax(1, dtype=torch.float32)),
    "softmax": sample(lambda x: (x.softmax(-1), x.softmax(0), x.log_softmax(1))),
    "core softmax": sample(
        lambda x: (aten._softmax(x, 1, False), aten._log_softmax(x, 0, False), aten._safe_softmax(x * 2, 1))
    ),
    "safe softmax": sample(lambda x: aten._safe_softmax(x @ x.mT + ATTENTION_MASK[:, :5], -1), (2, 5, 3)),
    "matmul": sample(
        lambda x, y, v: (x @ y, x @ v, v @ y, x[0] @ v, v @ v, x.bmm(y.expand(2, 4, 3))), CUBE, (4, 3), ROW
    ),
    "core products": sample(
        lambda x, y, v: (x.mm(y), x.mv(v), v.dot(v), torch.addmm(v[:3], x, y), torch.addmm(v[:3], x, y, beta=1)),
        MATRIX,
        (4, 3),
        ROW,
    ),
    "baddbmm": sample(
        lambda b, x, y: (torch.baddbmm(b, x, y), torch.baddbmm(b, x, y, beta=0.5, alpha=2)), (2, 3, 3), CUBE, (2, 4, 3)
    ),
    "einsum": sample(lambda x, y: torch.einsum("bij,jk->bik", x, y), CUBE, (4, 3)),
    "linear": sample(lambda x, w, b: (functional.linear(x, w, b), functional.linear(x, w)), CUBE, (5, 4), (5,)),
    "attention": sample(
        lambda q, k, v: (attend(q, k, v), attend(q, k, v, scale=0.3), attend(q, k, v, is_causal=True)),
        QUERIES,
        KEYS,
        KEYS,
    ),
    "masked attention": sample(
        lambda q, k, v: (attend(q, k, v, ATTENTION_MASK.to(q.dtype)), attend(q, k, v, ATTENTION_MASK > -1)),
        QUERIES,
        KEYS,
        KEYS,
    ),
    "grouped attention": sample(lambda q, k, v: attend(q, k, v, enable_gqa=True), QUERIES, (2, 2, 7, 6), (2, 2, 7, 6)),
    "layer_norm": sample(
        lambda x, w: (functional.layer_norm(x, (4,), w, w), functional.layer_norm(x, (4,))), CUBE, ROW
    ),
    "native_layer_norm": sample(
        lambda x, w: (*torch.native_layer_norm(x, (4,), w, w, 1e-3), torch.native_layer_norm(x, (4,), w, w, 1e-3)[2]),
        CUBE,
        ROW,
    ),
    "rms_norm": sample(
        lambda x, w: (functional.rms_norm(x, (4,), w), functional.rms_norm(x, (4,), eps=1e-3)), CUBE, ROW
    ),
    "batch_norm": sample(
        lambda x, m, w: (
            functional.batch_norm(x, m.detach(), w.detach() ** 2),
            functional.batch_norm(x, m.detach(), w.detach() ** 2, w, m),
        ),
        (5, 3, 4),
        (3,),
        (3,),
    ),
    "batch_norm without a record": sample(
        lambda x, w: functional.batch_norm(x, None, None, w, None, True), (5, 3, 4), (3,)
    ),
    "batch_norm in training": sample(
        lambda x, w: functional.batch_norm(x, torch.zeros(3).double(), torch.ones(3).double(), w, None, True),
        (5, 3, 4),
        (3,),
    ),
    "cross_entropy": sample(
        lambda x, t: (
            functional.cross_entropy(x, t),
            functional.cross_entropy(x, t, reduction="none", label_smoothing=0.1),
            functional.cross_entropy(x, t, ignore_index=1),
        ),
        (5, 4),
        places(4, 5),
    ),
    "nll": sample(
        lambda x, t: (functional.nll_loss(x, t), functional.nll_loss(x, t, reduction="sum")), (5, 4), places(4, 5)
    ),
    "mse_loss": sample(
        lambda x, y: (functional.mse_loss(x, y), functional.mse_loss(x, y, reduction="none")), MATRIX, MATRIX
    ),
}
DERIVATIVES = {  # of which the gradients are compared
    name: SAMPLES[name]
    for name in (
        "relu", "tanh", "sigmoid", "silu", "gelu", "softmax", "select", "slice", "embedding", "layer_norm", "mse_loss",
        "attention", "masked attention", "batch_norm", "batch_norm in training", "batch_norm without a record",
        "index", "gather", "split", "mean", "linear",
    )
}  # fmt: skip
PYTORCHS = {  # the derivatives that no row says: of gelu's approximation, log_sigmoid, and embeddings with padding
    "aten.gelu_backward", "aten.log_sigmoid_forward", "aten.log_sigmoid_backward", "aten.embedding_dense_backward",
}  # fmt: skip


class Together(torch.nn.Module):
    """Many functions in one program, for PyTorch takes long over each."""

    def __init__(self, samples):
        super().__init__()
        self.functions = {name: function for name, (function, _) in samples.items()}

    def forward(self, inputs):
        return {name: function(*inputs[name]) for name, function in self.functions.items()}


@functools.cache
def outcome(derivatives):
    """Results by name, or gradients, of all samples, ours and PyTorch's; the foreign ops; the rows that were read."""
    samples = DERIVATIVES if derivatives else SAMPLES
    inputs = {
        name: [x.clone().requires_grad_(derivatives and x.is_floating_point()) for x in given]
        for name, (_, given) in samples.items()
    }
    read, rows = set(), dict(ROWS)
    try:
        for name, row in rows.items():
            ROWS[name] = lambda *args, name=name, row=row, **kwargs: (read.add(name), row(*args, **kwargs))[1]
        graph = mg.from_torch(Together(samples), inputs, gradients=derivatives)
    finally:
        ROWS.update(rows)
    foreign, theirs = {node.op for node in graph if "." in (node.op or "")}, Together(samples)(inputs)
    if not derivatives:
        return graph.run(inputs), theirs, foreign, read
    ends = torch.utils._pytree.tree_leaves(theirs)
    incoming = [floats(*x.shape, dtype=x.dtype) for x in ends]
    wanted = [x for x in torch.utils._pytree.tree_leaves(inputs) if x.requires_grad]
    _, gradients = graph.run(inputs, *incoming)
    return list(gradients.values()), torch.autograd.grad(ends, wanted, incoming), foreign, read


def assert_same(ours, theirs):
    theirs = theirs.numpy(force=True)
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12 if theirs.dtype == np.float64 else 1e-3, atol=1e-12)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_row_says_what_pytorch_says(name):
    ours, theirs, _, _ = outcome(False)
    flat = torch.utils._pytree.tree_leaves
    for x, y in zip(flat(ours[name]), flat(theirs[name]), strict=True):
        assert_same(x, y)


def test_derivatives_are_those_of_pytorch():
    ours, theirs, _, _ = outcome(True)
    for x, y in zip(ours, theirs, strict=True):
        assert_same(x, y)


def test_all_samples_are_written_in_ops_of_minigrad():
    assert outcome(False)[2] == set()
    assert outcome(True)[2] == PYTORCHS


def test_every_row_is_tried():
    composed = test_torch_composed_rows.OWN  # which are tried there
    assert ROWS.keys() - composed - outcome(False)[3] - outcome(True)[3] == set()


NAN, INFINITE = float("nan"), (np.inf, -np.inf)
LEFT_OUT = {  # where PyTorch's ways of computing differ among themselves, or say NaN of what has a limit
    "gelu": INFINITE,
    "silu": INFINITE,
    "attention": (NAN, *INFINITE),
    "grouped attention": (NAN, *INFINITE),
    "masked attention": (NAN, *INFINITE),
    "native_layer_norm": INFINITE,
    "layer_norm": INFINITE,
    "∂mean": (NAN, *INFINITE, 0.0),  # of prod, in two ways: by what the values are
}
MIXED = {"softmax in single precision", "single and double", "batch_norm in training"}  # that mix types themselves


def fill(x, name, dtype, first, derivatives):
    """Values for a float: no number, infinite, zeros of both signs, smaller than normal numbers; some from `first`."""
    tiny = torch.finfo(dtype).tiny / 8
    left_out = LEFT_OUT.get(name, ()) + LEFT_OUT.get(f"∂{name}" if derivatives else "", ())
    values = (NAN, *INFINITE, 0.0, -0.0, tiny, -tiny, 1.0, -2.5, 0.5)[first:]
    allowed = torch.tensor([v for v in values if v not in left_out], dtype=dtype)
    return allowed[places(len(allowed), *x.shape)].requires_grad_(derivatives) if x.is_floating_point() else x


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("derivatives", [False, True])
def test_special_values_are_those_of_pytorch(dtype, derivatives):
    wide, flat = dtype == torch.float64, torch.utils._pytree.tree_leaves
    samples = {
        name: found for name, found in (DERIVATIVES if derivatives else SAMPLES).items() if wide or name not in MIXED
    }
    graph, wrong = None, []
    for first in (0, 3, 0, 5):
        inputs = {
            name: [fill(x, name, dtype, first, derivatives) for x in given] for name, (_, given) in samples.items()
        }
        graph = graph or mg.from_torch(Together(samples), inputs, gradients=derivatives)
        theirs, incoming, wanted = Together(samples)(inputs), [], {}
        if derivatives:
            incoming = [torch.ones_like(x) for x in flat(theirs)]
            wanted = {name: [x for x in given if x.requires_grad] for name, given in inputs.items()}
            theirs = group(torch.autograd.grad(flat(theirs), flat(wanted), incoming), wanted)
        with np.errstate(all="ignore"):
            ours = graph.run(inputs, *incoming)[1] if derivatives else graph.run(inputs)
        ours = group(ours.values(), wanted) if derivatives else ours
        for name in samples:
            for x, y in zip(flat(ours[name]), flat(theirs[name]), strict=True):
                y = y.numpy(force=True)
                assert (x.dtype, x.shape) == (y.dtype, y.shape)
                within = 1e-12 if y.dtype == np.float64 else 1e-5
                if not np.allclose(x, y, rtol=within, atol=within, equal_nan=True):
                    wrong.append(name)
    assert set(wrong) == set()


def group(values, names):
    values = iter(values)
    return {name: [next(values) for _ in given] for name, given in names.items()}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: functional.softplus(x),  # linear beyond 20, where minigrad's is exact
        lambda x: functional.gelu(x, approximate="tanh").sort().values,
        lambda x: functional.selu(x),
        lambda x: torch.sign(x * torch.nan),  # 0 in PyTorch
        lambda x: (x * 10).long() > 1.5,  # compared in single precision
        lambda x: functional.pad(x, (-1, 1)),
        lambda x: functional.pad(x[None], (1, 1), mode="reflect"),
        lambda x: torch.linalg.vector_norm(x.float(), dtype=torch.float64),
        lambda x: functional.layer_norm(x, (3, 4)),
        lambda x: functional.rms_norm(x, (3, 4)),
        lambda x: x.std((0, 1), correction=0.5).sort().values,
        lambda x: functional.cross_entropy(x, x.softmax(1)),
        lambda x: functional.cross_entropy(x[None].expand(2, 3, 4), torch.zeros(2, 4, dtype=torch.long)),
        lambda x: functional.nll_loss(x[None].expand(2, 3, 4), torch.zeros(2, 4, dtype=torch.long)),
        lambda x: torch.addmm(x[:, :3], x, x.T, beta=2.0),
        lambda x: torch.complex(x, x).abs(),
    ],
)
def test_what_no_op_says_is_asked_of_pytorch(function):
    x = floats(3, 4)
    graph = mg.from_torch(Together({"one": (function, [])}), {"one": [x]})
    assert any(node.op.startswith("aten.") for node in graph if node.op)
    ours, theirs = graph.run(x.numpy())["one"], function(x).numpy()
    assert ours.dtype == theirs.dtype
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
