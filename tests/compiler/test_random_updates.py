"""Random programs that read and write state: what they return and what they leave is that of eager code.

State is assigned from values computed long before, from other state, from parts and turned copies of itself, before and
after it is read; some of it lies side by side in one array, as parameters do. Memory is poisoned before each call.
"""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.storage import rebase

pytestmark = pytest.mark.deep

PROGRAMS, A_TEST = 300, 50
STEPS = 12

# Every value is a 3 × 3 matrix, of moderate size. Values are copies where eager code would let them look into state.
OPERATIONS = {
    "copied": lambda x, y: x * 1.0,
    "turned": lambda x, y: mg.copy(x.T),
    "upside down": lambda x, y: mg.copy(x[::-1]),
    "shifted": lambda x, y: mg.concatenate([x[1:], x[:1]]),
    "halves": lambda x, y: mg.concatenate([x[:1], y[1:]]),
    "set": lambda x, y: mg.set_at(x, 1, y[0]),
    "stacked": lambda x, y: mg.stack([y[0], x[0], y[2]]),
    "sum": lambda x, y: 0.5 * (x + y),
    "difference": lambda x, y: 0.5 * x - 0.5 * y,
    "product": lambda x, y: mg.tanh(x @ y),
    "negative": lambda x, y: -x,
    "sine": lambda x, y: mg.sin(x),
    "chosen": lambda x, y: mg.where(x > y, x, y),
    "row": lambda x, y: x - mg.mean(y, axis=0),
    "flat": lambda x, y: mg.copy(mg.reshape(mg.flip(mg.reshape(x, (9,))), (3, 3))),
    "softmax": lambda x, y: mg.softmax(x) + 0.1 * y,
}


def drawn(seed):
    """Steps: an operation on two of the values so far, or an assignment of one to a piece of state."""
    rng = np.random.default_rng(seed)
    steps = []
    for _ in range(STEPS):
        name = list(OPERATIONS)[rng.integers(len(OPERATIONS))]
        steps.append((name, rng.random(), rng.random()))
        if rng.random() < 0.5:
            steps.append(("assign", rng.integers(4), rng.random()))
    return steps, rng.random(3)


def function_of(program, state):
    steps, returned = program

    def function(x, y):
        values = [x, y]
        for name, first, second in steps:
            if name == "assign":
                mg.assign(state[first], values[int(second * len(values))])
            else:
                pool = [*values, *state]  # state as it is now
                values.append(OPERATIONS[name](pool[int(first * len(pool))], pool[int(second * len(pool))]))
        return [values[int(share * len(values))] for share in returned], state[0] * 1.0

    return function


def new_state(seed):
    """Four pieces: two alone, two in one array."""
    rng = np.random.default_rng([seed, 1])
    state = [Tensor(rng.uniform(-1, 1, (3, 3)), name=f"state{i}") for i in range(4)]
    together = np.empty((2, 3, 3)).reshape(-1)
    for i in (0, 1):
        rebase(state[i], together[9 * i : 9 * i + 9].reshape(3, 3))
    return state


@pytest.mark.parametrize("first", range(0, PROGRAMS, A_TEST))
def test_results_and_state_are_those_of_eager_code(first):
    for seed in range(first, first + A_TEST):
        program = drawn(seed)
        eager_state, state = new_state(seed), new_state(seed)
        eager, step = function_of(program, eager_state), mg.compile(function_of(program, state))
        kept = []
        for call in range(3):
            x, y = (Tensor(np.random.default_rng([seed, call, i]).uniform(-1, 1, (3, 3))) for i in (0, 1))
            for one in step.programs:
                one._step.__globals__.get("memory", np.empty(0, np.uint8)).fill(0xFF)
            with mg.no_grad():
                expected, last = eager(x, y)
                expected = [*(t.numpy() for t in expected), last.numpy(), *(t.numpy() for t in eager_state)]
                actual, last = step(x, y)
            kept.append(([*actual, last, *state], expected))
            try:
                for a, e in zip(*kept[-1], strict=True):
                    np.testing.assert_allclose(a.numpy(), e, rtol=1e-11, atol=1e-13)
                for a, e in zip(kept[0][0][:4], kept[0][1][:4], strict=True):  # results of before
                    np.testing.assert_allclose(a.numpy(), e, rtol=1e-11, atol=1e-13)
            except AssertionError as error:
                error.add_note(f"seed {seed}, call {call}: {program}\n{step.graph}\n{step.source}")
                raise
