"""What a NumPy user types works, and what cannot work says so."""

import copy
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.storage import rebase


def test_D7_construction_takes_real_numbers_only():
    for bad, named in (
        (np.ones(2, complex), "dtype complex128"), (1j, "dtype complex128"), (np.array(["a"]), "dtype <U1"),
        ("text", "dtype <U4"), (np.array([object()]), "dtype object"), (None, "dtype object"),
        (np.array("2020-01-01", "M8[D]"), r"dtype datetime64\[D\]"), ([[1.0], [1.0, 2.0]], "not an array of numbers"),
    ):  # fmt: skip
        with pytest.raises(TypeError, match=named):
            Tensor(bad)


@pytest.mark.parametrize("values", [[1, 2], [True, False]])
def test_D4_integers_cannot_require_a_gradient(values):
    kind = np.asarray(values).dtype
    for data in (values, np.asarray(values), Tensor(values)):
        with pytest.raises(TypeError, match=rf"{kind} values cannot require a gradient; pass dtype=numpy\.float64"):
            Tensor(data, requires_grad=True)
    assert Tensor(values, dtype=np.float32, requires_grad=True).dtype == np.float32


def test_lists_become_what_numpy_makes_of_them():
    assert Tensor([1.0]).dtype == np.float64
    assert Tensor([1]).dtype == np.int64


def test_the_facts_a_numpy_user_asks_for():
    t = Tensor([[1.0, 2.0, 3.0]], name="t")
    assert (t.shape, t.ndim, t.size, t.dtype, len(t), t.T.shape) == ((1, 3), 2, 3, np.float64, 1, (3, 1))
    assert (np.shape(t), np.ndim(t), np.size(t)) == ((1, 3), 2, 3)
    assert [row.tolist() for row in t] == [[1.0, 2.0, 3.0]]
    assert repr(t) == "Tensor([[1., 2., 3.]], shape=(1, 3), dtype=float64, name='t')"
    assert repr(Tensor(2.0, requires_grad=True) * 2.0) == "Tensor(4., shape=(), dtype=float64, op=multiply)"


def test_scalars_convert():
    assert float(Tensor([2.5])) == 2.5
    assert int(Tensor(3)) == 3
    assert [10, 20, 30][Tensor(1)] == 20
    assert bool(Tensor(0.0)) is False
    assert f"{Tensor(2.5):.2f}" == "2.50"
    assert Tensor(2.5).item() == 2.5
    with pytest.raises(TypeError, match="2 elements, not one"):
        float(Tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor([1.0, 2.0]))
    with pytest.raises(TypeError, match="no length"):
        len(Tensor(1.0))


def test_D9_comparisons_are_elementwise_and_hash_is_identity():
    a, b = Tensor([1.0, 2.0]), Tensor([1.0, 3.0])
    assert (a == b).tolist() == [True, False]
    assert (a != b).tolist() == [False, True]
    assert (a < b).tolist() == [False, True]
    assert len({a, b, a}) == 2
    assert {a: 1}[a] == 1
    assert a in {a} and a not in {b}  # noqa: PT018  # one law
    assert a in [a, b]  # the same object is found before anything is compared
    for ask in (lambda: b in [a, b], lambda: bool(a), lambda: a or b, lambda: 1 if a == b else 2):
        with pytest.raises(ValueError, match="ambiguous"):
            ask()


def test_D9_a_graph_of_tensors_that_are_equal_is_kept_apart():
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    loss = ((a + b) * a * b).sum()
    loss.backward(keep=True)
    assert [g.tolist() for g in mg.grad(loss, [b, a])] == [b.grad.tolist(), a.grad.tolist()]
    assert len(loss.graph().steps()) == len(loss.trail) + 4


