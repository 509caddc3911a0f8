"""The public names: what `minigrad.…` offers, to people and to type checkers."""

import ast
from pathlib import Path

import minigrad as mg


def test_every_op_is_public():
    for name, function in mg.registry.items():
        assert getattr(mg, name) is function, name


def test_every_public_name_is_exported_explicitly():
    """As `from … import name as name`: anything else a type checker takes for private."""
    tree = ast.parse(Path(mg.__file__).read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            assert all(alias.asname == alias.name for alias in node.names), ast.unparse(node)
