"""Specimens of Einstein's summation convention."""

from __future__ import annotations

from minigrad import ops
from minigrad.ops.specimens.calls import call, refusal, specimens
from minigrad.ops.specimens.draws import normal

ops.einsum.specimens = specimens(
    call("ij,jk->ik", normal(2, 3), normal(3, 4)), call("ij,jk", normal(2, 3), normal(3, 4), optimize=False),
    call("ii->", normal(3, 3)), call("ii->i", normal(3, 3)), call("iji->j", normal(2, 3, 2)),
    call("ij->", normal(2, 3)), call("ij->ij", normal(2, 3)), call("ba", normal(2, 3)),
    call("...ik,...j->ij", normal(2, 3), normal(4)), call("i,i->", normal(2), normal(1)),
    call("b...i,...ij->b...j", normal(2, 2, 3), normal(2, 3, 2)), call("...,...", normal(2, 1), normal(3)),
    call("bhqd,bhkd->bhqk", normal(2, 2, 3, 2), normal(2, 2, 4, 2)), call(" i , j -> j i ", normal(2), normal(3)),
    call("i,ij,jk,k->", normal(2), normal(2, 3), normal(3, 2), normal(2)),
    call("iii,i->i", normal(2, 2, 2), normal(2)), call("ij,ij->i", normal(2, 3), normal(2, 3)),
    call(",i->i", 2.5, normal(3)), call("", normal()), call("ij,jk->ik", normal(2, 0), normal(0, 3)),
    call("i,i,i", normal(2), normal(2), normal(2)),
    refusal(call("ij,jk->iz", normal(2, 3), normal(3, 4)), ValueError, "einsum", "'z'", "ij,jk->iz"),
    refusal(call("ij,jk->ik", normal(2, 3), normal(4, 5)), ValueError, "einsum", "'j'", "3 in operand 0",
            "4 in operand 1"),
    refusal(call("ii->i", normal(1, 3)), ValueError, "einsum", "'i'", "1 and 3 in operand 0"),
    refusal(call("ij->ii", normal(2, 3)), ValueError, "einsum", "'i'", "twice"),
    refusal(call("ij", normal(2)), ValueError, "einsum", "operand 0", "'ij'", "(2,)"),
    refusal(call("...ij", normal(2)), ValueError, "einsum", "operand 0", "'...ij'", "(2,)"),
    refusal(call("i", normal(2, 3)), ValueError, "einsum", "operand 0", "(2, 3)"),
    refusal(call("...i->i", normal(2, 3)), ValueError, "einsum", "'...'"),
    refusal(call("i,j", normal(2)), ValueError, "einsum", "2 operands", "1"),
    refusal(call("i1", normal(2, 3)), ValueError, "einsum", "'1'", "letters"),
    refusal(call(normal(2, 3), [0, 99]), TypeError, "einsum", "string", "[0, 99]"),
    refusal(call(normal(2, 3), "ij"), TypeError, "einsum", "string", "'ij'"),
    refusal(call("ij->i", normal(2, 3), order="C"), TypeError, "einsum", "order is not supported"),
)  # fmt: skip
