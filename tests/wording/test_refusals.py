"""What the engine says where it refuses something: every name that it asks for is there, and makes an error."""

import ast
import inspect
from pathlib import Path

import minigrad as mg
from minigrad.wording import refusals

CORE = Path(mg.__file__).parent / "core"


def asked_for():
    """The names that the engine asks for, with the number of facts that it gives."""
    for path in sorted(CORE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("refusals."):
                yield node.func.attr, [*node.args, *node.keywords]


def test_the_engine_asks_for_errors_that_there_are_with_the_facts_that_they_take():
    asked = list(asked_for())
    assert len(asked) > 30
    for name, facts in asked:
        inspect.signature(getattr(refusals, name)).bind(*facts)


def test_every_error_is_asked_for():
    made = {name for name, value in vars(refusals).items() if inspect.isfunction(value)}
    of_others = {
        "describe",
        "name_of_function",
        "explain_failure",
        "shape_of",
        "caller_line",
        "make_call_error",
    }
    assert made - of_others - {name for name, _ in asked_for()} == {"why_nothing_is_behind"}
