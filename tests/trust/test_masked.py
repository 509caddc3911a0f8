"""Arrays that mean more than their numbers: what would be lost is refused at the door, with what to write instead."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import Vocabulary, windows
from minigrad.drawing.heatmap import heatmap
from minigrad.io import save_arrays

MASKED = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
PLAIN = np.ones(3)


class Lengths(np.ndarray):
    """Numbers with a unit, as packages of physics have them."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return NotImplemented


KINDS = {
    "a mask": (MASKED, r"a MaskedArray is no plain array, its mask would be lost: x\.filled\(value\)"),
    "a mask that hides nothing": (np.ma.array(PLAIN), "a MaskedArray is no plain array"),
    "a matrix": (PLAIN[None].view(np.matrix), r"a matrix is no plain array, .* numpy\.asarray\(x\), and write `@`"),
    "a unit": (PLAIN.view(Lengths), "a Lengths is no plain array, it computes in a way of its own"),
}
DOORS = {
    "Tensor": mg.Tensor, "Tensor of a list": lambda x: mg.Tensor([x, x]), "constant": mg.constant,
    "an operand": lambda x: leaf() * x, "the other operand": lambda x: np.multiply(x, leaf()),
    "an op on arrays": mg.exp, "a list of operands": lambda x: mg.stack([x, x]),
    "an argument of a compiled function": mg.compile(lambda x: x * 2.0),
    "arguments of a compiled function": lambda x: mg.compile(lambda both: both[0] * both[1])([PLAIN, x]),
    "an argument that is traced": lambda x: mg.trace(lambda x: x * 2.0, x),
    "assign": lambda x: mg.assign(mg.Tensor(np.ones(x.shape)), x),
    "data": lambda x: setattr(mg.Tensor(np.ones(x.shape)), "data", x),
    "grad": lambda x: setattr(mg.Tensor(np.ones(x.shape)), "grad", x),
    "backward": lambda x: (mg.Tensor(np.ones(x.shape), requires_grad=True) * 2.0).backward(x),
    "vjp": lambda x: mg.vjp(lambda x: x * 2.0, [x], PLAIN),
    "jvp": lambda x: mg.jvp(lambda x: x, [np.ones(x.shape)], [x]),
    "a gradient that is checked": lambda x: mg.check_gradients(lambda x: x * 2.0, [x]),
    "a picture": heatmap, "positions": lambda x: nn.sinusoids(x, 4),
    "a file": lambda x: save_arrays("never.safetensors", {"x": x}),
}  # fmt: skip


