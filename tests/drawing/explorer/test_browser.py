"""The page in a browser: Chromium, without a window."""

import base64
import gzip
import json
import re
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import ops
from minigrad.core.op import Op
from minigrad.drawing.explorer import layouts, samples
from minigrad.drawing.explorer.explore import SCRIPTS, _read, write_page
from minigrad.drawing.phrases import ROWS
from minigrad.graph import Node
from tests.drawing.explorer.conftest import compute_samples, language_model

pytestmark = pytest.mark.deep

ARROW_RIGHT, ARROW_LEFT, ARROW_DOWN, END, HOME, ENTER, TAB = (
    "\ue014", "\ue012", "\ue015", "\ue010", "\ue011", "\ue007", "\ue004",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
def lesson_page(folder, lesson):
    lesson.explore(folder / "lesson.html", tokens=["I", "am", "here"])
    return folder / "lesson.html"


@pytest.fixture(scope="module")
def model_page(folder, model):
    model.explore(folder / "model.html")
    return folder / "model.html"


def changed(page, change):
    """The page with other data in it."""
    packed = re.search(r'id="graph">([^<]*)<', page)[1]
    data = json.loads(gzip.decompress(base64.b64decode(packed)))
    change(data)
    return page.replace(packed, base64.b64encode(gzip.compress(json.dumps(data).encode())).decode())


def test_EX1_one_request_and_no_error_while_everything_is_clicked(browser, model_page):
    browser.open(model_page)
    clicked = browser.run("""
        let count = 0;
        const click = (element) => { element.dispatchEvent(new MouseEvent("click", {bubbles: true})); count += 1; };
        for (const button of document.querySelectorAll("header button, footer button, #zoom button")) click(button);
        explorer.bar.stop();
        for (const view of explorer.graph.views) explorer.show(view);
        for (const view of explorer.graph.views.slice(0, 5)) {
          explorer.show(view);
          for (let i = 0; i < view.boxes.length; i += 1) click(document.querySelector(`[data-box="${i}"]`));
          for (const button of document.querySelectorAll("#panel button, #views button")) {
            if (button.isConnected) click(button);
          }
        }
        for (let i = 0; i < explorer.graph.nodes.length; i += 5) explorer.jump(i);
        for (const title of document.querySelectorAll("[data-frame]")) click(title);
        for (let i = 0; i <= explorer.graph.steps.length; i += 7) explorer.go(i);
        explorer.search("op:softmax");
        return count;
    """)
    assert clicked > 150
    assert browser.requests() == [model_page.as_uri()]
    assert browser.errors() == []


HOSTILE = [
    "<img src=x onerror=window.hacked=1>",
    "</script><script>window.hacked=1</script>",
    '" onmouseover="window.hacked=1',
    "javascript:window.hacked=1",
    "<svg onload=window.hacked=1>",
    "{{constructor}}",
    "查询",
    "\u202egnp.exe",
    "]]>--><b>",
    "\N{GRINNING FACE}",
    "__proto__",
    "constructor",
]


def test_EX2_H4_hostile_names_are_shown_as_typed_and_nothing_runs(browser, folder):
    x = mg.Tensor([1.0, np.inf], requires_grad=True, name="__proto__")
    for name in HOSTILE:
        with mg.scope(name.replace("/", "|")):
            x = ops.tanh(x) * 2.0
        x.name = name
    loss = ops.sum(x)
    loss.backward(keep=True)
    loss.graph().explore(folder / "hostile.html", title=HOSTILE[0], tokens=HOSTILE)
    browser.open(folder / "hostile.html")
    browser.run("""
        for (const view of explorer.graph.views) explorer.show(view);
        for (let i = 0; i < explorer.graph.nodes.length; i += 1) explorer.jump(i);
        for (let i = 0; i <= explorer.graph.steps.length; i += 1) explorer.go(i);
        explorer.show(explorer.graph.levels.at(-1));
    """)
    shown = browser.run("return [...document.querySelectorAll('#scene .title')].map((text) => text.textContent)")
    assert {name.replace("\u202e", "\\u202e") for name in HOSTILE} <= set(shown)
    assert browser.run("return document.querySelector('h1').textContent") == HOSTILE[0]
    assert browser.run("return window.hacked") is None
    assert (
        browser.run("return document.querySelectorAll('img, [onload], [onmouseover], script:not([type])').length") == 0
    )
    assert browser.errors() == []
    assert browser.requests() == [(folder / "hostile.html").as_uri()]


def test_EX2_H6_what_is_injected_neither_runs_nor_loads(browser, lesson_page):
    browser.open(lesson_page)
    browser.run("""
        const script = document.createElement("script");
        script.textContent = "window.hacked = 1";
        const remote = document.createElement("script");
        remote.src = "https://example.org/x.js";
        const image = new Image();
        image.src = "https://example.org/x.png";
        const frame = document.createElement("iframe");
        frame.src = "https://example.org/";
        const inline = document.createElement("div");
        inline.setAttribute("onclick", "window.hacked = 1");
        document.body.append(script, remote, image, frame, inline);
        inline.click();
        fetch("https://example.org/data").catch(() => {});
    """)
    time.sleep(0.3)
    assert browser.run("return window.hacked") is None
    assert browser.blocked()
    errors = browser.errors()
    assert len(errors) >= 5
    assert all("Content Security Policy" in error for error in errors)


@pytest.mark.parametrize("which", ["lesson_page", "model_page"])
def test_EX3_at_the_last_step_every_sum_is_the_gradient_and_back_is_the_beginning(browser, request, which):
    browser.open(request.getfixturevalue(which))
    state = "return [document.getElementById('scene').outerHTML, document.getElementById('panel').textContent]"
    before = browser.run(state)
    browser.keys(END)
    verdict = browser.run("return document.querySelector('.verdict').textContent")
    checked = browser.run("return explorer.graph.nodes.filter((node) => node.written.length).length")
    assert f"equals the engine's gradient, for all {checked} nodes" in verdict
    assert browser.run("return document.querySelector('.verdict.wrong')") is None
    browser.keys(HOME)
    after = browser.run(state)
    assert after[1] == before[1]
    assert re.sub(r" ?style=\"[^\"]*\"", "", after[0]) == re.sub(r" ?style=\"[^\"]*\"", "", before[0])


def test_EX3_every_step_can_be_taken_and_taken_back(browser, lesson_page):
    browser.open(lesson_page)
    last = browser.run("return explorer.graph.steps.length")
    said = [browser.run("return document.getElementById('sentence').textContent")]
    for _ in range(last):
        browser.keys(ARROW_RIGHT)
        said.append(browser.run("return document.getElementById('sentence').textContent"))
    assert len(set(said)) == last + 1
    for sentence in reversed(said[:-1]):
        browser.keys(ARROW_LEFT)
        assert browser.run("return document.getElementById('sentence').textContent") == sentence


def test_EX3_before_and_this_are_after(browser, lesson_page):
    """The second contribution to the embeddings, as it is written in the cells."""
    browser.open(lesson_page)
    browser.run("explorer.go(10)")
    maps = browser.run("""
        return [...document.querySelectorAll(".sums .map")].map(
          (map) => [...map.querySelectorAll(".number")].map((number) => Number(number.textContent.replace("−", "-"))))
    """)
    before, this, after = map(np.array, maps)
    assert before.size == 6
    np.testing.assert_allclose(before + this, after, atol=2e-4)
    assert browser.run("return document.querySelector('.operator').textContent") == "+="
    browser.run("explorer.go(8)")
    assert browser.run("return document.querySelector('.operator').textContent") == "="


def test_EX3_a_sum_that_is_not_the_gradient_is_found(browser, folder, lesson):
    def spoil(data):
        step = next(step for step in data["steps"] if step.get("target") == 0)
        data["arrays"].append([x + 0.001 for x in data["arrays"][step["this"]]])
        step["this"] = len(data["arrays"]) - 1

    path = folder / "wrong.html"
    path.write_text(changed(write_page(lesson), spoil), encoding="utf-8")
    browser.open(path)
    browser.keys(END)
    assert "embeddings do not add up" in browser.run("return document.querySelector('.verdict.wrong').textContent")


def test_EX5_a_page_of_630_nodes_is_below_a_megabyte_and_opens(browser, folder):
    graph = language_model(15)
    assert len(graph) >= 628
    graph.explore(folder / "large.html")
    assert (folder / "large.html").stat().st_size < 1_000_000
    browser.open(folder / "large.html")
    assert browser.run("return document.querySelectorAll('#scene [data-box]').length") <= 150
    assert browser.errors() == []


def test_EX6_every_box_is_reached_by_keys_alone_and_every_scope_opens_and_closes(browser, model_page):
    browser.open(model_page)
    browser.run("explorer.show(explorer.graph.viewOf.get('depth 1'))")
    for _ in range(40):
        browser.keys(TAB)
        if browser.run("return document.activeElement.closest('#scene') !== null"):
            break
    boxes = browser.run("return document.querySelectorAll('[data-box]').length")
    reached = set()
    for _ in range(boxes + 10):
        reached.add(browser.run("return document.activeElement.dataset.box ?? null"))
        browser.keys(ARROW_DOWN)
    assert reached - {None} == {str(number) for number in range(boxes)}
    closed = browser.run("return document.querySelector('.scope').dataset.box")
    browser.run("document.querySelector(`[data-box='${arguments[0]}']`).focus()", closed)
    scope = browser.run("return explorer.view.boxes[arguments[0]].scope", int(closed))
    browser.keys(ENTER)
    opened = "return explorer.view.clusters.some((cluster) => cluster.scope.startsWith(arguments[0]))"
    assert browser.run(opened, scope)
    browser.run(
        "[...document.querySelectorAll('[data-frame]')].find((f) => f.dataset.frame === arguments[0]).focus()", scope
    )
    browser.keys(ENTER)
    assert not browser.run(opened, scope)


def test_EX6_the_tab_key_goes_through_the_page_and_comes_back(browser, lesson_page):
    browser.open(lesson_page)
    seen = []
    for _ in range(60):
        browser.keys(TAB)
        seen.append(
            browser.run("return document.activeElement.id || document.activeElement.getAttribute('aria-label')")
        )
    for expected in ("query", "theme", "overview-button", "Play", "One step forwards", "Step", "Zoom in"):
        assert any(name and expected in name for name in seen), expected


def test_EX6_assistive_technology_hears_op_and_shape_of_every_node(browser, model_page, model):
    browser.open(model_page)
    browser.run("explorer.show(explorer.graph.levels.at(-1))")
    tree = browser.chrome.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    buttons = [node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "button"]
    assert all(buttons)
    for node in model:
        assert any((node.op or node.role) in name and f"shape {node.shape}" in name for name in buttons), node
    images = [
        node["name"]["value"] for node in tree if node.get("role", {}).get("value") == "image" and not node["ignored"]
    ]
    assert all(images)


def test_EX6_steps_are_announced(browser, lesson_page):
    browser.open(lesson_page)
    browser.keys(ARROW_RIGHT)
    live = "return document.querySelector('[aria-live=polite][role=status]').textContent"
    assert "scores gets its value" in browser.run(live)
    browser.run("explorer.go(10)")
    assert "from scores to embeddings" in browser.run(live)


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_EX7_nothing_overflows_at_any_width(browser, model_page, width):
    browser.open(model_page, width=width, height=844)
    states = ["select(null)", "choose(26)", "go(100)", "go(explorer.graph.steps.length)", "search('a')"]
    for state in (f"explorer.{state}" for state in states):
        browser.run(state)
        assert browser.run("return document.documentElement.scrollWidth") <= width, state
        beyond = browser.run("""
            return [...document.querySelectorAll("#panel *, header *, footer *")].filter((element) => {
              const box = element.getBoundingClientRect();
              return box.width && box.right > innerWidth + 1 && !element.closest("#results, #chapters"); // these scroll
            }).map((element) => element.outerHTML.slice(0, 100))
        """)
        assert beyond == [], state


def test_EX7_the_page_follows_the_theme_of_the_reader_and_the_button(browser, lesson_page):
    paper = "return getComputedStyle(document.body).backgroundColor"
    browser.open(lesson_page, prefers_color_scheme="light")
    light = browser.run(paper)
    browser.open(lesson_page, prefers_color_scheme="dark")
    dark = browser.run(paper)
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(13, 17, 23)")
    browser.run("document.getElementById('theme').click()")
    assert browser.run(paper) == light
    browser.run("document.getElementById('theme').click()")
    assert browser.run(paper) == dark


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_EX7_texts_have_enough_contrast(browser, model_page, scheme):
    browser.open(model_page, prefers_color_scheme=scheme)
    browser.run("explorer.choose(26); explorer.go(140); explorer.choose(26)")
    low = browser.run("""
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const rgb = (colour) => {
          canvas.clearRect(0, 0, 1, 1);
          canvas.fillStyle = colour;
          canvas.fillRect(0, 0, 1, 1);
          return [...canvas.getImageData(0, 0, 1, 1).data];
        };
        const light = ([r, g, b]) => [r, g, b].map((x) => x / 255)
          .map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4))
          .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = (element) => {
          for (let at = element; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour[3] > 250) return colour;
          }
          return rgb(getComputedStyle(document.body).backgroundColor);
        };
        return [...document.querySelectorAll("header *, footer *, #panel *, #views *")].filter((element) => {
          const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
          const unseen = element.closest("svg, [disabled]") || !element.getClientRects().length;
          if (!own || unseen) return false;
          const [a, b] = [light(rgb(getComputedStyle(element).color)), light(behind(element))];
          return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
        }).map((element) => `${element.className} ${element.textContent.slice(0, 40)}`);
    """)
    assert low == []


def test_EX7_nothing_moves_by_itself_where_motion_is_not_wanted(browser, lesson_page):
    running = "return document.getAnimations().length"
    browser.open(lesson_page, prefers_reduced_motion="no-preference")
    browser.run("explorer.go(10)")
    assert browser.run(running) > 0
    browser.open(lesson_page, prefers_reduced_motion="reduce")
    browser.run("explorer.go(10)")
    assert browser.run(running) == 0


def test_the_address_keeps_view_node_and_step(browser, model_page):
    browser.open(model_page)
    browser.run("explorer.open('transformer/blocks/1/attention'); explorer.go(60); explorer.choose(26)")
    browser.wait("return location.hash.includes('node=26')")
    address = browser.run("return location.href")
    shown = (
        "return [explorer.view.key, explorer.selection, explorer.step, document.getElementById('panel').textContent]"
    )
    before = browser.run(shown)
    browser.chrome.get("about:blank")
    browser.chrome.get(address)
    browser.wait("return 'ready' in document.documentElement.dataset")
    assert browser.run(shown) == before
    assert before[1:3] == [26, 60]


@pytest.mark.parametrize(
    "address", ["#view=<img>&node=99999&step=-3", "#node=__proto__", "#step=1e99", "#%%%", "#view=x"]
)
def test_an_address_that_says_nothing_sensible_is_ignored(browser, lesson_page, address):
    browser.chrome.get("about:blank")
    browser.chrome.get(lesson_page.as_uri() + address)
    browser.wait("return 'ready' in document.documentElement.dataset")
    assert browser.run("return explorer.selection") is None
    assert browser.run("return explorer.view === explorer.graph.views[0]")


@pytest.mark.parametrize(
    ("query", "matches"),
    [
        ("op:softmax", lambda node: node.op == "softmax"),
        ("shape:(16,)", lambda node: node.shape == (16,)),
        ("shape:(2, 8, 16) op:add", lambda node: node.shape == (2, 8, 16) and node.op == "add"),
        ("param", lambda node: node.role == "parameter"),
        ("blocks/1/attention weights", lambda node: node.path == "transformer/blocks/1/attention/weights"),
        ("grad:none", lambda node: node.gradient is None),
        ("grad:nan", lambda node: False),
        ("%7", lambda node: str(node.number).startswith("7")),
    ],
)
def test_searching_finds_the_nodes_that_are_meant(browser, model_page, model, query, matches):
    browser.open(model_page)
    browser.run("explorer.search(arguments[0])", query)
    found = browser.run("return explorer.finder.results.map((node) => node.number)")
    assert found == [node.number for node in model if matches(node)]
    if found:
        browser.keys(ENTER)
        assert browser.run("return explorer.selection") == found[0]
        assert browser.run("return document.querySelectorAll('.box.selected').length") == 1


def test_nan_gradients_are_found_and_counted(browser, folder):
    x = mg.Tensor([1.0, -1.0, 4.0], requires_grad=True, name="x")
    with np.errstate(all="ignore"):
        loss = ops.sum(ops.log(x))
        loss.backward(keep=True)
    loss.graph().explore(folder / "nan.html")
    browser.open(folder / "nan.html")
    browser.run("explorer.search('value:nan')")
    assert browser.run("return explorer.finder.results.map((node) => node.op)") == ["log", "sum"]
    assert "2 nodes with NaN" in browser.run("return document.getElementById('panel').textContent")
    browser.run("explorer.choose(1)")
    assert browser.run("return [...document.querySelectorAll('.odd')].map((e) => e.textContent)") == ["NaN1"]
    browser.keys(END)
    assert browser.errors() == []


def test_attention_is_shown_head_by_head_with_its_gradient(browser, model_page, model):
    weights = next(node for node in model if node.name == "weights")
    browser.open(model_page)
    browser.run("explorer.choose(arguments[0])", weights.number)
    rows = browser.run("return [...document.querySelectorAll('.head-row h4')].map((title) => title.textContent)")
    assert rows == ["sequence 0, head 0", "sequence 0, head 1", "sequence 1, head 0", "sequence 1, head 1"]
    assert browser.run("return document.querySelectorAll('.head-row .map').length") == 8


def test_tokens_are_written_beside_the_weights(browser, lesson_page):
    browser.open(lesson_page)
    browser.run("explorer.choose(3)")
    assert browser.run("return [...document.querySelectorAll('.token')].map((t) => t.textContent)")[:3] == [
        "I",
        "am",
        "here",
    ]


def test_a_node_in_a_closed_scope_is_jumped_to_where_it_is_drawn(browser, model_page, model):
    browser.open(model_page)
    browser.run("explorer.show(explorer.graph.levels[0])")
    number = next(node.number for node in model if node.name == "scores")
    browser.run("explorer.jump(arguments[0])", number)
    assert browser.run("return explorer.view.boxOf.get(arguments[0]).kind", number) == "node"


@pytest.mark.parametrize("backward", [False, True])
def test_without_kept_gradients_the_page_says_what_to_call(browser, folder, backward):
    x = mg.Tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = ops.sum(x * x)
    if backward:
        loss.backward()
    loss.graph().explore(folder / "plain.html")
    browser.open(folder / "plain.html")
    said = browser.run("return document.body.innerText")
    assert "loss.backward(keep=True)" in said
    browser.keys(END)
    assert browser.errors() == []


def test_a_graph_on_shapes_can_be_read(browser, folder):
    mg.trace(lambda x: ops.sum(ops.exp(x)), np.ones((3, 4))).explore(folder / "shapes.html")
    browser.open(folder / "shapes.html")
    browser.run("explorer.choose(1)")
    assert "No values" in browser.run("return document.getElementById('panel').textContent")
    browser.keys(ARROW_RIGHT, END, HOME)
    assert "No steps" in browser.run("return document.getElementById('steps').textContent")
    assert browser.errors() == []


def training_step():
    weight = mg.Tensor([1.0, 2.0], requires_grad=True, name="weight")

    def step(x):
        loss = ops.sum(ops.square(weight * x))
        loss.backward()
        mg.assign(weight, mg.read(weight) - 0.1 * weight.grad)
        return loss

    return mg.trace(step, np.ones(2))


def kept(loss):
    loss.backward(keep=True)
    return loss.graph()


def parameter(data):
    return mg.Tensor(data, requires_grad=True, name="x")


ODD_GRAPHS = {
    "one leaf": lambda: mg.graph_of(parameter(1.0)),
    "nothing": lambda: mg.trace(lambda: 1.0),
    "a training step": training_step,
    "empty arrays": lambda: kept(ops.sum(parameter(np.ones((0, 4))) * 2.0)),
    "all not finite": lambda: kept(ops.sum(parameter([np.nan, np.inf, -np.inf]) * 2.0)),
    "huge and tiny": lambda: kept(ops.sum(parameter([1e300, -1e-300, 0.0]) * 2.0)),
    "five axes": lambda: kept(ops.sum(parameter(np.ones((2, 2, 2, 3, 3))) * 2.0)),
    "booleans and integers": lambda: kept(ops.sum(ops.where(np.array([True, False]), parameter([1.0, 2.0]), 0.0))),
    "second derivatives": lambda: mg.graph_of(
        mg.grad(ops.sum(ops.tanh(x := parameter([1.0, 2.0]))), x, create_graph=True).sum(), gradients=True
    ),
}


@pytest.mark.parametrize("name", ODD_GRAPHS)
def test_odd_graphs_have_a_page_without_errors(browser, folder, name):
    graph = ODD_GRAPHS[name]()
    graph.explore(folder / "odd.html")
    browser.open(folder / "odd.html")
    browser.run("""
        for (let i = 0; i < explorer.graph.nodes.length; i += 1) explorer.jump(i);
        for (let i = 0; i <= explorer.graph.steps.length; i += 1) explorer.go(i);
        for (const view of explorer.graph.views) explorer.show(view);
    """)
    assert browser.errors() == []
    assert browser.run("return document.querySelectorAll('[data-box]').length") >= len(graph)
    if browser.run("return explorer.graph.backwardSteps"):
        assert "equals the engine's gradient" in browser.run("return document.querySelector('.verdict').textContent")
    assert browser.run("return document.getElementById('panel').textContent.match(/undefined|\\[object|null/)") is None


def test_the_frame_of_notebooks_shows_the_page(browser, folder, lesson):
    path = folder / "notebook.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{lesson.explore()._repr_html_()}", encoding="utf-8")
    browser.chrome.get(path.as_uri())
    browser.chrome.switch_to.frame(0)
    try:
        browser.wait("return 'ready' in document.documentElement.dataset")
        browser.run("explorer.go(10)")
        assert browser.run("return document.querySelectorAll('[data-box]').length") == 6
    finally:
        browser.chrome.switch_to.default_content()


