"""FILE.py:FUNCTION: what is loaded, and how errors in the user's code are shown."""

import sys
import traceback

import pytest

from minigrad.__main__ import main
from minigrad.cli.user_file import UserCodeError, user_function


@pytest.fixture
def written(tmp_path):
    """Writes a Python file and returns its path."""

    def write(text, name="model.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
        return str(path)

    return write


def test_the_function_is_loaded_as_a_script_would_be(written):
    written("VALUE = 7\n", "helper.py")
    path = written(
        "from dataclasses import dataclass\nimport helper\n\n@dataclass\nclass Pair:\n    a: 'int'\n\n"
        "def f():\n    import helper as again\n    return Pair(again.VALUE), __name__\n"
    )
    before = list(sys.path)
    with user_function(f"{path}:f") as function:
        pair, name = function()
    assert (pair.a, name) == (7, "user_file")
    assert sys.path == before
    assert "user_file" not in sys.modules
    del sys.modules["helper"]


def test_the_path_ends_at_the_last_colon(written):
    path = written("def f():\n    return 1\n", "a:b.py")
    with user_function(f"{path}:f") as function:
        assert function() == 1


def test_a_file_with_another_encoding(written, tmp_path):
    (tmp_path / "latin.py").write_bytes("# -*- coding: latin-1 -*-\ndef f():\n    return 'größe'\n".encode("latin-1"))
    with user_function(f"{tmp_path / 'latin.py'}:f") as function:
        assert function() == "größe"


ERRORS = {
    "when it is called": ("def helper():\n    return 1 / 0\n\ndef f():\n    return helper()\n", "ZeroDivisionError", 2),
    "when it is loaded": ("import nowhere_to_be_found\n\ndef f():\n    pass\n", "ModuleNotFoundError", 1),
    "that ends the program": ("import sys\nsys.exit('enough')\n", "SystemExit: enough", 1),
    "inside of minigrad": (
        "import minigrad as mg\n\ndef f():\n    return mg.matmul(mg.Tensor([1.0]), mg.Tensor([1.0, 2.0]))\n",
        "ValueError", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize("when", ERRORS)
def test_an_error_shows_the_traceback_from_the_users_frames_on(when, written, capsys):
    text, expected, own_frames = ERRORS[when]
    path = written(text)
    assert main(["draw", f"{path}:f", "-o", path + ".svg"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f'Traceback (most recent call last):\n  File "{path}", line ')
    assert shown.count(f'File "{path}"') == own_frames
    assert "minigrad/cli" not in shown
    assert "__main__" not in shown
    assert shown.splitlines()[-1].startswith(expected)


def test_a_syntax_error_shows_its_line(written, capsys):
    path = written("def f(:\n    pass\n")
    assert main(["check", f"{path}:f"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith(f'  File "{path}", line 1\n    def f(:\n')
    assert "SyntaxError" in shown
    assert "Traceback" not in shown


def test_causes_are_shown_too(written, capsys):
    path = written(
        "def f():\n    try:\n        {}['key']\n    except KeyError as e:\n        raise RuntimeError('no') from e\n"
    )
    assert main(["check", f"{path}:f"]) == 1
    shown = capsys.readouterr().err
    assert "KeyError: 'key'" in shown
    assert "direct cause" in shown


def test_an_error_in_the_block_that_is_not_the_users_passes(written):
    path = written("def f():\n    return 1\n")
    with pytest.raises(ZeroDivisionError), user_function(f"{path}:f"):
        1 / 0


def test_the_error_itself_is_the_cause(written):
    path = written("def f():\n    raise KeyError(3)\n")
    with pytest.raises(UserCodeError) as caught, user_function(f"{path}:f") as function:
        function()
    assert traceback.format_exception_only(caught.value.__cause__) == ["KeyError: 3\n"]
