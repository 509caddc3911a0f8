"""Attention as it began: a recurrent decoder asks, at each character it writes, where in the source to look.

    python examples/ports/bahdanau.py --out pictures

After Bahdanau, Cho and Bengio, arXiv 1409.0473, and d2l.ai's chapter on it: one GRU reads in both directions, another
writes, and its state s scores what was read at place j, hⱼ, by v · tanh(W s + U hⱼ). The language is dates: "Friday, 3
March 1905" is to be written as "1905-03-03"; every eleventh year is held out.

What to look at:
1. The weights beside the equations of the paper in NumPy, and, drawn with --out as bahdanau.svg, on a date.
2. The share of unseen dates without a mistake, beside what fixed places of the source achieve.
"""

import sys
from datetime import date, timedelta
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "fields"))

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim
from options import new_parser
from places import fixed_places_baseline
from rows import pad

Ids, WIDTH, BATCH, MARK = np.ndarray, 64, 64, "\n"  # the mark: before the first character


class Translator(nn.Module):
    def __init__(self, characters: int, rng: np.random.Generator) -> None:
        self.embedding = nn.Embedding(characters, WIDTH, rng)
        self.reader = nn.GRU(WIDTH, WIDTH // 2, bidirectional=True, rng=rng)
        layers = (nn.Linear(WIDTH, outputs, bias=False, rng=rng) for outputs in (WIDTH, WIDTH, 1))
        self.of_state, self.of_place, self.score = layers
        self.writer = nn.GRU(2 * WIDTH, WIDTH, rng=rng)
        self.readout = nn.Linear(WIDTH, characters, rng=rng)

    def forward(self, source: Ids, real: Ids, target: Ids, forced: bool = True) -> tuple[mg.Tensor, ...]:
        """Logits, weights and states of each place to write, and what was read; forced, by the target as it is."""
        places, state = self.reader(self.embedding(source))
        keys, state, written = self.of_place(places), mg.concatenate([state[0], state[1]], axis=-1), []
        for place in range(target.shape[1] - 1):
            weights = mg.softmax(self.score(mg.tanh(self.of_state(state)[:, None] + keys))[..., 0], where=real)
            context = (weights[:, None] @ places)[:, 0]
            before = target[:, place] if forced or place == 0 else mg.argmax(written[-1][0], axis=-1)
            entering = mg.concatenate([context, self.embedding(before)], axis=-1)[:, None]
            state = self.writer(entering, state[None])[1][0]
            written.append((self.readout(state), weights, state))
        return *(mg.stack(parts, axis=1) for parts in zip(*written, strict=True)), places


def main() -> None:
    parser = new_parser("A recurrent net with attention writes dates in figures.", "150 steps instead of 400")
    arguments, rng = parser.parse_args(), np.random.default_rng(0)
    steps, days = 150 if arguments.quick else 400, [date(1900, 1, 1) + timedelta(n) for n in range(73_000)]
    texts, figures = [f"{day:%A}, {day.day} {day:%B} {day.year}" for day in days], [str(day) for day in days]
    unseen = np.array([day.year % 11 == 2 for day in days])
    vocabulary = data.Vocabulary(MARK + "".join(texts) + "0123456789-")
    source, real = pad([vocabulary.encode(text) for text in texts])
    target = np.array([vocabulary.encode(MARK + text) for text in figures])
    model = Translator(len(vocabulary), rng)
    optimiser = optim.AdamW(model.parameters(), rate=3e-3, schedule=optim.WarmupCosine(warmup=steps // 20, steps=steps))

    @mg.compile
    def step(source: Ids, real: Ids, target: Ids) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(source, real, target)[0], target[:, 1:])
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    @mg.no_grad()
    def share_right(rows: np.ndarray) -> float:
        written = model(source[rows], real[rows], target[rows], forced=False)[0].numpy().argmax(axis=-1)
        return float((written == target[rows, 1:]).all(axis=1).mean())

    train, new = np.flatnonzero(~unseen), np.flatnonzero(unseen)
    batches = (tuple(a[train[i]] for a in (source, real, target)) for i in data.row_batches(len(train), BATCH, rng))
    mg.fit(step, batches, steps, lambda: share_right(new[::20]), every=steps // 10)
    p, (_, weights, states, places) = model.state_dict(), model(source[new[:99]], real[new[:99]], target[new[:99]])
    states, places = (states.numpy()[:, :-1] @ p["of_state.weight"])[:, :, None], places.numpy() @ p["of_place.weight"]
    shares = np.exp(np.tanh(states + places[:, None]) @ p["score.weight"][:, 0]) * real[new[:99], None]
    apart = abs(shares / shares.sum(axis=-1, keepdims=True) - weights.numpy()[:, 1:]).max()
    print(f"weights: at most {apart:.1e} from the equations of the paper")
    if arguments.out is not None:
        text, figure, path = texts[new[65]], figures[new[65]], arguments.out / "bahdanau.svg"
        mg.heatmap(weights.numpy()[65, :, : len(text)], figure, text, axes=("", "written", "read")).save(path)
    known = [[part[i] for i in rows] for rows in (train, new) for part in (texts, figures)]
    print(f"result: unseen dates right {share_right(new):.2%} (baseline {fixed_places_baseline(*known):.2%})")


if __name__ == "__main__":
    main()
