"""Layout engines: how one is chosen, what is believed of its output, and what is said when there is none."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import pytest

from minigrad.core.errors import MinigradError
from minigrad.drawing import engines
from minigrad.drawing.engines import GraphvizNotFoundError, LayoutError, layout

CHAIN = "digraph chain { n0 -> n1 -> n2 }"
SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"
BY_NAME = {engine.name: engine for engine in engines.ENGINES}

Program = Callable[..., str]


@pytest.fixture(autouse=True)
def no_choice_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIGRAD_DOT", raising=False)


@pytest.fixture(params=list(BY_NAME))
def engine(request: pytest.FixtureRequest) -> str:
    return installed(request.param)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Writes a shell script that poses as an engine and gives its path."""
    if sys.platform == "win32":
        pytest.skip("the engines that misbehave are shell scripts")

    def write(script: str, name: str = "dot", first_line: str = "#!/bin/sh") -> str:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{first_line}\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return str(path)

    return write


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without any engine; PATH is the empty directory that is returned."""

    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setattr(metadata, "files", missing)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(empty))
    monkeypatch.setattr(engines, "USUAL_PLACES", ())
    monkeypatch.setenv("PATH", str(empty))
    return empty


def installed(name: str) -> str:
    if BY_NAME[name].find() is None:
        pytest.skip(f"the {name} engine is not installed")
    return name


def pose_as(name: str, program: Program, output: str, directory: Path) -> None:
    """An engine of that name in `directory` which prints `output`. It needs no PATH."""
    program(f"printf '{output}'", f"{directory.name}/{name}")


# Real engines


@pytest.mark.parametrize("format", engines.READERS)
def test_every_format_that_an_engine_claims(engine: str, format: str) -> None:
    if format not in BY_NAME[engine].formats:
        with pytest.raises(LayoutError, match=rf"The {engine} engine cannot write {format}; name 'system' instead"):
            layout(CHAIN, format, engine)
        return
    picture = layout(CHAIN, format, engine)
    beginnings = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF-", "json": b"{", "json0": b"{"}
    assert picture.startswith(beginnings[format])


def test_engines_agree_on_nodes_and_edges() -> None:
    views = [json.loads(layout(CHAIN, "json0", installed(name))) for name in BY_NAME]
    assert all([node["name"] for node in view["objects"]] == ["n0", "n1", "n2"] for view in views)
    assert all([(edge["tail"], edge["head"]) for edge in view["edges"]] == [(0, 1), (1, 2)] for view in views)


@pytest.mark.parametrize("format", ["svg", "png", "json"])
def test_same_text_gives_the_same_bytes(engine: str, format: str) -> None:
    assert layout(CHAIN, format, engine) == layout(CHAIN, format, engine)


def test_svg_does_not_name_the_version(engine: str) -> None:
    picture = layout(CHAIN, "svg", engine)
    assert b"Generated" not in picture
    assert b"version 2" not in picture


def test_pdf_has_no_date_of_today() -> None:
    picture = layout(CHAIN, "pdf", installed("system"))
    assert picture.count(b"/CreationDate (D:") == picture.count(b"/CreationDate (D:19700101000000")


def test_syntax_error_is_told_in_the_words_of_the_engine(engine: str) -> None:
    with pytest.raises(LayoutError, match=rf"The {engine} engine failed with exit code 1. It said: .*syntax error"):
        layout("digraph { n0 [label=", "svg", engine)


def test_picture_printed_by_a_failed_run_is_refused(engine: str) -> None:
    with pytest.raises(LayoutError, match="mismatched tag"):
        layout("digraph { n0 [label=<<b>x</u>>] }", "svg", engine)


# Choice


def test_argument_beats_environment_beats_order(
    program: Program, no_engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("graphviz-pure", "dot", "argument", "environment"):
        pose_as(name, program, f"<!-- {name} -->{SVG.replace(chr(39), chr(34))}", no_engine)
    assert b"graphviz-pure" in layout(CHAIN, "svg")
    monkeypatch.setenv("MINIGRAD_DOT", str(no_engine / "environment"))
    assert b"environment" in layout(CHAIN, "svg")
    assert b"argument" in layout(CHAIN, "svg", str(no_engine / "argument"))
    assert b"dot" in layout(CHAIN, "svg", "system")
    monkeypatch.setenv("MINIGRAD_DOT", "system")
    assert b"dot" in layout(CHAIN, "svg")
    monkeypatch.setenv("MINIGRAD_DOT", "")
    assert b"graphviz-pure" in layout(CHAIN, "svg")


def test_system_engine_writes_what_the_bundled_one_cannot(program: Program, no_engine: Path) -> None:
    pose_as("graphviz-pure", program, "junk", no_engine)
    pose_as("dot", program, "%%PDF-1.5", no_engine)
    assert layout(CHAIN, "pdf") == b"%PDF-1.5"


def test_other_engine_serves_when_the_first_is_missing(program: Program, no_engine: Path) -> None:
    pose_as("dot", program, "{}", no_engine)
    assert layout(CHAIN, "json") == b"{}"


def test_named_engine_is_not_replaced_by_another(program: Program, no_engine: Path) -> None:
    pose_as("dot", program, "{}", no_engine)
    with pytest.raises(GraphvizNotFoundError, match="bundled: the program graphviz-pure"):
        layout(CHAIN, "json", "bundled")


def test_bundled_engine_is_found_by_its_distribution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    installed("bundled")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    assert json.loads(layout(CHAIN, "json"))["name"] == "chain"


def test_bundled_engine_is_found_among_the_scripts(
    program: Program, no_engine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pose_as("graphviz-pure", program, "{}", tmp_path / "scripts")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    assert layout(CHAIN, "json", "bundled") == b"{}"


def test_system_engine_is_found_in_the_usual_places(
    program: Program, no_engine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pose_as("dot", program, "{}", tmp_path / "homebrew")
    monkeypatch.setattr(engines, "USUAL_PLACES", (str(tmp_path / "homebrew"),))
    assert layout(CHAIN, "json") == b"{}"


def test_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of svg, png, pdf, json, json0; got 'gif'"):
        layout(CHAIN, "gif")


# Characters that the bundled fonts lack


@pytest.mark.parametrize(("text", "lacking"), [("∂Σ×→ᵀ√γ≥−…", ""), ("∅ ⊙ ∅ ∇ 查询", "∅∇⊙查询"), ("é\nß", "")])
def test_characters_that_the_bundled_font_lacks(text: str, lacking: str) -> None:
    assert BY_NAME["bundled"].lacking(text) == lacking


def test_bitmap_with_such_characters_goes_to_the_system_engine(program: Program, no_engine: Path) -> None:
    pose_as("graphviz-pure", program, r"\211PNG\r\n\032\nbundled", no_engine)
    pose_as("dot", program, r"\211PNG\r\n\032\nsystem", no_engine)
    assert layout('digraph { n0 [label="a"] }', "png").endswith(b"bundled")
    assert layout('digraph { n0 [label="查询"] }', "png").endswith(b"system")


def test_without_the_system_engine_one_warning_names_them(program: Program, no_engine: Path) -> None:
    pose_as("graphviz-pure", program, r"\211PNG\r\n\032\n", no_engine)
    with pytest.warns(UserWarning, match="the bundled engine's font lacks ∅ 查: png shows empty boxes") as warned:
        layout('digraph { n0 [label="∅ 查 ∅"] }', "png")
    assert len(warned) == 1
    assert warned[0].filename == __file__


def test_svg_with_such_characters_stays_with_the_bundled_engine(program: Program, no_engine: Path) -> None:
    pose_as("graphviz-pure", program, SVG.replace("'", '"'), no_engine)
    pose_as("dot", program, "junk", no_engine)
    assert layout('digraph { n0 [label="∅"] }', "svg")


# Engines that misbehave (EN4)


def test_sleeping_engine_is_stopped_with_all_that_it_started(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"sleep 60 & echo $$ $! > '{tmp_path}/started'; cat > /dev/null; wait"
    monkeypatch.setenv("MINIGRAD_DOT", program(script))
    with pytest.raises(LayoutError, match=r"was stopped after 0\.6 s"):
        layout(CHAIN, "svg", timeout=0.6)
    assert_stopped(tmp_path / "started")


def test_engine_that_leaves_a_process_behind_is_not_waited_for(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MINIGRAD_DOT", program(f"sleep 60 & echo $! > '{tmp_path}/started'; exit 0"))
    with pytest.raises(LayoutError, match="was stopped"):
        layout(CHAIN, "svg", timeout=0.6)
    assert_stopped(tmp_path / "started")


def test_interrupted_layout_leaves_no_process(
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
        layout(CHAIN, "svg", program(f"echo $$ > '{started}'; sleep 60"))
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


def test_failing_engine_is_quoted(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_DOT", program('echo "out of ideas" >&2; printf "\\033[2Jx" >&2; exit 3'))
    with pytest.raises(LayoutError, match=r"failed with exit code 3\. It said: out of ideas\n\\x1b\[2Jx"):
        layout(CHAIN, "svg")


def test_failing_engine_without_a_word(program: Program) -> None:
    with pytest.raises(LayoutError, match=r"failed with exit code 4\. It gave no reason"):
        layout(CHAIN, "svg", program("exit 4"))


def test_picture_with_a_failing_exit_code_is_refused(program: Program) -> None:
    with pytest.raises(LayoutError, match="exit code 1"):
        layout(CHAIN, "svg", program(f'echo "{SVG}"; exit 1'))


@pytest.mark.parametrize("format", engines.READERS)
@pytest.mark.parametrize("junk", ["", "hello", "<html/>", "<svg/>", f"{SVG}<", SVG[:-3]])
def test_junk_is_refused(program: Program, format: str, junk: str) -> None:
    with pytest.raises(LayoutError, match=rf"did not write {format}: .*\. It said: careless"):
        layout(CHAIN, format, program(f'printf %s "{junk}"; echo careless >&2'))


def test_engine_that_does_not_listen(program: Program) -> None:
    large = "digraph { " + "n0 -> n1; " * 100_000 + "}"
    assert layout(large, "json", program('exec 0<&-; printf "[%65536s]" ""')).startswith(b"[ ")


def test_text_reaches_the_engine_as_utf8(program: Program) -> None:
    assert json.loads(layout('"查\\n∂"', "json", program("cat"))) == "查\n∂"


def test_path_is_not_read_by_a_shell(program: Program, tmp_path: Path) -> None:
    assert layout(CHAIN, "json", program('echo "[]"', "a b; touch owned $(touch owned)/-Tsvg")) == b"[]\n"
    assert not list(tmp_path.rglob("owned"))


def test_program_that_cannot_be_started(program: Program) -> None:
    with pytest.raises(LayoutError, match="could not be started: "):
        layout(CHAIN, "svg", program("", first_line="#!/no/such/interpreter"))


# No engine (EN2)


def test_no_engine_says_what_was_tried_and_how_to_get_one(no_engine: Path) -> None:
    with pytest.raises(GraphvizNotFoundError) as caught:
        layout(CHAIN, "svg")
    assert str(caught.value).splitlines() == [
        "No layout engine for svg was found. Tried:",
        "  bundled: the program graphviz-pure of the distribution graphviz-pure (the extra dot)",
        "  system: the program dot of Graphviz, on PATH and in the usual places",
        "Install one, on",
        "  any platform: python -m pip install graphviz-pure",
        "  Debian, Ubuntu: sudo apt-get install graphviz",
        "  macOS: brew install graphviz",
        "  Windows: winget install Graphviz.Graphviz (or: choco install graphviz)",
        "print(graph) and graph.dot() need no engine.",
    ]
    assert isinstance(caught.value, MinigradError)
    assert str(no_engine) not in str(caught.value)


def test_no_engine_for_pdf_does_not_offer_the_one_without_pdf(no_engine: Path) -> None:
    with pytest.raises(GraphvizNotFoundError, match="for pdf") as caught:
        layout(CHAIN, "pdf")
    assert "graphviz-pure" not in str(caught.value)


@pytest.mark.parametrize("wanted", ["sytem", "/no/such/dot"])
def test_choice_that_names_nothing(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_DOT", wanted)
    with pytest.raises(GraphvizNotFoundError, match=f"{wanted}: given by .* neither an engine .bundled, system. nor"):
        layout(CHAIN, "svg")


def test_text_is_saved_where_the_caller_says(no_engine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GraphvizNotFoundError, match=r"\nThe DOT text is saved in graph\.dot\.$"):
        layout("digraph {\n∂ }\n", "svg", save_dot=Path("graph.dot"))
    assert Path("graph.dot").read_bytes() == "digraph {\n∂ }\n".encode()


def test_text_is_saved_when_the_engine_fails(program: Program, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="The DOT text is saved in"):
        layout(CHAIN, "svg", program("exit 1"), save_dot=tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == CHAIN


def test_text_is_not_saved_when_there_is_a_picture(engine: str, tmp_path: Path) -> None:
    picture = layout(CHAIN, "svg", engine, save_dot=tmp_path / "graph.dot")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert not (tmp_path / "graph.dot").exists()
