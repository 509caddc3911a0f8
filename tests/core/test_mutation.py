"""A write between use and backward is an error, whichever way it was written; gradients share no memory."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor


def leaf(values, **options):
    return Tensor(values, requires_grad=True, **options)


def test_M1_construction_copies():
    source = np.array([1.0, 2.0])
    x = leaf(source)
    y = (x * source).sum()
    source[:] = 100
    y.backward()
    assert x.grad.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("write", ["data", "augmented", "assign", "view", "detached", "no_grad"])
def test_M1_a_write_between_use_and_backward_raises(write):
    x = leaf([1.0, 2.0], name="weights")
    looks_into = x.reshape(2, 1) if write == "view" else x
    with mg.no_grad():
        outside = x.detach() if write == "detached" else x.T if write == "no_grad" else x
    y = (looks_into * 2.0).sum()
    if write == "data":
        x.data = np.zeros(2)
    elif write == "augmented":
        x.data -= 1.0
    else:
        mg.assign(outside, np.zeros(2))
    with pytest.raises(GraphError, match=r"was written to after \w+ used it"):
        y.backward()
    with pytest.raises(GraphError, match="'weights'" if write in ("data", "augmented", "assign") else "written to"):
        mg.grad(y, x, create_graph=True)
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def by_loading(model, optimiser, folder):
    model.load_state_dict({"weight": np.zeros((2, 2), np.float32), "bias": np.zeros(2, np.float32)})


def by_a_checkpoint(model, optimiser, folder):
    mg.save_checkpoint(folder / "model.safetensors", model)
    mg.load_checkpoint(folder / "model.safetensors", model)


def by_a_step(model, optimiser, folder):
    model.weight.grad = np.ones((2, 2))
    optimiser.step()


def by_moving_into_a_buffer(model, optimiser, folder):
    mg.optim.SGD(model.parameters(), rate=0.1)


def by_a_power(model, optimiser, folder):
    model.weight.data **= 2


def by_a_product(model, optimiser, folder):
    model.weight.data @= np.eye(2, dtype=np.float32)


@pytest.mark.parametrize(
    "write", [by_loading, by_a_checkpoint, by_a_step, by_moving_into_a_buffer, by_a_power, by_a_product]
)
def test_M1_M2_whatever_writes_to_a_parameter_is_noticed(write, tmp_path):
    model = mg.nn.Linear(2, 2, rng=np.random.default_rng(0))
    optimiser = mg.optim.Adam([model.weight], rate=0.1)
    x = leaf(np.ones((1, 2), np.float32))
    loss = mg.square(model(x)).sum()
    write(model, optimiser, tmp_path)
    for differentiate in (loss.backward, lambda: mg.grad(loss, x), lambda: mg.grad(loss, x, create_graph=True)):
        with pytest.raises(GraphError, match=r"written to after \w+ used it") as raised:
            differentiate()
        assert "linear" in str(raised.value)
    assert x.grad is None
    mg.square(model(x)).sum().backward()  # computed again, all is well


def test_M2_after_backward_an_update_simply_works():
    p = leaf([1.0, 2.0])
    for _ in range(3):
        p.grad = None
        (p * p).sum().backward()
        p.data -= 0.25 * p.grad
    np.testing.assert_allclose(p.numpy(), np.array([1.0, 2.0]) / 8)


def test_a_value_written_before_it_is_used_is_the_one_that_counts():
    p = leaf([1.0, 2.0])
    (p * 2.0).sum()
    p.data = [5.0, 6.0]
    (p * p).sum().backward()
    assert p.grad.tolist() == [10.0, 12.0]


def test_a_write_to_what_the_gradient_does_not_pass_is_still_noticed_where_a_rule_reads_it():
    x, w = leaf([1.0, 2.0]), Tensor([3.0, 4.0], name="frozen")
    y = (x * w).sum()
    w.data = [0.0, 0.0]
    with pytest.raises(GraphError, match=r"'frozen'.*multiply"):
        y.backward()


def test_M3_gradients_share_memory_with_nothing():
    a, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    seed = np.array([1.0, 1.0])
    (a + b).backward(seed)
    arrays = [a.grad, b.grad, seed, a.data, b.data]
    for i, first in enumerate(arrays):
        for second in arrays[i + 1 :]:
            assert not np.shares_memory(first, second)


def test_M3_writing_into_one_gradient_leaves_the_others_alone():
    a, b, seed = leaf([1.0, 2.0]), leaf([3.0, 4.0]), np.array([1.0, 1.0])
    (a + b).backward(seed)
    a.grad[:] = 100
    assert (b.grad.tolist(), seed.tolist()) == ([1.0, 1.0], [1.0, 1.0])
    assert (a.tolist(), b.tolist()) == ([1.0, 2.0], [3.0, 4.0])


def test_M4_a_gradient_that_was_taken_stays_as_it_is():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    first = x.grad
    y.backward()
    assert (first.tolist(), x.grad.tolist()) == ([2.0, 4.0], [4.0, 8.0])


@pytest.mark.parametrize("keep", [False, True])
def test_M5_a_seed_may_be_changed_afterwards(keep):
    x, seed = leaf([1.0, 2.0]), np.array([1.0, 10.0])
    y = x + 0.0
    y.backward(seed, keep=keep)
    seed[:] = 7
    assert x.grad.tolist() == [1.0, 10.0]
    assert not keep or y.grad.tolist() == [1.0, 10.0]


REFUSED = {
    "item": lambda data: data.__setitem__(0, 1.0),
    "item of a part": lambda data: data[0:1].__setitem__(0, 1.0),
    "item of the transpose": lambda data: data.T.__setitem__(0, 1.0),
    "flat": lambda data: data.flat.__setitem__(0, 1.0),
    "out=": lambda data: np.add(data, 1.0, out=data),
    "copyto": lambda data: np.copyto(data, 1.0),
    "put": lambda data: np.put(data, 0, 1.0),
    "fill": lambda data: data.fill(0),
    "sort": lambda data: data.sort(),
    "as a plain array": lambda data: np.asarray(data).__setitem__(0, 1.0),
    "as a view": lambda data: data.view(np.ndarray).__setitem__(0, 1.0),
    "as a buffer": lambda data: memoryview(data).__setitem__(0, 1.0),
    "flags": lambda data: setattr(data.flags, "writeable", True),
    "flags of a view": lambda data: setattr(data.view(np.ndarray).flags, "writeable", True),
    "base": lambda data: data.base.__setitem__(0, 1.0),
}


@pytest.mark.parametrize("way", REFUSED)
def test_M6_data_and_the_values_of_graphs_are_read_only(way):
    p = leaf([2.0, 1.0])
    y = p.reshape(2)  # looks into p
    z = (y * 1.0).sum()
    z.backward(keep=True)
    steps = z.graph().steps()
    sealed = [p.data, y.data, z.graph()[0].value, z.graph()[0].gradient, steps[0].value, steps[-1].total]
    for values in sealed:
        with pytest.raises((ValueError, TypeError)):
            REFUSED[way](values)
    assert (p.tolist(), p.grad.tolist()) == ([2.0, 1.0], [1.0, 1.0])


def test_M6_the_message_names_the_way():
    p = leaf([1.0, 2.0])
    with pytest.raises(ValueError, match="assign"):
        np.add.at(p.data, 0, 1.0)
    with pytest.raises(ValueError, match="assign"):
        p.data[0] = 1.0
    with pytest.raises(ValueError, match="assign"):
        np.add(p.data, 1.0, out=p.data)
    p.data = [5.0, 6.0]
    assert p.tolist() == [5.0, 6.0]


def test_M8_a_parameter_in_two_places_is_one_parameter():
    w = leaf(np.ones(2), name="w")
    for same in ([w, w], (p for p in (w, w))):
        with pytest.raises(ValueError, match=r"'w': list each once"):
            mg.optim.SGD(same, rate=0.1)
    (w * 2.0 + w * 3.0).sum().backward()
    mg.optim.SGD([w], rate=0.1).step()
    np.testing.assert_allclose(w.numpy(), 0.5)


def test_M9_rebinding_a_trained_leaf_raises():
    p = leaf([1.0, 2.0], name="p")
    for operation in ("__iadd__", "__isub__", "__imul__", "__itruediv__"):
        with pytest.raises(GraphError, match=r"p\.data .= …"):
            getattr(p, operation)(1.0)
    with pytest.raises(GraphError, match="set_at"):
        p[0] = 1.0
    y = p * 2.0
    y += 1.0
    assert y.tolist() == [3.0, 5.0]


def test_assign_refuses_what_does_not_fit():
    p = leaf(np.ones(2, np.float32))
    with pytest.raises(ValueError, match=r"cannot take values of shape \(3,\)"):
        mg.assign(p, np.zeros(3))
    with pytest.raises(GraphError, match="result of multiply"):
        mg.assign(p * 2.0, np.zeros(2))
    mg.assign(p, np.zeros(2))
    assert p.dtype == np.float32


def test_what_was_copied_on_the_way_does_not_hear_of_writes():
    x, weight = Tensor(np.arange(6.0).reshape(2, 3)), Tensor(np.ones(6), requires_grad=True)
    total = mg.sum(x.T.reshape(6) * weight)  # which is no view: the rows lie apart
    mg.assign(x, np.zeros((2, 3)))
    assert mg.grad(total, weight).tolist() == [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]


@pytest.mark.parametrize("same", [lambda x: mg.astype(x, float), lambda x: x.detach(), lambda x: x[:], lambda x: x.T.T])
def test_what_looks_at_the_whole_hears_of_writes(same):
    x, weight = Tensor(np.ones((2, 3))), Tensor(np.ones((2, 3)), requires_grad=True)
    total = mg.sum(same(x) * weight)
    mg.assign(x, np.zeros((2, 3)))
    with pytest.raises(GraphError, match="was written to"):
        mg.grad(total, weight)


def test_what_was_computed_under_no_grad_and_is_written_to_is_heard_of():
    weight = Tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad():
        average = mg.exp(weight)
    total = mg.sum(average.detach() * weight)
    mg.assign(average, [0.0, 0.0])
    with pytest.raises(GraphError, match="was written to"):
        mg.grad(total, weight)