def test_without_scripts_there_is_a_picture(browser, lesson_page):
    browser.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.chrome.get(lesson_page.as_uri())
        picture = browser.chrome.find_element("css selector", "svg.still")
        assert picture.size["width"] > 300
        assert "softmax" in picture.text
    finally:
        browser.chrome.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture(scope="module")
def walk_page(folder, model):
    model.explore(folder / "walk.html", lesson="head_backward")
    return folder / "walk.html"


def test_a_lesson_is_walked_with_the_arrow_keys_left_and_taken_up_again(browser, walk_page):
    browser.open(walk_page)
    sentence = "return document.querySelector('.walk-sentence')?.textContent ?? null"
    said = [browser.run(sentence)]
    stops = browser.run("return explorer.graph.lesson.length")
    for _ in range(stops - 1):
        browser.keys(ARROW_RIGHT)
        said.append(browser.run(sentence))
    assert len(set(said)) == stops
    assert said[0].startswith("The backward pass reaches the head here")
    assert browser.run("return explorer.graph.nodes[explorer.graph.steps[explorer.step - 1].target].called") == "key"
    browser.keys(ARROW_LEFT)
    assert browser.run(sentence) == said[-2]
    before = browser.run("return explorer.step")
    browser.run("document.querySelector('#walk [aria-label=\"Leave the walk\"]').click()")
    assert browser.run(sentence) is None
    browser.keys(ARROW_RIGHT)
    assert browser.run("return explorer.step") == before + 1
    browser.run("document.querySelector('#walk button').click()")
    assert browser.run(sentence) == said[-2]
    assert browser.errors() == []


