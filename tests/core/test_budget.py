"""The engine stays small enough to be read in one sitting."""

import ast
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


def imported_at_the_top(path: Path) -> set[str]:
    """The modules of minigrad that a file imports when it is loaded; what stands under TYPE_CHECKING is not."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minigrad."):
            found.add(node.module)
    return found


def test_the_engine_with_all_it_imports_has_at_most_1250_code_lines():
    files, waiting = set(), set(CORE.glob("*.py"))
    while waiting:
        path = waiting.pop()
        files.add(path)
        imported = {
            CORE.parent.parent.joinpath(*module.split(".")).with_suffix(".py") for module in imported_at_the_top(path)
        }
        waiting |= imported - files
    counts = {str(path.relative_to(CORE.parent)): code_lines(path.read_text("utf-8")) for path in sorted(files)}
    assert 0 < sum(counts.values()) <= 1250, counts


def test_core_imports_nothing_to_its_right():
    """Except inside the body of the methods that reach right, one line each."""
    to_the_right = {"minigrad.graph", "minigrad.drawing"}
    allowed = {"minigrad.base", "minigrad.core"} | to_the_right
    for path in CORE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("minigrad"):
                room = ".".join(node.module.split(".")[:2])
                assert room in allowed, f"{path.name} imports {node.module}"
                assert room not in to_the_right or node.col_offset > 0, f"{path.name} imports {node.module} at its top"
