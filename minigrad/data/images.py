"""Images of one's own: a folder with a folder for each class, in any of the formats that Pillow reads.

In comes the folder, out go images of one size. What cannot be understood raises a ValueError of one line.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt


class LabelledImages(NamedTuple):
    """Images and their classes.

    `pixels` are uint8 (count, size, size, channels), 0 for black to 255, with one channel where all are grey, or three;
    `labels` are int64 (count,), the numbers of `classes`; `ignored` says how many files are no images.
    """

    pixels: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]
    classes: list[str]
    ignored: int


def read_images(folder: str | os.PathLike[str], size: int = 32) -> LabelledImages:
    """The images in the folders of `folder`, the names of which are the classes; in the order of their names.

    Each is turned upright as its camera says, laid on white where it is transparent, and resized to a square. Hidden
    files and folders, files whose endings are not those of images, and what is no file, such as a named pipe, are
    ignored; links are followed. Of several images in a file it is the first.

    Raises:
        OSError: a folder that cannot be read.
        ValueError: fewer than two folders, one with fewer than two images, or a file that is broken.
        ModuleNotFoundError: Pillow is not installed.
    """
    _import_pillow()
    entries = _list_visible(Path(folder))
    folders = [entry for entry in entries if entry.is_dir()]
    if len(folders) < 2:
        there = f"has one only, {folders[0].name}" if folders else "has none"
        raise ValueError(f"{folder} is to have a folder of images for each class, two at least; it {there}")
    pixels, labels, ignored = list[Any](), list[int](), len(entries) - len(folders)
    for label, entry in enumerate(folders):
        files = _list_visible(entry)
        images = _choose_images(files)
        if len(images) < 2:
            count = "one image only" if images else "no images"
            raise ValueError(f"{entry} has {count}: each class needs two, to learn from and to measure on")
        pixels += [_read_image(file, size) for file in images]
        labels += [label] * len(images)
        ignored += len(files) - len(images)
    array = np.stack(pixels)
    grey = (array == array[..., :1]).all()
    classes = [entry.name for entry in folders]
    return LabelledImages(array[..., :1] if grey else array, np.array(labels, np.int64), classes, ignored)


def find_images(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Images that are named, and those in folders that are, and in the folders of these, as `read_images` finds them.

    Raises:
        OSError: what is not there.
        ValueError: a folder without images.
        ModuleNotFoundError: Pillow is not installed.
    """
    _import_pillow()
    found = list[Path]()
    for path in map(Path, paths):
        if not path.is_dir():
            path.stat()
            found.append(path)
            continue
        entries = _list_visible(path)
        within = [file for entry in entries if entry.is_dir() for file in _list_visible(entry)]
        images = _choose_images([*entries, *within])
        if not images:
            raise ValueError(f"{path} has no images, nor have the folders in it")
        found += images
    return found


def load_images(paths: Sequence[Path], size: int, channels: int) -> npt.NDArray[np.uint8]:
    """Images as `read_images` reads them, (count, size, size, channels); with one channel, colours are made grey.

    Raises:
        OSError, ValueError: one that cannot be read.
    """
    from PIL import Image

    pixels = [_read_image(path, size) for path in paths]
    if channels > 1:
        return np.stack(pixels)
    return np.stack([np.asarray(Image.fromarray(image).convert("L"))[..., None] for image in pixels])


def _import_pillow() -> ModuleType:
    try:
        from PIL import Image
    except ImportError as error:
        raise ModuleNotFoundError(
            "images are read by Pillow, minigrad's extra `images`: python -m pip install Pillow, or in a clone of "
            'minigrad python -m pip install ".[images]"'
        ) from error
    return Image


def _choose_images(files: Sequence[Path]) -> list[Path]:
    """Those of `files` that end as images do."""
    endings = _import_pillow().registered_extensions().keys()
    return [file for file in files if file.suffix.lower() in endings and (file.is_file() or not file.exists())]


def _list_visible(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".")), key=lambda path: path.name)


def _read_image(path: Path, size: int) -> npt.NDArray[np.uint8]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                image = ImageOps.exif_transpose(file)
                if image.mode == "F":
                    raise ValueError("its pixels are floats; save it with 8 or 16 bits")
                if image.mode.startswith("I"):  # 16 bits
                    image = Image.fromarray((np.asarray(image).clip(0, 65535) / 257).astype(np.uint8))
                upright = image.convert("RGBA")
            laid_on_white = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright).convert("RGB")
            return np.asarray(laid_on_white.resize((size, size)))
    except UnidentifiedImageError:
        raise ValueError(f"{path} is no image that Pillow knows, or it is broken") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path} cannot be read as an image: {getattr(error, 'strerror', None) or error}") from None
