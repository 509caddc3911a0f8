"""Pictures as PNG and PDF: their size, their letters, and what is said where a library or a font is missing."""

import importlib.abc
import re
import struct
import sys
import warnings
import zlib

import pytest

from minigrad.drawing import fontfiles
from minigrad.drawing.convert import save_sheet, svg_to_pdf, svg_to_png
from minigrad.drawing.sheet import Ink, Rectangle, Sheet, Text
from minigrad.drawing.svg import write_svg
from tests.drawing.pixels import read_pixels

BLACK = Ink("#000000", "#ffffff")
BOX = Sheet(100, 50, [Rectangle(0, 0, 50, 50, fill=BLACK)], title="half")
WORD = Sheet(100, 50, [Text(10, 30, "scores", 12, BLACK)], title="a word")


@pytest.fixture
def png():
    pytest.importorskip("resvg_py", reason="png needs the extra dot")


@pytest.fixture
def pdf():
    pytest.importorskip("svg2pdf_py", reason="pdf needs the extra pdf")


def test_a_png_has_the_pixels_and_the_resolution_that_dpi_asks_for(png):
    made = svg_to_png(write_svg(BOX), dpi=144)
    image = read_pixels(made)
    assert image.shape == (100, 200, 3)
    assert (image[:, :100] == 0).all()
    assert (image[:, 100:] == 255).all()
    place = made.index(b"pHYs")
    assert struct.unpack_from(">IIB", made, place + 4) == (5669, 5669, 1)  # 144 / 0.0254
    assert struct.unpack_from(">I", made, place + 13)[0] == zlib.crc32(made[place : place + 13])
    assert place < made.index(b"IDAT")


def test_a_png_is_as_wide_as_asked_and_the_same_each_time(png, tmp_path):
    for name in ("a.png", "b.png"):
        save_sheet(WORD, tmp_path / name, width=238.11, dpi=300)
    made = (tmp_path / "a.png").read_bytes()
    assert made == (tmp_path / "b.png").read_bytes()
    assert read_pixels(made).shape[1] == round(238.11 * 300 / 72)


@pytest.mark.parametrize("theme", ["light", "auto"])
def test_as_png_auto_is_light_and_opaque(png, tmp_path, theme):
    save_sheet(BOX, tmp_path / "a.png", theme, dpi=72)
    image = read_pixels((tmp_path / "a.png").read_bytes())
    assert (image[0, 0].tolist(), image[0, -1].tolist()) == ([0, 0, 0], [255, 255, 255])


def test_dark_is_dark(png, tmp_path):
    save_sheet(BOX, tmp_path / "a.png", "dark", dpi=72)
    image = read_pixels((tmp_path / "a.png").read_bytes())
    assert (image[0, 0].tolist(), image[0, -1].tolist()) == ([255, 255, 255], [13, 17, 23])


@pytest.mark.parametrize("dpi", [0, -5, float("nan"), 1e6])
def test_a_dpi_that_makes_no_picture_is_refused(tmp_path, dpi):
    with pytest.raises(ValueError, match=re.escape(f"dpi={dpi} would make ")):
        save_sheet(BOX, tmp_path / "a.png", dpi=dpi)
    assert not list(tmp_path.iterdir())


def test_a_pdf_is_a_page_of_the_size_of_the_picture_with_its_font(pdf, tmp_path):
    save_sheet(WORD, tmp_path / "a.pdf", width=238.11)
    made = (tmp_path / "a.pdf").read_bytes()
    box = [float(number) for number in re.search(rb"/MediaBox \[([^]]*)\]", made)[1].split()]
    assert box == pytest.approx([0, 0, 238.11, 119.055], abs=0.01)
    assert re.search(rb"/FontFile[23]", made)


def test_a_pdf_with_several_fonts_has_the_same_bytes_each_time_and_finds_its_objects(pdf):
    words = [Text(10, y, "scores", 12, BLACK, bold=y > 20) for y in (10, 25)]
    svg = write_svg(Sheet(100, 50, words, title="two fonts"))
    (made,) = {svg_to_pdf(svg) for _ in range(8)}
    table = int(re.search(rb"startxref\n(\d+)", made)[1])
    places = [int(place) for place in re.findall(rb"\n(\d{10}) 00000 n ", made[table:])]
    assert all(made[place:].startswith(b"%d 0 obj\n" % number) for number, place in enumerate(places, 1))
    assert made[table:].startswith(b"xref\n0 %d\n" % (len(places) + 1))
    assert not re.search(rb"Date|/ID", made)


def test_an_svg_of_a_width_on_paper_names_the_unit(tmp_path):
    save_sheet(BOX, tmp_path / "a.svg", "auto", width=72)
    assert 'width="72pt" height="36pt" viewBox="0 0 100 50"' in (tmp_path / "a.svg").read_text("utf-8")
    save_sheet(BOX, tmp_path / "b.svg")
    assert 'width="100" height="50"' in (tmp_path / "b.svg").read_text("utf-8")


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"saved as \.svg, \.png, \.pdf or \.tex, got 'a\.gif'"):
        save_sheet(BOX, "a.gif")


@pytest.mark.parametrize(
    ("library", "extra", "convert"), [("resvg_py", "dot", svg_to_png), ("svg2pdf_py", "pdf", svg_to_pdf)]
)
def test_without_the_library_the_error_names_it_and_the_extra(monkeypatch, library, extra, convert):
    class Without(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path, target=None):
            if name == library:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, library, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Without(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match=f"needs the library .*, minigrad's extra `{extra}`") as caught:
        convert(write_svg(BOX))
    assert caught.value.name == library


def test_a_picture_without_texts_needs_no_font(png, pdf, monkeypatch):
    monkeypatch.setattr(fontfiles, "_list_font_files", list)
    untitled = write_svg(Sheet(10, 10, [], title="A title"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg_to_png(untitled)
        svg_to_pdf(untitled)


def test_characters_that_no_font_has_are_named_in_one_warning(png, monkeypatch):
    monkeypatch.setattr(fontfiles, "_list_font_files", list)
    with pytest.warns(UserWarning, match="no font of this machine has c e o r s: ") as caught:
        svg_to_png(write_svg(Sheet(100, 50, WORD.children, title="Queries", description="?")))
    assert len(caught) == 1


def test_letters_are_drawn_with_whatever_font_there_is(png, pdf, monkeypatch):
    files = [file for file in fontfiles._list_font_files() if file.name == "DejaVuSerif.ttf"]
    if not files:
        pytest.skip("DejaVu Serif is not installed")
    monkeypatch.setattr(fontfiles, "_list_font_files", lambda: files)
    svg = write_svg(Sheet(100, 50, [Text(10, 30, "scores", 12, BLACK)], title="a word"))
    assert (read_pixels(svg_to_png(svg)) < 128).any()
    assert b"DejaVuSerif" in svg_to_pdf(svg)


@pytest.mark.parametrize(("width", "paper"), [(None, "90bp"), (200.0, "200bp")])
def test_every_sheet_is_saved_as_tex_of_its_width(tmp_path, width, paper):
    sheet = Sheet(120, 60, [Text(60, 30, "a", 10, Ink("#000000", "#ffffff"))], title="A picture")
    save_sheet(sheet, tmp_path / "a.tex", "auto", width=width, unit=0.75)
    text = (tmp_path / "a.tex").read_text("utf-8")
    assert f"paperwidth={paper}" in text
    assert f"fontsize{{{10 * float(paper[:-2]) / 120:.2f}".rstrip("0").rstrip(".") in text
