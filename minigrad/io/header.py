"""The header of a `.safetensors` file, read and checked before anything it claims is believed.

In comes an open file, out goes the header as a dictionary of which every shape, dtype and range is known to fit the
file. Called by `load_arrays`, which reads the arrays that follow.

A file is: 8 bytes with the length of the header, little-endian; the header, JSON; the data. The header maps the name of
each array to its dtype, shape and the range of its bytes in the data, and `__metadata__` to a dictionary of strings
(https://github.com/huggingface/safetensors, section "Format").
"""

from __future__ import annotations

import itertools
import json
import math
import os
import reprlib
from typing import Any, BinaryIO

import numpy as np

METADATA = "__metadata__"
LONGEST_HEADER = 3 * 2**19  # bytes; some 11,000 arrays, and at most about 45 MB once it is parsed
MOST_AXES = 64  # what NumPy has

DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "I8": np.dtype(np.int8),
    "I16": np.dtype(np.int16),
    "I32": np.dtype(np.int32),
    "I64": np.dtype(np.int64),
    "U8": np.dtype(np.uint8),
    "U16": np.dtype(np.uint16),
    "U32": np.dtype(np.uint32),
    "U64": np.dtype(np.uint64),
    "F16": np.dtype(np.float16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
}
"""The dtypes of the format that NumPy has, by the format's name for them."""

SIGNATURES = {
    b"PK": "a zip archive, as .npz files and those of torch.save are",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x80": "a pickle",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
}
"""What the first bytes of a file that is taken for a checkpoint say it is; such files are never opened as that."""

# For messages: what a file claims can be megabytes long.
_limits = reprlib.Repr()
_limits.maxstring = 120
_short = _limits.repr


def read_header(file: BinaryIO) -> dict[str, Any]:
    """The checked header of an open file; raises ValueError with the reason when something is wrong."""
    available = os.fstat(file.fileno()).st_size - 8
    if available < 0:
        raise ValueError(f"it has {available + 8} bytes, fewer than any safetensors file")
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if length > LONGEST_HEADER:
        seems = next((what for signature, what in SIGNATURES.items() if start.startswith(signature)), "something else")
        raise ValueError(
            f"it is no safetensors file and seems to be {seems}: its header would have {length} bytes, the limit is "
            f"{LONGEST_HEADER}"
        )
    if length > available:
        raise ValueError(f"its header claims {length} bytes, only {available} follow: the file was cut")
    header = _parsed(file.read(length))
    _check_metadata(header.get(METADATA, {}))
    entries = {name: entry for name, entry in header.items() if name != METADATA}
    ranges = sorted((*_checked_range(name, entry), name) for name, entry in entries.items())
    _check_cover(ranges, available - length)
    return header


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_repeats)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError(f"its header is a JSON {type(header).__name__}, expected an object")
    return header


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = sorted(name for name, _ in pairs)
        repeated = next(name for name, following in itertools.pairwise(names) if name == following)
        raise ValueError(f"its header has {_short(repeated)} twice")
    return entries


def _check_metadata(metadata: object) -> None:
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError(f"{METADATA} is not a dictionary of strings")


def _checked_range(name: str, entry: object) -> tuple[int, int]:
    """Start and stop of an array's bytes, consistent with its dtype and shape."""
    array = f"array {_short(name)}"
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError(f"{array} is described by {_short(entry)}, expected dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"{array} has dtype {_short(dtype)}, NumPy can hold {', '.join(DTYPES)}")
    if not _are_sizes(shape) or len(shape) > MOST_AXES:
        raise ValueError(f"{array} has shape {_short(shape)}, expected at most {MOST_AXES} integers ≥ 0")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{array} has data_offsets {_short(offsets)}, expected two integers ≥ 0")
    start, stop = offsets
    needed = math.prod(shape) * DTYPES[dtype].itemsize
    if stop - start != needed:
        raise ValueError(
            f"{array} has data_offsets {_short(offsets)}, but {dtype} of shape {_short(shape)} takes {needed} bytes"
        )
    return start, stop


def _are_sizes(value: object) -> bool:
    """Whether `value` is a list of integers that can be sizes or positions; a bool is not an integer here."""
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**63 for size in value)


def _check_cover(ranges: list[tuple[int, int, str]], available: int) -> None:
    """The ranges, in order, follow each other without gap or overlap and end where the file ends."""
    position = 0
    for start, stop, name in ranges:
        if start != position:
            raise ValueError(f"array {_short(name)} starts at byte {start} of the data, expected {position}")
        position = stop
    if position != available:
        raise ValueError(f"its arrays take {position} bytes, but {available} follow its header")
