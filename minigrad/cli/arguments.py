"""Reading the command line: a parser whose complaints are one line, numbers that have a range, a folder to write to.

In come the words after `minigrad`, out go checked values. The folder is tried before anything is computed.
"""

from __future__ import annotations

import argparse
import math
import reprlib
import tempfile
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
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


def real_number(lowest: float, highest: float) -> Callable[[str], float]:
    """A `type=` for argparse: numbers from `lowest` to `highest`.

    >>> real_number(0, 1000)("0.8")
    0.8
    >>> real_number(0, 1000)("nan")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a number from 0 to 1,000, got 'nan'
    """

    def convert(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(
                f"expected a number from {lowest:,} to {highest:,}, got {reprlib.repr(text)}"
            )
        return number

    return convert


def add_training(parser: argparse.ArgumentParser, steps: str, out: str) -> None:
    """The arguments of every command that trains; the texts say how many steps it takes and where it writes."""
    add = parser.add_argument
    steps = f"training steps, 1 to {MOST_STEPS:,} (default: {steps})"
    add("--steps", type=whole_number(1, MOST_STEPS), metavar="N", help=steps)
    seed = f"same seed, same weights and batches: 0 to {LARGEST_SEED:,} (default: 0)"
    add("--seed", type=whole_number(0, LARGEST_SEED), metavar="S", help=seed)
    add("--out", type=Path, default=Path(out), metavar="DIR", help=f"folder for what is written (default: {out})")
    add("--eager", action="store_true", help="compute step by step; by default steps are compiled")


def prepare_folder(folder: Path, names: Iterable[str]) -> None:
    """Make `folder` where it is missing, and say which files of these `names` it has already.

    Raises CommandError when it cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"cannot write into {folder}: it is not a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CommandError(f"cannot write into {folder}: {error.strerror}") from error
    present = [name for name in names if (folder / name).exists()]
    if present:
        print(f"{folder} is there already; overwrites in it: {', '.join(present)}")
