"""Functions of one element: activations, and derivatives that keep their digits; see `normal.py` for gelu."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.ops.kernels import as_float, widen_half


def leaky_relu(x: Any, slope: float) -> Any:
    """x where x > 0, else slope · x."""
    x = as_float(x)
    return np.where(x > 0, x, x * slope)


def elu(x: Any, alpha: float) -> Any:
    """x where x > 0, else alpha · (exp x − 1)."""
    x, dtype = widen_half(as_float(x))
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0)) * alpha).astype(dtype, copy=False)


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(−x))."""
    x, dtype = widen_half(as_float(x))
    with_x, without = np.exp(np.minimum(x, 0)), np.exp(-np.maximum(x, 0))  # neither overflows, and one of them is 1
    return (with_x / (with_x + without)).astype(dtype, copy=False)


def softplus(x: Any) -> Any:
    """log(1 + exp x)."""
    x, dtype = widen_half(as_float(x))
    return (np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))).astype(dtype, copy=False)


def log_sigmoid(x: Any) -> Any:
    """−log(1 + exp(−x))."""
    return -softplus(-as_float(x))


def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    x, dtype = widen_half(as_float(x))
    return (x / (np.abs(x) + 1)).astype(dtype, copy=False)


def tanh_slope(x: Any) -> Any:
    """1 / cosh² x = 4t / (1 + t)² with t = exp(−2 |x|), which cannot overflow."""
    x, dtype = widen_half(as_float(x))
    t = np.exp(np.abs(x) * -2)
    return (t * 4 / np.square(t + 1)).astype(dtype, copy=False)


def one_minus_square(x: Any) -> Any:
    """1 − x² as a product, in which nothing cancels."""
    return (1 - as_float(x)) * (as_float(x) + 1)


# --- silu and mish ----------------------------------------------------------------------------------------------------

SILU_SLOPE_ZERO, SILU_SLOPE_ZERO_REST = -1.2784645427610737, -1.0946994183093437e-16
EXP_OF_SILU_SLOPE_ZERO = 0.2784645427610738
MISH_SLOPE_ZERO, MISH_SLOPE_ZERO_REST = -1.1924312145154952, -4.8484829848031044e-17
EXP_OF_MISH_SLOPE_ZERO = 0.3034825352815289


def silu(x: Any) -> Any:
    """Sigmoid linear unit, also called swish (Elfwing, Uchibe and Doya, arXiv 1702.03118)."""
    x, dtype = widen_half(np.maximum(as_float(x), -800))
    root, without = np.exp(np.minimum(x, 0) / 2), np.exp(-np.maximum(x, 0))
    result = x * root * root / (root * root + without)  # by the roots, exp x vanishes no earlier than the result
    return result.astype(dtype, copy=False)


def silu_slope(x: Any) -> Any:
    """The derivative of `silu`, accurate also around its zero at −1.28."""
    x, dtype = widen_half(np.clip(as_float(x), -800, 800))  # beyond, it is 0 and 1
    # With e = exp x it is e (1 + x + e) / (1 + e)², and 1 + x + e = d + e₀ (exp d − 1), where d is the distance from
    # the zero x₀, and e₀ = exp x₀: two terms of one sign.
    e = np.exp(np.minimum(x, 0))
    distance = np.minimum(x, 0) - SILU_SLOPE_ZERO - SILU_SLOPE_ZERO_REST
    left = (distance + EXP_OF_SILU_SLOPE_ZERO * np.expm1(distance)) * e / (1 + e * (2 + e))
    t = np.exp(-np.maximum(x, 0))  # on the other side the same in terms of exp(−x), which cannot overflow
    right = (1 + t * (1 + x)) / (1 + t * (2 + t))
    return np.where(x < 0, left, right).astype(dtype, copy=False)


def mish(x: Any) -> Any:
    """Self-regularised activation (Misra, arXiv 1908.08681)."""
    x, dtype = widen_half(np.maximum(as_float(x), -800))
    return (x * np.tanh(softplus(x))).astype(dtype, copy=False)


def mish_slope(x: Any) -> Any:
    """The derivative of `mish`, accurate also around its zero at −1.19."""
    x, dtype = widen_half(np.clip(as_float(x), -800, 800))
    # With e = exp x it is e ω / (e² + 2e + 2)², ω = 4(x + 1) + 4e² + e³ + e (4x + 6) (the paper's equation 5). Taking
    # from ω what it is at its zero, 0, leaves terms of one sign.
    e, e0 = np.exp(np.minimum(x, 0)), EXP_OF_MISH_SLOPE_ZERO
    distance = np.minimum(x, 0) - MISH_SLOPE_ZERO - MISH_SLOPE_ZERO_REST
    factor = 4 * (e + e0) + e * e + e * e0 + (e0 * e0 + 4 * MISH_SLOPE_ZERO + 6)
    omega = 4 * distance + (4 * distance * e + e0 * np.expm1(distance) * factor)
    left = e * omega / (4 + e * (8 + e * (8 + e * (4 + e))))
    t = np.exp(-np.maximum(x, 0))  # on the other side the same in terms of exp(−x), which cannot overflow
    width = 1 + 2 * t * (1 + t)
    right = (1 + 2 * t + 4 * x * t * t * (1 + t) / width) / width
    return np.where(x < 0, left, right).astype(dtype, copy=False)
