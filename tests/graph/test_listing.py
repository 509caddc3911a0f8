"""Listings: one line per node, the same bytes on every run, whatever the names are."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import trace


def test_a_line_shows_operands_params_shape_dtype_and_path():
    x = mg.Tensor(np.ones((6, 8), np.float32), requires_grad=True, name="x")
    with mg.scope("attention"):
        y = mg.sum(x * 2.0, axis=-1)
    y.name = "total"
    assert str(y.graph()).splitlines() == [
        "%0 = parameter          (6, 8)  float32  attention/x",
        "%1 = multiply(%0, 2.0)  (6, 8)  float32  attention",
        "%2 = sum(%1, axis=-1)   (6,)    float32  attention/total",
        "return %2",
    ]
    assert repr(y.graph()[2]) == "%2 = sum(%1, axis=-1)  (6,) float32  attention/total"


def test_operands_left_out_are_shown_only_before_others():
    x = mg.Tensor(np.ones((2, 3)), requires_grad=True)
    assert mg.softmax(x).graph()[1].expression == "softmax(%0)"
    assert mg.clip(x, None, 0.5).graph()[1].expression == "clip(%0, None, 0.5)"


def test_no_address_in_a_listing():
    rng = np.random.default_rng(0)
    text = str(trace(lambda x: mg.dropout(x, 0.5, rng=rng), np.ones(2)))
    assert "generator=<Generator>" in text
    assert "0x" not in text


HOSTILE = [
    "two\nlines", "tab\there", "\x00\x1b[31mred", "\u202eevil", "\ud800", "a" * 20_000, '"]; evil', "\\N", "<b>x</b>",
    "查询", "🙂",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_any_name_stays_on_its_line(name):
    x = mg.Tensor([1.0], requires_grad=True, name=name)
    with mg.scope(name):
        y = x + 1.0
    y.name = name
    lines = str(y.graph()).split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)


def test_a_long_chain_is_listed():
    x = y = mg.Tensor(1.0, requires_grad=True)
    for _ in range(10_000):
        y = y * x
    lines = str(y.graph()).splitlines()
    assert len(lines) == 10_002
    assert lines[-2:] == ["%10000 = multiply(%9999, %0)  ()  float64", "return %10000"]


def test_a_function_that_only_writes_state_returns_nothing():
    total = mg.Tensor([0.0], name="total")
    graph = trace(lambda x: mg.assign(total, mg.read(total) + x), mg.Tensor([1.0]))
    assert str(graph).splitlines()[-1] == "%0 ← %2  total"


def test_a_graph_of_nothing_has_no_lines():
    assert str(mg.graph_of([])) == ""
