"""The Gaussian, its integrals, and gelu: within 4 units in the last place, in few passes, the same for every element.

Cody (Mathematics of Computation 23, 1969) approximates erf and erfc in three intervals, of which NumPy would compute
all for every element. So one polynomial serves the whole tail here, in a variable that maps it to a short interval as
that of Shepherd and Laframboise (36, 1981) does. What is computed is the tail left of 0, where no digit cancels, and
the other side is 1 minus that. tests/ops/normal_tables.py computes the coefficients.

Of float16 the results are those nearest to the exact ones, or next to them. Results below the smallest normal number
are off by at most 2 of the smallest number there is; `gelu_slope` in float64 by 16, since the Gaussian, which it
multiplies by x, has lost digits there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.core.arrays import Array
from minigrad.ops.kernels import as_float, select_where
from minigrad.ops.kernels.curves import sigmoid

BLOCK = 2**14  # elements, of which several arrays fit into the second-level cache
FARTHEST = 40  # exp(−½ x²) is 0 there
SCALE, SHIFT = 5, 1.125
TWO_OVER_ROOT_PI, ROOT_2_OVER_PI = 2 / math.sqrt(math.pi), math.sqrt(2 / math.pi)
ROOT_2, ROOT_HALF = math.sqrt(2), math.sqrt(0.5)
# Of float32 and float64: its nearest number, and what is missing.
GELU_SLOPE_ZERO = {"f": (-0.75179154, 1.211445e-08), "d": (-0.7517915246935645, 1.4956759177009883e-17)}

# Coefficients by type, that of the highest power first. The first two tables are in t = 1 − a / (a + SCALE), minus a
# center where the polynomial is ½; this constant term is left out. Φ(−a) exp(½ a²) (a + SHIFT)
TAIL_CENTER = 0.6202171745929194
TAIL = {
    "f": (
        0.211024158, 0.257143040, -0.287707163, -1.16421779, -1.73352221, -1.62197635, -0.991778471,
        -0.293826391, 0.138851458, 0.259656828,
    ),
    "d": (
        0.0031157858590570198, -7.7272219592908079e-5, -0.0099874804161773754, 0.0010068399422565392,
        0.018668981243730703, -0.0051515646224289692, -0.031943121885376973, 0.012582877642633452,
        0.058973199991054108, -0.017625046933411457, -0.12192228186494354, -0.015873756924074663,
        0.25484194644269517, 0.26508013537530285, -0.29398326855941490, -1.1654443065867133,
        -1.7331109921479234, -1.6218961396136549, -0.99179016590570263, -0.29382850512487495,
        0.13885156853636221, 0.25965684376748712,
    ),
}  # fmt: skip
# and (a φ(a) − Φ(−a)) exp(½ a²) / (a + GELU_SLOPE_ZERO).
SLOPE_CENTER = 0.7004734391011236
SLOPE = {
    "f": (
        -0.0235565047, -0.0474434071, 0.0148243166, 0.205633419, 0.452896426, 0.623511132, 0.633819460,
        0.504474730, 0.322267049,
    ),
    "d": (
        0.00023058550328727362, 0.00083927918778115482, 0.00072268491923362954, -0.00075865072216470375,
        -0.00086246479927846178, 0.0016373111163676100, 0.0011710449150487151, -0.0040153469044281842,
        -0.0025551987708326358, 0.0098897618227584776, 0.0098208304847861026, -0.022717706594265321,
        -0.049197021711762692, 0.014392118475547264, 0.20573082034995185, 0.45293148204765099,
        0.62350972877072670, 0.63381850234951695, 0.50447471770282130, 0.32226705633747237,
    ),
}  # fmt: skip
# In a², for a ≤ 1: erf(a) / a.
ERF = {
    "f": (7.87587506e-5, -0.000801686429, 0.00518908742, -0.0268542120, 0.112835947, -0.376126267, 1.12837917),
    "d": (
        -7.7958988270021422e-10, 1.3720064546777686e-8, -1.6208483801871706e-7, 1.6447424703317362e-6,
        -1.4924736907419660e-5, 0.00012055294904839708, -0.00085483259753896921, 0.0052239776071164227,
        -0.026866170643237770, 0.11283791670945006, -0.37612638903183540, 1.1283791670955126,
    ),
}  # fmt: skip


def fill_blocks(write: Callable[..., None], x: Any, out: Array | None, *params: Any) -> Array:
    """What `write` makes of the elements of `x`, block by block, in `out` or in a new array.

    Halves are computed in float32, whatever is wider than float64 in float64.
    """
    x = as_float(x)
    result = np.empty(x.shape, x.dtype) if out is None else out
    dtype = np.float32 if x.dtype.char in "ef" else np.float64
    blocks = np.nditer(
        [x, result], ["buffered", "external_loop", "zerosize_ok"], [["readonly"], ["writeonly"]], [dtype, dtype],
        casting="same_kind", buffersize=BLOCK,
    )  # fmt: skip
    with np.errstate(under="ignore"), blocks:
        for elements, place in blocks:
            write(elements, place, *params)
    return result


def evaluate_polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """By Horner's rule."""
    y = x * coefficients[0]
    y += coefficients[1]
    for coefficient in coefficients[2:]:
        y *= x
        y += coefficient
    return y


# --- the Gaussian -----------------------------------------------------------------------------------------------------


def gaussian(x: Any, rate: float, out: Array | None = None) -> Array:
    """exp(−rate · x²), accurate in the tails."""
    return fill_blocks(write_gaussian, x, out, rate)


