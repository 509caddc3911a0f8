"""Positional encodings."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks import check_gradients
from minigrad.nn import LearnedPositions, Linear, SinusoidalPositions, linear_biases, rotary, sinusoids

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


def test_rotary_is_a_multiplication_of_complex_numbers():
    turned = rotary(X, start=3).numpy()
    angles = np.arange(3, 8)[:, None] / 10000.0 ** (np.arange(0, 6, 2) / 6)
    expected = (X[..., 0::2] + 1j * X[..., 1::2]) * np.exp(1j * angles)
    assert np.allclose(turned[..., 0::2] + 1j * turned[..., 1::2], expected, rtol=0, atol=1e-14)


def test_scores_of_turned_vectors_depend_on_the_distance_alone():
    query, key = np.random.default_rng(1).standard_normal((2, 6))
    scores = rotary(np.tile(query, (7, 1))).numpy() @ rotary(np.tile(key, (7, 1))).numpy().T
    for distance in range(-6, 7):
        assert np.allclose(np.diagonal(scores, distance), np.diagonal(scores, distance)[0])
    assert len(np.unique(scores.round(9))) == 13


def test_rotary_starts_where_it_is_told():
    assert np.array_equal(rotary(X[:, 2:], start=2).numpy(), rotary(X).numpy()[:, 2:])


def test_rotary_agrees_with_finite_differences():
    check_gradients(rotary, [X], order=2)


def test_N37_rotary_at_far_positions_is_rounded_once():
    turned = rotary(np.array([[1.0, 0.0]], np.float32), start=1_000_000).numpy()
    assert turned.dtype == np.float32
    assert np.array_equal(turned, np.array([[np.cos(1e6), np.sin(1e6)]], np.float32))


def test_slopes_of_eight_heads_are_those_of_the_paper():
    biases = linear_biases(heads=8, queries=5)
    assert biases.dtype == np.float32
    assert (-biases.numpy()[:, 4, 3]).tolist() == [1 / 2**k for k in range(1, 9)]


def test_linear_biases_under_a_causal_mask_are_those_of_the_paper():
    """There they grow with the key alone, which adds the same number to a whole row."""
    of_the_paper = np.float64([2**-4, 2**-8])[:, None, None] * np.arange(5)
    scores = np.random.default_rng(2).standard_normal((2, 5, 5))
    causal = np.tri(5, dtype=bool)
    weights = mg.softmax(scores + linear_biases(2, 5, dtype=np.float64), where=causal)
    assert np.allclose(weights.numpy(), mg.softmax(scores + of_the_paper, where=causal))


def test_linear_biases_of_the_last_query_are_the_last_row():
    assert np.array_equal(linear_biases(3, 1, keys=6, start=5).numpy(), linear_biases(3, 6).numpy()[:, 5:])
    assert np.array_equal(linear_biases(3, 4, keys=6).numpy(), linear_biases(3, 6).numpy()[:, :4])


def test_attention_with_rotary_and_linear_biases_can_be_captured_and_keeps_float32():
    def attend(query, key, value):
        return mg.scaled_dot_product_attention(rotary(query), rotary(key), value, bias=linear_biases(2, 5), causal=True)

    inputs = np.random.default_rng(4).standard_normal((3, 2, 5, 4)).astype(np.float32)
    graph = mg.trace(attend, *inputs)
    assert graph.find("linear biases").shape == (2, 5, 5)
    assert graph.run(*inputs).dtype == np.float32
    assert np.array_equal(graph.run(*inputs), attend(*inputs).numpy())


def test_misuse_of_rotary_and_linear_biases_is_named():
    with pytest.raises(ValueError, match=r"in pairs, so the width must be even; got \(2, 5, 3\)"):
        rotary(X[..., :3])
    with pytest.raises(ValueError, match="embedded tokens, floats"):
        rotary(np.zeros((2, 4), int))
    with pytest.raises(ValueError, match="linear_biases: heads=0 must be a whole number"):
        linear_biases(0, 4)
