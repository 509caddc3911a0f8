"""State that compiled functions read and write, and what an error in the middle leaves of it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import CaptureError, GraphError, Tensor
from minigrad.core.storage import rebase
from minigrad.core.structure import leaves
from minigrad.nn import Linear, Module
from minigrad.optim import SGD, Adam

X = np.arange(6.0).reshape(2, 3)


def weight_of(*values, name="weight", dtype=np.float64):
    return Tensor(values, dtype, requires_grad=True, name=name)


def training(weight, optimiser=None):
    optimiser = optimiser or SGD([weight], 0.1)

    def step(x):
        optimiser.zero_grad()
        loss = mg.sum((weight - x) ** 2)
        loss.backward()
        optimiser.step()
        return loss

    return step


# --- state ------------------------------------------------------------------------------------------------------------


def test_state_that_is_swapped():
    a, b = Tensor([1.0, 2.0], name="a"), Tensor([3.0, 4.0], name="b")

    def swap():
        before = mg.copy(a)
        mg.assign(a, b)
        mg.assign(b, before)
        return a, b

    step = mg.compile(swap)
    for _ in range(3):
        now = b.tolist(), a.tolist()
        returned = step()
        assert (a.tolist(), b.tolist()) == now
        assert tuple(t.tolist() for t in returned) == now


def test_state_that_is_turned_round_and_moved_within_itself():
    a, square = Tensor([1.0, 2.0, 3.0]), Tensor(X[:, :2])

    def turn():
        mg.assign(a, mg.flip(a))
        mg.assign(square, square.T)
        mg.assign(a, mg.concatenate([a[1:], a[:1]]))

    step = mg.compile(turn)
    step()
    assert (a.tolist(), square.tolist()) == ([2.0, 1.0, 3.0], [[0.0, 3.0], [1.0, 4.0]])
    step()
    assert (a.tolist(), square.tolist()) == ([1.0, 2.0, 3.0], [[0.0, 1.0], [3.0, 4.0]])


def test_state_is_read_after_it_was_assigned():
    counter = Tensor(1.0, name="counter")

    def count(x):
        old = counter * 1.0
        mg.assign(counter, counter + 1.0)
        between = counter * 10.0
        mg.assign(counter, counter * x)
        return old, between, counter

    step = mg.compile(count)
    assert [t.item() for t in step(np.asarray(3.0))] == [1.0, 20.0, 6.0]
    assert [t.item() for t in step(np.asarray(2.0))] == [6.0, 70.0, 14.0]
    assert counter.item() == 14.0


def test_an_old_value_is_still_the_old_value_after_the_update():
    weight = Tensor([1.0, 2.0])

    def step(x):
        new = weight * 2.0  # may be written to its place at once
        old = weight + x  # but this needs what was there
        mg.assign(weight, new)
        return old, weight[1:], new

    compiled = mg.compile(step)
    assert [t.tolist() for t in compiled(np.ones(2))] == [[2.0, 3.0], [4.0], [2.0, 4.0]]
    assert [t.tolist() for t in compiled(np.ones(2))] == [[3.0, 5.0], [8.0], [4.0, 8.0]]


class Normalised(Module):
    """Keeps a running mean, in the middle of forward."""

    def __init__(self):
        self.mean = Tensor(np.zeros(3), name="mean")
        self.count = Tensor(np.zeros((), np.int64), name="count")
        self.gain = weight_of(1.0, 2.0, 3.0, name="gain")

    def forward(self, x):
        if self.training:
            mg.assign(self.mean, 0.9 * self.mean + 0.1 * mg.mean(x, axis=0).detach())
            mg.assign(self.count, self.count + 1)
        return (x - self.mean) * self.gain


@pytest.mark.parametrize("wrap", [mg.compile, lambda function: function], ids=["compiled", "eager"])
def test_state_that_was_copied_into_other_state_may_change(wrap):
    source, target, parameter = Tensor([1.0]), Tensor([0.0]), Tensor(np.float32([0.0]), requires_grad=True)

    def step(x):
        mg.assign(target, source)
        parameter.grad = source
        mg.assign(source, x)
        gradient = mg.astype(parameter.grad, "float32")
        parameter.grad = None
        return mg.copy(mg.read(target)), gradient * 1.0

    copied, gradient = wrap(step)(Tensor([-1.0]))
    assert copied.tolist() == gradient.tolist() == target.tolist() == [1.0]
    assert gradient.dtype == np.float32
    assert source.tolist() == [-1.0]


def test_running_statistics_are_updated_in_the_middle_of_forward(same):
    eager, model = Normalised(), Normalised()
    compiled = mg.compile(lambda x: model(x))
    for i in range(6):
        if i == 4:
            eager.eval()
            model.eval()
        with mg.no_grad():
            assert same(compiled(X + i), Tensor(eager(Tensor(X + i)).numpy()))
        assert same(model.mean, eager.mean)
    assert model.count.item() == 4
    assert len(compiled.programs) == 2


@pytest.mark.parametrize("give", [lambda w: w, lambda w: w._held, lambda w: w._held[::-1][::-1], lambda w: w.detach()])
def test_an_argument_may_be_the_state_itself(give):
    """The argument is read as it was when the call began, also after the new value is known."""
    weight = weight_of(1.0, 2.0)

    def step(x):
        new = weight - 0.5 * x
        y = x * 3.0
        mg.assign(weight, new)
        return y

    compiled = mg.compile(step)
    assert compiled(give(weight)).tolist() == [3.0, 6.0]
    assert weight.tolist() == [0.5, 1.0]
    assert compiled(give(weight)).tolist() == [1.5, 3.0]


def test_what_looks_into_state_sees_what_a_call_wrote():
    weight = weight_of(1.0, 2.0)
    step = mg.compile(training(weight))
    view = weight.detach()
    step(np.zeros(2))
    assert view.tolist() == weight.tolist() == [0.8, 1.6]


def test_what_looks_into_state_is_read_as_it_was_before_an_update():
    weight, other = Tensor([1.0, 2.0]), Tensor([5.0, 6.0])
    view, part = weight.detach(), other.detach()[::-1]

    def step():
        new = weight * 0.5
        y = view * 3.0
        mg.assign(weight, new)
        mg.assign(other, part)
        return y

    compiled = mg.compile(step)
    assert [compiled().tolist() for _ in range(2)] == [[3.0, 6.0], [1.5, 3.0]]
    assert (view.tolist(), other.tolist()) == ([0.25, 0.5], [5.0, 6.0])


def test_gradients_are_as_they_were():
    weight, other = weight_of(1.0, 2.0), weight_of(5.0, 5.0)
    step = mg.compile(training(weight))
    step(X[0, :2])
    assert weight.grad is None
    (weight * 3.0).sum().backward()
    kept = weight.grad
    step(X[0, :2])
    step(X[0, 1:])
    assert weight.grad is kept
    assert kept.tolist() == [3.0, 3.0]

    def without_zero_grad(x):
        loss = mg.sum(weight * x)
        loss.backward()
        return weight.grad * 2.0

    compiled = mg.compile(without_zero_grad)
    with pytest.raises(CaptureError, match="zero_grad"):
        compiled(np.ones(2))
    weight.grad = None
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    assert weight.grad is None
    (other * 1.0).sum().backward()
    assert other.grad.tolist() == [1.0, 1.0]


def test_eager_code_notices_that_a_compiled_step_wrote():
    weight = weight_of(1.0, 2.0)
    step = mg.compile(training(weight))
    loss = mg.sum(weight * weight)
    step(np.zeros(2))
    with pytest.raises(GraphError, match="weight"):
        loss.backward()
    mg.sum(weight * weight).backward()
    assert weight.grad.tolist() == (2 * weight.numpy()).tolist()


def test_a_rate_set_between_calls_is_seen():
    weight = weight_of(1.0, 2.0)
    optimiser = SGD([weight], 0.1)
    step = mg.compile(training(weight, optimiser))
    step(np.zeros(2))
    optimiser.rate = 0.5
    step(np.zeros(2))
    assert weight.tolist() == [0.0, 0.0]
    assert (optimiser.steps, len(step.programs)) == (2, 1)


def test_a_state_that_is_loaded_between_calls_is_seen():
    model = Linear(3, 2, rng=np.random.default_rng(0), dtype=np.float64)
    step = mg.compile(lambda x: model(x))
    step(X)
    model.load_state_dict({"weight": np.ones((3, 2)), "bias": np.zeros(2)})
    assert step(X).tolist() == (X @ np.ones((3, 2))).tolist()
    model.weight.data = np.zeros((3, 2))
    assert step(X).tolist() == np.zeros((2, 2)).tolist()
    assert len(step.programs) == 1


def test_parameters_that_move_to_other_memory_are_followed():
    weight = weight_of(1.0, 2.0)
    evaluate = mg.compile(lambda x: weight * x)
    assert evaluate(np.ones(2)).tolist() == [1.0, 2.0]
    first, second = SGD([weight], 0.25), SGD([weight, weight_of(7.0)], 0.25)
    steps = [mg.compile(training(weight, optimiser)) for optimiser in (first, second)]
    expected = weight.numpy()
    for i in (0, 1, 0, 0, 1):
        steps[i](np.zeros(2))
        expected = expected * 0.5
        assert weight.tolist() == expected.tolist()
        assert evaluate(np.ones(2)).tolist() == expected.tolist()


def test_state_of_a_part_of_the_parameters():
    """Parameters without a gradient are left alone, also in the middle of the optimiser's memory."""
    for optimiser in (SGD, Adam):
        found = []
        for wrap in (mg.compile, lambda function: function):
            first, unused, last = weight_of(1.0, 2.0), weight_of(5.0), weight_of(3.0, 4.0)
            both = optimiser([first, unused, last], 0.1)

            def step(x, first=first, last=last, both=both):
                both.zero_grad()
                mg.sum((first * last - x) ** 2).backward()
                both.step()

            step = wrap(step)
            for _ in range(5):
                step(np.ones(2))
            found.append([t.numpy() for t in (first, unused, last)])
        for actual, expected in zip(*found, strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-13)


