"""Every function on record in ONNX: its samples, and their gradients to second order, in onnxruntime."""

import warnings

import numpy as np
import pytest

import minigrad as mg
from minigrad.checks.cases import cases_of
from minigrad.core.op import Op
from minigrad.export.onnx_batch import BATCHES
from tests.export.onnx_running import Session, agree, function_of, run_quietly, runtime, skip_without_onnx, variables_of

skip_without_onnx()
onnx_reference = pytest.importorskip("onnx.reference")

NO_ARRAYS = {"arange", "tri", "dropout", "random_normal", "random_uniform"}  # of numbers alone, or without samples
NOT_IN_ONNX = {name for name, function in mg.registry.items() if function.__module__ == "minigrad.ops.matrices"}
WRITTEN = sorted(mg.registry.keys() - NO_ARRAYS - NOT_IN_ONNX)
WITHOUT_FLOAT64 = {"Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cosh", "Erf", "Sinh", "Tan"}
"""The operators that onnxruntime has no kernels of for float64."""


def graphs_of(name, dtype):
    """Each sample that can be recorded on shapes, with its arrays."""
    for case in cases_of(mg.registry[name]):
        arrays = case.arrays(dtype)
        if not case.shape_depends_on_values and arrays:
            graph = mg.trace(function_of(case, 2), *variables_of(arrays))
            if graph.outputs:
                yield graph, arrays


@pytest.mark.parametrize("name", WRITTEN)
def test_values_gradients_and_second_derivatives_are_those_of_minigrad(name, tmp_path):
    for graph, arrays in graphs_of(name, np.float32):
        graph.to_onnx(tmp_path / "model.onnx")
        agree([*Session(tmp_path / "model.onnx")(*arrays).values()], run_quietly(graph, arrays), 1e-5)


@pytest.mark.deep
@pytest.mark.parametrize("name", WRITTEN)
def test_the_evaluator_of_the_standard_computes_the_same(name, tmp_path):
    """What only onnxruntime takes would not run elsewhere."""
    for case in cases_of(mg.registry[name]):
        arrays = case.arrays(np.float32)
        if case.shape_depends_on_values or not arrays:
            continue
        graph = mg.trace(function_of(case, 0), *variables_of(arrays))
        if graph.outputs:
            graph.to_onnx(tmp_path / "model.onnx")
            evaluator = onnx_reference.ReferenceEvaluator(str(tmp_path / "model.onnx"))
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                actual = evaluator.run(None, dict(zip(evaluator.input_names, arrays, strict=True)))
            agree([*map(np.asarray, actual)], run_quietly(graph, arrays), 1e-4)


@pytest.mark.deep
@pytest.mark.parametrize("name", WRITTEN)
def test_float64_stays_float64_where_onnxruntime_has_it(name, tmp_path):
    for graph, arrays in graphs_of(name, np.float64):
        graph.to_onnx(tmp_path / "model.onnx")
        try:
            session = Session(tmp_path / "model.onnx")
        except runtime.capi.onnxruntime_pybind11_state.NotImplemented as error:
            if not any(f"implementation for {kind}(" in str(error) for kind in WITHOUT_FLOAT64):
                raise
        else:
            agree([*session(*arrays).values()], run_quietly(graph, arrays), 1e-12)


@pytest.mark.parametrize("name", sorted(NOT_IN_ONNX))
def test_linear_algebra_is_refused_by_name(name, tmp_path):
    graph, _ = next(graphs_of(name, np.float32))
    with pytest.raises(mg.GraphError, match=r"to_onnx: %\d+ = (\w+)\(.*: \1 has no row in ONNX"):
        graph.to_onnx(tmp_path / "model.onnx")


SPECIAL = np.array(
    [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-30, -1e-30, 1e30, -1e30, 1, -1, 0.5, -0.5, 3, -3, 20, -20, 90, 1e-7, -1e-7],
    np.float32,
)
ELEMENTWISE = [
    op for op in mg.registry.values()
    if isinstance(op, Op) and op.elementwise and op.arguments in (("x",), ("x1", "x2"))
    and not op.name.startswith(("bitwise", "invert")) and "dtype" not in op.defaults
    and op not in (mg.full_like, mg.number_power)
]  # fmt: skip


