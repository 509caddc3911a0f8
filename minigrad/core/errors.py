"""The errors minigrad raises itself. Bad types are `TypeError`, bad values and shapes `ValueError`, as in NumPy."""


class MinigradError(Exception):
    """Base of every error below."""


class GraphError(MinigradError):
    """The graph was misused: no path, a value written between use and backward, a context left out of order."""


class CaptureError(GraphError):
    """A function cannot be captured: it reads a value, or an array enters that is not an argument."""


class GradientCheckError(MinigradError, AssertionError):
    """Gradients disagree with finite differences; the message is the report."""


class AnomalyError(MinigradError, FloatingPointError):
    """A value that is not finite, found by `detect_anomaly`."""


class CheckpointError(MinigradError):
    """A checkpoint cannot be read or does not fit; nothing was changed."""
