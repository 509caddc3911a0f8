"""What ops become in programs: the steps of small functions, line for line, as `golden/lowered_programs.txt` has them.

A program that is right may still be slow, or hold more than it needs, which no comparison of numbers notices. After a
change that is meant, `MINIGRAD_UPDATE_GOLDEN=1` in the environment rewrites the file, for the diff to be read.
"""

import os
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import pieces
from minigrad.compiler.lowerings import is_plain
from minigrad.core.storage import rebase

GOLDEN = Path(__file__).parent.parent / "golden" / "lowered_programs.txt"
RNG = np.random.default_rng(0)


def normal(*shape, dtype=np.float64):
    return RNG.standard_normal(shape).astype(dtype)


def half(*shape):
    return normal(*shape, dtype=np.float16)


def whole(*shape, highest=3):
    return RNG.integers(0, highest, shape)


MASK = mg.constant(np.tri(4, dtype=bool))
LARGE = normal(1024, 256)
HUGE = 1e300  # no float32


def gradient_of(function):
    """The gradient of a function for its first argument."""

    def gradient(x, *others):
        x = x if isinstance(x, mg.Tensor) else mg.Tensor(x)
        y = function(x, *others)
        return mg.grad(y, x, mg.ones_like(y))

    return gradient


def differentiated(function, *arrays):
    return gradient_of(function), mg.Tensor(arrays[0], requires_grad=True), *arrays[1:]


def training(optimiser, loss):
    """A training step, and its batch."""
    layers = [mg.nn.Linear(4, 4, rng=np.random.default_rng(i)).astype(np.float64) for i in range(2)]
    trained = optimiser([p for layer in layers for p in layer.parameters()])

    def step(x, targets):
        trained.zero_grad()
        error = loss(layers[1](mg.relu(layers[0](x))), targets)
        error.backward()
        mg.optim.clip_gradients(trained.parameters, 1.0)
        trained.step()
        return error

    return step


def assigning(function):
    """State in two arrays of its own and two parts of one, and what a function of it is assigned."""
    memory = np.zeros(20)
    state = [mg.Tensor(np.ones((2, 3)), name=name) for name in "abcd"]
    rebase(state[2], memory[1:7].reshape(2, 3))
    rebase(state[3], memory[7:13].reshape(2, 3))

    def step(x):
        result, new = function(x, *state)
        for name, value in new.items():
            mg.assign(state["abcd".index(name)], value)
        return result

    return step


