"""The engine stays small enough to be read in one sitting, and the package within its budget."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import minigrad

CORE = Path(minigrad.__file__).parent / "core"


def code_lines(source: str) -> int:
    """Lines that are neither blank nor comment nor docstring."""
    documentation = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            documentation.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = enumerate(source.splitlines(), 1)
    return sum(1 for i, line in lines if line.strip() and not line.strip().startswith("#") and i not in documentation)


def test_code_lines_are_counted_as_defined():
    assert (
        code_lines('"""Doc\nstring."""\n\n# comment\nx = 1  # one\ndef f():\n    """Doc."""\n    return """a\nb"""\n')
        == 4
    )


MOST_LINES, MOST_FILES = 1_050, 12
MOST_OF_PACKAGE, MOST_OF_A_FILE = 26_100, 400
LATER = {"minigrad.wording", "minigrad.graph", "minigrad.drawing", "minigrad.decorate"}
"""What bodies of the engine may import: messages, what reads graphs, and the decorating of functions."""


def imports_of(path: Path) -> list[tuple[str, bool]]:
    """The modules of minigrad that a file imports when it runs, and whether when it is loaded."""
    tree = ast.parse(path.read_text("utf-8"))
    for_types = {
        node for block in tree.body if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for node in block.body
    }  # fmt: skip
    return [
        (node.module, node.col_offset == 0)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node not in for_types and f"{node.module}".startswith("minigrad")
    ]


def test_the_engine_is_small(capsys):
    counts = {path.name: code_lines(path.read_text("utf-8")) for path in sorted(CORE.glob("*.py"))}
    table = "\n".join(f"{lines:6,}  core/{name}" for name, lines in counts.items() if lines)
    with capsys.disabled():
        print(f"\n{table}\n{sum(counts.values()):6,}  of {MOST_LINES:,}")
    assert 0 < sum(counts.values()) <= MOST_LINES
    assert len([lines for lines in counts.values() if lines]) <= MOST_FILES


def test_the_package_and_its_files_are_not_too_large(capsys):
    """Every room, with what lies directly below the package as one of its own."""
    rooms, largest = Counter(), Counter()
    for path in CORE.parent.rglob("*.py"):
        lines = code_lines(path.read_text("utf-8"))
        first, *others = path.relative_to(CORE.parent).parts
        rooms[first if others else "files beside them"] += lines
        largest[str(path.relative_to(CORE.parent))] = lines
    total = rooms.total() - sum(rooms[room] for room in ("export", "foreign"))
    with capsys.disabled():
        print("", *(f"{lines:6,}  {room}" for room, lines in rooms.most_common()), sep="\n")
        print(f"{total:6,}  of {MOST_OF_PACKAGE:,}, without export and foreign")
    assert total <= MOST_OF_PACKAGE
    assert {file: lines for file, lines in largest.items() if lines > MOST_OF_A_FILE} == {}


def test_the_engine_imports_itself_alone_and_the_rest_where_it_is_asked_for():
    for path in CORE.glob("*.py"):
        for module, when_loaded in imports_of(path):
            room = ".".join(module.split(".")[:2])
            assert room == "minigrad.core" or (room in LATER and not when_loaded), f"{path.name} imports {module}"


def test_what_the_engine_loads_is_itself():
    """As Python sees it, in a process of its own: the package around it stays away."""
    code = (
        "import sys, types; package = types.ModuleType('minigrad'); package.__path__ = [sys.argv[1]]; "
        "sys.modules['minigrad'] = package; import minigrad.core.autodiff, minigrad.core.capture, minigrad.core.op; "
        "print(*sorted({name.split('.')[1] for name in sys.modules if name.startswith('minigrad.')}))"
    )
    command = [sys.executable, "-c", code, str(CORE.parent)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.split() == ["core"]
