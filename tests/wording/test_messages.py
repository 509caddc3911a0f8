"""Which axes clash, and what may have been meant: always a sentence that is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor
from minigrad.wording.clashes import find_broadcast_clash, find_product_clash
from minigrad.wording.messages import describe, find_maker

shapes = st.lists(st.integers(0, 3), max_size=4).map(tuple)


def works(function, *arguments):
    try:
        function(*arguments)
    except ValueError:
        return False
    return True


@given(st.lists(shapes, min_size=1, max_size=3))
def test_a_clash_is_found_exactly_where_numpy_finds_one(given):
    clash = find_broadcast_clash([(f"x{i}", shape) for i, shape in enumerate(given)])
    assert (clash == "") == works(np.broadcast_shapes, *given)
    assert all(str(shape) in clash for shape in given) or not clash


@given(shapes, shapes)
def test_a_product_is_refused_exactly_where_numpy_refuses_it(a, b):
    assert (find_product_clash("a", a, "b", b) == "") == works(np.matmul, np.ones(a), np.ones(b))


def written_alternatives(error):
    """The expressions that a message proposes, with the shapes it says they have."""
    proposed = str(error).split("did you mean ")[1].split("?")[0]
    return [part.strip("`").split("` of shape ") for part in proposed.split(", or ")]


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "@"])
@given(shapes, shapes)
def test_what_is_proposed_works_and_has_the_shape_that_is_said(symbol, a, b):
    names = {"left": Tensor(np.ones(a), name="left"), "right": Tensor(np.ones(b), name="right")}
    try:
        eval(f"left {symbol} right", names)
    except ValueError as error:
        if "did you mean" not in str(error):
            return
        for expression, *shape in written_alternatives(error):
            assert eval(expression, names).shape == (eval(shape[0]) if shape else np.broadcast_shapes(a, b))


def test_weights_times_embeddings_proposes_the_product():
    weights, embeddings = Tensor(np.ones(3), name="weights"), Tensor(np.ones((3, 2)), name="embeddings")
    for product in (lambda: weights * embeddings, lambda: embeddings * weights):
        with pytest.raises(ValueError, match=r"did you mean `weights @ embeddings` of shape \(2,\), or `.*\[:, None\]"):
            product()


def test_names_are_used_where_they_are_names_and_tell_operands_apart():
    a = Tensor(np.ones((2, 3)), name="a")
    for b, written in (
        (Tensor(np.ones((2, 3)), name="b"), "`a @ b.T`"), (Tensor(np.ones((2, 3)), name="a"), "`x1 @ x2.T`"),
        (Tensor(np.ones((2, 3)), name="layer.b"), "`a @ x2.T`"), (Tensor(np.ones((2, 3)), name="in"), "`a @ x2.T`"),
        (np.ones((2, 3)), "`a @ x2.T`"), (a, "`a @ a.T`"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="did you mean") as caught:
            a @ b
        assert f"did you mean {written} of shape (2, 2)" in str(caught.value)


def test_an_operand_is_described_by_what_is_known():
    x = Tensor(np.ones((2, 3), np.float32), requires_grad=True, name="x")
    with mg.scope("layer"), mg.trace_lines():
        y = mg.exp(x)
    assert describe(x) == "float32 (2, 3) 'x'"
    assert describe(y).startswith("float32 (2, 3) made by exp in layer at test_messages.py:")
    assert describe(mg.argmax(x)) == "int64 () made by argmax"
    assert describe(np.ones(2)) == "float64 (2,)"
    assert describe(2.5) == "2.5"


def test_results_without_history_know_their_op_and_keep_nothing_else():
    x = Tensor([1.0], requires_grad=True)
    with mg.no_grad():
        y = x * 2.0
    assert find_maker(y) is mg.multiply
    assert (y.op, y.inputs) == (None, ())
    assert find_maker(x) is find_maker(mg.constant([1.0])) is None
