"""Threads, tasks, generators, processes: none sees another's modes, and all compute the same bits.

How each kind of function is decorated is tested in tests/test_decorate.py.
"""

import asyncio
import copy
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor
from minigrad.core.modes import Mode, set_mode, within
from minigrad.core.storage import Storage, next_id, storage_of


def records() -> bool:
    return (Tensor(1.0, requires_grad=True) * 2.0).requires_grad


def scope_here() -> str:
    return (Tensor(1.0, requires_grad=True) * 2.0).scope


def in_threads(*functions):
    """Run all at once, and return what they return; what one raises is raised."""
    results, errors = [None] * len(functions), []
    together = threading.Barrier(len(functions))

    def run(position):
        try:
            together.wait()
            results[position] = functions[position]()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(position,)) for position in range(len(functions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


@pytest.fixture
def switching():
    """Threads take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


# --- C1: modes --------------------------------------------------------------------------------------------------------


def test_C1_no_grad_in_one_thread_leaves_the_other_recording():
    inside, done = threading.Event(), threading.Event()

    def off():
        with mg.no_grad():
            inside.set()
            assert done.wait(10)
            return records()

    def on():
        assert inside.wait(10)
        try:
            return records()
        finally:
            done.set()

    assert in_threads(off, on) == [False, True]
    assert records()


class Meanwhile(int):
    """A time that another thread does something while it is looked at."""

    def __new__(cls, time, action):
        made = super().__new__(cls, time)
        made.action = action
        return made

    def __eq__(self, other):
        action, self.action = self.action, lambda: None
        thread = threading.Thread(target=action)
        thread.start()
        thread.join()
        return int(self) == other

    __hash__ = int.__hash__


@pytest.mark.parametrize("held", ["as an attribute", "in a list", "by nobody"])
def test_C1_a_model_that_another_thread_evaluates_meanwhile_is_trained(held, monkeypatch):
    inner, x = mg.nn.Linear(2, 2, rng=np.random.default_rng(0)), np.ones((1, 2), np.float32)

    class Model(mg.nn.Module):
        def __init__(self):
            if held != "by nobody":
                self.inner = inner if held == "as an attribute" else [inner]

        def forward(self, x):
            return inner(x)

    model = Model()

    def evaluate():
        with mg.no_grad(), mg.scope("evaluation"):
            assert not model(x).requires_grad

    with mg.scope("training"):
        for count in range(9):
            if count % 3 == 2:  # after two calls it is known where the module is called from
                monkeypatch.setattr(Storage, "changes", Meanwhile(Storage.changes, evaluate))
            y = model(x)
            assert y.requires_grad
            assert y.scope.startswith("training")


@pytest.mark.usefixtures("switching")
def test_C1_training_and_evaluation_share_a_model():
    model, x, lost, ended = mg.nn.Linear(2, 2, rng=np.random.default_rng(0)), np.ones((1, 2), np.float32), [], []

    def evaluate():
        while not ended:
            with mg.no_grad():
                lost.extend([1] if model(x).requires_grad else [])

    threads = [threading.Thread(target=evaluate) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(2000):
        with mg.scope("training"):
            lost.extend([] if model(x).requires_grad else [2])
    ended.append(True)
    for thread in threads:
        thread.join()
    assert lost == []


def test_C1_async_tasks_do_not_see_each_other():
    async def off():
        with mg.no_grad():
            await asyncio.sleep(0.01)
            return records()

    async def on():
        await asyncio.sleep(0.005)
        return records()

    async def both():
        return await asyncio.gather(off(), on())

    assert asyncio.run(both()) == [False, True]


def test_C1_leaving_out_of_order_raises():
    outer, inner = mg.no_grad(), mg.scope("inner")
    outer.__enter__()
    inner.__enter__()
    with pytest.raises(GraphError, match="out of order"):
        outer.__exit__(None, None, None)
    inner.__exit__(None, None, None)
    set_mode(Mode())


def test_C1_generators_that_hold_blocks_open_and_end_in_another_order_raise():
    def holding(name):
        with mg.scope(name):
            yield

    first, second = holding("a"), holding("b")
    next(first), next(second)
    with pytest.raises(GraphError, match="out of order: leave the inner block first"):
        first.close()
    second.close()
    set_mode(Mode())


# --- C2, C3, C5: shared tensors --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("switching")
def test_C2_C3_eight_threads_with_500_gradients_each_over_shared_parameters_equal_serial():
    rng = np.random.default_rng(0)
    shared = [Tensor(rng.standard_normal((3, 3)), requires_grad=True, name=name) for name in "uvw"]
    mask = np.tri(3, dtype=bool)

    def gradients(i):
        u, v, w = shared
        hidden = mg.softmax((u * (0.5 + i % 7)) @ v.T, where=mask)
        found = mg.grad(mg.sum(mg.layer_norm(hidden) @ w[i % 3]), shared)
        return b"".join(g.numpy().tobytes() for g in found)

    serial = [gradients(i) for i in range(21)]
    results = in_threads(*[lambda k=k: [gradients(i + k) for i in range(500)] for k in range(8)])
    for k, found in enumerate(results):
        assert found == [serial[(i + k) % 21] for i in range(500)]
    assert all(parameter.grad is None for parameter in shared)


@pytest.mark.usefixtures("switching")
def test_C5_no_id_is_given_twice_and_ids_grow_within_each_thread():
    taken = in_threads(*[lambda: [next_id() for _ in range(5_000)]] * 8)
    assert all(ids == sorted(ids) for ids in taken)
    assert len(set().union(*taken)) == 8 * 5_000


@pytest.mark.usefixtures("switching")
def test_C5_threads_that_look_at_a_tensor_first_at_the_same_time_share_its_stamp():
    for _ in range(200):
        shared = Tensor(np.ones((2, 2)), requires_grad=True)
        views = in_threads(*[lambda shared=shared: shared.T] * 4)
        assert {id(storage_of(view)) for view in views} == {id(storage_of(shared))}


@pytest.mark.usefixtures("switching")
def test_C5_the_youngest_stamp_never_goes_back():
    tensors = [Tensor(1.0) for _ in range(4)]

    def write(tensor):
        for _ in range(2_000):
            mg.assign(tensor, 2.0)
            assert Storage.latest >= storage_of(tensor).stamp

    in_threads(*[lambda t=t: write(t) for t in tensors])
    assert Storage.latest >= max(storage_of(t).stamp for t in tensors)


@pytest.mark.usefixtures("switching")
def test_C5_ops_declared_and_inferred_in_several_threads():
    def declare(number):
        name = f"declared_in_thread_{number}"
        op = mg.op(name=name)(lambda x: x * 2.0)
        op.vjp("x")(lambda g, y, x: g * 2.0)
        shapes = [mg.trace(op, np.ones((size, number + 1)))[-1].shape for size in range(1, 20)]
        x = Tensor(3.0, requires_grad=True)
        return shapes, mg.grad(op(x), x).item()

    before = set(mg.registry)
    try:
        for number, (shapes, gradient) in enumerate(in_threads(*[lambda n=n: declare(n) for n in range(6)])):
            assert shapes == [(size, number + 1) for size in range(1, 20)]
            assert gradient == 2.0
        assert set(mg.registry) - before == {f"declared_in_thread_{number}" for number in range(6)}
    finally:
        for name in set(mg.registry) - before:
            del mg.registry[name]


# --- C4: randomness ---------------------------------------------------------------------------------------------------


def drawn(rng, count):
    with mg.generator(rng):
        return [mg.dropout(np.ones(8), 0.5).tobytes() for _ in range(count)]


def test_C4_two_generators_interleaved_draw_what_each_draws_alone():
    alone = [drawn(np.random.default_rng(seed), 6) for seed in (0, 1)]
    first, second = np.random.default_rng(0), np.random.default_rng(1)
    interleaved = [[], []]
    for _ in range(6):
        interleaved[0] += drawn(first, 1)
        interleaved[1] += drawn(second, 1)
    assert interleaved == alone
    assert alone[0] != alone[1]


def test_C4_generators_in_two_threads_are_independent():
    alone = [drawn(np.random.default_rng(seed), 50) for seed in (0, 1)]
    assert in_threads(*[lambda s=s: drawn(np.random.default_rng(s), 50) for s in (0, 1)]) == alone


TRAINING = """
import hashlib, numpy as np, minigrad as mg
rng = np.random.default_rng(7)
model = mg.nn.LanguageModel(7, 8, 2, 1, context=5, hidden=8, dropout=0.2, rng=rng)
optimiser = mg.optim.AdamW(model.parameters(), 1e-2)
for _ in range(3):
    tokens = rng.integers(0, 7, (2, 5))
    optimiser.zero_grad()
    with mg.generator(rng):
        loss = mg.cross_entropy(model(tokens), tokens)
    loss.backward()
    optimiser.step()
print(hashlib.sha256(b"".join(array.tobytes() for array in model.state_dict().values())).hexdigest())
print(loss.graph())
"""


def test_C4_the_same_seed_in_two_processes_gives_the_same_bits_and_the_same_graph():
    def run(hash_seed):
        environment = os.environ | {"PYTHONPATH": str(Path(mg.__file__).parents[1]), "PYTHONHASHSEED": hash_seed}
        environment |= {"OPENBLAS_NUM_THREADS": "1"}
        return subprocess.Popen([sys.executable, "-c", TRAINING], stdout=subprocess.PIPE, env=environment)

    outputs = [process.communicate()[0] for process in (run("1"), run("2"))]
    assert outputs[0] == outputs[1]
    assert len(outputs[0]) > 1000


# --- C6: processes ----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX systems fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns where other threads run
def test_C6_a_fork_in_the_middle_of_a_computation_goes_on_in_both():
    x = Tensor([1.0, 2.0], requires_grad=True)
    with mg.no_grad(), mg.scope("kept"):
        loss = None
        reader, writer = os.pipe()
        with within(grad=True):
            loss = (x**3).sum()
            child = os.fork()
            if child == 0:  # nothing may leave this block: it is a second test run
                try:
                    loss.backward()
                    mg.assign(x, [5.0, 5.0])
                    os.write(writer, x.grad.tobytes() + (x * 2.0).scope.encode())
                finally:
                    os._exit(0)
            loss.backward()
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == x.grad.tobytes() + b"kept"
    assert os.waitpid(child, 0)[1] == 0
    assert x.tolist() == [1.0, 2.0]
    assert x.grad.tolist() == [3.0, 12.0]


FORKING = """
import os, threading
import minigrad as mg
from minigrad.core.storage import touch

tensor, stop = mg.Tensor(1.0), threading.Event()

def write():
    while not stop.is_set():
        touch(tensor)

thread = threading.Thread(target=write)
thread.start()
codes = []
for _ in range(20):
    child = os.fork()
    if child == 0:
        mg.assign(tensor, 2.0)
        os._exit(7)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stop.set()
thread.join()
print(set(codes))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="only POSIX systems fork")
def test_C5_C6_a_fork_while_another_thread_writes_does_not_hang_the_child():
    # In a process of its own: where coverage is measured here, its own lock may be held while this process forks.
    environment = os.environ | {"PYTHONPATH": str(Path(mg.__file__).parents[1])}
    calm = "ignore:This process:DeprecationWarning"  # Python 3.12 warns of every fork beside a thread
    done = subprocess.run([sys.executable, "-W", calm, "-c", FORKING], capture_output=True, timeout=60, env=environment)
    assert (done.stdout, done.stderr) == (b"{7}\n", b"")


WORKER = """
import pickle, sys
import minigrad as mg
model, optimiser, x, tensor = pickle.load(sys.stdin.buffer)
optimiser.zero_grad()
mg.mean(model(x) ** 2).backward()
optimiser.step()
pickle.dump((model, optimiser, mg.exp(tensor)), sys.stdout.buffer)
"""


def test_C6_a_model_and_its_optimiser_go_to_a_worker_and_come_back():
    def trained(model, optimiser):
        optimiser.zero_grad()
        mg.mean(model(x) ** 2).backward()
        optimiser.step()
        return model.weight.numpy().tobytes(), model.bias.numpy().tobytes()

    x = np.ones((2, 3), np.float32)
    model = mg.nn.Linear(3, 2, rng=np.random.default_rng(0))
    optimiser = mg.optim.Adam(model.parameters(), 1e-2)
    trained(model, optimiser)
    environment = os.environ | {"PYTHONPATH": str(Path(mg.__file__).parents[1]), "OPENBLAS_NUM_THREADS": "1"}
    parcel = pickle.dumps((model, optimiser, x, Tensor([0.0, 1.0], requires_grad=True, name="x")))
    done = subprocess.run([sys.executable, "-c", WORKER], input=parcel, capture_output=True, env=environment)
    theirs, their_optimiser, tensor = pickle.loads(done.stdout)
    assert trained(model, optimiser) == (theirs.weight.numpy().tobytes(), theirs.bias.numpy().tobytes())
    assert their_optimiser.steps == optimiser.steps == 2
    assert trained(model, optimiser) == trained(theirs, their_optimiser)  # what came back still belongs together
    assert (tensor.op, tensor.requires_grad) == (None, False)
    np.testing.assert_allclose(tensor.numpy(), np.exp([0.0, 1.0]))


def test_C6_what_is_no_state_of_a_module_is_none_after_pickling_either():
    class Model(mg.nn.Module):
        def __init__(self):
            self.gain = Tensor([2.0], requires_grad=True)
            self.running = Tensor([0.0])
            self.table = mg.constant([1.0])
            self.kept = None

        def forward(self, x):
            self.kept = x * self.gain
            return self.kept

    model = Model()
    model(np.ones(1))
    for same in (copy.deepcopy(model), model.astype(np.float32)):
        assert list(same.state_dict()) == ["gain", "running"]
        assert same.table.tolist() == [1.0]
        assert not same.kept.requires_grad


@pytest.mark.parametrize("send", [pickle.dumps, copy.deepcopy])
def test_C6_graphs_refuse_to_be_sent_and_say_what_to_send(send):
    graph = (Tensor(1.0, requires_grad=True, name="x") * 2.0).graph()
    for what in (graph, graph[0], graph.nodes):
        with pytest.raises(TypeError, match=r"neither pickled nor copied: send the function .*graph\.dot\(\)"):
            send(what)


def test_C6_a_tensor_under_capture_refuses_to_be_sent():
    def send(x):
        return pickle.dumps(x)

    with pytest.raises(mg.CaptureError, match=r"value of .* is read"):
        mg.trace(send, np.ones(2))
