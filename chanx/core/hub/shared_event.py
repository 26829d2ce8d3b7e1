"""An event of many connections: validated once, and shared by their handlers, who are to leave it as it is."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Final, Protocol, TypeAlias
from weakref import WeakKeyDictionary

from chanx.core.handlers import HandlerTable
from chanx.core.hub.shared_message import SharedMessage
from chanx.log import log_event
from chanx.messages.base import BaseMessage, Event

_SHARED: Final = "shared event"

Validate: TypeAlias = Callable[[], Event | None]


class EventOwner(Protocol):
    """A consumer or a topic, whose handlers take events."""

    handler_table: HandlerTable

    def validated_event(self, message: dict[str, Any]) -> Event | None:
        """The event in a message, validated once for all connections."""
        ...

    def validate_event(self, message: dict[str, Any]) -> Event | None:
        """The event in a message, validated anew."""
        ...


_changing: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()
"""The handlers, by class and name, that were found to change their events."""


class SharedEvent:
    """The event in one message, for the handlers called ``name`` of connections of one class.

    It is looked at again after 1, 2, 4, 8 … handlers have had it. Where it was changed that is logged, and from then on
    each call of the handler gets an event of its own.
    """

    __slots__ = ("_before", "_handed", "_name", "_owner", "event")

    def __init__(self, event: Event, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name
        self._handed = 0
        self.event: Event | None = None if name in _changing.get(owner, ()) else event
        self._before = _json(event)

    def hand_out(self, validate: Validate) -> Event | None:
        """The event, or one that ``validate`` makes where it cannot be shared."""
        is_due = self._handed & (self._handed - 1) == 0 and self._handed > 0
        self._handed += 1
        if self.event is not None and is_due and _json(self.event) != self._before:
            self.event = None
            _changing.setdefault(self._owner, set()).add(self._name)
            handler = f"{self._owner.__name__}.{self._name}()"
            log_event("event_changed_by_handler", handler=handler, fix="change a copy: event.model_copy(deep=True)")
        return validate() if self.event is None else self.event


def event_for_handler(owner: EventOwner, message: dict[str, Any]) -> Event | None:
    """The event in a message, for the handler of one of its connections; None if the class handles none such."""
    first = owner.validated_event(message)
    if first is None or not isinstance(message, SharedMessage) or message.members == 1:
        return first
    place = (_SHARED, type(owner), id(owner.handler_table))
    shared: SharedEvent | None = message.work.get(place)
    if shared is None:
        name = owner.handler_table.event_handler(first).name
        shared = message.work[place] = SharedEvent(first, type(owner), name)
    return shared.hand_out(partial(owner.validate_event, message))


def encoded_reply(message: dict[str, Any] | None, reply: BaseMessage, form: Hashable, encode: Callable[[], str]) -> str:
    """What ``encode`` makes of a handler's reply, once for all who reply with the same object in the same ``form``.

    The same is the event itself, or a frozen message: any other may have been changed meanwhile.
    """
    if not isinstance(message, SharedMessage) or message.members == 1 or not _stays(message, reply):
        return encode()
    place = ("reply", id(reply), form)
    kept: tuple[BaseMessage, str] | None = message.work.get(place)
    if kept is None:
        kept = message.work[place] = (reply, encode())  # with the reply, so that no other gets its identity
    return kept[1]


def _stays(message: SharedMessage, reply: BaseMessage) -> bool:
    if type(reply).model_config.get("frozen"):
        return True
    return any(isinstance(kept, SharedEvent) and kept.event is reply for kept in message.work.values())


def _json(event: Event) -> bytes | None:
    try:
        return event.__pydantic_serializer__.to_json(event, warnings=False)
    except Exception:  # a handler may have put anything into it
        return None
