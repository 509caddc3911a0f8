"""Pictures of a given width have letters that can be read in print."""

import re

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
    scale = re.search(r"scale\(([\d.]+)", svg)
    smallest = min(float(size) for size in re.findall(r'font-size="([\d.]+)"', svg))
    return float(re.search(r'<svg width="([\d.]+)pt"', svg)[1]), smallest * float(scale[1] if scale else 1)


def nested(layers):
    rng = np.random.default_rng(0)
    model = mg.nn.Encoder(layers, width=4, heads=2, rng=rng)
    return mg.sum(model(np.ones((3, 4), np.float32))).graph()


@pytest.mark.deep
@needs_engine
@pytest.mark.parametrize("width", ["8.4cm", "240pt", "5in", "120mm"])
@pytest.mark.parametrize("layers", [1, 3, 12])
def test_letters_are_at_least_six_points(tmp_path, width, layers):
    found, letters = drawn(nested(layers), tmp_path / "graph.svg", width=width)
    assert abs(found - parse_length(width)) <= 1
    assert letters >= 6


@needs_engine
def test_what_was_asked_for_is_kept_and_a_warning_says_what_it_costs(tmp_path):
    with pytest.warns(UserWarning, match=r"the smallest letters are \d\.\d pt in a picture 3cm wide"):
        found, letters = drawn(nested(3), tmp_path / "graph.svg", width="3cm", depth=9, direction="LR", font_size=10)
    assert letters < 6
    assert abs(found - parse_length("3cm")) <= 1


@pytest.mark.parametrize("width", ["", "8", "8.4 parsec", "-3cm", "0cm", "cm", 8.4, "1e5cm"])
def test_other_widths_are_refused(tmp_path, width):
    with pytest.raises(ValueError, match=r"expected a length such as .8\.4cm."):
        mg.exp(mg.Tensor(1.0, requires_grad=True)).graph().draw(tmp_path / "graph.svg", width=width)
    assert not list(tmp_path.iterdir())
