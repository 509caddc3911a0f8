"""explain_grad says why a gradient is absent or zero, and which contributions one is the sum of."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor, nn
from minigrad.checks.explain import REASONS
from minigrad.ops.specimens import specimens_of


def leaf(values, name=None):
    return Tensor(values, requires_grad=True, name=name)


@pytest.fixture
def w():
    return leaf([1.0, 2.0], "w")


# --- absent -----------------------------------------------------------------------------------------------------------


def absent(loss, x, reason, *named):
    explanation = mg.explain_grad(loss, x)
    assert explanation.reason == reason
    assert reason in REASONS
    assert explanation.gradient is None
    assert explanation.parts == explanation.zero_because == ()
    assert str(explanation) == repr(explanation) == explanation.message
    for part in named:
        assert part in explanation.message


def test_integers_have_none(w):
    loss = mg.sum(w[[0, 1]])
    absent(loss, Tensor([0, 1], name="i"), "not a float", "int64 (2,) 'i'", "make it with dtype=numpy.float64")
    absent(loss, w > 1.0, "not a float", "bool (2,) made by greater")
    absent(loss, w.astype(np.int32), "not a float", "int32 (2,) made by astype")


def test_what_does_not_require_one_says_why(w):
    loss = mg.sum(w * 2.0)
    with mg.no_grad():
        computed = w * 2.0
    absent(loss, Tensor([1.0], name="t"), "not required", "float64 (1,) 't'", "made without requires_grad=True")
    absent(loss, mg.constant([1.0]), "not required", "it is a constant")
    absent(loss, w.detach(), "not required", "made by stop_gradient", "detach()")
    absent(loss, computed, "not required", "computed by multiply under no_grad()")
    absent(loss, mg.sign(w) if not mg.sign.differentiable else mg.zeros_like(w), "not required", "has no derivative")


def test_nothing_behind_the_loss_requires_one(w):
    with mg.no_grad():
        loss = mg.sum(w * w)
    absent(loss, w, "nothing required", "computed by sum under no_grad()", "compute outside no_grad()")
    absent(mg.argmax(w), w, "nothing required", "argmax has no derivative", "make a leaf with")
    absent(mg.sum(w.detach()), w, "nothing required", "float64 () made by sum")


def test_no_path(w):
    v = leaf([3.0, 4.0], "v")
    loss = mg.sum(v * w.numpy())
    absent(loss, w, "no path", "from float64 () made by sum to float64 (2,) 'w'", "x.numpy()")
    absent(loss, leaf([1.0], "late"), "no path", "to float64 (1,) 'late', which was made after it")


def test_a_path_cut_by_detach_names_the_node_and_its_line(w):
    v = leaf([3.0, 4.0])
    with mg.trace_lines():
        frozen = w.detach()
    absent(mg.sum(frozen * v), w, "cut", "cut at float64 (2,) made by stop_gradient at test_explain.py:", "detach()")
    with mg.no_grad():
        part = w[:1]
    absent(mg.sum(part * v), w, "cut", "cut at float64 (1,) made by getitem", "under no_grad()")


def test_a_path_that_may_be_cut_names_the_candidates(w):
    v = leaf([3.0, 4.0])
    absent(
        mg.sum(v * mg.argmax(w)),
        w,
        "no path",
        "may have been cut",
        "int64 () made by argmax (the result of argmax has no",
    )
    absent(mg.sum(v * (w > 1.0)), w, "no path", "bool (2,) made by greater")
    absent(
        mg.sum(v * w.astype(int)), w, "no path", "int64 (2,) made by astype (the result of astype has no derivative)"
    )
    with mg.no_grad():
        halves = [w * 0.5 for _ in range(5)]
    absent(mg.sum(mg.concatenate([v, *halves])), w, "no path", "made by multiply (it was computed by", "and 2 more")


def test_a_recorded_result_without_gradient_is_a_cut_as_well(w):
    v = leaf([3.0, 4.0], "v")
    gradient = mg.grad(mg.sum(w * w), w)
    absent(mg.sum(v * gradient), w, "no path", "it was not used")


# --- there ------------------------------------------------------------------------------------------------------------


def present(explanation, reason, parts):
    assert explanation.reason == reason
    assert len(explanation.parts) == parts
    if parts:
        np.testing.assert_allclose(sum(part.value for part in explanation.parts), explanation.gradient, rtol=1e-12)
    if parts and explanation.gradient.any():
        assert sum(part.share for part in explanation.parts) == pytest.approx(1.0)
    assert str(explanation).count("  from ") == parts
    return explanation


def test_a_gradient_is_the_sum_of_its_uses(w):
    with mg.trace_lines(), mg.scope("layer"):
        y = mg.exp(w) * w
    loss = mg.sum(y) + mg.sum(w * 3.0)
    loss.backward()
    found = present(mg.explain_grad(loss, w), "present", 3)
    np.testing.assert_array_equal(found.gradient, w.grad)
    by_op = {(part.op, part.argument): part for part in found.parts}
    assert by_op.keys() == {("multiply", "x1"), ("multiply", "x2"), ("exp", "x")}
    assert by_op["multiply", "x1"].expression == "multiply(w, 3.0)"
    assert by_op["multiply", "x2"].expression.startswith("multiply(exp(…), w) in layer at test_explain.py:")
    assert by_op["multiply", "x2"].formula == mg.multiply.formula
    np.testing.assert_allclose(by_op["exp", "x"].incoming, w.numpy())
    np.testing.assert_allclose(by_op["exp", "x"].value, w.numpy() * np.exp(w.numpy()))
    gradient = w.grad
    share = by_op["multiply", "x1"].value @ gradient / (gradient @ gradient)
    assert by_op["multiply", "x1"].share == pytest.approx(share)
    assert f"{share:.1%}  from multiply(w, 3.0), argument x1:  [3. 3.]" in str(found)


def test_an_interior_gradient_that_was_not_kept_is_there_all_the_same(w):
    y = w * 2.0
    loss = mg.sum(mg.square(y))
    loss.backward()
    found = present(mg.explain_grad(loss, y), "not kept", 1)
    assert found.gradient.tolist() == [4.0, 8.0]
    assert "only loss.backward(keep=True) keeps its gradient" in str(found)
    loss.backward(keep=True)
    assert present(mg.explain_grad(loss, y), "present", 1).gradient.tolist() == [4.0, 8.0]


def test_asking_touches_nothing(w):
    y = w * 2.0
    loss = mg.sum(y)
    found = present(mg.explain_grad(loss, w), "not computed", 1)
    assert "backward() was not called" in found.message
    assert w.grad is y.grad is loss.grad is loss.trail is None
    with pytest.raises(ValueError, match="read-only"):
        found.gradient[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        found.parts[0].value[0] = 1.0


def test_the_trail_of_backward_is_read_where_there_is_one(w):
    y = w * w
    y.backward([1.0, 10.0], keep=True)
    mg.assign(w, [7.0, 7.0])  # too late to matter: what happened is on record
    assert present(mg.explain_grad(y, w), "present", 2).gradient.tolist() == [2.0, 40.0]
    with pytest.raises(GraphError, match="'w' was written to after multiply used it"):
        mg.explain_grad(y, w, [1.0, 1.0])


def test_a_loss_that_is_no_scalar_needs_a_cotangent(w):
    y = w * w
    with pytest.raises(
        ValueError, match=r"made by multiply is not a scalar: pass a cotangent of shape \(2,\), or take"
    ):
        mg.explain_grad(y, w)
    assert mg.explain_grad(y, w, [1.0, 0.0]).gradient.tolist() == [2.0, 0.0]
    assert mg.explain_grad(y, y, [1.0, 0.0]).gradient.tolist() == [1.0, 0.0]


def test_the_gradient_of_the_loss_itself_is_the_cotangent(w):
    loss = mg.sum(w)
    found = present(mg.explain_grad(loss, loss), "not kept", 0)
    assert (found.gradient.shape, float(found.gradient)) == ((), 1.0)
    assert "the cotangent itself" in str(found)


def test_large_arrays_are_shown_by_shape_and_norm():
    x = leaf(np.ones((5, 5), np.float32))
    found = str(mg.explain_grad(mg.sum(x * 2.0), x))
    assert found.count("float32 (5, 5) of norm 10") == 2


def test_weights_of_attention_are_explained():
    attention = nn.MultiHeadAttention(8, 2, rng=np.random.default_rng(0))
    loss = mg.sum(mg.square(attention(np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32))))
    assert present(mg.explain_grad(loss, attention.weights), "not kept", 1).parts[0].op == "matmul"
    assert present(mg.explain_grad(loss, attention.query.weight), "not computed", 1).parts[0].op == "linear"


# --- zero -------------------------------------------------------------------------------------------------------------

ZEROS = {
    "relu": lambda w: mg.relu(-w), "clip": lambda w: mg.clip(w, -2.0, -1.0),
    "where": lambda w: mg.where(w > 9.0, w, 0.0), "concatenate": lambda w: mg.max(mg.concatenate([w, [9.0]])),
    "multiply": lambda w: w * 0.0, "maximum": lambda w: mg.maximum(w, 9.0), "minimum": lambda w: mg.minimum(w, -9.0),
    "sigmoid": lambda w: mg.sigmoid(w * 1e4), "tanh": lambda w: mg.tanh(w * 1e4),
    "softmax": lambda w: mg.softmax(w * 1e4),
    "sign": mg.sign, "round": mg.round, "floor": mg.floor, "ceil": mg.ceil, "trunc": mg.trunc, "rint": mg.rint,
    "floor_divide": lambda w: w // 2.0,
    "strong_multiply": lambda w: mg.strong_multiply(w, 0.0), "det_sign": lambda w: mg.det_sign(mg.diag(w)),
}  # fmt: skip


@pytest.mark.parametrize("op", [function.name for function in mg.registry.values() if specimens_of(function).flat])
def test_a_gradient_of_zero_names_the_op_that_let_nothing_through_and_why(w, op):
    loss = mg.sum(mg.exp(ZEROS[op](w)) + 1.0)
    if not loss.requires_grad:  # declared without a derivative rather than with one of 0
        assert not mg.registry[op].differentiable
        absent(loss, w, "nothing required")
        return
    found = mg.explain_grad(loss, w)
    assert not found.gradient.any()
    assert any(
        f"nothing passes {op}(" in cause and specimens_of(mg.registry[op]).flat in cause for cause in found.zero_because
    )
    assert "it is zero everywhere: nothing passes" in str(found)
    assert all(np.isnan(part.share) for part in found.parts)


def test_contributions_that_cancel_are_named(w):
    found = present(mg.explain_grad(mg.sum(w - w), w), "not computed", 2)
    assert found.zero_because == ("the contributions to float64 (2,) 'w' cancel",)


def test_a_cotangent_of_zero_is_named(w):
    assert mg.explain_grad(w * 2.0, w, [0.0, 0.0]).zero_because == ("the cotangent is zero",)


def test_an_empty_gradient_is_not_called_zero():
    x = leaf(np.ones((0, 3)))
    assert mg.explain_grad(mg.sum(x), x).zero_because == ()


# --- refused ----------------------------------------------------------------------------------------------------------


def test_only_tensors_are_explained(w):
    with pytest.raises(TypeError, match="explain_grad: expected Tensors, got ndarray"):
        mg.explain_grad(mg.sum(w), w.numpy())
    with pytest.raises(TypeError, match="expected Tensors, got float"):
        mg.explain_grad(1.0, w)


def test_there_is_nothing_to_explain_while_a_function_is_captured(w):
    with pytest.raises(mg.CaptureError, match="values are not known"):
        mg.trace(lambda x: mg.explain_grad(mg.sum(x * w), w), np.ones(2))
