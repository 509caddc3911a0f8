"""Dates in words and in figures: short sentences to translate, character by character.

Out go dates as Chinese or French writes them beside the same dates in ISO or English notation, split by years. Called
by `translate_dates.py`. Needs the extra `translation`, the library Babel.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from importlib import metadata
from typing import Literal, NamedTuple

from extras import missing_library
from split import Split

FIRST_YEAR, LAST_YEAR = 1900, 2099
HELD_OUT_YEARS = range(1905, LAST_YEAR + 1, 11)
FORMATS = ("full", "long", "medium")
SOURCES, TARGETS = ("zh", "fr"), ("iso", "en")


class Pairs(NamedTuple):
    """Texts and their translations: `targets[i]` is what `sources[i]` becomes.

    To a model they are ids in one array, and a target has a mark before its first character and after its last:

    >>> from minigrad.data import Vocabulary
    >>> from rows import pad
    >>> pairs = Pairs(sources=["7 mai 1905", "1 juin 1916"], targets=["1905-05-07", "1916-06-01"])
    >>> vocabulary = Vocabulary("\\n" + "".join(pairs.targets))
    >>> ids, real = pad([vocabulary.encode(f"\\n{target}\\n") for target in pairs.targets])
    >>> inputs, following = ids[:, :-1], ids[:, 1:]
    >>> vocabulary.decode(following[1])
    '1916-06-01\\n'
    """

    sources: list[str]
    targets: list[str]


def dates(source: Literal["zh", "fr"] = "zh", target: Literal["iso", "en"] = "iso") -> Split[Pairs]:
    """Every date from 1900 to 2099 in Chinese or French, and in ISO or English notation: 66,474 and 6,575 pairs.

    `source` is the language to read, `zh` (2024年3月5日星期二) or `fr` (mardi 5 mars 2024); `target` what to write,
    `iso` (2024-03-05) or `en` (March 5, 2024). The source goes in turn, day by day, through what Unicode calls the
    full, the long and the medium format: with the day of the week, without it, and with the month abbreviated where
    the language does so.

    Whole years are for validation, every eleventh from 1905, 18 in all: no date of these years is in the training part,
    yet each of their digits is, in each place. Who gets them right has learned to read figures, not years by heart.

    Source: Babel, which formats by the Unicode Common Locale Data Repository. Licence: Unicode License V3 for the names
    and formats, of which Babel, itself under the BSD licence, has a copy.

    Raises ImportError without Babel, ValueError for another source or target.

    >>> found = dates("fr")
    >>> len(found.train.sources), len(found.validation.sources)
    (66474, 6575)
    >>> found.validation.sources[2], found.validation.targets[2]
    ('mardi 3 janvier 1905', '1905-01-03')
    """
    for name, value, known in [("source", source, SOURCES), ("target", target, TARGETS)]:
        if value not in known:
            raise ValueError(f"dates: {name} must be {' or '.join(map(repr, known))}, got {value!r}")
    written, wanted = _formatter(source), _formatter(target) if target != "iso" else None
    days = [
        date(FIRST_YEAR, 1, 1) + timedelta(number)
        for number in range((date(LAST_YEAR, 12, 31) - date(FIRST_YEAR, 1, 1)).days + 1)
    ]

    def pairs(held_out: bool) -> Pairs:
        chosen = [day for day in days if (day.year in HELD_OUT_YEARS) == held_out]
        return Pairs(
            sources=[written(day, FORMATS[day.toordinal() % len(FORMATS)]) for day in chosen],
            targets=[wanted(day, "long") if wanted else day.isoformat() for day in chosen],
        )

    return Split(
        train=pairs(held_out=False),
        validation=pairs(held_out=True),
        source=f"Babel {metadata.version('babel')}",
        licence="Unicode License V3",
    )


def _formatter(language: str) -> Callable[[date, str], str]:
    """What writes a date in one of the formats."""
    try:
        from babel import Locale
        from babel.dates import format_date
    except ImportError as error:
        raise missing_library("dates", "Babel", "translation") from error
    return partial(format_date, locale=Locale.parse(language))  # parsed once: it takes as long as a date
