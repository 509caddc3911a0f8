"""A model from its checkpoint alone: every class of `minigrad.nn`, classes of a user, and files that lie."""

import copy
import inspect
import json
import pickle
import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.core.errors import CheckpointError
from minigrad.io import load_arrays, load_checkpoint, save_arrays, save_checkpoint
from minigrad.io.checkpoint import MODEL, read_checkpoint

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5, 8)).astype(np.float32)
IMAGES = RNG.standard_normal((2, 4, 7, 7)).astype(np.float32)
TOKENS = np.array([[1, 2, 3]])
# For each class: how it is made, with arguments that are not its defaults, and what it is called with.
MADE = {
    "AttentionPooling": (lambda rng: nn.AttentionPooling(8, 2, rng=rng, dropout=0.1), X),
    "BatchNorm": (lambda rng: nn.BatchNorm(8, axis=-1, momentum=0.3), X),
    "Conv1d": (lambda rng: nn.Conv1d(2, 4, 3, 1, "same", 2, 2, False, rng=rng), X[:, :2]),
    "Conv2d": (lambda rng: nn.Conv2d(4, 6, (3, 1), (2, 1), ((1, 0), (0, 2)), groups=2, rng=rng), IMAGES),
    "Decoder": (lambda rng: nn.Decoder(2, 8, heads=2, rng=rng, hidden=12, cross=True), (X, X)),
    "Dropout": (lambda rng: nn.Dropout(0.4, rng), X),
    "Embedding": (lambda rng: nn.Embedding(5, 3, rng, np.float64), TOKENS),
    "Encoder": (lambda rng: nn.Encoder(2, 8, heads=2, rng=rng, norm="post"), X),
    "FeedForward": (lambda rng: nn.FeedForward(8, 12, "gelu", rng=rng, bias=False), X),
    "GRU": (lambda rng: nn.GRU(8, 3, rng=rng), X),
    "GroupNorm": (lambda rng: nn.GroupNorm(2, 4, epsilon=1e-3), IMAGES),
    "LSTM": (lambda rng: nn.LSTM(8, 3, rng=rng), X),
    "LanguageModel": (
        lambda rng: nn.LanguageModel(5, 8, heads=2, layers=2, context=4, rng=rng, causal=False),
        TOKENS,
    ),
    "LayerNorm": (lambda rng: nn.LayerNorm(8, epsilon=1e-2, bias=False), X),
    "LearnedPositions": (lambda rng: nn.LearnedPositions(6, 8, rng, "concatenate"), X),
    "Linear": (lambda rng: nn.Linear(8, 2, False, rng=rng, dtype="float64"), X.astype(float)),
    "MultiHeadAttention": (lambda rng: nn.MultiHeadAttention(8, 4, rng=rng, bias=False, block=2), X),
    "RMSNorm": (lambda rng: nn.RMSNorm(8, epsilon=1e-2), X),
    "Sequential": (lambda rng: nn.Sequential(nn.Linear(8, 3, rng=rng), mg.tanh, nn.RMSNorm(3)), X),
    "SinusoidalPositions": (lambda rng: nn.SinusoidalPositions(8, learnable_scale=True), X),
    "TableTransformer": (
        lambda rng: nn.TableTransformer(3, 7, outputs=2, width=8, heads=2, layers=1, rng=rng),
        (np.array([[0, 2, 5]]), X[0, :1, :3]),
    ),
    "TransformerBlock": (lambda rng: nn.TransformerBlock(8, 2, rng=rng, hidden=9), X),
    "VisionTransformer": (
        lambda rng: nn.VisionTransformer(5, 8, outputs=2, width=8, heads=2, layers=1, rng=rng, norm="post"), X,
    ),
}  # fmt: skip
CLASSES = sorted(
    name for name, x in vars(nn).items() if inspect.isclass(x) and issubclass(x, nn.Module) and x is not nn.Module
)


class Affine(nn.Module):
    def __init__(self, width, *others, scale=1.0, names=(), table=None, **options):
        self.gain = mg.Tensor(np.full(width, scale), requires_grad=True, name="gain")
        self.counts = mg.Tensor(np.zeros(3, np.int64), name="counts")
        self.others, self.names, self.table, self.options = list(others), names, table, options

    def forward(self, x):
        return x * self.gain


