"""On a Chinese page nothing is said in English: what is left are names, operations, dtypes, mathematics and code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.core.op import Op
from minigrad.drawing.explorer.explore import _read
from minigrad.graph import Graph
from minigrad.graph.called import SUM
from tests.drawing.explorer.conftest import Browser, compute_samples, language_model

pytestmark = pytest.mark.deep

SAID = """
    const CODE = "noscript, .rule, .code";
    const said = new Set();
    const hear = () => {
      const texts = document.createTreeWalker(document.getElementById("page"), NodeFilter.SHOW_TEXT);
      while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        if (!said.has(data) && !parentElement.closest(CODE)) said.add(data);
      }
      for (const name of ["aria-label", "title", "placeholder"])
        for (const element of document.querySelectorAll(`#page [${name}]`)) said.add(element.getAttribute(name));
      said.add(document.title);
    };
    const { graph } = explorer;
    explorer.bar.stop();
    explorer.speak(1);
    for (const theme of ["light", "dark", "automatic"]) { document.getElementById("theme").click(); hear(); }
    for (const view of graph.views) {
      explorer.show(view);
      explorer.select(null, true);
      hear();
      const closed = view.boxes.filter((box) => box.kind !== "node").slice(0, 5);
      for (const box of closed) { explorer.select(box); hear(); }
      for (const { scope } of view.clusters.slice(0, 5)) { explorer.open(scope); explorer.close(scope); hear(); }
    }
    const kinds = new Map(graph.nodes.map((node) => [node.op ?? node.role, node.number]));
    for (const number of kinds.values()) { explorer.choose(number); hear(); }
    const stride = Math.ceil(graph.nodes.length / 25);
    for (let i = 0; i < graph.nodes.length; i += stride) { explorer.choose(i); hear(); }
    for (const { step } of graph.chapters.slice(0, 15)) { explorer.go(step + 1); hear(); }
    for (let i = 0; i <= graph.steps.length; i += 1 + Math.floor(graph.steps.length / 20)) { explorer.go(i); hear(); }
    explorer.go(graph.steps.length);
    explorer.choose(0);
    hear();
    for (const query of ["", "x", "op:softmax", "no such thing", "grad:none"]) { explorer.search(query); hear(); }
    return [...said];
