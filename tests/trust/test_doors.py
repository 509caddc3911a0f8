"""What comes in is right or refused at the door, by name: names, arrays, complex numbers, nested arguments."""

from collections import namedtuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of
from minigrad.core.errors import GraphError

# --- E4: subclasses ---------------------------------------------------------------------------------------------------


def test_E4_a_subclass_of_tensor_is_refused_by_name():
    with pytest.raises(TypeError, match="Parameter: Tensor has no subclasses: hold Tensors in a Module"):

        class Parameter(mg.Tensor):
            pass


# --- E9: names, parameters, copies ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [5, b"a", ("a",), True, np.float64(1.0), mg.Tensor(1.0)])
def test_E9_a_name_is_a_text(name):
    t = mg.Tensor(1.0, name="t")
    doors = (
        lambda: mg.Tensor(1.0, name=name), lambda: mg.constant(1.0, name=name), lambda: setattr(t, "name", name),
        lambda: setattr(mg.exp(t), "name", name),
    )  # fmt: skip
    for door in doors:
        with pytest.raises(TypeError, match="a name is a text or None, got"):
            door()
    assert t.name == "t"
    t.name = None
    assert t.name is None


def test_E9_a_copy_that_is_forbidden_is_an_error():
    t = mg.Tensor([1.0, 2.0], name="t")
    with pytest.raises(
        ValueError, match=r"NumPy gets a copy of float64 \(2,\) 't', which copy=False forbids: see \.data"
    ):
        np.asarray(t, copy=False)
    for array in (np.asarray(t), np.asarray(t, copy=True), np.asarray(t, copy=None), np.array(t, dtype=np.float32)):
        array[0] = 9.0
    assert t.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("make", [mg.optim.SGD, mg.optim.Adam, mg.optim.AdamW])
def test_E9_the_parameters_of_an_optimiser_are_those_it_was_made_with(make):
    p, q = (mg.Tensor([1.0], requires_grad=True) for _ in range(2))
    given = [p]
    optimiser = make(given, 0.1)
    given.append(q)
    assert optimiser.parameters == (p,)
    with pytest.raises(AttributeError):
        optimiser.parameters.append(q)
    with pytest.raises(GraphError, match=f"{make.__name__}: the parameters stay those it was made with: make another"):
        optimiser.parameters = [p, q]
    with pytest.raises(GraphError):
        optimiser.parameters += (q,)
    p.grad = q.grad = np.ones(1)
    optimiser.step()
    assert p.tolist() != [1.0]
    assert q.tolist() == [1.0]


# --- E11: arrays and Tensors ------------------------------------------------------------------------------------------

IN_PLACE = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]


@pytest.mark.parametrize("name", IN_PLACE)
def test_E11_arrays_are_changed_in_place_by_tensors_that_need_no_gradient(name):
    w = kept = np.array([7.0, 5.0])
    expected = np.array([7.0, 5.0])
    g = mg.Tensor([2.0, 3.0])
    w = getattr(w, f"__i{name}__")(g)
    assert w is kept
    assert w.tolist() == getattr(expected, f"__{name}__")(np.array([2.0, 3.0])).tolist()
    leaf = mg.Tensor([2.0, 3.0], requires_grad=True, name="leaf")
    before = w.tolist()
    with pytest.raises(TypeError, match="would lose the gradient of float64"):
        getattr(w, f"__i{name}__")(leaf)
    assert w.tolist() == before


def test_E11_the_example():
    w = kept = np.array([1.0, 2.0])
    x = mg.Tensor([3.0, 4.0], requires_grad=True)
    g = mg.grad(mg.sum(x * x), x)
    w -= 0.1 * g
    assert w is kept
    assert np.allclose(w, [0.4, 1.2])
    assert type(w) is np.ndarray


def test_E11_functions_that_write_into_arrays():
    t = mg.Tensor([1.0, 2.0])
    w = np.zeros(2)
    assert np.add(t, 1.0, out=w) is w
    assert w.tolist() == [2.0, 3.0]
    np.copyto(w, t)
    np.add.at(w, [0, 0], t)
    assert w.tolist() == [4.0, 2.0]
    w[...] = t
    w[:1] = t[1:]
    assert w.tolist() == [2.0, 2.0]
    assert np.sum(t, out=np.zeros(())) == 3.0
    assert np.concatenate([t, t], out=np.zeros(4)).tolist() == [1.0, 2.0, 1.0, 2.0]
    assert np.multiply(t, t, out=w, where=t > 1.0).tolist() == [2.0, 4.0]
    assert np.add.accumulate(t, out=w).tolist() == [1.0, 3.0]


@pytest.mark.parametrize(
    "write",
    [
        lambda t: np.add(t, 1.0, out=t), lambda t: np.add(np.ones(2), 1.0, out=t), lambda t: np.copyto(t, 1.0),
        lambda t: np.add.at(t, 0, 1.0), lambda t: np.sum(np.ones(2), axis=0, out=t),
    ],
)  # fmt: skip
def test_E11_nothing_is_written_into_a_tensor(write):
    t = mg.Tensor([1.0, 2.0])
    with pytest.raises(GraphError, match=r"writing into float64 .* would falsify its graph: minigrad.set_at"):
        write(t)
    assert t.tolist() == [1.0, 2.0]


