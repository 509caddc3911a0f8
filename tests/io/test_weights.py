"""Weights of other programs: their keys, and what does not fit and changes nothing. Their outputs: tests/oracles."""

import numpy as np
import pytest

from minigrad.core.errors import CheckpointError
from minigrad.core.storage import assign
from minigrad.io import load_arrays, load_weights, save_arrays, save_weights
from minigrad.io.layouts import LAYOUTS
from minigrad.nn import (
    GRU,
    BatchNorm,
    Conv2d,
    Decoder,
    Embedding,
    Encoder,
    LayerNorm,
    LearnedPositions,
    Linear,
    Module,
    MultiHeadAttention,
    Sequential,
    TransformerBlock,
)

WIDTH, HIDDEN, VOCABULARY, CONTEXT = 4, 6, 9, 5


def new_rng():
    return np.random.default_rng(0)


class GPT(Module):
    """What it holds, as `docs/from-pytorch.md` has it."""

    def __init__(self, activation="gelu_tanh", rng=None, **options):
        rng = rng or new_rng()
        self.embedding = Embedding(VOCABULARY, WIDTH, rng)
        self.positions = LearnedPositions(CONTEXT, WIDTH, rng)
        self.transformer = Decoder(1, WIDTH, 2, HIDDEN, activation=activation, rng=rng, **options)


GPTS = {"nanogpt": lambda **options: GPT("gelu", **options), "gpt2": GPT}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "weights.safetensors"


@pytest.fixture(params=GPTS)
def layout(request):
    return request.param


def saved(model, path, layout="torch", changes=(), without=(), texts=()):
    """What `save_weights` writes, some of it changed or left out."""
    save_weights(model, path, layout)
    arrays = load_arrays(path)[0] | dict(changes)
    save_arrays(path, {key: array for key, array in arrays.items() if key not in without}, dict(texts))
    return arrays


def bits(model):
    return {key: (array.tobytes(), array.dtype) for key, array in model.state_dict().items()}


def refuse(model, path, layout="torch"):
    """The lines of the refusal, after which the model is what it was."""
    before = bits(model)
    with pytest.raises(CheckpointError, match="does not fit, and nothing was changed:\n") as caught:
        load_weights(model, path, layout)
    assert bits(model) == before
    title, *lines = str(caught.value).splitlines()
    assert title.startswith(str(path))
    return lines


def shapes(arrays):
    return {key: array.shape for key, array in arrays.items()}


# --- keys -------------------------------------------------------------------------------------------------------------

