"""The choices of the compiler, each beside what it is instead of: lines of NumPy as programs have, timed in turn.

    OPENBLAS_NUM_THREADS=1 taskset -c 1 python tests/bench/choices.py [--rounds 40]

A choice is a function that takes a shape and returns two calls without arguments, the chosen one first, whose results
agree. Both are timed in one process, some calls of one and then of the other; least times are compared. A ratio above 1
says how many times as long the other takes.
"""

import argparse
import math
import time

import numpy as np

from minigrad.ops.kernels import normal as normal_kernels

rng = np.random.default_rng(0)
SAMPLE = 5e-4  # seconds of calls between two readings of the clock


def normal(*shape):
    return rng.standard_normal(shape, dtype=np.float32)


def number(*shape):
    x, out, two = normal(*shape), normal(*shape), np.array(2.0, np.float32)
    return lambda: np.multiply(x, two, out=out), lambda: np.multiply(x, 2.0, out=out)


def number_operators(*shape):
    x, y = np.float32(3.0), np.array(2.0, np.float32)
    out = np.empty(shape, np.float32)
    return lambda: y[()] / x, lambda: np.divide(y, x, out=out)


def power_of_two(*shape):
    x, out, divisor, factor = normal(*shape), normal(*shape), np.array(8.0, np.float32), np.array(0.125, np.float32)
    return lambda: np.multiply(x, factor, out=out), lambda: np.divide(x, divisor, out=out)


def transposed_batch(*shape):
    x, y = normal(*shape), normal(*shape).transpose(0, 1, 3, 2)
    copied, out, out_2 = np.empty(y.shape, np.float32), *(np.empty((*shape[:-1], shape[-2]), np.float32) for _ in "12")

    def chosen():
        np.copyto(copied, y)
        return np.matmul(x, copied, out=out)

    return chosen, lambda: np.matmul(x, y, out=out_2)


def batch_in_order(*shape):
    batch, heads, tokens, width = shape
    x, y = normal(batch, heads, tokens, tokens), normal(batch, tokens, heads, width).transpose(0, 2, 1, 3)
    out, out_2, copied = normal(*shape), normal(*shape), normal(*shape)

    def other():
        np.copyto(copied, y)
        return np.matmul(x, copied, out=out_2)

    return lambda: np.matmul(x, y, out=out), other


def written_in_order(*shape):
    batch, heads, tokens, width = shape
    x, y = normal(batch, heads, tokens, tokens), normal(*shape)
    out, out_2, product = *(normal(batch, tokens, heads, width) for _ in "12"), normal(*shape)

    def chosen():
        np.matmul(x, y, out=out.transpose(0, 2, 1, 3))
        return out

    def other():
        np.copyto(out_2, np.matmul(x, y, out=product).transpose(0, 2, 1, 3))
        return out_2

    return chosen, other


def small_product(*shape):
    x, w, out, out_2 = normal(*shape), normal(shape[-1], shape[-1]), normal(*shape), normal(*shape)
    return lambda: np.dot(x, w, out=out), lambda: np.matmul(x, w, out=out_2)


def one_product(*shape):
    x, w = normal(*shape), normal(shape[-1], shape[-1])
    rows, out, out_2 = x.reshape(-1, shape[-1]), np.empty(shape, np.float32), np.empty(shape, np.float32)
    flat = out.reshape(rows.shape)

    def chosen():
        np.matmul(rows, w, out=flat)
        return out

    return chosen, lambda: np.matmul(x, w, out=out_2)


def sum_of_rows(*shape):
    x, ones, out, out_2 = normal(*shape), np.ones(shape[-1], np.float32), normal(shape[0]), normal(shape[0])
    return lambda: np.matmul(x, ones, out=out), lambda: np.add.reduce(x, axis=-1, out=out_2)


def dots_of_short_rows(*shape):
    x, y, products = normal(*shape), normal(*shape), normal(*shape)
    ones, out, out_2 = np.ones(shape[-1], np.float32), normal(shape[0]), normal(shape[0])

    def chosen():
        np.multiply(x, y, out=products)
        return np.matmul(products, ones, out=out)

    return chosen, lambda: np.vecdot(x, y, out=out_2)


def dots_of_long_rows(*shape):
    return dots_of_short_rows(*shape)[::-1]


def softmax(*shape):
    x, out, out_2 = normal(*shape), normal(*shape), normal(*shape)
    ones, totals, totals_2 = np.ones((shape[-1], 1), np.float32), normal(shape[0], 1), normal(shape[0], 1)

    def chosen():
        with np.errstate(all="ignore"):
            np.exp(x, out=out)
        np.matmul(out, ones, out=totals)
        if np.minimum.reduce(totals, None) > 1e-6 and np.maximum.reduce(totals, None) < 1e30:
            np.divide(out, totals, out=out)
        return out

    def other():
        np.maximum.reduce(x, axis=-1, keepdims=True, out=totals_2)
        np.subtract(x, totals_2, out=out_2)
        np.exp(out_2, out=out_2)
        np.add.reduce(out_2, axis=-1, keepdims=True, out=totals_2)
        return np.divide(out_2, totals_2, out=out_2)

    return chosen, other


