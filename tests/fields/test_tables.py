"""The files beside the field scripts: untouched, and attributed."""

import hashlib
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "fields" / "files"
TEXT = (FOLDER / "SOURCES.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))  # by the name of the file
UCI = "https://doi.org/10.24432/", 500_000  # what is said of where a file is from, and how many bytes it may have
ORIGINS = {"spoken_digits.npz": ("a synthesiser says them, espeak-ng", 2_000_000)}


def test_every_file_is_attributed():
    assert {file.name for file in FOLDER.iterdir()} == {*SECTIONS, "SOURCES.md"}
    assert "https://creativecommons.org/licenses/by/4.0/" in TEXT


@pytest.mark.parametrize("name", SECTIONS)
def test_a_file_is_the_one_that_its_source_is_told_of(name):
    data = (FOLDER / name).read_bytes()
    assert f"SHA-256: {hashlib.sha256(data).hexdigest()}" in SECTIONS[name]
    origin, most = ORIGINS.get(name, UCI)
    assert origin in SECTIONS[name]
    assert len(data) < most