def test_M9_a_loop_that_rebinds_parameters_is_told_what_trains_them():
    parameters = [Tensor([1.0, 2.0], requires_grad=True, name="p")]
    (parameters[0] * 2.0).sum().backward()

    def train():
        for p in parameters:
            p -= 0.1 * p.grad

    with pytest.raises(
        mg.GraphError, match=r"`-=` on float64 \(2,\) 'p', a leaf .* `p\.data -= …`, or use minigrad\.optim"
    ):
        train()
    for key in (0, ..., slice(None), [True, False]):
        with pytest.raises(mg.GraphError, match=r"float64 \(2,\) 'p' would .* minigrad\.set_at\(x, index, value\)"):
            parameters[0][key] = 1.0
    assert parameters[0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "make",
    [
        lambda t, a: a * t, lambda t, a: t * a, lambda t, a: np.float64(2.0) * t, lambda t, a: [1.0, 2.0] * t,
        lambda t, a: t @ a, lambda t, a: a @ t, lambda t, a: np.exp(t), lambda t, a: np.concatenate([t, a]),
        lambda t, a: np.sum(t), lambda t, a: 2.0 / t, lambda t, a: 2.0**t, lambda t, a: -t, lambda t, a: abs(t),
        lambda t, a: 1 - t, lambda t, a: np.where(a > 1, t, a), lambda t, a: np.maximum(a, t),
    ],
)  # fmt: skip
def test_D8_numpy_mixes_in_and_keeps_the_history(make):
    t = Tensor([1.0, 2.0], requires_grad=True)
    result = make(t, np.array([3.0, 4.0]))
    assert type(result) is Tensor
    assert result.requires_grad
    result.sum().backward()
    assert t.grad.shape == (2,)


@pytest.mark.parametrize(
    "call",
    [lambda t: np.linalg.cond(t), lambda t: np.linalg.qr(t), lambda t: np.hypot.reduce(t)],
)
def test_unsupported_numpy_functions_raise_and_name_where_the_supported_are_listed(call):
    refused = r"numpy\.(linalg\.|hypot\.)?\w+ is not supported.*x.numpy\(\).*sorted\(minigrad.registry\)$"
    with pytest.raises(TypeError, match=refused):
        call(Tensor([[1.0, 2.0]]))


def test_E9_unsupported_keywords_are_never_ignored():
    t = Tensor([1.0, 2.0], requires_grad=True)
    for call in (lambda: np.exp(t, out=np.zeros(2)), lambda: np.sum(t, where=[True, False]), lambda: t.sum(dim=0)):
        with pytest.raises(TypeError, match=r"argument \w+ is not supported; it takes"):
            call()


def test_an_array_of_a_tensor_that_requires_grad_raises():
    with pytest.raises(TypeError, match=r"use \.numpy\(\)"):
        np.asarray(Tensor([1.0], requires_grad=True))
    assert np.asarray(Tensor([1.0])).tolist() == [1.0]


def test_D2_numbers_are_weak():
    x = Tensor(np.ones((2, 2), np.float32), requires_grad=True)
    for y in (x * 2.0, x * np.float64(2), x / np.sqrt(8), np.float64(2) - x, x**2, x ** np.float64(2), 2 * x, x + True):
        assert y.dtype == np.float32
        y.sum().backward()
        assert x.grad.dtype == np.float32


def test_D3_a_parameter_keeps_its_type_among_float64_data():
    w = Tensor(np.ones(3, np.float32), requires_grad=True)
    y = w * np.ones(3)
    assert y.dtype == np.float64
    y.sum().backward()
    assert w.grad.dtype == np.float32


def test_numbers_stay_numbers_among_the_inputs():
    y = Tensor([1.0], requires_grad=True) * 0.25
    assert y.inputs[1] == 0.25
    assert type(y.inputs[1]) is float


def test_M10_copies_are_independent_leaves():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    y = x
    for _ in range(3_000):
        y = y * 1.0
    for again in (copy.deepcopy(y), pickle.loads(pickle.dumps(y)), copy.copy(y)):
        assert again.op is None
        assert again.tolist() == y.tolist()
        assert not np.shares_memory(again.data, y.data)
    assert copy.deepcopy({"a": x, "b": x})["a"].name == "x"


def test_S1_results_of_shape_nothing_are_arrays():
    x = Tensor(2.0, requires_grad=True)
    for y in (x * x, mg.exp(x), x.sum(), mg.softmax(x.reshape(1)).sum(), x**2):
        assert type(y.data.view(np.ndarray)) is np.ndarray
        assert y.shape == ()
        assert type(mg.grad(y, x).numpy()) is np.ndarray


