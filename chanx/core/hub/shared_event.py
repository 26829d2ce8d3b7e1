"""An event of many connections: their handlers share it if its model is frozen, else each has one of its own.

A handler may keep an event, and change it, at once or later: what one connection does with it no other must see. It is
the frozen models' word that nobody changes anything in them.
"""

from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeGuard

from chanx.core.hub.shared_message import SharedMessage
from chanx.messages.base import BaseMessage, Event


class EventOwner(Protocol):
    """A consumer or a topic, whose handlers take events."""

    def validated_event(self, message: dict[str, Any]) -> Event | None:
        """The event in a message, validated once for all connections, who only look at it."""
        ...

    def validate_event(self, message: dict[str, Any]) -> Event | None:
        """The event in a message, validated anew."""
        ...


def event_for_handler(owner: EventOwner, message: dict[str, Any]) -> Event | None:
    """The event in a message, for the handler of one connection; None if the class handles none such."""
    event = owner.validated_event(message)
    if event is None or not _is_for_many(message) or _is_frozen(event):
        return event
    return owner.validate_event(message)


def encoded_reply(message: dict[str, Any] | None, reply: BaseMessage, form: Hashable, encode: Callable[[], str]) -> str:
    """What ``encode`` makes of a handler's reply, once for all who reply with the same frozen object in one ``form``.

    Any other object may have been changed meanwhile.
    """
    if message is None or not _is_for_many(message) or not _is_frozen(reply):
        return encode()
    place = ("reply", id(reply), form)
    kept: tuple[BaseMessage, str] | None = message.work.get(place)
    if kept is None:
        kept = message.work[place] = (reply, encode())  # with the reply, so that no other gets its identity
    return kept[1]


def _is_for_many(message: dict[str, Any]) -> TypeGuard[SharedMessage]:
    return isinstance(message, SharedMessage) and message.members > 1


def _is_frozen(model: Event) -> bool:
    return bool(type(model).model_config.get("frozen"))
