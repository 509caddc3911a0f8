"""Weights of PyTorch's modules, nanoGPT and GPT-2 in ours: the same outputs, and the same bits on the way back."""

import math
import textwrap

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.errors import CheckpointError
from minigrad.io import load_arrays, load_weights, save_weights
from minigrad.nn import (
    Decoder,
    Embedding,
    Encoder,
    LayerNorm,
    LearnedPositions,
    Linear,
    Module,
    MultiHeadAttention,
    RMSNorm,
    TransformerBlock,
)

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install torch==2.13.0")
files = pytest.importorskip("safetensors.torch", reason="safetensors is not installed: pip install safetensors")
nn = torch.nn

WIDTH, HEADS, HIDDEN, LAYERS, VOCABULARY, CONTEXT = 8, 2, 12, 2, 11, 7
RNG = np.random.default_rng(3)
X, MEMORY = RNG.standard_normal((3, 5, WIDTH)), RNG.standard_normal((3, 6, WIDTH))
TOKENS = RNG.integers(0, VOCABULARY, (3, 5))
PADDING = np.arange(5) < np.array([[5], [3], [4]])  # True for a token
CAUSAL = np.tril(np.ones((5, 5), bool))
OPTIONS = {"rng": np.random.default_rng(0), "dtype": np.float64}


def randomised(module, seed=5):
    """As after training: biases and gains, which start at 0 and 1, are numbers as all others."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3 + 0.1)
    return module.double().eval()


# --- the same in both, with the same names of attributes --------------------------------------------------------------


class TheirStack(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.norms = nn.ModuleList([nn.LayerNorm(WIDTH), nn.RMSNorm(WIDTH, eps=1e-6)])
        self.layers = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 3, bias=False))
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("shift", torch.full((3,), 2.0))

    def forward(self, tokens):
        x = self.embedding(tokens)
        for norm in self.norms:
            x = norm(x)
        return self.layers(x) * self.scale + self.shift


class OurStack(Module):
    def __init__(self):
        self.embedding = Embedding(VOCABULARY, WIDTH, **OPTIONS)
        self.norms = [LayerNorm(WIDTH, dtype=np.float64), RMSNorm(WIDTH, dtype=np.float64)]
        self.layers = {0: Linear(WIDTH, HIDDEN, **OPTIONS), 2: Linear(HIDDEN, 3, bias=False, **OPTIONS)}
        self.scale = mg.Tensor(1.0, requires_grad=True)
        self.shift = mg.Tensor(np.zeros(3))

    def forward(self, tokens):
        x = self.embedding(tokens)
        for norm in self.norms:
            x = norm(x)
        return self.layers[2](mg.tanh(self.layers[0](x))) * self.scale + self.shift


# --- PyTorch's transformers -------------------------------------------------------------------------------------------


def their_layer(kind=nn.TransformerEncoderLayer, **options):
    return kind(WIDTH, HEADS, HIDDEN, dropout=0.1, batch_first=True, **options)


def our_block(**options):
    return TransformerBlock(WIDTH, HEADS, HIDDEN, dropout=0.1, **options, **OPTIONS).eval()


def our_stack(kind=Encoder, norm="post", last=None, **options):
    """PyTorch ends a stack with a normalisation if it is given one; ours does after pre-norm blocks."""
    stack = kind(LAYERS, WIDTH, HEADS, HIDDEN, norm=norm, **options, **OPTIONS)
    stack.norm = None if last is None else LayerNorm(WIDTH, last, dtype=np.float64)
    return stack


def encoder(last=None, **options):
    return nn.TransformerEncoder(their_layer(**options), LAYERS, last, enable_nested_tensor=False)


def decoder(last=None, **options):
    return nn.TransformerDecoder(their_layer(nn.TransformerDecoderLayer, **options), LAYERS, last)


class OurTransformer(Module):
    """PyTorch's `nn.Transformer`, whose stacks end with a normalisation, post-norm ones too."""

    def __init__(self):
        self.encoder, self.decoder = our_stack(last=1e-5), our_stack(Decoder, last=1e-5, cross=True)

    def forward(self, source, target):
        return self.decoder(target, self.encoder(source))


# --- nanoGPT's GPT and Hugging Face's GPT2LMHeadModel: their keys and what they compute, in few lines -----------------


class Conv1D(nn.Module):
    """A linear map whose weight is (inputs, outputs)."""

    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(inputs, outputs)), nn.Parameter(torch.empty(outputs))

    def forward(self, x):
        return x @ self.weight + self.bias


