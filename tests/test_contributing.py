"""CONTRIBUTING.md names files, names in them and commands that are there."""

import os
import re
import shlex
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
PLACE = re.compile(r"`(?:([A-Z_]+|@\w+|mod|softmax)` in\s+`)?((?:minigrad|tests|docs)/[\w/.]*)`|\]\(([^)]+)\)")
COMMAND = re.compile(r"\.venv/bin/([^`&\n]+)")


def test_files_are_there_and_hold_what_is_named():
    places = [place for place in PLACE.findall(TEXT) if "NAME" not in "".join(place)]
    assert len(places) > 15
    for name, file, link in places:
        path = ROOT / (file or link)
        assert path.exists(), path
        assert name in path.read_text("utf-8") if name else True, f"{name} in {path}"


def test_commands_are_there_with_the_files_that_they_name():
    commands = [shlex.split(command) for command in COMMAND.findall(TEXT)]
    assert len(commands) > 8
    for program, *words in commands:
        assert program in ("python", "ruff", "mypy")
        if program == "python" and words:
            assert words[0] == "-m"
            assert find_spec(words[1]), words[1]
        for word in words:
            assert not word.startswith("tests/") or (ROOT / word).exists(), word
    assert "bash .ci/run" in TEXT
    assert os.access(ROOT / ".ci" / "run", os.R_OK)
