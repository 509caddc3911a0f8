"""Source text: where a function stands in its file, which global names it loads, and changes of its text.

In come functions and syntax trees, out go lines, places and new text. Called by `Helpers`.
"""

from __future__ import annotations

import ast
import dis
import functools
import importlib.util
import linecache
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple

from minigrad.core.op import Op
from minigrad.graph.node import printable

PACKAGE = __name__.partition(".")[0]
PACKAGES = frozenset({"site-packages", "dist-packages"})  # where package managers put what they install


class NotWrittenError(Exception):
    """Why something cannot be written into a script, to be said with the name of what the program calls."""


class Edit(NamedTuple):
    """New text from one place to another; a place is a line and a column in bytes, as in `ast`."""

    begin: tuple[int, int]
    end: tuple[int, int]
    text: str


# --- finding source ---------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=64)
def definitions(source: str) -> dict[int, list[Any]]:
    """All that a file defines, by the line where it begins, which is that of the first decorator."""
    found: dict[int, list[Any]] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.setdefault(min(part.lineno for part in (node, *node.decorator_list)), []).append(node)
        elif isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
    return found


def source_of(function: FunctionType) -> tuple[list[str], Any]:
    """The lines of a function's file, and where it stands in them."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename, function.__globals__)
    here = definitions("".join(lines)).get(code.co_firstlineno, [])
    found = [
        node
        for node in here
        if (_is_lambda_of(node, code) if isinstance(node, ast.Lambda) else node.name == code.co_name)
    ]
    if not found:
        raise NotWrittenError(
            f"the source of {function.__qualname__} cannot be found in {code.co_filename}; define it in a file, "
            "rather than in a prompt or by exec, and start anew when the file has changed"
        )
    return lines, found[-1]  # of lambdas that hold each other, the inner one comes last


def _is_lambda_of(node: ast.Lambda, code: CodeType) -> bool:
    """Several lambdas may stand in a line: the code is of that one whose body holds all its instructions."""
    places = [(place[:3:2], place[1::2]) for place in code.co_positions() if None not in place and place[2] != place[3]]
    return code.co_name == "<lambda>" and all(begin(node.body) <= a and b <= end(node.body) for a, b in places)


def text_at(lines: list[str], node: Any) -> str:
    """The source of a node; of a statement as if it stood at the margin."""
    first, last = node.lineno - 1, node.end_lineno
    text = "".join(lines[first:last]).encode()
    tail = len(lines[last - 1].encode()) - node.end_col_offset
    cut = text[node.col_offset : len(text) - tail].decode()
    if not isinstance(node, ast.stmt):
        return cut
    strings = [part for part in ast.walk(node) if isinstance(part, (ast.Constant, ast.JoinedStr))]
    inside = {line for part in strings for line in range(part.lineno + 1, (part.end_lineno or 0) + 1)}
    margin = lines[first][: node.col_offset]
    return "\n".join(
        line if number in inside else line.removeprefix(margin) if line.startswith(margin) else line.lstrip(" \t\f")
        for number, line in enumerate(cut.split("\n"), node.lineno)
    )


def named(text: str, kind: str, old: str, new: str) -> str:
    """The text of a function or class, `kind` being how it begins, under another name."""
    found = re.match(rf"(?:async\s+)?{kind}\s+{re.escape(old)}\b", text)
    if not found:
        raise NotWrittenError(f"the source of {old} does not begin with `{kind} {old}`; write these two on one line")
    return text[: found.end() - len(old)] + new + text[found.end() :]


def codes_of(text: str) -> Iterator[CodeType]:
    """The code of a text, and of all that is defined in it."""
    stack = [compile(text, "<source>", "exec", annotations.compiler_flag, dont_inherit=True)]
    while stack:
        code = stack.pop()
        yield code
        stack += [constant for constant in reversed(code.co_consts) if isinstance(constant, CodeType)]


def local_names(text: str) -> set[str]:
    """What the functions and classes of a text call something of their own, as arguments do."""
    _, *inside = codes_of(text)
    found = {name for code in inside for name in (*code.co_varnames, *code.co_cellvars)}
    return found | {
        step.argval for code in inside for step in dis.get_instructions(code) if step.opname == "STORE_NAME"
    }


def global_loads(text: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The global names that the code of a text loads, with the line and column of each."""
    for code in codes_of(text):
        instructions = list(dis.get_instructions(code))
        own = {step.argval for step in instructions if step.opname == "STORE_NAME"}
        for step in instructions:
            local = step.opname == "LOAD_NAME" and step.argval in own
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and not local and step.positions is not None:
                yield step.argval, (step.positions.lineno, step.positions.col_offset)


