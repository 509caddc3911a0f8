"""Boxes: the smallest that hold all ink, and their agreement as areas counted pixel by pixel."""

import numpy as np
import pytest

from boxes import bounding_boxes, intersection_over_union


def drawn(box, side=12):
    left, top, right, bottom = box
    image = np.zeros((side, side), bool)
    image[top:bottom, left:right] = True
    return image


def random_boxes(count):
    ends = np.sort(np.random.default_rng(0).integers(0, 13, (count, 2, 2)), axis=1)
    ends[:, 1] += ends[:, 1] == ends[:, 0]
    return ends[(ends <= 12).all(axis=(1, 2))].reshape(-1, 4)


def test_a_box_is_that_of_what_was_drawn():
    boxes = random_boxes(100)
    assert (bounding_boxes(np.stack([drawn(box) for box in boxes])) == boxes).all()


def test_a_box_holds_all_ink_and_touches_it_on_every_side():
    for image in np.random.default_rng(0).random((50, 9, 7)) < 0.05:
        left, top, right, bottom = bounding_boxes(image)
        inside = image[top:bottom, left:right]
        assert inside.sum() == image.sum()
        if image.any():
            assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


def test_around_nothing_there_is_an_empty_box():
    assert bounding_boxes(np.zeros((2, 3, 4), bool)).tolist() == [[0, 0, 0, 0]] * 2


def test_agreement_is_that_of_pixels():
    boxes = random_boxes(60)
    found = intersection_over_union(boxes[:, None], boxes)
    for (i, j), value in np.ndenumerate(found):
        a, b = drawn(boxes[i]), drawn(boxes[j])
        assert value == pytest.approx((a & b).sum() / (a | b).sum())


def test_a_box_inside_out_covers_nothing():
    assert intersection_over_union([4, 4, 0, 0], [[0, 0, 4, 4], [4, 4, 0, 0]]).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: bounding_boxes(np.zeros((8, 8))), TypeError, ["booleans", "float64"]),
        (lambda: bounding_boxes(np.zeros(8, bool)), ValueError, ["(…, height, width)", "(8,)"]),
        (lambda: bounding_boxes(np.zeros((2, 0, 8), bool)), ValueError, ["(2, 0, 8)"]),
        (lambda: intersection_over_union([0, 0, 1], [0, 0, 1, 1]), ValueError, ["(…, 4)", "(3,)"]),
    ],
)
def test_what_does_not_fit_is_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
