"""Imports go one way: what each room knows of the others, and what its readers know of the engine.

Imports for types alone count as any others. Those in the bodies of functions reach right: they are of methods such as
`loss.graph()`, whose annotations may name what they return.
"""

import ast
from pathlib import Path

import pytest

import minigrad as mg

PACKAGE = Path(mg.__file__).parent
# Each with the rooms that its files import | those that bodies of functions alone import.
ROOMS = {
    "core": "| wording graph drawing decorate",
    "wording": "core |",
    "decorate": "|",
    "lazy": "| wording",
    "memory": "|",
    "ops": "core wording |",
    "linalg": "wording ops |",
    "transforms": "core wording |",
    "graph": "core wording ops | drawing export",
    "drawing": "core graph | foreign",
    "checks": "core wording ops graph | compiler drawing",
    "nn": "core wording ops | io drawing",
    "optim": "core wording ops nn |",
    "io": "core wording nn optim |",
    "compiler": "core wording ops graph io | drawing",
    "export": "core ops graph nn io |",
    "foreign": "core ops graph |",
    "data": "core |",
    "report": "core checks drawing graph io |",
    "training": "core checks report | drawing",
    "reference": "core ops graph checks |",
    "stubs": "core ops |",
    "cli": "core wording memory ops graph drawing checks nn optim io data report training foreign | compiler",
    "__main__": "| core cli",
}
ENGINE = {  # the names that those who read graphs take from the engine, beside errors, arrays and nested structures
    "graph": "Tensor constant new_tensor Op registry grad Contribution Capture "
             "Storage array_of assign check_alive held_by memory_of storage_of "
             "Origin Place Watch Within current_mode expanded within",
    "compiler": "Tensor RESULT constant new_tensor Op Capture current_mode within "
                "CUT Storage array_of held_by next_id touch",
    "foreign": "Tensor new_tensor Op registry grad array_of Place current_mode within",
    "checks": "Tensor Operand new_tensor Op Function by_numpy grad Contribution sweep "
              "array_of assign held_by storage_of Watch Within expanded within",
    "export": "Tensor new_tensor Op array_of assign",
    "drawing": "Tensor",
}  # fmt: skip
EVERYBODYS = {"minigrad.core.errors", "minigrad.core.arrays", "minigrad.core.structure"}


def files_of(room):
    return sorted((PACKAGE / room).glob("**/*.py")) or [PACKAGE / f"{room}.py"]


def imports_of(path):
    """(module, name, place) of all that a file imports from the package; places are "run", "body" and "types"."""
    tree = ast.parse(path.read_text("utf-8"))
    places = dict.fromkeys(tree.body, "run")
    for block in tree.body:
        if isinstance(block, ast.If):
            places |= dict.fromkeys(block.body, "types")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and f"{node.module}".split(".")[0] == "minigrad":
            for alias in node.names:
                module = f"minigrad.{alias.name}" if node.module == "minigrad" else node.module
                yield module, alias.name, places.get(node, "body")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_knows_only_those_that_it_stands_on(room):
    found = {"run": set(), "body": set(), "types": set()}
    for path in files_of(room):
        for module, _, place in imports_of(path):
            found[place].add(module.split(".")[1])
    below, reached = ({*rooms.split()} for rooms in ROOMS[room].split("|"))
    assert (found["run"] | found["types"] - reached) - {room} == below
    assert found["body"] - {room} - below == reached


def test_every_room_is_listed_and_nobody_stands_on_himself():
    others = ("__init__", "__pycache__", "py.typed")
    assert {path.stem for path in PACKAGE.iterdir() if not path.name.startswith(others)} == {*ROOMS}
    waiting = {room: {*known.partition("|")[0].split()} for room, known in ROOMS.items()}
    while waiting:
        free = [room for room, below in waiting.items() if not below & waiting.keys()]
        assert free, f"these import each other: {sorted(waiting)}"
        for room in free:
            del waiting[room]


@pytest.mark.parametrize("room", ENGINE)
def test_readers_take_these_names_of_the_engine_and_no_others(room):
    found = {
        name for path in files_of(room) for module, name, _ in imports_of(path)
        if module.startswith("minigrad.core") and module not in EVERYBODYS
    }  # fmt: skip
    assert found == {*ENGINE[room].split()}