# --- errors in the middle of a call -----------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["tokens", "targets"])
def test_an_error_before_the_update_leaves_all_state_as_it_was(new_language_model, which):
    model, optimiser, step = new_language_model()
    compiled = mg.compile(step)
    good = np.random.default_rng(0).integers(0, 9, (2, 5))
    bad = good.copy()
    bad[1, 2] = 9
    with pytest.raises(IndexError, match=r"index 9 at \(1, 2\)"):
        compiled(*((bad, good) if which == "tokens" else (good, bad)))
    assert not optimiser.steps
    compiled(good, good)
    before = {**model.state_dict(), **optimiser.state_dict()}
    for _ in range(2):
        with pytest.raises(IndexError, match=r"index 9 at \(1, 2\)") as caught:
            compiled(*((bad, good) if which == "tokens" else (good, bad)))
        assert not getattr(caught.value, "__notes__", [])
    for key, array in {**model.state_dict(), **optimiser.state_dict()}.items():
        assert np.array_equal(array, before[key]), key
    eager_model, _, eager = new_language_model()
    eager(good, good)
    for key, array in eager_model.state_dict().items():
        if "key.bias" not in key:  # its gradient is nothing but rounding
            np.testing.assert_allclose(model.state_dict()[key], array, rtol=1e-3, atol=1e-5, err_msg=key)


