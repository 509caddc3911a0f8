"""float16 is float32 rounded at the end: every function, to the second order, eager and compiled; reductions of many
elements; clipping; every optimiser. Gradients above 256, whose squares overflow, and of exactly 0 are among them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, optim
from minigrad.checks.cases import cases_of, is_float_array, results
from minigrad.core.structure import leaves, map_leaves
from tests.compiler.test_laws import TAKE_LISTS, lists_as_arrays

HALF, SINGLE = np.float16, np.float32
ALLOWED = 1.02  # units in the last place of float16: half of one is that of the last rounding, the rest float32's own
SCALES = {"ordinary": 1.0, "small": 2.0**-8, "large": 64.0, "squares overflow": 300.0}


def takes_half(case):
    """NumPy's linear algebra does not."""
    try:
        case(*case.floats(HALF))
    except TypeError as error:
        return "float16 is unsupported in linalg" not in str(error)
    return True


FUNCTIONS = [
    name for name, function in mg.registry.items()
    if name != "astype" and any(case.floats() and takes_half(case) for case in cases_of(function))
]  # fmt: skip


def excess(actual, single, exact):
    """By how much a float16 result is off, in units in the last place, beyond four times the error of float32."""
    assert (actual.shape, actual.dtype) == (exact.shape, HALF)
    with np.errstate(all="ignore"):
        rounded = single.astype(HALF)
        own = np.max(np.abs(single - exact), initial=0, where=np.isfinite(single) & np.isfinite(exact))
        error = np.maximum(np.abs(actual.astype(float) - exact) - 4 * own, 0) / spacing(rounded)
    alike = (actual == rounded) | (np.isnan(actual) & np.isnan(rounded))
    return np.max(np.where(alike, 0, np.where(np.isfinite(error), error, np.inf)), initial=0)


def spacing(halves):
    return np.spacing(np.abs(halves)).astype(float)


