"""Capturing what code under test broadcasts, to look at instead of, or besides, sending it."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chanx.core.events import Eventful
from chanx.core.testing.tap import Watcher, watched
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage, Event


@dataclass(frozen=True, slots=True)
class CapturedBroadcastEvent:
    """One call of ``broadcast_event`` or ``broadcast_event_sync``, with the arguments exactly as passed."""

    event: Event
    groups: Collection[str] | str | None


@dataclass(frozen=True, slots=True)
class CapturedTopicBroadcast:
    """One call of a topic's ``broadcast`` or ``broadcast_sync``, with the arguments exactly as passed."""

    topic: str
    event: BaseMessage
    seq: int | None


@contextmanager
def capture_broadcast_events(
    consumer: type[Eventful[Any]], suppress: bool = True
) -> Generator[list[CapturedBroadcastEvent]]:
    """Collect what the block, and everything that runs meanwhile in any thread, broadcasts with this consumer class.

    Subclasses count as well. With ``suppress`` nothing is sent, so no channel layer is needed. Captures nest: each of
    them sees every call, and it is sent only if none suppresses it::

        with capture_broadcast_events(ChatConsumer) as captured:
            client.post("/posts/", {"title": "Hello"})
        assert captured[0].event == NewPostEvent(payload="Hello")
        assert captured[0].groups == ["news"]
    """
    captured: list[CapturedBroadcastEvent] = []

    def record(event: Event, groups: Collection[str] | str | None = None, **_options: Any) -> None:
        captured.append(CapturedBroadcastEvent(event, groups))

    with watched(consumer, ("broadcast_event", "broadcast_event_sync"), Watcher(record, suppress)):
        yield captured


@contextmanager
def capture_topic_broadcasts(
    topic_class: type[Topic], suppress: bool = True
) -> Generator[list[CapturedTopicBroadcast]]:
    """Collect what is broadcast with this topic class, in the way of ``capture_broadcast_events``."""
    captured: list[CapturedTopicBroadcast] = []

    def record(topic: str, event: BaseMessage, *, seq: int | None = None, **_options: Any) -> None:
        captured.append(CapturedTopicBroadcast(topic, event, seq))

    with watched(topic_class, ("broadcast", "broadcast_sync"), Watcher(record, suppress)):
        yield captured
