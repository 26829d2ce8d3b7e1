"""Awaiting a coroutine in the current task, but in context variables of its own."""

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from types import coroutine
from typing import Any, TypeVar

_Result = TypeVar("_Result")


@coroutine
def in_own_context(
    coro: Coroutine[Any, Any, _Result], on_wait: Callable[[], None], context: Context | None = None
) -> Generator[Any, None, _Result]:
    """Await ``coro`` in ``context``, by default a copy of the current one, as a task of its own would have it.

    It costs no task. ``on_wait`` is called, in the outer context, before the coroutine waits for the first time: never,
    if it comes to its end without waiting.
    """
    run = (context or copy_context()).run
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


@coroutine
def resumed(coro: Coroutine[Any, Any, _Result], awaited: Any) -> Generator[Any, None, _Result]:
    """Await what is left of ``coro``, which was begun by ``coro.send(None)`` and has yielded ``awaited``."""
    try:
        while True:
            try:
                yield awaited
            except BaseException as error:
                awaited = coro.throw(error)
            else:
                awaited = coro.send(None)
    except StopIteration as end:
        result: _Result = end.value
        return result
