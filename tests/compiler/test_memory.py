"""Memory: what lives at the same time never overlaps, and what may share a place does."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad import Tensor
from minigrad.compiler.memory import ALIGNMENT, place_blocks
from minigrad.compiler.plan import Block


def block(lines, first, length):
    return Block((), first, first + length, ALIGNMENT * lines)


@given(st.lists(st.builds(block, st.integers(1, 8), st.integers(0, 20), st.integers(0, 8)), max_size=30))
def test_blocks_that_live_at_the_same_time_do_not_overlap(blocks):
    blocks, total = place_blocks(blocks)
    assert all(one.offset % ALIGNMENT == 0 and one.offset >= 0 and one.offset + one.size <= total for one in blocks)
    for i, one in enumerate(blocks):
        for other in blocks[:i]:
            together = one.first <= other.last and other.first <= one.last
            apart = one.offset + one.size <= other.offset or other.offset + other.size <= one.offset
            assert apart or not together


def test_no_more_memory_than_is_alive_at_once_where_sizes_are_equal():
    assert place_blocks([block(1, i, 1) for i in range(10)])[1] == 2 * ALIGNMENT


def chain(x):
    for _ in range(10):
        x = mg.exp(x * 0.5) - 1.0
    return x


def test_elementwise_chains_are_computed_in_place():
    step = mg.compile(chain)
    x = np.random.default_rng(0).standard_normal(100)
    np.testing.assert_array_equal(step(x).numpy(), chain(mg.Tensor(x)).numpy())
    assert step.stats.buffers == 30
    assert step.stats.bytes == -(-800 // ALIGNMENT) * ALIGNMENT


def test_in_place_only_where_nobody_needs_the_old_value():
    def function(x):
        y = mg.exp(x)
        z = y * 2.0
        return z * y + y[::-1]

    step = mg.compile(function)
    x = np.random.default_rng(0).standard_normal(5)
    np.testing.assert_array_equal(step(x).numpy(), function(mg.Tensor(x)).numpy())


def test_not_in_place_of_the_same_memory_in_another_order():
    def function(x):
        y = mg.exp(x)
        return y + y.T

    step = mg.compile(function)
    x = np.random.default_rng(0).standard_normal((4, 4))
    np.testing.assert_array_equal(step(x).numpy(), function(mg.Tensor(x)).numpy())


def test_what_has_another_shape_is_joined_to_rows_that_lie_apart():
    def join(x, y):
        return mg.concatenate([mg.reshape(x * 2.0, (3, 4)), y * 1.5], axis=-1)

    x, y = np.arange(12.0), np.ones((3, 2))
    assert mg.compile(join)(x, y).tolist() == join(mg.Tensor(x), mg.Tensor(y)).tolist()


OF_ROWS = {
    "softmax": mg.softmax,
    "softmax under a mask": lambda x: mg.softmax(x, x > 0.0),
    "log_softmax": mg.log_softmax,
    "standardize": mg.standardize,
    "running sums": lambda x: mg.cumsum(x, axis=-1),
    "running products": lambda x: mg.cumprod(x, axis=0),
    "products": lambda x: x @ x,
    "sums": lambda x: mg.sum(x, axis=-1, keepdims=True),
    "products of axes": lambda x: mg.prod(x, axis=-1, keepdims=True),
    "order": lambda x: mg.astype(mg.argsort(x), np.float64),
    "items set": lambda x: mg.set_at(x, 0, 1.0),
    "embedding": lambda x: mg.embedding(x, [2, 0, 1]),
    "the gradient of an embedding": lambda x: mg.grad(mg.sum(mg.embedding(x, [2, 0, 2]) ** 2), x),
    "losses": lambda x: mg.expand_dims(mg.cross_entropy(x, [2, 0, 1], reduction="none"), -1),
    "chosen": lambda x: mg.where(x > 0.0, x, 0.0),
    "curves": mg.gelu,
}


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("function", OF_ROWS.values(), ids=OF_ROWS)
def test_what_is_computed_in_a_part_of_something_larger(function, axis):
    def join(x):
        first, second = function(x), function(x + 1.0)
        return mg.concatenate([mg.swapaxes(y, 0, -1) if axis == 0 else y for y in (first, x, second)], axis=axis)

    x = Tensor(np.random.default_rng(0).standard_normal((3, 3)), requires_grad=True)
    compiled = mg.compile(join)
    for _ in range(2):
        np.testing.assert_allclose(compiled(x).numpy(), join(x).numpy(), rtol=1e-12)


def test_matrices_added_at_rows_of_something_larger():
    def join(x, i):
        return mg.concatenate([mg.grad(mg.sum(x[i] ** 2), x), x], axis=-1)

    x, i = Tensor(np.random.default_rng(0).standard_normal((3, 2, 2)), requires_grad=True), np.array([2, 0, 2])
    np.testing.assert_allclose(mg.compile(join)(x, i).numpy(), join(x, i).numpy(), rtol=1e-12)


@pytest.mark.parametrize("optimiser", [mg.optim.SGD, mg.optim.Adam, mg.optim.AdamW])
def test_gradients_and_updates_are_written_where_they_belong(optimiser):
    rng = np.random.default_rng(0)
    layers = [mg.nn.Linear(3, 3, rng=rng) for _ in range(2)]
    trained = optimiser([p for layer in layers for p in layer.parameters()], rate=0.1)

    @mg.compile
    def step(x):
        trained.zero_grad()
        y = layers[1](mg.relu(layers[0](x)))
        loss = mg.mean(y * y)
        loss.backward()
        trained.step()
        return loss

    step(rng.standard_normal((4, 3)).astype(np.float32))
    copied = [line for line in step.source.splitlines() if "copyto" in line or "[...] = " in line]
    assert [line.split(" = ")[0].strip() for line in copied] == ["steps[...]"]  # a number; no array is copied


def test_the_loss_of_classes_does_not_keep_gradients_from_where_they_belong(new_language_model):
    _, _, step = new_language_model()
    compiled = mg.compile(step)
    compiled(np.array([[0, 1, 2]]), np.array([[1, 2, 3]]))
    copied = [line for line in compiled.source.splitlines() if "[...] = " in line]
    assert [line.split(" = ")[0].strip() for line in copied] == ["steps[...]"]


def test_a_plan_keeps_no_memory_to_try_views_on():
    x, step = np.ones((2000, 500)), mg.compile(lambda x: mg.sum(mg.exp(x).T[1:] * mg.sqrt(x).T[1:]))
    tracemalloc.start()
    try:
        step(x)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < step.stats.bytes + x.nbytes
