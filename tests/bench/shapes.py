"""Graphs of every shape that an engine may have to lay out: a table of names and of functions that make them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

import minigrad as mg
from minigrad.graph import Graph, graph_of

Tensor = mg.Tensor


def leaf(*shape: int, name: str | None = None) -> Tensor:
    return Tensor(np.full(shape, 0.5), requires_grad=True, name=name)


def chain(length: int) -> Graph:
    x = leaf(2)
    for _ in range(length):
        x = x * 1.0
    return x.graph()


def mixed_chain(length: int) -> Graph:
    """A chain without any period: which op comes next is drawn by lot."""
    rng, x = np.random.default_rng(0), leaf(2, name="x")
    for choice in rng.integers(0, 5, length):
        x = (mg.tanh, mg.cos, mg.sin, mg.negative, lambda t: t * 0.5)[choice](x)
    return x.graph()


def powers(steps: int) -> Graph:
    p, y = leaf(name="p"), leaf(name="y")
    for _ in range(steps):
        y = mg.tanh(y * p)
    y.name = "result"
    return y.graph()


def many_hubs(steps: int) -> Graph:
    rng, hubs = np.random.default_rng(0), [leaf(3, name=f"hub{i}") for i in range(8)]
    y = leaf(3, name="y")
    for a, b in rng.integers(0, 8, (steps, 2)):
        y = mg.tanh(y * hubs[a]) + hubs[b] if (a + b) % 3 else mg.sin(y - hubs[a])
    return y.graph()


def far_hub(length: int) -> Graph:
    """One computed node that a long chain without a period takes again and again."""
    rng = np.random.default_rng(1)
    y = hub = mg.exp(leaf(2, name="x"))
    for choice in rng.integers(0, 3, length):
        y = (mg.tanh, mg.sin, mg.negative)[choice](y) + hub if choice else mg.cos(y)
    return y.graph()


def recurrent(steps: int, gradients: bool = False, sliced: bool = False, scoped: bool = False) -> Graph:
    weight, recurrent_weight, b = leaf(4, 5, name="W_xh"), leaf(5, 5, name="W_hh"), leaf(5, name="b")
    inputs = Tensor(np.ones((2, steps, 4)), name="inputs")
    h = Tensor(np.zeros((2, 5)), name="h0")
    for t in range(steps):
        x = inputs[:, t] if sliced else Tensor(np.ones((2, 4)), name=f"x{t}")
        if scoped:
            with mg.scope(f"step/{t}"):
                h = mg.tanh(x @ weight + h @ recurrent_weight + b)
        else:
            h = mg.tanh(x @ weight + h @ recurrent_weight + b)
    loss = mg.sum(h * h)
    loss.name = "loss"
    return loss.graph(gradients=gradients)


def all_states(steps: int) -> Graph:
    """A recurrence whose states all end in one stack, each with a name."""
    weight, h, states = leaf(5, 5, name="W"), Tensor(np.zeros(5), name="start"), []
    for t in range(steps):
        h = mg.tanh(h @ weight)
        h.name = f"h{t}"
        states.append(h)
    return mg.sum(mg.stack(states)).graph()


def decoder(steps: int) -> Graph:
    """Attention over the states of an encoder at each step of a decoder."""
    encode, decode = leaf(4, 4, name="E"), leaf(4, 4, name="D")
    h, states = Tensor(np.zeros(4), name="h0"), []
    for _ in range(steps):
        h = mg.tanh(h @ encode)
        states.append(h)
    memory = mg.stack(states)
    memory.name = "memory"
    s = h
    for _ in range(steps):
        weights = mg.softmax(memory @ s)
        s = mg.tanh((weights @ memory) @ decode + s)
    return mg.sum(s).graph()


def penalty(count: int, shapes: int = 1) -> Graph:
    parameters = [leaf(2 + i % shapes, 3, name=f"w{i}") for i in range(count)]
    loss = Tensor(0.0, name="data loss")
    for p in parameters:
        loss = loss + 0.01 * mg.sum(p * p)
    loss.name = "loss"
    return loss.graph()


def wide_penalty(count: int) -> Graph:
    """All squares at once, then one sum."""
    rng = np.random.default_rng(0)
    parts = [mg.sum(leaf(int(n), name=f"w{i}") ** 2.0) for i, n in enumerate(rng.integers(1, 30, count))]
    loss = mg.sum(mg.stack(parts))
    loss.name = "loss"
    return loss.graph()


def update(count: int) -> Graph:
    """A step of gradient descent of many parameters, as it is compiled."""
    parameters = [leaf(3, name=f"w{i}") for i in range(count)]

    def step(x: Tensor) -> Tensor:
        y = x
        for p in parameters:
            y = mg.tanh(y * mg.read(p))
        return mg.sum(y)

    return mg.trace(step, Tensor(np.ones(3)))


def scalars(count: int) -> Graph:
    terms = [leaf(name=f"x{i}") for i in range(count)]
    total = terms[0]
    for x in terms[1:]:
        total = total + x
    total.name = "total"
    return total.graph()


def scalars_at_once(count: int) -> Graph:
    terms = [leaf(name=f"x{i}") for i in range(count)]
    return mg.sum(mg.stack(terms)).graph()


def tree(depth: int) -> Graph:
    level = [leaf(name=f"x{i}") for i in range(2**depth)]
    while len(level) > 1:
        level = [mg.tanh(a + b) for a, b in zip(level[::2], level[1::2], strict=True)]
    return level[0].graph()


def grid(side: int) -> Graph:
    """Every node takes the one above and the one to the left."""
    above = [leaf(name=f"top{i}") for i in range(side)]
    for i in range(side):
        left = leaf(name=f"left{i}")
        for j in range(side):
            left = above[j] = mg.tanh(left + above[j])
    return above[-1].graph()


def convolution(width: int, layers: int) -> Graph:
    """A pyramid of scalars: every node takes three neighbours below."""
    row = [leaf(name=f"x{i}") for i in range(width)]
    for _ in range(layers):
        row = [mg.tanh(a + b * 0.5 + c) for a, b, c in zip(row, row[1:], row[2:], strict=False)]
    return graph_of(row)


def moons(samples: int, gradients: bool = False) -> Graph:
    """The network of micrograd's demo: two inputs, twice 16 neurons of scalars, a margin loss with a penalty."""
    rng, parameters = np.random.default_rng(0), []

    def weight() -> Tensor:
        parameters.append(Tensor(float(rng.uniform(-1, 1)), requires_grad=True))
        return parameters[-1]

    sizes = (2, 16, 16, 1)
    layers = [
        [([weight() for _ in range(before)], weight()) for _ in range(after)] for before, after in pairwise(sizes)
    ]
    losses = []
    for point in rng.normal(size=(samples, 2)):
        values = [Tensor(float(x)) for x in point]
        for depth, layer in enumerate(layers):
            values = [sum((w * x for w, x in zip(ws, values, strict=True)), start=b) for ws, b in layer]
            if depth < 2:
                values = [mg.relu(x) for x in values]
        losses.append(mg.relu(1.0 - values[0]))
    loss = sum(losses, start=Tensor(0.0)) * (1.0 / samples)
    loss = loss + 1e-4 * sum((p * p for p in parameters), start=Tensor(0.0))
    loss.name = "loss"
    return loss.graph(gradients=gradients)


