"""Whole training steps exported to JAX: the same losses and weights, state that goes out and comes back."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import io, nn, optim

jax = pytest.importorskip("jax", reason="JAX is not installed: python -m pip install jax==0.10.2")
jnp = jax.numpy

VOCABULARY, BATCH, TOKENS = 11, 4, 6


@pytest.fixture
def double_precision():
    with jax.enable_x64(True):
        yield


def make(dtype=np.float64, dropout=0.0, clip=1.0, make_optimiser=optim.AdamW, layers=2, **settings):
    """A model, its optimiser, the generator of its dropout, and a training step."""
    model = nn.LanguageModel(
        VOCABULARY, 8, 2, layers, TOKENS, rng=np.random.default_rng(0), dtype=dtype, dropout=dropout
    )
    settings = {"rate": 1e-2, "schedule": optim.WarmupCosine(warmup=10, steps=100)} | settings
    optimiser = make_optimiser(model.parameters(), **settings)
    rng = np.random.default_rng(3)

    def step(tokens, targets):
        optimiser.zero_grad()
        with mg.generator(rng):
            loss = mg.cross_entropy(model(tokens), targets)
        loss.backward()
        norm = optim.clip_gradients(model.parameters(), clip) if clip else 0.0
        optimiser.step()
        return {"loss": loss, "norm": norm}

    return model, optimiser, step


def batches():
    rng = np.random.default_rng(1)
    while True:
        tokens = rng.integers(0, VOCABULARY, (BATCH, TOKENS))
        yield tokens, tokens[:, ::-1].copy()


EXAMPLE = next(batches())


def names_of_checkpoint(model, optimiser):
    paths = [path for path, _ in model.named_parameters()]
    return {*model.state_dict(), *(f"optimiser.{key}" for key in optimiser.state_dict(paths))}


def is_noise(name):
    """The true gradient of a key's bias is 0, and Adam makes steps of full size of what rounding leaves of it."""
    return name.endswith("attention.key.bias")


def assert_weights_agree(actual, expected, tolerance):
    assert {*actual} == {*expected}
    for name, array in expected.items():
        if not is_noise(name):
            np.testing.assert_allclose(actual[name], array, rtol=0, atol=tolerance, err_msg=name)


# --- the same numbers -------------------------------------------------------------------------------------------------


