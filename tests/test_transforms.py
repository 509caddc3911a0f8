"""vjp, jvp, hvp, jacobian and hessian agree with each other and with closed forms; misuse is named."""

from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


WEIGHT = normal(3, 4, seed=9)
FUNCTIONS = {
    "elementwise": (lambda x: mg.sin(x) * x, [normal(2, 3)]),
    "linear": (lambda x: x @ WEIGHT, [normal(2, 3)]),
    "network": (lambda x, w: mg.softmax(mg.gelu(x @ w)), [normal(2, 3), normal(3, 4, seed=1)]),
    "reduction": (lambda x: mg.logsumexp(x, axis=0), [normal(4, 2)]),
    "indexing": (lambda x: x[[0, 0, 2]] * 2.0, [normal(3)]),
    "numbers": (lambda x, y: x * y, [2.0, 3.0]),
    "one input not used": (lambda x, y: mg.exp(x), [normal(2), normal(3)]),
}
each = pytest.mark.parametrize(("function", "inputs"), FUNCTIONS.values(), ids=FUNCTIONS.keys())


def tangents_for(inputs):
    return [normal(*np.shape(x), seed=5 + i) for i, x in enumerate(inputs)]


def applied(derivatives, tangents):
    """Σ over inputs of a derivative, shaped output + input, times its tangent."""
    return sum(np.tensordot(d.numpy(), t, np.ndim(t)) for d, t in zip(derivatives, tangents, strict=True))


@each
def test_jvp_is_the_jacobian_times_the_tangents(function, inputs):
    tangents = tangents_for(inputs)
    value, change = mg.jvp(function, inputs, tangents)
    np.testing.assert_array_equal(value.numpy(), function(*(Tensor(x) for x in inputs)).numpy())
    np.testing.assert_allclose(change.numpy(), applied(mg.jacobian(function, inputs), tangents), rtol=1e-12, atol=1e-14)


@each
def test_vjp_and_jvp_are_adjoint(function, inputs):
    tangents = tangents_for(inputs)
    value, change = mg.jvp(function, inputs, tangents)
    cotangent = normal(*value.shape, seed=7)
    _, gradients = mg.vjp(function, inputs, cotangent)
    backward = sum(np.sum(g.numpy() * t) for g, t in zip(gradients, tangents, strict=True))
    assert np.sum(cotangent * change.numpy()) == pytest.approx(backward, rel=1e-12)


@each
def test_hvp_is_the_hessian_times_the_tangents(function, inputs):
    def scalar(*xs):
        return mg.sum(mg.square(function(*xs)))

    tangents = tangents_for(inputs)
    value, products = mg.hvp(scalar, inputs, tangents)
    assert float(value) == pytest.approx(float(scalar(*(Tensor(x) for x in inputs))), rel=1e-15)
    for product, row in zip(products, mg.hessian(scalar, inputs), strict=True):
        np.testing.assert_allclose(product.numpy(), applied(row, tangents), rtol=1e-11, atol=1e-13)


@each
def test_shapes_are_output_and_input(function, inputs):
    shape = function(*(Tensor(x) for x in inputs)).shape
    assert [j.shape for j in mg.jacobian(function, inputs)] == [shape + np.shape(x) for x in inputs]
    hessian = mg.hessian(lambda *xs: mg.sum(function(*xs)), inputs)
    assert [[h.shape for h in row] for row in hessian] == [[np.shape(a) + np.shape(b) for b in inputs] for a in inputs]


def test_G10_the_hessian_of_six_inputs_is_symmetric_and_that_of_the_closed_form():
    x, a = normal(6), normal(6, 6, seed=1)
    ((hessian,),) = mg.hessian(lambda x: mg.logsumexp(a @ x), [x])
    np.testing.assert_allclose(hessian.numpy(), hessian.numpy().T, atol=1e-12)
    p = np.exp(a @ x) / np.exp(a @ x).sum()
    np.testing.assert_allclose(hessian.numpy(), a.T @ (np.diag(p) - np.outer(p, p)) @ a, rtol=1e-11, atol=1e-13)


