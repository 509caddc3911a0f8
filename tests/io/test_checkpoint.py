"""Checkpoints of a training run: what comes back, and what is refused without a trace."""

import copy
import os

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.errors import CheckpointError
from minigrad.core.storage import assign
from minigrad.io import load_arrays, save_arrays
from minigrad.io.checkpoint import load_checkpoint, save_checkpoint
from minigrad.nn import LanguageModel, Linear, Module
from minigrad.optim import SGD, Adam, AdamW, WarmupCosine, clip_gradients


class Training:
    """A small run: model, optimiser with a schedule, and one generator for batches and dropout."""

    def __init__(self, seed=0, optimiser=Adam, **options):
        self.rng = np.random.default_rng(seed)
        self.model = LanguageModel(9, 8, 2, 1, context=6, hidden=8, dropout=0.1, rng=self.rng)
        self.optimiser = optimiser(self.model.parameters(), 1e-2, schedule=WarmupCosine(5, 20), **options)

    def run(self, steps):
        losses = []
        for _ in range(steps):
            tokens = self.rng.integers(0, 9, (3, 6))
            self.optimiser.zero_grad()
            with mg.generator(self.rng):
                loss = mg.cross_entropy(self.model(tokens), tokens)
            loss.backward()
            clip_gradients(self.model.parameters(), 1.0)
            self.optimiser.step()
            losses.append(float(loss))
        return losses

    def save(self, path, **metadata):
        save_checkpoint(path, self.model, self.optimiser, generators={"all": self.rng}, metadata=metadata)

    def load(self, path):
        return load_checkpoint(path, self.model, self.optimiser, generators={"all": self.rng})

    def state(self):
        arrays = [*self.model.state_dict().values(), *self.optimiser.state_dict().values()]
        return [array.tobytes() for array in arrays], self.rng.bit_generator.state


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


OPTIMISERS = {
    "Adam": {"optimiser": Adam},
    "AdamW": {"optimiser": AdamW, "weight_decay": 0.1},
    "SGD": {"optimiser": SGD},
    "momentum": {"optimiser": SGD, "momentum": 0.9, "nesterov": True},
}


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("after", [0, 1, 7])
def test_K9_a_resumed_run_continues_bit_for_bit(path, name, after):
    whole, first, second = (Training(seed, **OPTIMISERS[name]) for seed in (0, 0, 99))
    losses = whole.run(10)
    history = first.run(after)
    first.save(path, history=history)
    second.run(2)  # whatever was there before is replaced
    resumed = second.load(path)["history"]
    assert second.state() == first.state()
    assert second.optimiser.steps == after
    assert resumed + second.run(10 - after) == losses
    assert second.state() == whole.state()


def test_K9_saving_and_loading_change_nothing_in_the_run_that_saves(path):
    alone, saving = Training(), Training()
    losses = alone.run(6)
    found = []
    for _ in range(6):
        found += saving.run(1)
        saving.save(path)
        saving.load(path)
    assert (found, saving.state()) == (losses, alone.state())


def test_weights_are_stored_by_their_path_and_the_optimiser_under_a_prefix(path):
    training = Training()
    training.run(2)
    training.save(path)
    arrays, texts = load_arrays(path)
    weights = {key: array for key, array in arrays.items() if not key.startswith("optimiser.")}
    assert weights.keys() == training.model.state_dict().keys()
    assert "transformer.blocks.0.attention.query.weight" in weights
    assert np.array_equal(weights["readout.bias"], training.model.readout.bias.numpy())
    moments = {f"optimiser.{m}.{path}" for m in ("first_moment", "second_moment") for path in weights}
    assert arrays.keys() - weights.keys() == moments | {"optimiser.rate", "optimiser.steps"}
    assert texts["minigrad.format"] == "1"


def test_the_same_run_writes_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        training = Training()
        training.run(3)
        training.save(tmp_path / name, settings={"width": 8})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_K10_moments_find_their_parameters_by_name_in_any_order(path):
    training = Training()
    training.run(3)
    training.save(path)
    other = Training(seed=5)
    other.optimiser = Adam(reversed(other.model.parameters()), 1e-2, schedule=WarmupCosine(5, 20))
    other.load(path)
    assert training.run(3) == other.run(3)
    assert all(np.array_equal(a, other.model.state_dict()[k]) for k, a in training.model.state_dict().items())


