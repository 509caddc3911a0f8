"""Ops that users declare: they cannot spoil what they are given, and what they return spoils nobody else's numbers."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor


@pytest.fixture
def declared():
    """Declares an op for the length of a test, with a rule for `x`."""
    names = []

    def declare(forward, rule=lambda g, y, *inputs: g, **record):
        op = mg.op(formula="a user's", **record)(forward)
        op.vjp("x")(rule)
        names.append(op.name)
        return op

    yield declare
    for name in names:
        del mg.registry[name]


def gradient_beside_another(op):
    x = Tensor([1.0, 2.0], requires_grad=True)
    return mg.grad(mg.sum(x * x) + mg.sum(op(x)), x).tolist()


def test_an_array_that_a_rule_returns_again_and_again_is_not_added_to(declared):
    nothing = np.zeros(2)

    def frozen(x):
        return x * 1.0

    op = declared(frozen, lambda g, y, x: nothing)
    assert [gradient_beside_another(op) for _ in range(3)] == [[2.0, 4.0]] * 3
    assert nothing.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("returned", [None, 1.0, [1.0, 1.0]])
def test_a_rule_that_returns_no_array_is_named(declared, returned):
    def forgetful(x):
        return x * 1.0

    with pytest.raises(mg.GraphError, match="gradient rule of forgetful for 'x' returned"):
        gradient_beside_another(declared(forgetful, lambda g, y, x: returned))


@pytest.mark.parametrize("run", [lambda f, x: f(x), lambda f, x: mg.compile(f)(x), lambda f, x: mg.trace(f, x).run(x)])
def test_a_forward_function_cannot_write_into_what_it_is_given(declared, run):
    def twice(x):
        x *= 2
        return x

    op, x = declared(twice), Tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(ValueError, match=r"twice.*read-only"):
        run(lambda x: op(x * 1.0), x)
    assert x.tolist() == [1.0, 2.0]


def test_a_forward_function_that_returns_what_it_is_given_gives_a_copy_unless_it_says_that_it_is_a_view(declared):
    def same(x):
        return x

    def looking(x):
        return x[::-1]

    x = Tensor([1.0, 2.0])
    copied, view = declared(same)(x), declared(looking, lambda g, y, x: g[::-1], view=True)(x)
    mg.assign(x, [3.0, 4.0])
    assert copied.tolist() == [1.0, 2.0]
    assert view.tolist() == [4.0, 3.0]


def test_a_result_that_is_not_real_is_refused(declared):
    def root(x):
        return np.emath.sqrt(x)

    with pytest.raises(TypeError, match=r"root.*real numbers, got complex128"):
        declared(root)(Tensor([-4.0]))


def largest(x):
    return x[x == x.max()]


def mean_of_the_positive(x):
    return x[x > 0].mean() if (x > 0).any() else 0


def positive(x):
    return x[x > 0]


@pytest.mark.parametrize("forward", [largest, mean_of_the_positive, positive])
def test_a_program_is_made_for_the_shape_and_type_that_zeros_have(declared, forward):
    op = declared(forward)
    with pytest.raises(TypeError, match=rf"{forward.__name__}: returned float64 .*, where for zeros"):
        mg.compile(lambda x: op(x) * 2.0)(np.array([0.5, -1.0, 2.0]))


def test_a_saved_script_looks_too(declared, tmp_path):
    step = mg.compile(lambda x: declared(largest)(x) * 2.0)
    assert step(np.array([2.0, 2.0])).tolist() == [4.0, 4.0]
    step.save_source(tmp_path / "script.py")
    scope = {"__name__": "script", "__file__": str(tmp_path / "script.py")}
    exec((tmp_path / "script.py").read_text(), scope)
    assert "def fitting" in (tmp_path / "script.py").read_text()
    with pytest.raises(TypeError, match="largest: returned"):
        scope["step"](np.array([1.0, 2.0]))


def test_a_rule_for_many_arguments_hears_which_one_it_is_asked_about(declared):
    def weighted(x, *others):
        return x + sum((i + 2) * other for i, other in enumerate(others))

    op = declared(weighted)
    op.vjp("others")(lambda g, y, x, *others, argument: g * (argument + 1))
    inputs = [Tensor([float(i)], requires_grad=True) for i in range(4)]
    gradients = mg.grad(mg.sum(op(*inputs)), inputs)
    assert [gradient.tolist() for gradient in gradients] == [[1.0], [2.0], [3.0], [4.0]]


def test_numbers_are_given_as_they_are(declared):
    def scaled(x, factor):
        assert type(factor) is float
        return x * factor

    assert declared(scaled)(Tensor([1.0, 2.0]), 3.0).tolist() == [3.0, 6.0]


def test_an_op_that_says_its_shape_is_not_tried_on_zeros(declared):
    def total_of_positive(x):
        if not (x > 0).all():
            raise ValueError("not positive")
        return np.sum(x)

    op = declared(total_of_positive, infer=lambda x: mg.core.arrays.Shaped((), x.dtype))
    step = mg.compile(lambda x: op(x) * 2.0)
    assert float(step(np.ones(2))) == 4.0
    with pytest.raises(ValueError, match="not positive"):
        step(np.zeros(2))
