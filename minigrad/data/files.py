"""Text and tables of one's own: files in UTF-8, and rows of comma-separated values.

In come paths, out go the parts of a text, or the columns of a table as they stand in the file. What cannot be
understood raises a ValueError of one line that begins with the file.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from minigrad.data.text import Text

GAPS = {"", "na", "n/a", "nan", "null", "?"}  # what stands where a value is missing, in small letters
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.IGNORECASE)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)  # a number that could be one of thousands, too
SEPARATORS = ",;\t"
MOST_CATEGORIES = 200  # different texts in a column; and at most half as many as rows
FEWEST_ROWS = 10
NAMED, LONGEST = 20, 60  # columns in a message, and characters of a cell or a name: it can be pages long

_abbreviation = reprlib.Repr()
_abbreviation.maxstring = LONGEST


def read_text(path: str | os.PathLike[str], tokens: int) -> Text:
    """A text of one's own in two parts, the last tenth for validation; line ends are "\\n".

    Args:
        path: a file in UTF-8.
        tokens: the context of the model; the validation text is longer than that.

    Raises:
        OSError: a file that cannot be read.
        ValueError: one that is not UTF-8, empty, too short, or has one character only.
    """
    text = _read_utf8(path).replace("\r\n", "\n").replace("\r", "\n")
    fewest = 10 * (tokens + 1)
    if len(text) < fewest:
        raise ValueError(
            f"{path} has {say_count(len(text), 'character')}; at least {fewest:,} are needed, as the last tenth is "
            f"held out and a context is {tokens} characters"
        )
    if len(set(text)) == 1:
        raise ValueError(f"{path} has one character only, {text[0]!r}: there is nothing to predict")
    length = len(text) * 9 // 10
    return Text(text[:length], text[length:], source=Path(path).name, licence="that of the file")


def say_count(count: int, thing: str) -> str:
    """How many there are.

    >>> say_count(1, "row"), say_count(1000, "row")
    ('1 row', '1,000 rows')
    """
    return f"{count:,} {thing}{'s' * (count != 1)}"


def quote(text: str) -> str:
    """A text in quotation marks, for a message: cut, as a cell can be pages long."""
    return _abbreviation.repr(text)


class Column(NamedTuple):
    """A column of a table: its `texts`, "" for a gap; and as `numbers`, NaN for a gap, if all of them are.

    `doubtful` is one of its texts, such as "1,234", if every mark in its numbers could be one of thousands, too; or "".
    """

    name: str
    texts: list[str]
    numbers: npt.NDArray[np.float64] | None
    doubtful: str = ""

    @property
    def gaps(self) -> int:
        return self.texts.count("")

    @property
    def doubt(self) -> str:
        """What is to be said of a column with a `doubtful` number."""
        mark = "commas" if "," in self.doubtful else "points"
        return f"{self.name}: {mark} are read as decimal points, as in {self.doubtful}"


class Table(NamedTuple):
    """The columns to learn from, the `target` to be told from them, and columns left out, with why."""

    columns: list[Column]
    target: Column
    left_out: dict[str, str]


def read_table(path: str | os.PathLike[str], target: str) -> Table:
    """The columns of a file of comma-separated values; semicolons and tabs are understood, and with them 0,5 as 0.5.

    The separator is the one that gives most rows as many values as the first line has names.
    A column whose values are all numbers is one of numbers, any other one of categories. Gaps (nothing, NA, NaN, null,
    ?) may be everywhere but in the target. A target of numbers has more than two of them: two are classes. Columns that
    say nothing (always the same) or nothing that can be learned (more than 200 different texts, or a different one in
    every second row) are left out.

    Args:
        path: a file in UTF-8, with the names of the columns in its first line.
        target: the name of the column to be told from the others.

    Raises:
        OSError: a file that cannot be read.
        ValueError: rows of different lengths, names that are twice there, fewer than ten rows, a number that is too
            large, a target that is not there, has gaps or one value only, a class of one row, nothing to learn from.
    """
    return read_table_and_rows(path, target)[0]


def read_table_and_rows(path: str | os.PathLike[str], target: str) -> tuple[Table, list[list[str]]]:
    """What `read_table` returns, and the rows as they stand in the file, with what is left out."""
    names, rows, lines, point = _read_rows(path, FEWEST_ROWS)
    _find_column(path, target, names)
    columns = [_read_column(path, name, [row[place] for row in rows], lines, point) for place, name in enumerate(names)]
    answer = columns.pop(names.index(target))
    left_out = {column.name: why for column in columns if (why := _say_useless(column))}
    columns = [column for column in columns if column.name not in left_out]
    answer = _check_target(path, answer, lines)
    if not columns:
        why = "".join(f"; {name} is left out: {why}" for name, why in [*left_out.items()][:NAMED])
        raise ValueError(f"{path} has no column to tell {quote(target)} from{why}")
    return Table(columns, answer, left_out), rows


def read_columns(path: str | os.PathLike[str], numbers: Mapping[str, bool], target: str) -> dict[str, Column]:
    """Columns of a file, by their names: what a model reads that was made for another one; see `read_table`.

    Args:
        path: a file as of `read_table`, of one row at least. It may have more columns.
        numbers: by the names of the columns, whether they are to be numbers.
        target: which of them need not be there.

    Raises:
        OSError: a file that cannot be read.
        ValueError: as of `read_table`; and a column that is not there, or a text among numbers.
    """
    names, rows, lines, point = _read_rows(path, 1)
    columns = dict[str, Column]()
    for name, are_numbers in numbers.items():
        if name == target and name not in names:
            continue
        place = _find_column(path, name, names)
        column = columns[name] = _read_column(path, name, [row[place] for row in rows], lines, point)
        other = _find_text(column.texts, point)
        if are_numbers and other is not None:
            found = f"{quote(column.texts[other])} in the column {quote(name)}"
            raise ValueError(f"{path}, line {lines[other]}: {found}, which is one of numbers")
    return columns


def name_number(number: float) -> str:
    """What a class is called that is a number, however it is written.

    >>> name_number(-0.0), name_number(1e0), name_number(0.5)
    ('0', '1', '0.5')
    """
    return str(number + 0.0).removesuffix(".0")  # -0 + 0 is 0


def _find_column(path: str | os.PathLike[str], name: str, names: list[str]) -> int:
    if name not in names:
        raise ValueError(f"{path} has no column {quote(name)}; it has: {_list_names(names)}")
    return names.index(name)


def _read_utf8(path: str | os.PathLike[str]) -> str:
    data = Path(path).read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text: byte 0x{data[error.start]:02x} at {error.start:,}; save it as UTF-8"
        ) from None
    if not text.strip():
        raise ValueError(f"{path} is empty")
    return text


def _read_rows(path: str | os.PathLike[str], fewest: int) -> tuple[list[str], list[list[str]], list[int], str]:
    """The names of the columns, the rows, the line on which each row ends, and what stands in numbers for a point."""
    rows, lines, separator, problem = _split_rows(_read_utf8(path))
    if problem:
        raise ValueError(f"{path}, {problem}")
    header, rows, lines = rows[0], rows[1:], lines[1:]
    names = [name or f"column {place}" for place, name in enumerate(header, 1)]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{path} has the column {quote(twice[0])} more than once; each needs a name of its own")
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(names):
            found, expected = say_count(len(row), "value"), say_count(len(names), "column")
            raise ValueError(f"{path}, line {line}: {found}, but the first line names {expected}")
    if len(rows) < fewest:
        found, needed = say_count(len(rows), "row"), f"at least {fewest} are" if fewest > 1 else "at least one is"
        raise ValueError(f"{path} has {found} below the names of its columns; {needed} needed")
    return names, rows, lines, "." if separator == "," else ","


class _Split(NamedTuple):
    """The rows of a text, the names of the columns first, the line on which each ends; and what ended them, if so."""

    rows: list[list[str]]
    lines: list[int]
    separator: str
    problem: str

    @property
    def fitting(self) -> int:
        """How many rows are as long as the first, if that has names for more than one column."""
        width = len(self.rows[0]) if self.rows else 0
        return sum(len(row) == width for row in self.rows) if width > 1 else 0


def _split_rows(text: str) -> _Split:
    """The rows by the separator that most of them fit; of equals, the one that the first line has most of."""
    first = text.lstrip().split("\n", 1)[0]
    tried = list[_Split]()
    for separator in sorted(SEPARATORS, key=first.count, reverse=True):
        tried.append(_split_at(text, separator))
        if not tried[-1].problem and tried[-1].fitting == len(tried[-1].rows):
            break
    return max(tried, key=lambda split: split.fitting)


def _split_at(text: str, separator: str) -> _Split:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    rows, lines, problem = list[list[str]](), list[int](), ""
    try:
        for row in reader:
            if row:
                rows.append([cell.strip() for cell in row])
                lines.append(reader.line_num)
    except csv.Error as error:
        problem = f"line {reader.line_num}: not comma-separated values: {error}"
    return _Split(rows, lines, separator, problem)


def _list_names(names: list[str]) -> str:
    more = [f"and {len(names) - NAMED:,} more"] * (len(names) > NAMED)
    return ", ".join([*(name if len(name) <= LONGEST else quote(name) for name in names[:NAMED]), *more])


def _read_column(path: str | os.PathLike[str], name: str, texts: list[str], lines: list[int], point: str) -> Column:
    texts = ["" if text.lower() in GAPS else text for text in texts]
    if _find_text(texts, point) is not None:
        return Column(name, texts, None)
    numbers = np.array([float(text.replace(point, ".")) if text else math.nan for text in texts])
    with np.errstate(all="ignore"):
        too_large = np.isinf(numbers * numbers * len(numbers))
    if too_large.any():
        row = int(np.flatnonzero(too_large)[0])
        number = f"{quote(texts[row])} in the column {quote(name)}"
        raise ValueError(f"{path}, line {lines[row]}: {number} is too large a number")
    marked = [text for text in texts if point == "," and ("." in text or "," in text)]
    return Column(name, texts, numbers, marked[0] if marked and all(map(THOUSANDS.fullmatch, marked)) else "")


def _find_text(texts: list[str], point: str) -> int | None:
    """The first row that has no number. Where some have points and some commas, one of them is of thousands."""
    other = "," if point == "." else "."
    two_marks = any(point in text for text in texts) and any(other in text for text in texts)

    def is_number(text: str) -> bool:
        return bool(NUMBER.fullmatch(text.replace(point, "."))) and not (two_marks and other in text)

    return next((row for row, text in enumerate(texts) if text and not is_number(text)), None)


def _say_useless(column: Column) -> str:
    """Why nothing can be learned from a column, if so."""
    values: set[Any] = {*column.texts} if column.numbers is None else {*column.numbers[~np.isnan(column.numbers)]}
    if len(values | {""} if column.gaps else values) == 1:
        return "the same in every row"
    return _say_too_many(column) if column.numbers is None else ""


def _say_too_many(column: Column) -> str:
    kinds = len({*column.texts} - {""})
    if kinds <= min(MOST_CATEGORIES, len(column.texts) // 2):
        return ""
    other = next(text for text in column.texts if text and not NUMBER.fullmatch(text))
    return f"{kinds:,} different texts, such as {quote(other)}"


def _check_target(path: str | os.PathLike[str], target: Column, lines: list[int]) -> Column:
    place = f"{path}: the target {target.name!r}"
    if target.gaps:
        line = lines[target.texts.index("")]
        raise ValueError(f"{place} is missing in {target.gaps:,} of {len(lines):,} rows, first in line {line}")
    values = set[Any](target.texts if target.numbers is None else target.numbers.tolist())
    if len(values) == 1:
        raise ValueError(f"{place} is {quote(target.texts[0])} in every row: there is nothing to tell")
    if target.numbers is not None:
        if len(values) > 2:
            return target
        target = Column(target.name, [name_number(number) for number in target.numbers.tolist()], None)
    elif why := _say_too_many(target):
        raise ValueError(f"{place} has {why}: too many to be classes, and it is not all numbers")
    rare, count = min(Counter(target.texts).items(), key=lambda item: item[1])
    if count == 1:
        rare = quote(rare)
        raise ValueError(f"{place} is {rare} in one row only: each class needs two, to learn from and to measure on")
    return target