def leaf():
    return mg.Tensor([1.0, 2.0, 3.0], requires_grad=True, name="leaf")


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
def test_E11_what_means_more_than_its_numbers_is_refused_at_every_door(kind, door, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    array, message = KINDS[kind]
    with pytest.raises(TypeError, match=message):
        DOORS[door](array)


def test_E11_masks_are_refused_where_integers_and_booleans_enter():
    places = np.ma.array([0, 1], mask=[False, True])
    doors = (
        lambda: leaf()[places], lambda: mg.take(leaf(), places), lambda: mg.take(leaf(), [np.ma.masked]),
        lambda: mg.where(MASKED > 1, leaf(), 0.0), lambda: mg.softmax(leaf(), where=MASKED > 1),
        lambda: windows(places, 1), lambda: Vocabulary("ab").decode(places), lambda: leaf() * MASKED[1],
        lambda: nn.Embedding(3, 2, rng=np.random.default_rng(0))(places),
    )  # fmt: skip
    for door in doors:
        with pytest.raises(TypeError, match="its mask would be lost"):
            door()


def test_E11_a_state_with_a_mask_does_not_fit_and_changes_nothing():
    linear = nn.Linear(2, 1, rng=np.random.default_rng(0))
    adam = optim.Adam(linear.parameters())
    for holder in (linear, adam):
        state = holder.state_dict()
        key = next(key for key, array in reversed(state.items()) if array.ndim)
        with pytest.raises(ValueError, match=f"{key}: MaskedArray, expected float"):
            holder.load_state_dict({key: array + 1 for key, array in state.items()} | {key: np.ma.array(state[key])})
        for key, array in holder.state_dict().items():
            np.testing.assert_array_equal(array, state[key])


def test_E11_a_graph_is_not_run_on_a_mask():
    with pytest.raises(ValueError, match=r"run takes \(x: \(3,\) float64\), got \(masked_array"):
        mg.trace(lambda x: x * 2.0, PLAIN).run(MASKED)


def test_E11_subclasses_that_only_say_where_numbers_lie_are_arrays(tmp_path):
    for array in (PLAIN.view(np.recarray), np.memmap(tmp_path / "numbers", np.float64, "w+", shape=3), leaf().data):
        for compute in (lambda x: x * leaf(), mg.exp, mg.compile(mg.exp)):
            expected = compute(np.array(array))
            np.testing.assert_array_equal(np.asarray(getattr(compute(array), "data", None)), expected.data)


@pytest.mark.parametrize(
    "compute",
    [
        lambda x: MASKED * x, lambda x: np.ma.multiply(MASKED, x), lambda x: np.ma.multiply(x, MASKED),
        lambda x: np.ma.less(MASKED, x), lambda x: np.ma.concatenate([MASKED, x]),
        lambda x: np.ma.where(MASKED > 0, x, 0),
    ],
)  # fmt: skip
def test_A8_functions_of_masked_arrays_do_not_drop_the_gradient_of_a_tensor(compute):
    """They look for an attribute `_data` first, as theirs is called: a Tensor has none."""
    with pytest.raises(TypeError, match=r"would lose the gradient of float64 \(3,\) 'leaf': use \.numpy\(\)"):
        compute(leaf())


# --- structures without an end ----------------------------------------------------------------------------------------


def make_endless(kind):
    """A list or dictionary that holds itself, twice: to walk it would take for ever."""
    tree = kind()
    if kind is dict:
        tree.update(a=tree, b=tree)
    else:
        tree += [tree, tree]
    return tree


WALKS = {
    "Tensor": mg.Tensor, "an operand": lambda x: leaf() * x, "a parameter": lambda x: mg.sum(leaf(), axis=x),
    "an index": lambda x: leaf()[x], "stack": mg.stack, "assign": lambda x: mg.assign(leaf(), x),
    "an argument": mg.compile(lambda x: x), "a traced argument": lambda x: mg.trace(lambda x: leaf(), x),
    "a result": lambda x: mg.compile(lambda _: x)(1.0), "inputs of grad": lambda x: mg.grad(leaf().sum(), x),
    "outputs of grad": lambda x: mg.grad(x, leaf()), "cotangents": lambda x: mg.grad(leaf() * 2.0, leaf(), x),
    "a cotangent": lambda x: (leaf() * 2.0).backward(x), "vjp": lambda x: mg.vjp(lambda x: x, [x]),
    "cotangents of vjp": lambda x: mg.vjp(lambda x: x, [PLAIN], x),
    "tangents of jvp": lambda x: mg.jvp(lambda x: x, [PLAIN], [x]),
}  # fmt: skip


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize("kind", [list, dict])
def test_E11_what_holds_itself_is_refused(kind, walk):
    tree = make_endless(kind)
    if kind is list:
        with pytest.raises(ValueError, match="a list holds itself, so what is nested in it has no end"):
            WALKS[walk](tree)
    else:  # they are not taken everywhere
        with pytest.raises((ValueError, TypeError, IndexError)):
            WALKS[walk](tree)


@pytest.mark.parametrize("kind", [list, dict])
def test_E11_a_module_whose_attribute_holds_itself_is_refused(kind):
    class Endless(nn.Module):
        def __init__(self):
            self.layers = make_endless(kind)

    with pytest.raises(ValueError, match=f"a {kind.__name__} holds itself"):
        Endless().parameters()


def test_what_stands_in_two_places_does_not_hold_itself():
    row = [1.0, 2.0]
    assert mg.Tensor([row, row]).shape == (2, 2)
    assert mg.compile(lambda x: x["a"][0] + x["b"][0])({"a": [PLAIN], "b": [PLAIN]}).tolist() == [2.0] * 3


# --- vectors of products, by the name of the function -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: mg.vjp(lambda x: {"y": x}, [PLAIN], {"z": PLAIN}), ValueError, r"^vjp: cotangents: .* keys \['y'\]"),
        (lambda: mg.grad({"y": leaf()}, leaf(), {"z": PLAIN}), ValueError, r"^grad: cotangents: .* keys \['y'\]"),
        (lambda: mg.vjp(lambda x: x, [PLAIN], [[1.0], [2.0, 3.0]]), TypeError, r"^vjp: cotangents\[0\]: not an array"),
        (lambda: mg.vjp(lambda x: x, [PLAIN], [1.0]), ValueError, r"^vjp: cotangents\[0\] has shape \(1,\), its o"),
        (lambda: mg.vjp(lambda x: x, [[[1.0], [2.0, 3.0]]]), TypeError, "^vjp: inputs: not an array of numbers: lists"),
        (lambda: mg.jvp(lambda x: x, [PLAIN], [[1.0, [2.0]]]), TypeError, r"^jvp: tangents\[0\]: not an array"),
        (lambda: mg.jvp(lambda x: x, [1.0], [None]), TypeError, r"^jvp: tangents\[0\]: expected .* got NoneType"),
        (lambda: (leaf() * 2.0).backward([[1.0], [2.0, 3.0]]), TypeError, "^backward: cotangent: not an array"),
        (lambda: (leaf() * 2.0).backward([1.0]), ValueError, r"^backward: cotangent: a cotangent of shape \(1,\)"),
        (lambda: mg.assign(leaf(), [[1.0], [2.0, 3.0]]), TypeError, "^assign: not an array of numbers"),
        (lambda: setattr(leaf(), "grad", [[1.0], 2.0]), TypeError, "^a gradient: not an array of numbers"),
    ],
)
def test_E11_vectors_that_do_not_fit_are_named_with_the_function_that_was_called(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_E11_ragged_cotangents_of_grad_are_named():
    x = leaf()
    with pytest.raises(TypeError, match=r"^grad: cotangents: not an array of numbers: lists within one must"):
        mg.grad(x * 2.0, x, [[1.0], [2.0, 3.0]])


def test_a_cotangent_of_a_scalar_among_outputs_may_be_none():
    _, (gradient,) = mg.vjp(lambda x: (x.sum(), x), [PLAIN], [None, PLAIN])
    assert gradient.tolist() == [2.0] * 3
