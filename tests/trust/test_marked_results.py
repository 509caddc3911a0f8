"""What a compiled function returns has no graph; where eager code would follow it to a parameter, that is said."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

T = mg.Tensor


def weight():
    return T([3.0], requires_grad=True, name="weight")


def returned(t, x=1.0):
    return mg.compile(lambda x: x * t)(np.full(1, x))


MEETINGS = {
    "add": lambda y, t: y + t,
    "on the right": lambda y, t: t * y,
    "first of many": lambda y, t: mg.concatenate([y, t, t]),
    "last of many": lambda y, t: mg.stack([t, t, y]),
    "where": lambda y, t: mg.where(np.array([True]), y, t),
    "linear": lambda y, t: mg.linear(y[:, None], t[:, None], t),
    "after unrecorded ops": lambda y, t: mg.sum(mg.exp(y) * 2.0 + 1.0) + mg.sum(t),
    "by a view": lambda y, t: mg.reshape(y, (1, 1)) * t,
    "by an index": lambda y, t: y[0] * t,
    "NumPy": lambda y, t: np.add(y, t),
    "an argument of a compiled function": lambda y, t: mg.compile(lambda y: y * t)(y),
    "state of a compiled function": lambda y, t: mg.compile(lambda: y * t)(),
    "arguments of a compiled function": lambda y, t: mg.compile(lambda y, t: y * t)(y, t),
    "what another compiled function made of it": lambda y, t: mg.compile(lambda y: y * 2.0)(y) * t,
    "trace": lambda y, t: mg.trace(lambda y: y * t, y),
    "a graph of a gradient": lambda y, t: mg.grad(t * t, t, y, create_graph=True),
    "a user's op": lambda y, t: mg.expanded("softmax")(mg.softmax)(mg.stack([y, t])),
}  # fmt: skip


@pytest.mark.parametrize("meeting", MEETINGS)
def test_A6_it_does_not_meet_what_requires_a_gradient(meeting):
    t = weight()
    with pytest.raises(mg.GraphError, match=r"\.detach\(\).*no_grad\(\)"):
        MEETINGS[meeting](returned(t), t)


def test_A6_the_example():
    t = weight()
    fast = mg.compile(lambda x: x * t)
    with pytest.raises(mg.GraphError, match=r"add: .*comes from a compiled function.*\.detach\(\)"):
        mg.sum(fast(np.ones(1))) + 0.5 * mg.sum(t * t)
    whole = mg.compile(lambda x: mg.grad(mg.sum(x * t) + 0.5 * mg.sum(t * t), t))
    assert whole(np.ones(1)).tolist() == [4.0]


WAYS = {
    "detach": lambda y: y.detach(),
    "copy": lambda y: y.copy(),
    "np.copy": np.copy,
    "copy.copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "Tensor": T,
    "constant": mg.constant,
    "numpy": lambda y: y.numpy(),
    "stop_gradient": mg.stop_gradient,
    "comparison": lambda y: y > 1.0,
    "integers": lambda y: mg.astype(y, dtype=int),
    "a leaf of its own": lambda y: T(y, requires_grad=True),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_A6_what_says_that_no_gradient_flows_is_free(way):
    t = weight()
    mg.sum(WAYS[way](returned(t)) * t).backward()
    assert t.grad.tolist() == [1.0 if way == "comparison" else 3.0]


def test_A6_no_grad_says_so_too():
    t = weight()
    with mg.no_grad():
        y = returned(t)
        assert (returned(t) * t).tolist() == [9.0]
    mg.sum(y * t).backward()
    assert t.grad.tolist() == [3.0]
    with mg.no_grad():
        unmarked = returned(t) * 2.0
    mg.sum(unmarked * t).backward()
    assert t.grad.tolist() == [9.0]


@pytest.mark.parametrize(
    "function",
    [
        lambda x, t: x * 2.0,
        lambda x, t: x * t.detach(),
        lambda x, t: (x * t).detach(),
        lambda x, t: mg.grad(mg.sum(x * t), t),
        lambda x, t: x * t > 1.0,
    ],
)
def test_A6_what_requires_no_gradient_in_eager_code_is_not_marked(function):
    t = weight()
    assert not function(T([2.0]), t).requires_grad
    y = mg.compile(lambda x: function(x, t))(np.full(1, 2.0))
    mg.sum(y * t).backward()
    assert np.all(np.isfinite(t.grad))


def test_A6_each_of_several_results_has_its_own_mark():
    t = weight()
    free, marked, pair = mg.compile(lambda x: (x * 2.0, x * t, {"a": x + 1.0, "b": t}))(np.ones(1))
    assert (free * t).requires_grad
    assert (pair["a"] * t).requires_grad
    for y in (marked, pair["b"]):
        with pytest.raises(mg.GraphError, match="compiled function"):
            y * t
    assert not any(y.requires_grad for y in (free, marked, *pair.values()))


def test_A6_marked_results_among_themselves_are_values():
    t = weight()
    y = returned(t)
    assert float(mg.sum(y * y + mg.exp(y))) == pytest.approx(9 + np.exp(3))
    assert y.grad is None


def test_A6_backward_and_grad_say_where_the_gradient_is():
    t = weight()
    y = mg.sum(returned(t))
    with pytest.raises(mg.GraphError, match="take the gradient inside the function"):
        y.backward()
    with pytest.raises(mg.GraphError, match="requires_grad"):
        y.requires_grad = True


def test_A6_the_mark_keeps_no_graph_alive():
    import weakref

    t = weight()
    fast = mg.compile(lambda x: x * t)
    y = mg.exp(fast(np.ones(1)))
    gone = weakref.ref(fast.program)
    del fast
    import gc

    gc.collect()
    assert gone() is None
    assert y.inputs == ()


def test_A6_a_training_step_and_its_loss_go_on_as_before():
    layer = nn.Linear(2, 1, rng=np.random.default_rng(0), dtype=np.float64)
    optimiser = optim.SGD(layer.parameters(), rate=0.1)

    @mg.compile
    def step(x):
        optimiser.zero_grad()
        loss = mg.mean(layer(x) ** 2)
        loss.backward()
        optimiser.step()
        return loss

    total = T(0.0)
    for _ in range(3):
        total = total + step(np.ones((4, 2)))
    assert float(total) > 0


def test_A6_checked_calls_are_marked_as_well():
    t = weight()
    y = mg.compile(lambda x: x * t, check=1)(np.ones(1))
    with pytest.raises(mg.GraphError, match="compiled function"):
        y + t
