"""A message of the channel layer that several connections of the process take."""

from collections.abc import Callable, Hashable
from copy import deepcopy
from typing import Any, Final, TypeVar

from chanx.core.own_methods import is_own, replaces

_Result = TypeVar("_Result")

SHARED_TYPES: Final = frozenset(
    ("handle_channel_event", "handle_group_message", "handle_topic_event", "handle_sign_out")
)
"""The types whose methods are chanx's own, and change nothing of the message."""


class SharedMessage(dict[str, Any]):
    """Its content is read, never changed. ``members`` is how many connections there are.

    ``work`` holds what was worked out of it, for the connections to come: events that were validated and frames that
    were encoded, under keys that tell for whom they are the same.
    """

    __slots__ = ("members", "work")

    def __init__(self, content: dict[str, Any], *, members: int) -> None:
        super().__init__(content)
        self.members = members
        self.work: dict[Any, Any] = {}

    def for_one(self, receiver: object) -> dict[str, Any]:
        """The message as ``receiver`` may have it: a dict of its own, where a method of the user's takes it."""
        name = self.get("type")
        if (
            isinstance(name, str)
            and name in SHARED_TYPES
            and is_own(getattr(type(receiver), name, None))
            and not replaces(receiver, (name,))
        ):
            return self
        content = dict(self)
        return deepcopy(content) if self.members > 1 else content


def worked_out(message: dict[str, Any], key: Hashable, work_out: Callable[[], _Result]) -> _Result:
    """What ``work_out`` returns, which is kept for the other connections that take the same message."""
    if not isinstance(message, SharedMessage):
        return work_out()
    try:
        result: _Result = message.work[key]
    except KeyError:
        result = message.work[key] = work_out()
    return result