PROGRAMS = {
    "numbers beside arrays": (lambda x: (x * 2, 0.5 - x, x**2.5, mg.maximum(x, -0.0)), normal(3)),
    "numbers too large, too small, or beside integers": (
        lambda x, n, y: (x * HUGE, x * 1e-300, n * 2, n / 2.0, y + n + 1.0),
        normal(3, dtype=np.float32), whole(3), normal(3),
    ),
    "numbers alone": (
        lambda x, y: (x + y, x - y, x * y, x / y, x**y, mg.exp(x), mg.astype(x * 2.0, np.float32), -x * 2.0),
        np.float64(2.0) * np.ones(()), np.ones(()),
    ),
    "numbers of other types": (
        lambda n, h: (n + n, h * h, mg.astype(n, np.float64) * 2.0), np.array(3), np.array(2.0, np.float16),
    ),
    "a number of an array": (lambda x: mg.sum(x) * 2.0 + 1.0, normal(3)),
    "windows": differentiated(lambda x: mg.sliding_window_view(x * 2.0, 2, stride=2), normal(6)),
    "powers": (lambda x: (x**1, x**2, x**3, x**0.5, x**4, mg.square(x)), normal(3)),
    "powers of integers": (lambda n: (n**2, mg.power(n, 2.0)), whole(3)),
    "relu": (lambda x, n, y: (mg.relu(x), mg.relu(n), mg.relu(y)), normal(3), whole(3), np.array(2.0)),
    "where beside 0": (
        lambda x, c: (mg.where(c, x, 0.0), mg.where(c, 0.0, x), mg.where(c, x, 0), mg.where(c, x, -0.0)),
        normal(3), whole(3) > 1,
    ),
    "where of other shapes and types": (
        lambda x, y, c, n: (
            mg.where(c, x, y), mg.where(n, x, 0.0), mg.where(c[0], x, 0.0), mg.where(True, x, y), mg.where(c, n, 0.0),
            mg.where(c, mg.astype(x, np.float32), 0.0),
        ),
        normal(3), normal(3), whole(3) > 1, whole(3),
    ),
    "clip, astype, full_like, copy, round": (
        lambda x: (mg.clip(x, -1, 1), mg.astype(x, np.int64), mg.full_like(x, 2), mg.copy(x), mg.round(x, 1)),
        normal(3),
    ),
    "zeros and ones": (lambda x: (mg.zeros_like(x) + x, mg.ones_like(x) * 2.0), normal(3)),
    "bits": (lambda n, c: (n & 1, n | 1, n ^ 1, ~n, ~c, mg.any(c), mg.all(c)), whole(3), whole(3) > 1),
    "products": (
        lambda x, y, z, v: (x @ y, z @ y, z @ mg.swapaxes(z, -1, -2), x @ v, v @ v, mg.vecdot(x, v)),
        normal(3, 4), normal(4, 3), normal(2, 3, 4), normal(4),
    ),
    "products of pairs": (
        lambda x, y: (mg.vecdot(x, y), mg.vecdot(x, y, axis=0), mg.vecdot(x, y, keepdims=True)),
        normal(3, 4), normal(3, 4),
    ),
    "products of pairs of long rows": (lambda x, y: mg.vecdot(x, y), normal(3, 99), normal(3, 99)),
    "linear": (mg.linear, normal(3, 4), normal(4, 2), normal(2)),
    "linear of halves": (mg.linear, half(3, 4), half(4, 2), half(2)),
    "sums": (
        lambda x: (
            mg.sum(x), mg.sum(x, axis=-1), mg.sum(x, axis=0), mg.sum(x, axis=(0, 1), keepdims=True), mg.max(x, axis=1),
            mg.min(x), mg.prod(x, axis=0), mg.mean(x, axis=-1), mg.sum(x, axis=-1, keepdims=True),
        ),
        normal(2, 3, 4),
    ),
    "sums of wide rows": (lambda x: mg.sum(x, axis=-1), normal(2, 1025)),
    "sums of halves": (
        lambda x: (mg.sum(x), mg.sum(x, axis=0, keepdims=True), mg.prod(x, axis=0), mg.max(x), mg.mean(x, axis=-1)),
        half(2, 3),
    ),
    "sums of integers": (lambda n: (mg.sum(n), mg.sum(n, axis=-1), mg.mean(n)), whole(2, 3)),
    "running sums": (
        lambda x, h: (mg.cumsum(x, axis=0), mg.cumprod(x, axis=1), mg.cumsum(h, axis=0)), normal(2, 3), half(2, 3),
    ),
    "sums to a shape": (lambda x: (mg.sum_to(x, (4,)), mg.sum_to(x, (3, 1)), mg.sum_to(x, (2, 1, 4))), normal(2, 3, 4)),
    "softmax": (
        lambda x, z: (mg.softmax(x), mg.softmax(x, axis=0), mg.softmax(z), mg.log_softmax(x)),
        normal(3, 4), normal(2, 3, 4),
    ),
    "softmax under a mask": (
        lambda x, c: (mg.softmax(x, c), mg.softmax(x, MASK), mg.softmax(x, c[0])), normal(4, 4), whole(4, 4) > 0,
    ),
    "softmax of others": (
        lambda v, h, n: (mg.softmax(v), mg.softmax(h), mg.softmax(n)), normal(4), half(3, 4), whole(3, 4),
    ),
    "losses of classes": (
        lambda x, t: (
            mg.cross_entropy(x, t), mg.cross_entropy(x, t, reduction="sum"), mg.cross_entropy(x, t, reduction="none"),
            mg.cross_entropy(x, t, label_smoothing=0.1), mg.cross_entropy(x, t, ignore_index=0), mg.nll(x, t),
        ),
        normal(5, 3), whole(5),
    ),
    "the gradient of a loss": differentiated(mg.cross_entropy, normal(5, 3), whole(5)),
    "rows normalised": (
        lambda x, z: (mg.standardize(x), mg.standardize(z), mg.layer_norm(x, x[0], x[1])), normal(3, 4), normal(3, 99),
    ),
    "curves": (
        lambda x: (mg.sigmoid(x), mg.softplus(x), mg.log_sigmoid(x), mg.gelu(x), mg.gelu(x, approximate="tanh")),
        normal(3),
    ),
    "curves of halves": (lambda x: (mg.sigmoid(x), mg.softplus(x), mg.gelu(x, approximate="tanh")), half(3)),
    "slopes of curves": differentiated(lambda x: mg.tanh(x) + mg.gelu(x) + mg.silu(x) + mg.elu(x), normal(3)),
    "embedding": (lambda w, i: (mg.embedding(w, i), mg.embedding(w, 1)), normal(3, 4), whole(5)),
    "one_hot": (lambda i: (mg.one_hot(i, 3), mg.one_hot(i, 600)), whole(5)),
    "items set": (
        lambda x, n: (mg.set_at(x, 1, 2.0), mg.set_at(n, 1, 2), mg.set_at(x, slice(1, 3), x[:2])), normal(3), whole(3),
    ),
    "rows added": differentiated(mg.embedding, normal(3, 4), whole(5)),
    "rows added in many places": differentiated(mg.embedding, normal(600, 2), whole(5)),
    "rows of halves added": differentiated(mg.embedding, half(3, 4), whole(5)),
    "parts added": differentiated(lambda x: x[1:, 0] * 2.0, normal(3, 4)),
    "elements added": differentiated(lambda x, i, j: x[i, j] * 2.0, normal(3, 4), whole(5), whole(5)),
    "numbers of columns added": differentiated(lambda x, i: x[:, i] * 2.0, normal(3, 4), whole(5)),
    "order": (lambda x, i: (mg.argsort(x), mg.take_along_axis(x, i, axis=-1), mg.sort(x)), normal(3, 4), whole(3, 2)),
    "shapes": (
        lambda x: (
            x.T * 2.0, mg.reshape(x.T, (12,)), mg.expand_dims(x, 0) + 1.0, mg.squeeze(x[:1]), mg.swapaxes(x, 0, 1)[0],
            mg.broadcast_to(x[:, :1], (3, 4)) * x, mg.flip(x, axis=0), mg.roll(x, 1), mg.pad(x, 1), mg.tril(x),
        ),
        normal(3, 4),
    ),
    "joined": (
        lambda x, y: (mg.concatenate([x * 2.0, y * 3.0]), mg.stack([x, x * 4.0]), mg.concatenate([x, x])),
        normal(3, 4), normal(2, 4),
    ),
    "joined in another type": (lambda x, n: mg.concatenate([x * 2.0, n * 3]), normal(3), whole(3)),
    "computed once": (lambda x: mg.exp(x) + mg.exp(x) * mg.exp(mg.negative(-x)), normal(3)),
    "attention": (
        lambda q, k, v: mg.scaled_dot_product_attention(q, k, v, causal=True), *(normal(2, 3, 4) for _ in range(3)),
    ),
    "the gradient of attention": differentiated(
        lambda q, k, v: mg.scaled_dot_product_attention(q, k, v), *(normal(2, 3, 4) for _ in range(3))
    ),
    "checked once": (
        lambda w, v, i: (
            mg.embedding(w, i), mg.embedding(v, i), mg.embedding(w, i[:2]), mg.one_hot(i, 3), mg.one_hot(i, 4),
        ),
        normal(3, 4), normal(3, 2), whole(5),
    ),
    "numbers drawn": (
        lambda x: (
            mg.dropout(x, 0.5, np.random.default_rng(0)),
            mg.ops.random_normal(shape=(2,), generator=np.random.default_rng(0)),
        ),
        normal(3),
    ),
    "descent": (
        training(lambda p: mg.optim.SGD(p, 0.1, momentum=0.9), lambda y, t: mg.mean((y - t) ** 2)),
        normal(5, 4), normal(5, 4),
    ),
    "descent of a loss of classes": (
        training(lambda p: mg.optim.AdamW(p, 0.1), mg.cross_entropy), normal(5, 4), whole(5),
    ),
    "state swapped": (assigning(lambda x, a, b, c, d: (a + x, {"a": b, "b": a * 1.0, "c": d, "d": c})), normal(2, 3)),
    "state computed where it lies": (
        assigning(
            lambda x, a, b, c, d: (x * 2.0, {"a": a * 0.5 + x, "b": mg.exp(x), "c": c - x, "d": mg.flip(d, axis=0)})
        ),
        normal(2, 3),
    ),
    "state computed together": (
        assigning(
            lambda x, a, b, c, d: (x + 1.0, dict(zip("cd", mg.split(mg.concatenate([c, d]) * x[0], 2), strict=True)))
        ),
        normal(2, 3),
    ),
    "state of which the old value is needed": (
        assigning(lambda x, a, b, c, d: ((a * b, c[0], a), {"a": mg.exp(a) * x, "c": c[::-1] * 2.0})), normal(2, 3),
    ),
    "state from what may fail": (
        assigning(lambda x, a, b, c, d: (mg.one_hot(mg.astype(x, np.int64), 9), {"a": a * 2.0})), np.ones((2, 3)),
    ),
    "joined twice, and in each other": (
        lambda x, y: (
            mg.concatenate([mg.concatenate([x * 2.0, y * 3.0]) * 1.5, mg.concatenate([x * 4.0, y * 5.0])]),
            mg.concatenate(
                [mg.reshape(mg.concatenate([x * 6.0, y * 7.0], axis=None), (5, 4)), mg.concatenate([x, y])], axis=-1
            ),
        ),
        normal(3, 4), normal(2, 4),
    ),
    "large arrays by elements": (lambda x: mg.exp(x * 0.5) - x * 2.0, LARGE.reshape(-1)),
    "large arrays by rows": (lambda x, v: (mg.softmax(x * 0.5) + v, mg.vecdot(x * v, x)), LARGE, normal(256)),
    "large arrays between small ones": (
        lambda x, y: (mg.exp(y * 2.0) + 1.0, mg.sum(mg.tanh(x + y[0]) * x, axis=0) * 2.0), LARGE, normal(256),
    ),
}  # fmt: skip


