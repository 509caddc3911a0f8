"""Compiled programs and which object is which: the same Tensor twice, Tensors that are state too, methods, wrappers."""

import copy
import functools
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad import CaptureError, GraphError, Tensor


def leaf(*values, name=None):
    return Tensor(values, requires_grad=True, name=name)


def product_gradient(x, y):
    return mg.grad(mg.sum(x * y), x)


# --- large constants --------------------------------------------------------------------------------------------------


def test_A1_large_constants_are_told_apart_by_what_they_hold():
    size = 2**14  # 128 kB
    step = mg.compile(lambda x: [x * (mg.constant(np.arange(size)) * float(n) + 1.0) for n in range(30)])
    for n, result in enumerate(step(np.ones(size))):
        np.testing.assert_array_equal(result.numpy(), np.arange(size) * float(n) + 1.0)


def test_A1_equal_large_constants_are_one():
    size = 2**14
    step = mg.compile(
        lambda x: (
            x * mg.exp(mg.constant(np.arange(float(size))) * -1.0),
            x + mg.exp(mg.constant(np.arange(float(size))) * -1.0),
        )
    )
    step(np.ones(size))
    assert len(step.program.constants) == 1


# --- the same object in several places --------------------------------------------------------------------------------


def test_A2_the_same_tensor_twice_gets_both_gradients():
    step, a = mg.compile(product_gradient), leaf(2.0, 3.0)
    for x, y, expected in [
        (a, a, [4.0, 6.0]), (a, leaf(5.0, 6.0), [5.0, 6.0]), (a, a, [4.0, 6.0]), (leaf(1.0, 1.0), a, [2.0, 3.0]),
    ]:  # fmt: skip
        assert product_gradient(x, y).tolist() == step(x, y).tolist() == expected
    assert len(step.programs) == 2


@pytest.mark.parametrize("order", [(0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 0, 0), (0, 1, 2)])
def test_A2_each_way_of_being_the_same_has_a_program(order):
    tensors = [leaf(2.0, 3.0), leaf(5.0, 7.0), leaf(11.0, 13.0)]
    compiled = mg.compile(lambda x: mg.grad(mg.sum(x["a"] * x["b"][0] * x["b"][1]), (x["a"], x["b"][1])))
    for places in ((0, 1, 2), order, (0, 1, 2), order):
        a, b, c = (tensors[i] for i in places)
        arguments = {"a": a, "b": [b, c]}
        expected = compiled.function(arguments)
        assert [g.tolist() for g in compiled(arguments)] == [g.tolist() for g in expected]


def test_A2_the_same_array_twice_is_two_arguments_since_no_gradient_is_taken_of_it():
    x, memory = np.arange(3.0), np.arange(3.0).view(np.recarray)
    step = mg.compile(lambda x, y: x * 2.0 + y)
    assert step(x, x).tolist() == step(memory, memory).tolist() == step(x, x.copy()).tolist() == [0.0, 3.0, 6.0]
    assert [len(program.graph.inputs) for program in step.programs] == [2] * len(step.programs)
    graph = mg.trace(lambda x, y: x * 2.0 + y, x, x)
    assert graph.run(x, 10.0 * x).tolist() == [0.0, 12.0, 24.0]


def test_A2_trace_binds_the_same_tensor_once_and_run_takes_an_array_for_each_argument():
    a = leaf(2.0, 3.0)
    graph = mg.trace(product_gradient, a, a)
    assert len(graph.inputs) == 1
    assert graph.run(a, a).tolist() == [4.0, 6.0]
    assert graph.run(np.array([5.0, 6.0]), np.array([5.0, 6.0])).tolist() == [10.0, 12.0]
    expanded = mg.trace(lambda x, y: mg.sum(mg.softmax(x) * y), a, a).expand("softmax")
    assert float(expanded.run(a, a)) == pytest.approx(float(mg.sum(mg.softmax(a) * a)))
    with pytest.raises(ValueError, match=r"run: x is one Tensor in several places.*different Tensors"):
        graph.run(np.array([5.0, 6.0]), np.array([5.0, 7.0]))
    with pytest.raises(ValueError, match=r"run takes \(x: \(2,\) float64, x: \(2,\) float64\), got \(\(2,\) float64\)"):
        graph.run(a)


