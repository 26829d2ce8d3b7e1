"""The messages of one AsyncAPI document, and the schemas of everything that is in them.

message types ─> MessageRegistry.add() ─> forms, each with a name of its own ─> message_objects, schema_objects
"""

import types
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, TypeAlias, Union, cast, get_args, get_origin

from pydantic import PydanticUserError
from pydantic.errors import PydanticUndefinedAnnotation
from pydantic_core import PydanticSerializationError, from_json, to_json
from typing_extensions import TypeAliasType

from chanx.core.component_schemas import SCHEMAS, component_schemas
from chanx.core.field_names import Direction
from chanx.core.schema_forms import Form, Forms, unique_name
from chanx.core.schema_walk import REFERENCE, JsonSchema
from chanx.core.wire_schema import LOCAL, NoSchemaError, WireSchema, wire_schema
from chanx.errors import DescriptionError
from chanx.messages.base import ACTION, BaseMessage, tag_field
from chanx.utils.naming import camel_case, snake_case

MESSAGES: Final = "#/components/messages/"

MessageType: TypeAlias = type[BaseMessage]


@dataclass(frozen=True, slots=True)
class Wire:
    """How messages are on the wire: who sends them (``in``: the client), in which case, told apart by which key."""

    direction: Direction = "in"
    camelize: bool = False
    discriminator: str = ACTION


@dataclass(frozen=True, slots=True, eq=False)
class Registered:
    """One message type as one consumer has it. ``key``: what its message is to be called, if not by its class."""

    type: MessageType
    consumer_name: str
    form: Form
    key: str | None


class MessageRegistry:
    """Collects message types, each with the name of the consumer that has it, and gives each a name of its own.

    The second class of a name has its consumer's name as prefix: in its schema's key and title, and in its message's
    key. All names are given when they are asked for, so add everything first: a name may change with what is added
    later. ``camelize``: keys of messages are camelCase.
    """

    def __init__(self, *, camelize: bool = False) -> None:
        self._camelize = camelize
        self._forms = Forms()
        self._entries: dict[tuple[MessageType, Wire, str], Registered] = {}

    def add(
        self, message_type: Any, consumer_name: str, wire: Wire | None = None, *, key: str | None = None
    ) -> list[Registered]:
        """Add one type, or all of a union, a list or a tuple; each is given back as it is registered.

        ``wire``: by default what clients send, in Python's names. Raises ``DescriptionError`` where a field has no JSON
        Schema.
        """
        entries = [self._add(part, consumer_name, wire or Wire(), key) for part in dict.fromkeys(parts(message_type))]
        self.__dict__.pop("_names", None)
        self.__dict__.pop("_keys", None)
        return entries

    def message_key(self, entry: Registered) -> str:
        """The key of a registered message among ``message_objects``."""
        return self._keys[id(entry.form)]

    @property
    def schemas(self) -> dict[MessageType, str]:
        """The reference to the schema of each type: where it has several, to the first that was added."""
        return self._first((entry.type, SCHEMAS + self._names[id(entry.form)]) for entry in self._entries.values())

    @property
    def messages(self) -> dict[MessageType, str]:
        """The reference to the message of each type, likewise."""
        return self._first((entry.type, MESSAGES + self.message_key(entry)) for entry in self._entries.values())

    @property
    def consumer_messages(self) -> dict[str, dict[str, str]]:
        """The messages of each consumer: the reference to each by its key, sorted."""
        found: dict[str, dict[str, str]] = {}
        for entry in self._entries.values():
            key = self.message_key(entry)
            found.setdefault(entry.consumer_name, {})[key] = MESSAGES + key
        return {consumer: dict(sorted(messages.items())) for consumer, messages in found.items()}

    @property
    def schema_objects(self) -> dict[str, JsonSchema]:
        """``components/schemas``, sorted by key: JSON Schemas as Pydantic writes them, which refer to each other."""
        return component_schemas(self._forms.named())

    @property
    def message_objects(self) -> dict[str, dict[str, Any]]:
        """``components/messages``, sorted by key."""
        forms = {self.message_key(entry): entry.form for entry in self._entries.values()}
        return {key: {"payload": {REFERENCE: SCHEMAS + self._names[id(forms[key])]}} for key in sorted(forms)}

    @cached_property
    def _names(self) -> dict[int, str]:
        return {id(form): name for name, form in self._forms.named().items()}

    @cached_property
    def _keys(self) -> dict[int, str]:
        keys: dict[str, int] = {}
        for entry in self._entries.values():
            if id(entry.form) in keys.values():
                continue
            key = entry.key or snake_case(self._names[id(entry.form)])
            candidates = (key, f"{snake_case(entry.consumer_name)}_{key}")
            joint = "" if self._camelize else "_"
            keys[unique_name(keys, map(self._cased, candidates), joint)] = id(entry.form)
        return {form: key for key, form in keys.items()}

    def _add(self, message: MessageType, consumer_name: str, wire: Wire, key: str | None) -> Registered:
        place = (message, wire, consumer_name)
        if place not in self._entries:
            schema = _message_schema(message, consumer_name, wire)
            usage = (wire.direction, wire.camelize)
            form = self._forms.add(schema, usage, consumer_name, schema.root[REFERENCE].removeprefix(LOCAL))
            self._entries[place] = Registered(message, consumer_name, form, key)
        return self._entries[place]

    def _cased(self, key: str) -> str:
        return camel_case(key) if self._camelize else key

    @staticmethod
    def _first(pairs: Iterable[tuple[MessageType, str]]) -> dict[MessageType, str]:
        found: dict[MessageType, str] = {}
        for message, reference in pairs:
            found.setdefault(message, reference)
        return found


