"""The executor: bit for bit what eager code computes."""

import tracemalloc

import numpy as np
import pytest

import minigrad as mg
from minigrad.core.structure import leaves
from minigrad.graph import graph_of, trace

RNG = np.random.default_rng(7)
X, Y = RNG.standard_normal((4, 3)), RNG.standard_normal((3,))


FUNCTIONS = {
    "broadcasting": lambda x, y: (x + y) * 2.0 - x / 3,
    "reductions": lambda x, y: [mg.sum(x), mg.mean(x, axis=0), mg.logsumexp(x, axis=-1), mg.var(y)],
    "views": lambda x, y: mg.reshape(mg.transpose(x), 2, 6)[:, ::-2] @ mg.ones_like(y),
    "choices": lambda x, y: {"a": mg.where(x > y, x, 0.0), "b": (mg.maximum(x, y), mg.argmax(x, axis=1))},
    "softmax": lambda x, y: mg.cross_entropy(x, mg.argmax(x * y, axis=-1)),
    "norm": lambda x, y: mg.layer_norm(x, y, y, epsilon=0.1),
    "scalars": lambda x, y: mg.exp(mg.sum(y)) ** 2,
}


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_traced_function_gives_the_bits_of_the_eager_one(name):
    function = FUNCTIONS[name]
    results = list(leaves(trace(function, X, Y).run(X, Y)))
    expected = list(leaves(function(mg.Tensor(X), mg.Tensor(Y))))
    assert all(type(a) is np.ndarray and same(a, b.numpy()) for a, b in zip(results, expected, strict=True))


def test_the_result_has_the_structure_that_the_function_returned():
    result = trace(lambda x: {"loss": mg.sum(x), "rest": [x * 2.0, (None, 3)]}, X).run(X)
    assert result["loss"].shape == ()
    assert result["rest"][1] == (None, 3)
    assert same(result["rest"][0], X * 2.0)


def training_step(rng):
    """A step with dropout, momentum and a step counter, and the state that it changes."""
    start = np.random.default_rng(3).standard_normal((4, 3)).astype(np.float32)
    weight = mg.Tensor(start, requires_grad=True, name="weight")
    momentum = mg.Tensor(np.zeros_like(start), name="momentum")
    steps = mg.Tensor(0, name="steps")

    def step(x, targets):
        weight.grad = None
        with mg.scope("model"):
            logits = mg.relu(mg.dropout(x, 0.25, rng=rng) @ weight)
            loss = mg.cross_entropy(logits, targets)
        loss.backward()
        with mg.scope("optimiser"):
            mg.assign(steps, mg.read(steps) + 1)
            mg.assign(momentum, mg.read(momentum) * 0.9 + weight.grad)
            rate = 0.1 / (1.0 + mg.read(steps)).astype(np.float32)
            mg.assign(weight, mg.read(weight) - mg.read(momentum) * rate)
        return loss

    return step, (weight, momentum, steps)


def test_a_training_step_interpreted_for_many_steps_equals_eager_bit_for_bit():
    batches = [(RNG.standard_normal((5, 4)).astype(np.float32), RNG.integers(0, 3, 5)) for _ in range(20)]
    traced, state = training_step(np.random.default_rng(0))
    graph = trace(traced, *batches[0])
    eager, eager_state = training_step(np.random.default_rng(0))
    for x, targets in batches:
        assert same(graph.run(x, targets), eager(mg.Tensor(x), mg.Tensor(targets)).numpy())
        for a, b in zip(state, eager_state, strict=True):
            assert same(a.numpy(), b.numpy())
    assert state[2].item() == 20


def test_updates_are_written_after_everything_was_read():
    a, b = mg.Tensor([1.0, 2.0]), mg.Tensor([3.0, 4.0])

    def swap():
        old_a, old_b = a + 0.0, mg.reshape(b, 2)
        mg.assign(b, old_a)
        mg.assign(a, old_b)

    trace(swap).run()
    assert (a.tolist(), b.tolist()) == ([3.0, 4.0], [1.0, 2.0])


