"""What a foreign program does that no op of minigrad does: an op that asks the other engine, kept out of the registry.

The readers in this room make nodes with it; `Graph.of` makes a graph of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from inspect import Parameter
from typing import Any

import numpy as np

from minigrad.core.arrays import Shaped
from minigrad.core.errors import NUMPYS_OWN, CaptureError
from minigrad.core.modes import current_mode, within
from minigrad.core.op import Op
from minigrad.core.storage import array_of
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph.build import trace
from minigrad.graph.called import name_of
from minigrad.graph.made import make_operation
from minigrad.graph.node import Node


class ForeignOp(Op):
    """One operation of a foreign program, with one result. Params are only shown: `evaluate` knows its own.

    Args:
        name: the engine, a dot and what the engine calls it: `jax.scan`.
        evaluate: the result as an array, from arrays.
        result: its shape and type.
        effect: it is a random draw.
        called: what the engine calls its operands, if it says.
    """

    def __init__(
        self, name: str, evaluate: Callable[..., Any], result: Shaped, params: Mapping[str, Any], effect: bool,
        called: Sequence[str],
    ) -> None:  # fmt: skip
        def forward(*operands: Any, **params: Any) -> Any:
            return evaluate(*operands)

        super().__init__(forward, name=name, effect=effect, differentiable=False)
        self.__doc__, self.result, self.called = f"{name}, which minigrad has evaluated.", result, called
        self.flops = None  # what another engine computes is not counted
        self.defaults = {name: Parameter.empty if _can_be_shown(x) else x for name, x in params.items()}

    def _enter(self, stands_for: object) -> None:
        """It is on no record."""

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, kwargs

    def argument(self, position: int) -> str:
        return self.called[position] if self.called else f"x{position + 1}"

    def infer(self, inputs: object, params: object) -> Shaped:
        return self.result


def make_results(
    name: str, evaluate: Callable[..., Any], inputs: Sequence[Tensor | float | None],
    results: Sequence[tuple[Iterable[int], Any]], params: Mapping[str, Any], *, used: Collection[int] | None = None,
    scope: str = "", order: int = 0, effect: bool = False, called: Sequence[str] = (),
) -> list[Tensor | None]:  # fmt: skip
    """The nodes of a foreign operation, one for each result; None for those that nothing uses.

    Args:
        evaluate: the result from arrays, or a sequence of results where there are several.
        results: their shapes and types.
        used: the positions of those that something uses; by default all.
        called: what the engine calls each input.
    """
    used = range(len(results)) if used is None else used
    evaluation = _Evaluation(evaluate, used)
    nodes: list[Tensor | None] = []
    for position, (shape, dtype) in enumerate(results):
        if position not in used:
            nodes.append(None)
            continue
        which = {"result": position} if len(results) > 1 else {}
        compute = evaluation.taker(position) if len(results) > 1 else evaluate
        shaped = Shaped(tuple(shape), np.dtype(dtype))
        op = ForeignOp(name, compute, shaped, {**which, **params}, effect, called)
        nodes.append(make_operation(op, inputs, shape, dtype, {**which, **params}, scope=scope, order=order))
    return nodes


class _Evaluation:
    """Several results of one evaluation, for the nodes that ask for one each: in one run, on the same operands."""

    def __init__(self, evaluate: Callable[..., Any], used: Collection[int]) -> None:
        self._evaluate, self._used, self._left = evaluate, used, _Left()

    def taker(self, position: int) -> Callable[..., Any]:
        def take(*operands: Any) -> Any:
            left, run = self._left, (current_mode(), *operands)  # each run has a mode of its own
            same = all(x is known for x, known in zip(run, left.run, strict=False))
            # Those before it in a graph ask first; what an earlier run of a part has left may be of other values.
            if position == min(self._used) or position not in left.results or not same:
                results = self._evaluate(*operands)
                left.run, left.results = run, {number: results[number] for number in self._used}
            result = left.results.pop(position)
            if not left.results:  # memory is held no longer than it is needed
                left.run = ()
            return result

        return take


class _Left(threading.local):
    """What no node has asked for yet, in each thread."""

    def __init__(self) -> None:
        self.run: tuple[Any, ...] = ()
        self.results: dict[int, Any] = {}


def fits(
    op: Op, inputs: Sequence[Tensor | float | None], params: Mapping[str, Any], shape: Iterable[int], dtype: Any
) -> bool:
    """Whether `op` makes a result of this shape and type: a reader translates no operation where it does not."""
    absent = (None,) * (len(op.arguments) - len(inputs))
    try:
        result = op.infer((*inputs, *absent), {**op.defaults, **params})
    except NUMPYS_OWN:
        return False
    return result == Shaped(tuple(shape), np.dtype(dtype))


def compute_values(nodes: Iterable[Tensor]) -> None:
    """Give each operation among `nodes`, made in order, its value, where the leaves have theirs."""
    with np.errstate(all="ignore"):  # other engines do not warn
        for node in nodes:
            if node.op is not None:
                operands = [x._held if isinstance(x, Tensor) else x for x in node.inputs]
                node._held = np.asarray((node.op.guarded or node.op.forward)(*operands, **node.params))


def name_extra(reader: str, library: str, error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The error of a reader whose engine is not installed."""
    return ModuleNotFoundError(
        f"{reader} needs the library {library}, minigrad's extra `{library}`: python -m pip install {library}, or in a "
        f'clone of minigrad python -m pip install ".[{library}]"',
        name=error.name,
    )


def compose(
    function: Callable[..., Tensor], inputs: Sequence[Tensor], make: Callable[..., Any], constant: Callable[..., Tensor]
) -> Tensor:
    """What a function of Tensors makes of these inputs, op by op: `make(op, *inputs, **params)` writes a node."""
    zeros = (np.broadcast_to(np.zeros((), x.dtype), x.shape) for x in inputs)
    with within(grad=True):
        graph = trace(function, *(new_tensor(x, requires_grad=x.dtype.kind == "f") for x in zeros))
    written: dict[Any, Tensor] = dict(zip(graph._given, inputs, strict=True))
    for node in graph:
        if node.op is None and node not in written:
            written[node] = constant(array_of(node.cell))
        elif node.op is not None:
            operands = (written[x] if isinstance(x, Node) else x for x in node.inputs)
            written[node] = make(node.function, *operands, **node.params)
    return written[graph.outputs[0]]


def refuse(
    reader: str, engine: str, function: Callable[..., Any], error: Exception, advice: str = ""
) -> CaptureError:  # fmt: skip
    """The error of a reader where the engine does not take the program, with the first line of what it says."""
    says = next(filter(None, map(str.strip, str(error).splitlines())), "no reason given")
    return CaptureError(f"{reader}: {engine} cannot trace {name_of(function)}: {type(error).__name__}: {says}{advice}")


def _can_be_shown(value: Any) -> bool:
    """Whether a param is plain, and says something."""
    parts = value if isinstance(value, tuple) else (value,)
    plain = all(x is None or isinstance(x, (bool, int, float, str, np.dtype)) for x in parts)
    return plain and any(x is not None and x is not False for x in parts)
