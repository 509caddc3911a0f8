"""One training step of the benchmark model, written with minigrad.nn: a subject for `compare.py`.

    python compare.py small "python train_step.py --mode eager" "python train_step.py --mode compiled"

`workload.py` says what the model and the data are. Modes: eager (default) and compiled, which runs the same function
through `minigrad.compile`. `scaling.py` takes its steps from here too.
"""

import numpy as np
from workload import SIZES, arguments, batches, given_threads, measure, parameters, positions

import minigrad as mg
from minigrad import nn, optim

MODES = {"eager": lambda function: function, "compiled": mg.compile}


class Model(nn.Module):
    """Tokens → embedding and positions → pre-norm blocks → logits."""

    def __init__(self, size, rng):
        _, _, width, heads, layers, vocabulary = SIZES[size]
        self.embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.positions = mg.Tensor(positions(size))
        self.decoder = nn.Encoder(layers, width, heads, rng=rng)
        self.readout = nn.Linear(width, vocabulary, rng=rng)

    def forward(self, tokens):
        return self.readout(self.decoder(self.embedding(tokens) + self.positions))


def make_step(size, mode):
    """`step_on(tokens, targets) -> loss` of a new model, in one of the `MODES`."""
    model = Model(size, np.random.default_rng(0))
    model.load_state_dict(weights(size))
    adam = optim.Adam(model.parameters(), rate=1e-3)

    def step_on(tokens, targets):
        adam.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        adam.step()
        return loss

    return MODES[mode](step_on)


def weights(size):
    """The weights of the workload under the names of this model; one product for query, key and value becomes three."""
    given = parameters(size)
    state = {
        "embedding.weight": given["embedding"], "positions": positions(size),
        "readout.weight": given["readout.weight"], "readout.bias": given["readout.bias"],
        "decoder.norm.gain": given["norm.gain"], "decoder.norm.bias": given["norm.bias"],
    }  # fmt: skip
    for i in range(SIZES[size][4]):
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


def prepare():
    """The arguments and one of the `MODES`; memory is kept, and programs have as many threads as are given."""
    args = arguments()
    mode = args.mode or "eager"
    if mode not in MODES:
        raise SystemExit(f"--mode {mode}: expected {' or '.join(MODES)}")
    mg.keep_memory()
    if mode == "compiled" and given_threads() > 1:
        mg.use_threads(given_threads())
    return args, mode


def main():
    args, mode = prepare()
    data = batches(args.size)
    step_on = make_step(args.size, mode)
    measure(f"minigrad-{mode}", args, lambda i: float(step_on(*data[i % 4])))


if __name__ == "__main__":
    main()
