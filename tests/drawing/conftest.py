"""Texts that nobody should have to expect in a name: what is typed, and what is to be seen."""

from __future__ import annotations

import pytest

# What is typed, and what is seen where that differs.
HOSTILE = [
    'a"]; evil [label="x',
    '\\" shape=box color=red] # "',
    '"',
    '""" + "',
    "<lambda> <map>",
    "<b>x</b>",
    "<",
    "<>",
    "<<table><tr><td>x</td></tr></table>>",
    r"\N",
    r"\G \T \E \H \L",
    r"\\N",
    r"\n\l\r",
    "trailing \\",
    "trailing \\\\",
    "\\",
    "&lt;b&gt;",
    "&#92;N",
    "&amp;amp; & &; &nbsp;",
    "}} subgraph cluster_evil {{",
    "n0 -> n1; /* // # */",
    "a:b:n|{c}",
    "%d %s {} $HOME `id` $(id)",
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    '"onmouseover="alert(1)',
    "javascript:alert(1)",
    "]]> --> <!-- <![CDATA[",
    "</text></g></svg>",
    "查询/键/值",
    "emoji \U0001f469\u200d\U0001f4bb \U0001f389",
    "e\u0301 \u0915\u094d\u0937",
    "two  spaces   three",
    "",
]
REPLACED = {
    "line\nfeed\r\ttab": r"line\nfeed\r\ttab",
    "NUL \x00 escape \x1b[31m delete \x7f next line \x85": r"NUL \x00 escape \x1b[31m delete \x7f next line \x85",
    "lone \ud800 surrogates \udfff": r"lone \ud800 surrogates \udfff",
    "none \ufffe characters \uffff \ufdd0 \U0010ffff": r"none \ufffe characters \uffff \ufdd0 \U0010ffff",
    "right \u202eto left\u202c \u2066isolate\u2069 \u200f": r"right \u202eto left\u202c \u2066isolate\u2069 \u200f",
    "unseen \u200b\u2060\ufeff\xad": r"unseen \u200b\u2060\ufeff\xad",
    "ends \u2028 \u2029": r"ends \u2028 \u2029",
    "20 kB of \\&\"" + 20_000 * "&": "20 kB of \\&\"" + 187 * "&" + "…",
}  # fmt: skip
SHOWN = {text: text for text in HOSTILE} | REPLACED


@pytest.fixture(scope="session")
def hostile() -> dict[str, str]:
    """Hostile texts, each with what a picture shows of it."""
    return SHOWN
