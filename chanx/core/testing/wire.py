"""Reading and writing the frames of a consumer class as its client does."""

from collections.abc import Sequence
from typing import Any, Final, cast

from pydantic import TypeAdapter
from pydantic_core import to_json

from chanx.core.adapters import tagged_union
from chanx.core.camelize import camelized, decamelized
from chanx.core.envelope import message_part
from chanx.core.rekeying import rekeyed
from chanx.core.topic import Topic
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.messages.base import BaseMessage, message_actions, tag_field
from chanx.messages.topic import SubscribedMessage, UnsubscribedMessage

Consumer = type[ChanxWebsocketConsumerMixin[Any]]

CONTROL_REPLIES: Final = (SubscribedMessage, UnsubscribedMessage)


class Wire:
    """What a client has to know of a consumer class: the key that tells messages apart, and whether keys are camelCase.

    Both are asked for with every frame, so that overriding settings works at run time.
    """

    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer

    def action(self, frame: Any) -> Any:
        """The action of a frame, or None if it has none."""
        return _value(frame, self._consumer.wire_discriminator())

    def write(self, message: BaseMessage) -> dict[str, Any]:
        """A message as the client sends it."""
        model, key = type(message), self._consumer.wire_discriminator()
        content = rekeyed(message.model_dump(mode="json"), tag_field(model, key), key)
        return camelized(model, content, key) if self._is_camelized else content

    def write_control(self, action: str, payload: Any) -> dict[str, Any]:
        """A message that opens or closes a topic."""
        return {self._consumer.wire_discriminator(): action, "payload": payload}

    def read(self, frame: Any) -> BaseMessage:
        """A frame as what the consumer, or the topic it is addressed by, declares; else ``ValidationError``."""
        topic = _value(frame, "topic")
        if isinstance(topic, str):
            for topic_class in (*self._consumer.topics, self._consumer.default_topic):
                if topic_class is not None and topic_class.parse(topic) is not None:
                    return self.read_topic(topic_class, frame)
        table = self._consumer.handler_table.under(self._consumer.wire_discriminator())
        return self._validated(table.outgoing_message_adapter, table.outputs.get(self.action(frame)), frame)

    def read_topic(self, topic_class: type[Topic], frame: dict[str, Any]) -> BaseMessage:
        """A frame as what a topic class declares to send; else ``ValidationError``."""
        content = message_part(frame)
        if self.action(frame) in {action for model in CONTROL_REPLIES for action in message_actions(model)}:
            return self.read_as(CONTROL_REPLIES, content)
        table = topic_class.handler_table.under(self._consumer.wire_discriminator())
        return self._validated(table.outgoing_message_adapter, table.outputs.get(self.action(frame)), content)

    def read_as(self, models: Sequence[type[BaseMessage]], frame: Any) -> BaseMessage:
        """A frame as one of these messages; else ``ValidationError``."""
        key = self._consumer.wire_discriminator()
        by_action = {action: model for model in models for action in message_actions(model, key)}
        return self._validated(tagged_union(models, key), by_action.get(self.action(frame)), frame)

    @property
    def _is_camelized(self) -> bool:
        own = self._consumer.camelize
        return self._consumer.config.camelize if own is None else own

    def _validated(self, adapter: TypeAdapter[BaseMessage], model: type[BaseMessage] | None, frame: Any) -> BaseMessage:
        if model is not None and self._is_camelized:
            frame = decamelized(model, frame, self._consumer.wire_discriminator())
        return adapter.validate_json(to_json(frame))


def _value(frame: Any, key: str) -> Any:
    return cast("dict[str, Any]", frame).get(key) if isinstance(frame, dict) else None
