"""Layout engines: DOT text enters, coordinates leave.

An engine is a program that reads DOT on its standard input, as Graphviz's `dot` does. It runs as a process of our own,
without a shell, and what it prints is believed only when it is JSON. Engines place boxes and arrows; they draw nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

from minigrad.core.errors import MinigradError
from minigrad.drawing.text import escape_hidden

TIMEOUT = 20.0  # seconds
LONGEST_REPORT = 1_000  # characters of an engine's error output that a message repeats


Format = Literal["json0", "json"]


class GraphvizNotFoundError(MinigradError):
    """No engine is installed; the message says what was tried and how to get one."""

    saved: str | None = None  # where the DOT text was written


class LayoutError(MinigradError):
    """An engine failed, took too long or printed junk."""

    saved: str | None = None  # where the DOT text was written


@dataclass(frozen=True)
class Engine:
    """How one engine is found."""

    name: str  # for `engine=` and MINIGRAD_DOT
    looked_for: str  # what was not there, when it is not installed
    install: tuple[tuple[str, str], ...]  # (platform, line to type)
    find: Callable[[], str | None]  # the program


def layout(dot: str, format: Format = "json0", engine: str | None = None, *, timeout: float = TIMEOUT) -> Any:
    """Lay out the graph written in `dot`.

    `format` is json0, the coordinates, or json, which has lines and texts as well. `engine` is "bundled" (the
    `graphviz-pure` distribution), "system" (the program `dot`) or the path of a program that takes the arguments of
    `dot`; None takes it from the environment variable MINIGRAD_DOT and, where that is not set, the first engine in
    `ENGINES` that is installed. After `timeout` seconds the engine is stopped.

    Raises:
        GraphvizNotFoundError: no engine, or not the one that was named.
        LayoutError: the engine failed, took too long or printed junk.

    >>> [box["name"] for box in layout("digraph { a -> b }")["objects"]]
    ['a', 'b']
    """
    (placed,) = layout_together([dot], engine, timeout=timeout, format=format)
    return placed


def layout_together(
    dots: Sequence[str], engine: str | None = None, *, timeout: float = TIMEOUT, format: Format = "json0"
) -> list[Any]:
    """Lay out several graphs in one run of the engine; the seconds are for all of them.

    >>> [len(placed["objects"]) for placed in layout_together(["digraph { a }", "digraph { a -> b }"])]
    [1, 2]
    """
    name, program = _choose_engine(engine or os.environ.get("MINIGRAD_DOT"))
    output, report = _run(name, [program, f"-T{format}"], "\n".join(dots), timeout)
    try:
        placed = list(_read_documents(output.decode("utf-8")))
        if len(placed) != len(dots):
            raise ValueError(f"{len(placed)} of {len(dots)} graphs")
    except ValueError as problem:
        raise LayoutError(f"The {name} engine did not write {format}: {problem}. {report}") from None
    return placed


def _read_documents(text: str) -> Iterator[Any]:
    """The JSON documents that stand one after the other."""
    decoder, rest = json.JSONDecoder(), text.strip()
    while rest:
        document, end = decoder.raw_decode(rest)
        yield document
        rest = rest[end:].lstrip()


def save_text(dot: str, place: Path, error: MinigradError) -> None:
    """Write the DOT text for which there is no picture, and have the error say where it is."""
    if isinstance(error, (GraphvizNotFoundError, LayoutError)):
        error.saved = os.fspath(place)
        place.write_text(dot, encoding="utf-8", newline="\n")
        error.args = (f"{error}\nThe DOT text is saved in {os.fspath(place)}.",)


def _choose_engine(wanted: str | None) -> tuple[str, str]:
    candidates = _list_candidates(wanted)
    for engine in candidates:
        program = engine.find()
        if program is not None:
            return engine.name, program
    raise GraphvizNotFoundError(_describe_search(candidates))


def _list_candidates(wanted: str | None) -> list[Engine]:
    """All engines in order of preference, or the only one that `wanted` allows: an engine's name, or a program."""
    if not wanted:
        return list(ENGINES)
    program = Engine(
        name=wanted,
        looked_for="given by engine= or MINIGRAD_DOT, but neither an engine "
        f"({', '.join(known.name for known in ENGINES)}) nor a program that can be run",
        install=tuple(line for known in ENGINES for line in known.install),
        find=lambda: shutil.which(wanted),
    )
    return [known for known in ENGINES if known.name == wanted] or [program]


def _describe_search(tried: list[Engine]) -> str:
    lines = ["No layout engine was found. Tried:"]
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


def _find_bundled() -> str | None:
    """`graphviz-pure` in the files of its distribution, then among this Python's scripts, then on PATH."""
    try:
        files = metadata.files("graphviz-pure") or []
    except metadata.PackageNotFoundError:
        files = []
    located = [str(Path(str(file.locate())).resolve()) for file in files if file.stem == "graphviz-pure"]
    places = [*located, os.path.join(sysconfig.get_path("scripts"), "graphviz-pure"), "graphviz-pure"]
    return next((program for place in places if (program := shutil.which(place))), None)


USUAL_PLACES = (r"C:\Program Files\Graphviz\bin", "/opt/homebrew/bin", "/opt/local/bin")

# In order of preference: the first that is installed is taken.
ENGINES = (
    Engine(
        name="bundled",
        looked_for="the program graphviz-pure of the distribution graphviz-pure (the extra dot)",
        install=(("any platform", "python -m pip install graphviz-pure"),),
        find=_find_bundled,
    ),
    Engine(
        name="system",
        looked_for="the program dot of Graphviz, on PATH and in the usual places",
        install=(
            ("Debian, Ubuntu", "sudo apt-get install graphviz"),
            ("macOS", "brew install graphviz"),
            ("Windows", "winget install Graphviz.Graphviz (or: choco install graphviz)"),
        ),
        # On PATH, then where installers put it for programs which do not get the shell's PATH, notebooks say.
        find=lambda: shutil.which("dot") or shutil.which("dot", path=os.pathsep.join(USUAL_PLACES)),
    ),
)
