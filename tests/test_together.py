"""`examples/together.py`, which starts the processes of `scale_out.py`: one that dies or hangs ends all of them.

JAX catches SIGTERM, and its processes wait for each other when they leave: a pool of `multiprocessing` waited for ever.
"""

import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
SCRIPT = """
import atexit, os, signal, sys, time
from pathlib import Path
from together import run_together

def work(number):
    print("number", number, "is at work")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    atexit.register(time.sleep, 1000 if {fails} else 0)
    while number == 1 and "at work" not in Path("process_0.log").read_text():
        time.sleep(0.01)
    if number == 1:
        {what}
    elif {fails}:
        time.sleep(1000)

if __name__ == "__main__":
    print(*run_together(work, 2, Path.cwd(), patience={patience}))
"""


def run(folder: Path, what: str, fails: bool, patience: float = 60) -> subprocess.CompletedProcess:
    script = folder / "script.py"
    script.write_text(SCRIPT.format(what=what, fails=fails, patience=patience), "utf-8")
    return subprocess.run(
        [sys.executable, "-W", "error", script],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(EXAMPLES)},
        capture_output=True,
        encoding="utf-8",
        timeout=100,
    )


@pytest.mark.parametrize(
    ("what", "fate", "last"),
    [
        ("raise ValueError('no more')", "has left with exit code 1", "ValueError: no more"),
        ("sys.exit('no more')", "has left with exit code 1", "SystemExit: no more"),
        ("os._exit(3)", "has left with exit code 3", "number 1 is at work"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was killed by signal 9", "number 1 is at work"),
    ],
)
def test_process_that_dies_ends_all(tmp_path, what, fate, last):
    finished = run(tmp_path, what, fails=True)
    assert finished.returncode == 1
    first = f"Process 1 {fate}. The processes wait for each other, so all of them are ended.\n"
    assert finished.stderr.startswith(first), finished.stderr
    assert_last(finished.stderr, 1, fate, last)
    assert_last(finished.stderr, 0, "has printed nothing for", "number 0 is at work")
    assert_ended(tmp_path)


@pytest.mark.parametrize("what", ["os.kill(os.getpid(), signal.SIGSTOP)", "return"])
def test_process_that_is_silent_ends_all(tmp_path, what):
    finished = run(tmp_path, what, fails=True, patience=4)
    assert finished.returncode == 1
    for number in range(2):
        assert_last(finished.stderr, number, "has printed nothing for", f"number {number} is at work")
    assert_ended(tmp_path)


def test_what_all_print_is_returned_however_much_it_is(tmp_path):
    finished = run(tmp_path, "print('é' * 1_000_000)", fails=False)
    assert finished.returncode == 0, finished.stderr
    assert re.findall(r"number . is at work", finished.stdout) == ["number 0 is at work", "number 1 is at work"]
    assert finished.stdout.count("é") == 1_000_000
    assert_ended(tmp_path)


def test_one_that_prints_is_not_silent_however_long_it_takes(tmp_path):
    finished = run(tmp_path, "[print(time.sleep(1)) for _ in range(6)]", fails=False, patience=4)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.deep
@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="scale_out.py needs jax, the extra `jax`")
@pytest.mark.parametrize(
    ("number", "sent", "fate", "patience"),
    [
        (0, signal.SIGKILL, "was killed by signal 9", "300"),
        (1, signal.SIGKILL, "was killed by signal 9", "300"),
        (1, signal.SIGSTOP, "has printed nothing for", "20"),
    ],
)
def test_scale_out_ends_when_a_process_dies_or_hangs(tmp_path, number, sent, fate, patience):
    example = subprocess.Popen(
        [sys.executable, EXAMPLES / "scale_out.py", "processes", "--quick", "--patience", patience, "--out", tmp_path],
        env=os.environ | {"PYTHONPATH": str(EXAMPLES.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    while example.poll() is None and number not in (started := processes_of(tmp_path)):
        time.sleep(0.01)
    os.kill(started[number], sent)
    _, error = example.communicate(timeout=200)
    assert example.returncode == 1
    assert f"Process {number} {fate}" in error, error
    assert_ended(tmp_path)


def assert_last(error: str, number: int, fate: str, last: str) -> None:
    assert re.search(rf"^Process {number} {fate}.*; the end of .*:\n(    .*\n)*    {last}$", error, re.M), error


def processes_of(folder: Path) -> dict[int, int]:
    logs = "".join(log.read_text("utf-8") for log in folder.glob("process_?.log"))
    return {int(number): int(process) for number, process in re.findall(r"process (\d) is (\d+)\n", logs)}


def assert_ended(folder: Path) -> None:
    for process in processes_of(folder).values():
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