def random_graph(count: int, reach: int | None = None) -> Graph:
    """Each node takes any two earlier ones, or two of the last `reach`."""
    rng, nodes = np.random.default_rng(0), [leaf(2, name=f"x{i}") for i in range(3)]
    ops = (mg.add, mg.minimum, mg.subtract, mg.maximum)
    for _ in range(count):
        first = max(0, len(nodes) - reach) if reach else 0
        a, b = rng.integers(first, len(nodes), 2)
        nodes.append(ops[int(rng.integers(4))](nodes[a], nodes[b]))
    used = {id(x) for node in nodes for x in node.inputs}
    return graph_of([node for node in nodes if id(node) not in used])


def skips(depth: int) -> Graph:
    """Down and up again, each level joined with its mirror image."""
    rng, x, kept = np.random.default_rng(0), leaf(2, name="image"), []
    ops = (mg.tanh, mg.cos, mg.sin)
    for choice in rng.integers(0, 3, depth):
        x = ops[choice](x)
        kept.append(x)
    for choice in rng.integers(0, 3, depth):
        x = ops[choice](x) + kept.pop()
    return x.graph()


def dense_blocks(depth: int) -> Graph:
    """Every layer takes the sum of all layers before."""
    layers = [leaf(2, name="x")]
    for _ in range(depth):
        total = layers[0]
        for layer in layers[1:]:
            total = total + layer
        layers.append(mg.tanh(total))
    return layers[-1].graph()


