"""Lengths on paper."""

import pytest

from minigrad.drawing.lengths import inches


@pytest.mark.parametrize(
    ("length", "expected"),
    [("1in", 1), ("2.54cm", 1), ("25.4 mm", 1), ("72pt", 1), (" 96px ", 1), ("8.4cm", 8.4 / 2.54), (".5in", 0.5)],
)
def test_lengths_in_inches(length, expected):
    assert inches(length) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "length", ["", "8.4", "cm", "-1cm", "0cm", "0.0in", "1e3cm", "8,4cm", "1em", "nan cm", 8.4, None]
)
def test_what_is_no_length_is_refused_with_the_units(length):
    with pytest.raises(ValueError, match=r"a positive number with a unit \(cm, in, mm, pt, px\) such as '8.4cm'; got"):
        inches(length)
