"""`minigrad demo`: every part is shown, every file is written, and nothing that is not installed is needed."""

import contextlib
import functools
import io
import os
import re
import signal
import sys
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from minigrad import data
from minigrad.__main__ import main
from minigrad.cli import demo, page
from minigrad.cli.run import Run
from minigrad.io import load_arrays

FILES = {
    "three_tokens.svg", "graph.svg", "attention_layer_0.svg", "attention_layer_1.svg", "loss.svg", "checks.svg",
    "model.safetensors", "explorer.html", "index.html",
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _short():
    """A piece of the text is enough, and the block is checked only once."""
    whole = data.python_topics()
    short = replace(whole, train=whole.train[:20_000], validation=whole.train[20_000:22_000])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "python_topics", lambda: short)
        patch.setattr(demo, "check_block", functools.cache(demo.check_block))
        yield


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The folder of a demo, and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "new"
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(io.StringIO()):
        assert main(["demo", "--quick", "--steps", "3", "--out", str(folder)]) == 0
    return folder, output.getvalue()


def page_of(folder):
    """The page, which is well-formed XML too."""
    return ElementTree.parse(folder / "index.html").getroot()


@pytest.mark.deep
def test_the_three_tokens_are_worked_out_and_printed(shown):
    table = {line.split()[0]: " ".join(line.split()[1:]) for line in shown[1].splitlines() if line.startswith("  ")}
    assert table["embeddings"].startswith("[[1, 0], [0, 1], [-1, -1]] ")
    assert table["query"].startswith("[1, 0] ")
    assert table["scores"] == "[1, 0, -1] [0.1797, 0.0661, -0.2458]"
    assert table["weights"] == "[0.6652, 0.2447, 0.09003] [1, 1, -2]"
    assert table["context"] == "[0.5752, 0.1547] [1, 1]"


def test_the_gradients_of_a_whole_block_are_checked(shown):
    report = shown[1]
    assert "gradients of orders 1 and 2 agree with finite differences" in report
    for part in ("x", "attention.query.weight", "attention_norm.gain", "feed_forward.down.bias", "cotangent"):
        assert f"\n2      {part} " in report


def test_training_is_compared_with_baselines_and_a_sample_printed(shown):
    for name in ("1-gram", "2-gram", "3-gram", "this model"):
        assert f"\n  {name} " in shown[1]
    assert "a sample of what it writes:\n\nThe " in shown[1]


def test_every_file_is_written_and_well_formed(shown):
    folder, output = shown
    assert {file.name for file in folder.iterdir()} == FILES
    for picture in folder.glob("*.svg"):
        assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"
    arrays, _ = load_arrays(folder / "model.safetensors")
    assert arrays["transformer.blocks.1.attention.query.weight"].shape == (96, 96)
    assert f"to look at: {folder / 'index.html'}\n" in output


def test_the_graph_holds_a_head_and_its_gradient(shown):
    text = (shown[0] / "graph.svg").read_text("utf-8")
    for name in ("scores", "weights", "context", "∂loss/∂query", "∂loss/∂key", "∂loss/∂value"):
        assert f">{name}<" in text


def test_the_page_shows_every_file_and_needs_nothing_else(shown):
    page = page_of(shown[0])
    links = {element.get(name) for element in page.iter() for name in ("src", "href") if element.get(name)}
    assert links == FILES - {"index.html"}
    assert not list(page.iter("script"))
    assert all(picture.get("alt") for picture in page.iter("img"))
    assert [heading.text[:2] for heading in page.iter("h2")] == ["1.", "2.", "3.", "4.", "5.", "6.", "Wh"]


def test_the_explorer_steps_through_the_trained_model(shown):
    folder, output = shown
    text = (folder / "explorer.html").read_text("utf-8")
    assert "<title>minigrad demo: a trained model</title>" in text
    assert "forward and backward, 97 nodes: explorer.html" in output


