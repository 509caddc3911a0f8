"""Turns: which of the equals that are drawn as one give what an arrow shows, and which take it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from minigrad.drawing.fold import Folding
from minigrad.drawing.phrases import Phrase
from minigrad.drawing.remarks import join_names
from minigrad.drawing.scopes import Key
from minigrad.graph import Node

LATER = Phrase("later turn")  # takes what the turn that computes it does not


def find_chained(nodes: Iterable[Node], folding: Folding) -> set[Key]:
    """The runs in which a turn takes what another one computed."""
    chained = set()
    for node in nodes if folding.first else ():
        after = folding.find_turns(node.number)
        for x in node.inputs:
            before = folding.find_turns(x.number) if isinstance(x, Node) else {}
            chained.update([run for run, turn in before.items() if after.get(run, turn) != turn][:1])
    return chained


def write_turns(
    ends: Sequence[tuple[Node, Node | None]], folding: Folding, chained: Collection[Key], takers: int = 1
) -> str:
    """The turns at both ends of an arrow, as far as they do not go without saying.

    Args:
        ends: what is taken and who takes it, for each use that the arrow shows; None for a next value.
        chained: as of `find_chained`.
        takers: how many next values there are.

    Returns:
        Empty where all take what the last turn of a chain leaves, and where turns take that of one each, in order.
    """
    pairs, givers, is_chain = set(), 1, True
    for place, (x, node) in enumerate(ends):
        before = folding.find_turns(x.number)
        after = {} if node is None else folding.find_turns(node.number)
        shared = before.keys() & after.keys()
        is_chain = is_chain and before.keys() - shared <= set(chained)
        giver, givers = _rank_turn(before, shared, folding)
        taker, takers = (place, takers) if node is None else _rank_turn(after, shared, folding)
        pairs.add((giver, taker))
    given, taken = {giver for giver, _ in pairs}, {taker for _, taker in pairs}
    order = _name_order(pairs) if len(pairs) == len(given) == len(taken) > 1 else ""
    if order == "one by one" and givers == takers == len(pairs):
        return ""
    entering = "" if len(taken) == takers else Phrase("first") if taken == {0} else _count_turns(taken, takers)
    if given == {givers - 1} and is_chain:
        return Phrase("last to each") if givers > 1 and takers > 1 and not entering else entering
    leaving = Phrase("each") if len(given) == givers else _name_leaves(ends, len(given)) or _count_turns(given, givers)
    if order:
        return Phrase(order, leaving if entering in ("", leaving) else Phrase("from to", leaving, entering))
    return Phrase("from to", leaving, entering or Phrase("each")) if takers > 1 else leaving


def _rank_turn(turns: Mapping[Key, int], shared: Collection[Key], folding: Folding) -> tuple[int, int]:
    """Which turn it is of the runs that are not shared, those inside others counted through, and of how many."""
    rank, total = 0, 1
    for run, turn in turns.items():
        if run not in shared:
            rank, total = rank * folding.counts[run] + turn, total * folding.counts[run]
    return rank, total


def _name_order(pairs: Iterable[tuple[int, int]]) -> str:
    """The phrase for turns that go with one of another loop each: whether those come in the same order."""
    taken = [taker for _, taker in sorted(pairs)]
    if taken == sorted(taken):
        return "one by one"
    return "from the last on" if taken == sorted(taken, reverse=True) else "in another order"


def _name_leaves(ends: Iterable[tuple[Node, object]], count: int) -> str:
    """The names of leaves that have one each."""
    leaves = {x.name: x for x, _ in ends if x.op is None and x.name}
    return join_names(leaves.values()) if len(leaves) == count else ""


def _count_turns(ranks: Collection[int], total: int) -> str:
    key, count = ("turn", min(ranks) + 1) if len(ranks) == 1 else ("some turns", len(ranks))
    return Phrase(key, str(count), str(total))
