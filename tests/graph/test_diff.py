"""What leads from one graph to another: laws over pairs of graphs, then the uses it is made for."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.graph import graph_of, trace


def attention(scale=True, names="qkv"):
    rng = np.random.default_rng(0)
    q, k, v = (mg.Tensor(rng.standard_normal((3, 2)), requires_grad=True, name=name) for name in names)
    with mg.scope("attention"):
        scores = q @ k.T
        weights = mg.softmax(scores / np.sqrt(2) if scale else scores)
        weights.name = "weights"
        return (weights @ v).graph()


class Network(nn.Module):
    """Layers with an activation between them; `wide` is the hidden width of the second."""

    def __init__(self, layers=3, activation=mg.relu):
        rng = np.random.default_rng(0)
        self.layers = [nn.Linear(4, 4, rng=rng) for _ in range(layers)]
        self.activation = activation

    def forward(self, x):
        for layer in self.layers:
            x = self.activation(layer(x))
        return x


def network(gradients=False, **changes):
    loss = mg.sum(Network(**changes)(mg.Tensor(np.ones((2, 4), np.float32))))
    loss.name = "loss"
    return loss.graph(gradients=gradients)


def training_step(rate=0.1, decay=False):
    model = Network()
    optimiser = mg.optim.AdamW(model.parameters(), rate=rate) if decay else mg.optim.Adam(model.parameters(), rate=rate)

    def step(x):
        optimiser.zero_grad()
        loss = mg.mean(mg.square(model(x)))
        loss.name = "loss"
        loss.backward()
        optimiser.step()
        return loss

    return trace(step, np.ones((2, 4), np.float32))


def program():
    model = Network()
    compiled = mg.compile(lambda x: mg.softmax(model(x) * 1.0))
    compiled(np.ones((2, 4), np.float32))
    return compiled.program


def returned(*kinds):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    found = {"double": x * 2.0, "exp": mg.exp(x), "x": x}
    return graph_of([found[kind] for kind in kinds])


GRAPHS = {
    "attention": attention,
    "attention, not scaled": lambda: attention(scale=False),
    "attention, expanded": lambda: attention().expand("softmax"),
    "attention, other names": lambda: attention(names=("query", "key", "v")),
    "network": network,
    "network, deeper": lambda: network(layers=5),
    "network, gradients": lambda: network(gradients=True),
    "network, tanh": lambda: network(gradients=True, activation=mg.tanh),
    "training step": training_step,
    "training step with decay": lambda: training_step(decay=True),
    "captured": lambda: program().graph,
    "simplified": lambda: program().simplified,
    "a leaf": lambda: returned("x"),
    "two results": lambda: returned("double", "exp"),
    "two results, turned": lambda: returned("exp", "double"),
    "nothing": lambda: graph_of([]),
}


@pytest.fixture(scope="module")
def graphs():
    return {name: make() for name, make in GRAPHS.items()}


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in GRAPHS if name != "nothing"])
def test_a_graph_and_another_recording_of_the_same_are_not_different(graphs, name):
    for other in (graphs[name], GRAPHS[name]()):
        difference = graphs[name].diff(other)
        assert not difference
        assert (difference.added, difference.removed, difference.changed) == ((), (), ())
        assert str(difference) == "no difference"
        assert [(x.number, y.number) for x, y in difference.matched.items()] == [(i, i) for i in range(len(other))]


@pytest.mark.parametrize("name", GRAPHS)
def test_every_node_is_in_one_place(graphs, name):
    for other in graphs.values():
        difference = graphs[name].diff(other)
        old, new = [*difference.removed, *difference.matched], [*difference.added, *difference.matched.values()]
        assert sorted(node.number for node in old) == list(range(len(graphs[name])))
        assert sorted(node.number for node in new) == list(range(len(other)))
        assert {*old} == {*graphs[name]}
        assert {*new} == {*other}
        for change in difference.changed:
            assert change.what
            assert difference.matched[change.before] is change.after


@pytest.mark.parametrize("name", GRAPHS)
def test_the_way_back_is_the_mirror_image(graphs, name):
    for other in graphs.values():
        there, back = graphs[name].diff(other), other.diff(graphs[name])
        assert there.added == back.removed
        assert there.removed == back.added
        assert {(x, y) for x, y in there.matched.items()} == {(x, y) for y, x in back.matched.items()}
        assert {(c.before, c.after, *c.what) for c in there.changed} == {
            (c.after, c.before, *c.what) for c in back.changed
        }
        assert bool(there) is bool(back)


@pytest.mark.parametrize("name", GRAPHS)
def test_pairs_that_are_not_listed_as_changed_are_the_same(graphs, name):
    for other in graphs.values():
        difference = graphs[name].diff(other)
        changed = {change.before for change in difference.changed}
        for x, y in difference.matched.items():
            if x in changed:
                continue
            assert (x.op, x.role, x.settings(), x.path, x.shape, x.dtype, x.order, x.output) == (
                y.op, y.role, y.settings(), y.path, y.shape, y.dtype, y.order, y.output,
            )  # fmt: skip
            for a, b in zip(x.inputs, y.inputs, strict=True):
                assert difference.matched[a] is b if a in difference.matched else (a == b and type(a) is type(b))


@pytest.mark.parametrize("name", GRAPHS)
def test_the_merged_list_has_every_node_after_its_operands(graphs, name):
    for other in graphs.values():
        difference = graphs[name].diff(other)
        seen = set()
        for kind, node in difference.merged():
            for x in node.inputs:
                assert not hasattr(x, "number") or (difference.matched.get(x, x) if kind == "removed" else x) in seen
            seen.add(node)
        assert seen == {*other, *difference.removed}


# --- what it says -----------------------------------------------------------------------------------------------------


def kinds(difference):
    return (
        [node.op or node.role for node in difference.added],
        [node.op or node.role for node in difference.removed],
        [(change.after.path or change.after.op, *change.what) for change in difference.changed],
    )


def one_change(before, after):
    """The one thing that changed."""
    difference = before.diff(after)
    assert not difference.added
    assert not difference.removed
    (change,) = difference.changed
    return change.what


def recorded(function, **tensor):
    return function(mg.Tensor(**{"data": [[1.0, 2.0]], "requires_grad": True, "name": "x"} | tensor)).graph()


def named(x, name):
    x.name = name
    return x


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (lambda x: mg.exp(mg.relu(x)), lambda x: mg.exp(mg.tanh(x)), {"op": ("relu", "tanh")}),
        (mg.softmax, lambda x: mg.softmax(x, axis=0), {"params": ("", "axis=0")}),
        (lambda x: x * 2.0, lambda x: x * 3.0, {"inputs": ("(%0, 2.0)", "(%0, 3.0)")}),
        (lambda x: x * 0.0, lambda x: x * -0.0, {"inputs": ("(%0, 0.0)", "(%0, -0.0)")}),
        (lambda x: x * 1, lambda x: x * True, {"inputs": ("(%0, 1)", "(%0, True)")}),
        (lambda x: x - 1.0, lambda x: 1.0 - x, {"inputs": ("(%0, 1.0)", "(1.0, %0)")}),
        (mg.exp, lambda x: named(mg.exp(x), "y"), {"name": ("", "y")}),
    ],
)
def test_what_changed_is_named_with_both_texts(before, after, what):
    found = one_change(recorded(before), recorded(after))
    assert {fact: found[fact] for fact in what} == what
    assert set(found) <= {*what, "shape"}


def test_leaves_that_changed():
    difference = recorded(mg.exp).diff(recorded(mg.exp, data=[[1.0, 2.0, 3.0]], dtype=np.float32))
    assert [change.what for change in difference.changed] == [
        {"shape": ("(1, 2)", "(1, 3)"), "dtype": ("float64", "float32")}
    ] * 2
    assert one_change(recorded(mg.exp), recorded(mg.exp, name="z")) == {"name": ("x", "z")}


def test_what_moved_to_another_scope():
    difference = recorded(mg.exp).diff(recorded(mg.scope("late")(mg.exp)))
    assert [change.what for change in difference.changed] == [{"scope": ("", "late")}] * 2


def test_outputs_and_updates_are_compared():
    assert kinds(returned("double").diff(returned("double", "exp"))) == (["exp"], [], [])
    assert kinds(returned("double", "exp").diff(returned("double", "double"))) == (
        [],
        ["exp"],
        [("multiply", "output")],
    )
    turned = returned("double", "exp").diff(returned("exp", "double"))
    assert {change.after.op: change.what for change in turned.changed} == {
        "multiply": {"output": ("1", "2")}, "exp": {"output": ("2", "1")},
    }  # fmt: skip
    total = mg.Tensor([0.0, 0.0], name="total")

    def step(x, twice):
        mg.assign(total, x + x if twice else x)
        return mg.exp(x)

    difference = trace(step, np.ones(2), False).diff(trace(step, np.ones(2), True))
    assert {change.after.path: change.what for change in difference.changed} == {
        "total": {"update": ("%0", "%1")},
    }  # fmt: skip


def test_operands_that_were_removed_are_told_from_those_with_their_number():
    x = mg.Tensor(2.0, requires_grad=True, name="x")
    difference = mg.tanh(mg.exp(x)).graph().diff(mg.tanh(x).graph())
    assert str(difference) == (
        "0 added, 1 removed, 1 changed, 1 the same\n"
        "  %0 = parameter  ()  float64  x\n"
        "- %1 = exp(%0)    ()  float64\n"
        "~ %1 = tanh(%0)   ()  float64\n"
        "    was %2: inputs (-%1) → (%0)"
    )
    assert repr(difference) == "<Difference: 0 added, 1 removed, 1 changed, 1 the same>"


def test_lines_without_a_difference_are_left_out():
    def chain(last):
        y = mg.Tensor(1.0, requires_grad=True, name="x")
        for _ in range(50):
            y = mg.sin(y)
        return last(y).graph()

    lines = str(chain(mg.exp).diff(chain(mg.tanh))).splitlines()
    assert [line.split("(")[0].strip() for line in lines] == [
        "0 added, 0 removed, 1 changed, 51 the same", "…", "%49 = sin", "%50 = sin", "~ %51 = tanh",
        "was %51: op exp → tanh",
    ]  # fmt: skip


def test_H3_text_stays_on_its_line():
    difference = recorded(lambda x: named(mg.exp(x), "a\n+ %9")).diff(
        recorded(lambda x: named(mg.exp(x), "b\u2028\x0b"))
    )
    assert len(str(difference).splitlines()) == 4


# --- what it is for ---------------------------------------------------------------------------------------------------


def test_softmax_fused_and_expanded():
    graph = attention()
    added, removed, changed = kinds(graph.diff(graph.expand("softmax")))
    assert added == ["max", "stop_gradient", "subtract", "exp", "sum"]
    assert removed == []
    assert changed == [("attention/weights", "op", "inputs")]


def test_before_and_after_the_compiler():
    made = program()
    difference = made.graph.diff(made.simplified)
    assert "multiply" in [node.op for node in difference.removed]  # by 1
    parameters = [change.before for change in difference.changed if change.before.role == "parameter"]
    assert not parameters


def test_two_training_steps():
    model = Network()
    optimiser = mg.optim.SGD(model.parameters(), rate=0.1)
    graphs = []
    for _ in range(2):
        loss = mg.sum(model(mg.Tensor(np.ones((2, 4), np.float32))))
        graphs.append(loss.graph(gradients=True))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    assert not np.array_equal(*(graph.outputs[0].value for graph in graphs))
    assert not graphs[0].diff(graphs[1])
    assert not training_step(rate=0.1).diff(training_step(rate=0.2))  # the rate is state
    assert all(node.scope.startswith("optimiser") for node in training_step().diff(training_step(decay=True)).added)


def test_models_that_differ_in_one_layer():
    difference = network().diff(network(layers=4))
    assert {node.scope for node in difference.added} == {"", "layers/3"}
    assert [node.path for node in difference.added] == ["layers/3/weight", "layers/3/bias", "layers/3", ""]
    assert [(change.after.name, *change.what) for change in difference.changed] == [("loss", "inputs")]


def test_graphs_of_2000_nodes_whose_every_other_node_differs():
    def chain(period):
        y = mg.Tensor(1.0, requires_grad=True, name="x")
        for i in range(2000):
            y = mg.tanh(y) if i % period else mg.sin(y)
        return y.graph()

    difference = chain(2).diff(chain(3))
    assert len(difference.matched) > 1300  # the longest common subsequence of the two, which crosses nowhere


def test_what_is_no_graph_is_refused():
    with pytest.raises(TypeError, match="expected a Graph, got Tensor"):
        network().diff(mg.Tensor(1.0))


def test_every_way_to_show_a_difference_shows_what_is_in_one_graph_alone(tmp_path):
    difference = network().diff(network(layers=4))
    difference.draw(tmp_path / "picture.dot")
    texts = difference.dot(), difference.mermaid(), (tmp_path / "picture.dot").read_text("utf-8")
    assert texts[0] == texts[2]
    assert all("4 added, 0 removed, 1 changed" in text for text in texts)
    assert {"text/plain", "image/svg+xml"} <= set(difference._repr_mimebundle_())
