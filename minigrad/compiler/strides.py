"""What NumPy computes wrongly from strided into strided memory is computed beside it, and copied there.

In comes a plan, and out goes one in which such calls are inside a copy. A part of a joined result lies so, for one.
"""

from __future__ import annotations

import numpy as np

from minigrad.compiler.expressions import Call, Piece, Value
from minigrad.compiler.instructions import Instruction
from minigrad.compiler.places import Places
from minigrad.compiler.plan import Plan

FAULTY = frozenset({np.negative, np.isfinite, np.isinf, np.isnan, np.signbit})
"""Of NumPy 2.4, with AVX-512: of float32 read at every fourth place, say, other elements are taken."""


def copy_into_strides(plan: Plan) -> Plan:
    """The plan in which none of these writes into what does not lie side by side."""
    instructions = [
        one._replace(statement=_copy(one.statement)) if _is_faulty(one, plan.places) else one
        for one in plan.instructions
    ]
    return plan._replace(instructions=instructions)


def _is_faulty(instruction: Instruction, places: Places) -> bool:
    call = instruction.statement
    if type(call) is not Call or call.function not in FAULTY:
        return False
    out = dict(call.keywords)["out"]
    whole: Value = out.whole if type(out) is Piece else out
    return not places.array(whole).flags.c_contiguous


def _copy(call: Call) -> Call:
    keywords = dict(call.keywords)
    out = keywords.pop("out")
    return Call(np.copyto, (out, call._replace(keywords=tuple(keywords.items()))))