def test_the_whole_page_speaks_the_language_of_the_button(browser, walk_page):
    browser.open(walk_page)
    browser.run("document.getElementById('language').click()")
    assert browser.run("return document.documentElement.lang") == "zh"
    for state in (
        "select(null, true)",
        "choose(26)",
        "go(100)",
        "go(5)",
        "go(explorer.graph.steps.length)",
        "search('x')",
    ):
        browser.run(f"explorer.{state}")
        shown = browser.run("return document.getElementById('page').innerText").replace("The backward pass reaches", "")
        assert re.search(r"[一-鿿]", shown)
        assert not re.search(r"\b(gradient|Backward|Forward|Used by|shown|nodes)\b", shown), state
    labels = browser.run("return [...document.querySelectorAll('button[aria-label]')].map((e) => e.ariaLabel)")
    assert not [label for label in labels if re.match(r"[A-Z][a-z]+ ", label)]
    browser.run("document.getElementById('language').click()")
    assert "Steps" in browser.run("return document.getElementById('steps').ariaLabel")


def test_every_text_of_the_page_is_there_in_both_languages_and_asked_for():
    assert not set(ROWS) & set(re.findall(r'^  "?([^":]+)"?: \[', _read("texts.js"), re.M))
    notes = [Path(module.__file__).read_text("utf-8") for module in (layouts, samples)]
    scripts = "\n".join([*notes, _read("explorer.html"), *(_read(name) for name in SCRIPTS if name != "texts.js")])
    rows = re.findall(
        r'^  "?([\w ]+?)"?: \[\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)",?\s*\],', _read("texts.js"), re.M
    )
    assert len(rows) > 150
    for key, english, chinese in rows:
        assert set(re.findall(r"\{\d\}", english)) == set(re.findall(r"\{\d\}", chinese)), key
        family = key.split(" ")[0]
        assert f'"{key}"' in scripts or f"`{family} " in scripts or f'"{key.removeprefix(family + " ")}' in scripts, key


