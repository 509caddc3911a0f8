"""What `check_gradients` accepts, refuses and reports. That it finds wrong rules is shown in test_planted.py."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import GradientCheckError, Tensor, check_gradients


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def entry_for(report, name, order=1):
    (entry,) = [entry for entry in report.inputs if (entry.name, entry.order) == (name, order)]
    return entry


def failure(function, inputs, **options):
    with pytest.raises(GradientCheckError) as raised:
        check_gradients(function, inputs, **options)
    return str(raised.value)


# --- what is compared -------------------------------------------------------------------------------------------------


def test_small_inputs_are_compared_element_by_element_and_large_ones_along_directions():
    report = check_gradients(lambda x, y: x.sum() * y, [normal(8, 5), normal(2)], elements=39, directions=3)
    assert [entry.compared for entry in report.inputs] == ["3 directions", "2 elements"]


def test_integers_and_booleans_reach_the_function_as_they_are():
    mask, places = np.array([True, False]), Tensor([0, 1])

    def function(x, where, indices, name):
        assert where is mask
        assert indices is places
        assert name == "passed on"
        return mg.where(where, x[indices], 0.0)

    report = check_gradients(function, [normal(2), mask, places, "passed on"])
    assert [entry.name for entry in report.inputs] == ["x"]


def test_numbers_and_numpy_scalars_are_differentiated():
    report = check_gradients(lambda x, y, n: x * y * n, [2.0, np.float64(3.0), 4])
    assert [entry.name for entry in report.inputs] == ["x", "y"]


def test_several_results_in_any_structure_and_integer_results_left_out():
    report = check_gradients(lambda x: {"a": x * 2.0, "b": [mg.exp(x), mg.argmax(x)]}, [normal(3)], order=2)
    assert [entry.name for entry in report.inputs] == ["x", "x", "cotangents[0]", "cotangents[1]"]


def test_order_two_covers_inputs_parameters_and_the_cotangent():
    weight = Tensor(normal(3, 2), requires_grad=True, name="weight")
    report = check_gradients(lambda x: mg.tanh(x @ weight), [normal(2, 3)], order=2, parameters=[weight])
    assert [entry.name for entry in report.inputs if entry.order == 2] == ["x", "weight", "cotangent"]


def test_order_three():
    report = check_gradients(mg.sin, [normal(2)], order=3)
    assert {entry.order for entry in report.inputs} == {1, 2, 3}


def test_cotangents_are_random():
    """The gradient of a softmax is 0 for a cotangent of ones, whatever its rule says."""
    report = check_gradients(mg.softmax, [normal(4)])
    assert abs(report.inputs[0].analytic) > 1e-3


def test_empty_inputs_are_fine():
    assert check_gradients(lambda x, y: x.sum() + y, [np.zeros((0, 3)), 1.0], order=2).passed


def test_same_report_every_time_and_another_one_for_another_generator():
    def report(rng=None):
        return str(check_gradients(mg.tanh, [normal(10, 10)], rng=rng))

    assert report() == report() != report(np.random.default_rng(5))


# --- parameters -------------------------------------------------------------------------------------------------------


def test_parameters_have_their_values_back():
    weight = Tensor(normal(3), requires_grad=True)
    before = weight.numpy()
    check_gradients(lambda x: mg.exp(x * weight), [normal(3)], order=2, parameters={"weight": weight})
    assert weight.numpy().tobytes() == before.tobytes()


def test_parameters_have_their_values_back_when_the_function_raises():
    weight = Tensor(normal(3), requires_grad=True)
    before = weight.numpy()

    def function(x):
        if weight.numpy().tobytes() != before.tobytes():
            raise RuntimeError("moved")
        return x * weight

    with pytest.raises(RuntimeError, match="moved"):
        check_gradients(function, [normal(3)], parameters=[weight])
    assert weight.numpy().tobytes() == before.tobytes()


def test_inputs_are_not_touched():
    x, y = normal(3), Tensor(normal(3, seed=1), requires_grad=True)
    before = x.tobytes(), y.numpy().tobytes()
    check_gradients(lambda x, y: x * y, [x, y])
    assert (x.tobytes(), y.numpy().tobytes()) == before
    assert y.grad is None


def test_inputs_and_parameters_of_one_name_are_all_checked():
    a, b = (Tensor(normal(2, seed=i), requires_grad=True, name="x") for i in range(2))
    report = check_gradients(lambda x, y: x * y * a * b, [a, Tensor(normal(2), name="x")], parameters=[a, b])
    assert [entry.name for entry in report.inputs] == ["x", "x*", "x**", "x***"]


def test_parameter_that_is_cut_off_is_found():
    weight = Tensor(normal(3), requires_grad=True)
    text = failure(lambda x: x * weight.detach(), [normal(3)], parameters={"layer.weight": weight})
    assert "layer.weight" in text
    assert text.splitlines()[0] == "gradients of order 1 WRONG for 1 of 2 inputs"


def test_parameters_must_be_leaves_that_require_a_gradient():
    for parameter in (Tensor(1.0), Tensor(1.0, requires_grad=True) * 2.0, np.ones(2)):
        with pytest.raises(TypeError, match=r"'p' must be a leaf Tensor that requires a gradient"):
            check_gradients(mg.exp, [1.0], parameters={"p": parameter})


def test_transformer_block_of_orders_1_and_2_with_all_its_parameters():
    width, heads = 6, 2
    shapes = {"query": (6, 6), "key": (6, 6), "value": (6, 6), "out": (6, 6), "inner": (6, 12), "outer": (12, 6)}
    p = {name: Tensor(normal(*shape, seed=i), requires_grad=True) for i, (name, shape) in enumerate(shapes.items())}
    p |= {name: Tensor(normal(width, seed=9), requires_grad=True) for name in ("gain", "bias")}

    def split_heads(x):
        return mg.swapaxes(x.reshape(2, 3, heads, width // heads), 1, 2)

    def block(x):
        h = mg.layer_norm(x, p["gain"], p["bias"])
        query, key, value = (split_heads(h @ p[name]) for name in ("query", "key", "value"))
        context = mg.scaled_dot_product_attention(query, key, value, causal=True)
        x = x + mg.swapaxes(context, 1, 2).reshape(2, 3, width) @ p["out"]
        return x + mg.gelu(mg.layer_norm(x) @ p["inner"]) @ p["outer"]

    report = check_gradients(block, [normal(2, 3, width)], order=2, parameters=p)
    assert len(report.inputs) == 9 + 10


# --- the differences --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (mg.log, [1e-9, 1e-3, 1.0, 1e9]), (mg.sqrt, [1e-8, 1e8]), (mg.reciprocal, [1e-4, 1e4]), (mg.sin, [1e-5, 1e4]),
        (mg.exp, [-40.0, 0.0, 40.0]), (lambda x: x**3, [1e-3, 1e3]), (mg.tanh, [-20.0, 0.1, 8.0]),
        (lambda x: mg.log(mg.softmax(x)), [100.0, 0.0]), (lambda x: mg.sin(x * 1e4), [0.3, 0.4]),
        (lambda x: x * 1e-6 + 1e6, [0.5]),
    ],
)  # fmt: skip
def test_the_step_fits_each_element(function, inputs):
    check_gradients(function, [np.array(inputs)], order=2)


@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-7])
def test_steps_keep_clear_of_a_kink_nearby(distance):
    check_gradients(mg.relu, [np.array([distance, -distance])])


def test_at_a_kink_the_failure_says_so():
    text = failure(mg.relu, [np.array([1.0, 0.0])])
    assert "x: a kink or a jump within 1e-04: slope -0 before" in text
    assert "[1]" in text


def test_at_a_jump_the_failure_says_so():
    assert "a kink or a jump" in failure(lambda x: mg.where(x > 1.0, x, 0.0), [np.array([1.0])])


def test_a_subgradient_that_agrees_passes_and_the_report_mentions_the_kink():
    report = check_gradients(mg.absolute, [np.array([0.0])])
    assert "a kink or a jump" in report.inputs[0].note
    assert report.inputs[0].analytic == 0.0


def test_smooth_functions_are_never_called_kinked():
    for function in (mg.exp, mg.square, lambda x: x**3, mg.tanh, mg.sin):
        assert not any(entry.note for entry in check_gradients(function, [normal(20) * 3], order=2).inputs)


def test_no_derivative_no_pass():
    for function, x in ((mg.sqrt, 0.0), (mg.log, 0.0), (mg.log, -1.0), (lambda x: mg.reciprocal(x - x), 1.0)):
        assert "WRONG" in failure(function, [np.array([x])])


def test_an_infinite_difference_elsewhere_is_no_excuse():
    """The function overflows for large steps only; its derivative is compared all the same."""
    wrong = failure(lambda x: mg.exp(x.detach()) + x, [np.array([709.0])])
    assert "WRONG" in wrong


def test_one_wrong_element_of_many_is_named():
    def function(x):
        hidden = x.detach()[3, 17] * 5.0
        return mg.sin(x) + mg.set_at(mg.zeros_like(x), (0, 0), hidden)

    with pytest.raises(GradientCheckError) as raised:
        check_gradients(function, [normal(40, 50)])
    assert "[3, 17]" in str(raised.value)


def test_tolerance_is_relative_to_the_derivative():
    def slightly_wrong(x):
        return 1e-4 * (x + 1e-4 * x.detach())

    assert "WRONG" in failure(slightly_wrong, [normal(3)])
    assert check_gradients(slightly_wrong, [normal(3)], tolerance=1e-3).passed


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_low_precision_is_refused_with_the_reason_and_the_cast(dtype):
    message = r"too few digits .*astype\(numpy.float64\)"
    with pytest.raises(TypeError, match=rf"x is {np.dtype(dtype)}.*{message}"):
        check_gradients(lambda x: x, [np.ones(2, dtype)])
    with pytest.raises(TypeError, match=rf"weight is {np.dtype(dtype)}.*{message}"):
        check_gradients(mg.exp, [1.0], parameters={"weight": Tensor([1.0], dtype, requires_grad=True)})
    with pytest.raises(TypeError, match=rf"a result of the function is {np.dtype(dtype)}.*{message}"):
        check_gradients(lambda x: mg.astype(x, dtype), [1.0])


def test_random_function_is_refused_with_the_remedy():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"other values when called again.*eval\(\).*default_rng\(0\)"):
        check_gradients(lambda x: mg.dropout(x, 0.5, rng), [normal(20)])
    assert check_gradients(lambda x: mg.dropout(x, 0.5, np.random.default_rng(0)), [normal(20)], order=2).passed


def test_results_that_are_no_tensors_are_refused():
    with pytest.raises(TypeError, match="must return Tensors, got ndarray"):
        check_gradients(lambda x: x.numpy(), [1.0])
    with pytest.raises(ValueError, match="no floating-point Tensor"):
        check_gradients(lambda x: x > 0.0, [1.0])


def test_inputs_that_leave_nothing_to_check_are_refused():
    with pytest.raises(ValueError, match="no float64 input or parameter"):
        check_gradients(mg.exp, [np.array([1, 2])])
    with pytest.raises(TypeError, match=r"inputs must be a list, one entry per argument, got ndarray"):
        check_gradients(mg.exp, np.ones(2))
    with pytest.raises(ValueError, match="order=0 must be at least 1"):
        check_gradients(mg.exp, [1.0], order=0)


# --- the report -------------------------------------------------------------------------------------------------------


def test_failure_is_an_assertion_error_whose_message_is_the_report():
    assert issubclass(GradientCheckError, AssertionError)
    lines = failure(lambda first, second: first.detach() * second, [normal(2), normal(2)]).splitlines()
    assert lines[0] == "gradients of order 1 WRONG for 1 of 2 inputs"
    assert lines[1].split() == [
        "order", "input", "shape", "compared", "worst", "at", "analytic", "numeric", "error", "allowed",
    ]  # fmt: skip
    assert lines[2].startswith("1      first")
    assert lines[2].endswith("WRONG")
    assert lines[3].endswith("ok")


def test_report_is_readable_and_cannot_be_changed():
    report = check_gradients(lambda x: x * x, [np.array([1.0, -2.0])], order=2)
    assert str(report).splitlines()[0] == "gradients of orders 1 and 2 agree with finite differences"
    assert report.worst in report.inputs
    entry = entry_for(report, "x")
    assert entry.error == abs(entry.analytic - entry.numeric) <= entry.tolerance
    assert (entry.shape, entry.passed, report.passed) == ((2,), True, True)
    with pytest.raises(AttributeError):
        report.order = 3
