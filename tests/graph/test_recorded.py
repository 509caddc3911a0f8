"""Recording what is computed inside a block, also where an exception ends it."""

import gc
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn


class Model(nn.Module):
    """A block, and a layer of the wrong width behind it."""

    def __init__(self, inputs=8):
        rng = np.random.default_rng(0)
        self.block = nn.TransformerBlock(8, 2, rng=rng)
        self.out = nn.Linear(inputs, 2, rng=rng)

    def forward(self, x):
        return self.out(self.block(x))


TOKENS = np.ones((2, 3, 8), np.float32)


def failed(function, *args, error=Exception):
    with pytest.raises(error), mg.recording() as r:
        function(*args)
    return r.graph()


def x(name="x"):
    return mg.Tensor([[1.0, 2.0]], name=name)


# --- without an exception ---------------------------------------------------------------------------------------------


def test_everything_is_recorded_whether_a_gradient_is_wanted_or_not():
    with mg.recording() as r:
        y = x() * 2.0
        with mg.no_grad(), mg.scope("inside"):
            mg.exp(mg.Tensor([1.0], requires_grad=True, name="p") + 1.0)
    graph = r.graph()
    assert [node.expression for node in graph if node.op] == ["multiply(%0, 2.0)", "add(%2, 1.0)", "exp(%3)"]
    assert [node.op for node in graph.outputs] == ["multiply", "exp"]
    assert [node.scope for node in graph if node.op] == ["", "inside", "inside"]
    assert all(node.failure is None for node in graph)
    assert not y.requires_grad
    assert repr(r) == "<recording of 3 operations>"


def test_it_is_the_graph_that_the_result_has():
    model = Model()
    with mg.recording() as r:
        y = model(TOKENS)
    assert not r.graph().diff(y.graph())
    np.testing.assert_array_equal(r.graph().run(), y.numpy())


def test_gradients_that_are_recorded_are_part_of_it():
    with mg.recording() as r:
        y = mg.Tensor(3.0, requires_grad=True, name="y")
        mg.grad(y * y, y, create_graph=True)
    assert {node.order for node in r.graph()} == {0, 1}


def test_while_it_goes_on_and_with_nothing_in_it():
    with mg.recording() as r:
        with pytest.raises(mg.GraphError, match="nothing was computed"):
            r.graph()
        leaf = x()
        assert [node.role for node in r.graph()] == ["input"]
        leaf * 2.0
        assert len(r.graph()) == 2
    leaf * 3.0
    assert len(r.graph()) == 2


def test_a_compiled_function_is_recorded_operation_by_operation():
    step = mg.compile(lambda x: mg.sum(mg.exp(x)))
    with mg.recording() as r:
        step(mg.Tensor([1.0]))
    assert [node.op for node in r.graph() if node.op] == ["exp", "sum"]


# --- after an exception -----------------------------------------------------------------------------------------------


def test_the_operation_that_raised_is_the_last_node():
    def forward():
        scores = x() * 0.5
        unused = mg.exp(scores)
        return scores @ scores, unused

    graph = failed(forward, error=ValueError)
    assert [node.expression for node in graph] == ["input", "multiply(%0, 0.5)", "exp(%1)", "matmul(%1, %1)"]
    node = graph[-1]
    assert node.failure.startswith("ValueError: matmul(x1: float64 (1, 2) made by multiply")
    assert (str(node.shape), node.dtype.name, node.value, node.output) == ("?", "void", None, True)
    assert node.line.startswith("test_recorded.py:")
    assert str(graph).splitlines()[3].split("failed: ")[0].split() == [
        "%3", "=", "matmul(%1,", "%1)", "?", "void", node.line,
    ]  # fmt: skip
    assert [other.failure for other in graph[:-1]] == [None] * 3


def test_it_is_marked_in_the_picture():
    graph = failed(lambda: x().reshape(3))
    assert graph.dot().count("failed: reshape") == 1
    assert "octagon" in graph.dot(values=True, gradients=True, theme="dark")
    assert "failed: " in graph._repr_mimebundle_()["text/plain"]
    assert "failed" not in (x() * 2.0).graph().dot()


def test_modules_keep_their_scopes():
    graph = failed(Model(inputs=9), TOKENS)
    assert graph[-1].op == "linear"
    assert graph[-1].scope == "out"
    assert [node.name for node in graph[-1].inputs[1:]] == ["weight", "bias"]
    assert graph.find("block/attention/weights").value is not None


