"""`minigrad check`: gradients of a user's function against finite differences."""

import pytest

from minigrad.__main__ import main

FILE = """
import numpy as np
import minigrad as mg

def right():
    return lambda x, y: mg.tanh(x) * y, [np.array([1.0, 2.0]), np.array([3.0, 4.0])]

def wrong():
    return lambda x: x * x.detach(), [np.array([1.0, 2.0])]

def module():
    return mg.nn.Linear(2, 3, rng=np.random.default_rng(0), dtype=np.float64), [np.ones((4, 2))]

def single():
    return mg.exp, [np.ones(2, np.float32)]

def failing():
    return lambda x: x.no_such_method(), [np.ones(2)]
"""


@pytest.fixture(autouse=True)
def _file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(FILE, "utf-8")


def test_right_gradients_are_reported(capsys):
    assert main(["check", "model.py:right"]) == 0
    report = capsys.readouterr().out
    assert report.startswith("gradients of order 1 agree with finite differences\n")
    assert [line.split()[1] for line in report.splitlines()[2:]] == ["x", "y"]


def test_higher_orders_are_checked_on_request(capsys):
    assert main(["check", "model.py:right", "--order", "3"]) == 0
    assert capsys.readouterr().out.startswith("gradients of orders 1 to 3 agree")


def test_wrong_gradients_are_reported_with_exit_code_1(capsys):
    assert main(["check", "model.py:wrong"]) == 1
    output = capsys.readouterr()
    assert output.out.startswith("gradients of order 1 WRONG for 1 of 1 inputs\n")
    assert output.err == ""


def test_the_parameters_of_a_module_are_checked_too(capsys):
    assert main(["check", "model.py:module"]) == 0
    inputs = [line.split()[1] for line in capsys.readouterr().out.splitlines()[2:]]
    assert inputs[1:] == ["weight", "bias"]


def test_what_cannot_be_checked_is_one_line(capsys):
    assert main(["check", "model.py:single"]) == 2
    error = capsys.readouterr().err
    assert "float32" in error
    assert error.count("\n") == 1


def test_an_error_in_the_function_that_is_checked_is_the_users(capsys):
    assert main(["check", "model.py:failing"]) == 1
    error = capsys.readouterr().err
    assert error.startswith('Traceback (most recent call last):\n  File "model.py", line ')
    assert "no_such_method" in error
    assert "minigrad/checks" not in error
