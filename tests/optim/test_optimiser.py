"""What all optimisers share: whose parameters move, where they live, state, arguments."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.errors import GraphError
from minigrad.nn import Linear, Module
from minigrad.optim import SGD, Adam, AdamW


def leaf(values, dtype=np.float64, name=None):
    return mg.Tensor(values, dtype, requires_grad=True, name=name)


def step_with(optimiser, gradients):
    for parameter, gradient in zip(optimiser.parameters, gradients, strict=True):
        parameter.grad = None if gradient is None else np.full(parameter.shape, gradient, parameter.dtype)
    optimiser.step()


OPTIMISERS = [
    lambda parameters: SGD(parameters, 0.1),
    lambda parameters: SGD(parameters, 0.1, momentum=0.9),
    lambda parameters: Adam(parameters, 0.1),
    lambda parameters: AdamW(parameters, 0.1, weight_decay=0.5),
]


@pytest.mark.parametrize("new", OPTIMISERS)
@pytest.mark.parametrize("pattern", [[1, None, 1, None], [None, 1, 1, None], [None, None, None, None]])
def test_parameters_without_a_gradient_and_their_moments_are_left_alone(new, pattern):
    def parameters():
        return [leaf(np.arange(3.0)), leaf(np.ones((2, 2))), leaf(5.0), leaf(np.ones(4))]

    together, apart = new(parameters()), [new([parameter]) for parameter in parameters()]
    for gradients in ([1, 2, 3, 4], pattern, [3, None, 1, 2]):
        before = [parameter.numpy() for parameter in together.parameters]
        moments = together.state_dict()
        step_with(together, gradients)
        for i, gradient in enumerate(gradients):
            step_with(apart[i], [gradient])
            same = [np.array_equal(before[i], together.parameters[i].numpy())]
            same += [np.array_equal(moments[k], v) for k, v in together.state_dict().items() if k.endswith(f".{i}")]
            assert set(same) == {gradient is None}
    for parameter, alone in zip(together.parameters, apart, strict=True):
        assert np.array_equal(parameter.numpy(), alone.parameters[0].numpy())


@pytest.mark.parametrize("new", OPTIMISERS)
def test_parameters_of_several_dtypes_are_trained_together(new):
    single, double = leaf([1.0, 2.0], np.float32), leaf([1.0, 2.0])
    optimiser = new([single, double])
    for _ in range(3):
        step_with(optimiser, [0.5, 0.5])
    assert single.dtype == np.float32
    assert np.allclose(single.numpy(), double.numpy(), atol=1e-6)


def test_parameters_stay_the_same_tensors_with_the_same_values():
    p, q = leaf([[1.0, 2.0]]), leaf(3.0)
    Adam([p, q])
    assert (p.tolist(), q.tolist()) == ([[1.0, 2.0]], 3.0)
    assert p.requires_grad


def test_a_tied_parameter_moves_once_a_step():
    class Tied(Module):
        def __init__(self):
            self.first = Linear(2, 2, rng=np.random.default_rng(0), dtype=np.float64)
            self.second = self.first

        def forward(self, x):
            return self.second(self.first(x))

    model = Tied()
    before = model.first.weight.numpy()
    optimiser = SGD(model.parameters(), rate=0.1)
    assert len(optimiser.parameters) == 2
    model(np.ones((1, 2))).sum().backward()
    gradient = model.first.weight.grad.copy()
    optimiser.step()
    assert np.allclose(model.first.weight.numpy(), before - 0.1 * gradient)


def test_a_step_between_forward_and_backward_is_noticed():
    """Hard case M2."""
    p = leaf([1.0, 2.0])
    optimiser = Adam([p])
    loss = (p * p).sum()
    step_with(optimiser, [1.0])
    with pytest.raises(GraphError, match="written to"):
        loss.backward()


def test_a_step_without_a_gradient_disturbs_no_graph():
    p, q = leaf([1.0, 2.0]), leaf([1.0])
    optimiser = Adam([p, q])
    loss = (p * p).sum()
    step_with(optimiser, [None, 1.0])
    loss.backward()
    assert p.grad.tolist() == [2.0, 4.0]


def test_two_optimisers_can_take_turns_on_the_same_parameters():
    p, expected = leaf([1.0, 2.0]), np.array([1.0, 2.0])
    first, second = SGD([p], 0.1), SGD([p], 0.01)
    for optimiser in (first, second, first, first, second):
        step_with(optimiser, [1.0])
        expected -= optimiser.rate
        assert np.allclose(p.numpy(), expected)


def test_assigned_values_are_what_the_next_step_starts_from():
    p = leaf([1.0, 2.0])
    optimiser = SGD([p], rate=0.5)
    p.data -= 1.0
    mg.assign(p, p.data * 10)
    step_with(optimiser, [2.0])
    assert p.tolist() == [-1.0, 9.0]


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copy_trains_on_by_itself(duplicate):
    model = Linear(2, 1, rng=np.random.default_rng(0))
    optimiser = Adam(model.parameters(), 0.1)
    step_with(optimiser, [1.0, 2.0])
    other_model, other = duplicate((model, optimiser))
    assert other.parameters[0] is other_model.weight
    before = model.weight.numpy()
    step_with(other, [1.0, -1.0])
    assert np.array_equal(model.weight.numpy(), before)
    step_with(optimiser, [1.0, -1.0])
    assert np.array_equal(model.weight.numpy(), other_model.weight.numpy())
    assert (optimiser.steps, other.steps) == (2, 2)


def test_zero_grad_forgets_all_gradients():
    p = leaf([1.0])
    optimiser = SGD([p], 0.1)
    (p * 2.0).sum().backward()
    optimiser.zero_grad()
    assert p.grad is None


def test_the_rate_can_be_read_and_set():
    p = leaf([1.0])
    optimiser = SGD([p], 0.1)
    optimiser.rate = 0.5
    assert optimiser.rate == 0.5
    step_with(optimiser, [1.0])
    assert p.tolist() == [0.5]


# --- state ------------------------------------------------------------------------------------------------------------


def trained(order=(0, 1), steps=3):
    parameters = [leaf(np.ones((2, 3)), name="a"), leaf([4.0], name="b")]
    optimiser = Adam([parameters[i] for i in order], rate=0.3)
    for k in range(steps):
        step_with(optimiser, [1.0 + k + i for i in order])
    return optimiser


def test_the_state_is_by_parameter_and_copied():
    optimiser = trained()
    state = optimiser.state_dict()
    assert {key: array.shape for key, array in state.items()} == {
        "rate": (), "steps": (), "first_moment.0": (2, 3), "first_moment.1": (1,), "second_moment.0": (2, 3),
        "second_moment.1": (1,),
    }  # fmt: skip
    state["first_moment.1"] += 1
    assert not np.array_equal(optimiser.state_dict()["first_moment.1"], state["first_moment.1"])


def test_a_loaded_state_continues_bit_for_bit_also_in_another_order():
    one, other = trained(), trained(order=(1, 0), steps=0)
    for to, source in zip(sorted(other.parameters, key=lambda p: p.name), one.parameters, strict=True):
        mg.assign(to, source)
    other.load_state_dict(one.state_dict(["a", "b"]), ["b", "a"])
    step_with(one, [0.5, 0.25])
    step_with(other, [0.25, 0.5])
    assert np.array_equal(one.parameters[0].numpy(), other.parameters[1].numpy())
    assert np.array_equal(one.parameters[1].numpy(), other.parameters[0].numpy())
    assert (other.steps, other.rate) == (4, 0.3)


def test_every_difference_is_in_one_message_and_nothing_was_changed():
    optimiser = trained()
    before = optimiser.state_dict()
    state = {key: array + 1 for key, array in before.items()}
    state["velocity.0"] = state.pop("first_moment.0")
    state["second_moment.1"] = np.zeros(2)
    with pytest.raises(ValueError, match="nothing was changed") as caught:
        optimiser.load_state_dict(state)
    assert str(caught.value).splitlines()[1:] == [
        "  first_moment.0: missing",
        "  second_moment.1: float64 (2,), expected float64 (1,)",
        "  velocity.0: unexpected",
    ]
    assert all(np.array_equal(array, before[key]) for key, array in optimiser.state_dict().items())


# --- arguments --------------------------------------------------------------------------------------------------------

P = leaf([1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD([P], rate=-1), r"SGD: rate=-1 must be at least 0"),
        (lambda: SGD([P], rate=float("nan")), r"SGD: rate=nan must be at least 0"),
        (lambda: SGD([P], 0.1, momentum=1.0), r"SGD: momentum=1.0 must be at least 0 and below 1"),
        (lambda: SGD([P], 0.1, nesterov=True), r"SGD: nesterov=True must be False where momentum is 0"),
        (lambda: Adam([P], epsilon=0), r"Adam: epsilon=0 must be above 0"),
        (
            lambda: Adam([P], betas=(0.9, 1.0)),
            r"Adam: betas=\(0.9, 1.0\) must be two numbers, each at least 0 and below 1",
        ),
        (lambda: AdamW([P], betas=(-0.1, 0.9)), r"AdamW: betas=\(-0.1, 0.9\) must be"),
        (lambda: AdamW([P], weight_decay=-0.1), r"AdamW: weight_decay=-0.1 must be at least 0"),
        (lambda: Adam([]), r"Adam: parameters is empty, at least one is needed"),
        (lambda: Adam([P, leaf(1.0), P]), r"Adam: parameters\[2\] is parameters\[0\], float64 \(1,\): list each once"),
        (lambda: Adam([mg.Tensor([1.0])]), r"parameters\[0\], float64 \(1,\), is not a leaf that requires a gradient"),
        (lambda: Adam([P * 2.0]), r"made by multiply, is not a leaf"),
    ],
)
def test_bad_arguments_are_named_with_their_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_rate_below_0_cannot_be_set_later():
    optimiser = SGD([leaf([1.0])], 0.1)
    with pytest.raises(ValueError, match=r"rate=-0\.5"):
        optimiser.rate = -0.5
    assert optimiser.rate == 0.1


@pytest.mark.parametrize("parameters", [Linear(2, 2, rng=np.random.default_rng(0)), P, 3])
def test_what_is_no_list_of_parameters_is_refused(parameters):
    with pytest.raises(TypeError, match=r"such as model.parameters\(\); got"):
        Adam(parameters)


def test_what_is_no_tensor_is_refused():
    with pytest.raises(TypeError, match=r"parameters\[0\] is 'weight'"):
        Adam(["weight"])