OPTIMISERS = {
    "AdamW": {"make_optimiser": optim.AdamW},
    "SGD": {"make_optimiser": optim.SGD, "momentum": 0.9, "nesterov": True},
    "plain SGD": {"make_optimiser": optim.SGD, "clip": None, "schedule": optim.InverseSquareRoot(warmup=5)},
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_hundred_steps_are_those_of_minigrad(name, double_precision):
    compare_runs(np.float64, 1e-12, 1e-10, **OPTIMISERS[name])


def test_a_hundred_steps_in_32_bits():
    compare_runs(np.float32, 1e-5, 1e-4, rate=1e-3)


def compare_runs(dtype, of_losses, of_weights, **settings):
    _, _, train = make(dtype, **settings)
    step = mg.trace(train, *EXAMPLE).to_jax()
    state, run = step.state, jax.jit(step)
    eager = mg.compile(train)
    for given in itertools.islice(batches(), 100):
        state, outputs = run(state, *given)
        expected = eager(*given)
        assert outputs.keys() == expected.keys()
        np.testing.assert_allclose(outputs["loss"], expected["loss"].numpy(), rtol=of_losses)
    assert_weights_agree(state, step.state, of_weights)


def test_a_step_is_traced_once_also_with_state_that_came_back():
    _, _, train = make(np.float32)
    step, count = mg.trace(train, *EXAMPLE).to_jax(), []

    @jax.jit
    def counted(state, *inputs):
        count.append(1)
        return step(state, *inputs)

    state, _ = counted(step.state, *EXAMPLE)
    counted(state, *EXAMPLE)
    assert len(count) == 1


# --- random numbers ---------------------------------------------------------------------------------------------------


def test_draws_as_inputs_are_those_of_minigrad(double_precision):
    *_, train = make(dropout=0.2)
    *_, same = make(dropout=0.2)
    step = mg.trace(train, *EXAMPLE).to_jax(draws="inputs")
    state, run = step.state, jax.jit(step)
    for given in itertools.islice(batches(), 10):
        state, outputs = run(state, *given, *step.draw())
        np.testing.assert_allclose(outputs["loss"], same(*given)["loss"].numpy(), rtol=1e-12)


def test_draws_by_key_are_equal_to_the_bit_and_another_seed_draws_others():
    *_, train = make(np.float32, dropout=0.2)
    graph = mg.trace(train, *EXAMPLE)

    def losses(seed):
        step = graph.to_jax(seed=seed)
        state, run = step.state, jax.jit(step)
        assert step.draw() == []
        return [(np.asarray(out["loss"]).tobytes(), state := after)[0] for given in itertools.islice(batches(), 3)
                for after, out in [run(state, *given)]]  # fmt: skip

    assert losses(0) == losses(0)
    assert len({*losses(0), *losses(1), *losses(2**40)}) == 9


def test_each_draw_has_a_key_of_its_own_and_the_next_key_is_loaded():
    rng = np.random.default_rng(0)
    draw = lambda: mg.random_uniform(shape=(3,), dtype="float32", generator=rng)  # noqa: E731
    step = mg.trace(lambda x: (x + draw(), x + draw()), np.zeros(3, np.float32)).to_jax()
    before = step.state["random.key"]
    state, (first, second) = step(step.state, np.zeros(3, np.float32))
    of_the_next = jax.random.uniform(jax.random.wrap_key_data(state["random.key"]), 3, "float32")
    assert (first != second).all()
    assert not {*first.tolist(), *second.tolist()} & {*of_the_next.tolist()}  # no key is used twice
    step.load(state)
    assert step.state["random.key"].tolist() == state["random.key"].tolist() != before.tolist()


def test_normal_draws(double_precision):
    rng = np.random.default_rng(0)
    step = mg.trace(lambda x: x + mg.random_normal(shape=(400,), generator=rng), np.zeros(400)).to_jax()
    state, first = step(step.state, np.zeros(400))
    _, second = step(state, np.zeros(400))
    assert abs(first.mean()) < 0.2 < 0.8 < first.std() < 1.2
    assert not (first == second).any()


# --- state ------------------------------------------------------------------------------------------------------------


def test_state_is_called_as_in_a_checkpoint_and_moments_are_by_parameter():
    model, optimiser, train = make(np.float32)
    step = mg.trace(train, *EXAMPLE).to_jax()
    assert {*step.state} == names_of_checkpoint(model, optimiser)
    weight = step.state["transformer.blocks.0.feed_forward.up.weight"]
    assert step.state["optimiser.first_moment.transformer.blocks.0.feed_forward.up.weight"].shape == weight.shape


def test_a_run_goes_out_and_comes_back(tmp_path, double_precision):
    """From a checkpoint to JAX, and on in minigrad from what JAX has made of it."""
    model, optimiser, train = make()
    given = [*itertools.islice(batches(), 6)]
    losses = [float(train(*each)["loss"]) for each in given]

    model, optimiser, train = make()
    for each in given[:2]:
        train(*each)
    io.save_checkpoint(tmp_path / "out.safetensors", model, optimiser)
    model, optimiser, train = make()
    io.load_checkpoint(tmp_path / "out.safetensors", model, optimiser)
    step = mg.trace(train, *EXAMPLE).to_jax()
    state = step.state
    for each, expected in zip(given[2:4], losses[2:4], strict=True):
        state, outputs = step(state, *each)
        np.testing.assert_allclose(outputs["loss"], expected, rtol=1e-12)
    io.save_arrays(tmp_path / "back.safetensors", {name: np.asarray(array) for name, array in state.items()})

    for load in (lambda: step.load(state), lambda: io.load_checkpoint(tmp_path / "back.safetensors", model, optimiser)):
        load()
        assert optimiser.steps == 4
        for each, expected in zip(given[4:], losses[4:], strict=True):
            np.testing.assert_allclose(float(train(*each)["loss"]), expected, rtol=1e-12)


def test_the_state_that_goes_out_is_a_copy():
    """The live Tensors train on, in place, and whoever has the state may write into it."""
    model, _, train = make(np.float32)
    step = mg.trace(train, *EXAMPLE).to_jax()
    state, kept = step.state, {name: array.copy() for name, array in step.state.items()}
    train(*EXAMPLE)
    for name, array in state.items():
        np.testing.assert_array_equal(array, kept[name], err_msg=name)
    trained = model.state_dict()
    for array in step.state.values():
        array[...] = 7
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, trained[name], err_msg=name)


