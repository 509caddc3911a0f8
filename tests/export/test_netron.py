"""The file in Netron, the usual viewer of ONNX, in Chromium without a window."""

import os
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from tests.drawing.explorer.conftest import start_browser
from tests.export.onnx_running import onnx, skip_without_onnx

skip_without_onnx()
netron = pytest.importorskip("netron", reason="netron is not installed: pip install netron==9.3.3")
pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def browser():
    """One that finds no machine but this one: the page would report to others."""
    yield from start_browser({}, "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost", "--window-size=1280,1600")


def wait_for(chrome, script):
    """What a script returns, as soon as that is something."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if found := chrome.execute_script(f"return {script}"):
            return found
        time.sleep(0.1)
    text = chrome.execute_script("return document.body.innerText")
    raise AssertionError(f"waited for {script}; Netron shows {text!r}")


@pytest.fixture
def show(browser):
    """`show(path)`: the file, opened, behind the notice that comes first."""

    def open_file(path):
        host, port = netron.start(str(path), address=("localhost", 0), browse=False)
        browser.chrome.get(f"http://{host}:{port}")
        wait_for(browser.chrome, "document.querySelector('#message-button')?.checkVisibility()")
        browser.chrome.find_element("id", "message-button").click()
        wait_for(browser.chrome, "document.querySelector('.edge-label')?.textContent")  # drawn last
        return browser.chrome

    yield open_file
    netron.stop()


def test_the_operators_are_shown_and_say_where_they_come_from(show, tmp_path):
    model = nn.LanguageModel(11, 8, 2, 1, 6, rng=np.random.default_rng(0)).eval()
    path = tmp_path / "model.onnx"
    mg.export.to_onnx(model, path, np.zeros((2, 6), int))
    chrome = show(path)
    shown = chrome.execute_script("return [...document.querySelectorAll('g.node')].map((x) => x.textContent)")
    for written in onnx.load(path).graph.node:
        assert any(written.op_type in text for text in shown), written.op_type
    lengths = chrome.execute_script("return [...document.querySelectorAll('.edge-label')].map((x) => x.textContent)")
    assert "batch×6×8" in lengths
    node = next(node for node in mg.trace(model, np.zeros((2, 6), int)) if node.name == "weights")
    softmax = chrome.find_element("id", f"node-name-{node.path}/Softmax")
    click = "arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))"  # also where a notice fades out
    chrome.execute_script(click, softmax.find_element("css selector", "g.node-item"))
    side = wait_for(chrome, "document.querySelector('#sidebar-content').innerText")
    for said in (node.path, node.expression, str(node.number), node.scope):
        assert said in side
    if folder := os.environ.get("MINIGRAD_SCREENSHOTS"):
        time.sleep(1)  # until the panel has come in
        chrome.save_screenshot(os.path.join(folder, "netron.png"))
