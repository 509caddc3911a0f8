"""Running a function once on stand-ins for its arguments: shapes without values.

Functions and their arguments enter; a `Recording` that has seen everything leaves, and `build.py` makes a graph of it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds

from minigrad.core.arrays import Shaped, real_array
from minigrad.core.errors import CaptureError
from minigrad.core.modes import current_mode, within
from minigrad.core.record import registry
from minigrad.core.storage import check_alive, memory_of
from minigrad.core.structure import leaves, map_leaves
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph.arguments import strip
from minigrad.graph.weak import Recording
from minigrad.wording.messages import describe

SCALARS = "?bBhHiIlLqQefd"  # types of NumPy scalars that `item()` makes a number of Python's


def capture(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Recording:
    """Run `function` once on stand-ins that have a shape and a dtype but no values.

    Raises:
        CaptureError: the function reads a value, or lets an array in that is not an argument.
    """
    return record(function, args, kwargs)


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """What a function takes, also one of NumPy's, which do not tell before NumPy 2.4.

    >>> signature_of(np.add)
    <Signature (x1, x2, /, **options)>
    """
    if not isinstance(function, np.ufunc):
        return inspect.signature(function)
    names = ["x"] if function.nin == 1 else [f"x{i + 1}" for i in range(function.nin)]
    operands = [inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names]
    return inspect.Signature([*operands, inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)])


def record(
    function: Callable[..., Any], args: Any, kwargs: Any, use: Callable[..., None] = lambda *thing: None
) -> Recording:
    """What `function` does with these arguments; `use` is called with every module and optimiser that it uses."""
    if current_mode().capture is not None:
        raise CaptureError("capture inside capture: call the inner function directly")
    given = signature_of(function).bind(*args, **kwargs)
    arguments, tensors = dict(given.arguments), [x for x in leaves((args, kwargs)) if isinstance(x, Tensor)]
    state: dict[int, Tensor] = {}
    while True:
        recording = Recording(use)
        stand_ins, failure = StandIns(recording, state), None
        with within(capture=recording, record=True):
            for name, value in arguments.items():
                given.arguments[name] = map_named(stand_ins.argument, name, value)
            recording.example = strip((*given.args, *given.kwargs.values()), lambda x: isinstance(x, Tensor))
            try:
                recording.outputs = map_leaves(_take_output, function(*given.args, **given.kwargs))
            except Exception as error:
                failure = error
        known = {x.id: x for x in tensors if x.id in recording.met}
        if known.keys() <= state.keys():
            if failure is not None:
                raise failure
            check_apart(list(recording.updates))
            return recording
        state |= known  # once more, as the function knows these arguments by itself, too: from its module, perhaps


def map_named(function: Callable[[str, Any], Any], name: str, tree: Any) -> Any:
    """As `map_leaves`, of a function that is also told what each leaf is called: `xs[1]`, `layers[0]['w']`."""
    names = name_leaves(name, tree)
    return map_leaves(lambda leaf: function(next(names), leaf), tree)


def name_leaves(name: str, tree: Any) -> Iterator[str]:
    """What the leaves of `tree` are called, which itself is called `name`."""
    if isinstance(tree, (dict, tuple, list)):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from name_leaves(f"{name}[{key!r}]", value)
    else:
        yield name


def check_apart(state: list[Tensor]) -> None:
    """Refuse to write to two Tensors that look into the same memory: each would have a next value of its own."""
    before: list[Tensor] = []  # what reaches furthest of those that begin earlier
    for tensor in sorted((t for t in state if t.size), key=lambda t: byte_bounds(memory_of(t))[0]):
        if before and np.shares_memory(memory_of(before[0]), memory_of(tensor)):
            raise CaptureError(
                f"{describe(before[0])} and {describe(tensor)} share memory, and the captured function assigns both: "
                "assign one of them, or keep a copy()"
            )
        if not before or byte_bounds(memory_of(before[0]))[1] < byte_bounds(memory_of(tensor))[1]:
            before = [tensor]


class StandIns:
    """What stands for the arrays among the arguments: one for one Tensor; state stands for itself."""

    def __init__(self, recording: Recording, state: dict[int, Tensor]) -> None:
        self.recording = recording
        self.known = {id(x): (x, x) for x in state.values()}  # by `id`: what stands for it, and as it is used

    def argument(self, name: str, value: Any) -> Any:
        """The stand-in for one array among the arguments; numbers, strings and modules stay what they are."""
        if not isinstance(value, (Tensor, np.ndarray, np.generic)):
            return value
        check_alive(value)
        if not isinstance(value, Tensor):
            real_array(value, what=f"argument {name!r}: ")
        if not isinstance(value, Tensor) or id(value) not in self.known:  # of arrays no gradient is taken
            self.known[id(value)] = self._make(name, value)
        stand_in, used = self.known[id(value)]
        self.recording.given.append(stand_in)
        return used

    def _make(self, name: str, value: Any) -> tuple[Tensor, Tensor]:
        wish = getattr(value, "_requires_grad", False)
        stand_in = used = new_tensor(Shaped(value.shape, value.dtype), requires_grad=wish, role="input")
        stand_in.name = getattr(value, "name", None) or name
        if not value.dtype.isnative:
            used = registry["astype"](stand_in, dtype=value.dtype.newbyteorder("="))
        if isinstance(value, np.ndarray):
            self.recording.arrays.add(used)
        elif isinstance(value, np.generic) and value.dtype.char in SCALARS:
            self.recording.plain.add(used)
            self.recording.weak.add(used)
        return stand_in, used


def _take_output(value: Any) -> Any:
    """What stands for a result of the function."""
    if isinstance(value, np.ndarray):
        raise CaptureError("the captured function returns a NumPy array: return Tensors")
    if isinstance(value, (Iterator, AsyncIterator, Coroutine)):
        if isinstance(value, Coroutine):
            value.close()  # or Python says that nobody waited for it
        raise CaptureError(
            f"the captured function returns a {type(value).__name__}, which would run when the capture is over: return "
            "Tensors, in tuples, lists or dictionaries"
        )
    return memory_of(value) if isinstance(value, Tensor) else value
