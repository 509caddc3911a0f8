"""No recursion, no garbage, flat memory; what is too large is refused at once."""

import contextlib
import copy
import gc
import inspect
import os
import pickle
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.drawing.engines import LayoutError

DEEP = 100_000


def leaf(values, **options):
    return Tensor(values, requires_grad=True, **options)


def chain(x, depth):
    y = x * x
    for _ in range(depth):
        y = y * 1.0
    return y


@contextlib.contextmanager
def without_collector():
    """Only reference counting frees anything."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def little_recursion():
    """A hundred frames on top of those in use: enough for anything but a walk along a deep graph."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def child(code, memory=None):
    """What a fresh interpreter prints that runs `code`, with at most `memory` bytes."""
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({memory}, {memory}))\n" if memory else ""
    environment = os.environ | {"PYTHONPATH": str(Path(mg.__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", limit + code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- depth ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deep():
    """A leaf, and the end of a long chain of it that is its square."""
    with without_collector():  # it would walk the growing chain again and again, and find nothing
        x = leaf(3.0, name="x")
        yield x, chain(x, DEEP)


def test_R1_100000_nodes_forward_and_backward_take_at_most_150_MB():
    grown = child(
        "import re, minigrad as mg\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s*(\\d+) kB', open('/proc/self/status').read())[1])\n"
        "x = y = mg.Tensor(0.5, requires_grad=True)\n"
        "before = peak()\n"
        f"for _ in range({DEEP}): y = mg.sin(y)\n"
        "y.backward()\n"
        "assert 0 < x.grad < 1\n"
        "print(peak() - before)"
    )
    assert 10_000 < int(grown) < 150_000


def test_G3_backward_through_100000_nodes(deep):
    x, y = deep
    with little_recursion():
        x.grad = None
        y.backward()
    assert (y.item(), x.grad) == (9.0, 6.0)


def test_G3_second_order_through_100000_nodes(deep):
    x, y = deep
    with little_recursion():
        first = mg.grad(y, x, create_graph=True)
        assert mg.grad(first, x).item() == 2.0
        del first


@pytest.mark.parametrize("look", [repr, copy.copy, copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))])
def test_G3_repr_copy_and_pickle_do_not_walk_the_graph(deep, look):
    with little_recursion():
        result = look(deep[1])
    assert result == repr(deep[1]) if look is repr else (result.item(), result.op) == (9.0, None)


@pytest.mark.deep
def test_G3_R6_100000_nodes_as_DOT_and_in_a_picture_of_what_is_repeated(deep, tmp_path):
    with little_recursion():
        graph = deep[1].graph()
        assert f"%{DEEP + 1} = multiply(%{DEEP}, 1.0)" in repr(graph[-1])
        assert graph.dot(depth=0).count(" -> ") == DEEP + 2
        with pytest.raises(LayoutError, match=r"100,002 nodes, .* at most 25,000 .*between.*x\.dot"):
            graph.draw(tmp_path / "x.svg", depth=0)
        assert os.listdir(tmp_path) == []
        assert f"repeated ×{DEEP - 1}" in graph.dot()
        assert graph.dot().count(" -> ") <= 300
        del graph


@pytest.mark.deep
def test_G3_a_chain_of_100000_nodes_and_its_gradient_are_freed_without_recursion():
    with without_collector(), little_recursion():
        x = leaf(3.0)
        y = chain(x, DEEP)
        first = mg.grad(y, x, create_graph=True)
        watched = [weakref.ref(t) for t in (x, y, first)]
        del x, y, first
        assert [reference() for reference in watched] == [None] * 3


@pytest.mark.deep
def test_R7_each_order_of_a_deep_graph_has_a_number_of_nodes_linear_in_its_depth():
    def sizes(depth):
        x = leaf(0.5)
        y = x
        for _ in range(depth):
            y = mg.sin(y)
        counts = []
        for _ in range(3):
            y = mg.grad(y, x, create_graph=True)
            counts.append(len(y.graph()))
        return np.array(counts)

    with without_collector():
        small, middle, large = sizes(200), sizes(400), sizes(2000)
    print("nodes of the gradients of order 1 to 3 of 2,000 nodes:", large)
    assert (large - middle == 8 * (middle - small)).all()
    assert (large < 2000 * np.array([4, 12, 40])).all()


# --- memory over time -------------------------------------------------------------------------------------------------


def resident():
    """Kilobytes in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def assert_flat(step, count, first):
    """After the `first` of `count` steps no memory is taken any more, and the number of live objects stays."""
    last = count // 4  # before these, Python and NumPy fill their lists of free blocks, thousands of them
    with without_collector():
        for _ in range(first):
            step()
        objects, before = len(gc.get_objects()), resident()
        for _ in range(count - first - last):
            step()
        blocks = sys.getallocatedblocks()
        for _ in range(last):
            step()
        more_blocks, grown = sys.getallocatedblocks() - blocks, resident() - before
        more_objects, garbage = len(gc.get_objects()) - objects, gc.collect()
    assert garbage == 0
    assert more_objects < 10, f"{more_objects} objects more in {count - first} steps"
    assert more_blocks < last / 2, f"{more_blocks} blocks more in {last} steps"
    assert grown <= 2048, f"{grown} kB more in {count - first} steps"


@pytest.mark.deep
def test_R2_10000_training_steps_of_an_mlp():
    rng = np.random.default_rng(0)
    up, down = (Tensor(rng.standard_normal(shape), requires_grad=True) for shape in ((4, 8), (8, 3)))
    x, targets = Tensor(rng.standard_normal((5, 4))), Tensor(rng.standard_normal((5, 3)))
    optimiser = mg.optim.SGD([up, down], 1e-2, momentum=0.9)

    def step():
        optimiser.zero_grad()
        mg.mse(mg.relu(x @ up) @ down, targets).backward()
        optimiser.step()

    assert_flat(step, 10_000, first=500)


@pytest.mark.deep
def test_R2_modules_attention_and_dropout_leave_nothing_behind():
    rng = np.random.default_rng(0)
    model = mg.nn.LanguageModel(5, 4, 2, 1, context=3, hidden=4, dropout=0.1, rng=rng)
    optimiser = mg.optim.Adam(model.parameters(), 1e-2)
    tokens = rng.integers(0, 5, (2, 3))

    def step():
        optimiser.zero_grad()
        with mg.generator(rng):
            mg.cross_entropy(model(tokens), tokens).backward()
        mg.optim.clip_gradients(optimiser.parameters, 1.0)
        optimiser.step()

    assert_flat(step, 1_000, first=500)


@pytest.mark.deep
def test_R3_10000_second_order_steps():
    x = leaf([1.0, 2.0])

    def step():
        first = mg.grad((x**3).sum(), x, create_graph=True)
        assert mg.grad(first, x, [1.0, 0.0]).tolist() == [6.0, 0.0]

    assert_flat(step, 10_000, first=500)


@pytest.mark.deep
@pytest.mark.parametrize("create_graph", [False, True])
def test_R3_1000_exceptions_inside_backward(create_graph):
    @mg.op(name="fragile")
    def fragile(x):
        return x * 1.0

    @fragile.vjp("x")
    def _(g, y, x):
        raise RuntimeError("rule failed")

    x = leaf([1.0, 2.0])

    def step():
        try:
            mg.grad(fragile(x * 2.0).sum(), x, create_graph=create_graph)
        except RuntimeError:
            return
        pytest.fail("the rule did not fail")

    try:
        assert_flat(step, 6_000, first=500)
    finally:
        del mg.registry["fragile"]


def everything(w):
    """All that looks at a graph."""
    loss = mg.sum(mg.softmax(w @ w) * w)
    loss.backward(keep=True)
    graph = loss.graph(gradients=True)
    str(graph), graph.dot(values=True), graph.steps(), graph.stats(), graph.run(), graph.expand("softmax")
    return loss


CALLS = {
    "a step": lambda w: mg.mean(mg.tanh(w @ w)).backward(),
    "second order": lambda w: mg.grad(mg.grad((w**3).sum(), w, create_graph=True).sum(), w),
    "readers of the graph": everything,
    "capture": lambda w: mg.trace(lambda x: mg.grad((x @ w).sum(), w), np.ones((3, 3))).run(np.ones((3, 3))),
    "checks": lambda w: mg.check_gradients(mg.exp, [np.ones(2)]),
    "hessian": lambda w: mg.hessian(lambda x: (x**3).sum(), [np.ones(2)]),
}


@pytest.mark.parametrize("call", CALLS)
def test_R4_reference_counting_alone_frees_everything(call):
    def run():
        w = leaf(np.eye(3) + 0.5, name="w")
        result = CALLS[call](w)
        return weakref.ref(w), result

    run()  # what is cached at the first call stays
    with without_collector():
        watched, result = run()
        del result
        assert watched() is None
        assert gc.collect() == 0


# --- what is too large ------------------------------------------------------------------------------------------------

HUGE = {
    "broadcast_to": ("mg.broadcast_to(x, (10**6, 10**6))", "ValueError"),
    "broadcast_to beyond 64 bits": ("mg.broadcast_to(x, (10**10, 10**10))", "ValueError"),
    "broadcast sum": ("(x + mg.zeros_like(x)).reshape(1, 1).broadcast_to((10**6, 10**6)).sum()", "ValueError"),
    "implicit": ("mg.Tensor(np.ones((10**6, 1)), requires_grad=True) + np.ones((1, 10**6))", "MemoryError"),
    "a broadcast view that is allowed": ("mg.broadcast_to(x, (10**5, 10**5)) + 1.0", "MemoryError"),
    "one_hot": ("mg.one_hot([1, 2, 3], classes=10**9)", "MemoryError"),
    "one_hot beyond 64 bits": ("mg.one_hot([1, 2, 3], classes=10**19)", "ValueError"),
    "outer product": ("(x.reshape(1, 1) * np.ones((200_000, 1))) @ np.ones((1, 200_000))", "MemoryError"),
}


def test_R5_a_view_of_too_many_elements_is_refused_eagerly_and_under_capture():
    def spread(x):
        return mg.broadcast_to(x, (10**6, 10**6)).sum()

    for run in (spread, lambda x: mg.trace(spread, x)):
        with pytest.raises(ValueError, match=r"broadcast_to.*1,000,000,000,000 elements, at most 68,719,476,736"):
            run(leaf(1.0))


def test_R5_what_is_too_large_is_refused_at_once_and_the_process_lives():
    code = "import numpy as np, minigrad as mg\nx = mg.Tensor(2.0, requires_grad=True)\n"
    for expression, _ in HUGE.values():
        code += f"try:\n    {expression}\nexcept Exception as error:\n    print(type(error).__name__)\n"
    code += "(x * x).backward()\nprint(x.grad)"
    printed = child(code, memory=4 * 2**30).split()
    assert printed == [*(kind for _, kind in HUGE.values()), "4.0"]