BLOCK = {
    "self_attn.in_proj_weight": (12, 4), "self_attn.in_proj_bias": (12,),
    "self_attn.out_proj.weight": (4, 4), "self_attn.out_proj.bias": (4,),
    "linear1.weight": (6, 4), "linear1.bias": (6,), "linear2.weight": (4, 6), "linear2.bias": (4,),
    "norm1.weight": (4,), "norm1.bias": (4,), "norm2.weight": (4,), "norm2.bias": (4,),
}  # fmt: skip
CROSS = {
    "multihead_attn.in_proj_weight": (12, 4), "multihead_attn.in_proj_bias": (12,),
    "multihead_attn.out_proj.weight": (4, 4), "multihead_attn.out_proj.bias": (4,),
    "norm3.weight": (4,), "norm3.bias": (4,),
}  # fmt: skip
GPT_KEYS = {
    "lm_head.weight": (9, 4), "transformer.wte.weight": (9, 4), "transformer.wpe.weight": (5, 4),
    "transformer.h.0.ln_1.weight": (4,), "transformer.h.0.ln_1.bias": (4,),
    "transformer.h.0.attn.c_attn.weight": (12, 4), "transformer.h.0.attn.c_attn.bias": (12,),
    "transformer.h.0.attn.c_proj.weight": (4, 4), "transformer.h.0.attn.c_proj.bias": (4,),
    "transformer.h.0.ln_2.weight": (4,), "transformer.h.0.ln_2.bias": (4,),
    "transformer.h.0.mlp.c_fc.weight": (6, 4), "transformer.h.0.mlp.c_fc.bias": (6,),
    "transformer.h.0.mlp.c_proj.weight": (4, 6), "transformer.h.0.mlp.c_proj.bias": (4,),
    "transformer.ln_f.weight": (4,), "transformer.ln_f.bias": (4,),
}  # fmt: skip
KEYS = {
    "torch-block": (lambda: TransformerBlock(WIDTH, 2, HIDDEN, rng=new_rng()), BLOCK),
    "torch-block that attends to a memory": (
        lambda: TransformerBlock(WIDTH, 2, HIDDEN, cross=True, rng=new_rng()), BLOCK | CROSS,
    ),
    "torch-encoder": (
        lambda: Encoder(2, WIDTH, 2, HIDDEN, rng=new_rng()),
        {f"layers.{layer}.{key}": shape for layer in (0, 1) for key, shape in BLOCK.items()}
        | {"norm.weight": (4,), "norm.bias": (4,)},
    ),
    "nanogpt-GPT": (GPTS["nanogpt"], GPT_KEYS),
    "gpt2-GPT": (
        GPTS["gpt2"], {key: shape[::-1] if ".h." in key else shape for key, shape in GPT_KEYS.items()},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", KEYS)
def test_files_have_the_keys_and_shapes_of_the_other_program(case, path):
    make, expected = KEYS[case]
    save_weights(make(), path, case.split("-")[0])
    arrays, texts = load_arrays(path)
    assert shapes(arrays) == expected
    assert texts == {"format": "pt"}


@pytest.mark.parametrize("case", KEYS)
def test_what_was_saved_is_loaded_bit_for_bit(case, path):
    model, other, layout = KEYS[case][0](), KEYS[case][0](), case.split("-")[0]
    for _, tensor in model.named_tensors():
        assign(tensor, np.random.default_rng(tensor.size).standard_normal(tensor.shape).astype(np.float32))
    assert bits(model) != bits(other)
    save_weights(model, path, layout)
    load_weights(other, path, layout)
    assert bits(model) == bits(other)


class KeyFirst(MultiHeadAttention):
    """One whose attributes are in another order."""

    def __init__(self):
        self.key = None
        super().__init__(WIDTH, 2, rng=new_rng())


@pytest.mark.parametrize("attention", [MultiHeadAttention(WIDTH, 2, rng=new_rng()), KeyFirst()])
def test_query_key_and_value_are_packed_in_this_order_and_maps_are_turned(attention, path):
    save_weights(attention, path)
    arrays, _ = load_arrays(path)
    packed = [attention.query, attention.key, attention.value]
    assert np.array_equal(arrays["in_proj_weight"], np.concatenate([part.weight.numpy().T for part in packed]))
    assert np.array_equal(arrays["out_proj.weight"], attention.output.weight.numpy().T)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_row_is_of_something_that_modules_hold(layout):
    """A row for a name that has changed would be left out in silence."""
    decoder = Decoder(1, WIDTH, 2, cross=True, rng=new_rng())
    model = GPT()
    model.readout, model.blocks, model.norm = decoder, [decoder], decoder.norm
    held = [decoder, *decoder.modules(), model]
    for kind, rows in LAYOUTS[layout].names.items():
        paths = [path for module in held if isinstance(module, kind) for path, _ in module.named_tensors()]
        for ours in {**rows, **(LAYOUTS[layout].with_memory if kind is TransformerBlock else {})}:
            assert not paths or any(path.startswith(ours) for path in paths), (kind, ours)
    for kind, attribute, expected in LAYOUTS[layout].settings:
        for module in held:
            if isinstance(module, kind):
                for name in attribute.split("."):
                    module = getattr(module, name)
                assert isinstance(module, type(expected[0]))


# --- variants of one file ---------------------------------------------------------------------------------------------


def test_a_file_of_gpt2_without_its_head_and_with_its_masks_is_loaded(path):
    """As the file of Hugging Face's `gpt2` is."""
    model, other = GPT(rng=np.random.default_rng(1)), GPT()
    arrays = saved(model, path, "gpt2", without=["lm_head.weight"])
    base = {key.removeprefix("transformer."): array for key, array in arrays.items() if key != "lm_head.weight"}
    mask = np.tril(np.ones((1, 1, CONTEXT, CONTEXT), np.float32))
    for more in ({}, {"h.0.attn.bias": mask}, {"h.0.attn.bias": mask > 0, "h.0.attn.masked_bias": np.array(-1e9)}):
        save_arrays(path, base | more)
        load_weights(other, path, "gpt2")
        assert bits(model) == bits(other)
    for wrong in (1 - mask, np.ones(CONTEXT, np.float32), np.ones((), np.float32)):
        save_arrays(path, base | {"h.0.attn.bias": wrong, "h.0.attn.masked_bias": np.zeros(())})
        assert refuse(other, path, "gpt2") == [
            f"  transformer.h.0.attn.bias: float32 {wrong.shape} that is not the causal mask",
            "  transformer.h.0.attn.masked_bias: float64 () that is not at most -10,000",
        ]


def test_what_torch_compile_adds_to_keys_is_left_out(path, layout):
    model, other = GPTS[layout](rng=np.random.default_rng(1)), GPTS[layout]()
    save_arrays(path, {f"_orig_mod.{key}": array for key, array in saved(model, path, layout).items()})
    load_weights(other, path, layout)
    assert bits(model) == bits(other)


def test_of_tied_weights_a_file_may_hold_either_or_both(path, layout):
    model, other = GPTS[layout](rng=np.random.default_rng(1)), GPTS[layout]()
    both = "lm_head.weight", "transformer.wte.weight"
    for gone, kept in ([None, both[1]], both, both[::-1]):
        saved(model, path, layout, without=[gone], texts={"format": "pt"} | ({gone: kept} if gone else {}))
        other.embedding.weight.data *= 2
        load_weights(other, path, layout)
        assert bits(model) == bits(other)


def test_tied_weights_of_a_model_that_broke_down_are_the_same_too(path, layout):
    model, other = GPTS[layout](), GPTS[layout]()
    model.embedding.weight.data *= np.nan
    save_weights(model, path, layout)
    load_weights(other, path, layout)
    assert bits(model) == bits(other)


def test_notes_of_what_was_left_out_do_not_replace_what_is_there(path):
    model, other = Linear(2, 2, rng=new_rng()), Linear(2, 2, rng=np.random.default_rng(1))
    saved(model, path, texts={"weight": "bias", "another": "note"})
    load_weights(other, path)
    assert bits(model) == bits(other)


def test_a_head_that_is_not_tied_is_refused_and_loaded_where_there_is_a_readout(path, layout):
    model, other = GPTS[layout](), GPTS[layout]()
    model.readout = Linear(WIDTH, VOCABULARY, bias=False, rng=np.random.default_rng(1))
    save_weights(model, path, layout)
    assert refuse(other, path, layout) == [
        "  lm_head.weight: differs from transformer.wte.weight, expected the same; or a model with a readout"
    ]
    other.readout = Linear(WIDTH, VOCABULARY, bias=False, rng=new_rng())
    load_weights(other, path, layout)
    assert bits(model) == bits(other)


# --- what does not fit ------------------------------------------------------------------------------------------------


def test_E10_everything_that_is_missing_left_over_or_of_another_form_is_in_one_message(path):
    model = Encoder(1, WIDTH, 2, HIDDEN, rng=new_rng())
    saved(
        model, path,
        changes={
            "layers.0.linear1.weight": np.zeros((WIDTH, HIDDEN), np.float32),
            "layers.0.self_attn.in_proj_bias": np.zeros(12, np.int64),
            "layers.0.norm3.weight": np.ones(WIDTH, np.float32),
            "pe": np.ones(1),
        },
        without=["norm.weight", "layers.0.self_attn.in_proj_weight"],
    )  # fmt: skip
    assert refuse(model, path) == [
        "  layers.0.linear1.weight (blocks.0.feed_forward.up.weight): float32 (4, 6), expected float32 (6, 4)",
        "  layers.0.norm3.weight: unexpected",
        "  layers.0.self_attn.in_proj_bias (blocks.0.attention.query.bias, …): int64 (12,), expected float32 (12,)",
        "  layers.0.self_attn.in_proj_weight (blocks.0.attention.query.weight, …): missing",
        "  norm.weight (norm.gain): missing",
        "  pe: unexpected",
    ]


WRONG = {
    "nanogpt": {
        "transformer.blocks.0.feed_forward.activation: 'gelu_tanh', expected 'gelu'": {"activation": "gelu_tanh"},
        "transformer.blocks.0.norm: 'post', expected 'pre'": {"norm": "post"},
    },
    "gpt2": {
        "transformer.blocks.0.feed_forward.activation: 'gelu', expected 'gelu_tanh'": {"activation": "gelu"},
        "transformer.blocks.0.feed_forward.activation: 'relu', expected 'gelu_tanh'": {"activation": "relu"},
    },
}


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in WRONG.items() for line in lines])
def test_settings_that_a_layout_does_not_have_are_refused_in_and_out(name, line, path):
    right, wrong = GPTS[name](), GPT(**{"activation": LAYOUTS[name].settings[0][2][0]} | WRONG[name][line])
    save_weights(right, path, name)
    assert f"  {line}" in refuse(wrong, path, name)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"the model is not what layout='{name}' stores:\n") as caught:
        save_weights(wrong, path, name)
    assert f"  {line}" in str(caught.value).splitlines()
    assert path.read_bytes() == before


