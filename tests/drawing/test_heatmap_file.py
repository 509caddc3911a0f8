"""Heat maps in files: the same picture as SVG, PNG and PDF, of the size that was asked for, byte for byte."""

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad
from minigrad.drawing import fontfiles
from minigrad.drawing.colours import Scale
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.sheet import PAPER
from tests.drawing.pixels import read_pixels

WEIGHTS = np.array([[0.9, 0.1, 0.0], [0.25, 0.5, 0.25], [0.0, 0.0, 1.0]])
MIDDLE = slice(2, -2)  # of a cell: not its edges


@pytest.fixture
def converters():
    pytest.importorskip("resvg_py", reason="png needs the extra dot")
    pytest.importorskip("svg2pdf_py", reason="pdf needs the extra pdf")


def pixels_of(path):
    return read_pixels(path.read_bytes())


def size_of(svg):
    return tuple(int(length) for length in re.search(r'width="(\d+)" height="(\d+)"', svg).groups())


def media_box(pdf):
    return [float(number) for number in re.search(rb"/MediaBox \[([^]]*)\]", pdf)[1].split()]


@pytest.mark.parametrize(("theme", "background"), [("light", PAPER.light), ("dark", PAPER.dark), ("auto", PAPER.light)])
def test_every_cell_of_the_png_has_the_colour_of_its_value(tmp_path, converters, theme, background):
    values = np.random.default_rng(0).random((40, 30))
    picture = heatmap(values, theme=theme)
    picture.save(tmp_path / "a.png", dpi=96)
    image = pixels_of(tmp_path / "a.png")
    assert image.shape[:2] == size_of(picture.svg)[::-1]
    left, top = map(int, re.search(r"<g transform=.translate\((\d+) (\d+)\)", picture.svg).groups())
    side = int(re.search(r"scale\((\d+) ", picture.svg)[1])
    scale = Scale(1.0, signed=False)
    palette = scale.dark_palette if theme == "dark" else scale.palette
    cells = image[top : top + 40 * side, left : left + 30 * side].reshape(40, side, 30, side, 3)
    for (row, column), place in np.ndenumerate(scale.index(values)):
        expected = [int(palette[place][at : at + 2], 16) for at in (1, 3, 5)]
        assert (cells[row, MIDDLE, column, MIDDLE] == expected).all()
    paper = [int(background[at : at + 2], 16) for at in (1, 3, 5)]
    assert all((image[corner] == paper).all() for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)))


@pytest.mark.deep
def test_dpi_and_width_set_the_size(tmp_path, converters):
    picture = heatmap(WEIGHTS)
    width, height = size_of(picture.svg)
    picture.save(tmp_path / "a.png")
    assert pixels_of(tmp_path / "a.png").shape == (2 * height, 2 * width, 3)
    picture.save(tmp_path / "a.png", width="2in", dpi=150)
    shape = pixels_of(tmp_path / "a.png").shape
    assert shape[1] == 300
    assert abs(shape[0] - 300 * height / width) <= 1
    picture.save(tmp_path / "a.pdf", width="8.4cm")
    box = media_box((tmp_path / "a.pdf").read_bytes())
    assert box[2:] == pytest.approx([8.4 / 2.54 * 72, 8.4 / 2.54 * 72 * height / width], abs=0.01)
    picture.save(tmp_path / "b.pdf")
    assert media_box((tmp_path / "b.pdf").read_bytes())[2:] == pytest.approx([0.75 * width, 0.75 * height], abs=1e-3)


