"""The two diagrams of every article on attention, one of them put right, drawn from models that run.

    python examples/article_diagrams.py --out pictures

What to look at:
1. Attention as it is published: query → key-value pairs → score calculation → softmax → attention weight → context
   vector. Each box is a scope of the code below, closed (`depth=0`); an arrow is there because something inside one
   box uses a result of another. So it shows what the articles leave out: values go straight to the context vector.
   And what they confuse: the tokens are inside "query", and softmax is cut in two.
2. Attention put right: tokens become queries, keys and values, and softmax is one step, whose result are the weights.
3. The way in: input sequence → embedding layer → positional encoding → concatenation → neural network.
The text that is printed is Mermaid: GitHub and notebooks draw it where they find it. With --out, the diagrams are
drawn, closed and open: published.svg, published_open.svg, attention.svg and so on.
"""

import argparse
from pathlib import Path

import numpy as np

import minigrad as mg

RNG = np.random.default_rng(0)
WIDTH = 8


def main() -> None:
    parser = argparse.ArgumentParser(description="The diagrams of articles on attention.")
    parser.add_argument("--out", type=Path, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="as in the other examples; here nothing takes long")
    arguments = parser.parse_args()

    for number, (name, model) in enumerate(
        {"published": published, "attention": attention, "sequence": sequence}.items(), 1
    ):
        with mg.recording() as recording:  # also of what needs no gradient, such as the positions
            model()
        graph = recording.graph()
        print(f"{number}. {model.__doc__}\n")
        print(graph.mermaid(depth=0, hide_constants=True, direction="LR"))
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            graph.draw(arguments.out / f"{name}.svg", depth=0, hide_constants=True, direction="LR")
            graph.draw(arguments.out / f"{name}_open.svg", direction="TB")


def parameter(*shape: int, name: str) -> mg.Tensor:
    return mg.Tensor(RNG.standard_normal(shape) / np.sqrt(shape[-1]), requires_grad=True, name=name)


def published() -> mg.Tensor:
    """Attention of six tokens on each other, in the boxes of the articles."""
    with mg.scope("query"):
        tokens = mg.Tensor(RNG.standard_normal((6, WIDTH)), name="tokens")
        query = tokens @ parameter(WIDTH, WIDTH, name="W_query")
    with mg.scope("key-value pairs"):
        keys = tokens @ parameter(WIDTH, WIDTH, name="W_key")
        values = tokens @ parameter(WIDTH, WIDTH, name="W_value")
    with mg.scope("score calculation"):
        scores = query @ keys.T / np.sqrt(WIDTH)
        scores.name = "scores"
    with mg.scope("softmax"):
        powers = mg.exp(scores - mg.max(scores, axis=-1, keepdims=True))
    with mg.scope("attention weight"):
        weights = powers / mg.sum(powers, axis=-1, keepdims=True)
        weights.name = "weights"
    with mg.scope("context vector"):
        context = weights @ values
        context.name = "context"
    return context


def attention() -> mg.Tensor:
    """The same attention, with each step in a box of its own."""
    tokens = mg.Tensor(RNG.standard_normal((6, WIDTH)), name="tokens")
    with mg.scope("queries"):
        queries = tokens @ parameter(WIDTH, WIDTH, name="W_query")
    with mg.scope("keys"):
        keys = tokens @ parameter(WIDTH, WIDTH, name="W_key")
    with mg.scope("values"):
        values = tokens @ parameter(WIDTH, WIDTH, name="W_value")
    with mg.scope("scores"):
        scores = queries @ keys.T / np.sqrt(WIDTH)
    with mg.scope("attention weights"):
        weights = mg.softmax(scores)
        weights.name = "weights"
    with mg.scope("context"):
        return weights @ values


def sequence() -> mg.Tensor:
    """A network that reads the first five tokens of a sequence and their places."""
    with mg.scope("input sequence"):
        tokens = mg.Tensor([3, 1, 4, 1, 5, 9, 2, 6], dtype=np.int64, name="tokens")[:5]
    with mg.scope("embedding layer"):
        embedded = mg.embedding(parameter(10, WIDTH, name="table"), tokens)
    with mg.scope("positional encoding"):
        places = mg.cumsum(mg.ones_like(embedded), axis=0) - 1.0  # 0, 1, 2, … in every column
        columns = np.arange(WIDTH)
        rates = mg.constant(10_000.0 ** (-2.0 * (columns // 2) / WIDTH), name="rates")
        encoding = mg.sin(places * rates + mg.constant(columns % 2 * np.pi / 2, name="phases"))  # sin, cos, sin, …
        encoding.name = "encoding"
    with mg.scope("concatenation"):
        both = mg.concatenate([embedded, encoding], axis=-1)
    with mg.scope("neural network"):
        hidden = mg.relu(mg.linear(both, parameter(2 * WIDTH, 16, name="W_1"), parameter(16, name="b_1")))
        return mg.linear(hidden, parameter(16, 10, name="W_2"), parameter(10, name="b_2"))


if __name__ == "__main__":
    main()
