"""A model writes down digits that are spoken, three to five at one go, and its attention walks along the sound.

    python examples/fields/recognise_speech.py --out pictures

The encoder reads a spectrogram, three frames at a time; the decoder writes a digit after the other and looks at the
sound through cross-attention. A synthesiser speaks, espeak-ng, and what is measured it says at one go, in voices that
training has not heard. Half of what is trained on is put together from single digits, and all of it is disturbed.

What to look at:
1. The share of digits that are right, beside the nearest of 680 by dynamic time warping, which hears them one by one.
2. How often attention moves on, and speech_attention.svg, drawn with --out: a sequence, and over it where it lay.
"""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from alignment import share_right, warping_baseline
from disturb import disturb
from listening import draw_listening, share_onwards
from minigrad import nn, optim
from rows import pad, pad_targets
from spoken_digits import draw_utterance, spoken_digits

Frames = np.ndarray  # float32 (utterances, frames, 40), from 0, silence, to 1
Mask = np.ndarray  # booleans (utterances, frames), True where a frame is real
Ids = np.ndarray  # integers (utterances, digits)
BANDS, LONGEST, TOGETHER = 40, 180, 3  # no utterance has more frames than 180; three are a token
BATCH, WIDTH, HEADS, LAYERS, START, END = 32, 64, 4, 2, 10, 11  # the last two stand beside the ten digits


class Recogniser(nn.Module):
    def __init__(self, rng: np.random.Generator) -> None:
        self.listen = nn.Linear(TOGETHER * BANDS, WIDTH, rng=rng)
        self.embedding = nn.Embedding(END + 1, WIDTH, rng)
        self.positions = nn.SinusoidalPositions(WIDTH)
        self.encoder = nn.Encoder(LAYERS, WIDTH, HEADS, 2 * WIDTH, rng=rng)
        self.decoder = nn.Decoder(LAYERS, WIDTH, HEADS, 2 * WIDTH, rng=rng, cross=True)
        self.readout = nn.Linear(WIDTH, END + 1, rng=rng)

    def encode(self, frames: Frames, real: Mask) -> mg.Tensor:
        tokens = frames.reshape(len(frames), LONGEST // TOGETHER, TOGETHER * BANDS)
        return self.encoder(self.positions(self.listen(tokens)), key_mask=real[:, ::TOGETHER])

    def decode(self, written: Ids, memory: mg.Tensor, real: Mask, cache: nn.KeyValueCache | None = None) -> mg.Tensor:
        x = self.positions(self.embedding(written), start=0 if cache is None else cache.tokens)
        return self.readout(self.decoder(x, memory, memory_mask=real[:, ::TOGETHER], cache=cache))

    @mg.no_grad()
    def write(self, frames: Frames, real: Mask) -> list[list[int]]:
        """The digits of each utterance, always the likeliest, up to the end."""
        memory, cache, written = self.encode(frames, real), nn.KeyValueCache(), [np.full((len(frames), 1), START)]
        for _ in range(6):
            written.append(self.decode(written[-1], memory, real, cache).numpy().argmax(axis=-1))
        return [row[: [*row, END].index(END)] for row in np.concatenate(written[1:], axis=1).tolist()]

    @mg.no_grad()
    def look_back(self, frames: Frames, real: Mask, written: list[list[int]]) -> np.ndarray:
        """Where attention lay for each digit and the end, (utterances, signs, tokens): last layer, mean over heads."""
        self.decode(pad_targets([[START, *digits, END] for digits in written])[0], self.encode(frames, real), real)
        return self.decoder.blocks[-1].cross_attention.weights.numpy().mean(axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Write down spoken digits with an encoder and a decoder.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the picture; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="30 steps instead of 3,500")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps = 30 if arguments.quick else 3500

    spoken, singles = spoken_digits(), spoken_digits(single=True)
    unseen = spoken.validation
    sounds, real = pad(unseen.frames, length=LONGEST)
    print(f"{spoken.source}: {len(spoken.train.frames):,} sequences to learn from, {len(unseen.frames)} to measure on")
    mg.keep_memory()
    rng = np.random.default_rng(arguments.seed)
    model = Recogniser(rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=4e-3, weight_decay=0.1, schedule=schedule)

    def step(frames: Frames, real: Mask, inputs: Ids, following: Ids) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model.decode(inputs, model.encode(frames, real), real), following, ignore_index=-1)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def batches() -> Iterator[tuple[np.ndarray, ...]]:
        while True:
            drawn = [draw_utterance(spoken.train, singles.train, rng) for _ in range(BATCH)]
            targets = pad_targets([[START, *digits, END] for _, digits in drawn])
            yield *pad([disturb(sound, rng) for sound, _ in drawn], length=LONGEST), *targets

    def validate() -> float:
        return share_right(model.write(sounds, real), unseen.digits)

    mg.fit(step if arguments.eager else mg.compile(step), batches(), steps, validate, every=steps // 5)
    written = model.write(sounds, real)
    weights = model.look_back(sounds, real, written)
    print(f"from a digit to the next, attention moves on in {share_onwards(weights, written):.1%} of the cases")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        picture = draw_listening(unseen.frames[230], weights[230], unseen.digits[230], [*written[230], "end"], TOGETHER)
        picture.save(arguments.out / "speech_attention.svg")
    baseline = warping_baseline(*singles.train[:2], *singles.validation[:2])
    print(f"result: spoken digits right {share_right(written, unseen.digits):.2%} (baseline {baseline:.2%})")


if __name__ == "__main__":
    main()
