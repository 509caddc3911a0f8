"""The reference: an entry for each public name, from its signature and docstring, and the help of each command."""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import minigrad as mg
from minigrad.__main__ import make_parser
from minigrad.reference import find_family, make_title

ROOMS = ["minigrad", "minigrad.nn", "minigrad.optim", "minigrad.data", "minigrad.io", "minigrad.graph"]
SECTION = re.compile(r"^([A-Z]\w+):$")


def write_reference(folder: Path) -> list[str]:
    """Write all pages of the reference; returns those of functions, which the side bar lists."""
    folder.mkdir(parents=True)
    os.environ["COLUMNS"] = "100"  # of the help
    families: dict[str, list[Any]] = {}
    for function in mg.registry.values():
        families.setdefault(find_family(function), []).append(function)
    pages = {f"functions-{name.rpartition('.')[2]}": (name, functions) for name, functions in families.items()}
    written = [f"reference/{page}.md" for page in pages]
    for page, (name, functions) in pages.items():
        head = heading(make_title(name), importlib.import_module(name))
        entries = (describe("function", f"minigrad.{function.name}", function) for function in functions)
        (folder / f"{page}.md").write_text(head + "".join(entries), "utf-8")
    rooms = "".join(f"\n{describe_room(name)}" for name in ROOMS)
    (folder / "index.md").write_text(f"# The public names\n{rooms}", "utf-8")
    (folder / "cli.md").write_text(f"# The command line\n\n{describe_commands(make_parser())}", "utf-8")
    return written


def heading(title: str, module: Any, level: str = "#") -> str:
    return f"{level} {title}\n\n{to_markdown(inspect.getdoc(module) or '')}\n"


def describe_room(name: str) -> str:
    """The classes and functions of a module that are not in the registry: these have pages of their own."""
    module = importlib.import_module(name)
    found = {key: getattr(module, key) for key in sorted(dir(module)) if not key.startswith("_")}
    seen = {id(function) for function in mg.registry.values()}
    if name != "minigrad":  # what has its entry there
        seen |= {id(getattr(mg, key)) for key in dir(mg)}
    entries = []
    for key, value in found.items():
        ours = (getattr(value, "__module__", "") or "").startswith("minigrad") and callable(value)
        if ours and id(value) not in seen and (inspect.isclass(value) or inspect.isfunction(value)):
            entries.append(describe("class" if inspect.isclass(value) else "function", f"{name}.{key}", value))
    return heading(name, module, "##") + "".join(entries)


def describe(kind: str, name: str, value: Any) -> str:
    """An entry: signature, docstring; of a class also its methods."""
    methods = "".join(describe_methods(name, value)) if kind == "class" else ""
    body = f"{to_markdown(inspect.getdoc(value) or '')}\n{methods}"
    return f"\n:::::{{py:{kind}}} {name}{signature_of(value)}\n{body}:::::\n"


def describe_methods(name: str, cls: type) -> Iterator[str]:
    for key, member in vars(cls).items():
        call = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
        if key.startswith("_") or not (inspect.isfunction(call) or isinstance(member, property)) or not call.__doc__:
            continue
        kind, shown = ("property", "") if isinstance(member, property) else ("method", signature_of(call, bound=True))
        yield f"\n::::{{py:{kind}}} {name}.{key}{shown}\n{to_markdown(inspect.getdoc(call) or '')}\n::::\n"


def signature_of(value: Any, bound: bool = False) -> str:
    """The arguments and their defaults; types are in the stubs, for editors."""
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return "()"
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    text = str(signature.replace(parameters=parameters[bound:], return_annotation=inspect.Signature.empty))
    return re.sub(r"<(?:function |class ')?([\w.]+)[^>]*>", r"\1", text)


def to_markdown(docstring: str) -> str:
    """A docstring as Markdown: examples and indented lines as blocks of code, the arguments as a list."""
    blocks = []
    for paragraph in re.split(r"\n\s*\n", docstring):
        first, *rest = paragraph.split("\n")
        if first.startswith(">>>"):
            blocks.append(f"```pycon\n{paragraph}\n```")
        elif section := SECTION.match(first):
            lines = [re.sub(r"^    (\S)", r"- \1", line) for line in rest]
            blocks.append(f"**{section[1]}**\n\n" + "\n".join(line.replace("    ", "  ") for line in lines))
        elif first.startswith("    "):
            blocks.append(f"```text\n{inspect.cleandoc(paragraph)}\n```")
        else:
            blocks.append(paragraph)
    return "\n\n".join(blocks) + "\n"


def describe_commands(parser: argparse.ArgumentParser, level: str = "##") -> str:
    """What `--help` prints, of the parser and of those below it."""
    text = f"{level} {parser.prog}\n\n```text\n{parser.format_help()}```\n\n"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            text += "".join(describe_commands(below, "##") for below in action.choices.values())
    return text
