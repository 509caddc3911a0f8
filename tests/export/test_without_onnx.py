"""What needs no onnx: the table of rows, which is complete, and what is said where the library is missing."""

import subprocess
import sys

import pytest

import minigrad as mg
from minigrad.core.op import Op
from minigrad.export.onnx import ROWS


def test_every_op_has_a_row_or_a_definition():
    """But for linear algebra, of which ONNX has next to nothing."""
    ops = {name: op for name, op in mg.registry.items() if isinstance(op, Op)}
    missing = {name for name, op in ops.items() if name not in ROWS and op.definition is None}
    assert missing == {name for name, op in ops.items() if op.__module__ == "minigrad.ops.matrices"}
    assert ROWS.keys() <= ops.keys()


def test_a_missing_library_is_named_with_its_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    graph = mg.trace(mg.exp, mg.Tensor(1.0))
    with pytest.raises(ModuleNotFoundError, match="extra `onnx`: python -m pip install onnx"):
        graph.to_onnx(tmp_path / "model.onnx")
    with pytest.raises(ModuleNotFoundError, match="extra `onnx`"):
        mg.export.to_onnx(mg.exp, tmp_path / "model.onnx", mg.Tensor([1.0]))
    assert not [*tmp_path.iterdir()]


def test_minigrad_and_its_table_of_rows_import_no_onnx():
    code = "import sys, minigrad; minigrad.export.to_onnx; print('onnx' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
