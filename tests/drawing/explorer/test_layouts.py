import itertools
from dataclasses import astuple, replace

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.drawing import engines
from minigrad.drawing.boxes import list_clusters
from minigrad.drawing.explorer import layouts
from minigrad.drawing.explorer.layouts import lay_out_views
from minigrad.drawing.explorer.rows import lay_out_in_rows
from minigrad.drawing.labels import describe_box
from minigrad.drawing.look import Look
from minigrad.drawing.view import make_view
from tests.drawing.explorer.conftest import language_model


@pytest.fixture
def without_engine(monkeypatch):
    monkeypatch.setattr(engines, "ENGINES", tuple(replace(e, find=lambda: None) for e in engines.ENGINES))
    monkeypatch.delenv("MINIGRAD_DOT", raising=False)


@pytest.fixture(scope="module")
def of_model(model):
    return lay_out_views(model)[0]


def chain(length):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for _ in range(length):
        x = ops.tanh(x)
    return x.graph()


def members(box):
    return [number for first, last in box["nodes"] for number in range(first, last + 1)]


def test_there_is_a_view_of_each_depth_and_of_each_scope(of_model):
    keys = [shown["key"] for shown in of_model]
    assert keys[0] == "overview"
    assert {"depth 1", "depth 3"} <= set(keys)  # the overview is depth 0
    assert {"scope transformer", "scope transformer/blocks/1", "scope transformer/blocks/0/attention"} <= set(keys)
    assert len(keys) == len(set(keys))


def test_each_node_is_in_one_box_of_every_view(model, of_model):
    for shown in of_model:
        found = sorted(itertools.chain.from_iterable(map(members, shown["boxes"])))
        assert found == list(range(len(model))), shown["key"]


def test_a_small_scope_is_open_with_what_is_around_it(of_model):
    shown = next(s for s in of_model if s["key"] == "scope transformer/blocks/0/attention")
    open_scopes = {cluster["scope"] for cluster in shown["clusters"]}
    assert "transformer/blocks/0/attention/query" in open_scopes
    assert "transformer/blocks/0/feed_forward" not in open_scopes


def test_every_box_and_point_lies_in_the_picture(of_model):
    for shown in of_model:
        width, height = shown["size"]
        for box in shown["boxes"]:
            x, y, w, h = box["at"]
            assert -1 <= x <= x + w <= width + 1, shown["key"]
            assert -1 <= y <= y + h <= height + 1, shown["key"]
        for _, _, points, *_ in shown["arrows"]:
            assert (len(points) - 4) % 6 == 0  # curves of three points, and the tip
            xs, ys = itertools.accumulate(points[::2]), itertools.accumulate(points[1::2])
            assert all(-20 <= x <= width + 20 and -20 <= y <= height + 20 for x, y in zip(xs, ys, strict=True))


def test_arrows_begin_and_end_at_their_boxes(of_model):
    for shown in of_model:
        for source, target, points, *_ in shown["arrows"]:
            ends = (points[0], points[1]), (sum(points[::2]), sum(points[1::2]))
            for (x, y), number in zip(ends, (source, target), strict=True):
                left, top, width, height = shown["boxes"][number]["at"]
                assert left - 8 <= x <= left + width + 8, shown["key"]
                assert top - 8 <= y <= top + height + 8, shown["key"]


def test_both_uses_of_one_operand_have_an_arrow():
    x = mg.Tensor(3.0, requires_grad=True, name="x")
    (shown,) = lay_out_views((x * x).graph())[0]
    assert [arrow[:2] for arrow in shown["arrows"]] == [[0, 1], [0, 1]]
    assert shown["arrows"][0][2] != shown["arrows"][1][2]


def test_arrows_of_a_gradient_graph_point_where_the_values_go():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    graph = mg.graph_of(ops.sum(ops.exp(x)), gradients=True)
    (shown,) = lay_out_views(graph)[0]
    uses = [[x.number, node.number] for node in graph for x in node.inputs if isinstance(x, type(node))]
    assert sorted(arrow[:2] for arrow in shown["arrows"]) == sorted(uses)