def test_what_does_not_fit_is_refused_and_nothing_is_changed():
    model, _, train = make(np.float32)
    step = mg.trace(train, *EXAMPLE).to_jax()
    before = model.state_dict()
    wrong = {name: array + 1 for name, array in step.state.items()}
    wrong["readout.bias"] = wrong["readout.bias"][:3]
    del wrong["optimiser.rate"]
    for use in (step.load, lambda state: step(state, *EXAMPLE)):
        with pytest.raises(ValueError, match=r"optimiser.rate: missing\n  readout.bias: float32 \(3,\), expected"):
            use(wrong)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(ValueError, match=r"inputs \(tokens: \(4, 6\) int64, targets: \(4, 6\) int64\), got \(4, 6\)"):
        step(step.state, EXAMPLE[0])
    with pytest.raises(ValueError, match="draws='keys'"):
        mg.trace(train, *EXAMPLE).to_jax(draws="keys")
    *_, train = make(np.float32, dropout=0.1)
    with pytest.raises(ValueError, match=r"the last by step.draw\(\)"):
        (step := mg.trace(train, *EXAMPLE).to_jax(draws="inputs"))(step.state, *EXAMPLE)


def test_state_without_a_name_and_of_equal_names_is_told_apart_by_numbers():
    first, second, nameless = (mg.Tensor([1.0], np.float32, name=name) for name in ("x", "x", None))

    def accumulate(x):
        for state in (first, second, nameless):
            mg.assign(state, mg.read(state) + x)
        return mg.read(first)

    step = mg.trace(accumulate, np.float32([2.0])).to_jax()
    assert [*step.state] == ["x", "x.3", "state.5"]
    assert step(step.state, np.float32([2.0]))[1].tolist() == [3.0]


def test_a_model_whose_tensors_have_no_names_says_what_they_are_called():
    class Scaled(nn.Module):
        def __init__(self):
            self.inside = nn.Linear(2, 2, rng=np.random.default_rng(0))
            self.gain, self.shift = (mg.Tensor(np.ones(2, np.float32), requires_grad=True) for _ in range(2))

        def forward(self, x):
            return self.inside(x) * self.gain + self.shift

    class Whole(nn.Module):
        def __init__(self):
            self.parts = [Scaled(), Scaled()]

        def forward(self, x):
            return self.parts[1](self.parts[0](x))

    model = Whole()
    optimiser = optim.Adam(model.parameters())

    def train(x):
        optimiser.zero_grad()
        loss = model(x).sum()
        loss.backward()
        optimiser.step()
        return loss

    graph = mg.trace(train, np.ones((1, 2), np.float32))
    assert {*graph.to_jax(model=model).state} == names_of_checkpoint(model, optimiser)
    assert len(graph.to_jax().state) == len(graph.to_jax(model=model).state)


def test_parameters_without_a_gradient_and_their_moments_stay(double_precision):
    sizes = {"a": 2, "b": 3, "c": 1, "d": 4}
    tensors = [mg.Tensor(np.arange(1.0, n + 1), requires_grad=True, name=name) for name, n in sizes.items()]
    optimiser = optim.Adam(tensors, rate=0.1)

    def train(x):
        optimiser.zero_grad()
        loss = sum((t * t).sum() * x for t in (tensors[0], tensors[2], tensors[3]))
        loss.backward()
        optimiser.step()
        return loss

    step = mg.trace(train, np.array(2.0)).to_jax()
    parts = [name.removeprefix("optimiser.first_moment.") for name in step.state if "first_moment" in name]
    assert parts == ["a", "2:5", "c", "d"]
    state = step.state
    for _ in range(3):
        state, loss = step(state, np.array(2.0))
        np.testing.assert_allclose(loss, float(train(np.array(2.0))), rtol=1e-12)
    assert_weights_agree(state, step.state, 1e-12)


