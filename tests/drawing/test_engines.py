"""Layout engines: how one is chosen, what is believed of its output, and what is said when there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad.core.errors import MinigradError
from minigrad.drawing import engines
from minigrad.drawing.engines import GraphvizNotFoundError, LayoutError, layout

CHAIN = "digraph chain { n0 -> n1 -> n2 }"
SVG = "<svg xmlns='http://www.w3.org/2000/svg'/>"
BY_NAME = {engine.name: engine for engine in engines.ENGINES}

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.dot"))

Program = Callable[..., str]
Installed = Callable[[str], str]


def pose_as(name: str, program: Program, output: str, directory: Path) -> None:
    """An engine of that name in `directory` which prints `output`. It needs no PATH."""
    program(f"printf '{output}'", f"{directory.name}/{name}")


# Real engines


@pytest.mark.parametrize("format", engines.READERS)
def test_every_format_that_an_engine_claims(engine: str, format: str) -> None:
    if format not in BY_NAME[engine].formats:
        with pytest.raises(LayoutError, match=rf"The {engine} engine cannot write {format}; name 'system' or"):
            layout(CHAIN, format, engine)
        return
    picture = layout(CHAIN, format, engine)
    beginnings = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF-", "json": b"{", "json0": b"{"}
    assert picture.startswith(beginnings[format])


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_EN3_engines_agree_on_ids_edges_clusters_and_ranks(path: Path) -> None:
    found = [name for name, known in BY_NAME.items() if known.find() is not None]
    if len(found) < 2:
        pytest.skip("there are not two layout engines to compare")
    dot = path.read_text("utf-8")
    first, *others = (structure(json.loads(layout(dot, "json", name))) for name in found)
    assert first["ids"]
    assert first["edges"]
    assert len(first["ranks"]) > 1
    for other in others:
        assert other == first


def structure(view: dict[str, Any]) -> dict[str, Any]:
    """What does not depend on the widths of letters: ids, edges, the nodes of each cluster and of each rank."""
    names = [item["name"] for item in view["objects"]]
    nodes = [item for item in view["objects"] if "nodes" not in item]
    axis = 0 if view.get("rankdir") in ("LR", "RL") else 1
    ranks: dict[int, set[str]] = {}
    for node in nodes:
        ranks.setdefault(round(float(node["pos"].split(",")[axis])), set()).add(node["name"])
    return {
        "ids": [node["name"] for node in nodes],
        "edges": sorted((names[edge["tail"]], names[edge["head"]]) for edge in view["edges"]),
        "clusters": {
            item["name"]: sorted(names[number] for number in item["nodes"])
            for item in view["objects"]
            if "nodes" in item
        },
        "ranks": [ranks[place] for place in sorted(ranks)],
    }


def test_EN1_the_bundled_engine_alone_draws_the_quick_start(
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed("bundled")
    readme = (ROOT / "README.md").read_text("utf-8")
    quick_start = next(re.finditer(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL))[1]
    drawing = 'graph.draw("attention.svg")'
    assert drawing in readme
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run([sys.executable, "-c", f"{quick_start}\n{drawing}"], cwd=tmp_path, check=True, capture_output=True)
    picture = ElementTree.parse(tmp_path / "attention.svg").getroot()
    classes = [group.get("class") for group in picture.iter("{http://www.w3.org/2000/svg}g")]
    assert classes.count("node") > 10
    assert classes.count("cluster") >= 2


@pytest.mark.parametrize("format", ["svg", "png", "json"])
def test_same_text_gives_the_same_bytes(engine: str, format: str) -> None:
    assert layout(CHAIN, format, engine) == layout(CHAIN, format, engine)


def test_svg_does_not_name_the_version(engine: str) -> None:
    picture = layout(CHAIN, "svg", engine)
    assert b"Generated" not in picture
    assert b"version 2" not in picture


@pytest.mark.parametrize("name", [name for name, known in BY_NAME.items() if "pdf" in known.formats])
def test_pdf_has_no_date_of_today(name: str, installed: Installed) -> None:
    picture = layout(CHAIN, "pdf", installed(name))
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


def test_bundled_engine_is_found_by_its_distribution(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
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


def pretend_pygraphviz(folder: Path, version: str, draw: str) -> None:
    """A distribution of that name and version in `folder`, whose graphs are drawn by the given expression."""
    (folder / "pygraphviz").mkdir()
    (folder / "pygraphviz" / "__init__.py").write_text(
        "import os\n\n\nclass AGraph:\n    def __init__(self, string):\n        self.text = string\n\n"
        f"    def draw(self, format, prog):\n        assert prog == 'dot'\n        return {draw}\n",
        encoding="utf-8",
    )
    information = folder / f"pygraphviz-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: pygraphviz\nVersion: {version}\n", "utf-8")


@pytest.fixture
def site(no_engine: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for distributions, and no other engine; the one named pygraphviz is looked for there."""
    folder = no_engine.parent / "site"
    folder.mkdir()

    def version(name: str) -> str:
        for found in metadata.distributions(name=name, path=[str(folder)]):
            return found.version
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def test_pygraphviz_draws_where_there_is_no_other_engine(site: Path) -> None:
    pretend_pygraphviz(site, "2.0.4", "b'%PDF-' + self.text.encode()")
    assert layout("digraph { 查 }", "pdf") == "%PDF-digraph { 查 }".encode()
    pretend = "b'{\"format\": \"' + format.encode() + b'\"}'"
    (site / "pygraphviz" / "__init__.py").write_text(
        (site / "pygraphviz" / "__init__.py").read_text("utf-8").replace("b'%PDF-' + self.text.encode()", pretend),
        "utf-8",
    )
    assert json.loads(layout(CHAIN, "json0", "pygraphviz")) == {"format": "json0"}