def test_no_view_has_more_than_a_thousand_boxes(without_engine):
    found, notes = lay_out_views(chain(3_000))
    assert max(len(shown["boxes"]) for shown in found) <= 1_000
    assert len(found[0]["boxes"]) <= 150
    assert ["groupedViews", 1, 1_000] in notes


def test_EN2_without_an_engine_there_is_a_layout_and_the_page_says_how_to_get_a_better_one(without_engine, model):
    found, notes = lay_out_views(model)
    assert ["noEngine"] in notes
    assert all(box["at"][2] > 0 for shown in found for box in shown["boxes"])


def test_EN4_what_an_engine_refuses_is_laid_out_here(monkeypatch, lesson):
    def fails(*args, **kwargs):
        raise engines.LayoutError("no")

    monkeypatch.setattr(layouts, "layout_together", fails)
    found, notes = lay_out_views(lesson)
    assert len(found[0]["boxes"]) == 6
    assert notes == [["engineFailed", 1, 1]]


def test_one_view_that_an_engine_refuses_does_not_cost_the_others_theirs(monkeypatch, model):
    largest = max(len(plan.text) for plan in plans_of(model))

    def refuse_largest(texts, engine, *, timeout):
        if any(len(text) >= largest for text in texts):  # longer the second time, as its notes have no room
            raise engines.LayoutError("no")
        return engines.layout_together(texts, engine, timeout=timeout)

    expected, _ = lay_out_views(model)
    monkeypatch.setattr(layouts, "layout_together", refuse_largest)
    found, notes = lay_out_views(model)
    assert notes == [["engineFailed", 1, len(found)]]
    assert sum(one["size"] == other["size"] for one, other in zip(found, expected, strict=True)) == len(found) - 1


def plans_of(graph):
    return [layouts._plan_view(key, shown, Look(direction="TB")) for key, shown in layouts._choose_views(graph, None)]


def test_a_loop_with_its_gradient_is_laid_out_by_an_engine_that_gives_it_up_at_first():
    weight, recurrent_weight, bias = (mg.Tensor(np.ones(shape), requires_grad=True) for shape in ((4, 5), (5, 5), 5))
    h = mg.Tensor(np.zeros((2, 5)))
    for _ in range(12):
        h = mg.tanh(mg.Tensor(np.ones((2, 4))) @ weight + h @ recurrent_weight + bias)
    assert lay_out_views(mg.sum(h * h).graph(gradients=True))[1] == []


def test_TX12_an_engine_is_started_a_few_times_and_equal_views_are_laid_out_once(monkeypatch):
    runs = []

    def count(texts, engine, *, timeout):
        runs.append(len(texts))
        return engines.layout_together(texts, engine, timeout=timeout)

    monkeypatch.setattr(layouts, "layout_together", count)
    views, _ = lay_out_views(language_model(12))  # those of the blocks at both ends are not equal to those of others
    assert sum(runs) < len(views) * 2 / 3
    assert len(runs) < len(views) / 5


def overlap(a, b):
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def test_layered_boxes_do_not_overlap_and_lie_in_their_frames(model):
    for depth in range(5):
        shown = make_view(model, depth=depth)
        placed = lay_out_in_rows(shown, dict.fromkeys(shown.boxes, (60.0, 30.0)))
        for a, b in itertools.combinations(map(astuple, placed.boxes.values()), 2):
            assert not overlap(a, b)
        frames = {id(cluster): at for cluster, at in placed.clusters}
        for cluster in list_clusters(shown.clusters):
            left, top, width, height = astuple(frames[id(cluster)])
            for box in cluster.boxes:
                x, y, w, h = astuple(placed.boxes[box])
                assert left < x < x + w < left + width
                assert top < y < y + h < top + height


def test_layered_operands_lie_above_their_users(lesson):
    shown = make_view(lesson)
    placed = lay_out_in_rows(shown, {box: (60.0, 12.0 * len(describe_box(shown, box))) for box in shown.boxes})
    for arrow in shown.arrows:
        assert placed.boxes[arrow.source].y < placed.boxes[arrow.target].y


