"""A small GPT learns to add from examples, with the digits of the sum backwards, so that carries come first.

    python examples/ports/adder.py --out pictures

After the adder of minGPT: 85 + 50 = 135 is the text "8550531", with no signs, and the loss is of the last three digits.
Of all 10,000 sums of two numbers of two digits 500 are held out; 3 layers, 3 heads, width 48.

What to look at:
1. All held-out sums are right in the end, as in the original. The baseline forgets what is carried from the units.
2. The loss is that of the original, which has −1 as the target of all places where no digit is asked for.
3. --out draws adder.svg: where each layer looks for each digit, in the mean over heads and sums. In the middle layer
   units read units, tens read tens, and what is carried into the hundreds is read off the tens of the sum.
4. With --forwards it must write the first digit before it can know what is carried to it: it learns, but slowly.
"""

import os
from collections.abc import Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by NumPy; products as small as these gain nothing from more

import numpy as np

import minigrad as mg
from minigrad import nn, optim
from options import new_parser

WIDTH, HEADS, LAYERS, BATCH, HELD_OUT, GIVEN = 48, 3, 3, 64, 500, 4


def main() -> None:
    parser = new_parser("A GPT that adds.", "600 steps instead of 1500")
    parser.add_argument("--forwards", action="store_true", help="write sums as people do, the first digit first")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights and the batches")
    arguments = parser.parse_args()
    steps, rng = 600 if arguments.quick else 1500, np.random.default_rng(arguments.seed)
    a, b = np.divmod(rng.permutation(10_000), 100)
    digits = [a // 10, a % 10, b // 10, b % 10, (a + b) % 10, (a + b) // 10 % 10, (a + b) // 100]
    texts = np.stack(digits[:GIVEN] + digits[GIVEN:][:: -1 if arguments.forwards else 1], axis=1)
    train, unseen = texts[HELD_OUT:], texts[:HELD_OUT]

    mg.keep_memory()
    model = nn.LanguageModel(10, WIDTH, HEADS, LAYERS, context=6, activation="gelu", rng=rng)
    schedule = optim.WarmupCosine(warmup=steps // 20, steps=steps)
    optimiser = optim.AdamW(model.parameters(), rate=3e-3, weight_decay=0.1, schedule=schedule)

    @mg.compile
    def step(texts: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(texts[:, :-1])[:, GIVEN - 1 :], texts[:, GIVEN:])
        loss.backward()
        optim.clip_gradients(optimiser.parameters, maximum=1.0)
        optimiser.step()
        return loss

    def share_right() -> float:
        written = model.generate(unseen[:, :GIVEN], 3, rng, temperature=0)
        return float((written == unseen).all(axis=1).mean())

    def batches() -> Iterator[tuple[np.ndarray]]:
        while True:
            yield (train[rng.choice(len(train), BATCH, replace=False)],)

    mg.fit(step, batches(), steps, share_right, every=steps // 10)
    logits, targets = model(unseen[:, :-1]), np.where(np.arange(6) < GIVEN - 1, -1, unseen[:, 1:])
    by_slices = mg.cross_entropy(logits[:, GIVEN - 1 :], unseen[:, GIVEN:])
    apart = abs(float(mg.cross_entropy(logits, targets, ignore_index=-1) - by_slices))
    print(
        f"held-out loss {float(by_slices):.4f}, {apart:.1e} from that of all places with -1 where no digit is asked for"
    )
    if arguments.out is not None:
        weights = [block.attention.weights.numpy().mean(axis=(0, 1)) for block in model.transformer.blocks]
        names = ["a, tens", "a, units", "b, tens", "b, units", "units", "tens", "hundreds"]
        names[GIVEN:] = names[GIVEN:][:: -1 if arguments.forwards else 1]
        rows, columns = names[GIVEN:], names[:-1]
        picture = mg.heatmap(np.array(weights)[:, GIVEN - 1 :], rows, columns, axes=("layer", "writes", "reads"))
        picture.save(arguments.out / "adder.svg")
    no_carry = np.stack([(a + b) % 10, (a // 10 + b // 10) % 10, a // 10 + b // 10 > 9], axis=1)[:HELD_OUT]
    baseline = np.mean((no_carry == np.stack(digits[GIVEN:], axis=1)[:HELD_OUT]).all(axis=1))
    print(f"result: unseen sums right {share_right():.1%} (baseline {baseline:.1%})")


if __name__ == "__main__":
    main()
