"""The floor: only the matrix products of one step, on contiguous arrays, output arrays allocated once."""

import numpy as np
from workload import SIZES, arguments, measure

args = arguments()
B, T, D, H, L, V = SIZES[args.size]
N, d, f32 = B * T, D // H, np.float32
rng = np.random.default_rng(0)


def product(*shape_a, k):
    a, b = rng.random(shape_a).astype(f32), rng.random((*shape_a[:-2], shape_a[-1], k)).astype(f32)
    return a, b, np.empty((*shape_a[:-1], k), f32)


def with_gradients(m, k, n):
    """A linear map and its two gradient products."""
    return [product(m, k, k=n), product(m, n, k=k), product(k, m, k=n)]


block = (
    with_gradients(N, D, 3 * D) + with_gradients(N, D, D) + with_gradients(N, D, 4 * D) + with_gradients(N, 4 * D, D)
)
block += [product(B, H, T, d, k=T), product(B, H, T, T, k=d)]  # forward
block += [product(B, H, T, d, k=T), product(B, H, T, T, k=d), product(B, H, T, T, k=d), product(B, H, T, T, k=d)]
products = block * L + with_gradients(N, D, V)


def step(_):
    for a, b, out in products:
        np.matmul(a, b, out=out)
    return 0.0


measure("blas-floor", args, step)
