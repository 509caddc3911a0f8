"""The backward pass as numbered pictures: one layout, one contribution more in each."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES
from minigrad.graph import Backward

needs_engine = pytest.mark.skipif(
    not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot"
)


@pytest.fixture
def graph():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = mg.sum(x * x + x)
    y.backward(keep=True)
    return y.graph()


@pytest.fixture
def places_of(parts_of):
    """The size of the page, where every box and its text lie, and how many arrows there are."""

    def find(picture):
        inside = [part for group in parts_of(picture, "node") for part in group.iter()]
        boxes = [part.get("d") or (part.get("x"), part.get("y")) for part in inside]
        arrows = len(parts_of(picture, "edge")) + len(parts_of(picture, "flow"))
        return ElementTree.parse(picture).getroot().get("viewBox"), boxes, arrows

    return find


def text_of(picture):
    return " ".join(ElementTree.parse(picture).getroot().itertext())


@needs_engine
def test_one_picture_before_and_one_for_each_contribution(graph, tmp_path):
    paths = graph.frames(tmp_path)
    steps = [step for step in graph.steps() if isinstance(step, Backward)]
    assert [path.name for path in paths] == [f"{number}.svg" for number in range(len(steps) + 1)]
    assert sorted(tmp_path.iterdir()) == paths
    for number, (path, step) in enumerate(zip(paths[1:], steps, strict=True), 1):
        text = text_of(path)
        assert f"contribution {number} of {len(steps)}" in text
        for line in repr(step).split("\n"):
            assert " ".join(line.split()) in " ".join(text.split())


@needs_engine
def test_nothing_moves_from_picture_to_picture(graph, tmp_path, places_of):
    pages, boxes, arrows = zip(*(places_of(path) for path in graph.frames(tmp_path, values=True)), strict=True)
    assert len(set(pages)) == 1
    assert all(found == boxes[0] and len(found) > 12 for found in boxes)
    assert all(later == earlier + 1 for earlier, later in itertools.pairwise(arrows))


@needs_engine
@pytest.mark.parametrize(("format", "start"), [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_formats_and_options(graph, tmp_path, format, start):
    for path in graph.frames(tmp_path, format, theme="auto", highlight=["x"], title="how gradients flow"):
        assert path.read_bytes().startswith(start)


@needs_engine
def test_closed_scopes_take_their_contributions_together(tmp_path):
    x = mg.Tensor(np.ones(2), requires_grad=True, name="x")
    with mg.scope("block"):
        y = mg.exp(x * x) * x
    loss = mg.sum(y)
    loss.backward(keep=True)
    paths = loss.graph().frames(tmp_path, depth=0)
    assert len(paths) == 2
    assert "contribution 1 of 1" in text_of(paths[1])
    h = mg.sin(x)
    h.name = "h"
    with mg.scope("block"):
        y = h * h
    loss = mg.sum(y)
    loss.backward(keep=True)
    paths = loss.graph().frames(tmp_path, depth=0)
    assert "2 contributions to h" in text_of(paths[2])


def test_without_kept_gradients_there_is_nothing_to_show(tmp_path):
    x = mg.Tensor(np.ones(2), requires_grad=True)
    with pytest.raises(mg.GraphError, match=re.escape("call loss.backward(keep=True) first")):
        mg.sum(x * x).graph().frames(tmp_path)
    assert not list(tmp_path.iterdir())


def test_bad_places_and_formats_are_refused(graph, tmp_path):
    with pytest.raises(ValueError, match="format='gif', expected one of svg, png, pdf"):
        graph.frames(tmp_path, "gif")
    with pytest.raises(FileNotFoundError, match="no folder"):
        graph.frames(tmp_path / "missing")
    with pytest.raises(TypeError, match="no option 'size'"):
        graph.frames(tmp_path, size=3)
