"""The picture of a difference."""

import re
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES
from minigrad.drawing.style import INKS


def chain(*steps, scope=""):
    y = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for step in steps:
        with mg.scope(scope):
            y = step(y)
    return y.graph()


BEFORE, AFTER = (mg.tanh, lambda x: x * 1.0, mg.relu, mg.softmax), (mg.tanh, mg.sin, mg.softmax, mg.cos)


@pytest.fixture
def difference():
    return chain(*BEFORE).diff(chain(*AFTER))


def boxes(dot):
    """The attributes of the boxes, by the first line of their label."""
    found = {}
    for line in re.findall(r"^ *n\d+ \[.*\];$", dot, re.MULTILINE):
        attributes = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', line))
        found[attributes["label"].split(r"\n")[0]] = attributes
    return found


def test_each_box_is_drawn_once_and_marked_by_sign_outline_and_colour(difference):
    found = boxes(difference.dot())
    assert sorted(found) == sorted(["x", "tanh", "− multiply(·, 1)", "~ relu → sin", "~ softmax", "+ cos"])
    looks = {
        key: (found[key]["color"], found[key].get("style"), found[key].get("peripheries"))
        for key in found
        if " " in key
    }
    assert looks["+ cos"][0] == INKS.marks["added"].light
    assert looks["− multiply(·, 1)"][0] == INKS.marks["removed"].light
    assert len({look[0] for look in looks.values()}) == 3
    assert len({look[1:] for look in looks.values()}) == 3


def test_the_title_counts_and_can_be_chosen(difference):
    assert "1 added, 1 removed, 2 changed, 2 the same" in difference.dot()
    assert "the same" not in difference.dot(title="before and after")


def test_a_box_that_keeps_its_name_shows_it():
    def named(step):
        y = step(mg.Tensor([1.0, 2.0], requires_grad=True, name="x"))
        y.name = "weights"
        return y.graph()

    assert "~ weights: softmax → relu" in boxes(named(mg.softmax).diff(named(mg.relu)).dot())
    assert "~ softmax: none → axis=0" in boxes(chain(mg.softmax).diff(chain(lambda x: mg.softmax(x, axis=0))).dot())


def test_nodes_of_both_graphs_can_be_labelled_and_highlighted(difference):
    (removed,), (added,) = difference.removed, difference.added
    found = boxes(difference.dot(labels={removed: "gone", added: "new"}, highlight=[removed]))
    assert {"− gone", "+ new"} <= found.keys()
    assert found["− gone"]["color"] == INKS.selection.light
    with pytest.raises(ValueError, match="difference of the parts"):
        difference.dot(between=("tanh", "cos"))


def test_a_closed_scope_is_marked_as_what_is_in_it():
    def mark(before, after):
        dot = chain(*before, scope="layer").diff(chain(*after, scope="layer")).dot(depth=0)
        return [label[0] for label in re.findall(r's0 \[.*label="([^"]*)"', dot)]

    assert mark([mg.exp], [mg.exp]) == ["l"]
    assert mark([mg.exp], [mg.exp, mg.sin]) == ["~"]
    x = mg.Tensor(1.0, requires_grad=True, name="x")
    y = x * 2.0
    with mg.scope("layer"):
        z = mg.exp(y)
    assert "+ layer" in y.graph().diff(z.graph()).dot(depth=0)


def test_a_layer_that_was_added_is_not_folded_with_those_that_were_there():
    def blocks(count, changed=None):
        y = mg.Tensor([1.0, 2.0], requires_grad=True, name="x") * 1.0
        for i in range(count):
            with mg.scope(f"blocks/{i}"):
                for j in range(20):
                    y = mg.sin(y) if i == changed and j == 7 else mg.tanh(y)
        return mg.sum(y).graph()

    dot = blocks(12).diff(blocks(13)).dot()
    assert "0–11 ×12" in dot
    assert len(re.findall(r'label="\+ tanh', dot)) == 20
    assert re.findall('label="(~[^\\\\]*)', dot) == ["~ sum"]  # of another operand
    dot = blocks(12).diff(blocks(12, changed=5)).dot()
    assert {"0–4 ×5", "6–11 ×6"} <= {*re.findall(r"\d+–\d+ ×\d+", dot)}
    assert dot.count("~ tanh → sin") == 1


def test_the_same_text_on_every_run_and_no_marks_without_a_difference(difference):
    assert difference.dot() == chain(*BEFORE).diff(chain(*AFTER)).dot()
    same = chain(mg.exp).diff(chain(mg.exp))
    assert same.dot(title=None) == chain(mg.exp).dot()


@pytest.mark.skipif(not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot")
def test_pictures_in_files_and_notebooks(difference, tmp_path, monkeypatch):
    difference.draw(tmp_path / "x.svg")
    assert "relu → sin" in "".join(ElementTree.parse(tmp_path / "x.svg").getroot().itertext())
    shown = difference._repr_mimebundle_()
    assert shown["text/plain"] == str(difference)
    assert "relu → sin" in "".join(ElementTree.fromstring(shown["image/svg+xml"]).itertext())
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    assert set(difference._repr_mimebundle_()) == {"text/plain"}
