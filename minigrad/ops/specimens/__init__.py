"""What functions are tried on and compared with: a file for each family of ops, beside that of the declarations.

Checks, tests and the docs ask with `specimens_of`, which loads the families; `import minigrad` loads none of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from importlib import import_module
from typing import Any

from minigrad.core.op import Op
from minigrad.core.record import Function
from minigrad.ops.specimens.calls import Call, Kink, Refusal, Specimens

FAMILIES = (
    "activations", "attention", "blockwise", "class_losses", "cumulative", "differences", "einstein", "elementwise",
    "fixed", "indexing", "joining", "linalg", "losses", "matrices", "network", "normalisation", "product", "random",
    "rearrange", "reduction", "remainders", "shape", "transcendental", "truths", "windows",
)  # fmt: skip


KINDS: dict[str, tuple[str, Any]] = {  # what lists in declarations hold, in words, and the class
    "samples": ("minigrad.call(…)", Call),
    "refusals": ("minigrad.refusal(…)", Refusal),
    "kinks": ("minigrad.kink(…)", Kink),
    "numpy": ("NumPy functions", Callable),
}


def specimens_of(function: Function) -> Specimens:
    """What tries the function: given by its family, or said by the declaration of an op of one's own.

    >>> specimens_of(mg.registry["exp"]).samples
    (Call(args=(Draw(shape=(2, 3), low=None, high=None, kind='f', definite=False),), params={}),)
    """
    load_families()
    own: Specimens = function.specimens or Specimens()
    return own._replace(reference=own.reference or _find_reference(function))


def _find_reference(function: Function) -> Callable[..., Any] | None:
    """The NumPy function that it stands for, else its definition, on arrays."""
    if function.numpy or not isinstance(function, Op) or function.definition is None:
        return next(iter(function.numpy), None)
    bind, definition = function.bind, function.definition

    def reference(*args: Any, **params: Any) -> Any:
        inputs, complete = bind(args, params)
        return definition(*inputs, **complete)

    return reference


@functools.cache
def load_families() -> None:
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")
