"""What a page knows of a graph, as plain data for JSON: nodes, their arrays, and the steps of both passes.

In comes a `Graph`, out goes a dictionary of numbers, texts, lists and dictionaries, the same on every run and with
nothing of this machine in it. Called by `explore.py`, which adds the views and writes the page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.drawing.explorer.nodes import Plain, described, grid_for, text
from minigrad.drawing.explorer.samples import LADDER, Arrays, Limits, Sampling, plain_number
from minigrad.drawing.explorer.walk import Flow, Seed, Step, Value, walk
from minigrad.graph import Graph, Node
from minigrad.graph.absent import absent_gradients
from minigrad.graph.node import Array
from minigrad.graph.rule import RuleOfUse, rule_of_use

MOST_NUMBERS, PER_NODE, FROM = 20_000, 150, 400  # in all arrays of a page; more for each node above 400
SUM_DIGITS = 7  # significant, of what is added up
AGREEMENT = 1e-5  # relative: how close what was added up must be to the gradient


def payload(graph: Graph, tokens: Sequence[str] = ()) -> Plain:
    """Everything about `graph` but its views.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> y = mg.sum(x * x)
    >>> y.backward(keep=True)
    >>> data = payload(y.graph())
    >>> [node.get("op", node["role"]) for node in data["nodes"]], [step["kind"] for step in data["steps"]][:4]
    (['parameter', 'multiply', 'sum'], ['forward', 'forward', 'seed', 'backward'])
    """
    steps = walk(graph)
    flows = [step for step in steps if isinstance(step, Flow)]
    limits = _limits(graph, flows)
    samplings = _samplings(graph, flows, limits)
    arrays = Arrays()
    nodes = [described(node, sampling, arrays) for node, sampling in zip(graph, samplings, strict=True)]
    taken = [_step(step, samplings, arrays) for step in steps]
    rules = _add_rules(graph, nodes)
    for number, reason in absent_gradients(graph).items():
        nodes[number]["absent"] = text(reason)
    for number, swept in _earlier(graph, steps, samplings).items():
        nodes[number]["swept"] = arrays.add_sample(swept, SUM_DIGITS)
    return {
        "nodes": nodes,
        "steps": taken,
        "arrays": arrays.rows,
        "rules": rules,
        "formulas": {
            text(node.op): text(node.function.formula)
            for node in graph
            if node.function is not None and node.function.formula
        },
        "outputs": [node.number for node in graph.outputs],
        "updates": [[state.number, value.number] for state, value in graph.updates.items()],
        "tokens": [text(token) for token in tokens],
        "gradients": _which_gradients(graph, steps),
        "notes": _notes(samplings, limits),
    }


# --- steps ------------------------------------------------------------------------------------------------------------


def _step(step: Step, samplings: Sequence[Sampling], arrays: Arrays) -> Plain:
    def placed(array: Array, node: Node) -> int:
        return arrays.add(array, samplings[node.number].grid, samplings[node.number].gradient_digits)

    number = step.node.number
    if isinstance(step, Value):
        return {"kind": "forward", "node": number}
    if isinstance(step, Seed):
        return {"kind": "seed", "node": number, "this": placed(step.gradient, step.node)}
    size = float(np.linalg.norm(step.contribution.astype(np.float64).ravel()))
    found = {
        "kind": "backward", "node": number, "position": step.position, "target": step.target.number,
        "incoming": placed(step.incoming, step.node), "this": placed(step.contribution, step.target),
        "size": plain_number(size, 3),
    }  # fmt: skip
    return found | _summed(step)


def _summed(step: Flow) -> Plain:
    """How broadcasting was undone: which axes of the result were summed over."""
    assert step.node.function is not None
    result, target = step.node.shape, step.target.shape
    if not step.node.function.elementwise or result == target:
        return {}
    padded = (None,) * (len(result) - len(target)) + target
    axes = [axis for axis, (whole, own) in enumerate(zip(result, padded, strict=True)) if whole != own]
    over = f"axis {axes[0]}" if len(axes) == 1 else f"axes {', '.join(map(str, axes))}"
    return {"summed": f"summed over {over}, along which broadcasting had repeated it: {result} → {target}"}


# --- rules ------------------------------------------------------------------------------------------------------------


def _add_rules(graph: Graph, nodes: Sequence[Plain]) -> list[str]:
    """Give each operand its rule, each node what it keeps for the backward pass; the texts of the rules, each once."""
    known: dict[Any, RuleOfUse | None] = {}
    texts: dict[str, int] = {}
    differentiated = _differentiated(graph)
    for node, found in zip(graph, nodes, strict=True):
        kept: dict[int, str] = {}
        for operand in found.get("inputs", ()):
            position = operand["position"]
            x = node.inputs[position]
            if not isinstance(x, Node) or x.number not in differentiated:
                continue
            form = _form(node, position)
            if form not in known:
                known[form] = rule_of_use(node, position)
            rule = known[form]
            if rule is None:
                continue
            operand["rule"] = texts.setdefault(text(rule.formula), len(texts))
            read = {
                _number(node.inputs[i]): text(node.function.argument(i)) if node.function else "" for i in rule.reads
            }
            if rule.reads_result:
                read[node.number] = "y"
            operand["reads"] = [[number, letter] for number, letter in read.items()]
            kept |= read
        if any("rule" in operand for operand in found.get("inputs", ())):
            found["kept"] = [[number, letter] for number, letter in sorted(kept.items())]
    return list(texts)


def _differentiated(graph: Graph) -> set[int]:
    """The nodes for which the backward pass makes a gradient: parameters, and what depends on them."""
    found: set[int] = set()
    for node in graph:
        flows = node.function is not None and node.function.differentiable and node.dtype.kind == "f"
        if node.role == "parameter" or (flows and any(isinstance(x, Node) and x.number in found for x in node.inputs)):
            found.add(node.number)
    return found


def _form(node: Node, position: int) -> Any:
    """What the rule depends on: nodes of the same form have the same."""
    operands = [(x.shape, x.dtype.str) if isinstance(x, Node) else repr(x) for x in node.inputs]
    return node.op, position, node.shape, node.dtype.str, tuple(operands), tuple(node.params.items())


def _number(x: Any) -> int:
    assert isinstance(x, Node)
    return x.number


# --- gradients --------------------------------------------------------------------------------------------------------


def _which_gradients(graph: Graph, steps: Iterable[Step]) -> str:
    """What there is: "all" with the steps that made them, "leaves", "graph" (as nodes of their own) or "none"."""
    if any(isinstance(step, Flow) for step in steps):
        return "all"
    if any(node.gradient is not None for node in graph):
        return "leaves"
    return "graph" if any(node.order for node in graph) else "none"


def _earlier(graph: Graph, steps: Iterable[Step], samplings: Sequence[Sampling]) -> dict[int, Array]:
    """What the sweeps added, sampled, for nodes whose gradient holds something else too, of an earlier `backward`."""
    swept: dict[int, list[Array]] = {}
    for step in steps:
        if isinstance(step, Value):
            continue
        if isinstance(step, Seed):  # a sweep begins, with sums of its own
            for sums in swept.values():
                sums.append(np.zeros_like(sums[0]))
        target, total = (step.node, step.gradient) if isinstance(step, Seed) else (step.target, step.total)
        sample = samplings[target.number].grid.of(total)
        swept.setdefault(target.number, [sample])[-1] = sample
    found = {}
    for number, sums in swept.items():
        gradient = graph[number].gradient
        if gradient is not None:
            expected = samplings[number].grid.of(gradient)
            with np.errstate(all="ignore"):
                total = np.sum(sums, axis=0)
            if not _agree(total, expected, [*sums, expected]):
                found[number] = total
    return found


def _agree(total: Array, expected: Array, added: Sequence[Array]) -> bool:
    if np.array_equal(total, expected, equal_nan=True):
        return True
    largest = max(float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in added)
    return np.allclose(total, expected, rtol=0, atol=AGREEMENT * largest, equal_nan=True)


# --- what is shown of arrays ------------------------------------------------------------------------------------------


def _limits(graph: Graph, flows: Iterable[Flow]) -> Limits:
    """As much of each array as keeps the page small."""
    most = MOST_NUMBERS + PER_NODE * max(0, len(graph) - FROM)
    writes = Counter(flow.target.number for flow in flows)
    # The only contribution to a gradient is the gradient.
    arrays = [
        (node.value is not None) + (node.gradient is not None) + (writes[node.number] if writes[node.number] > 1 else 0)
        for node in graph
    ]
    for limits in LADDER:
        if sum(grid_for(node, limits).elements * arrays[node.number] for node in graph) <= most:
            break
    return limits


def _samplings(graph: Graph, flows: Iterable[Flow], limits: Limits) -> list[Sampling]:
    """Fewer digits will do for gradients that are their only contribution, bit by bit, and thus one array."""
    written: dict[int, list[Array]] = {}
    for flow in flows:
        written.setdefault(flow.target.number, []).append(flow.contribution)

    def is_sum(node: Node) -> bool:
        contributions = written.get(node.number, [])
        if len(contributions) != 1 or node.gradient is None:
            return bool(contributions)
        return not np.array_equal(contributions[0], node.gradient, equal_nan=True)

    return [
        Sampling(grid_for(node, limits), limits.digits, SUM_DIGITS if is_sum(node) else limits.digits) for node in graph
    ]


def _notes(samplings: Iterable[Sampling], limits: Limits) -> list[str]:
    """What is not shown of arrays, a sentence each."""
    cut = sum(not sampling.grid.complete for sampling in samplings)
    notes = [
        f"Of {cut:,} larger arrays, at most {limits.side} × {limits.side} elements are shown, at equal distances; "
        "statistics and histograms are of all elements.",
        f"Numbers are rounded to {limits.digits} significant digits, those of sums to {SUM_DIGITS}.",
    ]
    return notes if cut else []
