"""`minigrad draw`: the picture of what a user's function returns."""

from xml.etree import ElementTree

import pytest

from minigrad.__main__ import main

FILE = """
import minigrad as mg

def loss():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    return mg.sum(x * x)

def several():
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    return {"first": x * 3.0, "more": (mg.exp(x),)}

def differentiated():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = x * x
    y.backward([1.0, 10.0], keep=True)
    return y

X = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
H = X * 2.0
mg.sum(H * H).backward(keep=True)

def stale():
    return mg.sum(H * 3.0)

def vector():
    return mg.Tensor([1.0, 2.0], requires_grad=True, name="x") * 2.0
"""


@pytest.fixture(autouse=True)
def model_file(folder):
    (folder / "model.py").write_text(FILE, "utf-8")


def drawn(folder, *arguments):
    assert main(["draw", *arguments, "-o", "x.dot"]) == 0
    return (folder / "x.dot").read_text("utf-8")


def test_the_picture_is_written(folder, capsys):
    assert main(["draw", "model.py:loss", "-o", "x.svg"]) == 0
    assert capsys.readouterr().out == "x.svg: 3 nodes\n"
    assert ElementTree.parse(folder / "x.svg").getroot().tag.endswith("svg")


def test_L3_an_old_picture_is_not_replaced_in_silence(folder, capsys):
    (folder / "x.dot").write_text("old")
    drawn(folder, "model.py:loss")
    assert capsys.readouterr().out == "x.dot: 3 nodes, written over the old file\n"


def test_several_results(folder):
    picture = drawn(folder, "model.py:several")
    assert '"exp' in picture
    assert '"multiply(·, 3)' in picture


def test_values_and_gradients_are_shown_on_request(folder):
    assert "[1 4]" not in drawn(folder, "model.py:loss")
    assert "[1 4]" in drawn(folder, "model.py:loss", "--values")
    assert "gradient: [2 4]" in drawn(folder, "model.py:loss", "--gradients")


def test_options_are_those_of_every_picture(folder, capsys):
    picture = drawn(folder, "model.py:loss", "--title", "the loss", "--direction", "BT", "--theme", "dark")
    assert all(text in picture for text in ('label="the loss', 'rankdir="BT"', "#0D1117"))
    assert main(["draw", "model.py:loss", "-o", "x.svg", "--width", "8.4cm", "--depth", "0"]) == 0
    assert main(["draw", "model.py:loss", "-o", "y.svg", "--width", "wide"]) == 2
    assert "'wide'" in capsys.readouterr().err
    assert not (folder / "y.svg").exists()
    for wrong in (["--depth", "-1"], ["--theme", "loud"], ["--direction", "up"]):
        assert main(["draw", "model.py:loss", "-o", "y.svg", *wrong]) == 2
        assert wrong[0] in capsys.readouterr().err


def test_gradients_that_the_function_computed_are_the_ones_shown(folder):
    assert "gradient: [2 40]" in drawn(folder, "model.py:differentiated", "--gradients")


def test_gradients_that_other_code_left_are_not_shown(folder):
    picture = drawn(folder, "model.py:stale", "--gradients")
    assert "gradient: [6 6]" in picture
    assert "gradient: [3 3]" in picture
    assert "no path" not in picture


def test_gradients_of_a_vector_are_refused(capsys):
    assert main(["draw", "model.py:vector", "-o", "x.svg", "--gradients"]) == 2
    assert "--gradients needs one scalar" in capsys.readouterr().err


def test_without_an_engine_there_is_one_line_and_the_dot_text(folder, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_DOT", str(folder / "no-such-program"))
    assert main(["draw", "model.py:loss", "-o", "x.svg"]) == 2
    error = capsys.readouterr().err
    assert error.startswith(
        "minigrad: there is no layout engine for .svg (to install one: python -m pip install graphviz"
    )
    assert error.count("\n") == 1
    assert (folder / "x.dot").read_text("utf-8").startswith("digraph {")
    assert not (folder / "x.svg").exists()


def test_an_engine_that_fails_is_one_line(folder, monkeypatch, capsys):
    program = folder / "engine"
    program.write_text("#!/bin/sh\necho no >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("MINIGRAD_DOT", str(program))
    assert main(["draw", "model.py:loss", "-o", "x.svg"]) == 2
    error = capsys.readouterr().err
    assert "failed with exit code 3" in error
    assert error.count("\n") == 1
