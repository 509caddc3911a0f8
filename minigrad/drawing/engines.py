"""Layout engines: DOT text enters, the bytes of a picture leave.

An engine is a program that reads DOT on its standard input, as Graphviz's `dot` does. It runs as a process of our own,
without a shell, one graph a call, and what it prints is believed only when it is of the format that was asked for.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

from minigrad.core.errors import MinigradError
from minigrad.drawing.arimo import find_lacking
from minigrad.drawing.text import escape_hidden

TIMEOUT = 20.0  # seconds
LONGEST_REPORT = 1_000  # characters of an engine's error output that a message repeats


class GraphvizNotFoundError(MinigradError):
    """No engine that can write the format is installed; the message says what was tried and how to get one."""

    saved: str | None = None  # where the DOT text was written


class LayoutError(MinigradError):
    """An engine failed, took too long, printed junk, or was asked for a format that it cannot write."""

    saved: str | None = None  # where the DOT text was written


@dataclass(frozen=True)
class Engine:
    """How one engine is found and what it can do."""

    name: str  # for `engine=` and MINIGRAD_DOT
    looked_for: str  # what was not there, when it is not installed
    install: tuple[tuple[str, str], ...]  # (platform, line to type)
    formats: frozenset[str]
    find: Callable[[], list[str] | None]  # the arguments that start it, to which `-Tsvg` is added
    # The characters of a text that a bitmap shows as empty boxes; none for sure with the fonts of the machine.
    find_lacking: Callable[[str], str] = lambda text: ""


def layout(
    dot: str,
    format: str,
    engine: str | None = None,
    *,
    timeout: float = TIMEOUT,
    save_dot: str | os.PathLike[str] | None = None,
) -> bytes:
    """Lay out the graph written in `dot` and return its picture, without the date of today in it.

    `format` is svg, png, pdf, json or json0. `engine` is "bundled" (the `graphviz-pure` distribution), "system" (the
    program `dot`), "pygraphviz" (the Graphviz inside the distribution of that name) or the path of a program that takes
    the arguments of `dot`; None takes it from the environment variable MINIGRAD_DOT and, where that is not set, the
    first engine in `ENGINES` that is installed and can write the format.
    After `timeout` seconds the engine is stopped. When there is no picture, `dot` is written to `save_dot`, if given.
    Warns when a png would show empty boxes for characters that the engine's font lacks.

    Raises:
        GraphvizNotFoundError: no engine that can write the format, or not the one that was named.
        LayoutError: the engine failed, took too long or printed junk, or the one that was named lacks the format.
        ValueError: an unknown format.

    >>> layout("digraph { a -> b }", "gif")
    Traceback (most recent call last):
    ValueError: layout: format must be one of svg, png, pdf, json, json0; got 'gif'
    """
    if format not in READERS:
        raise ValueError(f"layout: format must be one of {', '.join(READERS)}; got {format!r}")
    try:
        name, command = _choose_engine(dot, format, engine or os.environ.get("MINIGRAD_DOT"))
        output, report = _run(name, [*command, f"-T{format}"], dot, timeout)
        try:
            return READERS[format](output)
        except (ValueError, ElementTree.ParseError) as problem:
            raise LayoutError(f"The {name} engine did not write {format}: {problem}. {report}") from None
    except (GraphvizNotFoundError, LayoutError) as error:
        if save_dot is not None:
            error.saved = os.fspath(save_dot)
            Path(save_dot).write_text(dot, encoding="utf-8", newline="\n")
            error.args = (f"{error}\nThe DOT text is saved in {os.fspath(save_dot)}.",)
        raise


def _choose_engine(dot: str, format: str, wanted: str | None) -> tuple[str, list[str]]:
    able = [engine for engine in _list_candidates(wanted) if format in engine.formats]
    if not able:
        others = " or ".join(repr(other.name) for other in ENGINES if format in other.formats)
        raise LayoutError(f"The {wanted} engine cannot write {format}; name {others} instead.")
    installed = [(engine, command) for engine in able if (command := engine.find())]
    if not installed:
        raise GraphvizNotFoundError(_describe_search(format, able))
    complete = [(engine, command) for engine, command in installed if format != "png" or not engine.find_lacking(dot)]
    chosen, command = (complete or installed)[0]
    if not complete:
        characters = " ".join(chosen.find_lacking(dot))
        warnings.warn(
            f"the {chosen.name} engine's font lacks {characters}: {format} shows empty boxes there; "
            "draw svg, or use the system's Graphviz with fonts that have them",
            stacklevel=3,
        )
    return chosen.name, command


def _list_candidates(wanted: str | None) -> list[Engine]:
    """All engines in order of preference, or the only one that `wanted` allows: an engine's name, or a program."""
    if not wanted:
        return list(ENGINES)
    program = Engine(
        name=wanted,
        looked_for="given by engine= or MINIGRAD_DOT, but neither an engine "
        f"({', '.join(known.name for known in ENGINES)}) nor a program that can be run",
        install=tuple(line for known in ENGINES for line in known.install),
        formats=frozenset(READERS),
        find=lambda: _make_command(shutil.which(wanted)),
    )
    return [known for known in ENGINES if known.name == wanted] or [program]


