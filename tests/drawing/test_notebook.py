"""What notebooks show: never an error, never markup out of a name, and always the text of a terminal."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.report import GradientReport, InputReport
from minigrad.drawing import notebook
from minigrad.drawing.text import escape_hidden

DRAWN = {"div", "b", "code", "table", "tr", "th", "td", "details", "summary", "pre", "img"}


class Page(HTMLParser):
    """The tags, attributes and texts of a piece of HTML, all of whose elements are closed in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.open = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return "\n".join(self.texts)

    @property
    def pictures(self):
        """The root element of every picture."""
        start = "data:image/svg+xml;base64,"
        sources = [value for name, value in self.attributes if name == "src"]
        assert all(source.startswith(start) for source in sources)
        return [ElementTree.fromstring(base64.b64decode(source.removeprefix(start))) for source in sources]


def page_of(shown):
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    page = Page(bundle["text/html"])
    assert set(page.tags) <= DRAWN
    assert {name for name, value in page.attributes} <= {"style", "alt", "src"}
    return page


# Tensors


def test_a_tensor_shows_what_it_is_and_its_values():
    x = mg.Tensor([[1.0, -0.5]], requires_grad=True, name="weights", dtype=np.float32)
    assert page_of(x).texts == ["weights", " · (1, 2) float32 · requires a gradient", "1", "−0.5"]
    with mg.scope("head"):
        y = x * 2.0
    assert page_of(y).texts == ["multiply", " · (1, 2) float32 · head", "2", "−1"]
    assert x._repr_mimebundle_(include=None, exclude=None)["text/plain"] == repr(x)


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        (2.5, ["() float64 · ", "2.5"]),
        ([True, False], ["(2,) bool", "True", "False"]),
        ([[[7, -8]]], ["(1, 1, 2) int64", "7", "−8"]),
        ([np.nan, np.inf], ["(2,) float64", "NaN", "inf"]),
        (np.zeros((0, 3)), ["(0, 3) float64", "empty"]),
        (np.ones(500), ["(500,) float64", "min 1, max 1, mean 1"]),
        (np.ones((2, 2, 2, 2)), ["(2, 2, 2, 2) float64", "min 1, max 1, mean 1"]),
        (np.ones((200, 200)), ["(200, 200) float64", "min 1, max 1, mean 1"]),
    ],
)
def test_values_are_written_out_or_summed_up(values, shown):
    assert page_of(mg.Tensor(values)).texts == shown


@pytest.mark.parametrize(("shape", "panels"), [((9, 3), 1), ((1, 20, 12), 1), ((4, 6, 6), 4)])
def test_larger_matrices_are_heat_maps(shape, panels):
    values = np.random.default_rng(0).normal(size=shape)
    (picture,) = page_of(mg.Tensor(values, name="scores")).pictures
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert {"rows", "columns"} <= set(texts)
    assert sum(text.startswith("slice") for text in texts) == (panels if panels > 1 else 0)
    assert texts[0] == "scores"


def test_looking_at_a_tensor_changes_nothing_and_walks_no_graph():
    x = mg.Tensor(np.ones((20, 20)), requires_grad=True)
    y = x * 2.0
    before = y.inputs, x.grad, x.id
    y._repr_mimebundle_()
    assert (y.inputs, x.grad, x.id) == before


def test_while_a_function_is_captured_only_the_text_is_shown():
    bundles = []

    def function(x):
        bundles.append((x * 2.0)._repr_mimebundle_())
        return x

    mg.trace(function, np.ones(3))
    assert [set(bundle) for bundle in bundles] == [{"text/plain"}]


# Heat maps


def test_a_heat_map_is_short_as_text():
    assert repr(mg.heatmap([[0.0, 1.0]], title="a < b")) == (
        "<Heatmap a < b: 1 head, 1 queries, 2 keys; values: 0 to 1; colours: 0 to 1>"
    )


# Compiled functions


@pytest.fixture
def step():
    weight = mg.Tensor(np.ones(3), requires_grad=True, name="weight")

    @mg.compile
    def step(x):
        weight.grad = None
        loss = mg.sum(mg.square(x * weight))
        loss.backward()
        mg.assign(weight, mg.read(weight) - weight.grad * 0.1)
        return loss

    return step


def test_a_compiled_function_shows_its_programs_their_size_source_and_graph(step):
    assert page_of(step).tags == ["div"]
    step(np.ones(3))
    step(np.ones((2, 3)))
    page = page_of(step)
    assert [row for row in page.texts if row.startswith("x (")] == ["x (3,)", "x (2, 3)"]
    assert f"{step.stats.instructions:,}" in page.texts
    assert step.source.splitlines() == page.texts[page.texts.index("source") + 1].splitlines()
    assert "graph" in page.texts
    assert step._repr_mimebundle_()["text/plain"] == repr(step)


def test_a_program_shows_its_size_source_and_graph(step):
    step(np.ones(3))
    (program,) = step.programs
    page = page_of(program)
    assert page.texts[:2] == [repr(program), str(program.stats)]
    assert program.source.splitlines() == page.texts[page.texts.index("source") + 1].splitlines()


