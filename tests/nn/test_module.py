"""Module: what it finds among its attributes, and what it does with it."""

import copy
import dataclasses
import gc
import pickle
import warnings
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.errors import GraphError
from minigrad.core.modes import Origin, Place, current_mode, reset_mode, set_mode
from minigrad.graph import trace
from minigrad.nn import Dropout, LayerNorm, Linear, Module, MultiHeadAttention


class Scale(Module):
    def __init__(self, value):
        self.gain = mg.Tensor([value, value], np.float32, requires_grad=True, name="gain")

    def forward(self, x):
        return x * self.gain


class Everything(Module):
    """Members of every kind that is walked, and of those that are not."""

    def __init__(self):
        self.first = Scale(1.0)
        self.several = [Scale(2.0), (Scale(3.0), Scale(4.0))]
        self.named = {"left": Scale(5.0), 7: Scale(6.0)}
        self.tied = self.first
        self.own = mg.Tensor(np.zeros((2, 3)), requires_grad=True, name="own")
        self.buffer = mg.Tensor([1, 2, 3])
        self.fixed = mg.constant([1.0])
        self.result = self.own * 2.0
        self.number, self.text = 3, "text"

    def forward(self, x):
        x = self.several[1][0](self.several[0](self.first(x)))
        return self.named[7](self.named["left"](x))


PARAMETERS = ["first.gain", "several.0.gain", "several.1.0.gain", "several.1.1.gain", "named.left.gain", "named.7.gain"]


def test_parameters_have_paths_and_are_found_once():
    assert [path for path, _ in Everything().named_parameters()] == [*PARAMETERS, "own"]


def test_the_state_is_parameters_and_buffers_and_nothing_that_was_computed():
    assert list(Everything().state_dict()) == [*PARAMETERS, "own", "buffer"]


def test_modules_are_found_once_each():
    model = Everything()
    assert [path for path, _ in model.named_modules()] == ["", *(path.removesuffix(".gain") for path in PARAMETERS)]
    assert model.modules()[0] is model


def test_a_cycle_of_modules_is_walked_once():
    model = Everything()
    model.first.parent = model
    assert [path for path, _ in model.named_parameters()] == [*PARAMETERS, "own"]
    assert repr(model).count("Scale") == len(PARAMETERS)


def scopes_of(model):
    x = mg.Tensor(np.ones(2, np.float32), requires_grad=True)
    return [node.scope for node in model(x).graph() if node.op == "multiply"]


def test_nodes_carry_the_attribute_under_which_the_parent_holds_a_module():
    assert scopes_of(Everything()) == ["first", "several/0", "several/1/0", "named/left", "named/7"]


def test_scopes_nest_and_the_root_adds_none():
    class Outer(Module):
        def __init__(self):
            self.inner = Everything()

        def forward(self, x):
            return self.inner(x) * 2.0

    assert scopes_of(Outer())[-2:] == ["inner/named/7", ""]


def test_children_that_come_later_have_names_too():
    model = Everything()
    model.several.append(Scale(1.0))
    assert scopes_of(model)[0] == "first"
    model.first = Scale(9.0)
    model.named = {"new": Scale(9.0), 7: model.named["left"], "left": model.named[7]}
    assert scopes_of(model) == ["first", "several/0", "several/1/0", "named/left", "named/7"]


def test_parameters_are_named_in_the_graph():
    rng = np.random.default_rng(0)
    names = {path: p.name for path, p in MultiHeadAttention(4, 2, rng=rng).named_parameters()}
    assert names == {
        f"{child}.{name}": name for child in ("query", "key", "value", "output") for name in ("weight", "bias")
    }
    assert [p.name for p in LayerNorm(3).parameters()] == ["gain", "bias"]


def test_a_module_without_forward_says_what_to_write():
    class Empty(Module):
        pass

    with pytest.raises(TypeError, match="Empty has no forward method"):
        Empty()(1.0)


# --- state ------------------------------------------------------------------------------------------------------------