def test_jacobian_of_softmax_is_its_closed_form():
    x = normal(5)
    y = mg.softmax(x)
    np.testing.assert_allclose(mg.jacobian(mg.softmax, [x])[0].numpy(), np.diag(y) - np.outer(y, y), atol=1e-16)


def test_several_results_keep_their_structure():
    value, change = mg.jvp(lambda x: {"double": x * 2.0, "rest": [x**2, mg.sum(x)]}, [[1.0, 3.0]], [[1.0, 10.0]])
    assert (value["double"].tolist(), value["rest"][1].tolist()) == ([2.0, 6.0], 4.0)
    assert change["double"].tolist() == [2.0, 20.0]
    assert [t.tolist() for t in change["rest"]] == [[2.0, 60.0], 11.0]
    _, (gradient,) = mg.vjp(lambda x: (x, x * 3.0), [[1.0, 2.0]], (np.array([1.0, 0.0]), np.array([0.0, 1.0])))
    assert gradient.tolist() == [1.0, 3.0]


def test_derivatives_of_derivatives():
    def slope(x):
        return mg.grad(mg.sum(x**4), x, create_graph=True)

    assert mg.jvp(slope, [[1.0, 2.0]], [[1.0, 1.0]])[1].tolist() == [12.0, 48.0]
    assert mg.jacobian(slope, [[1.0, 2.0]])[0].tolist() == [[12.0, 0.0], [0.0, 48.0]]
    assert mg.hessian(lambda x: mg.sum(slope(x)), [[1.0, 2.0]])[0][0].tolist() == [[24.0, 0.0], [0.0, 48.0]]


def test_float32_stays_float32():
    x = normal(3).astype(np.float32)
    assert mg.jvp(mg.tanh, [x], [x])[1].dtype == np.float32
    assert mg.jacobian(mg.tanh, [x])[0].dtype == np.float32
    assert mg.hessian(lambda x: mg.sum(x**3), [x])[0][0].dtype == np.float32


def test_results_are_plain_values():
    value, change = mg.jvp(mg.exp, [[0.0]], [[1.0]])
    assert not any(t.requires_grad for t in (value, change, *mg.jacobian(mg.exp, [[0.0]])))


def test_inputs_and_tangents_are_left_alone():
    x, t = normal(3), Tensor(normal(3, seed=1), requires_grad=True)
    before = x.tobytes(), t.numpy().tobytes()
    mg.jvp(lambda x: x * 2.0, [x], [t])
    mg.hvp(lambda x: mg.sum(x**2), [x], [t])
    assert (x.tobytes(), t.numpy().tobytes(), t.grad) == (*before, None)


def test_nothing_in_nothing_out():
    assert mg.jacobian(lambda x: x * 2.0, [np.zeros((0, 3))])[0].shape == (0, 3, 0, 3)
    assert mg.jvp(mg.sum, [np.zeros(0)], [np.zeros(0)])[1].tolist() == 0.0


@pytest.mark.parametrize(
    ("transform", "name"),
    [(mg.vjp, "vjp"), (mg.jacobian, "jacobian"), (mg.hessian, "hessian"), (lambda f, x: mg.jvp(f, x, x), "jvp"),
     (lambda f, x: mg.hvp(f, x, x), "hvp")],
)  # fmt: skip
def test_inputs_must_be_a_list_of_floats(transform, name):
    with pytest.raises(TypeError, match=rf"{name}: inputs must be a list with one array per argument, got ndarray"):
        transform(mg.sum, np.ones(2))
    with pytest.raises(TypeError, match=rf"{name}: inputs must be a list with one array per argument, got Tensor"):
        transform(mg.sum, Tensor([1.0]))
    with pytest.raises(TypeError, match=r"cannot require a gradient; pass dtype=numpy\.float64"):
        transform(mg.sum, [np.array([1, 2])])


