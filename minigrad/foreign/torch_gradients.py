"""The forward and the backward pass of an exported PyTorch program as one graph, as PyTorch's autograd does them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from minigrad.core.errors import GraphError
from minigrad.foreign.torch_program import Entry, Program, arguments_of, attribute_of, place_of, sort_results
from minigrad.foreign.torch_values import name_of, shape_of, writes


def differentiate(exported: Any, entries: list[Entry]) -> Program:
    """What the program returns and, by path, the gradients of that for its parameters.

    Inputs that require a gradient count as parameters. If the first result is one number it is the loss; otherwise what
    flows back into each result is one more input.

    Raises:
        GraphError: nothing that requires a gradient leads to a result.
    """
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils._pytree import tree_leaves

    for node in exported.graph.nodes:
        for x in tree_leaves(node.meta.get("val")):
            if isinstance(x, torch.Tensor):
                shape_of(x, name_of(node.target))
    places = [i for i, entry in enumerate(entries) if entry.role]  # the others are constants of Python
    first = {id(entry): i for i, entry in reversed([*enumerate(entries)])}
    wanted = [i for i in places if entries[i].value.requires_grad and first[id(entries[i])] == i]
    specs, results = exported.graph_signature.output_specs, list(exported.graph.output_node().args[0])
    ends = [i for i, spec in enumerate(specs) if spec.kind.name == "USER_OUTPUT" and _is_floating(results[i])]
    ends = ends[:1] if ends and _value(results[ends[0]]).shape == () else ends
    cotangents = [torch.ones(_value(results[i]).shape, dtype=_value(results[i]).dtype) for i in ends]

    def both_passes(tensors: list[Any], cotangents: list[Any]) -> list[Any]:
        values = [entry.value for entry in entries]
        for i, tensor in zip(places, tensors, strict=True):
            values[i] = tensor.detach().requires_grad_(i in wanted)
        values = [values[first[id(entry)]] for entry in entries]
        marks = Marks()
        outputs = _interpret(exported.graph_module, values, marks)
        flowing = [(outputs[i], g) for i, g in zip(ends, cotangents, strict=True) if outputs[i].requires_grad]
        if not flowing:
            raise GraphError(
                "from_torch: gradients=True, and nothing that requires a gradient leads to a result of real numbers"
            )
        marks.move("", 1)
        roots, incoming = zip(*flowing, strict=True)
        gradients = torch.autograd.grad(roots, [values[i] for i in wanted], incoming, allow_unused=True)
        marks.mark()
        return [*outputs, *gradients]

    # What autocast converts was converted in the export; of this attention the weights can be seen.
    with torch.autocast("cpu", enabled=False), sdpa_kernel(SDPBackend.MATH):
        given = ([entries[i].value.detach() for i in places], cotangents)
        traced = make_fx(both_passes, tracing_mode="fake")(*given)
        if any(writes(node.target) for node in traced.graph.nodes):
            traced = make_fx(torch.func.functionalize(_follow(traced)), tracing_mode="fake")(*given)
    outputs = traced.graph.output_node().args[0]
    returned, updates = sort_results(exported, entries, outputs[: len(specs)])
    gradients = {entries[i].path: node for i, node in zip(wanted, outputs[len(specs) :], strict=True)}
    one = len(ends) == 1 and cotangents[0].shape == ()
    names = ["∂output" if len(ends) == 1 else f"∂output{number}" for number in range(1, len(ends) + 1)]
    incoming = [Entry("cotangent" if one else "input", *pair) for pair in zip(names, cotangents, strict=True)]
    arguments = (*arguments_of(exported, entries), *(entry for entry in incoming if entry.role == "input"))
    entries = [entries[i] for i in places] + incoming
    return Program(traced, entries, (returned, gradients), updates, gradients, arguments)


def _follow(traced: Any) -> Any:
    """A function of the same, to be traced without what writes in place: others may look at the same memory."""

    def both_passes(tensors: list[Any], cotangents: list[Any]) -> list[Any]:
        return _interpret(traced, [*tensors, *cotangents], Marks())

    return both_passes


class Marks:
    """Says of each node that is traced which module made it: in the backward pass, the one whose gradient it is of."""

    def __init__(self) -> None:
        from torch.fx.experimental.proxy_tensor import get_proxy_mode

        self.graph = get_proxy_mode().tracer.graph
        self.scope, self.order = "", 0
        self.seen: set[Any] = set()

    def mark(self) -> None:
        """Mark the nodes that are new as of the present place."""
        for node in reversed(self.graph.nodes):
            if "minigrad" in node.meta:
                break
            node.meta["minigrad"] = (self.scope, self.order)

    def move(self, scope: str, order: int) -> None:
        self.mark()
        self.scope, self.order = scope, order

    def follow(self, results: Iterable[Any]) -> None:
        """Have autograd say when it comes back to what made these results."""
        import torch

        ahead = [x.grad_fn for x in results if isinstance(x, torch.Tensor)]
        while ahead:
            step = ahead.pop()
            if step is not None and step not in self.seen:
                self.seen.add(step)
                step.register_prehook(lambda _, scope=self.scope: self.move(scope, 1))
                ahead += [before for before, _ in step.next_functions]


def _interpret(module: Any, values: list[Any], marks: Marks) -> list[Any]:
    """What the graph of a module makes of one value for each placeholder."""
    import torch
    from torch.fx.node import map_arg
    from torch.utils._pytree import tree_leaves

    instead = {
        # Attention computed otherwise may lie otherwise in memory, and what was a view of it is a copy then.
        torch.ops.aten.view.default: torch.ops.aten.reshape.default,
        torch.ops.aten.copy.default: _overwrite,  # what is written into a slice; PyTorch has no derivative of it
    }
    given = iter(values)
    known: dict[Any, Any] = {}
    for node in module.graph.nodes:
        if node.op == "placeholder":
            known[node] = next(given)
        elif node.op == "get_attr":
            known[node] = attribute_of(module, node)
        elif node.op == "call_function":
            marks.move(*place_of(node))
            known[node] = instead.get(node.target, node.target)(
                *map_arg(node.args, known.get), **map_arg(node.kwargs, known.get)
            )
            marks.follow(tree_leaves(known[node]))
    marks.mark()
    return list(map_arg(module.graph.output_node().args[0], known.get))


def _overwrite(x: Any, values: Any, non_blocking: bool = False) -> Any:
    """`x` with `values` in all its places."""
    return values.to(x.dtype).expand(x.shape).clone()


def _is_floating(result: Any) -> bool:
    return hasattr(result, "meta") and _value(result).dtype.is_floating_point


def _value(node: Any) -> Any:
    return node.meta["val"]
