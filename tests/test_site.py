"""The site, as `python docs/site` builds it: complete, its links right, and nothing in it comes from elsewhere."""

import functools
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

import minigrad as mg

ROOT = Path(__file__).parent.parent
LOADS = {"src", "srcset", "poster", "data"}  # attributes whose files a browser fetches unasked; of links, `href`
FROM_ELSEWHERE = re.compile(r"""(?:@import\s+|url\(\s*)["']?(?:https?:)?//[^)]*""")
ANSWERS = {  # what someone who knows micrograd asks: the pages that are clicked, and the heading that answers
    "what is a node": ["docs/engine.html#a-value-that-remembers-where-it-came-from"],
    "why a topological order": ["docs/engine.html#the-sweep-and-why-its-order-matters"],
    "how the gradient of softmax comes about": ["docs/attention.html#softmax-a-matrix-that-is-never-formed"],
    "why .grad is None": ["docs/faq.html#why-is-grad-none"],
    "how to draw my own model": ["docs/drawing.html#models-closing-and-folding"],
}
pytestmark = [
    pytest.mark.deep,  # it is built in half a minute
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ["sphinx", "myst_parser", "furo", "nbformat"])),
        reason="the extra `docs` is not installed",
    ),
]


class Page(HTMLParser):
    """What a page links to, what it loads, its anchors, and its language."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.anchors, self.language = set(), set(), set(), None
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "html":
            self.language = found.get("lang")
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        self.loads |= {found[key] for key in LOADS & found.keys() if found[key]}
        if found.get("href"):
            (self.links if tag == "a" else self.loads).add(found["href"])


@functools.cache
def read(path):
    return Page(path)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, "docs/site", "--out", out], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def pages(site):
    return [path for path in sorted(site.rglob("*.html")) if "explorers" not in path.parts]


def test_links_and_files_are_there(pages):
    wrong = []
    for page in pages:
        for link in read(page).links | read(page).loads:
            place, anchor = urldefrag(unquote(link))
            target = (page.parent / place).resolve() if place else page
            target = Path(str(target).partition("?")[0])
            if re.match("[a-z]+:", place) or (page.name in ("search.html", "genindex.html") and not place):
                continue
            if not target.is_file() or (anchor and target.suffix == ".html" and anchor not in read(target).anchors):
                wrong.append(f"{page}: {link}")
    assert len(pages) > 100
    assert not wrong


def test_nothing_is_loaded_from_another_host(site, pages):
    loaded = {load for page in pages for load in read(page).loads}
    assert not {load for load in loaded if re.match("(?:https?:)?//", load)}
    texts = [path.read_text("utf-8") for kind in ("*.css", "*.html") for path in site.rglob(kind)]
    assert not [found for text in texts for found in FROM_ELSEWHERE.findall(text)]


def test_a_browser_without_a_network_asks_for_nothing_but_files(site):
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(driver)) as chrome:
        for name in ("index", "docs/drawing", "docs/faq", "docs/faq.zh", "reference/index", "search"):
            chrome.get((site / f"{name}.html").as_uri())
        events = [json.loads(entry["message"])["message"] for entry in chrome.get_log("performance")]
        asked = {
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        }
        said = [entry["message"] for entry in chrome.get_log("browser") if entry["level"] == "SEVERE"]
    assert len(asked) > 10
    assert not [url for url in asked if not url.startswith(("file:", "data:"))]
    assert not said


def test_every_document_is_in_the_navigation(site):
    links = {urldefrag(link)[0] for link in read(site / "search.html").links}  # the side bar, and nothing else
    for document in (ROOT / "docs").glob("*.md"):
        assert f"docs/{document.stem}.html" in links, document.name


def test_every_function_has_one_entry(pages):
    anchors = [anchor for page in pages if page.parent.name == "reference" for anchor in read(page).anchors]
    ours = [name for name, function in mg.registry.items() if function.__module__.partition(".")[0] != "tests"]
    assert {name for name in ours if anchors.count(f"minigrad.{name}") != 1} == set()


@pytest.mark.parametrize("question", ANSWERS)
def test_an_answer_is_three_clicks_from_the_first_page(site, question):
    here, path = site / "index.html", ANSWERS[question]
    assert len(path) <= 3
    for step in path:
        place, anchor = urldefrag(step)
        links = {(here.parent / urldefrag(link)[0]).resolve() for link in read(here).links if ":" not in link}
        here = site / place
        assert here.resolve() in links
        assert not anchor or anchor in read(here).anchors


def test_pages_say_their_language_and_lead_to_the_other(site):
    for chinese in (ROOT / "docs").glob("*.zh.md"):
        page, other = site / "docs" / f"{chinese.stem}.html", chinese.name.replace(".zh.md", ".html")
        assert (read(page).language, read(site / "docs" / other).language) == ("zh-CN", "en")
        assert other in read(page).links
        assert page.name in read(site / "docs" / other).links


def test_pages_with_code_can_be_had_as_notebooks(site):
    nbformat = pytest.importorskip("nbformat")
    for document in (ROOT / "docs").glob("*.md"):
        blocks = re.findall(r"^```(?:py|python)$", document.read_text("utf-8"), re.MULTILINE)
        page = site / "docs" / f"{document.stem}.html"
        found = [link for link in read(page).links if link.endswith(".ipynb")]
        assert len(found) == bool(blocks), document.name
        for link in found:
            cells = nbformat.read((page.parent / unquote(link)).resolve(), as_version=4).cells
            assert sum(cell.cell_type == "code" for cell in cells) == len(blocks)


def test_pictures_stand_on_light_and_on_dark_ground(site):
    shown = sorted((site / "_images").glob("*.svg"))
    assert shown
    assert not [picture.name for picture in shown if "prefers-color-scheme" in picture.read_text("utf-8")]
    text = (site / "docs" / "attention.html").read_text("utf-8")
    assert len(re.findall(r"<img[^>]*only-light", text)) == len(re.findall(r"<img[^>]*only-dark", text)) > 0
