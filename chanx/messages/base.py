"""The base classes of every message and event: a field that tells the types apart, and a ``payload``."""

from abc import ABC
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeAlias, get_args, get_origin

from pydantic import BaseModel

ACTION: Final = "action"


class BaseMessage(BaseModel, ABC):
    """A message from a client, to a client, or an event between parts of the server.

    A subclass annotates ``action`` as a ``Literal``; the value is what its handler is found by::

        class ChatMessage(BaseMessage):
            action: Literal["chat"] = "chat"
            payload: ChatPayload

    For consumers with another ``discriminator_field`` it may annotate that field instead (``type: Literal["chat"]``);
    then it has no field ``action``, and ``action`` reads as that field's value. Raises ``TypeError`` when a subclass
    has neither. A class that lists ``abc.ABC`` among its own bases is a base for others and exempt. Unknown keys in
    received data are ignored.
    """

    if TYPE_CHECKING:
        action: Any = None  # for type checkers with a default: a type with another discriminating field has none
    else:
        action: Any
    payload: Any

    own_discriminator: ClassVar[str] = ACTION
    """The field that tells this type apart where a consumer asks for no other."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if ABC in cls.__bases__ or cls.own_discriminator != ACTION:
            return
        annotation = cls.model_fields[ACTION].annotation
        if annotation is Any:
            other = next((name for name in cls.model_fields if name != "payload" and literal_values(cls, name)), None)
            if other is None:
                raise TypeError(f"Class {cls.__name__!r} must define an 'action' field")
            _tell_apart_by(cls, other)
        elif get_origin(annotation) is not Literal:
            raise TypeError(f"Class {cls.__name__!r} requires the field 'action' to be a `Literal` type")


class BaseChannelEvent(BaseModel, ABC):
    """An event from other parts of the server, told apart by ``handler``: the name of the method that handles it.

    A subclass annotates it as a ``Literal``::

        class UserJoinedEvent(BaseChannelEvent):
            handler: Literal["user_joined"] = "user_joined"
            payload: UserPayload

    It is routed to the ``@event_handler`` method of that input type. Raises ``TypeError`` as ``BaseMessage`` does.
    """

    handler: Any
    payload: Any

    own_discriminator: ClassVar[str] = "handler"

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if ABC in cls.__bases__:
            return
        annotation = cls.model_fields["handler"].annotation
        if annotation is Any:
            raise TypeError(f"Class {cls.__name__!r} must define a 'handler' field")
        if get_origin(annotation) is not Literal:
            raise TypeError(f"Class {cls.__name__!r} requires the field 'handler' to be a `Literal` type")


Event: TypeAlias = BaseMessage | BaseChannelEvent
"""What ``@event_handler`` methods take."""

EventType: TypeAlias = type[BaseMessage] | type[BaseChannelEvent]


def literal_values(model: type[BaseModel], field: str) -> tuple[str, ...]:
    """The values of a field's ``Literal``, in its order; empty for another field, or none."""
    annotation = model.model_fields[field].annotation if field in model.model_fields else None
    if get_origin(annotation) is not Literal:
        return ()
    return tuple(str(value.value if isinstance(value, Enum) else value) for value in get_args(annotation))


@lru_cache(maxsize=4096)
def tag_field(model: EventType, discriminator: str) -> str:
    """The field that tells a type apart where ``discriminator`` is asked for: that one if it has it, else its own."""
    return discriminator if literal_values(model, discriminator) else model.own_discriminator


@lru_cache(maxsize=4096)
def tag_fields(model: EventType) -> tuple[str, ...]:
    """The fields that can tell a type apart, for one discriminator or another: its own first."""
    others = (name for name in model.model_fields if name != model.own_discriminator and literal_values(model, name))
    return (model.own_discriminator, *others)


def message_actions(model: EventType, discriminator: str = ACTION) -> tuple[str, ...]:
    """The values a message type is told apart by, in the order of its ``Literal``; empty for an abstract base."""
    return literal_values(model, tag_field(model, discriminator))


def action_of(message: Event) -> str:
    """What tells its type apart, as text: the value, where it is a member of an enumeration."""
    tag: object = message.handler if isinstance(message, BaseChannelEvent) else message.action
    return str(tag.value if isinstance(tag, Enum) else tag)


def _tell_apart_by(cls: type[BaseMessage], field: str) -> None:
    """Take the inherited field ``action`` from a class that has another one in its place."""
    cls.own_discriminator = field
    cls.__annotations__[ACTION] = ClassVar[Any]  # so that subclasses do not get the field again
    del cls.__pydantic_fields__[ACTION]
    setattr(cls, ACTION, property(attrgetter(field)))
    cls.model_rebuild(force=True, raise_errors=False)
