"""Law 1: random programs of all public functions give the same in eager code, compiled, and as a graph that is run.

300 programs by default; the environment variables MINIGRAD_FUZZ_PROGRAMS and MINIGRAD_FUZZ_SEED say how many, and what
they are drawn from. `python tests/fuzz.py` runs many more.
"""

import os
from itertools import islice

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler import lowerings
from minigrad.ops.specimens import specimens_of
from minigrad.ops.specimens.draws import Draw, realise

from .fuzz.campaign import fuzz
from .fuzz.comparing import judge
from .fuzz.drawing import draw_program, seeds
from .fuzz.program import Leaf, Program, Ref, Step, script
from .fuzz.pruning import pruned
from .fuzz.shrinking import replaced, shrink

PROGRAMS, A_TEST = int(os.environ.get("MINIGRAD_FUZZ_PROGRAMS", "300")), 20
SEED = os.environ.get("MINIGRAD_FUZZ_SEED", "1")
TAKING_SEVERAL = [
    name for name, function in mg.registry.items() if specimens_of(function).samples and hasattr(mg, name)
]


def takes_axis(name):
    return any("axis" in sample.params for sample in specimens_of(mg.registry[name]).samples)


REFUSING = [name for name, function in mg.registry.items() if specimens_of(function).refusals]


@pytest.mark.deep
@pytest.mark.parametrize("first", range(0, PROGRAMS, A_TEST))
def test_a_random_program_gives_the_same_in_every_way(first):
    tally = fuzz(seeds(SEED, min(A_TEST, PROGRAMS - first), first))
    assert not tally.failures, "\n\n".join(map(str, tally.failures))


@pytest.mark.parametrize("name", REFUSING)
def test_what_eager_code_refuses_is_refused_by_name_in_every_way(name):
    for number, refusal in enumerate(specimens_of(mg.registry[name]).refusals):
        verdict = judge(program_of(name, refusal.call, number))
        assert verdict.kind == "refused", (refusal.call, verdict)


@pytest.mark.parametrize("name", TAKING_SEVERAL)
@pytest.mark.parametrize("number", [2.0, 1, np.float32(2.0)])
def test_a_number_in_the_place_of_an_array_is_as_good_in_every_way(name, number):
    """Or is refused by name: never an error of something that has no shape."""
    for sample in specimens_of(mg.registry[name]).samples:
        program = program_of(name, sample, 0)
        for place in list(program.leaves)[: len(program.leaves) * (len(program.leaves) > 1)]:
            verdict = judge(pruned(replaced(program, place, lambda ref: number)))
            assert not verdict.failed, (sample, place, verdict)


@pytest.mark.parametrize("name", [name for name in TAKING_SEVERAL if takes_axis(name)])
@pytest.mark.parametrize("axis", [0.5, 9, "a", None, True, (0, 0)])
def test_a_wrong_axis_is_refused_by_name_in_every_way(name, axis):
    """Where it is one: several functions take None, or several axes."""
    sample = next(s for s in specimens_of(mg.registry[name]).samples if "axis" in s.params)
    verdict = judge(program_of(name, sample._replace(params=sample.params | {"axis": axis}), 0))
    assert not verdict.failed, verdict


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


def test_A2_a_parameter_as_an_argument_is_known_before_something_is_asked_of_it():
    """The function fails where two things stand for one object: it is looked at again before that is an error."""
    parameter, argument = Ref(0), Ref(1)
    steps = {
        10: Step("mg.grad", ([parameter], [argument], [parameter]), {"unused": "zero", "create_graph": True}),
        11: Step("mg.grad", ([Ref(10, 0)], [argument], [parameter]), {"unused": "zero"}),
    }
    leaves = {0: Leaf("parameter", (np.array([3.0]),), requires_grad=True), 1: Leaf("tensor", (), same_as=0)}
    assert judge(Program("same", leaves, steps, (Ref(11, 0),))).kind == "alike"


