"""What a client can do, read from a document: connections (addresses), their own messages, and their topics.

AsyncAPIDocument ─> protocol_of() ─> Protocol ─> one package, or file, for each connection
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from chanx.client_generator.declarations import Declaration


@dataclass(frozen=True, slots=True)
class Request:
    """An operation that the client begins: it sends one of ``messages``, and gets one of ``replies`` if there are any.

    ``name`` is the operation's key without what only made it unique.
    """

    name: str
    messages: tuple[str, ...]
    replies: tuple[str, ...]
    summary: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel of the document. Message types are names of declarations.

    ``sent`` by the client, ``received`` by it: each once, in the document's order. ``discriminator`` is the key that
    tells them apart. Those of the system (``complete``, ``error``, …), which no document has, are not among them.
    """

    key: str
    title: str
    description: str | None
    discriminator: str
    requests: tuple[Request, ...]
    sent: tuple[str, ...]
    received: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicChannel:
    """A topic that is reached through a connection. ``protocol``: ``job-stream``, ``job-list`` or None."""

    channel: Channel
    name: str
    pattern: str
    parameters: tuple[str, ...]
    protocol: str | None


@dataclass(frozen=True, slots=True)
class Connection:
    """One address, and what is spoken over it. ``own`` is None where it has topics alone.

    ``name`` is that of the consumer, in snake_case (or camelCase, as the document has it).
    """

    name: str
    address: str
    parameters: Mapping[str, str | None]
    description: str | None
    own: Channel | None
    topics: tuple[TopicChannel, ...] = ()

    @property
    def is_dedicated(self) -> bool:
        """Whether the address is that of its one topic: then the server subscribes the client as it connects."""
        if self.own is not None or len(self.topics) != 1:
            return False
        (topic,) = self.topics
        return not topic.channel.title.endswith(f"_{topic.name}")


@dataclass(frozen=True, slots=True)
class Protocol:
    """``host`` and ``protocol`` of the document's server are where clients connect unless they are told otherwise."""

    title: str
    version: str
    description: str | None
    host: str | None
    protocol: str | None
    connections: tuple[Connection, ...]
    declarations: tuple[Declaration, ...] = field(repr=False)
