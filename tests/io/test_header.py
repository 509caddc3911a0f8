"""What a file claims is checked before it is believed: hostile headers, other formats, files too large for memory."""

import contextlib
import json
import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minigrad.core.errors import CheckpointError
from minigrad.io import load_arrays, load_checkpoint, save_arrays
from minigrad.io.header import LONGEST_HEADER, read_header
from minigrad.nn import Linear


@contextlib.contextmanager
def allocating_at_most(limit):
    """Python and NumPy take no more than `limit` bytes at any time inside; an error inside passes."""
    tracemalloc.start()
    try:
        yield
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= limit, f"{peak:,} bytes"


def file_with(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


HOSTILE = {
    "empty file": (b"", "it has 0 bytes"),
    "length 2**64 - 1": (b"\xff" * 8 + b"{}", "its header would have 18446744073709551615 bytes"),
    "length past the end": ((3).to_bytes(8, "little") + b"{}", "only 2 follow"),
    "not UTF-8": (file_with(b'{"\xff":1}'), "not JSON"),
    "not JSON": (file_with(b"pickle"), "not JSON"),
    "a list": (file_with([]), "a JSON list, expected an object"),
    "depth 100,000": (file_with(b"[" * 100_000), "nested too deeply"),
    "depth 100,000 of an entry": (file_with(b'{"x":' * 100_000), "nested too deeply"),
    "a number of 10,000 digits": (file_with(b'{"x":' + b"9" * 10_000 + b"}"), "limit"),
    "infinite size": (file_with({"x": entry(shape=[np.inf])}, b"\0" * 4), "integers ≥ 0"),
    "size that is no number": (file_with({"x": entry(shape=[np.nan])}, b"\0" * 4), "integers ≥ 0"),
    "metadata a number": (file_with({"__metadata__": {"step": 1}}), "dictionary of strings"),
    "metadata null": (file_with({"__metadata__": None}), "dictionary of strings"),
    "entry a list": (file_with({"x": []}), "expected dtype, shape and data_offsets"),
    "entry without shape": (file_with({"x": {"dtype": "F32", "data_offsets": [0, 0]}}), "expected dtype, shape"),
    "a name twice": (file_with(b'{"x":' + json.dumps(entry()).encode() + b',"x":{}}', b"\0" * 4), "'x' twice"),
    "a name twice, with two dtypes": (
        file_with(f'{{"x":{json.dumps(entry())},"x":{json.dumps(entry("I32"))}}}'.encode(), b"\0\0\x80?"),
        "'x' twice",
    ),
    "a key of the metadata twice": (file_with(b'{"__metadata__":{"step":"1","step":"2"}}'), "'step' twice"),
    "2**40 elements": (file_with({"x": entry(shape=[2**40])}, b"\0" * 4), f"takes {2**42} bytes"),
    "product beyond 64 bits": (file_with({"x": entry(shape=[2**32, 2**32])}, b"\0" * 4), f"takes {2**66} bytes"),
    "a size beyond 64 bits": (file_with({"x": entry(shape=[0, 2**70], offsets=[0, 0])}), "integers ≥ 0"),
    "sizes too large for an empty array": (file_with({"x": entry(shape=[0, 2**62, 8], offsets=[0, 0])}), "x"),
    "negative size": (file_with({"x": entry(shape=[-1])}, b"\0" * 4), "integers ≥ 0"),
    "two negative sizes": (file_with({"x": entry(shape=[-1, -1])}, b"\0" * 4), "integers ≥ 0"),
    "float size": (file_with({"x": entry(shape=[1.0])}, b"\0" * 4), "integers ≥ 0"),
    "bool size": (file_with({"x": entry(shape=[True])}, b"\0" * 4), "integers ≥ 0"),
    "shape a number": (file_with({"x": {**entry(), "shape": 1}}, b"\0" * 4), "integers ≥ 0"),
    "10,000 axes": (file_with({"x": entry(shape=[1] * 10_000)}, b"\0" * 4), "at most 64"),
    "100,000 axes of 2**40": (file_with({"x": entry(shape=[2**40] * 100_000)}, b"\0" * 4), "at most 64"),
    "dtype |O": (file_with({"x": entry("|O")}, b"\0" * 4), "dtype '|O'"),
    "dtype V9": (file_with({"x": entry("V9")}, b"\0" * 4), "dtype 'V9'"),
    "dtype >f8": (file_with({"x": entry(">f8", offsets=[0, 8])}, b"\0" * 8), "dtype '>f8'"),
    "dtype BF16": (file_with({"x": entry("BF16", offsets=[0, 2])}, b"\0" * 2), "dtype 'BF16'"),
    "dtype a list": (file_with({"x": entry(["F32"])}, b"\0" * 4), "dtype"),
    "one offset": (file_with({"x": entry(offsets=[0])}, b"\0" * 4), "two integers"),
    "negative offset": (file_with({"x": entry(offsets=[-4, 0])}, b"\0" * 4), "two integers"),
    "offsets reversed": (file_with({"x": entry(offsets=[4, 0])}, b"\0" * 4), "takes 4 bytes"),
    "shape and range disagree": (file_with({"x": entry(shape=[2])}, b"\0" * 4), "takes 8 bytes"),
    "overlap": (file_with({"x": entry(), "y": entry()}, b"\0" * 8), "starts at byte 0 of the data, expected 4"),
    "gap": (file_with({"x": entry(), "y": entry(offsets=[8, 12])}, b"\0" * 12), "expected 4"),
    "data missing": (file_with({"x": entry()}, b"\0" * 3), "take 4 bytes, but 3 follow"),
    "data without an array": (file_with({"x": entry()}, b"\0" * 5), "take 4 bytes, but 5 follow"),
    "a bool of 2": (file_with({"x": entry("BOOL", offsets=[0, 1])}, b"\2"), "neither 0 nor 1"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_K6_K7_hostile_files_are_refused_with_path_and_reason_before_memory_is_taken(tmp_path, case):
    content, reason = HOSTILE[case]
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError) as caught, allocating_at_most(8 * 2**20):
        load_arrays(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert len(str(caught.value)) < 500 + len(str(path))


BELIEVED = ["a name twice, with two dtypes", "a key of the metadata twice", "metadata null", "a bool of 2"]


@pytest.mark.parametrize("case", BELIEVED)
def test_the_library_believes_files_that_ours_refuses(tmp_path, case):
    """Why `header.py` is there; when the library refuses these too, and keeps to the limits below, it can go."""
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(HOSTILE[case][0])
    with pytest.raises(CheckpointError):
        load_arrays(path)
    with contextlib.suppress(ImportError):
        from safetensors.numpy import load_file

        load_file(path)


def sparse(path, start, size):
    """A file of `size` bytes that begins with `start`; the rest is a hole, which takes no room on the disk."""
    with open(path, "wb") as file:
        file.write(start)
        file.truncate(size)
    return path


@pytest.mark.parametrize("length", [LONGEST_HEADER + 1, 10**9, 2**32, 2**63, 2**64 - 1])
def test_K7_a_huge_header_is_refused_without_reading_it(tmp_path, length):
    path = sparse(tmp_path / "huge.safetensors", length.to_bytes(8, "little") + b"{", 10**9 + 8)
    with pytest.raises(CheckpointError, match=f"limit is {LONGEST_HEADER}"), allocating_at_most(2**20):
        load_arrays(path)


HEADERS = {
    "arrays of size 0": json.dumps({f"{i:04}": entry(shape=[0], offsets=[0, 0]) for i in range(2_000)}).encode(),
    "a list of objects": b'{"x":[' + b'{"":1},' * 20_000 + b"{}]}",
    "a list of lists": b'{"x":[' + b"[]," * 20_000 + b"[]]}",
}


@pytest.mark.parametrize("kind", HEADERS)
def test_K7_what_becomes_of_a_header_takes_at_most_50_MB(tmp_path, kind):
    path = tmp_path / "long.safetensors"
    path.write_bytes(file_with(HEADERS[kind]))
    share = len(HEADERS[kind]) / LONGEST_HEADER  # memory is proportional to the length
    with contextlib.suppress(CheckpointError), allocating_at_most(50 * 2**20 * share):
        load_arrays(path)


@pytest.mark.parametrize("terabytes", [0.1, 1, 8])
def test_K6_a_sparse_file_that_does_not_keep_what_its_header_says_is_refused(tmp_path, terabytes):
    size = int(terabytes * 2**40)
    content = file_with({"x": entry("U8", shape=[2**50], offsets=[0, 2**50])})
    path = sparse(tmp_path / "sparse.safetensors", content, size)
    with pytest.raises(CheckpointError, match=f"take {2**50} bytes, but"), allocating_at_most(2**20):
        load_arrays(path)


def test_K7_loading_takes_the_memory_of_the_arrays_once(tmp_path):
    path = tmp_path / "large.safetensors"
    save_arrays(path, {"a": np.ones(4_000_000), "b": np.ones(2_000_000)})
    with allocating_at_most(path.stat().st_size + 2**20):
        arrays, _ = load_arrays(path)
    assert arrays["a"].sum() == 4_000_000


def test_a_file_that_becomes_shorter_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    save_arrays(path, {"x": np.ones(1000)})

    def cut_after(file):
        header = read_header(file)
        os.truncate(path, path.stat().st_size - 8)
        return header

    monkeypatch.setattr("minigrad.io.arrays.read_header", cut_after)
    with pytest.raises(CheckpointError, match=r"a\.safetensors"):
        load_arrays(path)


# Other formats


class Canary:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


FOREIGN = {
    "a pickle": (lambda path, canary: path.write_bytes(pickle.dumps(canary)), "a pickle"),
    "an old pickle": (lambda path, canary: path.write_bytes(pickle.dumps(canary, protocol=2)), "a pickle"),
    "a text pickle": (lambda path, canary: path.write_bytes(pickle.dumps(canary, protocol=0)), "something else"),
    "an array of objects": (lambda path, canary: np.save(path, np.array([canary, 1], object)), "a NumPy .npy file"),
    "an archive of it": (lambda path, canary: np.savez(path, x=np.array([canary, 1], object)), "a zip archive"),
    "a plain array": (lambda path, canary: np.save(path, np.ones(3)), "a NumPy .npy file"),
    "HDF5": (lambda path, canary: path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100)), "an HDF5 file"),
    "GGUF": (lambda path, canary: path.write_bytes(b"GGUF\3\0\0\0" + bytes(100)), "a GGUF file"),
    "text": (lambda path, canary: path.write_text("weights = [1.0, 2.0]"), "something else"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("ending", [".safetensors", ".npy", ".npz", ".pkl"])
def test_K4_pickles_and_arrays_of_objects_are_refused_and_never_opened(tmp_path, kind, ending):
    write, seems = FOREIGN[kind]
    made = tmp_path / ("made" + {"an archive of it": ".npz"}.get(kind, ".npy" if "array" in kind else ""))
    write(made, Canary(tmp_path / "canary"))
    path = made.rename(tmp_path / ("model" + ending))
    model = Linear(1, 1, rng=np.random.default_rng(0))
    for load in (load_arrays, lambda path: load_checkpoint(path, model)):
        with pytest.raises(
            CheckpointError, match=rf"model\{ending}: it is no safetensors file and seems to be {seems}"
        ):
            load(path)
    assert os.listdir(tmp_path) == [path.name]
    pickle.loads(pickle.dumps(Canary(tmp_path / "canary")))
    assert (tmp_path / "canary").exists()  # the canary sings when it is unpickled


ENTRIES = ["../../x", "/etc/x", "C:\\x", "x\0.npy", "link", "the same name twice"]


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_K5_zip_archives_are_refused_and_nothing_is_extracted(tmp_path, name, monkeypatch):
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    path = Path("model.safetensors")
    with zipfile.ZipFile(path, "w") as archive:
        for _ in range(2):
            archive.writestr("the same name twice", b"content")
        archive.filelist[0].filename = name
        if name == "link":
            archive.filelist[0].external_attr = 0o120777 << 16
    with pytest.raises(CheckpointError, match=r"seems to be a zip archive, as \.npz files"):
        load_arrays(path)
    assert sorted(str(found.relative_to(tmp_path)) for found in tmp_path.rglob("*")) == [
        "a", "a/b", "a/b/model.safetensors"
    ]  # fmt: skip


def test_K7_a_zip_bomb_is_refused_unopened(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x.npy", "w") as file:
        for _ in range(64):
            file.write(bytes(2**20))
    assert path.stat().st_size < 2**17
    with pytest.raises(CheckpointError, match="a zip archive"), allocating_at_most(2**20):
        load_arrays(path)
