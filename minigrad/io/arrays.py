"""Named arrays to and from one `.safetensors` file.

In come arrays and strings by name, out comes a file that every framework with a safetensors reader can open, and back.
A checksum is added, the file is written so that no reader ever meets half of it, and a file is believed only after it
was checked (`header.py`). No library is needed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from minigrad.core.arrays import real_array
from minigrad.core.errors import CheckpointError
from minigrad.io.atomic import write_atomically
from minigrad.io.header import DTYPES, LONGEST_HEADER, METADATA, Entry, make_header, read_header

CHECKSUM = "minigrad.sha256"
"""The metadata key of the checksum.

It is the SHA-256, in hexadecimal, of one line of JSON (keys sorted, no spaces, ASCII),
`{"arrays":{name:[dtype,shape],…},"metadata":{key:text,…}}` without the checksum itself, followed by the bytes of the
arrays in the order of their names, little-endian, last axis fastest.
"""

Arrays = dict[str, npt.NDArray[Any]]


def save_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str] | None = None
) -> None:
    """Write `arrays` and `metadata` to `path`, all or nothing: after a failure the old file is still there, intact.

    The same arguments give the same bytes.

    Args:
        path: where to write; of a symbolic link, the file that it points to is replaced.
        arrays: by name, of any shape and memory order; the dtype is bool, an integer or a float of 16 to 64 bits.
        metadata: strings by name. These and all names are any Unicode text.

    Raises:
        TypeError: what is not an array of these dtypes, or not a string.
        ValueError: a name that cannot be stored, or more metadata than a header holds.
        OSError: the path, which it names, cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(f"{folder}/model.safetensors", {"layer/weight": np.eye(2)}, {"step": "10"})
    ...     load_arrays(f"{folder}/model.safetensors")
    ({'layer/weight': array([[1., 0.],
           [0., 1.]])}, {'step': '10'})
    """
    metadata = metadata or {}
    _check_texts(arrays, metadata)
    plain = {name: _prepare_array(name, arrays[name]) for name in sorted(arrays)}
    wide_first = dict(sorted(plain.items(), key=lambda item: -item[1].itemsize))  # all are aligned then
    texts = {**metadata, CHECKSUM: _compute_checksum(plain, metadata)}
    header = make_header(wide_first, dict(sorted(texts.items())))
    if len(header) > LONGEST_HEADER:
        raise ValueError(
            f"save_arrays: names, shapes and metadata take {len(header)} bytes, the limit is {LONGEST_HEADER}; "
            "store what is long as an array"
        )
    data = (array.reshape(-1).view(np.uint8).data for array in wide_first.values())
    write_atomically(path, [len(header).to_bytes(8, "little"), header, *data])


def load_arrays(path: str | os.PathLike[str]) -> tuple[Arrays, dict[str, str]]:
    """The arrays of the file at `path` by name, in the order of their names, and its metadata without the checksum.

    Files of other programs load too; what carries no checksum is checked for its form only. The arrays are writable.
    Memory is taken for the arrays once, and for the header.

    Raises:
        CheckpointError: the file is damaged, cut or of a form that is not understood; path and reason are named, before
            memory is taken for its arrays wherever its header can tell.
        OSError: the path, which it names, cannot be read; FileNotFoundError where there is nothing.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_arrays(f"{folder}/model.safetensors", {"bias": np.ones(2, np.float32)})
    ...     load_arrays(f"{folder}/model.safetensors")
    ({'bias': array([1., 1.], dtype=float32)}, {})
    """
    try:
        with open(path, "rb") as file:
            entries, metadata = read_header(file)
            arrays = dict(sorted((entry.name, _read_array(file, entry)) for entry in entries))
        expected = metadata.pop(CHECKSUM, None)
        if expected is None and any(key.startswith("minigrad.") or _resembles_checksum(key) for key in metadata):
            raise ValueError("it has no checksum, though minigrad wrote it: the file was damaged or altered")
        if expected is not None and expected != _compute_checksum(arrays, metadata):
            raise ValueError("its content does not match its checksum: the file was damaged or altered")
        for name, array in arrays.items():
            if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
                raise ValueError(f"array {name!r} of booleans holds a byte that is neither 0 nor 1")
    except ValueError as error:
        raise CheckpointError(f"cannot load {os.fspath(path)}: {error}") from error
    return arrays, metadata


def _resembles_checksum(key: str) -> bool:
    """Whether the key is that of the checksum, with one letter that was damaged."""
    return len(key) == len(CHECKSUM) and sum(a != b for a, b in zip(key, CHECKSUM, strict=True)) == 1


def _read_array(file: BinaryIO, entry: Entry) -> npt.NDArray[Any]:
    """The array at the present place in the file; ValueError where the file has become too short for it."""
    return np.fromfile(file, entry.dtype.newbyteorder("<"), math.prod(entry.shape)).reshape(entry.shape)


def _check_texts(arrays: Mapping[str, object], metadata: Mapping[str, object]) -> None:
    texts: list[tuple[str, object]] = [("the name of an array", name) for name in arrays]
    for key, value in metadata.items():
        texts += [("a metadata key", key), (f"metadata[{key!r}]", value)]
    for what, text in texts:
        if not isinstance(text, str):
            raise TypeError(f"save_arrays: {what} must be a str, got {type(text).__name__}")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(
                f"save_arrays: {what} must be Unicode text, {text!r} holds half a surrogate pair"
            ) from None
    if METADATA in arrays:
        raise ValueError(f"save_arrays: {METADATA!r} cannot name an array, the file format uses it")
    if CHECKSUM in metadata:
        raise ValueError(f"save_arrays: the metadata key {CHECKSUM!r} is taken by the checksum")


def _prepare_array(name: str, array: object) -> npt.NDArray[Any]:
    """`array` in the order and byte order of the file."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"save_arrays: {name!r} must be a NumPy array, got {type(array).__name__}")
    if array.dtype.newbyteorder("=") not in DTYPES.values():
        raise TypeError(
            f"save_arrays: {name!r} has dtype {array.dtype}; a file holds {', '.join(map(str, DTYPES.values()))}"
        )
    return np.asarray(real_array(array, what=f"save_arrays: {name!r}: "), array.dtype.newbyteorder("<"), order="C")


def _compute_checksum(arrays: Mapping[str, npt.NDArray[Any]], metadata: Mapping[str, str]) -> str:
    """See `CHECKSUM`; `arrays` are sorted by name, contiguous and little-endian."""
    described = {name: [array.dtype.name, array.shape] for name, array in arrays.items()}
    line = json.dumps({"arrays": described, "metadata": dict(metadata)}, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(line.encode())
    for array in arrays.values():
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
