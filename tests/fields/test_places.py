"""What fixed places can translate, and what they cannot."""

import numpy as np
import pytest

from places import fixed_places_baseline


def test_characters_that_only_move_to_other_places_are_right():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcde"), 4)) for _ in range(200)]
    moved = [text[2] + text[0] + text[3] + text[1] for text in texts]
    assert fixed_places_baseline(texts[:150], moved[:150], texts[150:], moved[150:]) == 1.0


def test_each_length_of_the_source_has_places_of_its_own():
    pairs = [("ab", "b"), ("ba", "a"), ("abc", "c"), ("bca", "a"), ("bab", "b")]
    sources, targets = zip(*pairs, strict=True)
    assert fixed_places_baseline(sources, targets, ["cab"], ["b"]) == 1.0


def test_a_result_may_be_shorter_or_longer_with_what_is_read():
    sources, targets = ["1", "2", "3"], ["May", "June", "July"]
    assert fixed_places_baseline(sources, targets, ["2", "3"], ["June", "July"]) == 1.0


def test_what_depends_on_two_characters_at_once_is_wrong():
    sources = [a + b for a in "ab" for b in "ab"]
    different = [str(int(source[0] != source[1])) for source in sources]
    assert fixed_places_baseline(sources, different, sources, different) == 0.5


def test_characters_and_lengths_never_seen_are_wrong():
    assert fixed_places_baseline(["a", "b"], ["a", "b"], ["c", "0", "aa", "b"], ["c", "a", "a", "b"]) == 0.25


@pytest.mark.parametrize("arguments", [(["a"], [], ["a"], ["a"]), (["a"], ["a"], ["a"], []), (["a"], ["a"], [], [])])
def test_texts_that_do_not_pair_are_named(arguments):
    with pytest.raises(ValueError, match="fixed_places_baseline: needs a target for each source and at least one new"):
        fixed_places_baseline(*arguments)
