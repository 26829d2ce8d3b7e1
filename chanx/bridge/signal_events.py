"""Celery's signals as events of the user's own, for consumers."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, TypeAlias

from celery import Celery
from celery.utils.dispatch import Signal

from chanx.bridge.context import JobContext
from chanx.bridge.reach import Reach
from chanx.bridge.scope import current_scope
from chanx.bridge.transports.base import JobTransport
from chanx.core.failures import log_failure
from chanx.log import log_throttled
from chanx.messages.base import BaseMessage

SignalEvent: TypeAlias = Callable[..., BaseMessage | tuple[BaseMessage, Collection[str] | str] | None]
"""Makes an event, or an event and its groups, of what a signal carries."""


def connect_event(app: Celery, transport: JobTransport, signal: Signal, wanted: object, function: SignalEvent) -> None:
    """Connects ``function``, for the senders of ``app`` that are ``wanted`` (a task or its name; None: all)."""
    wanted_name = _name_of(wanted)

    def receive(sender: Any = None, **named: Any) -> None:
        try:
            if _is_of(app, sender) and wanted_name in {None, _name_of(sender), _name_of(named.get("request"))}:
                _send(transport, function, function(sender=sender, **named), named.get("request"))
        except Exception as error:  # a user's code within Celery's: neither may suffer
            log_failure("signal_event_failed", error, function=repr(function))

    signal.connect(receive, weak=False)


def _send(
    transport: JobTransport,
    function: SignalEvent,
    made: BaseMessage | tuple[BaseMessage, Collection[str] | str] | None,
    request: Any,
) -> None:
    if made is None:
        return
    event, groups = made if isinstance(made, tuple) else (made, ())
    context = _context(request)
    if context is None and not groups:
        log_throttled("signal_event_to_nobody", key=id(function), function=repr(function), fix="return event, groups")
        return
    Reach(transport, context or JobContext("", "", "")).notify(event, groups=groups)


def _context(request: Any) -> JobContext | None:
    scope = current_scope()
    if scope is not None:
        return scope.context
    headers = getattr(request, "headers", None) or getattr(request, "request_dict", None)
    return JobContext.from_headers(headers)


def _is_of(app: Celery, sender: Any) -> bool:
    """Whether a signal is of this app, as far as its sender tells: a task, a worker, or a task's name."""
    if isinstance(sender, str):
        return sender in app.tasks
    of = getattr(sender, "app", app)
    return bool(of == app)


def _name_of(task: Any) -> str | None:
    return task if isinstance(task, str) else getattr(task, "name", None)
