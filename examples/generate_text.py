"""A model writes text, one character at a time: how each is chosen, and why keys and values are remembered.

    python examples/generate_text.py --out pictures

A causal transformer learns the help of Python (train_text.py looks at that) and then continues a line. For a new
character the old ones need not be computed again: their keys and values stay what they were, and a cache holds them.

What to look at:
1. The loss on text it has not seen, beside what counting three characters achieves.
2. Temperature 0 repeats itself, 1 makes up words; in between, or among the likeliest few (top k), it does neither.
3. The time to write with and without the cache: for twice as many characters twice, or four times as long. Where the
   cache has a fixed size, one compiled program writes every character, always the likeliest.
4. The heat map, drawn with --out as text_choices.svg: each column is a place of the written text, each row a character
   that might stand there. Inside a word there is often no choice at all; where a word begins, there are many.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

BATCH, CONTEXT = 16, 128
PROMPT = "The statement "
WAYS = {"temperature 0": {"temperature": 0}, "temperature 0.7": {"temperature": 0.7}, "temperature 1": {},
        "temperature 1, top k 5": {"top_k": 5}}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a causal transformer and let it write, with a cache.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder for the heat map; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="5 steps instead of 800, and shorter texts")
    parser.add_argument("--eager", action="store_true", help="train without minigrad.compile")
    arguments = parser.parse_args()
    steps, lengths = (5, (8, 16)) if arguments.quick else (800, (128, 256, 512))

    text = data.python_topics()
    vocabulary = data.Vocabulary(text.train + text.validation)
    print(f"{text.source}, {text.licence}: {len(text.train):,} characters to learn from")

    mg.keep_memory()
    rng = np.random.default_rng(arguments.seed)
    model = nn.LanguageModel(len(vocabulary), width=96, heads=4, layers=3, context=CONTEXT, rng=rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=6e-3, betas=(0.9, 0.99), weight_decay=0.1, schedule=schedule)

    def step(tokens: np.ndarray, targets: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    windows = data.windows(vocabulary.encode(text.validation), CONTEXT, batch=16)

    def validate() -> float:
        chosen = windows[:2] if arguments.quick else windows
        with mg.no_grad():
            losses = [(float(mg.cross_entropy(model(tokens), targets)), targets.size) for tokens, targets in chosen]
        return sum(loss * size for loss, size in losses) / sum(size for _, size in losses)

    batches = data.text_batches(vocabulary.encode(text.train), BATCH, CONTEXT, rng)
    history = mg.fit(step if arguments.eager else mg.compile(step), batches, steps, validate, every=max(steps // 5, 1))

    prompt = vocabulary.encode(PROMPT)
    for name, way in WAYS.items():
        written = model.generate(prompt, CONTEXT - len(prompt), np.random.default_rng(arguments.seed), **way)
        print(f"\n{name}:\n  " + vocabulary.decode(written).replace("\n", "\n  "))

    print("\ncharacters   compiled   with cache   without: seconds of processor time")
    for length in lengths:
        compiled = seconds_compiled(model, prompt[:1], length)
        cached, all_again = (seconds(model, prompt[:1], length, cached) for cached in (True, False))
        print(f"{length:>10}   {compiled:>8.2f}   {cached:>10.2f}   {all_again:>7.2f}")

    tokens, cache = written[None], nn.KeyValueCache()  # the last text, as a batch of one
    with mg.no_grad():
        at_once = model(tokens).numpy()[0]
        one_by_one = np.concatenate([model(tokens[:, i : i + 1], cache=cache).numpy()[0] for i in range(tokens.size)])
    print(f"largest difference of their logits: {np.abs(at_once - one_by_one).max():.0e}")

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        shown = written[len(prompt) : len(prompt) + 40]
        possible = np.unique(shown)
        probabilities = mg.softmax(at_once[len(prompt) - 1 : len(prompt) + 39])[:, possible].T
        labels = [vocabulary.decode(ids).replace("\n", "↵") for ids in (possible, shown)]
        picture = mg.heatmap(probabilities, *labels, "What might stand there", axes=("head", "possible", "written"))
        picture.save(arguments.out / "text_choices.svg")
    baseline = data.ngram_baselines(text.train, text.validation)[3]
    print(f"result: nats per character {history[-1]['validation']:.3f} (baseline {baseline:.3f})")


def seconds(model: nn.LanguageModel, prompt: np.ndarray, count: int, cached: bool) -> float:
    """How long it takes to write `count` characters; for this the window need not move."""
    model.context, begin = count + len(prompt), time.process_time()
    model.generate(prompt, count, np.random.default_rng(0), cached=cached)
    model.context, end = CONTEXT, time.process_time()
    return end - begin


def seconds_compiled(model: nn.LanguageModel, token: np.ndarray, count: int) -> float:
    begin, cache = time.process_time(), nn.KeyValueCache(context=count)
    write = mg.compile(lambda token: model(token, cache=cache))
    for _ in range(count):
        token = write(token).numpy()[-1].argmax(keepdims=True)
    return time.process_time() - begin


if __name__ == "__main__":
    main()
