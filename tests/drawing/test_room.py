"""Texts have room: none leaves its picture, whichever of the usual fonts shows it, however long it is."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.fonts import measure_text
from minigrad.drawing.room import place_in_rows

SVG = "{http://www.w3.org/2000/svg}"
LONG = "an uncommonly long label, 查询机制, w" + 40 * "W"
START = {"start": 0.0, "middle": 0.5, "end": 1.0}


def draw_curves(tmp_path, *arguments, **options):
    mg.draw_curves(tmp_path / "a.svg", *arguments, **options)
    return (tmp_path / "a.svg").read_text("utf-8")


PICTURES = {
    "one head": lambda _: mg.heatmap(np.eye(3), [LONG, "b", "c"], ["a", LONG, "c"], title=LONG).svg,
    "heads": lambda _: mg.heatmap(np.zeros((5, 40, 30)) + np.nan, title=LONG, axes=("head", "queries", "keys")).svg,
    "large values": lambda _: mg.heatmap([[-1e10, 1e-10], [123456.7, 3]], limit=3e5).svg,
    "images": lambda _: mg.image_sheet(np.ones((3, 8, 8)), [LONG, "b", "c"], title=LONG, columns=2).svg,
    "curves": lambda folder: draw_curves(
        folder, {LONG + str(n): ([1, 2e6], [n, -1e-7]) for n in range(8)}, LONG, LONG, levels={LONG: 2, "b": 2.01}
    ),
    "logarithmic": lambda folder: draw_curves(
        folder, {"a": ([1e-9, 1e12], [1e-250, 1e250])}, "x", "y", logarithmic="xy"
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_lies_in_its_picture(tmp_path, name):
    root = ElementTree.fromstring(PICTURES[name](tmp_path))
    width, height = float(root.get("width")), float(root.get("height"))
    texts = list(root.iter(f"{SVG}text"))
    assert texts
    for text in texts:
        size = float(text.get("font-size"))
        long = measure_text(text.text, size, bold=text.get("font-weight") == "bold")
        before = START[text.get("text-anchor", "start")] * long
        if "transform" in text.attrib:
            x, y = map(float, re.match(r"translate\(([\d.]+) ([\d.]+)\)", text.get("transform")).groups())
            ends, across, extent = (y + before - long, y + before), (x - size, x), height
            assert 0 <= across[0] <= across[1] <= width, text.text
        else:
            x, y = float(text.get("x")), float(text.get("y"))
            ends, extent = (x - before, x - before + long), width
            assert 0 <= y - size <= y <= height, text.text
        assert -0.01 <= ends[0] <= ends[1] <= extent + 0.01, text.text


def test_what_is_wider_than_the_room_begins_no_row_before_its_own():
    assert place_in_rows([120, 40, 120], room=100, gap=10) == [(0.0, 0), (0.0, 1), (0.0, 2)]
