"""Curves: every point in its place, gaps where there is none, numbers beside axes round and apart, and refusals."""

import itertools
import math
import re
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.curves import LOOKS, MARKS
from minigrad.drawing.fonts import measure_text

SVG = "{http://www.w3.org/2000/svg}"
CURVES = {"one line": ([1, 10, 100], [0.5, 0.25, 0.125]), "another": ([1, 10, 100], [3, 2, 1])}


@pytest.fixture
def draw(tmp_path):
    """Draws, and gives the root of the picture."""

    def draw(curves, across="x", up="y", **options):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mg.draw_curves(tmp_path / "a.svg", curves, across, up, **options)
        return ElementTree.parse(tmp_path / "a.svg").getroot()

    return draw


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def lines(root):
    """The points of each line, in pieces; they are in the groups that have a tooltip, before their marks."""
    found = []
    for group in root.findall(f"{SVG}g"):
        strokes = [path.get("d") for path in group.findall(f"{SVG}path") if path.get("fill") == "none"]
        pieces = [piece for stroke in strokes for piece in stroke.split("M")[1:]]
        found.append([read_points(piece) for piece in pieces])
    return found


def read_points(piece):
    points = []
    for letter, written in re.findall(r"([MLHV]?)([\d. ]+)", "M" + piece):
        numbers = [float(number) for number in written.split()]
        if letter == "H":
            numbers.append(points[-1][1])
        if letter == "V":
            numbers.insert(0, points[-1][0])
        points.append(tuple(numbers))
    return points


def marks(root):
    """How many marks each line has."""
    groups = root.findall(f"{SVG}g")
    return [
        sum(path.get("d").count("M") for path in g.findall(f"{SVG}path") if path.get("fill") != "none") for g in groups
    ]


def test_the_picture_names_lines_levels_and_axes_as_text(draw):
    root = draw(CURVES, across="steps", up="loss", levels={"baseline": 1.5})
    assert {"one line", "another", "steps", "loss", "baseline"} <= {*texts(root)}
    assert [group[0].text for group in root.findall(f"{SVG}g")] == ["one line", "another"]
    assert root.find(f"{SVG}title").text == "loss by steps"


def test_the_same_numbers_give_the_same_bytes_and_others_do_not(tmp_path):
    others = CURVES | {"another": ([1, 10, 100], [3, 2, 1.5])}
    for name, curves in {"a": CURVES, "b": CURVES, "c": others}.items():
        mg.draw_curves(tmp_path / f"{name}.svg", curves, "x", "y")
    written = [(tmp_path / f"{name}.svg").read_bytes() for name in "abc"]
    assert written[0] == written[1] != written[2]


@pytest.mark.parametrize(
    ("ending", "start", "library"), [("png", b"\x89PNG", "resvg_py"), ("pdf", b"%PDF", "svg2pdf_py")]
)
def test_the_ending_chooses_the_format(tmp_path, ending, start, library):
    pytest.importorskip(library, reason=f"{ending} needs an extra")
    mg.draw_curves(tmp_path / f"a.{ending}", CURVES, "x", "y")
    assert (tmp_path / f"a.{ending}").read_bytes().startswith(start)


def test_points_lie_where_the_axes_say(draw):
    root = draw({"line": ([0, 1, 4], [0, 10, 20])})
    ((points,),) = lines(root)
    (x0, y0), (x1, y1), (x2, y2) = points
    assert (x1 - x0) / (x2 - x0) == pytest.approx(0.25, abs=1e-3)
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.02)
    assert y0 > y1 > y2
    labels = {text.text: text for text in root.iter(f"{SVG}text")}
    assert float(labels["1"].get("x")) == pytest.approx(x1, abs=0.01)
    assert float(labels["10"].get("y")) == pytest.approx(y1 + 0.35 * 12, abs=0.02)


def test_an_axis_is_logarithmic_where_asked(draw):
    def steps(logarithmic):
        first, _ = lines(draw({"a": ([1, 10, 100], [1, 10, 100]), "b": ([1], [1])}, logarithmic=logarithmic))
        (x0, y0), (x1, y1), (x2, y2) = first[0]
        return [round((x1 - x0) / (x2 - x0), 2), round((y1 - y0) / (y2 - y0), 2)]

    assert [steps(axes) for axes in ("", "x", "y", "xy")] == [[0.09, 0.09], [0.5, 0.09], [0.09, 0.5], [0.5, 0.5]]


def test_few_points_of_a_logarithmic_axis_are_its_ticks(draw):
    root = draw({"time": ([256, 512, 1024], [1, 4, 16])}, "length", "time", logarithmic="x")
    assert {"256", "512", "1024"} <= {*texts(root)}


def test_points_that_would_stand_on_each_other_are_no_ticks(draw):
    root = draw({"time": ([100, 101, 102, 1000, 10000], [1, 2, 3, 4, 5])}, logarithmic="x")
    assert "101" not in texts(root)
    assert {"100", "1000", "10000"} <= {*texts(root)}


def test_numbers_below_the_axis_stand_apart(draw):
    root = draw({"line": ([123456, 654321], [1, 2])})
    below = [
        text
        for text in root.iter(f"{SVG}text")
        if text.get("font-size") == "12" and text.get("text-anchor") == "middle"
    ]
    places = [(float(text.get("x")), measure_text(text.text, 12)) for text in below]
    assert len(places) > 2
    for (first, wide), (second, wider) in itertools.pairwise(places):
        assert second - first > (wide + wider) / 2


