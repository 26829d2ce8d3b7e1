"""What goes over one channel of a document, by the values that messages are told apart by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from chanx.asyncapi.pointers import key_of, resolved
from chanx.asyncapi.schema_atoms import Schema, SchemaReader, checked
from chanx.asyncapi.type_defs import AsyncAPIDocument, ChannelObject, OperationObject, ReferenceObject
from chanx.errors import DocumentError

DEFAULT_DISCRIMINATOR: Final = "action"


@dataclass(slots=True)
class Request:
    """What clients send under one tag: in which forms, by which operations, and the tags it is answered with."""

    schemas: list[Schema] = field(default_factory=list[Schema])
    operations: list[str] = field(default_factory=list[str])
    replies: list[str] = field(default_factory=list[str])


@dataclass(slots=True)
class ChannelContract:
    """``received`` is what clients send, ``sent`` what they get, as replies or not, each by its tag.

    A tag is the value of the discriminator, or the key of the message where its schema has no such value. The schemas
    say nothing about the discriminator itself.
    """

    key: str
    channel: ChannelObject
    received: dict[str, Request] = field(default_factory=dict[str, Request])
    sent: dict[str, list[Schema]] = field(default_factory=dict[str, list[Schema]])

    @property
    def discriminator(self) -> str:
        """The key that messages are told apart by."""
        return self.channel.discriminator or DEFAULT_DISCRIMINATOR


class DocumentContract:
    """A document by its channels. Raises ``DocumentError`` if it is none, or refers to what it does not have."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.document = parsed(content)
        self.schemas = SchemaReader(content)
        self.channels = {key: ChannelContract(key, channel) for key, channel in self.document.channels.items()}
        for key, operation in self.document.operations.items():
            self._add(key, operation)

    def _add(self, key: str, operation: OperationObject) -> None:
        channel = self._channel_of(key, operation)
        messages = [found for reference in operation.messages for found in self._tagged(reference, channel)]
        replies: list[tuple[str, Schema]] = []
        if operation.reply is not None:
            replies = [found for reference in operation.reply.messages for found in self._tagged(reference, channel)]
        for tag, schema in (messages if operation.action == "send" else []) + replies:
            _add_once(channel.sent.setdefault(tag, []), schema)
        if operation.action == "receive":
            for tag, schema in messages:
                request = channel.received.setdefault(tag, Request())
                _add_once(request.schemas, schema)
                _add_once(request.operations, key)
                for reply, _ in replies:
                    _add_once(request.replies, reply)

    def _channel_of(self, key: str, operation: OperationObject) -> ChannelContract:
        name = key_of(operation.channel.ref)
        if name not in self.channels:
            raise DocumentError(
                f"The operation {key!r} of the document names the channel {name!r}, which is not there."
            )
        return self.channels[name]

    def _tagged(self, reference: ReferenceObject, channel: ChannelContract) -> Iterator[tuple[str, Schema]]:
        message = resolved(self.content, {"$ref": reference.ref})
        payload = message.get("payload", True) if isinstance(message, Mapping) else True  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- any JSON
        if isinstance(payload, Mapping) and "schemaFormat" in payload:
            payload = payload.get("schema", True)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] -- any JSON
        found = list(self._by_tag(checked(payload), channel.discriminator))
        yield from found or [(key_of(reference.ref), checked(payload))]

    def _by_tag(self, schema: Schema, discriminator: str) -> Iterator[tuple[str, Schema]]:
        """The schema of each tag, without the discriminator; nothing where there is no such value."""
        atoms = self.schemas.atoms(schema)
        for atom in atoms:
            properties: Mapping[str, Any] = atom.keywords.get("properties", {})
            tags = self.schemas.atoms(checked(properties[discriminator])) if discriminator in properties else ()
            if not tags or not all(tag.is_value for tag in tags):
                return
        for atom in atoms:
            properties = atom.keywords["properties"]
            rest = {
                "type": "object",
                **atom.keywords,
                "properties": {name: value for name, value in properties.items() if name != discriminator},
                "required": [name for name in atom.keywords.get("required", ()) if name != discriminator],
            }
            for tag in self.schemas.atoms(checked(properties[discriminator])):
                yield str(tag.value), rest


def parsed(content: Mapping[str, Any]) -> AsyncAPIDocument:
    """The document; ``DocumentError`` if it is none of AsyncAPI 3."""
    version = str(content.get("asyncapi", ""))
    if not version.startswith("3."):
        found = f"asyncapi {version}" if version else 'it has no key "asyncapi"'
        raise DocumentError(
            f"This is no AsyncAPI 3 document ({found}). Convert older ones with the AsyncAPI CLI first."
        )
    try:
        return AsyncAPIDocument.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise DocumentError(f"The AsyncAPI document is broken at {place}: {first['msg']}.") from error


def either(schemas: Sequence[Schema]) -> Schema:
    """The schema of what is one of these."""
    return schemas[0] if len(schemas) == 1 else {"anyOf": list(schemas)}


def _add_once(values: list[Any], value: Any) -> None:
    if value not in values:
        values.append(value)