@pytest.fixture
def fragile():
    """A user's op that raises where its argument is negative."""

    def check(x):
        if np.any(x < 0):
            raise ValueError("negative")
        return x * 1.0

    @mg.op(formula="x, if it is not negative", infer=lambda x: mg.core.arrays.Shaped(x.shape, x.dtype))
    def fragile_in_test(x):
        return check(x)

    yield fragile_in_test
    del mg.registry["fragile_in_test"]


def test_an_error_after_the_update_says_that_state_may_be_half_written_or_leaves_it(fragile):
    weight = weight_of(1.0, 2.0)

    def step(x):
        mg.assign(weight, weight * 2.0)
        return fragile(x)

    compiled = mg.compile(step)
    assert compiled(np.ones(2)).tolist() == [1.0, 1.0]
    assert weight.tolist() == [2.0, 4.0]
    with pytest.raises(ValueError, match="negative") as caught:
        compiled(-np.ones(2))
    notes = " ".join(getattr(caught.value, "__notes__", []))
    assert weight.tolist() == [2.0, 4.0] or "half updated" in notes
    assert compiled(np.ones(2)).tolist() == [1.0, 1.0]


READ_TWICE = {
    "softmax of what overflows": lambda x: mg.softmax(x * 1.0 + x),
    "softmax of state": mg.softmax,
    "log_softmax": mg.log_softmax,
    "standardize": mg.standardize,
    "product": lambda x: x @ x,
    "product with the other": lambda x: x.T @ x,
    "turned": lambda x: mg.copy(x.T),
    "backwards": lambda x: mg.flip(x, axis=0) + x,
    "running sums": lambda x: mg.cumsum(x[::-1], axis=0),
    "sorted": lambda x: mg.sort(x, axis=0),
    "added at rows": lambda x: mg.set_at(x, 0, x[1]),
    "rows": lambda x: mg.embedding(x, [2, 0, 1]),
    "row from all": lambda x: x - mg.sum(x, axis=0),
}


