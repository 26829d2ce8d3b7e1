"""What every synchronous publisher promises: users' mistakes raise, delivery trouble never does.

group_send, send ─> _encode ─┬──────────────────────────────> _deliver ─> FailureReports
                             └> the caller's batch ─ its end ─┘
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from chanx.errors import EventTooLargeError
from chanx.layers.batch import Batches, Parcel
from chanx.layers.failures import FailureHook, FailureReports, Kind, PublishFailure
from chanx.layers.names import valid_channel_name, valid_group_name
from chanx.layers.payload import checked_message, event_name
from chanx.layers.spec import MAX_EVENT_BYTES

_Hook = TypeVar("_Hook", bound=FailureHook)


class Publisher(ABC):
    """Puts messages onto a channel layer from synchronous code, and never costs the caller more than half a second.

    Thread-safe and fork-safe, and allowed inside a running event loop. A message reaches whoever listens now, at most
    once; nobody may be listening. When the layer cannot be reached, the message is dropped, counted in ``failures``,
    logged at most once in 30 seconds and given to the hooks of ``on_failure``; nothing is raised. A layer that refuses
    is left alone for a second, in which the next calls return at once; one that is slow, not before it has answered
    nobody for half a second: that costs a caller a second at most.

    A backend implements ``_encode`` (called at once) and ``_deliver`` (for one message or a batch).
    """

    channel_prefix = ""
    """What the layer puts before its channel names, of whatever characters."""

    max_event_bytes: int = MAX_EVENT_BYTES
    """The largest message, in bytes on the wire, without what the layer itself adds. A larger one raises."""

    def __init__(self) -> None:
        self._reports = FailureReports(type(self).__name__)
        self._batches = Batches()

    @property
    def failures(self) -> int:
        """How many messages this process could not hand over to the layer."""
        return self._reports.failures

    @property
    def over_capacity(self) -> int:
        """How often a server process missed a group's message because its queue in the layer was full.

        Only the core layer has such queues, and only the publisher for it learns of them.
        """
        return self._reports.over_capacity

    def on_failure(self, hook: _Hook) -> _Hook:
        """Have ``hook`` called with a ``PublishFailure`` for each message that is lost; usable as a decorator.

        It is called in the thread that published, so it should be quick: count, do not send. What it raises is logged.
        """
        self._reports.hooks.append(hook)
        return hook

    def group_send(self, group: str, message: Mapping[str, Any]) -> None:
        """Send ``message`` to all members of ``group``.

        Raises ``InvalidNameError`` for the name, ``PublisherError`` for a message without a ``type`` or with values
        that are no JSON data, and ``EventTooLargeError`` for one over ``max_event_bytes``.
        """
        self._publish("group", valid_group_name(group), message)

    def send(self, channel: str, message: Mapping[str, Any]) -> None:
        """Send ``message`` to one connection's own ``channel``. Raises as ``group_send`` does."""
        self._publish("channel", valid_channel_name(channel, prefix=self.channel_prefix), message)

    @contextmanager
    def batch(self) -> Generator[None]:
        """Hold back what the caller publishes in the block, and send it at its end in one round trip for each server.

        The order stays. Mistakes still raise at once. What was published before an exception in the block goes out all
        the same; a block inside another adds to the outer one. The batch is that of the thread (greenlet, asyncio
        task) that opened it: what others publish meanwhile goes out at once. More than 1000 messages, or 1 MiB, go out
        in several parts.
        """
        batch = self._batches.begin()
        try:
            yield
        finally:
            if batch is not None:
                self._hand_over(self._batches.end(batch))

    def refuse_too_large(self, message: Mapping[str, Any], size: int) -> None:
        """Raise ``EventTooLargeError`` for a message that is over ``max_event_bytes`` with its ``size``.

        For who sends through the layer itself: ``group_send`` and ``send`` do it.
        """
        if size > self.max_event_bytes:
            raise EventTooLargeError(
                f"The event {event_name(message)!r} is {size} bytes, over the {self.max_event_bytes} of "
                "max_event_bytes, and was sent to nobody. Send it in parts, or send where the client can fetch it."
            )

    @abstractmethod
    def close(self) -> None:
        """Let go of this process's connections. Publishing again opens new ones."""

    @abstractmethod
    def _encode(self, kind: Kind, name: str, message: dict[str, Any]) -> tuple[Any, int]:
        """What ``_deliver`` needs of a message with a ``type``, for a valid name, and its size in bytes.

        The sender may change the message afterwards. Raises ``PublisherError`` if the layer cannot carry it.
        """

    @abstractmethod
    def _deliver(self, parcels: Sequence[Parcel]) -> Iterable[PublishFailure]:
        """Hand parcels over in their order; returns what failed, whatever was wrong."""

    def _publish(self, kind: Kind, name: str, message: Mapping[str, Any]) -> None:
        plain = checked_message(message)
        content, size = self._encode(kind, name, plain)
        self.refuse_too_large(plain, size)
        parcel = Parcel(kind, name, plain, content, size)
        batch = self._batches.current()
        self._hand_over((parcel,) if batch is None else batch.add(parcel))

    def _hand_over(self, parcels: Sequence[Parcel]) -> None:
        if parcels:
            for failure in self._deliver(parcels):
                self._reports.report(failure)

    def __reduce__(self) -> NoReturn:
        raise TypeError("A publisher holds connections and cannot be pickled: pass the LayerSpec instead.")


def failure_of(parcel: Parcel, reason: str, *, over_capacity: int = 0) -> PublishFailure:
    """The failure of a parcel."""
    return PublishFailure(parcel.kind, parcel.name, parcel.message, reason, over_capacity)
