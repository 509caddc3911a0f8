"""What every function refuses, whatever it does: unknown keywords, too many arguments, what is no real array."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.checks.cases import cases_of
from minigrad.core.op import Op
from minigrad.core.structure import map_leaves
from minigrad.ops.specimens import specimens_of

FUNCTIONS = [function for function in mg.registry.values() if specimens_of(function).samples]
every_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)


def on_tensors(case):
    return map_leaves(lambda leaf: Tensor(leaf) if isinstance(leaf, np.ndarray) else leaf, case.arguments())


@every_function
@pytest.mark.parametrize("as_tensors", [True, False])
def test_E9_a_keyword_that_is_not_supported_is_never_ignored(function, as_tensors):
    case = next(cases_of(function))
    args, params = on_tensors(case) if as_tensors else case.arguments()
    for keyword in ("out", "order", "casting"):
        with pytest.raises(TypeError, match=rf"{function.name}.*{keyword}"):
            function(*args, **params, **{keyword: None})


@every_function
def test_too_many_arguments_are_refused(function):
    case = next(cases_of(function))
    args, params = on_tensors(case)
    if not takes_any_number(function):
        with pytest.raises(TypeError, match=function.name):
            function(*args, *[None] * 12, **params)


def takes_any_number(function):
    if isinstance(function, Op):
        return function.variadic is not None
    return any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(function.call).parameters.values())


@every_function
@pytest.mark.parametrize("strange", [np.array([1j, 2.0]), np.array([None, 1.0]), "text", {"a": 1.0}], ids=type)
def test_D7_what_is_no_real_array_is_refused_beside_a_tensor(function, strange):
    for case in cases_of(function):
        args, params = on_tensors(case)
        arrays = [position for position, x in enumerate(args) if isinstance(x, Tensor)]
        if len(arrays) > 1:
            replaced = list(args)
            replaced[arrays[-1]] = strange
            with pytest.raises((TypeError, IndexError, ValueError)):
                function(*replaced, **params)
