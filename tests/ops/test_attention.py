"""Scaled dot-product attention against plain loops; masks, causality, names, and the worked example."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

attention = mg.scaled_dot_product_attention


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def attention_in_loops(query, key, value, allowed, bias=None):
    """One query at a time, only over the keys it may see."""
    context = np.zeros((*query.shape[:-1], value.shape[-1]))
    for place in np.ndindex(query.shape[:-1]):
        batch = place[:-1]
        keys = np.flatnonzero(allowed[place])
        if keys.size:
            scores = key[batch][keys] @ query[place] / math.sqrt(query.shape[-1])
            weights = np.exp(scores + (0 if bias is None else bias[place][keys]))
            context[place] = weights @ value[batch][keys] / weights.sum()
    return context


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("biased", [False, True])
def test_context_against_plain_loops(lead, causal, masked, biased):
    query, key, value = normal(*lead, 4, 3), normal(*lead, 5, 3, seed=1), normal(*lead, 5, 2, seed=2)
    allowed = np.ones((*lead, 4, 5), bool)
    options = {"causal": causal}
    if masked:
        options["mask"] = np.random.default_rng(3).random((*lead, 4, 5)) < 0.6
        allowed &= options["mask"]
    if causal:
        allowed &= np.arange(5) <= np.arange(4)[:, None]
    if biased:
        options["bias"] = normal(*lead, 4, 5, seed=4)
    expected = attention_in_loops(query, key, value, allowed, options.get("bias"))
    for context in (attention(query, key, value, **options), attention(Tensor(query), key, value, **options).numpy()):
        np.testing.assert_allclose(context, expected, rtol=1e-13, atol=1e-14)


def test_the_worked_example_of_three_tokens():
    embeddings = Tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], requires_grad=True)
    context = attention(Tensor([[1.0, 0.0]]), embeddings, embeddings, scale=1.0)
    weights = context.inputs[0]
    assert weights.inputs[0].tolist() == [[1.0, 0.0, -1.0]]
    assert weights.numpy().round(4).tolist() == [[0.6652, 0.2447, 0.0900]]
    assert context.numpy().round(4).tolist() == [[0.5752, 0.1547]]


def test_N1_a_query_that_sees_nothing_gives_zeros_and_zero_gradients():
    mask = np.array([[True, True, False], [False, False, False]])
    inputs = [normal(2, 4), normal(3, 4, seed=1), normal(3, 4, seed=2)]
    context, (query, key, value) = mg.vjp(lambda q, k, v: attention(q, k, v, mask), inputs, normal(2, 4, seed=3))
    assert context.tolist()[1] == [0.0] * 4
    assert query.tolist()[1] == [0.0] * 4
    assert key.tolist()[2] == value.tolist()[2] == [0.0] * 4
    mg.check_gradients(lambda q, k, v: attention(q, k, v, mask), inputs, order=2)


def test_N1_a_query_that_sees_nothing_has_no_share_in_the_gradients_of_keys_and_values():
    """Whatever the query and its cotangent are: 1e300 would show. Products may differ in their last bit by kernel."""
    mask = np.array([[True, True, False], [False, False, False]])
    key, value, g = normal(3, 4, seed=1), normal(3, 4, seed=2), normal(2, 4, seed=3)

    def gradients(row, cotangent):
        query = np.array([normal(4), [row] * 4])
        g[1] = cotangent
        return [x.numpy() for x in mg.vjp(lambda q, k, v: attention(q, k, v, mask), [query, key, value], g)[1]]

    expected = gradients(0.0, 0.0)
    for row, cotangent in ((0.0, 0.0), (0.0, 1e300), (1e300, -7.0), (-3.0, 5.0)):
        found = gradients(row, cotangent)
        assert not found[0][1].any()
        for own, other in zip(found, expected, strict=True):
            assert np.array_equal(own == 0, other == 0)
            np.testing.assert_allclose(own, other, rtol=4 * np.finfo(float).eps, atol=4 * np.finfo(float).eps)


def test_N1_a_query_that_sees_nothing_has_no_second_derivative_and_all_others_are_finite():
    mask = np.array([[True, True, False], [False, False, False]])
    inputs = [Tensor(x, requires_grad=True) for x in (normal(2, 4), normal(3, 4, seed=1), normal(3, 4, seed=2))]
    first = mg.grad(attention(*inputs, mask), inputs, normal(2, 4, seed=3), create_graph=True)
    seconds = mg.grad(first, inputs, tuple(normal(*x.shape, seed=4) for x in first))
    assert all(np.isfinite(g.numpy()).all() for g in seconds)
    assert seconds[0].tolist()[1] == [0.0] * 4
    assert seconds[0].numpy()[0].all()


def test_N35_scores_far_apart_attend_to_one_key():
    inputs = [np.array([[1e4]]), np.array([[1.0], [0.0], [-1.0]]), normal(3, 2)]
    context, gradients = mg.vjp(attention, inputs, np.ones((1, 2)))
    assert context.tolist() == [inputs[2][0].tolist()]
    assert all(np.isfinite(g.numpy()).all() for g in gradients)
    query, key, value = (Tensor(x, requires_grad=True) for x in inputs)
    context = attention(query, key, value)
    assert context.inputs[0].tolist() == [[1.0, 0.0, 0.0]]
    first = mg.grad(context, query, np.ones((1, 2)), create_graph=True)
    assert np.isfinite(mg.grad(first, key, np.ones((1, 1))).numpy()).all()


def test_causal_queries_do_not_depend_on_later_keys():
    def context(key, value):
        return attention(normal(4, 3), key, value, causal=True)

    for jacobian in mg.jacobian(context, [normal(4, 3, seed=1), normal(4, 3, seed=2)]):
        for query in range(4):
            later = jacobian.numpy()[query, :, query + 1 :]
            assert not later.any()


def test_scores_weights_and_context_are_named_under_a_scope():
    x = Tensor(normal(3, 2), requires_grad=True)
    context = attention(x, x, x, bias=normal(3, 3))
    weights = context.inputs[0]
    biased = weights.inputs[0]
    names = [t.name for t in (biased.inputs[0], biased, weights, context)]
    assert names == ["scores", "biased scores", "weights", "context"]
    assert {t.scope for t in (biased, weights, context)} == {"attention"}


@pytest.mark.parametrize("mask", [np.ones((2, 2)), np.ones((2, 2), int), Tensor(np.zeros((2, 2)))])
def test_masks_that_are_not_boolean_name_bias(mask):
    x = Tensor(normal(2, 2))
    with pytest.raises(TypeError, match=rf"mask: expected booleans.*got {mask.dtype}.*bias="):
        attention(x, x, x, mask)


def test_without_keys_the_context_is_zeros():
    context, gradients = mg.vjp(attention, [normal(2, 3), np.zeros((0, 3)), np.zeros((0, 4))], normal(2, 4))
    assert context.tolist() == [[0.0] * 4] * 2
    assert [g.shape for g in gradients] == [(2, 3), (0, 3), (0, 4)]


@pytest.mark.parametrize("name", ["mask", "bias"])
@pytest.mark.parametrize("shape", [(3, 3), (5, 2, 3), (2,)])
def test_masks_and_biases_that_do_not_broadcast_to_the_scores_are_named(name, shape):
    options = {name: np.ones(shape, bool if name == "mask" else float)}
    with pytest.raises(ValueError, match=rf"{name} of shape \({shape[0]}.*does not broadcast to the scores \(2, 3\)"):
        attention(normal(2, 4), normal(3, 4), normal(3, 4), **options)


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [(((3,), (3,), (3,)), "at least two axes"), (((2, 3), (2, 4), (2, 4)), "differ in width"),
     (((2, 3), (4, 3), (5, 3)), "differ in length"), (((2, 3), (3,), (4, 3)), "at least two axes"),
     (((2, 3), (4, 3), (3,)), "at least two axes"), (((2, 0), (4, 0), (4, 3)), "pass scale=")],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_named(shapes, problem):
    with pytest.raises(ValueError, match=rf"{problem}.*query \({shapes[0][0]}"):
        attention(*(Tensor(np.ones(shape)) for shape in shapes))


def test_lists_are_taken_as_arrays():
    lists = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [3.0, 4.0]], [[5.0], [6.0]]
    mask = [[True, False], [True, True]]
    expected = attention(*(np.array(x) for x in lists), mask=np.array(mask))
    for given in (lists, [Tensor(x) for x in lists], [Tensor(lists[0]), *lists[1:]]):
        for one_mask in (mask, Tensor(mask)):
            np.testing.assert_array_equal(np.array(attention(*given, mask=one_mask).tolist()), expected)
    no_width = np.ones((2, 0)), np.ones((3, 0)), np.array([[1.0], [2.0], [6.0]])
    assert attention(*no_width, scale=1.0).tolist() == [[3.0], [3.0]]  # nothing tells the keys apart


def test_a_mask_that_a_gradient_graph_holds_has_a_name():
    query, key, value = (Tensor(normal(2, 2, seed=i), requires_grad=True) for i in range(3))
    names = {node.name for node in attention(query, key, value, causal=True).graph()}
    assert "causal mask" in names


@pytest.mark.parametrize("shape", [(), (4,), (2, 5)])
def test_heads_that_do_not_share_the_width_evenly_are_refused(shape):
    with pytest.raises(ValueError, match=r"cannot be shared among 2 heads"):
        mg.split_heads(np.ones(shape), heads=2)
    with pytest.raises(ValueError, match="cannot be shared among 0 heads"):
        mg.split_heads(np.ones((3, 4)), heads=0)
