"""What float16 cannot hold on the way, and small numbers beside large ones: single cases of the laws."""

import numpy as np
import pytest
from mpmath import mp, mpf

import minigrad as mg
from minigrad import Tensor, optim
from minigrad.nn import MultiHeadAttention

HALF = np.float16

# --- half precision: that all of it is float32 rounded at the end is law 4 -------------------------------------------


def parameter(values, dtype, gradient):
    p = Tensor(values, dtype, requires_grad=True)
    p.grad = np.array(gradient, dtype)
    return p


def test_C3_clipping_in_float16_does_not_zero_what_it_scales():
    p = parameter(np.zeros(100), HALF, np.full(100, 200.0))
    assert float(optim.clip_gradients([p], 1.0)) == pytest.approx(2000)
    np.testing.assert_allclose(p.grad, 0.1, rtol=1e-3)


def test_C3_clipping_in_float32_at_1e20():
    p = parameter(np.zeros(2), np.float32, [3e20, 4e20])
    assert float(optim.clip_gradients([p], 1.0)) == pytest.approx(5e20)
    np.testing.assert_allclose(p.grad, [0.6, 0.8], rtol=1e-6)


@pytest.mark.parametrize("gradient", [300.0, 60000.0, 0.0, 6e-8])
def test_C3_adam_in_float16_survives_any_gradient(gradient):
    p = parameter([1.0], HALF, [gradient])
    adam = optim.Adam([p], rate=0.1)
    adam.step()
    assert p.tolist() == [1.0 if gradient == 0 else pytest.approx(0.9, rel=0.2 if gradient < 1 else 1e-3)]
    p.grad = np.array([1.0], HALF)
    before = p.tolist()
    for _ in range(60):
        adam.step()
    assert np.isfinite(p.numpy()).all()
    assert p.tolist() < before


def test_C3_std_var_and_products_of_many_in_float16():
    assert mg.std(np.arange(1024, dtype=HALF)) == HALF(295.5)
    assert mg.var((np.arange(70000) % 7).astype(HALF), ddof=1) == 4
    ones = Tensor(np.ones(3000), HALF, requires_grad=True)
    gradient = mg.grad(mg.sum(mg.cumprod(ones)), ones).numpy()
    np.testing.assert_array_equal(gradient, np.arange(3000, 0, -1).astype(HALF))


def test_C3_compiled_quotients_by_small_powers_of_two_in_float16():
    x = np.array([1e-7, 1e-3, 0.0], HALF)
    np.testing.assert_array_equal(mg.compile(lambda x: x / 2.0**-20)(x).numpy(), x / 2.0**-20)


PRODUCTS = {
    "divided by 0": lambda x, v: (x @ v) / 0.0, "times ∞": lambda x, v: (x @ v) * np.inf,
    "times a tiny number": lambda x, v: (x @ v) * 1e-20, "divided by a large one": lambda x, v: (x @ v) / 1e20,
    "times a small number": lambda x, v: (x @ v) * 1e-3,
    "summed with tiny weights": lambda x, v: (x * v) @ mg.constant(np.full(2, 1e-20, x.dtype)),
    "summed": lambda x, v: mg.vecdot(x * v, x),
    "summed, and the product known": lambda x, v: (mg.vecdot(x * v, x), x * x),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("dtype", [HALF, np.float32, np.float64])
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e20])
@pytest.mark.parametrize("name", PRODUCTS)
def test_C3_a_factor_moved_into_a_vector_neither_vanishes_nor_overflows_there(name, size, dtype):
    x = Tensor(np.array([[0.0, 1.0], [1.0, 1.0], [3.0, -2.0]]) * min(size, 3e4 if dtype == HALF else size), dtype)
    v = Tensor(np.array([1.0, 0.5]) / size**1.25, dtype)
    results = PRODUCTS[name](x, v), mg.compile(PRODUCTS[name])(x, v)
    expected, actual = (r[0] if isinstance(r, tuple) else r for r in results)
    np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [HALF, np.float32])
