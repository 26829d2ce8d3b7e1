"""An event of many connections: validated once, and shared by their handlers, which are to leave it as it is.

the next handler ─┬─ the event is as it was ─────────────> the same event
                  ├─ another handler has it, or kept it ─> a new one, validated from the message
                  └─ another handler has changed it ─────> logged; a new one, and from now on one for each connection
"""

from collections.abc import Callable
from sys import getrefcount
from typing import Any, Final, TypeAlias
from weakref import WeakKeyDictionary

from chanx.core.hub.mutable_parts import mutable_parts
from chanx.core.hub.shared_message import SharedMessage
from chanx.log import log_event
from chanx.messages.base import Event

SMALL_BYTES: Final = 1024
"""Of the JSON of an event that is looked at each time; a larger one after 1, 2, 4, 8 … handlers, and the last."""

Validate: TypeAlias = Callable[[], Event | None]

_changing: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()


def event_for_handler(
    owner: object, name: Callable[[Event], str], message: dict[str, Any], key: object, shared: Validate, new: Validate
) -> Event | None:
    """The event in a message, for a handler of ``owner``; None if it handles none such.

    ``shared`` is the event that nobody was given yet, ``new`` validates one. ``name`` is that of an event's handler,
    ``key`` what the event is the same for.
    """
    if not isinstance(message, SharedMessage) or message.members == 1:
        return shared()
    work_key = ("handed", key)
    handed: SharedEvent | None
    try:
        handed = message.work[work_key]
    except KeyError:
        handed = message.work[work_key] = _shared_event(type(owner), name, shared())
    return None if handed is None else handed.hand_out(new)


def _shared_event(owner: type, name: Callable[[Event], str], event: Event | None) -> "SharedEvent | None":
    return None if event is None else SharedEvent(event, owner, name(event))


class SharedEvent:
    """One event, for the handler ``name`` of many connections. Nobody else may hold on to it.

    Of a small event every change is found before another handler has it, and a handler that keeps a part of it, or is
    still at it, does not share it any further. Of a large one such a handler does, and a change that not every
    connection makes is found later, after some have had it. An event that cannot be changed is never looked at.
    """

    __slots__ = ("_before", "_event", "_handed", "_name", "_owner", "_parts", "_references")

    def __init__(self, event: Event, owner: type, name: str) -> None:
        self._owner = owner
        self._name = name
        self._handed = 0
        self._references: list[int] = []
        self._take(event)

    def hand_out(self, new: Validate) -> Event | None:
        """The event, or a new one where it cannot be shared."""
        if self._event is None:
            return new()
        if not self._parts:
            return self._event
        if not self._handed:
            self._references = self._counted()
        elif self._is_due():
            if self._has_changed():
                return new()
            if self._is_small() and self._counted() != self._references:
                self._take(new())
                self._references = self._counted()
        self._handed += 1
        return self._event

    def __del__(self) -> None:
        if self._handed and not self._is_small():
            self._has_changed()  # by the last handlers

    def _take(self, event: Event | None) -> None:
        """Share that event from now on; None, or one that cannot be compared, is to be validated for each."""
        self._event = event
        self._before: bytes | None = None
        self._parts = () if event is None else tuple(mutable_parts(event))
        if event is not None and self._parts:
            self._before = None if self._name in _changing.get(self._owner, ()) else _json(event)
            if self._before is None:
                self._event = None

    def _is_small(self) -> bool:
        return self._before is not None and len(self._before) <= SMALL_BYTES

    def _is_due(self) -> bool:
        return self._is_small() or self._handed & (self._handed - 1) == 0

    def _counted(self) -> list[int]:
        """How many hold on to each part: more than before, once a handler has kept one."""
        return list(map(getrefcount, self._parts))

    def _has_changed(self) -> bool:
        if self._event is None or not self._parts or _json(self._event) == self._before:
            return False
        self._event = None
        known = _changing.setdefault(self._owner, set())
        if self._name not in known:
            known.add(self._name)
            handler = f"{self._owner.__name__}.{self._name}"
            log_event("event_changed_by_handler", handler=handler, fix="change a copy: event.model_copy(deep=True)")
        return True


def _json(event: Event) -> bytes | None:
    try:
        return event.__pydantic_serializer__.to_json(event, warnings=False)
    except Exception:  # a handler may have put anything into it
        return None
