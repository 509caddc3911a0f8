"""Training compiled: the losses of eager code, step by step, and checkpoints that either continues."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import pieces
from minigrad.io import load_checkpoint, save_checkpoint
from minigrad.nn import LanguageModel
from minigrad.optim import SGD, Adam, AdamW, InverseSquareRoot, WarmupCosine, clip_gradients

BATCHES = [np.random.default_rng(i).integers(0, 7, (3, 5)) for i in range(300)]

OPTIMISERS = {
    "SGD": lambda p: SGD(p, 0.1),
    "SGD, momentum, warm-up and cosine": lambda p: SGD(p, 0.05, momentum=0.9, schedule=WarmupCosine(10, 200)),
    "SGD, Nesterov": lambda p: SGD(p, 0.02, momentum=0.9, nesterov=True),
    "Adam": lambda p: Adam(p, 1e-3),
    "AdamW, inverse square root": lambda p: AdamW(p, 3e-3, weight_decay=0.1, schedule=InverseSquareRoot(10)),
    "AdamW, warm-up and cosine": lambda p: AdamW(p, 3e-3, schedule=WarmupCosine(10, 200)),
}


class Training:
    """A small language model with dropout, its optimiser, its generator, and one step."""

    def __init__(self, optimiser, dtype, compiled):
        rng = np.random.default_rng(0)
        self.model = LanguageModel(7, 8, 2, 1, context=5, hidden=8, dropout=0.1, dtype=dtype, rng=rng)
        self.optimiser = OPTIMISERS[optimiser](self.model.parameters())
        self.generator = np.random.default_rng(3)
        self.step = mg.compile(self.eager_step) if compiled else self.eager_step

    def eager_step(self, tokens, targets):
        self.optimiser.zero_grad()
        loss = mg.cross_entropy(self.model(tokens), targets)
        loss.backward()
        norm = clip_gradients(self.model.parameters(), 0.5)
        self.optimiser.step()
        return loss, norm

    def train(self, start, stop):
        """The losses and norms of some steps."""
        with mg.generator(self.generator):
            return np.array([[float(x) for x in self.step(b, b[:, ::-1])] for b in BATCHES[start:stop]])

    @property
    def everything(self):
        return {**self.model.state_dict(), **self.optimiser.state_dict()}


LENGTHS = [(np.float32, 30, 1e-4), pytest.param(np.float64, 300, 1e-6, marks=pytest.mark.deep)]


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize(("dtype", "steps", "tolerance"), LENGTHS)
def test_every_loss_is_that_of_eager_training(optimiser, dtype, steps, tolerance):
    eager, compiled = Training(optimiser, dtype, False), Training(optimiser, dtype, True)
    expected, actual = eager.train(0, steps), compiled.train(0, steps)
    np.testing.assert_allclose(actual, expected, rtol=tolerance)
    assert expected[-20:, 0].mean() < expected[:10, 0].mean()
    assert len(compiled.step.programs) == 1
    assert compiled.optimiser.steps == steps
    assert compiled.generator.bit_generator.state == eager.generator.bit_generator.state
    assert {array.dtype for array in compiled.model.state_dict().values()} == {np.dtype(dtype)}


@pytest.mark.deep
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_a_step_in_pieces_has_the_losses_of_eager_training(optimiser, monkeypatch):
    """As the steps of large models run; here all arrays are large, and pieces are small."""
    for name, value in (("LARGE", 0), ("PIECE", 64), ("FLAT", 7)):
        monkeypatch.setattr(pieces, name, value)
    eager, compiled = Training(optimiser, np.float64, False), Training(optimiser, np.float64, True)
    np.testing.assert_allclose(compiled.train(0, 20), eager.train(0, 20), rtol=1e-9)
    assert "for " in compiled.step.source


@pytest.mark.parametrize("after", [False, True], ids=["eager after", "compiled after"])
@pytest.mark.parametrize("before", [False, True], ids=["eager before", "compiled before"])
def test_a_checkpoint_of_either_continues_in_the_other(before, after, tmp_path):
    kind, dtype = "AdamW, inverse square root", np.float64
    whole, first, second = Training(kind, dtype, after), Training(kind, dtype, before), Training(kind, dtype, after)
    losses = whole.train(0, 16)
    first.train(0, 8)
    path = tmp_path / "training.safetensors"
    save_checkpoint(path, first.model, first.optimiser, generators={"dropout": first.generator}, metadata={"step": 8})
    second.train(0, 2)  # compiled already, when it is loaded
    notes = load_checkpoint(path, second.model, second.optimiser, generators={"dropout": second.generator})
    rest = second.train(notes["step"], 16)
    if before == after:
        assert rest.tolist() == losses[8:].tolist()
        for key, array in whole.everything.items():
            assert np.array_equal(second.everything[key], array), key
    else:
        np.testing.assert_allclose(rest, losses[8:], rtol=1e-9)


@pytest.mark.parametrize("order", ["ecec", "ceec"])
def test_eager_and_compiled_steps_take_turns(order):
    expected, training = Training("Adam", np.float64, False), Training("Adam", np.float64, True)
    losses = []
    for i, mode in enumerate(order * 3):
        step, training.step = training.step, training.step if mode == "c" else training.eager_step
        losses += training.train(i, i + 1).tolist()
        training.step = step
    np.testing.assert_allclose(losses, expected.train(0, len(losses)), rtol=1e-9)
    assert len(training.step.programs) == 1


def test_a_program_trains_on_batches_of_several_shapes():
    eager, compiled = Training("Adam", np.float64, False), Training("Adam", np.float64, True)
    for size in (3, 2, 1, 3, 2):
        batch = BATCHES[size][:size, : size + 1]
        for training in (eager, compiled):
            with mg.generator(training.generator):
                training.loss = training.step(batch, batch)[0].item()
        assert compiled.loss == pytest.approx(eager.loss, rel=1e-9)
    assert len(compiled.step.programs) == 3
