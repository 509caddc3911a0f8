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


def what_is_positive(x):
    return x[x > 0]


@pytest.mark.parametrize("forward", [largest, mean_of_the_positive, what_is_positive])
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
    assert "def check_fit" in (tmp_path / "script.py").read_text()
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


def test_an_array_that_a_forward_function_returns_again_and_again_is_copied(declared):
    buffer, table = np.empty(2), np.array([1.0, 2.0])

    def exponential(x):
        return np.exp(x, out=buffer)

    def looked_up(x):
        return table

    op = declared(exponential, lambda g, y, x: g * y)
    x = Tensor([0.0, 1.0], requires_grad=True)
    total = mg.sum(op(x)) + mg.sum(op(x * 2.0))
    np.testing.assert_allclose(mg.grad(total, x).numpy(), np.exp([0, 1]) + 2 * np.exp([0, 2]), rtol=1e-15)
    for view in (False, True):  # what is said to be a view, and is none of the first argument, is a copy too
        found = declared(looked_up, name=f"looked_up_{view}", view=view)(Tensor([0.0, 0.0]))
        mg.assign(found, [5.0, 5.0]) if found.op is None else None
        assert table.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("take", [mg.grad, lambda y, x: y.backward()], ids=["grad", "backward"])
def test_a_rule_cannot_write_into_what_it_is_given(declared, place, take):
    def doubled(x):
        return x * 2.0

    def writing(g, y, x):
        (g, y, x)[place][...] = 0.0
        return g

    op, x = declared(doubled, writing), Tensor([1.0, 2.0], requires_grad=True)
    y = op(x * 1.0)
    with pytest.raises(ValueError, match=r"the gradient rule of doubled for 'x': .*read-only"):
        take(mg.sum(y), x)
    assert (x.tolist(), y.tolist()) == ([1.0, 2.0], [2.0, 4.0])


def test_a_rule_that_is_called_wrongly_is_named(declared):
    def doubled(x):
        return x * 2.0

    op, x = declared(doubled, lambda g: g), Tensor([1.0], requires_grad=True)
    with pytest.raises(TypeError, match=r"the gradient rule of doubled for 'x': .*positional argument"):
        mg.grad(mg.sum(op(x)), x)


@pytest.mark.parametrize("returned", [np.array([6.0, 8.0]), np.array([1j, 1.0])])
def test_a_rule_returns_tensors_for_tensors(declared, returned):
    def squared(x):
        return x * x

    op, x = declared(squared, lambda g, y, x: returned), Tensor([3.0, 4.0], requires_grad=True)
    for take in (
        lambda: mg.grad(mg.sum(op(x)), x, create_graph=True), lambda: mg.sum(op(x)).graph(gradients=True),
        lambda: mg.compile(lambda x: mg.grad(mg.sum(op(x)), x))(x),
    ):  # fmt: skip
        with pytest.raises(mg.GraphError, match="the gradient rule of squared for 'x' returned"):
            take()


@pytest.mark.parametrize(
    ("returned", "words"),
    [(None, "returned None"), ("abc", "got <U3"), ([1j, 2.0], "complex128"), (object(), "object")],
)
def test_what_is_no_array_of_numbers_is_refused(declared, returned, words):
    def forgetful(x):
        return returned

    with pytest.raises(TypeError, match=rf"forgetful.*{words}"):
        declared(forgetful)(Tensor([1.0, 2.0]))


def test_lists_of_numbers_are_arrays(declared):
    def listed(x):
        return [float(x.sum()), 1.0]

    assert declared(listed)(Tensor([1.0, 2.0])).tolist() == [3.0, 1.0]


def declare_factor(factor):
    @mg.op(formula="a x")
    def mine(x):
        return x * factor

    mine.vjp("x")(lambda g, y, x: g * factor)
    return mine


def test_a_compiled_function_takes_the_op_that_was_declared_last():
    weight = Tensor([1.0, 1.0], requires_grad=True)
    step = mg.compile(lambda: mg.grad(mg.sum(mg.registry["mine"](weight)), weight))
    try:
        for factor in (4.0, 7.0):
            mine = declare_factor(factor)
            assert step().tolist() == [factor, factor]
        mine.vjp("x")(lambda g, y, x: g * 9.0)
        assert step().tolist() == [9.0, 9.0]
        assert len(step.programs) == 3
        step()
        assert len(step.programs) == 3
    finally:
        del mg.registry["mine"]


@pytest.mark.parametrize("run", [lambda f, x: f(x), lambda f, x: mg.compile(f)(x), lambda f, x: mg.trace(f, x).run(x)])
@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (lambda x: x * 1j, "real numbers, got complex128"),
        (lambda x: None, "does it lack a `return`"),
        (lambda x: np.array(["a", "b"]), "real numbers, got <U1"),
        (lambda x: x.astype(object), "real numbers, got object"),
    ],
)
def test_what_is_no_array_of_real_numbers_is_refused_in_every_way(declared, returned, said, run):
    def strange(x):
        return returned(x)

    op = declared(strange)
    with pytest.raises(TypeError, match=rf"^strange.*({said})"):
        run(lambda x: mg.sum(op(x) * op(x)), np.ones(2))