def test_C3_moments_are_never_taken_from_float16(dtype):
    """Those that overflowed there would freeze their parameter."""
    p = Tensor([1.0], dtype, requires_grad=True)
    adam = optim.Adam([p])
    with pytest.raises(ValueError, match=r"first_moment\.0: float16"):
        adam.load_state_dict({key: x.astype(HALF) if x.ndim else x for key, x in adam.state_dict().items()})


@pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_C3_attention_in_float16_whose_scores_overflow(scale, run):
    """Weights and context are rounded; with scores of 10,000 one weight is 1."""
    x = (np.random.default_rng(0).standard_normal((2, 5, 8)) * scale).astype(HALF)
    single = MultiHeadAttention(8, 2, rng=np.random.default_rng(1))
    half = single.astype(HALF)
    expected = single(Tensor(x.astype(np.float32))).numpy()
    actual = run(half)(Tensor(x)).numpy()
    assert actual.dtype == HALF
    np.testing.assert_allclose(actual, expected, rtol=0, atol=0.02 * scale)


# --- small losses -----------------------------------------------------------------------------------------------------

ROWS = [
    [40.0, 0.0, -3.0], [15.7, 1.0, 0.0], [0.0, 0.1, 0.2], [30.0, 29.0, -400.0], [3.0, 0.0, -1.0], [12.0, -4.0, 2.0],
    [1000.0, 900.0, 0.0], [0.0, -700.0, -745.0], [16.0, 15.9, 12.0], [5.0, 5.0, 5.0], [-20.0, 10.0, 4.0],
]  # fmt: skip


@pytest.mark.parametrize("run", [lambda f: f, mg.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, HALF])
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy of all", "nll", "log_softmax", "logsumexp"])
def test_C4_a_small_loss_keeps_its_digits(name, dtype, run):
    """log(1 + ε) as a difference of two larger numbers is 0, or has few digits."""
    rows = np.array(ROWS, dtype)
    functions = {
        "cross_entropy": lambda x: mg.cross_entropy(x, mg.constant([0] * len(ROWS)), reduction="none"),
        "cross_entropy of all": lambda x: mg.stack(
            [mg.cross_entropy(x[i : i + 1], mg.constant([0])) for i in range(len(ROWS))]
        ),
        "nll": lambda x: mg.nll(mg.log_softmax(x), mg.constant([0] * len(ROWS)), reduction="none"),
        "log_softmax": lambda x: -mg.log_softmax(x)[:, 0],
        "logsumexp": lambda x: mg.logsumexp(x - x[:, :1], axis=-1),
    }
    losses = run(functions[name])(Tensor(rows)).numpy()
    assert losses.dtype == dtype
    with mp.workdps(400):
        for row, loss in zip(rows.tolist(), losses.tolist(), strict=True):
            exact = mp.log1p(mp.fsum(mp.exp(mpf(x) - mpf(row[0])) for x in row[1:]))
            size = exact if exact < mpf(1) / 16 else max(exact, max(map(abs, row)))
            allowed = 4 * max(np.spacing(dtype(size)), np.finfo(dtype).smallest_subnormal)
            assert abs(mpf(loss) - exact) <= allowed, (row, loss, float(exact))


@pytest.mark.parametrize("x", [186.0, 187.0, 300.0, -350.0])
def test_C4_the_curvature_of_tanh_far_out(x):
    t = Tensor(x, requires_grad=True)
    slope = mg.grad(mg.tanh(t), t, create_graph=True)
    expected = -2 * np.tanh(x) * 4 * np.exp(-2 * abs(x))
    assert float(mg.grad(slope, t)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("x", [1e104, -1e104, 1e200, -1e300, 50.0])
def test_C4_the_curvature_of_gelu_by_tanh_far_out_is_0(x):
    t = Tensor(x, requires_grad=True)
    with np.errstate(over="ignore"):
        slope = mg.grad(mg.gelu(t, approximate="tanh"), t, create_graph=True)
    assert (float(slope), float(mg.grad(slope, t))) == (x > 0, 0)


def test_C4_the_slope_of_arctan_in_float16():
    x = Tensor([300.0, -1000.0, 60000.0], HALF, requires_grad=True)
    np.testing.assert_array_equal(
        mg.grad(mg.sum(mg.arctan(x)), x).numpy(), (1 / (1 + x.numpy().astype(float) ** 2)).astype(HALF)
    )
