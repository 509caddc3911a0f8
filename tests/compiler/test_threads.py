"""Loops shared among threads: the same bits for any number of them, and nothing else that a user would notice."""

import contextlib
import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from concurrent.futures import Future

import numpy as np
import pytest
import threadpoolctl

import minigrad as mg
from minigrad import nn, optim
from minigrad.compiler import pieces, threads
from minigrad.compiler.threads import VARIABLES, count_threads
from minigrad.ops.kernels.turns import helping_threads, share_turns

RNG = np.random.default_rng(0)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.fixture(autouse=True)
def one_thread_afterwards():
    yield
    mg.use_threads(None)


def compiled(function, threads, *args):
    """The compiled function, after a call that made its program for so many threads."""
    mg.use_threads(threads)
    step = mg.compile(function)
    step(*args)
    mg.use_threads(None)
    return step


def shares(step):
    return "share_turns(" in step.source


def long_chain(x):
    """Loops by rows, with what is needed in one turn only, and sums that cannot be cut."""
    for _ in range(4):
        x = mg.layer_norm(mg.tanh(x) * 2.0 + 0.5)
    return x, mg.sum(x)


def long_flat_chain(x):
    for _ in range(4):
        x = mg.sqrt(mg.square(x) + 1.0) - x
    return x


def long_products(x):
    """A loop with products of matrices, one of which nobody else's rows are needed for, and one that needs all rows."""
    weight = mg.constant(np.linspace(-1, 1, x.shape[1] * 491, dtype=np.float32).reshape(-1, 491))
    y = mg.relu(mg.tanh(x) @ weight + 1.0)
    return y, mg.transpose(x) @ y


@pytest.mark.parametrize("function", [long_chain, long_flat_chain, long_products])
@pytest.mark.parametrize("shape", [(2**13, 2**8), (3 * 2**11, 2**8), (6000, 233)], ids=str)
def test_the_bits_are_the_same_for_any_number_of_threads(function, shape, monkeypatch):
    monkeypatch.setattr(pieces, "SHARED", 2**20)  # so that there are turns enough
    x = normal(*shape)
    if function is long_flat_chain:
        x = x.reshape(-1)
    found = []
    for count in (1, 2, 3, 4, 7):
        step = compiled(function, count, x)
        results = step(x)
        found.append([np.asarray(y.numpy()).tobytes() for y in (results if isinstance(results, tuple) else [results])])
        assert shares(step) == (count > 1)
    assert all(each == found[0] for each in found[1:])


def test_training_gives_the_same_weights(monkeypatch):
    monkeypatch.setattr(pieces, "SHARED", 2**20)

    def train(count):
        model = nn.TransformerBlock(256, 4, rng=np.random.default_rng(0))
        adam = optim.Adam(model.parameters(), rate=1e-3)

        def step_on(x):
            adam.zero_grad()
            loss = mg.mean(mg.square(model(x)))
            loss.backward()
            adam.step()
            return loss

        step = compiled(step_on, count, x)
        losses = [float(step(x)) for _ in range(2)]
        assert shares(step) == (count > 1)
        return losses, [p.numpy().tobytes() for p in model.parameters()], step.source

    x = normal(16, 128, 256)
    alone, *others = [train(count) for count in (1, 2, 4)]
    assert all(each[:2] == alone[:2] for each in others)
    assert any("np.matmul(" in line and " * i : " in line and "_weight" in line for line in others[0][2].splitlines())


def test_arguments_may_be_called_as_what_a_shared_loop_is_made_of():
    def function(turns, part, share_turns, memories):
        for _ in range(4):
            turns = mg.tanh(turns * part) + share_turns * memories
        return turns

    arrays = [normal(2**12, 2**8) for _ in range(4)]
    step = compiled(function, 2, *arrays)
    assert shares(step)
    assert step(*arrays).numpy().tobytes() == compiled(function, 1, *arrays)(*arrays).numpy().tobytes()


def test_ops_of_users_stay_in_one_thread():
    """They may write to memory of their own."""
    seen = set()

    @mg.op(name="square_of_user", formula="x²", elementwise=True)
    def square_of_user(x):
        seen.add(threading.current_thread())
        return x * x

    try:
        step = compiled(lambda x: long_chain(square_of_user(mg.layer_norm(mg.tanh(x))))[0], 2, normal(2**13, 2**8))
    finally:
        mg.registry.pop("square_of_user")
    assert shares(step)
    assert seen == {threading.main_thread()}


def test_short_loops_stay_in_one_thread():
    step = compiled(lambda x: mg.exp(x) + 1.0, 4, normal(2**10, 2**8))
    assert "for i in range(" in step.source or "for start in range(" in step.source
    assert not shares(step)


