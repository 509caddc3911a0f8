"""The files in the package: untouched, and attributed."""

import hashlib
import re
from importlib import resources

import pytest

FILES = resources.files("minigrad.data") / "files"
SOURCES = (FILES / "SOURCES.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", SOURCES, re.MULTILINE | re.DOTALL))


def test_every_file_is_attributed():
    assert {file.name for file in FILES.iterdir()} == {*SECTIONS, "SOURCES.md"}
    assert "https://creativecommons.org/licenses/by/4.0/" in SOURCES


@pytest.mark.parametrize("name", SECTIONS)
def test_a_file_is_the_one_that_its_source_is_told_of(name):
    data = (FILES / name).read_bytes()
    assert f"SHA-256: {hashlib.sha256(data).hexdigest()}" in SECTIONS[name]
    assert "https://doi.org/10.24432/" in SECTIONS[name]
    assert len(data) < 500_000
