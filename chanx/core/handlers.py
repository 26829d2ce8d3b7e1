"""The handler table of a class: which method takes which action, worked out once when the class is created.

decorated methods of the whole MRO  ─┐
passthrough_events of the whole MRO ─┴─> HandlerTable: action -> Handler, and the adapters that validate
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from types import FunctionType
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, cast

from pydantic import TypeAdapter

from chanx.constants import ENVELOPE_FIELDS
from chanx.core.adapters import event_union, tagged_union
from chanx.messages.base import ACTION, BaseChannelEvent, BaseMessage, Event, EventType, message_actions, tag_field
from chanx.messages.outgoing import CompleteMessage, ErrorMessage, EventCompleteMessage, GroupCompleteMessage
from chanx.utils.naming import snake_case

_Value = TypeVar("_Value")

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
    input_type: EventType
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
    """The handlers of one class, by the values their messages are told apart by under one ``discriminator``.

    A message and an event may share a value. ``events`` holds the events that are messages, ``channel_events`` those
    with a ``handler``. The adapters validate what a client sends, an event (each None where nothing is handled), and
    what is sent: the declared outputs, errors and completions. ``tag_of`` reads a message's value. ``sends`` are the
    messages that are declared by no handler.
    """

    owner: str
    discriminator: str
    messages: Mapping[str, Handler]
    events: Mapping[str, Handler]
    channel_events: Mapping[str, Handler]
    incoming_message_adapter: TypeAdapter[BaseMessage] | None
    incoming_event_adapter: TypeAdapter[Event] | None
    outgoing_message_adapter: TypeAdapter[BaseMessage]
    inputs: Mapping[str, type[BaseMessage]]
    outputs: Mapping[str, type[BaseMessage]]
    tag_of: Callable[[BaseMessage], str]
    handlers: Sequence[Handler] = field(repr=False)
    sends: Sequence[type[BaseMessage]] = field(repr=False)
    _others: dict[str, "HandlerTable"] = field(repr=False, compare=False, default_factory=dict[str, "HandlerTable"])

    def under(self, discriminator: str) -> "HandlerTable":
        """The same handlers under another discriminator, built once."""
        if discriminator == self.discriminator:
            return self
        if discriminator not in self._others:
            self._others[discriminator] = _table(self.owner, self.handlers, discriminator, self.sends)
        return self._others[discriminator]

    def event_tag(self, event: Event) -> str:
        """The value an event is told apart by."""
        return event.handler if isinstance(event, BaseChannelEvent) else self.tag_of(event)

    def event_handler(self, event: Event) -> Handler:
        """The handler of an event that was validated."""
        events = self.channel_events if isinstance(event, BaseChannelEvent) else self.events
        return events[self.event_tag(event)]


class OfTable(Generic[_Value]):
    """A class attribute read from the handler table under the discriminator in force, which a setting may name."""

    def __init__(self, read: Callable[[HandlerTable], _Value]) -> None:
        self._read = read

    def __get__(self, instance: object, owner: Any) -> _Value:
        return self._read(owner.handler_table.under(owner.wire_discriminator()))


def build_table(cls: type, passthrough_prefix: str, discriminator: str = ACTION) -> HandlerTable:
    """Collect the decorated methods of a class, and give it a method for every event it only passes through.

    Raises ``TypeError`` where two methods of different names claim the same action, and where ``passthrough_events``
    or ``sends`` have something else than concrete message types.
    """
    passing = [_passthrough_handler(event, passthrough_prefix) for event in message_types_of(cls, "passthrough_events")]
    table = _table(cls.__name__, [*_declared(cls), *passing], discriminator, message_types_of(cls, "sends"))
    for handler in dict.fromkeys(table.events.values()):
        if handler.passthrough and not hasattr(cls, handler.name):
            setattr(cls, handler.name, _passthrough_method(handler))
    return table


def merged_over_mro(cls: type, attribute: str) -> list[Any]:
    """The values of a list attribute over the MRO, most derived class first, without duplicates."""
    lists = (vars(base).get(attribute) or () for base in cls.__mro__)
    return list(dict.fromkeys(value for values in lists for value in values))


def message_types_of(cls: type, attribute: str) -> list[type[BaseMessage]]:
    """The message types that an attribute of a class and its bases lists; ``TypeError`` if one is no concrete type."""
    types = merged_over_mro(cls, attribute)
    for message in types:
        if not (isinstance(message, type) and issubclass(message, BaseMessage) and message_actions(message)):
            raise TypeError(f"{cls.__name__}.{attribute}: {message!r} must be a BaseMessage subclass.")
    return types


def _table(
    owner: str, handlers: Sequence[Handler], discriminator: str, sends: Sequence[type[BaseMessage]]
) -> HandlerTable:
    messages: dict[str, Handler] = {}
    events: dict[str, Handler] = {}
    channel_events: dict[str, Handler] = {}
    for handler in handlers:
        if handler.info.kind == "message":
            _claim(owner, messages, handler, discriminator)
        else:
            is_message = issubclass(handler.info.input_type, BaseMessage)
            _claim(owner, events if is_message else channel_events, handler, discriminator)
    event_types = [handler.info.input_type for handler in (*events.values(), *channel_events.values())]
    inputs = {tag: cast("type[BaseMessage]", handler.info.input_type) for tag, handler in messages.items()}
    declared = (*_output_types(messages, events, channel_events), *sends)
    outputs: list[type[BaseMessage]] = list(dict.fromkeys((*SYSTEM_OUTPUTS, *declared)))
    _refuse_clashes(owner, discriminator, (*inputs.values(), *outputs))
    return HandlerTable(
        owner=owner,
        discriminator=discriminator,
        messages=messages,
        events=events,
        channel_events=channel_events,
        incoming_message_adapter=tagged_union(dict.fromkeys(inputs.values()), discriminator) if inputs else None,
        incoming_event_adapter=event_union(dict.fromkeys(event_types), discriminator) if event_types else None,
        outgoing_message_adapter=tagged_union(outputs, discriminator),
        inputs=inputs,
        outputs={tag: model for model in outputs for tag in message_actions(model, discriminator)},
        tag_of=_tag_reader(discriminator),
        handlers=handlers,
        sends=sends,
    )


def _refuse_clashes(owner: str, discriminator: str, models: Iterable[type[BaseMessage]]) -> None:
    if discriminator in ENVELOPE_FIELDS:
        raise TypeError(f"{owner}: a discriminator_field cannot be {discriminator!r}, a key of topic frames.")
    for model in models:
        if discriminator in model.model_fields and tag_field(model, discriminator) != discriminator:
            raise TypeError(
                f"{owner}: the discriminator_field {discriminator!r} is a field of {model.__name__} that is no "
                "Literal. Make it one, or choose another discriminator_field."
            )


def _tag_reader(discriminator: str) -> Callable[[BaseMessage], str]:
    if discriminator == ACTION:
        return attrgetter(ACTION)  # every message has it, those told apart by another field as a property

    def read(message: BaseMessage) -> str:
        tag: str = getattr(message, tag_field(type(message), discriminator))
        return tag

    return read


def _declared(cls: type) -> Iterator[Handler]:
    """Every handler name with the nearest declaration of it; an override without a decorator keeps its parent's."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, value in vars(base).items():
            info = getattr(value, HANDLER_ATTRIBUTE, None)
            if isinstance(info, HandlerInfo) and name not in seen:
                seen.add(name)
                if callable(getattr(cls, name)):
                    yield Handler(name, info)