def test_nothing_of_the_size_of_a_buffer_is_joined():
    """One element of the flat buffers, as the graph has them, is not in the program."""
    model, _, train = make(np.float32)
    step = mg.trace(train, *EXAMPLE).to_jax()
    size = sum(parameter.size for parameter in model.parameters())
    assert f"f32[{size}]" not in str(jax.make_jaxpr(step)(step.state, *EXAMPLE))


# --- what JAX makes of it ---------------------------------------------------------------------------------------------


RUN_WITHOUT_MINIGRAD = """\
import sys; sys.modules["minigrad"] = None
import jax, numpy as np
from jax import export
jax.config.update("jax_enable_x64", True)
step = export.deserialize(bytearray(open("step.bin", "rb").read()))
state, inputs = dict(np.load("state.npz")), np.load("inputs.npz")
for _ in range(3):
    state, outputs = step.call(state, inputs["arr_0"], inputs["arr_1"])
    print(float(outputs["loss"]))
"""


def test_a_serialised_step_runs_where_minigrad_cannot_be_imported(tmp_path, double_precision):
    _, _, train = make()
    step = mg.trace(train, *EXAMPLE).to_jax()
    pytest.importorskip("flatbuffers", reason="it is not installed: python -m pip install flatbuffers")
    exported = jax.export.export(jax.jit(step))(step.state, *EXAMPLE)
    (tmp_path / "step.bin").write_bytes(exported.serialize())
    np.savez(tmp_path / "state.npz", **step.state)
    np.savez(tmp_path / "inputs.npz", *EXAMPLE)
    command = [sys.executable, "-c", RUN_WITHOUT_MINIGRAD]
    printed = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = [float(train(*EXAMPLE)["loss"]) for _ in range(3)]
    np.testing.assert_allclose([*map(float, printed.stdout.split())], expected, rtol=1e-12)


def test_vmap_over_states_trains_several_models_at_once(double_precision):
    _, _, train = make(layers=1)
    step = mg.trace(train, *EXAMPLE).to_jax()
    rates = jnp.array([0.0, 1e-2, 1e-1])
    states = [step.state | {"optimiser.rate": rate} for rate in rates]
    stacked = jax.tree.map(lambda *arrays: jnp.stack(arrays), *states)
    after, outputs = jax.jit(jax.vmap(step, in_axes=(0, None, None)))(stacked, *EXAMPLE)
    for i, state in enumerate(states):
        alone, loss = jax.jit(step)(state, *EXAMPLE)
        np.testing.assert_allclose(outputs["loss"][i], loss["loss"], rtol=1e-12)
        assert_weights_agree({name: array[i] for name, array in after.items()}, alone, 1e-12)


def test_the_rate_can_be_differentiated_through_a_step(double_precision):
    _, _, train = make(layers=1)
    step = mg.trace(train, *EXAMPLE).to_jax()

    @jax.jit
    def loss_after(rate):
        state, _ = step(step.state | {"optimiser.rate": rate}, *EXAMPLE)
        return step(state, *EXAMPLE)[1]["loss"]

    slope = jax.jit(jax.grad(loss_after))(0.5)
    np.testing.assert_allclose(slope, (loss_after(0.5 + 1e-5) - loss_after(0.5 - 1e-5)) / 2e-5, rtol=1e-5)


def test_a_recorded_graph_with_its_gradients(double_precision):
    x = mg.Tensor([0.5, -1.5], requires_grad=True, name="x")
    graph = mg.sum(mg.gelu(x) * mg.Tensor([2.0, 3.0], name="scale")).graph(gradients=True)
    step = graph.to_jax()
    assert [*step.state] == ["x"]
    state, (value, (gradient,)) = jax.jit(step)(step.state, np.array([2.0, 3.0]))
    expected, (expected_gradient,) = graph.run()
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-12)
    assert state["x"].tolist() == [0.5, -1.5]


# --- ops --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def own_op():
    yield mg.op(formula="x³", name="cube")(lambda x: x**3)
    del mg.registry["cube"]