@pytest.mark.parametrize("transform", [mg.jvp, mg.hvp])
def test_tangents_must_fit_the_inputs(transform):
    with pytest.raises(ValueError, match="tangents must be a list of 2, one for each input"):
        transform(lambda x, y: mg.sum(x * y), [np.ones(2), 1.0], [np.ones(2)])
    with pytest.raises(ValueError, match=r"tangents\[1\] has shape \(3,\), its input \(2,\)"):
        transform(lambda x, y: mg.sum(x * y), [1.0, np.ones(2)], [1.0, np.ones(3)])


@pytest.mark.parametrize("transform", [mg.hessian, lambda f, x: mg.hvp(f, x, x)])
def test_second_derivatives_need_a_scalar(transform):
    with pytest.raises(ValueError, match=r"the function must return a scalar, got float64 \(2,\) made by exp"):
        transform(mg.exp, [np.ones(2)])


def test_results_must_be_floating_point_tensors():
    for function, got in ((lambda x: x.numpy(), "ndarray"), (lambda x: x > 0.0, "bool"), (lambda x: None, "NoneType")):
        with pytest.raises(TypeError, match=f"the function must return floating-point Tensors, got {got}"):
            mg.jvp(function, [1.0], [1.0])
        with pytest.raises(TypeError, match=f"vjp: the function must return floating-point Tensors, got {got}"):
            mg.vjp(function, [1.0])
    with pytest.raises(TypeError, match="jacobian: the function must return one Tensor, got a tuple"):
        mg.jacobian(lambda x: (x, x), [1.0])


def test_grad_of_a_function_names_the_forms_that_take_one():
    with pytest.raises(TypeError, match="vjp, jvp, hvp, jacobian and hessian"):
        mg.grad(mg.exp, 1.0)


@pytest.mark.parametrize("cut", ["compiled", "compiled inside", "no_grad"])
def test_a_graph_that_would_be_cut_around_the_function_is_whole(cut):
    def cubes(x):
        return mg.sum(x**3)

    compiled = mg.compile(cubes)
    function = {"compiled": compiled, "compiled inside": lambda x: compiled(x) * 1.0, "no_grad": cubes}[cut]
    x = np.array([1.0, 2.0])
    with mg.no_grad() if cut == "no_grad" else nullcontext():
        assert mg.vjp(function, [x])[1][0].tolist() == [3.0, 12.0]
        assert float(mg.jvp(function, [x], [x])[1]) == 27.0
        assert mg.jacobian(function, [x])[0].tolist() == [3.0, 12.0]
        assert mg.hessian(function, [x])[0][0].tolist() == [[6.0, 0.0], [0.0, 12.0]]
        assert mg.hvp(function, [x], [x])[1][0].tolist() == [6.0, 24.0]


# --- one within another -----------------------------------------------------------------------------------------------

X = [1.5, -2.0]
ONES = np.ones(2)


def cubes(x):
    return mg.sum(x**3)


def gradient_by(w):  # of Σ w z² at z = (1, 2): (2 w₁, 4 w₂); the w are found around the function
    return mg.vjp(lambda z: mg.sum(w * z**2), [[1.0, 2.0]])[1][0]


