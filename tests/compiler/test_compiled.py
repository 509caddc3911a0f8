"""What a compiled function promises: modes, methods, threads, `check`, refusals, and what there is to see."""

import copy
import gc
import linecache
import threading
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import CaptureError, GraphError, Tensor
from minigrad.nn import Dropout, LanguageModel, Module

X = np.arange(6.0).reshape(2, 3)


def weight_of(*values, name="weight", dtype=np.float64):
    return Tensor(values, dtype, requires_grad=True, name=name)


# --- modes ------------------------------------------------------------------------------------------------------------


def test_train_and_eval_pick_their_program():
    model = Dropout(0.5)
    step = mg.compile(lambda x: model(x))
    x = np.ones((50, 4))
    with mg.generator(np.random.default_rng(0)):
        for training in (True, False, True, False):
            model.train(training)
            assert (step(x).numpy() == 1.0).all() != training
    assert len(step.programs) == 2


def test_dropout_draws_what_eager_code_draws_and_draws_anew():
    model = Dropout(0.5)
    step = mg.compile(lambda x: model(x))
    eager_rng, rng, other = (np.random.default_rng(i) for i in (3, 3, 4))
    x = np.ones((4, 5))
    drawn = []
    for _ in range(3):
        with mg.generator(eager_rng):
            expected = model(Tensor(x)).numpy()
        with mg.generator(rng):
            drawn.append(step(x).numpy())
        assert (drawn[-1] == expected).all()
    assert not (drawn[0] == drawn[1]).all()
    with mg.generator(other):
        assert (step(x).numpy() != drawn[-1]).any()
    with mg.generator(eager_rng):
        expected = model(Tensor(x)).numpy()
    with mg.generator(rng):
        assert (step(x).numpy() == expected).all()
    with pytest.raises(GraphError, match="generator"):
        step(x)


def test_no_grad_has_its_program():
    weight = weight_of(1.0, 2.0)
    step = mg.compile(lambda x: weight * x)
    assert step(X[0, 1:]).tolist() == [1.0, 4.0]
    with mg.no_grad():
        assert step(X[0, 1:]).tolist() == [1.0, 4.0]
    inner = mg.compile(lambda x: mg.grad(mg.sum(weight * x), weight))
    assert inner(X[0, 1:]).tolist() == [1.0, 2.0]
    with mg.no_grad(), pytest.raises(GraphError):
        inner(X[0, 1:])


def test_expanded_operations_have_their_program():
    step = mg.compile(lambda x: mg.softmax(x))
    plain = step(X).numpy()
    with mg.expanded("softmax"):
        np.testing.assert_allclose(step(X).numpy(), plain, rtol=1e-15)
        assert "softmax" not in {node.op for node in step.graph}


def test_a_program_that_is_dropped_leaves_nothing_behind():
    step = mg.compile(lambda x: x * 2.0)
    step(X)
    file, program = step.program.file, weakref.ref(step.program)
    assert file in linecache.cache
    del step
    gc.collect()
    assert program() is None
    assert file not in linecache.cache


# --- as decorator, method, and inside others --------------------------------------------------------------------------


@mg.compile
def doubled(x):
    """Twice x."""
    return x * 2.0


@mg.compile(check=2)
def tripled(x):
    return x * 3.0


def test_as_a_decorator():
    assert doubled(X).tolist() == (X * 2).tolist()
    assert (doubled.__name__, doubled.__doc__) == ("doubled", "Twice x.")
    assert [tripled(X).tolist() for _ in range(3)] == [(X * 3).tolist()] * 3
    assert "doubled" in repr(doubled)
    assert "1 programs" in repr(doubled) or "1 program" in repr(doubled)


class Scaled:
    def __init__(self, scale):
        self.scale = Tensor(scale, name="scale")

    @mg.compile
    def apply(self, x):
        return x * self.scale


def test_as_a_method():
    two, three = Scaled(2.0), Scaled(3.0)
    for _ in range(2):
        assert two.apply(X).tolist() == (X * 2).tolist()
        assert three.apply(x=X).tolist() == (X * 3).tolist()
    assert len(two.apply.programs) == len(three.apply.programs) == 1
    assert "def step" in two.apply.source


def test_compile_inside_compile_and_trace():
    outer = mg.compile(lambda x: doubled(x) + mg.compile(tripled)(x))
    assert outer(X).tolist() == (X * 5).tolist()
    assert len(mg.trace(lambda x: doubled(x) + 1.0, X)) == 3
    assert mg.trace(doubled, X).run(X).tolist() == (X * 2).tolist()
    assert mg.compile(mg.compile(lambda x: x + 1.0))(X).tolist() == (X + 1).tolist()