@pytest.fixture
def own_draw():
    infer = lambda *, generator: mg.core.arrays.Shaped((2,), np.dtype(np.float64))  # noqa: E731
    declared = mg.op(formula="0 or 1", name="coins", effect=True, infer=infer)
    yield declared(lambda *, generator: generator.integers(0, 2, 2).astype(np.float64))
    del mg.registry["coins"]


def test_a_draw_of_ones_own_comes_from_its_generator(own_draw, double_precision):
    graph = mg.trace(lambda x: x + own_draw(generator=np.random.default_rng(0)), np.zeros(2))
    with pytest.raises(
        mg.GraphError, match=r"%0 = coins.* cannot draw from a key of JAX: export with draws=\"inputs\""
    ):
        graph.to_jax()
    step = graph.to_jax(draws="inputs")
    expected = np.random.default_rng(0).integers(0, 2, 2)
    assert step({}, np.zeros(2), *step.draw())[1].tolist() == expected.tolist()


def test_an_op_of_ones_own_has_a_row_or_is_refused_by_name(own_op):
    def cubes(x):
        with mg.scope("volumes"):
            return own_op(x)

    graph = mg.trace(cubes, np.float32([2.0]))
    with pytest.raises(mg.GraphError, match=r"in %1 = cube\(%0\)  \(1,\) float32  volumes: write a row, @minigrad"):
        graph.to_jax()
    mg.export.jax.row("cube")(lambda x: x * x * x)
    try:
        step = graph.to_jax()
    finally:
        del mg.export.jax.ROWS["cube"]
    assert step(step.state, np.float32([2.0]))[1].tolist() == [8.0]


def test_an_op_that_stands_in_its_own_definition_is_refused_by_name():
    @mg.op(formula="x³", definition=lambda x: cube(x * 2.0) / 8.0)
    def cube(x):
        return x**3

    try:
        with pytest.raises(mg.GraphError, match=r"nothing says what cube is in JAX"):
            mg.trace(cube, np.float32([2.0])).to_jax()
    finally:
        del mg.registry["cube"]


def test_every_op_has_a_row_or_a_definition():
    """Those that have not are refused by name; there is none on record."""
    from minigrad.core.op import Op
    from minigrad.export.jax_rows import DRAWS, ROWS, find_row

    ops = [op for op in mg.registry.values() if isinstance(op, Op)]
    assert [op.name for op in ops if not find_row(op) and op.definition is None and op.name not in DRAWS] == []
    assert {*ROWS, *DRAWS} <= mg.registry.keys()


def test_constant_indices_out_of_range_are_refused_and_others_read_nan():
    table = mg.Tensor(np.eye(3, dtype=np.float32), name="table")

    def look_up(indices):
        return mg.embedding(table, indices), mg.take_along_axis(table, mg.expand_dims(indices, 0), axis=1)

    step = mg.trace(look_up, np.array([0, 1, 2])).to_jax()
    for read in jax.jit(step)(step.state, np.array([0, 7, 2]))[1]:
        assert np.isnan(read).any()
        assert not np.isnan(read).all()
    with pytest.raises(IndexError, match="outside 0 … 2") as raised:
        mg.trace(lambda x: mg.embedding(x, mg.constant([0, 7])), np.eye(3)).to_jax()
    assert raised.value.__notes__ == ["in %2 = embedding(%0, %1)  (2, 3) float64"]


def test_masked_rows_of_nothing_are_zeros_with_gradients_of_zero():
    def attend(x, mask):
        y = mg.softmax(x, where=mask)
        return y, mg.grad((y * y).sum(), x)

    x = mg.Tensor(np.float32([[1.0, 2.0], [3.0, 4.0]]), requires_grad=True)
    mask = np.array([[True, False], [False, False]])
    step = mg.trace(attend, x, mask).to_jax()
    for array in jax.jit(step)(step.state, x.numpy(), mask)[1]:
        assert array[1].tolist() == [0, 0]


