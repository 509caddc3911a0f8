"""Whose program it is: a callable and its inputs enter; a graph leaves where it is one of PyTorch or of JAX."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from minigrad.graph import Graph
from minigrad.graph.called import name_of


def read_program(
    function: Callable[..., Any], *inputs: Any, gradients: bool = False, values: bool = False
) -> Graph | None:
    """The graph of a PyTorch module, or of a function of JAX arrays; None for anything else.

    An engine that was not imported cannot have made any of them, and is not imported here.

    Raises:
        TypeError: a function of PyTorch's tensors that is no module, or `gradients` of a JAX function.
        CaptureError: the engine cannot trace the program.
    """
    torch: Any = sys.modules.get("torch")
    jax: Any = sys.modules.get("jax")
    if torch is not None and isinstance(function, (torch.nn.Module, torch.export.ExportedProgram)):
        from minigrad.foreign.torch import from_torch

        return from_torch(function, *inputs, gradients=gradients, values=values)
    if torch is not None and any(isinstance(x, torch.Tensor) for x in inputs):
        raise TypeError(
            f"{name_of(function)} is given tensors of PyTorch and is no module: write it as a torch.nn.Module"
        )
    if jax is not None and any(isinstance(x, jax.Array) for x in jax.tree.leaves(inputs)):
        from minigrad.foreign.jax import from_jax

        if gradients:
            raise TypeError(
                f"gradients of a JAX function are those that it computes: jax.value_and_grad({name_of(function)})"
            )
        return from_jax(function, *inputs, values=values)
    return None
