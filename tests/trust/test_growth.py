"""Many parts of one array: the right gradients, and work in proportion to the parts. Counted, never timed."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.explorer.layouts import _choose_views
from minigrad.drawing.scopes import Scopes

pytestmark = pytest.mark.deep

PARTS = {
    "concatenate": lambda xs: mg.concatenate(xs),
    "concatenate along the last axis": lambda xs: mg.concatenate(xs, axis=-1),
    "concatenate flattened": lambda xs: mg.concatenate(xs, axis=None),
    "stack": lambda xs: mg.stack(xs),
    "stack along the last axis": lambda xs: mg.stack(xs, axis=-1),
    "vstack": lambda xs: mg.vstack(xs),
    "the same part again": lambda xs: mg.concatenate([*xs, *xs]),
}
WHOLES = {
    "split": lambda x: mg.split(x, 4),
    "split along the last axis": lambda x: mg.split(x, 3, axis=1),
    "iteration": list,
    "indices": lambda x: [x[i] for i in (0, 3, -1, 0)],
    "slices that overlap": lambda x: [x[:3], x[::-1], x[1::2, 0], x[..., 1], x[:0], x[:, None]],
    "arrays and slices": lambda x: [x[mg.constant([0, 0])], x[0], x[mg.constant([2, -1, 2])], x[0]],
    "elements": lambda x: [x[i, j] for i, j in itertools.product(range(4), range(3))],
}


def counted(monkeypatch, *names):
    """How many elements were made by these ops on plain arrays: a list that grows."""
    made = []
    for name in names:
        op = mg.registry[name]

        def forward(*args, own=op.forward, **params):
            result = own(*args, **params)
            made.append(result.size if result.base is None else 0)
            return result

        monkeypatch.setattr(op, "forward", forward)
    return made


def weighted(parts):
    """A scalar in which every element of every part has a weight of its own."""
    rng = np.random.default_rng(0)
    return sum((mg.sum(p * p * mg.constant(rng.standard_normal(p.shape))) for p in parts), start=mg.constant(0.0))


def same_in_every_way(function, leaves):
    """Gradients by the sweep on arrays equal those that are recorded, those kept on the way, and those compiled."""
    loss = function(*leaves)
    recorded = [g.numpy() for g in mg.grad(loss, leaves, create_graph=True)]
    plain = [g.numpy() for g in mg.grad(loss, leaves)]
    for leaf in leaves:
        leaf.grad = None
    loss.backward(keep=True)
    compiled = mg.compile(lambda *xs: mg.grad(function(*xs), list(xs)))(*leaves)
    for i, leaf in enumerate(leaves):
        for other in (plain[i], leaf.grad, compiled[i].numpy()):
            np.testing.assert_allclose(other, recorded[i], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kind", PARTS)
def test_C5_parts_that_are_joined_get_their_gradients(kind):
    leaves = [mg.Tensor(np.random.default_rng(i).standard_normal((2, 3)), requires_grad=True) for i in range(4)]
    same_in_every_way(lambda *xs: weighted([PARTS[kind](list(xs)) * 1.0]), leaves)
    mg.check_gradients(lambda *xs: weighted([PARTS[kind](list(xs))]), [x.numpy() for x in leaves], order=2)


@pytest.mark.parametrize("kind", WHOLES)
def test_C5_a_whole_gets_the_gradients_of_its_parts(kind):
    x = mg.Tensor(np.random.default_rng(0).standard_normal((4, 3)), requires_grad=True)
    same_in_every_way(lambda x: weighted(WHOLES[kind](x * 1.0)), [x])
    same_in_every_way(lambda x: weighted(WHOLES[kind](x)) + mg.sum(x), [x])
    mg.check_gradients(lambda x: weighted(WHOLES[kind](x)), [x.numpy()], order=2)


def test_C5_a_gradient_that_others_hold_is_not_added_to():
    x = mg.Tensor([1.0, 2.0], requires_grad=True)
    y = x * 1.0
    loss = mg.sum(y) + y[0] * 3.0 + y[1] * 5.0
    cotangent = np.ones(())
    for _ in range(2):
        x.grad = None
        loss.backward(cotangent)
        assert x.grad.tolist() == [4.0, 6.0]
    assert mg.grad(y[0] + y[1], [y, x])[0].tolist() == [1.0, 1.0]


@pytest.mark.parametrize("kind", ["split", "iteration", "elements"])
def test_C5_the_backward_pass_of_n_parts_makes_no_n_wholes(kind, monkeypatch):
    def elements(n):
        x = mg.Tensor(np.ones((n, 2)), requires_grad=True)
        whole = x * 1.0
        parts = {
            "split": lambda: mg.split(whole, n),
            "iteration": lambda: list(whole),
            "elements": lambda: [whole[i, j] for i in range(n) for j in range(2)],
        }[kind]()
        loss = mg.sum(mg.stack([mg.sum(part) for part in parts]))
        made.clear()
        loss.backward()
        return sum(made)

    made = counted(monkeypatch, "scatter_add", "reshape", "getitem")
    few, many = elements(20), elements(160)
    assert 0 < many <= 9 * few


@pytest.mark.parametrize("kind", ["concatenate", "stack", "concatenate flattened"])
def test_C5_the_places_of_n_parts_are_found_once(kind, monkeypatch):
    asked = []
    joined = mg.concatenate.joined
    monkeypatch.setattr(mg.concatenate, "joined", lambda *args, **params: asked.append(1) or joined(*args, **params))
    leaves = [mg.Tensor(np.ones(2), requires_grad=True) for _ in range(50)]
    mg.sum(PARTS[kind](leaves)).backward()
    assert asked == [1]
    assert all(x.grad.tolist() == [1.0, 1.0] for x in leaves)


def nested(depth):
    x = mg.Tensor(np.ones(2), requires_grad=True)
    scopes = [mg.scope("m") for _ in range(depth)]
    for scope in scopes:
        scope.__enter__()
        x = mg.tanh(x)
    for scope in reversed(scopes):
        scope.__exit__(None, None, None)
    return mg.sum(x).graph()


def beside(count):
    x = mg.Tensor(np.ones(2), requires_grad=True)
    for i in range(count):
        with mg.scope(f"m{i}"):
            for _ in range(i % 3 + 1):
                x = mg.tanh(x) * 2.0
            with mg.scope("inner"):
                x = mg.sin(x) * mg.cos(x) + x * x
    return mg.sum(x).graph()


@pytest.mark.parametrize("make", [nested, beside])
def test_E10_what_the_explorer_lays_out_grows_with_the_graph(make):
    def boxes(n):
        return sum(len(shown.boxes) for _, shown in _choose_views(make(n), None))

    assert boxes(400) <= 12 * boxes(50)


@pytest.mark.parametrize("make", [nested, beside])
def test_E10_every_scope_is_open_in_some_view(make):
    graph = make(60)
    opened = {cluster.scope for _, shown in _choose_views(graph, None) for cluster in everything(shown.clusters)}
    closed = {box.scope for _, shown in _choose_views(graph, None) for box in shown.boxes if box.kind == "scope"}
    assert {path for _, path in Scopes(graph).members} <= opened | closed
    assert any(path.startswith("m/m/m/m" if make is nested else "m59") for path in opened | closed)


def everything(clusters):
    for cluster in clusters:
        yield cluster
        yield from everything(cluster.inside)