def test_nested_modules_and_a_generation_loop_with_growing_shapes():
    model = LanguageModel(9, 8, 2, 1, context=6, hidden=8, rng=np.random.default_rng(0)).eval()
    step = mg.compile(lambda tokens: mg.argmax(model(tokens)[:, -1], axis=-1))
    tokens = expected = np.array([[1, 2], [3, 4]])
    with mg.no_grad():
        for _ in range(2):
            tokens = expected = tokens[:, :2]
            for _ in range(4):
                tokens = np.concatenate([tokens, step(tokens).numpy()[:, None]], axis=1)
                following = np.argmax(model(Tensor(expected)).numpy()[:, -1], axis=-1)
                expected = np.concatenate([expected, following[:, None]], axis=1)
            assert tokens.tolist() == expected.tolist()
    assert len(step.programs) == 4


def test_copies_of_what_holds_a_compiled_function():
    model = Module()
    model.compiled = mg.compile(lambda x: x * 2.0)
    model.compiled(X)
    copied = copy.deepcopy(model)
    assert copied.compiled(X).tolist() == (X * 2).tolist()


# --- what cannot be compiled ------------------------------------------------------------------------------------------

OUTSIDE = np.arange(3.0)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x * float(mg.sum(x)), r"test_compiled\.py:\d+.*use where"),
        (lambda x: x if mg.sum(x) > 0 else -x, r"test_compiled\.py:\d+.*use where"),
        (lambda x: x * OUTSIDE, "argument.*minigrad.constant"),
        (lambda x: x * np.random.default_rng(0).standard_normal(3), "argument.*minigrad.constant"),
        (lambda x: x[x > 0], "where"),
        (lambda x: x.numpy(), r"is read at test_compiled\.py:\d+"),
        (lambda x: mg.sum(x).item(), r"is read at test_compiled\.py:\d+"),
        (lambda x: OUTSIDE, "return Tensors"),
        (lambda x: mg.assign(x, x * 2.0), "only state can be assigned"),
    ],
)  # fmt: skip
def test_what_would_be_baked_in_raises_and_names_the_alternative(function, message):
    step = mg.compile(function)
    for _ in range(2):  # a failed capture leaves nothing behind
        with pytest.raises(CaptureError, match=message):
            step(X)
    assert step.programs == ()


def test_an_error_in_the_function_comes_out_and_nothing_is_left_behind():
    weight = weight_of(1.0, 2.0)

    def step(x):
        mg.assign(weight, weight * 2.0)
        raise RuntimeError("late")

    compiled = mg.compile(step)
    with pytest.raises(RuntimeError, match="late"):
        compiled(X)
    assert weight.tolist() == [1.0, 2.0]
    assert (weight * 2.0).tolist() == [2.0, 4.0]
    with pytest.raises(TypeError, match="expected a function"):
        mg.compile(3)


@pytest.mark.parametrize("look", ["source", "graph", "stats", "profile", "program"])
def test_what_is_looked_at_before_the_first_call_says_so(look, tmp_path):
    step = mg.compile(lambda x: x)
    assert "0 programs" in repr(step)
    with pytest.raises(GraphError, match="first call"):
        step.profile() if look == "profile" else getattr(step, look)
    with pytest.raises(GraphError, match="first call"):
        step.save_source(tmp_path / "step.py")


# --- threads ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True])
def test_threads_do_not_disturb_each_other(shared):
    def new():
        return mg.compile(lambda x: mg.softmax(mg.tanh(x @ x.T) * 3.0 + x[:, :1]) @ x)

    steps = [new()] * 4 if shared else [new() for _ in range(4)]
    arguments = [np.random.default_rng(i).standard_normal((24, 24)) for i in range(4)]
    expected = [mg.compile(lambda x: mg.softmax(mg.tanh(x @ x.T) * 3.0 + x[:, :1]) @ x)(x).numpy() for x in arguments]
    wrong, ready = [], threading.Barrier(4)

    def work(i):
        ready.wait()
        for _ in range(60):
            if not np.array_equal(steps[i](arguments[i]).numpy(), expected[i]):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- check ------------------------------------------------------------------------------------------------------------


