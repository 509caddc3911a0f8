"""The state of a generator as text."""

import json

import numpy as np
import pytest

from minigrad.core.errors import CheckpointError
from minigrad.io import generator_state, load_arrays, restore_generator, save_arrays

KINDS = ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]


def make(kind, seed):
    return np.random.Generator(getattr(np.random, kind)(seed))


def draws(rng):
    """Draws that use every part of the state, the half-used 64-bit word too."""
    return [
        rng.integers(0, 1000, size=3, dtype=np.uint32).tolist(),
        rng.normal(size=5).tolist(),
        rng.permutation(20).tolist(),
        rng.integers(0, 7, size=4).tolist(),
        rng.random(1000, dtype=np.float32).tolist(),
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("drawn", [0, 1, 5, 700])
def test_a_restored_generator_draws_the_same_bits(kind, drawn):
    rng = make(kind, 3)
    rng.integers(0, 100, size=drawn, dtype=np.uint32)  # an odd number leaves half a word behind
    state = generator_state(rng)
    expected = draws(rng)

    other = make(kind, 99)
    draws(other)
    restore_generator(other, state)
    assert generator_state(other) == state
    assert draws(other) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_the_state_is_one_line_of_json_and_survives_a_file(kind, tmp_path):
    state = generator_state(make(kind, 1))
    assert "\n" not in state
    assert json.loads(state)["bit_generator"] == kind
    save_arrays(tmp_path / "a.safetensors", {}, {"generator": state})
    assert load_arrays(tmp_path / "a.safetensors")[1]["generator"] == state


def test_reading_the_state_draws_nothing():
    rng = np.random.default_rng(0)
    assert generator_state(rng) == generator_state(rng)
    assert rng.random() == np.random.default_rng(0).random()


def refused(rng, text, message):
    before = generator_state(rng)
    with pytest.raises(CheckpointError, match=message):
        restore_generator(rng, text)
    assert generator_state(rng) == before


@pytest.mark.parametrize("kind", KINDS[1:])
def test_another_bit_generator_is_refused_and_the_way_out_is_shown(kind):
    refused(np.random.default_rng(0), generator_state(make(kind, 0)), rf"numpy\.random\.{kind}\(\)")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"bit_generator": 3}', "[" * 100_000])
def test_what_is_no_state_is_refused(text):
    refused(np.random.default_rng(0), text, "not JSON|not the state of a generator")


def altered(kind, *path, value):
    """The state of a generator of `kind`, with the entry at `path` replaced by `value`."""
    state = json.loads(generator_state(make(kind, 0)))
    entry = state
    for key in path[:-1]:
        entry = entry[key]
    entry[path[-1]] = value
    return json.dumps(state)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("PCG64", ["state", "state"], 2**128),
        ("PCG64", ["state", "inc"], -1),
        ("PCG64", ["state", "inc"], 1.5),
        ("PCG64", ["state"], {"state": 1}),
        ("PCG64", ["state"], [1, 2]),
        ("PCG64", ["has_uint32"], 2),
        ("PCG64", ["uinteger"], 2**32),
        ("PCG64", ["uinteger"], True),
        ("PCG64", ["more"], 1),
        ("MT19937", ["state", "pos"], 625),
        ("MT19937", ["state", "pos"], 10**9),
        ("MT19937", ["state", "key"], [1] * 623),
        ("MT19937", ["state", "key"], [2**32] * 624),
        ("MT19937", ["state", "key"], "x" * 624),
        ("Philox", ["buffer_pos"], 5),
        ("Philox", ["state", "counter"], [[0, 0], [0, 0]]),
        ("SFC64", ["state", "state"], [-1, 0, 0, 0]),
    ],
)
def test_an_altered_state_is_refused_and_the_generator_stays_as_it_was(kind, path, value):
    refused(make(kind, 5), altered(kind, *path, value=value), f"not a state of {kind}")


@pytest.mark.parametrize("wrong", [0, np.random.RandomState(0), None])
def test_only_a_generator_has_a_state(wrong):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        generator_state(wrong)
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator"):
        restore_generator(wrong, "{}")
