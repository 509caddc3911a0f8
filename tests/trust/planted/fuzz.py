"""Faults of refusals, of memory with a history, and of errors without a name."""

from __future__ import annotations

from .fault import Fault

PROGRAMS = "tests/trust/test_law1_programs.py"
REFUSALS = f"{PROGRAMS}::test_what_eager_code_refuses_is_refused_by_name_in_every_way"


def keep_history() -> None:
    from minigrad.core.capture import Capture
    from minigrad.core.storage import cast
    from minigrad.core.tensor import Tensor, constant

    def assign(self, tensor, value):
        value = self.value_of(value) if isinstance(value, Tensor) else constant(value)
        self.updates[tensor] = cast(value, tensor.dtype, "assign")

    Capture.assign = assign


def infer_without_a_look() -> None:
    import numpy as np

    import minigrad as mg
    from minigrad.core.arrays import Shaped, shape_of

    def shape_of_weights(x, where=None, **params):
        return Shaped(np.broadcast_shapes(x.shape, shape_of(where)), np.result_type(x.dtype, np.float16))

    for name in ("softmax", "standardize"):
        mg.registry[name].own_infer = shape_of_weights


def leave_errors_unnamed() -> None:
    from minigrad.wording import calls

    calls.name_error = lambda name, error: error


def take_pieces_of_constants_for_constants() -> None:
    from minigrad.compiler import pieces
    from minigrad.compiler.expressions import Item, Piece

    make_piece = pieces._piece

    def make_first_piece(value, loop, places):
        piece = make_piece(value, loop, places)
        constant = isinstance(piece, Piece) and piece.length and places[value].kind == "constant"
        return Item(value, slice(0, piece.length)) if constant else piece

    pieces._piece = make_first_piece


FAULTS = [
    Fault("F1", "memory that is assigned keeps its history under capture", keep_history,
          (f"{PROGRAMS}::test_memory_has_no_history_in_any_way",)),
    Fault("F6", "errors of Python's own come out of public functions unnamed", leave_errors_unnamed,
          (f"{PROGRAMS}::test_a_wrong_axis_is_refused_by_name_in_every_way",)),
    Fault("F9", "softmax and standardize look at less on shapes than on arrays", infer_without_a_look, (REFUSALS,)),
    Fault("F18", "a piece of a constant is taken for a constant: the mask of the first rows serves for all",
          take_pieces_of_constants_for_constants, (f"{PROGRAMS}::test_a_mask_is_the_right_one_for_every_piece",)),
]  # fmt: skip
