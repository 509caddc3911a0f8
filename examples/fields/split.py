"""What every real data set comes as: a part to learn from, a part to measure on, and where both are from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Part = TypeVar("Part")


@dataclass(frozen=True)
class Split(Generic[Part]):
    """A data set in two parts, with where it comes from and the licence it is under.

    `train` is for training; `validation` is only for measuring. What belongs to which is the same at every call.

    >>> from digit_images import digits
    >>> digits().licence
    'CC BY 4.0'
    """

    train: Part
    validation: Part
    source: str
    licence: str
