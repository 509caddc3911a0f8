"""A second training step, in which nothing was tuned: an encoder-decoder on padded pairs of sequences, with dropout.

Model: the transformer of Vaswani et al. (2017). Source and target tokens, each with an embedding of its own and
sinusoidal positions; L encoder blocks (self-attention, ReLU feed-forward of width 4D) and L decoder blocks (causal
self-attention, attention to the encoder, feed-forward), each part followed by dropout, its residual connection and
layer norm; linear read-out. Padding is masked wherever keys come from the source, and does not count in the
cross-entropy; behind the target it needs no mask, since nothing before it sees it. Task: sequences of half to full
length, written backwards. Optimiser: Adam (as in `workload`) on gradients clipped to norm 1. float32 throughout.

Dropout: every library draws from its own generator, as its users have it do, and so the draws are part of the time;
masks made beforehand would leave the draws out and add a product. Such losses cannot be compared. `measure_training`
therefore times steps with dropout, and then takes four more from the first weights without it: the first and the
fourth loss of these are what it prints. The first says that the forward pass is the same, the fourth that gradients,
clipping and Adam are.

There are as many operations as in `workload`, roughly: a block and a half for one of its blocks, so half the batch or
half the blocks.
"""

import json

import numpy as np
from workload import time_steps

#           batch, tokens, width, heads, layers of each stack, vocabulary
SIZES = {  # tokens and width as in `workload`, whose positions are added here too
    "tiny": (8, 8, 16, 2, 1, 16),
    "small": (16, 32, 64, 4, 2, 32),
    "medium": (16, 128, 256, 8, 2, 128),
}
PADDING, BEGIN, END = range(3)  # the first tokens of the vocabulary
DROPOUT = 0.1
LONGEST_GRADIENT = 1.0
ATTENTIONS = {"encoder": ("attention",), "decoder": ("attention", "cross_attention")}  # of a block
NORMS = {"attention": "attention_norm", "cross_attention": "cross_norm"}  # that follow them


def parameters(size):
    """Initial weights as float32 arrays, by the names of `minigrad.nn`, in a fixed order."""
    _, _, d, _, layers, vocabulary = SIZES[size]
    rng = np.random.default_rng(0)

    def normal(*shape):
        return (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)

    def linear(name, inputs, outputs):
        return {f"{name}.weight": normal(inputs, outputs), f"{name}.bias": np.zeros(outputs, np.float32)}

    def norm(name):
        return {f"{name}.gain": np.ones(d, np.float32), f"{name}.bias": np.zeros(d, np.float32)}

    p = {f"{side}_embedding.weight": normal(vocabulary, d) * np.float32(2) for side in ("source", "target")}
    for stack, attentions in ATTENTIONS.items():
        for block in (f"{stack}.blocks.{i}" for i in range(layers)):
            for attention in attentions:
                for name in ("query", "key", "value", "output"):
                    p |= linear(f"{block}.{attention}.{name}", d, d)
                p |= norm(f"{block}.{NORMS[attention]}")
            p |= linear(f"{block}.feed_forward.up", d, 4 * d) | linear(f"{block}.feed_forward.down", 4 * d, d)
            p |= norm(f"{block}.feed_forward_norm")
    return p | linear("readout", d, vocabulary)


def batches(size, count=4):
    """`count` batches (source, target, expected), int64, (batch, tokens) each: `expected` is the target one on."""
    batch, tokens, *_, vocabulary = SIZES[size]
    rng = np.random.default_rng(1)
    return [make_batch(rng, batch, tokens, vocabulary) for _ in range(count)]


def make_batch(rng, batch, tokens, vocabulary):
    source, target, expected = np.full((3, batch, tokens), PADDING)
    for row, length in enumerate(rng.integers(tokens // 2, tokens, batch)):  # and one more place for BEGIN or END
        words = rng.integers(END + 1, vocabulary, length)
        source[row, : length + 1] = [*words, END]
        target[row, : length + 1] = [BEGIN, *words[::-1]]
        expected[row, : length + 1] = [*words[::-1], END]
    return source, target, expected


def measure_training(name, args, make_step):
    """Print what `workload.measure` prints, of `make_step(dropout)`, which gives `step(i) -> loss` of a new model."""
    row = time_steps(name, args, make_step(DROPOUT))
    step = make_step(0.0)
    losses = [round(float(step(i)), 5) for i in range(4)]
    print(json.dumps(row | {"first_loss": losses[0], "last_loss": losses[-1]}), flush=True)
