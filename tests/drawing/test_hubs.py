"""What is used everywhere has no arrows: its box counts its uses, and the boxes of those say what they take."""

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.boxes import View
from minigrad.drawing.dot import dot_source
from minigrad.drawing.hubs import MOST_PASSED, can_lay_out, count_passed, find_ranks
from minigrad.drawing.labels import describe_box
from minigrad.drawing.mermaid import mermaid_source
from minigrad.drawing.view import make_view
from minigrad.graph import Graph, Node


def leaf(*shape: int, name: str | None = None) -> mg.Tensor:
    return mg.Tensor(np.full(shape, 0.5), requires_grad=True, name=name)


def hub(steps: int, name: str | None = "hub") -> Graph:
    x, y = leaf(2, name=name), leaf(2, name="y")
    for choice in np.random.default_rng(0).integers(0, 4, steps):
        y = (mg.tanh, mg.sin, mg.cos, mg.sigmoid)[choice](y) + x
    return y.graph()


def mirrored(depth: int) -> Graph:
    rng, x, kept = np.random.default_rng(0), leaf(2, name="image"), []
    for choice in rng.integers(0, 3, depth):
        x = (mg.tanh, mg.cos, mg.sin)[choice](x)
        kept.append(x)
    for choice in rng.integers(0, 3, depth):
        x = (mg.tanh, mg.cos, mg.sin)[choice](x) + kept.pop()
    return x.graph()


def uses(shown: View) -> list[tuple[Node, int]]:
    return [use for arrow in (*shown.arrows, *shown.cut) for use in arrow.uses]


@pytest.mark.parametrize("name", ["hub", None])
def test_both_ends_of_a_cut_arrow_say_what_it_would_have_shown(name: str | None) -> None:
    shown = make_view(hub(60, name))
    (box,) = shown.uses_of
    number = box.nodes[0].number
    own = name or f"%{number}"
    assert describe_box(shown, box)[-1] == ("60 uses" if name else f"%{number}: 60 uses")
    users = [describe_box(shown, arrow.target)[-1] for arrow in shown.cut]
    assert users == [f"← {own}"] * 60
    assert f"60 uses of {own} are written in boxes, as ← name" in shown.notes
    assert not any(arrow.source is box for arrow in shown.arrows)
    assert sorted(position for _, position in uses(shown)).count(1) == 60


def choose_without_repeats(steps: int) -> Iterator[Callable[[mg.Tensor], mg.Tensor]]:
    """Nowhere the same few twice in a row: each by how often its number can be halved."""
    ways = (mg.tanh, mg.sin, mg.cos, mg.sigmoid, mg.negative, mg.arctan)
    return (ways[(number & -number).bit_length() - 1] for number in range(1, steps + 1))


def test_a_hub_that_stands_for_several_leaves_is_called_by_all_their_names() -> None:
    y = leaf(2, name="y")
    for number, way in enumerate(choose_without_repeats(60)):
        y = way(y) + leaf(2, name=f"w{number}")
    shown = make_view(y.graph())
    assert "60 uses of w0 … w59 are written in boxes, as ← name" in shown.notes
    (box,) = shown.uses_of
    assert describe_box(shown, box)[-1] == "60 uses"
    assert [describe_box(shown, arrow.target)[-1] for arrow in shown.cut] == [f"← w{number}" for number in range(60)]


def test_the_uses_of_a_hub_are_those_of_every_turn() -> None:
    x, y = leaf(2, name="hub"), leaf(2, name="y")
    for _ in range(30):
        y = mg.tanh(y * x)
    for way in choose_without_repeats(50):
        y = way(y) + x
    shown = make_view(y.graph())
    assert "what is repeated is drawn once: ×29" in shown.notes
    assert "80 uses of hub are written in boxes, as ← name" in shown.notes


def test_few_uses_keep_their_arrows() -> None:
    assert not make_view(hub(12)).cut


@pytest.mark.parametrize("graph", [hub(60), mirrored(50), hub(2_000)], ids=["hub", "mirrored", "large"])
def test_by_default_an_engine_has_little_to_do(graph: Graph) -> None:
    shown = make_view(graph)
    assert can_lay_out(shown)
    assert sum(count_passed(shown.boxes, shown.arrows).values()) <= MOST_PASSED
    assert len(set(uses(shown))) == len(uses(shown)), "no use is drawn twice"


def test_what_was_asked_for_loses_hubs_alone() -> None:
    assert not make_view(mirrored(50), depth=9).cut
    assert len(make_view(hub(200), depth=9).cut) == 200


def test_ranks_are_below_operands_and_leaves_above_their_first_user() -> None:
    shown = make_view(hub(12))
    ranks = find_ranks(shown.boxes, shown.arrows)
    assert all(ranks[arrow.source] < ranks[arrow.target] for arrow in shown.arrows)
    assert max(ranks.values()) == 24


def test_gradients_lie_beside_what_they_are_of() -> None:
    graph = mg.sum(mg.exp(mg.tanh(leaf(2, name="x")))).graph(gradients=True)
    shown = make_view(graph)
    ranks = find_ranks(shown.boxes, shown.arrows)
    turned = [arrow for arrow in shown.arrows if arrow.turned]
    assert turned
    assert all(ranks[arrow.target] < ranks[arrow.source] for arrow in turned)


def test_mermaid_and_dot_say_the_same() -> None:
    graph = hub(60)
    assert mermaid_source(graph).count("← hub") == dot_source(graph).count(r"\n← hub\"".replace(r"\"", '"')) == 60
    assert "60 uses" in mermaid_source(graph)


def test_tooltips_name_the_node_that_a_hub_gives() -> None:
    assert len(re.findall(r"← hub: %\d+ = parameter", dot_source(hub(60)))) == 60
