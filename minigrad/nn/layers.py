"""Layers: linear maps, embeddings, normalisation, dropout, and the feed-forward part of a transformer.

Weights are drawn from the generator that is passed; equal seeds give equal layers, rounded to `dtype`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.module import Module, check_precision, new_parameter
from minigrad.nn.room import current_room


class Linear(Module):
    """`x @ weight + bias`, from the last axis of length `inputs` to one of length `outputs`.

    `weight` (inputs, outputs) is uniform in ±√(6 / (inputs + outputs)) (Glorot and Bengio, 2010, eq. 16); `bias`
    (outputs,) is zero.

    Args:
        inputs, outputs: lengths of the last axis, before and after.
        bias: False for the product alone.
        rng: draws the initial weight.

    Raises:
        ValueError: a length that is not a whole number, at least 1.

    >>> layer = Linear(3, 2, rng=np.random.default_rng(0))
    >>> layer(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self, inputs: int, outputs: int, bias: bool = True, *, rng: np.random.Generator, dtype: Any = np.float32
    ) -> None:
        check_sizes("Linear", inputs=inputs, outputs=outputs)
        limit = math.sqrt(6 / (inputs + outputs))
        self.weight = new_parameter(rng.uniform(-limit, limit, (inputs, outputs)), dtype, "weight")
        self.bias = new_parameter(np.zeros(outputs), dtype, "bias") if bias else None

    def forward(self, x: Any) -> Any:
        """`x` (…, inputs) as (…, outputs)."""
        check_precision(x, self.weight)
        return ops.matmul(x, self.weight) if self.bias is None else ops.linear(x, self.weight, self.bias)


class Embedding(Module):
    """One trained row of length `width` for each of `count` tokens; standard normal at first.

    Args:
        count: how many tokens there are; `weight` is (count, width).
        width: length of a row.
        rng: draws the initial weight.

    Raises:
        ValueError: a size that is not a whole number, at least 1.

    >>> Embedding(10, 4, np.random.default_rng(0))([[1, 2, 3]]).shape
    (1, 3, 4)
    """

    def __init__(self, count: int, width: int, rng: np.random.Generator, dtype: Any = np.float32) -> None:
        check_sizes("Embedding", count=count, width=width)
        self.weight = new_parameter(rng.standard_normal((count, width)), dtype, "weight")

    def forward(self, indices: Any) -> Any:
        """The rows of integer `indices` (…), (…, width)."""
        return ops.embedding(self.weight, indices)


class LayerNorm(Module):
    """Layer normalisation over the last axis, with a gain and a bias (Ba, Kiros and Hinton, arXiv 1607.06450).

    Args:
        width: length of the last axis; `gain`, ones at first, and `bias`, zeros, are (width,).
        epsilon: is added to the variance.
        bias: False for the gain alone.

    Raises:
        ValueError: a width that is not a whole number, at least 1.

    >>> LayerNorm(2)(np.array([[1.0, 3.0]], np.float32)).numpy().round(2).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, width: int, epsilon: float = 1e-5, dtype: Any = np.float32, bias: bool = True) -> None:
        check_sizes("LayerNorm", width=width)
        self.gain = new_parameter(np.ones(width), dtype, "gain")
        self.bias = new_parameter(np.zeros(width), dtype, "bias") if bias else None
        self.epsilon = epsilon

    def forward(self, x: Any) -> Any:
        """`x` (…, width), normalised."""
        check_precision(x, self.gain)
        return ops.layer_norm(x, self.gain, self.bias, epsilon=self.epsilon)


class RMSNorm(Module):
    """Root-mean-square normalisation over the last axis, with a gain (Zhang and Sennrich, arXiv 1910.07467).

    Args:
        width: length of the last axis; `gain`, ones at first, is (width,).
        epsilon: is added to the mean of the squares.

    Raises:
        ValueError: a width that is not a whole number, at least 1.

    >>> RMSNorm(2)(np.array([[2.0, -2.0]], np.float32)).numpy().round(2).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, width: int, epsilon: float = 1e-6, dtype: Any = np.float32) -> None:
        check_sizes("RMSNorm", width=width)
        self.gain = new_parameter(np.ones(width), dtype, "gain")
        self.epsilon = epsilon

    def forward(self, x: Any) -> Any:
        """`x` (…, width), normalised."""
        check_precision(x, self.gain)
        return ops.rms_norm(x, self.gain, epsilon=self.epsilon)