def test_A2_attention_over_one_tensor_three_times():
    x = Tensor(np.random.default_rng(0).standard_normal((1, 4, 3)), requires_grad=True)

    def gradient(q, k, v):
        return mg.grad(mg.sum(mg.scaled_dot_product_attention(q, k, v) ** 2), q)

    np.testing.assert_allclose(mg.compile(gradient)(x, x, x).numpy(), gradient(x, x, x).numpy(), rtol=1e-13)


@pytest.mark.parametrize("state_first", [True, False])
def test_A2_a_tensor_that_is_an_argument_and_state_is_one_tensor(state_first):
    w, other = leaf(1.0, 2.0), leaf(3.0, 4.0)
    step = mg.compile(lambda x: mg.grad(mg.sum(x * w), w))
    for x in (w, other, w) if state_first else (other, w, other):
        expected = [2.0, 4.0] if x is w else [3.0, 4.0]
        assert step(x).tolist() == step.function(x).tolist() == expected
    assert len(step.programs) == 2


def test_A2_which_of_several_arguments_is_state_is_noticed():
    w, other = leaf(1.0, 2.0), leaf(3.0, 4.0)
    step = mg.compile(lambda x, y: mg.grad(mg.sum(x * x * y * w), w))
    for x, y in [(w, other), (other, w), (other, other), (w, w), (leaf(5.0, 6.0), other), (other, w), (w, other)]:
        assert step(x, y).tolist() == step.function(x, y).tolist()


def test_A2_a_tensor_that_only_grad_knows_is_noticed():
    w = leaf(1.0, 2.0)
    step = mg.compile(lambda x: mg.grad(mg.sum(x * x), w, unused="zero"))
    assert step(leaf(3.0, 4.0)).tolist() == [0.0, 0.0]
    assert step(w).tolist() == [2.0, 4.0]


def test_A2_an_argument_that_is_state_is_read_and_written_as_state():
    total = Tensor([1.0, 2.0], name="total")

    def accumulate(x):
        mg.assign(total, mg.read(total) + 1.0)
        return x * 2.0

    step = mg.compile(accumulate)
    assert step(np.zeros(2)).tolist() == [0.0, 0.0]
    assert [step(total).tolist() for _ in range(2)] == [[6.0, 8.0], [8.0, 10.0]]
    assert total.tolist() == [4.0, 5.0]
    graph = mg.trace(accumulate, total)
    assert graph.inputs == ()
    assert graph.run(total).tolist() == [10.0, 12.0]
    with pytest.raises(ValueError, match="total is one Tensor in several places"):
        graph.run(np.zeros(2))


def test_A2_a_parameter_of_a_module_as_its_argument():
    module = mg.nn.Linear(2, 2, rng=np.random.default_rng(0), dtype=np.float64)

    def step(x):
        return mg.grad(mg.sum(module(x) ** 2), module.weight)

    for x in (module.weight, Tensor(np.ones((2, 2)), requires_grad=True), module.weight):
        np.testing.assert_allclose(mg.compile(step)(x).numpy(), step(x).numpy(), rtol=1e-13)


def test_A2_what_fails_where_a_tensor_is_taken_for_two_is_tried_with_one():
    w = leaf(1.0, 2.0)

    def twice(x):
        first = mg.grad(mg.sum(x**3), w, unused="zero", create_graph=True)
        return mg.grad(mg.sum(first), w)

    assert mg.compile(twice)(w).tolist() == twice(w).tolist() == [6.0, 12.0]
    with pytest.raises(GraphError):
        mg.compile(twice)(leaf(3.0, 4.0))


