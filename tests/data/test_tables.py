"""The files in the package and beside the field scripts: untouched, and attributed."""

import hashlib
import re
from importlib import resources
from pathlib import Path

import pytest

FIELDS = Path(__file__).parents[2] / "examples" / "fields"
FOLDERS = [resources.files("minigrad.data") / "files", FIELDS / "files"]


def sections(folder):
    """What `SOURCES.md` says of each file, by its name."""
    text = (folder / "SOURCES.md").read_text("utf-8")
    return dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("folder", FOLDERS, ids=["package", "fields"])
def test_every_file_is_attributed(folder):
    assert {file.name for file in folder.iterdir()} == {*sections(folder), "SOURCES.md"}
    assert "https://creativecommons.org/licenses/by/4.0/" in (folder / "SOURCES.md").read_text("utf-8")


FILES = {name: folder for folder in FOLDERS for name in sections(folder)}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_the_one_that_its_source_is_told_of(name):
    data = (FILES[name] / name).read_bytes()
    said = sections(FILES[name])[name]
    assert f"SHA-256: {hashlib.sha256(data).hexdigest()}" in said
    assert "https://doi.org/10.24432/" in said
    assert len(data) < 500_000
