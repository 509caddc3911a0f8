"""Where boxes and notes lie: a graph that one layout is too much for has another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES, LayoutError
from minigrad.drawing.labels import describe_arrow
from minigrad.drawing.look import Look
from minigrad.drawing.painter import plan_picture
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
