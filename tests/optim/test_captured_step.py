"""A whole training step as one graph: run node by node, it does what eager code does, bit for bit."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.errors import CaptureError, GraphError
from minigrad.graph import trace
from minigrad.nn import LanguageModel
from minigrad.optim import SGD, Adam, AdamW, InverseSquareRoot, WarmupCosine, clip_gradients

BATCHES = [np.random.default_rng(i).integers(0, 9, (3, 5)) for i in range(100)]

OPTIMISERS = {
    "Adam, warm-up and cosine": lambda p: Adam(p, 1e-2, schedule=WarmupCosine(10, 80)),
    "AdamW, inverse square root": lambda p: AdamW(p, 1e-2, weight_decay=0.1, schedule=InverseSquareRoot(10)),
    "SGD": lambda p: SGD(p, 0.1),
    "SGD, Nesterov": lambda p: SGD(p, 0.1, momentum=0.9, nesterov=True),
}


def new_training(optimiser):
    model = LanguageModel(9, 8, 2, 1, context=5, hidden=8, dropout=0.1, rng=np.random.default_rng(0))
    model.unused = mg.Tensor(np.ones(3, np.float32), requires_grad=True)
    optimiser = OPTIMISERS[optimiser](model.parameters())

    def step(tokens, targets):
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        norm = clip_gradients(model.parameters(), 0.5)
        optimiser.step()
        return loss, norm

    return model, optimiser, step


@pytest.mark.parametrize("kind", OPTIMISERS)
def test_a_captured_step_equals_the_eager_step_bit_for_bit(kind):
    steps = 100 if kind.startswith("Adam,") else 12
    eager_model, eager, step = new_training(kind)
    model, optimiser, other_step = new_training(kind)
    with mg.generator(np.random.default_rng(3)):
        losses = [tuple(float(x) for x in step(tokens, tokens[:, ::-1])) for tokens in BATCHES[:steps]]
    with mg.generator(np.random.default_rng(3)):
        graph = trace(other_step, BATCHES[0], BATCHES[0])
    again = [tuple(float(x) for x in graph.run(tokens, tokens[:, ::-1])) for tokens in BATCHES[:steps]]
    assert again == losses
    assert losses[-1][0] < losses[0][0]
    for path, array in eager_model.state_dict().items():
        assert np.array_equal(model.state_dict()[path], array), path
    for key, array in eager.state_dict().items():
        assert np.array_equal(optimiser.state_dict()[key], array), key


def test_eager_code_goes_on_from_where_a_graph_left_off():
    results = []
    for captured in (False, True):
        model, optimiser, step = new_training("Adam, warm-up and cosine")
        with mg.generator(np.random.default_rng(3)):
            if captured:
                trace(step, BATCHES[0], BATCHES[0]).run(BATCHES[0], BATCHES[0])
            else:
                step(BATCHES[0], BATCHES[0])
            step(BATCHES[1], BATCHES[1])
        results.append([*model.state_dict().values(), *optimiser.state_dict().values()])
    assert all(np.array_equal(a, b) for a, b in zip(*results, strict=True))


def test_the_whole_step_is_float32_but_for_its_numbers():
    _, _, step = new_training("Adam, warm-up and cosine")
    with mg.generator(np.random.default_rng(3)):
        graph = trace(step, BATCHES[0], BATCHES[0])
    assert {node.dtype.name for node in graph if node.shape} <= {"float32", "int64", "bool"}


def test_the_graph_shows_the_state_and_its_updates():
    model, _, step = new_training("Adam, warm-up and cosine")
    with mg.generator(np.random.default_rng(3)):
        graph = trace(step, BATCHES[0], BATCHES[0])
    updated = {node.path for node in graph.updates}
    assert {"optimiser/steps", "optimiser/first_moment", "optimiser/second_moment"} <= updated
    assert {path.replace(".", "/") for path, _ in model.named_parameters() if path != "unused"} <= updated
    assert graph.find("optimiser/rate").role == "state"
    assert len(graph.effects) == 3


def test_a_rate_that_was_set_is_what_the_graph_uses():
    p = mg.Tensor([1.0], requires_grad=True)
    optimiser = SGD([p], 0.5)

    def step():
        optimiser.zero_grad()
        loss = (p * 2.0).sum()
        loss.backward()
        optimiser.step()
        return loss

    graph = trace(step)
    graph.run()
    optimiser.rate = 0.25
    graph.run()
    assert p.tolist() == [1.0 - 1.0 - 0.5]
    with pytest.raises(CaptureError):
        trace(lambda: mg.Tensor(optimiser.rate))


def test_parameters_of_several_dtypes_are_captured_with_their_own_dtype():
    states = []
    for captured in (False, True):
        single, double = (mg.Tensor([3.0, -4.0], dtype, requires_grad=True) for dtype in (np.float32, np.float64))
        optimiser = Adam([single, double], 0.1)

        def step(single=single, double=double, optimiser=optimiser):
            optimiser.zero_grad()
            loss = (single * double).sum()
            loss.backward()
            clip_gradients([single, double], 0.5)
            optimiser.step()
            return loss

        graph = trace(step) if captured else None
        for _ in range(5):
            step() if graph is None else graph.run()
        states.append([single.numpy(), double.numpy(), *optimiser.state_dict().values()])
        if graph is not None:
            dtypes = {state.path: (state.dtype, node.dtype) for state, node in graph.updates.items()}
            assert all(before == after for before, after in dtypes.values())
            clipped = [node for node in graph if node.scope == "clipping" and node.op == "multiply"]
            assert {node.dtype.name for node in clipped} == {"float32", "float64"}
    for eager, captured in zip(*states, strict=True):
        assert np.array_equal(eager, captured)


def test_two_steps_in_one_capture_are_refused():
    p = mg.Tensor([1.0], requires_grad=True)
    optimiser = SGD([p], 0.5)

    def step():
        optimiser.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        optimiser.step()
        return loss

    with pytest.raises(GraphError, match="was updated before: capture one training step"):
        trace(lambda: (step(), step()))