def test_the_state_is_copied_out_and_back_in():
    model, other = Everything(), Everything()
    state = model.state_dict()
    for array in state.values():
        array += 1
    assert model.state_dict()["first.gain"].tolist() == [1.0, 1.0]
    memory = other.first.gain.data
    other.load_state_dict(state)
    assert memory.tolist() == [2.0, 2.0]
    assert all(np.array_equal(array, other.state_dict()[path]) for path, array in state.items())
    assert other.tied.gain is other.first.gain


def test_every_difference_is_in_one_message_and_nothing_was_changed():
    model = Everything()
    before = model.state_dict()
    state = {path: array + 1 for path, array in before.items()}
    del state["several.0.gain"]
    state["several.0.gian"] = np.zeros(2)
    state["own"] = np.zeros((3, 2))
    state["named.left.gain"] = np.zeros(2)
    state["buffer"] = [1, 2, 3]
    with pytest.raises(ValueError, match="nothing was changed") as caught:
        model.load_state_dict(state)
    assert str(caught.value).splitlines()[1:] == [
        "  buffer: list, expected int64 (3,)",
        "  named.left.gain: float64 (2,), expected float32 (2,)",
        "  own: float64 (3, 2), expected float64 (2, 3)",
        "  several.0.gain: missing",
        "  several.0.gian: unexpected",
    ]
    assert all(np.array_equal(array, before[path]) for path, array in model.state_dict().items())


def test_loading_between_forward_and_backward_is_noticed():
    model = Scale(2.0)
    loss = mg.sum(model(mg.Tensor([1.0, 2.0], np.float32, requires_grad=True)))
    model.load_state_dict(model.state_dict())
    with pytest.raises(GraphError, match="written to"):
        loss.backward()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_are_independent_and_keep_ties(duplicate):
    model = Everything()
    del model.result
    model(mg.Tensor(np.ones(2, np.float32)))
    other = duplicate(model)
    assert [path for path, _ in other.named_parameters()] == [*PARAMETERS, "own"]
    assert other.tied is other.first
    assert scopes_of(other) == scopes_of(model)
    mg.assign(other.first.gain, [8.0, 8.0])
    assert model.first.gain.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_of_attention_leave_its_weights_behind(duplicate):
    attention = MultiHeadAttention(4, 2, rng=np.random.default_rng(0))
    x = mg.Tensor(np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32))
    y = attention(x)
    other = duplicate(attention)
    assert other.weights is None
    assert list(other.state_dict()) == list(attention.state_dict())
    assert np.array_equal(other(x).numpy(), y.numpy())


def test_astype_makes_a_converted_copy_that_keeps_ties():
    model = Everything()
    double = model.astype(np.float64)
    assert {x.dtype.name for _, x in double.named_tensors()} == {"float64", "int64"}
    assert double.tied is double.first
    assert double.first.gain.requires_grad
    assert double.first.gain.name == "gain"
    assert model.first.gain.dtype == np.float32


def test_a_float32_module_is_the_rounded_float64_module():
    single, double = (MultiHeadAttention(4, 2, rng=np.random.default_rng(0), dtype=d) for d in (np.float32, np.float64))
    for path, array in double.astype(np.float32).state_dict().items():
        assert np.array_equal(array, single.state_dict()[path])


def test_train_and_eval_reach_every_module():
    model = Everything()
    assert model.eval() is model
    assert not any(module.training for module in model.modules())
    assert all(module.training for module in model.train().modules())


def test_zero_grad_forgets_all_gradients():
    model = Everything()
    mg.sum(model(mg.Tensor(np.ones(2, np.float32)))).backward()
    assert model.first.gain.grad is not None
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())


