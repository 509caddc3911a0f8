"""Positional encodings."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import check_gradients
from minigrad.nn import LearnedPositions, Linear, SinusoidalPositions, sinusoids

X = np.random.default_rng(3).standard_normal((2, 5, 6))


def test_sinusoids_follow_their_definition():
    table = sinusoids(np.arange(50), 6)
    for position in (0, 1, 7, 49):
        for i in range(3):
            angle = position / 10000 ** (2 * i / 6)
            assert table[position, 2 * i] == pytest.approx(np.sin(angle), abs=1e-14)
            assert table[position, 2 * i + 1] == pytest.approx(np.cos(angle), abs=1e-14)


def test_a_shift_of_positions_is_a_rotation():
    here, there = sinusoids(np.arange(20), 2), sinusoids(np.arange(20) + 3, 2)
    rotation = np.array([[np.cos(3.0), -np.sin(3.0)], [np.sin(3.0), np.cos(3.0)]])
    assert np.allclose(there, here @ rotation)


@pytest.mark.parametrize("start", [1_000_000, 2**24 + 1])
def test_N37_far_positions_are_the_rounded_float64_table(start):
    x = np.zeros((4, 8), np.float32)
    encoded = SinusoidalPositions(8)(x, start=start).numpy()
    assert encoded.dtype == np.float32
    angles = np.arange(start, start + 4)[:, None] / 10000.0 ** (np.arange(0, 8, 2) / 8)
    assert np.array_equal(encoded[:, 0::2], np.sin(angles).astype(np.float32))
    assert np.array_equal(encoded[:, 1::2], np.cos(angles).astype(np.float32))


def test_an_odd_width_ends_with_a_sine():
    assert sinusoids([2.0], 5).shape == (1, 5)
    assert sinusoids([2.0], 5)[0, 4] == pytest.approx(np.sin(2.0 / 10000 ** (4 / 5)))


MODULES = {
    "sinusoidal": lambda **options: SinusoidalPositions(6, dtype=np.float64, **options),
    "scaled": lambda **options: SinusoidalPositions(6, learnable_scale=True, dtype=np.float64, **options),
    "learned": lambda **options: LearnedPositions(9, 6, np.random.default_rng(0), dtype=np.float64, **options),
}


@pytest.mark.parametrize("combine", ["add", "concatenate"])
@pytest.mark.parametrize("kind", MODULES)
def test_gradients_agree_with_finite_differences(kind, combine):
    module = MODULES[kind](combine=combine)
    check_gradients(module, [X], parameters=dict(module.named_parameters()))


@pytest.mark.parametrize("kind", MODULES)
def test_concatenating_then_mapping_is_adding_two_maps(kind):
    """[x; p] W = x W₁ + p W₂: what concatenation can express, and addition too."""
    module = MODULES[kind](combine="concatenate")
    both = Linear(12, 4, bias=False, rng=np.random.default_rng(1), dtype=np.float64)
    encoding = module(np.zeros_like(X)).numpy()[..., 6:]
    weight = both.weight.numpy()
    assert np.allclose(both(module(X)).numpy(), X @ weight[:6] + encoding @ weight[6:])


@pytest.mark.parametrize("kind", MODULES)
def test_every_sequence_gets_the_same_positions_from_the_start_on(kind):
    module = MODULES[kind]()
    encoding = module(np.zeros((7, 6))).numpy()
    assert np.allclose(module(X).numpy(), X + encoding[:5])
    assert np.allclose(module(X, start=2).numpy(), X + encoding[2:])


def test_the_scale_is_one_number_that_is_trained():
    module = MODULES["scaled"]()
    assert [(path, p.shape, p.name) for path, p in module.named_parameters()] == [("gain", (), "gain")]
    mg.assign(module.gain, 0.0)
    assert np.array_equal(module(X).numpy(), X)


def test_positions_are_a_named_node():
    graph = SinusoidalPositions(6)(mg.Tensor(X, requires_grad=True)).graph()
    assert graph.find("positions").shape == (5, 6)


def test_positions_beyond_those_that_were_learned_are_refused():
    with pytest.raises(ValueError, match="positions 5 … 9 are wanted, 0 … 8 were made"):
        MODULES["learned"]()(X, start=5)


def test_other_misuse_is_named():
    with pytest.raises(ValueError, match="width 4 cannot be added to tokens of width 6"):
        SinusoidalPositions(4)(X)
    with pytest.raises(ValueError, match='combine=\'append\', expected "add" or "concatenate"'):
        SinusoidalPositions(4, combine="append")
    with pytest.raises(ValueError, match="embedded tokens, floats"):
        SinusoidalPositions(4)(np.zeros((2, 4), int))