@pytest.mark.parametrize("function", READ_TWICE.values(), ids=READ_TWICE)
def test_what_is_read_twice_is_not_written_meanwhile(function):
    """State whose new value is made of the old one, by what needs all of it until the end."""
    start = np.random.default_rng(0).standard_normal((3, 3)) * 1000.0
    eager, state = Tensor(start, name="eager"), Tensor(start, name="state")
    step = mg.compile(lambda: mg.assign(state, function(state)))
    for _ in range(2):
        step()
        with mg.no_grad():
            mg.assign(eager, function(eager))
        np.testing.assert_allclose(state.numpy(), eager.numpy(), rtol=1e-12)


FALSE = {  # functions of rows and indices, which refuse an index that is out of range
    "embedding": lambda x, i: mg.embedding(x, i),
    "one_hot": lambda x, i: mg.one_hot(i, 3),
    "cross_entropy": lambda x, i: mg.cross_entropy(x, i),
    "nll": lambda x, i: mg.nll(x, i),
    "an item": lambda x, i: x[i],
    "an item set": lambda x, i: mg.set_at(x, i, 0.0),
    "an integer set": lambda x, i: mg.set_at(i, i, 0),
    "along an axis": lambda x, i: mg.take_along_axis(x, i[:, None], axis=1),
    "the gradient of an embedding": lambda x, i: mg.grad(mg.sum(mg.embedding(x, i)), x),
    "the gradient of an item": lambda x, i: mg.grad(mg.sum(x[i] * 2.0), x),
}


@pytest.mark.parametrize("function", FALSE.values(), ids=FALSE)
def test_state_is_written_when_nothing_can_fail_any_more(function):
    weight = weight_of(1.0, 2.0)

    def step(x, i):
        mg.assign(weight, weight * 2.0)
        return function(x, i)

    compiled = mg.compile(step)
    for index in (2, 3, 0):
        x = Tensor(np.ones((3, 3)), requires_grad=True)
        before = weight.tolist()
        if index < 3:
            compiled(x, np.array([0, 1, index]))
            assert weight.tolist() == [2.0 * w for w in before]
        else:
            with pytest.raises((IndexError, ValueError)) as caught:
                compiled(x, np.array([0, 1, index]))
            assert weight.tolist() == before
            assert not getattr(caught.value, "__notes__", [])


@pytest.mark.parametrize("kinds", ["wf", "fw", "wfw", "wwf"])
def test_an_error_between_updates_leaves_all_or_says_so(fragile, kinds):
    weights = [weight_of(1.0, 2.0, name=f"weight{i}") for i, kind in enumerate(kinds)]

    def step(x):
        y = x * 1.0
        for kind, weight in zip(kinds, weights, strict=True):
            if kind == "f":
                y = fragile(y)
            else:
                mg.assign(weight, weight * 2.0 + y)
        return y

    compiled = mg.compile(step)
    compiled(np.ones(2))
    before = [w.tolist() for w in weights]
    with pytest.raises(ValueError, match="negative") as caught:
        compiled(-np.ones(2))
    unchanged = [w.tolist() for w in weights] == before
    assert unchanged != bool(getattr(caught.value, "__notes__", []))


def test_a_gradient_that_is_there_at_a_later_call_is_refused_as_at_the_first():
    parameter = Tensor([1.0, 2.0], requires_grad=True)
    optimiser = mg.optim.SGD([parameter], rate=0.1)

    @mg.compile
    def last_of_several(x):
        mg.sum(parameter * x).backward()
        optimiser.step()
        return x * 1.0

    last_of_several(np.ones(2))
    mg.sum(parameter * 5.0).backward()
    before = parameter.tolist()
    with pytest.raises(mg.CaptureError, match=r"already had a gradient.*zero_grad"):
        last_of_several(np.ones(2))
    assert parameter.tolist() == before
    optimiser.zero_grad()
    last_of_several(np.ones(2))
    assert parameter.numpy().round(6).tolist() == [0.8, 1.8]
    assert len(last_of_several.programs) == 1


