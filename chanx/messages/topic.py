"""The messages that open and close a topic on a connection."""

from typing import Any, Literal

from chanx.messages.base import BaseMessage


class SubscribeMessage(BaseMessage):
    """Asks for a topic; what the payload may hold is the topic's own business."""

    action: Literal["subscribe"] = "subscribe"
    payload: Any = None


class SubscribedMessage(BaseMessage):
    """The topic is open; the payload is what ``Topic.subscribed_payload`` returned."""

    action: Literal["subscribed"] = "subscribed"
    payload: Any = None


class UnsubscribeMessage(BaseMessage):
    """Asks to leave a topic."""

    action: Literal["unsubscribe"] = "unsubscribe"
    payload: Any = None


class UnsubscribedMessage(BaseMessage):
    """The topic is closed, or was never open."""

    action: Literal["unsubscribed"] = "unsubscribed"
    payload: Any = None
