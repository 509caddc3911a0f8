"""A sheet as TikZ, for papers: in come primitives, out goes a file that LaTeX compiles by itself and with `\\input`.

Letters are those of the paper it is put into, and symbols are mathematics. There is one theme to a file, light or dark.
"""

from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Iterator
from string import Template

import numpy as np

from minigrad.drawing.lengths import write_length
from minigrad.drawing.sheet import Element, Ellipse, Group, Ink, Path, Rectangle, Shape, Sheet, Text, Theme, Tiles
from minigrad.drawing.text import make_text
from minigrad.drawing.tiles import list_runs

# A paper that reads the file has loaded tikz; alone it needs a preamble, and a page of the size of the picture.
FRAME = Template(r"""% $title
% Compile this file by itself, or \usepackage{tikz} and \input it.
\ifdefined\tikzpicture
  \def\finishpicture{}
\else
  \documentclass{article}
  \usepackage[T1]{fontenc}
  \usepackage{lmodern}
  \usepackage{tikz}
  \usepackage[paperwidth=${width}bp, paperheight=${height}bp, margin=0bp]{geometry}
  \pagestyle{empty}
  \topskip=0bp
  \parindent=0bp
  \def\finishpicture{\end{document}}
  \begin{document}
\fi
$colours
\begin{tikzpicture}[x=1bp, y=-1bp, inner sep=0bp, outer sep=0bp]
\useasboundingbox (0,0) rectangle ($width,$height);
$picture
\end{tikzpicture}%
\finishpicture
""")

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': "''", "…": r"\dots{}", "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''",
    "\N{EN SPACE}": r"\enspace{}",
}  # fmt: skip
MATHEMATICS = {
    "∂": r"\partial", "∇": r"\nabla", "Σ": r"\sum", "∑": r"\sum", "Π": r"\prod", "∏": r"\prod", "√": r"\surd",
    "∫": r"\int", "·": r"\cdot", "⋅": r"\cdot", "×": r"\times", "÷": r"\div", "±": r"\pm", "−": "-", "⋆": r"\star",
    "∞": r"\infty", "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx", "∈": r"\in", "→": r"\rightarrow",
    "←": r"\leftarrow", "↑": r"\uparrow", "↓": r"\downarrow", "↦": r"\mapsto", "⊙": r"\odot", "⊗": r"\otimes",
    "⊕": r"\oplus", "ᵀ": r"^{\top}", "′": "'", "‖": r"\Vert", "⌊": r"\lfloor", "⌋": r"\rfloor", "¬": r"\neg",
    "α": r"\alpha", "β": r"\beta", "γ": r"\gamma", "δ": r"\delta", "ε": r"\varepsilon", "ζ": r"\zeta", "η": r"\eta",
    "θ": r"\theta", "κ": r"\kappa", "λ": r"\lambda", "μ": r"\mu", "ν": r"\nu", "ξ": r"\xi", "π": r"\pi", "ρ": r"\rho",
    "σ": r"\sigma", "τ": r"\tau", "φ": r"\varphi", "χ": r"\chi", "ψ": r"\psi", "ω": r"\omega", "Γ": r"\Gamma",
    "Δ": r"\Delta", "Θ": r"\Theta", "Λ": r"\Lambda", "Φ": r"\Phi", "Ψ": r"\Psi", "Ω": r"\Omega", "̂": r"\hat{\ }",
}  # fmt: skip
ANCHORS = {"start": "base west", "middle": "base", "end": "base east"}
KNOWN_TO_LATEX = 0x17F  # what lies beyond is no letter of its European fonts


def write_tikz(sheet: Sheet, theme: Theme = "light", width: float | None = None) -> str:
    """The sheet as the text of a TeX file, `width` points wide, letters and all; in the theme "auto" it is light.

    Warns where characters are in no font that pdfLaTeX has: of Chinese, say. XeLaTeX and LuaLaTeX have theirs.

    >>> square = Rectangle(0, 0, 10, 10, fill=Ink("#b2d5e8", "#1f3b4d"))
    >>> print(write_tikz(Sheet(10, 10, [square], title="A square")))  # doctest: +ELLIPSIS
    % A square
    ...
    \\definecolor{mgB2D5E8}{HTML}{B2D5E8}
    \\begin{tikzpicture}[x=1bp, y=-1bp, inner sep=0bp, outer sep=0bp]
    \\useasboundingbox (0,0) rectangle (10,10);
    \\path[fill=mgB2D5E8] (0,0) rectangle (10,10);
    \\end{tikzpicture}%
    \\finishpicture
    <BLANKLINE>
    """
    writer = _Writer(theme == "dark", 1.0 if width is None else width / sheet.width)
    lines = []
    if sheet.background and writer.dark:
        lines.append(writer.write(Rectangle(0, 0, sheet.width, sheet.height, fill=sheet.background)))
    lines += [writer.write(element) for element in sheet.children]
    _warn_of_letters(writer.letters)
    return FRAME.substitute(
        title=make_text(sheet.title),
        width=writer.write_length(sheet.width),
        height=writer.write_length(sheet.height),
        colours="\n".join(rf"\definecolor{{mg{colour}}}{{HTML}}{{{colour}}}" for colour in sorted(writer.colours)),
        picture="\n".join(filter(None, lines)),
    )