def test_state_that_shares_memory_is_not_assigned_twice():
    whole = Tensor(np.arange(6.0).reshape(2, 3))
    row, other, view = whole[0].detach(), whole[1].detach(), whole[:, 1].detach()

    def step(*state):
        for tensor in state:
            mg.assign(tensor, tensor * 2.0)

    mg.compile(lambda: step(row, other))()
    assert whole.tolist() == [[0.0, 2.0, 4.0], [6.0, 8.0, 10.0]]
    column, beside = whole[:, 0].detach(), whole[0, 1:].detach()  # the second lies within the bounds of the first
    mg.compile(lambda: step(column, beside))()
    assert whole.tolist() == [[0.0, 4.0, 8.0], [12.0, 8.0, 10.0]]
    for pair in ((whole, row), (row, view), (view, other)):
        with pytest.raises(mg.CaptureError, match="share memory"):
            mg.compile(lambda pair=pair: step(*pair))()

        def write(pair=pair):
            for tensor in pair:
                mg.assign(tensor, mg.constant(np.ones(tensor.shape)))

        with pytest.raises(mg.CaptureError, match="share memory, and the captured function assigns both"):
            mg.compile(write)()
    assert whole.tolist() == [[0.0, 4.0, 8.0], [12.0, 8.0, 10.0]]


# --- where state lies -------------------------------------------------------------------------------------------------


def beside_each_other(*shapes, memory=None):
    """Parameters that lie one after the other in one array."""
    memory = np.arange(100.0) if memory is None else memory
    found, begin = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        found.append(Tensor(np.zeros(shape), requires_grad=True))
        rebase(found[-1], memory[begin : begin + size].reshape(shape))
        begin += size
    return found


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2), (2, 1, 0), (0, 2), (0, 0), (1, 0)])
def test_parameters_are_joined_in_every_order(order):
    parameters = beside_each_other((2, 3), (1, 3), (3, 3))

    def join(x):
        return mg.concatenate([parameters[i] for i in order]) * x

    step = mg.compile(join)
    for _ in range(2):
        np.testing.assert_array_equal(step(np.ones(3)).numpy(), join(mg.Tensor(np.ones(3))).numpy())
        parameters[1].data = parameters[1].data * 2.0
    in_memory = order in [(0, 1, 2), (1, 2)]
    assert ("copyto" in step.source) != in_memory


MEMORY = {
    "by columns": lambda: np.zeros((6, 3), order="F")[:, 1],
    "every second": lambda: np.zeros((6, 2))[:, 0],
    "backwards": lambda: np.zeros(6)[::-1],
    "bytes": lambda: np.zeros(64, np.uint8)[8:56].view(np.float64),
    "of its own": lambda: np.zeros(6),
    "a part": lambda: np.zeros(8)[1:7],
}


@pytest.mark.parametrize("memory", MEMORY.values(), ids=MEMORY)
@pytest.mark.parametrize("shape", [(6,), (2, 3)], ids=str)
def test_state_may_lie_anywhere(memory, shape):
    found = memory()
    if shape != (6,) and not np.may_share_memory(found, found.reshape(shape)):
        return  # a reshaped copy is no state
    state = Tensor(np.zeros(shape), name="state")
    rebase(state, found.reshape(shape))

    @mg.compile
    def step(x):
        new = state * 2.0 + x
        mg.assign(state, mg.exp(-new) + new[..., :1])
        return new

    expected = np.zeros(shape)
    for _ in range(3):
        new = expected * 2.0 + 1.0
        np.testing.assert_allclose(step(np.ones(shape)).numpy(), new, rtol=1e-12)
        expected = np.exp(-new) + new[..., :1]
        np.testing.assert_allclose(state.numpy(), expected, rtol=1e-12)


VIEWS_OF_STATE = {
    "backwards": lambda memory: memory[::-1],
    "turned": lambda memory: memory.T,
    "a part": lambda memory: memory[1:],
    "the same": lambda memory: memory,
}


@pytest.mark.parametrize("view", VIEWS_OF_STATE.values(), ids=VIEWS_OF_STATE)
@pytest.mark.parametrize("order", ["ab", "ba"])
def test_two_tensors_may_look_into_one_memory(view, order):
    def run(compiled):
        memory = np.arange(9.0).reshape(3, 3)
        state = {name: Tensor(np.zeros(x.shape), name=name) for name, x in (("a", memory), ("b", view(memory)))}
        rebase(state["a"], memory)
        rebase(state["b"], view(memory))

        def step(x):
            first, second = (state[name] for name in order)
            before, new = mg.copy(second), first * 2.0 + second[:1, :1] + x
            mg.assign(first, new)
            return before, new

        step = mg.compile(step) if compiled else step
        with mg.no_grad():
            return [[y.tolist() for y in step(Tensor(1.0))] for _ in range(3)], memory.tolist()

    assert run(compiled=True) == run(compiled=False)


