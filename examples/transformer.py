"""Figure 1 of "Attention Is All You Need" (Vaswani et al., arXiv 1706.03762), drawn from the model that it shows.

    python examples/transformer.py --out pictures

What to look at:
1. The list of parts, each with what enters it. It is read from one call of the model below: two encodings, two stacks
   of six blocks with a residual connection and a norm around each part, and the memory of the encoder, which enters the
   middle attention of the decoder twice, as keys and as values. Nothing in it is written for the picture.
2. The same with the norms before the parts, as most models have them today: "Add & Norm" falls apart.
With --out, figure 1 is drawn for a column and for a slide, in both themes, and as TeX; the second for a column.
"""

import argparse
from pathlib import Path
from typing import Literal

import numpy as np

import minigrad as mg
from minigrad import nn

VOCABULARY, WIDTH, HEADS, LAYERS = 37_000, 512, 8, 6  # of the paper's base model
QUICK = 100, 32, 4, 6
LABELS = {"outputs": "Outputs\n(shifted right)"}


class Transformer(nn.Module):
    """Probabilities of the next token, (…, outputs, vocabulary), for tokens of two languages."""

    def __init__(
        self, vocabulary: int, width: int, heads: int, layers: int, norm: Literal["pre", "post"],
        rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self.scale = width**0.5
        self.input_embedding = nn.Embedding(vocabulary, width, rng)
        self.output_embedding = nn.Embedding(vocabulary, width, rng)
        self.positions = nn.SinusoidalPositions(width)
        self.encoder = nn.Encoder(layers, width, heads, norm=norm, dropout=0.1, rng=rng)
        self.decoder = nn.Decoder(layers, width, heads, norm=norm, dropout=0.1, cross=True, rng=rng)
        self.readout = nn.Linear(width, vocabulary, rng=rng)

    def forward(self, inputs: mg.Tensor, outputs: mg.Tensor) -> mg.Tensor:
        memory = self.encoder(self.positions(self.scale * self.input_embedding(inputs)))
        read = self.decoder(self.positions(self.scale * self.output_embedding(outputs)), memory)
        probabilities = mg.softmax(self.readout(read))
        probabilities.name = "output probabilities"
        return probabilities


def main() -> None:
    parser = argparse.ArgumentParser(description='Figure 1 of "Attention Is All You Need", from the running model.')
    parser.add_argument("--out", type=Path, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="a smaller model, of which the picture is the same")
    arguments = parser.parse_args()

    sizes, rng = QUICK if arguments.quick else (VOCABULARY, WIDTH, HEADS, LAYERS), np.random.default_rng(0)
    inputs, outputs = np.array([[3, 1, 4, 1, 5]]), np.array([[2, 7, 1]])

    model = Transformer(*sizes, norm="post", rng=rng)
    figure = mg.draw_architecture(model, inputs, outputs, labels=LABELS)
    print(f"1. figure 1:\n{figure}\n")
    later = Transformer(*sizes, norm="pre", rng=rng)
    print(f"2. norms before the parts:\n{mg.draw_architecture(later, inputs, outputs, labels=LABELS)}")

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        for name, options in {
            "figure_1.svg": {"theme": "auto", "width": "8.4cm"},
            "figure_1.tex": {},
            "figure_1_slide.svg": {"slide": True},
            "figure_1_slide_dark.svg": {"slide": True, "theme": "dark"},
        }.items():
            mg.draw_architecture(model, inputs, outputs, labels=LABELS, path=arguments.out / name, **options)
        mg.draw_architecture(
            later, inputs, outputs, labels=LABELS, path=arguments.out / "norms_before.svg", width="8.4cm"
        )


if __name__ == "__main__":
    main()