def named_chain(length: int) -> Graph:
    """Every computed node has a name, and the names are words."""
    rng, x = np.random.default_rng(2), leaf(2, name="x")
    for number, choice in enumerate(rng.integers(0, 4, length)):
        x = (mg.tanh, mg.cos, mg.sin, mg.negative)[choice](x)
        if number % 10 == 0:
            x.name = "level " + "abcdefghijklmnopqrstuvwxyz"[number // 10 % 26] * (1 + number // 260)
    return x.graph()


def language_model(layers: int, gradients: bool = False) -> Graph:
    rng = np.random.default_rng(0)
    model = mg.nn.LanguageModel(vocabulary=20, width=16, heads=2, layers=layers, context=8, rng=rng)
    tokens = rng.integers(0, 20, (2, 8))
    return mg.cross_entropy(model(tokens), tokens).graph(gradients=gradients)


def separate_parts(count: int) -> Graph:
    return graph_of([mg.exp(leaf(1 + i % 7, name=f"a{i}") * 2.0) for i in range(count)])


SHAPES: dict[str, Callable[[], Graph]] = {
    "chain of 125": lambda: chain(125),
    "chain of 10,000": lambda: chain(9_999),
    "chain without a period, 300": lambda: mixed_chain(300),
    "chain without a period, 10,000": lambda: mixed_chain(9_999),
    "y = tanh(y * p), 300 times": lambda: powers(300),
    "y = tanh(y * p), 70 times": lambda: powers(70),
    "8 hubs by lot, 100 steps": lambda: many_hubs(100),
    "8 hubs by lot, 3,000 steps": lambda: many_hubs(3_000),
    "computed hub, 130 users": lambda: far_hub(75),
    "RNN, 60 steps": lambda: recurrent(60),
    "RNN, 60 steps, slices of one input": lambda: recurrent(60, sliced=True),
    "RNN, 60 steps in scopes": lambda: recurrent(60, scoped=True),
    "RNN, 60 steps and their gradient": lambda: recurrent(60, gradients=True),
    "RNN, 1,600 steps": lambda: recurrent(1_600),
    "states in a stack, 200": lambda: all_states(200),
    "decoder of 50 steps": lambda: decoder(50),
    "penalty of 120 parameters": lambda: penalty(120),
    "penalty of 120 parameters, 7 shapes": lambda: penalty(120, 7),
    "penalty of 120 parameters at once": lambda: wide_penalty(120),
    "training step of 120 parameters": lambda: update(120),
    "1,000 scalars": lambda: scalars(1_000),
    "1,000 scalars in one stack": lambda: scalars_at_once(1_000),
    "tree of 512 leaves": lambda: tree(9),
    "grid of 10 by 10": lambda: grid(10),
    "grid of 60 by 60": lambda: grid(60),
    "pyramid of 40 scalars": lambda: convolution(40, 12),
    "moons, one sample": lambda: moons(1),
    "moons, eight samples": lambda: moons(8),
    "moons, one sample and its gradient": lambda: moons(1, gradients=True),
    "random graph of 140": lambda: random_graph(140),
    "random graph of 10,000": lambda: random_graph(9_900),
    "random graph of 3,000, near": lambda: random_graph(3_000, 12),
    "down and up, 70 levels": lambda: skips(70),
    "every layer before, 20 layers": lambda: dense_blocks(20),
    "every tenth node named, 900": lambda: named_chain(900),
    "12 blocks and their gradient": lambda: language_model(12, gradients=True),
    "400 parts side by side": lambda: separate_parts(400),
}
