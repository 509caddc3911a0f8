"""The helper that runs many saved scripts in one fresh process: it passes what is right and names what is not."""

import numpy as np

import minigrad as mg
from tests.trust.saved import CANARY, check_saved, run_saved


def counting():
    """A program that writes state and draws random numbers."""
    total, rng = mg.Tensor(np.zeros(3), name="total"), np.random.default_rng(0)

    def count(x):
        mg.assign(total, mg.read(total) + x)
        return mg.read(total) + mg.dropout(x, 0.5, rng), mg.sum(x) * mg.constant(np.nan)

    return mg.compile(count)


def case(step, *args):
    results = step(*args)
    return step, [y.numpy() for y in (results if isinstance(results, tuple) else (results,))]


def test_what_is_right_passes(tmp_path):
    cases = [case(mg.compile(mg.softmax), np.ones((2, 3))), case(counting(), np.arange(3.0))]
    assert check_saved(cases, tmp_path) == []


def test_what_is_not_is_named(tmp_path):
    step, (result,) = case(mg.compile(lambda x: x + 1.0), np.ones(2))
    silent = mg.compile(lambda x: x)
    wrong = [
        (step, [np.nextafter(result, 9)]), (step, [result, result]), (step, [result[:1]]),
        (step, [result.astype("f4")]), (silent, [result]),
    ]  # fmt: skip
    problems = check_saved(wrong, tmp_path)
    for number, what in enumerate(["output 0 is", "1 results", "(1,)", "float32", "cannot be saved"]):
        assert any(f"case_{number}: " in problem and what in problem for problem in problems), problems
    assert len(problems) == 5


def test_a_script_stops_where_the_program_hands_over(tmp_path):
    step = mg.compile(lambda x: mg.grad(mg.sum(mg.where(mg.isfinite(x), x * x, 0.0)), x))
    results = case(step, mg.Tensor([np.inf, 2.0], requires_grad=True))
    assert results[1][0].tolist() == [0.0, 4.0]
    assert check_saved([results], tmp_path) == []
    assert (tmp_path / "case_0_raises.txt").read_text() == "NotANumberError"
    (tmp_path / "case_0_raises.txt").write_text("OverflowError")
    assert ["NotANumberError" in problem for problem in run_saved(tmp_path)] == [True]
    (tmp_path / "case_0.py").write_text("step = lambda *arguments: ()")
    assert ["does not raise OverflowError" in problem for problem in run_saved(tmp_path)] == [True]


def test_a_script_that_fails_or_imports_or_leaves_something_is_named(tmp_path):
    for name, text in {
        "case_0": "import minigrad",
        "case_1": "1 / 0",
        "case_2": f"open({CANARY!r}, 'w').close()",
    }.items():
        (tmp_path / f"{name}.py").write_text(text)
    problems = run_saved(tmp_path)
    for what in ('case_0: "ModuleNotFoundError', "case_1: 'ZeroDivisionError", "a name was run as code"):
        assert any(what in problem for problem in problems), problems
    (tmp_path / "case_3.py").write_text("import os; os._exit(3)")
    assert any("ended with 3" in problem for problem in run_saved(tmp_path))
