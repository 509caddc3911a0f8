"""The tunes: which are kept, in what form, and which are for measuring."""

import hashlib
import os
import re
import subprocess
import sys
from importlib import util
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from abc_notation import check_tune
from minigrad.data import ngram_baselines
from tunebook import tunes

needs_music21 = pytest.mark.skipif(
    util.find_spec("music21") is None, reason="music21 is not installed: install the extra fields"
)
FIELDS = Path(__file__).parents[2] / "examples" / "fields"
FORM = re.compile(
    r"X:[1-9]\d*\nT:[^\n]*\nM:(C\||C|\d+/\d+)\nL:1/\d+\nK:[A-G][b#]?[a-z]*\n([A-Ga-gxz0-9|:\[\](){}<>/^_=,'.~ -]+\n)+"
)

BOOK = """% a file of tunes
X: 7
T: First Tune, The % well known
T: Another Name
M:6/8
R:jig
K:AMix
"Slow"A | d>ed !D.C.!fga | {g}Tg>af   ecA |\\
   Hd2e ~f3 :|   % the end


X: 8
T:Changes
M:6/8
L:1/8
K:D
abc def |
M:9/8
abc def gab |
X: 9
T:Changes in a Line
M:C
L:1/8
K:D
abcd efga | [L:1/16] ab |
X:10
T:No Key
M:C
L:1/8
K:Hm
abcd efga |
X:11
T:No Metre
K:G
abcd efga |
X: 0
T:No Number
M:C
K:G
abcd efga |
X: 91
T:Held Out
M:2/4
K:F#m
ABcd|
"""
FIRST = "X:7\nT:First Tune, The\nM:6/8\nL:1/8\nK:Amix\nA | d>ed fga | {g}g>af ecA |\nd2e ~f3 :|\n"
SECOND = "X:91\nT:Held Out\nM:2/4\nL:1/16\nK:F#m\nABcd|\n"


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """A music21 with the files that are written into the folder."""
    spec = ModuleSpec("music21", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr("tunebook.util.find_spec", lambda name: spec)
    monkeypatch.setattr("tunebook.metadata.version", lambda name: "9.9")
    folder = tmp_path / "corpus" / "oneills1850"
    folder.mkdir(parents=True)
    return folder


def test_tunes_come_in_one_form_and_those_that_cannot_are_left_out(installed):
    (installed / "0001-0100.abc").write_text(BOOK, "utf-8")
    found = tunes()
    assert found.train == [FIRST]
    assert found.validation == [SECOND]
    assert found.source.endswith("music21 9.9")


def test_of_two_transcriptions_the_first_is_taken(installed):
    (installed / "b.abc").write_text(BOOK.replace("d>ed", "a>ba"), "utf-8")
    (installed / "a.abc").write_text(BOOK, "utf-8")
    assert tunes().train == [FIRST]


def test_a_music21_without_its_corpus_is_told_what_is_missing(installed):
    with pytest.raises(FileNotFoundError, match=r"no tunes in .*oneills1850; .* without its corpus"):
        tunes()


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("tunebook.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"music21, minigrad's extra `music`: python -m pip install music21"):
        tunes()


@pytest.fixture(scope="module")
def book():
    return tunes()


@needs_music21
def test_sizes_form_and_numbers(book):
    assert (len(book.train), len(book.validation)) == (1641, 179)
    for part in (book.train, book.validation):
        numbers = [int(tune[2 : tune.index("\n")]) for tune in part]
        assert numbers == sorted(set(numbers))
        assert all((number % 100 > 90 or number % 100 == 0) == (part is book.validation) for number in numbers)
        for tune in part:
            assert FORM.fullmatch(tune), tune


@needs_music21
def test_the_tunes_are_fixed(book):
    digest = hashlib.sha256("\n".join(book.train + book.validation).encode()).hexdigest()
    assert digest.startswith("58f2cbd6")
    assert tunes() == book


@needs_music21
def test_the_figures_are_those_of_the_documentation(book):
    checks = [check_tune(tune) for tune in book.validation]
    assert all(check.key and check.metre for check in checks)
    assert sum(check.valid for check in checks) / len(checks) == pytest.approx(0.905, abs=0.005)
    assert sum(check.right_bars for check in checks) / sum(check.bars for check in checks) > 0.985
    loss = ngram_baselines("\n".join(book.train), "\n".join(book.validation))[3]
    assert loss == pytest.approx(2.044, abs=0.001)


@needs_music21
def test_music21_is_read_but_not_imported():
    code = "import sys; from tunebook import tunes; tunes(); sys.exit('music21' in sys.modules)"
    folders = os.pathsep.join([str(FIELDS), os.environ.get("PYTHONPATH", "")])
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": folders}, check=True)
