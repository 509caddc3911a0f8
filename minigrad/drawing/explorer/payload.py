"""What a page knows of a graph, as plain data for JSON: nodes, their arrays, and the steps of both passes.

In comes a `Graph`, out goes a dictionary of numbers, texts, lists and dictionaries, the same on every run and with
nothing of this machine in it. The views of the page are not among them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np

from minigrad.drawing.explorer.chapters import list_chapters
from minigrad.drawing.explorer.names import call_nodes, find_moved
from minigrad.drawing.explorer.samples import SUM_DIGITS, Arrays, Sampling, choose_samplings, round_number, summarise
from minigrad.drawing.explorer.walk import Seed, Step, walk_steps
from minigrad.drawing.explorer.worked import work_out_flow, work_out_value
from minigrad.drawing.labels import describe_node
from minigrad.drawing.phrases import LANGUAGES, Phrase, say
from minigrad.drawing.scopes import order_of
from minigrad.drawing.text import LONGEST_TOOLTIP, make_text
from minigrad.graph import Backward, Forward, Graph, Node
from minigrad.graph.absent import find_reasons
from minigrad.graph.node import Array
from minigrad.graph.numbers import format_number
from minigrad.graph.rule import RuleOfUse, letter_of, rule_of_use

Plain = dict[str, Any]

OWN_LETTERS = {"g": "∂", "incoming": "∂", "y": "=", "result": "="}  # as parts of formulas, where arguments have names
FORMULAS: dict[str, str] = json.loads(files(__package__).joinpath("formulas.json").read_text("utf-8"))  # in Chinese
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
LONGEST_LINE = 60  # characters in a box; the panel has all of them
AGREEMENT = 1e-5  # relative: how close what was added up must be to the gradient


def make_payload(graph: Graph, tokens: Sequence[str] = ()) -> Plain:
    """Everything about `graph` but its views.

    >>> import minigrad as mg
    >>> x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> y = mg.sum(x * x)
    >>> y.backward(keep=True)
    >>> data = make_payload(y.graph())
    >>> [node.get("op", node["role"]) for node in data["nodes"]], [step["kind"] for step in data["steps"]][:4]
    (['parameter', 'multiply', 'sum'], ['forward', 'forward', 'seed', 'backward'])
    """
    steps = walk_steps(graph)
    samplings, notes = choose_samplings(graph, [step for step in steps if isinstance(step, Backward)])
    arrays = Arrays()
    nodes = [_write_node(node, sampling, arrays) for node, sampling in zip(graph, samplings, strict=True)]
    called = call_nodes(graph)
    for written, name in zip(nodes, called, strict=True):
        if name is not None and name != written.get("name"):
            written["called"] = make_text(name)
    written_steps = [_write_step(step, samplings, arrays, called) for step in steps]
    rules = _add_rules(graph, nodes)
    for number, (reason, *details) in find_reasons(graph).items():
        nodes[number]["absent"] = [reason, *map(make_text, details)] if details else reason
    for number, total in _find_own_sums(graph, steps, samplings).items():
        nodes[number]["swept"] = arrays.add_sample(total, SUM_DIGITS)
    return {
        "nodes": nodes,
        "steps": written_steps,
        "captured": graph.captured,
        "arrays": arrays.rows,
        "maps": sorted(arrays.maps),
        "rules": rules,
        "formulas": {
            make_text(node.op): [_split(make_text(text), _list_letters(node)) for text in (own, FORMULAS.get(own, own))]
            for node in graph
            if node.function is not None and (own := node.function.formula)
        },
        "outputs": [node.number for node in graph.outputs],
        "updates": [[state.number, value.number] for state, value in graph.updates.items()],
        "chapters": [
            {"title": write_said(title), "section": make_text(section), "step": step}
            for title, section, step in list_chapters(graph, steps, called)
        ],
        "tokens": [make_text(token) for token in tokens],
        "gradients": _classify_gradients(graph, steps),
        "notes": notes,
    }


def write_said(text: str, longest: int = LONGEST_TOOLTIP) -> Any:
    """A text, or, of a phrase that is not the same in all languages, its key and what is filled in."""
    if isinstance(text, Phrase) and len({say(text, language) for language in LANGUAGES}) > 1:
        return [text.key, *(write_said(value, longest) for value in text.values)]
    return make_text(text, longest)


# --- nodes ------------------------------------------------------------------------------------------------------------


def _write_node(node: Node, sampling: Sampling, arrays: Arrays) -> Plain:
    """The node as plain data; what is empty or false is left out.

    An axis of its grid is the size, and the distance between the places that are shown, or else these themselves.
    """
    written: Plain = {
        "op": make_text(node.op or ""),
        "name": make_text(node.name or ""),
        "scope": make_text(node.scope),
        "role": node.role,
        "order": order_of(node),
        "output": node.output,
        "shape": str(node.shape),
        "dtype": str(node.dtype),
        "bytes": node.dtype.itemsize * math.prod(node.shape),
        "expression": make_text(node.expression),
        "settings": [make_text(setting) for setting in node.settings(complete=True)],
        "lines": [make_text(line, LONGEST_LINE) for line in describe_node(node)],
        "purpose": make_text(node.purpose),
        "failure": make_text(node.failure or ""),
        "line": make_text((node.line or "").replace("\\", "/").rpartition("/")[2]),  # folders are of this machine
        "inputs": [_write_input(node, position) for position, x in enumerate(node.inputs) if x is not None],
        "grid": [[a.size, a.places.step if isinstance(a.places, range) else [*a.places]] for a in sampling.grid],
        "attention": sampling.is_map,
    }
    if node.value is not None:
        written["value"] = arrays.add(node.value, sampling, sampling.digits)
        written["statistics"] = summarise(node.value)
    if node.gradient is not None:
        written["gradient"] = arrays.add(node.gradient, sampling, sampling.gradient_digits)
        written["gradientStatistics"] = summarise(node.gradient)
    return {name: x for name, x in written.items() if x is not False and x not in ("", [], {})}


def _write_input(node: Node, position: int) -> Plain:
    """An operand: the number of its node, or how it is written, with what broadcasting does to its shape."""
    assert node.function is not None
    x = node.inputs[position]
    written: Plain = {"position": position, "argument": make_text(letter_of(node.function, position))}
    if not isinstance(x, Node):
        return written | {"number": format_number(x)}
    stretched = node.function.elementwise and x.shape != node.shape
    return written | {"node": x.number} | ({"broadcast": f"{x.shape} → {node.shape}"} if stretched else {})


# --- steps ------------------------------------------------------------------------------------------------------------


def _write_step(step: Step, samplings: Sequence[Sampling], arrays: Arrays, called: Sequence[str | None]) -> Plain:
    def add_gradient(array: Array, node: Node) -> int:
        sampling = samplings[node.number]
        return arrays.add(array, sampling, sampling.gradient_digits)

    def call(node: Node) -> str:
        return called[node.number] or f"%{node.number}"

    number = step.node.number
    if isinstance(step, Forward):
        return {"kind": "forward", "node": number, **_explain(step.node, work_out_value(step.node, call(step.node)))}
    if isinstance(step, Seed):
        return {"kind": "seed", "node": number, "this": add_gradient(step.gradient, step.node)}
    size = float(np.linalg.norm(step.contribution.astype(np.float64).ravel()))
    written = {
        "kind": "backward", "node": number, "position": step.position, "target": step.target.number,
        "incoming": add_gradient(step.incoming, step.node), "this": add_gradient(step.contribution, step.target),
        "size": round_number(size, 3),
    }  # fmt: skip
    return written | _explain(step.node, work_out_flow(step, call(step.target)))


def _explain(node: Node, worked: str | None) -> Plain:
    """An element worked out, and whether elements are only moved."""
    moved: Plain = {} if find_moved(node) is None else {"layout": True}
    return moved if worked is None else moved | {"worked": make_text(worked)}


# --- rules ------------------------------------------------------------------------------------------------------------


def _add_rules(graph: Graph, nodes: Sequence[Plain]) -> list[list[str]]:
    """Give each operand its rule and what that reads; the texts of the rules, each once."""
    rules: dict[Any, RuleOfUse | None] = {}
    texts: dict[tuple[str, ...], int] = {}
    differentiated = _find_differentiated(graph)
    for node, written in zip(graph, nodes, strict=True):
        operands = [operand for operand in written.get("inputs", ()) if operand.get("node") in differentiated]
        for operand in operands:
            form = _list_facts(node, operand["position"])
            if form not in rules:
                rules[form] = rule_of_use(node, operand["position"])
            rule = rules[form]
            if rule is None:
                continue
            letters = OWN_LETTERS | {x["argument"]: x["argument"] for x in written["inputs"]}
            operand["rule"] = texts.setdefault(tuple(_split(make_text(rule.formula), letters)), len(texts))
            reads = {x["node"]: x["argument"] for x in written["inputs"] if x["position"] in rule.reads}
            if rule.reads_result:
                reads[node.number] = "y"
            operand["reads"] = [[number, letter] for number, letter in reads.items()]
    return [[*parts] for parts in texts]


def _list_letters(node: Node) -> dict[str, str]:
    """What stands for the result and for the arguments of an operation in its formula, which writes x₁ for x1."""
    assert node.function is not None
    arguments = [node.function.argument(position) for position in range(len(node.inputs))]
    return {"y": OWN_LETTERS["y"]} | {argument.translate(SUBSCRIPTS): argument for argument in arguments}


def _split(formula: str, letters: Mapping[str, str]) -> list[str]:
    """A formula in pieces, every second of which is one of the letters: the page shows the names of nodes there.

    >>> _split("exp(x₁) · y", {"x₁": "x1", "y": "y"})
    ['exp(', 'x1', ') · ', 'y', '']
    """
    longest = sorted(letters, key=len, reverse=True)
    # A letter within a word is none, nor is the name of a function or of an option.
    pieces = re.split(rf"(?<![A-Za-z])({'|'.join(map(re.escape, longest))})(?![A-Za-z0-9(=])", formula)
    return [letters[piece] if i % 2 else piece for i, piece in enumerate(pieces)]


def _find_differentiated(graph: Graph) -> set[int]:
    """The nodes for which the backward pass makes a gradient: parameters, and what depends on them."""
    numbers: set[int] = set()
    for node in graph:
        flows = node.function is not None and node.function.differentiable and node.dtype.kind == "f"
        depends = any(isinstance(x, Node) and x.number in numbers for x in node.inputs)
        if node.role == "parameter" or (flows and depends):
            numbers.add(node.number)
    return numbers


def _list_facts(node: Node, position: int) -> Any:
    """What the rule depends on: uses with the same facts have the same."""
    operands = [(x.shape, x.dtype.str) if isinstance(x, Node) else repr(x) for x in node.inputs]
    return node.op, position, node.shape, node.dtype.str, tuple(operands), tuple(node.params.items())


# --- gradients --------------------------------------------------------------------------------------------------------


def _classify_gradients(graph: Graph, steps: Iterable[Step]) -> str:
    """What there is: "all" with the steps that made them, "leaves", "graph" (as nodes of their own) or "none"."""
    if any(isinstance(step, Backward) for step in steps):
        return "all"
    if any(node.gradient is not None for node in graph):
        return "leaves"
    return "graph" if any(node.order for node in graph) else "none"


def _find_own_sums(graph: Graph, steps: Iterable[Step], samplings: Sequence[Sampling]) -> dict[int, Array]:
    """What the sweeps added, sampled, for nodes whose gradient holds something else too, of an earlier `backward`."""
    swept: dict[int, list[Array]] = {}
    for step in steps:
        if isinstance(step, Forward):
            continue
        if isinstance(step, Seed):  # a sweep begins, with sums of its own
            for sums in swept.values():
                sums.append(np.zeros_like(sums[0]))
        target, total = (step.node, step.gradient) if isinstance(step, Seed) else (step.target, step.total)
        sample = samplings[target.number].grid.pick(total)
        swept.setdefault(target.number, [sample])[-1] = sample
    totals = {}
    for number, sums in swept.items():
        gradient = graph[number].gradient
        if gradient is not None:
            expected = samplings[number].grid.pick(gradient)
            with np.errstate(all="ignore"):
                total = np.sum(sums, axis=0)
            if not _agree(total, expected, [*sums, expected]):
                totals[number] = total
    return totals


def _agree(total: Array, expected: Array, added: Sequence[Array]) -> bool:
    if np.array_equal(total, expected, equal_nan=True):
        return True
    largest = max(float(np.abs(x[np.isfinite(x)]).max(initial=0)) for x in added)
    return np.allclose(total, expected, rtol=0, atol=AGREEMENT * largest, equal_nan=True)
