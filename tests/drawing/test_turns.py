"""Arrows of what is drawn once for several turns: every use has one, and its note says of which turns it is."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.boxes import View
from minigrad.drawing.dot import dot_source
from minigrad.drawing.explorer.layouts import lay_out_views
from minigrad.drawing.labels import describe_arrow
from minigrad.drawing.mermaid import mermaid_source
from minigrad.drawing.view import make_view
from minigrad.graph import Graph, Node, graph_of


def leaf(name: str | None = None) -> mg.Tensor:
    return mg.Tensor([1.0, 2.0], requires_grad=True, name=name)


def carry_two() -> Graph:
    values = [leaf("x")] * 2
    for _ in range(60):
        values.append(mg.tanh(values[-1] * values[-2]))
    return values[-1].graph()


def read_backwards() -> Graph:
    values = [mg.exp(leaf(f"k{number}")) for number in range(60)]
    h = leaf("x")
    for value in reversed(values):
        h = mg.tanh(h * value)
    return h.graph()


def take_from_the_middle() -> Graph:
    h, values = leaf("x"), []
    for _ in range(60):
        h = mg.tanh(h * 2.0)
        values.append(h)
    return (h + values[29]).graph()


def skip_over() -> Graph:
    """Down, then up again, each step up with what a step down left."""
    h, kept = leaf("image"), []
    for _ in range(20):
        h = mg.exp(mg.tanh(h))
        kept.append(h)
    for value in reversed(kept):
        h = mg.sin(h + value) * 2.0
    return mg.sum(h).graph(gradients=True)


def attend_to_the_last() -> Graph:
    """What the last turn of a loop leaves goes into every turn of the next one."""
    h, y = leaf("x"), leaf("y")
    for _ in range(60):
        h = mg.tanh(h * 2.0)
    for _ in range(60):
        y = mg.sin(y * h)
    return y.graph()


def nest() -> Graph:
    y = leaf("y")
    for _ in range(20):
        scale = mg.exp(y)
        for _ in range(30):
            y = mg.sin(y * scale)
        y = mg.cos(y) + 1.0
    return y.graph()


def stack_all() -> Graph:
    h, values = leaf("x"), []
    for _ in range(100):
        h = mg.tanh(h * 2.0)
        values.append(mg.reshape(h, (1, 2)))
    return mg.concatenate(values).graph()


def chain_blocks(*, skipping: bool = False, taken: int = 5) -> Graph:
    x = leaf("x") * 1.0
    values = [x]
    for number in range(6):
        with mg.scope(f"block {number}"):
            values.append(mg.tanh((x if skipping and number == 3 else values[-1]) * 2.0))
    return graph_of([*values[1:], mg.exp(values[1 + taken])])


def lay_blocks_beside_each_other() -> Graph:
    x, values = leaf("x") * 1.0, []
    for number in range(6):
        with mg.scope(f"block {number}"):
            values.append(mg.tanh(x * 2.0))
    return graph_of([*values, mg.exp(values[-1])])


def take_in_order(turns: Iterable[int]) -> Graph:
    """A loop whose first and last turns take fixed ones of another loop, and those between them the ones given."""
    h = k = leaf("x")
    values = []
    for _ in range(60):
        h = mg.tanh(h * 2.0)
        values.append(h)
    for turn in (5, *turns, 5):
        k = mg.sin(k + values[turn])
    return k.graph()


SHUFFLED = np.random.default_rng(1).permutation(range(10, 50)).tolist()
TAKEN: dict[str, list[int]] = {
    "one by one": [*range(10, 50)], "from the last on": [*range(49, 9, -1)], "in another order": SHUFFLED,
}  # fmt: skip


def take_up() -> Graph:
    return take_in_order(TAKEN["one by one"])


def take_down() -> Graph:
    return take_in_order(TAKEN["from the last on"])


def take_shuffled() -> Graph:
    return take_in_order(TAKEN["in another order"])


def write_next_values(order: Iterable[int]) -> Graph:
    """As many cells as turns, each of which is given what one turn leaves."""
    cells = [mg.Tensor([0.0, 0.0], name=f"cell{number}") for number in range(60)]

    def step(x: mg.Tensor) -> mg.Tensor:
        values = []
        for _ in range(60):
            x = mg.tanh(x * 2.0)
            values.append(x)
        for cell, turn in zip(cells, order, strict=True):
            mg.assign(cell, values[turn])
        return x

    return mg.trace(step, mg.Tensor([1.0, 2.0]))


GRAPHS = [
    carry_two, read_backwards, take_from_the_middle, skip_over, attend_to_the_last, nest, stack_all, chain_blocks,
    lay_blocks_beside_each_other, take_up, take_down, take_shuffled,
]  # fmt: skip


def list_notes(shown: View) -> dict[tuple[str, str], list[str]]:
    """What the arrows say of turns, by what they join: names or operations, or titles of scopes."""
    notes: dict[tuple[str, str], list[str]] = {}
    for arrow in shown.arrows:
        source, target = (
            box.title if box.node is None else box.node.name or str(box.node.op)
            for box in (arrow.source, arrow.target)
        )  # fmt: skip
        notes.setdefault((source, target), []).append(arrow.turns)
    return notes


@pytest.mark.parametrize("depth", [None, 0])
@pytest.mark.parametrize("build", GRAPHS)
def test_every_use_from_outside_a_run_is_in_one_arrow(build: Callable[[], Graph], depth: int | None) -> None:
    """Within a run the first turn tells it."""
    graph = build()
    shown = make_view(graph, depth=depth)
    uses = [use for arrow in (*shown.arrows, *shown.cut) for use in arrow.uses]
    assert len(set(uses)) == len(uses)
    find_turns = shown.folding.find_turns
    for node in graph:
        for position, x in enumerate(node.inputs):
            if isinstance(x, Node) and shown.box_of[x.number] is not shown.box_of[node.number]:
                before, after = find_turns(x.number), find_turns(node.number)
                shared = before.keys() & after.keys()
                told = not any(before[run] or after[run] for run in shared)
                assert ((node, position) in uses) >= told


def rank_among(nodes: tuple[Node, ...], node: object) -> int:
    return [x is node for x in sorted(nodes, key=lambda x: x.number)].index(True)


@pytest.mark.parametrize("build", GRAPHS)
def test_notes_are_true_of_the_places_of_nodes_in_their_boxes(build: Callable[[], Graph]) -> None:
    """Read anew from the numbers of nodes alone, where no loop is around both ends and none within another."""
    shown = make_view(build())
    for arrow in shown.arrows:
        source, target = arrow.source.nodes, arrow.target.nodes
        before, after = (shown.folding.find_turns(nodes[0].number) for nodes in (source, target))
        if before.keys() & after.keys() or len(before) > 1 or len(after) > 1:
            continue
        pairs = [(rank_among(source, node.inputs[at]), rank_among(target, node)) for node, at in arrow.uses]
        given, taken = map(set, zip(*pairs, strict=True))
        is_last, is_each = given == {len(source) - 1}, len(given) == len(source)
        all_take = len(taken) == len(target)
        if not arrow.turns:
            one_by_one = is_each and all_take and len(source) == len(target)
            in_order = one_by_one and all(giver == taker for giver, taker in pairs)
            assert in_order or (is_last and all_take and (len(source) == 1 or len(target) == 1))
        elif arrow.turns == "first":
            assert (is_last, taken) == (True, {0})
        elif arrow.turns == "each":
            assert is_each
            assert len(target) == 1
        elif arrow.turns == "last → each":
            assert is_last
            assert all_take
        elif arrow.turns.startswith("turn "):
            _, turn, _, count = arrow.turns.split()
            end, ranks = (target, taken) if len(target) > 1 else (source, given)
            assert (ranks, len(end)) == ({int(turn) - 1}, int(count))
        else:
            many = "each" if is_each else f"{len(given)} of {len(source)}"
            steps = [after > before for (_, before), (_, after) in pairwise(sorted(pairs))]
            kind = "one by one" if all(steps) else "in another order" if any(steps) else "from the last on"
            assert arrow.turns == f"{many}, {kind}"
            assert len(given) == len(taken) == len(arrow.uses)


@pytest.mark.parametrize(("kind", "turns"), TAKEN.items())
def test_the_order_in_which_turns_meet_those_of_another_loop_is_said(kind: str, turns: list[int]) -> None:
    assert f"40 of 50, {kind}" in list_notes(make_view(take_in_order(turns)))["tanh", "add"]


def test_pictures_in_which_turns_meet_in_another_order_differ() -> None:
    assert len({mermaid_source(take_in_order(turns)) for turns in TAKEN.values()}) == len(TAKEN)


def test_a_gradient_takes_the_turns_of_its_loop_from_the_last_on() -> None:
    h = leaf("x")
    for _ in range(60):
        h = mg.tanh(h * 2.0)
    notes = list_notes(make_view(mg.sum(h).graph(gradients=True)))
    assert notes["multiply", "tanh_slope"] == ["59 of 60, from the last on", "turn 1 of 60"]


@pytest.mark.parametrize(("note", "step"), [("", 1), ("each, from the last on", -1)])
def test_next_values_say_whether_they_come_in_the_order_of_turns(note: str, step: int) -> None:
    arrows = make_view(write_next_values(range(60)[::step])).arrows
    assert note in [arrow.turns for arrow in arrows if arrow.target.kind == "next"]


def test_what_the_first_turns_alone_take_from_outside_is_said() -> None:
    notes = list_notes(make_view(carry_two()))
    assert notes["x", "multiply"] == ["", "", "first"], "the multiplies before the loop, then the first in it"
    assert sorted(notes["tanh", "multiply"]) == ["", "first", "turn 2 of 58", "turn 57 of 58"]


def test_loops_that_take_from_each_other_have_an_arrow() -> None:
    notes = list_notes(make_view(read_backwards()))
    assert "58 of 59, from the last on" in notes["exp", "multiply"]
    assert "turn 1 of 59" in notes["exp", "multiply"]


def test_two_operands_from_one_loop_are_two_arrows() -> None:
    assert list_notes(make_view(take_from_the_middle()))["tanh", "add"] == ["", "turn 30 of 60"]


def test_skips_over_a_loop_are_drawn() -> None:
    notes = list_notes(make_view(skip_over()))
    assert sorted(notes["exp", "add"]) == ["each, from the last on", "first"]


def test_what_the_last_turn_leaves_for_every_turn_is_told_from_turn_by_turn() -> None:
    assert "last → each" in list_notes(make_view(attend_to_the_last()))["tanh", "multiply"]
    blocks = [mg.exp(leaf()) for _ in range(60)]
    assert set(list_notes(make_view(graph_of([mg.tanh(mg.sin(block)) for block in blocks])))["exp", "sin"]) == {""}


def test_an_inner_loop_leaves_its_last_turn_to_the_outer_one() -> None:
    notes = list_notes(make_view(nest()))
    assert set(notes["sin", "cos"]) == {""}, "in the outer loop, and after it"
    assert set(notes["exp", "multiply"]) == {""}, "each turn of the inner loop takes it"
    assert set(notes["sin", "multiply"]) == {"first"}
    assert "first" in notes["y", "exp"]


def test_turns_of_a_loop_within_a_loop_are_counted_through() -> None:
    h, values = leaf("x"), []
    for _ in range(12):
        for _ in range(6):
            h = mg.tanh(h * 2.0)
            values.append(h)
        h = mg.exp(h)
    assert list_notes(make_view((h + values[20]).graph()))["tanh", "add"] == ["turn 21 of 72"]


def test_heads_beside_each_other_are_no_chain_though_blocks_around_them_are() -> None:
    values = [leaf("x") * 1.0] * 3
    for number in range(4):
        with mg.scope(f"block {number}"):
            before, values = values, []
            for place in range(3):
                with mg.scope(f"head {place}"):
                    values.append(mg.tanh(before[place - 1] * 2.0))
    notes = list_notes(make_view(graph_of([*values, mg.exp(values[-1])]), limit=10))
    assert notes["tanh", "exp"] == ["turn 9 of 9"]


def test_every_turn_says_which_operand_it_takes() -> None:
    x, condition, values = leaf("x"), mg.constant([True, False], name="which"), []
    for number in range(6):
        with mg.scope(f"block {number}"):
            values.append(mg.where(condition, x, mg.exp(x)))
    shown = make_view(graph_of(values), limit=8)
    notes = [
        (len(arrow.uses), describe_arrow(arrow)) for arrow in shown.arrows if arrow.source.nodes[0].name == "which"
    ]
    assert [note for _, note in notes] == [["condition"]] * len(notes)
    assert max(uses for uses, _ in notes) > 1


def test_a_closed_scope_gives_all_operands_of_a_node_by_one_arrow() -> None:
    x = leaf("x")
    with mg.scope("both"):
        first, second = mg.exp(x), mg.tanh(x)
    (arrow,) = (arrow for arrow in make_view((first - second).graph(), depth=0).arrows if arrow.source.kind == "scope")
    assert [position for _, position in arrow.uses] == [0, 1]


def test_what_takes_every_turn_says_so() -> None:
    assert list_notes(make_view(stack_all()))["reshape", "concatenate"] == ["", "each"], "that of the first turn"


def test_leaves_that_are_drawn_as_one_are_called_by_name() -> None:
    leaves = [leaf(f"w{number}") for number in range(50)]
    notes = list_notes(make_view(graph_of([mg.concatenate(leaves), mg.exp(leaves[7])]), limit=40))
    assert notes["w0", "exp"] == ["w7"]
    assert notes["w0", "concatenate"] == ["each"]


def test_closed_scopes_say_what_enters_and_leaves_which() -> None:
    block = "block 0–block 5"
    chained, skipping = (list_notes(make_view(chain_blocks(skipping=mixed), depth=0)) for mixed in (False, True))
    assert (chained["multiply", block], skipping["multiply", block]) == (["first"], ["2 of 6"])
    beside = list_notes(make_view(lay_blocks_beside_each_other(), depth=0))
    assert (beside["multiply", block], beside[block, "exp"]) == ([""], ["turn 6 of 6"])
    assert chained[block, "exp"] == [""], "what the last of a chain leaves goes without saying"
    assert list_notes(make_view(chain_blocks(taken=1), depth=0))[block, "exp"] == ["turn 2 of 6"]


def test_a_value_that_the_next_turn_alone_takes_has_an_arrow() -> None:
    x, h, before = leaf("x"), leaf("h"), leaf("before")
    for number in range(60):
        with mg.scope(f"step {number}"):
            h, before = mg.tanh(h + before), mg.exp(x)
    assert list_notes(make_view(graph_of([h, mg.sin(before)])))["tanh", "add"] == ["first", "later turn"]


@pytest.mark.parametrize(("written", "note"), [(60, ""), (1, "turn 30 of 59")])
def test_next_values_say_whose_they_are(written: int, note: str) -> None:
    cells = [mg.Tensor([0.0, 0.0], name=f"cell{number}") for number in range(written)]

    def step(x: mg.Tensor) -> mg.Tensor:
        values = []
        for _ in range(60):
            x = mg.tanh(x * 2.0)
            values.append(x)
        for cell, value in zip(cells, values if written == 60 else values[29:], strict=False):
            mg.assign(cell, value)
        return x

    shown = make_view(mg.trace(step, mg.Tensor([1.0, 2.0])))
    assert note in [arrow.turns for arrow in shown.arrows if arrow.target.kind == "next"]


def test_arrows_of_groups_say_what_those_said_that_they_take_the_place_of() -> None:
    shown = make_view(read_backwards(), limit=6)
    notes = {(arrow.source.kind, arrow.target.kind): arrow.turns for arrow in shown.arrows}
    assert notes["node", "group"] == "turn 1 of 59"
    whole, merged = make_view(skip_over()), make_view(skip_over(), limit=12)
    said = {arrow.turns for arrow in whole.arrows}
    assert {note for arrow in merged.arrows for note in arrow.turns.split("; ")} <= said
    assert any("; " in arrow.turns for arrow in merged.arrows)


def test_every_writer_says_the_turns() -> None:
    graph = take_from_the_middle()
    assert "turn 30 of 60" in mermaid_source(graph)
    assert "turn 30 of 60" in dot_source(graph)
    assert ["turn 30 of 60"] in [describe_arrow(arrow) for arrow in make_view(graph).arrows]
    views, _ = lay_out_views(chain_blocks(taken=1))
    assert "['turn', '2', '6']" in str(views), "as data: the page says it"