Params = namedtuple("Params", "w b")
TREES = {
    "dictionary": ({"w": np.array([1.0, 2.0]), "b": np.array([3.0])}, lambda p: p["w"] * p["b"]),
    "list": ([np.array([1.0, 2.0]), np.array([3.0, 4.0])], lambda p: p[0] * p[1]),
    "tuple": ((np.array([1.0, 2.0]), 3.0), lambda p: p[0] * p[1]),
    "lists in a dictionary": ({"w": [[1.0, 2.0]], "b": [np.array([3.0])]}, lambda p: p["w"][0] * p["b"][0]),
    "tensors": ([mg.Tensor([1.0, 2.0]), [mg.Tensor([3.0])]], lambda p: p[0] * p[1][0]),
    "names": (Params([1.0, 2.0], 3.0), lambda p: p.w * p.b),
    "numbers of NumPy": ({"w": [np.float64(1), np.float64(2)], "b": np.float64(3)}, lambda p: p["w"] * p["b"]),
}


def shapes(tree):
    """The structure, and the shape of what is in it."""
    return mg.core.structure.map_leaves(lambda x: x.shape, tree)


def flat(tree):
    return [x.numpy() for x in mg.core.structure.leaves(tree)]


@pytest.mark.parametrize("kind", TREES)
def test_E11_arguments_are_nested_as_in_grad(kind):
    tree, function = TREES[kind]
    seen = []

    def product(p, c):
        seen.append(shapes(p))
        return function(p) * c

    variables = mg.transforms._make_variables("test", [tree])[0]
    c = np.array([1.0, 10.0])
    value, (gradient, of_c) = mg.vjp(product, [tree, c], np.ones(2))
    assert type(gradient) is type(tree)
    assert shapes(gradient) == shapes(variables)
    expected = mg.grad(product(variables, c), variables, np.ones(2))
    for own, other in zip(flat(gradient), flat(expected), strict=True):
        assert np.array_equal(own, other)
    assert of_c.tolist() == function(variables).tolist()

    ones = mg.core.structure.map_leaves(lambda x: np.ones(x.shape), variables)
    again, change = mg.jvp(product, [tree, c], [ones, np.zeros(2)])
    assert again.tolist() == value.tolist()
    assert np.allclose(change.numpy(), sum(j.sum(axis=tuple(range(1, j.ndim))) for j in
                                           flat(mg.jacobian(lambda p: product(p, c), [tree]))))  # fmt: skip
    scalar = lambda p: mg.sum(product(p, c))  # noqa: E731  # of the tree alone
    _, (products,) = mg.hvp(scalar, [tree], [ones])
    (hessian,) = mg.hessian(scalar, [tree])
    assert shapes(products) == shapes(variables)
    rows = [block for row in mg.core.structure.leaves(hessian) for block in [row]]
    for i, own in enumerate(flat(products)):
        blocks = rows[i * len(flat(products)) : (i + 1) * len(flat(products))]
        assert np.allclose(own, sum(b.numpy().sum(axis=tuple(range(own.ndim, b.ndim))) for b in blocks))
    assert len(set(map(str, seen))) == 1


def test_E11_tangents_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"jvp: tangents: expected a dictionary with the keys \['w'\]"):
        mg.jvp(lambda p: p["w"], [{"w": np.ones(2)}], [np.ones(2)])
    with pytest.raises(ValueError, match=r"jvp: tangents\[1\] has shape \(3,\), its input \(2,\)"):
        mg.jvp(lambda p: p[0], [[np.ones(2), np.ones(2)]], [[np.ones(2), np.ones(3)]])


COMPLEX = [np.array([1j]), np.array([1.0 + 0j]), np.complex64(1j), np.complex128(2.0), 1j, np.array([1j], np.complex64)]


@pytest.mark.parametrize(
    "name", sorted(name for name, f in mg.registry.items() if any(c.floats() for c in cases_of(f)))
)
def test_E11_complex_arrays_are_refused_by_every_op(name):
    for case in cases_of(mg.registry[name]):
        floats = case.floats()
        for i in range(len(floats)):
            for kind in (np.complex128, np.complex64):
                given = [x.astype(kind) if i == j else x for j, x in enumerate(floats)]
                with pytest.raises(TypeError, match="complex"):
                    case(*given)


@pytest.mark.parametrize("number", COMPLEX, ids=repr)
def test_E11_complex_numbers_are_refused_everywhere(number):
    t = mg.Tensor([1.0, 2.0], requires_grad=True)
    doors = (
        lambda: mg.exp(number), lambda: t + number, lambda: number * t, lambda: mg.Tensor(number),
        lambda: t ** np.asarray(number),
        lambda: mg.constant(number), lambda: mg.trace(mg.exp, number), lambda: mg.compile(mg.exp)(number),
        lambda: mg.vjp(mg.exp, [number]), lambda: mg.grad(t, t, np.broadcast_to(number, 2)),
        lambda: mg.assign(t, np.broadcast_to(number, 2)), lambda: mg.trace(lambda x: x, np.asarray(number)),
        lambda: mg.stack([number, number]),
    )  # fmt: skip
    for door in doors:
        with pytest.raises(TypeError, match="complex"):
            door()
    with pytest.raises(TypeError, match="complex"):
        mg.pad(t, 1, constant_values=1j)


@pytest.mark.parametrize("array", [np.array([None]), np.array(["a"]), np.array(["2020-01-01"], "M8[D]")], ids=repr)
def test_E11_what_is_no_number_is_refused_by_ops_on_plain_arrays(array):
    for function in (mg.exp, mg.equal, mg.reshape, mg.absolute):
        with pytest.raises(TypeError, match="expected a Tensor or real numbers, got ndarray"):
            function(array, array) if function is mg.equal else function(array, *[(1, 1)] * (function is mg.reshape))
