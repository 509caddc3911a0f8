"""What rules and simpler ops leave of small functions, listing for listing, as `golden/rewritten_graphs.txt` has them.

Rules that fire where they need not, or do not where they should, give the same numbers: so there are examples at both
sides of every condition. After a change that is meant, `MINIGRAD_UPDATE_GOLDEN=1` in the environment rewrites the file,
for the diff to be read.
"""

import os
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.rewrite import rewritten
from minigrad.core.structure import leaves
from minigrad.ops.product import SHORT

GOLDEN = Path(__file__).parent.parent / "golden" / "rewritten_graphs.txt"
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((2, 2, 3, 4))
V, W = RNG.standard_normal((2, 4))
ROWS, OTHER = RNG.standard_normal((2, 5, 4))
SQUARE = RNG.standard_normal((4, 4))
LONG, LONGER = RNG.standard_normal((5, 30)), RNG.standard_normal((5, 99))
WHOLE = np.arange(1, 13).reshape(3, 4)
TARGETS = np.array([0, 3, 1, 1, 2])
SINGLE = np.float32


def centred(x, v):
    return x * v - mg.mean(x * v, axis=-1, keepdims=True)


def loss_and(function):
    return lambda x, targets, *others: (mg.cross_entropy(x, targets), function(x, *others))


def products_and(function):
    return lambda x, y, v: (mg.sum(x * y, axis=0), function(x, y, v))


def joined_and(function, axis=None):
    """The arrays joined, and what the function makes of each of them joined too."""
    return lambda x, y, *others: (
        mg.concatenate([x, y], axis=axis), mg.concatenate(function(x, y, *others), axis=axis),
    )  # fmt: skip


