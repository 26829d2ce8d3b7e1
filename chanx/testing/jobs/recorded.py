"""One event of a job as it was sent, and as the message that it is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

from pydantic import ValidationError
from pydantic_core import to_json

from chanx.bridge.events import JOB_EVENTS, JobEvent
from chanx.core.rekeying import decoded
from chanx.messages.base import BaseMessage, message_actions

M = TypeVar("M", bound=BaseMessage)

STAMPED: Final = frozenset(JobEvent.model_fields) - {"action", "payload"}
"""What is filled in when an event is sent."""


class UndeclaredEvent(JobEvent):
    """An event whose class this process does not have: ``sent`` is its JSON object."""

    action: Literal["undeclared"] = "undeclared"
    payload: Any = None
    sent: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event's JSON ``text``; ``action`` is what its type is told apart by."""

    job_id: str
    action: str
    text: str

    @property
    def data(self) -> dict[str, Any]:
        """The event's JSON object."""
        found: dict[str, Any] = decoded(self.text)
        return found

    def as_a(self, model: type[M]) -> M | None:
        """The event as a message of this class, None where it is none. Any class fits that has its action."""
        if self.action in message_actions(model):
            return _validated(model, self.data)
        message = None if message_actions(model) else self.message()
        return message if isinstance(message, model) else None

    def message(self) -> BaseMessage:
        """The event as a message of the class that has its action.

        Of several that is a class of chanx's own, or one of a module before one of a function, or the newest.
        """
        data = self.data
        for model in _models_of(self.action):
            message = _validated(model, data)
            if message is not None:
                return message
        return UndeclaredEvent(payload=data.get("payload"), sent=data)


def _models_of(action: str) -> Iterator[type[BaseMessage]]:
    own = _own_events().get(action)
    if own is not None:
        yield own
    newest_first = [model for model in reversed(_below(BaseMessage)) if action in message_actions(model)]
    yield from sorted(newest_first, key=lambda model: (not _is_at_hand(model), not issubclass(model, JobEvent)))


def _is_at_hand(model: type[BaseMessage]) -> bool:
    """Whether it is what its module has under its name, and not, say, of a test that is over."""
    return getattr(sys.modules.get(model.__module__), model.__name__, None) is model


@lru_cache(maxsize=1)
def _own_events() -> dict[str, type[JobEvent]]:
    return {action: model for model in JOB_EVENTS for action in message_actions(model)}


def _below(model: type[BaseMessage]) -> list[type[BaseMessage]]:
    found: list[type[BaseMessage]] = []
    for subclass in model.__subclasses__():
        found += [subclass, *_below(subclass)]
    return found


def _validated(model: type[M], data: dict[str, Any]) -> M | None:
    if not issubclass(model, JobEvent):
        data = {name: value for name, value in data.items() if name not in STAMPED}
    try:
        return model.model_validate_json(to_json(data))
    except ValidationError:
        return None
