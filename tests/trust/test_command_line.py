"""What a user's file does to the command line: its own traceback or one line, never one of minigrad's."""

import subprocess
import sys

import pytest

from tests.tiers import deep_after

MODEL = "import minigrad as mg, numpy as np\ndef f(): return (lambda x: mg.sum(x * x)), [np.ones(2)]\n"


def run(tmp_path, text, command="check"):
    path = tmp_path / "model.py"
    path.write_text(text)
    extra = ["-o", str(tmp_path / "x.dot")] if command == "draw" else []
    return subprocess.run(
        [sys.executable, "-m", "minigrad", command, f"{path}:f", *extra], capture_output=True, text=True, check=False
    )


RAISED = ["Own('no')", "SystemExit(3)", "GeneratorExit", "StopIteration", "KeyError('k')"]


@pytest.mark.parametrize("command", ["check", "draw"])
@pytest.mark.parametrize("raised", deep_after(1, RAISED))
@pytest.mark.parametrize("where", ["file", "function"])
def test_E9_whatever_a_user_raises_shows_the_users_lines_alone(tmp_path, command, raised, where):
    body = f"raise {raised}" if where == "file" else f"def f():\n    raise {raised}"
    done = run(tmp_path, f"class Own(BaseException): pass\n{body}\n", command)
    assert done.returncode == 1
    assert "model.py" in done.stderr
    assert "minigrad/" not in done.stderr


@pytest.mark.deep
def test_E9_a_file_that_closes_the_standard_output(tmp_path):
    done = run(tmp_path, f"import sys\nsys.stdout.close()\n{MODEL}")
    assert done.returncode == 2
    assert done.stderr.startswith("minigrad: the standard output was closed by the user's file")
    assert "Traceback" not in done.stderr
    assert run(tmp_path, f"import sys\nsys.stdout = None\n{MODEL}").stderr == ""


def test_E9_an_interrupt_is_no_error_of_the_user(tmp_path):
    assert run(tmp_path, "raise KeyboardInterrupt").returncode == 130
