"""The training step of `translation.py`, written with minigrad.nn, in the modes of `train_step.py`.

    python compare.py small "python translation_torch.py" "python translation_step.py --mode compiled"

`make_step` gives it without dropout, too, as losses are compared.
"""

import numpy as np
from train_step import MODES, prepare
from translation import LONGEST_GRADIENT, PADDING, SIZES, batches, measure_training, parameters
from workload import positions

import minigrad as mg
from minigrad import nn, optim


class Model(nn.Module):
    """Source and target tokens → encoder and decoder → logits of the next target token."""

    def __init__(self, size, dropout, rng):
        _, _, width, heads, layers, vocabulary = SIZES[size]
        options = {"norm": "post", "dropout": dropout, "rng": rng}
        self.source_embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.target_embedding = nn.Embedding(vocabulary, width, rng=rng)
        self.positions = mg.Tensor(positions(size))
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.Encoder(layers, width, heads, **options)
        self.decoder = nn.Decoder(layers, width, heads, cross=True, **options)
        self.readout = nn.Linear(width, vocabulary, rng=rng)

    def forward(self, source, target):
        there = source != PADDING
        memory = self.encoder(self.dropout(self.source_embedding(source) + self.positions), key_mask=there)
        x = self.dropout(self.target_embedding(target) + self.positions)
        return self.readout(self.decoder(x, memory, memory_mask=there))


def make_step(size, mode, dropout):
    """`step_on(source, target, expected) -> loss` of a new model, in one of the `MODES`."""
    model = Model(size, dropout, np.random.default_rng(0))
    model.load_state_dict(parameters(size) | {"positions": positions(size)})
    weights = model.parameters()
    adam = optim.Adam(weights, rate=1e-3)
    draws = np.random.default_rng(0)

    def step_on(source, target, expected):
        adam.zero_grad()
        with mg.generator(draws):
            loss = mg.cross_entropy(model(source, target), expected, ignore_index=PADDING)
        loss.backward()
        optim.clip_gradients(weights, LONGEST_GRADIENT)
        adam.step()
        return loss

    return MODES[mode](step_on)


def main():
    args, mode = prepare()
    data = batches(args.size)

    def make_counted_step(dropout):
        step_on = make_step(args.size, mode, dropout)
        return lambda i: float(step_on(*data[i % 4]))

    measure_training(f"minigrad-{mode}", args, make_counted_step)


if __name__ == "__main__":
    main()
