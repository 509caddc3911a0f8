"""Graphs that pages are made of, and the browser that opens them."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of
from minigrad.cli.lessons import three_tokens
from minigrad.core.modes import within
from minigrad.core.op import Op
from minigrad.graph import Graph
from minigrad.nn import LanguageModel


@pytest.fixture(scope="module")
def lesson() -> Graph:
    """Three tokens, one query; every gradient kept."""
    return three_tokens()["loss"].graph()


def language_model(layers: int) -> Graph:
    """A small transformer, its loss and every gradient."""
    rng = np.random.default_rng(0)
    model = LanguageModel(30, 16, 2, layers, 8, rng=rng)
    tokens, targets = rng.integers(0, 30, (2, 2, 8))
    loss = mg.cross_entropy(model(tokens), targets)
    loss.name = "loss"
    loss.backward(keep=True)
    return loss.graph()


def compute_samples(function: Op) -> Iterator[mg.Tensor]:
    """What the samples of an op make of Tensors with a name each."""
    for case in cases_of(function):
        args, params = case.arguments()
        inputs, params = function.bind(args, params)
        named = [x if x is None else mg.Tensor(x, name=f"operand{i}") for i, x in enumerate(inputs)]
        with np.errstate(all="ignore"), within(record=True):
            yield function(*named, **params)


@pytest.fixture(scope="session")
def model() -> Graph:
    return language_model(2)


def missing(what: str) -> NoReturn:
    """Skips, but not where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}, and CI must not skip")
    pytest.skip(what)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    yield from start_browser({})


def start_browser(environment: dict[str, str], *arguments: str) -> Iterator[Browser]:
    """Chromium with more in its environment, such as other fonts, and with more arguments."""
    try:
        from selenium import webdriver
    except ImportError:
        missing("selenium is not installed")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        missing("chromium or chromedriver is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    always = "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,800"
    for argument in (*always, *arguments):
        options.add_argument(argument)
    service = webdriver.ChromeService(driver, env=os.environ | environment)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=service)
    yield Browser(chrome)
    chrome.quit()


class Browser:
    """Chromium, with what the tests ask of it."""

    def __init__(self, chrome: Any) -> None:
        self.chrome = chrome

    def open(self, page: Path, width: int = 1280, height: int = 800, **media: str) -> None:
        """Opens a page, as wide and with the preferences that are wanted, and waits until it is ready."""
        self.chrome.get("about:blank")
        self.chrome.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )
        features = [{"name": name.replace("_", "-"), "value": value} for name, value in media.items()]
        self.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        for log in ("browser", "performance"):
            self.chrome.get_log(log)  # what was before is of no interest
        self.chrome.get(page.as_uri())
        self.wait("return 'ready' in document.documentElement.dataset")

    def open_plain(self, page: Path) -> None:
        """Opens a page that is not the explorer's own."""
        self.chrome.get(page.as_uri())

    def wait(self, script: str) -> None:
        for _ in range(200):
            if self.run(script):
                return
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for: {script}; the console says {self.chrome.get_log('browser')}")

    def run(self, script: str, *arguments: Any) -> Any:
        return self.chrome.execute_script(script, *arguments)

    def keys(self, *keys: str) -> None:
        from selenium.webdriver import ActionChains

        actions = ActionChains(self.chrome)
        for key in keys:
            actions.send_keys(key)
        actions.perform()

    def click(self, x: float, y: float, times: int = 1) -> None:
        """With the mouse, at a point of the window."""
        for count in range(1, times + 1):
            for kind in ("mousePressed", "mouseReleased"):
                where = {"x": x, "y": y, "button": "left", "clickCount": count}
                self.chrome.execute_cdp_cmd("Input.dispatchMouseEvent", {"type": kind, **where})

    def touch(self, x: float, y: float) -> None:
        """A tap with one finger."""
        self.chrome.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
        for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
            self.chrome.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        self.chrome.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})

    def requests(self) -> list[str]:
        """The addresses asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance")]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def blocked(self) -> bool:
        """Has the policy of the page stopped every request but its own since it was opened?"""
        events = [json.loads(entry["message"])["message"] for entry in self.chrome.get_log("performance")]
        asked = {
            event["params"]["requestId"]
            for event in events
            if event["method"] == "Network.requestWillBeSent"
            and not event["params"]["request"]["url"].startswith(("file:", "data:"))
        }
        stopped = {
            event["params"]["requestId"]
            for event in events
            if event["method"] == "Network.loadingFailed" and event["params"].get("blockedReason") == "csp"
        }
        return asked <= stopped

    def errors(self) -> list[str]:
        return [entry["message"] for entry in self.chrome.get_log("browser")]