GRAPHS = {
    "times 1": (lambda x: (x * 1.0, 1.0 * x, x * 1, x / 1.0, x / 1, 1.0 / x), X),
    "integers times 1": (lambda n: (n * 1.0, n * 1, 1 * n, n / 1.0), WHOLE),
    "quotients by powers of two": (lambda x: (x / 8.0, x / 0.5, x / 3.0, x / 8, 8.0 / x, x / -4.0), X),
    "quotients by large powers of two": (
        lambda x: (x / 2.0**125, x / 2.0**126, x / 2.0**127, x / 2.0**-126, x / 2.0**-127), X.astype(SINGLE),
    ),
    "quotients by larger powers of two": (lambda x: (x / 2.0**1021, x / 2.0**1022, x / 2.0**1023), X),
    "minus 0": (lambda x: (x - 0.0, x - 0, x - (-0.0), 0.0 - x, x + 0.0), X),
    "integers minus 0": (lambda n: (n - 0.0, n - 0), WHOLE),
    "twice negative": (lambda x: mg.negative(mg.negative(x)), X),
    "plus negative": (lambda x, y: x + (-y), X, Y),
    "negative plus": (lambda x, y: -x + y, X, Y),
    "minus negative": (lambda x, y: x - (-y), X, Y),
    "integers plus negative": (lambda x, y: (x + (-y), -x + y, x - (-y)), WHOLE, WHOLE),
    "numbers plus negative": (lambda x: (-x + 1.0, 1.0 + (-x), 1.0 - (-x), -x - 1.0), X),
    "types": (lambda x: (mg.astype(x, np.float64), mg.astype(x, "f8"), mg.astype(x, SINGLE)), X),
    "shapes in a row": (lambda x: (x.reshape(6, 4).reshape(-1, 3).reshape(8, 3), x.reshape(2, -1, 4) * 2.0), X),
    "open shapes": (lambda x: (x.reshape(-1) * 2.0, x.reshape(24) * 2.0, x.reshape((24,)) * 2.0), X),
    "shapes of nothing": (lambda x: (x.reshape(3, 0), x.reshape(0, 3)), np.empty((0, 3))),
    "orders of axes": (
        lambda x: (mg.swapaxes(x, 0, 2).transpose((2, 1, 0)), x.transpose((1, 2, 0)).transpose((1, 2, 0))), X,
    ),
    "orders of axes from the end": (lambda x: (x.transpose(), x.transpose((-1, 0, 1)), x.transpose((0, -2, 2))), X),
    "the order of one axis": (lambda v: mg.transpose(v, 0) * 2.0, V),
    "to a shape": (lambda x: (mg.sum_to(x, (2, 3, 4)), mg.broadcast_to(x, (2, 3, 4)), mg.sum_to(x, (3, 4))), X),
    "broadcast": (
        lambda x, v: (x + mg.broadcast_to(v, (2, 3, 4)), mg.broadcast_to(v, (3, 4)) + v, mg.broadcast_to(v, (3,
        4)) * 2.0),
        X, V,
    ),
    "sums of scaled rows": (lambda x, v: (mg.sum(x * v, axis=-1), mg.sum(v * x, axis=-1)), X, V),
    "sums of a scaled matrix": (lambda x, v: mg.sum(x * v, axis=-1), ROWS, V),
    "sums of a scaled square": (lambda x, v: mg.sum(x * v, axis=-1), SQUARE, V),
    "sums of products of rows": (lambda x, y: mg.sum(x * y, axis=-1), ROWS, OTHER),
    "sums of rows times a column": (lambda x, y: mg.sum(x * y, axis=-1), ROWS, OTHER[:, :1]),
    "sums of rows times a row": (lambda x, y: mg.sum(x * y, axis=-1), ROWS, OTHER[:1]),
    "sums of products of vectors": (lambda x, y: mg.sum(x * y, axis=-1), V, W),
    "products with a constant": (lambda x, v: (x * v) @ mg.constant(W), ROWS, V),
    "products with a large constant": (lambda x, v: (x * v) @ mg.constant(W * 2.0**30), ROWS, V),
    "products with a small constant": (lambda x, v: (x * v) @ mg.constant(W * 2.0**-30), ROWS, V),
    "products with what may change": (lambda x, v, w: (x * v) @ w, ROWS, V, W),
    "products with a matrix": (lambda x, v, w: (x * v) @ w, ROWS, V, SQUARE),
    "products with a constant matrix": (lambda x, v: (x * v) @ mg.constant(SQUARE), ROWS, V),
    "products known": (products_and(lambda x, y, v: mg.vecdot(x * v, y)), LONG, LONG + 1.0, LONG[0]),
    "products known the other way": (products_and(lambda x, y, v: mg.vecdot(y, v * x)), LONG, LONG + 1.0, LONG[0]),
    "products known, an axis kept": (
        products_and(lambda x, y, v: mg.vecdot(x * v, y, keepdims=True)), LONG, LONG + 1.0, LONG[0],
    ),
    "products known, along columns": (
        products_and(lambda x, y, v: mg.vecdot(x * v, y, axis=0)), LONG, LONG + 1.0, LONG[0],
    ),
    "products known of others": (products_and(lambda x, y, v: mg.vecdot(x * v, x)), LONG, LONG + 1.0, LONG[0]),
    "products known of vectors": (products_and(lambda x, y, v: mg.vecdot(x * v, y)), V, W, ROWS[0]),
    "products not known": (lambda x, y, v: mg.vecdot(x * v, y), LONG, LONG + 1.0, LONG[0]),
    "products of halves": (
        products_and(lambda x, y, v: mg.vecdot(x * v, y)), *(x.astype(np.float16) for x in (LONG, LONG + 1.0, LONG[0])),
    ),
    "factors of sums": (lambda x, v: ((x @ v) * 0.5, 0.5 * (x @ v), (x @ v) * 2), ROWS, V),
    "factors of sums of a batch": (lambda x, v: (x @ v) * 0.5, X, V),
    "large factors": (lambda x, v: ((x @ v) * 1e9, (x @ v) * 1e-9), ROWS, V),
    "factors of products": (lambda x, y, v: ((x @ y) * 0.5, (v @ v) * 0.5), ROWS, SQUARE, V),
    "divisors of sums": (lambda x, v: ((x @ v) / 3.0, 3.0 / (x @ v), (x @ v) / 3), ROWS, V),
    "means": (lambda x: (mg.mean(x, axis=-1), mg.mean(x, axis=-1, keepdims=True), mg.mean(x, axis=0), mg.mean(x)), X),
    "centred rows": (centred, ROWS, V),
    "centred rows of a batch": (centred, X, V),
    "centred rows of a square": (centred, SQUARE, V),
    "centred long rows": (centred, LONGER, LONGER[0]),
    "centred by others": (lambda x, y, v: x * v - mg.mean(y * v, axis=-1, keepdims=True), ROWS, OTHER, V),
    "centred by a row": (lambda x, v: x * v - mg.mean(x * v, axis=-1), SQUARE, V),
    "centred by other sums": (lambda x, v, w: x * v - mg.expand_dims(x @ w, -1), ROWS, V, W),
    "centred by columns": (lambda x, v: x * v - mg.mean(x * v, axis=0, keepdims=True), ROWS, V),
    "probabilities of a loss": (loss_and(mg.softmax), ROWS, TARGETS),
    "probabilities along another axis": (loss_and(lambda x: mg.softmax(x, axis=0)), ROWS, TARGETS),
    "probabilities along the axis by its number": (loss_and(lambda x: mg.softmax(x, axis=1)), ROWS, TARGETS),
    "probabilities under a mask": (loss_and(mg.softmax), ROWS, TARGETS, ROWS > 0),
    "probabilities of others": (loss_and(lambda x, y: mg.softmax(y)), ROWS, TARGETS, OTHER),
    "losses of a batch": (mg.cross_entropy, X, WHOLE[:2, :3] % 4),
    "losses added": (lambda x, t: mg.cross_entropy(x, t, reduction="sum"), ROWS, TARGETS),
    "losses of some": (lambda x, t: mg.cross_entropy(x, t, ignore_index=1), X, WHOLE[:2, :3] % 4),
    "losses of some added": (
        lambda x, t: mg.cross_entropy(x, t, reduction="sum", ignore_index=1), ROWS, TARGETS,
    ),
    "losses one by one": (
        lambda x, t: (mg.cross_entropy(x, t, reduction="none"), mg.cross_entropy(x, t, label_smoothing=0.1)),
        ROWS, TARGETS,
    ),
    "losses that weigh more and less": (lambda x, t, w: mg.cross_entropy(x, t, w, ignore_index=1), ROWS, TARGETS, W),
    "losses of halves": (lambda x, t: mg.cross_entropy(x, t, ignore_index=1), ROWS.astype(np.float16), TARGETS),
    "probabilities of a loss of some": (
        lambda x, t: (mg.cross_entropy(x, t, ignore_index=1), mg.softmax(x)), ROWS, TARGETS,
    ),
    "scaled and joined": (joined_and(lambda x, y, s: (x * s, s * y)), X, ROWS, V[0]),
    "scaled and joined along an axis": (joined_and(lambda x, y, s: (x * s, y * s), axis=1), ROWS, OTHER, V[0]),
    "scaled by a number and joined": (joined_and(lambda x, y: (x * 3.0, 3.0 * y)), X, ROWS),
    "scaled by two numbers and joined": (joined_and(lambda x, y: (x * 3.0, y * 5.0)), X, ROWS),
    "scaled by two factors and joined": (joined_and(lambda x, y, s, t: (x * s, y * t)), X, ROWS, V[0], V[1]),
    "scaled by a vector and joined": (joined_and(lambda x, y, v: (x * v, y * v)), ROWS, OTHER, V),
    "scaled by one element and joined": (joined_and(lambda x, y, v: (x * v, y * v)), ROWS, OTHER, V[:1]),
    "scaled by the first and joined": (joined_and(lambda x, y: (x * x, x * y)), V[0], V[1]),
    "scaled in part and joined": (joined_and(lambda x, y, s: (x * s, y)), X, ROWS, V[0]),
    "scaled in another order and joined": (joined_and(lambda x, y, s: (y * s, x * s)), X, ROWS, V[0]),
    "scaled and not joined before": (lambda x, y, s: mg.concatenate([x * s, y * s]), ROWS, OTHER, V[0]),
    "two types scaled and joined": (joined_and(lambda x, y, s: (x * s, y * s)), ROWS, OTHER.astype(SINGLE), V[0]),
    "singles scaled by a double and joined": (
        joined_and(lambda x, y, s: (x * s, y * s)), ROWS.astype(SINGLE), OTHER.astype(SINGLE), V[0],
    ),
    "integers scaled and joined": (joined_and(lambda m, n, s: (m * s, n * s)), WHOLE, WHOLE + 1, V[0]),
    "turned matrices": (lambda x, y, z: (x @ mg.swapaxes(y, -1, -2), z @ mg.swapaxes(y, -1, -2)), X, Y, ROWS),
    "turned matrices on the other side": (lambda x, y: (mg.swapaxes(x, -1, -2) @ y, x @ y[0].T), X, Y),
    "constants of one element": (
        lambda x: (x * mg.constant(2.0), mg.constant([2.0]) * x, mg.constant([[[[2.0]]]]) * x, mg.constant([2, 3, 4,
        5]) * x),
        X,
    ),
    "constants of another type": (
        lambda x: (x * mg.constant(np.float32(0.1)), x * mg.constant(0.1), x > mg.constant(0.1), x > mg.constant([1])),
        X.astype(SINGLE),
    ),
    "constants beside integers": (lambda n: (n * mg.constant(2.0), n * mg.constant(2)), WHOLE),
    "constants computed": (
        lambda x: (x * mg.exp(mg.constant([0.0, 1.0, 2.0, 3.0])), x + mg.broadcast_to(mg.constant([1.0]), (4,))), X,
    ),
    "equal constants": (
        lambda x: (x * mg.constant(V), x + mg.constant(V.copy()), x - mg.constant(V.astype(SINGLE))), X,
    ),
    "sums over several axes": (
        lambda x: (mg.sum(x, axis=(0, 2)), mg.sum(x, axis=2), mg.sum(x, axis=(2,)), mg.sum(x, axis=-1, keepdims=True)),
        X,
    ),
    "sums of wide rows": (lambda x: mg.sum(x, axis=-1), np.ones((2, 1025))),
    "sums of a vector": (lambda v: (mg.sum(v), mg.sum(v, axis=-1)), V),
    "sums to shapes": (
        lambda x: (mg.sum_to(x, (4,)), mg.sum_to(x, (1, 4)), mg.sum_to(x, (2, 1, 1)), mg.sum_to(x, ())), X,
    ),
    "sums of halves and of nothing": (
        lambda x, y: (mg.sum(x, axis=-1), mg.sum_to(x, (4,)), mg.sum(y, axis=-1), mg.sum_to(y, (4,))),
        X.astype(np.float16), X[:0],
    ),
    "products of a batch and a matrix": (lambda x, y, v: (x @ y, x @ v, y @ y), X, SQUARE, V),
    "rows by rows": (
        lambda x, y: (mg.vecdot(x, y), mg.vecdot(x, y, keepdims=True), mg.vecdot(x, y, axis=0)), ROWS, OTHER,
    ),
    "long rows by rows": (lambda x, v: (mg.vecdot(x, x), mg.vecdot(x, v), mg.vecdot(v, v)), LONGER, LONGER[0]),
    "rows by rows of two types": (lambda x, y: mg.vecdot(x, y), ROWS, OTHER.astype(SINGLE)),
    "linear": (lambda x, w, b: (mg.linear(x, w, b), mg.linear(x, w)), X, SQUARE, V),
    "linear of two types": (
        lambda x, w: (mg.linear(x, w), mg.linear(w, x)), SQUARE.astype(np.float16), SQUARE.astype(SINGLE),
    ),
    "rows as long as short ones": (
        lambda x, y: (mg.vecdot(x, x), mg.standardize(x), mg.vecdot(y, y), mg.standardize(y)),
        np.ones((2, SHORT)), np.ones((2, SHORT - 1)),
    ),
    "halves normalised": (lambda x: (mg.standardize(x), mg.standardize(x[:0])), X.astype(np.float16)),
    "rows normalised": (lambda x: (mg.standardize(x), mg.standardize(x, epsilon=0.0), mg.standardize(x[0, 0])), X),
    "long rows normalised": (lambda x: mg.rms_norm(mg.standardize(x)), LONGER),
    "softmax": (lambda x, v: (mg.softmax(x), mg.softmax(v), mg.softmax(x[0]), mg.softmax(x, axis=0)), X, V),
    "powers": (lambda x, n: (x**1, x**2, x**3, x**0.5, x**4, n**2), X, WHOLE),
    "curves": (
        lambda x: (mg.sigmoid(x), mg.softplus(x), mg.log_sigmoid(x), mg.gelu(x), mg.gelu(x, approximate="tanh")), X,
    ),
    "curves of halves": (lambda x: (mg.sigmoid(x), mg.softplus(x), mg.log_sigmoid(x)), X.astype(np.float16)),
    "axes more and less": (lambda x: (mg.expand_dims(x, (0, -1)), mg.squeeze(x[:1]), mg.squeeze(x[:, :1], axis=1)), X),
    "filled": (lambda x: (mg.zeros_like(x) + x, mg.ones_like(x) * x), X),
}  # fmt: skip


def text_of_all():
    texts = []
    for title, (function, *arrays) in GRAPHS.items():
        texts += [f"===== {title}", str(rewritten(mg.trace(function, *arrays)).graph), ""]
    return "\n".join(texts)


def test_graphs_are_rewritten_as_they_were():
    text = text_of_all()
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(text, encoding="utf-8", newline="\n")
    assert GOLDEN.read_text(encoding="utf-8") == text, "see the docstring of test_rewritten_graphs.py"


@pytest.mark.filterwarnings("ignore:.* encountered in:RuntimeWarning")
@pytest.mark.parametrize("title", GRAPHS)
def test_a_rewritten_graph_computes_the_same(title):
    function, *arrays = GRAPHS[title]
    graph = mg.trace(function, *arrays)
    pairs = zip(leaves(rewritten(graph).graph.run(*arrays)), leaves(graph.run(*arrays)), strict=True)
    for actual, expected in pairs:
        allowed = {2: 1e-2, 4: 1e-5, 8: 1e-12}[expected.dtype.itemsize] if expected.dtype.kind == "f" else 0
        np.testing.assert_allclose(actual, expected, rtol=allowed, atol=allowed)
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
