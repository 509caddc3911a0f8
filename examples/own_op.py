"""An operation of your own: one declaration, and everything else follows.

    python examples/own_op.py --out pictures

`soft_cap` bends large attention scores towards a limit, so that no weight gets stuck near 0 or 1.

What to look at:
1. The declaration: what it computes on arrays, one gradient rule written in operations, a formula, sample calls, and a
   definition in simpler operations. Positional arguments are arrays, keyword-only ones are fixed parameters.
2. The samples are all that the checks need. Since the rule is written in operations, the gradient of the gradient comes
   with it.
3. It is now like any other: a function on plain arrays, a method of Tensors, a node in attention and in its gradient,
   and `expand` shows what it is made of.
4. A rule with a mistake in it, and the report that rejects it: where it is worst, what was expected, what came.
With --out, own_op.svg shows attention with capped scores and its gradient.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.ops.specimens.draws import between, normal, realise


@mg.op(
    formula="limit · tanh(x / limit)",
    samples=[mg.call(normal(2, 3)), mg.call(between(-9.0, 9.0, 5), limit=2.0)],
    definition=lambda x, *, limit: mg.tanh(x / limit) * limit,
    elementwise=True,
)
def soft_cap(x: Any, *, limit: float = 30.0) -> Any:
    """x where it is small, and never beyond ±limit."""
    return np.tanh(x / limit) * limit


@soft_cap.vjp("x")
def _(g: Any, y: Any, x: Any, *, limit: float) -> Any:
    return g * (1.0 - mg.square(y / limit))


@mg.op(formula="the same, with a mistake in its rule", elementwise=True)
def wrong_cap(x: Any, *, limit: float = 2.0) -> Any:
    return np.tanh(x / limit) * limit


@wrong_cap.vjp("x")
def _(g: Any, y: Any, x: Any, *, limit: float) -> Any:
    return g * (1.0 - mg.square(y) / limit)  # limit should be squared too


def main() -> None:
    parser = argparse.ArgumentParser(description="An operation of your own.")
    parser.add_argument("--out", type=Path, help="folder for the picture; without it none is drawn")
    parser.add_argument("--quick", action="store_true", help="check up to the second order instead of the third")
    arguments = parser.parse_args()

    print("1. The declaration")
    print(soft_cap, "=", soft_cap.formula, " inputs:", soft_cap.arguments, " params:", soft_cap.defaults)

    print("\n2. The checks, on its samples")
    rng = np.random.default_rng(0)
    for sample in soft_cap.specimens.samples:
        inputs = [realise(x, rng) for x in sample.args]
        params = sample.params
        order = 2 if arguments.quick else 3
        print(mg.check_gradients(lambda x, params=params: soft_cap(x, **params), inputs, order=order))

    print("\n3. At work")
    print("on an array:", soft_cap(np.array([1.0, 10.0, 100.0]), limit=5.0).round(4))
    scores = mg.Tensor([[1.0, 2.0, 9.0]], requires_grad=True, name="scores")
    weights = mg.softmax(scores.soft_cap(limit=5.0))
    weights.name = "weights"
    for name, row in (("not capped", mg.softmax(scores.numpy())[0]), ("capped", weights.numpy()[0])):
        print(f"weights, {name:10}:", " ".join(f"{weight:.4f}" for weight in row))
    gradient = mg.grad(weights, scores, cotangents=[[1.0, 0.0, 0.0]], create_graph=True)
    graph = mg.graph_of([weights, gradient])
    print(graph)
    print("differentiated again:", mg.grad(gradient, scores, cotangents=[[1.0, 0.0, 0.0]]).numpy().round(6)[0])
    print("expanded:")
    print(weights.graph().expand("soft_cap"))

    print("\n4. A wrong rule")
    try:
        mg.check_gradients(wrong_cap, [np.array([0.5, -1.0])])
    except mg.GradientCheckError as report:
        print(report)

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        graph.draw(arguments.out / "own_op.svg")


if __name__ == "__main__":
    main()
