"""The functions of numpy.linalg by their names: `minigrad.linalg.solve` is `minigrad.solve`."""

from minigrad.ops.linalg import norm as norm
from minigrad.ops.linalg import norm_of_last_two as matrix_norm
from minigrad.ops.linalg import trace_of_last_two as trace
from minigrad.ops.linalg import vector_norm as vector_norm
from minigrad.ops.matrices import cholesky as cholesky
from minigrad.ops.matrices import det as det
from minigrad.ops.matrices import eigh as eigh
from minigrad.ops.matrices import eigvalsh as eigvalsh
from minigrad.ops.matrices import inv as inv
from minigrad.ops.matrices import slogdet as slogdet
from minigrad.ops.matrices import solve as solve
from minigrad.ops.product import matmul as matmul
from minigrad.wording import habits

__all__ = [
    "cholesky", "det", "eigh", "eigvalsh", "inv", "matmul", "matrix_norm", "norm", "slogdet", "solve", "trace",
    "vector_norm",
]  # fmt: skip

habits.teach(__name__)
