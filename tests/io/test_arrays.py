"""Arrays to a file and back, bit for bit; damaged and hostile files are refused, never misread."""

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save

from minigrad.core.errors import CheckpointError
from minigrad.io import load_arrays, save_arrays
from minigrad.io.header import DTYPES, LONGEST_HEADER, read_header


def assert_identical(actual, expected):
    """The same names, dtypes, shapes and bits; `==` would let NaN and -0.0 pass or fail for the wrong reason."""
    assert sorted(actual) == sorted(expected)
    for name, array in expected.items():
        assert actual[name].dtype == array.dtype.newbyteorder("="), name
        assert actual[name].shape == array.shape, name
        assert actual[name].tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes(), name


def patterns(dtype):
    """Every byte value in every place of a dtype: among floats NaN payloads, infinities, -0.0 and subnormals."""
    if dtype == np.bool_:
        return np.arange(256) % 3 == 0
    return np.random.default_rng(0).integers(0, 256, size=4096 * dtype.itemsize, dtype=np.uint8).view(dtype)


SPECIAL = {
    "payload": np.array([0x7FF8000000000ABC, 0x7FF0000000000001, 0xFFF8000000000000], np.uint64).view(np.float64),
    "negative zero": np.array([-0.0, 0.0], np.float32),
    "subnormal": np.array([5e-324, -5e-324]),
    "0-d": np.array(3.5, np.float32),
    "0-d bool": np.array(True),
    "size 0": np.zeros((3, 0, 2), np.int16),
    "size 0 too": np.zeros(0),
    "Fortran": np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    "transposed": np.arange(6).reshape(2, 3).T,
    "strided": np.arange(20)[::-3],
    "broadcast": np.broadcast_to(np.float32(7), (2, 3)),
    "big-endian": np.arange(5, dtype=">f8"),
    "unaligned": np.frombuffer(bytes(range(17)), np.uint8)[1:].view(np.float64),
    "many axes": np.zeros((1,) * 64),
    "layer/0.weight": np.eye(2),
    '注意力 🦓 " \\ \n \0 ∂': np.ones(1),
    "": np.ones(2),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_K12_special_arrays_and_names_return_bit_for_bit(tmp_path, name):
    save_arrays(tmp_path / "a.safetensors", {name: SPECIAL[name]}, {})
    arrays, metadata = load_arrays(tmp_path / "a.safetensors")
    assert_identical(arrays, {name: SPECIAL[name]})
    assert metadata == {}


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_K12_every_dtype_returns_with_every_bit_pattern(tmp_path, dtype):
    save_arrays(tmp_path / "a.safetensors", {"x": patterns(dtype)})
    assert_identical(load_arrays(tmp_path / "a.safetensors")[0], {"x": patterns(dtype)})


unicode_text = st.text('ab/. _"\\\n\0\x7fé注🦓\u2028\uffff', max_size=8)


@settings(max_examples=20, deadline=None)  # each example waits for the disk
@given(
    arrays=st.dictionaries(unicode_text.filter(lambda name: name != "__metadata__"), st.integers(0, 3), max_size=5),
    metadata=st.dictionaries(unicode_text, unicode_text, max_size=5),
)
def test_K12_any_names_and_metadata_return(arrays, metadata):
    arrays = {name: np.full(size, size, np.int8) for name, size in arrays.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        save_arrays(path, arrays, metadata)
        loaded, loaded_metadata = load_arrays(path)
    assert_identical(loaded, arrays)
    assert list(loaded) == sorted(arrays)
    assert loaded_metadata == metadata


def test_nothing_at_all_can_be_saved(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {})
    assert load_arrays(tmp_path / "a.safetensors") == ({}, {})


def test_loaded_arrays_are_writable_and_independent(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {"x": np.ones(4), "y": np.ones(4), "empty": np.ones(0)})
    arrays, _ = load_arrays(tmp_path / "a.safetensors")
    assert all(array.flags.writeable for array in arrays.values())
    arrays["x"] += 1
    assert arrays["y"].tolist() == [1, 1, 1, 1]


def test_saving_leaves_the_arguments_alone(tmp_path):
    array, metadata = np.arange(3, dtype=">i4"), {"step": "1"}
    save_arrays(tmp_path / "a.safetensors", {"x": array}, metadata)
    assert array.dtype == ">i4"
    assert array.tolist() == [0, 1, 2]
    assert metadata == {"step": "1"}


def test_the_same_arguments_give_the_same_bytes_in_any_order(tmp_path):
    items = [(f"key {number}", str(number)) for number in range(12)]
    arrays = list(SPECIAL.items())
    for number in range(8):
        save_arrays(tmp_path / f"{number}.safetensors", dict(arrays), dict(items))
        items.reverse()
        arrays.reverse()
    assert len({file.read_bytes() for file in tmp_path.iterdir()}) == 1


def test_the_library_reads_our_files(tmp_path):
    arrays = {str(dtype): patterns(dtype)[:5] for dtype in DTYPES.values()} | SPECIAL
    save_arrays(tmp_path / "a.safetensors", arrays, {"step": "1", "é": "注"})
    assert_identical(load_file(tmp_path / "a.safetensors"), arrays)
    with safe_open(tmp_path / "a.safetensors", "np") as file:
        assert file.metadata().items() >= {"step": "1", "é": "注"}.items()


def test_every_array_is_aligned_for_those_who_map_the_file_into_memory(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {str(dtype): np.ones(3, dtype) for dtype in DTYPES.values()})
    with open(tmp_path / "a.safetensors", "rb") as file:
        entries, _ = read_header(file)
        assert file.tell() % 8 == 0
    assert all(entry.start % entry.dtype.itemsize == 0 for entry in entries)


def test_files_of_the_library_without_a_checksum_load(tmp_path):
    arrays = {"b": np.arange(3, dtype=np.int32), "a": np.ones((2, 2), np.float16)}
    for metadata in ({"format": "np"}, {}, None):
        (tmp_path / "a.safetensors").write_bytes(save(arrays, metadata))
        loaded, found = load_arrays(tmp_path / "a.safetensors")
        assert_identical(loaded, arrays)
        assert found == (metadata or {})


def test_the_checksum_is_the_documented_one(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {"é": np.array([1, 2], np.int16), "b": np.eye(2)[:1]}, {"k": "v"})
    content = (tmp_path / "a.safetensors").read_bytes()
    stored = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])["__metadata__"]["minigrad.sha256"]
    line = b'{"arrays":{"b":["float64",[1,2]],"\\u00e9":["int16",[2]]},"metadata":{"k":"v"}}'
    assert stored == hashlib.sha256(line + np.array([1.0, 0.0]).tobytes() + b"\1\0\2\0").hexdigest()


