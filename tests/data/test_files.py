"""Texts and tables of one's own: what is understood, and the one line that says why something is not."""

import itertools
import os
import threading

import numpy as np
import pytest

from minigrad.data import read_table, read_text


def write(folder, content, name="data.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(header, *rows):
    return "\n".join([header, *rows]) + "\n"


ROWS = [f"{i},{'ab'[i % 2]},{i * i}" for i in range(12)]


def test_columns_are_of_numbers_or_of_categories_and_gaps_are_kept(tmp_path):
    rows = [*ROWS, "NA,a,1", "3.5e-1,?,2", "nan,n/a,3", "-.5,,+4."]
    columns, target, left_out = read_table(write(tmp_path, table("size,kind,price", *rows)), "price")
    size, kind = columns
    assert (size.name, kind.name, target.name, left_out) == ("size", "kind", "price", {})
    assert np.isnan(size.numbers[12:]).tolist() == [True, False, True, False]
    assert size.numbers[[13, 15]].tolist() == [0.35, -0.5]
    assert kind.numbers is None
    assert kind.texts[12:] == ["a", "", "", ""]
    assert (size.gaps, kind.gaps) == (2, 3)
    assert target.numbers[-1] == 4


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators_quotes_line_ends_and_a_byte_order_mark_are_understood(separator, tmp_path):
    rows = [row.replace(",", separator) for row in ROWS]
    content = "\ufeff" + table(f'"size"{separator} kind {separator}"price, in ""€"""', *rows).replace("\n", "\r\n\r\n")
    columns, target, _ = read_table(write(tmp_path, content), 'price, in "€"')
    assert [column.name for column in columns] == ["size", "kind"]
    assert target.numbers.tolist() == [i * i for i in range(12)]


def test_with_semicolons_a_comma_is_a_point_and_spaces_before_quotes_do_not_count(tmp_path):
    rows = [f'{i},5; "a; b{i % 2}";-1.5e1' for i in range(12)]
    columns, target, _ = read_table(write(tmp_path, table("x;kind;y", "7;c;2", "8;c;3", *rows)), "y")
    assert columns[0].numbers.tolist() == [7, 8, *(i + 0.5 for i in range(12))]
    assert columns[1].texts[2:4] == ["a; b0", "a; b1"]
    assert target.numbers.tolist() == [2, 3] + [-15] * 12


def test_a_column_without_a_name_is_named_by_its_place(tmp_path):
    columns, _, _ = read_table(write(tmp_path, table(",kind,price", *ROWS)), "price")
    assert columns[0].name == "column 1"


def test_a_target_of_two_numbers_is_one_of_classes(tmp_path):
    rows = [f"{i},{i % 2}.0" for i in range(12)]
    _, target, _ = read_table(write(tmp_path, table("x,sold", *rows)), "sold")
    assert target.numbers is None
    assert target.texts == ["0", "1"] * 6


@pytest.mark.parametrize(("one", "other"), [("1234567", "1234568"), ("0.1", "0.10000001"), ("1", "-1e-30")])
def test_two_numbers_are_two_classes_however_near(one, other, tmp_path):
    rows = [f"{i},{[one, other][i % 2]}" for i in range(12)]
    _, target, _ = read_table(write(tmp_path, table("x,sold", *rows)), "sold")
    assert target.texts == [one, other] * 6


def test_one_number_is_one_class_however_it_is_written(tmp_path):
    rows = [f"{i},{number}" for i, number in enumerate(["0", "-0", "0.00", "1", "1e0", "+1."] * 2)]
    _, target, _ = read_table(write(tmp_path, table("x,sold", *rows)), "sold")
    assert target.texts == ["0", "0", "0", "1", "1", "1"] * 2


@pytest.mark.parametrize("separator", [";", "\t"])
def test_numbers_with_points_and_commas_are_not_guessed(separator, tmp_path):
    rows = [f"{['1.234', '12,5', '999'][i % 3]}{separator}{i}" for i in range(12)]
    columns, _, _ = read_table(write(tmp_path, table(f"x{separator}y", *rows)), "y")
    assert columns[0].numbers is None


DOUBTFUL = [["1,234", "12", "999"], ["-1.234", "12", "+999.000"], ["", "1,234", "5,678"]]
CERTAIN = [
    ["1", "12", "999"],
    ["1,234", "12,5", "999"],
    ["1234,567", "1", "2"],
    ["0,125", "3,250", "7"],
    ["1,2e3", "3,000", "4"],
]


@pytest.mark.parametrize(("texts", "doubtful"), [*((x, True) for x in DOUBTFUL), *((x, False) for x in CERTAIN)])
@pytest.mark.parametrize("separator", ",;\t")
def test_numbers_are_doubtful_where_every_mark_could_be_one_of_thousands(texts, doubtful, separator, tmp_path):
    """Without semicolons or tabs a comma is none, and a point is a decimal point in every land."""
    rows = [separator.join([f'"{texts[i % 3]}"', str(i)]) for i in range(12)]
    (x,), y, _ = read_table(write(tmp_path, table(separator.join("xy"), *rows)), "y")
    marked = next((text for text in texts if "," in text or "." in text), "")
    assert x.doubtful == (marked if doubtful and separator != "," else "")
    assert not y.doubtful


@pytest.mark.parametrize(("separator", "other"), list(itertools.permutations(",;\t", 2)))
@pytest.mark.parametrize("mark", ["2 in one cell", "in every name"])
def test_the_separator_is_the_one_that_the_rows_fit_whatever_the_names_hold(separator, other, mark, tmp_path):
    names = (
        [f"a{other}b{other}c{other}d", "x", "y"] if mark == "2 in one cell" else [f"{x}{other}{other}" for x in "xyz"]
    )
    rows = [separator.join([str(i), "ab"[i % 2], str(i * i)]) for i in range(12)]
    columns, target, _ = read_table(write(tmp_path, table(separator.join(names), *rows)), names[2].strip())
    assert [column.name for column in [*columns, target]] == [name.strip() for name in names]


def test_a_broken_row_does_not_change_the_separator(tmp_path):
    rows = [f"{i};{'ab'[i % 2]};{i * i}" for i in range(12)]
    path = write(tmp_path, table("price, net, in EUR;kind;y", *rows, "1;2"))
    with pytest.raises(ValueError, match="line 14: 2 values, but the first line names 3 columns"):
        read_table(path, "y")
    path = write(tmp_path, table("price, net, in EUR;kind;y", *rows, '"1;2'))
    with pytest.raises(ValueError, match="line 14: not comma-separated values: unexpected end of data"):
        read_table(path, "y")


def test_a_pipe_is_read_to_its_end(tmp_path):
    """As `--data <(zcat houses.csv.gz)` makes one."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=[table("x,kind,y", *ROWS)])
    writer.start()
    assert read_table(tmp_path / "pipe", "y").target.numbers.tolist() == [i * i for i in range(12)]
    writer.join()


def test_what_says_nothing_is_left_out(tmp_path):
    rows = [f"{i},me,{chr(97 + i)},7,,{i}" for i in range(12)]
    found = read_table(write(tmp_path, table("x,who,id,seven,nothing,y", *rows)), "y")
    assert [column.name for column in found.columns] == ["x"]
    same = "the same in every row"
    assert found.left_out == {
        "who": same, "id": "12 different texts, such as 'a'", "seven": same, "nothing": same,
    }  # fmt: skip


FEW, LONG = ROWS[:9], "long " * 10_000
BAD_TABLES = {
    "empty": ("", " is empty"),
    "blank": ("\n \n", " is empty"),
    "a header alone": (table("a,b,y"), " has 0 rows below the names of its columns; at least 10 are needed"),
    "too few rows": (table("a,b,y", *FEW), " has 9 rows below the names of its columns; at least 10 are needed"),
    "not UTF-8": (table("a,b,y", *ROWS).encode("utf-16"), " is not UTF-8 text: byte 0xff at 0; save it as UTF-8"),
    "Latin-1": ("a,b,y\nü".encode("latin-1"), " is not UTF-8 text: byte 0xfc at 6; save it as UTF-8"),
    "one row": (table("a,b,y", "1,2,3"), " has 1 row below the names of its columns; at least 10 are needed"),
    "one value": (table("a,b,y", *FEW, "1"), ", line 11: 1 value, but the first line names 3 columns"),
    "a short row": (table("a,b,y", *FEW, "1,a"), ", line 11: 2 values, but the first line names 3 columns"),
    "a long row": (table("a,b,y", "1,a,2,3", *ROWS), ", line 2: 4 values, but the first line names 3 columns"),
    "no such column": (table("a,b,c", *ROWS), " has no column 'y'; it has: a, b, c"),
    "a name twice": (table("a,a,y", *ROWS), " has the column 'a' more than once; each needs a name of its own"),
    "one column": (table("y", *map(str, range(12))), " has no column to tell 'y' from"),
    "nothing to learn from": (
        table("id,y", *[f"{chr(97 + i)},{i}" for i in range(12)]),
        " has no column to tell 'y' from; id is left out: 12 different texts, such as 'a'",
    ),
    "a gap in the target": (
        table("a,b,y", *ROWS, "1,a,", "1,a,NaN"), ": the target 'y' is missing in 2 of 14 rows, first in line 14",
    ),
    "a constant target": (
        table("a,y", *[f"{i},3" for i in range(12)]), ": the target 'y' is '3' in every row: there is nothing to tell",
    ),
    "a class of one": (
        table("a,y", *[f"{i},{'x' if i else 'z'}" for i in range(12)]),
        ": the target 'y' is 'z' in one row only: each class needs two, to learn from and to measure on",
    ),
    "too many classes": (
        table("a,y", *[f"{i},{i} EUR" for i in range(12)]),
        ": the target 'y' has 12 different texts, such as '0 EUR': too many to be classes, and it is not all numbers",
    ),
    "an infinite number": (
        table("a,b,y", *ROWS, "-inf,a,1"), ", line 14: '-inf' in the column 'a' is too large a number",
    ),
    "a number beyond": (
        table("a,b,y", *ROWS, "1e200,a,1"), ", line 14: '1e200' in the column 'a' is too large a number",
    ),
    "an open quote": (
        table("a,b,y", *ROWS, '"1,a,1'), ", line 14: not comma-separated values: unexpected end of data",
    ),
    "a field without end": (
        table("a,b,y", *ROWS, "x" * 200_000), ", line 14: not comma-separated values: field larger than field limit "
        "(131072)",
    ),
}  # fmt: skip


LONG_TABLES = {
    "10,000 numbers for names": table(",".join(map(str, range(10_000))), *[",".join(["1"] * 10_000)] * 10),
    "a long name": table(f"a,{LONG}", "1,2"),
    "a long name twice": table(f"{LONG},{LONG},y", *ROWS),
    "a long number": table("a,y", "1," * 10, *[f"1{'0' * 1000},{i}" for i in range(12)]),
    "a long number beyond": table("a,y", *[f"1{'0' * 1000},{i}" for i in range(12)]),
    "a long target": table("a,y", *[f"{i},{LONG}{i}" for i in range(12)]),
    "a long target, always the same": table("a,y", *[f"{i},{LONG}" for i in range(12)]),
    "a long class of one": table("a,y", *[f"{i},{'b' if i else LONG}" for i in range(12)]),
    "a long text left out": table("a,y", *[f"{LONG}{i},{i}" for i in range(12)]),
    "many columns left out": table(",".join([*(f"a{i}" for i in range(5000)), "y"]), *[
        ",".join(["1"] * 5000 + [str(i)]) for i in range(12)
    ]),
}  # fmt: skip


@pytest.mark.parametrize("case", LONG_TABLES)
def test_what_a_file_holds_is_cut_where_it_is_quoted(case, tmp_path):
    path = write(tmp_path, LONG_TABLES[case])
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_table(path, "y")
    assert len(str(caught.value)) < len(str(path)) + 1500


@pytest.mark.parametrize("case", BAD_TABLES)
def test_what_is_wrong_with_a_table_is_said_in_one_line(case, tmp_path):
    content, message = BAD_TABLES[case]
    path = write(tmp_path, content)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_table(path, "y")
    assert str(caught.value) == f"{path}{message}"


def test_a_text_is_split_at_its_last_tenth(tmp_path):
    path = write(tmp_path, "\ufeff" + "one line\r\nand another\rand one more\n" * 20, "story.txt")
    text = read_text(path, tokens=9)
    whole = "one line\nand another\nand one more\n" * 20
    assert text.train + text.validation == whole
    assert (len(text.validation), text.source) == (len(whole) - len(whole) * 9 // 10, "story.txt")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", " is empty"),
        (b"\xff\xfeh\x00i\x00", " is not UTF-8 text: byte 0xff at 0; save it as UTF-8"),
        (
            "ab" * 49 + "a",
            " has 99 characters; at least 100 are needed, as the last tenth is held out and a context is 9 characters",
        ),
        ("x" * 200, " has one character only, 'x': there is nothing to predict"),
    ],
)
def test_what_is_wrong_with_a_text_is_said_in_one_line(content, message, tmp_path):
    path = write(tmp_path, content, "story.txt")
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_text(path, tokens=9)
    assert str(caught.value) == f"{path}{message}"
    assert read_text(write(tmp_path, "ab" * 50), tokens=9).validation == "ab" * 5