class TheirAttention(nn.Module):
    def __init__(self, linear, bias, mask):
        super().__init__()
        self.c_attn, self.c_proj = linear(WIDTH, 3 * WIDTH, bias=bias), linear(WIDTH, WIDTH, bias=bias)
        if mask:
            self.register_buffer("bias", torch.tril(torch.ones(CONTEXT, CONTEXT))[None, None])
            self.register_buffer("masked_bias", torch.tensor(-1e4))

    def forward(self, x):
        heads = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.c_attn(x).chunk(3, dim=-1))
        query, key, value = heads
        scores = query @ key.transpose(-1, -2) / math.sqrt(WIDTH // HEADS)
        length = x.shape[1]
        scores = scores.masked_fill(torch.triu(torch.ones(length, length, dtype=torch.bool), 1), -math.inf)
        return self.c_proj((scores.softmax(-1) @ value).transpose(1, 2).flatten(2))


class TheirBlock(nn.Module):
    def __init__(self, linear, gelu, bias, mask):
        super().__init__()
        self.ln_1, self.ln_2 = (nn.LayerNorm(WIDTH, bias=bias) for _ in range(2))
        self.attn = TheirAttention(linear, bias, mask)
        self.mlp = nn.ModuleDict(
            {"c_fc": linear(WIDTH, 4 * WIDTH, bias=bias), "gelu": gelu, "c_proj": linear(4 * WIDTH, WIDTH, bias=bias)}
        )

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp.c_proj(self.mlp.gelu(self.mlp.c_fc(self.ln_2(x))))


class TheirGPT(nn.Module):
    def __init__(self, linear=nn.Linear, gelu=None, bias=True, mask=False, tied=True):
        super().__init__()
        self.transformer = nn.ModuleDict({
            "wte": nn.Embedding(VOCABULARY, WIDTH), "wpe": nn.Embedding(CONTEXT, WIDTH),
            "h": nn.ModuleList(TheirBlock(linear, gelu or nn.GELU(), bias, mask) for _ in range(LAYERS)),
            "ln_f": nn.LayerNorm(WIDTH, bias=bias),
        })  # fmt: skip
        self.lm_head = nn.Linear(WIDTH, VOCABULARY, bias=False)
        if tied:
            self.lm_head.weight = self.transformer.wte.weight

    def forward(self, tokens):
        x = self.transformer.wte(tokens) + self.transformer.wpe.weight[: tokens.shape[1]]
        for block in self.transformer.h:
            x = block(x)
        return self.lm_head(self.transformer.ln_f(x))


def their_gpt2(**options):
    return TheirGPT(Conv1D, nn.GELU(approximate="tanh"), **options)


class OurGPT(Module):
    def __init__(self, activation, bias=True, tied=True):
        self.embedding = Embedding(VOCABULARY, WIDTH, **OPTIONS)
        self.positions = LearnedPositions(CONTEXT, WIDTH, **OPTIONS)
        self.transformer = Decoder(LAYERS, WIDTH, HEADS, activation=activation, bias=bias, **OPTIONS)
        self.readout = None if tied else Linear(WIDTH, VOCABULARY, bias=False, **OPTIONS)

    def forward(self, tokens):
        x = self.transformer(self.positions(self.embedding(tokens)))
        return x @ self.embedding.weight.T if self.readout is None else self.readout(x)


# --- theirs and ours, the layout, and how each is called; a mask is the other way round there -------------------------

x, memory, tokens, hidden, unseen = map(torch.tensor, (X, MEMORY, TOKENS, ~PADDING, ~CAUSAL))


def self_attention(layer):
    return layer(x, x, x, attn_mask=unseen, key_padding_mask=hidden)[0]


def as_encoder(layer):
    return layer(x, src_key_padding_mask=hidden)


def as_decoder(layer):
    return layer(x, memory, tgt_mask=unseen)


CASES = {
    "layers": (TheirStack, OurStack, "torch", lambda their: their(tokens), lambda our: our(TOKENS)),
    "a linear map": (
        lambda: nn.Linear(WIDTH, 3), lambda: Linear(WIDTH, 3, **OPTIONS), "torch",
        lambda their: their(x), lambda our: our(X),
    ),
    **{f"attention, bias={bias}": (
        lambda bias=bias: nn.MultiheadAttention(WIDTH, HEADS, bias=bias, batch_first=True),
        lambda bias=bias: MultiHeadAttention(WIDTH, HEADS, bias=bias, **OPTIONS), "torch",
        self_attention, lambda our: our(X, causal=True, key_mask=PADDING),
    ) for bias in (True, False)},
    **{f"encoder layer, {norm}, {activation}, bias={bias}": (
        lambda norm=norm, activation=activation, bias=bias: their_layer(
            norm_first=norm == "pre", activation=activation, bias=bias),
        lambda norm=norm, activation=activation, bias=bias: our_block(norm=norm, activation=activation, bias=bias),
        "torch", as_encoder, lambda our: our(X, key_mask=PADDING),
    ) for norm, activation, bias in [("pre", "relu", True), ("post", "gelu", True), ("post", "relu", False)]},
    "encoder, post-norm": (
        encoder, our_stack, "torch", as_encoder, lambda our: our(X, key_mask=PADDING),
    ),
    "encoder, pre-norm": (
        lambda: encoder(nn.LayerNorm(WIDTH), norm_first=True), lambda: our_stack(norm="pre", last=1e-5), "torch",
        as_encoder, lambda our: our(X, key_mask=PADDING),
    ),
    "encoder, pre-norm without a last norm": (
        lambda: encoder(norm_first=True), lambda: our_stack(norm="pre"), "torch",
        as_encoder, lambda our: our(X, key_mask=PADDING),
    ),
    **{f"decoder layer, {norm}": (
        lambda norm=norm: their_layer(nn.TransformerDecoderLayer, norm_first=norm == "pre"),
        lambda norm=norm: our_block(norm=norm, causal=True, cross=True), "torch",
        as_decoder, lambda our: our(X, MEMORY),
    ) for norm in ("pre", "post")},
    "decoder, post-norm": (
        decoder, lambda: our_stack(Decoder, cross=True), "torch", as_decoder, lambda our: our(X, MEMORY),
    ),
    "decoder, post-norm with a last norm": (
        lambda: decoder(nn.LayerNorm(WIDTH, eps=1e-3)), lambda: our_stack(Decoder, last=1e-3, cross=True), "torch",
        as_decoder, lambda our: our(X, MEMORY),
    ),
    "a whole transformer": (
        lambda: nn.Transformer(WIDTH, HEADS, LAYERS, LAYERS, HIDDEN, batch_first=True), OurTransformer, "torch",
        lambda their: their(memory, x, tgt_mask=unseen), lambda our: our(MEMORY, X),
    ),
    "nanoGPT": (
        TheirGPT, lambda: OurGPT("gelu"), "nanogpt", lambda their: their(tokens), lambda our: our(TOKENS),
    ),
    "nanoGPT without biases": (
        lambda: TheirGPT(bias=False), lambda: OurGPT("gelu", bias=False), "nanogpt",
        lambda their: their(tokens), lambda our: our(TOKENS),
    ),
    "nanoGPT, untied": (
        lambda: TheirGPT(tied=False), lambda: OurGPT("gelu", tied=False), "nanogpt",
        lambda their: their(tokens), lambda our: our(TOKENS),
    ),
    "GPT-2": (
        their_gpt2, lambda: OurGPT("gelu_tanh"), "gpt2", lambda their: their(tokens), lambda our: our(TOKENS),
    ),
    "GPT-2, untied": (
        lambda: their_gpt2(tied=False), lambda: OurGPT("gelu_tanh", tied=False), "gpt2",
        lambda their: their(tokens), lambda our: our(TOKENS),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_weights_of_pytorch_give_its_outputs_and_come_back_bit_for_bit(case, tmp_path):
    make_theirs, make_ours, layout, call_theirs, call_ours = CASES[case]
    theirs, ours, other = randomised(make_theirs()), make_ours(), make_theirs().double().eval()
    path, back = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    files.save_file({key: value.clone() for key, value in theirs.state_dict().items()}, path)
    load_weights(ours, path, layout)
    with torch.no_grad():
        expected = call_theirs(theirs).numpy()
    agree(call_ours(ours).numpy(), expected)

    save_weights(ours, back, layout)
    other.load_state_dict(files.load_file(back))
    assert bits(other.state_dict()) == bits(theirs.state_dict())
    given, written = load_arrays(path)[0], load_arrays(back)[0]
    assert {key: a.tobytes() for key, a in given.items()} == {key: a.tobytes() for key, a in written.items()}


def agree(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-12 * max(1.0, np.abs(expected).max()))


def bits(state):
    return {key: value.numpy().tobytes() for key, value in state.items()}


FILES = {
    "a state with tied weights": lambda their, path: torch.save(their.state_dict(), path),
    "one in the old format": lambda their, path: torch.save(
        their.state_dict(), path, _use_new_zipfile_serialization=False
    ),
    "a checkpoint that holds more": lambda their, path: torch.save({"model": their.state_dict(), "step": 7}, path),
}


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_torch_save_is_refused_with_the_lines_that_convert_it(file, tmp_path):
    path, theirs, ours = tmp_path / "model.pt", randomised(TheirGPT()), OurGPT("gelu")
    FILES[file](theirs, path)
    with pytest.raises(CheckpointError, match=r"; weights of torch\.save are converted where PyTorch is ") as caught:
        load_weights(ours, path, "nanogpt")
    lines = textwrap.dedent("\n".join(str(caught.value).splitlines()[1:]))
    if "more" in file:
        lines = lines.replace("  # of", "['model']  # of")
    exec(lines, {})
    load_weights(ours, f"{path}.safetensors", "nanogpt")
    with torch.no_grad():
        agree(ours(TOKENS).numpy(), theirs(tokens).numpy())


def test_what_save_model_writes_of_tied_weights_is_loaded(tmp_path):
    theirs, ours = randomised(TheirGPT()), OurGPT("gelu")
    files.save_model(theirs, tmp_path / "model.safetensors")
    load_weights(ours, tmp_path / "model.safetensors", "nanogpt")
    with torch.no_grad():
        agree(ours(TOKENS).numpy(), theirs(tokens).numpy())
