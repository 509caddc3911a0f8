"""einsum against NumPy; what it becomes in the graph; what it refuses."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

# subscripts, shapes of the operands
EQUATIONS = {
    "S11 trace": ("ii->", (3, 3)),
    "S11 diagonal": ("ii->i", (3, 3)),
    "S11 outer of equal labels": ("iji->j", (2, 3, 2)),
    "S11 sum": ("ij->", (2, 3)),
    "S11 dots that stand for nothing": ("...ik,...j->ij", (2, 3), (4,)),
    "S11 lengths 2 and 1": ("i,i->", (2,), (1,)),
    "S11 lengths 1 and 2": ("i,i->i", (1,), (2,)),
    "S11 implicit product": ("ij,jk", (2, 3), (3, 4)),
    "S11 implicit transposition": ("ba", (2, 3)),
    "S11 implicit trace": ("ii", (3, 3)),
    "S11 implicit, capitals first": ("aB", (2, 3)),
    "S11 implicit with dots": ("i...j", (2, 4, 3)),
    "dots in front": ("...ij,...jk->...ik", (5, 2, 3), (5, 3, 2)),
    "dots that broadcast": ("...i,...i->...", (4, 1, 3), (5, 3)),
    "dots of other ranks": ("i...,...->i...", (2, 4, 3), (3,)),
    "dots last": ("...i->i...", (4, 5, 2)),
    "nothing but dots": ("...,...", (2, 1), (3,)),
    "three operands": ("ij,jk,kl->il", (2, 3), (3, 4), (4, 2)),
    "a label in three": ("i,i,i->", (3,), (3,), (3,)),
    "a label in three, kept": ("ij,ik,i->kij", (2, 3), (2, 4), (2,)),
    "outer product": ("i,j->ji", (2,), (3,)),
    "a bilinear form": ("i,ij,j->", (2,), (2, 3), (3,)),
    "attention": ("bhqd,bhkd->bhqk", (2, 2, 3, 2), (2, 2, 4, 2)),
    "values of attention": ("bhqk,bkhd->bqhd", (2, 2, 3, 4), (2, 4, 2, 3)),
    "three equal labels": ("iii->i", (2, 2, 2)),
    "two pairs of equal labels": ("iijj->ij", (2, 2, 3, 3)),
    "sums over axes in other orders": ("cab,abc->b", (2, 3, 4), (3, 4, 2)),
    "rows and columns in other orders": ("cabi,jabc->bij", (2, 3, 4, 2), (3, 3, 4, 2)),
    "equal labels after another": ("kii->ik", (2, 3, 3)),
    "equal labels between others": ("kilij->jlki", (2, 3, 2, 3, 1)),
    "equal labels of length 1": ("ii,i->i", (1, 1), (3,)),
    "a label alone in each": ("ij,k->", (2, 3), (4,)),
    "numbers": (",->", (), ()),
    "a number and a matrix": (",ij->ji", (), (2, 3)),
    "whitespace": (" i j , j k -> i k ", (2, 3), (3, 4)),
    "S3 empty sum": ("ij,jk->ik", (5, 0), (0, 10)),
    "S3 no rows": ("ij,jk->ik", (0, 3), (3, 4)),
    "S3 length 0 and 1": ("ij,ij->ij", (0, 3), (1, 3)),
}


@pytest.mark.parametrize("equation", EQUATIONS.values(), ids=[name.replace(" ", "_") for name in EQUATIONS])
def test_value_is_numpys_and_gradients_agree_with_finite_differences(equation):
    subscripts, *shapes = equation
    rng = np.random.default_rng(0)
    arrays = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    expected = np.einsum(subscripts, *arrays)
    value = mg.einsum(subscripts, *(Tensor(x) for x in arrays)).numpy()
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=1e-14, strict=True)
    mg.check_gradients(lambda *xs: mg.einsum(subscripts, *xs), arrays, order=2, elements=8, directions=2)


# what an equation becomes
NODES = {
    "ij,jk->ik": ["matmul"],
    "ij,j->i": ["matmul"],
    "bij,bjk->bik": ["matmul"],
    "abi,ic->abc": ["matmul"],
    "ij,ij->i": ["vecdot"],
    "ij,ij->ij": ["multiply"],
    "ij->": ["sum"],
    "ij->ji": ["transpose"],
    "ij->ij": ["transpose"],
    "bhqd,bhkd->bhqk": ["transpose", "matmul"],
}


@pytest.mark.parametrize("subscripts", NODES)
def test_a_product_is_one_node(subscripts):
    operands = [Tensor(np.ones((2,) * len(one)), requires_grad=True) for one in subscripts.split("->")[0].split(",")]
    graph = mg.einsum(subscripts, *operands).graph()
    assert [node.op for node in graph if node.op] == NODES[subscripts]


def test_the_same_operand_twice():
    x = Tensor([1.0, 2.0], requires_grad=True)
    mg.einsum("i,i->", x, x).backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_operands_are_multiplied_in_the_order_that_keeps_products_small():
    vectors = [Tensor(np.ones(100)) for _ in range(4)]
    graph = mg.trace(lambda *xs: mg.einsum("a,b,a,b->", *xs), *vectors)
    assert max(node.shape for node in graph) == (100,)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.bool_])
@pytest.mark.parametrize("subscripts", ["ij->i", "ij,ij->i", "ij,jk->ik", "ii->i", "ij,kl->"])
def test_D5_integers_and_booleans_are_numpys(dtype, subscripts):
    x = np.array([[200, 1], [0, 255]]).astype(dtype)
    operands = [x] * (1 + subscripts.count(","))
    expected = np.einsum(subscripts, *operands)
    np.testing.assert_array_equal(mg.einsum(subscripts, *operands), expected)
    assert mg.einsum(subscripts, *(Tensor(x) for x in operands)).dtype == expected.dtype


def test_D5_small_integers_beside_floats_do_not_wrap():
    x = np.array([200, 255], np.uint8)
    assert mg.einsum("i,i,i->", x, x, np.ones(2)) == 200.0**2 + 255.0**2


def test_D2_numbers_and_lists_are_operands():
    x = Tensor(np.ones(2, np.float32))
    assert mg.einsum(",i->i", 0.5, x).dtype == np.float32
    assert mg.einsum(",i->i", np.float64(0.5), x).dtype == np.float32
    assert float(mg.einsum("i,i->", x, [1.0, 2.0])) == 3.0


def test_E5_labels_and_lengths_that_clash_are_named():
    x, y = Tensor(np.ones((2, 3))), np.ones((4, 5))
    with pytest.raises(ValueError, match=r"'ij,jk->iz' has label 'z' in the output, and no operand has it"):
        mg.einsum("ij,jk->iz", x, y)
    with pytest.raises(ValueError, match=r"label 'j' has length 3 in operand 0 and 4 in operand 1"):
        mg.einsum("ij,jk->ik", x, y)
    with pytest.raises(ValueError, match=r"label 'a' has length 2 in operand 0 and 5 in operand 2"):
        mg.einsum("a,b,a", np.ones(2), np.ones(3), np.ones(5))


def test_E5_lengths_of_the_axes_of_dots_are_named_too():
    with pytest.raises(ValueError, match=r"'\.\.\.i,\.\.\.i': .* length 2 in operand 0 and 3 in operand 1"):
        mg.einsum("...i,...i", np.ones((2, 4)), np.ones((3, 4)))


@pytest.mark.parametrize(
    "labels", [([0, 1], [1, 2], [0, 2]), ([0, 1], [1, 2]), ([51, 0], [0, 26], [26, 51]), ([..., 1], [..., 1], [...])]
)  # fmt: skip
def test_labels_may_be_integers_as_in_numpy(labels):
    arrays = [np.random.default_rng(i).standard_normal((3, 3)) for i in range(2)]
    xs = [Tensor(a, requires_grad=True) for a in arrays]

    def write(operands):
        return [*(part for pair in zip(operands, labels, strict=False) for part in pair), *labels[2:]]

    expected = np.einsum(*write(arrays))
    for found in (np.einsum(*write(xs)), mg.compile(lambda *xs: mg.einsum(*write(xs)))(*arrays)):
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13)
    assert mg.check_gradients(lambda *xs: mg.einsum(*write(xs)), xs).passed


def test_E9_labels_that_are_none_and_unsupported_keywords_are_named():
    x = Tensor(np.ones((2, 2)))
    with pytest.raises(TypeError, match=r"'ij' among the labels: expected the subscripts as a string first"):
        np.einsum(x, "ij", [1, 0])
    with pytest.raises(TypeError, match="einsum: argument order is not supported"):
        np.einsum("ij->ji", x, order="C")


def test_more_axes_than_letters():
    labels = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    operands = [np.ones((1,) * 26), np.ones((1,) * 26), np.ones((1, 1))]
    with pytest.raises(ValueError, match="more than 52 labels"):
        mg.einsum(f"{labels[:26]},{labels[26:]},...", *operands)
