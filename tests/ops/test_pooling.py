"""Pooling is what `max` and `mean` make of the elements of each window, whatever their type; and bad arguments."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor

TYPES = [np.float16, np.float32, np.float64, np.int64, np.int8, np.uint8, np.uint64, np.bool_]
SPECIAL = [0.5, -np.inf, -np.inf, -np.inf, np.inf, np.nan, 0.0, -0.0, -1.0, 2.0, 2.0, -np.inf]
SETTINGS = [  # window, stride, padding, dilation
    (2, None, 0, 1), (3, 1, 1, 1), (2, 2, 1, 1), ((3, 2), (1, 2), (2, 1), 1), ((2, 2), (2, 1), ((1, 0), 0), 1),
    (2, 1, 1, 2), (3, 1, "same", 1), (3, 2, ((1, 0), (0, 2)), 2),
]  # fmt: skip


def values(dtype, start):
    """Two planes of 5 × 6, of what is special in the type."""
    kind = np.dtype(dtype).kind
    if kind == "f":
        chosen = np.roll(SPECIAL, start)
    elif kind == "b":
        chosen = np.array([True, False, False])
    else:
        limits = np.iinfo(dtype)
        chosen = [limits.max, limits.min, limits.min, 0, 1, min(2**53 + 1, limits.max - 1), 3]
    return np.resize(np.array(chosen, dtype), (1, 2, 5, 6))


def window_by_window(reduce, x, window, stride, padding, dilation, zeros):
    """What `reduce` makes of the elements of x in each window, and of as many zeros as it has padding."""
    lengths = window if isinstance(window, tuple) else (window, window)
    stride = lengths if stride is None else stride if isinstance(stride, tuple) else (stride, stride)
    if padding == "same":
        padding = tuple(((n - 1) * dilation // 2, (n - 1) * dilation - (n - 1) * dilation // 2) for n in lengths)
    padding = padding if isinstance(padding, tuple) else (padding, padding)
    around = [side if isinstance(side, tuple) else (side, side) for side in padding]
    counts = [(n + sum(side) - (k - 1) * dilation - 1) // s + 1
              for n, side, k, s in zip(x.shape[2:], around, lengths, stride, strict=True)]  # fmt: skip
    found = []
    for plane, *begin in itertools.product(range(2), *map(range, counts)):
        rows, columns = (
            [b * s - side[0] + dilation * i for i in range(k)]
            for b, s, side, k in zip(begin, stride, around, lengths, strict=True)
        )
        inside = [(0, plane, i, j) for i in rows for j in columns if 0 <= i < x.shape[2] and 0 <= j < x.shape[3]]
        parts = [x[place] for place in inside]
        if zeros:
            parts += [np.zeros((), x.dtype)] * (len(rows) * len(columns) - len(inside))
        found.append(reduce(mg.stack(parts)))
    return mg.reshape(mg.stack(found), (1, 2, *counts))


def gradients(function, array):
    """The value, and where it has them the gradients of orders 1 and 2, along directions."""
    x = Tensor(array, requires_grad=array.dtype.kind == "f")
    found = [function(x)]
    while found[-1].requires_grad and len(found) < 3:
        direction = np.cos(np.arange(found[-1].size)).reshape(found[-1].shape).astype(array.dtype)
        found.append(mg.grad(found[-1], x, direction, create_graph=True, unused="zero"))
    return [y.numpy() for y in found]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("setting", SETTINGS, ids=str)
@pytest.mark.parametrize("dtype", TYPES)
def test_pooling_is_the_reduction_of_the_elements_of_each_window(dtype, setting):
    functions = [
        (lambda x: mg.max_pool(x, *setting), lambda x: window_by_window(mg.max, x, *setting, False)),
    ]
    if setting[3] == 1:
        functions += [
            (lambda x, i=included: mg.average_pool(x, *setting[:3], count_include_pad=i),
             lambda x, i=included: window_by_window(mg.mean, x, *setting, i))
            for included in (True, False)
        ]  # fmt: skip
    for pool, reference in functions:
        program = mg.compile(pool)
        for start in range(0, len(SPECIAL) if np.dtype(dtype).kind == "f" else 1, 5):
            array = values(dtype, start)
            expected = gradients(reference, array)
            for actual in (gradients(pool, array), [pool(array)], [program(Tensor(array)).numpy()]):
                for one, other in zip(actual, expected, strict=False):
                    assert one.dtype == other.dtype
                    if one.dtype.kind != "f":
                        np.testing.assert_array_equal(one, other)
                    else:
                        tolerance = 4 * float(np.finfo(one.dtype).eps)
                        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


def test_lists_are_pooled_as_arrays():
    assert mg.max_pool([[[1.0, 5.0, 2.0, 3.0]]], 2).tolist() == [[[5.0, 3.0]]]
    assert mg.average_pool([[[1, 5, 2, 4]]], 2).tolist() == [[[3.0, 3.0]]]


# --- bad arguments ----------------------------------------------------------------------------------------------------

REACH = ["stride", "padding", "dilation"]
SIGNAL, IMAGE = np.ones((2, 4, 8)), np.ones((2, 4, 8, 8))
NUMBERS = ["window_shape", "axis", "stride", "dilation"]
CALLS = {
    "sliding_window_view": (lambda given: mg.sliding_window_view(SIGNAL, **{"window_shape": 2, "axis": -1} | given),
                            NUMBERS),
    "add_windows": (lambda given: mg.add_windows(np.ones((3, 2)), **{"shape": (4,)} | given), NUMBERS[1:]),
    "conv1d": (lambda given: mg.conv1d(SIGNAL, np.ones((4, 4, 3)), **given), [*REACH, "groups"]),
    "conv2d": (lambda given: mg.conv2d(IMAGE, np.ones((4, 4, 3, 3)), **given), [*REACH, "groups"]),
    "max_pool": (lambda given: mg.max_pool(IMAGE, **{"window": 2} | given), ["window", *REACH]),
    "average_pool": (lambda given: mg.average_pool(IMAGE, **{"window": 2} | given),
                     ["window", "stride", "padding", "count_include_pad"]),
}  # fmt: skip
BAD = [
    None, 1.0, 1.5, float("nan"), "2", b"same", True, -1, 10**30, np.ones(2, int), Tensor([1, 1]), (1, 1, 1, 1),
    (1, None), (1.0, 1.0), ((1, 2, 3), 1), [1, [2]], {1: 2}, object(),
]  # fmt: skip
MEANT = {  # of these, by function and argument, what is none
    **{(function, "stride"): [10**30] for function in CALLS}, ("sliding_window_view", "axis"): [None, True, -1, {1: 2}],
    ("add_windows", "axis"): [None, -1], ("max_pool", "window"): [(1, 1, 1, 1)],
    ("average_pool", "window"): [(1, 1, 1, 1)], ("average_pool", "count_include_pad"): [True],
    **{(function, "stride"): [None, 10**30] for function in ("max_pool", "average_pool")},
}  # fmt: skip


@pytest.mark.parametrize(("function", "argument"), [(f, a) for f, (_, names) in CALLS.items() for a in names])
def test_a_bad_argument_is_refused_by_name(function, argument):
    for value in BAD:
        if repr(value) in map(repr, MEANT.get((function, argument), ())):
            continue
        with pytest.raises((TypeError, ValueError, OverflowError)) as raised:
            CALLS[function][0]({argument: value})
        message = str(raised.value)
        assert message.startswith(function), message
        assert argument in message or (value == 10**30 and "does not fit" in message), message


def test_a_step_beyond_the_array_leaves_one_window():
    x = Tensor(np.arange(6.0).reshape(1, 1, 6), requires_grad=True)
    for step in (10**30, 2**62, 6, np.int64(2**62)):
        assert mg.sliding_window_view(x, 2, 2, stride=step).tolist() == [[[[0.0, 1.0]]]]
        assert mg.sliding_window_view(x, 1, 2, dilation=step).shape == (1, 1, 6, 1)
        y = mg.conv1d(x, np.ones((1, 1, 2)), stride=step)
        assert mg.grad(mg.sum(y), x).tolist() == [[[1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]]
        graph = mg.trace(lambda x, step=step: mg.sliding_window_view(x, 2, 2, stride=step), x)
        assert graph.expand("sliding_window_view").run(x.numpy()).tolist() == [[[[0.0, 1.0]]]]