def zero_elsewhere(*shape):
    x, out, out_2 = normal(*shape), normal(*shape), normal(*shape)
    condition = normal(*shape) > 0

    def chosen():
        np.multiply(x.view(np.int32), condition, out=out.view(np.int32))
        return out

    def other():
        np.copyto(out_2, 0.0)
        np.copyto(out_2, x, where=condition)
        return out_2

    return chosen, other


def rows_added(*shape):
    rows, places, width = shape
    values, indices, identity = normal(rows, width), rng.integers(0, places, rows), np.eye(places, dtype=np.float32)
    hot, out, out_2 = np.empty((rows, places), np.float32), normal(places, width), normal(places, width)

    def chosen():
        hot[...] = identity[indices]
        np.matmul(hot.T, values, out=out)
        assert np.isfinite(np.add.reduce(out, None))
        return out

    def other():
        out_2[...] = 0
        np.add.at(out_2, indices, values)
        return out_2

    return chosen, other


def gelu(*shape):
    x, out, out_2 = normal(*shape), normal(*shape), normal(*shape)

    def other():
        shares = np.fromiter(map(math.erfc, (x * -math.sqrt(0.5)).tolist()), np.float32, x.size)
        return np.multiply(x, shares * np.float32(0.5), out=out_2)

    return lambda: normal_kernels.gelu(x, "none", out), other


def in_pieces(*shape):
    x, out, out_2, whole, piece = normal(*shape), normal(*shape), normal(*shape), normal(*shape), normal(2**14)

    def chosen():
        for start in range(0, len(x), 2**14):
            stop = min(start + 2**14, len(x))
            np.multiply(x[start:stop], x[start:stop], out=piece[: stop - start])
            np.add(piece[: stop - start], x[start:stop], out=piece[: stop - start])
            np.negative(piece[: stop - start], out=out[start:stop])
        return out

    def other():
        np.multiply(x, x, out=whole)
        np.add(whole, x, out=whole)
        return np.negative(whole, out=out_2)

    return chosen, other


CHOICES = (
    ("a number as an array of no axes", "Python's number", number, [(16, 16), (128, 64), (1024, 1024)]),
    ("Python's operator on scalars", "a ufunc into an array of no axes", number_operators, [()]),
    ("times 2⁻ⁿ", "divided by 2ⁿ", power_of_two, [(16, 16), (128, 64), (1024, 1024)]),
    ("a batch times a transposed one, copied", "times a view of it", transposed_batch,
     [(16, 2, 8, 8), (32, 4, 32, 16), (16, 8, 128, 32)]),
    ("a batch times one whose rows lie side by side", "copied", batch_in_order,
     [(16, 2, 8, 8), (32, 4, 32, 16), (16, 8, 128, 32)]),
    ("a batch of products in the order that is read", "copied there", written_in_order,
     [(16, 2, 8, 8), (32, 4, 32, 16), (16, 8, 128, 32)]),
    ("a small product by np.dot", "by np.matmul", small_product, [(1, 16), (128, 16), (1024, 64)]),
    ("one product of all rows", "a product per matrix", one_product, [(16, 8, 16), (32, 32, 64), (16, 128, 256)]),
    ("sums of rows by a product with ones", "np.add.reduce", sum_of_rows, [(128, 16), (1024, 64), (2048, 256)]),
    ("products of short rows, then a product with ones", "np.vecdot", dots_of_short_rows, [(128, 8), (128, 16)]),
    ("np.vecdot of longer rows", "products, then a product with ones", dots_of_long_rows, [(1024, 64), (2048, 256)]),
    ("softmax, exponentials as they come", "from the largest of each row", softmax, [(256, 8), (4096, 32)]),
    ("zero elsewhere: bits times the condition", "np.copyto(where=)", zero_elsewhere, [(16, 16), (1024, 256)]),
    ("rows added up by one-hot vectors", "np.add.at", rows_added, [(128, 16, 16), (1024, 32, 64), (2048, 128, 256)]),
    ("exact gelu by polynomials", "by math.erfc of each element", gelu, [(128,), (73728,)]),
    ("a large array in pieces", "as a whole", in_pieces, [(2**18,), (2**21,)]),
)  # fmt: skip


def least_times(calls, rounds):
    """The least time of each call, in seconds, of so many samples in turn."""
    counts = []
    for call in calls:
        call()
        begin = time.perf_counter()
        call()
        counts.append(max(1, round(SAMPLE / (time.perf_counter() - begin))))
    least = [float("inf")] * len(calls)
    for _ in range(rounds):
        for i, (call, count) in enumerate(zip(calls, counts, strict=True)):
            begin = time.perf_counter()
            for _ in range(count):
                call()
            least[i] = min(least[i], (time.perf_counter() - begin) / count)
    return least


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    for chosen, other, make, shapes in CHOICES:
        print(f"{chosen} | {other}")
        for shape in shapes:
            calls = make(*shape)
            np.testing.assert_allclose(calls[0]().copy(), calls[1](), rtol=1e-3, atol=1e-4)
            first, second = least_times(calls, rounds)
            print(f"    {shape!s:<20}{first * 1e6:10.2f} µs {second * 1e6:10.2f} µs {second / first:6.2f}")


if __name__ == "__main__":
    main()
