"""A model translates dates, character by character, and its attention shows what it reads for each character it writes.

    python examples/fields/translate_dates.py --out pictures

The encoder reads a date in Chinese (or --source fr), the decoder writes it in English (or --target iso), one character
at a time, and looks at the source through cross-attention. Measured on unseen years. Needs the extra `translation`.

What to look at:
1. The share of dates that are right in every character, beside what fixed places achieve: for each place of the target
   the one place of the source that tells most. Where places move with the date, only a look at the signs helps.
2. The heat map, drawn with --out as dates_attention.svg: for the month it looks between 年 and 月, then before 日, then
   back at the digits of the year, hardly ever at the day of the week. (Each sign has been told of its neighbours.)
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import date_pairs
import minigrad as mg
from minigrad import data, nn, optim
from places import fixed_places_baseline
from rows import pad, pad_targets

Ids = np.ndarray  # integers (dates, characters)
MARK = "\n"  # before and after each target
BATCH, WIDTH, HEADS, LAYERS = 64, 64, 4, 2


class Translator(nn.Module):
    def __init__(self, characters: int, rng: np.random.Generator) -> None:
        self.embedding = nn.Embedding(characters, WIDTH, rng)
        self.positions = nn.SinusoidalPositions(WIDTH)
        self.encoder = nn.Encoder(LAYERS, WIDTH, HEADS, 2 * WIDTH, rng=rng)
        self.decoder = nn.Decoder(LAYERS, WIDTH, HEADS, 2 * WIDTH, rng=rng, cross=True)
        self.readout = nn.Linear(WIDTH, characters, rng=rng)

    def encode(self, source: Ids, real: Ids) -> mg.Tensor:
        return self.encoder(self.positions(self.embedding(source)), key_mask=real)

    def decode(self, target: Ids, memory: mg.Tensor, real: Ids, cache: nn.KeyValueCache | None = None) -> mg.Tensor:
        x = self.positions(self.embedding(target), start=0 if cache is None else cache.tokens)
        return self.readout(self.decoder(x, memory, memory_mask=real, cache=cache))

    @mg.no_grad()
    def translate(self, source: Ids, real: Ids, start: int, count: int) -> Ids:
        """`count` characters for each source, always the likeliest; with a cache, each is computed once."""
        memory, cache, written = self.encode(source, real), nn.KeyValueCache(), [np.full((len(source), 1), start)]
        for _ in range(count):
            written.append(self.decode(written[-1], memory, real, cache).numpy().argmax(axis=-1))
        return np.concatenate(written[1:], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Translate dates with an encoder and a decoder.")
    parser.add_argument("--source", choices=["zh", "fr"], default="zh", help="language to read")
    parser.add_argument("--target", choices=["iso", "en"], default="en", help="notation to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the heat map; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="20 steps instead of 600, every 25th date")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps, stride = (20, 25) if arguments.quick else (600, 1)
    dates = date_pairs.dates(arguments.source, arguments.target)
    print(f"{dates.source}: {len(dates.train.sources):,} dates to learn from, {len(dates.validation.sources):,} unseen")
    vocabulary = data.Vocabulary(MARK + "".join(dates.train.sources + dates.train.targets))
    train, unseen = (encoded(part, vocabulary, stride) for part in (dates.train, dates.validation))

    mg.keep_memory()
    rng = np.random.default_rng(arguments.seed)
    model = Translator(len(vocabulary), rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=3e-3, weight_decay=0.1, schedule=schedule)

    def step(source: Ids, real: Ids, inputs: Ids, following: Ids) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model.decode(inputs, model.encode(source, real), real), following, ignore_index=-1)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def share_right(count: int = 300) -> float:
        source, real, _, following = (array[:: max(len(array) // count, 1)] for array in unseen)
        written = model.translate(source, real, int(vocabulary.encode(MARK)[0]), following.shape[1])
        return float(((written == following) | (following < 0)).all(axis=1).mean())

    batches = (tuple(array[rows] for array in train) for rows in data.row_batches(len(train[0]), BATCH, rng))
    mg.fit(step if arguments.eager else mg.compile(step), batches, steps, share_right, every=steps // 5)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        draw(model, [array[65 // stride :][:1] for array in unseen], vocabulary, arguments.out / "dates_attention.svg")
    baseline = fixed_places_baseline(*dates.train, *dates.validation)
    print(f"result: unseen dates right {share_right(len(unseen[0])):.2%} (baseline {baseline:.2%})")


def encoded(pairs: date_pairs.Pairs, vocabulary: data.Vocabulary, stride: int) -> tuple[Ids, Ids, Ids, Ids]:
    """Sources and where they are real; targets from the mark on, and what follows each character, -1 for nothing."""
    source, real = pad([vocabulary.encode(text) for text in pairs.sources[::stride]])
    return source, real, *pad_targets([vocabulary.encode(MARK + text + MARK) for text in pairs.targets[::stride]])


def draw(model: Translator, date: list[Ids], vocabulary: data.Vocabulary, path: Path) -> None:
    """The weights of the last cross-attention, in the mean over heads: characters written by characters read."""
    source, real, inputs, following = date
    with mg.no_grad():
        model.decode(inputs, model.encode(source, real), real)
    weights = model.decoder.blocks[-1].cross_attention.weights.numpy()[0].mean(axis=0)
    written, read = vocabulary.decode(following[following >= 0])[:-1], vocabulary.decode(source[real])
    mg.heatmap(weights[: len(written), : len(read)], written, read, axes=("", "written", "read")).save(path)


if __name__ == "__main__":
    main()