def test_so_do_loops_of_short_calls():
    """They would wait for each other at every call."""

    def function(x):
        for _ in range(40):
            x = mg.layer_norm(x)
        return x

    assert not shares(compiled(function, 2, normal(2**10, 2**8)))


def test_each_thread_has_memory_of_its_own(monkeypatch):
    """Twins overlap nothing that is alive during their loop."""
    monkeypatch.setattr(pieces, "SHARED", 2**20)
    step = compiled(long_chain, 3, normal(3 * 2**11, 2**8))
    plan = step.program.plan
    (shared, *_) = [loop for loop in plan.loops if loop.twins]
    assert len(shared.twins) == 2
    for loop in plan.loops:
        roots = {plan.places.root(x) for twins in loop.twins for x in twins.values()}
        alive = [block for block in plan.blocks if block.first <= loop.last and block.last >= loop.first]
        for block in alive:
            if not roots.isdisjoint(block.members):
                others = [b for b in alive if b is not block]
                assert all(b.offset + b.size <= block.offset or block.offset + block.size <= b.offset for b in others)


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "2"])
def test_a_number_of_threads_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match="use_threads: expected a whole number of threads"):
        mg.use_threads(count)
    assert count_threads() is None


def test_a_number_of_threads_may_be_a_number_of_numpys():
    mg.use_threads(np.int64(2))
    try:
        assert repr(count_threads()) == "2"
    finally:
        mg.use_threads(None)


def threads_of_blas():
    return {each["num_threads"] for each in threadpoolctl.threadpool_info() if each["user_api"] == "blas"}


