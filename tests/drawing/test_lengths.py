"""Lengths on paper."""

import pytest

from minigrad.drawing.lengths import parse_length


@pytest.mark.parametrize(
    ("length", "expected"),
    [("72pt", 72), ("1in", 72), ("2.54cm", 72), ("25.4 mm", 72), (" .5in ", 36), ("8.4cm", 8.4 / 2.54 * 72)],
)
def test_lengths_in_points(length, expected):
    assert parse_length(length) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "length", ["", "8.4", "cm", "-1cm", "0cm", "0.0in", "1e3cm", "8,4cm", "1em", "nan cm", 8.4, None]
)
def test_what_is_no_length_is_refused(length):
    with pytest.raises(ValueError, match=r"width=.*: expected a length such as '8.4cm', '33mm', '3.3in' or '240pt'"):
        parse_length(length)