ALWAYS = """import numpy as np

# %4 beside a line is the node of print(step.graph) that it computes
memory = memory[-memory.ctypes.data % 64 :]  # from the beginning of a cache line
def array(offset, dtype, *shape):
    return np.ndarray(shape, dtype, memory, offset)"""


def text_of_all():
    """The programs, but for the lines that are the same in all."""
    texts = []
    for title, (function, *arrays) in PROGRAMS.items():
        step = mg.compile(function)
        with np.errstate(all="ignore"):
            step(*arrays)
        lines = [line for line in step.source.splitlines() if line not in ALWAYS.splitlines()]
        texts += [f"===== {title}", *lines, ""]
    return "\n".join(texts)


def test_ops_become_what_they_did():
    text = text_of_all()
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert GOLDEN.read_text(encoding="utf-8") == text, "see the docstring of test_lowerings.py"


@pytest.mark.parametrize("title", [title for title in PROGRAMS if title.startswith("large")])
def test_large_arrays_are_worth_a_loop(title, monkeypatch):
    monkeypatch.setattr(pieces, "LARGE", 2**62)
    function, *arrays = PROGRAMS[title]
    step = mg.compile(function)
    step(*arrays)
    assert "for " not in step.source


@pytest.mark.parametrize("value", [None, True, 2, 0.5, "text", np.dtype("f4"), (), (1, (2.0, ("a",)))], ids=repr)
def test_what_python_reads_again_is_written_down(value):
    assert is_plain(value)


@pytest.mark.parametrize("value", [np.mean, 1j, np.float64(1.0), [1], (1, np.mean), (1, (2.0, ([],)))])
def test_what_it_does_not_is_bound_to_a_name(value):
    assert not is_plain(value)
