"""Checks while training: what passes, what is found out, and that training does not notice.

The deep tests are those of the demo's own step: a wrong rule for every argument that gets a gradient in it, and wrong
lines of its program, each found out at the first check in 20 of 20 runs; and 20 right runs in which nothing is.
"""

import re
import warnings
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, ops, optim
from minigrad.checks.steps import SAME, StepChecker
from minigrad.checks.sweeps import TOLERANCE
from minigrad.cli.demo import MODEL
from minigrad.cli.run import Run
from minigrad.training import fit

DEEP = pytest.mark.deep
RUNS = 20


def silent(record):
    pass


@contextmanager
def planted(name, argument, wrong):
    """The rule of one argument of an op replaced by `wrong(rule)`, and put back."""
    op = mg.registry[name]
    right, by_position = dict(op.rules), dict(op.by_position)
    op.vjp(argument)(wrong(right[argument]))
    try:
        yield
    finally:
        op.rules.clear(), op.by_position.clear()
        op.rules.update(right), op.by_position.update(by_position)


def off_by(factor):
    return lambda rule: lambda g, *rest, **params: ops.multiply(rule(g, *rest, **params), factor)


# --- steps of many kinds ----------------------------------------------------------------------------------------------


class Trained:
    """A model of two layers, its optimiser, and steps of many kinds; `batch` is float32 unless said otherwise."""

    def __init__(self, optimiser=optim.AdamW, dtype=np.float32, activation=ops.gelu, **options):
        self.rng = np.random.default_rng(3)
        self.activation = activation
        self.first = nn.Linear(6, 8, rng=self.rng, dtype=dtype)
        self.second = nn.Linear(8, 8, rng=self.rng, dtype=dtype)
        self.dropout = nn.Dropout(0.2)
        self.mean = mg.Tensor(np.zeros(8), dtype, name="mean")
        self.parameters = [*self.first.parameters(), *self.second.parameters()]
        self.optimiser = optimiser([x for x in self.parameters if x.requires_grad], rate=0.01, **options)

    def loss(self, x):
        hidden = self.second(self.activation(self.first(x)))
        return mg.mean(mg.square(hidden - mg.flip(hidden, axis=-1) * 0.3 - 1.0))

    def update(self, loss, *more):
        self.optimiser.zero_grad()
        for one in (loss, *more):
            one.backward()
        optim.clip_gradients(self.optimiser.parameters, 0.5)
        self.optimiser.step()
        return loss

    def plain(self, x):
        return self.update(self.loss(x))

    def accumulated(self, x):
        return self.update(self.loss(x[:2]), self.loss(x[2:]) * 0.5)

    def dropped(self, x):
        with mg.generator(self.rng):
            return self.update(mg.mean(mg.square(self.second(self.dropout(mg.tanh(self.first(x)))))))

    def with_statistics(self, x):
        hidden = self.first(x)
        mean = mg.mean(hidden, axis=0)
        mg.assign(self.mean, 0.9 * mg.read(self.mean) + 0.1 * mean.detach())
        return self.update(mg.mean(mg.square(self.second(hidden - mean))))

    def with_a_target(self, x):
        return self.update(mg.mean(mg.square(self.second(self.first(x)) - self.second(self.first(x * 2.0)).detach())))

    def with_a_penalty(self, x):
        scaled = x * self.first.bias[:6]
        slope = mg.grad(mg.sum(self.second(mg.tanh(self.first(scaled)))), scaled, create_graph=True)
        return self.update(mg.mean(mg.square(slope)))

    def of_a_vector(self, x):
        self.optimiser.zero_grad()
        y = self.second(mg.tanh(self.first(x)))
        y.backward(mg.tanh(y.detach()))
        self.optimiser.step()
        return mg.sum(y)

    def kept(self, x):
        self.optimiser.zero_grad()
        loss = self.loss(x)
        loss.backward(keep=True)
        self.optimiser.step()
        return loss

    def by_hand(self, x):
        loss = self.loss(x)
        for p, g in zip(self.parameters, mg.grad(loss, self.parameters), strict=True):
            mg.assign(p, p - 0.1 * g)
        return loss

    def tied(self, x):
        tied = x @ mg.transpose(self.first.weight) if self.first.weight.shape == (8, 6) else x @ self.first.weight
        return self.update(mg.mean(mg.square(mg.tanh(tied) @ mg.transpose(self.first.weight) - x)))

    def steered(self, x):
        hidden = self.first(x)
        best = mg.argmax(hidden, axis=-1)
        chosen = mg.where(hidden > 0.1, mg.square(hidden), 0.1 * hidden)
        return self.update(mg.sum(mg.take_along_axis(chosen, mg.expand_dims(best, -1), axis=-1)))


