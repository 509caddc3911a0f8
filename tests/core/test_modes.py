"""Modes belong to the thread, and come back whatever happens."""

import asyncio
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import GraphError, Tensor


def requires_grad() -> bool:
    return (Tensor(1.0, requires_grad=True) * 2.0).requires_grad


def test_C1_no_grad_in_one_thread_leaves_the_other_recording():
    seen = []
    with mg.no_grad():
        thread = threading.Thread(target=lambda: seen.append(requires_grad()))
        thread.start()
        thread.join()
        assert not requires_grad()
    assert seen == [True]
    assert requires_grad()


def test_C1_async_tasks_do_not_see_each_other():
    async def off():
        with mg.no_grad():
            await asyncio.sleep(0.01)
            return requires_grad()

    async def on():
        await asyncio.sleep(0.005)
        return requires_grad()

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
    mg.core.modes.set_mode(mg.core.modes.Mode())


def test_an_exception_restores_the_mode():
    with pytest.raises(RuntimeError), mg.no_grad(), mg.scope("a"):
        raise RuntimeError
    assert requires_grad()


def test_a_decorator_enters_per_call():
    @mg.no_grad()
    def evaluate(depth):
        return requires_grad() if depth == 0 else evaluate(depth - 1)

    assert evaluate(3) is False
    assert requires_grad()


def test_scopes_nest():
    with mg.scope("model"), mg.scope("attention"):
        assert (Tensor(1.0, requires_grad=True) * 2.0).scope == "model/attention"


def test_C2_concurrent_grad_equals_serial():
    w = Tensor(np.random.default_rng(0).standard_normal((4, 4)), requires_grad=True)

    def gradient(i):
        return mg.grad((mg.softmax(w * float(i)) * w).sum(), w).numpy().tobytes()

    serial = [gradient(i) for i in range(50)]
    results: dict[int, list[bytes]] = {}
    threads = [
        threading.Thread(target=lambda k=k: results.update({k: [gradient(i) for i in range(50)]})) for k in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(results[k] == serial for k in range(4))


def test_random_operations_need_a_generator():
    with pytest.raises(GraphError, match=r"with minigrad\.generator\(numpy\.random\.default_rng\(0\)\):"):
        mg.dropout(Tensor([1.0]), 0.5)
    with pytest.raises(TypeError, match="RandomState"):
        mg.generator(np.random.RandomState(0))
    with mg.generator(np.random.default_rng(0)):
        first = mg.dropout(np.ones(100), 0.5)
    np.testing.assert_array_equal(first, mg.dropout(np.ones(100), 0.5, np.random.default_rng(0)))
