"""A reader meets the old file or the new one, whatever happens to the writer."""

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad.io
from minigrad.io import load_arrays, save_arrays
from minigrad.io.atomic import PREFIX, STALE, SUFFIX, write_atomically

posix = pytest.mark.skipif(os.name != "posix", reason="links and modes as on POSIX systems")


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "a.safetensors"
    path.write_bytes(b"old")
    return path


def fail_with(error):
    def failing(*arguments):
        raise error

    return failing


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_K11_a_full_disk_leaves_the_old_file_and_nothing_else(target, monkeypatch, step):
    monkeypatch.setattr(os, step, fail_with(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match=r"No space left.*a\.safetensors") as caught:
        write_atomically(target, [b"new"])
    assert caught.value.errno == errno.ENOSPC
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


@posix
def test_K11_a_write_that_the_system_stops_half_way_leaves_the_old_file_and_nothing_else(target):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # as a full disk, but for one process
    try:
        with pytest.raises(OSError, match=r"cannot write: .*a\.safetensors"):
            save_arrays(target, {"x": np.ones(100_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


@posix
def test_K11_without_permission_the_old_file_stays_and_the_path_is_named(target):
    target.parent.chmod(0o555)
    root = os.geteuid() == 0  # who may write everywhere
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(PermissionError, match=r"cannot write: .*a\.safetensors"):
            write_atomically(target, [b"new"])
    finally:
        if root:
            os.seteuid(0)
        target.parent.chmod(0o755)
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


def test_K2_a_temporary_file_of_another_saver_is_not_removed(target, monkeypatch):
    monkeypatch.setattr("minigrad.io.atomic.secrets.token_hex", lambda size: "taken")
    other = target.parent / f"{PREFIX}taken{SUFFIX}"
    other.write_bytes(b"half")
    with pytest.raises(FileExistsError, match=r"a\.safetensors"):
        write_atomically(target, [b"new"])
    assert (target.read_bytes(), other.read_bytes()) == (b"old", b"half")


def test_an_interrupt_leaves_the_old_file_and_nothing_else(target, monkeypatch):
    monkeypatch.setattr(os, "replace", fail_with(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, [b"new"])
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


def test_K1_the_content_is_on_the_disk_before_it_takes_the_name(target, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *arguments, name=name, original=original: (calls.append(name), original(*arguments))
        )
    write_atomically(target, [b"n", memoryview(b"ew")])
    assert target.read_bytes() == b"new"
    assert calls[:2] == ["fsync", "replace"]


def test_K11_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match=r"cannot write: Is a directory.*folder"):
        write_atomically(tmp_path / "folder", [b""])
    assert os.listdir(tmp_path) == ["folder"]


def test_K11_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write.*missing/a\.safetensors"):
        write_atomically(tmp_path / "missing" / "a.safetensors", [b""])


def test_a_path_without_a_folder_is_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("a.safetensors", [b"new"])
    assert (tmp_path / "a.safetensors").read_bytes() == b"new"


@posix
def test_K11_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path, target):
    (tmp_path / "folder").mkdir()
    link = tmp_path / "folder" / "latest"
    link.symlink_to(target)
    write_atomically(link, [b"new"])
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path / "folder") == ["latest"]


@posix
def test_a_new_file_has_the_mode_that_any_new_file_has(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "ours", [b""])
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_K2_stale_temporary_files_go_fresh_ones_and_strangers_stay(tmp_path):
    names = {"stale": f"{PREFIX}0{SUFFIX}", "fresh": f"{PREFIX}1{SUFFIX}", "stranger": "notes.tmp"}
    for name in names.values():
        (tmp_path / name).write_bytes(b"half")
    for name in ("stale", "stranger"):
        old = time.time() - 2 * STALE
        os.utime(tmp_path / names[name], (old, old))
    write_atomically(tmp_path / "a", [b"new"])
    assert sorted(os.listdir(tmp_path)) == sorted(["a", names["fresh"], names["stranger"]])


def test_K2_of_three_savers_at_once_one_wins_whole(tmp_path):
    path = tmp_path / "a.safetensors"

    def save_many(value):
        for _ in range(20):
            save_arrays(path, {"x": np.full(5000, value)}, {"value": str(value)})

    threads = [threading.Thread(target=save_many, args=(value,)) for value in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    arrays, metadata = load_arrays(path)
    assert (arrays["x"] == int(metadata["value"])).all()
    assert os.listdir(tmp_path) == [path.name]


KILLER = """
import os, random, signal, sys, time
import numpy as np
from minigrad.io import load_arrays, save_arrays
from minigrad.io.atomic import STALE

path, seen, in_the_middle = sys.argv[1], 0, 0
random.seed(0)

def save(number):
    save_arrays(path, {"x": np.full(50_000, number), "y": np.full(3, number, np.int8)}, {"number": str(number)})

save(seen)
for _ in range(200):
    reader, writer = os.pipe()
    saver = os.fork()
    if saver == 0:
        number = seen
        os.write(writer, b"!")
        while True:
            number = (number + 1) % 100
            save(number)
    os.read(reader, 1)
    time.sleep(random.uniform(0, 0.006))
    os.kill(saver, signal.SIGKILL)
    os.waitpid(saver, 0)
    os.close(reader), os.close(writer)
    arrays, metadata = load_arrays(path)  # raises if it is not whole
    seen = int(metadata["number"])
    assert (arrays["x"] == seen).all() and (arrays["y"] == seen).all()
    in_the_middle += sum(name.endswith(".tmp") for name in os.listdir(os.path.dirname(path)))
    for name in os.listdir(os.path.dirname(path)):
        if name.endswith(".tmp"):
            os.utime(os.path.join(os.path.dirname(path), name), (0, time.time() - 2 * STALE))
save(seen)
print(in_the_middle, os.listdir(os.path.dirname(path)))
"""


@pytest.mark.deep
@posix
def test_K1_K2_a_saver_killed_200_times_leaves_a_whole_file_and_its_leftovers_are_cleaned(tmp_path):
    path = tmp_path / "a.safetensors"
    source = str(Path(minigrad.io.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(path)], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": source, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    in_the_middle, left = done.stdout.split(maxsplit=1)
    assert int(in_the_middle) > 20  # it was killed in the middle of its work, not before or after
    assert left == "['a.safetensors']\n"
