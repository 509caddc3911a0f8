"""Where boxes and notes lie: a graph that one layout is too much for has another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES, LayoutError
from minigrad.drawing.labels import describe_arrow
from minigrad.drawing.look import Look
from minigrad.drawing.outlines import Frame
from minigrad.drawing.painter import paint_picture, plan_picture
from minigrad.drawing.sheet import Group, Rectangle, Text
from minigrad.drawing.sheet import Path as Line
from minigrad.drawing.view import make_view
from minigrad.graph import Graph

Program = Callable[..., str]


def leaf(*shape: int) -> mg.Tensor:
    return mg.Tensor(np.ones(shape), requires_grad=True)


def unrolled_with_gradient(steps: int) -> Graph:
    weight, recurrent_weight, bias, h = leaf(4, 5), leaf(5, 5), leaf(5), mg.Tensor(np.zeros((2, 5)))
    for _ in range(steps):
        h = mg.tanh(mg.Tensor(np.ones((2, 4))) @ weight + h @ recurrent_weight + bias)
    return mg.sum(h * h).graph(gradients=True)


@pytest.mark.parametrize("steps", [8, 60])
def test_a_loop_with_its_gradient_has_places_for_all_its_notes(engine: str, steps: int) -> None:
    shown = make_view(unrolled_with_gradient(steps))
    places = plan_picture(shown, Look(), engine).places
    notes = [curve.note for arrow, curve in zip(shown.arrows, places.arrows, strict=True) if describe_arrow(arrow)]
    assert len(notes) > 30
    assert None not in notes


def test_notes_of_arrows_lie_above_boxes_on_a_ground_of_their_own(engine: str) -> None:
    shown, look = make_view((leaf(2, 3) + leaf(3)).graph()), Look()
    plan = plan_picture(shown, look, engine)
    beside, box = plan.places.arrows[1], plan.places.boxes[shown.boxes[0]]
    on_a_box = replace(beside, note=(box.x, box.y + box.height))
    for curve, parts in ((beside, [Line, Line, Text]), (on_a_box, [Line, Line, Rectangle, Text])):
        places = replace(plan.places, arrows=[plan.places.arrows[0], curve])
        painted = paint_picture(replace(plan, places=places), look).children
        groups = {part.id.rpartition("-")[2]: part for part in painted if isinstance(part, Group)}
        assert [*groups] == [*(box.id for box in shown.boxes), "a0", "a1"]
        assert [type(part) for part in groups["a1"].children] == parts


def test_frames_meet_where_they_share_more_than_an_edge() -> None:
    frame = Frame(0, 0, 10, 4)
    assert frame.meets(Frame(9, 3, 5, 5))
    assert Frame(9, -3, 5, 5).meets(frame)
    assert not any(frame.meets(Frame(x, y, 5, 5)) for x, y in [(10, 0), (-5, 0), (0, 4), (0, -5)])


def test_an_engine_that_fails_with_room_for_notes_is_asked_without(
    program: Program, engine: str, tmp_path: Path
) -> None:
    real = next(known.find() for known in ENGINES if known.name == engine)
    picky = program(
        f"cat > '{tmp_path}/in'; grep -q ' -> .*, label=' '{tmp_path}/in' && exit 1; {real} \"$@\" < '{tmp_path}/in'"
    )
    shown = make_view((leaf(2, 3) + leaf(3)).graph())
    places = plan_picture(shown, Look(), picky).places
    assert [curve.note is not None for curve in places.arrows] == [False, True]


@pytest.mark.parametrize(("noted", "runs"), [(True, 2), (False, 1)])
def test_an_engine_that_always_fails_is_asked_once_more_where_there_are_notes(
    program: Program, tmp_path: Path, noted: bool, runs: int
) -> None:
    graph = (leaf(2, 3) + (leaf(3) if noted else leaf(2, 3))).graph()
    failing = program(f"echo run >> '{tmp_path}/runs'; exit 1")
    with pytest.raises(LayoutError, match="exit code 1"):
        plan_picture(make_view(graph), Look(), failing)
    assert (tmp_path / "runs").read_text().count("run") == runs


def test_an_engine_that_has_taken_all_its_time_is_not_asked_again(program: Program, tmp_path: Path) -> None:
    slow = program(f"echo run >> '{tmp_path}/runs'; sleep 60")
    with pytest.raises(LayoutError, match=r"stopped after 0\.6 s"):
        plan_picture(make_view((leaf(2, 3) + leaf(3)).graph()), Look(), slow, 0.6)
    assert (tmp_path / "runs").read_text() == "run\n"
