"""Square matrices in the last two axes: systems of equations, inverses, determinants and factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import Array


def squares(a: Any) -> Any:
    """`a` itself, if it is made of square matrices."""
    if len(a.shape) < 2 or a.shape[-2] != a.shape[-1]:
        raise ValueError(f"expected a square matrix in the last two axes, got shape {a.shape}")
    return a


def where_finite(function: Callable[..., Any], a: Array) -> Any:
    """`function` of `a`, and NaN for matrices that hold one or an infinity: for these LAPACK may give up them all."""
    finite = np.isfinite(squares(a)).all((-2, -1), keepdims=True)
    result = function(np.where(finite, a, 0))
    return np.where(finite if result.ndim == a.ndim else finite[..., 0], result, np.nan)


def or_named(name: str, function: Callable[..., Any], a: Array, *others: Any, **params: Any) -> Any:
    """What NumPy makes of these, or its refusal, by name: a program does not know who it computes for."""
    try:
        return function(a, *others, **params)
    except np.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(f"{name}: {error}, a has shape {a.shape}") from None


def solve(a: Array, b: Any) -> Any:
    n, shape = squares(a).shape[-1], np.shape(b)
    if shape[-2:-1] != (n,) != shape:
        vectors = "for a batch of vectors write solve(a, b[..., None])[..., 0]"
        raise ValueError(f"expected b as a vector of {n} or matrices with {n} rows, got {shape}; {vectors}")
    return or_named("solve", np.linalg.solve, a, b)


def inv(a: Array) -> Any:
    return or_named("inv", np.linalg.inv, squares(a))


# --- determinants -----------------------------------------------------------------------------------------------------


def det(a: Array) -> Any:
    return np.linalg.det(squares(a))


def det_sign(a: Array) -> Any:
    return np.linalg.slogdet(squares(a))[0]


def logabsdet(a: Array) -> Any:
    return np.linalg.slogdet(squares(a))[1]


def det_slope(a: Array) -> Any:
    return where_finite(find_cofactors, a)


def find_cofactors(a: Array) -> Any:
    """By singular values, of which no one is divided by: each has the product of all others."""
    u, s, v = np.linalg.svd(a)
    others = np.where(np.eye(a.shape[-1], dtype=bool), 1, s[..., None, :]).prod(-1)
    sign = np.rint(np.linalg.det(u) * np.linalg.det(v))
    return (u * (sign[..., None] * others)[..., None, :]) @ v


def logabsdet_slope(a: Array) -> Any:
    """NaN for what is singular, where NumPy refuses a whole batch: perhaps nobody chose it."""
    singular = np.linalg.slogdet(squares(a))[0][..., None, None] == 0
    inverse = np.linalg.inv(np.where(singular, np.eye(a.shape[-1], dtype=a.dtype), a))
    return np.where(singular, np.nan, np.swapaxes(inverse, -1, -2))


# --- symmetric matrices -----------------------------------------------------------------------------------------------


def symmetric(a: Array) -> Any:
    """The mean of itself and its transpose: both triangles count, as gradients flow back to both."""
    return squares(a) / 2 + np.swapaxes(a, -1, -2) / 2


def cholesky(a: Array, *, upper: bool = False) -> Any:
    return or_named("cholesky", np.linalg.cholesky, symmetric(a), upper=upper)


def eigenvalues(a: Array) -> Any:
    return where_finite(np.linalg.eigvalsh, symmetric(a))


def eigenvectors(a: Array) -> Any:
    return where_finite(lambda a: np.linalg.eigh(a)[1], symmetric(a))
