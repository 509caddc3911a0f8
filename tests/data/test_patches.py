"""Patches: each pixel in the token of its square, and back again."""

import numpy as np
import pytest

from minigrad.data import from_patches, patches


@pytest.mark.parametrize(
    ("shape", "size"), [((3, 8, 8), 2), ((1, 4, 12), 4), ((2, 6, 3), 3), ((0, 8, 8), 2), ((2, 5, 7), 1)]
)
def test_putting_together_undoes_cutting(shape, size):
    images = np.arange(np.prod(shape)).reshape(shape)
    tokens = patches(images, size)
    assert tokens.shape == (shape[0], shape[1] * shape[2] // size**2, size**2)
    assert (from_patches(tokens, width=shape[2]) == images).all()


def test_the_channels_of_a_pixel_lie_side_by_side():
    images = np.random.default_rng(1).random((2, 4, 6, 3))
    tokens = patches(images, 2).reshape(2, 6, 4, 3)
    for channel in range(3):
        assert (tokens[..., channel] == patches(images[..., channel], 2)).all()


def test_each_pixel_is_in_the_token_of_its_square():
    images = np.random.default_rng(0).random((2, 4, 6))
    tokens = patches(images, 2)
    for row, column in np.ndindex(2, 3):
        square = images[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert (tokens[:, 3 * row + column] == square.reshape(2, 4)).all()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: patches(np.zeros((8, 8)), 2), ValueError, ["(count, height, width)", "(8, 8)"]),
        (lambda: patches(np.zeros((1, 8, 9)), 2), ValueError, ["size=2", "(1, 8, 9)"]),
        (lambda: patches(np.zeros((1, 8, 8)), 0), ValueError, ["size"]),
        (lambda: patches(np.zeros((1, 8, 8)), 2.0), TypeError, ["size"]),
        (lambda: from_patches(np.zeros((1, 16, 3)), 8), ValueError, ["size · size", "(1, 16, 3)"]),
        (lambda: from_patches(np.zeros((1, 15, 4)), 8), ValueError, ["width=8", "(1, 15, 4)"]),
        (lambda: from_patches(np.zeros((1, 16, 4)), 7), ValueError, ["width=7"]),
        (lambda: from_patches(np.zeros((1, 16, 16)), 2), ValueError, ["width=2"]),
        (lambda: from_patches(np.zeros((16, 4)), 8), ValueError, ["(16, 4)"]),
    ],
)
def test_what_does_not_fit_is_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
