"""What PyTorch's export leaves out in silence, so that a graph would compute other numbers: it is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from minigrad.core.errors import CaptureError


def refuse_merged_inputs(exported: Any) -> None:
    """CaptureError for a program that was exported with one tensor in two places, which its graph takes for one."""
    import torch

    given = torch.utils._pytree.tree_leaves(exported.example_inputs)
    tensors = [
        x for x in (*exported.state_dict.values(), *exported.constants.values(), *given) if isinstance(x, torch.Tensor)
    ]
    names = exported.graph_signature.user_inputs
    merged = [name for name, x in zip(names, given, strict=False) if sum(x is other for other in tensors) > 1]
    if merged:
        raise CaptureError(
            f"from_torch: the program was exported with one tensor for {', '.join(map(str, merged))} and another input "
            "or weight, and it reads one of them only: export it with copies, x.clone(), or pass the module itself"
        )


def refuse_what_was_lost(exported: Any, gradients: bool) -> None:
    """CaptureError for what an exported program says that its functional graph will not."""
    import torch

    switches = torch.ops.higher_order.wrap_with_set_grad_enabled, torch._C._set_grad_enabled
    graphs = [part.graph for part in exported.graph_module.modules() if hasattr(part, "graph")]
    for node in (node for graph in graphs for node in graph.nodes if node.op == "call_function"):
        schema = getattr(node.target, "_schema", None)
        names = [x.name for x in schema.arguments] if schema else []
        given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
        if gradients and node.target in switches:
            raise CaptureError(
                "from_torch: gradients=True would let gradients flow through what the module computes under "
                "torch.no_grad(): use .detach() there"
            )
        if given.get("dropout") and given.get("train"):
            raise CaptureError(
                f"from_torch: {node.target} drops out between its layers, and what PyTorch makes of it does not: read "
                "the module in evaluation, module.eval(), or with dropout=0"
            )
        if (
            node.target is torch.ops.aten.instance_norm.default
            and given.get("use_input_stats")
            and given.get("running_mean")
        ):
            raise CaptureError(
                f"from_torch: {node.target} writes running statistics where nobody sees it: read the module in "
                "evaluation, module.eval(), or with track_running_stats=False"
            )


@contextmanager
def refusing_what_changes_gradients(module: Any, inputs: list[Any]) -> Iterator[None]:
    """CaptureError for hooks of the backward pass, and for functions that bring their own, while a module is exported.

    Of all these its exported program knows nothing.
    """
    import torch

    every = torch.nn.modules.module
    hooked = [
        *("every module" for hooks in (every._global_backward_hooks, every._global_backward_pre_hooks) if hooks),
        *(path or "the module" for path, x in module.named_modules() if x._backward_hooks or x._backward_pre_hooks),
        *(path for path, x in module.named_parameters() if _has_hooks(x)),
        *("an input" for x in inputs if isinstance(x, torch.Tensor) and _has_hooks(x)),
    ]
    if hooked:
        raise _hooks_are_lost(f"on {', '.join(hooked)}")

    def refuse_hook(tensor: Any, hook: Any) -> Any:
        raise _hooks_are_lost(f"which {type(module).__name__} registers in its forward")

    register_hook = torch.Tensor.register_hook
    look = module.register_forward_hook(lambda module, inputs, results: _refuse_functions(results))
    try:
        torch.Tensor.register_hook = refuse_hook
        yield
    finally:
        torch.Tensor.register_hook = register_hook
        look.remove()


def _refuse_functions(results: Any) -> None:
    """CaptureError where autograd would come to a function that says itself what its gradient is."""
    import torch

    steps = [x.grad_fn for x in torch.utils._pytree.tree_leaves(results) if isinstance(x, torch.Tensor)]
    seen = {None}
    while steps:
        step = steps.pop()
        if step not in seen:
            seen.add(step)
            steps += [before for before, _ in step.next_functions]
            own = getattr(type(step), "_forward_cls", None)
            if own is not None and not own.__module__.startswith("torch."):
                raise CaptureError(
                    f"from_torch: gradients=True would differentiate the forward of {own.__qualname__}, a "
                    "torch.autograd.Function, and never call its backward: read the module without gradients"
                )


def _has_hooks(tensor: Any) -> bool:
    return bool(tensor._backward_hooks or getattr(tensor, "_post_accumulate_grad_hooks", None))


def _hooks_are_lost(where: str) -> CaptureError:
    return CaptureError(
        f"from_torch: gradients=True would leave out hooks of the backward pass {where}: remove them, or read the "
        "module without gradients"
    )
