"""The files that lie beside the code, in `files/`, where `SOURCES.md` tells whose they are."""

from __future__ import annotations

import gzip
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt


def read_table(name: str) -> npt.NDArray[Any]:
    """The numbers of `files/<name>.csv.gz`, float64 of shape (rows, columns)."""
    with (resources.files("minigrad.data") / "files" / f"{name}.csv.gz").open("rb") as packed:
        return np.loadtxt(gzip.open(packed, "rt", encoding="utf-8"), delimiter=",")
