"""What the oracles share: every sample of a function as a problem, minigrad's answer to it, and the comparison.

A problem asks for the value, for the gradients along random cotangents, and for the second derivatives: the gradients
of Σ direction · gradient with respect to the inputs and to the cotangents. An oracle answers the problems of one
function at a time, with its own counterpart of the function.
"""

import contextlib
import functools
import inspect
import os
from collections.abc import Callable
from importlib import metadata
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import Case, cases_of, cotangents_for, is_float_array, results, variables
from minigrad.core.op import Op
from minigrad.core.structure import map_leaves

# JAX compiles a program for every problem and runs it once, so the time to optimise it is lost. It reads the flags when
# it is first used, and one that it does not know ends the process: flags come and go, and this version knows these.
with contextlib.suppress(metadata.PackageNotFoundError):
    if metadata.version("jax") == "0.10.2":
        flags = "xla_llvm_disable_expensive_passes=true", "xla_cpu_use_fusion_emitters=false"
        os.environ.setdefault("XLA_FLAGS", " --".join(["--xla_backend_optimization_level=0", *flags]))

RELATIVE = 1e-10  # to the largest number of an array, or to 1


class Problem(NamedTuple):
    """A function of floating-point arrays, where to take it, and along what; nothing where there is no derivative."""

    function: Callable[..., Any]
    floats: list[np.ndarray]
    cotangents: tuple[np.ndarray, ...]
    directions: tuple[np.ndarray, ...]


class Answer(NamedTuple):
    """The outputs, the gradients for the inputs, and the second derivatives for the inputs and for the cotangents."""

    value: list[Any]
    gradients: list[Any]
    second_derivatives: list[Any]


@pytest.fixture
def compare_record():
    """`compare_record(name, counterparts, exceptions, answers)`: fail unless `answers(problems)` are minigrad's own."""
    return compare


@pytest.fixture
def assert_agree():
    """`assert_agree(what, actual, expected)`: two lists of arrays are equal, to 1e-10 of the largest number in each."""
    return agree


def compare(name, counterparts, exceptions, answers):
    if name in exceptions:
        pytest.skip(exceptions[name])
    assert name in counterparts, f"{name} has neither a counterpart nor a reason to have none"
    cases = list(cases_of(mg.registry[name]))
    assert cases, f"{name} has no samples"
    problems, expected = zip(*(solved(case) for case in cases), strict=True)
    called = [
        problem._replace(function=functools.partial(call_counterpart, counterparts[name], case))
        for case, problem in zip(cases, problems, strict=True)
    ]
    for case, mine, theirs in zip(cases, expected, answers(called), strict=True):
        for part, actual, wanted in zip(Answer._fields, mine, theirs, strict=True):
            agree(f"{part.replace('_', ' ')} of sample {case.number} of {name}, {case.sample}", actual, wanted)


def solved(case: Case) -> tuple[Problem, Answer]:
    """The problem of one sample, and minigrad's answer."""
    floats = case.floats()
    xs = variables(floats)
    ys = results(case(*xs))
    if not case.differentiable:
        return Problem(case, floats, (), ()), Answer(ys, [], [])
    cotangents = cotangents_for(ys)
    seeds = variables(list(cotangents))
    gradients = mg.grad(tuple(ys), xs, tuple(seeds), create_graph=True, unused="zero")
    rng = np.random.default_rng(11)
    directions = tuple(rng.standard_normal(x.shape) for x in floats)
    seconds = mg.grad(tuple(gradients), [*xs, *seeds], directions, unused="zero")
    return Problem(case, floats, cotangents, directions), Answer(ys, gradients, seconds)


def call_counterpart(counterpart, case, *floats):
    """The counterpart gets every argument, defaults included: inputs by position, the params of an op by name."""
    given = iter(floats)
    args, params = map_leaves(lambda leaf: next(given) if is_float_array(leaf) else leaf, case.arguments())
    if isinstance(case.function, Op):
        args, params = case.function.bind(args, params)
    else:
        bound = inspect.signature(case.function.call).bind(*args, **params)
        bound.apply_defaults()
        args, params = bound.args, bound.kwargs
    return counterpart(*args, **params)


def agree(name, actual, expected):
    assert len(actual) == len(expected), name
    for x, y in zip(actual, expected, strict=True):
        x, y = (t.numpy() if isinstance(t, mg.Tensor) else np.asarray(t) for t in (x, y))
        assert x.shape == y.shape, f"{name}: minigrad has shape {x.shape}, the oracle {y.shape}"
        finite = [float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a))) for a in (x, y)]
        np.testing.assert_allclose(x, y, rtol=0, atol=RELATIVE * max(1.0, *finite), err_msg=name)
