"""Recording whatever is computed inside a `with` block, also where an exception ends it.

`recording` is for users. It puts a `Watch` into the mode, which the engine calls for every node; what failed is read
from the exception's traceback.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.errors import GraphError
from minigrad.core.modes import Place, Watch, Within
from minigrad.core.op import Op
from minigrad.core.storage import held_by
from minigrad.core.structure import leaves
from minigrad.core.tensor import Tensor, constant, new_tensor
from minigrad.graph.build import build
from minigrad.graph.graph import Graph
from minigrad.graph.watching import join_watches
from minigrad.wording.source import is_ours, name_file


def recording() -> Recording:
    """A `with` block whose computations can be seen afterwards, also when one of them raises.

    Inside, every operation is recorded, whether a gradient is wanted or not. After an exception, which goes on its way,
    `graph()` ends with the operation that raised, marked as failed in listing and picture; if the exception came from
    elsewhere, nothing is marked.

    Compiled functions run without their program, and what `minigrad.trace` captures is recorded on shapes. All that was
    computed inside is kept as long as the recording is.

    >>> import minigrad as mg
    >>> try:
    ...     with mg.recording() as r:
    ...         query = mg.Tensor([1.0, 2.0], name="query") * 0.5
    ...         query.reshape(3)
    ... except ValueError:
    ...     graph = r.graph()
    >>> graph[-1].expression
    'reshape(%1, shape=3)'
    >>> print(graph[-1].failure)
    ValueError: reshape(x: float64 (2,) made by multiply, shape=3): cannot reshape array of size 2 into shape (3,)
    """
    return Recording()


class Recording:
    """What was computed inside a `with` block; made by `recording`."""

    def __init__(self) -> None:
        self._watch = watch = _Recorder()
        self._within = Within(lambda mode: mode._replace(record=True, watch=join_watches(mode.watch, watch)))
        self._made = watch.made
        self._failure: tuple[Tensor, str] | None = None

    def __enter__(self) -> Self:
        self._within.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.made = []  # modules keep the mode they ran in, and the watch with it
        self._within.__exit__(kind, error, trace)
        if isinstance(error, Exception):
            self._failure = _find_failure(error)

    def __repr__(self) -> str:
        count = sum(tensor.op is not None for tensor in self._made)
        failed = f", then {self._failure[1]}" if self._failure else ""
        return f"<recording of {count} operations{failed}>"

    def graph(self) -> Graph:
        """The graph of everything computed so far, and of what it was computed from.

        Its outputs are the results that nothing used.

        Raises:
            GraphError: nothing was computed.
        """
        made = [tensor for tensor in self._made if tensor.op is not None] or list(self._made)
        failures = {}
        if self._failure is not None:
            failed, message = self._failure
            failures[failed.id] = message
            made = [tensor for tensor in made if tensor is not failed] + [failed]
        if not made:
            raise GraphError("nothing was computed inside this recording")
        used = {x.id for tensor in made for x in tensor.inputs if isinstance(x, Tensor)}
        results = [tensor for tensor in made if tensor.id not in used]
        given = [x for tensor in made for x in tensor.inputs if isinstance(x, Tensor)]
        captured = any(held_by(x) is None and not isinstance(x.shape, _Unknown) for x in (*made, *given))
        arguments = {x.id: x for x in given if x.role == "input"} if captured else {}
        return build(
            results[0] if len(results) == 1 else results, [arguments[id] for id in sorted(arguments)],
            captured=captured, failures=failures,
        )  # fmt: skip


class _Recorder(Watch):
    def __init__(self) -> None:
        self.made: list[Tensor] = []

    def node(self, tensor: Tensor, op: Any, inputs: tuple[Any, ...]) -> None:
        self.made.append(tensor)


# --- what failed ------------------------------------------------------------------------------------------------------


class _Unknown(tuple[int, ...]):
    """The shape of a result that there is not, shown as `?`."""

    def __repr__(self) -> str:
        return "?"


_NOTHING = Shaped(_Unknown(), np.dtype(np.void))


def _find_failure(error: BaseException) -> tuple[Tensor, str] | None:
    """The result of the operation that raised `error`, or what led to it, and why there is none; None for no operation.

    The innermost call of an operation on Tensors is the one: its frame has the operands.
    """
    cause: BaseException | None = error
    while cause is not None:
        line, failed = None, None
        trace = cause.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if not is_ours(frame):
                line = f"{name_file(frame)}:{trace.tb_lineno}"
            elif frame.f_code is Op.__call__.__code__:
                found = _make_result(frame.f_locals, line)
                failed = failed if found is None else found
            trace = trace.tb_next
        if failed is not None:
            return failed, f"{type(error).__name__}: {error}"
        cause = cause.__cause__
    return None


def _make_result(call: Mapping[str, Any], line: str | None) -> Tensor | None:
    """What a call of an operation, given by its variables, was about to return; None if that was no Tensor."""
    made = call.get("result")
    if isinstance(made, Tensor) and made.op is call["self"]:
        return made  # it has a value, which somebody who looks on refused
    inputs: list[Any] = []
    for x in call["args"]:
        inside = list(leaves(x))
        inputs += inside if any(isinstance(one, Tensor) for one in inside) else [x]
    if not any(isinstance(x, Tensor) for x in inputs) and inputs:
        return None
    operands = tuple(_make_operand(x) for x in inputs)
    result = new_tensor(_NOTHING, call["self"], operands, call["params"], place=call.get("place", Place()))
    result.line = line
    return result


def _make_operand(x: Any) -> Any:
    """An operand as a node can have it: what is neither a Tensor nor numbers becomes a leaf named after it."""
    if x is None or isinstance(x, (Tensor, bool, int, float)):
        return x
    try:
        return constant(x)
    except TypeError:
        unknown = new_tensor(_NOTHING, role="constant")
        unknown.name = reprlib.repr(x)
        return unknown