def test_TX7_the_first_view_has_at_most_eight_boxes_and_fills_the_screen(browser, model_page):
    for width, height in ((1280, 800), (390, 844)):
        browser.open(model_page, width=width, height=height)
        assert browser.run("return explorer.view.boxes.length") <= 8
        wide, high = browser.run("""
            const room = document.getElementById("canvas").getBoundingClientRect();
            const picture = document.getElementById("scene").getBoundingClientRect();
            return [picture.width / room.width, picture.height / room.height];
        """)
        assert 0.7 <= max(wide, high) <= 1


@pytest.mark.parametrize("frame", ["<details><summary>page</summary>{}</details>", "<div hidden>{}</div>"])
def test_TX8_a_page_that_is_seen_later_fits_when_it_is_seen(browser, folder, model, frame):
    inside = frame.format(model.explore()._repr_html_())
    path = folder / "later.html"
    path.write_text(f"<!DOCTYPE html><meta charset=utf-8>{inside}", encoding="utf-8")
    browser.open_plain(path)
    browser.run("const details = document.body.firstElementChild; details.open = true; details.hidden = false")
    browser.chrome.switch_to.frame(0)
    try:
        browser.wait("return 'ready' in document.documentElement.dataset")
        browser.wait("""
            const room = document.getElementById("canvas").getBoundingClientRect();
            const picture = document.getElementById("scene").getBoundingClientRect();
            const share = Math.max(picture.width / room.width, picture.height / room.height);
            const inside = picture.top >= room.top && picture.bottom <= room.bottom && picture.right <= room.right;
            return share >= 0.7 && inside;
        """)
    finally:
        browser.chrome.switch_to.default_content()


