"""TX1: whatever fonts a reader has, the texts of the explorer are inside their boxes, measured in Chromium."""

from __future__ import annotations

from pathlib import Path

import pytest

from minigrad.graph import Graph
from tests.drawing.explorer.conftest import start_browser
from tests.drawing.explorer.test_languages import loops, neighbours

FONTS = ("dejavu", "liberation", "noto")
FOLDER = Path("/usr/share/fonts/truetype")
OUTSIDE = """
    const outside = [];
    let seen = 0;
    for (const language of [0, 1]) {
      explorer.speak(language);
      for (const view of explorer.graph.views) {
        explorer.show(view);
        for (const { group, box } of explorer.drawing.boxes) {
          const [left, top, width, height] = box.at;
          for (const text of group.querySelectorAll("text")) {
            const room = text.getBBox();
            seen += 1;
            const [right, low] = [room.x + room.width, room.y + room.height];
            if (room.x < left || right > left + width || room.y < top - 1 || low > top + height + 1)
              outside.push([view.key, text.textContent, room.width, width]);
          }
        }
        for (const { title } of explorer.drawing.frames) {
          const [room, text] = ["rect", "text"].map((kind) => title.querySelector(kind).getBBox());
          if (text.x + text.width > room.x + room.width)
            outside.push([view.key, title.textContent, text.width, room.width]);
        }
      }
    }
    return [seen, outside.slice(0, 9)];
"""

pytestmark = pytest.mark.deep


@pytest.mark.parametrize("fonts", FONTS)
def test_TX1_no_text_of_a_page_is_outside_its_box(
    fonts: str, tmp_path: Path, model: Graph, lesson: Graph, demos: dict[str, Path]
) -> None:
    if not (FOLDER / fonts).is_dir():
        pytest.skip(f"the fonts in {FOLDER / fonts} are not installed")
    settings = tmp_path / "fonts.conf"
    settings.write_text(
        f"<fontconfig><dir>{FOLDER / fonts}</dir><cachedir>{tmp_path}/cache</cachedir></fontconfig>", "utf-8"
    )
    for browser in start_browser({"FONTCONFIG_FILE": str(settings)}):
        for engine, folder in demos.items():
            graphs = {"model": model, "lesson": lesson, "loops": loops(), "neighbours": neighbours()}
            for name, graph in graphs.items():
                graph.explore(tmp_path / f"{name}.html", engine=engine)
            for page in (folder / "explorer.html", *(tmp_path / f"{name}.html" for name in graphs)):
                browser.open(page)
                seen, outside = browser.run(OUTSIDE)
                assert seen > 10
                assert outside == []
