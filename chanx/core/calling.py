"""Calling a handler."""

from inspect import isawaitable
from typing import Any

from chanx.core.handlers import Handler
from chanx.messages.base import BaseMessage, Event


async def call_handler(owner: object, handler: Handler, message: Event) -> BaseMessage | None:
    """Run the method a handler names, coroutine function or not, and return the message it answers with.

    Raises ``TypeError`` if it returns anything but a message or None, and whatever the method raises.
    """
    result: Any = getattr(owner, handler.name)(message)
    if isawaitable(result):
        result = await result
    if result is None or isinstance(result, BaseMessage):
        return result
    raise TypeError(
        f"{type(owner).__name__}.{handler.name}() returned a {type(result).__name__}: return one message or None, "
        "and use send_message() to send several."
    )
