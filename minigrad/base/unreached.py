"""What `grad` says of an input that the outputs do not depend on; loaded when that happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from minigrad.base.messages import describe


def not_reached(x: Any, outputs: Sequence[Any], remedy: str) -> str:
    """That `x` has no gradient; and `remedy`, where no output has any."""
    lost = next(iter(outputs), x)
    why = (
        "; unused='zero' or None allows it"
        if lost is x or any(y.requires_grad for y in outputs)
        else f": nothing requires a gradient behind {describe(lost)}: {remedy}"
    )
    return f"grad: the outputs do not depend on {describe(x)}{why}"
