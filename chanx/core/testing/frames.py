"""Making typed messages of the frames a client receives."""

from typing import Any, Final, cast

from pydantic_core import to_json

from chanx.core.adapters import tagged_union
from chanx.core.envelope import message_part
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage
from chanx.messages.topic import SubscribedMessage, UnsubscribedMessage

Consumer = type[ChanxWebsocketConsumerMixin[Any]]

_CONTROL_REPLIES: Final = {"subscribed", "unsubscribed"}
_control_adapter: Final = tagged_union([SubscribedMessage, UnsubscribedMessage])


def action_of(consumer: Consumer, frame: Any) -> Any:
    """The action of a frame, or None if it has none."""
    return _value(frame, "action")


def typed(consumer: Consumer, frame: Any) -> BaseMessage:
    """A frame as the message its consumer, or the topic it is addressed by, declares; else ``ValidationError``."""
    topic = _value(frame, "topic")
    if isinstance(topic, str):
        for topic_class in consumer.topics:
            if topic_class.parse(topic) is not None:
                return typed_of_topic(consumer, topic_class, frame)
    return consumer.outgoing_message_adapter.validate_json(to_json(frame))


def typed_of_topic(consumer: Consumer, topic_class: type[Topic], frame: dict[str, Any]) -> BaseMessage:
    """A frame as the message a topic class declares to send; else ``ValidationError``."""
    is_control = action_of(consumer, frame) in _CONTROL_REPLIES
    adapter = _control_adapter if is_control else topic_class.outgoing_message_adapter
    return adapter.validate_json(to_json(message_part(frame)))


def _value(frame: Any, key: str) -> Any:
    return cast("dict[str, Any]", frame).get(key) if isinstance(frame, dict) else None
