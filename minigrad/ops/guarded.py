"""What ops that users declare are given and return: nothing that they could spoil, and nothing that would spoil others.

Ours are trusted, since the laws try them all.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from minigrad.core.arrays import owner_of
from minigrad.core.errors import NUMPYS_OWN, GraphError
from minigrad.core.op import Op
from minigrad.core.record import Function
from minigrad.core.tensor import Tensor
from minigrad.ops.methods import offer_function

F = TypeVar("F", bound=Function)

# What a declaration may say of a function, and of an op besides; and what more a user's op may say in one call.
OF_FUNCTIONS = ("name", "formula", "symbol", "numpy", "commutative")
OF_OPS = ("arguments", "view", "elementwise", "definition", "infer", "effect", "differentiable")
CASES = ("samples", "refusals", "kinks")
SPECIMENS = (*CASES, "reference", "flat")
ATTRIBUTES = ("strong", "joined", "added", "independent", "flops", "latex")


def op(*misplaced: Any, **record: Any) -> Callable[[Callable[..., Any]], Op]:
    """Declare an op of your own: a decorator for its forward function on arrays.

    It may say what the op is, see `Op` and `Function`, and all that stands in other places for the ops of minigrad:
    samples, refusals, kinks, a reference and where it is `flat` (see `Specimens`), the attributes of an `Op`, its
    `flops`, a number or a function of (out, *inputs, **params), and its formula in `latex`, for your own use.

    Raises:
        TypeError: a field that does not exist, or no parentheses.

    >>> import numpy as np
    >>> import minigrad as mg
    >>> @mg.op(formula="y = x³")
    ... def cube(x):
    ...     return x * x * x
    >>> @cube.vjp("x")
    ... def _(g, y, x):
    ...     return g * 3.0 * x * x
    >>> x = mg.Tensor(2.0, requires_grad=True)
    >>> cube(x).backward()
    >>> float(x.grad)
    12.0
    >>> del mg.registry["cube"]
    """
    fields = (*OF_FUNCTIONS, *OF_OPS, *SPECIMENS, *ATTRIBUTES)
    _check_parentheses("op", misplaced, fields)
    return functools.partial(_declare, functools.partial(Op, guarded=Guard), record, fields)


def composition(*misplaced: Any, **record: Any) -> Callable[[Callable[..., Any]], Function]:
    """Declare a public function of your own that is written in ops, and so needs no rule.

    It may say what `Function` takes, and its specimens (see `op`).

    Raises:
        TypeError: a field that does not exist, or no parentheses.

    >>> import minigrad as mg
    >>> @mg.composition(formula="y = x / max x")
    ... def scale_to_one(x):
    ...     return x / mg.max(x)
    >>> mg.Tensor([1.0, 2.0]).scale_to_one().tolist()
    [0.5, 1.0]
    >>> del mg.registry["scale_to_one"]
    """
    fields = (*OF_FUNCTIONS, *SPECIMENS)
    _check_parentheses("composition", misplaced, fields)
    return functools.partial(_declare, Function, record, fields)


def _declare(make: Callable[..., F], record: Mapping[str, Any], fields: Sequence[str], call: Callable[..., Any]) -> F:
    """What `make` makes of a function and its record; what is said besides what it is stands on it as attributes."""
    unknown = [f"{field}=" for field in record if field not in fields]
    name = record.get("name") or _name_of(call)
    if unknown:
        raise TypeError(f"{name}: a declaration has no {', '.join(unknown)}; it may say {', '.join(fields)}")
    from minigrad.ops.specimens import KINDS
    from minigrad.ops.specimens.calls import specimens

    for field, (what, kind) in KINDS.items():
        given = record.get(field, ())
        if not isinstance(given, (list, tuple)) or not all(isinstance(x, kind) for x in given):
            raise TypeError(f"{name}: {field}= is a list of {what}, got {given!r}")
    own = make(call, **{field: value for field, value in record.items() if field in (*OF_FUNCTIONS, *OF_OPS)})
    cases = [case for field in CASES for case in record.get(field, ())]
    own.specimens = specimens(*cases, reference=record.get("reference"), flat=record.get("flat", ""))
    vars(own).update({field: record[field] for field in ATTRIBUTES if field in record})
    return offer_function(own)


def _check_parentheses(decorator: str, misplaced: Sequence[Any], fields: Sequence[str]) -> None:
    if misplaced:
        raise TypeError(
            f"{_name_of(misplaced[0])}: write @minigrad.{decorator}() above it, with parentheses; in them it may say, "
            f"by name, {', '.join(fields)}"
        )


def _name_of(call: Any) -> str:
    return getattr(call, "__name__", repr(call))


class Guard:
    """Stands before what an op of a user computes."""

    def __init__(self, op: Op) -> None:
        self.op = op

    def __call__(self, *arrays: Any, **params: Any) -> Any:
        """What the forward function makes of arrays that it cannot write into, in memory of its own.

        Of a view it is the memory of the first of them; whose memory anything else is, nobody knows.
        """
        result = self.op.forward(*map(_sealed, arrays), **params)
        if result is None:
            raise TypeError("the forward function returned None: does it lack a `return`?")
        array = np.asarray(result)
        if array.dtype.kind not in "biuf":
            raise TypeError(f"expected a result of real numbers, got {array.dtype} of {type(result).__name__}")
        if isinstance(result, np.generic):
            return result
        first = arrays[0] if arrays else None
        looks = self.op.view and isinstance(first, np.ndarray) and owner_of(array) is owner_of(first)
        return array if looks else array.copy()

    def rule(self, argument: str, rule: Callable[..., Any]) -> Callable[..., Any]:
        """What a gradient rule returns, as an array that nobody else has: the sweep adds to it."""

        @functools.wraps(rule)
        def call(*args: Any, **params: Any) -> Any:
            what = f"the gradient rule of {self.op.name} for {argument!r}"
            try:
                value = rule(*map(_sealed, args), **params)
            except NUMPYS_OWN as error:
                kind = next(kind for kind in NUMPYS_OWN if isinstance(error, kind))
                raise kind(f"{what}: {error}") from error
            expected = Tensor if isinstance(args[0], Tensor) else (np.ndarray, np.generic)
            if not isinstance(value, expected) or value.dtype.kind not in "biuf":
                found = value.dtype if isinstance(value, expected) else type(value).__name__
                raise GraphError(
                    f"{what} returned {found}: expected a Tensor of real numbers for Tensors, as operations make it, "
                    "and an array where it was given arrays"
                )
            return value if isinstance(value, Tensor) else np.array(value)

        return call


def _sealed(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    view = x.view()
    view.flags.writeable = False
    return view
