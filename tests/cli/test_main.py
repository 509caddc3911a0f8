"""The command line as a whole: what is refused and how, exit codes, and outputs that fail."""

import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad
from minigrad.__main__ import COMMANDS, main

ROOT = Path(minigrad.__file__).parent.parent
FILE = """
import numpy as np
import minigrad as mg

def loss():
    return mg.sum(mg.Tensor([1.0, 2.0], requires_grad=True, name="größe"))

def needs(x):
    return x

def words():
    return "no Tensor"

def numbers():
    return (lambda x: x, [1])

def right():
    return (lambda x: x * x, [np.array([1.0, 2.0])])

def interrupted():
    import os, signal
    os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.py").write_text(FILE, "utf-8")
    (tmp_path / "folder.py").mkdir()
    (tmp_path / "folder.svg").mkdir()
    (tmp_path / "notes.txt").write_text("no Python", "utf-8")
    (tmp_path / "junk.py").write_bytes(bytes(range(256)))
    (tmp_path / "null.py").write_bytes(b"x = 1\0")
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "copy.safetensors").write_bytes(b"\x00junk" * 10)
    (tmp_path / "trained" / "reverse.safetensors").write_bytes(pickle.dumps({"weight": [1.0] * 100}))
    (tmp_path / "trained" / "sort.safetensors").mkdir()
    return tmp_path


def command(*arguments, **options):
    """Starts `python -m minigrad …` on this tree, from the present folder."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"} | options.pop("env", {})
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([sys.executable, "-m", "minigrad", *arguments], env=environment, **options)


def test_L1_without_arguments_the_commands_are_listed(capsys):
    assert main([]) == 2
    output = capsys.readouterr()
    for name, module in COMMANDS.items():
        assert f"    {name} " in output.out
        assert module.SUMMARY in " ".join(output.out.split())
    assert output.err == "minigrad: expected a command: demo, train, generate, predict, draw, explore, check\n"


REFUSED = {
    "frobnicate": "invalid choice: 'frobnicate'",
    "--nope": "unrecognized arguments: --nope",
    "demo --nope": "unrecognized arguments: --nope",
    "demo --out notes.txt": "cannot write into notes.txt: it is not a folder",
    "demo --out notes.txt/deeper": "cannot write into notes.txt/deeper: ",
    "demo --steps": "argument --steps: expected one argument",
    "train": "the following arguments are required: TASK; minigrad train --help shows an example",
    "train swim": "invalid choice: 'swim' (choose from ",
    "train copy --resume": "there is no checkpoint minigrad-train/copy.safetensors to go on from",
    "train copy --nope": "unrecognized arguments: --nope",
    "train copy --out notes.txt": "cannot write into notes.txt: it is not a folder",
    "train copy --out notes.txt/deeper": "cannot write into notes.txt/deeper: ",
    "train copy --resume --out notes.txt": "there is no checkpoint notes.txt/copy.safetensors to go on from",
    "train copy --resume --out trained": "cannot load trained/copy.safetensors",
    "train reverse --resume --out trained": "trained/reverse.safetensors: it is no safetensors file",
    "train sort --resume --out trained": "trained/sort.safetensors: Is a directory",
    "draw": "the following arguments are required: FILE.py:FUNCTION, -o/--out",
    "draw model.py:loss": "the following arguments are required: -o/--out",
    "explore model.py:loss": "the following arguments are required: -o/--out",
    "explore model.py:loss -o x.svg": "x.svg must end in .html",
    "explore model.py:loss -o nowhere/x.html": "there is no folder nowhere; make it first",
    "explore model.py:words -o x.html": "model.py:words must return a Tensor or several",
    "draw missing.py:loss -o x.svg": "there is no file missing.py",
    "draw folder.py:loss -o x.svg": "folder.py is a folder, not a file",
    "draw notes.txt:loss -o x.svg": "expected FILE.py:FUNCTION, such as model.py:loss, got 'notes.txt:loss'",
    "draw model.py -o x.svg": "expected FILE.py:FUNCTION",
    "draw junk.py:loss -o x.svg": "junk.py is not Python source",
    "draw null.py:loss -o x.svg": "null.py is not Python source",
    "draw model.py:los -o x.svg": "model.py has no function los; it has loss, needs, words, numbers, right, ",
    "draw model.py:loss -o x.svg --nope": "unrecognized arguments: --nope",
    "draw model.py:loss -o folder.svg": "folder.svg is a folder",
    "draw model.py:mg -o x.svg": "model.py has no function mg",
    "draw model.py:needs -o x.svg": "model.py:needs must be a function without arguments",
    "draw model.py:words -o x.svg": "must return a Tensor or several in a tuple, list or dictionary, got str",
    "draw model.py:loss -o x.bmp": "x.bmp must end in one of .svg, .png, .pdf, .tex, .dot, .gv",
    "draw model.py:loss -o missing/x.svg": "there is no folder missing; make it first",
    "draw model.py:loss -o .dot": "must end in one of",
    "generate": "the following arguments are required: CHECKPOINT, --prompt; minigrad generate --help shows an example",
    "generate trained/copy.safetensors": "the following arguments are required: --prompt",
    "generate trained/copy.safetensors --prompt The": "cannot load trained/copy.safetensors",
    "predict": "the following arguments are required: CHECKPOINT, --data; minigrad predict --help shows an example",
    "predict trained/copy.safetensors --data model.py": "cannot load trained/copy.safetensors",
    "check": "the following arguments are required: FILE.py:FUNCTION",
    "check model.py:right --nope": "unrecognized arguments: --nope",
    "check missing.py:right": "there is no file missing.py",
    "check folder.py:right": "folder.py is a folder, not a file",
    "check notes.txt:right": "expected FILE.py:FUNCTION, such as model.py:loss, got 'notes.txt:right'",
    "check junk.py:right": "junk.py is not Python source",
    "check null.py:right": "null.py is not Python source",
    "check model.py:rite": "model.py has no function rite",
    "check model.py:needs": "model.py:needs must be a function without arguments",
    "check model.py:loss": "model.py:loss must return (function, inputs)",
    "check model.py:numbers": "no float64 input or parameter to differentiate for",
}


