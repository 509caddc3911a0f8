"""How long pictures and explorer pages take, and how large they are: a table, the minimum of three rounds each.

    python tests/bench/pictures.py

The explorer is opened in headless Chromium from its file, where selenium, chromium and chromedriver are installed;
"ready" is the time from the beginning of the navigation to the mark that the page sets when it can be used.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import minigrad as mg
from minigrad.graph import Graph

ROUNDS = 3
PAGES = ((5, "220 nodes"), (9, "over 212 operations"), (15, "630 nodes"), (26, "over 628 operations"))  # by layers


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder))
        pages(Path(folder))


def pictures(folder: Path) -> None:
    print(f"{'picture':<42}{'boxes':>7}{'kB':>8}{'seconds':>9}")
    for name, graph, options in (
        ("three tokens, values and gradients", three_tokens(), {"values": True, "gradients": True}),
        ("12 blocks", model(12, kept=False), {}),
        ("12 blocks, every node", model(12, kept=False), {"depth": 99}),
        ("38 blocks and their gradient", model(38, kept=False, gradients=True), {}),
        ("chain of 10,000 operations", chain(10_000), {}),
        ("chain of 100,000 operations", chain(100_000), {}),
    ):
        path = folder / "picture.svg"
        seconds = shortest(partial(graph.draw, path, **options))
        drawn = path.read_text("utf-8")
        boxes = drawn.count('class="node"')
        print(f"{f'{name}, {len(graph):,} nodes':<42}{boxes:>7}{len(drawn) / 1e3:>8.0f}{seconds:>9.2f}")


def pages(folder: Path) -> None:
    browser = started()
    print(f"\n{'page':<42}{'nodes':>7}{'ops':>6}{'kB':>8}{'written s':>11}{'ready ms':>10}")
    for layers, name in PAGES:
        graph, path = model(layers), folder / "page.html"
        seconds = shortest(partial(graph.explore, path))
        operations = sum(node.op is not None for node in graph)
        ready = "" if browser is None else f"{min(opened(browser, path) for _ in range(ROUNDS)):.0f}"
        size = path.stat().st_size / 1e3
        print(f"{name:<42}{len(graph):>7}{operations:>6}{size:>8.0f}{seconds:>11.1f}{ready:>10}")
    if browser is not None:
        browser.quit()


def model(layers: int, kept: bool = True, gradients: bool = False) -> Graph:
    rng = np.random.default_rng(0)
    language_model = mg.nn.LanguageModel(vocabulary=20, width=16, heads=2, layers=layers, context=8, rng=rng)
    tokens = rng.integers(0, 20, (2, 8))
    loss = mg.cross_entropy(language_model(tokens), tokens)
    if kept:
        loss.backward(keep=True)
    return loss.graph(gradients=gradients)


def three_tokens() -> Graph:
    tokens = mg.Tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]], requires_grad=True, name="tokens")
    query = mg.Tensor([1.0, 0.0], requires_grad=True, name="query")
    loss = mg.sum(mg.softmax(tokens @ query) @ tokens)
    loss.backward(keep=True)
    return loss.graph()


def chain(length: int) -> Graph:
    x = mg.Tensor(np.ones(2), requires_grad=True)
    for _ in range(length):
        x = x * 1.0
    return x.graph()


def shortest(call: Callable[[], Any]) -> float:
    """The time of the fastest of a few calls, in seconds."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def started() -> Any:
    """A browser, or None where there is none."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    try:
        from selenium import webdriver
    except ImportError:
        driver = None
    if not chromium or not driver:
        print("\nno selenium, chromium or chromedriver: pages are written and not opened")
        return None
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,900"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


def opened(browser: Any, path: Path) -> float:
    """Milliseconds from the navigation to the mark of the page."""
    browser.get(path.as_uri())
    while True:
        found: float | None = browser.execute_script(
            "return performance.getEntriesByName('ready')[0]?.startTime ?? null"
        )
        if found is not None:
            return found
        time.sleep(0.01)


if __name__ == "__main__":
    main()
