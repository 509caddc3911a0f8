"""Windows that slide over an array: NumPy's own, their strides and dilations, and the sum that is their transpose."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.core.storage import storage_of

numpys = np.lib.stride_tricks.sliding_window_view


def numbered(*shape):
    return np.arange(1.0, np.prod(shape) + 1).reshape(shape)


@pytest.mark.parametrize(
    ("shape", "window_shape", "axis"),
    [
        ((5,), 2, None), ((5,), (2,), 0), ((3, 4), (2, 2), None), ((3, 4), 2, -1), ((3, 4, 5), (3, 2), (2, 0)),
        ((6, 2), (2, 3), (0, 0)), ((), (), None), ((3,), 0, None), ((3,), np.int64(3), None), ((0, 3), 2, 1),
    ],
)  # fmt: skip
def test_they_are_numpys_and_a_view(shape, window_shape, axis):
    x = numbered(*shape)
    windows = mg.sliding_window_view(Tensor(x), window_shape, axis)
    np.testing.assert_array_equal(windows.numpy(), numpys(x, window_shape, axis), strict=True)
    array = mg.sliding_window_view(x, window_shape, axis)
    assert np.shares_memory(array, x) or not array.size
    assert not array.flags.writeable


def test_numpys_function_records_a_node():
    x = Tensor(numbered(4), requires_grad=True)
    y = numpys(x, 2)
    assert y.op is mg.sliding_window_view
    with pytest.raises(TypeError, match="writeable"):
        numpys(x, 2, writeable=True)


def test_they_share_the_stamp_of_what_they_look_into():
    x = Tensor(numbered(4))
    assert storage_of(mg.sliding_window_view(x, 2)) is storage_of(x)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_stride_and_dilation_step_between_windows_and_inside_them(stride, dilation, length):
    x = numbered(2, 9)
    expected = [
        [[row[start + dilation * i] for i in range(length)] for start in range(0, 9 - dilation * (length - 1), stride)]
        for row in x
    ]
    assert mg.sliding_window_view(x, length, 1, stride=stride, dilation=dilation).tolist() == expected


def test_each_axis_has_its_own_stride_and_dilation():
    x = numbered(7, 6)
    windows = mg.sliding_window_view(x, (2, 3), axis=(1, 0), stride=(2, 3), dilation=(3, 1))
    assert windows.shape == (2, 2, 2, 3)
    for i, j, k, m in itertools.product(range(2), range(2), range(2), range(3)):
        assert windows[i, j, k, m] == x[3 * i + m, 2 * j + 3 * k]


def test_a_gradient_adds_up_where_windows_overlap():
    x = Tensor(numbered(5), requires_grad=True)
    mg.sliding_window_view(x, 3).sum().backward()
    assert x.grad.tolist() == [1.0, 2.0, 3.0, 2.0, 1.0]


def test_integers_add_up_as_in_numpys_sum_and_halves_in_float32():
    assert mg.add_windows(np.full((3, 2), 200, np.uint8), shape=(4,)).tolist() == [200, 400, 400, 200]
    ones = np.ones((3000, 3000), np.float16)  # 2,048 + 1 is no float16
    total = mg.add_windows(ones, shape=(5999,))
    assert total.dtype == np.float16
    assert total.max() == 3000


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint8])
def test_a_program_adds_up_in_the_same_precision(dtype):
    values = np.full((3000, 3000), 1 if dtype != np.uint8 else 200, dtype)
    step = mg.compile(lambda values: mg.add_windows(values, shape=(5999,)))
    expected = mg.add_windows(values, shape=(5999,))
    np.testing.assert_array_equal(step(values).numpy(), expected, strict=True)
    assert expected.max() == 3000 * values[0, 0].astype(int)


def test_a_program_looks_at_windows_without_a_copy_and_adds_into_its_own_memory():
    weight = mg.constant(np.ones((3, 2)))
    step = mg.compile(lambda x: mg.grad(mg.sum(mg.matmul(mg.sliding_window_view(x, 3), weight)), x))
    x = Tensor(numbered(6), requires_grad=True)
    assert step(x).tolist() == [2.0, 4.0, 6.0, 6.0, 4.0, 2.0]
    assert "add_windows(" in step.source
    looking = mg.compile(lambda x: mg.sum(mg.sliding_window_view(x * 2.0, 3), axis=-1))
    looking(x)
    assert "view_windows(" in looking.source
    assert "copy" not in looking.source


@pytest.mark.parametrize("stride", [1, 2])
def test_by_their_definition_they_are_entries_taken_along_each_axis(stride):
    x = Tensor(np.random.default_rng(0).standard_normal((2, 7, 6)), requires_grad=True)

    def function(x):
        return mg.sliding_window_view(x, (2, 3), axis=(1, 2), stride=stride, dilation=(3, 1))

    graph = mg.trace(lambda x: mg.grad(mg.sum(mg.square(function(x))), x), x)
    apart = graph.expand("sliding_window_view").expand("add_windows")
    assert not {"sliding_window_view", "add_windows"} & {node.op for node in apart}
    np.testing.assert_allclose(apart.run(x.numpy()), graph.run(x.numpy()), rtol=1e-15)
