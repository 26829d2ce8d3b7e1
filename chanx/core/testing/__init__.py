"""Testing consumers: a client of one connection, and captures of what is broadcast; a flavour adds its own part."""

from chanx.core.testing.captures import (
    CapturedBroadcastEvent,
    CapturedTopicBroadcast,
    capture_broadcast_events,
    capture_topic_broadcasts,
)
from chanx.core.testing.communicator import WebsocketCommunicatorMixin

__all__ = [
    "CapturedBroadcastEvent",
    "CapturedTopicBroadcast",
    "WebsocketCommunicatorMixin",
    "capture_broadcast_events",
    "capture_topic_broadcasts",
]
