"""What specimens hold besides samples: calls that must raise, and conventions where there is no derivative."""

from __future__ import annotations

import numpy as np

from minigrad.checks.cases import Case, gradients, results
from minigrad.checks.compare import require, require_equal, require_raises
from minigrad.core.record import Function
from minigrad.core.structure import map_leaves
from minigrad.core.tensor import Tensor
from minigrad.ops.specimens.calls import Kink, Refusal


def check_refusal(function: Function, refused: Refusal) -> None:
    """The call raises the error that is declared, with all names in its message, on arrays and on Tensors."""
    for as_tensors in (False, True):
        args, params = Case(function, refused.call, 0).arguments()
        if as_tensors:
            args, params = map_leaves(lambda x: Tensor(x) if isinstance(x, np.ndarray) else x, (args, params))
        error = require_raises(refused.error, function, *args, **params)
        missing = [name for name in refused.names if name not in str(error)]
        require(not missing, f"{function.name}{refused.call}: the message does not name {missing}: {error}")


def check_kink(function: Function, kink: Kink) -> None:
    """The gradients at the kink are those declared, exactly, on arrays and as a graph."""
    case = Case(function, kink.call, 0)
    floats = case.floats()
    with np.errstate(all="ignore"):
        cotangents = tuple(np.ones_like(y) for y in results(case(*floats)))
        for create_graph in (False, True):
            found = [g.numpy() for g in gradients(case, floats, cotangents, create_graph)]
            require_equal(len(found), len(kink.gradients), "number of gradients")
            for g, expected in zip(found, kink.gradients, strict=True):
                same = np.array_equal(g, np.broadcast_to(expected, g.shape), equal_nan=True)
                require(same, f"{function.name}{kink.call}: gradient {g.tolist()}, by convention {expected}")