VIEWS = {"detached": lambda a: a.detach(), "a part": lambda a: a[:1], "another shape": lambda a: mg.reshape(a, (2, 1))}


@pytest.mark.parametrize(
    "run", [mg.compile, lambda f: lambda *args: mg.trace(f, *args).run(*args)], ids=["compiled", "run"]
)
@pytest.mark.parametrize("make", VIEWS.values(), ids=VIEWS)
def test_what_looks_into_state_is_read_before_the_state_is_assigned_and_never_after(make, run):
    """In eager code it would have the new value: captured, it is a leaf of its own, which has the old one."""
    a = Tensor([1.0, 2.0], name="a")
    with mg.no_grad():
        b = make(a)

    def before(x):
        y = b * 1.0
        mg.assign(a, a * 2.0 + x)
        return y

    for expected in (1.0, 3.0, 7.0):
        assert run(before)(Tensor(1.0)).ravel()[0] == expected
    for read in (lambda: b * 1.0, lambda: mg.read(b), lambda: b, lambda: [mg.copy(b)]):

        def after(x, read=read):
            mg.assign(a, a * 2.0 + x)
            return read()

        values = a.tolist()
        with pytest.raises(mg.CaptureError, match=r"and float64 \(2,\) 'a' share memory"):
            run(after)(Tensor(1.0))
        assert a.tolist() == values


def test_what_looks_into_state_may_be_assigned_itself_and_then_stands_for_it_alone():
    a = Tensor([1.0, 2.0], name="a")
    b = a.detach()

    def step():
        mg.assign(b, a * 2.0)
        return b + 0.0

    assert mg.compile(step)().tolist() == [2.0, 4.0] == a.tolist()

    def read_other():
        mg.assign(b, a * 2.0)
        return a + 0.0

    with pytest.raises(mg.CaptureError, match="share memory"):
        mg.compile(read_other)()


SEALED = {
    "data": lambda s: s.data, "read": mg.read, "a part": lambda s: s.data[::-1][::-1],
    "an array of it": lambda s: np.asarray(s.data), "of its buffer": lambda s: np.frombuffer(s.data),
}  # fmt: skip


@pytest.mark.parametrize("view", SEALED.values(), ids=SEALED)
@pytest.mark.parametrize("make", [
    lambda x: mg.concatenate([x[3:], x[:3]]), lambda x: mg.where(x > 3, x[::-1], x * 2.0),
    lambda x: mg.reshape(mg.stack([x[::2], x[1::2]]), (6,)),
], ids=["turned", "chosen", "shuffled"])  # fmt: skip
def test_state_that_is_an_argument_too_is_read_before_it_is_written(make, view):
    """Also where it is sealed: what is read-only looks into the same memory."""
    state, expected = Tensor(np.arange(6.0) + 1), make(Tensor(np.arange(6.0) + 1)).tolist()
    mg.compile(lambda x: mg.assign(state, make(x)))(view(state))
    assert state.tolist() == expected


@pytest.mark.parametrize("look", [*SEALED.values(), lambda s: s.detach()], ids=[*SEALED, "detached"])
@pytest.mark.parametrize("part", [slice(None), slice(1, 4)], ids=["whole", "part"])
@pytest.mark.parametrize("late", [
    lambda s, x, y: mg.copy(x), lambda s, x, y: x, lambda s, x, y: [mg.sum(y), mg.sum(x)],
    lambda s, x, y: mg.assign(s, s + mg.sum(x)),
], ids=["copied", "returned", "summed", "assigned"])  # fmt: skip
def test_an_argument_that_looks_into_state_is_not_read_after_that_was_written(late, part, look):
    """Eager code sees the new values there, and a program would read the old ones."""

    def step(x, y, keep=False):
        before = mg.sum(x) * 2.0
        mg.assign(state, state * 10.0)
        return before, None if keep else late(state, x, y)

    state = Tensor(np.arange(6.0) + 1, name="state")
    compiled, y = mg.compile(step), np.ones(2)
    with pytest.raises(GraphError, match=r"argument 'x' .* the memory of float64 .* 'state', which .* pass a copy"):
        compiled(look(state)[part], y)
    assert state.tolist() == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    states = []
    for run in (step, compiled):  # what is read before, and a copy, are right in both
        mg.assign(state, np.arange(6.0) + 1)
        with mg.no_grad():
            results = [*run(look(state)[part], y, True)[:1], *run(np.array(look(state)[part]), y)]
        states.append((state.tolist(), [x.tolist() for x in leaves(results) if x is not None]))
    assert states[0] == states[1]
