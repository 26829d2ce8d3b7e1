"""Calling a handler."""

import time
from collections.abc import Coroutine
from inspect import isawaitable
from typing import Any

from chanx.core.handlers import Handler
from chanx.core.refusal import TopicRefused
from chanx.core.stray_cancellation import as_failure
from chanx.messages.base import BaseMessage, Event, action_of
from chanx.metrics import HANDLER_DURATION, HANDLER_ERRORS
from chanx.telemetry import OBSERVERS, SpanStart, measure, span


def call_handler(owner: object, handler: Handler, message: Event) -> Coroutine[Any, Any, BaseMessage | None]:
    """Run the method a handler names, coroutine function or not, and return the message it answers with.

    Raises ``TypeError`` if it returns anything but a message or None, and whatever the method raises. A cancellation
    that is not this task's own (the method awaited something that was cancelled) is a failure of the method, and so is
    an error that is no ``Exception``.
    """
    return _observed_call(owner, handler, message) if OBSERVERS else _call(owner, handler, message)


async def _observed_call(owner: object, handler: Handler, message: Event) -> BaseMessage | None:
    """Measures the call. A client's message has a span; an event, which goes to many clients, has not."""
    kind, action = handler.info.kind, action_of(message)
    attributes: dict[str, str | bool | int] = {
        "chanx.consumer": type(owner).__name__,
        "chanx.action": action,
        "chanx.kind": kind,
    }
    began = time.perf_counter()
    try:
        if kind != "message":
            return await _call(owner, handler, message)
        with span(SpanStart(f"handle {action}", attributes=dict(attributes)), no_failures=(TopicRefused,)):
            return await _call(owner, handler, message)
    except TopicRefused:
        raise
    except Exception as error:
        attributes["error.type"] = type(error).__name__
        measure(HANDLER_ERRORS, 1, attributes)
        raise
    finally:
        measure(HANDLER_DURATION, time.perf_counter() - began, attributes)


async def _call(owner: object, handler: Handler, message: Event) -> BaseMessage | None:
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