def test_without_an_engine_a_program_shows_the_listing_of_its_graph(step, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    step(np.ones(3))
    page = page_of(step)
    assert page.pictures == []
    assert str(step.graph).splitlines() == page.texts[page.texts.index("graph") + 1].splitlines()


def test_of_a_long_source_the_beginning_is_shown(step, monkeypatch):
    monkeypatch.setattr(notebook, "MOST_LINES", 3)
    step(np.ones(3))
    shown = page_of(step).texts
    lines = shown[shown.index("source") + 1].splitlines()
    assert lines[:3] == step.source.splitlines()[:3]
    assert lines[3:] == [f"… {len(step.source.splitlines()) - 3} more lines"]


# Reports


def test_the_report_of_a_gradient_check_is_a_table():
    report = mg.check_gradients(lambda x: mg.sum(x * x), [np.array([1.0, 2.0])])
    page = page_of(report)
    assert page.texts[0] == report.verdict
    assert [*report.table[0][:-1], *report.table[1]] == page.texts[1:]
    assert report._repr_mimebundle_()["text/plain"] == str(report)
    for cell in (cell for row in report.table for cell in row):
        assert cell in str(report)


def test_the_report_of_a_failed_check_says_so():
    entries = InputReport(1, "x", (2,), "2 elements", (0,), 1.0, 3.0, 1e-9, 2.0, 1e-6, "near a kink")
    page = page_of(GradientReport(1, (entries,)))
    assert "WRONG for 1 of 1 inputs" in page.text
    assert "WRONG" in page.texts
    assert page.texts[-1] == "order 1, x: near a kink"


def test_an_explanation_shows_its_message_and_contributions():
    w = mg.Tensor([1.0, 2.0], requires_grad=True, name="w")
    explanation = mg.explain_grad(mg.sum(w * 3.0) + mg.sum(mg.square(w)), w)
    assert page_of(explanation).text.splitlines() == str(explanation).splitlines()


# Modules and costs


def test_a_module_shows_the_modules_in_it():
    model = mg.nn.Sequential(mg.nn.Linear(3, 2, rng=np.random.default_rng(0)), mg.relu)
    page = page_of(model)
    assert page.texts[:2] == ["Sequential", " · 8 parameters"]
    header = ["module", "class", "parameters", "holds"]
    assert page.texts[2 : 2 + len(header)] == header
    assert page.texts[-4:] == [next(path for path, module in model.named_modules() if path), "Linear", "8",
                               "weight (3, 2), bias (2,)"]  # fmt: skip
    assert model._repr_mimebundle_()["text/plain"] == repr(model)
    assert "details" not in page.tags


def test_many_modules_stay_behind_a_line_and_thousands_are_cut(monkeypatch):
    model = mg.nn.Encoder(layers=3, width=4, heads=2, rng=np.random.default_rng(0))
    page, count = page_of(model), len(list(model.modules()))
    assert f"{count} modules" in page.texts
    assert page.tags.count("tr") == count + 1
    monkeypatch.setattr(notebook, "MOST_LINES", 5)
    page = page_of(model)
    assert page.tags.count("tr") == 6
    assert page.texts[-1] == f"… {count - 5} more modules"


def test_a_cost_shows_what_the_text_says():
    with mg.scope("head"):
        loss = mg.sum(mg.square(mg.Tensor(np.ones((3, 4)), requires_grad=True)))
    cost = loss.graph().cost()
    page = page_of(cost)
    assert {str(cost.total.flops), "by operation", "by scope", "by order", "head", "square", *cost.notes} <= {
        *page.texts
    }
    assert [row.split()[0] for row in str(cost).splitlines()[1:] if row.startswith("  ")] == [
        text for text in page.texts if text in {*cost.by_op, *cost.by_scope, "0"}
    ]
    assert cost._repr_mimebundle_()["text/plain"] == str(cost)
    assert 'left;padding:0 .6em">0<' in cost._repr_mimebundle_()["text/html"], "the order is a name, not an amount"


def test_a_history_shows_its_last_records():
    history = mg.fit(lambda x: -x, [(float(step),) for step in range(30)], 30, log=lambda record: None, every=1)
    page = page_of(history)
    assert page.texts[:5] == ["30 records", "10 records before", "step", "loss", "tokens_per_second"]
    assert page.tags.count("tr") == 21
    assert page.texts[-3:-1] == ["30", "−29"]
    history = mg.fit(lambda x: -x, [(1.0,)], 31, lambda: 0.5, log=lambda record: None, start=30, history=history[-1:])
    assert page_of(history).texts[:5] == ["2 records", "step", "loss", "tokens_per_second", "validation"]
    assert page_of(mg.fit(lambda x: x, [], 0)).texts == ["0 records"]
    history[-1]["<b>"] = 1.0
    assert "<b>" in page_of(history).texts


# Hostile names


@pytest.mark.deep
def test_PI2_hostile_names_are_text(hostile):
    for name in hostile:
        x = mg.Tensor([[1.0, 2.0]], requires_grad=True, name=name)
        with mg.scope(re.sub("/", "", name) or "scope"):
            loss = mg.sum(x * x)
        loss.name = name
        report = GradientReport(1, (InputReport(1, name, (2,), name, note=name),))
        compiled = mg.compile(lambda x: mg.sum(x * x))
        compiled(x)
        model = mg.nn.Module()
        setattr(model, name, mg.nn.Module())
        values = (x, loss, report, compiled, model, compiled.program, mg.explain_grad(loss, x), loss.graph().cost())
        for value in values:
            value._repr_mimebundle_()["text/plain"].encode("utf-8")
        assert all(escape_hidden(name) in page_of(value).text for value in values[:5])
        assert all(page_of(value).texts for value in values[5:])


def test_whatever_fails_the_text_remains(monkeypatch):
    def failing(*arguments, **options):
        raise RuntimeError("no")

    x = mg.Tensor([1.0])
    monkeypatch.setattr(notebook, "format_array", failing)
    monkeypatch.setattr(notebook, "format_number", failing)
    assert x._repr_mimebundle_() == {"text/plain": repr(x)}
    monkeypatch.setattr(mg.Tensor, "__repr__", failing)
    assert x._repr_mimebundle_()["text/plain"].startswith("<minigrad.core.tensor.Tensor object at ")