def check_alone(tree: ast.AST) -> None:
    """Refuse what a function cannot do where it stands alone.

    Raises:
        NotWrittenError: it changes names of its module, or imports what is not installed.
    """
    for node in ast.walk(tree):
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            raise NotWrittenError(f"it changes {node.names[0]}, which lies outside; let it return new values instead")
        imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            imported = ["." if node.level else node.module or ""]
        for module in imported:
            if not is_installed(module.partition(".")[0]):
                raise NotWrittenError(f"it imports {module} while it runs; import that at the top of its file")


def is_installed(package: str) -> bool:
    """Whether it is imported rather than copied: Python's own, NumPy, and what a package manager installed."""
    if package in sys.stdlib_module_names and package != "__main__":
        return True
    if package in ("", "__main__", PACKAGE):
        return False
    found = importlib.util.find_spec(package)
    return found is not None and bool(PACKAGES.intersection(Path(found.origin or "").parts))


# --- editing ----------------------------------------------------------------------------------------------------------


def begin(node: Any) -> tuple[int, int]:
    return node.lineno, node.col_offset


def end(node: Any) -> tuple[int, int]:
    return node.end_lineno, node.end_col_offset


def instead_of(node: Any, text: str) -> Edit:
    return Edit(begin(node), end(node), text)


def before(node: Any, text: str) -> Edit:
    return Edit(begin(node), begin(node), text)


def as_declared(op: Op, call: ast.Call) -> Iterator[Edit]:
    """Arguments by position that NumPy's habits allow, and that the function which computes the op takes by name."""
    extra = call.args[len(op.arguments) :]
    if any(isinstance(argument, ast.Starred) for argument in call.args):
        return
    if op.variadic:
        if not extra or not isinstance(extra[0], (ast.List, ast.Tuple, ast.ListComp)):
            return
        yield before(extra[0], "*")
        extra = extra[1:]
    names = list(op.defaults)
    if len(extra) > len(names) == 1:  # as in reshape(x, 2, 3)
        yield before(extra[0], f"{names[0]}=(")
        yield Edit(end(extra[-1]), end(extra[-1]), ")")
    else:
        yield from (before(argument, f"{name}=") for name, argument in zip(names, extra, strict=False))


def as_docstring(text: str) -> str:
    """A literal over several lines, which ends where it should whatever is in it."""
    text = re.sub(r'"(?="|\Z)', r"\"", text.replace("\\", "\\\\"))
    return f'"""{chr(10).join(map(printable, text.split(chr(10))))}"""'


def without_doctests(node: Any) -> Iterator[Edit]:
    """The docstring up to its examples, which are written with Tensors."""
    first = None if isinstance(node, ast.Lambda) else node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        text, found, _ = first.value.value.partition(">>>")
        if found:
            text = text.rstrip()
            margin = f"\n{' ' * first.col_offset}" if "\n" in text else ""
            yield instead_of(first.value, as_docstring(text + margin))


def without_annotations(node: Any, text: str) -> Iterator[Edit]:
    """What annotations name is mostly not there; those of classes stay, since classes may be made from them."""
    lines = text.encode().split(b"\n")
    for part in ast.walk(node):
        if isinstance(part, ast.arg) and part.annotation is not None:
            name, (line, last) = (part.lineno, part.col_offset + len(part.arg.encode())), end(part.annotation)
            equals = lines[line - 1][last:].startswith(b" = ")
            yield Edit(name, (line, last + 3 * equals), "=" * equals)
        elif isinstance(part, ast.AnnAssign) and part.value is not None:
            yield Edit(end(part.target), end(part.annotation), "")
        elif isinstance(part, ast.FunctionDef) and part.returns is not None:
            line, column = begin(part.returns)
            arrow = lines[line - 1].rfind(b" ->", 0, column)
            if arrow >= 0:
                yield Edit((line, arrow), end(part.returns), "")


def edited(text: str, edits: Iterable[Edit]) -> str:
    lines = text.encode().split(b"\n")
    for (line, column), (last, last_column), new in sorted(edits, reverse=True):
        after = lines[last - 1][last_column:]
        lines[line - 1 : last] = [lines[line - 1][:column] + new.encode() + after]
    return b"\n".join(lines).decode()
