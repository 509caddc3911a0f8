"""Mistakes, and what their messages must name: the cases that have no other home."""

import inspect
import re

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor, nn, optim
from minigrad.core.op import Op
from minigrad.ops.specimens import specimens_of
from minigrad.ops.specimens.draws import realise


def leaf(*shape, name=None):
    return Tensor(np.ones(shape), requires_grad=True, name=name)


def refused(error, call, *named):
    """`call` raises `error` itself and not a kind of it, and the message has all that is to be named."""
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    for part in named:
        assert part in str(caught.value), f"{part!r} is not in: {caught.value}"


# --- E1: shapes -------------------------------------------------------------------------------------------------------

CLASHES = {
    "add": (lambda: leaf(2, 3) + leaf(4), "(2, 3)", "(4,)", "axis -1 is 3 in x1 against 4 in x2"),
    "two axes": (lambda: leaf(2, 3) - leaf(4, 5), "subtract", "axis -1 is 3 in x1", "axis -2 is 2 in x1 against 4"),
    "names": (lambda: leaf(2, 3, name="tokens") / leaf(2, 2, name="scale"), "divide(x1: float64 (2, 3) 'tokens', x2:"),
    "numpy": (lambda: np.ones((2, 3)) * leaf(2, 1, 2), "multiply", "(2, 1, 2)", "axis -1 is 3 in x1 against 2"),
    "three": (
        lambda: mg.where(np.ones((2, 3), bool), leaf(3), leaf(2)),
        "where(condition: bool (2, 3), x: float64 (3,), y: float64 (2,))",
        "axis -1 is 3 in condition and x against 2 in y",
    ),
    "matmul": (
        lambda: leaf(2, 3) @ leaf(2, 3), "matmul", "(2, 3)", "axis -1 of x1 is 3 and axis -2 of x2 is 2",
        "did you mean `x1 @ x2.T` of shape (2, 2), or `x1.T @ x2` of shape (3, 3)?",
    ),
    "vector": (lambda: leaf(2, 3) @ leaf(2), "matmul", "axis -1 of x1 is 3 and axis -1 of x2 is 2", "`x1.T @ x2`"),
    "number": (lambda: Tensor(2.0) @ leaf(2, 3), "matmul", "x1 has no axis", "did you mean `x1 * x2`?"),
    "batch": (lambda: leaf(2, 3, 4) @ leaf(5, 4, 3), "matmul", "axis -3 is 2 in x1 against 5 in x2"),
    "linear": (lambda: mg.linear(leaf(5, 4), leaf(3, 2), leaf(2)), "axis -1 of x is 4 and axis -2 of weight is 3"),
    "bias": (lambda: mg.linear(leaf(5, 3), leaf(3, 2), leaf(4)), "linear", "axis -1 is 2 in weight against 4 in bias"),
    "vecdot": (lambda: mg.vecdot(leaf(2, 3), leaf(2, 4)), "vecdot", "axis -1 is 3 in x1 against 4 in x2"),
    "broadcast_to": (lambda: mg.broadcast_to(leaf(2, 3), (2, 4)), "(2, 3)", "axis -1 is 3 in x against 4 in shape="),
    "reshape": (lambda: leaf(2, 3).reshape(4), "reshape(x: float64 (2, 3), shape=4)"),
    "concatenate": (lambda: mg.concatenate([leaf(2, 3), leaf(2, 4)]), "concatenate", "(2, 3)", "(2, 4)", "dimension 1"),
    "captured": (lambda: mg.trace(mg.add, leaf(2, 3), leaf(4)), "add", "axis -1 is 3 in x1 against 4 in x2"),
    "captured matmul": (lambda: mg.trace(mg.matmul, leaf(2, 3), leaf(2, 3)), "axis -1 of x1 is 3", "`x1 @ x2.T`"),
}  # fmt: skip


@pytest.mark.parametrize("case", CLASHES)
def test_E1_clashing_shapes_name_the_operation_both_shapes_and_the_axes(case):
    call, *named = CLASHES[case]
    refused(ValueError, call, *named)


def test_E1_where_each_operand_was_made_is_named():
    x = leaf(2, 3)
    with mg.scope("layer"):
        y = mg.exp(x)
    refused(ValueError, lambda: y + leaf(4), "made by exp in layer", "with minigrad.trace_lines():")
    with mg.trace_lines():
        y, z = mg.exp(x), Tensor(np.ones(4))
        line = inspect.currentframe().f_lineno - 1
    refused(
        ValueError,
        lambda: y + z,
        f"made by exp at test_messages.py:{line}, x2: float64 (4,) at test_messages.py:{line}",
    )
    with pytest.raises(ValueError, match="made by exp") as caught:
        y + z
    assert "trace_lines" not in str(caught.value)