@pytest.mark.parametrize(
    ("call", "expression"),
    [
        (lambda x: mg.softmax(x, axis=7), "softmax(%0, axis=7)"),
        (lambda x: x + "word", "add(%0, %1)"),
        (lambda x: mg.add(x, [[1.0], [2.0, 3.0]]), "add(%0, %1)"),
        (lambda x: np.ones((3, 3)) @ x, "matmul(%0, %1)"),
        (lambda x: mg.exp(x, x, x), "exp(%0, %0, %0)"),
        (lambda x: mg.concatenate([x, x], axs=0), "concatenate(%0, %0)"),
    ],
)
def test_calls_that_are_refused(call, expression):
    graph = failed(call, x())
    assert graph[-1].failure
    assert graph[-1].expression == expression
    assert graph[0].role == ("constant" if graph[0].name is None else "input")
    graph.dot(values=True)
    assert not graph.diff(graph)


def test_an_error_between_operations_marks_nothing():
    def forward():
        mg.exp(x())
        raise KeyError("of the user's own")

    graph = failed(forward, error=KeyError)
    assert [node.op for node in graph] == [None, "exp"]
    assert all(node.failure is None for node in graph)
    assert "failed" not in str(graph)


def test_an_error_that_the_user_caught_marks_nothing_and_one_that_he_explained_does():
    def caught():
        y = x()
        try:
            y.reshape(7)
        except ValueError:
            return mg.exp(y)

    with mg.recording() as r:
        caught()
    assert [node.failure for node in r.graph()] == [None, None]

    def explained():
        try:
            x().reshape(7)
        except ValueError as error:
            raise RuntimeError("the model is too small") from error

    graph = failed(explained, error=RuntimeError)
    assert graph[-1].op == "reshape"
    assert graph[-1].failure == "RuntimeError: the model is too small"


def test_an_operation_of_the_users_own_that_raises_anything():
    @mg.op(formula="y = x")
    def picky(x):
        raise ZeroDivisionError("no")

    try:
        assert failed(lambda: picky(x()))[-1].failure == "ZeroDivisionError: no"
    finally:
        del mg.registry["picky"]


def test_operations_on_plain_arrays_are_no_nodes():
    def forward():
        mg.exp(x())
        mg.reshape(np.ones(3), (7,))

    assert [node.op for node in failed(forward, error=ValueError)] == [None, "exp"]


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("outer", ["recording", "anomaly"])
def test_anomalies_and_recordings_nest(outer):
    blocks = {"recording": mg.recording(), "anomaly": mg.detect_anomaly()}
    inner = ({*blocks} - {outer}).pop()
    with pytest.raises(mg.AnomalyError), blocks[outer], blocks[inner], mg.trace_lines():
        mg.exp(mg.log(mg.Tensor([0.0, 1.0])))
    node = blocks["recording"].graph()[-1]
    assert node.op == "log"
    assert node.failure.startswith("AnomalyError: log at test_recorded.py:")
    assert node.value.tolist() == [-np.inf, 0.0]


def test_recordings_nest():
    inner = mg.recording()

    def forward():
        y = x()
        with inner:
            mg.exp(y)
        mg.tanh(y).reshape(7)

    assert [node.op for node in failed(forward)] == [None, "exp", "tanh", "reshape"]
    assert [node.op for node in inner.graph()] == [None, "exp"]


def test_what_is_captured_is_recorded_on_shapes():
    def step(x):
        with mg.scope("model"):
            y = x * 2.0
        return y @ y

    graph = failed(mg.trace, step, np.ones((2, 3)), error=ValueError)
    assert [(node.expression, node.scope) for node in graph] == [
        ("input", ""), ("multiply(%0, 2.0)", "model"), ("matmul(%1, %1)", ""),
    ]  # fmt: skip
    assert graph.inputs == (graph[0],)
    assert graph[-1].failure
    with mg.recording() as r:
        expected = mg.trace(lambda x: mg.exp(x), np.ones(3))
    assert not r.graph().diff(expected)
    np.testing.assert_array_equal(r.graph().run(np.zeros(3)), np.ones(3))


def test_R4_the_tensors_live_as_long_as_the_recording():
    """Also if modules remember the mode they were called in."""
    model, made = Model(), []
    gc.disable()
    try:
        with mg.recording() as r:
            made += [weakref.ref(model(TOKENS))]
        assert made[0]() is not None
        del r
        assert made[0]() is None

        try:
            with mg.recording() as r:
                y = x()
                made += [weakref.ref(y)]
                y.reshape(7)
        except ValueError:
            pass
        del y
        assert made[1]() is not None
        del r
        assert made[1]() is None
    finally:
        gc.enable()


def test_H3_hostile_messages_stay_on_their_line():
    @mg.op(formula="y = x")
    def hostile(x):
        raise ValueError('line\nbreak\u2028 \u202e "]; evil [label="x' + "long" * 100)

    try:
        graph = failed(lambda: hostile(x()))
    finally:
        del mg.registry["hostile"]
    assert len(str(graph).splitlines()) == 3
    assert len(str(graph).splitlines()[1]) < 250
    assert len(graph.dot().splitlines()) == len(failed(lambda: x().reshape(7)).dot().splitlines())
