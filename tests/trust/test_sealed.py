"""No memory of the engine is written to in silence: what is handed out is sealed, a copy, or noticed at backward."""

import operator
from contextlib import suppress

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of
from minigrad.core.structure import leaves
from minigrad.nn import Linear, MultiHeadAttention

VALUES = [1.0, 2.0, 3.0]


def parameter():
    return mg.Tensor(VALUES, requires_grad=True, name="p")


def node_of(p, name="p"):
    loss = mg.sum(p * p)
    loss.backward(keep=True)
    return loss.graph().find(name)


DOORS = {
    "data": lambda p: p.data,
    "read": mg.read,
    "data of what is detached": lambda p: p.detach().data,
    "read of what is detached": lambda p: mg.read(p.detach()),
    "data of a view": lambda p: p[:].data,
    "read of a reshaped view": lambda p: mg.read(p.reshape(3, 1)).reshape(3),
    "the value of a node": lambda p: node_of(p).value,
    "the value of a step": lambda p: mg.sum(p[:]).graph().steps()[0].value,
    "numpy": lambda p: p.numpy(),
    "asarray of what needs no gradient": lambda p: np.asarray(p.detach()),
    "array": lambda p: np.array(p.detach()),
    "tolist": lambda p: np.array(p.tolist()),
}


def interface(array):
    class Other:
        __array_interface__ = array.__array_interface__

    return np.asarray(Other())


