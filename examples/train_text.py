"""A model learns to write like a text, one character at a time, and is measured by what counting alone achieves.

    python examples/train_text.py --out pictures

The text is the help of Python, which every Python has. A causal transformer of two layers is trained on nine tenths of
it to predict the next character; the last tenth is for measuring.

What to look at:
1. The losses of n-gram models, which predict from the last 0, 1 or 2 characters by counting. The validation loss passes
   them one after the other: to be better than the last, the model must look further back than they can.
2. What it writes: letters at first, then syllables, words, and the indentation of the help.
3. The heat maps, drawn with --out as text_attention_0.svg and text_attention_1.svg. No weight is above the diagonal,
   since a character may not look at what comes after it; heads differ in what they look for.
With --out the weights are saved as well, as text.safetensors.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import data, nn, optim

BATCH, CONTEXT = 16, 64
SHOWN = "The statement returns a value of the class."


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a causal transformer on the help of Python.")
    parser.add_argument("--out", type=Path, help="folder for heat maps and weights; without it none are written")
    parser.add_argument("--quick", action="store_true", help="20 steps instead of 600")
    arguments = parser.parse_args()
    steps = 20 if arguments.quick else 600

    text = data.python_topics()
    print(f"{text.source}, {text.licence}: {len(text.train):,} characters to learn from")
    print("n-gram models, nats per character:", named(data.ngram_baselines(text.train, text.validation)))

    mg.keep_memory()
    rng = np.random.default_rng(0)
    vocabulary = data.Vocabulary(text.train + text.validation)
    model = nn.LanguageModel(len(vocabulary), width=96, heads=4, layers=2, context=CONTEXT, rng=rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=6e-3, betas=(0.9, 0.99), weight_decay=0.1, schedule=schedule)

    def step(tokens: np.ndarray, targets: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    windows = data.windows(vocabulary.encode(text.validation), CONTEXT)

    def validate() -> float:
        with mg.no_grad():
            losses = [(float(mg.cross_entropy(model(tokens), targets)), targets.size) for tokens, targets in windows]
        return sum(loss * size for loss, size in losses) / sum(size for _, size in losses)

    batches = data.text_batches(vocabulary.encode(text.train), BATCH, CONTEXT, rng)
    history = mg.fit(step, batches, steps, validate, every=100)
    print("this model:", f"{history[-1]['validation']:.3f}")

    print("\nIt writes:")
    written = model.generate(vocabulary.encode("The "), 300, np.random.default_rng(0), temperature=0.8)
    print(vocabulary.decode(written))

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        with mg.no_grad():
            model(vocabulary.encode(SHOWN))
        for layer, block in enumerate(model.transformer.blocks):
            picture = mg.heatmap(block.attention.weights, rows=SHOWN, columns=SHOWN, title=f"Layer {layer}")
            picture.save(arguments.out / f"text_attention_{layer}.svg")
        mg.save_checkpoint(arguments.out / "text.safetensors", model, metadata={"characters": vocabulary.characters})


def named(losses: dict[int, float]) -> str:
    return ", ".join(f"{order}-gram {loss:.3f}" for order, loss in losses.items())


if __name__ == "__main__":
    main()
