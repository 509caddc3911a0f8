"""Text that is safe inside a picture: any user string becomes a quoted DOT string, any array a few short lines.

In come names, operations, shapes and values, none of them trusted; out go strings which can be pasted after `label=` or
`tooltip=` in DOT text. The names of nodes (`n7`) are made elsewhere: user text never is one.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.graph.numbers import format_number

LONGEST_LABEL_LINE = 200  # characters; Graphviz 2.43 refuses labels from 16 KB on
LONGEST_TOOLTIP = 1_000  # characters
MOST_ROWS, MOST_COLUMNS = 6, 6  # of an array whose elements are all written out

# What XML forbids, what moves the text around it, and what nobody can see. Zero-width joiners stay: emoji need them.
_HIDDEN = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, line ends among them
    "\xad\u180e\u200b\u2060-\u2065\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # without a width
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # likewise: joiners and fillers of some scripts
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction of writing
    "\u2028\u2029"  # line ends outside of ASCII
    "\ud800-\udfff"  # half a surrogate pair
    "\ufdd0-\ufdef" + "".join(chr(plane + 0xFFFE) + chr(plane + 0xFFFF) for plane in range(0, 0x110000, 0x10000)) + "]"
)


def quote_label(*lines: str) -> str:
    r"""A quoted DOT string which shows each of `lines` literally, one under the other.

    Every line is made visible (see `escape_hidden`) and cut at 200 characters. The result is never an HTML-like label.

    >>> print(quote_label("scores", "(2, 6, 6)"))
    "scores\n(2, 6, 6)"
    >>> print(quote_label('say "\\N"'))
    "say \"\\N\""
    """
    shown = [make_text(line, LONGEST_LABEL_LINE) for line in lines]
    return _quote(shown, backslash=r"\\")


def quote_tooltip(*lines: str) -> str:
    r"""A quoted DOT string for `tooltip=`: `lines` shown literally, cut at 1,000 characters in all.

    Graphviz expands escapes in a tooltip twice, so a backslash is written four times here and twice in a label.

    >>> print(quote_tooltip("matmul", "a\\b"))
    "matmul\na\\\\b"
    """
    shown = shorten("\n".join(escape_hidden(line) for line in lines), LONGEST_TOOLTIP)
    return _quote(shown.split("\n"), backslash=r"\\\\")


def escape_hidden(text: str) -> str:
    r"""`text` on one line, its control, direction and invisible characters replaced by Python's escapes for them.

    >>> print(escape_hidden("keys\n\u202evalues"))
    keys\n\u202evalues
    """
    return _HIDDEN.sub(lambda hidden: hidden[0].encode("unicode_escape").decode("ascii"), text)


def escape_lines(text: str) -> str:
    """`text` as it is divided into lines, in each of which what is hidden is escaped: it cannot move a cursor."""
    return "\n".join(map(escape_hidden, text.split("\n")))


def make_text(given: object, longest: int = LONGEST_TOOLTIP) -> str:
    """Anything as a text on one line, what cannot be seen made visible, cut at `longest` characters."""
    return shorten(escape_hidden(str(given)), longest)


def shorten(text: str, length: int) -> str:
    """`text`, or its beginning with an ellipsis where it is longer than `length` characters.

    >>> shorten("attention", 9), shorten("attention", 4)
    ('attention', 'att…')
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def set_minus(text: str) -> str:
    """The minus sign of mathematics in place of hyphens, for pictures; terminals write what Python reads."""
    return text.replace("-", "−")


def format_array(values: npt.ArrayLike) -> list[str]:
    """The lines that show an array in a node: all of its elements when they are few, otherwise a summary.

    A vector takes one line and a matrix one line per row, up to 6 rows and 6 columns. The summary has the shape, then
    minimum, maximum and mean of the finite elements, then how many are not finite; of booleans, how many are True.

    >>> format_array([0.66524096, 0.24472847, 0.09003057])
    ['[0.6652 0.2447 0.09003]']
    >>> format_array([[1.0, 0.0], [0.5, float("nan")]])
    ['[1 0]', '[0.5 NaN]']
    >>> format_array(np.arange(12.0))
    ['(12,)', 'min 0, max 11, mean 5.5']
    """
    rows = format_rows(values)
    if np.ndim(values) == 0:
        return rows[0]
    return ["[" + " ".join(row) + "]" for row in rows] or [str(np.shape(values)), *summarise(values)]


def format_rows(values: npt.ArrayLike) -> list[list[str]]:
    """The elements of an array, row by row, when they are few; nothing for others.

    >>> format_rows([[1.0, 0.0], [0.5, float("nan")]]), format_rows(np.arange(12.0))
    ([['1', '0'], ['0.5', 'NaN']], [])
    """
    array = _drop_leading(values)
    if array.ndim > 2 or array.size == 0 or array.shape[-1:] > (MOST_COLUMNS,) or array.shape[:1] > (MOST_ROWS,):
        return []
    return [[set_minus(format_number(element)) for element in row] for row in np.atleast_2d(array)]


def summarise(values: npt.ArrayLike) -> list[str]:
    """What a large array is like: minimum, maximum and mean, then how many elements are not finite."""
    array = _drop_leading(values)
    if array.size == 0:
        return ["empty"]
    if array.dtype.kind == "b":
        return [f"{np.count_nonzero(array)} of {array.size} True"]
    finite = array[np.isfinite(array)]
    odd = {"NaN": np.isnan(array), "inf": np.isposinf(array), "-inf": np.isneginf(array)}
    lines = [", ".join(f"{np.count_nonzero(places)} {name}" for name, places in odd.items() if places.any())]
    if finite.size:
        with np.errstate(over="ignore"):  # the mean of huge elements is shown as inf
            mean = finite.mean(dtype=np.float64)
        numbers = {"min": finite.min(), "max": finite.max(), "mean": mean}
        lines.insert(0, ", ".join(f"{name} {set_minus(format_number(number))}" for name, number in numbers.items()))
    return [line for line in lines if line]


def _drop_leading(values: npt.ArrayLike) -> npt.NDArray[Any]:
    """An array without its outer axes of length 1, down to a matrix."""
    array = np.asarray(values)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    return array


def _quote(lines: list[str], backslash: str) -> str:
    # `&` would start an entity such as `&lt;`, and `&#92;N` is expanded like `\N`.
    replacements = str.maketrans({"\\": backslash, '"': r"\"", "&": "&amp;"})
    return '"' + r"\n".join(line.translate(replacements) for line in lines) + '"'
