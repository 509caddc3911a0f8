"""Heat maps: the colours are the values, the labels are the texts, and nothing a token contains becomes markup."""

import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
import minigrad.drawing.heatmap
from minigrad.drawing.colours import MISSING, Scale, choose_text_colour
from minigrad.drawing.heatmap import heatmap
from minigrad.drawing.room import cut_to_room
from minigrad.drawing.sheet import PAPER
from minigrad.drawing.text import make_text

SVG = "{http://www.w3.org/2000/svg}"
DRAWN = {SVG + tag for tag in ("svg", "title", "desc", "g", "rect", "path", "text")}


def parsed(picture):
    return ElementTree.fromstring(picture.svg)


def texts(picture):
    """What is written in the picture, cut labels in full."""
    root = parsed(picture)
    whole = {group[1]: group[0].text for group in root.iter(SVG + "g") if len(group) and group[0].tag == SVG + "title"}
    return [whole.get(element, element.text) or "" for element in root.iter(SVG + "text")]


def panels_of(picture):
    """The group of each panel; others are a title that was cut, and the colours of the bar."""
    groups = parsed(picture).findall(SVG + "g")
    return [group for group in groups if group[0].tag != SVG + "title" and not group.get("transform")]


def values_of(picture):
    """The texts in the cells of the first panel, which come last in it."""
    group = list(panels_of(picture)[0])
    frame = max(place for place, element in enumerate(group) if element.tag == SVG + "rect")
    return group[frame + 1 :]


def fills(picture, shape):
    """The colour of every cell of each panel, read back from the paths; every cell is painted exactly once."""
    panels = []
    for group in panels_of(picture):
        panel = np.full(shape, "", dtype="<U7")
        for path in next(child for child in group if "scale" in child.get("transform", "")):
            for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path.get("d")):
                cells = panel[int(y), int(x) : int(x) + int(width)]
                assert (cells == "").all()
                cells[:] = path.get("fill")
        assert (panel != "").all()
        panels.append(panel)
    return np.array(panels)


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


WEIGHTS = softmax(np.random.default_rng(0).normal(size=(4, 24, 24)) * 3)

# Colours


@pytest.mark.parametrize(
    ("values", "limit", "signed"),
    [
        (WEIGHTS, 1, False),
        (WEIGHTS[0] * 0 + 0.5, 1, False),
        (WEIGHTS[0] * 0, 1, False),
        (WEIGHTS * 50, (WEIGHTS * 50).max(), False),
        (WEIGHTS * 1e-5, (WEIGHTS * 1e-5).max(), False),
        (WEIGHTS - 0.2, np.abs(WEIGHTS - 0.2).max(), True),
        (np.array([[1e308, -1e308, 0.0]]), 1e308, True),
        (np.array([[True, False]]), 1, False),
        (np.array([[3, -6]]), 6, True),
        (np.array([[5e-324, 0.0]]), 5e-324, False),
    ],
)
def test_every_cell_has_the_colour_of_its_value(values, limit, signed):
    share = np.asarray(values, float).reshape(-1, *np.shape(values)[-2:]) / limit
    place = (share + 1) / 2 if signed else share
    palette = np.array(Scale(1.0, signed).palette)
    actual = fills(heatmap(values), np.shape(values)[-2:])
    expected = palette[np.floor(place * 255 + 0.5).astype(int)]
    assert np.array_equal(actual, expected)


def test_values_beyond_the_limit_have_the_colour_of_the_limit_and_the_bar_says_so():
    picture = heatmap([[0.1, 0.2, 0.9]], limit=0.2)
    row = fills(picture, (1, 3))[0, 0]
    assert row[1] == row[2] != row[0]
    assert "≥ 0.2" in texts(picture)
    assert "≤ −0.5" in texts(heatmap([[-2.0, 0.0]], limit=0.5))
    assert not any("≥" in text for text in texts(heatmap([[0.1, 0.2]], limit=0.2)))


def test_what_is_not_finite_is_grey_named_and_does_not_stretch_the_scale():
    values = np.array([[np.nan, np.inf, -np.inf, 0.5, 1.0]])
    picture = heatmap(values)
    assert (fills(picture, (1, 5))[0, 0, :3] == MISSING.light).all()
    assert {"NaN", "inf", "−inf", "0.50", "1.00"} <= set(texts(picture))
    assert np.array_equal(fills(picture, (1, 5))[..., 3:], fills(heatmap([[0.5, 1.0]]), (1, 2)))