@pytest.mark.parametrize(
    ("x", "y", "logarithmic", "pieces"),
    [
        ([1, 2, 3, 4, 5], [1, 2, math.nan, 4, 5], "", [2, 2]),
        ([1, 2, 3, 4, 5], [1, 2, math.inf, 4, 5], "", [2, 2]),
        ([1, 2, 3, 4, 5], [1, 2, 0, 4, 5], "y", [2, 2]),
        ([-1, 2, 3], [1, 2, 3], "x", [2]),
        ([math.nan, 2, 3], [1, 2, 3], "", [2]),
    ],
)
def test_what_has_no_place_leaves_a_gap(draw, x, y, logarithmic, pieces):
    (found,) = lines(draw({"line": (x, y)}, logarithmic=logarithmic))
    assert [len(piece) for piece in found] == pieces


def test_a_point_between_gaps_is_a_dot_also_on_a_line_without_marks(draw):
    curves = {"marked": ([1, 2], [1, 2]), "plain": ([1, 2, 3, 4], [1, math.nan, 2, math.nan])}
    assert marks(draw(curves)) == [2, 2]


@pytest.mark.parametrize(
    "values", [[math.nan, math.nan], [], [0.0], [5.0, 5.0], [1e9, 1e9], [1e250, -1e250], [0, 1e-250]]
)
@pytest.mark.parametrize("logarithmic", ["", "xy"])
def test_odd_ranges_are_still_a_picture(draw, values, logarithmic):
    levels = {"nowhere": math.nan, "above": math.inf}
    root = draw({"line": (np.arange(len(values)), values)}, levels=levels, logarithmic=logarithmic)
    numbers = [float(n) for path in root.iter(f"{SVG}path") for n in re.findall(r"[\d.]+", path.get("d"))]
    assert all(0 <= number <= 720 for number in numbers)
    assert {"nowhere: NaN, no place", "above: inf, no place"} <= {*texts(root)}


def test_a_level_without_a_place_is_named_with_its_height_and_has_no_line(draw):
    root = draw(CURVES, levels={"chance": 0, "best": 2}, logarithmic="y")
    assert {"chance: 0, no place", "best"} <= {*texts(root)}
    assert [path.get("stroke-dasharray") for path in root.findall(f"{SVG}path")].count("1.5 3") == 1


def test_long_lines_have_as_many_marks_as_can_be_told_apart_and_keep_their_peaks(draw):
    y = np.zeros(100_000)
    y[54_321], y[77_777] = 1, math.nan
    root = draw({"line": (np.arange(100_000), y)})
    (found,) = lines(root)
    assert len(found) == 2
    points = np.concatenate([np.array(piece) for piece in found])
    assert len(points) < 4 * 720
    height = points[:, 1].max() - points[:, 1].min()
    assert height == pytest.approx(300 / 1.1, abs=0.1)
    assert marks(root)[0] <= MARKS + 1


def test_names_of_levels_stand_apart_and_in_the_order_of_their_heights(draw):
    root = draw(CURVES, levels={"lower": 1.5, "upper": 1.52, "equal": 1.5})
    heights = {text.text: float(text.get("y", 0)) for text in root.iter(f"{SVG}text")}
    assert heights["upper"] + 12.9 <= heights["lower"]
    assert heights["lower"] + 12.9 <= heights["equal"]


def test_many_names_take_several_rows_and_stay_inside(draw):
    names = [f"a line with the long name {number} " + "x" * (9 * number) for number in range(8)]
    root = draw({name: ([1, 2], [1, 2]) for name in names})
    legend = [text for text in root.iter(f"{SVG}text") if text.get("font-size") == "13" and not text.get("text-anchor")]
    assert len(legend) == len(names)
    assert len({text.get("y") for text in legend}) > 1
    assert all(float(text.get("x")) + measure_text(text.text, 13) <= 720 for text in legend)


def test_lines_differ_without_colour_too():
    assert len({(look.dash, look.mark) for look in LOOKS}) == len(LOOKS)


def test_the_theme_is_that_of_other_pictures(draw):
    assert draw(CURVES, theme="dark").find(f"{SVG}rect").get("fill") == "#0D1117"
    assert "prefers-color-scheme" in draw(CURVES, theme="auto").find(f"{SVG}style").text


@pytest.mark.parametrize(
    ("curves", "options", "named"),
    [
        ({}, {}, "0 curves"),
        ({str(number): ([1], [1]) for number in range(len(LOOKS) + 1)}, {}, "9 curves"),
        ({"loss": ([1, 2], [1])}, {}, r"loss has x \(2,\) and y \(1,\)"),
        (CURVES, {"logarithmic": "z"}, "logarithmic='z'"),
        ({"line": ([1, 2], [1, -1.7e308])}, {}, r"draw_curves: -1\.7e\+308 has no place on an axis"),
        ({"line": ([1, 2], [1, 5e-324])}, {"logarithmic": "y"}, r"e-324 has no place .* from 1e-250"),
        (CURVES, {"levels": {"far": 1e300}}, r"1e\+300 has no place"),
        (CURVES, {"theme": "sepia"}, "theme must be 'light', 'dark' or 'auto'"),
    ],
)
def test_what_cannot_be_drawn_is_refused(tmp_path, curves, options, named):
    with pytest.raises(ValueError, match=named):
        mg.draw_curves(tmp_path / "a.svg", curves, "x", "y", **options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("y", [["low", "high"], [1, 2j]])
def test_a_line_that_is_of_no_numbers_is_named(tmp_path, y):
    with pytest.raises(TypeError, match=r"draw_curves: line: expected .* real numbers"):
        mg.draw_curves(tmp_path / "a.svg", {"line": ([1, 2], y)}, "x", "y")
