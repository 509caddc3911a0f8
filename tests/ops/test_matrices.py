"""Systems, inverses, determinants, factors: NumPy's values, closed forms of derivatives, and where there are none."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.record import by_numpy

RNG = np.random.default_rng(0)
SINGULAR = {
    "of rank 1": [[1.0, 2.0], [2.0, 4.0]], "but for rounding": [[0.1, 0.2], [0.3, 0.6]],
    "of rank 2 of 3": np.diag([0.0, 2.0, 3.0]), "of rank 1 of 3": np.ones((3, 3)), "of zeros": np.zeros((2, 2)),
}  # fmt: skip


def definite(*shape):
    m = RNG.standard_normal(shape)
    return m @ np.swapaxes(m, -1, -2) + shape[-1] * np.eye(shape[-1])


def leaf(values):
    return Tensor(np.asarray(values, float), requires_grad=True)


# --- names ------------------------------------------------------------------------------------------------------------


def test_the_namespace_has_what_stands_for_functions_of_numpy_linalg():
    known = {name: by_numpy[f] for name, f in vars(np.linalg).items() if callable(f) and f in by_numpy}
    assert known == {name: getattr(mg.linalg, name) for name in mg.linalg.__all__}
    assert {"solve", "inv", "det", "slogdet", "cholesky", "eigh"} <= known.keys()


@pytest.mark.parametrize("name", ["svd", "pinv", "lstsq"])
def test_what_is_not_here_is_refused_with_what_to_write(name):
    with pytest.raises(TypeError, match=rf"numpy.linalg.{name} is not supported on Tensors: write `linalg\..*w\.T @ w"):
        getattr(np.linalg, name)(*[Tensor(np.eye(2))] * (1 + (name == "lstsq")))
    with pytest.raises(AttributeError, match=rf"minigrad.linalg has no attribute '{name}': .* write `linalg\."):
        getattr(mg.linalg, name)


def test_two_results_are_numpys_named_tuples_also_of_compiled_functions():
    a = definite(3, 3)
    for function in (np.linalg.slogdet, np.linalg.eigh):
        expected = function(a)
        for found in (function(leaf(a)), mg.compile(function)(Tensor(a)), function(Tensor(a))):
            assert type(found) is type(expected)
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_allclose(one.numpy(), other, rtol=1e-13, atol=1e-14)


def test_a_result_that_is_not_used_is_not_computed_in_a_program():
    step = mg.compile(lambda a: mg.grad(mg.linalg.slogdet(a).logabsdet, a))
    step(leaf(definite(2, 2)))
    assert "det_sign(" not in step.source


# --- errors -----------------------------------------------------------------------------------------------------------

BAD = {
    "solve": (lambda a: mg.solve(a, a), np.ones((2, 2)), "Singular matrix"),
    "inv": (mg.inv, np.zeros((3, 2, 2)), "Singular matrix"),
    "cholesky": (mg.cholesky, -np.eye(2), "Matrix is not positive definite"),
}


@pytest.mark.parametrize("name", BAD)
def test_numpys_own_error_names_function_and_shape_however_it_is_run(name):
    """So that who tries a little more on the diagonal can catch it."""
    function, a, problem = BAD[name]
    graph, program = mg.trace(function, Tensor(np.broadcast_to(np.eye(2), a.shape))), mg.compile(function)
    for run in (function, program, graph.run):
        for given in (a, Tensor(a)):
            with pytest.raises(np.linalg.LinAlgError) as caught:
                run(given)
            assert str(caught.value).startswith(name)
            assert problem in str(caught.value)
            assert str(a.shape) in str(caught.value)


@pytest.mark.parametrize("function", [mg.inv, mg.det, mg.slogdet, mg.cholesky, mg.eigh, mg.eigvalsh, mg.linalg.inv])
def test_a_matrix_that_is_not_square_is_refused_before_a_program_is_made(function):
    for run in (function, mg.compile(function)):
        with pytest.raises(ValueError, match=r"float64 \(2, 3\).*: expected a square matrix"):
            run(Tensor(np.ones((2, 3))))


# --- derivatives in closed form ---------------------------------------------------------------------------------------


def test_a_batch_of_one_matrix_for_many_right_hand_sides():
    a, b, g = (RNG.standard_normal(shape) for shape in ((3, 3), (5, 3, 2), (5, 3, 2)))
    y, (to_a, to_b) = mg.vjp(mg.solve, [a, b], g)
    np.testing.assert_allclose(y.numpy(), np.linalg.solve(a, b), rtol=1e-14)
    np.testing.assert_allclose(to_b.numpy(), np.linalg.solve(a.T, g), rtol=1e-13)
    np.testing.assert_allclose(to_a.numpy(), -(np.linalg.solve(a.T, g) @ y.numpy().mT).sum(0), rtol=1e-12)


def test_the_likelihood_of_a_gaussian_has_its_known_gradient():
    """Of −½ xᵀ C⁻¹ x − ½ log|C| it is ½ (C⁻¹ x xᵀ C⁻¹ − C⁻¹): by solve and slogdet, and by Cholesky's triangle."""
    c, x = definite(4, 4), RNG.standard_normal(4)
    inverse = np.linalg.inv(c)
    expected = (np.outer(inverse @ x, inverse @ x) - inverse) / 2

    def by_determinant(c):
        return -(mg.vecdot(x, mg.solve(c, x)) + mg.slogdet(c).logabsdet) / 2

    def by_triangle(c):
        lower = mg.cholesky(c)
        return -(mg.square(mg.solve(lower, x)).sum() / 2 + mg.log(mg.diagonal(lower)).sum())

    for function in (by_determinant, by_triangle):
        np.testing.assert_allclose(mg.vjp(function, [c])[1][0].numpy(), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("upper", [False, True])
def test_gradients_of_factors_are_symmetric_and_both_triangles_count(upper):
    a, skew = definite(2, 3, 3), np.triu(np.ones((3, 3)), 1) - np.tril(np.ones((3, 3)), -1)
    for function in (lambda a: mg.cholesky(a, upper=upper), mg.eigvalsh, lambda a: mg.eigh(a).eigenvectors):
        value, (gradient,) = mg.vjp(function, [a], np.asarray(RNG.standard_normal(function(a).shape)))
        np.testing.assert_array_equal(gradient.numpy(), gradient.numpy().mT)
        np.testing.assert_allclose(function(a + skew), value.numpy(), rtol=1e-13, atol=1e-14)


# --- where others divide by zero --------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", SINGULAR.values(), ids=[name.replace(" ", "_") for name in SINGULAR])
def test_the_gradient_of_a_determinant_is_that_of_a_polynomial(a):
    """Its cofactors, each the determinant of what is left without a row and a column."""
    a = np.asarray(a)
    minors = [[np.delete(np.delete(a, i, 0), j, 1) for j in range(len(a))] for i in range(len(a))]
    signs = (-1.0) ** np.add.outer(range(len(a)), range(len(a)))
    gradient = mg.grad(mg.det(x := leaf([a, np.eye(len(a))])), x, [1.0, 1.0]).numpy()
    np.testing.assert_allclose(gradient[0], signs * np.linalg.det(minors), atol=1e-14)
    np.testing.assert_allclose(gradient[1], np.eye(len(a)), atol=1e-15)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of NaN
def test_a_batch_is_not_lost_with_one_matrix_of_it():
    singular = leaf([np.diag([0.0, 1.0]), np.full((2, 2), np.nan), np.diag([2.0, 4.0])])
    for function in (mg.det, mg.logabsdet, lambda a: mg.eigvalsh(a)[..., 0], lambda a: mg.eigh(a)[1][..., 0, 0]):
        y = function(singular)
        assert np.isnan(y.numpy()[1])
        kept = mg.where([False, False, True], y, 0.0)
        gradient = mg.grad(kept.sum(), singular, create_graph=True)
        assert not gradient.numpy()[:2].any()
        assert np.isfinite(gradient.numpy()).all()
        assert np.isfinite(mg.grad(mg.square(gradient).sum(), singular, unused="zero").numpy()).all()


TWICE = {"exactly": np.eye(3), "but for rounding": np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]}


