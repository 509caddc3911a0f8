"""The handwritten digits: what is in the file, and how it is split."""

import hashlib

import numpy as np
import pytest

from digit_images import FILE, digits
from minigrad.data import regression_baseline


def test_every_image_of_the_file_is_in_one_part():
    found, table = digits(), np.loadtxt(FILE, delimiter=",")
    rows = [np.column_stack([part.levels.reshape(-1, 64), part.labels]) for part in (found.train, found.validation)]
    assert [len(part) for part in rows] == [1442, 355]
    together = np.concatenate(rows)
    assert np.array_equal(together[np.lexsort(together.T)], table[np.lexsort(table.T)])


@pytest.mark.parametrize(
    ("part", "expected"),
    [("train", "69141fc2"), ("validation", "6bf41f1d")],
)
def test_the_parts_are_fixed(part, expected):
    images, levels, labels = getattr(digits(), part)
    digest = hashlib.sha256(b"".join(array.tobytes() for array in (images, levels, labels))).hexdigest()
    assert digest.startswith(expected)


def test_ranges_and_dtypes():
    for images, levels, labels in (digits().train, digits().validation):
        assert (images.dtype, levels.dtype, labels.dtype) == (np.float32, np.int64, np.int64)
        assert images.shape == levels.shape == (len(labels), 8, 8)
        assert np.array_equal(np.unique(levels), np.arange(17))
        assert np.array_equal(images, levels.astype(np.float32) / 16)
        assert np.array_equal(np.unique(labels), np.arange(10))


def test_each_digit_has_a_fifth_of_its_images_in_the_validation_part():
    found = digits()
    train, validation = (np.bincount(part.labels) for part in (found.train, found.validation))
    assert np.array_equal(validation, (train + validation) // 5)


def test_what_one_does_to_the_arrays_leaves_the_next_call_alone():
    digits().train.images[:] = 7
    assert digits().train.images.max() == 1


def test_softmax_regression_has_what_the_documentation_says():
    train, validation = digits().train, digits().validation
    share = regression_baseline(
        train.images.reshape(-1, 64), train.labels, validation.images.reshape(-1, 64), validation.labels
    )
    assert share == pytest.approx(0.969, abs=0.003)
    table = np.loadtxt(FILE, delimiter=",")  # new hands
    x, y, first = table[:, :-1], table[:, -1].astype(int), len(table) * 4 // 5
    assert regression_baseline(x[:first], y[:first], x[first:], y[first:]) == pytest.approx(0.90, abs=0.01)
