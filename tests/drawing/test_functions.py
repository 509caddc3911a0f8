"""`mg.draw` and `mg.explore`: a function is called once, and its picture or its page is there."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.functions import describe_call

X = np.array([1.0, 2.0])


def test_a_picture_of_a_function(tmp_path):
    graph = mg.draw(lambda x: mg.sum(x * x), X, path=tmp_path / "square.svg")
    picture = (tmp_path / "square.svg").read_text("utf-8")
    assert all(text in picture for text in (">x<", ">function<", "multiply"))
    assert graph.find("x").gradient.tolist() == [2.0, 4.0]


def test_the_title_says_what_was_summed():
    def double(x):
        return x * 2.0

    assert describe_call(double, mg.draw(double, X)) == "double, with gradients of the sum of its output"
    assert describe_call(double, mg.draw(double, np.array(1.0))) == "double"


def test_options_are_those_of_the_graph(tmp_path):
    mg.draw(mg.tanh, X, path=tmp_path / "own.dot", title="my title", gradients=False)
    text = (tmp_path / "own.dot").read_text("utf-8")
    assert "my title" in text
    assert "gradient" not in text
    with pytest.raises(TypeError, match="no option 'colour'"):
        mg.draw(mg.tanh, X, path=tmp_path / "own.dot", colour="red")


def test_without_a_path_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(mg.draw(mg.tanh, X)) == len(mg.explore(mg.tanh, X)) == 3
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("show", [mg.draw, mg.explore])
def test_options_that_nothing_would_read_are_refused(show):
    def count(x):
        raise AssertionError("it is not called")

    with pytest.raises(TypeError, match=r"title, theme: options of the file that path= names, and there is no path"):
        show(count, X, title="squares", theme="dark")


def test_a_page_of_a_function(tmp_path):
    graph = mg.explore(lambda query, keys: mg.softmax(keys @ query), X, np.ones((3, 2)), path=tmp_path / "page.html")
    assert [node.name for node in graph][:2] == ["keys", "query"]
    with pytest.raises(ValueError, match="depth=-1"):
        mg.explore(mg.tanh, X, path=tmp_path / "page.html", depth=-1)
    assert "<title>function, with gradients of the sum of its output" in (tmp_path / "page.html").read_text("utf-8")


WRONG = [{"labels": 3}, {"labels": {"x": 5}}, {"labels": "x"}, {"highlight": 3}, {"highlight": "x"}, {"marks": "zz"}]


@pytest.mark.parametrize("options", WRONG, ids=repr)
def test_options_of_another_kind_are_named(options, tmp_path):
    (name,) = options
    with pytest.raises(TypeError, match=rf"^{name}=.*expected"):
        mg.draw(mg.tanh, X, path=tmp_path / "x.svg", **options)
    if name == "labels":
        with pytest.raises(TypeError, match=r"^labels=.*expected"):
            mg.draw_architecture(
                mg.nn.FeedForward(2, 4, rng=np.random.default_rng(0)), np.ones((1, 2), np.float32), **options
            )
    assert list(tmp_path.iterdir()) == []
