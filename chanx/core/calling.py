"""Calling a handler."""

from inspect import isawaitable
from typing import Any

from chanx.core.handlers import Handler
from chanx.core.stray_cancellation import as_failure
from chanx.messages.base import BaseMessage, Event


async def call_handler(owner: object, handler: Handler, message: Event) -> BaseMessage | None:
    """Run the method a handler names, coroutine function or not, and return the message it answers with.

    Raises ``TypeError`` if it returns anything but a message or None, and whatever the method raises. A cancellation
    that is not this task's own (the method awaited something that was cancelled) is a failure of the method, and so is
    an error that is no ``Exception``.
    """
    try:
        result: Any = getattr(owner, handler.name)(message)
        if isawaitable(result):
            result = await result
    except BaseException as error:
        if (failure := as_failure(f"{type(owner).__name__}.{handler.name}()", error)) is None:
            raise
        raise failure from error
    if result is None or isinstance(result, BaseMessage):
        return result
    raise TypeError(
        f"{type(owner).__name__}.{handler.name}() returned a {type(result).__name__}: return one message or None, "
        "and use send_message() to send several."
    )
