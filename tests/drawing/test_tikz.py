"""Sheets as TikZ: text that TeX cannot misread, and a file that compiles by itself and inside a paper."""

import os
import re
import shutil
import subprocess
import warnings

import numpy as np
import pytest

from minigrad.cli.lessons import one_head
from minigrad.drawing.sheet import Ellipse, Group, Ink, Path, Rectangle, Sheet, Text, Tiles
from minigrad.drawing.tikz import MATHEMATICS, SPECIAL, write_latex, write_tikz

BLUE, BLACK = Ink("#b2d5e8", "#1f3b4d"), Ink("#1a1a1a", "#e6edf3")
CURVE = (("M", 10, 10), ("C", 20, 10, 30, 40, 40, 40), ("L", 50, 45), ("Z",))
HOSTILE = (
    r"\input{/etc/passwd} $x$ a_b^c {d} #1 & 50% ~<>| \end{tikzpicture}",
    '"quoted" ‘x’',
    "∂loss/∂scores",
    "Σⱼ xᵢ² ≤ ∞",
)


def sheet_of(*elements, **options):
    return Sheet(120, 60, elements, **({"title": "A picture"} | options))


def label(text, **options):
    return Text(60, 30, text, 9, BLACK, **options)


SHAPES = (
    Rectangle(5, 5, 60, 20, radius=3, fill=BLUE, stroke=BLACK, stroke_width=0.8, dash=(3, 1.5)),
    Ellipse(90, 15, 20, 8, stroke=BLACK),
    Path(CURVE, stroke=BLACK),
    Tiles(0, 50, 10, 5, np.array([[0, 0, 1], [0, 1, 1]]), [BLUE, BLACK]),
    Group([label("bold", bold=True), label("middle", anchor="middle"), label("turned", turned=True)]),
)


def test_every_shape_has_a_command_in_the_order_of_painting():
    lines = write_tikz(sheet_of(*SHAPES)).splitlines()
    picture = lines[lines.index(next(line for line in lines if "useasboundingbox" in line)) + 1 :]
    assert [line.partition("[")[0] for line in picture[:8]] == [r"\path"] * 5 + [r"\node"] * 3
    assert picture[0] == (
        r"\path[fill=mgB2D5E8, draw=mg1A1A1A, line width=0.8bp, dash pattern=on 3bp off 1.5bp, rounded corners=3bp] "
        "(5,5) rectangle (65,25);"
    )
    assert picture[2].endswith("(10,10) .. controls (20,10) and (30,40) .. (40,40) -- (50,45) -- cycle;")
    assert picture[3] == r"\path[fill=mgB2D5E8] (0,50) rectangle (20,55) (0,55) rectangle (10,60);"
    assert picture[4] == r"\path[fill=mg1A1A1A] (20,50) rectangle (30,55) (10,55) rectangle (30,60);"
    assert ["bfseries" in line for line in picture[5:8]] == [True, False, False]
    assert "anchor=base," in picture[6]
    assert "rotate=90" in picture[7]


def test_the_dark_theme_has_its_colours_and_its_ground():
    dark = write_tikz(sheet_of(*SHAPES), "dark")
    assert "{1F3B4D}" in dark
    assert "{B2D5E8}" not in dark
    assert r"\path[fill=mg0D1117] (0,0) rectangle (120,60);" in dark
    assert write_tikz(sheet_of(*SHAPES), "auto") == write_tikz(sheet_of(*SHAPES), "light")


def test_colours_are_defined_once_each_and_numbers_are_what_tex_reads():
    text = write_tikz(sheet_of(*SHAPES, Rectangle(1e-9, 1 / 3, 10, 1e-7, fill=BLUE)))
    assert len(re.findall(r"\\definecolor", text)) == 2
    assert "e-" not in text
    assert "(0,0.33) rectangle (10,0.33)" in text


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_in_a_text_is_a_command(text):
    written = write_latex(text)
    plain = re.sub(r"\\[{}$&#%_]", "", written)  # escaped
    for name in {*SPECIAL.values(), *MATHEMATICS.values()}:
        plain = plain.replace(name, "")
    assert not set(plain) & set("\\&#%~")
    assert plain.count("$") % 2 == 0


def test_letters_that_pdflatex_lacks_are_named():
    with pytest.warns(UserWarning, match="no letters for 查 询: compile"):
        write_tikz(sheet_of(label("查询")))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_tikz(sheet_of(*(label(text) for text in HOSTILE[2:])))


TOOLS = ("pdflatex", "pdfinfo", "pdftotext")


def needs_latex(test):
    installed = os.environ.get("CI") or all(map(shutil.which, TOOLS))
    return pytest.mark.deep(pytest.mark.skipif(not installed, reason=f"needs {', '.join(TOOLS)}")(test))


PAPER = r"""\documentclass{article}
\usepackage{tikz}
\begin{document}
Before. \input{picture.tex} After.
\end{document}
"""


@needs_latex
@pytest.mark.parametrize("file", ["picture", "paper"])
def test_it_compiles_alone_and_in_a_paper(file, tmp_path):
    texts = map(label, (*SPECIAL, *MATHEMATICS, *HOSTILE))
    (tmp_path / "picture.tex").write_text(write_tikz(sheet_of(*SHAPES, *texts)), "utf-8")
    (tmp_path / "paper.tex").write_text(PAPER, "utf-8")
    compile_latex(tmp_path, file)
    if file == "picture":
        assert page_size(tmp_path) == (120, 60)


@needs_latex
@pytest.mark.parametrize("file", ["picture", "paper"])
def test_one_head_and_its_gradient_compile_at_the_width_of_a_column(file, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # most of it is in closed scopes
        one_head().draw(tmp_path / "picture.tex", width="8.4cm")
    (tmp_path / "paper.tex").write_text(PAPER, "utf-8")
    compile_latex(tmp_path, file)
    if file == "paper":
        return
    width, height = page_size(tmp_path)
    assert abs(width - 8.4 / 2.54 * 72) < 0.1
    words = subprocess.run(["pdftotext", "-bbox", "picture.pdf", "-"], cwd=tmp_path, capture_output=True, text=True)
    places = re.findall(r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)<', words.stdout)
    assert {"attention", "loss", "square", "gradient"} <= {word for *_, word in places}
    for *box, _ in places:
        left, top, right, low = map(float, box)
        assert 0 <= left <= right <= width
        assert 0 <= top <= low <= height


def compile_latex(folder, file):
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{file}.tex"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=120)
    assert run.returncode == 0, run.stdout[-2000:]
    assert "Output written" in run.stdout
    assert "1 page" in run.stdout
    assert "Overfull" not in run.stdout


def page_size(folder):
    facts = subprocess.run(["pdfinfo", folder / "picture.pdf"], capture_output=True, text=True, check=True).stdout
    return tuple(map(float, re.search(r"Page size: +([\d.]+) x ([\d.]+) pts", facts).groups()))
