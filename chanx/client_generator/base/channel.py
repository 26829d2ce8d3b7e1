"""What stands behind a topic on this side, for the subscriptions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Protocol, TypeAlias

from .messages import Frame

Token: TypeAlias = str | Callable[[], str | Awaitable[str]] | None
"""A signed token, or a function that is asked for one whenever the client subscribes."""


class Channel(Protocol):
    """What stands behind a topic on this side.

    ``hears_while_asking``: whether frames before the answer to a repeated ``subscribe`` count. ``subscribed`` is also
    called with what was not asked for, when the server starts over. ``refused`` gets the payload of the error; after
    it, and ``failed``, the channel is not subscribed any more. ``trouble`` gets that of an error after which the client
    tries again.
    """

    @property
    def topic(self) -> str: ...

    hears_while_asking: ClassVar[bool]

    def token(self) -> Token: ...

    def payload(self, token: str | None) -> Any: ...

    def subscribed(self, payload: Any) -> None: ...

    def frame(self, frame: Frame) -> None: ...

    def lost(self) -> None: ...

    def refused(self, payload: Any) -> None: ...

    def trouble(self, payload: Any) -> None: ...

    def failed(self, error: Exception) -> None: ...
