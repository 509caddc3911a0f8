"""How a number is written wherever a reader meets it: in steps, pictures, tables and pages."""

from __future__ import annotations

import numpy as np


def format_number(value: object) -> str:
    """A number in at most four significant digits; integers and booleans in full.

    >>> [format_number(value) for value in (0.66524096, 0.09003057, -0.0, 1e-9, 12345, True, float("nan"))]
    ['0.6652', '0.09003', '0', '1e-09', '12345', 'True', 'NaN']
    """
    element = np.asarray(value)
    if element.dtype.kind in "biu":
        return str(element.item())
    return "NaN" if np.isnan(element) else f"{element.item() + 0.0:.4g}"  # the sum of -0.0 and 0.0 is 0.0