@pytest.mark.parametrize("line", REFUSED)
def test_L1_what_is_wrong_is_said_in_one_line(line, capsys):
    assert main(line.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("minigrad: ")
    assert REFUSED[line] in error
    assert error.count("\n") == 1
    assert "Traceback" not in error


NUMBERS = {
    "demo --steps": "from 1 to 1,000,000",
    "demo --seed": "from 0 to 4,294,967,295",
    "train text --steps": "from 1 to 1,000,000",
    "train text --seed": "from 0 to 4,294,967,295",
    "check model.py:right --order": "from 1 to 4",
}


@pytest.mark.parametrize("option", NUMBERS)
def test_L4_numbers_out_of_range_are_refused_with_the_range(option, capsys):
    for number in ("-1", "1e9", "4294967296", "9" * 25, "9" * 10_000, "nan", "inf", "-inf", "1.5", "0x10", "two", ""):
        assert main(f"{option}={number}".split()) == 2
        error = capsys.readouterr().err
        assert f"expected a whole number {NUMBERS[option]}, got '{number[:12]}" in error
        assert error.count("\n") == 1
        assert len(error) < 200


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("demo --steps 0", "from 1 to 1,000,000, got '0'"),
        ("demo --seed -1", "from 0 to 4,294,967,295, got '-1'"),
        ("train text --steps 1000001", "from 1 to 1,000,000, got '1000001'"),
        ("check model.py:right --order 0", "from 1 to 4, got '0'"),
        ("check model.py:right --order 5", "from 1 to 4, got '5'"),
    ],
)
def test_L4_the_first_numbers_outside_of_the_range_are_refused(line, allowed, capsys):
    assert main(line.split()) == 2
    assert f"expected a whole number {allowed}; minigrad" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_help_has_an_example_that_is_understood(name, capsys):
    assert main([name, "--help"]) == 0
    shown = capsys.readouterr().out
    assert f"example:\n  minigrad {name} {COMMANDS[name].EXAMPLE}\n" in shown
    main([name, *COMMANDS[name].EXAMPLE.split(), "--nope"])
    assert "unrecognized arguments: --nope" in capsys.readouterr().err


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"minigrad {minigrad.__version__}\n"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder into which not even root can write is needed")
@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("demo --out /proc", "cannot write into /proc: "),
        ("demo --out /proc/new", "cannot write into /proc/new: "),
        ("train copy --out /proc", "cannot write into /proc: "),
        ("train copy --out /proc/new", "cannot write into /proc/new: "),
        ("draw model.py:loss -o /proc/x.dot", "/proc/x.dot: "),
        ("draw model.py:loss -o /proc/x.svg", "/proc/x.svg: "),
    ],
)
def test_L3_a_folder_that_cannot_be_written_to(line, path, capsys):
    assert main(line.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"minigrad: {path}")
    assert error.count("\n") == 1