def test_a_block_of_pytorch_has_relu_or_the_exact_gelu(path):
    model, tanh, parts = (
        TransformerBlock(WIDTH, 2, activation=activation, rng=new_rng()) for activation in ("gelu", "gelu_tanh", "relu")
    )
    save_weights(model, path)
    assert refuse(tanh, path) == ["  feed_forward.activation: 'gelu_tanh', expected 'relu' or 'gelu'"]
    parts.feed_forward = Linear(WIDTH, WIDTH, rng=new_rng())  # a part of one's own has no activation to check
    save_weights(parts, path)
    assert "feed_forward.weight" in load_arrays(path)[0]


def test_other_epsilons_and_attention_to_what_follows_are_refused(path, layout):
    model, wrong = GPTS[layout](), GPTS[layout]()
    save_weights(model, path, layout)
    wrong.transformer.norm.epsilon = 1e-6
    wrong.transformer.blocks[0].causal = False
    assert refuse(wrong, path, layout) == [
        "  transformer.blocks.0.causal: False, expected True",
        "  transformer.norm.epsilon: 1e-06, expected 1e-05",
    ]


def test_parts_that_have_no_name_there_are_refused_in_and_out(path, layout):
    model, wrong = GPTS[layout](), GPTS[layout]()
    save_weights(model, path, layout)
    wrong.tokens, wrong.embedding = wrong.embedding, None
    line = (
        "tokens.weight: has no place in it; what the model holds is called "
        "embedding, positions, transformer, blocks, norm, readout"
    )
    assert refuse(wrong, path, layout) == [f"  {line}", "  transformer.wte.weight: unexpected"]
    with pytest.raises(ValueError, match="layout=") as caught:
        save_weights(wrong, path, layout)
    assert str(caught.value).splitlines()[1:] == [f"  {line}"]