def test_errors_name_the_op_and_its_arguments():
    a, b = Tensor(np.ones((2, 3)), name="embeddings"), Tensor(np.ones(4))
    with pytest.raises(ValueError, match=r"add\(x1: float64 \(2, 3\) 'embeddings', x2: float64 \(4,\)\)"):
        a + b
    with pytest.raises(np.exceptions.AxisError, match=r"sum\(x: float64 \(2, 3\) 'embeddings', axis=5"):
        a.sum(5)
    with pytest.raises(TypeError, match="reshape: argument 'shape' is missing"):
        a.reshape()
    with pytest.raises(TypeError, match="3 arguments given"):
        mg.exp(a, b, 1)
    with pytest.raises(TypeError, match="complex"):
        a * 1j


def test_lines_are_remembered_on_request():
    with mg.trace_lines():
        y = Tensor([1.0], requires_grad=True) * 2.0
    assert y.line.startswith("test_tensor.py:")
    assert (Tensor([1.0], requires_grad=True) * 2.0).line is None


def test_a_gradient_of_another_shape_is_refused():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    with pytest.raises(ValueError, match=r"gradient of float64 \(2,\) 'x' cannot have shape \(3,\)"):
        x.grad = np.zeros(3)
    x.grad = [3, 4]
    assert x.grad.dtype == np.float64
    assert x.grad.tolist() == [3.0, 4.0]


def test_every_op_is_listed_as_a_method():
    assert {"softmax", "sum", "backward", "grad"} <= set(dir(Tensor(1.0)))


def test_a_leaf_moves_into_memory_that_fits_and_into_no_other():
    x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    loss = (x * x).sum()
    memory = np.zeros(4)
    rebase(x, memory[1:3])
    assert memory.tolist() == [0.0, 1.0, 2.0, 0.0]
    with pytest.raises(mg.GraphError, match="written to"):
        loss.backward()
    loss = (x * x).sum()
    rebase(x, x._held)  # it is there already, and nothing was written
    loss.backward()
    for unfit in (np.zeros(3), np.zeros(2, np.float32)):
        with pytest.raises(mg.GraphError, match=rf"'x' cannot live in {unfit.dtype} memory of shape"):
            rebase(x, unfit)
    with pytest.raises(mg.GraphError, match="made by multiply"):
        rebase(x * x, np.zeros(2))


def test_a_view_of_a_plain_array_by_a_tensor_has_nothing_to_share():
    table = np.arange(6.0).reshape(3, 2)
    rows = mg.take(table, Tensor([2, 0]), axis=0)
    assert isinstance(rows, Tensor)
    assert rows.tolist() == [[4.0, 5.0], [0.0, 1.0]]


def test_the_rule_of_an_argument_can_be_asked_for():
    assert mg.multiply.rule(1) is mg.multiply.rules["x2"]
    with pytest.raises(mg.GraphError, match="where has no derivative with respect to 'condition'"):
        mg.where.rule(0)


NO_NUMBERS = (
    ["1", "2"],
    [None, 2.0],
    [1j, 2.0],
    np.array([1 + 2j, 3]),
    np.array(["2020-01-01"] * 2, "M8[D]"),
    [b"1", b"2"],
)


@pytest.mark.parametrize("values", NO_NUMBERS, ids=repr)
def test_what_is_no_numbers_is_refused_also_where_a_type_is_given(values):
    """NumPy would make numbers of text, dates and None, and drop imaginary parts."""
    x = Tensor([1.0, 2.0], requires_grad=True)

    def set_gradient():
        x.grad = values

    for use in (lambda: Tensor(values, dtype=float), lambda: Tensor(values, dtype=np.float32), set_gradient):
        with pytest.raises(TypeError, match="expected a Tensor or real numbers"):
            use()
    assert x.grad is None
    with pytest.raises(TypeError, match="dtype complex128"):
        Tensor([1.0, 2.0], dtype=complex)
