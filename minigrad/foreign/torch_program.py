"""A PyTorch module or exported program as one flat, functional `torch.fx` graph, which `torch.py` reads.

In the graph that leaves here nothing is written in place, weights and buffers are placeholders, and every node says to
which module it belongs and of which order of derivative it is (`place_of`).
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from minigrad.core.errors import CaptureError, GraphError
from minigrad.foreign.op import refuse
from minigrad.foreign.torch_refusals import (
    refuse_merged_inputs,
    refuse_what_was_lost,
    refusing_what_changes_gradients,
)
from minigrad.foreign.torch_values import as_torch

READ_DECOMPOSED = ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell",
                   "einsum")  # fmt: skip
"""Operations in which there is much to see, and of which PyTorch says what they are made of."""


@dataclass
class Entry:
    """What stands for a placeholder: an input, a weight, a buffer; `value` is its tensor, or a constant of Python."""

    role: str  # input, parameter, state, constant or cotangent; "" for what is no tensor
    path: str  # `layers.0.weight`, or the name of an input
    value: Any
    fixed: bool = False  # part of the program's text


@dataclass
class Program:
    """A functional graph, what its placeholders are, and what of it is returned and written back."""

    module: Any  # a torch.fx.GraphModule
    entries: list[Entry]
    returned: Any  # nodes of the graph in tuples, lists and dictionaries
    updates: dict[str, Any]  # by the path of a buffer, the node of its next value
    gradients: dict[str, Any]  # by the path of what it is the gradient for, a node or None
    arguments: tuple[Any, ...]  # the entries of the inputs, nested as the arguments of `run` are


def read_program(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], gradients: bool) -> Program:
    """The program of one call of a module, or of an exported program (on its own inputs, unless `args` are given).

    Raises:
        CaptureError: PyTorch refuses to export it, or would lose some of it; or a shape in it depends on values.
        TypeError: it is neither a module nor an exported program.
        ValueError: inputs for which the program was not exported.
    """
    import torch

    if isinstance(module, torch.export.ExportedProgram):
        exported = module
        refuse_merged_inputs(exported)
        own_args, own_kwargs = exported.example_inputs or ((), {})
        args, kwargs = (args, kwargs) if args or kwargs else (own_args, own_kwargs)
    elif isinstance(module, torch.nn.Module):
        exported = None
    else:
        raise TypeError(
            f"from_torch: expected a torch.nn.Module or what torch.export.export returns, got "
            f"{type(module).__name__}; put a function into a module whose forward calls it"
        )
    leaves = torch.utils._pytree.tree_leaves((args, kwargs))
    args, kwargs = torch.utils._pytree.tree_map(as_torch, (tuple(args), dict(kwargs)))
    with _naming_errors("torch.export", module):
        if exported is None or exported.range_constraints:  # sizes that vary are read as they are in these inputs
            called = exported.module() if exported else module
            with refusing_what_changes_gradients(called, leaves) if gradients else nullcontext():
                exported = torch.export.export(called, args, kwargs)
        refuse_what_was_lost(exported, gradients)
        exported = exported.run_decompositions(_decompositions())
    given = _sort_inputs(exported, args, kwargs)
    entries = _share([_entry(spec, exported, given) for spec in exported.graph_signature.input_specs])
    for name in exported.graph_signature.user_inputs_to_mutate.values():
        warnings.warn(f"from_torch: the module writes into its input {name}; the graph does not", stacklevel=3)
    if gradients:
        from minigrad.foreign.torch_gradients import differentiate

        with _naming_errors("torch.autograd", module):
            return differentiate(exported, entries)
    returned, updates = sort_results(exported, entries, exported.graph.output_node().args[0])
    return Program(exported.graph_module, entries, returned, updates, {}, arguments_of(exported, entries))


@contextmanager
def _naming_errors(engine: str, module: Any) -> Iterator[None]:
    """Whatever PyTorch says, or the module itself, as one CaptureError."""
    try:
        yield
    except (CaptureError, GraphError):
        raise
    except Exception as error:
        raise refuse("from_torch", engine, type(module), error, advise(module)) from error


def advise(module: Any) -> str:
    """What may be the matter with a module that PyTorch does not export: it writes into memory that has two names."""
    import torch

    names: dict[int, list[str]] = {}
    for name, x in module.named_buffers(remove_duplicate=False) if isinstance(module, torch.nn.Module) else ():
        if x.layout is torch.strided and x.numel() and x.device.type == "cpu":
            names.setdefault(x.untyped_storage().data_ptr(), []).append(name)
    shared = [" and ".join(several) for several in names.values() if len(several) > 1]
    if not shared:
        return ""
    return (
        f". Its buffers {', '.join(shared)} lie in one memory, which PyTorch exports only where nothing writes there: "
        "give each its own, x.clone(), or keep one"
    )


def attribute_of(module: Any, node: Any) -> Any:
    """What a node reads from the module that owns its graph: a tensor, or a graph in a graph."""
    return functools.reduce(getattr, node.target.split("."), module)


def place_of(node: Any) -> tuple[str, int]:
    """The scope and the order of derivative of a node: the first is the module whose forward made it."""
    if "minigrad" not in node.meta:
        modules = node.meta.get("nn_module_stack") or {}
        path = [path for path, _ in modules.values()][-1] if modules else ""
        node.meta["minigrad"] = (path.replace(".", "/"), 0)
    place: tuple[str, int] = node.meta["minigrad"]
    return place


def sort_results(exported: Any, entries: list[Entry], results: Iterable[Any]) -> tuple[Any, dict[str, Any]]:
    """What is returned, in its structure, and what is written to buffers; these become state."""
    returned: list[Any] = []
    updates: dict[str, Any] = {}
    for spec, result in zip(exported.graph_signature.output_specs, results, strict=True):
        if spec.kind.name == "USER_OUTPUT":
            returned.append(result)
        elif spec.kind.name in ("BUFFER_MUTATION", "PARAMETER_MUTATION"):
            updates[spec.target] = result
    for entry in entries:
        if entry.path in updates and entry.role == "constant":
            entry.role = "state"
    return _structure(exported.call_spec.out_spec, iter(returned)), updates


def arguments_of(exported: Any, entries: list[Entry]) -> tuple[Any, ...]:
    """The entries of the inputs as the arguments are nested, those by name after the others."""
    specs = zip(exported.graph_signature.input_specs, entries, strict=True)
    inputs = (entry for spec, entry in specs if spec.kind.name == "USER_INPUT")
    args, kwargs = _structure(exported.call_spec.in_spec, inputs)
    return (*args, *kwargs.values())


def _decompositions() -> dict[Any, Callable[..., Any]]:
    import torch

    table = torch.export.default_decompositions()
    return {op: table[op] for op in table if op.overloadpacket.__name__ in READ_DECOMPOSED}


def _sort_inputs(exported: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """The leaves of the arguments in the order of the program, which was exported for such."""
    import torch

    structure = exported.call_spec.in_spec
    order = structure.child(1).context
    if {*order} == {*kwargs}:
        kwargs = {name: kwargs[name] for name in order}
    given, found = torch.utils._pytree.tree_flatten((args, kwargs))
    names = exported.graph_signature.user_inputs
    known = {node.name: node.meta.get("val") for node in exported.graph.nodes if node.op == "placeholder"}
    expected = [known.get(name) for name in names]
    if found != structure or any(
        isinstance(x, torch.Tensor) and (not isinstance(y, torch.Tensor) or (x.shape, x.dtype) != (y.shape, y.dtype))
        for x, y in zip(expected, given, strict=True)
    ):
        described = (f"{name}: {tuple(x.shape)} {x.dtype}" for name, x in known.items() if name in names)
        raise ValueError(f"from_torch: the program was exported for ({', '.join(described)}); these inputs are others")
    return iter(given)


def _entry(spec: Any, exported: Any, given: Iterator[Any]) -> Entry:
    """What a placeholder of the exported program is."""
    kind, path = spec.kind.name, spec.target
    if kind == "USER_INPUT":
        value = next(given)
        tensor = type(spec.arg).__name__ == "TensorArgument"
        return Entry("input" if tensor else "", spec.arg.name, value)
    if kind not in ("PARAMETER", "BUFFER", "CONSTANT_TENSOR"):
        raise CaptureError(f"from_torch: {spec.arg.name} enters the program as {kind}, which is not read: only tensors")
    value = exported.state_dict[path] if path in exported.state_dict else exported.constants[path]
    role = "parameter" if kind == "PARAMETER" and value.requires_grad else "constant"
    return Entry(role, path, value, kind == "CONSTANT_TENSOR")


def _share(entries: list[Entry]) -> list[Entry]:
    """The same, with one entry for a weight that is tied to another; two that lie in one place of memory stay two."""
    known: dict[int, Entry] = {}
    return [known.setdefault(id(x.value), x) if x.role == "parameter" else x for x in entries]


def _structure(spec: Any, results: Iterator[Any]) -> Any:
    """Results, or inputs, in dictionaries, lists and tuples, whatever classes PyTorch has for them."""
    if spec.is_leaf():
        return next(results)
    parts = [_structure(child, results) for child in spec.children()]
    if isinstance(spec.context, list) and len(spec.context) == len(parts) and spec.type not in (tuple, list):
        return dict(zip(spec.context, parts, strict=True))
    return parts if spec.type is list else tuple(parts)
