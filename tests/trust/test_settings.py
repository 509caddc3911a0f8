"""How a compiled function looks at what it depends on: no more than it must, and it says what changes all the time."""

import gc
import threading
import warnings
import weakref

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn, optim

T = mg.Tensor
X = np.ones((1, 3))


def linear():
    return nn.Linear(3, 3, rng=np.random.default_rng(0), dtype=np.float64)


class Config:
    def __init__(self, **attributes):
        vars(self).update(attributes)


def count(step):
    return len(step.programs)


def test_A7_what_does_not_change_makes_no_program():
    net, config = nn.Encoder(1, 4, 2, rng=np.random.default_rng(0)), Config(rate=0.5, names=["a"])
    optimiser = optim.Adam(net.parameters())

    @mg.compile
    def step(config, x):
        optimiser.zero_grad()
        loss = mg.mean(net(x) ** 2) * config.rate
        loss.backward()
        optimiser.step()
        return loss

    for i in range(5):
        config.rate, config.names, config._seen = float("0.5"), ["a"], i
        optimiser.betas, net._private, optimiser.rate = (0.9, 0.999), i, 0.1 * i
        net.train()
        optim.SGD(linear().parameters(), 0.1)  # another's memory moves
        step(config, np.ones((3, 4), np.float32))
    assert count(step) == 1


def test_A7_programs_for_settings_that_come_back_are_kept_and_no_more_than_a_few():
    net = linear()
    step = mg.compile(lambda x: mg.grad(mg.sum(net(x)), net.parameters()))
    seen = set()
    for _ in range(3):
        for frozen in (True, False):
            net.bias.requires_grad = not frozen
            assert len(step(X)) == 2 - frozen
            seen.add(step.program)
    assert count(step) == len(seen) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(10):
            net.extra = i
            step(X)
    assert count(step) == 4


def test_A7_what_changes_all_the_time_is_named_in_a_warning():
    config, step = Config(losses=[]), mg.compile(lambda config, x: x * 2.0)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        for i in range(12):
            config.losses.append(i)
            step(config, X)
    (warning,) = seen
    assert "Config.losses has changed 8 times" in str(warning.message)


@pytest.mark.parametrize(
    ("attribute", "value", "allowed"),
    [
        ("momentum", 1.5, "below 1"), ("momentum", -0.1, "at least 0"), ("nesterov", True, "False where momentum is 0"),
        ("schedule", 3, "must be a function"), ("rate", -1.0, "at least 0"), ("parameters", [], "make another"),
        ("moments", (), "make another"),
    ],
)  # fmt: skip
def test_A7_a_wrong_setting_is_refused_and_the_old_one_stays(attribute, value, allowed):
    optimiser = optim.SGD(linear().parameters(), rate=0.1)
    before = getattr(optimiser, attribute)
    with pytest.raises((ValueError, TypeError, mg.GraphError), match=f"SGD.*{allowed}"):
        setattr(optimiser, attribute, value)
    assert getattr(optimiser, attribute) is before or getattr(optimiser, attribute) == before


@pytest.mark.parametrize(
    ("attribute", "value"), [("betas", (0.9, 1.0)), ("betas", (0.9,)), ("epsilon", 0.0), ("weight_decay", -1.0)]
)
def test_A7_a_wrong_setting_of_Adam_is_refused(attribute, value):
    optimiser = optim.AdamW(linear().parameters())
    with pytest.raises(ValueError, match=f"AdamW: {attribute}"):
        setattr(optimiser, attribute, value)


def test_A7_momentum_needs_a_velocity_from_the_start():
    optimiser = optim.SGD(linear().parameters(), rate=0.1)
    with pytest.raises(ValueError, match="made without a velocity"):
        optimiser.momentum = 0.9


def test_A7_an_attribute_of_an_optimiser_that_it_does_not_know_is_free():
    optimiser = optim.SGD(linear().parameters(), rate=0.1)
    optimiser.note = "mine"
    optimiser.note = "yours"
    assert optimiser.note == "yours"


