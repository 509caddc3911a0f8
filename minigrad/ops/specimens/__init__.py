"""What functions are tried on and compared with: a file for each family of ops, beside that of the declarations.

Checks, tests and the docs ask with `specimens_of`, which loads the families; `import minigrad` loads none of them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any, NamedTuple

from minigrad.core.record import Function
from minigrad.ops.specimens.calls import Call, Kink, Refusal

FAMILIES = (
    "activations", "attention", "blockwise", "class_losses", "cumulative", "einstein", "elementwise", "fixed",
    "indexing", "linalg", "losses", "network", "normalisation", "product", "random", "rearrange", "reduction", "shape",
    "transcendental", "truths",
)  # fmt: skip


KINDS: dict[str, tuple[str, Any]] = {  # what lists in declarations hold, in words, and the class
    "samples": ("minigrad.call(…)", Call),
    "refusals": ("minigrad.refusal(…)", Refusal),
    "kinks": ("minigrad.kink(…)", Kink),
    "numpy": ("NumPy functions", Callable),
}


class Specimens(NamedTuple):
    """What tries a function, besides its declaration, which says what it is."""

    samples: tuple[Call, ...] = ()  # calls that show every keyword
    refusals: tuple[Refusal, ...] = ()  # calls that raise, and what their messages name
    kinks: tuple[Kink, ...] = ()  # calls without a derivative, and the convention there
    reference: Callable[..., Any] | None = None  # the same on arrays; by default the NumPy function it stands for
    flat: str = ""  # where its derivative is 0, for messages


def specimens_of(function: Function) -> Specimens:
    """What tries the function: attached by its family, or said by the declaration of an op of one's own.

    >>> specimens_of(mg.registry["exp"]).samples
    (Call(args=(Draw(shape=(2, 3), low=None, high=None, kind='f'),), params={}),)
    """
    load_families()
    own = Specimens(**{name: value for name, value in vars(function).items() if name in Specimens._fields})
    stands_for = function.numpy[0] if function.numpy else None
    return own._replace(reference=own.reference or stands_for)


@functools.cache
def load_families() -> None:
    for family in FAMILIES:
        import_module(f"{__name__}.{family}")


def attach(function: Function, **specimens: Any) -> None:
    """Attach specimens to a function: what `collect_specimens` takes."""
    vars(function).update(collect_specimens(**specimens)._asdict())


def collect_specimens(
    samples: Iterable[Call] = (), refusals: Iterable[Refusal] = (), kinks: Iterable[Kink] = (),
    reference: Callable[..., Any] | None = None, flat: str = "",
) -> Specimens:  # fmt: skip
    return Specimens(tuple(samples), tuple(refusals), tuple(kinks), reference, flat)
