"""Einstein's summation convention, written in transpose, sum, multiply, vecdot and matmul, whose rules do the rest.

Operands are prepared one by one: repeated labels are diagonals, axes of length 1 that meet longer ones are dropped, and
what a single operand has alone is summed at once. Then they are multiplied two at a time (`labelled_product`).
"""

from __future__ import annotations

import functools
import itertools
import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.core.record import composition
from minigrad.core.tensor import array_or_constant
from minigrad.ops.precision import rounded_once
from minigrad.ops.product import is_number, labelled_product

__all__ = ["einsum"]


@composition(formula="the sum of products over all labels that the output does not have", numpy=[np.einsum])
@rounded_once
def einsum(subscripts: str, *operands: Any, optimize: Any = True) -> Any:
    """The products of elements whose labels agree, summed over the labels that the output does not have.

    Args:
        subscripts: one letter for each axis, `"ij,jk->ik"`. A letter that an operand repeats means its diagonal. `...`
            stands for any axes, which broadcast. Without `->` the output has the letters that occur once, sorted.
        operands: the arrays. An axis of length 1 broadcasts. Or each operand with its labels after it, as integers,
            and those of the output last: `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
        optimize: NumPy's, and of no effect: products are always taken in the order that keeps them small.

    Raises:
        ValueError: subscripts that do not fit the operands or each other.
        TypeError: subscripts that are neither a string nor lists of integers and `...`.

    >>> einsum("ij,j->i", Tensor([[1.0, 2.0], [3.0, 4.0]]), [1.0, 10.0]).tolist()
    [21.0, 43.0]
    """
    if not isinstance(subscripts, str):
        subscripts, operands = read_sublists(subscripts, *operands)
    given = [x if is_number(x) or hasattr(x, "shape") else array_or_constant(x) for x in operands]
    shapes = tuple(shape_of(x) for x in given)
    labels, output = parse_subscripts(subscripts, shapes)
    lengths = find_lengths(subscripts, labels, shapes)
    arrays = [take_diagonals(x, own, lengths) for x, own in zip(cast_to_one_type(given), labels, strict=True)]
    arrays = [sum_alone(x, own, output + labels_beside(arrays, i)) for i, (x, own) in enumerate(arrays)]
    while len(arrays) > 1:
        arrays = multiply_smallest(arrays, output, lengths)
    ((result, own),) = arrays
    if own == output and result is not operands[0]:
        return result
    return ops.transpose(result, tuple(own.index(one) for one in output))  # also of one operand as it is: a new node


# --- what the subscripts say ------------------------------------------------------------------------------------------


LABELS = string.ascii_uppercase + string.ascii_lowercase  # for 0, 1, …, in the order in which they are sorted


def read_sublists(*given: Any) -> tuple[str, tuple[Any, ...]]:
    """The subscripts and the operands of einsum(x, [0, 1], …, [0])."""
    operands, labels = given[: len(given) - 1 : 2], [*given[1::2], *(given[-1:] if len(given) % 2 else ())]
    for own in labels:
        if not isinstance(own, (list, tuple)) or not all(x is ... or (type(x) is int and 0 <= x < 52) for x in own):
            raise TypeError(
                f"einsum: {own!r} among the labels: expected the subscripts as a string first, as in "
                "einsum('ij->ji', x), or after each operand a list of integers from 0 to 51"
            )
    terms = ["".join("..." if x is ... else LABELS[x] for x in own) for own in labels]
    inputs = ",".join(terms[: len(operands)])
    return f"{inputs}->{terms[-1]}" if len(given) % 2 else inputs, operands


@functools.lru_cache(maxsize=1024)
def parse_subscripts(subscripts: str, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[str, ...], str]:
    """The labels of every operand and of the output, with letters in place of `...`."""
    where = f"einsum: {subscripts!r}"
    inputs, arrow, output = "".join(subscripts.split()).partition("->")
    terms = inputs.split(",")
    if len(terms) != len(shapes):
        raise ValueError(f"{where} names {len(terms)} operands, and {len(shapes)} are given")
    for term in (*terms, output):
        wrong = [character for character in term.replace("...", "", 1) if character not in string.ascii_letters]
        if wrong:
            raise ValueError(f"{where} has {wrong[0]!r} among its labels, which are letters and at most one '...' each")
    widths = [len(shape) - len(term.replace("...", "")) for term, shape in zip(terms, shapes, strict=True)]
    for number, (term, shape, width) in enumerate(zip(terms, shapes, widths, strict=True)):
        if width < 0 or (width and "..." not in term):
            raise ValueError(f"{where}: operand {number} has shape {shape}, which {term!r} does not fit")
    widest = max((width for term, width in zip(terms, widths, strict=True) if "..." in term), default=0)
    free = [letter for letter in string.ascii_letters if letter not in subscripts]
    if len(free) < widest:
        raise ValueError(f"{where}: more than {len(string.ascii_letters)} labels, counting the axes of '...'")
    dots = "".join(free[:widest])
    labels = tuple(term.replace("...", dots[widest - width :]) for term, width in zip(terms, widths, strict=True))
    if not arrow:
        once = sorted(one for one in set(inputs) - {*".,"} if inputs.count(one) == 1)
        return labels, dots + "".join(once)
    if widest and "..." not in output:
        raise ValueError(f"{where}: the output has no '...' for the axes that it stands for in the operands")
    for one in output.replace("...", ""):
        if output.count(one) > 1:
            raise ValueError(f"{where} has label {one!r} twice in the output")
        if one not in inputs:
            raise ValueError(f"{where} has label {one!r} in the output, and no operand has it")
    return labels, output.replace("...", dots)