def test_TX5_attention_shows_every_token_and_the_row_of_the_one_that_is_pointed_at(browser, folder):
    rng = np.random.default_rng(0)
    scores = mg.Tensor(rng.standard_normal((2, 31, 31)), requires_grad=True, name="scores input")
    weights = ops.softmax(scores)
    weights.name = "weights"
    ops.sum(weights * rng.random((2, 31, 31))).backward(keep=True)
    tokens = [chr(97 + i % 26) for i in range(31)]
    weights.graph().explore(folder / "tokens.html", tokens=tokens)
    browser.open(folder / "tokens.html")
    browser.run("explorer.choose(1)")
    assert browser.run("return explorer.graph.nodes[1].grid.rows.places.length") == 31
    assert browser.run("return document.querySelectorAll('.token-button').length") == 31
    browser.run("document.querySelectorAll('.token-button')[4].click()")
    sentence = browser.run("return document.querySelector('.strip p:last-child').textContent")
    row = weights.numpy()[0, 4]
    assert sentence.startswith("“e” (place 4): most for")
    assert f"“{tokens[int(row.argmax())]}” {row.max():.3g}" in sentence
    assert "2 of 4" not in sentence


def test_TX9_layout_steps_are_passed_over_unless_they_are_asked_for(browser, model_page):
    browser.open(model_page)
    layout = "return explorer.step > 0 && Boolean(explorer.graph.steps[explorer.step - 1].layout)"
    count = browser.run("return explorer.graph.steps.filter((step) => step.layout).length")
    assert count > 10
    met = 0
    for _ in range(30):
        browser.keys(ARROW_RIGHT)
        met += browser.run(layout)
    assert met == 0
    browser.run("explorer.go(0); [...document.querySelectorAll('.choices input')].at(-1).click()")
    for _ in range(30):
        browser.run("explorer.move(1)")
        met += browser.run(layout)
    assert met > 3


