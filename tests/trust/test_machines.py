"""The tests say the same on every machine: slow or fast, and whatever kernels its linear algebra runs on."""

import os
import subprocess
import sys
from pathlib import Path

import hypothesis
import pytest

pytestmark = pytest.mark.deep

ROOT = Path(__file__).resolve().parents[2]


def test_E14_no_property_has_a_deadline():
    assert hypothesis.settings.default.deadline is None
    for path in (ROOT / "tests").rglob("*.py"):
        if path != Path(__file__):
            assert "deadline=" not in path.read_text("utf-8").replace("deadline=None", ""), path


@pytest.mark.parametrize("kernel", ["Nehalem", "Sandybridge", "Haswell"])
def test_E14_attention_and_products_are_right_on_other_kernels(kernel):
    """OpenBLAS takes the kernels that it is told to, where the processor has them; other libraries do as always."""
    tests = ["tests/ops/test_attention.py", "tests/ops/test_product.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"OPENBLAS_CORETYPE": kernel}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
