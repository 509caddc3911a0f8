"""Schedules: their shape, and the same numbers on a captured counter."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import trace
from minigrad.optim import Constant, InverseSquareRoot, Milestones, StepDecay, WarmupCosine

SCHEDULES = [
    Constant(), WarmupCosine(10, 60), WarmupCosine(0, 50, final=0.25), InverseSquareRoot(20), StepDecay(49, 0.5),
    StepDecay(1, 0.9), Milestones((3, 70), 0.3), Milestones(()),
]  # fmt: skip


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_factors_are_between_0_and_1_and_reach_1(schedule):
    factors = [float(schedule(step)) for step in range(1, 200)]
    assert min(factors) >= 0.0
    assert 0.99 < max(factors) <= 1.0


@pytest.mark.parametrize("schedule", [WarmupCosine(10, 60), InverseSquareRoot(10)])
def test_warming_up_is_a_straight_line(schedule):
    assert np.allclose([float(schedule(step)) for step in range(1, 11)], np.arange(1, 11) / 10)


@pytest.mark.parametrize("every", [1, 3, 49])
def test_a_rate_that_falls_in_steps_falls_after_whole_numbers_of_them(every):
    factors = [float(StepDecay(every, 0.5)(step)) for step in range(1, 200)]
    assert factors == [0.5 ** ((step - 1) // every) for step in range(1, 200)]


def test_milestones_are_where_the_rate_falls():
    assert [float(Milestones((2, 2, 5), 0.5)(step)) for step in (2, 3, 5, 6)] == [1.0, 0.25, 0.25, 0.125]
    with pytest.raises(ValueError, match=r"steps=\(5, 2\) must be in order"):
        Milestones((5, 2))


def test_a_cosine_is_at_half_height_in_the_middle_and_stays_at_its_end():
    schedule = WarmupCosine(10, 110, final=0.2)
    assert float(schedule(60)) == pytest.approx(0.6)
    assert float(schedule(110)) == pytest.approx(0.2)
    assert float(schedule(10_000)) == pytest.approx(0.2)


def test_an_inverse_square_root_halves_when_the_step_is_four_times_as_large():
    schedule = InverseSquareRoot(25)
    assert float(schedule(400)) == pytest.approx(float(schedule(100)) / 2)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_captured_schedule_gives_the_same_bits(schedule):
    graph = trace(lambda step: schedule(step) * mg.ones_like(step), np.array(1.0))
    for step in range(1, 100):
        assert graph.run(np.array(float(step))) == schedule(np.array(float(step)))


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_schedules_are_plain_values(schedule):
    assert copy.deepcopy(schedule) == schedule == pickle.loads(pickle.dumps(schedule))
    assert repr(schedule).startswith(type(schedule).__name__)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WarmupCosine(-1, 10), "warmup=-1 must be 0 or more"),
        (lambda: WarmupCosine(10, 10), "steps=10 must be larger than warmup=10"),
        (lambda: WarmupCosine(1, 10, final=1.5), "final=1.5 must be between 0 and 1"),
        (lambda: InverseSquareRoot(0), "warmup=0 must be at least 1"),
    ],
)
def test_bad_arguments_are_named_with_their_range(make, message):
    with pytest.raises(ValueError, match=message):
        make()
