"""Ticks: round, in the range, few, and written alike."""

import numpy as np
import pytest

from minigrad.drawing.axes import Axis, fit_axis


@pytest.mark.parametrize("logarithmic", [False, True])
@pytest.mark.parametrize("most", [2, 5, 9])
def test_ticks_lie_in_the_range_and_are_few_and_each_is_another(logarithmic, most):
    rng = np.random.default_rng(0)
    for _ in range(300):
        low, wide = rng.normal() * 10.0 ** rng.integers(-9, 9), 10.0 ** rng.uniform(-1, 1)
        axis = Axis(low % 50, low % 50 + wide, True) if logarithmic else Axis(low, low + wide * abs(low), False)
        ticks = axis.list_ticks(most)
        assert 1 <= len(ticks) <= (9 if logarithmic else most) + 1
        assert len({*ticks.values()}) == len(ticks)
        assert all(-1e-6 <= place <= 1 + 1e-6 for place in axis.place([*ticks]))


@pytest.mark.parametrize(
    ("axis", "most", "labels"),
    [
        (Axis(0, 1, False), 4, ["0.00", "0.25", "0.50", "0.75", "1.00"]),
        (Axis(-30, 30, False), 5, ["−20", "0", "20"]),
        (Axis(0, 2000, False), 9, ["0", "250", "500", "750", "1000", "1250", "1500", "1750", "2000"]),
        (Axis(0, 3e6, False), 4, ["0", "10⁶", "2·10⁶", "3·10⁶"]),
        (Axis(0, 2.2e-7, False), 3, ["0", "10⁻⁷", "2·10⁻⁷"]),
        (Axis(-9, -4, True), 9, ["10⁻⁹", "10⁻⁸", "10⁻⁷", "10⁻⁶", "10⁻⁵", "0.0001"]),
        (Axis(0.3, 1.7, True), 9, ["2", "5", "10", "20", "50"]),
        (Axis(1, 3, False, whole=True), 9, ["1", "2", "3"]),
        (Axis(0, 10, False, whole=True), 5, ["0", "2", "4", "6", "8", "10"]),
        (Axis(0, 12, False, whole=True), 5, ["0", "5", "10"]),
        (Axis(0, 100, False, whole=True), 4, ["0", "25", "50", "75", "100"]),
        (Axis(0.31, 0.45, True), 4, ["2.2", "2.4", "2.6", "2.8"]),
    ],
)
def test_labels_are_written_alike(axis, most, labels):
    assert [*axis.list_ticks(most).values()] == labels


def test_small_ticks_stand_between_powers_of_ten_and_nowhere_else():
    assert Axis(0.0, 1.0, True).list_minor() == [2, 3, 4, 5, 6, 7, 8, 9]
    assert Axis(0.0, 1.0, False).list_minor() == []
    assert Axis(0.0, 9.0, True).list_minor() == []


def test_an_axis_holds_what_has_a_place_with_a_margin():
    assert fit_axis([[1, 2.5, np.nan], 4], False, margin=0.5) == Axis(-0.5, 5.5, False)
    assert fit_axis([[0.1, -1, 0, 1000]], True) == Axis(-1.0, 3.0, True)
    assert fit_axis([[-1.0]], True) == Axis(0.0, 1.0, True)
    assert fit_axis([[3, 9]], False).whole