@pytest.mark.deep
def test_L3_the_same_seed_gives_the_same_bytes_and_old_files_are_named(shown, capsys):
    folder, _ = shown
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert main(["demo", "--quick", "--steps", "3", "--out", str(folder)]) == 0
    assert f"{folder} is there already; overwrites in it: three_tokens.svg, graph.svg, " in capsys.readouterr().out
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.deep
def test_without_the_extras_the_demo_does_what_it_can(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setenv("MINIGRAD_DOT", str(tmp_path / "no-such-program"))
    assert main(["demo", "--steps", "1", "--out", str(tmp_path / "out")]) == 0
    _, *first_lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in first_lines[:3]] == ["not", "graphviz-pure", "tqdm"]
    assert first_lines[3] == "to install: python -m pip install graphviz-pure tqdm"
    written = {file.name for file in (tmp_path / "out").iterdir()}
    pictures = {"three_tokens.dot", "graph.dot", *(name for name in FILES if re.match("attention|loss|checks", name))}
    assert written == pictures | {"model.safetensors", "explorer.html", "index.html"}
    assert (tmp_path / "out" / "graph.dot").read_text("utf-8").startswith("digraph {")
    assert "digraph {" in "".join(page_of(tmp_path / "out").itertext())


@pytest.mark.deep
def test_L2_an_output_that_knows_ascii_only(tmp_path, monkeypatch):
    output = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(output, encoding="ascii"))
    assert main(["demo", "--quick", "--steps", "1", "--out", str(tmp_path / "größe")]) == 0
    assert b"to look at: " in output.getvalue()
    assert b"/gr??e/index.html" in output.getvalue()
    assert {file.name for file in (tmp_path / "größe").iterdir()} == FILES


def test_L2_ctrl_c_in_training(tmp_path, monkeypatch, capsys):
    original, calls = Run._step, []

    def step(self, *batch):
        calls.append(batch)
        if len(calls) == 2:  # before, it was traced
            os.kill(os.getpid(), signal.SIGINT)
        return original(self, *batch)

    monkeypatch.setattr(Run, "_step", step)
    assert main(["demo", "--eager", "--out", str(tmp_path)]) == 130
    assert capsys.readouterr().out.endswith("interrupted after step 1 of 600\n")
    text = "".join(page_of(tmp_path).itertext())
    assert "interrupted after step 1 of 600" in text
    assert "not reached" in text


def test_the_page_fills_in_while_the_demo_runs(tmp_path, monkeypatch):
    """Each time it is whole, has more than before, and reloads itself until the demo is over."""
    seen = []
    original = page.Page._write

    def write(self, text):
        original(self, text)
        root = page_of(tmp_path)
        reloads = any(element.get("http-equiv") == "refresh" for element in root.iter("meta"))
        seen.append((reloads, "".join(root.itertext()).count("still at work")))
        pictures = [element.get("src") for element in root.iter("img")]
        assert all((tmp_path / picture).exists() for picture in pictures)

    monkeypatch.setattr(page.Page, "_write", write)
    assert main(["demo", "--quick", "--steps", "2", "--out", str(tmp_path)]) == 0
    *meanwhile, last = seen
    assert all(reloads for reloads, _ in meanwhile)
    assert last == (False, 0)
    waiting = [count for _, count in meanwhile]
    assert waiting == sorted(waiting, reverse=True)
    assert len(set(waiting)) > 6


def test_a_demo_that_fails_leaves_a_page_that_stands_still(tmp_path, monkeypatch):
    def fail():
        raise RuntimeError

    monkeypatch.setattr(demo, "check_block", fail)
    with pytest.raises(RuntimeError):
        main(["demo", "--quick", "--out", str(tmp_path)])
    root = page_of(tmp_path)
    assert [element.get("name") for element in root.iter("meta")] == [None, "viewport"]
    assert "[0.6652, 0.2447, 0.09003]" in "".join(root.itertext())


@pytest.mark.deep
def test_a_slow_machine_ends_training_early_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(demo, "LONGEST_TRAINING", 0.0)
    monkeypatch.setattr(demo, "MODEL", replace(demo.MODEL, steps=100, width=8))
    assert main(["demo", "--out", str(tmp_path)]) == 0
    early = "training stopped at step 1 of 100, when its time was up"
    assert f"{early}; with --steps N it does not\n" in capsys.readouterr().out
    assert early in [paragraph.text for paragraph in page_of(tmp_path).iter("p")]
