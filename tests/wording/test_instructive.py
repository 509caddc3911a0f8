"""Classes of users explain themselves as ours do, and stay what they are."""

import copy
import inspect
import pickle
from abc import ABC
from dataclasses import dataclass

import numpy as np
import pytest

from minigrad import Tensor, nn, optim


class Scale(nn.Module):
    def __init__(self, by, *, offset=0.0):
        self.by, self.offset = by, offset

    def forward(self, x, *, twice=False):
        return x * self.by + self.offset


class Shifted(Scale, ABC):
    def __init__(self, by):
        super().__init__(by, offset=1.0)


class Plain(nn.Module):
    def forward(self, x):
        return x


@dataclass(eq=False)
class Data(nn.Module):
    by: float = 2.0

    def forward(self, x):
        return x * self.by


def test_constructors_are_what_they_were():
    assert str(inspect.signature(Scale)) == "(by, *, offset=0.0)"
    assert Scale(2.0, offset=1.0)(3.0) == Shifted(2.0)(3.0) == 7.0
    assert Data()(3.0) == 6.0
    assert Plain()(3.0) == 3.0
    for module in (Scale(2.0), Plain(), Shifted(1.0)):
        again = pickle.loads(pickle.dumps(module))
        assert attributes(again) == attributes(copy.deepcopy(module)) == attributes(module)


def attributes(module):
    """All but what is known of its call, which another module is not asked for, and of how it was made."""
    return {name: value for name, value in vars(module).items() if name not in ("_made", "_recipe")}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Scale(2.0, dim=1), "Scale: argument dim is not supported; it takes (by, offset=)"),
        (lambda: Shifted(by=2.0, offset=1.0), "Shifted: argument offset is not supported; it takes (by)"),
        (lambda: Scale(2.0)(1.0, mask=None), "Scale: argument mask is not supported; it takes (x, twice=)"),
        (lambda: Scale(2.0)(), "Scale: missing a required argument: 'x'; it takes (x, twice=)"),
    ],
)  # fmt: skip
def test_classes_of_users_name_what_they_take(call, message):
    with pytest.raises(TypeError) as caught:
        call()
    assert str(caught.value) == message


def test_a_class_without_constructor_takes_nothing():
    with pytest.raises(TypeError, match="takes no arguments"):
        Plain(2.0)


def test_an_attribute_that_is_missing_is_named_with_its_class():
    with pytest.raises(AttributeError, match=r"^Shifted has no attribute 'nothing'$"):
        Shifted(2.0).nothing
    with pytest.raises(AttributeError, match=r"^Adam has no attribute 'param_groups': .* `optimiser\.rate = 0\.01`"):
        optim.Adam([Tensor(1.0, requires_grad=True)]).param_groups


def test_the_scope_is_left_when_forward_refuses():
    outer = Plain()
    outer.inner = Scale(Tensor(np.ones(2), requires_grad=True))
    outer(1.0)
    with pytest.raises(TypeError, match="Scale: argument mask"):
        outer.inner(Tensor([1.0, 2.0]), mask=None)
    assert outer.inner(Tensor([1.0, 2.0])).scope == "inner"
    assert (Tensor([1.0], requires_grad=True) * 2.0).scope == ""