def test_A2_a_gradient_is_none_of_the_tensors_that_were_given():
    def function(x, y):
        copied = mg.grad(y * 1.0, y, y)  # the values of y, and a constant
        return copied, mg.grad(mg.sum(copied * y), y)

    arguments = leaf(1.0, 2.0), leaf(3.0, 4.0)
    for actual, expected in zip(mg.compile(function)(*arguments), function(*arguments), strict=True):
        assert actual.tolist() == expected.tolist() == [3.0, 4.0]
    state = Tensor([5.0, 6.0], name="state")

    def before(x):
        found = mg.grad(x * 1.0, x, state)
        mg.assign(state, state * 2.0)
        return found

    assert mg.compile(before)(arguments[0]).tolist() == [5.0, 6.0]
    assert before(arguments[0]).tolist() == [10.0, 12.0]


def test_A2_an_argument_with_a_history_that_would_be_lost_is_refused():
    w, v = leaf(1.0, 2.0, name="w"), leaf(3.0, 4.0)

    def gradient(x):
        return mg.grad(mg.sum(x * w), w)

    def trained(x):
        v.grad = None
        mg.sum(x * v).backward()
        return v.grad

    x = mg.exp(w * 2.0)
    step = mg.compile(gradient)
    for _ in range(2):
        with pytest.raises(GraphError, match=r"made by exp, an argument.*was computed from float64 \(2,\) 'w'.*detach"):
            step(x)
    assert step(x.detach()).tolist() == gradient(x.detach()).tolist()
    assert mg.compile(trained)(x).tolist() == x.tolist()  # no path of v is lost
    assert mg.compile(lambda x: x * w)(x).tolist() == (x * w).tolist()
    with pytest.raises(GraphError, match="was computed from"):
        mg.compile(trained)(v * v)


# --- functions that are methods, modules, wrapped ---------------------------------------------------------------------


class Scaled:
    def __init__(self, weight=1.0):
        self.weight = Tensor([weight])

    @mg.compile
    def step(self, x):
        return x * self.weight


class Shifted(Scaled):
    @mg.compile
    def step(self, x):
        return super().step(x) + 1.0


def test_A8_attributes_of_a_module_do_not_take_the_place_of_ours():
    class Network(mg.nn.Module):
        def __init__(self):
            self.weight, self.check, self.programs = Tensor([2.0]), 7, "none"
            self.function = lambda x: x * 100.0

        def forward(self, x):
            return x * self.weight

    network = Network()
    step = mg.compile(network)
    assert step(np.ones(1)).tolist() == [2.0]
    assert (step.function, step.check, len(step.programs)) == (network, 0, 1)
    assert step.weight is network.weight
    assert step.state_dict().keys() == network.state_dict().keys()
    with pytest.raises(AttributeError, match="nothing"):
        step.nothing
    with pytest.raises(AttributeError, match="a compiled function has no attribute '__length_hint__'"):
        step.__length_hint__


def test_A8_what_a_function_carries_stays_with_it():
    def function(x):
        return x

    function.function, function.check = None, 5
    step = mg.compile(function)
    assert step(np.ones(1)).tolist() == [1.0]
    assert (step.__name__, step.__wrapped__, step.check) == ("function", function, 0)


def test_A9_super_calls_the_method_of_the_base():
    shifted = Shifted(3.0)
    for _ in range(2):
        assert shifted.step(np.ones(1)).tolist() == [4.0]
        assert super(Shifted, shifted).step(np.ones(1)).tolist() == [3.0]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_A9_a_copy_computes_with_what_it_holds(copied):
    original = Shifted(1.0)
    assert original.step(np.ones(1)).tolist() == [2.0]
    other = copied(original)
    other.weight = Tensor([5.0])
    assert other.step(np.ones(1)).tolist() == [6.0]
    assert original.step(np.ones(1)).tolist() == [2.0]
    assert original.step is original.step
    assert original.step is not other.step


def test_A9_class_methods_static_methods_and_what_is_no_method():
    class Model:
        factor = 2.0
        activation = mg.compile(mg.relu)

        @classmethod
        @mg.compile
        def scaled(cls, x):
            return x * cls.factor

        @staticmethod
        @mg.compile
        def doubled(x):
            return x * 2.0

        @mg.compile
        @staticmethod
        def tripled(x):
            return x * 3.0

    class Other(Model):
        factor = 5.0

    for owner in (Model, Model()):
        assert owner.scaled(np.ones(1)).tolist() == owner.doubled(np.ones(1)).tolist() == [2.0]
        assert owner.tripled(np.ones(1)).tolist() == [3.0]
        assert owner.activation(np.array([-1.0])).tolist() == [0.0]
    assert Other.scaled(np.ones(1)).tolist() == [5.0]
    assert Model.scaled(np.ones(1)).tolist() == [2.0]
    with pytest.raises(TypeError, match="write @classmethod above @compile"):
        mg.compile(classmethod(Model.doubled))


