"""What others call the weights of our modules, and what they compute with them: a row for each name that differs.

Read by `weights.py`. A path is taken apart from the inside out: what a module holds is called as the rows of its class
say, then the modules around it say how what they hold is called. Names without a row are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.arrays import Array
from minigrad.nn.attention import MultiHeadAttention
from minigrad.nn.layers import FeedForward, LayerNorm, RMSNorm, Sequential
from minigrad.nn.module import Module
from minigrad.nn.normalisation import BatchNorm, GroupNorm
from minigrad.nn.recurrent import Recurrent
from minigrad.nn.transformer import Encoder, TransformerBlock

Names = Mapping[str, str]
"""How a path begins here, and how it begins there. Paths that meet in one name are one array there: their arrays
one after another along the last axis, in the order of the rows."""


class Layout(NamedTuple):
    """How a model is stored elsewhere; linear maps are (outputs, inputs) there."""

    names: Mapping[type[Module], Names]  # of a module of this class, or of one below it
    with_memory: Names = {}  # what these are in a block with cross-attention
    as_here: tuple[type[Module], ...] = ()  # the linear maps of these are (inputs, outputs), as ours
    settings: tuple[tuple[type[Module], str, tuple[Any, ...]], ...] = ()  # what an attribute has to be
    roots: tuple[str, ...] = ("",)  # how every key begins
    base: str = ""  # with what they begin that the file of a model without its head leaves out
    tied: Names = {}  # keys for the array that another key has
    fixed: Mapping[str, tuple[str, Callable[[Array], bool]]] = {}  # how keys end that hold no weights, and what they do


def is_causal_mask(array: Array) -> bool:
    return array.ndim > 1 and np.array_equal(array, np.tril(np.ones_like(array)))


def is_far_below_zero(array: Array) -> bool:
    return bool(np.all(array <= -1e4))


def is_one_number(array: Array) -> bool:
    return array.ndim == 0


NORMS: dict[type[Module], Names] = {kind: {"gain": "weight"} for kind in (LayerNorm, RMSNorm, GroupNorm)}

TORCH = Layout(
    names={
        **NORMS,
        BatchNorm: {"gain": "weight", "running_variance": "running_var"},
        Sequential: {"layers.": ""},
        Recurrent: {
            "input_weight.": "weight_ih_l", "state_weight.": "weight_hh_l",
            "input_bias.": "bias_ih_l", "state_bias.": "bias_hh_l",
        },
        MultiHeadAttention: {
            "query.": "in_proj_", "key.": "in_proj_", "value.": "in_proj_", "output.": "out_proj.",
        },
        TransformerBlock: {
            "attention_norm.": "norm1.", "attention.": "self_attn.",
            "cross_norm.": "norm2.", "cross_attention.": "multihead_attn.",
            "feed_forward_norm.": "norm2.", "feed_forward.up.": "linear1.", "feed_forward.down.": "linear2.",
        },
        Encoder: {"blocks.": "layers."},
    },
    with_memory={"feed_forward_norm.": "norm3."},
    settings=((TransformerBlock, "feed_forward.activation", ("relu", "gelu")),),
    fixed={"num_batches_tracked": ("one number", is_one_number)},
)  # fmt: skip

NANOGPT = Layout(
    names={
        **NORMS,
        MultiHeadAttention: {"query.": "c_attn.", "key.": "c_attn.", "value.": "c_attn.", "output.": "c_proj."},
        TransformerBlock: {
            "attention_norm.": "ln_1.", "attention.": "attn.",
            "feed_forward_norm.": "ln_2.", "feed_forward.up.": "mlp.c_fc.", "feed_forward.down.": "mlp.c_proj.",
        },
        Encoder: {"blocks.": "h.", "norm.": "ln_f."},
        Module: {
            "embedding.": "transformer.wte.", "positions.": "transformer.wpe.", "transformer.": "transformer.",
            "blocks.": "transformer.h.", "norm.": "transformer.ln_f.", "readout.": "lm_head.",
        },
    },
    settings=(
        (FeedForward, "activation", ("gelu",)),
        (TransformerBlock, "norm", ("pre",)),
        (TransformerBlock, "causal", (True,)),
        (LayerNorm, "epsilon", (1e-5,)),
    ),
    roots=("transformer.", "lm_head."),
    tied={"lm_head.weight": "transformer.wte.weight"},
    fixed={
        ".attn.bias": ("the causal mask", is_causal_mask),
        ".attn.masked_bias": ("at most -10,000", is_far_below_zero),
    },
)  # fmt: skip

GPT2 = NANOGPT._replace(
    as_here=(MultiHeadAttention, FeedForward),
    settings=((FeedForward, "activation", ("gelu_tanh",)), *NANOGPT.settings[1:]),
    base="transformer.",
)

LAYOUTS = {"torch": TORCH, "nanogpt": NANOGPT, "gpt2": GPT2}