def batches(count, dtype=np.float32):
    rng = np.random.default_rng(0)
    return [(rng.standard_normal((4, 6)).astype(dtype),) for _ in range(count)]


STEPS = [name for name in vars(Trained) if not name.startswith("__") and name not in ("loss", "update")]


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", STEPS)
def test_steps_of_every_kind_pass_and_do_not_notice(name, compiled):
    def train(**options):
        trained = Trained()
        step = getattr(trained, name)
        history = fit(mg.compile(step) if compiled else step, batches(7), 7, log=silent, every=7, **options)
        return trained, history

    checked, history = train(check_gradients=3)
    without, _ = train()
    for ours, plain in zip([*checked.parameters, checked.mean], [*without.parameters, without.mean], strict=True):
        assert ours.numpy().tobytes() == plain.numpy().tobytes()
    assert checked.rng.bit_generator.state == without.rng.bit_generator.state
    found = history[0]["checks"]
    assert [check["step"] for check in found] == [1, 4, 7]
    assert all(check["gradient"] <= TOLERANCE and check["program"] <= SAME for check in found)


OPTIMISERS = [optim.SGD, optim.Adam, optim.AdamW]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_and_every_precision(optimiser, dtype):
    trained = Trained(optimiser, dtype, schedule=optim.WarmupCosine(2, 8))
    (record,) = fit(mg.compile(trained.plain), batches(5, dtype), 5, log=silent, check_gradients=1)
    assert all(check["gradient"] is not None for check in record["checks"])


def test_parameters_of_several_types_and_some_that_are_frozen():
    trained = Trained()
    trained.second.astype(np.float64)
    trained.first.weight.requires_grad = False
    trained.optimiser = optim.Adam([trained.first.bias, *trained.second.parameters()], rate=0.01)
    with warnings.catch_warnings(action="ignore"):  # that float64 meets float32
        (record,) = fit(trained.plain, batches(2), 2, log=silent, check_gradients=1)
    assert record["checks"][1]["gradient"] <= TOLERANCE


@pytest.mark.parametrize("zeros", ["all", "one row"])
def test_a_kink_at_exactly_zero_is_undecided_and_nothing_stops(zeros):
    trained = Trained(activation=ops.relu)
    if zeros == "all":
        mg.assign(trained.first.weight, np.zeros(trained.first.weight.shape))
    mg.assign(trained.first.bias, np.zeros(8))
    ((x,),) = batches(1)
    x[0] = 0.0
    (record,) = fit(trained.plain, [(x,)], 1, log=silent, check_gradients=1)
    assert record["checks"][0]["gradient"] is None
    assert "a kink" in record["checks"][0]["note"]


@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_has_diverged_is_undecided_and_nothing_stops():
    trained = Trained(optim.SGD)
    (x,) = batches(1)[0]
    (record,) = fit(mg.compile(trained.plain), [(x * np.float32(np.inf),)] * 2, 2, log=silent, check_gradients=1)
    assert [check["gradient"] for check in record["checks"]] == [None, None]


def test_kinks_nearby_are_stepped_over():
    trained = Trained(activation=ops.relu)
    mg.assign(trained.first.bias, np.full(8, 1e-7))
    ((x,),) = batches(1)
    x[:] = 0.0
    (record,) = fit(trained.plain, [(x,)], 1, log=silent, check_gradients=1)
    assert record["checks"][0]["gradient"] is None or record["checks"][0]["gradient"] <= TOLERANCE


# --- what is found out ------------------------------------------------------------------------------------------------


def test_a_wrong_rule_stops_the_run_before_the_step_with_a_report_and_a_checkpoint():
    trained, saved = Trained(), []
    step = mg.compile(trained.plain)
    with ExitStack() as stack:
        data = spoil(batches(9), 3, lambda: stack.enter_context(planted("gelu", "x", off_by(1.01))))
        caught = stack.enter_context(pytest.raises(mg.GradientCheckError, match="step 3: the gradients for 2 of 4 "))
        fit(step, data, 9, log=silent, check_gradients=2, checkpoint=lambda history: saved.append(list(history)))
    untouched = Trained()
    fit(mg.compile(untouched.plain), batches(2), 2, log=silent)
    assert [p.tolist() for p in trained.parameters] == [p.tolist() for p in untouched.parameters]
    assert [record["step"] for record in saved[0]] == [2]
    assert len(saved) == 1
    wrong = [line for line in str(caught.value).splitlines() if line.startswith("WRONG")]
    assert [line.split()[1] for line in wrong] == ["Linear/weight", "Linear/bias"]  # what is before gelu