def test_check_passes_on_good_functions_and_leaves_what_the_program_left(new_language_model):
    states = []
    for check in (0, 3):
        model, optimiser, step = new_language_model()
        compiled = mg.compile(step, check=check)
        batch = np.random.default_rng(0).integers(0, 9, (2, 5))
        losses = [compiled(batch, batch).item() for _ in range(5)]
        states.append([losses, *[a.tolist() for a in {**model.state_dict(), **optimiser.state_dict()}.values()]])
        assert all(p.grad is None for p in model.parameters())
    assert states[0] == states[1]


def test_check_finds_a_number_drawn_inside():
    rng = np.random.default_rng(0)
    step = mg.compile(lambda x: x * float(rng.standard_normal()), check=3)
    with pytest.raises(GraphError, match="differ; does the function draw numbers"):
        step(X)


def test_check_restores_generators():
    model = Dropout(0.5)
    drawn = []
    for check in (0, 3):
        rng = np.random.default_rng(0)
        step = mg.compile(lambda x: model(x), check=check)
        with mg.generator(rng):
            drawn.append([step(np.ones(20)).tolist() for _ in range(5)])
    assert drawn[0] == drawn[1]


def test_check_takes_every_kind_of_result():
    weight = weight_of(1.0, 2.0)

    def function(x):
        weight.grad = None
        loss = mg.sum(weight * x)
        loss.backward()
        return {"gradient": weight.grad, "none": None, "loss": (loss, 3), "class": mg.argmax(x), "larger": x > 1}

    step = mg.compile(function, check=2)
    for _ in range(3):
        assert step(np.array([3.0, 4.0]))["gradient"].tolist() == [3.0, 4.0]
    assert weight.grad is None


# --- what there is to see ---------------------------------------------------------------------------------------------


def test_stats_profile_and_texts(new_language_model):
    model, optimiser, step = new_language_model()
    compiled = mg.compile(step)
    batch = np.random.default_rng(0).integers(0, 9, (2, 5))
    compiled(batch, batch)
    stats = compiled.stats
    assert stats.instructions > 0
    assert 0 < stats.bytes < stats.bytes_before_reuse
    assert stats.flops > 1000
    assert f"{stats.instructions:,} instructions" in str(stats)
    assert compiled.program is compiled.programs[0]
    assert "2, 5" in repr(compiled.program)
    before = {**model.state_dict(), **optimiser.state_dict()}
    loss = mg.cross_entropy(model(batch), batch)
    profile = compiled.profile(5)
    assert len(profile.lines) == 5
    assert 0 < sum(line.share for line in profile.lines) <= 1
    assert "µs" in str(profile)
    for key, array in {**model.state_dict(), **optimiser.state_dict()}.items():
        assert np.array_equal(array, before[key]), key
    with pytest.raises(GraphError):  # it was written to in between
        loss.backward()


def test_the_same_model_and_seed_give_the_same_text(new_language_model):
    texts = []
    for _ in range(2):
        _, _, step = new_language_model()
        compiled = mg.compile(step)
        batch = np.zeros((2, 5), int)
        compiled(batch, batch)
        texts.append(compiled.source)
    assert texts[0] == texts[1]
    assert texts[0].count("\n") > 50


def test_a_method_is_compiled_for_each_instance_and_shows_its_program():
    class Scaled:
        def __init__(self, factor):
            self.factor = mg.Tensor([factor])

        @mg.compile
        def times(self, x):
            return x * self.factor

    two, three = Scaled(2.0), Scaled(3.0)
    assert two.times(np.ones(1)).tolist() == [2.0]
    assert three.times(np.ones(1)).tolist() == [3.0]
    assert "np.multiply" in two.times.source
    assert two.times is two.times
    assert two.times is not three.times


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_anomalies_are_found_in_compiled_functions():
    step = mg.compile(lambda x: mg.log(x))
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match="log"):
        step(mg.Tensor([-1.0], requires_grad=True))


@pytest.mark.parametrize("array", [np.array([1j]), np.array(["a"]), np.array([None])])
def test_arrays_that_are_no_real_numbers_are_refused(array):
    with pytest.raises(TypeError, match=r"argument .x.: expected a Tensor or real numbers, got ndarray \(dtype"):
        mg.compile(lambda x: x * 2.0)(array)


def test_a_set_is_part_of_the_program_by_what_is_in_it():
    step = mg.compile(lambda x, signs: x * float(sum(signs)))
    signs = {1}
    assert step(np.ones(1), signs).tolist() == [1.0]
    signs.add(4)
    assert step(np.ones(1), signs).tolist() == [5.0]
