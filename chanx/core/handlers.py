"""The handler table of a class: which method takes which action, worked out once when the class is created.

decorated methods of the whole MRO  ─┐
passthrough_events of the whole MRO ─┴─> HandlerTable: action -> Handler, and the adapters that validate
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from pydantic import TypeAdapter

from chanx.core.adapters import tagged_union
from chanx.messages.base import BaseMessage, message_actions
from chanx.messages.outgoing import CompleteMessage, ErrorMessage, EventCompleteMessage, GroupCompleteMessage
from chanx.utils.naming import snake_case

HandlerKind: TypeAlias = Literal["message", "event"]

HANDLER_ATTRIBUTE: Final = "_chanx_handler"
CHANNEL_ATTRIBUTE: Final = "_chanx_channel"

SYSTEM_OUTPUTS: Final = (CompleteMessage, GroupCompleteMessage, EventCompleteMessage, ErrorMessage)


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What ``@channel`` attaches to a class."""

    name: str | None
    description: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HandlerInfo:
    """What ``@ws_handler`` and ``@event_handler`` attach to a method."""

    kind: HandlerKind
    input_type: type[BaseMessage]
    output_types: tuple[type[BaseMessage], ...] = ()
    operation: str | None = None
    description: str | None = None
    summary: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Handler:
    """One entry of a table: the method called ``name`` handles what ``info`` says."""

    name: str
    info: HandlerInfo
    passthrough: bool = False


@dataclass(frozen=True, slots=True)
class HandlerTable:
    """The handlers of one class, by action; a message and an event may share one.

    The adapters validate what a client sends, an event (each None where nothing is handled), and what is sent: the
    declared outputs, errors and completions.
    """

    messages: Mapping[str, Handler]
    events: Mapping[str, Handler]
    incoming_message_adapter: TypeAdapter[BaseMessage] | None
    incoming_event_adapter: TypeAdapter[BaseMessage] | None
    outgoing_message_adapter: TypeAdapter[BaseMessage]


def build_table(cls: type, passthrough: Sequence[type[BaseMessage]], passthrough_prefix: str) -> HandlerTable:
    """Collect the decorated methods of a class, and give it a method for every event it only passes through.

    Raises ``TypeError`` where two methods of different names claim the same action.
    """
    messages: dict[str, Handler] = {}
    events: dict[str, Handler] = {}
    for name, info in _declared(cls):
        _claim(cls, messages if info.kind == "message" else events, Handler(name, info))
    for event in passthrough:
        info = HandlerInfo("event", event, (event,), description=f"Passthrough handler for {event.__name__}")
        handler = Handler(passthrough_prefix + snake_case(event.__name__), info, passthrough=True)
        free = [action for action in message_actions(event) if action not in events]
        if free and not hasattr(cls, handler.name):
            setattr(cls, handler.name, _passthrough_method(handler))
        events.update(dict.fromkeys(free, handler))
    return HandlerTable(
        messages, events, _input_adapter(messages), _input_adapter(events), _output_adapter(messages, events)
    )


def merged_over_mro(cls: type, attribute: str) -> list[Any]:
    """The values of a list attribute over the MRO, most derived class first, without duplicates."""
    lists = (vars(base).get(attribute) or () for base in cls.__mro__)
    return list(dict.fromkeys(value for values in lists for value in values))


def passthrough_events_of(cls: type) -> list[type[BaseMessage]]:
    """The ``passthrough_events`` of a class and its bases; ``TypeError`` if one is no concrete message type."""
    events = merged_over_mro(cls, "passthrough_events")
    for event in events:
        if not (isinstance(event, type) and issubclass(event, BaseMessage) and message_actions(event)):
            raise TypeError(f"{cls.__name__}.passthrough_events: {event!r} must be a BaseMessage subclass.")
    return events


def _declared(cls: type) -> Iterator[tuple[str, HandlerInfo]]:
    """Every handler name with the nearest declaration of it; an override without a decorator keeps its parent's."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, value in vars(base).items():
            info = getattr(value, HANDLER_ATTRIBUTE, None)
            if isinstance(info, HandlerInfo) and name not in seen:
                seen.add(name)
                if callable(getattr(cls, name)):
                    yield name, info


def _claim(cls: type, table: dict[str, Handler], handler: Handler) -> None:
    for action in message_actions(handler.info.input_type):
        other = table.setdefault(action, handler)
        if other.name != handler.name:
            first, second = sorted((other.name, handler.name))
            raise TypeError(
                f"{cls.__name__} has two {handler.info.kind} handlers for action {action!r}: "
                f"{first}() and {second}(). Keep one, or give its input type another action."
            )


def _passthrough_method(handler: Handler) -> Any:
    async def passthrough(self: object, event: BaseMessage) -> BaseMessage:
        return event

    passthrough.__name__ = handler.name
    passthrough.__doc__ = handler.info.description
    return passthrough


def _input_adapter(handlers: Mapping[str, Handler]) -> TypeAdapter[BaseMessage] | None:
    types = dict.fromkeys(handler.info.input_type for handler in handlers.values())
    return tagged_union(types) if types else None


def _output_adapter(*tables: Mapping[str, Handler]) -> TypeAdapter[BaseMessage]:
    declared = (output for table in tables for handler in table.values() for output in handler.info.output_types)
    return tagged_union(dict.fromkeys((*SYSTEM_OUTPUTS, *declared)))
