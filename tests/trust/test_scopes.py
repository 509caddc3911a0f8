"""The scope of a module is the path by which the module at work reaches it, whatever was called before."""

import copy
import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.modes import current_mode
from minigrad.nn import Linear, Module

X = np.ones((1, 2), np.float32)


class Scale(Module):
    def __init__(self):
        self.gain = mg.Tensor(np.ones(2, np.float32), requires_grad=True, name="gain")

    def forward(self, x):
        return x * self.gain


class Stack(Module):
    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class Net(Module):
    def __init__(self):
        self.l1, self.l2 = Scale(), Scale()

    def forward(self, x):
        return self.l2(mg.relu(self.l1(x)))

    def encode(self, x):
        return mg.tanh(self.l1(x))

    def pieces(self, x):
        yield self.l1(x)
        yield self.l2(x)


class Critic(Net):
    pass


class Pair(Module):
    """Two parents of one child, and calls of every kind."""

    def __init__(self, left, right):
        self.left, self.right = left, right

    def forward(self, x):
        return self.right(self.left(x))


def scopes(function, *args):
    """Those of the multiplications, in both ways of recording."""
    eager = [node.scope for node in function(*map(mg.Tensor, args)).graph() if node.op == "multiply"]
    captured = [node.scope for node in mg.trace(function, *args) if node.op == "multiply"]
    assert eager == captured
    return eager


@pytest.mark.parametrize("place", [0, 1, 2])
def test_E5_a_layer_that_is_inserted_after_the_first_call(place):
    model = Stack(Scale(), Scale())
    assert scopes(model, X) == ["layers/0", "layers/1"]
    model.layers.insert(place, Scale())
    assert scopes(model, X) == ["layers/0", "layers/1", "layers/2"]
    del model.layers[place]
    model.layers.reverse()
    assert scopes(model, X) == ["layers/0", "layers/1"]


def test_E5_what_holds_a_layer_is_replaced():
    first, second = Scale(), Scale()
    model = Stack(first, second)
    assert scopes(model, X) == ["layers/0", "layers/1"]
    model.layers = [second, first]
    assert scopes(model, X) == ["layers/0", "layers/1"]
    model.layers = {}
    model.forward = lambda x: model.late(x)
    model.late = first
    assert scopes(model, X) == ["late"]
    model.late = second
    model.other, model.forward = first, lambda x: model.other(model.late(x))
    assert scopes(model, X) == ["late", "other"]


def test_E5_a_child_of_two_parents_has_the_scope_of_the_one_that_calls():
    shared = Scale()
    model = Pair(Stack(shared), Stack(Scale(), shared))
    for _ in range(2):
        assert scopes(model, X) == ["left/layers/0", "right/layers/0", "right/layers/1"]
    assert scopes(model.right, X) == ["right/layers/0", "right/layers/1"]
    assert scopes(model, X) == ["left/layers/0", "right/layers/0", "right/layers/1"]


def test_E5_a_child_under_two_names_has_the_first():
    shared = Scale()
    assert scopes(Pair(shared, shared), X) == ["left", "left"]


def test_E5_modules_below_a_child_are_called_by_their_path():
    class Around(Module):
        def __init__(self):
            self.net = Net()

        def forward(self, x):
            return self.net.l2(self.net.l1(x)) + self.net.l1(x)

    model = Around()
    for _ in range(2):
        assert scopes(model, X) == ["net/l1", "net/l2", "net/l1"]


def test_E5_a_cycle_of_modules_ends():
    model = Pair(Scale(), Scale())
    model.left.parent = model
    assert scopes(model, X) == ["left", "right"]


def test_E5_what_the_caller_does_not_hold_adds_none():
    class Applies(Module):
        def __init__(self):
            self.l1 = Scale()

        def forward(self, x, function):
            return function(self.l1(x))

    class Outer(Module):
        def __init__(self):
            self.inner = Applies()

        def forward(self, x, function):
            return self.inner(x, function)

    assert [n.scope for n in Outer()(mg.Tensor(X), Scale()).graph() if n.op] == ["inner/l1", "inner"]
    graph = Outer()(mg.Tensor(X), Net()).graph()
    assert [n.scope for n in graph if n.op == "multiply"] == ["Outer/inner/l1", "Net/inner/l1", "Net/inner/l2"]


@pytest.mark.parametrize("same", [True, False])
def test_E13_two_models_called_in_turn_are_told_apart(same):
    generator, critic = Net(), Net() if same else Critic()
    graph = mg.trace(lambda x: critic(generator(x)), X)
    second = "Net 2" if same else "Critic"
    assert [n.scope for n in graph if n.op == "multiply"] == ["Net/l1", "Net/l2", f"{second}/l1", f"{second}/l2"]
    assert graph.find("Net/l1/gain") is not graph.find(f"{second}/l1/gain")
    assert graph.find(f"{second}/relu").op == "relu"
    assert graph.dot(depth=1).count("Net") >= 1 + same


def test_E13_a_copy_for_a_target_network_is_another_model():
    online = Net()
    online(mg.Tensor(X))
    target = copy.deepcopy(online)

    def loss(x):
        with mg.no_grad():
            wanted = target(x)
        return mg.mse(online(x), wanted)

    graph = mg.trace(loss, X)
    assert {n.scope for n in graph if n.name == "gain"} == {"Net/l1", "Net/l2", "Net 2/l1", "Net 2/l2"}