def _claim(owner: str, table: dict[str, Handler], handler: Handler, discriminator: str) -> None:
    for tag in message_actions(handler.info.input_type, discriminator):
        other = table.setdefault(tag, handler)
        if other.name != handler.name and not handler.passthrough:
            first, second = sorted((other.name, handler.name))
            what = "action" if issubclass(handler.info.input_type, BaseMessage) else "handler"
            raise TypeError(
                f"{owner} has two {handler.info.kind} handlers for {what} {tag!r}: "
                f"{first}() and {second}(). Keep one, or give its input type another {what}."
            )


def _passthrough_handler(event: type[BaseMessage], prefix: str) -> Handler:
    info = HandlerInfo("event", event, (event,), description=f"Passthrough handler for {event.__name__}")
    return Handler(prefix + snake_case(event.__name__), info, passthrough=True)


def is_passed_through(cls: type, handler: Handler) -> bool:
    """Whether the handler's method is the one that ``build_table`` has made, and not one of the class's own."""
    if not handler.passthrough:
        return False
    method = getattr(cls, handler.name, None)
    return type(method) is FunctionType and method.__globals__ is globals()


def _passthrough_method(handler: Handler) -> Any:
    async def passthrough(self: object, event: BaseMessage) -> BaseMessage:
        return event

    passthrough.__name__ = handler.name
    passthrough.__doc__ = handler.info.description
    return passthrough


def _output_types(*tables: Mapping[str, Handler]) -> Iterator[type[BaseMessage]]:
    return (output for table in tables for handler in table.values() for output in handler.info.output_types)