def test_A9_A11_an_object_with_slots_has_no_place_for_programs():
    class Slotted:
        __slots__ = ("weight",)

        @mg.compile
        def step(self, x):
            return x

    with pytest.raises(TypeError, match=r"Slotted has __slots__.*'__dict__'"):
        Slotted().step(np.ones(1))

    class WithPlace(Slotted):
        __slots__ = ("__dict__",)

    assert WithPlace().step(np.ones(1)).tolist() == [1.0]


# --- kinds of functions and of arrays ---------------------------------------------------------------------------------


def generated(x):
    yield x


async def awaited(x):
    return x


async def streamed(x):
    yield x


@pytest.mark.parametrize(
    "function", [generated, awaited, streamed, lambda x: [map(mg.exp, x)], functools.partial(generated)]
)
@pytest.mark.parametrize("of", [lambda f: mg.compile(f)(np.ones(2)), lambda f: mg.trace(f, np.ones(2))])
def test_A11_functions_that_run_later_are_refused(function, of):
    with pytest.raises(CaptureError, match="which would run when the capture is over"):
        of(function)


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">f2", ">i4", ">u2", "<f8"])
def test_A11_every_byte_order_of_arguments(dtype):
    def function(x, y):
        return x * 2 + y, x[::-1], mg.sum(x, axis=0), mg.where(x > 1, x, y), mg.softmax(x), mg.reshape(x, (3, 1)), x

    x, y = np.array([1, 2, 3]).astype(dtype), np.array([3, 1, 2], np.dtype(dtype).newbyteorder("="))
    expected = function(Tensor(y * 0 + x), Tensor(y))
    for compiled in (mg.compile(function), mg.compile(function, check=1)):
        for actual, exact in zip(compiled(x, y), expected, strict=True):
            assert actual.dtype == exact.dtype
            np.testing.assert_allclose(actual.numpy(), exact.numpy(), rtol=1e-3 if dtype == ">f2" else 1e-6)
    graph = mg.trace(lambda x: x * 2, x)
    np.testing.assert_array_equal(graph.run(x), x * 2)


@pytest.mark.parametrize("dtype", [">f8", ">f4", ">i8", "bool", np.longdouble])
def test_A11_every_type_can_be_asked_for(dtype):
    x = np.array([1.0, 2.0, 0.0])
    for function in (lambda x: mg.astype(x, dtype=dtype), lambda x: mg.astype(x[1], dtype=dtype)):
        actual, expected = mg.compile(function)(x), function(Tensor(x))
        assert actual.dtype == expected.dtype == np.dtype(dtype)
        assert actual.tolist() == expected.tolist()


def test_A11_longdouble_is_checked():
    step = mg.compile(lambda x: mg.sum(mg.exp(x) * 2.0), check=1)
    x = np.array([0.1, 0.2], np.longdouble)
    assert step(x).dtype == np.longdouble
    assert float(step(x)) == pytest.approx(float(np.sum(np.exp(x) * 2)), rel=1e-15)


@pytest.mark.parametrize("condition", [[1, 0, 2], [True, False, True], [0.5, 0.0, -1.0]])
def test_A11_a_condition_of_any_type(condition):
    x, condition = np.array([1.0, 2.0, 3.0]), np.array(condition)

    def gradient(c, x, y):
        return mg.where(c, x, y), *mg.grad(mg.sum(mg.where(c, x * x, y * y)), (x, y))

    arguments = condition, leaf(*x), leaf(*-x)
    for actual, expected in zip(mg.compile(gradient)(*arguments), gradient(*arguments), strict=True):
        assert actual.tolist() == expected.tolist()
