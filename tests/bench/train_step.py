"""One training step of the benchmark model, written with minigrad.nn: a subject for `compare.py`.

    python compare.py small "python torch_step.py" "python path/to/tests/bench/train_step.py --mode eager"

`workload.py`, which `compare.py` puts on the path, says what the model and the data are. Modes: eager.
"""

import numpy as np
from workload import SIZES, arguments, batches, measure, parameters, positions

import minigrad as mg
from minigrad import nn, optim

args = arguments()
BATCH, TOKENS, WIDTH, HEADS, LAYERS, VOCABULARY = SIZES[args.size]
DATA = batches(args.size)


class Model(nn.Module):
    """Tokens → embedding and positions → pre-norm blocks → logits."""

    def __init__(self, rng):
        self.embedding = nn.Embedding(VOCABULARY, WIDTH, rng=rng)
        self.positions = mg.Tensor(positions(args.size))
        self.decoder = nn.Encoder(LAYERS, WIDTH, HEADS, rng=rng)
        self.readout = nn.Linear(WIDTH, VOCABULARY, rng=rng)

    def forward(self, tokens):
        return self.readout(self.decoder(self.embedding(tokens) + self.positions))


def weights():
    """The weights of the workload under the names of this model; one product for query, key and value becomes three."""
    given = parameters(args.size)
    state = {
        "embedding.weight": given["embedding"], "positions": positions(args.size),
        "readout.weight": given["readout.weight"], "readout.bias": given["readout.bias"],
        "decoder.norm.gain": given["norm.gain"], "decoder.norm.bias": given["norm.bias"],
    }  # fmt: skip
    for i in range(LAYERS):
        block = f"decoder.blocks.{i}"
        for ours, theirs in (
            ("attention_norm.gain", "norm1.gain"), ("attention_norm.bias", "norm1.bias"),
            ("feed_forward_norm.gain", "norm2.gain"), ("feed_forward_norm.bias", "norm2.bias"),
            ("attention.output.weight", "out.weight"), ("attention.output.bias", "out.bias"),
            ("feed_forward.up.weight", "up.weight"), ("feed_forward.up.bias", "up.bias"),
            ("feed_forward.down.weight", "down.weight"), ("feed_forward.down.bias", "down.bias"),
        ):  # fmt: skip
            state[f"{block}.{ours}"] = given[f"{i}.{theirs}"]
        for part in ("weight", "bias"):
            for name, values in zip(
                ("query", "key", "value"), np.split(given[f"{i}.qkv.{part}"], 3, axis=-1), strict=True
            ):
                state[f"{block}.attention.{name}.{part}"] = values
    return state


mg.keep_memory()
model = Model(np.random.default_rng(0))
model.load_state_dict(weights())
adam = optim.Adam(model.parameters(), rate=1e-3)


def step(i):
    tokens, targets = DATA[i % 4]
    adam.zero_grad()
    loss = mg.cross_entropy(model(tokens), targets)
    loss.backward()
    adam.step()
    return float(loss)


if args.mode not in ("", "eager"):
    raise SystemExit(f"--mode {args.mode}: expected eager")
measure("minigrad-eager", args, step)
