"""Images of one's own: every mode comes out as one, and what cannot be read is named."""

import os
import shutil
import sys
import threading
import warnings
import zlib

import numpy as np
import pytest

from minigrad.data import read_images

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: python -m pip install Pillow")


@pytest.fixture
def folder(tmp_path):
    """Two classes of two grey images."""
    for name, level in (("dark", 40), ("light", 200)):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.new("L", (10, 6), level).save(tmp_path / name / f"{number}.png")
    return tmp_path


def test_images_are_of_one_size_in_the_order_of_their_names(folder):
    images = read_images(folder, size=8)
    assert images.classes == ["dark", "light"]
    assert images.labels.tolist() == [0, 0, 1, 1]
    assert images.pixels.shape == (4, 8, 8, 1)
    assert images.pixels.dtype == np.uint8
    assert images.pixels.reshape(4, -1).min(axis=1).tolist() == [40, 40, 200, 200]
    assert images.ignored == 0


def transparent(mode):
    image = Image.new("RGBA", (9, 9), (0, 0, 0, 255))
    image.paste((255, 0, 0, 0), (0, 0, 9, 9))  # red, if one could see it
    return image.convert(mode)


def palette_with_transparency():
    image = Image.new("P", (9, 9), 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.info["transparency"] = bytes([255, 0])
    return image


WHITE, GREY = (255, 255, 255), (60, 60, 60)
MODES = {
    "alpha": (transparent("RGBA"), "png", WHITE),
    "grey with alpha": (transparent("LA"), "png", WHITE),
    "palette": (Image.new("RGB", (9, 9), (255, 0, 0)).convert("P"), "png", (255, 0, 0)),
    "palette with alpha": (palette_with_transparency(), "png", WHITE),
    "black and white": (Image.new("1", (9, 9), 1), "png", WHITE),
    "16 bits": (Image.fromarray(np.full((9, 9), 60 * 257, np.uint16)), "png", GREY),
    "32 bits": (Image.fromarray(np.full((9, 9), 60 * 257, np.int32)), "tiff", GREY),
    "CMYK": (Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "tiff", (255, 0, 0)),
    "one pixel": (Image.new("RGB", (1, 1), (0, 0, 255)), "bmp", (0, 0, 255)),
}


@pytest.mark.parametrize("case", MODES)
def test_every_mode_is_laid_on_white_and_scaled_to_8_bits(case, folder):
    image, ending, expected = MODES[case]
    image.save(folder / "dark" / f"first.{ending}")
    os.remove(folder / "dark" / "0.png")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pixels = read_images(folder, size=4).pixels
    assert (pixels[1] == np.array(expected)[: pixels.shape[-1]]).all()


def test_a_camera_held_upright_is_heeded(folder):
    image = Image.new("RGB", (8, 4))
    image.paste((255, 255, 255), (0, 0, 4, 4))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image.save(folder / "dark" / "0.png", exif=exif)
    turned = read_images(folder, size=8).pixels[0]
    assert turned[:, :3].max() < 50 < 200 < turned[:, 5:].min()


def test_hidden_and_other_files_are_ignored_and_links_followed(folder):
    for hidden in (".DS_Store", "dark/.DS_Store", "dark/._0.png"):
        (folder / hidden).write_bytes(b"\0")
    (folder / ".git").mkdir()
    assert read_images(folder, 8).ignored == 0
    for other in ("readme.txt", "dark/Thumbs.db", "dark/labels.csv"):
        (folder / other).write_bytes(b"\0")
    (folder / "dark" / "more").mkdir()
    assert read_images(folder, 8).ignored == 4
    shutil.move(folder / "light", folder.parent / f"{folder.name} elsewhere")
    os.symlink(folder.parent / f"{folder.name} elsewhere", folder / "light")
    os.symlink(folder / "dark" / "0.png", folder / "light" / "2.png")
    assert read_images(folder, 8).labels.tolist() == [0, 0, 1, 1, 1]


def test_what_is_no_file_is_ignored_and_nobody_waits_for_it(folder):
    os.mkfifo(folder / "dark" / "pipe.png")
    os.symlink("pipe.png", folder / "dark" / "link.png")
    os.mkfifo(folder / "pipe")
    end_of_waiting = threading.Timer(5, (folder / "dark" / "pipe.png").write_bytes, [b""])
    end_of_waiting.start()
    images = read_images(folder, 8)
    end_of_waiting.cancel()
    assert (images.labels.tolist(), images.ignored) == ([0, 0, 1, 1], 3)


def bomb():
    """The header of a PNG of 40,000 × 40,000 pixels."""
    chunks = [b"IHDR" + (40_000).to_bytes(4) * 2 + bytes([8, 0, 0, 0, 0]), b"IDAT"]
    written = [(len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4) for chunk in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def half(folder):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(folder / "noise.jpg")
    content = (folder / "noise.jpg").read_bytes()
    os.remove(folder / "noise.jpg")
    return content[: len(content) // 2]


BROKEN = {
    "no image": (lambda folder: b"hello", "2.png", " is no image that Pillow knows, or it is broken"),
    "nothing": (lambda folder: b"", "2.png", " is no image that Pillow knows, or it is broken"),
    "half an image": (half, "2.jpg", " cannot be read as an image: "),
    "a bomb": (lambda folder: bomb(), "2.png", " cannot be read as an image: Image size (1600000000 pixels) exceeds "),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_image_is_named(case, folder):
    make, name, message = BROKEN[case]
    (folder / "light" / name).write_bytes(make(folder))
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_images(folder)
    assert str(caught.value).startswith(f"{folder / 'light' / name}{message}")
    assert "\n" not in str(caught.value)


def test_pixels_that_are_floats_and_links_to_nowhere_are_named(folder):
    Image.new("F", (4, 4)).save(folder / "light" / "2.tiff")
    with pytest.raises(ValueError, match=r"2\.tiff cannot be read as an image: its pixels are floats; save it with 8"):
        read_images(folder)
    os.remove(folder / "light" / "2.tiff")
    os.symlink("nowhere.png", folder / "light" / "2.png")
    with pytest.raises(ValueError, match=r"2\.png cannot be read as an image: No such file or directory"):
        read_images(folder)


FOLDERS = " is to have a folder of images for each class, two at least"
EACH = ": each class needs two, to learn from and to measure on"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: shutil.rmtree(f / "dark"), f"{FOLDERS}; it has one only, light"),
        (lambda f: [shutil.rmtree(f / "dark"), shutil.rmtree(f / "light")], f"{FOLDERS}; it has none"),
        (lambda f: os.remove(f / "light" / "0.png"), f"/light has one image only{EACH}"),
        (lambda f: (f / "mixed").mkdir(), f"/mixed has no images{EACH}"),
    ],
)
def test_a_folder_that_is_no_collection_of_classes_is_refused(change, message, folder):
    change(folder)
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_images(folder)
    assert str(caught.value) == f"{folder}{message}"


def test_without_pillow_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ModuleNotFoundError, match=r"extra `images`: python -m pip install Pillow"):
        read_images(folder)
