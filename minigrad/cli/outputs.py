"""Where commands write: the folder is made and tried before anything is computed; nothing is replaced in silence."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path

from minigrad.cli.arguments import CommandError


def add_out(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(default),
        metavar="DIR",
        help=f"folder for what is written (default: {default})",
    )


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


def write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