@pytest.mark.parametrize("turn", TWICE.values(), ids=[name.replace(" ", "_") for name in TWICE])
def test_equal_eigenvalues(turn):
    """What depends on neither of their vectors has its gradient, all else none: not one that is wrong."""
    a = leaf(turn * [1.0, 1.0, 2.0] @ turn.T)
    power = mg.grad((mg.eigvalsh(a) ** 3).sum(), a)
    np.testing.assert_allclose(power.numpy(), 3 * a.numpy() @ a.numpy(), atol=1e-13)
    last = mg.eigh(a).eigenvectors[:, 2]
    gradient = mg.grad(last, a, g := np.arange(3.0)).numpy()
    v = last.numpy()
    expected = np.outer(g - v * (v @ g), v)  # 1 / (2 − 1) in the two directions that it can turn to
    np.testing.assert_allclose(gradient, (expected + expected.T) / 2, atol=1e-13)

    def root(a):
        values, vectors = mg.eigh(a)
        return (vectors * mg.sqrt(values) @ vectors.T).sum()

    assert not np.isfinite(mg.grad(root(a), a).numpy()).all()
    assert not np.isfinite(mg.grad(mg.eigh(a).eigenvectors[1, 0], a).numpy()).all()


@pytest.mark.parametrize("a", SINGULAR.values(), ids=[name.replace(" ", "_") for name in SINGULAR])
def test_the_second_derivative_of_a_singular_determinant_never_passes_for_a_number(a):
    """Also where all cofactors are 0, and with them what they would be multiplied with."""
    a = np.asarray(a)
    weights = np.random.default_rng(0).standard_normal(a.shape)
    slopes = lambda x: mg.grad(mg.det(x), x, create_graph=True)  # noqa: E731
    second = lambda x, w: mg.grad(mg.sum(slopes(x) * w), x)  # noqa: E731
    for run in (second, mg.compile(second)):
        assert np.isnan(run(leaf(a), Tensor(weights)).numpy()).all()
        assert not run(leaf(a), Tensor(0 * weights)).numpy().any()
    third = lambda x: mg.grad(mg.sum(mg.grad(mg.sum(slopes(x) * weights), x, create_graph=True)), x)  # noqa: E731
    assert np.isnan(third(leaf(a)).numpy()).all()
