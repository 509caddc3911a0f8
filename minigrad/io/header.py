"""The header of a `.safetensors` file: made of arrays, and checked before anything it claims is believed.

Of an open file it says metadata and, of each array, name, dtype and shape, which are known to fit the file. The library
safetensors believes more: docs/conventions.md, "What a file claims", shows the file.

A file is: 8 bytes with the length of the header, little-endian; the header, JSON; the data. The header maps the name of
each array to its dtype, shape and the range of its bytes in the data, and `__metadata__` to a dictionary of strings
(https://github.com/huggingface/safetensors, section "Format").
"""

from __future__ import annotations

import json
import math
import os
import reprlib
from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt

METADATA = "__metadata__"
LONGEST_HEADER = 3 * 2**19  # bytes; some 11,000 arrays, and at most about 45 MB once it is parsed
MOST_AXES = 64  # what NumPy has

SIZES = {"I": (1, 2, 4, 8), "U": (1, 2, 4, 8), "F": (2, 4, 8)}  # bytes
DTYPES: dict[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    **{f"{kind}{8 * size}": np.dtype(f"{kind.lower()}{size}") for kind, sizes in SIZES.items() for size in sizes},
}
"""The dtypes of the format that NumPy has, by the format's name for them."""

SIGNATURES = {
    b"PK": "a zip archive, as .npz files and those of torch.save are",
    b"\x93NUMPY": "a NumPy .npy file",
    b"\x80": "a pickle, as old files of torch.save are",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
}
"""What the first bytes of a file that is taken for a checkpoint say it is; such files are never opened as that."""

CONVERSION = """; weights of torch.save are converted where PyTorch is installed:
  import safetensors.torch, torch
  state = torch.load({0!r}, map_location="cpu")  # of a checkpoint that holds more: ["model"], say
  state = {{key: value.contiguous().clone() for key, value in state.items()}}
  safetensors.torch.save_file(state, {0!r} + ".safetensors")"""

# For messages: what a file claims can be megabytes long.
_abbreviation = reprlib.Repr()
_abbreviation.maxstring = 120
_abbreviate = _abbreviation.repr


class Entry(NamedTuple):
    """An array of a file; its bytes are those from `start` to `stop` of the data. Sorted, entries follow the file."""

    start: int
    stop: int
    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def make_header(arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """The header of a file with the bytes of `arrays` one after the other; it ends at a multiple of 8 bytes."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header: dict[str, Any] = {METADATA: dict(metadata)}
    stop = 0
    for name, array in arrays.items():
        start, stop = stop, stop + array.nbytes
        dtype = names[array.dtype.newbyteorder("=")]
        header[name] = {"dtype": dtype, "shape": array.shape, "data_offsets": [start, stop]}
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def read_header(file: BinaryIO) -> tuple[list[Entry], dict[str, str]]:
    """The arrays of an open file in their order and its metadata, all checked; the file is then where the data begins.

    Raises:
        ValueError: something is wrong; the message says what.
    """
    available = os.fstat(file.fileno()).st_size - 8
    if available < 0:
        raise ValueError(f"it has {available + 8} bytes, fewer than any safetensors file")
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if length > LONGEST_HEADER:
        seems = next((what for signature, what in SIGNATURES.items() if start.startswith(signature)), "something else")
        convert = CONVERSION.format(file.name) if "torch.save" in seems else ""
        raise ValueError(
            f"it is no safetensors file and seems to be {seems}: its header would have {length} bytes, the limit is "
            f"{LONGEST_HEADER}{convert}"
        )
    if length > available:
        raise ValueError(f"its header claims {length} bytes, only {available} follow: the file was cut")
    header = _parse_header(file.read(length))
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError(f"{METADATA} is not a dictionary of strings")
    entries = sorted(_check_entry(name, entry) for name, entry in header.items())
    _check_cover(entries, available - length)
    return entries, metadata


def _parse_header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_refuse_repeats)
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"its header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ValueError(f"its header is a JSON {type(header).__name__}, expected an object")
    return header


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The dictionary of `pairs`; of two values under one name every program would believe another."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"its header has {_abbreviate(name)} twice")
        values[name] = value
    return values


def _check_entry(name: str, entry: object) -> Entry:
    """The array that `entry` describes, when the range of its bytes is what its dtype and shape take."""
    array = f"array {_abbreviate(name)}"
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError(f"{array} is described by {_abbreviate(entry)}, expected dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"{array} has dtype {_abbreviate(dtype)}, NumPy can hold {', '.join(DTYPES)}")
    if not _are_sizes(shape) or len(shape) > MOST_AXES:
        raise ValueError(f"{array} has shape {_abbreviate(shape)}, expected at most {MOST_AXES} integers ≥ 0")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{array} has data_offsets {_abbreviate(offsets)}, expected two integers ≥ 0")
    start, stop = offsets
    needed = math.prod(shape) * DTYPES[dtype].itemsize
    if stop - start != needed:
        raise ValueError(
            f"{array} has data_offsets {_abbreviate(offsets)}, "
            f"but {dtype} of shape {_abbreviate(shape)} takes {needed} bytes"
        )
    return Entry(start, stop, name, DTYPES[dtype], tuple(shape))


def _are_sizes(value: object) -> bool:
    """Whether `value` is a list of integers that can be sizes or positions; a bool is not an integer here."""
    return isinstance(value, list) and all(type(size) is int and 0 <= size < 2**63 for size in value)


def _check_cover(entries: list[Entry], available: int) -> None:
    """The ranges of the entries follow each other without gap or overlap and end where the file ends."""
    position = 0
    for entry in entries:
        if entry.start != position:
            raise ValueError(
                f"array {_abbreviate(entry.name)} starts at byte {entry.start} of the data, expected {position}"
            )
        position = entry.stop
    if position != available:
        raise ValueError(f"its arrays take {position} bytes, but {available} follow its header")
