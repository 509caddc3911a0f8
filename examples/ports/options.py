"""What every port can be told: where to draw, and to be quick."""

import argparse
from pathlib import Path


def new_parser(description: str, quick: str) -> argparse.ArgumentParser:
    """Reads --out FOLDER, which is made, and --quick, which `quick` explains; a port may add options of its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=make_folder, help="folder for the pictures; without it none are drawn")
    parser.add_argument("--quick", action="store_true", help=quick)
    return parser


def make_folder(name: str) -> Path:
    folder = Path(name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
