"""The operations of a channel: what its client can send, and what is sent to it.

handlers by name ─┐
events by name    ├─> Operation: its name, its message types, what is said about it
sends, subscribe ─┘
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias, cast

from pydantic import PydanticUserError, TypeAdapter, ValidationError, create_model

from chanx.asyncapi.descriptions import handler_description, message_description
from chanx.asyncapi.sources import ChannelSource
from chanx.core.handlers import SYSTEM_OUTPUTS, Handler
from chanx.core.topic import Topic
from chanx.errors import DescriptionError
from chanx.messages.base import BaseMessage, message_actions
from chanx.messages.outgoing import AuthenticationMessage

MessageType: TypeAlias = type[BaseMessage]

UNDOCUMENTED: Final = frozenset((*SYSTEM_OUTPUTS, AuthenticationMessage))
"""What every client knows: the system's own messages are in no document."""


@dataclass(frozen=True, slots=True)
class Operation:
    """``inputs`` are what a client sends (none: the server begins), ``outputs`` what it is sent.

    ``is_protocol``: its messages belong to the fixed protocol of the topic, if that has one. ``keys``: what messages
    are to be called that are not called by their classes.
    """

    name: str
    inputs: tuple[MessageType, ...]
    outputs: tuple[MessageType, ...]
    description: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    is_protocol: bool = False
    keys: tuple[str | None, str | None] = (None, None)


def operations_of(source: ChannelSource) -> list[Operation]:
    """Subscribing; what the client may send, by method; events, by method; those passed through; the other messages."""
    table = source.table
    events = dict.fromkeys([*table.events.values(), *table.channel_events.values()])
    operations = [*_subscribing(source.topic)] if source.topic is not None else []
    operations += [_handling(source, handler) for handler in _by_name(table.messages.values())]
    operations += [_sending(source, handler) for handler in _by_name(h for h in events if not h.passthrough)]
    operations += [_sending(source, handler) for handler in events if handler.passthrough]
    operations += [_announcing(message, source) for message in table.sends if message not in UNDOCUMENTED]
    return operations


def _subscribing(topic: type[Topic]) -> Iterator[Operation]:
    if topic.subscribe_payload_type is None and topic.subscribed_payload_type is None:
        return
    hashable: Any = topic
    try:
        messages = _subscribe_message(hashable), _subscribed_message(hashable)
    except PydanticUserError as error:
        raise DescriptionError(
            f"{topic.__name__}.subscribe_payload_type or subscribed_payload_type is no type that Pydantic knows "
            f"({error.message.splitlines()[0]}). Name a model, or another type that JSON has."
        ) from error
    yield Operation(
        name="subscribe",
        inputs=messages[:1],
        outputs=messages[1:],
        description="Opens the topic: its messages come from now on. Answered by `subscribed`.",
        summary="Subscribe",
        is_protocol=True,
        keys=(f"{topic.snake_name}_subscribe", f"{topic.snake_name}_subscribed"),
    )


@lru_cache(maxsize=1024)
def _subscribe_message(topic: type[Topic]) -> MessageType:
    payload = Any if topic.subscribe_payload_type is None else topic.subscribe_payload_type
    return _control_message(topic, "subscribe", payload, "Asks for the topic.", is_optional=_takes_none(payload))


@lru_cache(maxsize=1024)
def _subscribed_message(topic: type[Topic]) -> MessageType:
    payload = Any if topic.subscribed_payload_type is None else topic.subscribed_payload_type
    return _control_message(topic, "subscribed", payload, "The topic is open.", is_optional=False)


def _control_message(topic: type[Topic], action: str, payload: Any, doc: str, *, is_optional: bool) -> MessageType:
    return create_model(
        f"{topic.name}{action.capitalize()}Message",
        __base__=BaseMessage,
        __module__=topic.__module__,
        __doc__=doc,
        action=(cast(Any, Literal[action]), action),
        payload=(payload, None if is_optional else ...),
    )


def _takes_none(payload: Any) -> bool:
    try:
        TypeAdapter(payload).validate_python(None)
    except ValidationError:
        return False
    return True


def _by_name(handlers: Iterable[Handler]) -> Iterator[Handler]:
    return iter(sorted(dict.fromkeys(handlers), key=lambda handler: handler.name))


def _handling(source: ChannelSource, handler: Handler) -> Operation:
    return _operation(source, handler, (cast(MessageType, handler.info.input_type),))


def _sending(source: ChannelSource, handler: Handler) -> Operation:
    return _operation(source, handler, ())


def _operation(source: ChannelSource, handler: Handler, inputs: tuple[MessageType, ...]) -> Operation:
    info = handler.info
    return Operation(
        name=info.operation or handler.name,
        inputs=inputs,
        outputs=tuple(output for output in dict.fromkeys(info.output_types) if output not in UNDOCUMENTED),
        description=handler_description(source.cls, handler),
        summary=info.summary or "",
        tags=info.tags,
    )


def _announcing(message: MessageType, source: ChannelSource) -> Operation:
    return Operation(
        name=message_actions(message, source.discriminator)[0],
        inputs=(),
        outputs=(message,),
        description=message_description(message),
        is_protocol=True,
    )
