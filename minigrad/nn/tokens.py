"""Models that read a row of a table, column by column, or an image, patch by patch, and answer with a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import ops
from minigrad.nn.layers import Linear, check_sizes
from minigrad.nn.module import Module, new_parameter
from minigrad.nn.positions import LearnedPositions
from minigrad.nn.transformer import Encoder


class TokenReader(Module):
    """What the two have in common: a class token in front of the others asks them, and the answer is read off it."""

    def __init__(
        self, tokens: int, outputs: int, width: int, heads: int, layers: int, rng: np.random.Generator,
        dtype: Any, **options: Any,
    ) -> None:  # fmt: skip
        self.asking = new_parameter(rng.standard_normal((1, width)), dtype, "asking")
        self.positions = LearnedPositions(tokens, width, rng, dtype=dtype)
        self.transformer = Encoder(layers, width, heads, rng=rng, dtype=dtype, **options)
        self.readout = Linear(width, outputs, rng=rng, dtype=dtype)

    def read(self, embedded: Any) -> Any:
        """The answer (…, outputs) to embedded tokens (…, tokens, width)."""
        asking = ops.broadcast_to(self.asking, (*embedded.shape[:-2], *self.asking.shape))
        x = self.transformer(ops.concatenate([asking, self.positions(embedded)], axis=-2))
        return self.readout(ops.index(x, (..., 0, slice(None))))


class TableTransformer(TokenReader):
    """Each column of a row is a token: a vector of the column, one for its category, and its number times another.

    The vectors of categories are zero at first, and those of what never occurs remain so. A number is of about
    variance 1, and 0 where there is none. (Gorishniy et al., Revisiting Deep Learning Models for Tabular Data, 2021,
    section 3.3.)

    Args:
        columns: how many there are.
        codes: how many categories all columns have together, "missing" and such included.
        outputs: how many numbers are the answer: one for each class, or one.
        width, heads, layers: as `Encoder` takes them.
        rng: draws the initial weights.
        options: those of `Encoder`.

    Raises:
        ValueError: what the parts raise, for sizes that are not whole numbers, at least 1, or do not fit each other.

    >>> model = TableTransformer(3, codes=7, outputs=2, width=8, heads=2, layers=1, rng=np.random.default_rng(0))
    >>> model(np.array([[0, 2, 5]]), np.array([[0.5, 0, 0]], np.float32)).shape
    (1, 2)
    """

    def __init__(
        self, columns: int, codes: int, outputs: int, width: int, heads: int, layers: int, *, rng: np.random.Generator,
        dtype: Any = np.float32, **options: Any,
    ) -> None:  # fmt: skip
        check_sizes("TableTransformer", columns=columns, codes=codes)
        self.directions = new_parameter(rng.standard_normal((columns, width)), dtype, "directions")
        self.categories = new_parameter(np.zeros((codes, width)), dtype, "categories")
        super().__init__(columns, outputs, width, heads, layers, rng, dtype, **options)

    def forward(self, codes: Any, numbers: Any) -> Any:
        """The answer (…, outputs) to rows.

        Args:
            codes: integers (…, columns), which category each column has.
            numbers: floats (…, columns).
        """
        scaled = ops.multiply(ops.expand_dims(numbers, -1), self.directions)
        return self.read(ops.embedding(self.categories, codes) + scaled)


class VisionTransformer(TokenReader):
    """Each patch of an image is a token (Dosovitskiy et al., An Image is Worth 16x16 Words, 2021).

    Args:
        tokens: how many patches an image has.
        features: how many numbers a patch has, of about variance 1; see `minigrad.data.patches`.
        outputs, width, heads, layers, rng, options: as `TableTransformer` takes them.

    Raises:
        ValueError: what the parts raise, for sizes that are not whole numbers, at least 1, or do not fit each other.

    >>> model = VisionTransformer(16, 4, outputs=10, width=8, heads=2, layers=1, rng=np.random.default_rng(0))
    >>> model(np.ones((5, 16, 4), np.float32)).shape
    (5, 10)
    """

    def __init__(
        self, tokens: int, features: int, outputs: int, width: int, heads: int, layers: int, *,
        rng: np.random.Generator, dtype: Any = np.float32, **options: Any,
    ) -> None:  # fmt: skip
        self.embedding = Linear(features, width, rng=rng, dtype=dtype)
        super().__init__(tokens, outputs, width, heads, layers, rng, dtype, **options)

    def forward(self, patches: Any) -> Any:
        """The answer (…, outputs) to images (…, tokens, features)."""
        return self.read(self.embedding(patches))
