"""A decorated function of each kind: its body is inside of the block, and whoever calls it never is."""

import asyncio
import gc
import inspect
import types
import weakref
from contextlib import suppress

import pytest

import minigrad as mg
from minigrad import Tensor
from minigrad.decorate import decorate


def records() -> bool:
    return (Tensor(1.0, requires_grad=True) * 2.0).requires_grad


def scope_here() -> str:
    return (Tensor(1.0, requires_grad=True) * 2.0).scope


@mg.no_grad()
def plain(observe):
    """What it says."""
    return observe()


@mg.no_grad()
def generator(*observers):
    for observe in observers:
        yield observe()
    return "end"


@mg.no_grad()
async def coroutine(observe):
    await asyncio.sleep(0)
    result = observe()
    await asyncio.sleep(0)
    return result


@mg.no_grad()
async def async_generator(*observers):
    for observe in observers:
        await asyncio.sleep(0)
        yield observe()


def test_C1_a_decorator_keeps_the_kind_and_the_name():
    assert plain.__name__ == "plain"
    assert plain.__doc__ == "What it says."
    assert not inspect.isgeneratorfunction(plain)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isasyncgenfunction(async_generator)


def test_C1_a_decorated_function_enters_per_call():
    @mg.no_grad()
    def evaluate(depth):
        return records() if depth == 0 else evaluate(depth - 1)

    assert evaluate(3) is False
    assert records()


def test_C1_a_decorated_generator_is_isolated_from_its_consumer():
    seen = []
    for inside in generator(records, records, records):
        seen.append((inside, records()))
    assert seen == [(False, True)] * 3
    assert records()


def test_C1_two_decorated_generators_interleaved_keep_their_modes():
    def steps(name):
        @mg.scope(name)
        def walk():
            with mg.scope("inner"):
                yield scope_here()
                yield scope_here()
            yield scope_here()

        return walk()

    with mg.scope("consumer"):
        pairs = list(zip(steps("a"), steps("b"), strict=True))
        assert scope_here() == "consumer"
    assert pairs == [("consumer/a/inner", "consumer/b/inner")] * 2 + [("consumer/a", "consumer/b")]


def test_C1_a_decorated_generator_receives_what_is_sent_and_thrown_and_returns():
    log = []

    @mg.no_grad()
    def dialogue():
        try:
            log.append((yield "first"))
            yield records()
        except ValueError as error:
            log.append(str(error))
            yield records()
        finally:
            log.append(records())
        return "result"

    def outer():
        return (yield from dialogue())

    talk = outer()
    assert next(talk) == "first"
    assert talk.send("sent") is False
    assert talk.throw(ValueError("thrown")) is False
    with pytest.raises(StopIteration) as end:
        next(talk)
    assert end.value.value == "result"
    assert log == ["sent", "thrown", False]

    talk = dialogue()
    next(talk)
    talk.close()
    assert log[3:] == [False]
    assert records()


@pytest.mark.deep
def test_C1_an_error_passes_through_a_decorated_generator_and_nothing_stays_behind():
    @mg.no_grad()
    def failing(x):
        yield
        raise KeyError(x.item())

    def run():
        x = Tensor(1.0)
        steps = failing(x)
        next(steps)
        try:
            next(steps)
        except KeyError as error:
            return weakref.ref(x), str(error)
        raise AssertionError

    gc.collect()
    gc.disable()
    try:
        watched, message = run()
        assert message == "1.0"
        assert watched() is None
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert records()


def test_C1_an_error_at_hand_elsewhere_does_not_reach_the_block():
    entered = []

    class Block:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, kind, error, trace):
            entered.append(kind)
            return kind is StopAsyncIteration

    def count(stop):
        yield from range(stop)
        if stop > 1:
            raise LookupError

    steps = decorate(Block, count)
    try:
        raise RuntimeError
    except RuntimeError:
        assert list(steps(1)) == [0]
    with pytest.raises(LookupError):
        list(steps(2))
    assert entered == ["in", None, "in", LookupError]


def test_C1_a_block_that_takes_an_error_ends_the_generator():
    def failing():
        yield 1
        raise LookupError

    assert list(decorate(lambda: suppress(LookupError), failing)()) == [1]


def test_C1_decorated_coroutines_are_isolated_from_each_other():
    async def both():
        return [*await asyncio.gather(coroutine(records), undecorated()), records()]

    async def undecorated():
        await asyncio.sleep(0)
        return records()

    assert asyncio.run(both()) == [False, True, True]


def test_C1_a_coroutine_driven_by_hand_does_not_leak():
    @types.coroutine
    def pause():
        yield "paused"

    @mg.no_grad()
    async def work():
        await pause()
        return records()

    running = work()
    assert running.send(None) == "paused"
    assert records()
    with pytest.raises(StopIteration) as end:
        running.send(None)
    assert end.value.value is False


def test_C1_a_decorated_async_generator_is_isolated_from_its_consumer():
    async def consume():
        return [(inside, records()) async for inside in async_generator(records, records)]

    assert asyncio.run(consume()) == [(False, True)] * 2


def test_C1_a_decorated_async_generator_receives_what_is_sent_and_thrown():
    log = []

    @mg.no_grad()
    async def dialogue():
        try:
            log.append((yield "first"))
            yield records()
        except ValueError as error:
            log.append(str(error))
            yield records()
        finally:
            await asyncio.sleep(0)
            log.append(records())

    async def talk():
        steps = dialogue()
        assert await anext(steps) == "first"
        assert await steps.asend("sent") is False
        assert await steps.athrow(ValueError("thrown")) is False
        with pytest.raises(StopAsyncIteration):
            await anext(steps)
        steps = dialogue()
        await anext(steps)
        await steps.aclose()
        steps = dialogue()
        await anext(steps)
        with pytest.raises(KeyError):
            await steps.athrow(KeyError("unknown"))
        return records()

    assert asyncio.run(talk()) is True
    assert log == ["sent", "thrown", False, False, False]


def test_C1_cancelling_a_decorated_coroutine_leaves_its_block():
    log = []

    @mg.no_grad()
    async def waiting():
        try:
            await asyncio.sleep(10)
        finally:
            log.append(records())

    async def cancel():
        task = asyncio.create_task(waiting())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return records()

    assert asyncio.run(cancel()) is True
    assert log == [False]
