"""Reading the command line: a parser whose complaints are one line, and numbers that have a range.

In come the words after `minigrad`, out go checked values; every command describes its options with these.
"""

from __future__ import annotations

import argparse
import reprlib
import textwrap
from collections.abc import Callable
from typing import NoReturn

MOST_STEPS, LARGEST_SEED = 1_000_000, 2**32 - 1


class CommandError(Exception):
    """Something in the way of a command that its user can change; shown as one line, exit code 2."""


class Parser(argparse.ArgumentParser):
    """`argparse` with an example in each help, and errors of one line."""

    def __init__(self, *, description: str | None, example: str, **options: object) -> None:
        super().__init__(
            description=textwrap.fill(description or "", 80),
            epilog=f"example:\n  {example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            **options,  # type: ignore[arg-type]  # those of ArgumentParser, which are of many types
        )

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message}; {self.prog} --help shows an example")


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A `type=` for argparse: whole numbers from `lowest` to `highest`.

    >>> whole_number(1, 1000)("20")
    20
    >>> whole_number(1, 1000)("1e9")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a whole number from 1 to 1,000, got '1e9'
    """

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            got = reprlib.repr(text)  # it may be pages long
            raise argparse.ArgumentTypeError(f"expected a whole number from {lowest:,} to {highest:,}, got {got}")
        return number

    return convert


def add_steps(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--steps",
        type=whole_number(1, MOST_STEPS),
        metavar="N",
        help=f"training steps, 1 to {MOST_STEPS:,} ({default})",
    )


def add_eager(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--eager", action="store_true", help="compute step by step; by default steps are compiled")


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=whole_number(0, LARGEST_SEED), metavar="S",
        help="same seed, same weights and batches: 0 to 4,294,967,295 (default: 0)",
    )  # fmt: skip
