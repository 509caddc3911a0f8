"""Capture runs a function once on shapes; whatever would bake a value in for ever is an error."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import CaptureError, Tensor
from minigrad.core.arrays import Shaped
from minigrad.graph.captured import capture

X = np.arange(6.0).reshape(2, 3)


@pytest.mark.parametrize(
    "read",
    [
        lambda t: float(t.sum()), lambda t: int(t.sum()), lambda t: bool(t.sum() > 0), lambda t: t.sum().item(),
        lambda t: np.exp(t.data).tolist(), lambda t: t.numpy(), lambda t: t.tolist(), lambda t: np.asarray(t),
        lambda t: [10, 20][t.sum().astype(int)],
    ],
)  # fmt: skip
def test_a_value_that_is_read_raises_with_line_and_alternative(read):
    with pytest.raises(CaptureError, match=r"is read at test_capture\.py:\d+.*use where"):
        capture(lambda x: read(x), X)


def test_the_value_of_state_is_not_read_either():
    p = Tensor([1.0, 2.0], requires_grad=True, name="p")
    with pytest.raises(CaptureError, match="'p' is read"):
        capture(lambda: p.numpy() + 1.0)


def test_what_was_captured_has_no_value_afterwards():
    kept = []
    capture(lambda x: kept.append(x * 2.0), X)
    assert repr(kept[0]) == "Tensor(shape=(2, 3), dtype=float64, op=multiply)"
    with pytest.raises(CaptureError):
        kept[0].tolist()


@pytest.mark.parametrize(
    "enter", [lambda x, a: x + a, lambda x, a: a * x, lambda x, a: x[a.astype(int)[0]], lambda x, a: Tensor(a)]
)
def test_a_stray_array_raises_and_names_the_ways(enter):
    with pytest.raises(CaptureError, match=r"pass it as an argument, keep it in a module .* minigrad\.constant"):
        capture(lambda x: enter(x, X), X)


def test_a_constant_said_to_be_one_may_enter():
    recording = capture(lambda x: x + mg.constant(X, name="table"), X)
    assert recording.outputs.inputs[1].name == "table"


def test_an_index_that_depends_on_values_raises():
    with pytest.raises(CaptureError, match="boolean index selects depends on its values"):
        capture(lambda x, mask: x[mask], X, X > 2)
    assert capture(lambda x, rows: x[rows], X, np.array([0, 0, 1])).outputs.shape == (3, 3)


def test_arguments_may_be_nested_and_numbers_stay_numbers():
    def function(batch, pair, scale):
        assert scale == 2.0
        assert type(batch["x"]) is Tensor
        return {"y": batch["x"] * scale, "z": (pair[0], pair[1] + 1)}

    recording = capture(function, {"x": X}, [X.copy(), np.arange(3)], 2.0)
    assert [argument.shape for argument in recording.given] == [(2, 3), (2, 3), (3,)]
    assert recording.outputs["y"].shape == (2, 3)
    assert recording.outputs["z"][1].dtype == np.int64


def test_a_returned_array_is_refused():
    with pytest.raises(CaptureError, match="returns a NumPy array: return Tensors"):
        capture(lambda x: X, X)


def test_state_is_read_and_assigned_in_order():
    counter = Tensor(0.0, name="counter")

    def count():
        mg.assign(counter, mg.read(counter) + 1.0)
        once = counter * 10.0
        mg.assign(counter, mg.read(counter) * 2.0)
        return once, counter

    recording = capture(count)
    once, last = recording.outputs
    assert recording.updates == {counter: last}
    assert once.inputs[0].op.name == "add"
    assert last.inputs[0] is once.inputs[0]
    assert counter.item() == 0.0


def test_assign_under_capture_keeps_the_dtype_of_state():
    state = Tensor(np.zeros(2, np.float32))
    recording = capture(lambda x: mg.assign(state, x), np.ones(2))
    assert recording.updates[state].dtype == np.float32
    with pytest.raises(TypeError, match="cannot take float64 values"):
        capture(lambda x: mg.assign(Tensor([1, 2]), x), np.ones(2))
    with pytest.raises(CaptureError, match="stands for an argument"):
        capture(lambda x: mg.assign(x, x * 2.0), np.ones(2))


def test_a_second_training_step_in_one_capture_raises():
    p = Tensor([1.0, 2.0], requires_grad=True, name="p")

    def two_steps():
        for _ in range(2):
            p.grad = None
            (p * p).sum().backward()
            with mg.no_grad():
                mg.assign(p, mg.read(p) - 0.1 * p.grad)

    with pytest.raises(CaptureError, match="'p' was updated before: capture one training step"):
        capture(two_steps)


def test_gradients_under_capture_are_tensors_and_leave_the_real_ones_alone():
    p = Tensor([1.0, 2.0], requires_grad=True, name="p")

    def function():
        (p * p).sum().backward()
        (p * 3.0).sum().backward()
        return p.grad

    assert capture(function).outputs.op.name == "add"
    assert p.grad is None
    (p * p).sum().backward()
    with pytest.raises(CaptureError, match="zero_grad"):
        capture(function)

    def after_reset():
        p.grad = None
        return function()

    assert capture(after_reset).outputs.shape == (2,)
    assert p.grad.tolist() == [2.0, 4.0]


def test_no_random_number_is_drawn():
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    recording = capture(lambda x: mg.dropout(x, 0.5, rng), X)
    assert rng.bit_generator.state == before
    assert [node.op.name for node in recording.effects] == ["random_uniform"]


def test_nothing_is_half_done_when_a_captured_function_fails():
    state = Tensor([1.0])

    def function():
        mg.assign(state, [2.0])
        raise RuntimeError("late")

    with pytest.raises(RuntimeError, match="late"):
        capture(function)
    assert state.tolist() == [1.0]
    assert (state * 2.0).tolist() == [2.0]
    with pytest.raises(CaptureError, match="capture inside capture"):
        capture(lambda: capture(lambda: state))


def test_capture_costs_no_memory():
    huge = mg.constant(np.zeros(1))
    recording = capture(lambda x: mg.softmax(x * huge @ x.T).sum(), np.broadcast_to(np.float32(0), (50_000, 64)))
    assert recording.outputs.shape == ()


def test_everything_is_recorded_also_where_no_gradient_is_wanted():
    def function(x):
        with mg.no_grad():
            return x * 2.0

    output = capture(function, Tensor(X, requires_grad=True)).outputs
    assert output.op.name == "multiply"
    assert not output.requires_grad


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (mg.matmul, [(7, 1, 3, 4), (5, 4, 2)]), (mg.matmul, [(4,), (4,)]), (mg.matmul, [(4,), (2, 4, 3)]),
        (mg.add, [(3, 1), (4,)]),
    ],
)  # fmt: skip
def test_shapes_are_inferred_as_numpy_has_them(function, shapes):
    arrays = [np.zeros(shape, np.float32) for shape in shapes]
    inferred = function.infer(tuple(arrays), {})
    assert inferred == Shaped(function(*arrays).shape, np.dtype(np.float32))


def test_shapes_that_do_not_fit_fail_at_capture():
    with pytest.raises(ValueError, match=r"matmul\(x1: float64 \(2, 3\) 'x', x2: float64 \(2, 3\) 'y'\)"):
        capture(lambda x, y: x @ y, X, X.copy())


# --- state that changes while it is captured: as eagerly --------------------------------------------------------------


def as_eagerly(make):
    """What `make(wrap)` returns, for `wrap` the compiler and then nothing, is alike."""
    found = [[x.tolist() for x in make(wrap)] for wrap in (mg.compile, lambda function: function)]
    assert found[0] == found[1]


def test_a_parameter_that_was_assigned_is_used_under_no_grad():
    def make(wrap):
        p = Tensor([1.0, 2.0], requires_grad=True)

        def step(x):
            with mg.no_grad():
                mg.assign(p, p * x)
                return mg.sum(p * 3.0), p * 1.0

        return wrap(step)(Tensor([2.0, 3.0]))

    as_eagerly(make)


def test_what_requires_no_gradient_may_be_assigned_before_it_is_an_output_beside_others():
    def make(wrap):
        p, seen = Tensor([1.0, 2.0], requires_grad=True), Tensor(0.0)

        def step(x):
            mg.assign(seen, mg.sum(x))
            return [mg.grad([mg.sum(p * x), seen], p), seen]

        return wrap(step)(Tensor([2.0, 3.0]))

    as_eagerly(make)


@pytest.mark.parametrize("use", [lambda x, p: x + 1.0, lambda x, p: x * p])
def test_an_argument_is_seen_as_the_state_that_it_is(use):
    def make(wrap):
        p = Tensor([1.0, 2.0])

        def step(x):
            mg.assign(p, Tensor([5.0, 5.0]) if isinstance(x, np.ndarray) else mg.constant([5.0, 5.0]))
            return [use(x, p)]

        return wrap(step)(p)

    as_eagerly(make)


def test_the_gradient_of_an_argument_is_that_of_the_state_that_it_is():
    def make(wrap):
        p = Tensor(np.float32([1.0, 2.0]), requires_grad=True)

        def step(x):
            p.grad = mg.constant(np.array([3.0, 4.0]))
            gradient = x.grad * 1.0
            p.grad = None
            return [gradient, np.dtype(gradient.dtype).itemsize * mg.ones_like(gradient)]

        return wrap(step)(p)

    as_eagerly(make)


def test_state_has_no_history_and_gradients_add_up():
    def make(wrap):
        p, memory = Tensor([1.0, 2.0], requires_grad=True), Tensor([0.0, 0.0])

        def step(x):
            p.grad = None
            mg.assign(memory, p * x)
            mg.sum(memory * p).backward()
            mg.sum(p * p).backward()
            gradient = p.grad * 1.0
            p.grad = None
            return [gradient, memory]

        return [mg.constant(x) if isinstance(x, np.ndarray) else x for x in wrap(step)(Tensor([2.0, 3.0]))]

    as_eagerly(make)


def test_a_gradient_that_went_to_an_argument_is_that_of_the_state_that_it_is():
    def make(wrap):
        p = Tensor([1.0, 2.0], requires_grad=True)

        def step(x):
            mg.sum(x * x).backward()
            gradient = p.grad * 1.0
            p.grad = None
            return [mg.constant(gradient) if isinstance(gradient, np.ndarray) else gradient]

        return wrap(step)(p)

    as_eagerly(make)


def test_a_gradient_is_taken_over_in_the_type_of_its_tensor():
    def make(wrap):
        p = Tensor(np.float32([1.0]), requires_grad=True)

        def step(x):
            p.grad = x
            gradient = p.grad * 1.0
            p.grad = None
            return [mg.zeros_like(x) + np.dtype(gradient.dtype).itemsize]

        return wrap(step)(Tensor([2.0]))

    as_eagerly(make)


def test_what_cannot_be_taken_over_is_said_of_the_state_that_it_was_meant_for():
    count = Tensor(0, name="count")
    with pytest.raises(TypeError, match=r"assign: int64 \(\) 'count' cannot take float64 values"):
        mg.compile(lambda x: mg.assign(count, x))(Tensor(1.5))
