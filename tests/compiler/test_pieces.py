"""Loops over pieces: with the limits made small, programs of small arrays have them too, and compute the same."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import pieces


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "LARGE", 64)
    monkeypatch.setattr(pieces, "PIECE", 256)
    monkeypatch.setattr(pieces, "FLAT", 16)


def loops_of(step):
    return [line.strip() for line in step.source.splitlines() if line.strip().startswith("for ")]


def alike(function, *arrays):
    step = mg.compile(function)
    for _ in range(2):
        step(*arrays)
        step.program._step.__globals__["memory"][...] = 0xFF
    for actual, expected in zip(step(*arrays), function(*map(mg.Tensor, arrays)), strict=True):
        np.testing.assert_allclose(actual.numpy(), expected.numpy(), rtol=1e-12, atol=1e-12)
    return step


@pytest.mark.parametrize("length", [15, 16, 17, 33, 100])
def test_flat_arrays_are_cut_by_elements(length, small_pieces):
    step = alike(lambda x: (mg.exp(x * 0.5) - x * 2.0, mg.sqrt(x * x + 1.0)), np.random.default_rng(0).random(length))
    assert [line for line in loops_of(step) if "range(0" in line]


@pytest.mark.parametrize("rows", [2, 7, 16, 101, 103, 202])
@pytest.mark.parametrize("width", [1, 2, 40])
def test_rows_are_cut_into_equal_pieces_or_not_at_all(rows, width, small_pieces):
    alike(
        lambda x: (mg.exp(x * 0.5) - x * 2.0, mg.softmax(x * 3.0) + 1.0), np.random.default_rng(0).random((rows, width))
    )


def test_nothing_is_not_cut(small_pieces):
    rows, nothing = np.random.default_rng(0).random((16, 4)), np.empty(0)
    step = alike(lambda x, y: (np.sqrt(x) * 2.0, mg.exp(y), np.sqrt(x) + 1.0), rows, nothing)
    assert "exp" in step.source


@pytest.mark.parametrize("row", [0, 7, -1])
def test_state_that_every_row_reads_is_not_written_in_the_same_loop(row, small_pieces):
    x, state = np.random.default_rng(0).random((16, 4)), mg.Tensor(np.ones((16, 4)), name="state")

    @mg.compile
    def step(x):
        before = mg.read(state)
        shifted = mg.exp(x + before[row]) * 2.0
        mg.assign(state, before * 2.0 + x)
        return shifted

    expected = np.ones((16, 4))
    for _ in range(3):
        np.testing.assert_allclose(step(x).numpy(), np.exp(x + expected[row]) * 2.0, rtol=1e-12)
        expected = expected * 2.0 + x
        np.testing.assert_allclose(state.numpy(), expected, rtol=1e-12)
    assert loops_of(step)


LOOKS = {
    "backwards": lambda state: state.detach()[::-1],
    "as it is": lambda state: state.detach(),
    "a row later": lambda state: mg.concatenate([state.detach()[1:], state.detach()[:1]]),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("looker_is_first", [True, False])
def test_state_is_not_written_in_the_loop_that_looks_into_it_elsewhere(look, looker_is_first, small_pieces):
    start = np.random.default_rng(0).random((16, 4))

    def train(wrap):
        state = mg.Tensor(start, name="state")
        looker = look(state)

        def step(x):
            terms = [mg.tanh(looker), mg.exp(state) * 0.1]
            mg.assign(state, terms[not looker_is_first] * x + terms[looker_is_first])
            return mg.sum(state)

        step = wrap(step)
        return [step(start).item() for _ in range(3)], state.numpy(), step

    losses, state, step = train(mg.compile)
    expected = train(lambda function: function)
    assert loops_of(step)
    np.testing.assert_allclose(losses, expected[0], rtol=1e-12)
    np.testing.assert_allclose(state, expected[1], rtol=1e-12)


def test_an_error_in_a_later_turn_says_that_state_may_be_half_written(small_pieces):
    state = mg.Tensor(np.ones((16, 4)), name="state")
    step = mg.compile(lambda x: mg.assign(state, mg.exp(x) * mg.read(state)))
    x = np.zeros((16, 4))
    step(x)
    stamp = state._storage.stamp
    x[-1] = 1e4
    with np.errstate(over="raise"), pytest.raises(FloatingPointError) as caught:
        step(x + 1)
    assert loops_of(step)
    assert state.numpy()[0, 0] == np.e
    assert "half updated" in caught.value.__notes__[0]
    assert state._storage.stamp > stamp


@pytest.mark.parametrize("shape", [(), (1,), (4,), (16, 1), (1, 4)])
def test_a_condition_that_all_rows_share_is_not_cut(shape, small_pieces):
    x, condition = np.random.default_rng(0).random((16, 4)), np.arange(1.0, 17.0)[: np.prod(shape, dtype=int)]
    alike(lambda x, c: (mg.where(c - 2.0, x * 2.0, x), mg.where(c, x, 1.0)), x, condition.reshape(shape))


def test_attention_goes_sequence_by_sequence(small_pieces):
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((4, 2, 5, 3)) for _ in range(3)]

    def attend(q, k, v):
        return (mg.scaled_dot_product_attention(q, k, v) * 2.0,)

    step = alike(attend, *arrays)
    assert "for i in range(4):" in loops_of(step)
    assert any("scores" in line and "[i" not in line for line in step.source.splitlines() if "array(" in line)


def test_rows_that_depend_on_each_other_are_not_cut_apart(small_pieces):
    def function(x):
        y = mg.exp(x)
        z = y * 2.0
        flipped = z[::-1] + y
        return flipped, flipped * y, mg.cumsum(y * z, axis=0) - y

    alike(function, np.random.default_rng(0).standard_normal((16, 8)))


def test_axes_that_change_places_are_not_cut(small_pieces):
    def function(x):
        y = mg.exp(x) + 1.0
        return (y.T * 2.0 + mg.sin(y)) * 0.5, mg.tanh(y)

    alike(function, np.random.default_rng(0).standard_normal((8, 8)))


def test_a_value_that_all_rows_need_is_made_before_the_loop(small_pieces):
    def function(x, v):
        y = mg.exp(x) * 2.0
        w = mg.exp(v) * 2.0
        return (y * w + 1.0, y * mg.expand_dims(w, 0))

    rng = np.random.default_rng(0)
    alike(function, rng.standard_normal((8, 8)), rng.standard_normal(8))


PARTS = {
    "a row": ((16, 4), lambda y: y[0]),
    "a column": ((16, 4), lambda y: y[:, 0]),
    "rows": ((16, 4), lambda y: y[2:5]),
    "an element": ((64,), lambda y: mg.reshape(y[:1], ())),
}


@pytest.mark.parametrize(("shape", "part"), PARTS.values(), ids=PARTS)
def test_parts_of_which_only_the_shape_is_needed(shape, part, small_pieces):
    """No instruction reads them, though they are views of memory that a loop could do with less of."""

    def function(x):
        y = mg.exp(x) * 2.0
        return y * y + 1.0, mg.full_like(part(y), 3.0)

    assert loops_of(alike(function, np.random.default_rng(0).random(shape)))


def test_a_flat_array_with_an_axis_more_for_a_while(small_pieces):
    def function(x):
        y = mg.exp(x * 0.5)
        return (mg.expand_dims(y, 0)[0] * 2.0 + y,)

    assert loops_of(alike(function, np.random.default_rng(0).random(64)))


def test_a_whole_training_step_in_pieces_is_the_same(small_pieces):
    losses = []
    for compiled in (False, True):
        rng = np.random.default_rng(0)
        model = mg.nn.LanguageModel(vocabulary=7, width=8, heads=2, layers=2, context=6, rng=rng).astype(np.float64)
        adam = mg.optim.AdamW(model.parameters(), rate=1e-2)

        def step(tokens, targets, model=model, adam=adam):
            adam.zero_grad()
            loss = mg.cross_entropy(model(tokens), targets)
            loss.backward()
            mg.optim.clip_gradients(adam.parameters, 0.5)
            adam.step()
            return loss

        run = mg.compile(step) if compiled else step
        losses.append([float(run(rng.integers(0, 7, (4, 6)), rng.integers(0, 7, (4, 6)))) for _ in range(20)])
        if compiled:
            assert len(loops_of(run)) > 10
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-10)
