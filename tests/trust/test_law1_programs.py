"""Law 1: random programs of all public functions give the same in eager code, compiled, and as a graph that is run.

300 programs by default; the environment variables MINIGRAD_FUZZ_PROGRAMS and MINIGRAD_FUZZ_SEED say how many, and what
they are drawn from. `python tests/fuzz.py` runs many more.
"""

import os
from itertools import islice

import numpy as np
import pytest

import minigrad as mg
from minigrad.ops.samples import Draw, realise

from .fuzz.campaign import fuzz
from .fuzz.comparing import judge
from .fuzz.drawing import draw_program, seeds
from .fuzz.program import Leaf, Program, Ref, Step, script
from .fuzz.shrinking import shrink

PROGRAMS, A_TEST = int(os.environ.get("MINIGRAD_FUZZ_PROGRAMS", "300")), 20
SEED = os.environ.get("MINIGRAD_FUZZ_SEED", "1")
REFUSING = [name for name, function in mg.registry.items() if function.refusals]


@pytest.mark.parametrize("first", range(0, PROGRAMS, A_TEST))
def test_a_random_program_gives_the_same_in_every_way(first):
    tally = fuzz(seeds(SEED, min(A_TEST, PROGRAMS - first), first))
    assert not tally.failures, "\n\n".join(map(str, tally.failures))


@pytest.mark.parametrize("name", REFUSING)
def test_what_eager_code_refuses_is_refused_by_name_in_every_way(name):
    for number, refusal in enumerate(mg.registry[name].refusals):
        verdict = judge(program_of(name, refusal.call, number))
        assert verdict.kind == "refused", (refusal.call, verdict)


def program_of(name, call, number):
    """A sample call as a program of one step, its arrays as arguments."""
    rng, leaves = np.random.default_rng(number), {}

    def given(part):
        if isinstance(part, list):
            return [given(x) for x in part]
        if type(part) is tuple:
            return tuple([given(x) for x in part])
        if not isinstance(part, (Draw, np.ndarray)):
            return part
        leaves[len(leaves)] = Leaf("tensor", (realise(part, rng),))
        return Ref(len(leaves) - 1)

    args = tuple([given(x) for x in call.args])
    params = {key: given(x) for key, x in call.params.items()}
    return Program(f"{name} {number}", leaves, {99: Step(f"mg.{name}", args, params)}, (Ref(99),))


# --- what is drawn, and how it is made small --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    """Many programs, which are not run."""
    return [draw_program(seed) for seed in seeds("drawn", 1500)]


def test_every_function_with_samples_is_drawn(drawn):
    calls = {step.call for program in drawn for step in program.steps.values()}
    with_samples = {f"mg.{name}" for name, function in mg.registry.items() if function.samples and hasattr(mg, name)}
    assert with_samples <= calls, with_samples - calls
    assert {"mg.grad", "mg.Tensor.backward", "grad_of", "mg.assign", "mg.dropout", "mg.random_normal"} <= calls
    assert {"operator.pow", "operator.matmul", "operator.neg"} <= calls


def test_what_is_hard_is_drawn_often(drawn):
    """Each kind of things that programs were wrong about is in some share of them."""
    leaves = [leaf for program in drawn for leaf in program.leaves.values()]
    arrays = [leaf.values[0] for leaf in leaves if leaf.values and isinstance(leaf.values[0], np.ndarray)]
    shares = {
        "the same object twice": sum(any(x.same_as is not None for x in p.leaves.values()) for p in drawn),
        "state": sum(bool(p.state) for p in drawn),
        "0-d": sum(array.ndim == 0 for array in arrays),
        "empty": sum(array.size == 0 for array in arrays),
        "byte order": sum(not array.dtype.isnative for array in arrays),
        "half precision": sum(array.dtype == np.float16 for array in arrays),
        "layouts": sum(leaf.layout != "plain" for leaf in leaves),
        "NumPy scalars": sum(leaf.kind == "scalar" for leaf in leaves),
        "special values": sum(array.dtype.kind == "f" and not np.isfinite(array).all() for array in arrays),
        "in pieces": sum(p.in_pieces for p in drawn),
        "gradients of gradients": sum([s.call for s in p.steps.values()].count("mg.grad") > 1 for p in drawn),
        "keys that are no names": sum(p.form == "dict" for p in drawn),
        "random draws": sum("generator=rng" in p.source() or "rng=rng" in p.source() for p in drawn),
        "quiet": sum(step.quiet for p in drawn for step in p.steps.values()),
    }
    assert min(shares.values()) >= 60, shares


def test_a_seed_draws_the_same_program_again(drawn):
    again = [script(draw_program(program.seed)) for program in islice(drawn, 40)]
    assert again == [script(program) for program in islice(drawn, 40)]


def test_a_program_that_fails_is_made_small(monkeypatch):
    """A fault in what `tanh` becomes in programs: what is left of a program that meets it is one line."""
    monkeypatch.setattr(mg.tanh, "code", "np.sin({x}, out={out})")
    programs = (program for program in map(draw_program, seeds("small", 4000)) if "mg.tanh(" in program.source())
    program = next(program for program in programs if judge(program).kind == "compiled differs in value")
    verdict = judge(program)
    small = shrink(program, verdict.kind, judge)
    assert len(small.steps) <= 2
    assert "= mg.tanh(" in small.source()
    assert len(script(program)) > len(script(small))


def test_a_script_runs_by_itself(capsys):
    program = next(p for p in map(draw_program, seeds("script", 99)) if judge(p).kind == "alike")
    exec(script(program), {})
    assert capsys.readouterr().out
