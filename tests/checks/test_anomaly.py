"""detect_anomaly: the first value that is not finite, with the op, its operands and the forward source line."""

import inspect

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.modes import current_mode


def leaf(values, **options):
    return Tensor(values, requires_grad=True, **options)


def here(offset=0):
    """`file.py:12` of the line of the caller, `offset` lines further down."""
    return f"test_anomaly.py:{inspect.currentframe().f_back.f_lineno + offset}"


def test_E7_the_forward_pass_names_op_operands_and_line():
    x = leaf([1.0, -1.0, 2.0], name="rates")
    with mg.detect_anomaly(), np.errstate(invalid="ignore"):
        y = x * 2.0
        line = here(2)
        with pytest.raises(mg.AnomalyError) as raised:
            mg.log(y)
    message = str(raised.value)
    assert message.startswith(f"log at {line} gave nan (1 of 3 values are not finite, first at [1])")
    assert "x: float64 (3,) made by multiply at test_anomaly.py" in message
    assert "from -2.0 to 4.0" in message
    assert message.endswith("what came in was finite")


@pytest.mark.parametrize("create_graph", [False, True])
def test_E7_the_backward_pass_names_op_shapes_and_forward_line(create_graph):
    x = leaf([[4.0, 0.0]], name="variance")
    with mg.detect_anomaly():
        line = here(1)
        y = mg.sqrt(x)
        total = y.sum()
        with pytest.raises(mg.AnomalyError) as raised:
            mg.grad(total, x, create_graph=create_graph)
    message = str(raised.value)
    assert message.startswith(
        "backward: the rule of sqrt for 'x' gave inf (1 of 2 values are not finite, first at [0, 1])"
    )
    assert f"sqrt ran at {line} on float64 (1, 2) 'variance'" in message
    assert "from a finite one" in message


def test_a_value_that_enters_broken_is_said_to_enter_so():
    with mg.detect_anomaly():
        line = here(2)
        with pytest.raises(mg.AnomalyError, match=rf"a new Tensor at {line} gave nan"):
            Tensor(np.nan)
    x = leaf([np.inf], name="x")
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match="x1 came in like that"):
        x * 2.0
    y = (leaf([1.0]) * 2.0).sum()
    with mg.detect_anomaly(), pytest.raises(mg.AnomalyError, match="gradient that was not finite"):
        y.backward(np.inf)


def test_also_where_nothing_is_recorded():
    with (
        mg.detect_anomaly(),
        mg.no_grad(),
        np.errstate(divide="ignore"),
        pytest.raises(mg.AnomalyError, match="log at"),
    ):
        mg.log(leaf([0.0]))


def test_infinities_may_be_allowed_and_nan_is_not():
    x = leaf([0.0, 1.0])
    with mg.detect_anomaly(infinities=False), np.errstate(all="ignore"):
        y = mg.log(x)
        with pytest.raises(mg.AnomalyError, match="subtract"):
            y - y


def test_strong_zeros_are_listed_with_op_argument_and_line():
    x = leaf([0.0, 1.0, 0.0])
    with mg.detect_anomaly() as found:
        line = here(1)
        y = mg.where(x > 0.0, mg.sqrt(x), 0.0)
        y.sum().backward()
        assert x.grad.tolist() == [0.0, 0.5, 0.0]
        mg.grad(y.sum(), x, create_graph=True)
    once = f"sqrt at {line}: the gradient for x is 0 by convention at 2 places, not NaN"
    assert [str(zero) for zero in found.strong_zeros] == [once, once]
    assert str(mg.checks.anomaly.StrongZero("sqrt", "x", 1, "a.py:1")).endswith("at 1 place, not NaN")


def test_where_nothing_is_zero_no_strong_zero_is_listed():
    x = leaf([1.0, 2.0])
    with mg.detect_anomaly() as found:
        with np.errstate(invalid="ignore"):
            mg.strong_multiply(Tensor(0.0), np.asarray(1e300) * 0.5)
        mg.sqrt(x).sum().backward()
    assert found.strong_zeros == []


def test_a_strong_zero_of_the_forward_pass_is_not_taken_for_one_of_a_gradient():
    x = leaf([0.0])
    with mg.detect_anomaly(infinities=False) as found, np.errstate(all="ignore"):
        y = mg.strong_multiply(x, mg.reciprocal(x.detach())) + x
        (y * 2.0).sum().backward(np.asarray(1.0))
    assert found.strong_zeros == []


def test_a_captured_function_has_no_values_to_look_at():
    with mg.detect_anomaly():
        graph = mg.trace(lambda x: mg.log(x), Tensor([0.0]))
    assert [node.op for node in graph if node.op] == ["log"]
    assert next(node for node in graph if node.op).line.startswith("test_anomaly.py")


def test_the_mode_comes_back_after_an_anomaly():
    with pytest.raises(mg.AnomalyError), mg.detect_anomaly():
        Tensor(np.nan)
    assert current_mode().watch is None
    with mg.detect_anomaly(), mg.trace_lines(), pytest.raises(mg.AnomalyError):  # lines are kept either way
        Tensor(np.nan)