def test_L3_a_file_that_cannot_be_written(folder, capsys):
    (folder / "x.dot").symlink_to("/dev/full")
    assert main(["draw", "model.py:loss", "-o", "x.dot"]) == 2
    error = capsys.readouterr().err
    assert "No space left on device" in error
    assert error.count("\n") == 1


LINES = (
    "check model.py:right",
    "draw model.py:loss -o {}.dot",
    "train copy --steps 2 --out {}",
    "demo --steps 1 --out {}",
)  # one of each command


def test_L2_the_reader_of_the_output_goes_away():
    processes = [command(*line.format("closed").split()) for line in LINES]
    for process in processes:
        process.stdout.close()
    for process in processes:
        errors = process.communicate(timeout=60)[1]
        assert process.returncode == 141
        assert errors == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device")
def test_L2_the_output_is_full():
    with open("/dev/full", "w") as full:
        process = command("check", "model.py:right", stdout=full)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (2, b"minigrad: No space left on device\n")


def test_L2_ctrl_c(folder):
    process = command("train", "reverse", "--steps", "1000", "--out", "run")
    process.stderr.readline()  # the first line of progress
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted after step" in output
    assert b"to go on: minigrad train reverse --out run --resume" in output
    assert b"Traceback" not in errors
    assert (folder / "run" / "reverse.safetensors").exists()


@pytest.mark.parametrize("module", ["minigrad.cli", "minigrad.cli.train", "minigrad.report"])
def test_L2_ctrl_c_while_modules_are_loaded(module):
    code = f"""
import importlib.abc, os, runpy, signal, sys
import minigrad

class Interrupter(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupter())
runpy.run_module("minigrad", run_name="__main__")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"minigrad: interrupted\n")


def test_L2_ctrl_c_outside_of_training(monkeypatch, capsys):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMANDS["check"], "run", interrupted)
    assert main(["check", "model.py:loss"]) == 130
    assert capsys.readouterr().err == "minigrad: interrupted\n"


@pytest.mark.parametrize("name", ["draw", "check"])
def test_L2_ctrl_c_while_the_function_of_the_user_runs(name, folder, capsys):
    arguments = ["-o", "x.dot"] if name == "draw" else []
    assert main([name, "model.py:interrupted", *arguments]) == 130
    assert capsys.readouterr().err == "minigrad: interrupted\n"
    assert not (folder / "x.dot").exists()


@pytest.mark.deep
def test_L2_an_output_that_knows_ascii_only():
    environment = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    processes = [command(*line.format("ascii").split(), env=environment) for line in LINES[:3]]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 3
    assert not any(b"Error" in errors for _, errors in outputs)
    assert b" ? " in outputs[0][0]  # for ±
    assert all(output.isascii() for output, _ in outputs)


@pytest.mark.parametrize("name", ["", *COMMANDS])
@pytest.mark.parametrize("columns", ["80", "20", "0"])
def test_L2_a_help_is_at_most_80_columns_wide_without_a_terminal(name, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    assert main([*name.split(), "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_importing_minigrad_does_not_import_the_command_line():
    code = "import sys, minigrad; sys.exit(any(name.startswith('minigrad.cli') for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ROOT)}).returncode == 0