"""
WORDS = re.compile(r"[A-Za-z]{2,}")
CODE = (
    "loss.backward(keep=True)", "loss.graph()", "explore(…)", "python -m pip install graphviz-pure",
    "op:softmax  grad:nan",
    "op:softmax, shape:(6,8), grad:nan, value:inf, grad:none, param, output, scope:attention, line:model.py",
)  # fmt: skip
MATHEMATICS = {
    "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "arsinh", "arcosh",
    "artanh", "erf", "dt", "sign", "max", "min", "mean", "var", "softmax", "softplus", "True", "False", "inf",
}  # fmt: skip
CALL = re.compile(rf"\b({'|'.join(mg.registry)})(?=\()")  # in what is worked out
KNOWN = {"English", "NaN", "kB", "MB", "Enter", "Esc", "Home", "End", "backward"}  # a button, numbers, keys, a method

SEVERAL = {  # texts that are never said of one
    "forEqual", "cutArrays", "rounded", "groupedViews", "repeatedFrame", "repeatedBox", "drawnOnce", "equalScopesOpen",
    "manyNumbers", "histogram", "whyFirst", "whyAdded",
}  # fmt: skip


def loops() -> Graph:
    """A loop within a loop, a hub, and a turn that is read in the middle."""
    x, weight = (mg.Tensor([1.0, 0.5], requires_grad=True, name=name) for name in ("x", "W_hh"))
    states = []
    for _ in range(24):
        for _ in range(3):
            x = ops.tanh(x * weight) + 0.5
        states.append(x)
    y = states[12] + ops.sum(states[-1]) + 1.0
    for _ in range(20):
        y = ops.exp(y * 0.01) + weight
    return kept(ops.sum(y))


def neighbours() -> Graph:
    """So much without a pattern that it is grouped, of leaves without names too."""
    rng = np.random.default_rng(0)
    values = [mg.Tensor(rng.standard_normal(2), requires_grad=True) for _ in range(20)]
    for _ in range(200):
        a, b = rng.integers(0, len(values), 2)
        values.append((ops.add, ops.multiply, ops.maximum)[rng.integers(3)](values[a], values[b] * 0.5))
    return kept(ops.sum(sum(values[-20:], mg.Tensor([0.0, 0.0]))))


def training_step() -> Graph:
    weights = [mg.Tensor([1.0, 2.0], requires_grad=True) for _ in range(3)]

    def step(x: mg.Tensor) -> mg.Tensor:
        noise = mg.nn.Dropout(0.5)(x)
        loss = ops.sum(ops.square(weights[0] * weights[1] * weights[2] * x) * noise)
        loss.backward()
        for weight in weights:
            mg.assign(weight, mg.read(weight) - 0.1 * weight.grad)
        return loss

    with mg.generator(np.random.default_rng(0)):
        return mg.trace(step, np.ones(2))


def derivatives() -> Graph:
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    with mg.scope("outer/inner"):
        y = ops.sum(ops.tanh(x) * x)
    first = mg.grad(y, x, create_graph=True)
    second = mg.grad(ops.sum(first * first), x, create_graph=True)
    third = mg.grad(ops.sum(second * second), x, create_graph=True)
    return mg.graph_of(ops.sum(third * third), gradients=True)


def odd_leaves() -> Graph:
    x = mg.Tensor([np.nan, 2.0, np.inf], requires_grad=True)
    with mg.trace_lines():
        detached = ops.exp(x).detach() + ops.stop_gradient(x)
    return kept(ops.sum(x * detached * np.array([1, 0, 1]) + mg.Tensor(np.ones((40, 3)))))


def every_operation() -> Graph:
    return mg.graph_of(
        [y for f in mg.registry.values() if isinstance(f, Op) and not f.effect for y in compute_samples(f)]
    )


def function_of_arrays(path: Path) -> Graph:
    return mg.explore(lambda x, weight: ops.tanh(x * weight), np.ones(2), np.ones((3, 2)), path=path)


def explored(make: Callable[[], Graph], **options: Any) -> Callable[[Path], Graph]:
    def explore(path: Path) -> Graph:
        graph = make()
        graph.explore(path, **options)
        return graph

    return explore


def kept(loss: mg.Tensor) -> Graph:
    with np.errstate(all="ignore"):
        loss.backward(keep=True)
    return loss.graph()


PAGES: dict[str, Callable[[Path], Graph]] = {
    "a model": explored(lambda: language_model(3), lesson="softmax"), "loops": explored(loops),
    "neighbours": explored(neighbours), "a training step": explored(training_step),
    "derivatives": explored(derivatives), "odd leaves": explored(odd_leaves),
    "every operation": explored(every_operation), "a function": function_of_arrays,
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_chinese_page_says_nothing_in_english(browser: Browser, tmp_path: Path, name: str) -> None:
    graph = PAGES[name](tmp_path / "page.html")
    browser.open(tmp_path / "page.html")
    said = browser.run(SAID)
    known = (KNOWN | MATHEMATICS).union(*(WORDS.findall(text) for text in list_names(graph)))
    english = {text: words for text in said if (words := set(WORDS.findall(leave_out_code(text))) - known)}
    assert english == {}, "\n".join(map(str, english.items()))
    assert browser.errors() == []


def leave_out_code(text: str) -> str:
    for code in CODE:
        text = text.replace(code, "")
    return CALL.sub("", text)


def list_names(graph: Graph) -> Iterator[str]:
    for node in graph:
        yield from (
            node.name if node.name and node.name != SUM else "",
            node.op or "",
            node.scope,
            str(node.dtype),
            node.line or "",
            node.made_by or "",
        )
        yield from node.settings(complete=True)
        yield from (node.function.argument(position) for position in range(len(node.inputs)) if node.function)


def test_what_is_counted_is_right_of_one_too() -> None:
    """Not "in 1 views": a number that may be 1 has a row for it, or stands behind its noun."""
    rows = re.findall(r'^ {2}"?([^":\n]+)"?: \[\s*"((?:[^"\\]|\\.)*)"', _read("texts.js"), re.MULTILINE)
    assert len(rows) > 200
    plural = re.compile(r"\{\d\} (?!gets|changes|has|of|\w+ as)(?:\w+ )?\w+s\b")
    found = {key: text for key, text in rows if plural.search(text) and not key.startswith("many ")}
    assert set(found) == SEVERAL