# --- E2: axes ---------------------------------------------------------------------------------------------------------


def parameters(function):
    return inspect.signature(function.forward if isinstance(function, Op) else function.call).parameters


WITH_AXIS = [
    f for f in mg.registry.values() if not isinstance(getattr(f, "forward", None), np.ufunc) and "axis" in parameters(f)
]
NEEDED = {"roll": {"shift": 1}, "sliding_window_view": {"window_shape": 2}}  # parameters that have no default
MADE_OF = {"ptp": "max"}  # a composition may leave it to the op it is made of


@pytest.mark.parametrize("function", WITH_AXIS, ids=lambda function: function.name)
def test_E2_an_axis_that_is_not_there_names_operation_axis_and_ndim(function):
    names = [name for name, p in parameters(function).items() if p.kind is not p.KEYWORD_ONLY and name != "axis"]
    sample = realise(list(specimens_of(function).samples[0].args), RNG)
    shape = next(s.params["shape"] for s in specimens_of(function).samples) if "shape" in parameters(function) else None
    given = {"axis": 5} | NEEDED.get(function.name, {}) | ({} if shape is None else {"shape": shape})
    with pytest.raises(np.exceptions.AxisError) as caught:
        function(*sample[: len(names)], **given)
    assert re.search(rf"\b{MADE_OF.get(function.name, function.name)}\b.*axis 5 .*dimension \d", str(caught.value))


RNG = np.random.default_rng(0)


def test_E2_every_operation_over_an_axis_is_tried():
    tried = {function.name for function in WITH_AXIS}
    assert {"sum", "concatenate", "stack", "split", "softmax", "sort", "take", "expand_dims", "squeeze", "std"} <= tried


def test_E2_permutations_that_do_not_fit():
    refused(ValueError, lambda: leaf(2, 3).transpose(0, 1, 2), "transpose(x: float64 (2, 3), axes=(0, 1, 2))")
    refused(
        np.exceptions.AxisError,
        lambda: leaf(2, 3).swapaxes(0, 2),
        "swapaxes(x: float64 (2, 3)",
        "axis 2",
        "dimension 2",
    )


# --- E3: nothing to differentiate -------------------------------------------------------------------------------------


def test_E3_backward_from_what_has_no_history_says_how_to_make_a_leaf():
    how = "make a leaf with Tensor(data, requires_grad=True), and compute outside no_grad()"
    x = leaf(2, name="x")
    with mg.no_grad():
        unrecorded = mg.sum(x)
    for loss, described in (
        (Tensor(1.0, name="loss"), "float64 () 'loss'"), (mg.sum(Tensor([1.0, 2.0])), "made by sum"),
        (unrecorded, "float64 () made by sum"), (mg.sum(x.detach()), "made by sum"), (mg.argmax(x), "made by argmax"),
    ):  # fmt: skip
        refused(GraphError, loss.backward, "nothing requires a gradient behind", described, how)
    refused(
        GraphError, lambda: mg.grad(mg.sum(x), Tensor(1.0, name="t")), "float64 () 't' does not require a gradient", how
    )


# --- E6: numbers out of range -----------------------------------------------------------------------------------------