def test_repr_is_a_tree_with_counts():
    class Model(Module):
        def __init__(self):
            rng = np.random.default_rng(0)
            self.layers = [Linear(2, 3, rng=rng), Linear(3, 1, bias=False, rng=rng)]
            self.attention = MultiHeadAttention(2, 1, rng=rng)

    assert repr(Model()).splitlines() == [
        "Model  36 parameters",
        "  layers.0: Linear  9 parameters  weight (2, 3)  bias (3,)",
        "  layers.1: Linear  3 parameters  weight (3, 1)",
        "  attention: MultiHeadAttention  24 parameters",
        "    query: Linear  6 parameters  weight (2, 2)  bias (2,)",
        "    key: Linear  6 parameters  weight (2, 2)  bias (2,)",
        "    value: Linear  6 parameters  weight (2, 2)  bias (2,)",
        "    output: Linear  6 parameters  weight (2, 2)  bias (2,)",
        "    dropout: Dropout  0 parameters",
    ]


# --- precision --------------------------------------------------------------------------------------------------------


def test_float64_data_on_float32_parameters_warns_once_and_names_the_remedy():
    rng = np.random.default_rng(0)
    layers = [Linear(2, 2, rng=rng), LayerNorm(2), MultiHeadAttention(2, 1, rng=rng)]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for layer in layers * 2:
            assert layer(mg.Tensor([[1.0, 2.0]])).dtype == np.float64
    assert len(caught) == 1
    assert "x.astype(numpy.float32)" in str(caught[0].message)
    assert "dtype=numpy.float64" in str(caught[0].message)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_modules_and_their_gradients_keep_the_dtype_they_were_made_with(dtype):
    rng = np.random.default_rng(0)
    model = MultiHeadAttention(4, 2, rng=rng, dtype=dtype)
    y = model(mg.Tensor(np.ones((3, 4), dtype)))
    y.sum().backward()
    assert y.dtype == dtype
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(dtype)}


def test_dropout_needs_no_generator_outside_training():
    x = mg.Tensor(np.ones(3, np.float32))
    assert Dropout(0.5).eval()(x) is x


# --- modes ------------------------------------------------------------------------------------------------------------


def test_what_is_in_force_around_a_call_is_in_force_inside_whatever_came_before():
    model, x = Everything(), mg.Tensor(np.ones(2, np.float32), requires_grad=True)
    for _ in range(2):
        assert model(x).requires_grad
        with mg.no_grad():
            assert not model(x).requires_grad
        with mg.scope("outer"):
            assert model(x).scope == "outer/named/7"
        assert model(x).scope == "named/7"


def test_a_module_keeps_no_capture_alive():
    model, seen = Everything(), []

    def function(x):
        seen.append(weakref.ref(x))
        return model(x)

    gc.collect()
    gc.disable()
    try:
        trace(function, mg.Tensor(np.ones(2, np.float32)))
        assert seen[0]() is None
    finally:
        gc.enable()


def test_modules_can_be_part_of_gradient_rules():
    model, x = Everything(), mg.Tensor(np.ones(2, np.float32), requires_grad=True)
    nodes = [x * 2.0, x * 3.0]
    for node in nodes:
        token = set_mode(current_mode()._replace(place=Place("", Origin(node, 0, 1))))
        try:
            assert model(x).origin.node is node
        finally:
            reset_mode(token)


def test_what_is_in_force_is_not_pickled():
    model = Everything()
    model(mg.Tensor(np.ones(2, np.float32)))
    assert b"Mode" not in pickle.dumps(model).replace(b"Module", b"")


def test_an_error_inside_leaves_the_scope():
    class Broken(Module):
        def forward(self, x):
            raise ZeroDivisionError

    class Outer(Module):
        def __init__(self):
            self.inner = Broken()

        def forward(self, x):
            return self.inner(x)

    with pytest.raises(ZeroDivisionError):
        Outer()(1.0)
    assert (mg.Tensor([1.0]) * 2.0).scope == ""


def test_a_module_with_slots_is_refused_since_its_parameters_would_not_be_found():
    with pytest.raises(TypeError, match=r"Slotted: a module has no __slots__"):

        class Slotted(Module):
            __slots__ = ("gain",)

    with pytest.raises(TypeError, match="no __slots__"):

        @dataclasses.dataclass(slots=True)
        class Data(Module):
            gain: mg.Tensor
