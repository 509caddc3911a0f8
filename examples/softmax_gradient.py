"""The gradient of softmax is a graph, and so is the gradient of that.

    python examples/softmax_gradient.py --out pictures

What to look at:
1. The listing of the first gradient. Its three operations are the rule of the textbooks, y · (g − ⟨g, y⟩), and the
   numbers are those of the Jacobian diag(y) − y yᵀ, which is never formed.
2. A cotangent of ones gives zero: the weights always add up to 1, so nothing can change their sum.
3. The same gradient through the definition of softmax, exp and sum: more nodes, the same numbers.
4. How the graph grows with the order of the derivative, and that finite differences agree with every order.
With --out, softmax_1.svg and softmax_2.svg show the graphs: one box for each order, beside the forward pass.
"""

import argparse
from pathlib import Path

import numpy as np

import minigrad as mg


def main() -> None:
    parser = argparse.ArgumentParser(description="The gradient of softmax is a graph.")
    parser.add_argument("--out", type=Path, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="stop at the second derivative")
    arguments = parser.parse_args()
    highest = 2 if arguments.quick else 4

    print("1. The gradient, for a loss that feels the first weight only")
    x, y = softmax_of([1.0, 0.0, -1.0])
    gradient = mg.grad(y, x, cotangents=[1.0, 0.0, 0.0], create_graph=True)
    print(mg.graph_of([y, gradient]))
    jacobian = np.diag(y.numpy()) - np.outer(y.numpy(), y.numpy())
    print("by the graph   ", gradient.numpy().round(6))
    print("by the Jacobian", (jacobian.T @ [1.0, 0.0, 0.0]).round(6))

    print("\n2. A loss that feels all weights alike")
    print("gradient       ", np.abs(mg.grad(y, x, cotangents=np.ones(3)).numpy()).round(12))

    print("\n3. The same gradient, through the definition of softmax")
    with mg.expanded("softmax"):
        x, y = softmax_of([1.0, 0.0, -1.0])
    through_definition = mg.grad(y, x, cotangents=[1.0, 0.0, 0.0], create_graph=True)
    print(mg.graph_of([y, through_definition]))
    print("the same       ", np.allclose(gradient.numpy(), through_definition.numpy(), rtol=0, atol=1e-15))

    print(f"\n4. Derivatives up to order {highest}")
    for order in range(1, highest + 1):
        graph = derivatives(order)
        print(f"order {order}: {graph.stats().orders[order]} nodes of its own, {len(graph)} in all")
        if arguments.out is not None:
            arguments.out.mkdir(parents=True, exist_ok=True)
            graph.draw(arguments.out / f"softmax_{order}.svg")
    print(mg.check_gradients(mg.softmax, [np.array([1.0, 0.0, -1.0])], order=highest))


def softmax_of(values: list[float]) -> tuple[mg.Tensor, mg.Tensor]:
    """A leaf x and y = softmax(x)."""
    x = mg.Tensor(values, requires_grad=True, name="x")
    y = mg.softmax(x)
    y.name = "y"
    return x, y


def derivatives(order: int) -> mg.Graph:
    """Softmax and its derivatives up to `order`, each with a cotangent of its own."""
    x, y = softmax_of([1.0, 0.0, -1.0])
    results = [y]
    for k in range(order):
        results.append(mg.grad(results[-1], x, cotangents=np.eye(3)[k % 3], create_graph=True))
    return mg.graph_of(results)


if __name__ == "__main__":
    main()