def test_TX9_from_opening_to_where_the_gradient_of_the_scores_comes_from_in_six_keys(browser, model_page):
    browser.open(model_page)
    browser.keys("/", "s", "c", "o", ENTER, "g")
    title = browser.run("return document.querySelector('.card h2').textContent")
    assert title == "∂weights → ∂scores"
    formula = browser.run("return document.querySelector('.card .formula').textContent")
    assert formula.startswith("∂scores = weights · (∂weights − ")
    assert "∂scores[" in browser.run("return document.querySelector('.card .worked').textContent")


def test_chapters_are_gone_through_with_keys(browser, lesson_page):
    browser.open(lesson_page)
    titles = []
    for _ in range(6):
        browser.keys("n")
        titles.append(browser.run("return document.querySelector('#chapters [aria-current]').textContent"))
    assert titles == ["scores", "weights", "context", "loss", "∂loss", "∂context"]
    browser.keys("p")
    assert browser.run("return document.querySelector('#chapters [aria-current]').textContent") == "∂loss"


def test_a_hub_lights_up_where_its_arrows_are_cut(browser, folder):
    weight = mg.Tensor([0.5], requires_grad=True, name="W_hh")
    y = mg.Tensor([1.0], requires_grad=True, name="y")
    for _ in range(120):
        y = ops.tanh(y * weight)
    loss = ops.sum(y)
    loss.backward(keep=True)
    loss.graph().explore(folder / "hub.html")
    browser.open(folder / "hub.html")
    lit = "return [...document.querySelectorAll('.box.{}')].map((box) => box.getAttribute('aria-label').split(',')[0])"
    browser.run("""
        const { steps, nodes } = explorer.graph;
        explorer.go(1 + steps.findIndex((step, i) => i > 100 && nodes[step.node].op === "multiply"));
    """)
    assert browser.run(lit.format("feeds")) == ["W_hh"]
    browser.run("""
        const { forwardSteps, steps } = explorer.graph;
        explorer.go(1 + steps.findIndex((step, i) => i > forwardSteps + 100 && step.position === 1));
    """)
    assert browser.run("return explorer.view.boxes.length") > 120
    assert browser.run(lit.format("now")) == ["W_hh"]
    assert browser.run(lit.format("from")) == ["multiply"]
    assert browser.run(lit.format("feeds")) == []
    seen = browser.run("""
        const room = explorer.drawing.canvas.getBoundingClientRect();
        return new Promise((resolve) => setTimeout(() => {
          const { left, right, top, bottom } = document.querySelector(".box.from").getBoundingClientRect();
          resolve(room.left < left && right < room.right && room.top < top && bottom < room.bottom);
        }, 600));
    """)
    assert seen, "the box of the step, though its hub is far away"