def test_a_write_by_run_is_noticed_by_backward():
    weight = mg.Tensor([1.0], requires_grad=True)
    loss = mg.sum(weight * weight)
    trace(lambda: mg.assign(weight, weight * 2.0)).run()
    with pytest.raises(mg.GraphError, match="written"):
        loss.backward()


def test_results_share_no_memory_with_state_or_arguments():
    state = mg.Tensor(np.ones((2, 2)))
    x = np.zeros(4)
    results = trace(lambda x: [mg.read(state), mg.transpose(state), x, mg.reshape(x, 2, 2)], x).run(x)
    for result in results:
        assert not np.shares_memory(result, state.data)
        assert not np.shares_memory(result, x)


def test_a_recorded_graph_runs_on_its_own_values_or_on_others():
    weight, data = mg.Tensor(Y, requires_grad=True), mg.Tensor(X, name="data")
    graph = mg.sum(mg.exp(data * weight), axis=0).graph()
    assert same(graph.run(), graph.outputs[0].value)
    assert same(graph.run(X * 2.0), np.exp(X * 2.0 * Y).sum(axis=0))


def test_gradient_graphs_run_without_warnings_as_the_sweep_that_made_them():
    x = mg.Tensor([0.0, 1.0], requires_grad=True)
    with np.errstate(all="raise"):
        graph = graph_of(mg.grad(mg.sum(mg.sqrt(x)), x, create_graph=True))
        assert graph.run().tolist() == [np.inf, 0.5]


@pytest.mark.parametrize(
    "arguments",
    [(), (X,), (X, Y, Y), (Y, X), (X.astype(np.float32), Y), (X, "text")],
    ids=["none", "one", "three", "swapped", "float32", "text"],
)
def test_wrong_arguments_are_refused_naming_the_expected_ones(arguments):
    graph = trace(lambda x, y: x + y, X, Y)
    with pytest.raises(ValueError, match=r"run takes \(x: \(4, 3\) float64, y: \(3,\) float64\)"):
        graph.run(*arguments)


def test_running_inside_a_captured_function_is_refused():
    weight = mg.Tensor(Y)
    graph = trace(lambda x: x * weight, X)
    with pytest.raises(mg.CaptureError):
        trace(lambda x: mg.Tensor(graph.run(X)) + x, X)


def test_numbers_fill_inputs_without_axes():
    graph = trace(lambda x: x * 2.0, np.float32(1.0))
    assert same(graph.run(3), np.asarray(6.0, np.float32))


def test_an_error_names_the_node():
    table = mg.Tensor(np.ones((3, 2)), requires_grad=True)
    graph = trace(lambda rows: mg.embedding(table, rows), np.array([0, 1]))
    with pytest.raises(IndexError) as caught:
        graph.run(np.array([0, 5]))
    assert "embedding(%" in caught.value.__notes__[0]


def test_values_are_let_go_after_their_last_use():
    def chain(x):
        for _ in range(40):
            x = x + 1.0
        return mg.sum(x)

    x = np.zeros(100_000)
    graph = trace(chain, x)
    graph.run(x)
    tracemalloc.start()
    graph.run(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * x.nbytes


def test_the_forward_pass_runs_under_the_settings_of_the_caller_and_gradients_do_not():
    graph = mg.trace(lambda x: mg.grad(mg.sum(mg.log(x)), x), mg.Tensor([1.0, 1.0], requires_grad=True))
    with np.errstate(all="raise"):
        assert np.isinf(graph.run(np.zeros(2))).all()
    with np.errstate(all="raise"), pytest.raises(FloatingPointError):
        mg.trace(mg.log, np.ones(2)).run(np.zeros(2))


@pytest.mark.parametrize("given", [(), (None,), ("text", np.ones(2))])
def test_what_is_given_is_said_whatever_it_is(given):
    with pytest.raises(ValueError, match=r"run takes \(x: \(2,\) float64\), got \("):
        mg.trace(lambda x: x * 2.0, np.ones(2)).run(*given)
