"""Clipping gradients by their global norm."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.modes import no_grad, scope
from minigrad.core.storage import cast, widen_operand
from minigrad.core.tensor import Tensor
from minigrad.optim.arguments import check, check_parameters


def clip_gradients(parameters: Iterable[Tensor], maximum: float) -> Any:
    """Scale all gradients by one factor, so that their norm as one long vector is at most `maximum`.

    Pascanu, Mikolov and Bengio (arXiv 1211.5063, algorithm 1). Parameters without a gradient are left alone; gradients
    that are short enough keep every bit. The norm is that of `vector_norm`, of float16 in float32: no square overflows.

    Args:
        parameters: those whose gradients are one vector.
        maximum: the norm that this vector has at most; ∞ asks for its norm alone.

    Returns:
        The norm before clipping: a number, or under capture a 0-d Tensor; 0.0 where there is no gradient.

    Raises:
        ValueError: `maximum` is not above 0, or a parameter is listed twice.
        TypeError: what is listed is no Tensor.

    >>> p = Tensor([3.0, 4.0], requires_grad=True)
    >>> (p * p).sum().backward()
    >>> float(clip_gradients([p], maximum=1.0)), p.grad.tolist()
    (10.0, [0.6000000000000001, 0.8])
    """
    check("clip_gradients", "above 0", maximum > 0, maximum=maximum)
    listed = check_parameters("clip_gradients", parameters)
    with no_grad(), scope("clipping"):
        reached = [(parameter, gradient) for parameter in listed if (gradient := parameter.grad) is not None]
        if not reached:
            return 0.0
        norm = ops.vector_norm(widen_operand(ops.concatenate([gradient for _, gradient in reached], axis=None)))
        if maximum > float(np.finfo(norm.dtype).max):  # ∞ asks for the norm alone
            return norm
        factor = maximum / ops.maximum(norm, maximum)  # exactly 1 where nothing is to be done
        kinds = {gradient.dtype: np.result_type(gradient.dtype, np.float32) for _, gradient in reached}
        factors = {kind: cast(factor, wide, "a factor") for kind, wide in kinds.items()}
        for parameter, gradient in reached:
            parameter.grad = cast(gradient * factors[gradient.dtype], gradient.dtype, "a gradient")
        return norm
