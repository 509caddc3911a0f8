"""The errors minigrad raises itself. Bad types are `TypeError`, bad values and shapes `ValueError`, as in NumPy.

What the engine says where it refuses something stands in `minigrad/wording/refusals.py`, which is loaded then.
"""

from typing import Any

import numpy as np

# What NumPy raises for bad arguments; and numbers have no shape.
NUMPYS_OWN = (np.exceptions.AxisError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


class MinigradError(Exception):
    """Base of every error below."""


class GraphError(MinigradError):
    """The graph was misused: no path, a value written between use and backward, a context left out of order."""


class CaptureError(GraphError):
    """A function cannot be captured: it reads a value, or an array enters that is not an argument."""


class GradientCheckError(MinigradError, AssertionError):
    """Gradients disagree with finite differences; the message is the report, which is also kept as data."""

    report: Any = None


class AnomalyError(MinigradError, FloatingPointError):
    """A value that is not finite, found by `detect_anomaly`."""


class CheckpointError(MinigradError):
    """A checkpoint cannot be read or does not fit; nothing was changed."""


class _Refusals:
    def __getattr__(self, name: str) -> Any:
        from minigrad.wording import refusals

        return getattr(refusals, name)


refusals = _Refusals()
"""By name, functions of what was met that return the error to raise."""