def test_layered_scopes_may_be_nested_deeply():
    x = mg.Tensor([1.0], requires_grad=True)
    path = "/".join(["deeper"] * 1_500)
    with mg.scope(path):
        y = ops.exp(x)
    shown = make_view(ops.sum(np.float64(2.0) * y).graph(), depth=2_000)
    assert lay_out_in_rows(shown, dict.fromkeys(shown.boxes, (60.0, 30.0))).size[0] > 60


def test_uses_of_a_hub_are_written_in_the_boxes_of_its_users():
    weight = mg.Tensor([0.5], requires_grad=True, name="W_hh")
    y = mg.Tensor([1.0], requires_grad=True, name="y")
    for _ in range(120):
        y = ops.tanh(y * weight)
    views, _ = lay_out_views(y.graph())
    everything = max(views, key=lambda shown: len(shown["boxes"]))
    lines = [line for box in everything["boxes"] for line in box.get("lines", ())]
    assert lines.count("← W_hh") == 120
    assert ["uses", "120", ""] in lines


def test_what_a_loop_repeats_says_what_is_true_of_every_turn():
    y = mg.Tensor([1.0], requires_grad=True, name="y")
    for number in range(120):
        y = ops.tanh(y * (0.5 + number))
        y.name = f"h{number}"
    views, _ = lay_out_views(y.graph())
    lines = [box.get("lines") for box in views[0]["boxes"]]
    assert ["multiply(·, …)", "(1,)"] in lines
    assert ["h0 … h118", "tanh", "(1,)"] in lines
    (frame,) = views[0]["clusters"]
    assert frame["repeated"]
    assert {len(members(box)) for box in views[0]["boxes"]} == {1, frame["count"]}


def test_the_first_view_is_open_down_to_a_depth_that_is_asked_for(model):
    for depth in (0, 2, 99):
        views, _ = lay_out_views(model, depth=depth)
        expected = make_view(model, depth=depth)
        assert views[0]["key"] == "overview"
        assert len(views[0]["boxes"]) == len(expected.boxes)
    for wrong in (-1, "2", True):
        with pytest.raises(ValueError, match="expected a whole number"):
            lay_out_views(model, depth=wrong)


def test_between_the_first_view_and_everything_there_is_none_that_is_large(monkeypatch, model):
    expected, _ = lay_out_views(model)
    monkeypatch.setattr(layouts, "MOST_BETWEEN", 20)
    depths = [(shown["key"], len(shown["boxes"])) for shown in expected if shown["key"].startswith("depth")]
    wanted = [key for key, count in depths[:-1] if count <= 20] + [depths[-1][0]]
    assert len(wanted) < len(depths)
    assert [shown["key"] for shown in lay_out_views(model)[0] if shown["key"].startswith("depth")] == wanted


def test_boxes_are_as_wide_as_what_is_seen_of_a_name():
    """A long name is cut; in place of what cannot be seen stands its number, which is longer."""
    widths = []
    for name in ("x" * 60, "x" * 300, "\u202e" * 20, "\\u202e" * 20):
        (shown,) = lay_out_views(ops.exp(mg.Tensor([1.0], requires_grad=True, name=name)).graph())[0]
        widths.append(shown["boxes"][0]["at"][2])
    assert 0 <= widths[1] - widths[0] <= 6, "an ellipsis"
    assert widths[2] == widths[3]


def test_every_view_runs_in_the_direction_that_is_asked_for(lesson):
    for direction, (along, forwards) in {"LR": (0, 1), "TB": (1, 1), "BT": (1, -1), "RL": (0, -1)}.items():
        views, _ = lay_out_views(lesson, direction=direction)
        for shown in views:
            for source, target, *_ in shown["arrows"]:
                begin, end = (shown["boxes"][number]["at"][along] for number in (source, target))
                assert (end - begin) * forwards > 0
    with pytest.raises(ValueError, match="direction='up'"):
        lay_out_views(lesson, direction="up")