def test_two_parts_of_one_name_are_refused_in_and_out(path, layout):
    """Only the arrays of one attention are packed."""
    model, wrong = GPTS[layout](), GPTS[layout]()
    save_weights(model, path, layout)
    wrong.norm = LayerNorm(WIDTH)
    lines = [
        f"  transformer.norm.{ours}, norm.{ours}: are all called transformer.ln_f.{theirs} there"
        for ours, theirs in (("bias", "bias"), ("gain", "weight"))
    ]
    assert refuse(wrong, path, layout)[-2:] == lines
    with pytest.raises(ValueError, match="layout=") as caught:
        save_weights(wrong, path, layout)
    assert str(caught.value).splitlines()[1:] == lines


def test_another_layout_that_would_fit_is_named(path):
    save_weights(GPT(), path, "gpt2")
    for layout in ("torch", "nanogpt"):
        assert refuse(GPT(), path, layout)[-1] == '  layout="gpt2" has these keys and shapes'
    save_weights(Encoder(1, WIDTH, 2, rng=new_rng()), path)
    assert not any("has these keys" in line for line in refuse(GPT(), path, "gpt2"))


def test_another_dtype_is_refused_with_the_way_to_convert_it(path):
    model, other = (Linear(2, 3, rng=new_rng(), dtype=dtype) for dtype in (np.float32, np.float64))
    save_weights(model, path)
    assert refuse(other, path) == [
        "  bias: float32 (3,), expected float64 (3,)",
        "  weight: float32 (3, 2), expected float64 (3, 2)",
        "  the file holds float32: make the model with that dtype, and convert it by astype",
    ]


