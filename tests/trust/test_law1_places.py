"""Law 1 for where a function is kept and how a step is written: compiled, it does what it does by itself."""

import copy
import functools

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

X = np.array([1.0, 2.0])


def methods(decorate):
    class Base:
        factor = 3.0

        def __init__(self):
            self.weight = Tensor([2.0, 3.0])

        @decorate
        def step(self, x):
            return x * self.weight

        @decorate
        def other(self, x):
            return self.step(x) + 1.0

        @classmethod
        @decorate
        def of_class(cls, x):
            return x * cls.factor

        @staticmethod
        @decorate
        def static(x):
            return x * 5.0

    class Derived(Base):
        factor = 7.0

        @decorate
        def step(self, x):
            return super().step(x) - 10.0

        @decorate
        def other(self, x):
            return Base.other(self, x) * super().other(x)

    return Base, Derived


def called(decorate):
    base, derived = methods(decorate)
    for kind in (base, derived):
        original = kind()
        yield original.step(X)
        others = [copy.copy(original), copy.deepcopy(original), copy.copy(original)]
        for number, other in enumerate(others):
            other.weight = Tensor([11.0, 13.0 + number])
        for one in (*others, original):
            for name in ("step", "other", "of_class", "static", "step"):
                yield getattr(one, name)(X)
            yield kind.of_class(X)
            yield base.step(one, X)


def modules(decorate):
    class Network(mg.nn.Module):
        def __init__(self):
            self.weight = Tensor([2.0, 3.0])
            self.function = self.wrapped = lambda x: x * 100.0
            self.programs, self.check, self.name = [], 5, "network"
            for name in vars(mg.compile(plain)):
                if not name.startswith("__"):
                    setattr(self, name, 17)

        def forward(self, x):
            return x * self.weight

    network = Network()
    yield decorate(network)(X)
    yield decorate(network.forward)(X)
    yield decorate(functools.partial(network, Tensor(X)))()

    def function(x):
        return x + 1.0

    function.function, function.check = len, 9
    yield decorate(function)(X)


def plain(function):
    return function


@pytest.mark.parametrize("kept", [called, modules])
def test_a_compiled_function_does_what_the_function_does_there(kept):
    expected = [np.asarray(x).tolist() for x in kept(plain)]
    assert [x.tolist() for x in kept(mg.compile)] == expected


# --- ways to write a training step ------------------------------------------------------------------------------------


def in_place(p, g):
    p.data -= 0.1 * g


def by_setting(p, g):
    p.data = p.data - 0.1 * g


def scaled(p, g):
    p.data *= 0.9
    p.data += [0.1, -0.1]
    p.data /= 1.0 + 0.0 * g


def by_assign(p, g):
    mg.assign(p, p.data - 0.1 * g)


def without_gradient(p, g):
    with mg.no_grad():
        mg.assign(p, p - 0.1 * g)


def by_reading(p, g):
    mg.assign(p, mg.read(p) - 0.1 * g)


@pytest.mark.parametrize("update", [in_place, by_setting, scaled, by_assign, without_gradient, by_reading])
def test_a_training_step_may_be_written_in_every_way(update):
    results = []
    for decorate in (plain, mg.compile):
        p = Tensor([3.0, -1.0], requires_grad=True, name="p")

        @decorate
        def step(x, p=p):
            p.grad = None
            loss = mg.sum((p - x) ** 2)
            loss.backward()
            update(p, p.grad)
            return loss

        losses = [float(step(X)) for _ in range(3)]
        results.append((losses, p.tolist()))
    assert results[0] == results[1]