FACTORS = {"one percent more": 1.01, "the other sign": -1.0, "nothing": 0.0}


@pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize("name", ["plain", "accumulated", "by_hand", "tied", "with_a_target"])
def test_a_wrong_factor_in_any_rule_of_a_step_is_found(name, factor):
    ((x,),) = batches(1)
    graph = mg.trace(getattr(Trained(), name), x)
    rules = {(node.origin.node.op, node.origin.argument) for node in graph if node.origin and node.origin.node}
    assert len(rules) > 4
    for rule in rules:
        with planted(*rule, off_by(factor)), pytest.raises(mg.GradientCheckError, match="WRONG"):
            StepChecker(getattr(Trained(), name)).begin([x], number=1)


def spoil(batches, number, context):
    """The batches; `context` is entered before one of them."""
    for count, batch in enumerate(batches, 1):
        if count == number:
            context()
        yield batch


def test_at_the_first_step_there_is_a_checkpoint_too():
    saved = []
    with planted("gelu", "x", off_by(1.01)), pytest.raises(mg.GradientCheckError, match="step 1: "):
        fit(Trained().plain, batches(3), 3, log=silent, check_gradients=True, checkpoint=saved.append)
    assert saved == [[]]


def test_a_step_that_leaves_something_else_than_its_graph_is_taken_back():
    trained, reached = Trained(), []

    def step(x):
        """One that does more than a trace sees."""
        loss = trained.plain(x)
        if len(reached) % 2:
            trained.parameters[0]._held[0, 0] += 1e-3
        reached.append(x)
        return loss

    before = [p.tolist() for p in trained.parameters]
    with pytest.raises(mg.GradientCheckError, match="step 1 left something else than its graph makes") as caught:
        fit(step, batches(1), 1, log=silent, check_gradients=1)
    assert "weight: " in str(caught.value)
    assert [p.tolist() for p in trained.parameters] == before
    assert trained.optimiser.steps == 0


@pytest.mark.parametrize(("step", "why"), [
    (lambda x: Trained().plain(x) if float(x.sum()) else None, "cannot be traced"),
    (lambda x: mg.sum(mg.constant(np.ones(2))), "takes no gradient"),
])  # fmt: skip
def test_a_step_that_cannot_be_checked_is_refused_by_name(step, why):
    step.__name__ = "my_step"
    with pytest.raises(mg.CaptureError, match=f"my_step {why}"):
        fit(step, batches(1), 1, log=silent, check_gradients=True)


def test_a_resumed_run_has_the_same_figures():
    def train(trained, data, **options):
        return fit(mg.compile(trained.plain), data, log=silent, check_gradients=3, **options)

    whole = train(Trained(), batches(8), steps=8, every=4)
    trained, data = Trained(), iter(batches(8))
    half = train(trained, data, steps=4, every=4)
    rest = train(trained, data, steps=8, every=4, start=4, history=half)
    assert [record.get("checks") for record in rest] == [record.get("checks") for record in whole]
    assert [check["step"] for record in whole for check in record["checks"]] == [1, 4, 7]


def test_the_progress_says_how_many_were_checked(capsys):
    fit(Trained().plain, batches(4), 4, check_gradients=2)
    assert "  2 checked  " in capsys.readouterr().err


def test_another_batch_shape_or_another_setting_is_traced_anew():
    trained = Trained()
    step = mg.compile(trained.plain)
    checker = StepChecker(step)
    seen = []
    for number, x in enumerate([*(x for (x,) in batches(2)), np.ones((3, 6), np.float32)], 1):
        if number == 2:
            trained.optimiser.weight_decay = 0.5
        checker.begin([x], number)
        seen.append(checker.traced)
        checker.compare(step(x))
    checker.begin([np.ones((3, 6), np.float32)], 4)
    assert len({id(x) for x in seen}) == 3
    assert checker.traced is seen[-1]


# --- the demo's step --------------------------------------------------------------------------------------------------


@cache
def demo(seed):
    """A run of the demo's model, two sequences at a time, after two steps, and the batch that comes next."""
    run = Run(replace(MODEL, steps=600, batch=2, seed=seed))
    data = run.data.batches(run.rng, run.settings.batch)
    for _ in range(2):
        run.step(*next(data))
    return run, next(data)


def is_found(seed):
    """Whether the first check stops the run."""
    run, batch = demo(seed)
    try:
        StepChecker(run.step).begin(batch, number=seed)
    except mg.GradientCheckError:
        return True
    return False


def transposed(rule):
    """Without the transposition, or with one too many, where shapes let it pass."""

    def wrong(g, *rest, **params):
        right = rule(g, *rest, **params)
        return ops.swapaxes(right, -1, -2) if right.shape[-1] == right.shape[-2] else right

    return wrong


