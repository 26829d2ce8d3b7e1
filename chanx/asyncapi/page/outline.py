"""A document as its page shows it: by connection, then channel, and from the client's side.

document ─> outline_of() ─> Connection (an address) ─> Channel (the consumer, each topic) ─> Operation ─> Message
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from chanx.asyncapi.page.examples import example_of
from chanx.asyncapi.page.schema_facts import REFERENCE, referred
from chanx.asyncapi.page.schema_tree import Node, tree_of
from chanx.asyncapi.page.text import Block, blocks
from chanx.asyncapi.pointers import key_of, unescaped
from chanx.asyncapi.type_defs import (
    AsyncAPIDocument,
    ChannelObject,
    OperationObject,
    ReferenceObject,
    SchemaObject,
    TopicObject,
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """``id`` of an element, and the ``href`` of a link to it."""

    id: str

    @property
    def href(self) -> str:
        return f"#{quote(self.id)}"


@dataclass(frozen=True, slots=True)
class Message:
    """``schema``: the anchor of its schema, None where it is not one of the document's components."""

    key: str
    name: str
    schema: Anchor | None
    tree: Node
    example: Any


@dataclass(frozen=True, slots=True)
class Operation:
    """``is_sent``: by the client. ``summary`` is a line of text, ``words`` is all that is to search in."""

    key: str
    anchor: Anchor
    is_sent: bool
    summary: str | None
    description: list[Block]
    tags: tuple[str, ...]
    messages: tuple[Message, ...]
    replies: tuple[Message, ...]
    words: str

    @property
    def way(self) -> str:
        """Which way its messages go, in words."""
        return "You send" if self.is_sent else "You receive"


@dataclass(frozen=True, slots=True)
class Channel:
    """``topic``: what the document says of it as a topic, None for a consumer.

    ``is_dedicated``: a topic with an address of its own, whose frames need not name it.
    """

    key: str
    anchor: Anchor
    name: str
    description: list[Block]
    tags: tuple[str, ...]
    topic: TopicObject | None
    is_dedicated: bool
    discriminator: str | None
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Connection:
    """Everything that is spoken at one address."""

    address: str
    parameters: tuple[tuple[str, str | None], ...]
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """A component with a section of its own. ``example`` is JSON like."""

    name: str
    anchor: Anchor
    description: list[Block]
    tree: Node
    example: Any


@dataclass(frozen=True, slots=True)
class Outline:
    """All that the page's templates need to know of a document."""

    title: str
    version: str
    description: list[Block]
    servers: tuple[tuple[str, str], ...]
    connections: tuple[Connection, ...]
    schemas: tuple[Schema, ...]
    has_topics: bool
    protocols: frozenset[str]


def outline_of(document: Mapping[str, Any]) -> Outline:
    """Reads a document; raises pydantic's ``ValidationError`` for what is none."""
    read = AsyncAPIDocument.model_validate(document)
    writer = _Writer(read)
    connections = tuple(writer.connections())
    topics = [channel.topic for connection in connections for channel in connection.channels if channel.topic]
    return Outline(
        title=read.info.title,
        version=read.info.version,
        description=blocks(read.info.description),
        servers=tuple(
            (name, f"{each.protocol}://{each.host}{(each.model_extra or {}).get('pathname', '')}")
            for name, each in read.servers.items()
        ),
        connections=connections,
        schemas=tuple(writer.schemas()),
        has_topics=bool(topics),
        protocols=frozenset(topic.protocol for topic in topics if topic.protocol),
    )


