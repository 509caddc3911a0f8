"""A model learns to write Irish dance tunes, and what it writes is checked as a musician would check it.

    python examples/fields/write_tunes.py --out pictures

A causal transformer reads O'Neill's tunes in ABC notation: number, title, metre, length of a note, key, then the music,
as characters. Nothing tells it what a bar is. Needs the extra `music`.

What to look at:
1. The loss on tunes it has not seen, beside what counting three characters achieves.
2. How many keys, metres, bars and whole tunes are right, beside those of real tunes. A bar is right when its notes add
   up to the metre. After this training one bar in three is: to sound like music is easier than to count.
3. The tune with the most bars right, written with --out as tune.abc; any ABC reader plays it.
4. The heat map, drawn with --out as tune_attention.svg: what each bar of a real, unseen tune reads. Most heads stay in
   the bar and the one before, as counting needs; some look back to where the last part ended, or to the key.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
import tunebook
from abc_notation import check_tune
from minigrad import data, nn, optim
from minigrad.data import row_batches

Ids = np.ndarray  # integers (tunes, characters)
BATCH, LONGEST, STRIDE, TEMPERATURE = 8, 512, 64, 0.7  # few lengths: each has a compiled program of its own


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a causal transformer to write tunes.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for a tune and the heat map; without it none are written")
    parser.add_argument("--quick", action="store_true", help="5 steps instead of 900, and fewer tunes")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()
    steps, held_out, count, length = (5, 8, 4, 80) if arguments.quick else (900, None, 100, LONGEST)

    tunes = tunebook.tunes()
    vocabulary = data.Vocabulary("".join(tunes.train + tunes.validation))
    train = [vocabulary.encode(f"\n{tune}\n")[:LONGEST] for tune in tunes.train]
    unseen = [vocabulary.encode(f"\n{tune}\n") for tune in sorted(tunes.validation, key=len)][:held_out]
    print(f"{tunes.source}: {len(train)} tunes to learn from, {len(unseen)} to measure on")

    mg.keep_memory()
    rng = np.random.default_rng(arguments.seed)
    model = nn.LanguageModel(len(vocabulary), width=96, heads=4, layers=3, context=LONGEST, rng=rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=4e-3, betas=(0.9, 0.99), weight_decay=0.1, schedule=schedule)

    def step(inputs: Ids, following: Ids) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(inputs), following, ignore_index=-1)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def validate() -> float:
        """Nats per character; every character of every tune counts, and the end of the tune."""
        total = 0.0
        for start in range(0, len(unseen), BATCH):
            inputs, following = padded(unseen[start : start + BATCH])
            with mg.no_grad():
                total += float(mg.cross_entropy(model(inputs), following, reduction="sum", ignore_index=-1))
        return total / sum(len(tune) - 1 for tune in unseen)

    drawn = row_batches(len(train), BATCH, rng, lengths=[len(tune) for tune in train])
    batches = (padded([train[row] for row in rows]) for rows in drawn)
    history = mg.fit(step if arguments.eager else mg.compile(step), batches, steps, validate, every=-(-steps // 6))

    prompts = np.tile(vocabulary.encode("\nX:"), (count, 1))
    written = model.generate(prompts, length, np.random.default_rng(arguments.seed), temperature=TEMPERATURE)
    texts = [vocabulary.decode(ids)[1:].split("\n\n")[0] + "\n" for ids in written]
    print("\nIt writes:\n" + texts[0])
    print(f"right in {count} tunes written at temperature {TEMPERATURE}: {judged(texts)}")
    print(f"right in {len(tunes.validation)} real ones: {judged(tunes.validation)}")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        chosen = max(texts, key=lambda text: (check := check_tune(text)).right_bars / max(check.bars, 8))
        (arguments.out / "tune.abc").write_text(chosen, encoding="utf-8", newline="\n")
        draw(model, tunes.validation[81], vocabulary, arguments.out / "tune_attention.svg")
    baseline = data.ngram_baselines("\n".join(tunes.train), "\n".join(tunes.validation))[3]
    print(f"result: nats per character {history[-1]['validation']:.3f} (baseline {baseline:.3f})")


def padded(tunes: list[np.ndarray]) -> tuple[Ids, Ids]:
    """Inputs and what follows each character, -1 after the end; the length is a multiple of STRIDE."""
    length = -(-max(len(tune) - 1 for tune in tunes) // STRIDE) * STRIDE
    ids = np.stack([np.pad(tune, (0, length + 1 - len(tune)), constant_values=-1) for tune in tunes])
    return np.maximum(ids[:, :-1], 0), ids[:, 1:]


def judged(tunes: list[str]) -> str:
    checks = [check_tune(tune) for tune in tunes]
    bars = sum(check.right_bars for check in checks) / max(sum(check.bars for check in checks), 1)
    key, metre, valid = (np.mean([getattr(check, name) for check in checks]) for name in ("key", "metre", "valid"))
    return f"keys {key:.1%}, metres {metre:.1%}, bars {bars:.1%}, all of it {valid:.1%}"


def draw(model: nn.LanguageModel, tune: str, vocabulary: data.Vocabulary, path: Path) -> None:
    """Attention of the last layer from bar to bar: of a bar's characters to those of another."""
    with mg.no_grad():
        model(vocabulary.encode(tune))
    weights = model.transformer.blocks[-1].attention.weights.numpy()
    starts = [0, *(place + 1 for place, sign in enumerate(tune[:-1]) if sign in "|\n" and tune[place + 1] not in "|\n")]
    names = [tune[a:b].strip() for a, b in zip(starts, [*starts[1:], len(tune)], strict=True)]
    sizes = np.diff([*starts, len(tune)])[:, None]
    bars = np.add.reduceat(np.add.reduceat(weights, starts, axis=1), starts, axis=2) / sizes
    mg.heatmap(bars, names, names, "From bar to bar", axes=("head", "written", "read")).save(path)


if __name__ == "__main__":
    main()