def test_weights_alone_can_be_loaded_from_a_whole_checkpoint(path):
    training = Training()
    training.run(2)
    training.save(path, step=2)
    model = Training(seed=1).model
    assert load_checkpoint(path, model) == {"step": 2}
    assert all(np.array_equal(a, model.state_dict()[k]) for k, a in training.model.state_dict().items())


def test_weights_of_another_framework_can_be_loaded(path):
    model = Linear(2, 3, rng=np.random.default_rng(0))
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_arrays(path, {"weight": weight, "bias": np.ones(3, np.float32)}, {"producer": "another"})
    assert load_checkpoint(path, model) == {}
    assert np.array_equal(model.weight.numpy(), weight)


def test_metadata_is_anything_that_json_holds(path):
    model = Linear(1, 1, rng=np.random.default_rng(0))
    notes = {"history": [{"step": 1, "loss": 0.1 + 0.2}], "text": "ä\n", "none": None, "nan": float("inf")}
    save_checkpoint(path, model, metadata=notes)
    assert load_checkpoint(path, model) == notes
    holding_itself, deep = {}, []
    holding_itself["itself"] = holding_itself
    for _ in range(100_000):
        deep = [deep]
    for refused in ({"array": np.ones(2)}, {"set": {1}}, {1: 1, (2,): 2}, holding_itself, {"deep": deep}, [1, 2]):
        with pytest.raises(TypeError, match="save_checkpoint: metadata must be a dictionary that JSON can hold: "):
            save_checkpoint(path, model, metadata=refused)
    assert load_checkpoint(path, model) == notes


# --- what does not fit is refused, and nothing changes ----------------------------------------------------------------


def refused(training, path, message):
    before = training.state()
    with pytest.raises(CheckpointError, match=message) as caught:
        training.load(path)
    assert training.state() == before
    assert os.fspath(path) in str(caught.value)
    return str(caught.value).splitlines()[1:]


def changed(path, arrays=(), texts=(), without=()):
    """The checkpoint at `path`, rewritten with some entries changed or left out, and a right checksum."""
    old_arrays, old_texts = load_arrays(path)
    new = {key: array for key, array in (old_arrays | dict(arrays)).items() if key not in without}
    save_arrays(path, new, {key: text for key, text in (old_texts | dict(texts)).items() if key not in without})


def test_E10_K10_another_model_is_refused_with_every_difference_sorted(path):
    training = Training()
    training.save(path)
    changed(
        path,
        arrays={"readout.bias": np.zeros(8, np.float32), "embedding.weight": np.zeros((9, 8)), "new.gain": np.ones(1)},
        without={"transformer.norm.bias", "optimiser.first_moment.readout.bias", "minigrad.generator.all"},
    )
    assert refused(training, path, "does not fit, and nothing was changed") == [
        "  embedding.weight: float64 (9, 8), expected float32 (9, 8)",
        "  generator all: missing",
        "  new.gain: unexpected",
        "  optimiser.first_moment.readout.bias: missing",
        "  readout.bias: float32 (8,), expected float32 (9,)",
        "  transformer.norm.bias: missing",
    ]


def test_E10_states_that_do_not_fit_are_refused_with_every_difference_sorted():
    training = Training()
    training.run(1)
    before = training.state()
    for owner in (training.model, training.optimiser):
        state = owner.state_dict()
        missing, wrong_shape, wrong_dtype, *_ = sorted(key for key in state if state[key].size > 1)
        del state[missing]
        state |= {wrong_shape: np.zeros((7, 7), np.float32), wrong_dtype: state[wrong_dtype].astype(np.int64)}
        with pytest.raises(ValueError, match="nothing was changed") as caught:
            owner.load_state_dict(state | {"unexpected": np.ones(1)})
        lines = str(caught.value).splitlines()[1:]
        assert [line.split(":")[0].strip() for line in lines] == sorted(
            [missing, wrong_shape, wrong_dtype, "unexpected"]
        )
    assert training.state() == before


