"""Node: one line of a graph, as plain data. `build.py` makes them; listings, pictures and executors read them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from inspect import Parameter
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Union

import numpy as np

if TYPE_CHECKING:
    from minigrad.core.op import Op
    from minigrad.core.tensor import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
LONGEST_FAILURE = 100  # characters that a listing shows of it; `Node.failure` has them all
Operand = Union["Node", float, None]  # Python numbers (bool, int, float) stay what they are


class Origin(NamedTuple):
    """What a gradient node was made for: the derivative of `node` (None: not in this graph) for its `argument`."""

    node: Node | None
    argument: str


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Node:
    """One value of a graph and how it is computed.

    `op` and `function` are None for leaves. `role` is input, parameter, state, constant, cotangent, random or op.
    `order` is the order of derivative: 0 for the forward pass, 1 for its gradient, 2 for the gradient of that, and so
    on. `value` and `gradient` are read-only arrays where the graph has them.
    `of_gradient` tells an operation of a gradient from one that uses gradients, as the update does.
    `failure` is why the op has no value, the last node of a `minigrad.recording` that an exception ended.
    `made_by` is, for a constant without history, the op whose result it is: `stop_gradient` for what was detached.
    `requires_grad` is that of the Tensor when the graph was made.
    """

    number: int
    op: str | None
    function: Op | None
    inputs: tuple[Operand, ...]
    params: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    name: str | None
    scope: str
    role: str
    output: bool
    order: int
    origin: Origin | None
    line: str | None
    value: Array | Any  # None where the graph has no values; those who read one know that it has
    gradient: Array | Any
    made_by: str | None
    requires_grad: bool
    _tensor: Tensor
    failure: str | None = None
    of_gradient: bool = False

    @property
    def id(self) -> int:
        """The id of the Tensor that it shows: the trail calls nodes by it."""
        return self._tensor.id

    @property
    def cell(self) -> Tensor | None:
        """Of a leaf, the live Tensor: `memory_of` it is the array that it has now, and `assign` writes into that."""
        return self._tensor if self.function is None else None

    @property
    def path(self) -> str:
        """The scope and the name: `attention/scores`."""
        return "/".join(part for part in (self.scope, self.name) if part)

    @property
    def purpose(self) -> str:
        """For a gradient node, which derivative it was made for: `∂%7/∂x1`."""
        if self.origin is None or self.origin.node is None:
            return ""
        return f"∂%{self.origin.node.number}/∂{self.origin.argument}"

    @property
    def given(self) -> tuple[Operand, ...]:
        """The inputs without those that were left out at the end."""
        count = max((i for i, x in enumerate(self.inputs, 1) if x is not None), default=0)
        return self.inputs[:count]

    @property
    def expression(self) -> str:
        """How the value is computed: `sum(%3, axis=-1)`, or the role of a leaf."""
        if self.function is None:
            return self.role
        operands = [f"%{x.number}" if isinstance(x, Node) else repr(x) for x in self.given]
        return f"{self.op}({', '.join(operands + self.settings())})"

    def settings(self, leave_out: Collection[str] = (), complete: bool = False) -> list[str]:
        """The params that are not at their default, as `axis=-1`, but for those that are left out.

        Of a `complete` list, only defaults that switch something off are missing: None and False.
        """
        defaults = self.function.defaults if self.function is not None else {}
        return [
            f"{name}={_write_param(value)}"
            for name, value in self.params.items()
            if name not in leave_out
            and (
                (complete and value is not None and value is not False)
                or not _is_same(value, defaults.get(name, Parameter.empty))
            )
        ]

    def notes(self) -> list[str]:
        """What ends the line of a listing: the path, the purpose of a node without a name, source line and failure."""
        purpose = f"for {self.purpose}" if self.purpose and not self.name else ""
        failure = f"failed: {self.failure}" if self.failure else ""
        if len(failure) > LONGEST_FAILURE:
            failure = failure[: LONGEST_FAILURE - 1] + "…"
        return [printable(note) for note in (self.path, purpose, self.line, failure) if note]

    def __repr__(self) -> str:
        computed = f"%{self.number} = {printable(self.expression)}"
        return "  ".join([computed, f"{self.shape} {self.dtype.name}", *self.notes()])

    def __reduce__(self) -> NoReturn:
        refuse_to_copy()


def refuse_to_copy() -> NoReturn:
    """What pickle and deepcopy meet: nodes and graphs look into the memory of live Tensors, state among them."""
    raise TypeError(
        "a graph looks into live Tensors and can be neither pickled nor copied: send the function that makes it, and "
        "the weights, or its text, str(graph) or graph.dot()"
    )


def printable(text: str) -> str:
    """`text` on one line: what cannot be printed becomes its escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _is_same(value: Any, default: Any) -> bool:
    # Types first: 1 is not True here, and numpy.dtype("float64") == None holds.
    return value is default or (type(value) is type(default) and bool(value == default))


def _write_param(value: Any) -> str:
    """A param as Python would write it, and never with an address in it."""
    if isinstance(value, tuple) and type(value) is not tuple:
        return str(value)
    if isinstance(value, tuple):
        inside = ", ".join(_write_param(x) for x in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if isinstance(value, np.dtype):
        return str(value)
    if value is None or value is Ellipsis or isinstance(value, (bool, int, float, str, slice)):
        return repr(value)
    name = getattr(value, "__name__", type(value).__name__)
    return f"<{name}>"
