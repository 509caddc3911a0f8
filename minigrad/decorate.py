"""Decorating with a block: the body of a function runs inside of it, and never its caller.

In come what makes the context manager and a function, out goes a function of the same kind. That of a generator would
leave the block open while its consumer runs, so it gets a context of its own (`contextvars`).
"""

from __future__ import annotations

import contextvars
import functools
import inspect
import types
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])
Enter = Callable[[], AbstractContextManager[Any]]


def decorate(enter: Enter, function: F) -> F:
    """`function` with `with enter():` around each call; for generators, around what they do and not what they yield to.

    >>> from contextlib import nullcontext
    >>> @functools.partial(decorate, nullcontext)
    ... def count(stop):
    ...     yield from range(stop)
    >>> list(count(3)), inspect.isgeneratorfunction(count)
    ([0, 1, 2], True)
    """
    wrap = next((wrap for is_kind, wrap in _KINDS if is_kind(function)), _wrap_function)
    return cast(F, functools.wraps(function)(wrap(enter, function)))


def _wrap_function(enter: Enter, function: Callable[..., Any]) -> Callable[..., Any]:
    def inside(*args: Any, **kwargs: Any) -> Any:
        with enter():
            return function(*args, **kwargs)

    return inside


def _wrap_coroutine(enter: Enter, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def inside(*args: Any, **kwargs: Any) -> Any:
        with _enter_context(enter) as context:
            return await _await_in(function(*args, **kwargs), context)

    return inside


def _wrap_generator(enter: Enter, function: Callable[..., Any]) -> Callable[..., Generator[Any, Any, Any]]:
    def inside(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with _enter_context(enter) as context:
            return (yield from _run_steps(function(*args, **kwargs), context))

    return inside


def _wrap_async_generator(
    enter: Enter, function: Callable[..., AsyncGenerator[Any, Any]]
) -> Callable[..., AsyncGenerator[Any, Any]]:
    async def inside(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with _enter_context(enter) as context:
            body = function(*args, **kwargs)
            step: Awaitable[Any] = body.asend(None)
            while True:
                try:
                    value = await _await_in(step, context)
                except StopAsyncIteration:
                    return
                finally:
                    del step  # an exception in it would keep this frame alive
                try:
                    step = body.asend((yield value))
                except GeneratorExit:
                    await _await_in(body.aclose(), context)
                    raise
                except BaseException as error:
                    step = body.athrow(error)

    return inside


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Enter, Callable[..., Any]], Callable[..., Any]]], ...] = (
    (inspect.isgeneratorfunction, _wrap_generator),
    (inspect.isasyncgenfunction, _wrap_async_generator),
    (inspect.iscoroutinefunction, _wrap_coroutine),
)


@contextmanager
def _enter_context(enter: Enter) -> Iterator[contextvars.Context]:
    """A copy of the present context, inside of the block."""
    context, block = contextvars.copy_context(), enter()
    context.run(block.__enter__)
    try:
        yield context
    except BaseException as error:
        if not context.run(block.__exit__, type(error), error, error.__traceback__):
            raise
    else:
        context.run(block.__exit__, None, None, None)


@types.coroutine
def _await_in(awaitable: Awaitable[Any], context: contextvars.Context) -> Generator[Any, Any, Any]:
    return (yield from _run_steps(awaitable.__await__(), context))


def _run_steps(generator: Generator[Any, Any, Any], context: contextvars.Context) -> Generator[Any, Any, Any]:
    """What `generator` yields, is sent and returns, each of its steps taken in `context`."""
    step = functools.partial(generator.send, None)
    while True:
        try:
            value = context.run(step)
        except StopIteration as end:
            return end.value
        finally:
            del step  # an exception in it would keep this frame alive
        try:
            step = functools.partial(generator.send, (yield value))
        except GeneratorExit:
            context.run(generator.close)
            raise
        except BaseException as error:
            step = functools.partial(generator.throw, error)
