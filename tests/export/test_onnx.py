"""Models and training steps as ONNX: what the file holds, and that onnxruntime makes of it what minigrad does."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim
from minigrad.graph.made import make_operation
from tests.export.onnx_running import Session, agree, onnx, run_quietly, skip_without_onnx

skip_without_onnx()

VOCABULARY, CONTEXT = 11, 6


class Learner:
    """A language model, what trains it, and the step that does."""

    def __init__(self, dropout=0.0):
        self.rng = np.random.default_rng(1)
        rng = np.random.default_rng(0)
        self.model = nn.LanguageModel(VOCABULARY, 8, 2, 1, CONTEXT, rng=rng, dropout=dropout)
        schedule = optim.WarmupCosine(warmup=10, steps=100)
        self.optimiser = optim.AdamW(self.model.parameters(), rate=0.01, schedule=schedule)

    def step(self, tokens, targets):
        with mg.generator(self.rng):
            self.optimiser.zero_grad()
            loss = mg.cross_entropy(self.model(tokens), targets)
            loss.name = "loss"
            loss.backward()
            optim.clip_gradients(self.model.parameters(), maximum=1.0)
            self.optimiser.step()
            return loss


def batch(rng, size):
    tokens = rng.integers(0, VOCABULARY, (size, CONTEXT))
    return tokens, (tokens + 1) % VOCABULARY


EXAMPLE = batch(np.random.default_rng(2), 4)


def following(outputs):
    """The state for the next step."""
    return {name.removesuffix(".next"): x for name, x in outputs.items() if name.endswith(".next")}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.onnx"


# --- models and steps -------------------------------------------------------------------------------------------------


def test_one_file_of_a_model_takes_batches_of_any_size(path):
    model = Learner().model.eval()
    mg.export.to_onnx(model, path, EXAMPLE[0])
    session = Session(path)
    for size in (1, 3, 16):
        tokens, _ = batch(np.random.default_rng(size), size)
        agree([*session(tokens).values()], [model(tokens).numpy()], 1e-5)


@pytest.mark.parametrize("sizes", [(4,), (1, 3, 16)])
def test_a_hundred_steps_of_training_lose_what_they_lose_here(path, sizes):
    learner, exported = Learner(), Learner()
    if len(sizes) == 1:
        mg.trace(exported.step, *EXAMPLE).to_onnx(path)
    else:
        mg.export.to_onnx(exported.step, path, *EXAMPLE)
    session, state, rng = Session(path), {}, np.random.default_rng(3)
    for number in range(100):
        tokens, targets = batch(rng, sizes[number % len(sizes)])
        outputs = session(tokens, targets, **state)
        state = following(outputs)
        agree([outputs["loss"]], [learner.step(tokens, targets).numpy()], 1e-5)
    for name, tensor in learner.model.named_parameters():
        if not name.endswith("key.bias"):  # whose gradient is 0 but for rounding, which Adam makes a step of
            agree([state[name.replace(".", "/")]], [tensor.numpy()], 1e-4)


def test_weights_and_state_may_be_inputs(path):
    learner = Learner()
    graph = mg.trace(learner.step, *EXAMPLE)
    graph.to_onnx(path, weights="inputs")
    session = Session(path)
    state = {node.path: node.cell.numpy() for node in graph if node.role in ("parameter", "state")}
    assert session.inputs == ["tokens", "targets", *state]
    assert not {x.name for x in session.model.graph.initializer} & {*state}
    agree([session(*EXAMPLE, **state)["loss"]], [graph.run(*EXAMPLE)], 1e-5)


def test_a_model_without_updates_has_its_weights_inside(path):
    mg.trace(Learner().model.eval(), EXAMPLE[0]).to_onnx(path)
    assert Session(path).inputs == ["tokens"]
    assert [x.name for x in onnx.load(path).graph.input] == ["tokens"]


def test_draws_as_inputs_are_those_of_numpy_in_their_order(path):
    learner, twin = Learner(dropout=0.5), Learner(dropout=0.5)
    graph = mg.trace(learner.step, *EXAMPLE)
    graph.to_onnx(path, draws="inputs")
    session = Session(path)
    draws = [twin.rng.random(node.shape, node.dtype) for node in graph.effects]
    assert draws
    agree([session(*EXAMPLE, *draws)["loss"]], [learner.step(*EXAMPLE).numpy()], 1e-5)


@pytest.mark.parametrize("op", [mg.random_uniform, mg.random_normal], ids=lambda op: op.name)
def test_draws_inside_are_others_in_each_run_and_of_the_right_kind(path, op):
    rng = np.random.default_rng(0)
    mg.export.to_onnx(lambda x: x + op(shape=x.shape, dtype="float32", generator=rng), path, np.zeros((2, 2000)))
    session = Session(path)
    (first,), (second,) = (session(np.zeros((3, 2000))).values() for _ in range(2))
    assert not np.array_equal(first, second)
    mean, deviation = (0.5, 12**-0.5) if op is mg.random_uniform else (0.0, 1.0)
    assert abs(first.mean() - mean) < 0.1
    assert abs(first.std() - deviation) < 0.1


def test_a_graph_that_eager_code_recorded_is_written_with_what_it_was_recorded_with(path):
    x = mg.Tensor(np.array([1.0, 2.0, -3.0], np.float32), requires_grad=True, name="x")
    graph = mg.sum(mg.exp(x)).graph(gradients=True)
    graph.to_onnx(path)
    agree([*Session(path)().values()], run_quietly(graph, []), 1e-6)


def test_masks_select_in_a_graph_that_eager_code_recorded(path):
    x = mg.Tensor(np.arange(6, dtype=np.float32).reshape(2, 3), requires_grad=True, name="x")
    graph = mg.sum(x[np.array([[True, False, True], [False, True, True]])] * 2.0).graph(gradients=True)
    graph.to_onnx(path)
    agree([*Session(path)().values()], run_quietly(graph, []), 1e-6)


def test_generation_goes_on_with_the_keys_and_values_that_a_step_leaves(path):
    model = Learner().model.eval()
    cache, here = nn.KeyValueCache(context=CONTEXT), nn.KeyValueCache(context=CONTEXT)
    mg.trace(lambda token: model(token, cache=cache), np.array([1])).to_onnx(path)
    session, state = Session(path), {}
    for token in range(CONTEXT):
        outputs = session(np.array([token]), **state)
        state = following(outputs)
        agree([outputs[session.outputs[0]]], [model(np.array([token]), cache=here).numpy()], 1e-5)


# --- what the file says -----------------------------------------------------------------------------------------------


def test_nodes_say_where_they_come_from(path):
    graph = mg.trace(Learner().step, *EXAMPLE)
    graph.to_onnx(path)
    model = onnx.load(path)
    assert model.producer_name == "minigrad"
    seen = set()
    for written in model.graph.node:
        facts = {entry.key.removeprefix("minigrad."): entry.value for entry in written.metadata_props}
        node = graph[int(facts["number"])]
        seen.add(node)
        assert (facts["op"], facts.get("scope", ""), facts.get("name", "")) == (node.op, node.scope, node.name or "")
        assert facts["order"] == str(node.order)
        assert facts.get("purpose", "") == node.purpose
        assert written.name.startswith("/".join(filter(None, (node.scope, node.name or node.op))))
        assert written.doc_string == f"%{node.number} = {node.expression}"
    assert seen == {node for node in graph if node.function is not None}


def test_results_and_weights_have_the_names_and_shapes_of_the_graph(path):
    graph = mg.trace(Learner().step, *EXAMPLE)
    graph.to_onnx(path)
    model = onnx.load(path)
    shapes = {x.name: [d.dim_value for d in x.type.tensor_type.shape.dim]
              for x in (*model.graph.value_info, *model.graph.output)}  # fmt: skip
    weights = graph.find("attention/weights")
    assert shapes[weights.path] == [*weights.shape]
    initial = {x.name: onnx.numpy_helper.to_array(x) for x in model.graph.initializer}
    for node in graph:
        if node.role in ("parameter", "state"):
            assert np.array_equal(initial[node.path], node.cell.numpy())
    assert [x.name for x in model.graph.output] == ["loss", *(f"{state.path}.next" for state in graph.updates)]


def test_lengths_that_depend_on_the_batch_say_how(path):
    def function(x):
        products = mg.matmul(x, x.T)
        return x.reshape(-1, 3), mg.concatenate([x, x[:1]]), products.reshape(-1), products.reshape(len(x), 1, -1)

    mg.export.to_onnx(function, path, np.zeros((4, 6), np.float32))
    shapes = [[d.dim_param or d.dim_value for d in x.type.tensor_type.shape.dim] for x in onnx.load(path).graph.output]
    assert shapes == [["2 batch", 3], ["batch + 1", 6], ["batch²"], ["batch", 1, "batch"]]
    assert not [node for node in onnx.load(path).graph.node if "31" in node.doc_string]  # a size that was recorded
    session = Session(path)
    for size in (1, 3, 16):
        x = np.random.default_rng(size).standard_normal((size, 6)).astype(np.float32)
        agree([*session(x).values()], [y.numpy() for y in function(mg.Tensor(x))], 1e-5)


def test_names_are_told_apart_and_what_is_given_or_returned_twice_is_there_twice(path):
    x, twin = (mg.Tensor(np.full(2, value, np.float32), name="x") for value in (1.0, 2.0))

    def function(a, b):
        total = a + b
        return total, total, a, b * 2.0, weight, weight

    weight = mg.Tensor(np.ones(2, np.float32), requires_grad=True, name="weight")
    graph = mg.trace(function, x, twin)
    graph.to_onnx(path)
    session = Session(path)
    assert session.inputs == ["x", "x_2"]
    assert len({*session.outputs}) == 6
    assert {*session.outputs} <= {name for node in session.model.graph.node for name in node.output}
    agree([*session(x.numpy(), twin.numpy()).values()], run_quietly(graph, [x.numpy(), twin.numpy()]), 0.0)


def test_state_is_read_before_it_is_written_and_may_be_what_is_returned(path):
    total, last = (mg.Tensor(np.zeros(2, np.float32), name=name) for name in ("total", "last"))

    def function(x):
        after = mg.read(total) + x
        mg.assign(total, after)
        mg.assign(last, x)
        return after

    mg.trace(function, np.zeros(2, np.float32)).to_onnx(path)
    session, state = Session(path), {}
    for value in (1.0, 2.0):
        outputs = session(np.full(2, value, np.float32), **state)
        state = following(outputs)
    assert {name: x.tolist() for name, x in state.items()} == {"total": [3.0, 3.0], "last": [2.0, 2.0]}
    assert outputs["output"].tolist() == [3.0, 3.0]


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint8", "int32", "int64", "bool"])
def test_types_that_runtimes_lack_kernels_for_are_computed_in_wider_ones(path, dtype):
    def function(x, y):
        return [
            x + y, x * y, mg.maximum(x, y), x == y, mg.where(x > y, x, y), x.sum(axis=0), x.max(), mg.exp(x) + y,
            x / (y + 1), mg.matmul(x, y.T), mg.cumsum(x, axis=1), mg.concatenate([x, y]), mg.logical_and(x, y), x <= 2,
            mg.floor(x), mg.trunc(x), mg.rint(x), mg.round(x), mg.argmax(x, axis=1), mg.sort(x, axis=0), mg.triu(x),
            mg.pad(x, 1), mg.any(x, axis=0), mg.isfinite(x), mg.relu(x), mg.sqrt(x), mg.mean(x, axis=0),
            mg.clip(x, 1, 3),
            mg.astype(x, "float32"), mg.full_like(x, 1), mg.set_at(x, (0, slice(None)), y[1]),
            mg.take(x, [1, 0], axis=1),
            mg.prod(x, axis=1), mg.std(x, axis=0), mg.vector_norm(x, axis=0), mg.roll(x, 1), x[::-1], mg.softmax(x),
            mg.silu(x), mg.mish(x), mg.elu(x), mg.leaky_relu(x), mg.softsign(x), mg.log_sigmoid(x),
            mg.log_softmax(x), mg.logsumexp(x), mg.standardize(x), mg.tanh(x), mg.sigmoid(x), mg.softplus(x),
        ]  # fmt: skip

    rng = np.random.default_rng(0)
    x, y = (rng.integers(0, 5, (4, 4)).astype(dtype) for _ in range(2))
    graph = mg.trace(function, x, y)
    graph.to_onnx(path)
    agree([*Session(path)(x, y).values()], run_quietly(graph, [x, y]), 1e-5)


def test_a_number_is_an_operand_of_a_foreign_graph(path):
    wide = make_operation(mg.broadcast_to, [0.5], (2, 3), "float32", {"shape": (2, 3)})
    mg.Graph.of([wide], wide).to_onnx(path)
    assert Session(path)()["output"].tolist() == [[0.5] * 3] * 2


def test_whole_numbers_are_rounded_to_tens(path):
    x = np.array([4, 5, 15, 26, -17])
    graph = mg.trace(lambda x: mg.round(x, -1), x)
    graph.to_onnx(path)
    agree([*Session(path)(x).values()], run_quietly(graph, [x]), 0.0)


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.fixture
def own_op():
    @mg.op()
    def tripled(x):
        return x * 3

    yield tripled
    del mg.registry["tripled"]
    mg.export.onnx.ROWS.pop("tripled", None)


def test_an_op_that_cannot_be_said_is_named_with_both_ways_out(path, own_op):
    graph = mg.trace(lambda x: own_op(x) + 1.0, mg.Tensor(np.ones(2, np.float32)))
    with pytest.raises(
        mg.GraphError, match=r'%1 = tripled\(%0\).*definition=.*@minigrad\.export\.onnx\.row\("tripled"\)'
    ):
        graph.to_onnx(path)
    assert not path.exists()


def test_an_op_that_stands_in_its_own_definition_is_refused_by_name(path):
    @mg.op(formula="x³", definition=lambda x: cube(x * 2.0) / 8.0)
    def cube(x):
        return x**3

    try:
        with pytest.raises(mg.GraphError, match=r"cube has no row in ONNX"):
            mg.trace(cube, mg.Tensor(np.ones(2, np.float32))).to_onnx(path)
    finally:
        del mg.registry["cube"]


def test_an_operation_that_failed_is_refused(path):
    with pytest.raises(ValueError, match="reshape"), mg.recording() as record:
        mg.Tensor(np.ones(2, np.float32)).reshape(3)
    with pytest.raises(mg.GraphError, match=r"reshape.*failed"):
        record.graph().to_onnx(path)


def test_a_row_from_outside_is_used(path, own_op):
    @mg.export.onnx.row("tripled")
    def _(onnx, out, x):
        return onnx.Mul(x, onnx.constant(3, x.dtype))

    x = np.ones(2, np.float32)
    mg.trace(own_op, mg.Tensor(x)).to_onnx(path)
    assert Session(path)(x)["output"].tolist() == [3.0, 3.0]


DEPENDS = {
    "a clamped slice": lambda x: x[:10] * 2.0,
    "half of the batch": lambda x: x[: len(x) // 2],
    "a branch": lambda x: x * 2.0 if len(x) > 10 else x + 2.0,
    "another number of steps": lambda x: mg.concatenate([x] * min(len(x), 3)),
    "an array of the source": lambda x: x + mg.constant(np.arange(len(x), dtype=np.float32) ** 3)[:, None],
    "a length of 1": lambda x: mg.squeeze(x),
}


@pytest.mark.parametrize("function", DEPENDS.values(), ids=[*DEPENDS])
def test_what_depends_on_the_size_of_the_batch_otherwise_is_refused(path, function):
    with pytest.raises(mg.GraphError, match="depends on the size of the batch"):
        mg.export.to_onnx(function, path, np.zeros((4, 2), np.float32))


def test_positions_that_count_the_batch_are_counted_in_the_file(path):
    mg.export.to_onnx(lambda x: mg.arange(len(x)) + x / len(x), path, np.zeros(4, np.float32))
    session = Session(path)
    for size in (1, 3, 16):
        x = np.ones(size, np.float32)
        np.testing.assert_allclose(session(x)["output"], np.arange(size) + 1 / size, rtol=1e-6)


def test_the_batch_may_be_another_axis_and_some_arguments_may_have_none(path):
    def function(x, weight, pair):
        return mg.matmul(weight, x) * pair["scale"] + pair["shift"]

    rng = np.random.default_rng(0)

    def make(size):
        return (
            rng.standard_normal((3, size)),
            rng.standard_normal((2, 3)),
            {"scale": np.array(2.0), "shift": np.ones(2)[:, None]},
        )

    mg.export.to_onnx(function, path, *make(4), batch=(-1, None, None))
    session = Session(path)
    for size in (1, 3, 16):
        args = make(size)
        agree(
            [*session(*args[:2], *args[2].values()).values()], [function(mg.Tensor(args[0]), *args[1:]).numpy()], 1e-12
        )


@pytest.mark.parametrize(("options", "message"), [
    ({"weights": "outside"}, 'weights=\'outside\': expected "inside" or "inputs"'),
    ({"draws": "key"}, 'draws=\'key\': expected "inside" or "inputs"'),
    ({"batch": (0, 0)}, "2 axes in batch= for 1 arguments"),
    ({"batch": 2}, "axis 2 is out of bounds"),
])  # fmt: skip
def test_options_that_there_are_not_are_refused(path, options, message):
    with pytest.raises(ValueError, match=message):
        mg.export.to_onnx(mg.exp, path, np.ones((2, 2), np.float32), **options)


def test_without_a_batch_the_other_way_is_named(path):
    with pytest.raises(mg.GraphError, match=r"no argument has a batch.*minigrad\.trace"):
        mg.export.to_onnx(mg.exp, path, np.float32(2.0))
    with pytest.raises(mg.GraphError, match="no argument has a batch"):
        mg.export.to_onnx(mg.exp, path, np.ones(2, np.float32), batch=None)


def test_weights_that_no_file_holds_are_refused(path, monkeypatch):
    monkeypatch.setattr("minigrad.export.onnx_file.LARGEST", 100)
    with pytest.raises(ValueError, match='weights="inputs"'):
        mg.trace(Learner().model.eval(), EXAMPLE[0]).to_onnx(path)


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        mg.trace(mg.exp, mg.Tensor(1.0)).to_onnx(tmp_path / "nowhere" / "model.onnx")
