"""What declarations say, as Markdown: one row per function, its gradients derived by running its rules.

`reference_page()` is docs/ops.md; `reference_row` gives the same for an op of one's own.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from minigrad.checks.cases import cases_of, is_float_array
from minigrad.core.modes import within
from minigrad.core.op import Op
from minigrad.core.record import Function, by_numpy, registry
from minigrad.core.tensor import Tensor
from minigrad.graph.build import graph_of
from minigrad.graph.rule import rule_of_use
from minigrad.ops.specimens import specimens_of
from minigrad.ops.specimens.calls import Call

INTRODUCTION = """\
# The operations

Generated from the declarations and their samples; a test fails when this page is stale. Every function here whose first
argument is an array is also a method of `Tensor`.

**Gradients** are derived: the rule was run on Tensors with the names shown, `g` for the gradient that comes in and `y`
for the result, on one of the samples; shapes, and numbers such as 0.25, are those of that sample.
`a ⋆ b` is `strong_multiply(a, b)`, the product, but 0 where that is NaN and a factor is 0, see
[conventions](conventions.md). What broadcasting has spread is summed up again by the engine, for every op alike.
Functions without gradients of their own are written in other operations, whose rules do the work.

**At a kink** lists the gradients that are returned, by convention, where there is no derivative.

An op of one's own has the same row:

```python
import minigrad as mg
from minigrad.reference import reference_row

print(reference_row(mg.softmax), end="")
```
```text
{example}```
"""
HEADER = "| function | computes | gradients | at a kink |\n|---|---|---|---|\n"


def reference_page() -> str:
    """Every function on record, family by family, as Markdown: docs/ops.md."""
    families: dict[str, list[Function]] = {}
    for function in registry.values():
        families.setdefault(find_family(function), []).append(function)
    sections = [
        f"\n## {make_title(module)}\n\n{_read_purpose(module)}\n\n{HEADER}"
        + "".join(reference_row(f) for f in functions)
        for module, functions in sorted(families.items())
    ]
    return INTRODUCTION.replace("{example}", reference_row(registry["softmax"])) + "".join(sections)


def reference_row(function: Callable[..., Any]) -> str:
    """One row of the table: how it is called, what it computes, its gradients, its conventions.

    >>> print(reference_row(mg.sin))
    | `sin(x)` = `numpy.sin` | sin x | x: `g · cos(x)` |  |
    <BLANKLINE>
    """
    assert isinstance(function, Function), "what op or composition returned"
    numpy_names = [f"`{_find_numpy_name(known)}`" for known, ours in by_numpy.items() if ours is function]
    call = f"`{function.name}({', '.join(_list_arguments(function))})`"
    gradients = "<br>".join(f"{name}: `{formula}`" for name, formula in gradient_formulas(function).items())
    kinks = "<br>".join(
        f"{_write_point(kink.call)} → {', '.join(str(np.asarray(g).tolist()) for g in kink.gradients)}"
        for kink in specimens_of(function).kinks
    )
    cells = [" = ".join([call, *numpy_names]), function.formula, gradients, kinks]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def gradient_formulas(function: Function) -> dict[str, str]:
    """For each argument that has a rule, the formula of its gradient.

    >>> gradient_formulas(mg.multiply)
    {'x1': 'g · x2', 'x2': 'g · x1'}
    """
    if not isinstance(function, Op):
        return {}
    return {name: _derive_formula(function, name) for name in function.rules}


def _derive_formula(op: Op, name: str) -> str:
    """Run the rule on the first sample that differentiates the argument, preferably on matrices alone."""
    bound = [op.bind(*case.arguments()) for case in cases_of(op)]
    tried = [(inputs, params) for inputs, params in bound if _find_position(op, inputs, name) is not None]
    inputs, params = max(tried, key=lambda sample: all(np.ndim(x) == 2 for x in sample[0] if x is not None))
    leaves = [Tensor(x) if isinstance(x, (np.ndarray, list)) else x for x in inputs]
    with np.errstate(all="ignore"), within(record=True):
        node = graph_of(op(*leaves, **params))[-1]
    position = _find_position(op, inputs, name)
    assert position is not None
    use = rule_of_use(node, position)
    return use.formula if use is not None else "depends on values"


def _find_position(op: Op, inputs: tuple[Any, ...], name: str) -> int | None:
    """Where an array of floats is given for the argument."""
    return next((i for i, x in enumerate(inputs) if op.argument(i) == name and is_float_array(x)), None)


def _list_arguments(function: Function) -> Iterable[str]:
    """As one writes them: inputs, and parameters with their defaults."""
    if isinstance(function, Op) and not function.forward.__name__.startswith("<"):
        yield from (f"{name}=None" if name in function.optional else name for name in function.arguments)
        yield from [f"*{function.variadic}"] if function.variadic else []
        for name, value in function.defaults.items():
            yield name if value is inspect.Parameter.empty else f"{name}={value!r}"
    elif isinstance(function, Op):
        yield from function.arguments
    else:
        for parameter in inspect.signature(function.call).parameters.values():
            default = "" if parameter.default is inspect.Parameter.empty else f"={parameter.default!r}"
            yield f"{'*' if parameter.kind is parameter.VAR_POSITIONAL else ''}{parameter.name}{default}"


def _find_numpy_name(known: Any) -> str:
    name, owner = known.__name__, getattr(known, "__self__", None)
    if isinstance(owner, np.ufunc):
        return f"numpy.{owner.__name__}.{name}"
    modules = (np, np.linalg, np.lib.stride_tricks)
    return next(f"{module.__name__}.{name}" for module in modules if getattr(module, name, None) is known)


def _write_point(call: Call) -> str:
    values = [str(x.tolist()) if isinstance(x, np.ndarray) else repr(x) for x in call.args]
    return ", ".join(values + [f"{name}={value!r}" for name, value in call.params.items()])


def find_family(function: Function) -> str:
    call = function.call
    rule = next(iter(getattr(function, "rules", {}).values()), None)
    module = getattr(call, "__module__", None) or ""
    if not module.startswith("minigrad.ops."):  # a NumPy function: its rules were written where it was declared
        module = getattr(rule, "__module__", "") or ""
    return module if module.startswith("minigrad.ops.") else "minigrad.ops.truths"


def make_title(module: str) -> str:
    return module.rpartition(".")[2].replace("_", " ").capitalize()


def _read_purpose(module: str) -> str:
    return (importlib.import_module(module).__doc__ or "").partition("\n\n")[0].replace("\n", " ")
