"""Scripts of programs that call functions of the user, however these are written: they import them, or are refused."""

import functools
import importlib.util
import itertools
import re
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.script import as_docstring
from tests.trust.hostile import CALL, CODE, NAMES, TEXT
from tests.trust.saved import CANARY, check_saved
from tests.trust.written import REFUSED, WRITTEN

pytestmark = pytest.mark.deep


@pytest.fixture
def declare(tmp_path):
    """Declare `forward` of a file as an op, for one test."""
    before = dict(mg.registry)
    count = iter(range(999))

    def declare_forward(source):
        name = f"module_of_the_user_{next(count)}"
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8", errors="surrogatepass")
        spec = importlib.util.spec_from_file_location(name, tmp_path / f"{name}.py")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return mg.op(formula="", name=f"op_of_{name}")(module.forward)

    yield declare_forward
    mg.registry.clear()
    mg.registry.update(before)
    for name in [name for name in sys.modules if name.startswith("module_of_the_user_")]:
        del sys.modules[name]


def case_of(operation):
    step = mg.compile(lambda x: operation(x))
    return step, [step(np.array([1.0, 2.0])).numpy()]


def test_B4_functions_of_the_user_run_alone_however_they_are_written(declare, tmp_path):
    (tmp_path / "saved").mkdir()
    cases = [case_of(declare(source)) for source in WRITTEN.values()]
    problems = check_saved(cases, tmp_path / "saved", modules=tmp_path)
    assert problems == [], [list(WRITTEN)[int(problem.split(":")[0].split("_")[1])] for problem in problems]


def test_B4_functions_of_several_modules_that_have_the_same_name(declare, tmp_path):
    (tmp_path / "saved").mkdir()
    source = "RATE = {0}.0\ndef helper(x):\n    return x * RATE\ndef forward(x):\n    return helper(x)"
    operations = [declare(source.format(n)) for n in range(3)]
    step = mg.compile(lambda x: [operation(x) for operation in operations])
    expected = [y.numpy() for y in step(np.ones(2))]
    assert check_saved([(step, expected)], tmp_path / "saved", modules=tmp_path) == []
    text = (tmp_path / "saved" / "case_0.py").read_text("utf-8")
    assert re.findall(r"^from (\w+) import forward as op_of_\1$", text, re.M) == [
        f"module_of_the_user_{n}" for n in range(3)
    ]


@pytest.mark.parametrize(("source", "reason"), REFUSED.values(), ids=REFUSED)
def test_B4_what_no_module_has_a_name_for_is_refused_by_name(source, reason, declare, tmp_path):
    step, _ = case_of(declare(source))
    with pytest.raises(mg.GraphError, match=rf"save_source: op_of.*, which the program calls, {reason}"):
        step.save_source(tmp_path / "script.py")
    assert not (tmp_path / "script.py").exists()


def test_B4_what_imports_minigrad_while_it_runs_needs_it(declare, tmp_path):
    (tmp_path / "saved").mkdir()
    case = case_of(declare("def forward(x):\n    from minigrad import ops\n    return ops.sin(x)"))
    (problem,) = check_saved([case], tmp_path / "saved", modules=tmp_path)
    assert "No module named 'minigrad'" in problem


def test_B4_names_of_outputs_are_data(tmp_path):
    names = ["C:\\users", 'a"""b', "\0", "\ud800", *CODE]
    step = mg.compile(lambda x: {name: x * i for i, name in enumerate(names)})
    assert check_saved([(step, [y.numpy() for y in step(np.ones(2)).values()])], tmp_path) == []
    assert not (tmp_path / CANARY).exists()
    text = (tmp_path / "case_0.py").read_text(encoding="utf-8")
    assert all(line.isprintable() for line in text.split("\n"))


def test_B4_a_key_that_is_text_of_its_own_kind(tmp_path):
    class Text(str):
        def __repr__(self):
            return CALL

        __str__ = __repr__

        def __format__(self, spec):
            return CALL

    step = mg.compile(lambda x: {Text("key"): x * 2.0})
    (result,) = step(mg.Tensor(np.ones(2), name=Text("name"))).values()
    assert check_saved([(step, [result.numpy()])], tmp_path) == []
    assert not (tmp_path / CANARY).exists()


def test_B4_run_as_a_script_it_shows_any_name(tmp_path, monkeypatch, capsys):
    names = ["\ud800", "a\nb", "查询", "\x1b[31m"]
    step = mg.compile(lambda x: dict.fromkeys(names, x))
    step(np.ones(2))
    step.save_source(tmp_path / "script.py")
    monkeypatch.setattr(sys, "argv", ["script.py", "1"])
    exec(compile((tmp_path / "script.py").read_text("utf-8"), "script", "exec"), {
        "__file__": str(tmp_path / "script.py"), "__name__": "__main__",
    })  # fmt: skip
    assert [line.split(":")[1].split(" (")[0] for line in capsys.readouterr().out.splitlines()[:4]] == [
        r" \ud800", r" a\nb", " 查询", r" \x1b[31m",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["json", "numpy", "random"])
def test_B4_a_script_that_would_hide_what_it_imports_is_refused(name, tmp_path):
    step = mg.compile(lambda x: x * 2.0)
    step(np.ones(2))
    with pytest.raises(ValueError, match=rf"save_source: .*{name}.py hides the module {name}"):
        step.save_source(tmp_path / f"{name}.py")


def test_B4_a_docstring_holds_any_text():
    for text in (
        *NAMES,
        '"' * 5,
        '\\"',
        '"\\"',
        "\\" * 3,
        'x""',
        "a\n\n  b",
        *map("".join, itertools.pairwise(TEXT)),
    ):
        literal = as_docstring(text)
        value = eval(literal)
        assert [line.encode("unicode_escape") for line in literal.split("\n")]
        assert value == text or not text.isprintable(), (text, literal)


def test_B4_settings_that_are_text_or_numbers_of_their_own_kind(declare, tmp_path):
    class Half(float):
        def __repr__(self):
            return CALL

    source = "def forward(x, *, rate=2.0, kind=''):\n    return x * float(rate) + len(kind)"
    operation = declare(source)
    step = mg.compile(lambda x: [operation(x, kind=name) for name in (*CODE, *TEXT)])
    expected = [y.numpy() for y in step(np.ones(2))]
    (tmp_path / "saved").mkdir()
    assert check_saved([(step, expected)], tmp_path / "saved", modules=tmp_path) == []
    own = mg.compile(lambda x: operation(x, rate=Half(0.5)))
    assert own(np.ones(2)).tolist() == [0.5, 0.5]
    with pytest.raises(mg.GraphError, match=r"save_source: rate, .* has no name in the module tests"):
        own.save_source(tmp_path / "script.py")


def test_B4_partial_functions_among_settings(declare, tmp_path):
    source = "def forward(x, *, function):\n    return function(x)"
    operation = declare(source)
    function = functools.partial(np.clip, a_min=0.5, a_max=1.5)
    step = mg.compile(lambda x: operation(x, function=function))
    assert step(np.array([0.0, 1.0, 2.0])).tolist() == [0.5, 1.0, 1.5]
    with pytest.raises(mg.GraphError, match=r"save_source: function, .* has no name in the module"):
        step.save_source(tmp_path / "script.py")
