"""The dates: all of them, in order, split by years, and each pair about one day."""

import sys
from datetime import date
from importlib.util import find_spec

import pytest

from date_pairs import HELD_OUT_YEARS, dates
from minigrad.data import Vocabulary

needs_babel = pytest.mark.skipif(find_spec("babel") is None, reason="Babel is not installed: install the extra fields")


@pytest.fixture(scope="module", params=["zh", "fr"])
def pairs(request):
    return request.param, dates(request.param)


@pytest.mark.deep
@needs_babel
def test_every_day_of_two_centuries_is_there_once_and_in_order(pairs):
    _, found = pairs
    days = [date.fromisoformat(target) for part in (found.train, found.validation) for target in part.targets]
    assert len(found.train.sources) == len(found.train.targets) == 66_474
    assert len(found.validation.sources) == len(found.validation.targets) == 6_575
    assert len(set(days)) == len(days) == (date(2100, 1, 1) - date(1900, 1, 1)).days
    for part in (found.train, found.validation):
        assert list(part.targets) == sorted(part.targets)


@needs_babel
def test_no_year_is_in_both_parts(pairs):
    _, found = pairs
    train, validation = ({int(target[:4]) for target in part.targets} for part in (found.train, found.validation))
    assert validation == {*HELD_OUT_YEARS}
    assert train == {*range(1900, 2100)} - validation


@needs_babel
def test_nothing_in_the_validation_part_is_new_but_the_years(pairs):
    """Every digit was seen in its place, every character seen."""
    _, found = pairs
    for place in range(10):
        seen, asked = ({target[place] for target in part.targets} for part in (found.train, found.validation))
        assert asked <= seen
    characters = Vocabulary("".join(found.train.sources))
    for source in found.validation.sources:
        characters.encode(source)


WEEKDAYS = {
    "zh": "一二三四五六日",
    "fr": ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"],
}


@needs_babel
def test_sources_tell_the_day_the_month_and_the_year_of_their_targets(pairs):
    language, found = pairs
    for source, target in zip(found.validation.sources, found.validation.targets, strict=True):
        day = date.fromisoformat(target)
        if language == "zh":
            assert source.startswith(f"{day.year}年{day.month}月{day.day}日")
        else:
            assert source.endswith(f" {day.year}")
            assert str(day.day) in source.split()
        with_weekday = day.toordinal() % 3 == 0
        assert (WEEKDAYS[language][day.weekday()] in source) >= with_weekday
        assert (("星期" in source) if language == "zh" else source[0].isalpha()) == with_weekday


@needs_babel
def test_french_months_are_written_in_full_and_abbreviated(pairs):
    language, found = pairs
    months = {source.split()[-2] for source in found.validation.sources} if language == "fr" else set()
    assert {"juillet", "juil.", "mai"} <= months or language == "zh"


@needs_babel
def test_english_targets_and_the_same_sources_every_time(pairs, monkeypatch):
    language, found = pairs
    monkeypatch.setattr("date_pairs.LAST_YEAR", 1905)  # the first years show it sooner
    again = dates(language, "en")
    assert again == dates(language, "en")
    assert again.train.sources == found.train.sources[: len(again.train.sources)]
    assert again.validation.sources == found.validation.sources[:365]
    assert again.validation.targets[3] == "January 4, 1905"
    assert len({target.split()[0] for target in again.validation.targets}) == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("de",), "source must be 'zh' or 'fr', got 'de'"), (("zh", "fr"), "target must be 'iso' or 'en', got 'fr'")],
)
def test_an_unknown_language_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        dates(*arguments)


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "babel.dates", None)
    with pytest.raises(ImportError, match=r"Babel, minigrad's extra `translation`: python -m pip install Babel"):
        dates()
