import json
from importlib.resources import files

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.drawing.explorer.layouts import lay_out_views
from minigrad.drawing.explorer.lessons import LANGUAGES, READY, read_lesson
from minigrad.drawing.explorer.payload import make_payload
from minigrad.drawing.explorer.walk import walk_steps


def read(lesson, graph):
    return read_lesson(lesson, graph, walk_steps(graph), [shown["key"] for shown in lay_out_views(graph)[0]])


def test_a_lesson_is_data_with_numbers_in_place_of_names(lesson):
    weights = lesson.find("weights")
    stops = read(
        [
            {"en": "A picture.", "view": "overview"},
            {"node": "weights", "zh": "权重", "en": "Weights."},
            {"node": weights, "step": "backward", "en": "Their gradient."},
            {"node": "scores", "step": "forward", "en": "Scores."},
            {"step": 3, "en": "After three steps."},
        ],
        lesson,
    )
    assert stops == [
        {"texts": {"en": "A picture."}, "view": "overview"},
        {"texts": {"en": "Weights.", "zh": "权重"}, "node": 3},
        {"texts": {"en": "Their gradient."}, "node": 3, "step": 7},
        {"texts": {"en": "Scores."}, "node": 2, "step": 1},
        {"texts": {"en": "After three steps."}, "step": 3},
    ]


def test_the_step_of_a_gradient_is_the_one_that_completes_it(lesson):
    data = make_payload(lesson)
    (stop,) = read([{"node": "embeddings", "step": "backward", "en": "Both."}], lesson)
    last = max(i for i, step in enumerate(data["steps"], 1) if step.get("target") == 0)
    assert stop["step"] == last


@pytest.mark.parametrize("name", READY)
def test_ready_lessons_are_in_both_languages_and_fit_the_model(model, name):
    written = json.loads(files("minigrad.drawing.explorer").joinpath("ready", f"{name}.json").read_text("utf-8"))
    stops = read(name, model)
    assert len(stops) == len(written)
    for stop in stops:
        assert list(stop["texts"]) == [*LANGUAGES]
        assert "node" in stop or "view" in stop


def test_ready_lessons_leave_out_what_a_graph_does_not_have(lesson):
    assert [stop.get("node") for stop in read("head_backward", lesson)] == [4, 3, 2, 1]
    with pytest.raises(LookupError, match="the lesson 'softmax' is about softmax, of which there is none"):
        read("softmax", ops.exp(mg.Tensor([1.0], requires_grad=True)).graph())


def test_a_graph_on_shapes_has_stops_without_steps():
    graph = mg.trace(lambda x: ops.softmax(ops.exp(x)), np.ones(3))
    stops = read("softmax", graph)
    assert [stop.get("step") for stop in stops] == [None] * 5
    assert [stop["node"] for stop in stops] == [1, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("lesson", "error", "message"),
    [
        ("softmaks", ValueError, "no lesson is called 'softmaks'; ready ones are softmax, head_forward"),
        (3, TypeError, "a lesson is a list of steps or a name, got int"),
        (["weights"], TypeError, "step 1 of the lesson must be a dictionary with some of .* zh, got str"),
        ([{"en": "One."}, {"text": "Two."}], ValueError, "step 2 of the lesson has 'text'; there are node, step"),
        ([{"node": "weights"}], TypeError, "step 1 of the lesson needs its sentence as a text: 'en', 'zh' or both"),
        ([{"en": 3}], TypeError, "needs its sentence as a text"),
        ([{"en": "A.", "node": "weihgts"}], LookupError, "step 1 of the lesson: no node .*; close to it: weights"),
        ([{"en": "A.", "node": 3}], TypeError, "expected a Node or its name, got int"),
        ([{"en": "A.", "step": "backward"}], ValueError, "step='backward', expected 'forward' or .* beside a node"),
        ([{"en": "A.", "step": 99}], ValueError, "step=99, expected .* or a number from 0 to 11"),
        ([{"en": "A.", "view": "attention"}], ValueError, "no view 'attention'; there are overview"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_lesson_is_said(lesson, request, error, message):
    graph = request.getfixturevalue("three")
    with pytest.raises(error, match=message):
        read(lesson, graph)


@pytest.fixture(scope="module")
def three():
    from minigrad.cli.lessons import three_tokens

    return three_tokens()["loss"].graph()


def test_a_view_is_named_by_the_scope_that_is_open_in_it(model):
    stop, _ = read(
        [{"view": "transformer/blocks/1/attention", "en": "Here."}, {"en": "There.", "view": "depth 1"}], model
    )
    assert stop["view"] == "scope transformer/blocks/1/attention"