class _Writer:
    """Writes elements in one theme and size, and remembers their colours and letters."""

    def __init__(self, dark: bool, scale: float) -> None:
        self.dark, self.scale = dark, scale
        self.colours, self.letters = set[str](), set[str]()

    def write(self, element: Element) -> str:
        match element:
            case Group(children):
                return "\n".join(filter(None, map(self.write, children)))
            case Text():
                return self._write_text(element)
            case Tiles():
                return self._write_tiles(element)
            case Rectangle(x, y, width, height):
                return self._write_shape(element, self._write_box(x, y, x + width, y + height))
            case Ellipse(x, y, rx, ry):
                radii = f"x radius={self.write_length(rx)}bp, y radius={self.write_length(ry)}bp"
                return self._write_shape(element, f"{self._write_point(x, y)} ellipse [{radii}]")
            case Path():
                return self._write_shape(element, " ".join(self._write_commands(element)))

    def write_length(self, length: float) -> str:
        return write_length(length * self.scale)

    def _write_point(self, x: float, y: float) -> str:
        return f"({self.write_length(x)},{self.write_length(y)})"

    def _write_box(self, left: float, top: float, right: float, bottom: float) -> str:
        return f"{self._write_point(left, top)} rectangle {self._write_point(right, bottom)}"

    def _write_commands(self, path: Path) -> Iterator[str]:
        for letter, *numbers in path.commands:
            points = [self._write_point(*numbers[at : at + 2]) for at in range(0, len(numbers), 2)]
            if letter == "C":
                yield f".. controls {points[0]} and {points[1]} .. {points[2]}"
            else:
                yield {"M": "", "L": "-- ", "Z": "-- cycle"}[letter] + "".join(points)

    def _write_tiles(self, tiles: Tiles) -> str:
        """A path per colour, which joins neighbours in a row."""
        lines = []
        for place, runs in list_runs(tiles.places):
            lefts, tops = tiles.x + runs[:, 0] * tiles.width, tiles.y + runs[:, 1] * tiles.height
            corners = np.stack([lefts, tops, lefts + runs[:, 2] * tiles.width, tops + tiles.height], axis=1)
            boxes = " ".join(self._write_box(*each) for each in corners.tolist())
            lines.append(rf"\path[fill={self._name(tiles.inks[place])}] {boxes};")
        return "\n".join(lines)

    def _write_shape(self, shape: Shape, outline: str) -> str:
        manner = []
        if shape.fill:
            manner.append(f"fill={self._name(shape.fill)}")
        if shape.stroke:
            manner += [f"draw={self._name(shape.stroke)}", f"line width={self.write_length(shape.stroke_width)}bp"]
        if shape.dash:
            ways = zip(("on", "off") * len(shape.dash), shape.dash, strict=False)
            manner.append("dash pattern=" + " ".join(f"{way} {self.write_length(length)}bp" for way, length in ways))
        if isinstance(shape, Rectangle) and shape.radius:
            manner.append(f"rounded corners={self.write_length(shape.radius)}bp")
        return rf"\path[{', '.join(manner)}] {outline};"

    def _write_text(self, text: Text) -> str:
        size = self.write_length(text.size)
        font = rf"\fontsize{{{size}bp}}{{{size}bp}}\selectfont" + (r"\bfseries" if text.bold else "")
        turned, written = ", rotate=90" if text.turned else "", write_latex(text.text)
        self.letters.update(written)
        manner = f"anchor={ANCHORS[text.anchor]}, text={self._name(text.fill)}, font={font}{turned}"
        return rf"\node[{manner}] at {self._write_point(text.x, text.y)} {{{written}}};"

    def _name(self, ink: Ink) -> str:
        colour = (ink.dark if self.dark else ink.light)[1:].upper()
        self.colours.add(colour)
        return f"mg{colour}"


def write_latex(text: str) -> str:
    r"""Any text as LaTeX: what is special to TeX is escaped, symbols are mathematics, indices lowered and raised.

    >>> print(write_latex("∂loss/∂x_1: yᵢ ← σ(x²) 50%"))
    $\partial$loss/$\partial$x\_1: y$_{i}$ $\leftarrow$ $\sigma$(x$^{2}$) 50\%
    """
    return "".join(map(_write_character, make_text(text)))


def _write_character(character: str) -> str:
    if character in SPECIAL:
        return SPECIAL[character]
    if character in MATHEMATICS:
        return f"${MATHEMATICS[character]}$"
    way, _, plain = unicodedata.decomposition(character).partition("> ")
    if way in ("<sub", "<super") and " " not in plain:
        lowered_or_raised = MATHEMATICS.get(chr(int(plain, 16)), chr(int(plain, 16)))
        return f"${'_' if way == '<sub' else '^'}{{{lowered_or_raised}}}$"
    return character


def _warn_of_letters(letters: set[str]) -> None:
    foreign = sorted(letter for letter in letters if ord(letter) > KNOWN_TO_LATEX)
    if foreign:
        warnings.warn(
            f"pdfLaTeX has no letters for {' '.join(foreign)}: compile the file with XeLaTeX or LuaLaTeX, "
            "and a font that has them",
            stacklevel=5,
        )
