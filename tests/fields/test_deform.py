"""Deformed images: nothing but what was asked for, and ink only from where there was ink."""

import numpy as np
import pytest

from deform import deform
from digit_images import digits

IMAGES = digits().train.images[:50]


def test_with_no_amounts_nothing_changes():
    same = deform(IMAGES, np.random.default_rng(0), shift=0, turn=0, resize=0)
    assert same.dtype == IMAGES.dtype
    np.testing.assert_allclose(same, IMAGES, atol=1e-6)


def test_the_seed_decides_and_the_input_stays():
    before = IMAGES.copy()
    first, second = (deform(IMAGES, np.random.default_rng(1)) for _ in range(2))
    assert (first == second).all()
    assert (first != deform(IMAGES, np.random.default_rng(2))).any()
    assert (before == IMAGES).all()


def centre(images):
    rows, columns = np.indices(images.shape[1:])
    ink = images.sum(axis=(1, 2))
    return np.stack([(images * rows).sum(axis=(1, 2)), (images * columns).sum(axis=(1, 2))]) / ink


def test_a_shift_moves_the_centre_at_most_so_far():
    images = np.zeros((200, 9, 9))
    images[:, 4, 4] = 1
    moved = centre(deform(images, np.random.default_rng(0), shift=1.5, turn=0, resize=0)) - 4
    assert 1.3 < np.abs(moved).max() <= 1.5 + 1e-9
    assert (np.abs(moved.mean(axis=1)) < 0.2).all()


def test_a_turn_keeps_the_middle_and_the_distance_from_it():
    images = np.zeros((200, 21, 21))
    images[:, 10, 18] = 1
    rows, columns = centre(deform(images, np.random.default_rng(0), shift=0, turn=30, resize=0)) - 10
    np.testing.assert_allclose(np.hypot(rows, columns), 8, atol=0.3)
    angles = np.degrees(np.arctan2(rows, columns))
    assert 27 < angles.max() < 31
    assert -31 < angles.min() < -27


def test_resizing_changes_height_and_width_separately():
    images = np.zeros((200, 21, 21))
    images[:, 10, 18] = images[:, 18, 10] = 1
    resized = deform(images, np.random.default_rng(0), shift=0, turn=0, resize=0.2)
    down, across = ((line @ np.arange(21)) / line.sum(axis=1) for line in (resized[:, :, 10], resized[:, 10]))
    assert np.ptp(down) > 2.5
    assert np.ptp(across) > 2.5
    assert abs(np.corrcoef(down, across)[0, 1]) < 0.3


def test_values_stay_between_paper_and_ink():
    changed = deform(IMAGES, np.random.default_rng(0), shift=3, turn=45, resize=0.5)
    assert changed.min() >= 0
    assert changed.max() <= 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: deform(IMAGES[0], np.random.default_rng(0)), ValueError, ["(count, height, width)", "(8, 8)"]),
        (lambda: deform(IMAGES.astype(int), np.random.default_rng(0)), TypeError, ["floats", "int64"]),
        (lambda: deform(IMAGES, 0), TypeError, ["deform", "rng"]),
    ],
)
def test_what_does_not_fit_is_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
