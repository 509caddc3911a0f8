"""The benchmark scripts: they parse, and what they compare is the same training step."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "tests" / "bench").glob("*.py"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_parses_and_says_what_it_is(script):
    assert ast.get_docstring(ast.parse(script.read_text("utf-8"), script.name))


def test_the_readme_names_every_script():
    text = (ROOT / "tests" / "bench" / "README.md").read_text("utf-8")
    assert [script.name for script in SCRIPTS if f"`{script.name}" not in text] == []


def test_both_modes_and_numpy_by_hand_take_the_same_steps():
    rows = [losses("train_step.py", "--mode", "eager"), losses("train_step.py", "--mode", "compiled")]
    rows.append(losses("numpy_step.py"))
    assert [row["subject"] for row in rows] == ["minigrad-eager", "minigrad-compiled", "numpy-by-hand"]
    first, *others = (row["first_loss"] for row in rows)
    assert others == pytest.approx([first, first], abs=1.01e-5)  # they are printed with five digits


def test_both_modes_give_the_same_losses_step_by_step():
    eager, compiled = (run("-c", LOSSES, mode).split() for mode in ("eager", "compiled"))
    assert len(eager) == 8
    assert [float(loss) for loss in compiled] == pytest.approx([float(loss) for loss in eager], rel=1e-5)


LOSSES = """
import sys
from train_step import make_step
from workload import batches

step_on, data = make_step("tiny", sys.argv[1]), batches("tiny")
print(*(float(step_on(*data[i % 4])) for i in range(8)))
"""


def test_a_mode_that_does_not_exist_is_named():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        losses("train_step.py", "--mode", "fast")
    assert "--mode fast: expected eager or compiled" in caught.value.stderr


@pytest.mark.skipif(shutil.which("taskset") is None, reason="compare.py pins its subjects with taskset, of Linux")
def test_compare_takes_subjects_by_name_and_by_path(tmp_path):
    """Two subjects that take no time, so that nothing is measured here."""
    subject = tmp_path / "elsewhere.py"
    subject.write_text(
        "import json\nfrom workload import arguments\n"
        "row = dict(subject='elsewhere', size=arguments().size, min_ms=1, median_ms=2, first_ms=3, peak_mb=4)\n"
        "print(json.dumps(row | dict(first_loss=0.5)))\n",
        "utf-8",
    )
    table = run(
        script("compare.py"), "tiny", f"python {subject}", "python blas_floor.py", "--rounds", "1", "--seconds", "0"
    )
    head, first, second = table.splitlines()
    assert head.split()[:2] == ["subject", "size"]
    assert first.split() == ["elsewhere", "tiny", "1.000", "2.000", "1.00", "3", "4", "0.50000"]
    assert second.split()[:2] == ["blas-floor", "tiny"]


def losses(name, *options):
    """What a subject prints of a run as short as can be."""
    return json.loads(run(script(name), "tiny", *options, "--seconds", "0.05"))


def script(name):
    return str(ROOT / "tests" / "bench" / name)


def run(*words):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "bench")])
    return subprocess.run(
        [sys.executable, *words],
        env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