def test_K10_parameters_in_another_order_are_matched_by_name(path):
    class Shuffled(Module):
        def __init__(self, names):
            for name in names:
                setattr(self, name, mg.Tensor([0.0, ord(name)], requires_grad=True, name=name))

    saved, loaded = Shuffled("abc"), Shuffled("cab")
    optimisers = [Adam(model.parameters(), 0.1) for model in (saved, loaded)]
    for name in "abc":
        getattr(saved, name).grad = np.ones(2) * ord(name)
    optimisers[0].step()
    save_checkpoint(path, saved, optimisers[0])
    load_checkpoint(path, loaded, optimisers[1])
    for name in "abc":
        assert getattr(loaded, name).tolist() == getattr(saved, name).tolist()
    moments = optimisers[1].state_dict("cab")
    assert [moments[f"first_moment.{name}"][0] for name in "abc"] == pytest.approx([9.7, 9.8, 9.9])


def test_E10_K10_another_optimiser_is_refused(path):
    training, other = Training(), Training()
    training.save(path)
    other.optimiser = SGD(other.model.parameters(), 0.1, momentum=0.9)
    lines = refused(other, path, "does not fit")
    assert "  optimiser.velocity.readout.bias: missing" in lines
    assert "  optimiser.first_moment.readout.bias: unexpected" in lines


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"minigrad.format": "2"}, "has checkpoint format '2', this minigrad reads 1"),
        ({"minigrad.metadata": "{"}, "metadata is not JSON"),
        ({"minigrad.metadata": "[1]"}, "metadata is a JSON list, expected an object"),
        ({"minigrad.generator.all": "{}"}, "generator all"),
    ],
)
def test_K10_another_version_and_texts_that_make_no_sense_are_refused(path, texts, message):
    training = Training()
    training.run(1)
    training.save(path)
    changed(path, texts=texts)
    training.run(1)
    refused(training, path, message)


def test_K8_one_bad_generator_leaves_the_others_as_they_were(path):
    model = Linear(1, 1, rng=np.random.default_rng(0))
    generators = {name: np.random.default_rng(i) for i, name in enumerate("abc")}
    save_checkpoint(path, model, generators=generators)
    changed(path, texts={"minigrad.generator.b": '{"bit_generator": "MT19937"}'})
    for rng in generators.values():
        rng.random()
    before = copy.deepcopy([rng.bit_generator.state for rng in generators.values()])
    with pytest.raises(CheckpointError, match=r"generator b: .*MT19937"):
        load_checkpoint(path, model, generators=generators)
    assert [rng.bit_generator.state for rng in generators.values()] == before


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
@pytest.mark.parametrize("after", [0, 1, 5, 20])
def test_K8_a_load_that_fails_half_way_changes_nothing(path, monkeypatch, error, after):
    training = Training()
    training.save(path)
    training.run(2)
    before, calls = training.state(), []

    def failing(tensor, value):
        calls.append(tensor)
        if len(calls) == after + 1:
            raise error
        assign(tensor, value)

    monkeypatch.setattr("minigrad.nn.module.assign", failing)
    monkeypatch.setattr("minigrad.optim.optimiser.assign", failing)
    with pytest.raises(type(error)):
        training.load(path)
    assert len(calls) > after + 1
    assert training.state() == before


def test_K8_a_load_that_fails_in_the_optimiser_changes_nothing(path, monkeypatch):
    training = Training()
    training.save(path)
    training.run(2)
    before, load = training.state(), training.optimiser.load_state_dict
    states = []

    def failing(state, names=None):
        states.append(state)
        load(state, names)
        if len(states) == 1:
            raise MemoryError

    monkeypatch.setattr(training.optimiser, "load_state_dict", failing)
    with pytest.raises(MemoryError):
        training.load(path)
    assert len(states) == 2
    assert training.state() == before


def test_K8_a_damaged_file_is_refused(path):
    training = Training()
    training.save(path)
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    refused(training, path, "checksum")


def test_K11_a_failed_save_leaves_the_old_file(path):
    model = Linear(1, 1, rng=np.random.default_rng(0))
    save_checkpoint(path, model)
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"parameters\[0\] of the optimiser, float32 \(1, 1\) 'weight', is not in the model"
    ):
        save_checkpoint(path, model, SGD(Linear(1, 1, rng=np.random.default_rng(0)).parameters(), 0.1))
    assert path.read_bytes() == before


def test_a_model_cannot_use_the_prefix_of_the_optimiser(path):
    model = Module()
    model.optimiser = Linear(1, 1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"optimiser\.bias"):
        save_checkpoint(path, model)