def test_what_is_not_finite_is_crossed_out_and_explained_where_no_value_is_written():
    values = WEIGHTS.copy()
    values[2, 3, 4] = np.nan
    assert "not finite" in texts(heatmap(values))
    assert "not finite" not in texts(heatmap(WEIGHTS))
    panel = panels_of(heatmap(values))[2]
    (cross,) = [path.get("d") for path in panel.iter(SVG + "path") if path.get("stroke")]
    frame = next(panel.iter(SVG + "rect"))
    left, top = float(frame.get("x")) + 0.5, float(frame.get("y")) + 0.5
    corners = np.array(re.findall(r"[ML](\d+) (\d+)", cross), float) - [left, top]
    assert corners.tolist() == [[48, 36], [60, 48], [60, 36], [48, 48]]


def test_infinity_beside_small_values_and_a_limit_far_below_the_values_give_no_warning():
    assert "inf" in texts(heatmap([[np.inf, 0.05]]))
    assert len(set(fills(heatmap([[1e300, 1e200]], limit=1e-300), (1, 2)).ravel())) == 1


def test_nothing_finite_at_all_is_still_a_picture():
    assert (fills(heatmap(np.full((2, 2), np.nan)), (2, 2)) == MISSING.light).all()


# Values in the cells


def test_values_are_written_where_there_is_room_and_only_there():
    assert texts(heatmap(WEIGHTS[0, :6, :6])).count(f"{WEIGHTS[0, 2, 3]:.2f}") >= 1
    assert not any("." in text for text in texts(heatmap(WEIGHTS)) if text not in ("0.25", "0.5", "0.75"))


@pytest.mark.parametrize(
    ("values", "written"),
    [
        ([[0.66524, 0.0]], ["0.67", "0"]),
        ([[-0.001, 1.0]], ["0.00", "1.00"]),
        ([[-0.5, 1.0]], ["−0.50", "1.00"]),
        ([[12.34, 99.9]], ["12.3", "99.9"]),
        ([[-123.4, 999.0]], ["−123", "999"]),
        ([[12345.6, 0.0]], ["1.2e+04", "0"]),
        ([[1.5e-5, 3e-5]], ["1.5e−05", "3e−05"]),
        ([[True, False]], ["1.00", "0"]),
    ],
)
def test_values_are_short_and_zero_has_no_sign(values, written):
    picture = heatmap(values)
    assert [text.text for text in values_of(picture)] == written


def test_written_values_have_the_colour_that_is_legible_on_their_cell():
    picture = heatmap([[0.0, 1.0], [np.nan, 0.4]])
    backgrounds = fills(picture, (2, 2)).ravel()
    assert [text.get("fill") for text in values_of(picture)] == [
        choose_text_colour(str(background)) for background in backgrounds
    ]


# Labels and titles


def test_labels_are_written_in_order_and_chinese_ones_stay_level():
    tokens = ["注意力", "查询", "键", "值", "的"]
    picture = heatmap(np.eye(5), tokens, tokens, title="∂loss/∂权重")
    assert texts(picture)[:3] == ["∂loss/∂权重", "keys", "queries"]
    assert texts(picture)[3:13] == tokens + tokens
    assert sum("rotate" in element.get("transform", "") for element in parsed(picture).iter(SVG + "text")) == 1


def test_long_column_labels_are_turned():
    picture = heatmap(np.eye(3), columns=["representation", "of", "tokens"])
    written = parsed(picture).iter(SVG + "text")
    turned = [element.text for element in written if "rotate" in element.get("transform", "")]
    assert turned == ["queries", "representation", "of", "tokens"]


def test_a_string_counts_as_its_characters_and_spaces_can_be_seen():
    picture = heatmap(np.eye(3), rows="a b", columns=[" the", "cat ", "a b"])
    assert texts(picture)[2:8] == ["a", "·", "b", "·the", "cat·", "a b"]


def test_without_labels_positions_are_numbered_in_round_steps():
    assert texts(heatmap(WEIGHTS[0]))[2:][:12] == [str(position) for position in range(0, 24, 1)][:12]
    rows = texts(heatmap(np.zeros((64, 2))))[2:]
    steps = {int(after) - int(before) for before, after in itertools.pairwise(rows[: rows.index("0", 1)])}
    assert steps == {5}


def test_labels_left_out_are_announced():
    tokens = [f"t{position}" for position in range(64)]
    picture = heatmap(np.zeros((2, 64, 64)), tokens, tokens)
    assert "queries, 1 label in 3" in texts(picture)
    assert "t3" in texts(picture)
    assert "t1" not in texts(picture)
    assert "queries" in texts(heatmap(np.zeros((64, 64)), tokens, tokens))


def test_long_labels_are_cut_and_whole_in_the_tooltip():
    picture = heatmap([[1.0]], rows=["x" * 500], title="word " * 100)
    shown = [element.text for element in parsed(picture).iter(SVG + "text")]
    assert any(re.fullmatch("x{14,20}…", text) for text in shown)
    assert len(shown[0]) < 60
    assert "x" * 500 in texts(picture)


