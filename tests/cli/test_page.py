"""The pieces of the page: no text can become markup, and they fit together."""

from xml.etree import ElementTree

import pytest

from minigrad.cli import page
from minigrad.report import pieces

HOSTILE = "</pre><script>alert(1)</script>\"' onerror=alert(1) &lt; ]]> --> \x00 \u202e \ud800"

PLACES = page.FRAME.get_identifiers()
PIECES = {
    "paragraph": pieces.paragraph,
    "picture": lambda text: page.picture(text, text, text),
    "block": pieces.block,
    "details": lambda text: pieces.details(text, text),
    "table": lambda text: pieces.table((text, text), [(text, text)]),
    "page": lambda text: page.fill(dict.fromkeys(PLACES, pieces.block(text))),
}


@pytest.mark.parametrize("name", PIECES)
def test_any_text_is_shown_as_it_is(name):
    harmless, hostile = (ElementTree.fromstring(PIECES[name](text)) for text in ("x", HOSTILE))
    assert [element.tag for element in harmless.iter()] == [element.tag for element in hostile.iter()]
    assert "<script>alert(1)</script>\"' onerror=alert(1) &lt; ]]> --> \\x00 \\u202e \\ud800" in "".join(
        hostile.itertext()
    )


def test_lines_stay_lines():
    assert pieces.block("a\n  b") == "<pre>a\n  b</pre>"


def test_a_page_has_a_language_a_title_and_its_pieces_in_order():
    root = ElementTree.fromstring(page.fill({name: pieces.block(name) for name in PLACES}))
    assert root.get("lang") == "en"
    assert root.findtext("head/title") == root.findtext("body/main/h1") == "minigrad demo"
    assert [element.text for element in root.iter("pre")] == PLACES
