"""Recurrent networks: a state that each token changes, from the first to the last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.core.arrays import shape_of
from minigrad.nn.layers import check_sizes
from minigrad.nn.module import Module, check_precision, new_parameter


class Recurrent(Module):
    """Base of `GRU` and `LSTM`: layers of one recurrence, each on what the one before gave for every token.

    A subclass says how many `gates` there are, how many `states`, and writes `advance`. The weights of a layer are held
    under its number, "0", and those that read from the last token to the first under "0_reverse"; all are uniform in
    ±1 / √width.

    Args:
        inputs: length of the last axis.
        width: that of the state, and of what each direction gives for a token.
        layers: how many there are.
        bias: whether the maps of input and state have one.
        dropout: rate of dropout on what goes from one layer to the next; its draws come from the enclosing
            `with minigrad.generator(rng):`.
        bidirectional: a second recurrence in each layer reads from the last token to the first.
        rng: draws the initial weights.

    Raises:
        ValueError: a size that is not a whole number, at least 1, and a rate that is not between 0 and 1.
    """

    gates = states = 1

    def __init__(
        self, inputs: int, width: int, layers: int = 1, bias: bool = True, dropout: float = 0.0,
        bidirectional: bool = False, *, rng: np.random.Generator, dtype: Any = np.float32,
    ) -> None:  # fmt: skip
        check_sizes(type(self).__name__, inputs=inputs, width=width, layers=layers)
        sides = ("", "_reverse") if bidirectional else ("",)
        self.names = [[f"{layer}{side}" for side in sides] for layer in range(layers)]
        limit, gates = 1 / math.sqrt(width), self.gates * width

        def draw(*shapes: tuple[int, ...], name: str) -> dict[str, Any]:
            named = zip((name for names in self.names for name in names), shapes, strict=True)
            return {key: new_parameter(rng.uniform(-limit, limit, shape), dtype, name) for key, shape in named}

        directions = len(sides)
        count = layers * directions
        before = [inputs] * directions + [width * directions] * (count - directions)
        self.input_weight = draw(*((n, gates) for n in before), name="input_weight")
        self.state_weight = draw(*[(width, gates)] * count, name="state_weight")
        self.input_bias = draw(*[(gates,)] * count, name="input_bias") if bias else {}
        self.state_bias = draw(*[(gates,)] * count, name="state_bias") if bias else {}
        if not 0 <= dropout <= 1:
            raise ValueError(f"{type(self).__name__}: dropout={dropout} must be between 0 and 1")
        self.dropout, self.width = dropout, width

    def forward(self, x: Any, state: Any = None) -> Any:
        """What each token gives, (…, tokens, width · directions), and the state after the last.

        Args:
            x: (…, tokens, inputs).
            state: that before the first token, (layers · directions, …, width), as it is returned; zeros by default.
                That of an `LSTM` is a pair of them, what it gives and the cell.
        """
        check_precision(x, self.input_weight["0"])
        before, after = self._part_state(x, state), list[Sequence[Any]]()
        for number, names in enumerate(self.names):
            x = ops.dropout(x, self.dropout) if number and self.training else x
            given = []
            for name in names:
                y, last = self._run(name, x, before[len(after)])
                given.append(y)
                after.append(last)
            x = given[0] if len(given) == 1 else ops.concatenate(given, axis=-1)
        joined = [ops.stack(parts) for parts in zip(*after, strict=True)]
        return x, joined[0] if self.states == 1 else tuple(joined)

    def advance(self, x: Any, h: Any, state: Sequence[Any]) -> tuple[Any, ...]:
        """The next state, of the maps of a token and of what the one before gave; what is given comes first."""
        raise NotImplementedError

    def _run(self, name: str, x: Any, state: Sequence[Any] | None) -> tuple[Any, Sequence[Any]]:
        """One layer in one direction: what it gives for each token, and its last state."""
        mapped = ops.linear(x, self.input_weight[name], self.input_bias.get(name))
        if state is None:
            state = [ops.zeros_like(ops.index(mapped, (..., 0, slice(0, self.width))))] * self.states
        backwards = name.endswith("_reverse")
        given = []
        for token in reversed(range(mapped.shape[-2])) if backwards else range(mapped.shape[-2]):
            h = ops.linear(state[0], self.state_weight[name], self.state_bias.get(name))
            state = self.advance(ops.index(mapped, (..., token, slice(None))), h, state)
            given.append(state[0])
        return ops.stack(given[::-1] if backwards else given, axis=-2), state

    def _part_state(self, x: Any, state: Any) -> list[list[Any] | None]:
        """The state of each recurrence before the first token; None for zeros."""
        name, shape = type(self).__name__, shape_of(x)
        inputs, count = self.input_weight["0"].shape[0], len(self.input_weight)
        if len(shape) < 2 or shape[-1] != inputs or not shape[-2]:
            raise ValueError(f"{name}: expected x (…, tokens, {inputs}), got {shape}")
        expected = (count, *shape[:-2], self.width)
        if state is None:
            return [None] * count
        given = [state] if self.states == 1 else list(state)
        shapes = [shape_of(part) for part in given]
        if shapes != [expected] * self.states:
            raise ValueError(f"{name}: expected a state of {self.states} × {expected}, got {shapes}")
        return [[ops.index(part, i) for part in given] for i in range(count)]

    def _gates(self, x: Any) -> list[Any]:
        return [ops.index(x, (..., slice(i * self.width, (i + 1) * self.width))) for i in range(self.gates)]


class GRU(Recurrent):
    """The gated recurrent unit (Cho et al., arXiv 1406.1078), as cuDNN and PyTorch compute it.

    r = σ(W x + U h), z likewise, n = tanh(W x + r · U h), and the next state is (1 − z) · n + z · h.

    Arguments and errors are those of `Recurrent`.

    >>> gru = GRU(3, 4, rng=np.random.default_rng(0))
    >>> y, state = gru(np.ones((2, 5, 3), np.float32))
    >>> y.shape, state.shape
    ((2, 5, 4), (1, 2, 4))
    """

    gates = 3

    def advance(self, x: Any, h: Any, state: Sequence[Any]) -> tuple[Any, ...]:
        """See `Recurrent`."""
        (reset, update, new), (own_reset, own_update, own_new) = self._gates(x), self._gates(h)
        candidate = ops.tanh(new + ops.sigmoid(reset + own_reset) * own_new)
        return (candidate + ops.sigmoid(update + own_update) * (state[0] - candidate),)


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997), with the forget gate of Gers et al. (2000).

    i = σ(W x + U h), f and o likewise, g = tanh(W x + U h); the cell is f · c + i · g, and o · tanh(c) is given.

    Arguments and errors are those of `Recurrent`.

    >>> lstm = LSTM(3, 4, bidirectional=True, rng=np.random.default_rng(0))
    >>> y, (h, c) = lstm(np.ones((2, 5, 3), np.float32))
    >>> y.shape, h.shape, c.shape
    ((2, 5, 8), (2, 2, 4), (2, 2, 4))
    """

    gates, states = 4, 2

    def advance(self, x: Any, h: Any, state: Sequence[Any]) -> tuple[Any, ...]:
        """See `Recurrent`."""
        enter, forget, new, leave = self._gates(x + h)
        cell = ops.sigmoid(forget) * state[1] + ops.sigmoid(enter) * ops.tanh(new)
        return ops.sigmoid(leave) * ops.tanh(cell), cell
