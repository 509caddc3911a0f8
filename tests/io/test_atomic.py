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
def test_a_failure_leaves_the_old_file_and_nothing_else(target, monkeypatch, step):
    monkeypatch.setattr(os, step, fail_with(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(OSError, match=r"No space left.*a\.safetensors") as caught:
        write_atomically(target, [b"new"])
    assert caught.value.errno == errno.ENOSPC
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


def test_an_interrupt_leaves_the_old_file_and_nothing_else(target, monkeypatch):
    monkeypatch.setattr(os, "replace", fail_with(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, [b"new"])
    assert target.read_bytes() == b"old"
    assert os.listdir(target.parent) == [target.name]


def test_the_content_is_on_the_disk_before_it_takes_the_name(target, monkeypatch):
    calls = []
    for name in ("fsync", "replace"):
        original = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *arguments, name=name, original=original: (calls.append(name), original(*arguments))
        )
    write_atomically(target, [b"n", memoryview(b"ew")])
    assert target.read_bytes() == b"new"
    assert calls[:2] == ["fsync", "replace"]


def test_a_folder_in_the_way_is_named(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError, match=r"cannot write: Is a directory.*folder"):
        write_atomically(tmp_path / "folder", [b""])
    assert os.listdir(tmp_path) == ["folder"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot write.*missing/a\.safetensors"):
        write_atomically(tmp_path / "missing" / "a.safetensors", [b""])


def test_a_path_without_a_folder_is_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_atomically("a.safetensors", [b"new"])
    assert (tmp_path / "a.safetensors").read_bytes() == b"new"


@posix
def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path, target):
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


def test_stale_temporary_files_go_fresh_ones_and_strangers_stay(tmp_path):
    names = {"stale": f"{PREFIX}0{SUFFIX}", "fresh": f"{PREFIX}1{SUFFIX}", "stranger": "notes.tmp"}
    for name in names.values():
        (tmp_path / name).write_bytes(b"half")
    for name in ("stale", "stranger"):
        old = time.time() - 2 * STALE
        os.utime(tmp_path / names[name], (old, old))
    write_atomically(tmp_path / "a", [b"new"])
    assert sorted(os.listdir(tmp_path)) == sorted(["a", names["fresh"], names["stranger"]])


def test_of_two_savers_at_once_one_wins_whole(tmp_path):
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


SAVER = """
import sys, numpy
from minigrad.io import save_arrays
number = 0
while True:
    save_arrays(sys.argv[1], {"x": numpy.full(50_000, number)}, {"number": str(number)})
    if number == 0:
        print("ready", flush=True)
    number += 1
"""


@pytest.mark.skipif(not hasattr(os, "kill") or os.name != "posix", reason="SIGKILL is of POSIX systems")
def test_a_killed_saver_leaves_a_whole_file(tmp_path):
    path = tmp_path / "a.safetensors"
    source = str(Path(minigrad.io.__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])}
    delays = np.random.default_rng(0).uniform(0, 0.02, size=10)
    saved = []
    for delay in delays:
        with subprocess.Popen(
            [sys.executable, "-c", SAVER, str(path)], stdout=subprocess.PIPE, text=True, env=environment
        ) as saver:
            assert saver.stdout.readline() == "ready\n"
            time.sleep(delay)
            saver.kill()
        arrays, metadata = load_arrays(path)
        saved.append(int(metadata["number"]))
        assert (arrays["x"] == saved[-1]).all()
    assert max(saved) > 0  # it was killed in the middle of its work, not before
