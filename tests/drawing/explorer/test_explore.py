import base64
import gzip
import hashlib
import html
import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.drawing import engines
from minigrad.drawing.explorer import explore as module
from minigrad.drawing.explorer.explore import Page, write_page


class Parts(HTMLParser):
    """The texts of scripts and styles, the policy, and every tag with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.tags, self.inside = {}, [], None
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = (tag, dict(attributes).get("type"))

    def handle_data(self, data):
        self.texts[self.inside] = self.texts.get(self.inside, "") + data

    def handle_endtag(self, tag):
        self.inside = None


def data_of(page):
    packed = re.search(r'id="graph">([^<]*)<', page)[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


@pytest.fixture(scope="module")
def page(lesson):
    return write_page(lesson)


@pytest.mark.parametrize(("of", "kind"), [(("script", "module"), "script-src"), (("style", None), "style-src")])
def test_H6_script_and_style_are_allowed_by_their_hash_and_nothing_else_is(page, of, kind):
    parts = Parts(page)
    policy = next(tag["content"] for name, tag in parts.tags if "http-equiv" in tag)
    found = base64.b64encode(hashlib.sha256(parts.texts[of].encode()).digest()).decode()
    assert f"{kind} 'sha256-{found}'" in policy
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_H6_the_page_refers_to_nothing(page):
    for tag, attributes in Parts(page).tags:
        assert not {"src", "href", "srcset", "style", "action"} & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag


@pytest.mark.parametrize(
    "word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("]
)
def test_the_script_never_makes_elements_of_text(page, word):
    assert word not in page


def test_the_data_is_there(page, lesson):
    data = data_of(page)
    assert [node.get("name") for node in data["nodes"]] == [node.name for node in lesson]
    assert {"views", "steps", "arrays", "palettes", "notes"} <= set(data)


@pytest.mark.parametrize("title", ["</title><script>alert(1)</script>", "<b>", '"quoted" & {style}', "\ud800\u202e"])
def test_H4_titles_are_text(lesson, title):
    made = write_page(lesson, title=title)
    assert made.count("<script") == 3
    shown = html.unescape(re.search("<title>(.*)</title>", made)[1])
    assert shown == title.encode("ascii", "backslashreplace").decode()


HOSTILE = ["</svg><script>alert(1)</script>", '" onload="alert(1)', "]]>", "-->", "<!--", "{data}", "a & b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_H4_the_static_picture_is_well_formed_whatever_names_say(name):
    from xml.etree import ElementTree

    x = mg.Tensor([1.0], requires_grad=True, name=name)
    with mg.scope(name.replace("/", "|")):
        made = write_page(ops.exp(x).graph())
    picture = re.search("<noscript>(.*)</noscript>", made, re.DOTALL)[1]
    root = ElementTree.fromstring(picture)
    assert name in {text.text for text in root.iter("text")}
    assert {element.tag for element in root.iter()} == {"svg", "g", "rect", "text", "path"}


def test_EX8_the_same_graph_written_twice_is_the_same_page(lesson, page):
    assert write_page(lesson) == page


def test_EX8_the_page_is_the_same_in_another_process_and_has_no_path_in_it(page):
    script = (
        "import sys, minigrad as mg; from minigrad.cli.lessons import three_tokens;"
        "from minigrad.drawing.explorer.explore import write_page;"
        "sys.stdout.buffer.write(write_page(three_tokens()['loss'].graph()).encode())"
    )
    made = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout.decode()
    assert made == page
    written = json.dumps(data_of(page))
    assert str(Path(mg.__file__).parent) not in page + written
    assert str(Path.home()) not in page.replace("/root", "") + written


def test_EX5_a_page_of_220_nodes_is_below_300_kB():
    from tests.drawing.explorer.conftest import language_model

    graph = language_model(5)
    assert len(graph) >= 212
    assert len(write_page(graph).encode()) < 300_000


def test_a_page_is_written_and_written_again(tmp_path, lesson):
    path = tmp_path / "x.html"
    assert lesson.explore(path) is None
    first = path.read_bytes()
    lesson.explore(str(path))
    assert path.read_bytes() == first
    assert b"\r" not in first


def test_without_a_path_notebooks_show_the_page_in_a_frame(lesson, page):
    made = lesson.explore()
    assert isinstance(made, Page)
    assert made.html == page
    ((tag, attributes),) = Parts(made._repr_html_()).tags
    assert (tag, attributes["sandbox"], attributes["srcdoc"]) == ("iframe", "allow-scripts", page)
    assert repr(made) == f"<Page of {len(page.encode()):,} bytes>"


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [("x.svg", ValueError, "must end in .html"), ("x", ValueError, "must end in .html"),
     ("nowhere/x.html", FileNotFoundError, "no folder .*nowhere")],
)  # fmt: skip
def test_L3_where_a_page_cannot_be_written_is_said_first(tmp_path, lesson, path, error, message):
    with pytest.raises(error, match=message):
        lesson.explore(tmp_path / path)
    assert list(tmp_path.iterdir()) == []


def test_tokens_are_texts(lesson):
    with pytest.raises(TypeError, match="tokens must be the texts of tokens, got int"):
        lesson.explore(tokens=3)
    assert data_of(lesson.explore(tokens="abc").html)["tokens"] == ["a", "b", "c"]


def test_large_pages_warn_and_larger_ones_are_refused(monkeypatch, lesson):
    monkeypatch.setattr(module, "WARN_ABOVE", 10_000)
    with pytest.warns(UserWarning, match=r"0\.\d MB: explore a part"):
        lesson.explore()
    monkeypatch.setattr(module, "REFUSE_ABOVE", 10_000)
    with pytest.raises(ValueError, match=r"at most 0\.01 MB: explore a part"):
        lesson.explore()


def test_graphs_of_too_many_nodes_are_refused_at_once(monkeypatch, lesson):
    monkeypatch.setattr(module, "MOST_NODES", 5)
    with pytest.raises(ValueError, match="6 nodes, a page shows at most 5"):
        lesson.explore()


def test_EN2_without_an_engine_the_page_is_written(monkeypatch, tmp_path, lesson):
    monkeypatch.setattr(engines, "ENGINES", tuple(replace(e, find=lambda: None) for e in engines.ENGINES))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lesson.explore(tmp_path / "x.html")
    page_text = (tmp_path / "x.html").read_text("utf-8")
    data = data_of(page_text)
    assert ["noEngine"] in data["notes"]
    assert "No layout engine was found, so boxes are in rows by depth: python -m pip install graphviz-pure" in page_text


def test_graphs_on_shapes_and_graphs_of_gradients_have_pages():
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    for graph in (mg.trace(lambda x: ops.sum(x), np.ones(3)), mg.graph_of(ops.sum(x * x), gradients=True)):
        assert len(data_of(write_page(graph))["nodes"]) == len(graph)


def test_the_files_of_the_page_are_in_the_package():
    folder = Path(module.__file__).parent / "page"
    assert {path.name for path in folder.iterdir()} == {*module.SCRIPTS, "explorer.css", "explorer.html"}
