"""Tunes in ABC: which keys and metres there are, and how long a bar is."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abc_notation import _bars, _length, check_tune

TUNE = "X:1\nT:Scale\nM:{metre}\nL:1/8\nK:{key}\n{music}\n"


def check(music, metre="4/4", key="G"):
    return check_tune(TUNE.format(metre=metre, key=key, music=music))


@pytest.mark.parametrize("key", ["G", "F#m", "Bb", "Ador", "Emin", "Amix", "Dlyd", "Bphr", "Cmaj", "Gmin"])
def test_keys(key):
    assert check("c8|", key=key).key


@pytest.mark.parametrize("key", ["", "H", "g", "Gx", "G major", "Dmixm", "F##"])
def test_what_is_no_key(key):
    assert not check("c8|", key=key).key


@pytest.mark.parametrize("metre", ["C", "C|", "2/4", "6/8", "12/8", "3/2"])
def test_metres(metre):
    assert check("c|", metre=metre).metre


@pytest.mark.parametrize("metre", ["", "c", "4", "0/4", "4/3", "4/0", "4/4 ", "123/8", "/8"])
def test_what_is_no_metre(metre):
    found = check("c8|", metre=metre)
    assert found.metre == (metre == "4/4 ")  # blanks around a value are no part of it
    assert found.right_bars == found.metre


@pytest.mark.parametrize(
    ("music", "length"),
    [
        ("c", 1), ("c2", 2), ("c3/2", "3/2"), ("c/2", "1/2"), ("c/", "1/2"), ("c//", "1/4"), ("c3//", "3/4"),
        ("^c", 1), ("__c''4", 4), ("=C,,", 1), ("z4", 4), ("x", 1), ("C D E", 3), ("(c-c) .d ~e", 4),
        ("{gag}c2", 2), ("[ceg]2", 2), ("[c2e2g2]2", 4), ("[^c/e/]", "1/2"),
        ("c>d", 2), ("c<d", 2), ("c2>d2", 4), ("c>>d e", 3), ("c>d>e", "11/4"), ("c>{f}d", 2), ("c > d", 2),
        ("(3cde", 2), ("(3cdef", 3), ("(3c2d2e2", 4), ("(2cd", 3), ("(4cdef", 3), ("(6cdefga", 2), ("(3c>de", 2),
        ("(3:2:2cde", "7/3"), ("(3:4cde", 4), ("((3cde)f", 3),
    ],
)  # fmt: skip
def test_the_length_of_a_bar(music, length):
    assert _length(music, compound=False) == Fraction(length)


@pytest.mark.parametrize(("count", "simple", "compound"), [(5, 2, 3), (7, 2, 3), (9, 2, 3)])
def test_these_tuplets_depend_on_the_metre(count, simple, compound):
    music = f"({count}" + "c" * count
    assert _length(music, compound=False) == simple
    assert _length(music, compound=True) == compound


@pytest.mark.parametrize("music", ["h", "c+", "c0", "c/0", "[K:C]c", "(1c", "c & d", "é", '"Am"c', "c" + "9" * 5000])
def test_symbols_that_are_not_known(music):
    assert _length(music, compound=False) is None
    assert check(f"c8|{music}|c8|").right_bars < 3


@pytest.mark.parametrize(
    ("body", "edges"),
    [
        ("a|b|c", [True, False, True]),
        ("a|b||c|d|e|]", [True, True, True, False, True]),
        ("a|b|c:|d|e|f", [True, False, True, True, False, True]),
        ("a|b|\n|:c|d|e:|", [True, True, True, False, True]),
        ("|:a|b::c|d:|", [True, True, True, True]),
        ("a|b|c|1d:|2e|f|]", [True, False, True, True, True, True]),
        ("a|b|c|[1 d|e:|[2 f|g||", [True, False, True, True, True, True, True]),
        ("a|b|\nc|d|e", [True, False, False, False, True]),
        ("", []),
        (" | |\n|", []),
    ],
)
def test_bars_at_the_edge_of_a_section(body, edges):
    bars = _bars(body)
    assert [edge for _, edge in bars] == edges
    assert "".join(music for music, _ in bars).replace(" ", "").replace("\n", "") == "abcdefg"[: len(edges)]


def test_a_short_bar_is_right_at_the_edge_only_and_a_long_one_nowhere():
    assert check("c2|c8|c8|c6:|c2|c8|c6||").valid
    assert check("c8|c6|c8|").right_bars == 2
    assert check("c9|c8|c8|").right_bars == 2
    assert check("c8|c8|c9|]").right_bars == 2


def test_the_unit_of_length():
    bars = "c|ABcd|A4|c|"
    assert check_tune("M:2/4\nL:1/8\nK:G\n" + bars).valid
    assert not check_tune("M:2/4\nK:G\n" + bars).valid  # a sixteenth
    assert check_tune("M:2/4\nK:G\n" + bars.replace("|", "").join("||")) == (True, True, 1, 0)
    assert check_tune("M:4/4\nL:1/4\nK:G\n" + bars).valid
    assert check_tune("M:C|\nK:G\n|c8|c8|c8|").valid  # an eighth
    assert not check_tune("M:4/4\nL:8\nK:G\n" + bars).valid


def test_of_two_fields_the_first_counts():
    assert check_tune("M:3/4\nM:4/4\nL:1/4\nK:G\nK:H\nA3|B3|c3|").valid


def test_a_tune_without_bars_is_not_valid():
    assert check_tune("M:4/4\nK:G\n") == (True, True, 0, 0)
    assert not check_tune("M:4/4\nK:G\n").valid
    assert check_tune("") == (False, False, 0, 0)


@given(st.text(alphabet="ABCabcxyz0123456789/|:[](){}<>^_=,'.~- \n\"!KLMX"))
def test_any_text_can_be_checked(text):
    found = check_tune("M:6/8\nK:G\n" + text)
    assert 0 <= found.right_bars <= found.bars


def test_misuse_is_explained():
    with pytest.raises(TypeError, match="check_tune takes the text of a tune, a str, got list"):
        check_tune(["c"])
