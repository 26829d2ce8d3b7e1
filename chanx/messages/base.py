"""The base class of every message: an ``action`` that tells the types apart, and a ``payload``."""

from abc import ABC
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel


class BaseMessage(BaseModel, ABC):
    """A message from a client, to a client, or an event between parts of the server.

    A subclass annotates ``action`` as a ``Literal``; the value is what its handler is found by::

        class ChatMessage(BaseMessage):
            action: Literal["chat"] = "chat"
            payload: ChatPayload

    Raises ``TypeError`` when a subclass has no such ``action``. A class that lists ``abc.ABC`` among its own bases is a
    base for others and exempt. Unknown keys in received data are ignored.
    """

    action: Any
    payload: Any

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if ABC in cls.__bases__:
            return
        annotation = cls.model_fields["action"].annotation
        if annotation is Any:
            raise TypeError(f"Class {cls.__name__!r} must define an 'action' field")
        if get_origin(annotation) is not Literal:
            raise TypeError(f"Class {cls.__name__!r} requires the field 'action' to be a `Literal` type")


def message_actions(model: type[BaseMessage]) -> tuple[str, ...]:
    """The values of a message type's ``action``, in the order of its ``Literal``; empty for an abstract base."""
    annotation = model.model_fields["action"].annotation
    if get_origin(annotation) is not Literal:
        return ()
    return tuple(str(value.value if isinstance(value, Enum) else value) for value in get_args(annotation))
