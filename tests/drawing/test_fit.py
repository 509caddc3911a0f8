"""Pictures of a given width have letters that can be read in print."""

import re
import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES
from minigrad.drawing.lengths import parse_length

needs_engine = pytest.mark.skipif(
    not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot"
)


def drawn(graph, path, **options):
    """The width of the picture and the size of its smallest letters, in points."""
    graph.draw(path, **options)
    svg = path.read_text(encoding="utf-8")
    width = float(re.search(r'width="([\d.]+)pt"', svg)[1])
    smallest = min(float(size) for size in re.findall(r'font-size="([\d.]+)"', svg))
    return width, smallest * width / float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])


def nested(layers):
    rng = np.random.default_rng(0)
    model = mg.nn.Encoder(layers, width=4, heads=2, rng=rng)
    return mg.sum(model(np.ones((3, 4), np.float32))).graph()


@pytest.mark.deep
@needs_engine
@pytest.mark.parametrize("width", ["8.4cm", "240pt", "5in", "120mm"])
@pytest.mark.parametrize("layers", [1, 3, 12])
def test_letters_are_at_least_six_points(tmp_path, width, layers):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        found, letters = drawn(nested(layers), tmp_path / "graph.svg", width=width)
    assert all("nodes are in closed scopes, so that letters are legible" in str(each.message) for each in warned)
    assert abs(found - parse_length(width)) <= 1
    assert letters >= 6


@needs_engine
def test_what_was_asked_for_is_kept_and_a_warning_says_what_it_costs(tmp_path):
    with pytest.warns(UserWarning, match=r"the smallest letters are \d\.\d pt in a picture 3cm wide"):
        found, letters = drawn(nested(3), tmp_path / "graph.svg", width="3cm", depth=9, direction="LR", font_size=10)
    assert letters < 6
    assert abs(found - parse_length("3cm")) <= 1


@needs_engine
def test_a_warning_says_where_most_is_closed_to_make_letters_legible(tmp_path):
    with pytest.warns(UserWarning, match=r"\d+ of \d+ nodes are in closed scopes, .* in a picture 8\.4cm wide"):
        drawn(nested(3), tmp_path / "graph.svg", width="8.4cm")


@needs_engine
def test_TX4_one_head_is_the_same_picture_of_the_same_size_in_every_format(tmp_path, parts_of):
    rng = np.random.default_rng(0)
    query, key, value = (mg.Tensor(rng.normal(size=(6, 8)), requires_grad=True, name=name) for name in "qkv")
    graph = mg.scaled_dot_product_attention(query, key, value).graph()
    graph.draw(tmp_path / "head.svg", width="8.4cm")
    assert len(parts_of(tmp_path / "head.svg", "node")) >= 8
    graph.draw(tmp_path / "head.png", width="8.4cm", dpi=300)
    assert abs(int.from_bytes((tmp_path / "head.png").read_bytes()[16:20], "big") - 8.4 / 2.54 * 300) <= 1
    pytest.importorskip("svg2pdf_py", reason="a picture as pdf needs svg2pdf-py")
    graph.draw(tmp_path / "head.pdf", width="8.4cm")
    left, _, right, _ = re.search(rb"/MediaBox ?\[([-\d. ]+)\]", (tmp_path / "head.pdf").read_bytes())[1].split()
    assert abs(float(right) - float(left) - 238.11) <= 1


@needs_engine
@pytest.mark.parametrize("width", ["8.4cm", "5in"])
def test_a_tex_picture_has_its_width_and_letters_in_proportion(tmp_path, width):
    graph = nested(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph.draw(tmp_path / "graph.tex", width=width)
        _, letters = drawn(graph, tmp_path / "graph.svg", width=width)
    text = (tmp_path / "graph.tex").read_text("utf-8")
    assert f"paperwidth={parse_length(width):.2f}".rstrip("0").rstrip(".") in text
    assert abs(min(map(float, re.findall(r"fontsize\{([\d.]+)bp", text))) - letters) < 0.01


@pytest.mark.parametrize("width", ["", "8", "8.4 parsec", "-3cm", "0cm", "cm", 8.4, "1e5cm"])
def test_other_widths_are_refused(tmp_path, width):
    with pytest.raises(ValueError, match=r"expected a length such as .8\.4cm."):
        mg.exp(mg.Tensor(1.0, requires_grad=True)).graph().draw(tmp_path / "graph.svg", width=width)
    assert not list(tmp_path.iterdir())