@pytest.mark.parametrize("op", ELEMENTWISE, ids=lambda op: op.name)
def test_special_values_are_those_of_minigrad(op, tmp_path):
    arrays = [x.ravel().copy() for x in np.meshgrid(*[SPECIAL] * len(op.arguments))]
    graph = mg.trace(op, *map(mg.Tensor, arrays))
    graph.to_onnx(tmp_path / "model.onnx")
    (actual,), (expected,) = Session(tmp_path / "model.onnx")(*arrays).values(), run_quietly(graph, arrays)
    np.testing.assert_allclose(actual.astype(float), expected.astype(float), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("op", [mg.expm1, mg.log1p, mg.tanh_slope], ids=lambda op: op.name)
def test_small_arguments_keep_their_digits(op, tmp_path):
    x = np.concatenate([sign * np.logspace(-20, 0, 100) for sign in (0.9, -0.9)]).astype(np.float32)
    graph = mg.trace(op, mg.Tensor(x))
    graph.to_onnx(tmp_path / "model.onnx")
    (actual,) = Session(tmp_path / "model.onnx")(x).values()
    np.testing.assert_allclose(actual, run_quietly(graph, [x])[0], rtol=1e-6)


ROWS, COLUMNS = [[0, -1], [2, 1]], [1, 0]
KEYS = [
    (), 1, -1, slice(None, None, -1), slice(-1, 0, -2), (..., -1), (None, ..., None), (slice(1, None), None, 2),
    ROWS, (slice(None), COLUMNS), (slice(None), ROWS, COLUMNS), (ROWS, slice(None), COLUMNS), (..., ROWS, COLUMNS),
    (None, ROWS, 1), (0, slice(None), COLUMNS), (slice(None), 0, COLUMNS), (COLUMNS, None, 1, slice(0, 2)),
    (slice(None), None, ROWS, [[1], [0]]), (slice(2, None, -1), COLUMNS, -1), (COLUMNS, ..., COLUMNS),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_an_index_reads_writes_and_adds_where_it_does_in_numpy(key, tmp_path):
    x = np.random.default_rng(0).standard_normal((3, 3, 4)).astype(np.float32)
    values = np.arange(x[key].size, dtype=np.float32).reshape(x[key].shape)

    def function(x, values):
        read = mg.index(x, key)
        return read, mg.grad(mg.sum(read * values), x), mg.set_at(x, key, values), mg.set_at(x, key, 7.0)

    graph = mg.trace(function, *variables_of([x, values]))
    graph.to_onnx(tmp_path / "model.onnx")
    agree([*Session(tmp_path / "model.onnx")(x, values).values()], run_quietly(graph, [x, values]), 1e-6)


SCORES = np.array(
    [[1, 3, 2], [np.inf, 1, 2], [-np.inf, 1, 2], [-np.inf] * 3, [1e30, 1e30, 1], [1e-30, 1e-30, 0], [0, 0, 0]],
    np.float32,
)
MASK = np.array([[True, True, True], [False, True, True], [True, False, False], [False, False, False]])


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "logsumexp", "vector_norm", "sum", "max", "argsort"])
def test_rows_of_infinities_and_of_extremes_are_those_of_minigrad(name, tmp_path):
    graph = mg.trace(lambda x: mg.registry[name](x, axis=-1), mg.Tensor(SCORES))
    graph.to_onnx(tmp_path / "model.onnx")
    agree([*Session(tmp_path / "model.onnx")(SCORES).values()], run_quietly(graph, [SCORES]), 1e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_masked_row_with_nothing_to_attend_to_is_that_of_minigrad(name, tmp_path):
    scores = np.tile(SCORES[[0, 2, 3]], (4, 1, 1)).transpose(1, 0, 2).copy()  # −∞ where the mask is True, too
    graph = mg.trace(mg.registry[name], scores, MASK)
    graph.to_onnx(tmp_path / "model.onnx")
    agree([*Session(tmp_path / "model.onnx")(scores, MASK).values()], run_quietly(graph, [scores, MASK]), 1e-6)


# --- batches of any size ----------------------------------------------------------------------------------------------

FAIL_AT_ONE = {"matrix_trace"}  # whose diagonal is shorter there: an error in onnxruntime
REFUSED_ALONG_ROWS = {  # the first axis of these samples cannot be of any size
    "blockwise_attention",  # half of what is left
    "cross_entropy", "nll",  # the classes of one row
    "index",  # every second one
    "var", "std",  # 1.5 degrees of freedom
    "matrix_trace", "diagonal", "diag",  # the shorter side
    "pad",  # a mirror
    "roll",  # by more places than there are
    "split", "array_split",  # from 4 to the end
    "cummax", "cummin", "logcumsumexp",  # what runs along the first axis itself
    "diff",  # from the second to the end
    "squeeze",  # whatever is 1
    "sliding_window_view", "max_pool", "average_pool",  # windows that slide over the first axis itself
}  # fmt: skip


@pytest.mark.deep
@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_is_right_for_every_size_of_the_first_axis_or_refused(name, tmp_path):
    """Arrays whose first axis is as long as that of the first are made longer and shorter."""
    refused = False
    for case in cases_of(mg.registry[name]):
        arrays = case.arrays(np.float32)
        length = next((x.shape[0] for x in arrays if x.ndim), 0)
        axes = [0 if x.ndim and x.shape[0] == length else None for x in arrays]
        if not length or case.shape_depends_on_values:
            continue
        call = function_of(case, 1)
        try:
            graphs = [mg.trace(call, *variables_of(resize(arrays, axes, size))) for size in BATCHES[:3]]
        except (mg.CaptureError, TypeError, ValueError, IndexError):
            continue  # the function itself is for one length
        if not graphs[0].outputs:
            continue
        try:
            mg.export.to_onnx(call, tmp_path / "model.onnx", *variables_of(arrays), batch=axes)
        except mg.GraphError:
            refused = True
            continue
        session = Session(tmp_path / "model.onnx")
        for size in (1, 2, 3, 16)[name in FAIL_AT_ONE :]:
            check_size(session, call, resize(arrays, axes, size))
    assert refused <= (name in REFUSED_ALONG_ROWS), "refused without need"


def check_size(session, call, arrays):
    try:
        graph = mg.trace(call, *variables_of(arrays))
        expected = run_quietly(graph, arrays)
    except (mg.CaptureError, TypeError, ValueError, IndexError):
        return  # minigrad refuses this size
    agree([*session(*arrays).values()], expected, 1e-4)


def resize(arrays, axes, size):
    rng = np.random.default_rng(size)
    return [
        x if axis is None else np.take(x, rng.integers(0, x.shape[axis], size), axis)
        for x, axis in zip(arrays, axes, strict=True)
    ]