def transposed_values(rule):
    return lambda g, y, x1, x2: ops.matmul(x1, g) if x1.shape[-1] == x1.shape[-2] else rule(g, y, x1, x2)


def along_the_rows(rule):
    return lambda g, y, x, where, **params: y * (g - ops.sum(g * y, axis=-2, keepdims=True))


def statistics_along_the_batch(rule):
    def wrong(g, y, x, *, epsilon):
        centred = g - ops.mean(g, axis=-2, keepdims=True) - y * ops.mean(g * y, axis=-2, keepdims=True)
        return centred * ops.inverse_deviation(x, epsilon=epsilon)

    return wrong


def last_class_first(rule):
    return lambda *args, **params: ops.flip(rule(*args, **params), axis=-1)


def neighbouring_row(rule):
    def wrong(*args, **params):
        right = rule(*args, **params)
        return ops.concatenate([ops.index(right, slice(1, None)), ops.index(right, slice(0, 1))])

    return wrong


def in_the_order_of_memory(rule):
    return lambda g, y, x, **params: ops.reshape(g, x.shape)


RULES = [
    ("linear", "x"), ("linear", "weight"), ("linear", "bias"), ("standardize", "x"), ("multiply", "x1"),
    ("multiply", "x2"), ("matmul", "x1"), ("matmul", "x2"), ("softmax", "x"), ("split_heads", "x"),
    ("cross_entropy", "logits"), ("add", "x1"), ("add", "x2"), ("relu", "x"), ("merge_heads", "x"), ("swapaxes", "x"),
    ("embedding", "weight"),
]  # fmt: skip
WRONG = [
    ("linear", "weight", transposed), ("matmul", "x1", transposed), ("matmul", "x2", transposed_values),
    ("softmax", "x", along_the_rows), ("standardize", "x", statistics_along_the_batch),
    ("cross_entropy", "logits", last_class_first), ("embedding", "weight", neighbouring_row),
    ("split_heads", "x", in_the_order_of_memory), ("merge_heads", "x", in_the_order_of_memory),
]  # fmt: skip
WRITES = re.compile(r"( +)np\.(?!greater|less|equal|logical).*out=(\w+)\)")  # numbers, in a line of a program
PLANTED = [(*rule, off_by(1.01)) for rule in RULES] + WRONG


@DEEP
def test_these_are_the_rules_of_the_demo():
    run, batch = demo(0)
    graph = mg.trace(run._step, *batch)
    used = {(node.origin.node.op, node.origin.argument) for node in graph if node.origin and node.origin.node}
    assert used | {("add", "x1")} == set(RULES)  # that of a sum is no operation of its own


@DEEP
@pytest.mark.parametrize("factor", FACTORS.values(), ids=FACTORS)
@pytest.mark.parametrize(("name", "argument"), RULES)
def test_a_wrong_factor_in_a_rule_of_the_demo_is_found_at_the_first_check(name, argument, factor):
    with planted(name, argument, off_by(factor)):
        assert is_found(seed=0)


@DEEP
@pytest.mark.parametrize(("name", "argument", "wrong"), PLANTED)
def test_a_wrong_rule_of_the_demo_is_found_at_the_first_check_in_every_run(name, argument, wrong):
    with planted(name, argument, wrong):
        assert [seed for seed in range(RUNS) if not is_found(seed)] == []


@DEEP
def test_right_runs_of_the_demo_never_cry_wolf():
    demo.cache_clear()
    for seed in range(RUNS):
        run, batch = demo(seed)
        checker = StepChecker(run.step)
        assert checker.begin(batch, number=seed).passed
        assert checker.compare(run.step(*batch))["program"] <= SAME


@DEEP
def test_a_wrong_line_of_the_demos_program_is_found_at_the_first_check_in_every_run():
    demo.cache_clear()
    rng = np.random.default_rng(0)
    for seed in range(RUNS):
        run, batch = demo(seed)
        run.step(*batch)
        program = run.step.program
        lines = program.source.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("def step"))
        writes = [(i, m) for i, line in enumerate(lines) if i > start and (m := WRITES.match(line))]
        number, match = writes[rng.integers(len(writes))]
        spoilt = [*lines[: number + 1], f"{match[1]}{match[2]}[...] = {match[2]} * 1.01", *lines[number + 1 :]]
        checker = StepChecker(run.step)
        checker.begin(batch, number=seed)
        program._step = program._defined("\n".join(spoilt))
        with pytest.raises(mg.GradientCheckError, match="left something else than its graph makes"):
            checker.compare(run.step(*batch))
    demo.cache_clear()
