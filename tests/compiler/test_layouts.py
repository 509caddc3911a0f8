"""How values lie in each other: views and parts are what NumPy makes, and rows depend on nothing but rows."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of
from minigrad.compiler.expressions import Value, evaluate
from minigrad.compiler.layouts import PARTS, VIEWS, rows_of

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape)


def node_of(function, *arrays):
    """The one operation of a function."""
    (node,) = (node for node in mg.trace(function, *arrays) if node.function is not None)
    return node


# A function of one operation, the shapes of its arrays, and which of its operands go row by row; None if rows depend on
# other rows, or are left together.
ROWS = [
    (mg.matmul, [(5, 4), (4,)], [0]),
    (mg.matmul, [(5, 4), (4, 3)], [0]),
    (mg.matmul, [(5, 5), (5, 5)], [0]),
    (lambda x: mg.matmul(x, x), [(5, 5)], None),
    (mg.matmul, [(4,), (4,)], None),
    (mg.matmul, [(4,), (4, 3)], None),
    (mg.matmul, [(3,), (6, 3, 4)], None),
    (mg.matmul, [(6, 2, 3), (3,)], None),
    (mg.matmul, [(6, 2, 3), (3, 4)], None),
    (mg.matmul, [(6, 2, 3), (6, 3, 4)], [0, 1]),
    (mg.matmul, [(6, 6, 6), (6, 6, 6)], [0, 1]),
    (mg.matmul, [(2, 3), (6, 3, 4)], [1]),
    (mg.matmul, [(6, 3), (6, 3, 4)], [1]),
    (mg.matmul, [(1, 2, 3), (6, 3, 4)], [1]),
    (mg.matmul, [(6, 2, 3), (1, 3, 4)], [0]),
    (mg.matmul, [(2, 6, 2, 3), (6, 3, 4)], [0]),
    (mg.matmul, [(2, 2, 3), (2, 5, 1, 3, 4)], [1]),
    (mg.matmul, [(2, 1, 2, 3), (1, 5, 3, 4)], [0]),
    (mg.softmax, [(6, 4)], [0]),
    (lambda x: mg.softmax(x, axis=1), [(6, 4)], [0]),
    (lambda x: mg.softmax(x, axis=2), [(6, 4, 3)], [0]),
    (lambda x: mg.softmax(x, axis=1), [(6, 4, 3)], None),
    (lambda x: mg.softmax(x, axis=0), [(6, 4)], None),
    (lambda x: mg.softmax(x, axis=-2), [(6, 4)], None),
    (mg.softmax, [(4,)], None),
    (lambda x, mask: mg.softmax(x, mask > 0), [(6, 4), (6, 4)], [0, 1]),
    (lambda x, mask: mg.softmax(x, mask > 0), [(6, 4), (6, 1)], [0, 1]),
    (lambda x, mask: mg.softmax(x, mask > 0), [(6, 4), (1, 4)], [0]),
    (lambda x, mask: mg.softmax(x, mask > 0), [(6, 4), (4,)], [0]),
    (lambda x, mask: mg.softmax(x, mask > 0), [(6, 6), (6,)], [0]),
    (lambda x, mask: mg.softmax(x, mask > 0), [(2, 4), (6, 2, 4)], None),
    (lambda x, mask: mg.softmax(x, mask > 0), [(1, 4), (6, 4)], None),
    (mg.vecdot, [(6, 4), (6, 4)], [0, 1]),
    (mg.vecdot, [(6, 4, 3), (6, 4, 3)], [0, 1]),
    (lambda x, y: mg.vecdot(x, y, keepdims=True), [(6, 4), (6, 4)], [0, 1]),
    (lambda x, y: mg.vecdot(x, y, axis=0), [(6, 4), (6, 4)], None),
    (mg.vecdot, [(6, 4), (4,)], None),
    (mg.vecdot, [(6, 4), (1, 4)], None),
    (mg.vecdot, [(4,), (4,)], None),
    (lambda x: mg.cumsum(x, axis=0), [(6, 4)], None),
    (lambda x: mg.flip(x, axis=0), [(6, 4)], None),
    (mg.add, [(6, 4), (6, 4)], [0, 1]),
    (mg.add, [(6, 1), (6, 4)], [0, 1]),
    (mg.add, [(1, 4), (6, 4)], [1]),
    (mg.add, [(4,), (6, 4)], [1]),
    (mg.add, [(6,), (6, 6)], [1]),
    (mg.add, [(6, 4), (2, 6, 4)], [1]),
    (mg.add, [(), ()], None),
    (lambda x: x + 2.0, [(6, 4)], [0]),
]  # fmt: skip


@pytest.mark.parametrize(("function", "shapes", "expected"), ROWS)
def test_what_goes_row_by_row_is_known(function, shapes, expected):
    *_, node = mg.trace(function, *(normal(*shape) for shape in shapes))  # a mask is computed before
    assert rows_of(node, [None if x is None else place for place, x in enumerate(node.inputs)]) == expected


@pytest.mark.parametrize(("function", "shapes", "taken"), [row for row in ROWS if row[2] is not None])
def test_a_piece_of_the_result_is_that_of_pieces(function, shapes, taken):
    arrays = [normal(*shape) for shape in shapes]
    whole = function(*map(mg.Tensor, arrays)).numpy()
    pieces = math.gcd(len(whole), *(len(arrays[place]) for place in taken))
    assert pieces > 1
    for piece in range(pieces):
        cut = [x[piece : piece + 1] if place in taken else x for place, x in enumerate(arrays)]
        np.testing.assert_allclose(function(*map(mg.Tensor, cut)).numpy(), whole[piece : piece + 1], rtol=1e-12)


def test_pieces_of_a_reshape_are_those_of_its_operand():
    x = normal(6, 4)
    node = node_of(lambda x: mg.reshape(x, (12, 2)), x)
    assert rows_of(node, [0]) == [0]
    for piece in range(6):
        np.testing.assert_array_equal(x.reshape(12, 2)[2 * piece : 2 * piece + 2].ravel(), x[piece])


@pytest.mark.parametrize("op", VIEWS, ids=lambda op: op.name)
def test_a_view_is_what_the_op_gives(op):
    tried = 0
    for case in cases_of(mg.registry.get(op.name, op)):
        graph = mg.trace(lambda args, params, case=case: case.function(*args, **params), *case.arguments())
        for node in graph:
            if node.function is not op:
                continue
            source, *others = node.inputs
            out = Value(source.shape, source.dtype)
            array = normal(*source.shape)
            arrays = [np.zeros(x.shape, x.dtype) if hasattr(x, "shape") else x for x in others]
            expected = op.forward(array, *arrays, **node.params)
            np.testing.assert_array_equal(evaluate(VIEWS[op](out, *arrays, **node.params), {out: array}), expected)
            tried += 1
    assert tried > 1


@pytest.mark.parametrize(
    ("axis", "shapes"),
    [(0, [(2, 3), (1, 3), (0, 3), (4, 3)]), (1, [(2, 3), (2, 1)]), (-1, [(2, 3, 4), (2, 3, 1)]),
     (-2, [(2, 3, 4), (2, 1, 4)]), (None, [(2, 3), (4,), (1, 2, 1)]), (0, [(3,), (2,)])],
)  # fmt: skip
def test_joined_arrays_are_found_in_the_whole(axis, shapes):
    arrays = [normal(*shape) for shape in shapes]
    node = node_of(lambda arrays: mg.concatenate(arrays, axis=axis), arrays)
    whole, out = np.concatenate(arrays, axis=axis), Value(node.shape, node.dtype)
    for view, array in zip(PARTS[node.function](out, *node.inputs, **node.params), arrays, strict=True):
        part = evaluate(view, {out: whole})
        np.testing.assert_array_equal(part, array, strict=True)
        assert not part.size or np.may_share_memory(part, whole)


def test_the_operand_of_a_reshape_is_found_in_the_result():
    x = normal(2, 12)
    node = node_of(lambda x: mg.reshape(x, (6, 4)), x)
    out = Value(node.shape, node.dtype)
    (view,) = PARTS[node.function](out, *node.inputs, **node.params)
    np.testing.assert_array_equal(evaluate(view, {out: x.reshape(6, 4)}), x)
