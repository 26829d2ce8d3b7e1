"""What a log record is about: the job and the task in a worker, the connection on the site.

run, or connection, begins ─> bind ─> every record logged until it ends ─> ContextFilter, or structlog's processor

Threads that a task starts by itself do not inherit it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from contextvars import ContextVar, Token
from typing import Any, Final, TypeAlias, cast

NAMES: Final = ("job_id", "task_id", "connection")

Values: TypeAlias = tuple[tuple[str, str], ...]
"""Names and values: half the memory of a dict, of which each connection would have one."""

_bound: ContextVar[Values] = ContextVar("chanx_log_context", default=())


def bind(**values: str) -> Token[Values]:
    """From now on records carry these ``values`` too, until :func:`unbind` is called with the token."""
    return _bound.set(tuple({**dict(_bound.get()), **values}.items()))


def unbind(token: Token[Values]) -> None:
    """Back to what was bound before."""
    with suppress(ValueError):  # bound in another context: nothing of it is left here
        _bound.reset(token)


class ContextFilter(logging.Filter):
    """Gives each record the attributes ``job_id``, ``task_id`` and ``connection``; for a handler, or a logger.

    ``default`` is what they are where there is none. What a record says itself, by ``extra=`` or as one of chanx's own
    events, goes before what is bound. It lets every record pass.
    """

    def __init__(self, default: str | None = "-") -> None:
        super().__init__()
        self._default = default

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by the handler, in the thread that logs."""
        bound = dict(_bound.get())
        said: object = getattr(record, "values", None)
        own: Mapping[str, Any] = cast("Mapping[str, Any]", said) if isinstance(said, dict) else {}
        for name in NAMES:
            if not hasattr(record, name):
                setattr(record, name, own.get(name) or bound.get(name) or self._default)
        return True


def add_log_context(logger: object, method_name: str, event_dict: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The same as a processor of structlog: adds what is bound, and leaves out what is not."""
    for name, value in _bound.get():
        event_dict.setdefault(name, value)
    return event_dict
