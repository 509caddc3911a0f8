"""Prints the tables of minigrad/ops/kernels/normal.py, computed by mpmath: python tests/ops/normal_tables.py

Each is the polynomial through a function's values at the Chebyshev nodes of an interval, near the best of its degree.
"""

from mpmath import mp, mpf

from minigrad.ops.kernels.normal import SCALE, SHIFT, SLOPE_CENTER, TAIL_CENTER

FARTHEST = {"f": mpf("14.5"), "d": mpf(39)}  # beyond, exp(−½ a²) is 0


def mills_ratio(a):
    """Φ(−a) exp(½ a²)."""
    return mp.erfc(a / mp.sqrt(2)) / 2 * mp.exp(a * a / 2)


def find_zero():
    """Where Φ(x) + x φ(x), the derivative of gelu, is 0."""
    return mp.findroot(lambda x: mp.ncdf(x) + x * mp.npdf(x), -0.75)


def of_tail(t):
    a = SCALE / t - SCALE
    return mills_ratio(a) * (a + SHIFT)


def of_slope(t):
    a = SCALE / t - SCALE
    return (a / mp.sqrt(2 * mp.pi) - mills_ratio(a)) / (a + find_zero())


def of_erf(square):
    a = mp.sqrt(square)
    return mp.erf(a) / a


def find_center(function):
    """Where it is ½."""
    return mp.findroot(lambda t: function(t) - 0.5, (0.5, 0.8), solver="anderson")


def fit(function, low, high, degree, center):
    """Coefficients in x − center, that of the highest power first."""
    middle, radius = (low + high) / 2, (high - low) / 2
    nodes = [middle + radius * mp.cos(mp.pi * (2 * k + 1) / (2 * degree + 2)) for k in range(degree + 1)]
    powers = mp.matrix([[(x - center) ** k for k in range(degree, -1, -1)] for x in nodes])
    return list(mp.lu_solve(powers, mp.matrix([function(x) for x in nodes])))


DEGREES = {"TAIL": {"f": 10, "d": 22}, "SLOPE": {"f": 9, "d": 20}, "ERF": {"f": 6, "d": 11}}


def fit_table(name, char):
    """The coefficients of one table for one type."""
    with mp.workdps(50):
        degree = DEGREES[name][char]
        if name == "ERF":
            return fit(of_erf, mpf(0), mpf(1), degree, mpf(0))
        function, center = {"TAIL": (of_tail, TAIL_CENTER), "SLOPE": (of_slope, SLOPE_CENTER)}[name]
        lowest = SCALE / (FARTHEST[char] + SCALE)
        return fit(function, lowest, mpf(1), degree, mpf(center))[:-1]  # the last is ½


def write_number(x, char):
    return mp.nstr(x, {"f": 9, "d": 17}[char], strip_zeros=False)


if __name__ == "__main__":
    for name, degrees in DEGREES.items():
        for char in degrees:
            print(name, char, ", ".join(write_number(x, char) for x in fit_table(name, char)))