def test_what_a_choice_did_not_take_contributes_nothing_to_a_gradient():
    def entropy(x):
        y = mg.where(x > 0, x * mg.log(x) / x, 0.0)
        return mg.grad(mg.vecdot(y, y), x)

    x = mg.Tensor(np.float32([0.0, 0.5, 2.0]), requires_grad=True)
    step = mg.trace(entropy, x).to_jax()
    with np.errstate(all="ignore"):
        expected = entropy(x).numpy()
    assert expected[0] == 0
    np.testing.assert_allclose(jax.jit(step)(step.state, x.numpy())[1], expected, rtol=1e-5)


def test_types_are_those_of_numpy(double_precision):
    """Where JAX would have others: int32 · float32, √uint8, and a number that the integers beside it cannot hold."""
    small, counts, x = np.array([4, 200], np.uint8), np.array([3, 5], np.int32), np.array([0.1, 0.7], np.float32)

    def compute(small, counts, x):
        return [counts * x, mg.sqrt(small), mg.less(small, 300), small > -1, mg.sum(small), mg.mean(counts), x @ counts,
                counts / 2, mg.concatenate([small, x]), mg.where(small > 7, counts, x), mg.floor(counts)]  # fmt: skip

    step = mg.trace(compute, small, counts, x).to_jax()
    for actual, expected in zip(step(step.state, small, counts, x)[1], compute(small, counts, x), strict=True):
        assert actual.dtype == expected.dtype
        np.testing.assert_allclose(actual, expected, rtol=1e-3 if expected.dtype == np.float16 else 1e-15)


def test_a_cache_of_keys_and_values_is_state(double_precision):
    model, *_ = make()
    cache = nn.KeyValueCache(context=TOKENS)
    tokens = EXAMPLE[0][:1]
    with mg.no_grad():
        expected = model(tokens).numpy()
        step = mg.trace(lambda token: model(token, cache=cache), tokens[:, :1]).to_jax()
    state, run = step.state, jax.jit(step)
    for i in range(TOKENS):
        state, logits = run(state, tokens[:, i : i + 1])
        np.testing.assert_allclose(logits[0, 0], expected[0, i], rtol=1e-10)


def test_scopes_are_those_of_the_program():
    *_, train = make(np.float32)
    step = mg.trace(train, *EXAMPLE).to_jax()
    text = jax.jit(step).lower(step.state, *EXAMPLE).as_text(debug_info=True)
    assert "transformer/blocks/0/attention" in text
    assert "optimiser/" in text


PARAMETERS = {"weight": np.array([1.0, 2.0]), "bias": np.array([30.0, 40.0])}


def compute(parameters, x):
    return (parameters["weight"] * x - parameters["bias"]).sum()


@pytest.mark.parametrize("read", [mg.trace, mg.from_jax])
@pytest.mark.parametrize("names", [("weight", "bias"), ("bias", "weight")])
def test_dictionaries_are_taken_by_their_keys(read, names, double_precision):
    x, given = np.array([7.0, 11.0]), {name: PARAMETERS[name] for name in names}
    graph = read(compute, PARAMETERS, x)
    step, expected = graph.to_jax(), compute(PARAMETERS, x)
    assert graph.run(given, x) == expected
    assert step({}, given, x)[1] == jax.jit(step)({}, given, x)[1] == expected
    for other in ({"weight": x, "shift": x}, {"bias": x}, PARAMETERS | {"more": {}, "rest": {"x": x}}):
        for call in (graph.run, lambda *args: jax.jit(step)({}, *args)):
            with pytest.raises(ValueError, match=r"expected .*(bias.*weight|weight.*bias)"):
                call(other, x)


def test_draws_follow_what_a_dictionary_holds():
    graph = mg.trace(lambda given: mg.dropout(given["x"] - given["y"], 0.5, np.random.default_rng(0)), {
        "x": np.ones(4, np.float32), "y": np.zeros(4, np.float32)})  # fmt: skip
    step = graph.to_jax(draws="inputs")
    (drawn,) = step.draw()
    given = {"y": np.zeros(4, np.float32), "x": np.ones(4, np.float32)}
    assert step({}, given, drawn)[1].min() >= 0.0
    with pytest.raises(ValueError, match="got a dictionary"):
        step({}, drawn, given)
