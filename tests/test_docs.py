"""The documents are true: their code runs, prints what they say and draws what they show; their links lead somewhere.

After a change that is meant, `MINIGRAD_UPDATE_GOLDEN=1` draws the pictures and writes the tables again.

Pages are read on light and on dark ground. A picture in Markdown is one file in the theme "auto": one line for whoever
writes and reads the text, for GitHub and for whatever else makes pages of it. The README shows its pictures by
`<picture>`, in a file for each theme, which follows what a reader chose on GitHub in every program that shows it.
"""

import contextlib
import importlib
import io
import os
import pkgutil
import re
import shlex
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

import minigrad
from minigrad.__main__ import main, make_parser
from minigrad.cli.arguments import CommandError
from minigrad.drawing.svg import write_svg
from minigrad.wording.habits import TABLES

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if ".zh" not in page.suffixes)]
"""What is run and checked here; the Chinese pages have the same code and pictures: see `test_chinese`."""
CONSOLE = re.compile(r"^\$ (minigrad .*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
DECIMAL = re.compile(r"\d+\.\d+")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN = {  # how a page shows a picture: the theme that it is drawn in, whatever the code beside it says
    re.compile(r"!\[[^\]]+\]\(([^)]+\.svg)\)"): "auto",
    re.compile(r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+\.svg)">'): "dark",
    re.compile(r'<img src="([^"]+\.svg)" alt="[^"]+">'): "light",
}
HABITS = re.compile(r"(?<=^<!-- habits: )(\S+) -->\n(?:\|.*\n)*", re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
COMMAND = re.compile(r"`minigrad (\w+ [^`]+)`")
COMPARISON = re.compile(r"<!-- comparison: begin -->.*<!-- comparison: end -->", re.DOTALL)
NUMBER = re.compile(r"\d[\d.,]*(?<![.,])")
SPEED = re.compile(  # a time, a pace or a share of another's time
    rf"({NUMBER.pattern})(?: ?[nµm]s\b| milliseconds| tokens(?:/s| (?:a|per) second)"
    r"| times (?:as (?:fast|slow|long)|faster|slower)| of (?:PyTorch|JAX|NumPy|MyGrad|autograd))"
)
SVG = "{http://www.w3.org/2000/svg}"

NEEDED = {
    "scale-out.md": ("jax", "flatbuffers"),
    "other-frameworks.md": ("torch", "torchviz", "jax", "scipy", "einops", "onnx"),
}
"""The libraries without which the code of a page is not run."""
DRAWN_ELSEWHERE = {"other-encoder.svg": ROOT / "docs" / "other-frameworks.md"}
"""Pictures that the README shows, and the page whose code draws them, as it needs such libraries."""

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


@pytest.mark.filterwarnings("ignore:distutils Version classes are deprecated:DeprecationWarning")  # in torchviz
@each_document
def test_code_prints_and_draws_what_the_document_says(document, tmp_path, monkeypatch, draw_again, interrupt_at):
    for library in NEEDED.get(document.name, ()):
        pytest.importorskip(library, reason=f"{library} is not installed: python -m pip install {library}")
    monkeypatch.chdir(tmp_path)
    text = document.read_text("utf-8")
    run_blocks(text, document.name, interrupt_at)
    for committed, theme in list_pictures_to_draw(document):
        drawn = tmp_path / committed.name
        assert drawn.exists(), f"no code in {document.name} draws {drawn.name}"
        expected = draw_again[drawn.read_text("utf-8")](theme)
        if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
            committed.write_text(expected, "utf-8", newline="\n")
        message = f"{committed.name} is out of date; see the docstring of {__name__}"
        assert shown(committed.read_text("utf-8")) == shown(expected), message


@pytest.fixture
def draw_again(monkeypatch):
    """By the text of each picture that is saved: what writes it in another theme."""
    writers = {}

    def write(sheet, theme, *rest, **options):
        text = write_svg(sheet, theme, *rest, **options)
        writers[text] = lambda theme: write_svg(sheet, theme, *rest, **options)
        return text

    monkeypatch.setattr("minigrad.drawing.convert.write_svg", write)
    return writers


def list_pictures(text):
    """Each picture that a page shows, and its theme."""
    return [(reference, theme) for pattern, theme in SHOWN.items() for reference in pattern.findall(text)]


def list_pictures_to_draw(document):
    """The pictures that the code of a document draws: those that it shows, and those that others show of it."""
    for page in DOCUMENTS:
        for reference, theme in list_pictures(page.read_text("utf-8")):
            if DRAWN_ELSEWHERE.get(Path(reference).name, page) == document:
                yield page.parent / reference, theme


def run_blocks(text, name, interrupt_at=None):
    """Run the `python` blocks in one namespace; a `text` block right after one is what it prints.

    In a `console` block lines that begin with $ are commands, each with what it prints: see `run_command`.
    """
    namespace = {"__name__": "__main__"}
    printed = None
    for block in BLOCK.finditer(text):
        language, content = block.groups()
        place = f"{name}, block at line {text.count(chr(10), 0, block.start()) + 1}"
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                try:
                    exec(compile(content, "example.py", "exec"), namespace)
                except Exception as error:
                    error.add_note(place)
                    raise
            printed = output.getvalue()
        elif language == "text":
            assert printed == content, place
            printed = None
        elif language == "console":
            for command, output in CONSOLE.findall(content):
                run_command(command, output, place, interrupt_at)


def run_command(command, expected, place, interrupt_at):
    """Run a command that begins with `minigrad`, and compare what it prints with what is `expected`.

    There, … stands for anything, alone on a line for any lines, ^C for a key that is pressed, and numbers with a
    decimal point are what they are on another machine, too, to a quarter or a tenth of one.
    """
    stop = re.search(r"\^C\ninterrupted after step (\d+)", expected)
    interrupt_at(int(stop[1]) if stop else 0)
    with contextlib.redirect_stdout(io.StringIO()) as output, contextlib.redirect_stderr(output):
        main(shlex.split(command)[1:])
    lines = [line for line in expected.rstrip("\n").split("\n") if line != "^C"]
    texts = [
        re.escape(DECIMAL.sub("±", line)).replace("±", f"({DECIMAL.pattern})").replace("…", ".*") for line in lines
    ]
    pattern = "".join(r"(?:.*\n)*?" if text == ".*" else text + r"\n" for text in texts)
    found = re.fullmatch(pattern, output.getvalue())
    assert found, f"{place}: {command}\n{output.getvalue()}"
    numbers = [float(number) for number in DECIMAL.findall(expected)]
    assert [float(number) for number in found.groups()] == pytest.approx(numbers, rel=0.25, abs=0.1), place


def shown(picture):
    """What a picture shows, wherever its layout engine puts it: each box and arrow with its texts and colours.

    Of a picture that no engine laid out, such as a heat map: all of it.
    """
    found = sorted(
        (group.get("id"), *(text.strip() for text in group.itertext() if text.strip()), *colours(group))
        for group in ElementTree.fromstring(picture).iter(f"{SVG}g")
        if re.fullmatch(r"\w+-[nsgucaf]\d+", group.get("id", ""))
    )
    return found or picture


def colours(group):
    return sorted({element.get(key, "") for element in group.iter() for key in ("fill", "stroke", "class")})


def test_pictures_that_show_something_else_are_told_apart(tmp_path):
    x = minigrad.Tensor([1.0, 2.0], requires_grad=True, name="x")
    pictures = {}
    for name, y in (("sum", minigrad.sum(x)), ("mean", minigrad.mean(x))):
        for direction in ("LR", "TB"):
            path = tmp_path / f"{name}_{direction}.svg"
            y.graph().draw(path, direction=direction)
            pictures[name, direction] = shown(path.read_text("utf-8"))
    assert pictures["sum", "LR"] == pictures["sum", "TB"] != pictures["mean", "TB"]


def test_a_wrong_output_and_an_error_are_noticed():
    with pytest.raises(AssertionError, match=r"x\.md, block at line 4"):
        run_blocks("```python\nprint(1)\n```\n```text\n2\n```\n", "x.md")
    with pytest.raises(ZeroDivisionError):
        run_blocks("```python\n1 / 0\n```\n", "x.md")


def test_a_command_that_prints_something_else_is_noticed(interrupt_at, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected = "train copy has no --target\n"
    run_command("minigrad train copy --target x", f"minigrad: {expected}", "x.md", interrupt_at)
    with pytest.raises(AssertionError, match=r"x\.md: minigrad train copy --target x\n +minigrad: train copy has no"):
        run_command("minigrad train copy --target x", "minigrad: …\nand more\n", "x.md", interrupt_at)
    shown = "…\n^C\ninterrupted after step 2 of 3; …\n"
    run_command("minigrad train copy --steps 3", shown, "x.md", interrupt_at)
    for rate, right in (("0.005", True), ("0.5", False)):
        with contextlib.nullcontext() if right else pytest.raises(AssertionError, match=r"x\.md"):
            expected = f"…\ntraining  4 steps of 64 sequences, AdamW, rate {rate}, seed 0\n…\n"
            run_command("minigrad train copy --steps 4", expected, "x.md", interrupt_at)


@each_document
def test_every_output_follows_the_code_that_prints_it(document):
    languages = [language for language, _ in BLOCK.findall(document.read_text("utf-8"))]
    outputs = [position for position, language in enumerate(languages) if language == "text"]
    assert outputs
    assert all(languages[position - 1] == "python" for position in outputs)


@each_document
def test_what_is_said_of_speed_is_quoted_from_the_benchmark(document):
    tables = COMPARISON.search((ROOT / "tests" / "bench" / "README.md").read_text("utf-8"))[0]
    assert list_unmeasured(document.read_text("utf-8"), tables) == []


def list_unmeasured(text, tables):
    """The numbers that say how fast something is and do not stand in the tables."""
    return sorted(set(SPEED.findall(text)) - set(NUMBER.findall(tables)))


def test_a_speed_that_was_not_measured_is_noticed():
    text = "A step takes 13.5 ms, 0.96 of PyTorch's time; 5,606 tokens a second are 2 times faster."
    assert list_unmeasured(text, "| minigrad-compiled | 13.5 (0.96) | 5,606 tokens/s |") == ["2"]
    assert list_unmeasured(text, "| minigrad-compiled | 113.5 (0.9) |") == ["0.96", "13.5", "2", "5,606"]


@each_document
def test_links_lead_to_files(document):
    for target in LINK.findall(document.read_text("utf-8")):
        assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_every_picture_is_shown_and_stands_on_light_and_on_dark_ground():
    places = set()
    for document in DOCUMENTS:
        text = document.read_text("utf-8")
        names = {theme: [] for theme in SHOWN.values()}
        for reference, theme in list_pictures(text):
            places.add(document.parent / reference)
            names[theme].append(Path(reference).name)
        assert names["dark"] == names["light"], f"{document.name}: a picture lacks its twin"
        assert text.count("<picture>") == len(names["dark"])
    assert places == set((ROOT / "docs").rglob("*.svg"))


def test_the_tables_for_those_who_come_from_pytorch_are_those_that_the_errors_read():
    page = ROOT / "docs" / "from-pytorch.md"
    text = page.read_text("utf-8")
    assert sorted(HABITS.findall(text)) == sorted(TABLES)
    expected = HABITS.sub(lambda found: f"{found[1]} -->\n{table_of_habits(TABLES[found[1]])}", text)
    if os.environ.get("MINIGRAD_UPDATE_GOLDEN") == "1":
        page.write_text(expected, "utf-8", newline="\n")
    assert page.read_text("utf-8") == expected, f"{page.name} is out of date; see the docstring of {__name__}"


def table_of_habits(habits):
    rows = [("in PyTorch", "here", ""), ("---", "---", "---")]
    rows += [(f"`{habit.there}`", f"`{habit.here}`", habit.why) for habit in habits]
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |") for row in rows)


def test_the_commands_that_are_named_are_read_as_they_stand():
    """A command without anything behind its name, such as `minigrad train`, stands for all that begin so."""
    named = [words for page in DOCUMENTS for words in COMMAND.findall(page.read_text("utf-8"))]
    assert len(named) >= 4
    for words in named:
        make_parser().parse_args(shlex.split(words))
    with pytest.raises(CommandError, match="required: -o/--out"):
        make_parser().parse_args(shlex.split(COMMAND.findall("`minigrad draw FILE.py:FUNCTION picture.svg`")[0]))


def test_the_index_names_every_room_and_document():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    rooms = {path.parent.name for path in (ROOT / "minigrad").glob("*/__init__.py")}
    pages = {path.name for path in (ROOT / "docs").glob("*.md") if not path.name.endswith(".zh.md")} - {"index.md"}
    for name in (*(f"`{room}/`" for room in rooms), *(f"]({page})" for page in pages)):
        assert name in index, name


def test_every_extra_is_named_where_installing_is_told():
    page = (ROOT / "docs" / "install.md").read_text("utf-8")
    for extra in tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]:
        assert f"`{extra}`" in page, extra


def test_what_the_readme_shows_of_other_frameworks_is_run_on_their_page():
    page = (ROOT / "docs" / "other-frameworks.md").read_text("utf-8")
    shown = [code for language, code in BLOCK.findall((ROOT / "README.md").read_text("utf-8")) if language == "py"]
    assert shown
    for line in "".join(shown).splitlines():
        assert f"\n{line}\n" in page, line


def test_every_error_of_minigrad_is_in_the_hierarchy_of_the_docs():
    index = (ROOT / "docs" / "index.md").read_text("utf-8")
    for module in pkgutil.walk_packages(minigrad.__path__, "minigrad."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert error.name == "einops"  # noqa: PT017  # a library that a whole module is about
    stack = [minigrad.MinigradError]
    while stack:
        error = stack.pop()
        stack += error.__subclasses__()
        assert f"`{error.__name__}`" in index


def test_the_engine_of_sixty_lines_has_no_more():
    """Of engine.md: the lines until it trains, of blocks that print nothing, and do without minigrad."""
    blocks = BLOCK.findall((ROOT / "docs" / "engine.md").read_text("utf-8").split("\n## 5.")[0])
    printing = [language == "text" for language, _ in blocks[1:]] + [False]
    engine = [
        code
        for (language, code), prints in zip(blocks, printing, strict=True)
        if language == "python" and not prints and "minigrad" not in code
    ]
    assert 50 < sum(1 for code in engine for line in code.splitlines() if line.strip()) <= 60
