"""Layout engines: how one is chosen, what is believed of its output, and what is said when there is none."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

import minigrad as mg
from minigrad.core.errors import MinigradError
from minigrad.drawing import engines
from minigrad.drawing.engines import GraphvizNotFoundError, LayoutError, layout, layout_together

CHAIN = "digraph chain { n0 -> n1 -> n2 }"
BY_NAME = {engine.name: engine for engine in engines.ENGINES}

ROOT = Path(__file__).parents[2]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.dot"))

Program = Callable[..., str]
Installed = Callable[[str], str]


def pose_as(name: str, program: Program, output: str, directory: Path) -> None:
    """An engine of that name in `directory` which prints `output`. It needs no PATH."""
    program(f"printf '{output}'", f"{directory.name}/{name}")


# Real engines


@pytest.mark.parametrize("format", get_args(engines.Format))
def test_engines_tell_where_things_are(engine: str, format: str) -> None:
    assert len(layout(CHAIN, format, engine)["objects"]) == 3


def test_one_run_of_an_engine_lays_out_several_graphs_as_it_does_each(engine: str) -> None:
    texts = [CHAIN, 'digraph two { "two\nlines" }', "digraph none {}"]
    assert layout_together(texts, engine) == [layout(text, engine=engine) for text in texts]
    assert layout_together([], engine) == []


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_EN3_engines_agree_on_ids_edges_clusters_and_ranks(path: Path) -> None:
    found = [name for name, known in BY_NAME.items() if known.find() is not None]
    if len(found) < 2:
        pytest.skip("there are not two layout engines to compare")
    dot = path.read_text("utf-8")
    first, *others = (structure(layout(dot, "json", name)) for name in found)
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
    installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts_of: Callable[..., list[Any]]
) -> None:
    installed("bundled")
    readme = (ROOT / "README.md").read_text("utf-8")
    quick_start = next(re.finditer(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL))[1]
    drawing = 'graph.draw("attention.svg", legend=True)'
    assert drawing in readme
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    subprocess.run([sys.executable, "-c", f"{quick_start}\n{drawing}"], cwd=tmp_path, check=True, capture_output=True)
    assert len(parts_of(tmp_path / "attention.svg", "node")) > 10
    assert len(parts_of(tmp_path / "attention.svg", "cluster")) >= 2


@pytest.mark.parametrize("format", get_args(engines.Format))
def test_same_text_gives_the_same_bytes(engine: str, format: str) -> None:
    assert json.dumps(layout(CHAIN, format, engine)) == json.dumps(layout(CHAIN, format, engine))


def test_a_picture_names_no_version_and_no_date(engine: str, tmp_path: Path) -> None:
    mg.exp(mg.Tensor([1.0], requires_grad=True)).graph().draw(tmp_path / "x.svg", engine=engine)
    picture = (tmp_path / "x.svg").read_text("utf-8")
    assert not re.search("graphviz|version|20[0-9][0-9]-", picture, re.IGNORECASE)


def test_syntax_error_is_told_in_the_words_of_the_engine(engine: str) -> None:
    with pytest.raises(LayoutError, match=rf"The {engine} engine failed with exit code 1. It said: .*syntax error"):
        layout("digraph { n0 [label=", "json0", engine)


def test_what_a_failed_run_prints_is_refused(engine: str) -> None:
    with pytest.raises(LayoutError, match="mismatched tag"):
        layout("digraph { n0 [label=<<b>x</u>>] }", "json", engine)


# Choice


def test_argument_beats_environment_beats_order(
    program: Program, no_engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("graphviz-pure", "dot", "argument", "environment"):
        pose_as(name, program, f'["{name}"]', no_engine)
    assert layout(CHAIN) == ["graphviz-pure"]
    monkeypatch.setenv("MINIGRAD_DOT", str(no_engine / "environment"))
    assert layout(CHAIN) == ["environment"]
    assert layout(CHAIN, engine=str(no_engine / "argument")) == ["argument"]
    assert layout(CHAIN, engine="system") == ["dot"]
    monkeypatch.setenv("MINIGRAD_DOT", "system")
    assert layout(CHAIN) == ["dot"]
    monkeypatch.setenv("MINIGRAD_DOT", "")
    assert layout(CHAIN) == ["graphviz-pure"]


def test_other_engine_serves_when_the_first_is_missing(program: Program, no_engine: Path) -> None:
    pose_as("dot", program, "{}", no_engine)
    assert layout(CHAIN, "json") == {}


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
    assert layout(CHAIN, "json")["name"] == "chain"


def test_bundled_engine_is_found_among_the_scripts(
    program: Program, no_engine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pose_as("graphviz-pure", program, "{}", tmp_path / "scripts")
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path / name))
    assert layout(CHAIN, "json", "bundled") == {}


def test_system_engine_is_found_in_the_usual_places(
    program: Program, no_engine: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pose_as("dot", program, "{}", tmp_path / "homebrew")
    monkeypatch.setattr(engines, "USUAL_PLACES", (str(tmp_path / "homebrew"),))
    assert layout(CHAIN, "json") == {}


def test_unknown_format_lists_the_known_ones(engine: str) -> None:
    with pytest.raises(LayoutError, match="gif"):
        layout(CHAIN, "gif", engine)  # type: ignore[arg-type]  # what no type checker lets through


def test_engines_see_sizes_and_no_text(program: Program, tmp_path: Path, engine: str) -> None:
    """So no font, no name and no character that an engine cannot draw changes where things are."""
    real = BY_NAME[engine].find()
    spy = program(f"tee '{tmp_path}/seen' | {real} \"$@\"")
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="查询 <b>")
    with mg.scope("∅ scope"):
        y = mg.exp(x) @ x
    y.name = "result"
    y.graph().draw(tmp_path / "x.svg", engine=spy, title="a title")
    seen = (tmp_path / "seen").read_text("utf-8")
    assert not re.search("查询|scope|result|title|exp|∅", seen)
    picture = (tmp_path / "x.svg").read_text("utf-8")
    assert all(text in picture for text in ("查询 &lt;b&gt;", "∅ scope", "result", "a title"))


# No engine


def test_EN2_H7_no_engine_says_what_was_tried_and_how_to_get_one(no_engine: Path) -> None:
    with pytest.raises(GraphvizNotFoundError) as caught:
        layout(CHAIN)
    assert str(caught.value).splitlines() == [
        "No layout engine was found. Tried:",
        "  bundled: the program graphviz-pure of the distribution graphviz-pure (the extra dot)",
        "  system: the program dot of Graphviz, on PATH and in the usual places",
        "Install one, on",
        "  any platform: python -m pip install graphviz-pure",
        "  Debian, Ubuntu: sudo apt-get install graphviz",
        "  macOS: brew install graphviz",
        "  Windows: winget install Graphviz.Graphviz (or: choco install graphviz)",
        "print(graph), graph.dot() and graph.explore(path) need no engine.",
    ]
    assert isinstance(caught.value, MinigradError)
    assert str(no_engine) not in str(caught.value)


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
    with pytest.raises(GraphvizNotFoundError, match=f"{wanted}: given by .* neither an engine .bundled, system. nor"):
        layout(CHAIN)


def test_text_is_saved_beside_the_picture_that_is_not_there(no_engine: Path, tmp_path: Path) -> None:
    graph = mg.exp(mg.Tensor([1.0], requires_grad=True)).graph()
    with pytest.raises(GraphvizNotFoundError, match=r"\nThe DOT text is saved in .*graph\.dot\.$") as caught:
        graph.draw(tmp_path / "graph.svg")
    assert caught.value.saved == str(tmp_path / "graph.dot")
    assert (tmp_path / "graph.dot").read_bytes() == graph.dot().encode()


def test_text_is_saved_when_the_engine_fails(program: Program, tmp_path: Path) -> None:
    graph = mg.exp(mg.Tensor([1.0], requires_grad=True)).graph()
    with pytest.raises(LayoutError, match="The DOT text is saved in"):
        graph.draw(tmp_path / "graph.svg", engine=program("exit 1"))
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == graph.dot()


def test_text_is_not_saved_when_there_is_a_picture(engine: str, tmp_path: Path) -> None:
    mg.exp(mg.Tensor([1.0], requires_grad=True)).graph().draw(tmp_path / "graph.svg", engine=engine)
    assert [path.name for path in tmp_path.iterdir()] == ["graph.svg"]
