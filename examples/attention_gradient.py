"""How a loss reaches the queries, keys and values of attention, with numbers small enough to follow by hand.

    python examples/attention_gradient.py --out pictures

The query (1, 0) looks at three tokens, (1, 0), (0, 1) and (−1, −1), which are keys and values at once; scores are not
scaled. The loss is the first coordinate of the context.

What to look at:
1. The forward pass: scores (1, 0, −1), weights (0.6652, 0.2447, 0.0900), context (0.5752, 0.1547).
2. The way back, one contribution after the other. `tokens` is used twice, so two contributions are added up: one as
   values (each token's share is its weight), one as keys (through the scores).
3. What the gradients of the scores mean. A higher score gives a token more weight and all others less, so the loss
   rises where the token's value is above the context, and falls where it is below. Together they add up to 0.
4. The gradient as a graph, and that finite differences agree to the second order, under a causal mask too.
With --out, attention_values.svg has values and gradients in one picture, and attention_gradient.svg the graph of the
gradient.
"""

import argparse
from pathlib import Path

import numpy as np

import minigrad as mg


def main() -> None:
    parser = argparse.ArgumentParser(description="How a loss reaches queries, keys and values.")
    parser.add_argument("--out", type=Path, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="check smaller arrays by finite differences")
    arguments = parser.parse_args()

    query = mg.Tensor([[1.0, 0.0]], requires_grad=True, name="query")
    tokens = mg.Tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], requires_grad=True, name="tokens")
    context = mg.scaled_dot_product_attention(query, tokens, tokens, scale=1.0)
    loss = context[0, 0]
    loss.name = "loss"
    loss.backward(keep=True)
    graph = loss.graph()

    print("1. Forward")
    for name in ("scores", "weights", "context"):
        print(f"{name:8}", graph.find(f"attention/{name}").value.round(4)[0])

    print("\n2. Backward, contribution by contribution")
    for step in graph.steps():
        if isinstance(step, mg.graph.Backward):
            print(step)

    print("\n3. What it means")
    scores, weights = graph.find("attention/scores"), graph.find("attention/weights")
    for token, value, weight, gradient in zip(
        ("(1, 0)", "(0, 1)", "(−1, −1)"), tokens[:, 0].tolist(), weights.value[0], scores.gradient[0], strict=True
    ):
        side = "above" if value > loss.item() else "below"
        print(f"{token:8}  value {value:2.0f}, {side} {loss:.4f}  weight {weight:.4f}  ∂loss/∂score {gradient:7.4f}")
    print(f"sum of ∂loss/∂scores: {abs(scores.gradient.sum()):.12f}")

    print("\n4. The gradient is a graph")
    graph_of_gradients = loss.graph(gradients=True)
    print(graph_of_gradients.between("attention/weights", "∂loss/∂scores"))
    check(length=3 if arguments.quick else 8)

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        graph.draw(arguments.out / "attention_values.svg", values=True, gradients=True, direction="TB")
        graph_of_gradients.draw(arguments.out / "attention_gradient.svg")


def check(length: int) -> None:
    """Random queries, keys and values, each token looking at those before it."""
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal((length, 4)) for _ in range(3)]
    print(mg.check_gradients(causal_attention, inputs, order=2))


def causal_attention(query: mg.Tensor, key: mg.Tensor, value: mg.Tensor) -> mg.Tensor:
    return mg.scaled_dot_product_attention(query, key, value, causal=True)


if __name__ == "__main__":
    main()