class Named(Affine):
    def __init__(self, width):
        super().__init__(width, scale=2.0, names=("a", "b"))


class Net(nn.Module):
    def __init__(self, width, rng):
        self.first = nn.Linear(width, width, rng=rng)
        self.own = rng.standard_normal(3)
        self.last = mg.Tensor(np.zeros(width), requires_grad=True, name="last")

    def forward(self, x):
        return self.first(x) + self.last


def call(module, inputs):
    with mg.generator(np.random.default_rng(7)), mg.no_grad():
        return module.eval()(*inputs if isinstance(inputs, tuple) else (inputs,))


def scramble(module):
    """Values that no constructor makes."""
    rng = np.random.default_rng(1)
    for tensor in dict(module.named_tensors()).values():
        kind = "f" if tensor.dtype.kind == "f" else "i"
        tensor.data = (rng.random(tensor.shape) + 0.5 if kind == "f" else tensor.data + 3).astype(tensor.dtype)
    return module


@pytest.fixture
def saved(tmp_path):
    def save(module):
        save_checkpoint(tmp_path / "m.safetensors", module)
        return tmp_path / "m.safetensors"

    return save


def leaves(result):
    return [np.asarray(x.detach()) if isinstance(x, mg.Tensor) else x for x in mg.core.structure.leaves(result)]


def test_every_class_is_tried():
    assert sorted(MADE) == CLASSES


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("general", [False, True])
def test_a_module_comes_back_as_it_was(saved, name, general):
    make, inputs = MADE[name]
    module = scramble(make(np.random.default_rng(0)))
    again = (nn.Module if general else getattr(nn, name)).load(saved(module))
    assert type(again) is type(module)
    assert list(dict(again.named_tensors())) == list(dict(module.named_tensors()))
    for mine, theirs in zip(module.named_tensors(), again.named_tensors(), strict=True):
        assert mine[1].requires_grad == theirs[1].requires_grad
    expected, found = leaves(call(module, inputs)), leaves(call(again, inputs))
    assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(expected, found, strict=True))
    assert expected


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_a_converted_model_and_its_parts_come_back_in_that_type(saved, dtype):
    model = nn.Sequential(nn.Linear(8, 3, rng=RNG), nn.LayerNorm(3)).astype(dtype)
    assert nn.Sequential.load(saved(model)).layers[0].weight.dtype == dtype
    assert nn.Linear.load(saved(model.layers[0])).weight.dtype == dtype


def test_what_is_held_twice_is_held_twice_again(saved):
    layer = nn.Linear(8, 8, rng=RNG)
    again = nn.Sequential.load(saved(nn.Sequential(layer, mg.relu, nn.Sequential(layer))))
    assert again.layers[0] is again.layers[2].layers[0]
    assert again.layers[1] is mg.relu


def test_arguments_of_every_kind_come_back(saved):
    given = {
        "scale": np.float32(3), "names": ("x", [1, None, True]), "table": {"a": (1.5, "b"), 2: float("inf")},
        "more": np.dtype("float16"), "kind": float, "function": mg.gelu, "count": np.int64(4),
    }  # fmt: skip
    again = Affine.load(saved(Affine(2, nn.Dropout(0.5), [nn.Linear(1, 2, rng=RNG)], **given)))
    assert (again.names, again.table) == (given["names"], given["table"])
    assert again.options == {"more": np.dtype("float16"), "kind": np.dtype("float64"), "function": mg.gelu, "count": 4}
    assert isinstance(again.others[0], nn.Dropout)
    assert isinstance(again.others[1][0], nn.Linear)
    assert (again.gain.tolist(), again.gain.dtype) == ([3.0, 3.0], np.float32)
    assert type(again.options["count"]) is np.int64


def test_the_class_that_was_called_says_how_and_not_those_that_it_calls(saved):
    again = Named.load(saved(scramble(Named(3))))
    assert type(again) is Named
    assert again.names == ("a", "b")
    assert again.counts.tolist() == [3, 3, 3]
    assert type(Affine.load(saved(Named(3)), classes=[Named])) is Named


