"""A club splits in two, and attention along its friendships tells who goes where, from two members alone.

    python examples/graph_attention.py --out pictures

Zachary's karate club: 34 members and 78 friendships (W. W. Zachary, An Information Flow Model for Conflict and Fission
in Small Groups, Journal of Anthropological Research 33, 1977). Member 0, the instructor, and member 33, the officer,
fall out. Attention is masked with the friendships, `mask=adjacency`: each member sees its friends and itself, nobody
else. Only the sides of 0 and 33 are given; those of the others travel through three layers.

What to look at:
1. The member that is wrong. 8 was on the officer's side by Zachary's account, and stayed with the instructor for the
   black belt that was three weeks away: what no friendship tells.
2. The baseline: the side of the one of the two who is fewer friendships away, and half a point where both are equal.
3. karate_graph.svg, drawn with --out: a line is as thick as the attention of the last layer along it, and thin between
   the sides; a square is on the wrong side. karate_attention.svg: the same as a map.
"""

import argparse
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad import nn, optim

FRIENDS = """
0-1 0-2 0-3 0-4 0-5 0-6 0-7 0-8 0-10 0-11 0-12 0-13 0-17 0-19 0-21 0-31 1-2 1-3 1-7 1-13 1-17 1-19 1-21 1-30 2-3 2-7
2-8 2-9 2-13 2-27 2-28 2-32 3-7 3-12 3-13 4-6 4-10 5-6 5-10 5-16 6-16 8-30 8-32 8-33 9-33 13-33 14-32 14-33 15-32
15-33 18-32 18-33 19-33 20-32 20-33 22-32 22-33 23-25 23-27 23-29 23-32 23-33 24-25 24-27 24-31 25-31 26-29 26-33
27-33 28-31 28-33 29-32 29-33 30-32 30-33 31-32 31-33 32-33"""
WITH_INSTRUCTOR = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 16, 17, 19, 21]  # after the split; all others left
KNOWN, SIDES = np.array([0, 33]), np.array([0, 1])


class Club(nn.Module):
    """Sides, logits (members, 2), from a vector for each member and three layers of attention among friends."""

    def __init__(self, members: int, width: int, rng: np.random.Generator) -> None:
        self.members = mg.Tensor(rng.normal(0, 0.01, (members, width)).astype("f4"), requires_grad=True, name="members")
        self.layers = [nn.MultiHeadAttention(width, heads=1, bias=False, rng=rng) for _ in range(3)]
        self.readout = nn.Linear(width, 2, bias=False, rng=rng)

    def forward(self, adjacency: mg.Tensor) -> mg.Tensor:
        x = self.members
        for layer in self.layers:
            x = layer(x, mask=adjacency)
        return self.readout(x)


def main() -> None:
    parser = argparse.ArgumentParser(description="Find the two sides of a club by attention among friends.")
    parser.add_argument("--out", type=Path, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help="the same: it takes a second")
    parser.add_argument("--seed", type=int, default=0, help="of the initial weights")
    parser.add_argument("--eager", action="store_true", help="without minigrad.compile")
    arguments = parser.parse_args()

    pairs = np.array([pair.split("-") for pair in FRIENDS.split()], int)
    adjacency = np.eye(34, dtype=bool)
    adjacency[pairs[:, 0], pairs[:, 1]] = adjacency[pairs[:, 1], pairs[:, 0]] = True
    truth = np.where(np.isin(np.arange(34), WITH_INSTRUCTOR), 0, 1)
    model = Club(34, width=16, rng=np.random.default_rng(arguments.seed))
    optimiser = optim.AdamW(model.parameters(), rate=1e-3)

    def step(adjacency: np.ndarray, members: np.ndarray, sides: np.ndarray) -> mg.Tensor:
        optimiser.zero_grad()
        loss = mg.cross_entropy(model(adjacency)[members], sides)
        loss.backward()
        optimiser.step()
        return loss

    def sides() -> np.ndarray:
        with mg.no_grad():
            return model(adjacency).numpy().argmax(axis=-1)

    step = step if arguments.eager else mg.compile(step)
    mg.fit(step, [(adjacency, KNOWN, SIDES)] * 100, 100, lambda: (sides() == truth).mean(), every=20)
    right, apart = sides() == truth, hops(adjacency)
    baseline = np.where(apart[0] == apart[33], 0.5, (apart[0] > apart[33]) == truth).mean()
    print("on the wrong side:", *np.flatnonzero(~right))
    print(f"result: members on the right side {right.mean():.1%} (baseline {baseline:.1%})")

    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        weights, order = model.layers[-1].weights.numpy()[0], np.argsort(truth, kind="stable")
        picture = mg.heatmap(weights[np.ix_(order, order)], order, order, "Who attends to whom", limit=0.5)
        picture.save(arguments.out / "karate_attention.svg")
        (arguments.out / "karate_graph.svg").write_text(drawn(apart, weights, sides(), right), "utf-8", newline="\n")


def hops(adjacency: np.ndarray) -> np.ndarray:
    """How many friendships any two members are apart."""
    return np.sum([~np.linalg.matrix_power(adjacency, steps) for steps in range(5)], axis=0)  # 5 is the longest way


def drawn(apart: np.ndarray, weights: np.ndarray, sides: np.ndarray, right: np.ndarray) -> str:
    """SVG: friendships as thick as the attention along them, members in the colour of their side.
    Their distances are about those in friendships (de Leeuw, 1977: majorisation of stress)."""
    points = np.random.default_rng(0).normal(size=(34, 2))
    for _ in range(200):
        pull = apart / (np.linalg.norm(points[:, None] - points, axis=-1) + np.eye(34))
        points = (pull.sum(axis=1, keepdims=True) * points - pull @ points) / 34
    points = (points - points.min(axis=0)) / np.ptp(points, axis=0) * (760, 560) + 40
    places = [f"{x:.1f} {y:.1f}" for x, y in points]
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="840" height="640" font-family="Arial" text-anchor="middle">'
    ]
    for a, b in np.argwhere(np.triu(apart == 1)):
        width = 1 + 8 * (weights[a, b] + weights[b, a])
        parts.append(f'<path d="M{places[a]}L{places[b]}" stroke="#767676" stroke-width="{width:.2f}"/>')
    for member, side in enumerate(sides):
        look = f'fill="{("#2e7fc3", "#b85e23")[side]}" stroke="black" stroke-width="{4 if member in KNOWN else 1}"'
        shape = f'<rect x="-15" y="-15" width="30" height="30" rx="{15 if right[member] else 3}" {look}/>'
        parts.append(f'<g transform="translate({places[member]})">{shape}<text y="5" fill="white">{member}</text></g>')
    return "\n".join([*parts, "</svg>\n"])


if __name__ == "__main__":
    main()
