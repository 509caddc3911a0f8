"""The text, and characters to ids and back."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.data import Vocabulary, python_topics


def test_the_topics_are_the_whole_text_split_once():
    from pydoc_data.topics import topics

    text = python_topics()
    whole = text.train + text.validation
    assert whole == "\n\n".join(topics[name] for name in sorted(topics))
    assert len(text.train) == len(whole) * 9 // 10
    assert 300_000 < len(whole) < 900_000
    assert text.source.startswith("pydoc_data.topics of Python 3.")
    assert "PSF" in text.licence


def test_the_topics_are_the_same_every_time():
    assert python_topics() == python_topics()


def test_a_python_without_the_topics_is_told_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    with pytest.raises(ImportError, match=r"pydoc_data\.topics"):
        python_topics()


def test_vocabulary_numbers_the_characters_in_order():
    vocabulary = Vocabulary("hello world")
    assert vocabulary.characters == " dehlorw"
    assert len(vocabulary) == 8
    assert vocabulary.encode(" dehlorw").tolist() == list(range(8))


@given(st.lists(st.integers(0, 0x10FFFF).map(chr), min_size=1).map("".join))
def test_decode_undoes_encode_for_any_characters(text):
    vocabulary = Vocabulary(text)
    ids = vocabulary.encode(text)
    assert ids.dtype == np.int64
    assert ids.shape == (len(text),)
    assert vocabulary.decode(ids) == text
    assert [vocabulary.characters[i] for i in ids] == list(text)


def test_vocabulary_is_stored_by_its_characters_alone():
    vocabulary = Vocabulary("zebra 斑馬 🦓")
    assert Vocabulary(vocabulary.characters) == vocabulary
    assert Vocabulary("zebra") != vocabulary


def test_the_empty_text_has_no_ids():
    assert Vocabulary("a").encode("").shape == (0,)
    assert Vocabulary("a").decode([]) == ""


def test_an_unknown_character_is_named_with_its_position():
    with pytest.raises(ValueError, match=r"'é' \(U\+00E9\) at position 3 is not among the 3 characters"):
        Vocabulary("caf").encode("café")


@pytest.mark.parametrize("unknown", ["\0", "b", "\U0010ffff"])
def test_unknown_characters_below_between_and_above_the_known_ones(unknown):
    with pytest.raises(ValueError, match="at position 1"):
        Vocabulary("ac").encode("a" + unknown)


@pytest.mark.parametrize("ids", [[0, 3], [0, -1]])
def test_an_id_outside_the_vocabulary_is_named_with_its_position(ids):
    with pytest.raises(ValueError, match=rf"id {ids[1]} at position 1 is not in \[0, 3\)"):
        Vocabulary("abc").decode(ids)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: Vocabulary(""), ValueError, "at least one character"),
        (lambda: Vocabulary(b"abc"), TypeError, "got bytes"),
        (lambda: Vocabulary("abc").encode(["a"]), TypeError, "got list"),
        (lambda: Vocabulary("abc").decode([0.0]), TypeError, "got float64"),
        (lambda: Vocabulary("abc").decode([True]), TypeError, "got bool"),
        (lambda: Vocabulary("abc").decode([[0, 1]]), ValueError, r"got \(1, 2\)"),
    ],
)
def test_misuse_is_explained(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
