"""TX1: whatever fonts a viewer has, texts are inside the shapes that they belong to, measured in Chromium."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from tests.graph.test_golden import EXAMPLES

ROOT = Path(__file__).parents[2]
FONTS = {"dejavu": "DejaVu Sans", "liberation": "Liberation Sans", "noto": "Noto Sans"}  # folders, and families in them
FOLDER = Path("/usr/share/fonts/truetype")
TOLERANCE = 0.25  # points; outlines are wider
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEASURE = """
<script>
const outside = [], seen = [];
for (const group of document.querySelectorAll("svg g[id]")) {
  const shapes = [...group.children].filter((part) => ["rect", "path", "ellipse"].includes(part.tagName));
  if (!shapes.length || !/-[nsguc]\\d+$/.test(group.id)) continue;
  for (const text of group.querySelectorAll("text")) {
    const box = text.getBBox(), middle = box.x + box.width / 2, height = box.y + box.height / 2;
    const around = shapes.map((shape) => shape.getBBox()).filter((area) =>
      area.x <= middle && middle <= area.x + area.width && area.y <= height && height <= area.y + area.height);
    seen.push(text.textContent);
    const inside = around.length && around.every((area) =>
      area.x - TOLERANCE <= box.x && box.x + box.width <= area.x + area.width + TOLERANCE);
    if (!inside) outside.push([group.closest("section").id, group.id, text.textContent, box.width]);
  }
}
document.body.innerHTML = "";
document.body.append(JSON.stringify({outside, seen: seen.length}));
</script>
""".replace("TOLERANCE", str(TOLERANCE))

pytestmark = [
    pytest.mark.deep,
    pytest.mark.skipif(CHROMIUM is None, reason="texts are measured in Chromium, which is not installed"),
]


def list_pictures(demos: dict[str, Path]) -> Iterator[tuple[str, str]]:
    """Those of the documents, and from each engine the demo's, the golden ones and some with everything in them."""
    for path in sorted(ROOT.glob("docs/pictures/*.svg")):
        yield path.stem, path.read_text("utf-8")
    for engine, folder in demos.items():
        for path in sorted(folder.glob("*.svg")):
            yield f"demo-{path.stem}-{engine}", path.read_text("utf-8")
        for name, (graph, options) in graphs().items():
            path = Path(f"{name}.svg")
            graph.draw(path, engine=engine, legend=True, **options)
            yield f"{name}-{engine}", path.read_text("utf-8")


def graphs() -> dict[str, tuple[Any, dict[str, Any]]]:
    rng = np.random.default_rng(0)
    query, key, value = (
        mg.Tensor(rng.normal(size=(6, 8)), requires_grad=True, name=name) for name in ("Wq", "Wk", "Wv")
    )
    context = mg.scaled_dot_product_attention(query, key, value)
    model = mg.nn.Encoder(3, width=4, heads=2, rng=rng)
    names = ("Ωβγ", "ünïcödé", "WWWWWWWWMMMMMMM", "iiiilllll", "查询键", "x₁²→∂y/∂x", "a_b_c (d, e) [f]")
    odd = [mg.Tensor(10.0 ** rng.integers(-9, 9, (2, 3)) * -1.5, requires_grad=True, name=name) for name in names]
    loss = mg.sum(mg.tanh(mg.stack(odd)))
    loss.backward(keep=True)
    total = mg.sum(context)
    golden = {name: (make(*arguments), {}) for name, (make, *arguments) in EXAMPLES.items()}
    return golden | {
        "gradient": (total.graph(gradients=True), {}),
        "closed": (model(np.ones((3, 4), np.float32)).graph(), {"depth": 1}),
        "numbers": (loss.graph(), {"values": True, "gradients": True}),
        "large": (loss.graph(), {"values": True, "font_size": 17}),
    }


@pytest.mark.parametrize("fonts", FONTS)
def test_TX1_no_text_is_outside_its_shape(
    fonts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demos: dict[str, Path]
) -> None:
    if not (FOLDER / fonts).is_dir():
        pytest.skip(f"the fonts in {FOLDER / fonts} are not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fonts.conf").write_text(
        f"<fontconfig><dir>{FOLDER / fonts}</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>", "utf-8"
    )
    families = subprocess.run(
        ["fc-list", ":", "family"], env={**os.environ, "FONTCONFIG_FILE": f"{tmp_path}/fonts.conf"},
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert FONTS[fonts] in families
    sections = "".join(f'<section id="{name}">{svg}</section>' for name, svg in list_pictures(demos))
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8><body>{sections}{MEASURE}", "utf-8")
    page = subprocess.run(
        [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", f"{tmp_path}/page.html"],
        env={**os.environ, "FONTCONFIG_FILE": f"{tmp_path}/fonts.conf"}, capture_output=True, check=True, timeout=180,
    ).stdout.decode("utf-8")  # fmt: skip
    found = json.loads(unescape(re.search(r"<body>(.*)</body>", page, re.DOTALL)[1]))
    assert found["seen"] > 500
    assert found["outside"] == []
