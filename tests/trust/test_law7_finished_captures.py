"""Law 7: a Tensor of a finished capture never had a value, and whoever uses it hears so.

It can get out of the captured function by lists, dictionaries, variables outside, private attributes of modules, and by
functions that fail. Every way to use it is tried, among them all public ops in each of their arguments.
"""

import copy
import functools
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.checks.cases import cases_of
from minigrad.core.op import Op
from minigrad.core.structure import leaves, map_leaves

T = mg.Tensor
FINISHED = "belongs to a finished capture"
OPS = sorted({op.name for op in mg.registry.values() if isinstance(op, Op)})


def leaked(array=None, result=True):
    """A stand-in for an argument of the shape and type of `array` that got out of a capture, or a result."""
    out = []

    def function(x):
        out.append(mg.copy(x) if result else x)
        return x

    mg.trace(function, np.ones(3) if array is None else array)
    return out[0]


def instead(result, x):
    return leaked(x, result) if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize("name", OPS)
def test_law7_every_op_refuses_it_in_each_argument(name):
    op = mg.registry[name]
    for case in cases_of(op):
        args, kwargs = case.arguments()
        for position, arg in enumerate(args):
            if not any(isinstance(x, np.ndarray) for x in leaves(arg)):
                continue
            for result in (True, False):
                used = map_leaves(functools.partial(instead, result), arg)
                with pytest.raises(mg.CaptureError, match=FINISHED):
                    op(*args[:position], used, *args[position + 1 :], **kwargs)


def as_tensor(x):
    return T(x, requires_grad=x.dtype.kind == "f") if isinstance(x, np.ndarray) else x


@pytest.mark.parametrize("name", OPS)
def test_law7_what_a_compiled_op_returns_loses_no_gradient_in_silence(name):
    """Where eager code would follow a result to what requires a gradient, meeting that is refused; else it is free."""
    op = mg.registry[name]
    for case in cases_of(op):
        args, kwargs = case.arguments()
        given = map_leaves(as_tensor, args)
        total = mg.sum(T([1.0], requires_grad=True))
        with np.errstate(all="ignore"):
            expected = op(*given, **kwargs).requires_grad
            try:
                result = mg.compile(lambda: op(*given, **kwargs))()  # noqa: B023  # used at once
            except mg.CaptureError:  # a list of numbers among the arguments
                continue
            assert not result.requires_grad
            if expected:
                with pytest.raises(mg.GraphError, match="compiled function"):
                    mg.sum(result) + total
            else:
                assert (mg.sum(result) + total).requires_grad


WEIGHT = T([1.0, 2.0, 3.0], requires_grad=True, name="weight")
USES = {
    "operator": lambda t: t * 2.0,
    "reflected operator": lambda t: 2.0 - t,
    "negative": lambda t: -t,
    "in place": lambda t: t.__iadd__(1.0),
    "array on the left": lambda t: np.ones(3) * t,
    "comparison": lambda t: t < 1.0,
    "equality": lambda t: t == t,
    "indexing": lambda t: t[0],
    "as an index": lambda t: WEIGHT[leaked(np.arange(3))],
    "iteration": list,
    "method": lambda t: t.sum(),
    "NumPy function": np.exp,
    "NumPy concatenate": lambda t: np.concatenate([t, t]),
    "asarray": np.asarray,
    "array": np.array,
    "float": lambda t: float(t[0]),
    "float of it": float,
    "bool": bool,
    "item": lambda t: t.item(),
    "tolist": lambda t: t.tolist(),
    "numpy": lambda t: t.numpy(),
    "data": lambda t: t.data,
    "detach": lambda t: t.detach(),
    "copy": mg.copy,
    "Tensor": T,
    "constant": mg.constant,
    "read": mg.read,
    "deepcopy": copy.deepcopy,
    "pickle": pickle.dumps,
    "transposed": lambda t: t.T,
    "assign from it": lambda t: mg.assign(T(np.ones(3)), t),
    "assign to it": lambda t: mg.assign(t, np.ones(3)),
    "grad of it": lambda t: mg.grad(t, WEIGHT, np.ones(3)),
    "grad for it": lambda t: mg.grad(mg.sum(WEIGHT), t),
    "cotangent": lambda t: mg.grad(WEIGHT * 2.0, WEIGHT, t),
    "cotangent of a leaf": lambda t: mg.grad(WEIGHT, WEIGHT, t),
    "cotangent, recorded": lambda t: mg.grad(WEIGHT * 2.0, WEIGHT, t, create_graph=True),
    "backward": lambda t: t.backward(np.ones(3)),
    "backward with it": lambda t: (WEIGHT * 2.0).backward(t),
    "graph_of": mg.graph_of,
    "graph": lambda t: t.graph(),
    "vjp": lambda t: mg.vjp(mg.exp, [t], np.ones(3)),
    "jvp": lambda t: mg.jvp(mg.exp, [np.ones(3)], [t]),
    "check_gradients": lambda t: mg.check_gradients(mg.exp, [t]),
    "trace, as an argument": lambda t: mg.trace(mg.exp, t),
    "trace, as an operand": lambda t: mg.trace(lambda x: x * t, np.ones(3)),
    "trace, as what is returned": lambda t: mg.trace(lambda: t),
    "compile, as an argument": lambda t: mg.compile(mg.exp)(t),
    "compile, in a list": lambda t: mg.compile(lambda x: x[0])([t]),
    "compile, by name": lambda t: mg.compile(lambda x: x)(x=t),
    "compile, as an operand": lambda t: mg.compile(lambda x: x * t)(np.ones(3)),
    "compile, as what is returned": lambda t: mg.compile(lambda x: [x, t])(np.ones(3)),
    "compile, assigned": lambda t: mg.compile(lambda x: mg.assign(WEIGHT, t))(np.ones(3)),
    "compile, assigned to": lambda t: mg.compile(lambda x: mg.assign(t, x))(np.ones(3)),
    "compile, read": lambda t: mg.compile(lambda x: mg.read(t))(np.ones(3)),
    "compile, differentiated": lambda t: mg.compile(lambda x: mg.grad(mg.sum(x), t))(np.ones(3)),
    "compile, as a gradient": lambda t: mg.compile(lambda x: setattr(WEIGHT, "grad", t))(np.ones(3)),
    "run of a graph": lambda t: mg.trace(mg.exp, np.ones(3)).run(t),
    "gradient": lambda t: setattr(T(np.ones(3)), "grad", t),
    "a buffer": lambda t: setattr(Holder(), "buffer", t),
}  # fmt: skip