def cotangent(shape, seed):
    """Some numbers above 256, some of 0."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random(shape) < 0.2, 0, rng.standard_normal(shape) * 300).astype(HALF)


def of_all_orders(case):
    """The results of a case, their gradients, and the gradients of these."""

    def function(arguments):
        args, params = arguments
        xs = [leaf for leaf in leaves(arguments) if getattr(leaf, "requires_grad", False)]
        found = [y for y in results(case.function(*args, **params)) if y.dtype.kind == "f"]
        outputs = [y for y in found if y.requires_grad]
        if not outputs:
            return found
        given = [mg.constant(cotangent(y.shape, i).astype(y.dtype)) for i, y in enumerate(outputs)]
        first = mg.grad(outputs, xs, given, create_graph=True, unused="zero")
        again = [g for g in first if g.requires_grad]
        given = [mg.constant(cotangent(g.shape, 9 + i).astype(g.dtype)) for i, g in enumerate(again)]
        second = mg.grad(again, xs, given, unused="zero") if again else []
        return [*found, *first, *second]

    return function


def arguments_of(case, scale, dtype):
    """Tensors of float16 values in a type, and lists of numbers as arrays, which are arguments of a program too."""

    def scaled(leaf):
        if not is_float_array(leaf):
            return leaf
        return Tensor((leaf * scale).astype(HALF).astype(dtype), requires_grad=case.differentiable)

    args, params = case.arguments()
    if case.function.name == "take":  # takes a tuple as a list of indices
        args = (args[0], np.asarray(args[1]), *args[2:])
    elif case.function.name not in TAKE_LISTS:
        args, params = lists_as_arrays(args), {name: lists_as_arrays(x) for name, x in params.items()}
    return map_leaves(scaled, (args, params))


def run(function, *arguments):
    with np.errstate(all="ignore"):
        return [y.numpy() for y in function(*arguments)]


def require_rounded_once(case, scale, wrap):
    if not case.floats() or case.shape_depends_on_values:
        return
    function = of_all_orders(case)
    exact = run(function, arguments_of(case, scale, np.float64))
    found, single = (run(wrap(function), arguments_of(case, scale, dtype)) for dtype in (HALF, SINGLE))
    for number, values in enumerate(zip(found, single, exact, strict=True)):
        error = excess(*values)
        assert error <= ALLOWED, f"{case.function.name}, sample {case.number}, result {number}: {error:.2f} ulp"


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_is_rounded_once(name, scale):
    for case in cases_of(mg.registry[name]):
        require_rounded_once(case, SCALES[scale], lambda function: function)


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_compiled_function_is_rounded_once(name):
    for case, scale in zip(cases_of(mg.registry[name]), [*SCALES.values()] * 9, strict=False):
        require_rounded_once(case, scale, mg.compile)


# --- many elements ----------------------------------------------------------------------------------------------------

MANY = {
    "sum": mg.sum, "sum of columns": lambda x: mg.sum_to(x.reshape(-1, 4, 1), (4, 1)), "mean": mg.mean,
    "var": lambda x: mg.var(x, ddof=1), "std": mg.std, "prod": mg.prod, "cumsum": mg.cumsum, "cumprod": mg.cumprod,
    "norm": mg.norm, "norm 1": lambda x: mg.norm(x, 1), "logsumexp": mg.logsumexp, "softmax": mg.softmax,
    "log_softmax": mg.log_softmax, "vecdot": lambda x: mg.vecdot(x, x), "layer_norm": mg.layer_norm,
    "rms_norm": mg.rms_norm, "matmul": lambda x: x.reshape(1, -1) @ x.reshape(-1, 1),
    "einsum": lambda x: mg.einsum("i,i,i->", x, x, x), "mse": lambda x: mg.mse(x, mg.zeros_like(x)),
    "linear": lambda x: mg.linear(x.reshape(1, -1), x.reshape(-1, 1), 1.0), "l1": lambda x: mg.l1(x, mg.zeros_like(x)),
    "huber": lambda x: mg.huber(x, mg.zeros_like(x), 300.0), "kl_div": lambda x: mg.kl_div(x, x * 0.5, True),
    "bce": lambda x: mg.bce_with_logits(x, mg.zeros_like(x)), "max": mg.max, "min": lambda x: mg.min(mg.square(x)),
    "cross_entropy": lambda x: mg.cross_entropy(x.reshape(-1, 2), mg.constant(np.zeros(x.size // 2, int))),
    "row many times": lambda x: x.reshape(-1, 4)[mg.constant(np.zeros(3000, int))],
    "embedding": lambda x: mg.embedding(x.reshape(-1, 4), mg.constant(np.zeros(3000, int))),
    "along an axis": lambda x: mg.take_along_axis(x, mg.constant(np.zeros(3000, int)), 0),
    "recurrence": lambda x: mg.linear_recurrence(1.0, x), "broadcast": lambda x: mg.broadcast_to(x[:1], (3000,)),
}  # fmt: skip


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("wrap", [lambda function: function, mg.compile], ids=["eager", "compiled"])
@pytest.mark.parametrize(("count", "different"), [(3000, 1), (70000, 1), (3000, 7)])
@pytest.mark.parametrize("name", MANY)
def test_sums_of_many_neither_overflow_nor_stop_growing(name, count, different, wrap):
    """2048 and 1 are 2048 in float16. Where a function is several ops, each of them is rounded."""
    values = np.arange(count) % different + 1.0

    def value_and_gradient(x, g):
        y = MANY[name](x)
        return y, mg.grad(y, x, g)

    def both(dtype, wrap=lambda function: function):
        g = np.ones(MANY[name](Tensor(values)).shape, dtype)
        return run(wrap(value_and_gradient), Tensor(values, dtype, requires_grad=True), g)

    for half, single, exact in zip(both(HALF, wrap), both(SINGLE), both(np.float64), strict=True):
        assert excess(half, single, exact) <= 3


@pytest.mark.parametrize("exponent", [-24, -20, -15, -14, -1, 1, 10, 14, 15])
@pytest.mark.parametrize("dtype", [HALF, SINGLE, np.float64])
def test_a_quotient_by_a_power_of_two_is_that_quotient(dtype, exponent):
    x, divisor = np.array([1e-7, 1e-3, 0.7, 30000.0, 0.0]).astype(dtype), 2.0**exponent
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(mg.compile(lambda x: x / divisor)(x).numpy(), x / divisor)


# --- clipping and optimisers ------------------------------------------------------------------------------------------

GRADIENTS = {
    "above 256": [300.0, -20000.0, 1000.0], "of 0": [0.0, 0.0, 0.0], "some of 0": [0.0, 300.0, 1e-7],
    "tiny": [1e-7, -6e-8, 0.0], "ordinary": [0.5, -0.25, 1.0],
}  # fmt: skip
OPTIMISERS = {
    "SGD": lambda p: optim.SGD(p, 0.01), "momentum": lambda p: optim.SGD(p, 0.01, momentum=0.9),
    "nesterov": lambda p: optim.SGD(p, 0.01, momentum=0.9, nesterov=True), "Adam": lambda p: optim.Adam(p, 0.01),
    "AdamW": lambda p: optim.AdamW(p, 0.01, weight_decay=0.1),
}  # fmt: skip


def trained(optimiser, gradients, dtype, compiled, steps):
    """A parameter after steps along the gradients, and the state of the optimiser."""
    p = Tensor([1.0, -2.0, 0.5], dtype, requires_grad=True)
    training = OPTIMISERS[optimiser]([p])

    def step(g):
        training.zero_grad()
        loss = mg.sum(p * g)
        loss.backward()
        training.step()
        return loss

    run = mg.compile(step) if compiled else step
    for _ in range(steps):
        run(Tensor(gradients, dtype))
    return p.numpy(), training.state_dict()


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of the loss
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_steps_as_in_float32(optimiser, gradients, compiled):
    """One step from the same parameter is that of float32, rounded; its moments are float32, and exactly these."""
    values = np.array(GRADIENTS[gradients]).astype(HALF)
    half, state = trained(optimiser, values, HALF, compiled, 1)
    single, expected = trained(optimiser, values.astype(SINGLE), SINGLE, compiled, 1)
    assert excess(half, single, single.astype(float)) <= ALLOWED
    for key, array in expected.items():
        np.testing.assert_allclose(state[key], array, rtol=1e-6, err_msg=key)
        assert state[key].dtype == array.dtype


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of the loss
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_large_gradient_does_not_stop_training_and_one_of_0_does_no_harm(optimiser):
    moved, _ = trained(optimiser, np.array([300.0, 0.0, 1e-7]), HALF, False, 20)
    assert np.isfinite(moved).all()
    assert moved[0] < 0.9


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize("maximum", [1.0, 1e-3, 400.0, 1e6])
@pytest.mark.parametrize("gradients", [*GRADIENTS, "many"])
@pytest.mark.parametrize("dtypes", [[HALF, HALF], [HALF, SINGLE], [HALF, np.float64]])
def test_clipped_gradients_are_those_of_float32(gradients, maximum, dtypes, compiled):
    values = np.full(5000, 200.0) if gradients == "many" else np.array(GRADIENTS[gradients])
    values = values.astype(HALF).astype(float)

    def clipped(types):
        parameters = [Tensor(np.zeros(values.size), dtype, requires_grad=True) for dtype in types]

        def function(g):
            for p in parameters:
                p.grad = None
            mg.sum(sum(mg.sum(p * g) for p in parameters)).backward()
            norm = optim.clip_gradients(parameters, maximum)
            return norm, [p.grad for p in parameters]

        norm, found = (mg.compile(function) if compiled else function)(Tensor(values, types[0]))
        return float(norm), [np.asarray(g) for g in found]

    norm, found = clipped(dtypes)
    exact, expected = clipped([np.result_type(dtype, SINGLE) for dtype in dtypes])
    assert norm == pytest.approx(np.sqrt(2 * np.sum(values**2)), rel=1e-6)
    assert norm == pytest.approx(exact, rel=1e-3)
    assert found[0].dtype == HALF
    scaled = values * min(1, maximum / max(norm, 1e-300))
    assert excess(found[0], scaled.astype(SINGLE), scaled) <= ALLOWED
    assert all(np.isfinite(g).all() for g in (*found, *expected))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
@pytest.mark.parametrize(
    ("dtype", "size"), [(SINGLE, 1e20), (SINGLE, 1e-30), (np.float64, 1e200), (np.float64, 1e-200)]
)
def test_clipping_far_from_1_keeps_the_direction(dtype, size, compiled):
    p = Tensor([0.0, 0.0], dtype, requires_grad=True)

    def function(g):
        p.grad = None
        mg.sum(p * g).backward()
        return optim.clip_gradients([p], size), p.grad

    norm, g = (mg.compile(function) if compiled else function)(Tensor(np.array([3.0, 4.0]) * size, dtype))
    np.testing.assert_allclose([float(norm) / size, *np.asarray(g) / size], [5, 0.6, 0.8], rtol=1e-6)
