"""Examples with what a topic's frames have beside the message."""

from collections.abc import Mapping
from typing import Any, cast

from chanx.asyncapi.page.outline import Channel, Message, Operation
from chanx.constants import ENVELOPE_VERSION


def in_frame(channel: Channel, message: Message, operation: Operation, is_reply: bool) -> Any:
    """The message's example as a whole frame of its channel."""
    if channel.topic is None or not isinstance(message.example, Mapping):
        return message.example
    example = cast("Mapping[str, Any]", message.example)
    is_from_client = operation.is_sent and not is_reply
    if is_from_client and channel.is_dedicated:
        return example
    envelope: dict[str, Any] = {} if is_from_client else {"version": ENVELOPE_VERSION}
    envelope["topic"] = channel.topic.pattern
    if operation.is_sent and not channel.is_dedicated:
        envelope["ref"] = "1"
    return {**envelope, **example}