class Holder(nn.Module):
    def __init__(self):
        self.buffer = T(np.ones(3))
        self.linear = nn.Linear(2, 2, rng=np.random.default_rng(0))

    def forward(self, x):
        self._last = x * 2.0
        return x


@pytest.mark.parametrize("result", [True, False], ids=["result", "argument"])
@pytest.mark.parametrize("use", USES)
def test_law7_every_use_of_it_is_refused(use, result):
    tensor = leaked(result=result)
    with pytest.raises(mg.CaptureError, match=FINISHED):
        USES[use](tensor)
    assert WEIGHT.tolist() == [1.0, 2.0, 3.0]
    assert WEIGHT.grad is None


@pytest.mark.parametrize("order", [0, 1, 2])
def test_law7_gradients_of_a_capture_are_refused(order):
    out = []

    def function(x):
        y = mg.sum(x**3)
        for _ in range(order):
            y = mg.sum(mg.grad(y, x, create_graph=True))
        out.append(y)
        return x

    x = T([1.0, 2.0], requires_grad=True)
    mg.compile(function)(x)
    for use in (lambda t: t.backward(), lambda t: mg.grad(t, x), lambda t: t + 1.0, mg.graph_of, float):
        with pytest.raises(mg.CaptureError, match=FINISHED):
            use(out[0])


def test_law7_it_can_be_looked_at():
    for tensor in (leaked(), leaked(result=False)):
        assert "shape=(3,)" in repr(tensor)
        assert f"{tensor}" == str(tensor) == repr(tensor)
        assert (tensor.shape, tensor.dtype, tensor.ndim, tensor.size, len(tensor)) == ((3,), np.float64, 1, 3, 3)
        assert tensor.grad is None
        assert {tensor: 1}[tensor] == 1


def escaping(way):
    """A function of x that lets a Tensor of its capture out, and how to get that."""
    store = {"list": [], "dictionary": {}, "private": Holder(), "failing": []}
    box = None

    def function(x):
        nonlocal box
        y = x * 2.0
        if way == "variable":
            box = y
        elif way in ("list", "failing"):
            store[way].append(y)
        elif way == "dictionary":
            store[way]["y"] = y
        else:
            store[way](x)
        if way == "failing":
            raise KeyError("on purpose")
        return y

    def found():
        if way == "variable":
            return box
        return {"list": store["list"], "failing": store["failing"]}.get(way, [None])[0] or (
            store["dictionary"].get("y") if way == "dictionary" else store["private"]._last
        )

    return function, found


@pytest.mark.parametrize("tried", [mg.trace, lambda function, x: mg.compile(function)(x)], ids=["trace", "compile"])
@pytest.mark.parametrize("way", ["variable", "list", "dictionary", "private", "failing"])
def test_law7_it_is_refused_whatever_way_it_got_out(way, tried):
    function, found = escaping(way)
    if way == "failing":
        with pytest.raises(KeyError, match="on purpose"):
            tried(function, np.ones(3))
    else:
        tried(function, np.ones(3))
    with pytest.raises(mg.CaptureError, match=FINISHED):
        found() * 2.0


def test_law7_a_module_that_holds_it_has_no_state_to_save(tmp_path):
    module = Holder()
    mg.compile(module)(np.ones(3))
    for use in (
        module.state_dict,
        module.parameters,
        lambda: module.load_state_dict({}),
        lambda: module.astype(np.float32),
        lambda: copy.deepcopy(module),
        lambda: pickle.dumps(module),
        lambda: optim.SGD(module.parameters(), 0.1),
        lambda: mg.save_checkpoint(tmp_path / "model.safetensors", module),
    ):
        with pytest.raises(mg.CaptureError, match=FINISHED):
            use()
    assert "Holder  6 parameters" in repr(module)
    module._last = None
    assert len(module.state_dict()) == 3


def test_law7_in_its_own_capture_it_is_used_freely():
    module = Holder()

    def function(x):
        module(x)
        assert len(module.parameters()) == 2
        return module._last + 1.0

    assert mg.compile(function)(np.ones(3)).tolist() == [3.0] * 3
