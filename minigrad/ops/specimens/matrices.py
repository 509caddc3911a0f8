"""Specimens of what is done to square matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.ops.specimens.calls import Refusal, call, refusal, specimens
from minigrad.ops.specimens.draws import definite, normal

Error = np.linalg.LinAlgError
DEFINITE = call(definite(3, 3)), call(definite(2, 2, 2)), call(definite(1, 1)), call(definite(0, 2, 2))
SINGULAR = np.array([[1.0, 2.0], [2.0, 4.0]])
REGULAR = (
    call(normal(3, 3)), call(normal(2, 2, 2)), call(normal(2, 1, 3, 3)), call(normal(1, 1)), call(normal(0, 2, 2)),
    call(normal(0, 0)),
)  # fmt: skip


def of_both_triangles(function: Callable[..., Any]) -> Callable[..., Any]:
    """NumPy's function reads one."""
    return lambda a, *args, **params: function((a + np.swapaxes(a, -1, -2)) / 2, *args, **params)


def refusals_of_shapes(name: str) -> tuple[Refusal, ...]:
    return (
        refusal(call(normal(2, 3)), ValueError, name, "(2, 3)", "square"),
        refusal(call(normal(3)), ValueError, name, "(3,)", "square"),
        refusal(call(np.eye(2, dtype=np.float16)), TypeError, name, "float16 is unsupported"),
    )


ops.solve.specimens = specimens(
    call(normal(3, 3), normal(3)), call(normal(3, 3), normal(3, 2)), call(normal(2, 2, 2), normal(2, 2, 3)),
    call(normal(2, 3, 3), normal(3)), call(normal(2, 2), normal(4, 2, 1)), call(normal(2, 1, 2, 2), normal(3, 2, 2)),
    call(normal(0, 2, 2), normal(0, 2, 3)), call(normal(0, 0), normal(0)), call(normal(2, 2), normal(2, 0)),
    refusal(call(SINGULAR, normal(2)), Error, "solve", "a: float64 (2, 2)", "Singular"),
    refusal(call(normal(2, 3), normal(2)), ValueError, "solve", "(2, 3)", "square"),
    refusal(call(normal(3, 3), normal(2)), ValueError, "solve", "a: float64 (3, 3)", "b: float64 (2,)", "3 rows"),
    refusal(call(normal(2, 2), normal(3, 1)), ValueError, "solve", "(2, 2)", "(3, 1)", "2 rows"),
    refusal(call(normal(4, 3, 3), normal(4, 3)), ValueError, "solve", "(4, 3)", "solve(a, b[..., None])"),
    refusal(call(normal(2, 2), normal()), ValueError, "solve", "b: float64 ()", "a vector of 2"),
)  # fmt: skip
ops.inv.specimens = specimens(
    *REGULAR, *refusals_of_shapes("inv"),
    refusal(call(SINGULAR), Error, "inv", "a: float64 (2, 2)", "Singular"),
)  # fmt: skip
ops.det.specimens = specimens(*REGULAR, *refusals_of_shapes("det"))
ops.det_slope.specimens = specimens(
    *REGULAR, *refusals_of_shapes("det_slope"),
    reference=lambda a: np.linalg.det(a)[..., None, None] * np.swapaxes(np.linalg.inv(a), -1, -2),
)  # fmt: skip
ops.det_sign.specimens = specimens(
    *REGULAR, *refusals_of_shapes("det_sign"), reference=lambda a: np.linalg.slogdet(a)[0],
    flat="a determinant keeps its sign",
)  # fmt: skip
ops.logabsdet.specimens = specimens(
    *REGULAR, *refusals_of_shapes("logabsdet"), reference=lambda a: np.linalg.slogdet(a)[1]
)  # fmt: skip
ops.logabsdet_slope.specimens = specimens(
    *REGULAR, *refusals_of_shapes("logabsdet_slope"), reference=lambda a: np.swapaxes(np.linalg.inv(a), -1, -2),
)  # fmt: skip
ops.slogdet.specimens = specimens(*REGULAR, *refusals_of_shapes("det_sign"))
ops.cholesky.specimens = specimens(
    *DEFINITE, call(definite(3, 3), upper=True), *refusals_of_shapes("cholesky"),
    refusal(call(np.diag([1.0, -1.0])), Error, "cholesky", "a: float64 (2, 2)", "not positive definite"),
    reference=of_both_triangles(np.linalg.cholesky),
)  # fmt: skip
ops.eigenvalues.specimens = specimens(
    *DEFINITE, call(definite(0, 0)), *refusals_of_shapes("eigenvalues"),
    reference=of_both_triangles(np.linalg.eigvalsh),
)  # fmt: skip
ops.eigenvectors.specimens = specimens(
    *DEFINITE, call(definite(0, 0)), *refusals_of_shapes("eigenvectors"),
    reference=of_both_triangles(lambda a: np.linalg.eigh(a)[1]),
)  # fmt: skip
ops.eigh.specimens = specimens(
    *DEFINITE, call(definite(3, 3), "U"), refusal(call(definite(2, 2), UPLO="l"), ValueError, "eigh", "UPLO='l'"),
    reference=of_both_triangles(np.linalg.eigh),
)  # fmt: skip
ops.eigvalsh.specimens = specimens(
    *DEFINITE, call(definite(3, 3), UPLO="U"),
    refusal(call(definite(2, 2), "upper"), ValueError, "eigvalsh", "UPLO='upper'"),
    reference=of_both_triangles(np.linalg.eigvalsh),
)  # fmt: skip