def test_A7_nothing_is_looked_into_that_is_not_a_setting():
    """Libraries' objects, cycles and what the object of a method gathers."""
    config = Config(generator=np.random.default_rng(0), lock=threading.Lock(), array=np.ones(3), kind=Config)
    config.itself = config.again = [config]
    step = mg.compile(lambda config, x: x * 2.0)
    for _ in range(3):
        config.array[0] += 1.0
        config.generator.random()
        step(config, X)
    assert count(step) == 1

    class Trainer:
        def __init__(self):
            self.loss, self.history = 0.0, []

        @mg.compile
        def step(self, x):
            return mg.sum(x)

    trainer = Trainer()
    for _ in range(3):
        trainer.loss = float(trainer.step(X))
        trainer.history.append(trainer.loss)
    assert count(trainer.step) == 1


def test_A7_a_list_that_holds_itself_is_replaced():
    def cyclic(first):
        made = [first]
        made.append(made)
        return made

    config, step = Config(values=cyclic(1)), mg.compile(lambda config, x: x * float(config.values[0]))
    assert step(config, X).tolist() == [[1.0] * 3]
    config.values = cyclic(2)
    assert step(config, X).tolist() == [[2.0] * 3]


def test_A7_a_set_among_the_arguments_may_be_another_one():
    step = mg.compile(lambda chosen, x: x * float(sum(chosen)))
    chosen = {1, 2}
    assert step(chosen, X).tolist() == [[3.0] * 3]
    chosen.add(5)
    assert step(chosen, X).tolist() == [[8.0] * 3]
    assert step({1, 2}, X).tolist() == [[3.0] * 3]
    assert count(step) == 2


def test_A7_a_set_that_an_object_holds_is_looked_at():
    config, step = Config(chosen={1, 2}), mg.compile(lambda config, x: x * float(sum(config.chosen)))
    assert step(config, X).tolist() == [[3.0] * 3]
    config.chosen.add(5)
    assert step(config, X).tolist() == [[8.0] * 3]


def test_A7_slots_by_one_name_and_slots_that_are_empty():
    class One:
        __slots__ = "rate"

    class Two(One):
        __slots__ = ("other",)

    config, step = Two(), mg.compile(lambda config, x: x * config.rate + float(hasattr(config, "other")))
    config.rate = 2.0
    assert step(config, X).tolist() == [[2.0] * 3]
    config.other = 0
    assert step(config, X).tolist() == [[3.0] * 3]
    config.rate = 4.0
    assert step(config, X).tolist() == [[5.0] * 3]


def test_A7_functions_that_name_each_other_and_names_that_are_not_bound_yet():
    layer = linear()

    def even(x, n):
        return x if n == 0 else odd(x, n - 1)

    def odd(x, n):
        return even(x @ layer.weight, n - 1)

    def later(x):
        if False:
            return unbound
        return even(x, 2)

    step = mg.compile(later)
    before = step(X).tolist()
    layer.weight = T(np.zeros((3, 3)), requires_grad=True)
    assert step(X).tolist() == [[0.0] * 3] != before
    unbound = None


def test_A7_programs_keep_no_more_alive_than_they_use():
    config, other = Config(rate=2.0), Config(rate=3.0)
    step = mg.compile(lambda config, x: x * config.rate)
    step(config, X)
    gone = weakref.ref(config)
    step = mg.compile(step.function)
    step(other, X)
    del config
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("attribute", ["rate", "_rate"])
def test_A7_trace_takes_what_is_there(attribute):
    net = linear()
    setattr(net, attribute, 2.0)
    first = mg.trace(lambda x: net(x) * getattr(net, attribute), X).run(X)
    setattr(net, attribute, 4.0)
    assert np.allclose(mg.trace(lambda x: net(x) * getattr(net, attribute), X).run(X), first * 2.0)


def test_A7_a_failed_step_of_a_thread_leaves_the_look_of_others():
    net = linear()
    step = mg.compile(net)
    step(X)
    results = []

    def work():
        for i in range(6):
            net.weight = T(np.full((3, 3), float(i)), requires_grad=True)
            results.append(float(step(X).numpy()[0, 0]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == [3.0 * i for i in range(6)]