@pytest.mark.parametrize(
    "mask",
    [
        [[False, True, True], [True, True, False], [True, False, True]],
        [[True], [False], [True]],
        [[True, False, True]],
        [True, True, False],
    ],
)
@pytest.mark.parametrize("kind", ["list", "buffer", "array"])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_mask_is_the_right_one_for_every_piece(name, kind, mask):
    where = mask if kind == "list" else Ref(1)
    steps = {
        9: Step("mg.exp", (Ref(0),), {}),
        10: Step(f"mg.{name}", (Ref(9), where), {}),
        11: Step("mg.multiply", (Ref(10), Ref(10)), {}),
    }
    leaves = {0: Leaf("tensor", (np.arange(9.0).reshape(3, 3) / 9,))}
    if kind != "list":
        leaves[1] = Leaf(kind, (np.array(mask),))
    program = Program("pieces", leaves, steps, (Ref(10), Ref(11)), in_pieces=True)
    assert judge(program).kind == "alike"


def test_a_number_is_written_over_in_every_way():
    x, y, cotangent = Ref(0), Ref(1), Ref(2)
    steps = {9: Step("mg.set_at", (x, (), y), {}), 10: Step("mg.grad", ([Ref(9)], [x, y], [cotangent]), {})}
    leaves = {number: Leaf("tensor", (np.array(3.0),), requires_grad=True) for number in (0, 1)}
    leaves[2] = Leaf("scalar", (np.float64(2.0),))
    assert judge(Program("scalar", leaves, steps, (Ref(10, 0), Ref(10, 1)))).kind == "alike"


def test_a_cotangent_is_a_value_in_every_way():
    """Without a graph, the gradient is neither the result that came in, with its history, nor state that moves on."""
    x, state = Ref(0), Ref(1)
    steps = {
        9: Step("operator.mul", (x, x), {}),
        10: Step("mg.grad", ([x], [x], [Ref(9)]), {}),
        11: Step("mg.grad", ([x], [x], [state]), {}),
        12: Step("mg.assign", (state, x), {}),
        13: Step("operator.mul", (x, Ref(10, 0)), {}),
        14: Step("mg.grad", ([Ref(13)], [x], [x]), {}),
    }
    leaves = {0: Leaf("tensor", (np.array([3.0]),), requires_grad=True), 1: Leaf("buffer", (np.array([5.0]),))}
    program = Program("cotangent", leaves, steps, (Ref(10, 0), Ref(11, 0), Ref(14, 0)))
    assert judge(program).kind == "alike"


@pytest.mark.parametrize("name", [name for name, f in mg.registry.items() if getattr(f, "elementwise", False)])
def test_nothing_in_the_place_of_an_array_is_refused_by_name(name):
    function = mg.registry[name]
    for place in range(function.fewest):
        args = tuple([None if i == place else Ref(0) for i in range(len(function.arguments))])
        params = specimens_of(function).samples[0].params
        leaves = {0: Leaf("tensor", (np.ones(3, bool) if name == "where" else np.ones(3),))}
        program = pruned(Program("none", leaves, {9: Step(f"mg.{name}", args, params)}, (Ref(9),)))
        if program.leaves:
            assert judge(program).kind == "refused"


@pytest.mark.parametrize("order", [1, 2])
def test_memory_has_no_history_in_any_way(order):
    """What a buffer was assigned from passes no gradient on, neither in eager code nor where it is captured."""
    x, buffer = Ref(0), Ref(1)
    steps = {
        10: Step("operator.mul", (x, x), {}),
        11: Step("mg.assign", (buffer, Ref(10)), {}),
        12: Step("operator.mul", (buffer, Ref(10)), {}),
        13: Step("mg.grad", ([Ref(12)], [x], [x]), {"create_graph": True}),
    }
    if order == 2:
        steps[14] = Step("mg.grad", ([Ref(13, 0)], [x], [x]), {})
    leaves = {0: Leaf("tensor", (np.array([3.0]),), requires_grad=True), 1: Leaf("buffer", (np.zeros(1),))}
    assert judge(Program("buffer", leaves, steps, (Ref(12 + order, 0),))).kind == "alike"


# --- what is drawn, and how it is made small --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def drawn():
    """Many programs, which are not run."""
    return [draw_program(seed) for seed in seeds("drawn", 2000)]


@pytest.mark.deep
def test_every_function_with_samples_is_drawn(drawn):
    calls = {step.call for program in drawn for step in program.steps.values()}
    with_samples = {
        f"mg.{name}" for name, function in mg.registry.items() if specimens_of(function).samples and hasattr(mg, name)
    }
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
    monkeypatch.setitem(lowerings.LOWERINGS, mg.tanh, lowerings.compute_ufunc(np.sin))
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