WRITES = {
    "item": lambda a: operator.setitem(a, 0, 9.0),
    "all": lambda a: operator.setitem(a, ..., 9.0),
    "in place": lambda a: operator.imul(a, 10),
    "out": lambda a: np.multiply(a, 10, out=a),
    "at": lambda a: np.add.at(a, [0, 0], 10),
    "at of a plain view": lambda a: np.add.at(a.view(np.ndarray), 0, 10),
    "at of a view of bytes": lambda a: np.add.at(a.view(np.uint64), 0, 10),
    "at of a part": lambda a: np.add.at(a[1:], 0, 10),
    "at of another shape": lambda a: np.multiply.at(a.reshape(3, 1).T, 0, 10),
    "sort": lambda a: a[::-1].sort(),
    "fill": lambda a: a.fill(9),
    "put": lambda a: np.put(a, 0, 9),
    "copyto": lambda a: np.copyto(a, 9),
    "flat": lambda a: operator.setitem(a.flat, 0, 9.0),
    "place": lambda a: np.place(a, a > 1, 9),
    "cumsum": lambda a: np.cumsum(a, out=a),
    "shuffle": lambda a: np.random.default_rng(0).shuffle(a),
    "draw": lambda a: np.random.default_rng(0).standard_normal(out=a),
    "memoryview": lambda a: operator.setitem(memoryview(a), 0, 9.0),
    "frombuffer": lambda a: operator.setitem(np.frombuffer(a), 0, 9.0),
    "interface": lambda a: operator.setitem(interface(a), 0, 9.0),
    "strided": lambda a: operator.setitem(np.lib.stride_tricks.as_strided(a), 0, 9.0),
    "dlpack": lambda a: operator.setitem(np.from_dlpack(a), 0, 9.0),
    "flags": lambda a: setattr(a.flags, "writeable", True) or operator.setitem(a, 0, 9.0),
    "flags of a plain view": lambda a: a.view(np.ndarray).setflags(write=True) or operator.setitem(a, 0, 9.0),
    "bytes": lambda a: a.byteswap(inplace=True),
    "partition": lambda a: a.partition(1),
    "assignment": lambda a: operator.setitem(a.real, 0, 9.0),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("door", DOORS)
def test_E1_whatever_is_handed_out_the_values_stay(door, write):
    p = parameter()
    loss = mg.sum(p * p * p)
    with suppress(ValueError, TypeError, BufferError):
        WRITES[write](DOORS[door](p))
    assert p.tolist() == VALUES
    p.grad = None
    loss.backward()
    assert p.grad.tolist() == [3.0, 12.0, 27.0]


def test_E1_the_example():
    p = parameter()
    loss = mg.sum(p * p)
    v = mg.read(p)
    v *= 10
    assert v.tolist() == [10.0, 20.0, 30.0]
    loss.backward()
    assert p.grad.tolist() == [2.0, 4.0, 6.0]
    with pytest.raises(ValueError, match=r"read-only: write `t\.data = array`"):
        mg.read(p)[0] = 1.0


def test_E1_a_gradient_is_memory_of_its_own():
    """It may be written to, as those who clip by hand do, and nothing else changes."""
    x, other = parameter(), parameter()
    y = x + other
    loss = mg.sum(y)
    cotangent = np.ones(())
    loss.backward(cotangent, keep=True)
    arrays = [x.grad, other.grad, y.grad, loss.grad, cotangent]
    arrays += [
        getattr(step, name) for step in loss.graph().steps()[2:] for name in ("incoming", "contribution", "total")
    ]
    for i, first in enumerate(arrays[:4]):
        assert first.flags.writeable
        assert not any(np.shares_memory(first, second) for second in arrays[i + 1 :])
    x.grad *= 5.0
    assert (other.grad.tolist(), x.tolist()) == ([1.0] * 3, VALUES)
    x.grad = other.grad
    x.grad *= 5.0
    assert other.grad.tolist() == [1.0] * 3


def test_E1_states_are_copies():
    layer = Linear(2, 2, rng=np.random.default_rng(0))
    optimiser = mg.optim.Adam(layer.parameters(), 0.1)
    before = layer.weight.tolist()
    for state in (layer.state_dict(), optimiser.state_dict()):
        for array in state.values():
            array[...] = 7
    assert layer.weight.tolist() == before
    assert (optimiser.rate, optimiser.steps) == (0.1, 0)
    assert not any(array.any() for name, array in optimiser.state_dict().items() if "moment" in name)


def test_E1_a_schedule_cannot_move_the_clock_of_the_optimiser():
    def schedule(step):
        step -= 100.0
        step *= 0.0
        return 1.0

    p = parameter()
    optimiser = mg.optim.SGD([p], 0.5, schedule=schedule)
    for _ in range(3):
        p.grad = np.ones(3)
        optimiser.step()
    assert (optimiser.steps, optimiser.rate, p.tolist()) == (3, 0.5, [-0.5, 0.5, 1.5])


def test_E1_results_of_graphs_and_programs_are_copies():
    p = parameter()

    def same(x):
        return p, x, p[:2], p * 1.0

    x = np.array(VALUES)
    for results in (mg.trace(same, x).run(x), mg.compile(same)(x)):
        for result in results:
            array = result if isinstance(result, np.ndarray) else result.numpy()
            array[...] = 7
    assert p.tolist() == x.tolist() == VALUES


def test_E1_weights_of_attention_are_sealed():
    attention = MultiHeadAttention(2, 1, rng=np.random.default_rng(0))
    x = mg.Tensor(np.ones((3, 2), np.float32), requires_grad=True)
    y = attention(x)
    before = attention.weights.tolist()
    with suppress(ValueError):
        np.add.at(attention.weights.data.view(np.ndarray), 0, 10)
    assert attention.weights.tolist() == before
    assert y.shape == (3, 2)


@pytest.mark.parametrize("name", sorted(mg.registry))
def test_E1_a_result_that_looks_into_an_input_hears_of_every_write(name):
    """Whatever op it is: memory that two Tensors share is stamped for both."""
    for case in cases_of(mg.registry[name]):
        inputs = [mg.Tensor(x) for x in case.floats()]
        outputs = case(*inputs)
        for y in leaves(outputs):
            for x in inputs:
                if isinstance(y, mg.Tensor) and y is not x and np.shares_memory(x._held, y._held):
                    assert y._storage is not None
                    assert y._storage is x._storage


def test_E1_copies_of_sealed_arrays_are_plain():
    data = parameter().data
    for copied in (data.copy(), data.copy("F"), np.array(data), data * 1.0, data.astype(np.float32)):
        copied[0] = 9.0
        copied += 1.0
        np.add(copied, 1.0, out=copied)
        assert copied[0] == 11.0
    assert type(data.copy()) is np.ndarray