def parts(message_type: Any) -> list[MessageType]:
    """The types that one type, a union, a list or a tuple names."""
    if message_type is None or message_type is type(None):
        return []
    if isinstance(message_type, list | tuple):
        return [part for member in cast("list[Any]", message_type) for part in parts(member)]
    if get_origin(message_type) in (Union, types.UnionType, list, tuple):
        return [part for member in get_args(message_type) if member is not ... for part in parts(member)]
    if isinstance(message_type, TypeAliasType):
        return parts(message_type.__value__)
    return [message_type]


def _message_schema(message: MessageType, consumer_name: str, wire: Wire) -> WireSchema:
    try:
        schema = wire_schema(message, wire.direction, camelize=wire.camelize)
    except NoSchemaError as error:
        place = ".".join((message.__name__, *error.path))
        raise DescriptionError(
            f"{consumer_name}: {place} has no JSON schema ({error.reason}). Give the field a type that JSON has, or "
            "describe it: Annotated[..., WithJsonSchema({...})]; Field(exclude=True) leaves it out of what is sent."
        ) from error
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        raise DescriptionError(
            f"{consumer_name}: {message.__name__} is not complete ({_what_is_missing(message, error)}). Define or "
            "import all types of its fields in its module before the document is made."
        ) from error
    try:
        definitions = from_json(to_json(schema.definitions, inf_nan_mode="constants"))
    except PydanticSerializationError as error:
        raise DescriptionError(
            f"{consumer_name}: {message.__name__} has a schema that is not JSON ({error}): look at its defaults, "
            "examples and json_schema_extra, and those of the types in it."
        ) from error
    return _told_apart(replace(schema, definitions=definitions), message, wire)


def _what_is_missing(message: MessageType, error: PydanticUserError | PydanticUndefinedAnnotation) -> str:
    try:
        message.model_rebuild(force=True)
    except PydanticUndefinedAnnotation as undefined:
        return undefined.message
    except PydanticUserError as other:
        error = other
    return error.message.splitlines()[0]


def _told_apart(schema: WireSchema, message: MessageType, wire: Wire) -> WireSchema:
    """The schema with the message's discriminating field under the wire's key, which no setting renames; as first."""
    own, key = tag_field(message, wire.discriminator), schema.root[REFERENCE].removeprefix(LOCAL)
    content = schema.definitions[key]
    properties: dict[str, Any] = content.get("properties", {})
    name = own if own in properties else camel_case(own)
    if name == wire.discriminator or name not in properties:
        return schema
    changed = {**content, "properties": {wire.discriminator: properties[name], **properties}}
    del changed["properties"][name]
    if name in content.get("required", ()):
        others = [other for other in content["required"] if other != name]
        changed["required"] = [wire.discriminator, *others]
    root = f"{key}#message"
    definitions = {**schema.definitions, root: changed}
    return replace(schema, root={REFERENCE: LOCAL + root}, definitions=definitions)