P = Tensor([1.0], requires_grad=True)
OUT_OF_RANGE = {
    "dropout": (lambda: mg.dropout(P, 1.5), "dropout: rate=1.5 must be between 0 and 1"),
    "Dropout": (lambda: nn.Dropout(-0.1), "Dropout: rate=-0.1 must be between 0 and 1"),
    "MultiHeadAttention": (
        lambda: nn.MultiHeadAttention(8, 2, rng=np.random.default_rng(0), dropout=float("nan")),
        "Dropout: rate=nan must be between 0 and 1",
    ),
    "SGD": (lambda: optim.SGD([P], rate=-1.0), "SGD: rate=-1.0 must be at least 0"),
    "rate set": (lambda: setattr(optim.Adam([P]), "rate", float("inf")), "Adam: rate=inf must be at least 0"),
    "Adam": (lambda: optim.Adam([P], epsilon=0), "Adam: epsilon=0 must be above 0"),
    "AdamW": (lambda: optim.AdamW([P], betas=(0.9, 1.0)), "AdamW: betas=(0.9, 1.0) must be", "at least 0 and below 1"),
    "betas": (lambda: optim.Adam([P], betas=(0.9,)), "Adam: betas=(0.9,) must be two numbers"),
    "momentum": (lambda: optim.SGD([P], 0.1, momentum=1.0), "SGD: momentum=1.0 must be at least 0 and below 1"),
    "weight_decay": (lambda: optim.AdamW([P], weight_decay=-1), "AdamW: weight_decay=-1 must be at least 0"),
    "no parameters": (lambda: optim.Adam([]), "Adam: parameters is empty, at least one is needed"),
    "a generator that is empty": (lambda: optim.SGD(iter(()), 0.1), "SGD: parameters is empty"),
    "clipping": (lambda: optim.clip_gradients([P], 0.0), "clip_gradients: maximum=0.0 must be above 0"),
    "heads": (
        lambda: nn.MultiHeadAttention(8, 3, rng=np.random.default_rng(0)),
        "MultiHeadAttention: width=8 must be a multiple of heads=3",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OUT_OF_RANGE)
def test_E6_a_number_out_of_range_is_named_with_what_is_allowed(case):
    refused(ValueError, *OUT_OF_RANGE[case])


def test_E6_epsilon_0_is_refused_before_anything_moves():
    p = Tensor([1.0, 2.0], requires_grad=True)
    before = p.data.__array_interface__["data"]
    refused(ValueError, lambda: optim.Adam([p], epsilon=0.0), "epsilon=0.0")
    assert p.data.__array_interface__["data"] == before


# --- E8: a value that was written to ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "write",
    [
        lambda p: mg.assign(p, [5.0, 6.0]), lambda p: setattr(p, "data", [5.0, 6.0]),
        lambda p: optim.SGD([p], rate=0.1),  # it moves the parameter into its own memory
    ],
)  # fmt: skip
def test_E8_the_tensor_that_was_written_to_and_the_op_that_used_it_are_named(write):
    p = leaf(2, name="p")
    loss = mg.sum(mg.square(p) * 3.0)
    write(p)
    for differentiate in (loss.backward, lambda: mg.grad(loss, p), lambda: mg.grad(loss, p, create_graph=True)):
        refused(GraphError, differentiate, "float64 (2,) 'p' was written to after square used it", "before the update")


def test_E8_the_line_of_the_tensor_is_named_where_it_is_known():
    with mg.trace_lines():
        p = leaf(2, name="p")
    loss = mg.sum(mg.exp(p))
    mg.assign(p, [0.0, 0.0])
    refused(GraphError, loss.backward, "'p' at test_messages.py:", "after exp used it")


# --- E9: keywords that are not supported ------------------------------------------------------------------------------

T = Tensor(np.ones((2, 3)), requires_grad=True)
UNSUPPORTED = {
    "add out": (lambda: mg.add(T, 1.0, out=np.ones((2, 3))), "add: argument out is not supported; it takes (x1, x2)"),
    "numpy out": (lambda: np.exp(T, out=np.ones((2, 3))), "exp: argument out is not supported"),
    "numpy where": (lambda: np.sum(T, where=[True, False, True]), "sum: argument where is not supported"),
    "numpy initial": (lambda: np.max(T, initial=0.0), "max: argument initial is not supported"),
    "numpy casting": (lambda: np.add(T, 1.0, casting="unsafe"), "add: argument casting is not supported"),
    "composition": (lambda: np.var(T, mean=0.0), "var: argument mean is not supported; it takes (x, axis="),
    "two": (lambda: T.sum(where=None, initial=0.0), "sum: argument initial, where is not supported"),
    "in place": (lambda: np.add(np.ones((2, 3)), T, out=(np.ones((2, 3)),)), "add: argument out is not supported"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_E9_an_unsupported_keyword_is_refused_and_never_ignored(case):
    refused(TypeError, *UNSUPPORTED[case])


@pytest.mark.parametrize("function", mg.registry.values(), ids=lambda function: function.name)
def test_E9_no_function_ignores_a_keyword(function):
    args, params = next(iter(specimens_of(function).samples), ((T,), {}))
    with pytest.raises(TypeError, match=rf"^{function.name}: argument no_such_thing is not supported; it takes \("):
        function(*realise(list(args), RNG), **params, no_such_thing=None)
