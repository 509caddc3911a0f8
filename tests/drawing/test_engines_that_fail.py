"""Engines that sleep, fail, print junk or leave processes behind: each has its message, and nothing goes on running."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, get_args

import pytest

from minigrad.drawing import engines
from minigrad.drawing.engines import LayoutError, layout, layout_together

CHAIN = "digraph chain { n0 -> n1 -> n2 }"
SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"

Program = Callable[..., str]


def test_EN4_H7_sleeping_engine_is_stopped_with_all_that_it_started(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"sleep 60 & echo $$ $! > '{tmp_path}/started'; cat > /dev/null; wait"
    monkeypatch.setenv("MINIGRAD_DOT", program(script))
    with pytest.raises(LayoutError, match=r"was stopped after 0\.6 s"):
        layout(CHAIN, timeout=0.6)
    assert_stopped(tmp_path / "started")


def test_EN4_engine_that_leaves_a_process_behind_is_not_waited_for(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINIGRAD_DOT", program(f"sleep 60 & echo $! > '{tmp_path}/started'; exit 0"))
    with pytest.raises(LayoutError, match="was stopped"):
        layout(CHAIN, timeout=0.6)
    assert_stopped(tmp_path / "started")


def test_EN4_interrupted_layout_leaves_no_process(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    started.touch()

    def interrupted(process: object, *arguments: object) -> NoReturn:
        end = time.monotonic() + 5
        while not started.read_text() and time.monotonic() < end:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        layout(CHAIN, engine=program(f"echo $$ > '{started}'; sleep 60"))
    assert_stopped(started)


def assert_stopped(started: Path) -> None:
    running = [int(number) for number in started.read_text().split()]
    assert running
    end = time.monotonic() + 5
    while running and time.monotonic() < end:
        running = [number for number in running if is_running(number)]
        time.sleep(0.01)
    assert running == []


def is_running(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{number}/stat")  # a zombie that nobody has buried yet does not run
    return not (state.exists() and state.read_text().rpartition(")")[2].split()[0] == "Z")


def test_EN4_failing_engine_is_quoted(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_DOT", program('echo "out of ideas" >&2; printf "\\033[2Jx" >&2; exit 3'))
    with pytest.raises(LayoutError, match=r"failed with exit code 3\. It said: out of ideas\n\\x1b\[2Jx"):
        layout(CHAIN)


def test_EN4_failing_engine_without_a_word(program: Program) -> None:
    with pytest.raises(LayoutError, match=r"failed with exit code 4\. It gave no reason"):
        layout(CHAIN, engine=program("exit 4"))


def test_EN4_picture_with_a_failing_exit_code_is_refused(program: Program) -> None:
    with pytest.raises(LayoutError, match="exit code 1"):
        layout(CHAIN, engine=program(f'echo "{SVG}"; exit 1'))


@pytest.mark.parametrize("format", get_args(engines.Format))
@pytest.mark.parametrize("junk", ["", "hello", "<html/>", "<svg/>", f"{SVG}<", SVG[:-3]])
def test_EN4_junk_is_refused(program: Program, format: str, junk: str) -> None:
    with pytest.raises(LayoutError, match=rf"did not write {format}: .*\. It said: careless"):
        layout(CHAIN, format, program(f'printf %s "{junk}"; echo careless >&2'))


@pytest.mark.parametrize(("printed", "said"), [("{} {", "not write json0: "), ("{}", ": 1 of 2 graphs")])
def test_EN4_some_graphs_of_several_are_not_enough(program: Program, printed: str, said: str) -> None:
    with pytest.raises(LayoutError, match=said):
        layout_together([CHAIN, CHAIN], program(f"cat > /dev/null; printf '{printed}'"))


def test_EN4_engine_that_does_not_listen(program: Program) -> None:
    large = "digraph { " + "n0 -> n1; " * 100_000 + "}"
    assert layout(large, "json", program('exec 0<&-; printf "[%65536s]" ""')) == []


def test_text_reaches_the_engine_as_utf8(program: Program) -> None:
    assert layout('"查\\n∂"', "json", program("cat")) == "查\n∂"


def test_H7_path_is_not_read_by_a_shell(program: Program, tmp_path: Path) -> None:
    assert layout(CHAIN, "json", program('echo "[]"', "a b; touch owned $(touch owned)/-Tsvg")) == []
    assert not list(tmp_path.rglob("owned"))


def test_EN4_program_that_cannot_be_started(program: Program) -> None:
    with pytest.raises(LayoutError, match="could not be started: "):
        layout(CHAIN, engine=program("", first_line="#!/no/such/interpreter"))