# Damage


@pytest.fixture
def small(tmp_path):
    """A small file, with all that a checkpoint has: arrays of several dtypes, one of size 0, metadata."""
    path = tmp_path / "small.safetensors"
    arrays = {"w": np.array([[1.5, np.nan]]), "m": np.array([True, False]), "n": np.array(7), "e": np.zeros((0, 2))}
    save_arrays(path, arrays, {"minigrad.format": "1", "step": "10"})
    return path, arrays, path.read_bytes()


def test_K3_a_file_cut_at_every_byte_is_refused(small):
    path, _, content = small
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"small\.safetensors: "):
            load_arrays(path)


@pytest.mark.parametrize("flip", [0xFF, *(1 << bit for bit in range(8))])
def test_K3_every_byte_and_every_bit_flipped_once_is_refused(small, flip):
    path, _, content = small
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ flip]) + content[position + 1 :])
        with pytest.raises(CheckpointError, match=r"small\.safetensors: ."):
            load_arrays(path)


@pytest.mark.parametrize("metadata", [{}, {"step": "10"}])
@pytest.mark.parametrize("flip", [0xFF, *(1 << bit for bit in range(8))])
def test_K3_without_other_keys_of_ours_a_flip_is_refused_too(tmp_path, flip, metadata):
    """The key of the checksum is then the only sign that the file is ours: a letter of it that is damaged stays one."""
    path, arrays = tmp_path / "a.safetensors", {"w": np.array([1.5, np.nan])}
    save_arrays(path, arrays, metadata)
    content = path.read_bytes()
    for position in range(len(content)):
        path.write_bytes(content[:position] + bytes([content[position] ^ flip]) + content[position + 1 :])
        with pytest.raises(CheckpointError, match=r"a\.safetensors: ."):
            load_arrays(path)


