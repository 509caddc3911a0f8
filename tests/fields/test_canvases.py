"""Canvases: two digits of the data, whole and apart, with answers that fit what is drawn."""

import numpy as np
import pytest

from boxes import bounding_boxes
from canvases import canvases
from digit_images import Images, digits

DIGITS = digits().validation
FOUND = canvases(DIGITS, 200, np.random.default_rng(0))


def test_ink_has_a_label_and_paper_has_none():
    assert ((FOUND.images >= 0.25) == (FOUND.labels > 0)).all()


def test_each_box_holds_one_digit_and_both_hold_all_ink():
    for image, labels, boxes in zip(*FOUND, strict=True):
        ink = 0
        for left, top, right, bottom in boxes:
            inside = labels[top:bottom, left:right]
            ink += (inside > 0).sum()
            assert len(np.unique(inside[inside > 0])) == 1
            assert (bounding_boxes(inside > 0) == [0, 0, right - left, bottom - top]).all()
        assert ink == (labels > 0).sum()
        assert image.shape == labels.shape == (16, 16)


def test_the_left_or_upper_digit_comes_first():
    first, second = FOUND.boxes[:, 0], FOUND.boxes[:, 1]
    beside, above = first[:, 2] <= second[:, 0], first[:, 3] <= second[:, 1]
    assert (beside | above).all()
    assert 50 < (beside & ~above).sum() < 150


def test_every_digit_turns_up_as_it_is_in_the_data():
    assert set(np.unique(FOUND.labels)) == set(range(11))
    ink = {int(level) for level in DIGITS.levels.sum(axis=(1, 2))}
    for total in (FOUND.images * 16).sum(axis=(1, 2)).astype(int).tolist():
        assert any(total - one in ink for one in ink)


def test_the_seed_decides_and_deforming_changes_the_digits():
    again = canvases(DIGITS, 200, np.random.default_rng(0))
    assert all((a == b).all() for a, b in zip(FOUND, again, strict=True))
    deformed = canvases(DIGITS, 200, np.random.default_rng(0), deformed=True)
    levels = deformed.images * 16
    assert np.abs(levels - levels.round()).max() > 0.1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: canvases(DIGITS, 0, np.random.default_rng(0)), ValueError, ["count"]),
        (lambda: canvases(DIGITS, 1.5, np.random.default_rng(0)), TypeError, ["count"]),
        (lambda: canvases(DIGITS, 1, 0), TypeError, ["rng"]),
        (lambda: canvases(Images(*(x[:0] for x in DIGITS)), 1, np.random.default_rng(0)), ValueError, ["no digits"]),
    ],
)
def test_what_does_not_fit_is_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
