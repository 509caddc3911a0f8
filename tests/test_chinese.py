"""A Chinese page X.zh.md says what X.md says: headings, blocks, pictures, links and numbers are the same.

What is the same is run and checked in English: see `test_docs`. What cannot be compared is read by people.
"""

import re
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [page for folder in (ROOT, ROOT / "docs") for page in sorted(folder.glob("*.zh.md"))]
BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.*)", re.MULTILINE)
LINK = re.compile(r"(?<=\]\()[^)\s]+|(?<= src=\")[^\"]+|(?<= srcset=\")[^\"]+")
NUMBER = re.compile(r"\d(?:[\d.,]*\d)?")
TIGHT = re.compile(r"[一-鿿][A-Za-z0-9`]|[A-Za-z0-9`][一-鿿]|[一-鿿][,.;:?!]|[一-鿿]\n[一-鿿]")
TITLE = re.compile(r"《.*?》")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def english_of(page):
    return page.with_name(page.name.replace(".zh.md", ".md"))


@each_page
def test_a_chinese_page_says_what_its_english_partner_says(page):
    english, chinese = (describe(path, path.read_text("utf-8")) for path in (english_of(page), page))
    assert chinese == english


@each_page
def test_each_page_leads_to_the_other_at_its_top(page):
    english = english_of(page)
    assert english.read_text("utf-8").splitlines()[2] == f"English · [中文版]({page.name})"
    assert page.read_text("utf-8").splitlines()[2] == f"中文版 · [English]({english.name})"


def describe(page, text):
    """What has to be the same in both languages: all blocks, and of each section level, links and numbers."""
    places = [0, *(heading.start() for heading in HEADING.finditer(hide_code(text))), len(text)]
    sections = [hide_code(text)[start:end] for start, end in pairwise(places)]
    return [*BLOCK.findall(text), *(describe_section(page, section) for section in sections)]


def hide_code(text):
    """The text with spaces for its blocks, so that places in it stay where they are."""
    return BLOCK.sub(lambda block: " " * len(block[0]), text)


def describe_section(page, section):
    level = len(HEADING.match(section)[1]) if HEADING.match(section) else 0
    links = sorted(resolve(page, link) for link in LINK.findall(section))
    return level, section.count("!["), links, sorted(NUMBER.findall(LINK.sub("", section)))


def resolve(page, link):
    """A link as the English page has it: to the partner of a Chinese page, to the heading in the same place there."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if target in PAGES:
        name = name.replace(".zh.md", ".md")
        anchor = anchor and dict(zip(anchors(target), anchors(english_of(target)), strict=True))[anchor]
    return f"{name}#{anchor}" if anchor else name


def anchors(page):
    """Of each heading of a page, what a link to it ends with."""
    headings = HEADING.findall(hide_code(page.read_text("utf-8")))
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for _, title in headings]


@each_page
def test_chinese_is_set_as_it_is_printed(page):
    """Spaces between Chinese and Latin letters, full-width punctuation, no line broken within a sentence.

    What is bold does not end with punctuation, after which Markdown would not see the end of it.
    """
    text = TITLE.sub("", LINK.sub("", hide_code(page.read_text("utf-8"))))
    assert TIGHT.findall(text) == []
    assert [bold for bold in text.split("**")[1::2] if bold[-1] in "，。；：？！）”"] == []


@pytest.mark.parametrize(
    ("there", "wrong"),
    [
        ("16 个点", "17 个点"),
        ("## 二", "### 二"),
        ("## 二\n", ""),
        ("print(2)", "print(3)"),
        ("```text\n2\n```", "```text\n3\n```"),
        ("x.svg", "y.svg"),
        ("ops.md", "faq.md"),
    ],
)
def test_what_differs_is_noticed(there, wrong):
    text = "# 一\n16 个点，见 [运算](ops.md#a)。\n## 二\n```python\nprint(2)\n```\n```text\n2\n```\n![图](x.svg)\n"
    page = ROOT / "docs" / "x.md"
    assert there in text
    assert describe(page, text) != describe(page, text.replace(there, wrong, 1))
