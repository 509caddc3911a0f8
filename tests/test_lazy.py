"""Names that are imported on first use: a package in a folder of its own, with a room that says when it is entered."""

import sys
from importlib import import_module, invalidate_caches

import pytest

import minigrad

PACKAGE = """\
from minigrad.lazy import serve

here = 0
serve(__name__, {__name__: ["room"], f"{__name__}.room": ["double", "half"]})
"""
ROOM = "def double(x): return 2 * x\ndef half(x): return x / 2\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "a_house"
    folder.mkdir()
    (folder / "__init__.py").write_text(PACKAGE, "utf-8")
    (folder / "room.py").write_text(ROOM, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    invalidate_caches()
    yield import_module("a_house")
    for name in ("a_house", "a_house.room"):
        sys.modules.pop(name, None)


def test_a_module_is_imported_when_a_name_of_it_is_first_used(package):
    assert "a_house.room" not in sys.modules
    assert package.double(3) == 6
    assert package.double is sys.modules["a_house.room"].double


def test_a_module_may_be_what_is_used_first(package):
    assert package.room.half(3) == 1.5
    assert package.room is sys.modules["a_house.room"]


def test_from_then_on_a_name_is_an_attribute_like_any_other(package):
    assert "half" not in vars(package)
    half = package.half
    assert vars(package)["half"] is half
    assert "double" not in vars(package)


def test_from_import_works_and_so_does_the_star(package):
    names = {}
    exec("from a_house import double", names)
    assert names["double"](2) == 4
    exec("from a_house import *", names)
    assert {"here", "room", "double", "half"} <= names.keys()


def test_what_is_not_imported_yet_is_listed(package):
    assert {"here", "room", "double", "half"} <= {*dir(package)}
    assert "a_house.room" not in sys.modules


def test_any_other_name_is_missing_and_a_habit_says_what_to_write(package):
    with pytest.raises(AttributeError, match="a_house has no attribute 'MultiheadAttention'"):
        package.MultiheadAttention
    with pytest.raises(AttributeError, match="no_grad"):
        minigrad.inference_mode
    assert not hasattr(package, "no_such_thing")
