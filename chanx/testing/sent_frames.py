"""Seeing every frame that any consumer of the process sends, from any thread, for as long as somebody watches.

It costs nothing otherwise: only while there is a watcher, the class reads a connection's ``base_send`` through a
descriptor, below everything that sends (handlers, topics, job streams, broadcasts, the framework's own ``send``).
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from chanx.core.connection import Connection

Watch: TypeAlias = Callable[[Connection, dict[str, Any]], None]
"""Called with the connection and each ASGI message, before it is sent. It must not raise."""

_NAME: Final = "base_send"
_lock = threading.Lock()


def watch_sends(watch: Watch) -> None:
    """Let ``watch`` see what is sent from now on, also on connections that are open already."""
    with _lock:
        send = vars(Connection).get(_NAME)
        if not isinstance(send, _WatchedSend):
            send = _WatchedSend()
            setattr(Connection, _NAME, send)
        send.watchers += (watch,)


def unwatch_sends(watch: Watch) -> None:
    """End that. Without watchers nothing is left of it."""
    with _lock:
        send = vars(Connection).get(_NAME)
        if isinstance(send, _WatchedSend):
            send.watchers = tuple(other for other in send.watchers if other != watch)
            if not send.watchers:
                delattr(Connection, _NAME)


class _WatchedSend:
    """Stands for the attribute of every connection; the instances keep their own value as before."""

    def __init__(self) -> None:
        self.watchers: tuple[Watch, ...] = ()

    def __get__(self, connection: Connection | None, owner: type) -> Any:
        if connection is None:
            return self
        try:
            send: Callable[[dict[str, Any]], Awaitable[None]] = vars(connection)[_NAME]
        except KeyError:
            raise AttributeError(_NAME) from None

        async def watched(message: dict[str, Any]) -> None:
            for watch in self.watchers:
                watch(connection, message)
            await send(message)

        return watched

    def __set__(self, connection: Connection, value: Any) -> None:
        vars(connection)[_NAME] = value
