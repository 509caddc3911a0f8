"""What tests of pictures share: hostile texts, the engines that are installed, programs that pose as one, and none."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import NoReturn
from xml.etree import ElementTree

import pytest

from minigrad.__main__ import main
from minigrad.drawing import engines

BY_NAME = {engine.name: engine for engine in engines.ENGINES}

# What is typed, and what is seen where that differs.
HOSTILE = [
    'a"]; evil [label="x',
    '\\" shape=box color=red] # "',
    '"',
    '""" + "',
    "<lambda> <map>",
    "<b>x</b>",
    "<",
    "<>",
    "<<table><tr><td>x</td></tr></table>>",
    r"\N",
    r"\G \T \E \H \L",
    r"\\N",
    r"\n\l\r",
    "trailing \\",
    "trailing \\\\",
    "\\",
    "&lt;b&gt;",
    "&#92;N",
    "&amp;amp; & &; &nbsp;",
    "}} subgraph cluster_evil {{",
    "n0 -> n1; /* // # */",
    "a:b:n|{c}",
    "%d %s {} $HOME `id` $(id)",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"onmouseover="alert(1)',
    "javascript:alert(1)",
    "]]> --> <!-- <![CDATA[",
    "</text></g></svg>",
    "查询/键/值",
    "emoji \U0001f469\u200d\U0001f4bb \U0001f389",
    "e\u0301 \u0915\u094d\u0937",
    "two  spaces   three",
    "",
]
REPLACED = {
    "line\nfeed\r\ttab": r"line\nfeed\r\ttab",
    "NUL \x00 escape \x1b[31m delete \x7f next line \x85": r"NUL \x00 escape \x1b[31m delete \x7f next line \x85",
    "lone \ud800 surrogates \udfff": r"lone \ud800 surrogates \udfff",
    "none \ufffe characters \uffff \ufdd0 \U0010ffff": r"none \ufffe characters \uffff \ufdd0 \U0010ffff",
    "right \u202eto left\u202c \u2066isolate\u2069 \u200f": r"right \u202eto left\u202c \u2066isolate\u2069 \u200f",
    "unseen \u200b\u2060\ufeff\xad": r"unseen \u200b\u2060\ufeff\xad",
    "fillers \u3164\u115f\u034f \U000e0041 tag": r"fillers \u3164\u115f\u034f \U000e0041 tag",
    "ends \u2028 \u2029": r"ends \u2028 \u2029",
    "20 kB of \\&\"" + 20_000 * "&": "20 kB of \\&\"" + 187 * "&" + "…",
}  # fmt: skip
SHOWN = {text: text for text in HOSTILE} | REPLACED


@pytest.fixture(scope="session")
def hostile() -> dict[str, str]:
    """Hostile texts, each with what a picture shows of it."""
    return SHOWN


# Pictures

SVG = "{http://www.w3.org/2000/svg}"
PARTS = {"node": "[nsgu]", "edge": "a", "flow": "f", "cluster": "c"}


@pytest.fixture(scope="session")
def parts_of() -> Callable[..., list[ElementTree.Element]]:
    """The groups of a picture that are of one kind: node, edge, flow or cluster."""

    def find(picture: str | bytes | Path, kind: str) -> list[ElementTree.Element]:
        written = picture.read_bytes() if isinstance(picture, Path) else picture
        groups = ElementTree.fromstring(written).iter(f"{SVG}g")
        return [group for group in groups if re.fullmatch(rf"\w+-{PARTS[kind]}\d+", group.get("id", ""))]

    return find


@pytest.fixture(scope="session")
def demos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By engine, the folder that a short demo has written with it."""
    found = {}
    for name in (name for name, known in BY_NAME.items() if known.find()):
        found[name] = tmp_path_factory.mktemp("demo") / name
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MINIGRAD_DOT", name)
            assert main(["demo", "--quick", "--steps", "3", "--out", str(found[name])]) == 0
    return found


# Engines


@pytest.fixture(autouse=True)
def no_choice_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIGRAD_DOT", raising=False)


@pytest.fixture(scope="session")
def installed() -> Callable[[str], str]:
    """Gives the name of an engine back, or skips the test when it is not installed."""

    def check(name: str) -> str:
        if BY_NAME[name].find() is None:
            pytest.skip(f"the {name} engine is not installed")
        return name

    return check


@pytest.fixture(params=list(BY_NAME))
def engine(request: pytest.FixtureRequest, installed: Callable[[str], str]) -> str:
    """Each engine that is installed, by its name."""
    return installed(request.param)


def draw_by_engine(dot: str, engine: str | None = None) -> bytes:
    """The SVG that an engine itself makes of DOT text, as who restyles it does."""
    found = [known.find() for known in engines.ENGINES if engine in (None, known.name)]
    command = [next(program for program in found if program), "-Tsvg"]
    return subprocess.run(command, input=dot.encode("utf-8"), capture_output=True, check=True, timeout=20).stdout


@pytest.fixture(scope="session")
def svg_of() -> Callable[..., bytes]:
    return draw_by_engine


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., str]:
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