def test_an_unknown_layout_is_refused(path):
    model = Linear(2, 3, rng=new_rng())
    for function in (load_weights, save_weights):
        with pytest.raises(ValueError, match=f"{function.__name__}: layout='GPT2', expected one of torch, nanogpt, "):
            function(model, path, "GPT2")
    assert not path.exists()


def test_arguments_in_the_order_of_checkpoints_are_told_theirs(path):
    model = Linear(2, 3, rng=new_rng())
    for function in (load_weights, save_weights):
        with pytest.raises(TypeError, match=r"model must be a Module, got str; it takes \(model, path, layout\)"):
            function(str(path), model)


@pytest.mark.parametrize("after", [0, 1, 7])
def test_K8_a_load_that_fails_half_way_changes_nothing(path, monkeypatch, after):
    model, other = GPT(rng=np.random.default_rng(1)), GPT()
    save_weights(model, path, "gpt2")
    before, calls = bits(other), []

    def failing(tensor, value):
        calls.append(tensor)
        if len(calls) == after + 1:
            raise KeyboardInterrupt
        assign(tensor, value)

    monkeypatch.setattr("minigrad.nn.module.assign", failing)
    with pytest.raises(KeyboardInterrupt):
        load_weights(other, path, "gpt2")
    assert bits(other) == before
    assert len(calls) > after + 1


# --- convolutions and recurrent nets ----------------------------------------------------------------------------------


def test_a_sequential_has_the_keys_of_pytorchs(path):
    model = Sequential(Conv2d(1, 2, 3, rng=new_rng()), BatchNorm(2), abs, Linear(2, 3, rng=new_rng()))
    arrays = saved(model, path)
    assert sorted(arrays) == [
        "0.bias", "0.weight", "1.bias", "1.running_mean", "1.running_var", "1.weight", "3.bias", "3.weight",
    ]  # fmt: skip
    assert arrays["0.weight"].shape == (2, 1, 3, 3)
    np.testing.assert_array_equal(arrays["3.weight"], model.layers[3].weight.numpy().T)


def test_a_count_of_batches_is_passed_over_and_anything_else_of_its_name_refused(path):
    norm = BatchNorm(2)
    saved(norm, path, changes={"num_batches_tracked": np.array(5)})
    load_weights(norm, path)
    saved(norm, path, changes={"num_batches_tracked": np.zeros(2)})
    with pytest.raises(CheckpointError, match=r"num_batches_tracked: float64 \(2,\) that is not one number"):
        load_weights(norm, path)


def test_a_recurrent_net_has_the_keys_of_pytorchs(path):
    net = GRU(3, 4, layers=2, bidirectional=True, rng=new_rng())
    arrays = saved(net, path)
    ends = [f"l{layer}{side}" for layer in range(2) for side in ("", "_reverse")]
    assert set(arrays) == {
        f"{kind}_{what}_{end}" for kind in ("weight", "bias") for what in ("ih", "hh") for end in ends
    }
    np.testing.assert_array_equal(arrays["weight_ih_l1_reverse"], net.input_weight["1_reverse"].numpy().T)
    before = bits(net)
    other = GRU(3, 4, layers=2, bidirectional=True, rng=np.random.default_rng(1))
    load_weights(other, path)
    assert bits(other) == before