def test_K3_checksums_of_other_programs_are_theirs(tmp_path):
    metadata = {"modelspec.hash_sha256": "0x00", "sha256": "00", "miniature.sha25": "0"}
    (tmp_path / "a.safetensors").write_bytes(save({"a": np.ones(2)}, metadata))
    assert load_arrays(tmp_path / "a.safetensors")[1] == metadata


def test_K3_bytes_appended_are_refused(small):
    path, _, content = small
    path.write_bytes(content + b"\0")
    with pytest.raises(CheckpointError, match="follow its header"):
        load_arrays(path)


def test_K3_two_arrays_of_one_shape_exchanged_are_refused(tmp_path):
    save_arrays(tmp_path / "a.safetensors", {"a": np.array([1.0]), "b": np.array([2.0])})
    content = (tmp_path / "a.safetensors").read_bytes()
    (tmp_path / "a.safetensors").write_bytes(content[:-16] + content[-8:] + content[-16:-8])
    with pytest.raises(CheckpointError, match="checksum"):
        load_arrays(tmp_path / "a.safetensors")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"missing\.safetensors"):
        load_arrays(tmp_path / "missing.safetensors")


# Misuse


@pytest.mark.parametrize(
    ("arrays", "metadata", "error", "message"),
    [
        ({"x": [1.0]}, {}, TypeError, "'x' must be a NumPy array, got list"),
        ({"x": np.float64(1)}, {}, TypeError, "'x' must be a NumPy array, got float64"),
        ({"x": np.array([None])}, {}, TypeError, "'x' has dtype object; a file holds bool, int8"),
        ({"x": np.ones(1, complex)}, {}, TypeError, "complex128"),
        ({"x": np.array(["a"])}, {}, TypeError, "<U1"),
        ({"x": np.zeros(1, "M8[D]")}, {}, TypeError, "datetime64"),
        ({"x": np.zeros(1, [("a", "f4")])}, {}, TypeError, "'x' has dtype"),
        ({1: np.ones(1)}, {}, TypeError, "name of an array must be a str, got int"),
        ({"__metadata__": np.ones(1)}, {}, ValueError, "cannot name an array"),
        ({"\ud800": np.ones(1)}, {}, ValueError, "half a surrogate pair"),
        ({}, {"step": 1}, TypeError, r"metadata\['step'\] must be a str, got int"),
        ({}, {1: "step"}, TypeError, "metadata key must be a str"),
        ({}, {"step": "\udc00"}, ValueError, "half a surrogate pair"),
        ({}, {"minigrad.sha256": "0"}, ValueError, "taken by the checksum"),
        ({}, {"history": "0" * LONGEST_HEADER}, ValueError, "store what is long as an array"),
    ],
)
def test_what_cannot_be_stored_is_named_and_nothing_is_written(tmp_path, arrays, metadata, error, message):
    with pytest.raises(error, match=message):
        save_arrays(tmp_path / "a.safetensors", arrays, metadata)
    assert os.listdir(tmp_path) == []


def test_the_library_is_not_needed(small, monkeypatch):
    path, arrays, content = small
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    loaded, metadata = load_arrays(path)
    assert_identical(loaded, arrays)
    save_arrays(path.parent / "new", loaded, metadata)
    assert (path.parent / "new").read_bytes() == content
