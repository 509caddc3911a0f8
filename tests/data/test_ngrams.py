"""The counting models: they are probability distributions, they agree with a slow reading of the textbook."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from minigrad.data import ngram_baselines, python_topics

TRAIN = "the cat sat on the mat; the rat sat on the cat, and that was that."


def probability(train, context, character, order):
    """What the model of `order` gives to `character` after `context`: the total of both less that of the context."""
    total = len(context + character) * ngram_baselines(train, context + character, [order])[order]
    shorter = len(context) * ngram_baselines(train, context, [order])[order] if context else 0.0
    return math.exp(shorter - total)


def slow_kneser_ney(train, context, character, alphabet, top):
    """Equations 3.40 and 3.41 of Jurafsky and Martin, word for word."""
    length = len(context) + 1
    grams = [train[start : start + length] for start in range(len(train) - length + 1)]
    if top:
        counts = Counter(grams)
    else:
        counts = Counter(gram[1:] for gram in {train[i : i + length + 1] for i in range(len(train) - length)})
    followers = defaultdict(dict)
    for gram, count in counts.items():
        followers[gram[:-1]][gram[-1]] = count
    lower = 1 / len(alphabet) if not context else slow_kneser_ney(train, context[1:], character, alphabet, False)
    seen = followers.get(context)
    if not seen:
        return lower
    total = sum(seen.values())
    return max(seen.get(character, 0) - 0.75, 0) / total + 0.75 * len(seen) / total * lower


@pytest.mark.parametrize("context", ["", "t", "th", "zz", "at ", "q", "and"])
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_probabilities_of_the_next_character_sum_to_one(context, order):
    train = TRAIN + "qz"
    total = sum(probability(train, context, character, order) for character in sorted(set(train)))
    assert total == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_it_is_interpolated_kneser_ney_as_the_textbook_has_it(order):
    validation = "that cat was the mat."
    alphabet = set(TRAIN + validation)
    expected = [
        slow_kneser_ney(TRAIN, context, character, alphabet, len(context) == order - 1)
        for position, character in enumerate(validation)
        for context in [validation[max(0, position - order + 1) : position]]
    ]
    # The first characters have a shorter context than the order, hence one that is not counted at the top.
    loss = ngram_baselines(TRAIN, validation, [order])[order]
    assert loss == pytest.approx(-np.mean(np.log(expected)), rel=1e-12)


def test_a_character_never_seen_costs_something_finite():
    losses = ngram_baselines("aaaa", "b", orders=[1, 2, 3])
    assert all(0 < loss < 10 for loss in losses.values())


def test_text_without_structure_costs_the_logarithm_of_the_alphabet():
    rng = np.random.default_rng(0)
    train, validation = ("".join(rng.choice(list("abcd"), size=20_000)) for _ in range(2))
    for loss in ngram_baselines(train, validation).values():
        assert loss == pytest.approx(math.log(4), rel=2e-3)


def test_longer_contexts_pay_on_the_topics_and_the_figures_are_those_of_the_documentation():
    text = python_topics()
    losses = ngram_baselines(text.train, text.validation)
    assert list(losses) == [1, 2, 3]
    # The text varies with the version of Python, and the losses a little with it.
    assert losses == pytest.approx({1: 3.238, 2: 2.316, 3: 1.697}, abs=0.1)


def test_only_what_is_asked_for_is_returned():
    assert list(ngram_baselines(TRAIN, TRAIN, orders=(3, 1))) == [3, 1]
    assert ngram_baselines(TRAIN, TRAIN, orders=()) == {}


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((TRAIN, ""), ValueError, "validation is empty"),
        (("ab", "ab"), ValueError, "order 3 needs .* got 2"),
        ((TRAIN, TRAIN, [0]), ValueError, "order must be at least 1, got 0"),
        ((TRAIN, TRAIN, [1.5]), TypeError, "order must be an integer"),
        ((TRAIN * 9, TRAIN, [30]), ValueError, "order 30 is too large for 16 different characters"),
    ],
)
def test_misuse_is_explained(arguments, error, message):
    with pytest.raises(error, match=message):
        ngram_baselines(*arguments)
