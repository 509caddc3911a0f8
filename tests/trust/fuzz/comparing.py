"""Whether the three ways to run a program agree: to rounding, or in a named error."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import minigrad as mg

from .program import Program
from .pruning import pruned, without_gradients_of_one
from .running import RUNS, Arrays, Compiled, Eager, Nudged, Outcome, Traced, forget_what_was_inferred, is_float

ULPS = 16  # of the largest value of an array: what may differ without a look at the program
MOVES = 8  # runs with other roundings, where there is more
SPREAD = 16  # times what these differ

REFUSED_BY_CAPTURE = {
    "a boolean index": r"how many elements a boolean index selects",
    "updated before": r"was updated before: capture one training step, or use no_grad\(\)",
    "a NumPy scalar in the source": r"a NumPy array \w+\((1,? ?)*\) enters while",  # where NumPy makes an array of it
    "numbers alone": r"the captured function returns a NumPy array: return Tensors",
}
"""What only a captured function refuses, as documented: a name and what the message says."""

REFUSED_BY_EAGER = {
    "a value written too early": r"was written to after \w+ used it",
}
"""What only eager code refuses, since it has the new value in the place of the old: captured functions have both."""


class Verdict(NamedTuple):
    """`kind` is "alike", "refused" (by all), "by capture" or "by eager" (alone) or, of a failure, what differs.

    `detail` says it in full.
    """

    kind: str
    detail: str = ""
    undecided: int = 0  # arrays that rounding alone makes different
    compiled: Any = None  # what ran the program, where it is as eager code

    @property
    def failed(self) -> bool:
        return self.kind not in ("alike", "refused", "by capture", "by eager")


def judge(program: Program) -> Verdict:
    """Run a program and compare."""
    forget_what_was_inferred()
    try:
        eager = Eager(program)
    except Exception as error:
        return Verdict("not a program", repr(error))
    compiled = Compiled(program)
    ways = {"compiled": compiled, "graph": Traced(program)}
    nudged: Callable[[int], list[Outcome]] = functools.cache(lambda run: outcomes_nudged(program, run))
    undecided, precision, largest = 0, shortest_precision(program), largest_given(program)
    for run, call in enumerate(RUNS):
        expected = eager.outcome(call)
        if expected.error is not None and not is_named(expected.error):
            return Verdict(f"eager raises {raw_text(expected.error)}", full(expected.error))
        for name, way in ways.items():
            actual = way.outcome(call)
            if expected.error is not None or actual.error is not None:
                verdict = of_errors(name, expected, actual, program, call)
                if verdict is not None:
                    return verdict
                continue
            problem, count = difference(expected, actual, functools.partial(nudged, run), precision, largest)
            undecided += count
            if problem:
                return Verdict(f"{name} differs in {problem[0]}", f"call {run}: {problem[1]}")
            way.settle(eager)
        if expected.error is not None:
            return Verdict("refused", message_of(expected.error))
    return Verdict("alike", undecided=undecided, compiled=compiled)


def of_errors(name: str, expected: Outcome, actual: Outcome, program: Program, call: int) -> Verdict | None:
    """The verdict where one of the two raised, None where both did as they should."""
    if actual.error is None:
        for title, pattern in REFUSED_BY_EAGER.items():
            if re.search(pattern, str(expected.error)):
                return Verdict("by eager", title)
        if Eager(pruned(program)).outcome(call).error is None:
            return Verdict("by eager", "what nobody uses")
        for fewer in without_gradients_of_one(program):  # right if what is left makes the same in eager code
            eager = Eager(fewer)
            for each in RUNS[: RUNS.index(call) + 1]:  # with the state of that call
                left = eager.outcome(each)
            if left.error is None and difference(left, actual, list, shortest_precision(program), 0.0)[0] is None:
                return Verdict("by eager", "what nobody uses")
        return Verdict(f"{name} does not raise", f"eager raises {full(expected.error)}")
    if type(actual.error) is type(expected.error):  # by name in eager code; a program shows the line, in the traceback
        return None
    text = f"{type(actual.error).__name__}: {actual.error}"
    if not is_named(actual.error):
        return Verdict(f"{name} raises {raw_text(actual.error)}", full(actual.error))
    if expected.error is not None:
        return None
    for title, pattern in REFUSED_BY_CAPTURE.items():
        if re.search(pattern, text):
            return Verdict("by capture", title)
    return Verdict(f"{name} refuses: {message_of(actual.error)}", full(actual.error))


# --- errors -----------------------------------------------------------------------------------------------------------


def is_named(error: BaseException) -> bool:
    """Whether an error is one of ours, or says which public function it is about."""
    if isinstance(error, mg.MinigradError):
        return True
    if not isinstance(error, (TypeError, ValueError, IndexError, OverflowError)):
        return False
    if any(note.startswith("in ") for note in getattr(error, "__notes__", ())):  # the node or the line is named
        return True
    named = re.match(r"(?:minigrad\.|x\[)?(\w+)", str(error)) or re.search(r"`(\w+)", str(error))
    return (named is not None and hasattr(mg, named[1])) or re.match(NAMED, str(error)) is not None


NAMED = r"a cotangent of shape|an index must be|\w+: expected|repeated axis in `\w+|numpy\.\w+ is not supported"
"""How errors begin that say what they are about in other words."""


def raw_text(error: BaseException) -> str:
    return f"a raw {message_of(error)}"


def full(error: BaseException | None) -> str:
    notes = "".join(f"\n    {note}" for note in getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error}{notes}"


def message_of(error: BaseException) -> str:
    """A message without what changes from program to program."""
    text = re.sub(r"^(\w+)\(.*?\): ", r"\1: ", str(error).splitlines()[0] if str(error) else "")
    text = re.sub(
        r"\([^()]*\)|\[[^\[\]]*\]|'[^']*'|(?<=shapes).*(?=do not)|: axis .*|-?\d+|(?<=made by) \w+", "…", text
    )
    return f"{type(error).__name__}: {text[:100]}"


# --- values -----------------------------------------------------------------------------------------------------------


def outcomes_nudged(program: Program, run: int) -> list[Outcome]:
    """The results of one call, several times with other roundings, from the state that calls before it left."""
    found = []
    for seed in range(MOVES):
        way, steady = Nudged(program, seed), Eager(program)
        for call in RUNS[:run]:
            steady.outcome(call)
        way.settle(steady)
        found.append(way.outcome(RUNS[run]))
    return found


def difference(
    expected: Outcome, actual: Outcome, nudged: Callable[[], list[Outcome]], precision: float, largest: float
) -> tuple[tuple[str, str] | None, int]:
    """What differs, in a word and in full, and how many arrays only rounding tells apart."""
    assert expected.arrays is not None
    assert actual.arrays is not None
    undecided = 0
    for kind in ("arrays", "state"):
        ours: Arrays = getattr(actual, kind)
        theirs: Arrays = getattr(expected, kind)
        if len(ours) != len(theirs):
            return ("count", f"{len(ours)} {kind} instead of {len(theirs)}"), undecided
        for place, (a, e) in enumerate(zip(ours, theirs, strict=True)):
            what = "value" if kind == "arrays" else "state"
            if a.shape != e.shape:
                return ("shape", f"{what} {place}: {a.shape} instead of {e.shape}"), undecided
            a, e = (x.astype(x.dtype.newbyteorder("="), copy=False) for x in (a, e))  # programs compute in their own
            if a.dtype != e.dtype:
                return ("dtype", f"{what} {place}: {a.dtype} instead of {e.dtype}"), undecided
            wrong = differs(a, e, precision)
            if wrong.any():
                moved = [m for m in nudged() if m.arrays is not None]
                moves = [getattr(m, kind)[place] for m in moved]
                wrong &= ~explained_by(moves, a, e) if len(moved) == MOVES else False
                wrong &= ~nothing_left(a, e, largest)
                if wrong.any():
                    return (what, f"{what} {place} is {shown(a)} instead of {shown(e)}"), undecided
                undecided += 1
    if actual.draws != expected.draws:
        return ("draws", "the generator is left in another state"), undecided
    return None, undecided


def shortest_precision(program: Program) -> float:
    """Of the floats that a program is given: what it makes of several types is as exact as the shortest of them."""
    given = [x for leaf in program.leaves.values() for x in leaf.values[:1]]
    return max((float(np.finfo(x.dtype).eps) for x in given if is_float(x)), default=0.0)


def differs(a: Any, e: Any, precision: float = 0.0) -> Any:
    """Where two arrays of one type differ by more than a little rounding, in it or in `precision`."""
    if e.dtype.kind != "f":
        return np.asarray(a != e)
    with np.errstate(all="ignore"):
        finite = np.isfinite(e)
        scale = np.abs(e[finite]).max(initial=0).astype(float)
        kind = np.finfo(e.dtype)
        least = max(max(float(kind.eps), precision) * scale, float(kind.smallest_subnormal))
        near = np.abs(a.astype(float) - e.astype(float)) <= ULPS * least
        return np.asarray(~np.where(finite, near, (a == e) | (np.isnan(a) & np.isnan(e))))


def explained_by(moves: list[Any], a: Any, e: Any) -> Any:
    """Where the difference is no larger than what other roundings of eager code make."""
    if any(m.shape != e.shape for m in moves):
        return np.ones(e.shape, bool)
    if e.dtype.kind != "f":
        return np.any([m != e for m in moves], axis=0)
    with np.errstate(all="ignore"):
        stable = np.all([np.isfinite(m) == np.isfinite(e) for m in moves], axis=0)
        same_end = np.all([(m == e) | (np.isnan(m) & np.isnan(e)) for m in moves], axis=0)
        spread = np.max([np.where(np.isfinite(m), np.abs(m.astype(float) - e), 0.0) for m in moves], axis=0)
        widest = np.nan_to_num(spread).max(initial=0)
        near = np.abs(a.astype(float) - e.astype(float)) <= SPREAD * widest
        return np.where(np.isfinite(e), near | ~stable, ~same_end)


def nothing_left(a: Any, e: Any, largest: float) -> Any:
    """Where one is 0 and the other what rounding leaves of terms as large as what the program was given."""
    if e.dtype.kind != "f":
        return np.zeros(e.shape, bool)
    least = ULPS * float(np.finfo(e.dtype).eps) * largest
    with np.errstate(all="ignore"):
        return ((e == 0) & (np.abs(a) <= least)) | ((a == 0) & (np.abs(e) <= least))


def largest_given(program: Program) -> float:
    """The largest finite number that a program is given, 1 at least."""
    floats = [np.asarray(x, float) for leaf in program.leaves.values() for x in leaf.values if is_float(x)]
    return max([1.0, *(float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in floats)])


def shown(array: Any) -> str:
    return f"{array.tolist()} ({array.dtype})"
