"""Small products go to `np.dot`: the same bits, only where it makes no copies, and only where it is faster."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.products import SMALL

SHAPES = [
    ((3, 4), (4, 5)), ((1, 4), (4, 5)), ((3, 1), (1, 5)), ((3, 4), (4, 1)), ((3, 4), (4,)), ((4,), (4, 5)),
    ((4,), (4,)),
    ((128, 16), (16, 16)), ((16, 128), (128, 16)), ((128, 16), (16, 64)), ((33, 17), (17, 65)), ((0, 4), (4, 5)),
    ((3, 0), (0, 5)), ((1, 1), (1, 1)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("orders", list(itertools.product("CF", "CF")), ids="".join)
def test_dot_and_matmul_give_the_same_bits(shapes, orders, dtype):
    rng = np.random.default_rng(0)
    x1, x2 = (np.asarray(rng.standard_normal(s).astype(dtype), order=o) for s, o in zip(shapes, orders, strict=True))
    expected = np.matmul(x1, x2)
    out = np.full(expected.shape, np.nan, dtype)
    np.dot(x1, x2, out=out)
    assert out.tobytes() == expected.tobytes()
    step = mg.compile(lambda x1, x2: x1 @ x2)
    np.testing.assert_array_equal(step(x1, x2).numpy(), expected)


SPECIAL = [0.0, -0.0, 1.0, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("m", [1, 2, 3, 20])
@pytest.mark.parametrize("n", [1, 2, 3, 20])
@pytest.mark.parametrize("p", [1, 2, 3, 20])
def test_special_values_meet_as_in_matmul(m, n, p):
    rng = np.random.default_rng(m * 400 + n * 20 + p)
    step = mg.compile(lambda x1, x2: x1 @ x2)
    for _ in range(20):
        x1, x2 = rng.choice(SPECIAL, (m, n)), rng.choice(SPECIAL, (n, p))
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(step(x1, x2).numpy(), x1 @ x2)
            for vector, matrix in ((x1[0], x2), (x1, x2[:, 0])):
                np.testing.assert_array_equal(step(vector, matrix).numpy(), vector @ matrix)


def product_of(function, *arrays):
    """How the program of a function multiplies matrices."""
    step = mg.compile(function)
    expected = np.asarray(function(*map(mg.Tensor, arrays)).numpy())
    np.testing.assert_allclose(step(*arrays).numpy(), expected, rtol=1e-5, atol=1e-6)
    (line,) = (line for line in step.source.splitlines() if "np.dot(" in line or "np.matmul(" in line)
    return line.strip().partition("(")[0]


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def test_where_it_is_used():
    assert product_of(lambda x, y: mg.exp(x) @ mg.exp(y), ones(3, 4), ones(4, 5)) == "np.dot"
    assert product_of(lambda x, y: mg.exp(x).T @ mg.exp(y), ones(4, 3), ones(4, 5)) == "np.dot"  # transposed as a whole


@pytest.mark.parametrize(
    ("function", "arrays"),
    [
        (lambda x, y: mg.exp(x)[:, :4] @ mg.exp(y), [ones(3, 8), ones(4, 5)]),  # `np.dot` would copy it
        (lambda x, y: mg.exp(x) @ mg.exp(y), [ones(2, 3, 4), ones(2, 4, 5)]),  # it means another product
        (lambda x, y: mg.exp(x) @ mg.exp(y), [ones(64, 128), ones(128, SMALL // (64 * 128) + 1)]),
        (lambda x, y: mg.exp(x) @ mg.exp(y), [ones(3, 4), ones(4, 5, dtype=np.float64)]),
        (lambda x, y: mg.exp(x) @ mg.exp(y), [ones(3, 4, dtype=np.float16), ones(4, 5, dtype=np.float16)]),
        (lambda x, y: mg.exp(x) @ mg.exp(y), [ones(2**15, 32), ones(32)]),  # piece by piece
        (lambda x, y: x @ y, [ones(3, 4, dtype=np.int64), ones(4, 5, dtype=np.int64)]),
        (lambda x, y: mg.concatenate([mg.exp(x) @ mg.exp(y), x], axis=1), [ones(3, 4), ones(4, 4)]),  # beside x
    ],
)  # fmt: skip
def test_where_it_is_not_used(function, arrays):
    assert product_of(function, *arrays) == "np.matmul"