def test_width_of_an_svg_changes_its_size_and_nothing_else(tmp_path):
    picture = heatmap(WEIGHTS)
    picture.save(tmp_path / "a.svg", width="127mm")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    width, height = size_of(picture.svg)
    assert root.get("width") == "360pt"  # 5 inches
    assert float(root.get("height").removesuffix("pt")) == pytest.approx(360 * height / width, abs=0.005)
    assert (tmp_path / "a.svg").read_text("utf-8").split(" viewBox")[1] == picture.svg.split(" viewBox")[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dpi": 0}, "dpi=0 would make 0 × 0 pixels"),
        ({"dpi": float("nan")}, "dpi=nan would make"),
        ({"dpi": -5}, "dpi=-5"),
        ({"dpi": 1e6}, "from 1 to 100,000,000"),
        ({"width": "8.4"}, "width='8.4': expected a length"),
    ],
)
def test_sizes_that_make_no_picture_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        heatmap(WEIGHTS).save(tmp_path / "a.png", **options)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named_by_every_picture(tmp_path):
    model, missing = minigrad.nn.FeedForward(2, 4, rng=np.random.default_rng(0)), tmp_path / "missing" / "x.svg"
    for draw in (
        lambda: heatmap(WEIGHTS).save(missing),
        lambda: minigrad.image_sheet(WEIGHTS[None]).save(missing),
        lambda: minigrad.draw_curves(missing, {"line": ([1, 2], [1, 2])}, "x", "y"),
        lambda: minigrad.draw_architecture(model, np.ones((1, 2), np.float32), path=missing),
    ):
        with pytest.raises(FileNotFoundError, match=r"x\.svg: there is no folder '.*missing'; make it first"):
            draw()


@pytest.mark.deep
def test_the_same_picture_gives_the_same_bytes_in_every_process(tmp_path, converters):
    program = (
        "import sys, minigrad as mg; "
        "picture = mg.heatmap([[0.5, 0.25]], rows=['q'], columns=['·a', 'b'], title='t'); "
        "picture.save(sys.argv[1] + '.png'); picture.save(sys.argv[1] + '.pdf')"
    )
    source = str(Path(minigrad.__file__).parents[1])
    for seed in ("0", "1"):
        environment = {**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", program, tmp_path / seed], env=environment, check=True)
    for format in ("png", "pdf"):
        written = (tmp_path / f"0.{format}").read_bytes()
        assert written == (tmp_path / f"1.{format}").read_bytes()
        assert not re.search(rb"Date|Software|/ID", written)


@pytest.mark.parametrize("format", ["png", "pdf"])
def test_hostile_and_mathematical_labels_are_drawn_as_typed(tmp_path, converters, format):
    labels = ["$x$", r"\frac{1}", "</text><script>"]
    heatmap(WEIGHTS, rows=labels, columns=labels, title="$\\alpha").save(tmp_path / f"a.{format}")
    assert (tmp_path / f"a.{format}").stat().st_size > 1000


def test_characters_that_no_font_has_are_named_in_one_warning(tmp_path, converters, monkeypatch):
    files = [file for file in fontfiles._list_font_files() if file.name.startswith("DejaVuSans")]
    monkeypatch.setattr(fontfiles, "_list_font_files", lambda: files)
    picture = heatmap(WEIGHTS, rows=["注意", "意", "a"])
    with pytest.warns(UserWarning, match="no font of this machine has 意 注: boxes stand in their place") as warned:
        picture.save(tmp_path / "a.png")
    assert [warning.filename for warning in warned] == [__file__]
    assert (tmp_path / "a.png").exists()
    picture.save(tmp_path / "a.svg")


def test_TX11_chinese_labels_are_drawn_with_a_font_that_has_them(tmp_path, converters):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        files = fontfiles.find_fonts("注意力 abc").files
    if warned:
        pytest.skip("no font with Chinese characters is installed")
    assert len(files) > len(fontfiles.find_fonts("abc").files)
    pictures = []
    for labels in ("注意力", "意注力"):  # boxes would look alike
        heatmap(WEIGHTS, rows=labels).save(tmp_path / "a.png")
        pictures.append((tmp_path / "a.png").read_bytes())
    assert pictures[0] != pictures[1]
    heatmap(WEIGHTS, rows="注意力").save(tmp_path / "a.pdf")
    assert b"ToUnicode" in (tmp_path / "a.pdf").read_bytes()
