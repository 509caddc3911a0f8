"""The record of public functions: pickled by name, declared once."""

import pickle
import subprocess
import sys

import pytest

import minigrad as mg
from minigrad.core.record import on_record, registry


def test_a_function_is_pickled_by_name():
    assert pickle.loads(pickle.dumps(mg.softmax)) is mg.softmax


def test_a_process_that_has_not_imported_the_module_imports_it(tmp_path, monkeypatch):
    (tmp_path / "declares.py").write_text(
        "import minigrad as mg\n@mg.op(formula='x')\ndef declared(x): return x * 1.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert on_record("declared", "declares") is registry["declared"]
    finally:
        registry.pop("declared", None)
        sys.modules.pop("declares", None)


def test_pickles_are_read_elsewhere():
    code = "import pickle, sys; print(pickle.load(sys.stdin.buffer))"
    read = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(mg.exp), capture_output=True, check=True)
    assert read.stdout == b"minigrad.exp\n"


def test_a_name_is_declared_once():
    with pytest.raises(ValueError, match=r"'exp' is declared twice"):
        mg.op(formula="x", name="exp")(lambda x: x)
