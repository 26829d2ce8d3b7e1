"""One Pydantic adapter for many message types, told apart by one key of the frame."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Final, cast

from pydantic import GetCoreSchemaHandler, TypeAdapter, ValidationError
from pydantic_core import CoreSchema, ErrorDetails, core_schema, to_json

from chanx.core.rekeying import rekeyed
from chanx.messages.base import ACTION, BaseChannelEvent, BaseMessage, Event, EventType, message_actions, tag_field

MAX_PROBLEMS: Final = 100
MAX_PLACE_CHARACTERS: Final = 100
MAX_TEXT_CHARACTERS: Final = 500


def tagged_union(types: Iterable[type[BaseMessage]], discriminator: str = ACTION) -> TypeAdapter[BaseMessage]:
    """An adapter for exactly these message types, told apart by the key ``discriminator``.

    It is a tagged union even for a single type, so that an unknown action is always a ``union_tag_invalid`` and a
    missing one a ``union_tag_not_found``. Types with an action in common are tried one after the other. A type that has
    no such field is read with that key in place of its own discriminating field.
    """
    return TypeAdapter(Annotated[Any, _TaggedUnion(types, discriminator, [discriminator])])


def event_union(types: Iterable[EventType], discriminator: str = ACTION) -> TypeAdapter[Event]:
    """An adapter for events as they are dumped: each has its own discriminating field, or ``discriminator``.

    Of both kinds, those with a ``handler`` are told from the others by having no other of these keys.
    """
    given = list(types)
    messages = [model for model in given if issubclass(model, BaseMessage)]
    channel_events = [model for model in given if issubclass(model, BaseChannelEvent)]
    keys = list(dict.fromkeys([discriminator, *(tag_field(model, discriminator) for model in messages)]))
    plain = _TaggedUnion(messages, discriminator, keys)
    by_handler = _TaggedUnion(channel_events, "handler", ["handler"])
    if not channel_events:
        return TypeAdapter(Annotated[Any, plain])
    if not messages:
        return TypeAdapter(Annotated[Any, by_handler])
    return TypeAdapter(Annotated[Any, _EitherUnion(plain, by_handler, keys)])


class _TaggedUnion:
    def __init__(self, models: Iterable[EventType], discriminator: str, keys: Sequence[str]) -> None:
        self._by_tag: dict[str, list[EventType]] = {}
        for model in models:
            for tag in message_actions(model, discriminator):
                self._by_tag.setdefault(tag, []).append(model)
        self._discriminator = discriminator
        self._keys = keys
        self.tags = list(self._by_tag)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices: dict[str, CoreSchema] = {}
        for tag, models in self._by_tag.items():
            schemas = [self._schema(model, handler) for model in models]
            choices[tag] = schemas[0] if len(schemas) == 1 else core_schema.union_schema([*schemas])
        discriminator: Any = self._keys[0] if len(self._keys) == 1 else [[key] for key in self._keys]
        return core_schema.tagged_union_schema(choices, discriminator=discriminator)

    def _schema(self, model: EventType, handler: GetCoreSchemaHandler) -> CoreSchema:
        field = tag_field(model, self._discriminator)
        if field == self._discriminator:
            return handler.generate_schema(model)
        return core_schema.no_info_plain_validator_function(_reader(model, self._discriminator, field))


class _EitherUnion:
    def __init__(self, messages: _TaggedUnion, channel_events: _TaggedUnion, message_keys: Sequence[str]) -> None:
        self._messages = messages
        self._channel_events = channel_events
        self._message_keys = message_keys

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {
            "message": self._messages.__get_pydantic_core_schema__(source, handler),
            "channel_event": self._channel_events.__get_pydantic_core_schema__(source, handler),
        }
        return core_schema.tagged_union_schema(choices, discriminator=self._kind)

    def _kind(self, event: Any) -> str | None:
        if not isinstance(event, dict):
            return None
        content = cast("dict[str, Any]", event)
        if any(key in content for key in self._message_keys if key != "handler"):
            return "message"
        # A discriminator can be called "handler" too: then the values tell the kinds apart.
        is_other = "handler" in self._message_keys and content.get("handler") not in self._channel_events.tags
        return "message" if is_other else "channel_event"


def _reader(model: EventType, discriminator: str, field: str) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return model.model_validate(value)
        content = cast("dict[str, Any]", value)
        # As JSON again: in strict mode Pydantic takes from JSON what it refuses from Python (a text for a date).
        return model.model_validate_json(to_json(rekeyed(content, discriminator, field)))

    return read


def error_list(error: ValidationError) -> list[dict[str, Any]]:
    """A validation error as it is sent to a client: what, where and why, but never the input.

    Bounded, because a small frame can have very many problems, each with its place: of more than ``MAX_PROBLEMS`` only
    the number is told, and long keys and texts are cut.
    """
    count = error.error_count()
    if count > MAX_PROBLEMS:
        return [{"type": "too_many_errors", "loc": [], "msg": f"The message has {count} problems"}]
    return [
        {
            "type": part["type"],
            "loc": [place[:MAX_PLACE_CHARACTERS] if isinstance(place, str) else place for place in part["loc"]],
            "msg": part["msg"][:MAX_TEXT_CHARACTERS],
        }
        for part in _parts(error)
    ]


def is_message_error(error: ValidationError) -> bool:
    """Whether the frame was at least an object, so that it counts as a message that was dealt with."""
    if error.error_count() > MAX_PROBLEMS:
        return True  # what is no object at all has a single problem
    return any(part["loc"] or part["type"].startswith("union_tag_") for part in _parts(error))


def _parts(error: ValidationError) -> list[ErrorDetails]:
    return error.errors(include_url=False, include_context=False, include_input=False)
