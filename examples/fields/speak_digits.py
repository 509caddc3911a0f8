"""A synthesiser speaks digits in 85 voices: the data that `recognise_speech.py` learns from.

    python examples/fields/speak_digits.py --out examples/fields/files

Needs the program espeak-ng, in Debian and Ubuntu `apt-get install espeak-ng`; the file that lies there was made with
version 1.51. Nobody has spoken any of it. A voice is a variant of espeak-ng's; those that sound like one before them
are left out. Each says sequences of three to five digits, at one go, and each digit by itself; accent, speed and pitch
are drawn anew each time. Every fifth voice is for measuring only.

What to look at: how many voices differ, what is in each part, and the size of the file that is written with --out.
"""

import argparse
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from log_mel import HOP, log_mel

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = (  # not en-gb, which is the same in every voice
    "en", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-gb-x-gbcwmd", "en-us", "en-us-nyc", "en-029",
)  # fmt: skip
SPEEDS, PITCHES = (130, 211), (25, 76)  # words a minute, and espeak-ng's own scale from 0 to 99
SEQUENCES = 20  # for each voice
STEP, LEVELS = 4.0, 15  # decibels, and how many of these steps below its loudest place an utterance is cut off
ALIKE = 2.0  # decibels, in the mean over all of an utterance
HELD_OUT = 5  # every fifth voice


def main() -> None:
    parser = argparse.ArgumentParser(description="Let espeak-ng speak digits, and write their spectrograms.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for spoken_digits.npz; without it nothing is written")
    parser.add_argument("--quick", action="store_true", help="every 16th voice")
    arguments = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        raise SystemExit("speak_digits.py needs the program espeak-ng: apt-get install espeak-ng")

    variants = all_variants()
    voices = distinct(variants[::16] if arguments.quick else variants)
    print(f"{len(voices)} voices differ, of {len(variants)}")
    held_out = set(voices[HELD_OUT // 2 :: HELD_OUT])

    rng = np.random.default_rng(arguments.seed)
    frames, digits, rows = [], [], []
    for place, voice in enumerate(voices):
        sequences = [rng.integers(len(WORDS), size=rng.integers(3, 6)).tolist() for _ in range(SEQUENCES)]
        for said in sequences + [[digit] for digit in range(len(WORDS))]:
            accent, speed, pitch = (int(rng.integers(*limits)) for limits in ((0, len(ACCENTS)), SPEEDS, PITCHES))
            frames.append(to_levels(speak(f"{ACCENTS[accent]}+{voice}", said, speed, pitch)))
            digits.append(said + [-1] * (5 - len(said)))
            rows.append((place, voice in held_out, accent, speed, pitch, len(frames[-1])))
    table = np.array(rows)
    for name, part in (("to learn from", table[:, 1] == 0), ("to measure on", table[:, 1] == 1)):
        minutes = table[part, 5].sum() * HOP / 60
        print(f"{name}: {len(set(table[part, 0]))} voices, {part.sum()} utterances, {minutes:.0f} minutes")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        file = arguments.out / "spoken_digits.npz"
        np.savez_compressed(
            file, levels=np.concatenate(frames), digits=np.array(digits, np.int8), utterances=table.astype(np.int16),
            voices=np.array(voices), accents=np.array(ACCENTS),
        )  # fmt: skip
        print(f"{file.name}: {file.stat().st_size / 1e6:.2f} MB")


def all_variants() -> list[str]:
    """The names of the variants by their files, as `espeak-ng -v en+NAME` takes them."""
    listed = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    return sorted({line.split("!v/")[1].split("  ")[0].strip() for line in listed.splitlines() if "!v/" in line})


def distinct(variants: list[str]) -> list[str]:
    """Those that do not sound like one before them, when they say the same."""
    said = {variant: to_levels(speak(f"en+{variant}", range(10), 170, 50)).astype(float) for variant in variants}
    kept: list[str] = []
    for variant in variants:
        if all(difference(said[variant], said[other]) > ALIKE for other in kept):
            kept.append(variant)
    return kept


def difference(first: np.ndarray, second: np.ndarray) -> float:
    """Decibels between two sounds at the same pace, in the mean; infinite where their lengths differ."""
    shorter = min(len(first), len(second))
    near = max(len(first), len(second)) - shorter <= 3
    return STEP * float(np.abs(first[:shorter] - second[:shorter]).mean()) if near else np.inf


def speak(voice: str, digits: Iterable[int], speed: int, pitch: int) -> np.ndarray:
    """The spectrogram of the digits, spoken at one go."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout"]
    done = subprocess.run([*command, " ".join(WORDS[digit] for digit in digits)], check=True, capture_output=True)
    header, samples = done.stdout.split(b"data", 1)
    return log_mel(np.frombuffer(samples[4:], "<i2") / 2**15, rate=int.from_bytes(header[24:28], "little"))


def to_levels(spectrogram: np.ndarray) -> np.ndarray:
    """Steps above the cut-off, uint8: 15 where it is loudest."""
    levels = np.rint((spectrogram - spectrogram.max()) / STEP) + LEVELS
    return np.asarray(levels.clip(0, LEVELS), np.uint8)


if __name__ == "__main__":
    main()