def test_leaves_without_a_name_say_what_they_are_in_the_language_of_the_page(browser, folder):
    ops.exp(mg.Tensor([1.0], requires_grad=True)).graph().explore(folder / "leaf.html")
    browser.open(folder / "leaf.html")
    titles = "return [...document.querySelectorAll('#scene .title')].map((text) => text.textContent)"
    assert browser.run(titles) == ["parameter", "exp"]
    browser.run("explorer.speak(1)")
    assert browser.run(titles) == ["参数", "exp"]


@pytest.fixture(scope="module")
def loop_page(folder):
    """A loop within a loop."""
    y = mg.Tensor([1.0], requires_grad=True, name="y")
    for _ in range(30):
        for _ in range(5):
            y = ops.tanh(y * 0.5)
        y = ops.exp(y) + 1.0
    y.graph().explore(folder / "repeated.html")
    return folder / "repeated.html"


FRAMES = """
    return [...document.querySelectorAll("[data-frame]")].map((frame) => frame.getAttribute("aria-label"));
"""
CLOSED = """
    return [...document.querySelectorAll("#scene .box.stack")].map((box) => box.getAttribute("aria-label"));
"""


@pytest.mark.parametrize("hand", ["mouse", "keys", "touch"])
def test_what_is_repeated_closes_to_one_box_and_opens_again(browser, loop_page, hand):
    browser.open(loop_page)
    both = ["repeated 29 times, drawn once, Enter closes it", "repeated 5 times, drawn once, Enter closes it"]
    assert sorted(set(browser.run(FRAMES))) == both
    press(browser, hand, "[...document.querySelectorAll('[data-frame]')].find((f) => f.textContent.includes('29'))")
    assert [label for label in browser.run(FRAMES) if "29" in label] == []
    (label,) = (label for label in browser.run(CLOSED) if "29" in label)
    assert label == "repeated 29 times, (1,), Enter opens it"
    press(
        browser,
        hand,
        "[...document.querySelectorAll('#scene .box.stack')].find((b) => b.textContent.includes('29'))",
        2,
    )
    assert [label for label in browser.run(FRAMES) if "29" in label] == both[:1]
    press(browser, hand, "[...document.querySelectorAll('[data-frame]')].find((f) => f.textContent.includes('×5'))")
    assert browser.errors() == []


def press(browser, hand, found, times=1):
    """Click, touch or press Enter: once on frames, twice on boxes, which the first click selects."""
    if hand == "keys":
        browser.run(f"{found}.focus()")
        browser.keys(ENTER)
        return
    x, y = browser.run(f"""
        const {{ left, top, width, height }} = {found}.getBoundingClientRect();
        return [left + width / 2, top + height / 2];
    """)
    if hand == "touch":
        browser.touch(x, y)
        if times > 1:
            browser.run("document.querySelector('#panel button.primary').click()")
        return
    browser.click(x, y, times)


def test_every_turn_of_what_is_repeated_is_drawn_where_it_is_asked_for(browser, loop_page):
    browser.open(loop_page)
    few = browser.run("return explorer.view.boxes.length")
    browser.run("explorer.close('repeated 15'); explorer.select(explorer.view.boxes.find((box) => box.repeated))")
    buttons = "[...document.querySelectorAll('#panel button')]"
    browser.run(f"{buttons}.find((button) => button.textContent === 'Draw every turn').click()")
    assert browser.run("return explorer.view.boxes.length") > 300
    for _ in range(5):
        browser.run("document.querySelector('#views [aria-label=\"Less detail\"]')?.click()")
    assert browser.run("return explorer.view.boxes.length") < few


def test_a_walk_ends_where_the_reader_takes_steps_of_his_own(browser, walk_page):
    for keys in (END, "n"):
        browser.open(walk_page)
        assert browser.run("return explorer.walk.active")
        browser.keys(keys)
        assert not browser.run("return explorer.walk.active")
        assert browser.run("return document.querySelector('.walk-sentence')") is None


def test_keys_that_do_nothing_and_lists_of_nothing_are_not_shown(browser, folder):
    headings = "return [...document.querySelectorAll('#panel h3')].map((heading) => heading.textContent)"
    keys = "return document.querySelector('#panel .keys').textContent"
    mg.graph_of([]).explore(folder / "empty.html")
    browser.open(folder / "empty.html")
    assert browser.run(headings) == ["Keys"]
    mg.trace(lambda x: ops.exp(x), np.ones(3)).explore(folder / "traced.html")
    browser.open(folder / "traced.html")
    assert browser.run(headings) == ["Outputs", "Legend", "Keys"]
    assert "step" not in browser.run(keys)
    ops.exp(mg.Tensor([1.0], requires_grad=True)).graph().explore(folder / "steps.html")
    browser.open(folder / "steps.html")
    assert "one step forwards, backwards" in browser.run(keys)


