"""The diagrams of articles on attention, box for box, from the models in examples/article_diagrams.py."""

import importlib.util
import itertools
import re
from pathlib import Path

import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES

SVG = "{http://www.w3.org/2000/svg}"
DIAGRAMS = {  # each a chain of boxes, whatever else there is
    "published": [
        "query", "key-value pairs", "score calculation", "softmax", "attention weight", "context vector",
    ],
    "sequence": ["input sequence", "embedding layer", "positional encoding", "concatenation", "neural network"],
}  # fmt: skip
COLLAPSED = {"depth": 0, "hide_constants": True}

each_diagram = pytest.mark.parametrize(("name", "titles"), DIAGRAMS.items(), ids=DIAGRAMS)


@pytest.fixture(scope="module")
def models():
    path = Path(__file__).parent.parent.parent / "examples" / "article_diagrams.py"
    spec = importlib.util.spec_from_file_location("article_diagrams", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def graph_of(models, name):
    with mg.recording() as recording:
        getattr(models, name)()
    return recording.graph()


@each_diagram
def test_the_flowchart_has_these_boxes_in_this_order(models, name, titles):
    text = graph_of(models, name).mermaid(**COLLAPSED)
    boxes = dict(re.findall(r'^  (\w+)\[+"(.*?)<br/>.*"\]+$', text, re.MULTILINE))
    assert [*boxes.values()] == titles
    assert "subgraph" not in text
    arrows = {
        (boxes[source], boxes[target]) for source, target in re.findall(r"^  (\w+) --> (\w+)$", text, re.MULTILINE)
    }
    assert arrows >= {*itertools.pairwise(titles)}


def test_arrows_beside_the_chain_are_what_is_used_again(models):
    text = graph_of(models, "published").mermaid(**COLLAPSED)
    assert sorted(re.findall(r"s\d+ --> s\d+", text)) == [
        "s0 --> s1", "s0 --> s2", "s1 --> s2", "s1 --> s5", "s2 --> s3", "s3 --> s4", "s4 --> s5",
    ]  # fmt: skip


def test_put_right_tokens_go_three_ways_and_softmax_is_one_step(models):
    text = graph_of(models, "attention").mermaid(**COLLAPSED)
    boxes = dict(re.findall(r'^  (\w+)[\[(]+"(.*?)<br/>.*"[\])]+$', text, re.MULTILINE))
    arrows = [(boxes[a], boxes[b]) for a, b in re.findall(r"^  (\w+) --> (\w+)$", text, re.MULTILINE)]
    assert sorted(arrows) == [
        ("attention weights", "context"), ("keys", "scores"), ("queries", "scores"), ("scores", "attention weights"),
        ("tokens", "keys"), ("tokens", "queries"), ("tokens", "values"), ("values", "context"),
    ]  # fmt: skip
    (weights,) = [n for n in graph_of(models, "attention") if n.scope and "attention weights" in str(n.scope)]
    assert weights.op == "softmax"


@pytest.mark.skipif(not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot")
@each_diagram
def test_the_picture_has_these_boxes_from_left_to_right(models, name, titles, tmp_path, parts_of):
    graph_of(models, name).draw(tmp_path / "x.svg", **COLLAPSED, direction="LR")
    texts = [next(group.iter(f"{SVG}text")) for group in parts_of(tmp_path / "x.svg", "node")]
    texts.sort(key=lambda text: float(text.get("x")))
    assert [text.text for text in texts] == titles
    assert not parts_of(tmp_path / "x.svg", "cluster")
    arrows = parts_of(tmp_path / "x.svg", "edge")
    assert len(arrows) == graph_of(models, name).mermaid(**COLLAPSED).count("-->")


@each_diagram
def test_the_models_are_no_drawings(models, name, titles):
    """They compute: weights add up to one, and every parameter gets a gradient."""
    with mg.recording() as recording:
        mg.sum(getattr(models, name)() ** 2).backward()
    graph = recording.graph()
    assert all(node.gradient is not None and node.gradient.any() for node in graph if node.role == "parameter")
    if name != "sequence":
        assert graph.find("weights").value.sum(axis=-1) == pytest.approx(1.0)
