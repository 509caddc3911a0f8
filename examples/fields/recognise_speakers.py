"""Nine men say the same two vowels, and a model tells who speaks: frames of sound are its tokens.

    python examples/fields/recognise_speakers.py --out pictures

Who speaks, not what is said. An utterance has 7 to 29 frames; padding makes them equally long, and masks keep it out of
everything. Frames attend to each other once, then a trained query gathers them into one vector. There are only 30
utterances for each man, recorded on one occasion, and the others are from another, so each training batch is disturbed:
noise on each frame, a shift of the whole utterance, and three frames in ten left out. Nothing is done to the 370
utterances that are measured. The settings were chosen with an eye on these, since there is no third part; seeds were
not.

What to look at:
1. The share of utterances that are right, beside softmax regression on the mean of the frames.
2. The heat map, drawn with --out as speakers_attention.svg: which frames count, for one utterance of each man. One
   head looks at the beginning of the sound, another at its end. What is crossed out is padding.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from minigrad.data import regression_baseline, row_batches
from rows import pad
from utterances import vowels

Frames = np.ndarray  # float32 (utterances, frames, 12)
Mask = np.ndarray  # booleans (utterances, frames), True where a frame is real
SPEAKERS, COEFFICIENTS = 9, 12
BATCH, WIDTH, HEADS, DROPOUT = 32, 32, 4, 0.2
NOISE, SHIFT, LEFT_OUT = 0.5, 0.2, 0.3  # the first two in standard deviations of a coefficient


class Recogniser(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.embedding = nn.Linear(COEFFICIENTS, WIDTH, rng=rng)
        self.encoder = nn.Encoder(1, WIDTH, HEADS, 2 * WIDTH, rng=rng, dropout=DROPOUT)
        self.pooling = nn.AttentionPooling(WIDTH, HEADS, rng=rng)
        self.dropout = nn.Dropout(DROPOUT)
        self.readout = nn.Linear(WIDTH, SPEAKERS, rng=rng)

    def forward(self, frames: Frames, real: Mask) -> mg.Tensor:
        x = self.encoder(self.embedding(frames), key_mask=real)
        return self.readout(self.dropout(self.pooling(x, real)))


def main() -> None:
    parser = argparse.ArgumentParser(description="Recognise speakers by attention over frames.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the heat map; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="60 steps instead of 500")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps = 60 if arguments.quick else 500

    utterances = vowels()
    train, real = pad(utterances.train.frames)
    unseen, unseen_real = pad(utterances.validation.frames)
    mean, deviation = train[real].mean(axis=0), train[real].std(axis=0)
    train, unseen = (train - mean) / deviation, (unseen - mean) / deviation
    speakers, unseen_speakers = utterances.train.speakers, utterances.validation.speakers
    print(f"{utterances.source}: {len(train)} utterances to learn from, {len(unseen)} to measure on")

    mg.keep_memory()
    rng = np.random.default_rng(arguments.seed)
    model = Recogniser(rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=5e-3, weight_decay=0.1, schedule=schedule)

    def step(frames: Frames, real: Mask, speakers: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(frames, real), speakers, label_smoothing=0.1)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def batches() -> Iterator[tuple[np.ndarray, ...]]:
        for rows in row_batches(len(train), BATCH, rng):
            noise = NOISE * rng.standard_normal(train[rows].shape, np.float32)
            shift = SHIFT * rng.standard_normal((BATCH, 1, COEFFICIENTS), np.float32)
            yield train[rows] + noise + shift, real[rows] & (rng.random(real[rows].shape) > LEFT_OUT), speakers[rows]

    def share_right() -> float:
        model.eval()
        with mg.no_grad():
            found = model(unseen, unseen_real).numpy().argmax(axis=-1)
        model.train()
        return float((found == unseen_speakers).mean())

    with mg.generator(rng):  # dropout draws from it
        mg.fit(step if arguments.eager else mg.compile(step), batches(), steps, share_right, every=steps // 5)

    right = share_right()
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        first = [int(np.flatnonzero(unseen_speakers == speaker)[0]) for speaker in range(SPEAKERS)]
        weights = model.pooling.attention.weights.numpy()[first, :, 0].swapaxes(0, 1)  # (heads, speakers, frames)
        weights = np.where(unseen_real[first], weights, np.nan)[..., : unseen_real[first].sum(axis=1).max()]
        axes = ("head", "speakers", "frames")
        names, limit = [f"speaker {n}" for n in range(SPEAKERS)], float(np.nanmax(weights))
        picture = mg.heatmap(weights, names, title="Which frames count", limit=limit, axes=axes)
        picture.save(arguments.out / "speakers_attention.svg")
    pooled = [(x * mask[..., None]).sum(1) / mask.sum(1)[:, None] for x, mask in ((train, real), (unseen, unseen_real))]
    baseline = regression_baseline(pooled[0], speakers, pooled[1], unseen_speakers)
    print(f"result: utterances right {right:.2%} (baseline {baseline:.2%})")


if __name__ == "__main__":
    main()
