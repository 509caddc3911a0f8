"""The pieces of the page: no text can become markup, and they fit together."""

from xml.etree import ElementTree

import pytest

from minigrad.cli import page

HOSTILE = "</pre><script>alert(1)</script>\"' onerror=alert(1) &lt; ]]> --> \x00 \u202e \ud800"

PIECES = {
    "heading": lambda text: page.heading(2, text),
    "paragraph": page.paragraph,
    "picture": lambda text: page.picture(text, text, text),
    "block": page.block,
    "details": lambda text: page.details(text, text),
    "table": lambda text: page.table((text, text), [(text, text)]),
    "files": lambda text: page.files([(text, text)]),
    "title": lambda text: page.page(text, []),
}


@pytest.mark.parametrize("name", PIECES)
def test_any_text_is_shown_as_it_is(name):
    harmless, hostile = (ElementTree.fromstring(PIECES[name](text)) for text in ("x", HOSTILE))
    assert [element.tag for element in harmless.iter()] == [element.tag for element in hostile.iter()]
    assert "<script>alert(1)</script>\"' onerror=alert(1) &lt; ]]> --> \\x00 \\u202e \\ud800" in "".join(
        hostile.itertext()
    )


def test_lines_stay_lines():
    assert page.block("a\n  b") == "<pre>a\n  b</pre>"


def test_a_page_has_a_language_a_title_and_its_sections_in_order():
    root = ElementTree.fromstring(page.page("Title", [page.heading(1, "One"), page.paragraph("two")]))
    assert root.get("lang") == "en"
    assert root.findtext("head/title") == "Title"
    assert [element.text for element in root.find("body/main")] == ["One", "two"]
