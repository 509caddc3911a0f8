"""Strong products of arrays: a factor of 0 makes 0 of the product, also beside ∞ and NaN.

They take the place of plain products in a gradient where these gave NaN, so that what a choice did not take contributes
nothing. Ops have them as `strong`; `strong_multiply` is one always. A compiled program has plain
products only; `check_numbers` in it refuses a NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.modes import current_mode
from minigrad.ops import kernels
from minigrad.ops.internal import internal_op


def strongly_multiplied(x1: Any, x2: Any) -> Any:
    """The product, but 0 where it is NaN and a factor is 0."""
    product = np.multiply(x1, x2)
    return zero_where((x1 == 0) | (x2 == 0), product) if np.isnan(product).any() else product


def strongly_divided(x1: Any, x2: Any) -> Any:
    """The quotient, but 0 where it is NaN and one of the factors x₁ and 1 / x₂ is 0."""
    return zero_where((x1 == 0) | np.isinf(x2), np.divide(x1, x2))


def zero_where(condition: Any, result: Any) -> Any:
    """The result, but 0 where it is NaN and the condition holds; who looks on is told."""
    return replace_where(np.isnan(result) & condition, result, 0)


def replace_where(fired: Any, result: Any, by: Any) -> Any:
    watch = current_mode().watch
    if watch is not None:
        watch.strong_zero(fired)
    return np.where(fired, np.asarray(by, result.dtype), result)


def strong_sums(product: Callable[[Any, Any], Any], x1: Any, x2: Any) -> Any:
    """Sums of products, as of matrices, in which a term counts 0 where it is NaN and a factor is 0.

    Terms of two finite factors are added up by `product`. What the others make of their sum follows from how many
    there are of each kind, and those numbers are sums of products too.
    """
    finite1, finite2 = np.isfinite(x1), np.isfinite(x2)

    def count_pairs(n1: Any, n2: Any) -> Any:
        return product(n1, n2) - product(n1 * finite1, n2 * finite2)

    sign1, sign2 = (np.where(np.isnan(x), 0.0, np.sign(x)) for x in (x1, x2))
    excess, infinite = count_pairs(sign1, sign2), count_pairs(abs(sign1), abs(sign2))  # of ∞ over −∞, and of both
    unknown = count_pairs((x1 != 0) * 1.0, (x2 != 0) * 1.0) - infinite  # NaN times what is not 0
    sums = product(np.where(finite1, x1, 0), np.where(finite2, x2, 0))
    result = product(x1, x2)
    fired = np.isnan(result) & (unknown == 0) & (infinite == abs(excess))
    return replace_where(fired, result, np.where(excess == 0, sums, np.copysign(np.inf, excess)))


check_numbers = internal_op(
    name="check_numbers", formula="gradients without a NaN", effect=True, differentiable=False,
    infer=lambda *gradients: Shaped((), np.dtype(np.void)),
)(kernels.check_numbers)  # fmt: skip