def find_lengths(subscripts: str, labels: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> dict[str, int]:
    """The length that each label stands for; axes of length 1 give way to longer ones, but not inside one operand."""
    lengths: dict[str, int] = {}
    first: dict[str, int] = {}  # the operand that set the length
    for number, (own, shape) in enumerate(zip(labels, shapes, strict=True)):
        within: dict[str, int] = {}
        for one, length in zip(own, shape, strict=True):
            if within.setdefault(one, length) != length:
                raise ValueError(
                    f"einsum: {subscripts!r}: label {one!r} has lengths {within[one]} and {length} in operand {number}"
                )
        for one, length in within.items():
            if lengths.get(one, 1) == 1:
                lengths[one], first[one] = length, number
            elif length not in (1, lengths[one]):
                raise ValueError(
                    f"einsum: {subscripts!r}: label {one!r} has length {lengths[one]} in operand {first[one]} and "
                    f"{length} in operand {number}"
                )
    return lengths


# --- operands one by one, and two by two ------------------------------------------------------------------------------


def cast_to_one_type(operands: Sequence[Any]) -> list[Any]:
    """All arrays in the type of the result, so that no product of small integers wraps where NumPy's does not."""
    kinds = [np.zeros((), getattr(x, "dtype", type(x))).item() if is_number(x) else x.dtype for x in operands]
    dtype = np.result_type(*kinds)  # numbers stay what they are: beside Tensors they do not change the type
    return [x if is_number(x) or x.dtype == dtype else ops.astype(x, dtype) for x in operands]


def take_diagonals(x: Any, labels: str, lengths: dict[str, int]) -> tuple[Any, str]:
    """Diagonals in place of repeated labels, and without the axes of length 1 that meet longer ones elsewhere."""
    for one in dict.fromkeys(labels):
        while labels.count(one) > 1:
            axis1 = labels.index(one)
            axis2 = labels.index(one, axis1 + 1)
            x = ops.diagonal(x, 0, axis1, axis2)
            labels = labels[:axis1] + labels[axis1 + 1 : axis2] + labels[axis2 + 1 :] + one
    short = tuple(i for i, one in enumerate(labels) if shape_of(x)[i] != lengths[one])
    if short:
        x, labels = ops.squeeze(x, short), "".join(one for i, one in enumerate(labels) if i not in short)
    return x, labels


def labels_beside(arrays: Sequence[tuple[Any, str]], *places: int) -> str:
    """The labels of all arrays but those at `places`."""
    return "".join(labels for i, (_, labels) in enumerate(arrays) if i not in places)


def sum_alone(x: Any, labels: str, elsewhere: str) -> tuple[Any, str]:
    """`x` summed over the labels that nothing else has."""
    alone = tuple(i for i, one in enumerate(labels) if one not in elsewhere)
    if not alone:
        return x, labels
    total = ops.sum(x, alone)
    if total.dtype != x.dtype:  # NumPy's sum of small integers is of a larger type, its einsum is not
        total = ops.astype(total, x.dtype)
    return total, "".join(one for one in labels if one in elsewhere)


def multiply_smallest(arrays: list[tuple[Any, str]], output: str, lengths: dict[str, int]) -> list[tuple[Any, str]]:
    """The two arrays multiplied whose product has the fewest elements, and all others."""

    def wanted(i: int, j: int) -> str:
        elsewhere = output + labels_beside(arrays, i, j)
        return "".join(one for one in dict.fromkeys(arrays[i][1] + arrays[j][1]) if one in elsewhere)

    def size(pair: tuple[int, int]) -> int:
        return math.prod(lengths[one] for one in wanted(*pair))

    i, j = min(itertools.combinations(range(len(arrays)), 2), key=size)
    (x1, labels1), (x2, labels2) = arrays[i], arrays[j]
    product = labelled_product(x1, labels1, x2, labels2, wanted(i, j))
    return [product, *(pair for k, pair in enumerate(arrays) if k not in (i, j))]