class _Writer:
    def __init__(self, document: AsyncAPIDocument) -> None:
        self._document = document
        self._schemas = document.components.schemas
        self._messages: dict[tuple[str, bool], Message] = {}

    def connections(self) -> Iterable[Connection]:
        """In the document's order; the channels of an address stand together."""
        by_address: dict[str, dict[str, ChannelObject]] = {}
        for key, channel in self._document.channels.items():
            by_address.setdefault(channel.address, {})[key] = channel
        operations: dict[str, list[tuple[str, OperationObject]]] = {}
        for key, operation in self._document.operations.items():
            operations.setdefault(key_of(operation.channel.ref), []).append((key, operation))
        for address, channels in by_address.items():
            parameters = {name: each for channel in channels.values() for name, each in channel.parameters.items()}
            yield Connection(
                address=address,
                parameters=tuple((name, parameter.description) for name, parameter in parameters.items()),
                channels=tuple(self._channel(key, each, operations.get(key, [])) for key, each in channels.items()),
            )

    def schemas(self) -> Iterable[Schema]:
        sent = self._sent_schemas()
        for name, schema in self._schemas.items():
            yield Schema(
                name=name,
                anchor=schema_anchor(name),
                description=blocks(schema.get("description")),
                tree=tree_of(schema, self._schemas, is_sent=name in sent),
                example=example_of(schema, self._schemas),
            )

    def _sent_schemas(self) -> set[str]:
        """The names of the components in messages of the client, however deep; the others are the server's alone."""
        operations = [each for each in self._document.operations.values() if each.action == "receive"]
        keys = {key_of(self._resolved(each).ref) for operation in operations for each in operation.messages}
        found: set[str] = set()
        waiting = [self._document.components.messages[key].payload for key in keys]
        while waiting:
            names = set(re.findall(f'"{REFERENCE}([^"]+)"', json.dumps(waiting.pop())))
            waiting += [self._schemas[name] for name in names - found if name in self._schemas]
            found |= names
        return found

    def _channel(self, key: str, channel: ChannelObject, operations: list[tuple[str, OperationObject]]) -> Channel:
        return Channel(
            key=key,
            anchor=_anchor("channel", key),
            name=channel.title or key,
            description=blocks(channel.description),
            tags=tuple(tag.name for tag in channel.tags),
            topic=channel.topic,
            is_dedicated=channel.topic is not None and not is_hosted(key, channel.topic),
            discriminator=channel.discriminator,
            operations=tuple(self._operation(key, operation) for key, operation in operations),
        )

    def _operation(self, key: str, operation: OperationObject) -> Operation:
        is_sent = operation.action == "receive"
        replies = operation.reply.messages if operation.reply else []
        tags = tuple(tag.name for tag in operation.tags)
        return Operation(
            key=key,
            anchor=_anchor("operation", key),
            is_sent=is_sent,
            summary=operation.summary or None,
            description=blocks(operation.description),
            tags=tags,
            messages=tuple(self._message(reference, is_sent=is_sent) for reference in operation.messages),
            replies=tuple(self._message(reference, is_sent=False) for reference in replies),
            words=" ".join(filter(None, (key, operation.summary, operation.description, *tags))).casefold(),
        )

    def _message(self, reference: ReferenceObject, *, is_sent: bool) -> Message:
        key = key_of(self._resolved(reference).ref)
        known = self._messages.get((key, is_sent))
        if known is None:
            payload = self._document.components.messages[key].payload
            known = self._messages[key, is_sent] = self._read_message(key, payload, is_sent=is_sent)
        return known

    def _resolved(self, reference: ReferenceObject) -> ReferenceObject:
        """Where a channel's message refers to, else the reference itself."""
        parts = [unescaped(part) for part in reference.ref.split("/")]
        if len(parts) != 5 or parts[1] != "channels":
            return reference
        return self._document.channels[parts[2]].messages[parts[4]]

    def _read_message(self, key: str, payload: SchemaObject, *, is_sent: bool) -> Message:
        name = referred(payload)
        return Message(
            key=key,
            name=name or key,
            schema=schema_anchor(name) if name in self._schemas else None,
            tree=tree_of(payload, self._schemas, is_sent=is_sent),
            example=example_of(payload, self._schemas),
        )


def _anchor(kind: str, key: str) -> Anchor:
    return Anchor(f"{kind}-" + re.sub(r"\s+", "-", key))


def is_hosted(key: str, topic: TopicObject) -> bool:
    """Whether a topic is reached through a consumer: its channel's key has that one's name before its own."""
    key, name = (text.replace("_", "").casefold() for text in (key, topic.name))  # the key may be in camelCase
    return key != name and key.endswith(name)


def schema_anchor(name: str) -> Anchor:
    """Where the page shows a component."""
    return _anchor("schema", name)