class Dropout(Module):
    """While training, each element is dropped with probability `rate` and the rest scaled up (Srivastava et al., 2014).

    After `eval()` nothing is dropped.

    Args:
        rate: the probability, from 0 to 1.
        rng: draws what is dropped; without one, that of the enclosing `with minigrad.generator(rng):` does.

    Raises:
        ValueError: a rate that is not between 0 and 1.

    >>> dropout = Dropout(0.5, np.random.default_rng(0))
    >>> dropout(np.ones(6)).tolist(), dropout.eval()(np.ones(2)).tolist()
    ([2.0, 2.0, 2.0, 0.0, 0.0, 0.0], [1.0, 1.0])
    """

    def __init__(self, rate: float, rng: np.random.Generator | None = None) -> None:
        if not 0 <= rate <= 1:
            raise ValueError(f"Dropout: rate={rate} must be between 0 and 1")
        self.rate = rate
        self.rng = rng

    def forward(self, x: Any) -> Any:
        """`x` of any shape, with some of its elements dropped while training."""
        return ops.dropout(x, self.rate, self.rng) if self.training and self.rate else x


class FeedForward(Module):
    """Two linear maps with an activation between them, applied to every token (Vaswani et al., 2017, eq. 2).

    Args:
        width: length of the last axis.
        hidden: width of the hidden layer, often four times `width`.
        activation: one of `ACTIVATIONS`.
        rng: draws the initial weights.
        bias: whether the linear maps have one.

    Raises:
        ValueError: another activation, or a width that is not a whole number, at least 1.

    >>> FeedForward(4, 16, "gelu", rng=np.random.default_rng(0))(np.ones((3, 4), np.float32)).shape
    (3, 4)
    """

    def __init__(
        self, width: int, hidden: int, activation: str = "relu", *, rng: np.random.Generator, dtype: Any = np.float32,
        bias: bool = True,
    ) -> None:  # fmt: skip
        if activation not in ACTIVATIONS:
            raise ValueError(f"FeedForward: activation={activation!r}, expected one of {', '.join(ACTIVATIONS)}")
        self.up = Linear(width, hidden, bias, rng=rng, dtype=dtype)
        self.down = Linear(hidden, width, bias, rng=rng, dtype=dtype)
        self.activation = activation

    def forward(self, x: Any) -> Any:
        """`x` (…, width) as (…, width)."""
        return self.down(ACTIVATIONS[self.activation](self.up(x)))


class Sequential(Module):
    """Modules and functions, each called on what the one before returned.

    Args:
        layers: in their order; what is no module holds no parameters, such as `minigrad.relu` or a `lambda`.

    Raises:
        TypeError: what cannot be called.

    >>> import minigrad as mg
    >>> rng = np.random.default_rng(0)
    >>> model = Sequential(Linear(3, 8, rng=rng), mg.relu, Linear(8, 2, rng=rng))
    >>> model(np.ones((5, 3), np.float32)).shape
    (5, 2)
    >>> [path for path, _ in model.named_parameters()]
    ['layers.0.weight', 'layers.0.bias', 'layers.2.weight', 'layers.2.bias']
    """

    def __init__(self, *layers: Callable[[Any], Any]) -> None:
        for position, layer in enumerate(layers):
            if not callable(layer):
                raise TypeError(f"Sequential: expected modules and functions, layers[{position}] is {layer!r}")
        self.layers = list(layers)

    def forward(self, x: Any) -> Any:
        """What the last one returns."""
        for layer in self.layers:
            x = layer(x)
        return x


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu,
    "gelu": ops.gelu,
    "gelu_tanh": functools.partial(ops.gelu, approximate="tanh"),
    "tanh": ops.tanh,
    "sigmoid": ops.sigmoid,
    "softplus": ops.softplus,
}


def check_sizes(module: str, **sizes: int) -> None:
    """Raise ValueError for a size that is not a whole number from 1 on, or has no room."""
    room = current_room()
    for name, size in sizes.items():
        if not isinstance(size, (int, np.integer)) or size < 1:
            raise ValueError(f"{module}: {name}={size!r} must be a whole number, at least 1")
        if room is not None:
            room.check(f"{module}: {name}", size)
