"""Pictures in files and notebooks."""

import xml.etree.ElementTree as ElementTree

import graphviz
import numpy as np
import pytest

import minigrad as mg
from minigrad.drawing.engines import ENGINES, GraphvizNotFoundError, LayoutError
from minigrad.drawing.style import INKS

needs_engine = pytest.mark.skipif(
    not any(engine.find() for engine in ENGINES), reason="no layout engine: install the extra dot"
)


@pytest.fixture
def graph():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    return mg.softmax(x * 2.0).graph()


@pytest.fixture
def chain():
    x = mg.Tensor(np.ones(2), requires_grad=True)
    for _ in range(600):
        x = x * 0.5
    return x.graph()


@needs_engine
@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("SVG", b"<svg"), ("tex", b"%")])
def test_the_extension_names_the_format(graph, tmp_path, suffix, start):
    graph.draw(tmp_path / f"graph.{suffix}")
    assert (tmp_path / f"graph.{suffix}").read_bytes().startswith(start)
    assert [path.suffix for path in tmp_path.iterdir()] == [f".{suffix}"]


@needs_engine
def test_the_picture_shows_every_node(graph, tmp_path):
    graph.draw(tmp_path / "graph.svg", values=True, title="softmax of two")
    texts = [text.text for text in ElementTree.parse(tmp_path / "graph.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert {"x", "multiply(·, 2)", "softmax", "0.1192", "0.8808", "softmax of two"} <= {*texts}


def test_dot_text_needs_no_engine(graph, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    graph.draw(tmp_path / "graph.dot", direction="TB")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == graph.dot(direction="TB")


def test_without_an_engine_the_message_names_the_dot_text_that_was_saved(graph, tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    with pytest.raises(GraphvizNotFoundError, match=r"graph\.dot"):
        graph.draw(tmp_path / "graph.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["graph.dot"]
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == graph.dot()


@pytest.mark.parametrize("name", ["graph.gif", "graph", "svg"])
def test_another_extension_is_refused(graph, tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in one of \.svg, \.png, \.pdf, \.tex, \.dot"):
        graph.draw(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_an_error_before_any_work(graph, tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder"):
        graph.draw(tmp_path / "missing" / "graph.svg")


def test_a_folder_in_the_way_is_an_error(graph, tmp_path):
    (tmp_path / "graph.dot").mkdir()
    with pytest.raises(OSError, match=r"graph\.dot"):
        graph.draw(tmp_path / "graph.dot")


def test_a_source_of_the_graphviz_package(graph):
    source = graph.graphviz(direction="TB")
    assert isinstance(source, graphviz.Source)
    assert source.source == graph.dot(direction="TB")


@needs_engine
def test_notebooks_show_the_picture_and_the_listing(graph):
    bundle = graph._repr_mimebundle_()
    assert bundle["text/plain"] == str(graph)
    assert bundle["image/svg+xml"].lstrip().startswith("<svg")


def test_notebooks_show_the_listing_without_an_engine(graph, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    assert set(graph._repr_mimebundle_()) == {"text/plain"}


@pytest.mark.deep
@needs_engine
def test_notebooks_show_large_graphs_collapsed(chain):
    bundle = chain._repr_mimebundle_()
    assert bundle["text/plain"] == str(chain)
    assert "repeated ×599" in bundle["image/svg+xml"]
    assert set(bundle) == {"text/plain", "image/svg+xml"}, "a PNG would be six times as large"


@pytest.mark.deep
@needs_engine
def test_PI3_a_long_chain_is_drawn_collapsed(tmp_path, parts_of):
    x = mg.Tensor(np.ones(2), requires_grad=True)
    for _ in range(10_000):
        x = x * 0.5
    x.graph().draw(tmp_path / "chain.svg")
    picture = (tmp_path / "chain.svg").read_text(encoding="utf-8")
    assert len(parts_of(tmp_path / "chain.svg", "node")) <= 150
    assert "repeated ×9999" in picture


def test_more_boxes_than_an_engine_can_lay_out_are_refused(chain, tmp_path, monkeypatch):
    monkeypatch.setattr("minigrad.drawing.picture.MOST_LAID_OUT", 100)
    with pytest.raises(LayoutError, match=r"601 nodes, .* leave depth to the default"):
        chain.draw(tmp_path / "chain.svg", depth=1)
    assert not list(tmp_path.iterdir())


def test_a_failure_overwrites_no_file(graph, tmp_path, monkeypatch):
    (tmp_path / "graph.dot").write_text("mine", encoding="utf-8")
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    with pytest.raises(GraphvizNotFoundError, match=r"graph-1\.dot"):
        graph.draw(tmp_path / "graph.svg")
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == "mine"


def test_an_unknown_option_is_refused_with_the_closest(graph, tmp_path):
    with pytest.raises(TypeError, match="no option 'dircetion'; did you mean 'direction'"):
        graph.draw(tmp_path / "graph.svg", dircetion="LR")
    with pytest.raises(TypeError, match="no option 'colour', there are depth, "):
        graph.dot(colour="red")
    with pytest.raises(TypeError, match="no option 'rankdir'; did you mean 'direction'"):
        graph.draw(tmp_path / "graph.svg", rankdir="LR")
    with pytest.raises(TypeError, match="no option 'size'; did you mean 'width'"):
        graph.draw(tmp_path / "graph.svg", size="7,10")


@pytest.mark.parametrize("part", ["x", ("x",), 3, ("x", "y", "z")])
def test_TX15_a_part_has_two_ends(graph, part):
    with pytest.raises(ValueError, match="expected two nodes or names, as between="):
        graph.dot(between=part)


@needs_engine
def test_bitmaps_have_the_resolution_that_is_asked_for(graph, tmp_path):
    def width(**options):
        graph.draw(tmp_path / "graph.png", **options)
        return int.from_bytes((tmp_path / "graph.png").read_bytes()[16:20], "big")

    assert 1.9 < width(dpi=288) / width() < 2.1


@needs_engine
def test_the_automatic_theme_is_one_picture_for_both(graph, tmp_path):
    graph.draw(tmp_path / "graph.svg", theme="auto")
    root = ElementTree.parse(tmp_path / "graph.svg").getroot()
    style = root.find("{http://www.w3.org/2000/svg}style").text
    assert style.count("prefers-color-scheme:dark") == 1
    classes = {name for element in root.iter() for name in element.get("class", "").split()}
    shown = {INKS.roles["parameter"].fill, INKS.orders[0].fill, INKS.edges["value"], INKS.text}
    assert {name[-6:] for name in classes} >= {ink.dark[1:] for ink in shown}
    assert all(f".{name}{{" in style for name in classes)
    graph.draw(tmp_path / "graph.png", theme="auto")  # only SVG can follow the reader


@needs_engine
def test_two_pictures_on_a_page_have_no_id_in_common(graph, chain, tmp_path):
    ids = []
    for number, each in enumerate((graph, mg.exp(mg.Tensor(1.0, requires_grad=True)).graph())):
        each.draw(tmp_path / f"{number}.svg")
        ids += [
            element.get("id") for element in ElementTree.parse(tmp_path / f"{number}.svg").iter() if element.get("id")
        ]
    assert len(ids) == len(set(ids)) > 6


def test_the_time_for_a_layout_can_be_chosen(graph, tmp_path, program):
    slow = program("cat > /dev/null; sleep 60")
    with pytest.raises(LayoutError, match=r"was stopped after 0\.5 s"):
        graph.draw(tmp_path / "graph.svg", engine=slow, timeout=0.5)
    with pytest.raises(ValueError, match="timeout='1': expected a positive number of seconds"):
        graph.draw(tmp_path / "graph.svg", timeout="1")


@needs_engine
def test_tex_has_an_operation_and_its_shape(tmp_path):
    y = mg.exp(mg.Tensor([1.0, 2.0], requires_grad=True, name="x"))
    y.name = "result"
    y.graph().draw(tmp_path / "graph.tex")
    assert r"exp\enspace{}(2,)" in (tmp_path / "graph.tex").read_text("utf-8")