def test_copies_and_pickles_know_how_they_were_made(saved):
    model = Net(4, rng=np.random.default_rng(3))
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model)), copy.copy(model)):
        assert np.array_equal(Net.load(saved(twin)).first.weight.numpy(), model.first.weight.numpy())


def test_a_list_that_changes_later_does_not_change_what_is_known(saved):
    widths = [2, 3]
    module = Affine(2, table=widths)
    widths.append(10**9)
    assert Affine.load(saved(module)).table == [2, 3]


def test_a_generator_of_a_loaded_module_is_free(saved):
    dropout = nn.Sequential.load(
        saved(nn.Sequential(nn.Linear(1, 1, rng=RNG), nn.Dropout(0.5, np.random.default_rng(0))))
    )
    assert dropout.layers[1](np.ones(100_000)).shape == (100_000,)


def test_what_a_file_cannot_hold_is_named(saved):
    for module, said in (
        (
            nn.Sequential(nn.RMSNorm(2), lambda x: x),
            "layers[1], test_what_a_file_cannot_hold_is_named.<locals>.<lambda>",
        ),
        (Affine(2, table=mg.Tensor([1.0])), "table, Tensor"),
        (Affine(2, names="x" * 10**6), "names, str"),
        (Affine(2, table=list(range(20_000))), "table, list"),
    ):
        with pytest.raises(CheckpointError, match="which a checkpoint does not hold: make the model") as error:
            type(module).load(saved(module))
        assert said in str(error.value)
        load_checkpoint(saved(module), module)
    loop = [1]
    loop.append(loop)
    Affine(2, table=loop)  # made, without a thought of how it could be saved
    many = Affine(2, *["x" * 200_000] * 4)
    with pytest.raises(CheckpointError, match="very long"):
        Affine.load(saved(many))


def test_checkpoints_from_before_and_from_elsewhere_are_loaded_into_a_model(tmp_path):
    model = nn.Linear(2, 3, rng=RNG)
    save_arrays(tmp_path / "x.safetensors", model.state_dict())
    with pytest.raises(CheckpointError, match="does not say how its model is made"):
        nn.Linear.load(tmp_path / "x.safetensors")
    load_checkpoint(tmp_path / "x.safetensors", nn.Linear(2, 3, rng=RNG))


def test_classes_are_never_found_by_their_names(saved):
    path = saved(nn.Sequential(Net(2, rng=RNG)))
    with pytest.raises(CheckpointError, match=r"class 'Net'.*Net.load\(path\).*classes=\[Net\]"):
        nn.Sequential.load(path)
    assert type(nn.Sequential.load(path, classes=[Net]).layers[0]) is Net
    with pytest.raises(CheckpointError, match="it holds a Sequential, not a Linear"):
        nn.Linear.load(path)


def test_what_was_changed_after_it_was_made_does_not_fit(saved):
    model = nn.Sequential(nn.RMSNorm(2))
    model.layers.append(nn.RMSNorm(2))
    with pytest.raises(CheckpointError, match=r"layers\.1\.gain: unexpected"):
        nn.Sequential.load(saved(model))