def failed_recording():
    with pytest.raises(ValueError, match="matmul"), mg.recording() as made:
        mg.Tensor(np.ones(2), name="x") @ np.ones(3)
    return made.graph()


WITHOUT_STEPS = {
    "a leaf": (lambda: mg.graph_of(mg.Tensor([1.0], name="x")), "no operation", [""]),
    "captured": (lambda: mg.trace(ops.exp, np.ones(2)), "recorded on shapes", ["recorded on shapes"] * 2),
    "failed": (failed_recording, "no operation", ["", "", "could not be computed. ValueError: matmul"]),
}


@pytest.mark.parametrize("name", WITHOUT_STEPS)
def test_why_there_are_no_steps_and_no_values_is_said_truly(browser, folder, name):
    make, no_steps, no_values = WITHOUT_STEPS[name]
    make().explore(folder / "without-steps.html")
    browser.open(folder / "without-steps.html")
    bar, *panels = browser.run("""
        const texts = explorer.graph.nodes.map(({ number }) => {
          explorer.choose(number);
          return document.getElementById("panel").textContent;
        });
        return [document.querySelector("footer").textContent, ...texts];
    """)
    assert no_steps in bar
    for text, expected in zip(panels, no_values, strict=True):
        assert expected in text
        assert ("No value" in text) == bool(expected)


def list_unsaid(node, line):
    """Which operands and settings of a node do not stand in its line; what is switched off need not."""
    yield from (x.name for x in node.inputs if isinstance(x, Node) and x.name not in line)
    for name, value in node.params.items():
        if value is not None and value is not False and f"{name} = " not in line:
            yield name


def test_the_line_of_a_formula_has_every_operand_and_setting(browser, folder):
    functions = [function for function in mg.registry.values() if isinstance(function, Op) and not function.effect]
    graph = mg.graph_of([y for function in functions for y in compute_samples(function)])
    assert {node.op for node in graph} - {None} == {function.name for function in functions}
    graph.explore(folder / "formulas.html")
    browser.open(folder / "formulas.html")
    lines = browser.run("""
        return explorer.graph.nodes.map(({ number }) => {
          explorer.choose(number);
          return document.querySelector("#panel .formula")?.textContent;
        });
    """)
    unsaid = {node.op: list(list_unsaid(node, line)) for node, line in zip(graph, lines, strict=True) if node.op}
    assert {name: words for name, words in unsaid.items() if words} == {}
    assert "else operand2" in lines[next(node.number for node in graph if node.op == "where")]


def test_the_panel_lists_what_is_kept_for_backward(browser, lesson_page):
    browser.open(lesson_page)
    kept = browser.run("""
        return ["weights", "context", "loss"].map((name) => {
          explorer.choose(explorer.graph.nodes.find((node) => node.name === name).number);
          const sections = [...document.querySelectorAll("#panel section")];
          return sections.find((section) => section.textContent.startsWith("Kept")).textContent;
        });
    """)
    expected = ["ythe result itself", "x2embeddings.*x1weights.*in all", "Nothing"]
    for text, pattern in zip(kept, expected, strict=True):
        assert re.search(pattern, text), text


def test_broadcasting_that_is_undone_is_said(browser, folder):
    x, *added = (mg.Tensor(np.ones(shape), requires_grad=True) for shape in [(6, 8), (8,), (6, 1), (), (6, 8), (1, 1)])
    loss = ops.sum(sum(added, x))
    loss.backward(keep=True)
    loss.graph().explore(folder / "broadcast.html")
    browser.open(folder / "broadcast.html")
    notes = browser.run("""
        return explorer.graph.steps.map((_, i) => {
          explorer.go(i + 1);
          return document.querySelector(".card .note")?.textContent;
        });
    """)
    summed = [tuple(re.findall(r"axes ([\d, ]+), along.*: (.*)", note)[0]) for note in notes if note]
    expected = [("0, 1", "(1, 1)"), ("0, 1", "()"), ("1", "(6, 1)"), ("0", "(8,)")]
    assert summed == [(axes, f"(6, 8) → {shape}") for axes, shape in expected]


def test_chapters_of_a_loop_with_its_gradient_are_shown_once(browser, folder):
    weight, bias, h = (mg.Tensor([0.5], requires_grad=True, name=name) for name in ("W_hh", "b", "h0"))
    for _ in range(12):
        h = ops.tanh(h * weight + bias)
    loss = ops.sum(h)
    loss.name = "loss"
    loss.graph(gradients=True).explore(folder / "chapters.html")
    browser.open(folder / "chapters.html")
    shown = "return [...document.querySelectorAll('#chapters li')].map((item) => item.textContent)"
    assert browser.run("return explorer.graph.chapters.length") > 20
    at_first = browser.run(shown)
    assert len(at_first) < 10
    assert any(re.fullmatch(r"×\d+", text) for text in at_first)
    turns = set()
    for _ in range(30):
        browser.keys("n")
        said = browser.run(shown)
        assert len(said) < 10
        assert browser.run("return document.querySelectorAll('#chapters [aria-current]').length") == 1
        turns.update(text for text in said if text.startswith("turn"))
    assert len(turns) > 5