def test_each_head_has_its_panel_and_name_and_one_head_has_none():
    assert [text for text in texts(heatmap(WEIGHTS)) if text.startswith("head")] == [f"head {n}" for n in range(4)]
    assert not any(text.startswith("head") for text in texts(heatmap(WEIGHTS[:1])))
    assert np.array_equal(fills(heatmap(WEIGHTS), (24, 24))[2:3], fills(heatmap(WEIGHTS[2]), (24, 24)))


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 5, 7, 8, 12, 30])
def test_panels_lie_inside_the_picture_and_apart(heads):
    picture = heatmap(np.zeros((heads, 30, 20)), title="many")
    root = parsed(picture)
    frames = [next(group.iter(SVG + "rect")) for group in panels_of(picture)]
    corners = [(float(frame.get("x")), float(frame.get("y"))) for frame in frames]
    assert len(corners) == heads
    size = 20 * 9 if heads > 1 else 20 * 12, 30 * 9 if heads > 1 else 30 * 12
    for x, y in corners:
        assert x + size[0] < int(root.get("width"))
        assert y + size[1] < int(root.get("height"))
    for first, second in itertools.combinations(corners, 2):
        assert abs(first[0] - second[0]) > size[0] or abs(first[1] - second[1]) > size[1]


def test_PI2_hostile_text_is_shown_literally_and_is_never_markup(hostile):
    for label in hostile:
        picture = heatmap(np.eye(2), rows=[label, "b"], columns=["c", label], title=label, axes=("head", label, label))
        root = parsed(picture)
        picture.svg.encode("utf-8")
        for element in root.iter():
            assert element.tag in DRAWN
            assert not any(name.startswith("on") or "href" in name for name in element.attrib)
        expected = make_text(label)
        assert [text.replace("·", " ") for text in texts(picture)].count(expected) >= 3 or not label
        assert root.find(SVG + "title").text == (expected or "Attention weights")


def test_the_picture_names_itself():
    root = parsed(heatmap(WEIGHTS, title="Layer 1"))
    assert root.get("role") == "img"
    assert root.find(SVG + "title").text == "Layer 1"
    description = root.find(SVG + "desc").text
    assert description.startswith("4 heads, 24 queries, 24 keys; values: ")
    assert description.endswith("colours: 0 to 1")
    assert parsed(heatmap([[1.0]])).find(SVG + "title").text == "Attention weights"


def test_the_background_is_light_and_opaque():
    root = parsed(heatmap([[1.0]]))
    background = root.find(SVG + "rect")
    assert background.get("fill") == "#FFFFFF"
    assert (background.get("width"), background.get("height")) == (root.get("width"), root.get("height"))


def test_a_text_that_fits_is_not_cut_and_accents_need_no_room():
    assert cut_to_room("e\u0301e\u0301e\u0301", 18.6, 10) == "e\u0301e\u0301e\u0301"
    assert cut_to_room("注意力", 30, 10) == "注意力"


# The file


def test_the_same_arguments_give_the_same_bytes_in_every_process():
    program = (
        "import numpy; from minigrad.drawing.heatmap import heatmap; import sys; "
        "w = numpy.random.default_rng(0).normal(size=(3, 9, 9)); "
        "sys.stdout.buffer.write(heatmap(w, rows='abcdefghi', title='t').svg.encode())"
    )
    source = str(Path(minigrad.drawing.heatmap.__file__).parents[2])
    pictures = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": source, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    values = np.random.default_rng(0).normal(size=(3, 9, 9))
    assert pictures == {heatmap(values, rows="abcdefghi", title="t").svg.encode()}


def test_no_number_has_more_than_a_few_digits():
    numbers = re.findall(r"-?\d+\.\d+", heatmap(WEIGHTS[0, :7, :7] / 3 - 0.1).svg)
    assert len(numbers) > 49
    assert all(float(number) in (round(float(number), 2), float(f"{float(number):.4g}")) for number in numbers)


