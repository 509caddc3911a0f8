"""Lists that hold Tensors are operands: they are stacked, at every depth."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.checks.cases import cases_of, cotangents_for, is_float_array, results
from minigrad.checks.compare import require_close
from minigrad.ops.specimens import specimens_of
from tests.tiers import in_two_tiers

FUNCTIONS = [name for name, function in mg.registry.items() if specimens_of(function).samples]

CALLS = {
    "sum": lambda t, u: mg.sum([t, u], 0), "add": lambda t, u: mg.add([t, u], 1.0), "beside": lambda t, u: t * [u, t],
    "nested": lambda t, u: mg.concatenate([[t, u], [u, u]]), "deep": lambda t, u: mg.mean([[t, u], [u, t]], axis=1),
    "with numbers": lambda t, u: mg.stack([[t[0], 2.0], [u[1], t[1]]]), "matmul": lambda t, u: mg.matmul([t, u], u),
    "reversed": lambda t, u: [t, u] + u * 1.0,
    "several axes": lambda t, u: mg.softmax([t, u], axis=(0, 1)),
    "all axes": lambda t, u: mg.log_softmax([t, u], None, axis=None),
    "classes": lambda t, u: mg.cross_entropy([t, u], [0, 1]),
    "probabilities": lambda t, u: mg.cross_entropy([t, u], [[0.25, 0.75], [1.0, 0.0]]),
    "targets": lambda t, u: mg.cross_entropy([1.0, 2.0], [t[0], u[0]]),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_a_list_of_tensors_is_the_array_of_them_with_its_gradients(name):
    arrays = [np.array([1.0, 2.0]), np.array([3.0, -4.0])]
    xs = [Tensor(a, requires_grad=True) for a in arrays]
    function = CALLS[name]
    expected = np.asarray(function(*arrays))
    for y in (function(*xs), mg.compile(function)(*xs)):
        np.testing.assert_allclose(y.numpy(), expected)
    assert mg.check_gradients(function, xs).passed


@in_two_tiers(first=2)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_operand_may_be_a_list_of_its_rows(name, samples):
    """Of those that may be split so: not operands of no axes, of length 0, or that are in a list themselves."""
    function = mg.registry[name]
    for case in list(cases_of(function))[samples]:
        args, params = case.arguments()
        for place, array in enumerate(args):
            if is_float_array(array) and array.ndim and len(array):
                whole, rows = Tensor(array, requires_grad=True), Tensor(array, requires_grad=True)
                pairs = []
                for x, given in ((whole, whole), (rows, list(rows))):
                    ys = results(function(*args[:place], given, *args[place + 1 :], **params))
                    floats = [y for y in ys if getattr(y, "requires_grad", False)]
                    gradients = mg.grad(floats, [x], cotangents_for(floats)) if floats else []
                    pairs.append([*ys, *gradients])
                require_close(*pairs, relative=0.0)  # a zero may have another sign: it was added up