NESTED = {
    "jacobian of vjp": (lambda x: mg.jacobian(lambda x: mg.vjp(cubes, [x])[1][0], [x])[0], [[9.0, 0.0], [0.0, -12.0]]),
    "jvp of jvp": (lambda x: mg.jvp(lambda x: mg.jvp(lambda z: z**4, [x], [ONES])[1], [x], [ONES])[1], [27.0, 48.0]),
    "jacobian of hvp": (
        lambda x: mg.jacobian(lambda x: mg.hvp(cubes, [x], [ONES])[1][0], [x])[0],
        [[6.0, 0.0], [0.0, 6.0]],
    ),
    "hessian of jacobian": (
        lambda x: mg.hessian(lambda x: mg.sum(mg.jacobian(lambda z: z**3, [x])[0]), [x])[0][0],
        [[6.0, 0.0], [0.0, 6.0]],
    ),
    "jacobian of hessian": (
        lambda x: mg.sum(mg.jacobian(lambda x: mg.hessian(cubes, [x])[0][0], [x])[0], axis=(0, 1)),
        [6.0, 6.0],
    ),
    "vjp for tangents": (
        lambda x: mg.vjp(lambda t: mg.sum(mg.jvp(lambda z: z**2, [x], [t])[1]), [ONES])[1][0],
        [3.0, -4.0],
    ),
    "vjp for cotangents": (
        lambda x: mg.vjp(lambda g: mg.sum(mg.vjp(lambda z: z**2, [x], g)[1][0]), [ONES])[1][0],
        [3.0, -4.0],
    ),
    "vjp for what is around": (lambda x: mg.vjp(lambda w: mg.sum(gradient_by(w) ** 2), [x])[1][0], [12.0, -64.0]),
    "the value within": (lambda x: mg.vjp(lambda x: mg.vjp(cubes, [x])[0], [x])[1][0], [6.75, 12.0]),
}


@pytest.mark.parametrize("name", NESTED)
def test_a_transform_within_another_is_differentiated(name):
    compute, expected = NESTED[name]
    np.testing.assert_allclose(compute(X).numpy(), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "compute",
    [
        lambda w: mg.sum(gradient_by(w)),
        lambda w: mg.vjp(lambda z: mg.sum(z * w), [ONES])[0],
        lambda w: mg.vjp(cubes, [w])[0],
        lambda w: mg.jvp(cubes, [w], [ONES])[1],
        lambda w: mg.jvp(cubes, [X], [w])[1],
        lambda w: mg.sum(mg.jacobian(lambda z: z * w, [X])[0]),
        lambda w: mg.hvp(lambda z: mg.sum(z**2 * w), [X], [ONES])[0],
        lambda w: mg.sum(mg.hessian(lambda z: mg.sum(z**2 * w), [X])[0][0]),
        lambda w: mg.sum(mg.vjp(mg.exp, [X], w)[1][0]),
    ],
)
def test_a_gradient_that_would_be_lost_is_refused(compute):
    w = Tensor(X, requires_grad=True)
    found = compute(w)
    with pytest.raises(mg.GraphError, match=r"vjp, jvp, hvp, jacobian or hessian.*\.detach\(\)"):
        mg.sum(w * w) + found
    assert (mg.sum(w * w) + found.detach()).requires_grad
    with mg.no_grad():
        assert not (mg.sum(w * w) + compute(w)).requires_grad


def test_what_depends_on_nothing_around_is_a_plain_value():
    w = Tensor(X, requires_grad=True)
    assert (mg.sum(w * w) + mg.vjp(cubes, [X])[0] * 2.0).requires_grad


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("vjp", lambda x: mg.vjp(cubes, [x])),
        ("jvp", lambda x: mg.jvp(cubes, [x], [x])),
        ("hvp", lambda x: mg.hvp(cubes, [x], [x])),
        ("jacobian", lambda x: mg.jacobian(mg.exp, [x])),
        ("hessian", lambda x: mg.hessian(cubes, [x])),
    ],
)
def test_transforms_are_not_captured_and_say_what_is(name, call):
    with pytest.raises(mg.CaptureError, match=rf"{name} is called while a function is captured.*minigrad\.grad"):
        mg.compile(call)(Tensor(X))


# --- value and gradient -----------------------------------------------------------------------------------------------

EXAMPLE = {"w": np.ones((2, 3), np.float32), "parts": [np.zeros(2), 0.5]}


def squares(p, scale=1.0):
    return (mg.sum(mg.square(p["w"])) + mg.sum(mg.square(p["parts"][0])) + p["parts"][1] ** 2) * scale


