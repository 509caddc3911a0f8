"""What a report shows of the step that trains: how long its gradients are, and one example, forward and backward.

A traced step and a batch enter, norms and a `Graph` with values leave. Nothing is written, and draws are put back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.checks.steps import Traced, draws_put_back, read_draws
from minigrad.core.modes import within
from minigrad.core.tensor import Tensor, new_tensor
from minigrad.graph import Graph, Node
from minigrad.graph.called import differentiate
from minigrad.graph.part import find_needed
from minigrad.graph.run import apply_to_arrays, bind_arguments, find_last_uses, interpret, values_of_leaves


def measure_gradients(step: Callable[..., Any], batch: Sequence[Any]) -> list[tuple[Node, float]]:
    """The parameters of the step, and the length of the gradient that it takes for each, at its present weights."""
    traced = Traced.of(step, batch)
    sweeps = [check.sweep for check in traced.sweeps]
    nodes = find_needed(gradient for sweep in sweeps for gradient in sweep.gradients)
    values = values_of_leaves(traced.graph, bind_arguments(traced.graph, tuple(batch)))
    last_uses = find_last_uses(nodes, [gradient for sweep in sweeps for gradient in sweep.gradients])
    with np.errstate(all="ignore"), draws_put_back(read_draws(traced.graph)):
        interpret(nodes, values, apply_to_arrays, last_uses)
    totals: dict[Node, Any] = {}
    for sweep in sweeps:
        for target, gradient in zip(sweep.targets, sweep.gradients, strict=True):
            if target.role == "parameter":
                totals[target] = totals.get(target, 0.0) + values[gradient.number].astype(np.float64)
    return [(target, float(np.linalg.norm(total.ravel()))) for target, total in totals.items()]


def follow_example(step: Callable[..., Any], batch: Sequence[Any]) -> Graph:
    """The loss of the first example of a batch, or of all where it cannot be taken apart, as a graph with values."""
    try:
        one = [x[:1] for x in batch]
        traced, batch = Traced.of(step, one), one
    except Exception:  # whatever the step says to a batch of one
        traced = Traced.of(step, batch)
    graph, output = traced.graph, traced.sweeps[-1].sweep.outputs[0]
    values: list[Any] = [node.cell for node in graph]
    for node, array in zip(graph.inputs, bind_arguments(graph, tuple(batch)), strict=True):
        values[node.number] = tensor = new_tensor(array, requires_grad=node.requires_grad, role="input")
        tensor.name = node.name

    def record(node: Node, operands: list[Any]) -> Tensor:
        assert node.function is not None
        with within(place=node._tensor.place):
            result = node.function(*operands, **node.params)
        result.name = node.name
        return result

    with np.errstate(all="ignore"), within(record=True), draws_put_back(read_draws(graph)):
        interpret(find_needed([output]), values, record, {})
        loss = values[output.number]
        return differentiate(loss if loss.shape == () else loss.sum())
