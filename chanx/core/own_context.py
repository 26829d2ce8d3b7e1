"""Awaiting a coroutine in the current task, but in context variables of its own."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import copy_context
from types import coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


@coroutine
def in_own_context(coro: Coroutine[Any, Any, _Result], on_wait: Callable[[], None]) -> Generator[Any, None, _Result]:
    """Await ``coro`` in a copy of the context, as a task of its own would have it, without the cost of one.

    ``on_wait`` is called, in the outer context, before the coroutine waits for the first time: never, if it comes to
    its end without waiting.
    """
    run = copy_context().run
    try:
        awaited = run(coro.send, None)
        on_wait()
        while True:
            try:
                yield awaited
            except BaseException as error:  # a cancellation above all
                awaited = run(coro.throw, error)
            else:
                awaited = run(coro.send, None)
    except StopIteration as end:
        result: _Result = end.value
        return result