@pytest.fixture
def no_variables(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    threads._find_blas.cache_clear()
    yield
    threads._find_blas.cache_clear()


@pytest.fixture
def watched():
    """An op that notes how many threads BLAS has, and the notes."""
    seen = []

    @mg.op(name="watched", formula="x")
    def watched(x):
        seen.append(threads_of_blas())
        return x.copy()

    yield watched, seen
    mg.registry.pop("watched")


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize(("rows", "expected"), [(2**13, {1}), (2**8, {2})])
def test_blas_has_one_thread_while_a_program_shares_its_loops(rows, expected, watched):
    op, seen = watched
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        step = compiled(lambda x: op(long_chain(x)[1]), 2, normal(rows, 2**8))
        seen.clear()
        step(normal(rows, 2**8))
        assert threads_of_blas() == {2}
    assert shares(step) == (expected == {1})
    assert seen == [expected]


class Blas:
    """With two threads, and limits as threadpoolctl has them."""

    threads = 2

    @contextlib.contextmanager
    def limit(self, limits, user_api):
        before, self.threads = self.threads, limits
        yield
        self.threads = before


def test_blas_has_its_threads_again_after_programs_that_overlap(monkeypatch):
    """The second begins while the first limits BLAS, and ends after it."""
    blas, begun, second_begun, first_ended = Blas(), *(threading.Event() for _ in range(3))
    monkeypatch.setattr(threads, "_find_blas", lambda: blas)
    first = threads.with_one_blas_thread(lambda: (begun.set(), second_begun.wait(5)))
    second = threads.with_one_blas_thread(lambda: (second_begun.set(), first_ended.wait(5)))
    users = [threading.Thread(target=first), threading.Thread(target=second)]
    users[0].start()
    begun.wait(5)
    assert blas.threads == 1
    users[1].start()
    users[0].join()
    first_ended.set()
    users[1].join()
    assert blas.threads == 2


@pytest.mark.usefixtures("no_variables")
def test_without_threadpoolctl_a_variable_must_say_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    with pytest.raises(ModuleNotFoundError, match="pip install threadpoolctl; or set OPENBLAS_NUM_THREADS=1"):
        mg.use_threads(2)
    assert count_threads() is None
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert shares(compiled(long_chain, 2, normal(2**13, 2**8)))


@pytest.mark.usefixtures("no_variables")
def test_a_variable_does_not_replace_threadpoolctl(monkeypatch):
    """It may be one that NumPy's BLAS does not read, or be set after that was loaded."""
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    with threadpoolctl.threadpool_limits(2, user_api="blas"):
        assert threads.with_one_blas_thread(threads_of_blas)() == {1}


# --- the kernel -------------------------------------------------------------------------------------------------------


def test_every_turn_is_taken_once_with_the_memory_of_its_thread():
    taken = []
    share_turns(
        lambda numbers, name: taken.extend((i, name) for i in numbers), range(0, 70, 10), [("a",), ("b",), ("c",)]
    )
    assert sorted(taken) == [(0, "a"), (10, "a"), (20, "a"), (30, "b"), (40, "b"), (50, "b"), (60, "c")]


def test_errstate_reaches_all_threads():
    seen = []
    with np.errstate(over="ignore", divide="raise"):
        share_turns(lambda numbers: seen.append(np.geterr()), range(2), [(), ()])
    assert [each["divide"] for each in seen] == ["raise", "raise"]


@pytest.mark.parametrize("place", [0, 1])
def test_an_error_is_raised_after_all_threads_have_ended(place):
    ended, begin = [], threading.Barrier(2)

    def turns(numbers):
        begin.wait(5)
        if place in numbers:
            raise FloatingPointError(f"turn {place}")
        ended.append(list(numbers))

    with pytest.raises(FloatingPointError, match=f"turn {place}"):
        share_turns(turns, range(2), [(), ()])
    assert ended == [[1 - place]]


@pytest.fixture
def no_threads(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    helping_threads.cache_clear()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        yield patched


def test_where_no_thread_is_to_be_had_one_does_all(no_threads):
    """And what was meant for another is neither done later nor kept."""
    taken = []

    def turns(numbers, name):
        taken.extend((i, name) for i in numbers)

    known = weakref.ref(turns)
    share_turns(turns, range(4), [("a",), ("b",)])
    assert taken == [(0, "a"), (1, "a"), (2, "b"), (3, "b")]
    del turns
    gc.collect()
    assert known() is None
    no_threads.undo()
    helping_threads(1).submit(int).result(5)  # after all that was there before
    assert len(taken) == 4


def test_a_thread_that_is_late_finds_nothing_to_do():
    busy, taken = threading.Event(), []
    helping_threads(1).submit(busy.wait, 5)
    share_turns(lambda numbers, name: taken.extend((i, name) for i in numbers), range(4), [("a",), ("b",)])
    busy.set()
    helping_threads(1).submit(int).result(5)
    assert taken == [(0, "a"), (1, "a"), (2, "b"), (3, "b")]


def test_turns_may_share_turns_of_their_own():
    taken = []

    def outer(numbers):
        share_turns(lambda inner: taken.extend((*numbers, i) for i in inner), range(2), [(), ()])

    share_turns(outer, range(2), [(), ()])
    assert sorted(taken) == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_ctrl_c_is_raised_when_nobody_writes_any_more(monkeypatch):
    begin, end, ended = threading.Barrier(2), threading.Event(), []

    def turns(numbers):
        begin.wait(5)
        if threading.current_thread() is not threading.main_thread():
            assert end.wait(5)
            ended.append(list(numbers))

    def interrupt(helper, timeout=None):
        if not end.is_set():
            end.set()
            raise KeyboardInterrupt
        return wait(helper, timeout)

    wait = Future.exception
    monkeypatch.setattr(Future, "exception", interrupt)
    with pytest.raises(KeyboardInterrupt):
        share_turns(turns, range(2), [(), ()])
    assert len(ended) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
def test_in_a_forked_child():
    """Its parent's threads are not there; a child waits for none of them."""
    code = """
        import os, warnings
        import numpy as np, minigrad as mg
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of threads at a fork
        mg.use_threads(2)
        step = mg.compile(lambda x: mg.sqrt(mg.square(x * 2.0) + 1.0) - x)
        x = np.ones((2**11, 2**9), np.float32)
        expected = step(x).numpy().tobytes()
        assert "share_turns(" in step.source
        child = os.fork()
        if not child:
            os._exit(0 if step(x).numpy().tobytes() == expected else 1)
        assert os.waitpid(child, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_several_threads_may_run_programs_at_the_same_time():
    x = normal(2**13, 2**8)
    step = compiled(long_chain, 2, x)
    expected = step(x)[0].numpy().tobytes()
    found = []
    users = [threading.Thread(target=lambda: found.append(step(x)[0].numpy().tobytes())) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert found == [expected] * 4


def test_a_saved_script_has_one_thread_and_the_same_results(tmp_path):
    x = normal(2**13, 2**8)
    step = compiled(long_chain, 2, x)
    expected = step(x)[0].numpy().tobytes()
    step.save_source(tmp_path / "chain.py")
    assert "share_turns" not in (tmp_path / "chain.py").read_text("utf-8")
    code = """
        import sys
        sys.path.insert(0, sys.argv[1])
        import chain
        print(chain.step(chain.stored(chain.__file__, "arguments")["x"])[0].tobytes().hex()[:64])
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    run = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert run.stdout.strip() == expected.hex()[:64]


def test_a_profile_counts_shared_loops():
    step = compiled(long_chain, 2, normal(2**13, 2**8))
    assert any("⏎" in line.text for line in step.profile(50).lines)