def test_save_writes_the_text_as_utf_8_and_refuses_other_formats(tmp_path):
    picture = heatmap([[1.0]], rows=["键"])
    for name in ("a.svg", "b.SVG"):
        picture.save(tmp_path / name)
        assert (tmp_path / name).read_bytes() == picture.svg.encode("utf-8")
    for name in ("a.gif", "a", "a.svg.gz"):
        with pytest.raises(ValueError, match=rf"saved as \.svg, \.png, \.pdf or \.tex, got '.*{name}'"):
            picture.save(tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == ["a.svg", "b.SVG"]


def test_tensors_are_taken_also_those_that_require_a_gradient():
    weights = mg.Tensor([[0.25, 0.75]], requires_grad=True)
    for tensor in (weights, weights.detach(), weights * 1.0):
        assert heatmap(tensor) == heatmap([[0.25, 0.75]])
    assert weights.grad is None


# Themes


def test_the_dark_theme_has_the_dark_scale_on_dark_paper():
    values = WEIGHTS[0] - 0.2
    for weights, signed in ((WEIGHTS[0], False), (values, True)):
        limit = np.abs(values).max() if signed else 1.0
        expected = np.array(Scale(limit, signed).dark_palette)[Scale(limit, signed).index(weights)]
        assert np.array_equal(fills(heatmap(weights, theme="dark"), (24, 24))[0], expected)
    root = parsed(heatmap([[1.0]], theme="dark"))
    assert root.find(SVG + "rect").get("fill") == PAPER.dark
    assert "<style" not in heatmap([[1.0]], theme="dark").svg


@pytest.mark.parametrize("values", [WEIGHTS[0, :6, :6], WEIGHTS[0, :6, :6] - 0.3, WEIGHTS[:2]])
def test_the_auto_theme_is_the_light_one_with_a_style_sheet_that_makes_it_the_dark_one(values):
    values = values.copy()
    values[..., 0, 0] = np.nan
    light, dark, auto = (heatmap(values, title="t", theme=theme) for theme in ("light", "dark", "auto"))
    sheet = re.search(r"<style>@media \(prefers-color-scheme:dark\)\{(.*)\}</style>\n", auto.svg)
    rules = {name: rule for name, *rule in re.findall(r"\.(mg-[\w-]+)\{(fill|stroke):(#[0-9a-fA-F]{6})\}", sheet[1])}
    plain = auto.svg.replace(sheet[0], "")
    assert light.svg == re.sub(r' class="[\w -]+"', "", plain)
    assert set(" ".join(re.findall(r'class="([\w -]+)"', plain)).split()) == set(rules)

    def override(match):
        colours = dict(re.findall(r'(fill|stroke)="(#[0-9a-fA-F]{6})"', match[0])) | dict(
            rules[n] for n in match[2].split()
        )
        return re.sub(r'(fill|stroke)="#[0-9a-fA-F]{6}"', lambda part: f'{part[1]}="{colours[part[1]]}"', match[1])

    assert dark.svg == re.sub(r'((?:(?:fill|stroke)="[#\w]+" ?)+) class="([\w -]+)"', override, plain)


def test_style_sheets_of_several_heat_maps_on_one_page_agree():
    sheets = [heatmap(values, theme="auto").svg.split("<style>")[1] for values in (WEIGHTS, WEIGHTS - 0.5)]
    first, second = (dict(re.findall(r"(mg-[\w-]+)\{(.*?)\}", sheet)) for sheet in sheets)
    assert {name: first[name] for name in first if name in second} == {n: second[n] for n in second if n in first}
    assert len(set(first) - set(second)) > 100


def test_a_notebook_shows_the_picture():
    picture = heatmap([[1.0]])
    assert picture._repr_svg_() == picture.svg


def test_many_cells_stay_a_small_file():
    scores = np.random.default_rng(0).normal(size=(8, 64, 64))
    causal = softmax(np.where(np.tril(np.ones((64, 64), bool)), scores, -1e9))
    assert len(heatmap(causal).svg) < 250_000


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, 2.0],), ValueError, r"\(heads, queries, keys\), none of them 0, got \(2,\)"),
        ((np.zeros((1, 2, 3, 3)),), ValueError, r"got \(1, 2, 3, 3\); choose one .* weights\[0\]"),
        ((np.zeros((0, 3)),), ValueError, r"got \(0, 3\)"),
        ((np.zeros((1001, 1000)),), ValueError, "1001000 cells, the limit is 1000000"),
        (([["a"]],), TypeError, r"weights: expected .* real numbers, got list \(dtype <U1"),
        (([[1j]],), TypeError, "got list .dtype complex128"),
        (([[None]],), TypeError, "got list .dtype object"),
        ((np.eye(3), ["a"]), ValueError, "rows has 1 labels, but weights have 3 queries"),
        ((np.zeros((2, 3)), None, "ab"), ValueError, "columns has 2 labels, but weights have 3 keys"),
        ((np.eye(2), None, None, None, 0), ValueError, "limit must be a positive number, got 0"),
        ((np.eye(2), None, None, None, float("nan")), ValueError, "got nan"),
        (
            (np.eye(2), None, None, None, None, "blue"),
            ValueError,
            "theme must be 'light', 'dark' or 'auto', got 'blue'",
        ),
    ],
)
def test_misuse_is_explained(arguments, error, message):
    with pytest.raises(error, match=message):
        heatmap(*arguments)


@pytest.mark.parametrize("axes", [("rows", "columns"), "abc", ()], ids=str)
def test_axes_are_three(axes):
    with pytest.raises(ValueError, match="axes says what a panel, a row and a column are, three texts; got"):
        heatmap(np.eye(2), axes=axes)
