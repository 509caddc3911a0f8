"""The benchmark scripts: they parse, and what they compare is the same training step."""

import ast
import json
import os
import re
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


def test_both_modes_take_the_same_steps_of_the_translation_and_learn():
    eager, compiled = (losses("translation_step.py", "--mode", mode) for mode in ("eager", "compiled"))
    assert [row["subject"] for row in (eager, compiled)] == ["minigrad-eager", "minigrad-compiled"]
    for key in ("first_loss", "last_loss"):  # without dropout, the fourth step after three updates
        assert compiled[key] == pytest.approx(eager[key], abs=2e-5)
    assert eager["last_loss"] < eager["first_loss"]


def test_pytorch_takes_the_same_steps_of_the_translation():
    pytest.importorskip("torch")
    ours, theirs = losses("translation_step.py"), losses("translation_torch.py")
    for key in ("first_loss", "last_loss"):
        assert theirs[key] == pytest.approx(ours[key], rel=1e-4)


def test_pytorch_takes_the_same_steps_of_the_convolutional_net():
    pytest.importorskip("torch")
    printed = run(script("digits_step.py"), "--rounds", "20")
    assert float(re.search(r"losses of step 21 (\S+) apart", printed)[1]) < 1e-4


def test_a_batch_of_the_translation_is_padded_behind_its_end():
    source, target, expected = (json.loads(words) for words in run("-c", BATCH).splitlines())
    assert [len(row) for row in (source, target, expected)] == [8, 8, 8]
    words = source[: source.index(2)]
    assert source[len(words) + 1 :] == [0] * (7 - len(words))
    assert target[: len(words) + 1] == [1, *words[::-1]]
    assert expected[: len(words) + 1] == [*words[::-1], 2]


BATCH = """
from translation import batches

print(*(array[0].tolist() for array in batches("tiny")[0]), sep="\\n")
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


def test_waits_are_measured_part_by_part():
    table = run(script("waits.py"), "picture", "import", "--quick")
    machine, _, head, _, *rows = table.splitlines()
    assert machine.endswith("; one thread")
    assert head == "| what | minigrad | peer | its time | ratio | spread |"
    assert [row.split(" | ")[0] for row in rows if row.startswith("|")][0] == "| first picture of a head"
    assert any(row.startswith("| import minigrad | ") and "| import numpy |" in row for row in rows)


def test_a_part_that_does_not_exist_is_named():
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run(script("waits.py"), "sleep")
    assert "no part is called 'sleep'; there are import, picture" in caught.value.stderr


def test_a_compiled_text_has_the_logits_of_the_plain_loop():
    code = "import generation as g; print(abs(g.compute_logits(g.compiled) - g.compute_logits(g.eager)).max())"
    assert float(run("-c", code)) < 1e-5


def test_the_report_shows_both_runs_and_finds_its_place():
    table = run("-c", REPORTED)
    assert table.splitlines()[2:] == [
        "| torch-eager | 1 | 2.00 (1.00) | 0.3 s | 7 |",
        "| ours | 1 | 1.00 (0.50–0.75) | 0.3 s | 7 |",
        "| torch-eager | 2 | 2.00 (1.00) | 0.3 s | 7 |",
        "| ours | 2 | 1.00 (0.50–0.75) | 0.3 s | 7 |",
    ]
    page = (ROOT / "tests" / "bench" / "README.md").read_text("utf-8")
    assert page.count("<!-- comparison: begin -->\n") == page.count("<!-- comparison: end -->\n") == 1


REPORTED = """
from report import THREADS, make_step_table

others = {"first_ms": 300, "peak_mb": 7}
runs = [
    {"torch-eager": {"min_ms": 2.0, **others}, "ours": {"min_ms": ours, **others}} for ours in (1.5, 1.0)
]
print(*make_step_table(["tiny"], [{(threads, "tiny"): rows for threads in THREADS} for rows in runs]), sep="\\n")
"""


def test_subjects_that_compute_something_else_end_the_report():
    rows = '{"a": {"first_loss": 2.0}, "b": {"first_loss": 2.1}, "floor": {"first_loss": 0.0}}'
    with pytest.raises(subprocess.CalledProcessError) as caught:
        run("-c", f"import report; report.check_losses('tiny', {rows})")
    assert "tiny: the subjects do not compute the same" in caught.value.stderr


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
