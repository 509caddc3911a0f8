"""What the tests of ONNX share: a file is checked by onnx, run by onnxruntime, and compared with minigrad."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import Case, results
from minigrad.core.structure import leaves, map_leaves

try:
    import onnx
    import onnxruntime as runtime
except ModuleNotFoundError:
    onnx = runtime = None


def skip_without_onnx() -> None:
    """Called by a file of tests, it is skipped."""
    if onnx is None:
        reason = "onnx is not installed: pip install onnx==1.23.2 onnxruntime==1.32.0 netron==9.3.3"
        pytest.skip(reason, allow_module_level=True)


class Session:
    """A model that the checker has found right, in onnxruntime."""

    def __init__(self, path: Any) -> None:
        self.model = onnx.load(path)
        onnx.checker.check_model(self.model, full_check=True)
        options = runtime.SessionOptions()
        options.log_severity_level = 4  # a test that expects an error reads it from the exception
        options.intra_op_num_threads = 1
        self.session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self.inputs = [x.name for x in self.session.get_inputs()]
        self.outputs = [x.name for x in self.session.get_outputs()]

    def __call__(self, *arrays: Any, **more: Any) -> dict[str, Any]:
        """The outputs by name; `arrays` are the first inputs, in order."""
        feeds = dict(zip(self.inputs, arrays, strict=False)) | more
        return dict(zip(self.outputs, self.session.run(None, feeds), strict=True))


def agree(actual: Sequence[Any], expected: Sequence[Any], tolerance: float) -> None:
    """Each array has the shape and type that was expected, and its numbers, to a part of the largest finite one."""
    assert len(actual) == len(expected)
    for x, y in zip(actual, expected, strict=True):
        assert (x.shape, x.dtype) == (y.shape, y.dtype)
        wide = y.astype(np.float64)
        largest = np.max(np.abs(wide), initial=1.0, where=np.isfinite(wide))
        exact = max(tolerance, 1e-3) if y.dtype == np.float16 else tolerance
        np.testing.assert_allclose(x.astype(np.float64), wide, rtol=exact, atol=exact * largest)


def run_quietly(graph: mg.Graph, arrays: Sequence[Any]) -> list[Any]:
    """What minigrad makes of the arrays, which may be what NumPy warns of."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return [np.asarray(x) for x in leaves(graph.run(*arrays))]


def function_of(case: Case, order: int) -> Any:
    """The sample as a function of all its arrays: its results, and their gradients up to an order."""

    def call(*tensors: Any) -> list[Any]:
        given = iter(tensors)
        args, params = map_leaves(
            lambda leaf: next(given) if isinstance(leaf, np.ndarray) else leaf, case.arguments(tensors[0].dtype)
        )
        made = [y for y in results(case.function(*args, **params)) if isinstance(y, mg.Tensor)]
        variables, last = [x for x in tensors if x.dtype.kind == "f"], [y for y in made if y.dtype.kind == "f"]
        for _ in range(order if case.differentiable and last else 0):
            outputs = tuple(mg.sum(mg.log1p(mg.square(y))) for y in last)  # what flows back is 2 y / (1 + y²)
            last = list(mg.grad(outputs, variables, create_graph=True, unused="zero"))
            made += last
        return made

    return call


def variables_of(arrays: Sequence[Any]) -> list[mg.Tensor]:
    return [mg.Tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
