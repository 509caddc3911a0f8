"""CITATION.cff says of the package what pyproject.toml and the package say."""

import tomllib
from pathlib import Path

import minigrad

ROOT = Path(__file__).parent.parent


def read(path):
    """The keys of a YAML file that has only text, and lists of text or of `name: text`."""
    found, key = {}, ""
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("  - "):
            found[key].append(line[4:].removeprefix("name: "))
        else:
            key, _, text = line.partition(":")
            found[key] = text.strip() or []
    return found


def test_the_citation_says_what_the_package_says():
    citation = read(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["version"] == minigrad.__version__
    assert citation["abstract"].rstrip(".") == project["description"]
    assert citation["authors"] == [author["name"] for author in project["authors"]]
    assert citation["keywords"] == project["keywords"]
    assert citation["license"] in project["license"].split(" AND ")
