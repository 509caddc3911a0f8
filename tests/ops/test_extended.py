"""What ops take beside what their forward functions do: a type to compute in, several axes, probabilities."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

VALUES = np.random.default_rng(0).standard_normal((2, 3, 4))
REDUCTIONS = [np.sum, np.mean, np.prod, np.cumsum, np.cumprod]


@pytest.mark.parametrize("function", REDUCTIONS)
@pytest.mark.parametrize("dtype", [np.float32, "float64", np.dtype(np.float16)])
def test_dtype_is_the_type_that_is_computed_in_and_the_gradient_comes_back_in_that_of_x(function, dtype):
    ours = mg.registry[function.__name__]
    for given in (np.float32, np.float64):
        a = VALUES.astype(given)
        x = Tensor(a, requires_grad=True)
        expected = function(a, axis=1, dtype=dtype)
        for y in (function(x, axis=1, dtype=dtype), function(x, 1, dtype), ours(x, 1, dtype=dtype),
                  mg.compile(lambda x: ours(x, axis=1, dtype=dtype))(x)):  # fmt: skip
            assert y.dtype == expected.dtype
            np.testing.assert_allclose(y.numpy(), expected, rtol=4e-3 if expected.dtype == "e" else 1e-5)
        (g,) = mg.grad([mg.sum(ours(x, axis=1, dtype=dtype))], [x])
        assert (g.shape, g.dtype) == (x.shape, given)


def test_integers_are_added_up_as_the_type_says():
    a = np.array([200, 100], np.uint8)
    assert np.sum(Tensor(a), dtype=np.uint8).item() == np.sum(a, dtype=np.uint8) == 44
    assert np.mean(Tensor(a), dtype=np.float32).dtype == np.float32
    with pytest.raises(TypeError, match=r"dtype=complex64.*real numbers"):
        np.sum(Tensor(a), dtype=np.complex64)


@pytest.mark.parametrize("axis", [None, (0, 2), (1, -1), (0, 1, 2), [2, 0], (1,), ()])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("masked", [False, True])
def test_softmax_goes_along_several_axes(name, axis, masked):
    mask = np.random.default_rng(1).random((3, 4)) > 0.3 if masked else None
    kept = np.where(True if mask is None else mask, np.exp(VALUES), 0.0)
    axes = axis if axis is None else tuple(axis)
    total = kept.sum(axes, keepdims=True)
    expected = np.where(kept > 0, kept / np.where(total > 0, total, 1.0), 0.0)
    function, x = mg.registry[name], Tensor(VALUES, requires_grad=True)
    fast = mg.compile(lambda x: function(x, mask if mask is None else mg.constant(mask), axis=axis))
    for y in (function(x, mask, axis=axis), function(VALUES, mask, axis), fast(x)):
        found = np.asarray(y.detach() if isinstance(y, Tensor) else y)
        np.testing.assert_allclose(np.exp(found) if name == "log_softmax" else found, expected, rtol=1e-12, atol=1e-15)
    if not masked:
        assert mg.check_gradients(lambda x: function(x, axis=axis), [x]).passed


def test_axes_that_are_not_there_are_named():
    with pytest.raises(np.exceptions.AxisError, match="softmax, axis: axis 3"):
        mg.softmax(Tensor(VALUES), axis=(0, 3))
    with pytest.raises(ValueError, match="repeated axis in `softmax, axis`"):
        mg.softmax(Tensor(VALUES), axis=(0, 0))


PROBABILITIES = np.random.default_rng(2).dirichlet(np.ones(4), (2, 3))
WEIGHT = np.array([1.0, 2.0, 0.5, 3.0])
KEYWORDS = [
    {}, {"reduction": "sum"}, {"reduction": "none"}, {"label_smoothing": 0.1}, {"weight": WEIGHT},
    {"weight": WEIGHT, "label_smoothing": 0.3, "reduction": "none"},
]  # fmt: skip


@pytest.mark.parametrize("keywords", KEYWORDS)
def test_cross_entropy_of_probabilities_is_the_expected_loss_of_classes(keywords):
    logits, targets = Tensor(VALUES, requires_grad=True), Tensor(PROBABILITIES, requires_grad=True)
    smooth, weight = keywords.get("label_smoothing", 0.0), keywords.get("weight", np.ones(4))
    expected = PROBABILITIES * (1 - smooth) + smooth / 4
    losses = -(expected * weight * np.log(np.exp(VALUES) / np.exp(VALUES).sum(-1, keepdims=True))).sum(-1)
    value = {"mean": np.mean, "sum": np.sum, "none": np.asarray}[keywords.get("reduction", "mean")](losses)
    np.testing.assert_allclose(mg.cross_entropy(logits, targets, **keywords).numpy(), value, rtol=1e-12)
    assert mg.check_gradients(lambda *xs: mg.cross_entropy(*xs, **keywords), [logits, targets]).passed
    if "weight" not in keywords:
        fast = mg.compile(lambda *xs: mg.cross_entropy(*xs, **keywords))(VALUES, PROBABILITIES)
        np.testing.assert_allclose(fast.numpy(), value, rtol=1e-12)


@pytest.mark.parametrize("keywords", KEYWORDS)
def test_cross_entropy_of_probabilities_is_that_of_pytorch(keywords):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
    params = {key: torch.tensor(x) if key == "weight" else x for key, x in keywords.items()}
    rows = [torch.tensor(x.reshape(-1, 4)) for x in (VALUES, PROBABILITIES)]
    theirs = torch.nn.functional.cross_entropy(*rows, **params).numpy()
    ours = mg.cross_entropy(VALUES.reshape(-1, 4), Tensor(PROBABILITIES.reshape(-1, 4)), **keywords).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"ignore_index": 0}, "ignore_index= is a class"), ({"weight": np.ones(3)}, r"weight of shape \(3,\)"),
        ({"label_smoothing": 2.0}, "label_smoothing=2.0"), ({"reduction": "all"}, "reduction='all'"),
    ],
)  # fmt: skip
def test_keywords_that_do_not_fit_probabilities_are_refused(keywords, message):
    with pytest.raises(ValueError, match=message):
        mg.cross_entropy(Tensor(VALUES), Tensor(PROBABILITIES), **keywords)


def test_what_is_expected_with_0_costs_nothing_and_half_precision_is_rounded_once():
    logits = Tensor([[-np.inf, 0.0]])
    assert mg.cross_entropy(logits, Tensor([[0.0, 1.0]])).item() == 0.0
    halves = [x.astype(np.float16) for x in (VALUES, PROBABILITIES)]
    half, wide = (mg.cross_entropy(*(Tensor(x, dtype) for x in halves)) for dtype in (np.float16, np.float32))
    assert half.dtype == np.float16
    assert half.item() == np.float16(wide.item())


@pytest.mark.parametrize("call", [lambda x: mg.softmax(x, axis=None, dim=0), lambda x: mg.softmax(axis=None)])
def test_a_call_that_does_not_fit_is_refused_by_the_op_itself(call):
    """Also where other ops would answer."""
    with pytest.raises(TypeError, match=r"^softmax: argument ('x' is missing|dim is not supported)"):
        call(mg.Tensor([[1.0, 2.0]]))