def write_gaussian(x: Array, out: Array, rate: float) -> None:
    bound = math.sqrt(800 / rate)  # where even the exponential in float64 is 0
    y, rest = compute_gaussian(np.minimum(np.abs(x), bound), rate, 1.0)
    np.copyto(out, y if rest is None else y - y * rest)


def compute_gaussian(x: Array, rate: float, weight: Array | float) -> tuple[Array, Array | None]:
    """weight · exp(−rate · x²) as y and rest: it is y (1 − rest), which makes up for the rounding of x², or y.

    The square of a float32 is exact in float64.
    """
    square = np.square(x, dtype=np.float64)
    y = square * -rate
    np.exp(y, out=y)
    y *= weight
    if x.dtype.char == "f":
        return y.astype(np.float32), None
    coarse, fine = split_in_two(x)
    rest = coarse * coarse - square
    rest += fine * (x + coarse)
    rest *= rate
    return y, rest


def split_in_two(x: Array) -> tuple[Array, Array]:
    """A float64 array as a sum of two: the first has 24 bits, so that its products with 29 bits or less are exact."""
    coarse = x.astype(np.float32).astype(np.float64)
    return coarse, x - coarse


# --- its integrals ----------------------------------------------------------------------------------------------------


def erf(x: Any, out: Array | None = None) -> Array:
    """The error function."""
    return fill_blocks(write_erf, x, out)


def write_erf(x: Array, out: Array) -> None:
    near, far, is_near = compute_both(x, 1)
    np.subtract(1, far, out=far)
    np.copysign(join_parts(near, far, is_near), x, out=out)


def erfc(x: Any, out: Array | None = None) -> Array:
    """1 − erf x."""
    return fill_blocks(write_erfc, x, out)


def write_erfc(x: Array, out: Array) -> None:
    near, far, is_near = compute_both(x, 0.5)
    sign = np.copysign(1, x, dtype=x.dtype)
    near *= sign
    np.subtract(1, near, out=near)
    far *= sign
    np.subtract(1, sign, out=sign)
    far += sign
    out[...] = join_parts(near, far, is_near)


def compute_both(x: Array, limit: float) -> tuple[Array, Array, Array]:
    """Of a = |x|: erf a, right where a < limit, then erfc a, right elsewhere, and where it is near."""
    a = np.abs(x)
    inside = np.minimum(a, limit)
    near = evaluate_polynomial(ERF[x.dtype.char], inside * inside)
    near *= inside
    return near, compute_tail(np.clip(a, limit, FARTHEST), 1.0, ROOT_2), a < limit


def join_parts(near: Array, far: Array, is_near: Array) -> Array:
    """Without a branch per element, which would be slower than both parts."""
    y = select_where(is_near, near)
    y += select_where(~is_near, far)
    return y


def compute_tail(a: Array, rate: float, weight: Array | float) -> Array:
    """weight √(2 rate) Φ(−a √(2 rate)), which of rate 1 and weight √2 is erfc a; a ≥ 0."""
    unit = math.sqrt(0.5 / rate)
    factor, rest = compute_gaussian(a, rate, weight)
    shift = SHIFT * unit
    factor /= a + (shift if rest is None else shift + (a + shift) * rest)
    return multiply_by_tail(factor, TAIL[a.dtype.char], 1 - TAIL_CENTER - a / (a + SCALE * unit))


def multiply_by_tail(factor: Array, coefficients: tuple[float, ...], t: Array) -> Array:
    """The factor, which changes, times ½ and a polynomial without a constant term.

    Half of it is exact, and the rest is small beside it, so that its rounding does not count.
    """
    y = evaluate_polynomial(coefficients, t)
    y *= t
    y *= factor
    factor *= 0.5
    y += factor
    return y


# --- gelu -------------------------------------------------------------------------------------------------------------


def gelu(x: Any, approximate: str, out: Array | None = None) -> Array:
    """x · Φ(x), Φ being the normal distribution function, or an approximation of it by tanh."""
    return fill_blocks(write_gelu if approximate == "none" else write_gelu_by_tanh, x, out)


def write_gelu(x: Array, out: Array) -> None:
    """x⁺ − a Φ(−a) with a = |x|."""
    x = np.maximum(x, -FARTHEST)  # where the result is 0 already: −∞ times 0 would be NaN
    a = np.minimum(np.abs(x), FARTHEST)
    np.subtract(x * (x > 0), compute_tail(a, 0.5, a), out=out)


def write_gelu_by_tanh(x: Array, out: Array) -> None:
    x = np.maximum(x, -FARTHEST)
    np.multiply(x, sigmoid(double_angle(x * x, x)), out=out)


def double_angle(square: Any, x: Any) -> Any:
    """2√(2/π) (x + 0.044715 x³): the form with tanh of half of it is x times the sigmoid of all of it."""
    return (square * (0.044715 * 2 * ROOT_2_OVER_PI) + 2 * ROOT_2_OVER_PI) * x


def gelu_slope(x: Any, out: Array | None = None) -> Array:
    """The derivative of gelu, accurate also around its zero at −0.75."""
    return fill_blocks(write_gelu_slope, x, out)


def write_gelu_slope(x: Array, out: Array) -> None:
    """−w left of 0 and 1 + w right of it."""
    a = np.minimum(np.abs(x), FARTHEST)
    zero, rest_of_zero = GELU_SLOPE_ZERO[x.dtype.char]
    factor, rest = compute_gaussian(a, 0.5, a + zero + rest_of_zero)
    if rest is not None:
        factor -= factor * rest
    w = multiply_by_tail(factor, SLOPE[x.dtype.char], 1 - SLOPE_CENTER - a / (a + SCALE))
    sign = np.copysign(1, x, dtype=x.dtype)
    w *= sign
    sign += 1
    sign *= 0.5
    np.add(sign, w, out=out)