def _describe_search(format: str, tried: list[Engine]) -> str:
    lines = [f"No layout engine for {format} was found. Tried:"]
    lines += [f"  {engine.name}: {engine.looked_for}" for engine in tried]
    lines += ["Install one, on"]
    lines += [f"  {platform}: {line}" for engine in tried for platform, line in engine.install]
    return "\n".join([*lines, "print(graph), graph.dot() and graph.explore(path) need no engine."])


def _run(name: str, command: list[str], dot: str, timeout: float) -> tuple[bytes, str]:
    """What the program printed, and a sentence with what it wrote on its error output."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # so that it can be stopped with all that it started
        )
    except OSError as error:
        raise LayoutError(f"The {name} engine could not be started: {error.strerror}.") from None
    with process:
        try:
            output, errors = process.communicate(dot.encode("utf-8"), timeout)
        except subprocess.TimeoutExpired:
            _stop(process)
            raise LayoutError(
                f"The {name} engine was stopped after {timeout:g} s. Draw less of the graph, or allow more time."
            ) from None
        except BaseException:  # Ctrl-C among them
            _stop(process)
            raise
    said = "\n".join(escape_hidden(line) for line in errors.decode("utf-8", "replace").strip().splitlines())
    report = f"It said: {said[-LONGEST_REPORT:]}" if said else "It gave no reason."
    if process.returncode != 0:
        raise LayoutError(f"The {name} engine failed with exit code {process.returncode}. {report}")
    return output, report


def _stop(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with suppress(OSError):  # it may have ended in the meantime
            os.killpg(process.pid, signal.SIGKILL)


def _read_svg(output: bytes) -> bytes:
    root = ElementTree.fromstring(output)
    if root.tag != "{http://www.w3.org/2000/svg}svg":
        raise ValueError(f"the root element is <{root.tag}>")
    return re.sub(rb"<!-- Generated by graphviz.*?-->\n?", b"", output, count=1, flags=re.DOTALL)


def _read_png(output: bytes) -> bytes:
    return _check_beginning(b"\x89PNG\r\n\x1a\n", output)


def _read_pdf(output: bytes) -> bytes:
    # Replaced by a date of the same length, because a PDF counts its bytes.
    return re.sub(rb"(?<=/CreationDate \(D:)\d{14}", b"19700101000000", _check_beginning(b"%PDF-", output))


def _read_json(output: bytes) -> bytes:
    json.loads(output)
    return output


def _check_beginning(magic: bytes, output: bytes) -> bytes:
    if not output.startswith(magic):
        raise ValueError(f"it begins with {output[: len(magic)]!r}")
    return output


READERS: dict[str, Callable[[bytes], bytes]] = {
    "svg": _read_svg,
    "png": _read_png,
    "pdf": _read_pdf,
    "json": _read_json,
    "json0": _read_json,
}


def _find_bundled() -> list[str] | None:
    """`graphviz-pure` in the files of its distribution, then among this Python's scripts, then on PATH."""
    try:
        files = metadata.files("graphviz-pure") or []
    except metadata.PackageNotFoundError:
        files = []
    located = [str(Path(str(file.locate())).resolve()) for file in files if file.stem == "graphviz-pure"]
    places = [*located, os.path.join(sysconfig.get_path("scripts"), "graphviz-pure"), "graphviz-pure"]
    return next((command for place in places if (command := _make_command(shutil.which(place)))), None)


def _find_system() -> list[str] | None:
    """`dot` on PATH, then where installers put it for programs which do not get the shell's PATH, notebooks say."""
    return _make_command(shutil.which("dot") or shutil.which("dot", path=os.pathsep.join(USUAL_PLACES)))


def _make_command(program: str | None) -> list[str] | None:
    return [program] if program else None


def _find_pygraphviz() -> list[str] | None:
    """A program of ours, run by this Python. Wheels of pygraphviz bring Graphviz along from version 2 on."""
    try:
        new = int(metadata.version("pygraphviz").partition(".")[0]) >= 2
    except (metadata.PackageNotFoundError, ValueError):
        return None
    # Without -P, modules beside the program would hide others of their names.
    return [sys.executable, "-P", str(Path(__file__).with_name("run_pygraphviz.py"))] if new else None


USUAL_PLACES = (r"C:\Program Files\Graphviz\bin", "/opt/homebrew/bin", "/opt/local/bin")

# In order of preference: the first that is installed and can write the format is taken.
ENGINES = (
    Engine(
        name="bundled",
        looked_for="the program graphviz-pure of the distribution graphviz-pure (the extra dot)",
        install=(("any platform", "python -m pip install graphviz-pure"),),
        formats=frozenset({"svg", "png", "json", "json0"}),
        find=_find_bundled,
        find_lacking=find_lacking,
    ),
    Engine(
        name="system",
        looked_for="the program dot of Graphviz, on PATH and in the usual places",
        install=(
            ("Debian, Ubuntu", "sudo apt-get install graphviz"),
            ("macOS", "brew install graphviz"),
            ("Windows", "winget install Graphviz.Graphviz (or: choco install graphviz)"),
        ),
        formats=frozenset(READERS),
        find=_find_system,
    ),
    Engine(
        name="pygraphviz",
        looked_for="the distribution pygraphviz, version 2 or later, with Graphviz inside (the extra pdf)",
        install=(("any platform", 'python -m pip install "pygraphviz>=2"'),),
        formats=frozenset(READERS),
        find=_find_pygraphviz,
    ),
)