LINEAR = {"class": "minigrad.nn.Linear", "positional": [2, 3], "keywords": {"rng": {"generator": None}}}
NORM = {"class": "minigrad.nn.LayerNorm", "positional": [10**9], "keywords": {}}
HUGE = 10**9
LIES = {
    "a width": {**LINEAR, "positional": [2, HUGE]},
    "both widths": {**LINEAR, "positional": [65_000, 65_000]},
    "no draw": NORM,
    "many parts": {
        "class": "minigrad.nn.Sequential",
        "positional": [{**NORM, "positional": [60_000]}] * 9_000,
        "keywords": {},
    },
    "layers": {
        "class": "minigrad.nn.LanguageModel",
        "positional": [2, 2, 1, HUGE, 2],
        "keywords": {"rng": {"generator": None}},
    },
    "a window": {
        "class": "minigrad.nn.Conv2d",
        "positional": [2, 3, {"tuple": [60_000, 60_000]}],
        "keywords": {"rng": {"generator": None}},
    },
    "directions": {
        "class": "minigrad.nn.GRU",
        "positional": [2, 3],
        "keywords": {"bidirectional": HUGE, "rng": {"generator": None}},
    },
    "of a user": {"class": "Net", "positional": [HUGE], "keywords": {"rng": {"generator": None}}},
    "a list of the user's": {"class": "Net", "positional": [[HUGE, HUGE]], "keywords": {"rng": {"generator": None}}},
    "a negative width": {**LINEAR, "positional": [2, -3]},
    "a text for a width": {**LINEAR, "positional": [2, "3"]},
    "no such argument": {**LINEAR, "keywords": {"rng": {"generator": None}, "evil": 1}},
    "too few": {**LINEAR, "positional": []},
    "other shapes": {**LINEAR, "positional": [3, 2]},
    "another type": {**LINEAR, "keywords": {"rng": {"generator": None}, "dtype": {"dtype": "float64"}}},
    "a type of texts": {**LINEAR, "keywords": {"rng": {"generator": None}, "dtype": {"dtype": "S1000000000"}}},
    "no class": {"positional": [], "keywords": {}},
    "a module to import": {**LINEAR, "class": "os.system"},
    "a function of Python": {"class": "minigrad.nn.Sequential", "positional": [{"function": "eval"}], "keywords": {}},
    "an attribute of nn": {**LINEAR, "class": "minigrad.nn.rotary"},
    "Module itself": {"class": "minigrad.nn.Module", "positional": [], "keywords": {}},
    "an unknown tag": {**LINEAR, "positional": [{"pickle": "x"}, 3]},
    "two tags": {**LINEAR, "positional": [{"tuple": [], "dtype": "float32"}, 3]},
    "itself": {"class": "minigrad.nn.Sequential", "positional": [{"again": 0}], "keywords": {}},
    "a later one": {"class": "minigrad.nn.Sequential", "positional": [{"again": 7}], "keywords": {}},
    "a list": [1, 2],
    "a number": 3,
    "nothing": None,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_costs_neither_memory_nor_the_module(tmp_path, lie, monkeypatch):
    path, model = tmp_path / "x.safetensors", nn.Linear(2, 3, rng=RNG)
    save_arrays(path, model.state_dict(), {MODEL: json.dumps(LIES[lie])})
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError) as error:
            nn.Module.load(path, classes=[Net])
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert str(path) in str(error.value)
    assert most < 20_000_000


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"class": NaN}', '{"class": {"class": {}}}'])
def test_a_recipe_that_is_no_json_or_nested_without_end(tmp_path, text):
    path = tmp_path / "x.safetensors"
    save_arrays(path, {"weight": np.zeros((2, 3), np.float32)}, {MODEL: text})
    with pytest.raises(CheckpointError):
        nn.Linear.load(path)


def test_deep_nesting_is_refused(tmp_path):
    text = "[" * 700 + "]" * 700
    path = tmp_path / "x.safetensors"
    save_arrays(
        path, {"weight": np.zeros((2, 3), np.float32)}, {MODEL: json.dumps({**LINEAR, "positional": json.loads(text)})}
    )
    with pytest.raises(CheckpointError):
        nn.Linear.load(path)


def test_the_metadata_is_read_alone(tmp_path):
    save_checkpoint(tmp_path / "x.safetensors", nn.RMSNorm(2), metadata={"task": "none"})
    assert read_checkpoint(tmp_path / "x.safetensors").notes == {"task": "none"}
    save_arrays(tmp_path / "x.safetensors", {"gain": np.ones(2)})
    assert read_checkpoint(tmp_path / "x.safetensors").notes == {}


def test_equal_models_write_equal_bytes_and_say_their_class(saved):
    first = saved(nn.Linear(2, 3, rng=np.random.default_rng(0))).read_bytes()
    path = saved(nn.Linear(2, 3, rng=np.random.default_rng(0)))
    assert path.read_bytes() == first
    assert json.loads(load_arrays(path)[1][MODEL])["class"] == "minigrad.nn.Linear"