def test_E13_gradients_and_expanded_graphs_keep_the_models_apart():
    def loss(x):
        return mg.sum(mg.softmax(second(first(x))))

    first, second = Net(), Net()
    graph = mg.trace(lambda x: mg.grad(loss(x), [first.l1.gain, second.l1.gain]), X)
    assert {n.scope for n in graph if n.order == 1 and n.op == "multiply"} >= {"Net/l1", "Net 2/l1"}
    expanded = loss(mg.Tensor(X)).graph().expand("softmax")
    assert {n.scope for n in expanded if n.name == "gain"} == {"Net/l1", "Net/l2", "Net 2/l1", "Net 2/l2"}


def test_E13_one_model_called_twice_or_models_that_share_nothing_need_no_title():
    model, other = Net(), Stack(Scale())
    assert scopes(lambda x: model(model(x)), X) == ["l1", "l2", "l1", "l2"]
    assert scopes(lambda x: other(model(x)), X) == ["l1", "l2", "layers/0"]


def test_E13_the_parameters_of_two_layers_alone_are_told_apart():
    rng = np.random.default_rng(0)
    first, second = Linear(2, 2, rng=rng), Linear(2, 2, rng=rng)
    graph = mg.trace(lambda x: second(first(x)), X)
    assert graph.find("Linear/weight").number < graph.find("Linear 2/weight").number


@pytest.mark.parametrize("first_call", ["forward", "encode", None])
def test_E13_other_methods_have_scopes_too(first_call):
    class Around(Module):
        def __init__(self):
            self.net = Net()

        def forward(self, x):
            return self.net.encode(x)

    model = Around()
    if first_call == "forward":
        model(mg.Tensor(X))
        model.net(mg.Tensor(X))
    elif first_call:
        model.net.encode(mg.Tensor(X))
    graph = model(mg.Tensor(X)).graph()
    assert [n.scope for n in graph if n.op] == ["net/l1", "net"]
    assert [n.scope for n in model.net.encode(mg.Tensor(X)).graph() if n.op] == ["net/l1", "net"]
    assert [n.scope for n in Net().encode(mg.Tensor(X)).graph() if n.op] == ["l1", ""]


def test_E5_a_part_that_is_called_from_outside_keeps_the_name_it_has_in_the_whole():
    model = Net()
    assert scopes(lambda x: model.l2(model(x)), X) == ["l1", "l2", "l2"]


def test_E13_generator_methods_have_the_scopes_of_those_that_consume_them():
    class Around(Module):
        def __init__(self):
            self.net = Net()

        def forward(self, x):
            return mg.stack(list(self.net.pieces(x)))

    assert scopes(Around(), X) == ["net/l1", "net/l2"]
    before = current_mode()
    next(Net().pieces(mg.Tensor(X)))
    assert current_mode() is before


def test_E13_a_module_that_overrides_call_has_scopes():
    class Loud(Net):
        def __call__(self, x):
            return super().__call__(x) * 2.0

    class Own(Net):
        def __call__(self, x):
            return self.l2(self.l1(x))

    assert scopes(Pair(Loud(), Own()), X) == ["left/l1", "left/l2", "left", "right/l1", "right/l2"]


def test_E13_an_error_in_a_method_leaves_the_mode():
    class Fails(Net):
        def encode(self, x):
            raise KeyError("no")

    before = current_mode()
    with pytest.raises(KeyError):
        Fails().encode(X)
    assert current_mode() is before


def test_E13_methods_stay_what_they_were():
    assert Net.encode.__name__ == "encode"
    assert Net.encode.__qualname__ == "Net.encode"
    assert list(Net.pieces(Net(), mg.Tensor(X)))


ODD = ["/a", "a//b", "a/", "//", "", "..", "a\nb", "a b", "a\\b", "é/ü", "."]


@pytest.mark.parametrize("name", ODD)
def test_E7_odd_names_of_scopes_are_normalised_for_every_reader(name, tmp_path):
    class Named(Module):
        def __init__(self):
            self.named = {name: Scale()}

        def forward(self, x):
            return self.named[name](x)

    def both(x):
        with mg.scope(name):
            x = mg.exp(x)
            with mg.scope(name):
                return mg.sum(model(x))

    model = Named()
    path = "/".join(part for part in name.split("/") if part)
    x = mg.Tensor(X, requires_grad=True)
    loss = both(x)
    loss.backward(keep=True)
    graph = loss.graph()
    assert graph.find("exp").scope == path
    assert graph.find("multiply").scope == "/".join(part for part in (path, path, "named", path) if part)
    for read in (str, mg.Graph.cost, mg.Graph.stats, mg.Graph.dot, mg.Graph.mermaid, mg.Graph.steps):
        assert read(graph)
    graph.explore(tmp_path / "page.html")
    assert graph.find(f"{path}/exp" if path else "exp").op == "exp"
    assert float(mg.compile(both)(X)) == float(loss)


@pytest.mark.parametrize("name", [5, None, b"a", ("a",), mg.Tensor(1.0)])
def test_E7_what_is_no_text_is_refused_at_the_door(name):
    with pytest.raises(TypeError, match="a scope is called by a text, got"):
        mg.scope(name)


def test_E5_the_rule_holds_for_every_order_of_calls():
    """Whoever was called before, and in whichever order: the scope is that of the path."""
    for order in itertools.permutations(range(4)):
        shared = Scale()
        model = Pair(Stack(shared, Scale()), Stack(Scale(), shared))
        calls = [model, model.left, model.right, shared]
        for i in order:
            calls[i](mg.Tensor(X))
        assert scopes(model, X) == ["left/layers/0", "left/layers/1", "right/layers/0", "right/layers/1"]
