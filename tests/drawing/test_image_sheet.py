"""A sheet of images: every pixel in its colour and place, boxes and captions where they belong, errors that say why."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad import image_sheet
from tests.drawing.pixels import read_pixels

SVG = "{http://www.w3.org/2000/svg}"


def painted(svg, count, height, width):
    """The colour of every pixel, read from the paths of the picture."""
    found = np.full((count, height, width), "", dtype=object)
    groups = [group for group in ElementTree.fromstring(svg) if group.tag == f"{SVG}g"]
    for image, group in zip(found, groups, strict=True):
        for path in group.find(f"{SVG}g"):
            for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path.get("d")):
                image[int(y), int(x) : int(x) + int(length)] = path.get("fill")
    return found


def test_every_grey_pixel_is_where_it_was():
    images = np.random.default_rng(0).integers(0, 3, (5, 4, 6)) / 2
    expected = np.array(["#ffffff", "#808080", "#000000"], dtype=object)[(images * 2).astype(int)]
    assert (painted(image_sheet(images, columns=2).svg, 5, 4, 6) == expected).all()


def test_colours_are_red_green_and_blue():
    image = np.array([[[[1.0, 0.0, 0.0], [0.0, 0.5, 1.0]]]])
    assert painted(image_sheet(image).svg, 1, 1, 2).tolist() == [[["#ff0000", "#0080ff"]]]


def test_what_is_beyond_the_ends_is_drawn_like_the_ends():
    assert image_sheet([[[-1.0, 2.0]]]).svg == image_sheet([[[0.0, 1.0]]]).svg


def test_boxes_are_in_pixels_of_the_image():
    svg = image_sheet(np.zeros((1, 8, 8)), boxes=[[[1, 2, 4, 8], [5, 0, 8, 3]]]).svg
    cell = int(re.search(r"scale\((\d+) ", svg)[1])
    corner = [*map(int, re.search(r"translate\((\d+) (\d+)\)", svg).groups()), 0, 0]
    found = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" fill="none" stroke="(#\w+)"', svg)
    places = [[(int(number) - at) / cell for number, at in zip(box, corner, strict=False)] for box in found]
    assert places == [[1, 2, 3, 6], [5, 0, 3, 3]]
    assert found[0][4] != found[1][4]


def test_captions_and_title_are_shown_as_typed():
    root = ElementTree.fromstring(image_sheet(np.zeros((2, 8, 8)), ["<b>", 7], title="a & b").svg)
    assert [text.text for text in root.iter(f"{SVG}text")] == ["a & b", "<b>", "7"]


@pytest.mark.parametrize(("count", "columns"), [(1, 10), (10, 10), (11, 10), (3, 1)])
@pytest.mark.parametrize("caption", ["1", "layer 0, head 0"])
def test_images_lie_in_the_picture_and_not_on_each_other(count, columns, caption):
    svg = image_sheet(np.ones((count, 8, 8)), [caption] * count, columns=columns).svg
    assert svg.count(f">{caption}<") == count
    wide, high = map(int, re.search(r'width="(\d+)" height="(\d+)"', svg).groups())
    corners = np.array(re.findall(r"translate\((\d+) (\d+)\)", svg), int)
    side = 8 * int(re.search(r"scale\((\d+) ", svg)[1])
    assert (corners >= 0).all()
    assert (corners + side <= (wide, high)).all()
    apart = np.abs(corners[:, None] - corners).max(axis=-1) + side * np.eye(count)
    assert (apart >= side).all()


def test_the_sheet_is_saved_as_the_other_pictures(tmp_path):
    pytest.importorskip("resvg_py", reason="png needs the extra dot")
    sheet = image_sheet([[[1.0, 0.0], [0.0, 0.0]]], captions=["one"], boxes=[[[0, 0, 1, 1]]])
    sheet.save(tmp_path / "a.png", dpi=96)
    shown = read_pixels((tmp_path / "a.png").read_bytes())
    left, top = map(int, re.search(r"translate\((\d+) (\d+)\)", sheet.svg).groups())
    assert shown[top + 20, left + 20].max() == 0
    assert shown[top + 20, left + 60].min() == 255


def test_captions_may_be_an_array_and_long_ones_are_cut():
    svg = image_sheet(np.ones((2, 8, 8)), np.array(["an image of a handwritten digit", "7"])).svg
    assert re.search(r"<title>an image of a handwritten digit</title>\n<text [^>]*>an image of[\w ]*…<", svg)


def test_images_are_the_same_on_every_page_and_the_page_is_dark_where_asked():
    light, dark = (image_sheet(np.eye(4)[None], ["a"], theme=theme).svg for theme in ("light", "dark"))
    assert (painted(light, 1, 4, 4) == painted(dark, 1, 4, 4)).all()
    assert re.search(r'<rect width="\d+" height="\d+" fill="#0D1117"', dark)
    assert "prefers-color-scheme" in image_sheet(np.eye(4)[None], theme="auto").svg


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"images": np.zeros((8, 8))}, ValueError, ["(count, height, width)", "(8, 8)"]),
        ({"images": np.zeros((1, 8, 8, 4))}, ValueError, ["(1, 8, 8, 4)"]),
        ({"images": np.zeros((0, 8, 8))}, ValueError, ["none of them 0"]),
        ({"images": np.full((1, 2, 2), np.nan)}, ValueError, ["images", "finite"]),
        ({"images": np.zeros((1, 1001, 1000))}, ValueError, ["1,000,000"]),
        ({"images": [[["a"]]]}, TypeError, ["images", "real numbers"]),
        ({"images": np.zeros((2, 8, 8)), "captions": ["one"]}, ValueError, ["1 captions", "2 images"]),
        ({"images": np.zeros((1, 8, 8)), "boxes": [[0, 0, 1, 1]]}, ValueError, ["(count, boxes, 4)", "(1, 4)"]),
        ({"images": np.zeros((1, 8, 8)), "columns": 0}, ValueError, ["columns=0"]),
    ],
)
def test_what_does_not_fit_is_named(arguments, error, words):
    with pytest.raises(error) as caught:
        image_sheet(**arguments)
    assert all(word in str(caught.value) for word in ["image_sheet", *words])
