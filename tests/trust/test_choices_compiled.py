"""C1 where it is compiled, interpreted or expanded: a program hands over before it has written anything."""

import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.compiler.guard import guarded
from minigrad.ops.kernels import NotANumberError
from tests.trust.test_choices import CASES

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def chosen(x):
    """A sum with a pole behind a choice at 0."""
    return mg.sum(mg.where(x > 0.0, mg.sqrt(x) * mg.log(x), 0.0))


NOT_CAPTURED = {"a mask as index": "its shape depends on values", "dropped": "the generator draws only once"}


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name][2] is not None and name not in NOT_CAPTURED])
def test_C1_programs_and_graphs_agree_with_eager_code(name):
    function, x, expected = CASES[name]
    given = mg.Tensor(np.array(x, float), requires_grad=True, name="x")

    def gradient(x):
        return mg.grad(mg.sum(function(x)), x)

    results = mg.trace(gradient, given).run(given.numpy()), mg.compile(gradient)(given).numpy()
    for found in results:
        assert found.round(6).tolist() == np.array(expected, float).tolist()


@pytest.mark.parametrize("order", [1, 2, 3])
def test_C1_derivatives_of_every_order_in_a_program(order):
    def derivative(x):
        y = chosen(x)
        for _ in range(order):
            y = mg.sum(mg.grad(y, x, create_graph=True))
        return mg.grad(y, x)

    x = mg.Tensor([0.0, 4.0], requires_grad=True)
    expected = derivative(x).numpy()
    assert expected[0] == 0.0
    assert np.isfinite(expected[1])
    np.testing.assert_allclose(mg.compile(derivative)(x).numpy(), expected, rtol=1e-12)
    np.testing.assert_allclose(mg.trace(derivative, x).run(x.numpy()), expected, rtol=1e-12)


def test_C1_a_recorded_gradient_is_the_same_when_it_is_run_and_expanded():
    x = mg.Tensor([[0.0, 4.0]], requires_grad=True, name="x")
    y = mg.sum(mg.where(x > 0.0, mg.softmax(mg.log(x)) * mg.log(x), 0.0))
    graph = mg.grad(y, x, create_graph=True).graph()
    expected = graph.outputs[0].value
    assert np.isfinite(expected).all()
    for other in (graph, graph.expand("softmax")):
        np.testing.assert_allclose(other.run(), expected, rtol=1e-12)
        np.testing.assert_allclose(other.outputs[0].value, expected, rtol=1e-12)


def training(compiled):
    """What a model whose loss has a pole behind a choice has learned, with dropout and a state that counts."""
    rng = np.random.default_rng(0)
    generator = np.random.default_rng(1)
    layer = nn.Linear(2, 2, rng=rng)
    adam = optim.Adam(layer.parameters(), rate=0.1)
    seen = mg.Tensor(np.zeros(()), name="seen")

    def step(x):
        adam.zero_grad()
        mg.assign(seen, seen + 1.0)
        x = mg.dropout(x, 0.5, generator)
        loss = mg.mean(mg.square(layer(x))) + chosen(mg.relu(layer(x)))
        loss.backward()
        adam.step()
        return loss

    step = mg.compile(step) if compiled else step
    losses = [float(step(np.array([[1.0, -1.0], [2.0, 0.0]], np.float32))) for _ in range(5)]
    weights = [x.numpy().tolist() for x in layer.parameters()]
    return losses, weights, float(seen), generator.random(), step


def test_C1_a_training_step_that_is_handed_over_draws_and_writes_once():
    eager, compiled = training(compiled=False), training(compiled=True)
    np.testing.assert_allclose(compiled[0], eager[0], rtol=1e-5)
    for one, other in zip(compiled[1], eager[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)
    assert compiled[2:4] == eager[2:4]
    assert compiled[2] == 5.0
    assert np.isfinite(eager[0]).all()


def test_C1_a_program_looks_once_before_it_writes():
    step = training(compiled=True)[4]
    lines = step.source.splitlines()
    (number,) = (i for i, line in enumerate(lines) if "check_numbers(" in line)
    assert lines[number].count(",") == 0, "joined gradients are one array"
    assert not any("seen[...]" in line for line in lines[:number])
    assert [node.op for node in guarded(step.graph)] == ["concatenate"]


def test_C1_a_program_without_gradients_does_not_look():
    double = mg.compile(lambda x: x * np.nan)
    assert np.isnan(double(np.ones(2)).numpy()).all()
    assert "check_numbers" not in double.source


def test_C1_gradients_that_are_used_twice_and_inputs_that_are_gradients():
    weight = mg.Tensor([0.0, 4.0], requires_grad=True)

    @mg.compile
    def penalty(scale):
        gradient = mg.grad(chosen(weight), weight, create_graph=True)
        return gradient, mg.grad(mg.sum(mg.square(gradient)) * scale, weight)

    first, second = penalty(np.array(1.0))
    slope, curvature = (np.log(4) / 2 + 1) / 2, -np.log(4) / 32
    np.testing.assert_allclose(first.numpy(), [0.0, slope])
    np.testing.assert_allclose(second.numpy(), [0.0, 2 * slope * curvature])


def test_C1_two_optimisers_in_one_program():
    def train(compiled):
        weights = [mg.Tensor([0.0, 4.0], requires_grad=True, name=name) for name in ("one", "other")]
        optimisers = [optim.SGD([weight], rate=0.1, momentum=0.9) for weight in weights]

        def step():
            losses = []
            for weight, optimiser in zip(weights, optimisers, strict=True):
                optimiser.zero_grad()
                loss = chosen(weight) * sum(losses, 1.0)
                loss.backward()
                optimiser.step()
                losses.append(loss.detach())
            return losses

        step = mg.compile(step) if compiled else step
        return [[float(loss) for loss in step()] for _ in range(3)], [weight.numpy() for weight in weights]

    for one, other in zip(train(compiled=True), train(compiled=False), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_C1_checks_and_profiles_of_a_program_that_is_handed_over():
    step = mg.compile(lambda x: mg.grad(chosen(x), x), check=1)
    x = mg.Tensor([0.0, 4.0], requires_grad=True)
    assert step(x).tolist() == [0.0, pytest.approx((np.log(4) / 2 + 1) / 2)]
    assert "check_numbers" in repr(step.profile(30))


def test_C1_a_saved_script_stops_before_it_writes_a_gradient_that_is_no_number(tmp_path):
    weight = mg.Tensor([0.0, 4.0], requires_grad=True, name="weight")
    sgd = optim.SGD([weight], rate=0.1)

    @mg.compile
    def step(scale):
        sgd.zero_grad()
        loss = chosen(weight) * scale
        loss.backward()
        sgd.step()
        return loss

    step(np.array(1.0))
    step.save_source(tmp_path / "step.py")
    done = subprocess.run([sys.executable, "step.py", "1"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "NotANumberError: a gradient has a NaN" in done.stderr
    with pytest.raises(NotANumberError):
        step.program._step(np.array(1.0))
    mg.assign(weight, [1.0, 4.0])
    step.save_source(tmp_path / "step.py")
    subprocess.run([sys.executable, "step.py", "1"], cwd=tmp_path, capture_output=True, text=True, check=True)
