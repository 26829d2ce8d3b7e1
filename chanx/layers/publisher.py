"""What every synchronous publisher promises: users' mistakes raise, delivery trouble never does."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NoReturn

from chanx.layers.names import valid_channel_name, valid_group_name
from chanx.layers.payload import checked_message
from chanx.log import log_throttled
from chanx.utils.process import PerProcess


class DeliveryFailed(Exception):
    """A backend could not hand a message over. It never leaves the publisher, which counts and logs it."""


class Publisher(ABC):
    """Puts messages onto a channel layer from synchronous code, and never costs the caller more than half a second.

    Thread-safe and fork-safe, and allowed inside a running event loop. A message reaches whoever listens now, at most
    once; nobody may be listening. When the layer cannot be reached, the message is dropped, counted in ``failures`` and
    logged at most once in 30 seconds; nothing is raised, and for about a second the next calls return at once.

    A backend implements ``_group_send`` and ``_send``: they get valid names and a dict with a ``type``, raise
    ``PublisherError`` for a message that the layer cannot carry, and ``DeliveryFailed`` for whatever else is wrong.
    """

    channel_prefix = ""
    """What the layer puts before its channel names, of whatever characters."""

    def __init__(self) -> None:
        self._failures = PerProcess(_FailureCount)

    @property
    def failures(self) -> int:
        """How many messages this process could not hand over to the layer."""
        return self._failures.get().count

    def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        """Send ``message`` to all members of ``group``.

        Raises ``InvalidNameError`` for the name, and ``PublisherError`` for a message without a ``type`` or with
        values that are no JSON data.
        """
        name, plain = valid_group_name(group), checked_message(message)
        try:
            self._group_send(name, plain)
        except DeliveryFailed as error:
            self._count_failure(name, error)

    def send(self, channel: str, message: Mapping[str, Any]) -> None:
        """Send ``message`` to one connection's own ``channel``. Raises as ``group_send`` does."""
        name, plain = valid_channel_name(channel, prefix=self.channel_prefix), checked_message(message)
        try:
            self._send(name, plain)
        except DeliveryFailed as error:
            self._count_failure(name, error)

    @abstractmethod
    def close(self) -> None:
        """Let go of this process's connections. Publishing again opens new ones."""

    @abstractmethod
    def _group_send(self, group: str, message: dict[str, Any]) -> None: ...

    @abstractmethod
    def _send(self, channel: str, message: dict[str, Any]) -> None: ...

    def _count_failure(self, name: str, error: BaseException) -> None:
        count = self._failures.get().add()
        log_throttled(
            "publish_failed", key=id(self), publisher=type(self).__name__, name=name, error=str(error), failures=count
        )

    def __reduce__(self) -> NoReturn:
        raise TypeError("A publisher holds connections and cannot be pickled: pass the LayerSpec instead.")


class _FailureCount:
    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.RLock()

    def add(self) -> int:
        with self._lock:
            self.count += 1
            return self.count
