"""Each page with code is a notebook too, which runs from its first cell to its last and prints what the page says."""

import importlib.util
import os
import re
from pathlib import Path

import pytest

from tests.test_docs import NEEDED

ROOT = Path(__file__).parent.parent
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if not page.name.endswith(".zh.md")]
nbformat = pytest.importorskip("nbformat", reason="the extra `docs` is not installed")
nbclient = pytest.importorskip("nbclient", reason="the extra `docs` is not installed")
pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def notebooks():
    """The module of the site that makes them."""
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "site" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_notebook_prints_what_its_page_says(page, notebooks, tmp_path):
    for library in NEEDED.get(page.name, ()):
        pytest.importorskip(library)
    assert notebooks.write_notebook(page, tmp_path / page.name)
    notebook = nbformat.read(tmp_path / f"{page.stem}.ipynb", as_version=4)
    expected = [printed(cell) for cell in notebook.cells if cell.cell_type == "code"]
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    found_from = os.pathsep.join(map(str, (ROOT, ROOT / "examples" / "fields")))
    client.execute(env={**os.environ, "PYTHONPATH": found_from})
    found = [printed(cell) for cell in notebook.cells if cell.cell_type == "code"]
    shown = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", "".join(cell.source for cell in notebook.cells))
    assert [name for name in shown if not (tmp_path / name).exists()] == []
    assert [y for x, y in zip(expected, found, strict=True) if x] == [x for x in expected if x]


def printed(cell):
    """What a cell prints, without JAX's colours; where a page's test says example.py, a notebook says which cell."""
    streams = (output for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")
    text = re.sub(r"\x1b\[[\d;]*m", "", "".join(stream.text for stream in streams))
    return re.sub(r"\b(example\.py|In\[\d+\])(?=:\d)", "cell", text)
