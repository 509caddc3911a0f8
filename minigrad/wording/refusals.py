"""What the engine says when it refuses something: the errors that it raises, by the names it asks for.

Tensors enter, of which only facts are read; errors leave. Loaded when something fails.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.arrays import shape_of
from minigrad.core.errors import CaptureError, GraphError
from minigrad.core.record import by_numpy
from minigrad.wording import habits
from minigrad.wording.calls import make_call_error
from minigrad.wording.calls import name_call_error as name_call_error
from minigrad.wording.messages import describe, explain_failure
from minigrad.wording.source import caller_line

if TYPE_CHECKING:
    from minigrad.core.op import Op

HOW_TO_MAKE_A_LEAF = "make a leaf with Tensor(data, requires_grad=True), and compute outside no_grad()"

NO_COMPLEX = "minigrad computes with real numbers only, never with complex ones"

MEANINGS = {
    np.ma.MaskedArray: "its mask would be lost: x.filled(value) fills it, functions with where=~x.mask leave it out",
    np.matrix: "its `*` is a product of matrices, here one of elements: pass numpy.asarray(x), and write `@`",
    np.ndarray: "it computes in a way of its own, which would be lost: pass numpy.asarray(x), the numbers alone",
}
"""What would go wrong and what to write, by what comes in; the first that fits counts."""

failed_operation = explain_failure
call = make_call_error


def other_structure(what: str, tree: Any, other: Any) -> ValueError:
    """`other` was to be built as `tree` is."""
    if isinstance(other, dict):
        got = f"one with the keys {[*other]}" if isinstance(tree, dict) else f"a dictionary with the keys {[*other]}"
    else:
        got = str(len(other)) if isinstance(other, (tuple, list)) else f"one {type(other).__name__}"
    if isinstance(tree, dict):
        return ValueError(f"{what}: expected a dictionary with the keys {[*tree]}, got {got}")
    return ValueError(f"{what}: expected {len(tree)}, in a tuple or list, got {got}")


# --- making Tensors, and what they are --------------------------------------------------------------------------------


def subclass(name: str) -> TypeError:
    return TypeError(f"{name}: Tensor has no subclasses: hold Tensors in a Module, or write functions of them")


def leaf_is_made(tensor: Any) -> CaptureError:
    return CaptureError(
        f"Tensor(…) of {describe(tensor)} at {caller_line()}: a captured function makes no leaves of what it is given: "
        "pass a Tensor that requires a gradient as the argument; detach() and copy() are operations"
    )


def no_numbers(what: str, value: Any, dtype: Any) -> TypeError:
    advice = f"; {NO_COMPLEX}: hold real and imaginary parts in two Tensors" if np.dtype(dtype).kind == "c" else ""
    return TypeError(f"{what}expected a Tensor or real numbers, got {type(value).__name__} (dtype {dtype}){advice}")


def no_array(what: str) -> TypeError:
    return TypeError(f"{what}not an array of numbers: lists within one must be equally long at every depth")


def other_meaning(what: str, array: Any) -> TypeError:
    """An array that would lose what it means beside its numbers."""
    advice = next(advice for kind, advice in MEANINGS.items() if isinstance(array, kind))
    return TypeError(f"{what}a {type(array).__name__} is no plain array, {advice}")


def holds_itself(tree: Any) -> ValueError:
    return ValueError(f"a {type(tree).__name__} holds itself, so what is nested in it has no end: {tree!r:.60}")


def not_differentiable(dtype: Any) -> TypeError:
    return TypeError(f"{dtype} values cannot require a gradient; pass dtype=numpy.float64 (or float32)")


def fixed_by_graph(tensor: Any) -> GraphError:
    """`requires_grad` of a result cannot be set."""
    return GraphError(
        f"requires_grad of {describe(tensor)} follows from what it was made of: take .detach(), which has no history, "
        "compute it under no_grad(), or set requires_grad of the leaves"
    )


# --- reading and writing values ---------------------------------------------------------------------------------------


def value_is_read(tensor: Any) -> CaptureError:
    return CaptureError(
        f"the value of {describe(tensor)} is read at {caller_line()}, but values are not known while a function is "
        "captured: use where(), minimum() or another op, return it, or read it outside"
    )


def not_one_element(tensor: Any) -> TypeError:
    return TypeError(f"{describe(tensor)} has {tensor.size} elements, not one")


def array_without_gradient(tensor: Any) -> TypeError:
    return TypeError(f"a NumPy array would lose the gradient of {describe(tensor)}: use .numpy() for its values")


def array_without_copy(tensor: Any) -> ValueError:
    return ValueError(f"NumPy gets a copy of {describe(tensor)}, which copy=False forbids: see .data")


def unsupported_function(function: Any) -> TypeError:
    """A NumPy function that knows no Tensors."""
    name = f"{getattr(function, '__module__', None) or 'numpy'}.{name_of_function(function)}"
    habit = habits.find_habit("minigrad.linalg", function.__name__)
    if habit:
        return TypeError(f"{name} is not supported on Tensors: write `{habit.here}` ({habit.why}), or use x.numpy()")
    if name.startswith("numpy.fft."):
        return TypeError(f"{name} is not supported on Tensors: {NO_COMPLEX}; of x.numpy() it is without a gradient")
    known = {name_of_function(f) for f in by_numpy}
    similar = difflib.get_close_matches(name_of_function(function), known)
    advice = "x.numpy() has the values, without a gradient" + (f"; similar: {', '.join(similar)}" if similar else "")
    return TypeError(f"{name} is not supported on Tensors: {advice}; all that is: sorted(minigrad.registry)")


def name_of_function(function: Any) -> str:
    """A method of a ufunc after the ufunc: add.reduce."""
    ufunc = getattr(function, "__self__", None)
    return f"{ufunc.__name__}.{function.__name__}" if isinstance(ufunc, np.ufunc) else str(function.__name__)


def read_only() -> ValueError:
    return ValueError("`t.data` is read-only: write `t.data = array` or `t.data -= step`, or minigrad.assign(t, array)")


def rebinding(tensor: Any, symbol: str) -> GraphError:
    """`p += …`."""
    return GraphError(
        f"`{symbol}=` on {describe(tensor)}, a leaf that requires a gradient, would rebind the Python name and train "
        f"nothing: write `p.data {symbol}= …`, or use minigrad.optim"
    )


def item_assignment(tensor: Any) -> GraphError:
    """`x[i] = …`."""
    return GraphError(
        f"writing into {describe(tensor)} would falsify its graph: minigrad.set_at(x, index, value) makes a new "
        "tensor, minigrad.assign(x, value) rewrites a leaf"
    )


def no_state(tensor: Any) -> GraphError:
    """A Tensor that cannot be assigned."""
    what = "a constant" if tensor.op is None else f"the result of {tensor.op.name}"
    return GraphError(f"{describe(tensor)} is {what}; only leaves can be assigned, those that Tensor(…) makes")


def stand_in(tensor: Any) -> CaptureError:
    """An argument of a captured function that is assigned."""
    return CaptureError(f"{describe(tensor)} stands for an argument; only state can be assigned")


def other_shape(use: str, tensor: Any, value: Any) -> ValueError:
    return ValueError(f"{use}: {describe(tensor)} cannot take values of shape {shape_of(value)}")


def other_kind(use: str, tensor: Any, value: Any) -> TypeError:
    return TypeError(f"{use}{'' if tensor is None else f' {describe(tensor)}'} cannot take {value.dtype} values")


def no_home(tensor: Any, memory: Any) -> GraphError:
    """A part of a larger array that a leaf does not fit."""
    return GraphError(f"{describe(tensor)} cannot live in {memory.dtype} memory of shape {memory.shape}")


# --- operations -------------------------------------------------------------------------------------------------------


def mixture_of_graphs(op: Op, inputs: Sequence[Any]) -> GraphError:
    """What a compiled function returned meets what requires a gradient."""
    without = next(x for x in inputs if getattr(x, "_requires_grad", False) not in (False, True))
    return GraphError(
        f"{op.name}: {describe(without)} comes from a compiled function, or from vjp, jvp, hvp, jacobian or hessian, "
        "which keep no graph, and meets what requires a gradient: the part of the gradient that flows through it would "
        "be lost. Compute both in one compiled function, or in one that a transform differentiates; or say that "
        "nothing shall flow there: take .detach() of it, or call the function under no_grad()"
    )


def absent_argument(op: Any, position: int) -> TypeError:
    return TypeError(f"{op.name}: argument {op.argument(position)!r} is None: expected a Tensor or numbers")


def no_plain_value(op: Any, name: str, value: Any) -> TypeError:
    return TypeError(f"{op.name}: {name}= must be plain Python values, got an array of shape {value.shape}")


def no_rule(op: Op, argument: str) -> GraphError:
    return GraphError(f"{op.name} has no derivative with respect to {argument!r}: detach() what it is given")


def no_such_argument(op: Op, name: str) -> ValueError:
    return ValueError(f"{op.name} has no argument {name!r}: it takes {', '.join(op.arguments)}")


def misshapen_rule(value: Any, x: Any, node: Any, position: int) -> GraphError:
    """A rule whose result does not fit its input."""
    return GraphError(
        f"the gradient rule of {node.op.name} for {node.op.argument(position)!r} returned shape {value.shape}, "
        f"expected {x.shape}, or what broadcasting makes of it"
    )


# --- gradients --------------------------------------------------------------------------------------------------------


def unknown_use(unused: Any) -> ValueError:
    return ValueError(f"unused={unused!r}: expected 'raise', 'zero' or None")


def no_tensor(t: Any) -> TypeError:
    hint = "; for functions see minigrad.vjp, jvp, hvp, jacobian and hessian" if callable(t) else ""
    return TypeError(f"grad: outputs and inputs must be Tensors, got {type(t).__name__}{hint}")


def gradient_not_wanted(x: Any) -> GraphError:
    return GraphError(f"grad: {describe(x)} does not require a gradient: {HOW_TO_MAKE_A_LEAF}")


def nothing_behind(use: str, tensor: Any) -> GraphError:
    return GraphError(f"{use}: {why_nothing_is_behind(tensor)}")


def why_nothing_is_behind(tensor: Any) -> str:
    hint = HOW_TO_MAKE_A_LEAF
    if tensor._requires_grad:
        hint = "a compiled function or a transform returned it without a graph; take the gradient inside the function"
    return f"nothing requires a gradient behind {describe(tensor)}: {hint}"


def not_reached(x: Any, outputs: Sequence[Any]) -> GraphError:
    """An input that the outputs do not depend on."""
    lost = next(iter(outputs), x)
    why = (
        "; unused='zero' or None allows it"
        if lost is x or any(y.requires_grad for y in outputs)
        else f": {why_nothing_is_behind(lost)}"
    )
    return GraphError(f"grad: the outputs do not depend on {describe(x)}{why}")


def no_scalar(output: Any) -> ValueError:
    return ValueError(
        f"{describe(output)} is not a scalar: pass a cotangent of shape {output.shape}, or take its sum or mean"
    )


def misshapen_cotangent(use: str, cotangent: Any, output: Any) -> ValueError:
    return ValueError(f"{use}a cotangent of shape {shape_of(cotangent)} for {describe(output)}: they must be equal")


def misshapen_gradient(value: Any, tensor: Any) -> ValueError:
    return ValueError(f"the gradient of {describe(tensor)} cannot have shape {shape_of(value)}")


def later_write(x: Any, node: Any) -> GraphError:
    """An operand that was written to after it was used."""
    return GraphError(
        f"{describe(x)} was written to after {node.op and node.op.name} used it, so its gradient would be wrong: call "
        "backward before the update, or compute the forward pass again"
    )


# --- captures ---------------------------------------------------------------------------------------------------------


def finished_capture(tensor: Any) -> CaptureError:
    """A Tensor of a capture that is over."""
    return CaptureError(
        f"{describe(tensor)} belongs to a finished capture and has no value: let the captured function return it, or "
        "keep it in state with minigrad.assign"
    )


def second_update(tensor: Any) -> CaptureError:
    return CaptureError(f"{describe(tensor)} was updated before: capture one training step, or use no_grad()")


def gradient_is_there(tensor: Any) -> CaptureError:
    """Gradients of a captured function that would be added to one."""
    return CaptureError(
        f"{describe(tensor)} already had a gradient when the function was captured: call zero_grad() at the start of "
        "the function, or before it"
    )


def array_enters(array: Any, where: str) -> CaptureError:
    """An array that enters a captured function by itself would be the same for ever."""
    return CaptureError(
        f"{where}, at {caller_line()}: a NumPy array {array.dtype}{array.shape} enters while a function is captured "
        "and would be the same for ever: pass it as an argument, keep it in a module as a Tensor, make it of numbers "
        "with minigrad.arange or minigrad.tri, or say minigrad.constant(a)"
    )
