"""Clipping by the global norm."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import clip_gradients


def parameters(dtype=np.float64):
    rng = np.random.default_rng(0)
    made = [mg.Tensor(np.zeros(shape), dtype, requires_grad=True) for shape in ((3, 4), (), (5,), (2,))]
    for parameter in made[:-1]:
        parameter.grad = rng.standard_normal(parameter.shape).astype(dtype)
    return made


def norm_of(tensors):
    return np.sqrt(sum((np.asarray(p.grad, float) ** 2).sum() for p in tensors if p.grad is not None))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_long_gradients_are_scaled_to_the_maximum_in_the_same_direction(dtype):
    tensors = parameters(dtype)
    before = [p.grad for p in tensors]
    length = norm_of(tensors)
    assert float(clip_gradients(tensors, 0.5)) == pytest.approx(length, rel=1e-6)
    assert norm_of(tensors) == pytest.approx(0.5, rel=1e-6)
    for parameter, gradient in zip(tensors[:-1], before, strict=False):
        assert parameter.grad.dtype == dtype
        assert np.allclose(parameter.grad, gradient * (0.5 / length), rtol=1e-6)
    assert tensors[-1].grad is None


def test_short_gradients_keep_every_bit():
    tensors = parameters()
    before = [p.grad for p in tensors[:-1]]
    length = float(clip_gradients(tensors, 100.0))
    assert length == pytest.approx(norm_of(tensors))
    assert all(np.array_equal(p.grad, gradient) for p, gradient in zip(tensors[:-1], before, strict=True))


def test_gradients_of_zero_stay_zero():
    p = mg.Tensor([1.0, 2.0], requires_grad=True)
    p.grad = np.zeros(2)
    assert float(clip_gradients([p], 1.0)) == 0.0
    assert p.grad.tolist() == [0.0, 0.0]


def test_a_gradient_that_somebody_kept_is_not_written_to():
    tensors = parameters()
    kept = tensors[0].grad
    before = kept.copy()
    clip_gradients(tensors, 0.1)
    assert np.array_equal(kept, before)


def test_where_there_is_no_gradient_the_norm_is_0():
    assert float(clip_gradients([mg.Tensor([1.0], requires_grad=True)], 1.0)) == 0.0


@pytest.mark.parametrize("maximum", [0.0, -1.0, float("nan")])
def test_a_maximum_that_is_not_above_0_is_refused(maximum):
    with pytest.raises(ValueError, match=f"clip_gradients: maximum={maximum} must be above 0"):
        clip_gradients(parameters(), maximum)


@pytest.mark.parametrize(
    ("dtype", "maximum"), [("float64", np.inf), ("float32", np.inf), ("float32", 1e39), ("float16", 1e300)]
)
@pytest.mark.parametrize("wrap", [lambda step: step, mg.compile], ids=["eager", "compiled"])
def test_a_maximum_that_no_norm_exceeds_leaves_every_gradient_as_it_is(dtype, maximum, wrap):
    p = mg.Tensor(np.zeros(2, dtype), requires_grad=True)

    def step(x):
        p.grad = x
        return clip_gradients([p], maximum), p.grad

    norm, gradient = wrap(step)(mg.Tensor(np.array([3.0, 4.0], dtype)))
    assert (float(norm), np.asarray(getattr(gradient, "_held", gradient)).tolist()) == (5.0, [3.0, 4.0])


def test_parameters_are_tensors_in_a_list_each_once():
    p = mg.Tensor([1.0, 2.0], requires_grad=True)
    p.grad = np.array([3.0, 4.0])
    with pytest.raises(TypeError, match=r"clip_gradients: parameters must be Tensors in a list.* got Tensor"):
        clip_gradients(p, 1.0)
    with pytest.raises(TypeError, match=r"clip_gradients: parameters must be Tensors, parameters\[1\] is 1.0"):
        clip_gradients([p, 1.0], 1.0)
    with pytest.raises(ValueError, match=r"clip_gradients: parameters\[1\] is parameters\[0\].*: list each once"):
        clip_gradients([p, p], 1.0)
    assert p.grad.tolist() == [3.0, 4.0]
