"""What error messages say about operands: what each is. Operands are Tensors and arrays, of which only facts are read.

Why shapes do not fit is found out in `clashes.py`, where they do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.core.errors import NUMPYS_OWN

if TYPE_CHECKING:
    from minigrad.core.op import Op


def explain_failure(op: Op, error: Exception, inputs: Sequence[Any], params: Mapping[str, Any]) -> Exception:
    """`error` again, of its own type, saying which op failed on which arguments; for shapes, which axes clash."""
    operands = [(op.argument(i), x) for i, x in enumerate(inputs) if x is not None]
    given = [f"{name}: {describe(x)}" for name, x in operands] + [f"{name}={value}" for name, value in params.items()]
    kind = next(kind for kind in (np.linalg.LinAlgError, *NUMPYS_OWN) if isinstance(error, kind))
    problem = ""
    if kind in (ValueError, AttributeError):
        from minigrad.wording.clashes import explain_shapes

        problem = explain_shapes(op, operands)
    if isinstance(getattr(error, "obj", None), (int, float)):
        kind = ValueError if problem else TypeError
        problem = problem or "a Python number stands where an array is needed"
    return kind(f"{op.name}({', '.join(given)}): {problem or str(error).removeprefix(f'{op.name}: ')}")


def describe(value: Any) -> str:
    """`float32 (2, 3) 'weight' made by matmul in attention at model.py:12`, as far as it is known, for messages."""
    if not is_operand(value):
        return repr(value)
    facts = f"{value.dtype} {value.shape}"
    if not isinstance(value, np.ndarray):
        maker = find_maker(value)
        facts += f" {value.name!r}" if value.name else ""
        facts += f" made by {maker.name}" if maker else ""
        facts += f" in {value.scope}" if maker and value.scope else ""
        facts += f" at {value.line}" if value.line else ""
    return facts


def find_maker(tensor: Any) -> Op | None:
    """The op that computed a Tensor, also where the graph does not hold it, as under `no_grad()`; None for a leaf."""
    maker: Op | None = tensor.op or tensor.params.get("made_by")
    return maker


def is_operand(value: Any) -> bool:
    """Whether `value` is an array or a Tensor."""
    return isinstance(value, np.ndarray) or hasattr(value, "requires_grad")
