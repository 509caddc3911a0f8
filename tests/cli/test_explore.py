"""`minigrad explore`: the page of what a user's function returns."""

import json
import re

import pytest

from minigrad.__main__ import main
from minigrad.drawing.explorer import explore

FILE = """
import minigrad as mg

def loss():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    return mg.sum(x * x)

def differentiated():
    y = loss()
    y.backward(10.0, keep=True)
    return y

def vector():
    return mg.Tensor([1.0, 2.0], requires_grad=True, name="x") * 2.0
"""


@pytest.fixture(autouse=True)
def model_file(folder):
    (folder / "model.py").write_text(FILE, "utf-8")


@pytest.fixture
def explored(monkeypatch):
    """The graphs that pages were made of, with their options."""
    made = []
    page_of = explore.write_page

    def seen(graph, **options):
        made.append((graph, options))
        return page_of(graph, **options)

    monkeypatch.setattr(explore, "write_page", seen)
    return made


def test_the_page_is_written(folder, capsys):
    assert main(["explore", "model.py:loss", "-o", "x.html"]) == 0
    assert re.fullmatch(r"x\.html: 3 nodes, \d+ kB\n", capsys.readouterr().out)
    page = (folder / "x.html").read_text("utf-8")
    assert "<script" in page
    assert str(folder) not in page


def test_L3_an_old_page_is_not_replaced_in_silence(folder, capsys):
    (folder / "x.html").write_text("old")
    assert main(["explore", "model.py:loss", "-o", "x.html"]) == 0
    assert capsys.readouterr().out.endswith("kB, written over the old file\n")


def test_gradients_are_computed_on_request_or_are_those_of_the_function(explored):
    for function, options in (("loss", []), ("loss", ["--gradients"]), ("differentiated", ["--gradients"])):
        assert main(["explore", f"model.py:{function}", "-o", "x.html", *options]) == 0
    without, computed, own = (graph[0].gradient for graph, _ in explored)
    assert without is None
    assert computed.tolist() == [2.0, 4.0]
    assert own.tolist() == [20.0, 40.0]


def test_gradients_of_a_vector_are_refused(capsys):
    assert main(["explore", "model.py:vector", "-o", "x.html", "--gradients"]) == 2
    assert "--gradients needs one scalar" in capsys.readouterr().err


def test_a_large_page_is_told_and_one_that_is_too_large_refused(monkeypatch, capsys):
    monkeypatch.setattr(explore, "WARN_ABOVE", 10)
    assert main(["explore", "model.py:loss", "-o", "x.html"]) == 0
    assert re.match(r"minigrad: the page of 3 nodes has .* MB", capsys.readouterr().err)
    monkeypatch.setattr(explore, "REFUSE_ABOVE", 10)
    assert main(["explore", "model.py:loss", "-o", "y.html"]) == 2
    assert re.match(r"minigrad: explore: the page has .*\n$", capsys.readouterr().err)


def test_options_are_those_of_every_page(folder, explored):
    (folder / "walk.json").write_text(json.dumps([{"en": "It begins here.", "node": "x", "step": "backward"}]))
    options = ["--title", "the loss", "--depth", "0", "--direction", "LR", "--lesson", "walk.json", "--gradients"]
    assert main(["explore", "model.py:loss", "-o", "x.html", *options]) == 0
    assert "<title>the loss" in (folder / "x.html").read_text("utf-8")
    ((_, given),) = explored
    assert (given["depth"], given["direction"]) == (0, "LR")
    assert given["lesson"][0]["en"] == "It begins here."


def test_a_ready_lesson_goes_by_its_name():
    assert main(["explore", "model.py:loss", "-o", "x.html", "--gradients", "--lesson", "training_step"]) == 0


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("no json", "walk.json is no JSON"),
        ("[" * 100_000, "walk.json is no JSON"),
        ("\xff", "walk.json is no JSON"),
        ("{}", "must hold a list of stops"),
        ("[]", "must hold a list of stops"),
        ("[1]", "step 1 of the lesson must be a dictionary"),
        ('[{"en": "A.", "node": "nowhere"}]', "no node matches"),
        ('[{"en": "A.", "view": "nowhere"}]', "no view"),
    ],
)
def test_a_lesson_that_is_none_is_one_line(folder, capsys, written, said):
    (folder / "walk.json").write_text(written, "latin-1")
    assert main(["explore", "model.py:loss", "-o", "x.html", "--lesson", "walk.json"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (folder / "x.html").exists()


def test_other_wrong_options_are_one_line(capsys):
    wrong = (["--lesson", "nothing"], ["--lesson", "no.json"], ["--lesson", "softmax"], ["--depth", "-1"])
    for options in (*wrong, ["--direction", "up"]):
        assert main(["explore", "model.py:loss", "-o", "x.html", *options]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert options[0][2:] in error
