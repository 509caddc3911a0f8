"""minigrad: a small reverse-mode automatic-differentiation engine whose training step is one readable graph.

Every public name stands here once, ops where they are declared. What type checkers and editors read is `__init__.pyi`,
which `python -m minigrad.stubs` writes.
"""

__version__ = "0.1.0"

from minigrad import ops
from minigrad.core.autodiff import grad
from minigrad.core.errors import (
    AnomalyError,
    CaptureError,
    CheckpointError,
    GradientCheckError,
    GraphError,
    MinigradError,
)
from minigrad.core.modes import expanded, no_grad, scope
from minigrad.core.record import registry
from minigrad.core.storage import assign, read
from minigrad.core.tensor import Tensor, constant
from minigrad.lazy import serve as _serve
from minigrad.memory import keep_memory
from minigrad.ops import *
from minigrad.ops.guarded import composition, op
from minigrad.ops.random import generator
from minigrad.wording.misuse import explain_misuse as _explain_misuse

grad = _explain_misuse(grad)
Tensor.backward = _explain_misuse(Tensor.backward)  # type: ignore[method-assign]  # the same, told better

_serve(__name__, {
    "minigrad": [
        "checks", "compiler", "data", "drawing", "export", "graph", "io", "linalg", "nn", "optim", "training",
        "transforms",
    ],
    "minigrad.checks": [
        "GradientExplanation", "GradientReport", "check_gradients", "check_op", "detect_anomaly", "explain_grad",
    ],
    "minigrad.compiler.compiled": ["compile"],
    "minigrad.compiler.threads": ["use_threads"],
    "minigrad.drawing.architecture": ["draw_architecture"],
    "minigrad.drawing.curves": ["draw_curves"],
    "minigrad.drawing.functions": ["draw", "explore"],
    "minigrad.drawing.heatmap": ["heatmap"],
    "minigrad.drawing.image_sheet": ["image_sheet"],
    "minigrad.foreign.jax": ["from_jax"],
    "minigrad.foreign.torch": ["from_torch"],
    "minigrad.graph": ["Graph", "Node", "graph_of", "recording", "trace"],
    "minigrad.graph.watching": ["trace_lines"],
    "minigrad.io": ["load_checkpoint", "save_checkpoint"],
    "minigrad.ops.specimens.calls": ["call", "kink", "refusal"],
    "minigrad.report": ["Report"],
    "minigrad.training": ["fit"],
    "minigrad.transforms": ["hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"],
})  # fmt: skip
