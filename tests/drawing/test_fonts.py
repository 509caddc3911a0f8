"""Texts are measured as wide as the widest font shows them."""

import importlib.util
import json
from pathlib import Path

import pytest

from minigrad.drawing.fonts import measure_text

SCRIPT = Path(__file__).parents[1] / "letter_widths.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("letter_widths", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_what_the_fonts_of_this_machine_say(script):
    pytest.importorskip("fontTools", reason="font files are read with fontTools")
    if not all((script.FOLDER / name).exists() for names in script.FONTS.values() for name in names):
        pytest.skip("not all of the fonts are installed: see tests/letter_widths.py")
    table = json.loads(script.TABLE.read_text("utf-8"))
    for weight, made in script.make_table().items():
        widths = {character: int(width) for width, together in table[weight].items() for character in together}
        for width, together in made.items():
            assert all(widths[character] >= int(width) - 1 for character in together)


def test_every_letter_of_a_text_counts_and_what_nobody_sees_does_not():
    assert measure_text("ab", 10) == pytest.approx(measure_text("a", 10) + measure_text("b", 10), abs=0.02)
    assert measure_text("a\u0301", 10) == measure_text("a", 10)
    assert measure_text("", 10) == 0
    assert measure_text("scores", 20) == pytest.approx(2 * measure_text("scores", 10), abs=0.05)


def test_bold_is_wider():
    for text in ("scores", "∂context/∂key", "(2, 3) float32", "查询", "ⵣ⏎"):
        assert measure_text(text, 10, bold=True) >= measure_text(text, 10)


@pytest.mark.parametrize(("text", "least"), [("注意力", 30), ("🎉", 12), ("ⴰ", 6), ("→", 8), ("∂", 5)])
def test_signs_of_all_kinds_have_room(text, least):
    assert measure_text(text, 10) >= least
