"""Systems of equations, inverses, determinants and factors of square matrices, which lie in the last two axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import Shaped, shape_of
from minigrad.core.op import op
from minigrad.core.record import composition
from minigrad.ops.fixed import fix_array
from minigrad.ops.kernels import matrices
from minigrad.ops.strong import zero_where

__all__ = [
    "cholesky", "det", "det_sign", "det_slope", "eigenvalues", "eigenvectors", "eigh", "eigvalsh", "inv", "logabsdet",
    "logabsdet_slope", "slogdet", "solve",
]  # fmt: skip


def shape_by(kernel: Callable[..., Any]) -> Callable[..., Shaped]:
    """The shape of the result, of a batch of no matrices: nothing is computed, and zeros are singular."""

    def infer(a: Any, *others: Any, **params: Any) -> Shaped:
        matrices.squares(a)
        leading = (1,) * max(len(shape_of(x)) - len(a.shape) for x in (a, *others))
        arrays = [np.broadcast_to(np.zeros((), x.dtype), x.shape) if isinstance(x, Shaped) else x for x in others]
        none = kernel(np.zeros((0, *leading, *a.shape), a.dtype), *arrays, **params)
        return Shaped(none.shape[1:], none.dtype)

    return infer


def flip_axes(x: Any) -> Any:
    """The transpose of each matrix."""
    return ops.swapaxes(x, axis1=-1, axis2=-2)


def half_symmetric(x: Any) -> Any:
    """What flows back to a matrix of which the symmetric half was taken."""
    return x / 2.0 + flip_axes(x) / 2.0


def per_matrix(x: Any) -> Any:
    """One number for each matrix, beside their elements."""
    return ops.expand_dims(x, axis=(-2, -1))


# --- systems of equations ---------------------------------------------------------------------------------------------


@op(formula="a⁻¹ b", numpy=[np.linalg.solve], infer=shape_by(matrices.solve))
def solve(a: Any, b: Any) -> Any:
    """The x for which a x = b: of a vector, or of each column of matrices. Both may be batches.

    A singular matrix is refused, with NumPy's LinAlgError.

    >>> solve(Tensor([[2.0, 0.0], [1.0, 4.0]]), [2.0, 5.0]).tolist()
    [1.0, 1.0]
    """
    return matrices.solve(a, b)


def strongly_solved(a: Any, b: Any) -> Any:
    """A column of zeros has a solution of zeros."""
    zeros = np.all(np.equal(b, 0), axis=max(-2, -np.ndim(b)), keepdims=True)
    return zero_where(zeros, matrices.solve(a, b))


solve.strong = strongly_solved


def solve_back(g: Any, a: Any, b: Any) -> Any:
    """a⁻ᵀ g, as columns; what NumPy takes for vectors are no more than one axis."""
    return ops.solve(flip_axes(a), g if len(shape_of(b)) > 1 else ops.expand_dims(g, axis=-1))


@solve.vjp("a")
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    columns = flip_axes(y) if len(shape_of(b)) > 1 else ops.expand_dims(y, axis=-2)
    return -(solve_back(g, a, b) @ columns)


@solve.vjp("b")
def _(g: Any, y: Any, a: Any, b: Any) -> Any:
    back = solve_back(g, a, b)
    return back if len(shape_of(b)) > 1 else ops.squeeze(back, axis=-1)


@op(formula="a⁻¹", numpy=[np.linalg.inv], infer=shape_by(matrices.inv))
def inv(a: Any) -> Any:
    """The inverse; for the solution of a x = b `solve` is faster and more exact.

    >>> inv(Tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return matrices.inv(a)


inv.vjp("a")(lambda g, y, a: -(flip_axes(y) @ g @ flip_axes(y)))


# --- determinants -----------------------------------------------------------------------------------------------------


@op(formula="a⁻ᵀ", infer=shape_by(matrices.logabsdet_slope))
def logabsdet_slope(a: Any) -> Any:
    """The derivative of `logabsdet`, the transpose of the inverse; NaN for a singular matrix.

    >>> logabsdet_slope(Tensor([[2.0, 0.0], [0.0, 4.0]])).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return matrices.logabsdet_slope(a)


logabsdet_slope.vjp("a")(lambda g, y, a: -(y @ flip_axes(g) @ y))


@op(formula="log |det a|", infer=shape_by(matrices.logabsdet))
def logabsdet(a: Any) -> Any:
    """The logarithm of the determinant without its sign, −∞ for a singular matrix, whose gradient is NaN.

    >>> logabsdet(Tensor([[1e-200, 0.0], [0.0, 1e-200]])).item()
    -921.0340371976183
    """
    return matrices.logabsdet(a)


logabsdet.vjp("a")(lambda g, y, a: per_matrix(g) * ops.logabsdet_slope(a))


@op(formula="sign det a", infer=shape_by(matrices.det_sign))
def det_sign(a: Any) -> Any:
    """The sign of the determinant, 0 for a singular matrix; its derivative is 0.

    >>> det_sign(Tensor([[0.0, 1.0], [1.0, 0.0]])).item()
    -1.0
    """
    return matrices.det_sign(a)


det_sign.vjp("a")(lambda g, y, a: ops.zeros_like(a))

SlogdetResult: Any = type(np.linalg.slogdet(np.eye(1)))


@composition(formula="sign det a, log |det a|", numpy=[np.linalg.slogdet])
def slogdet(a: Any) -> tuple[Any, Any]:
    """Sign and logarithm of the determinant, which neither overflows nor vanishes, as NumPy's named tuple.

    They are two nodes, `det_sign` and `logabsdet`, each of which factorises the matrix; in a compiled function what is
    not used is not computed.

    >>> sign, logabsdet = slogdet(Tensor([[0.0, 1.0], [1.0, 0.0]]))
    >>> sign.item(), logabsdet.item()
    (-1.0, 0.0)
    """
    result: tuple[Any, Any] = SlogdetResult(ops.det_sign(a), ops.logabsdet(a))
    return result


@op(formula="∂ det a / ∂a", infer=shape_by(matrices.det_slope))
def det_slope(a: Any) -> Any:
    """The derivative of `det`, which are the cofactors: det a · a⁻ᵀ, where the determinant is not 0.

    >>> det_slope(Tensor([[3.0, 0.0], [0.0, 2.0]])).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    return matrices.det_slope(a)


@det_slope.vjp("a")
def _(g: Any, y: Any, a: Any) -> Any:
    inverse = ops.logabsdet_slope(a)
    y = ops.where(ops.isnan(inverse), inverse, y)  # else cofactors of 0 would make 0 of what is not known
    return ops.sum(g * y, axis=(-2, -1), keepdims=True) * inverse - y @ flip_axes(g) @ inverse


@op(formula="det a", numpy=[np.linalg.det], infer=shape_by(matrices.det))
def det(a: Any) -> Any:
    """The determinant; its gradient is right for singular matrices too, its second derivative for them is NaN.

    The gradient takes the singular values, which for large matrices is much slower than that of `slogdet`.

    >>> a = Tensor([[1.0, 2.0], [2.0, 4.0]], requires_grad=True)
    >>> mg.grad(det(a), a).numpy().round(12).tolist()
    [[4.0, -2.0], [-2.0, 1.0]]
    """
    return matrices.det(a)


det.vjp("a")(lambda g, y, a: per_matrix(g) * ops.det_slope(a))


# --- symmetric matrices -----------------------------------------------------------------------------------------------


@op(formula="the triangle L with L Lᵀ = a", numpy=[np.linalg.cholesky], infer=shape_by(matrices.cholesky))
def cholesky(a: Any, *, upper: bool = False) -> Any:
    """The lower triangle L with L Lᵀ = a, or with `upper` its transpose, of a symmetric positive definite matrix.

    What is not symmetric counts as the mean of itself and its transpose: gradients are symmetric. What is not positive
    definite is refused, with NumPy's LinAlgError.

    >>> cholesky(Tensor([[4.0, 2.0], [2.0, 5.0]])).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    return matrices.cholesky(a, upper=upper)


@cholesky.vjp("a")
def _(g: Any, y: Any, a: Any, *, upper: bool) -> Any:
    g, lower = (flip_axes(g), flip_axes(y)) if upper else (g, y)
    product, transposed = flip_axes(lower) @ g, flip_axes(lower)
    inner = (ops.tril(product) + ops.tril(product, k=-1)) / 2.0  # with half of the diagonal (Murray, 2016)
    return half_symmetric(ops.solve(transposed, flip_axes(ops.solve(transposed, inner))))


@op(formula="all λ with a v = λ v", infer=shape_by(matrices.eigenvalues))
def eigenvalues(a: Any) -> Any:
    """The eigenvalues of a symmetric matrix, in ascending order.

    >>> eigenvalues(Tensor([[2.0, 1.0], [1.0, 2.0]])).numpy().round(12).tolist()
    [1.0, 3.0]
    """
    return matrices.eigenvalues(a)


@eigenvalues.vjp("a")
def _(g: Any, y: Any, a: Any) -> Any:
    vectors = ops.eigenvectors(a)
    return half_symmetric((vectors * ops.expand_dims(g, axis=-2)) @ flip_axes(vectors))


@op(formula="all v with a v = λ v, |v| = 1", infer=shape_by(matrices.eigenvectors))
def eigenvectors(a: Any) -> Any:
    """The eigenvectors of a symmetric matrix, as columns, in the order of `eigenvalues`; their signs are LAPACK's.

    To equal eigenvalues belong no vectors of their own: what depends on them has a gradient that is no number, and what
    depends on others alone the right one.

    >>> abs(eigenvectors(Tensor([[2.0, 0.0], [0.0, 1.0]]))).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return matrices.eigenvectors(a)


@eigenvectors.vjp("a")
def _(g: Any, y: Any, a: Any) -> Any:
    values = ops.eigenvalues(a)
    gaps = ops.expand_dims(values, axis=-2) - ops.expand_dims(values, axis=-1)
    # Those that rounding alone keeps apart are equal; of a vector along itself nothing can change.
    rounding = ops.vector_norm(values, axis=-1, keepdims=True) * (a.shape[-1] * float(np.finfo(a.dtype).eps))
    otherwise = fix_array(np.diag(np.full(a.shape[-1], np.inf, a.dtype)))
    gaps = ops.where(ops.absolute(gaps) > ops.expand_dims(rounding, axis=-1), gaps, otherwise)
    return half_symmetric(y @ ((flip_axes(y) @ g) / gaps) @ flip_axes(y))


EighResult: Any = type(np.linalg.eigh(np.eye(1)))


def check_triangle(name: str) -> None:
    if name not in ("L", "U"):
        raise ValueError(f"UPLO={name!r}: expected 'L' or 'U', which make no difference here: both triangles count")


@composition(formula="all λ, v with a v = λ v", numpy=[np.linalg.eigh])
def eigh(a: Any, UPLO: str = "L") -> tuple[Any, Any]:  # noqa: N803  # NumPy's name
    """Eigenvalues, in ascending order, and eigenvectors, as columns, of a symmetric matrix, as NumPy's named tuple.

    They are two nodes, `eigenvalues` and `eigenvectors`, each computed by itself, which takes half as long again as
    NumPy; in a compiled function what is not used is not computed. What is not symmetric counts as the mean of itself
    and its transpose, for either `UPLO`: gradients are symmetric.

    >>> values, vectors = eigh(Tensor([[2.0, 1.0], [1.0, 2.0]]))
    >>> (vectors * values @ vectors.T).numpy().round(12).tolist()
    [[2.0, 1.0], [1.0, 2.0]]
    """
    check_triangle(UPLO)
    result: tuple[Any, Any] = EighResult(ops.eigenvalues(a), ops.eigenvectors(a))
    return result


@composition(formula="all λ with a v = λ v", numpy=[np.linalg.eigvalsh])
def eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803  # NumPy's name
    """The eigenvalues that `eigh` gives, alone.

    >>> eigvalsh(Tensor([[2.0, 0.0], [0.0, 1.0]])).tolist()
    [1.0, 2.0]
    """
    check_triangle(UPLO)
    return ops.eigenvalues(a)