def test_the_gradient_has_the_structure_of_the_first_argument():
    value, gradient = mg.value_and_grad(squares)(EXAMPLE, scale=2.0)
    assert float(value) == 12.5
    assert gradient["w"].tolist() == np.full((2, 3), 4.0).tolist()
    assert gradient["w"].dtype == np.float32
    assert [g.tolist() for g in gradient["parts"]] == [[0.0, 0.0], 2.0]


def test_a_vector_is_read_as_the_example_and_the_gradient_is_a_vector():
    function = mg.value_and_grad(squares, flat=True, like=EXAMPLE)
    vector = function.flatten(EXAMPLE)
    assert vector.dtype == np.float64
    value, gradient = function(vector * 3.0, 0.5)
    assert type(value) is float
    assert value == 9.0 * 6.25 / 2
    assert (gradient.dtype, gradient.tolist()) == (np.float64, (vector * 3.0).tolist())
    back = function.unflatten(vector)
    assert back["w"].dtype == np.float32
    np.testing.assert_array_equal(back["w"], EXAMPLE["w"])
    assert [x.tolist() for x in back["parts"]] == [[0.0, 0.0], 0.5]
    back["w"][...] = 7.0  # memory of its own
    assert vector[0] == 1.0


def test_without_an_example_the_function_is_given_the_vector():
    function = mg.value_and_grad(lambda x: mg.sum(x**2), flat=True)
    value, gradient = function([1.0, 2.0])
    assert (value, gradient.tolist()) == (5.0, [2.0, 4.0])
    assert function.flatten([[1.0], [2.0]]).tolist() == [1.0, 2.0]


def test_scipy_minimises_with_it():
    minimize = pytest.importorskip("scipy.optimize").minimize
    function = mg.value_and_grad(lambda p: squares(p) - 2.0 * mg.sum(p["w"]), flat=True, like=EXAMPLE)
    found = function.unflatten(minimize(function, function.flatten(EXAMPLE) + 2.0, jac=True).x)
    np.testing.assert_allclose(found["w"], 1.0, atol=1e-5)
    np.testing.assert_allclose(found["parts"][0], 0.0, atol=1e-5)


def test_it_is_differentiated_again_within_another_transform():
    def length_of_gradient(x):
        return mg.sum(mg.square(mg.value_and_grad(lambda y: mg.sum(y**3))(x)[1]))

    _, (gradient,) = mg.vjp(length_of_gradient, [[1.0, 2.0]])
    assert gradient.tolist() == [36.0, 288.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.value_and_grad(lambda x: x * 2.0)([1.0, 2.0]), ValueError, "value_and_grad.*scalar"),
        (lambda: mg.value_and_grad(lambda x: 2.0)([1.0]), TypeError, "value_and_grad.*Tensors, got float"),
        (lambda: mg.value_and_grad(lambda x: (x, x))(1.0), TypeError, "value_and_grad.*one Tensor, got a tuple"),
        (lambda: mg.value_and_grad(mg.sum)(np.arange(3)), TypeError, "cannot require a gradient"),
        (lambda: mg.value_and_grad(mg.sum, like=[1.0]), TypeError, "flat=True"),
        (lambda: mg.value_and_grad(squares, True, EXAMPLE)(np.ones(3)), ValueError, r"\(3,\).*9 elements"),
        (lambda: mg.value_and_grad(squares, True, EXAMPLE).flatten({"w": 1.0}), ValueError, "flatten.*keys"),
        (lambda: mg.value_and_grad(mg.sum, True, [1.0, 2.0]).flatten([1.0]), ValueError, r"flatten.*\(1,\).*\(2,\)"),
        (lambda: mg.compile(mg.value_and_grad(mg.sum))(np.ones(2)), mg.CaptureError, "value_and_grad.*captured"),
    ],
)  # fmt: skip
def test_what_has_no_value_and_gradient_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
