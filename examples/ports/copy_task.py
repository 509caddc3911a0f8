"""The Annotated Transformer's first example: an encoder and a decoder learn to copy, with its schedule and its loss.

    python examples/ports/copy_task.py --out pictures

Sequences of ten symbols go in and are to come out; two layers on each side. The rate is a fifth of that in section 5.3
of "Attention Is All You Need": it rises for 400 steps, then falls like 1 / √step. Targets are smoothed, as in section
5.4: 0.9 for the right symbol, 0.1 shared among the others. What is written is the likeliest, symbol by symbol.

What to look at:
1. Rate and gradient of the loss beside the original's rules in NumPy. Its smoothing shares 0.1 among the wrong symbols,
   `label_smoothing` among all, so it has to be larger: 0.1 · 10 / 9.
2. New sequences are copied, nearly all without a mistake; --out draws copy_attention.svg: place i looks at place i.
"""

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from options import new_parser

Ids = np.ndarray  # integers (sequences, LENGTH)
SYMBOLS, LENGTH, BATCH, WIDTH, SMOOTHING, WARMUP, STRENGTH = 10, 10, 80, 64, 0.1, 400, 0.2
BEGIN = SYMBOLS  # the sign that is read before the first symbol is written


class Transformer(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.source, self.target = (nn.Embedding(SYMBOLS + 1, WIDTH, rng) for _ in range(2))
        self.positions = nn.SinusoidalPositions(WIDTH)
        self.encoder = nn.Encoder(2, WIDTH, heads=4, rng=rng, dropout=0.1)
        self.decoder = nn.Decoder(2, WIDTH, heads=4, rng=rng, dropout=0.1, cross=True)
        self.generator = nn.Linear(WIDTH, SYMBOLS, rng=rng)

    def forward(self, source: Ids, target: Ids) -> mg.Tensor:
        memory = self.encoder(self.positions(self.source(source)))
        return self.generator(self.decoder(self.positions(self.target(target)), memory))

    @mg.no_grad()
    def share_copied(self, source: Ids) -> float:
        self.eval()
        written = np.full((len(source), 1), BEGIN)
        for _ in range(LENGTH):
            written = np.c_[written, self(source, written).numpy()[:, -1].argmax(axis=-1)]
        self.train()
        return float((written[:, 1:] == source).all(axis=1).mean())


def original_gradient(logits: np.ndarray, targets: Ids) -> np.ndarray:
    wanted = np.where(np.arange(SYMBOLS) == targets[..., None], 1 - SMOOTHING, SMOOTHING / (SYMBOLS - 1))
    predicted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return (predicted / predicted.sum(axis=-1, keepdims=True) - wanted) / targets.size


def main() -> None:
    parser = new_parser("A transformer that copies.", "300 steps instead of 600")
    arguments, rng = parser.parse_args(), np.random.default_rng(0)
    steps = 300 if arguments.quick else 600
    model, new = Transformer(rng), rng.integers(0, SYMBOLS, (200, LENGTH))
    schedule, rate = optim.InverseSquareRoot(WARMUP), STRENGTH * (WIDTH * WARMUP) ** -0.5
    optimiser = optim.Adam(model.parameters(), rate, betas=(0.9, 0.98), epsilon=1e-9, schedule=schedule)

    def loss_of(logits: mg.Tensor, targets: Ids) -> mg.Tensor:
        return mg.cross_entropy(logits, targets, label_smoothing=SMOOTHING * SYMBOLS / (SYMBOLS - 1))

    @mg.compile
    def step(symbols: Ids, before: Ids) -> mg.Tensor:
        optimiser.zero_grad()
        loss = loss_of(model(symbols, before), symbols)
        loss.backward()
        optimiser.step()
        return loss

    drawn = (rng.integers(0, SYMBOLS, (BATCH, LENGTH)) for _ in range(steps))
    batches = ((symbols, np.c_[np.full(BATCH, BEGIN), symbols[:, :-1]]) for symbols in drawn)
    untrained = model.share_copied(new)
    with mg.generator(rng):  # for dropout
        mg.fit(step, batches, steps, lambda: model.share_copied(new), every=steps // 10)
    logits = mg.Tensor(rng.standard_normal((BATCH, LENGTH, SYMBOLS)), requires_grad=True)
    gradient = mg.grad(loss_of(logits, new[:BATCH]), logits).numpy()
    apart = abs(gradient - original_gradient(logits.numpy(), new[:BATCH])).max() / abs(gradient).max()
    rates = [STRENGTH * WIDTH**-0.5 * min(n**-0.5, n * WARMUP**-1.5) for n in range(1, 4000)]
    factor = np.abs([rate * float(schedule(n + 1)) / original - 1 for n, original in enumerate(rates)]).max()
    print(f"beside the original: rate within {factor:.1e} of it, gradient of the loss within {apart:.1e}")
    print(f"result: new sequences copied {model.share_copied(new):.1%} (baseline {untrained:.1%})")
    if arguments.out is not None:
        weights = model.decoder.blocks[-1].cross_attention.weights.numpy().mean(axis=(0, 1))
        mg.heatmap(weights, axes=("", "written", "read")).save(arguments.out / "copy_attention.svg")


if __name__ == "__main__":
    main()
