import importlib.abc
import math
import sys
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad.drawing.curves import LOOKS

CURVES = {"one line": ([1, 10, 100], [0.5, 0.25, 0.125]), "another": ([1, 10, 100], [3, 2, 1])}


@pytest.fixture
def matplotlib():
    return pytest.importorskip("matplotlib", reason="curves need the extra plot")


def test_the_picture_names_lines_levels_and_axes_as_text(tmp_path, matplotlib):
    mg.draw_curves(tmp_path / "a.svg", CURVES, across="steps", up="loss", levels={"baseline": 1.5})
    texts = {element.text for element in ElementTree.parse(tmp_path / "a.svg").iter() if element.text}
    assert {"one line", "another", "steps", "loss", "baseline"} <= texts


def test_the_same_numbers_give_the_same_bytes_and_others_do_not(tmp_path, matplotlib):
    others = CURVES | {"another": ([1, 10, 100], [3, 2, 1.5])}
    for name, curves in {"a": CURVES, "b": CURVES, "c": others}.items():
        mg.draw_curves(tmp_path / name, curves, "x", "y")
    written = [(tmp_path / name).read_bytes() for name in "abc"]
    assert written[0] == written[1] != written[2]


def test_an_axis_is_logarithmic_where_asked(tmp_path, matplotlib):
    def shown(logarithmic):
        mg.draw_curves(tmp_path / "a.svg", CURVES, "x", "y", logarithmic=logarithmic)
        return (tmp_path / "a.svg").read_bytes()

    assert len({shown(axes) for axes in ("", "x", "y", "xy")}) == 4


def test_few_points_of_a_logarithmic_axis_are_its_ticks(tmp_path, matplotlib):
    mg.draw_curves(tmp_path / "a.svg", {"time": ([256, 512, 1024], [1, 4, 16])}, "length", "time", logarithmic="x")
    texts = {element.text for element in ElementTree.parse(tmp_path / "a.svg").iter() if element.text}
    assert {"256", "512", "1024"} <= texts


def test_what_is_not_finite_leaves_a_gap(tmp_path, matplotlib):
    mg.draw_curves(tmp_path / "a.svg", {"line": ([1, 2, 3, 4, 5], [1, 2, math.nan, 4, 5])}, "x", "y")
    paths = [element.get("d", "") for element in ElementTree.parse(tmp_path / "a.svg").iter() if "path" in element.tag]
    assert any(path.count("M") == 2 and path.count("L") == 2 for path in paths)


@pytest.mark.parametrize(
    ("curves", "options", "named"),
    [
        ({}, {}, "0 curves"),
        ({str(number): ([1], [1]) for number in range(len(LOOKS) + 1)}, {}, "9 curves"),
        ({"loss": ([1, 2], [1])}, {}, r"loss has x \(2,\) and y \(1,\)"),
        (CURVES, {"logarithmic": "z"}, "logarithmic='z'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, curves, options, named):
    with pytest.raises(ValueError, match=named):
        mg.draw_curves(tmp_path / "a.svg", curves, "x", "y", **options)
    assert not list(tmp_path.iterdir())


def test_without_matplotlib_the_error_names_the_extra_and_the_line(tmp_path, monkeypatch):
    class Missing(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] == "matplotlib":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    for name in [name for name in sys.modules if name.partition(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match="extra `plot`: python -m pip install matplotlib"):
        mg.draw_curves(tmp_path / "a.svg", CURVES, "x", "y")
