"""What pictures say in words of their own: texts in English that can be said in other languages, too.

`phrases.json` has a row of texts for each phrase, one in each of `LANGUAGES`; {0}, {1}, … are filled in. Pictures in
files are in English, explorer pages in the language of the reader.
"""

from __future__ import annotations

import json
from importlib.resources import files

ENGLISH = "en"
LANGUAGES = (ENGLISH, "zh")
WRITTEN = files("minigrad.drawing").joinpath("phrases.json").read_text("utf-8")
ROWS: dict[str, list[str]] = json.loads(WRITTEN)


class Phrase(str):
    """A row of `phrases.json` with what is filled in; as a text it is in English.

    >>> Phrase("turn", "3", "5"), say(Phrase("one by one", Phrase("each")), "zh")
    ('turn 3 of 5', '每轮，逐一对应')
    """

    key: str
    values: tuple[str, ...]

    def __new__(cls, key: str, *values: str) -> Phrase:
        phrase = super().__new__(cls, ROWS[key][0].format(*values))
        phrase.key, phrase.values = key, values
        return phrase


def say(text: str, language: str) -> str:
    """A phrase in one of `LANGUAGES`; any other text is what it is."""
    if not isinstance(text, Phrase):
        return text
    values = (say(value, language) for value in text.values)
    return ROWS[text.key][LANGUAGES.index(language)].format(*values)
