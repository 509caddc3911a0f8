"""How long pictures and explorer pages take, and how large they are: tables, the minimum of three rounds each.

    python tests/bench/pictures.py [--shapes]

With `--shapes` only the default pictures of graphs of every shape (`shapes.py`), laid out once by each engine: none may
take longer than 5 seconds, and every name must stand somewhere.
The explorer is opened in headless Chromium from its file, where selenium, chromium and chromedriver are installed;
"ready" is the time from the beginning of the navigation to the mark that the page sets when it can be used.
"""

import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from shapes import SHAPES

import minigrad as mg
from minigrad.drawing.boxes import View
from minigrad.drawing.engines import ENGINES, LayoutError
from minigrad.drawing.look import Look
from minigrad.drawing.painter import plan_picture
from minigrad.drawing.remarks import list_remarks_in_full
from minigrad.drawing.text import LONGEST_TOOLTIP
from minigrad.drawing.view import make_view
from minigrad.graph import Graph

ROUNDS = 3
MOST_SECONDS = 5.0
PAGES = ((5, "220 nodes"), (9, "over 212 operations"), (15, "630 nodes"), (26, "over 628 operations"))  # by layers


def main() -> None:
    shapes()
    if "--shapes" in sys.argv:
        return
    with tempfile.TemporaryDirectory() as folder:
        pictures(Path(folder))
        pages(Path(folder))


def shapes() -> None:
    engines = [engine.name for engine in ENGINES if engine.find()]
    columns = "".join(f"{f'{name} s':>11}" for name in engines)
    print(f"{'shape':<40}{'nodes':>7}{'boxes':>7}{'arrows':>8}{'cut':>6}{columns}  size in points")
    for name, make in SHAPES.items():
        graph = make()
        begin = time.perf_counter()
        shown = make_view(graph)
        prepared, row = time.perf_counter() - begin, ""
        for engine in engines:
            begin = time.perf_counter()
            try:
                size = plan_picture(shown, Look(), engine).places.size
            except LayoutError:
                row += f"{'stopped':>11}"
            else:
                seconds = prepared + time.perf_counter() - begin
                row += f"{seconds:>10.2f}{'!' if seconds > MOST_SECONDS else ' '}"
        counts = f"{len(graph):>7}{len(shown.boxes):>7}{len(shown.arrows):>8}{len(shown.cut):>6}"
        print(f"{name:<40}{counts}{row}  {size[0]:,.0f} × {size[1]:,.0f}")
        lost = unsaid_names(shown)
        if lost:
            print(f"    names that stand nowhere: {', '.join(lost[:10])}")


def unsaid_names(shown: View) -> list[str]:
    """The names of nodes that neither a label nor a tooltip has, as themselves or within a range."""
    lost: list[str] = []
    for box in shown.boxes:
        said = ", ".join([box.nodes[0].name or "", *list_remarks_in_full(shown, box)])[:LONGEST_TOOLTIP].split(", ")
        names = {node.name for node in box.nodes if node.name} - set(said)
        for first, _, last in (text.partition(" … ") for text in said):
            names -= {name for name in names if is_between(first, name, last)}
        lost += sorted(names)
    return lost


def is_between(first: str, name: str, last: str) -> bool:
    """Are the three the same but for their last number, which is in order?"""
    (low, a), (number, b), (high, c) = map(split_at_number, (first, name, last))
    return a == b == c and low <= number <= high


def split_at_number(name: str) -> tuple[int, tuple[str, str]]:
    found = re.fullmatch(r"(.*?)(\d+)(\D*)", name)
    return (int(found[2]), (found[1], found[3])) if found else (-1, (name, ""))


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
        boxes = len(re.findall(r'<g id="\w+-[nsgu]\d+"', drawn))
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