def test_other_engines_go_before_pygraphviz(site: Path, program: Program, no_engine: Path) -> None:
    pretend_pygraphviz(site, "2.0.4", "b'%PDF-pygraphviz'")
    pose_as("dot", program, "%%PDF-system", no_engine)
    assert layout(CHAIN, "pdf") == b"%PDF-system"
    assert layout(CHAIN, "pdf", "pygraphviz") == b"%PDF-pygraphviz"


def test_pygraphviz_without_graphviz_inside_is_no_engine(site: Path) -> None:
    pretend_pygraphviz(site, "1.14", "b'%PDF-'")
    with pytest.raises(GraphvizNotFoundError, match="pygraphviz, version 2 or later"):
        layout(CHAIN, "pdf", "pygraphviz")


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        ("1 / 0", r"failed with exit code 1\. It said: ZeroDivisionError: division by zero"),
        ("os.write(2, b'Error: mismatched tag') and b'%PDF-'", r"exit code 1\. It said: Error: mismatched tag"),
        ("b'junk'", r"did not write pdf: .*\. It gave no reason"),
        ("os.write(2, b'Warning: Error: x') and b''", r"did not write pdf: .*\. It said: Warning: Error: x"),
    ],
)
def test_EN4_what_pygraphviz_reports_is_told(site: Path, draw: str, message: str) -> None:
    pretend_pygraphviz(site, "2.0.4", draw)
    with pytest.raises(LayoutError, match=message):
        layout(CHAIN, "pdf")


def test_unknown_format_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="one of svg, png, pdf, json, json0; got 'gif'"):
        layout(CHAIN, "gif")


# Characters that the bundled fonts lack


@pytest.mark.parametrize(("text", "lacking"), [("∂Σ×→ᵀ√γ≥−…", ""), ("∅ ⊙ ∅ ∇ 查询", "∅∇⊙查询"), ("é\nß", "")])
def test_characters_that_the_bundled_font_lacks(text: str, lacking: str) -> None:
    assert BY_NAME["bundled"].find_lacking(text) == lacking


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


# No engine


def test_EN2_H7_no_engine_says_what_was_tried_and_how_to_get_one(no_engine: Path) -> None:
    with pytest.raises(GraphvizNotFoundError) as caught:
        layout(CHAIN, "svg")
    assert str(caught.value).splitlines() == [
        "No layout engine for svg was found. Tried:",
        "  bundled: the program graphviz-pure of the distribution graphviz-pure (the extra dot)",
        "  system: the program dot of Graphviz, on PATH and in the usual places",
        "  pygraphviz: the distribution pygraphviz, version 2 or later, with Graphviz inside (the extra pdf)",
        "Install one, on",
        "  any platform: python -m pip install graphviz-pure",
        "  Debian, Ubuntu: sudo apt-get install graphviz",
        "  macOS: brew install graphviz",
        "  Windows: winget install Graphviz.Graphviz (or: choco install graphviz)",
        '  any platform: python -m pip install "pygraphviz>=2"',
        "print(graph), graph.dot() and graph.explore(path) need no engine.",
    ]
    assert isinstance(caught.value, MinigradError)
    assert str(no_engine) not in str(caught.value)


def test_EN2_no_engine_for_pdf_does_not_offer_the_one_without_pdf(no_engine: Path) -> None:
    with pytest.raises(GraphvizNotFoundError, match="for pdf") as caught:
        layout(CHAIN, "pdf")
    assert "graphviz-pure" not in str(caught.value)


def test_EN2_without_an_engine_notebooks_show_text(no_engine: Path) -> None:
    graph = mg.softmax(mg.Tensor([1.0, 2.0], requires_grad=True, name="x")).graph()
    assert graph._repr_mimebundle_() == {"text/plain": str(graph)}
    with pytest.raises(GraphvizNotFoundError):
        graph.draw(no_engine / "graph.svg")
    assert [path.name for path in no_engine.iterdir()] == ["graph.dot"]


def test_EN2_without_an_engine_the_explorer_is_written(no_engine: Path) -> None:
    mg.softmax(mg.Tensor([1.0, 2.0], requires_grad=True, name="x")).graph().explore(no_engine / "graph.html")
    assert "</html>" in (no_engine / "graph.html").read_text("utf-8")


@pytest.mark.parametrize("wanted", ["sytem", "/no/such/dot"])
def test_choice_that_names_nothing(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIGRAD_DOT", wanted)
    with pytest.raises(
        GraphvizNotFoundError, match=f"{wanted}: given by .* neither an engine .bundled, system, pygraphviz. nor"
    ):
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
