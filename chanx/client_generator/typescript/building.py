"""From a protocol to what the templates show: every name of the client is chosen here.

Protocol ─> Building ─> Variants, ConnectionViews
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from chanx.client_generator.protocol import Channel, Connection, Protocol, Request, TopicChannel
from chanx.client_generator.references import references_in
from chanx.client_generator.typescript.messages import (
    CONTROL_ACTIONS,
    JOB_ACTIONS,
    JOB_LIST,
    JOB_STREAM,
    Messages,
)
from chanx.client_generator.typescript.methods import methods_of
from chanx.client_generator.typescript.names import (
    OWN_DIRECTORIES,
    RUNTIME_MEMBERS,
    RUNTIME_NAMES,
    class_name,
    directory_name,
    method_name,
)
from chanx.client_generator.typescript.text import comment
from chanx.client_generator.typescript.type_text import type_text
from chanx.client_generator.typescript.variants import Direction, Variants
from chanx.client_generator.typescript.views import ConnectionView, TopicView, UnionView

_ACTION: Final = "action"


class Building:
    """The views of a protocol's connections, and the types that they use."""

    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self.messages = Messages(protocol)
        self._parts = [_Parts(connection, self.messages) for connection in protocol.connections]
        received = [name for parts in self._parts for name in parts.received]
        sent = [name for parts in self._parts for name in parts.sent]
        self.variants = Variants(self.messages.declarations, received, sent)
        self._names = {*self.variants.names, *RUNTIME_NAMES}
        self._directories = set(OWN_DIRECTORIES)
        self.connections = tuple(self._connection(parts) for parts in self._parts)

    def _connection(self, parts: _Parts) -> ConnectionView:
        connection, own, key = parts.connection, parts.connection.own, parts.discriminator
        prefix = class_name(connection.name, set())
        methods = set(RUNTIME_MEMBERS)
        received = self._union(f"{prefix}Received", "What the server sends.", parts.own_received, "received")
        sent = self._union(f"{prefix}Sent", "What the client sends.", parts.own_sent, "sent")
        client_name = class_name(f"{prefix}Client", self._names)
        topics, unions = self._topics(parts, prefix, methods)
        events = self._job_events(parts, prefix)
        return ConnectionView(
            directory=directory_name(connection.name, self._directories),
            title=own.title if own else connection.name,
            class_name=client_name,
            comment=comment(connection.description or f"Connects to {connection.address}."),
            description=connection.description,
            address=connection.address,
            parameters=tuple(connection.parameters),
            server=self._server(),
            discriminator=key,
            has_heartbeat=bool(connection.topics or parts.own_sent),
            is_dedicated=connection.is_dedicated,
            has_jobs=any(topic.protocol == JOB_STREAM for topic in connection.topics),
            has_job_list=any(topic.protocol == JOB_LIST for topic in connection.topics),
            own_events=events.name if events else None,
            union_received=received.name,
            union_sent=sent.name,
            unions=(received, sent, *unions, *([events] if events else [])),
            received=parts.received,
            sent=parts.sent,
            actions=self._actions(parts.own_received, key),
            methods=methods_of(own, parts.own_requests, self.messages, self.variants, methods) if own else (),
            topics=topics,
        )

    def _topics(self, parts: _Parts, prefix: str, methods: set[str]) -> tuple[tuple[TopicView, ...], list[UnionView]]:
        topics: list[TopicView] = []
        unions: list[UnionView] = []
        for topic in parts.topics:
            name = self._topic_name(topic.name, prefix)
            own = _TopicParts(topic.channel, self.messages)
            received = self._union(
                f"{name}Received", f"What the server sends on {topic.pattern}.", own.received, "received"
            )
            sent = self._union(f"{name}Sent", f"What the client sends on {topic.pattern}.", own.sent, "sent")
            unions += [received, sent]
            topics.append(
                TopicView(
                    class_name=class_name(name, self._names),
                    method=method_name(topic.name, methods, suffix="Topic"),
                    comment=comment(topic.channel.description or f"The topic {topic.pattern}."),
                    pattern=topic.pattern,
                    parameters=topic.parameters,
                    received=received.name,
                    sent=sent.name,
                    subscribe=self._payload(own.subscribe, "sent"),
                    subscribed=self._payload(own.subscribed, "received") or "unknown",
                    actions=self._actions(own.received, topic.channel.discriminator),
                    methods=methods_of(
                        topic.channel, own.requests, self.messages, self.variants, set(RUNTIME_MEMBERS), on_topic=True
                    ),
                )
            )
        return tuple(topics), unions

    def _topic_name(self, text: str, prefix: str) -> str:
        """What the names of a topic begin with: where another connection has it, that of the connection comes first."""
        name = class_name(text, set())
        name = name if name.endswith("Topic") else f"{name}Topic"
        return name if self._names.isdisjoint((name, f"{name}Received", f"{name}Sent")) else f"{prefix}{name}"

    def _job_events(self, parts: _Parts, prefix: str) -> UnionView | None:
        if not parts.own_events:
            return None
        return self._union(
            f"{prefix}JobEvent", "The events that jobs have beside those of every job.", parts.own_events, "received"
        )

    def _union(self, name: str, text: str, options: Iterable[str], direction: Direction) -> UnionView:
        found = dict.fromkeys(self.variants.name_of(option, direction) for option in options)
        return UnionView(class_name(name, self._names), comment(text), tuple(found))

    def _actions(self, names: Iterable[str], discriminator: str) -> tuple[str, ...]:
        return tuple(action for name in names for action in self.messages.actions(name, discriminator))

    def _payload(self, message: str | None, direction: Direction) -> str | None:
        found = None if message is None else self.messages.property(message, "payload")
        if found is None:
            return None
        return type_text(found.type, lambda name: f"messages.{self.variants.name_of(name, direction)}")

    def _server(self) -> str | None:
        protocol = self._protocol
        return f"{protocol.protocol or 'ws'}://{protocol.host}" if protocol.host else None


class _TopicParts:
    """The messages of a topic, without those that the runtime speaks by itself."""

    def __init__(self, channel: Channel, messages: Messages) -> None:
        key = channel.discriminator
        self.received = tuple(messages.without(channel.received, key, CONTROL_ACTIONS))
        self.sent = tuple(messages.without(channel.sent, key, CONTROL_ACTIONS))
        self.requests = _requests(channel, messages, CONTROL_ACTIONS)
        self.subscribe = messages.with_action(channel.sent, key, "subscribe")
        self.subscribed = messages.with_action(channel.received, key, "subscribed")
        self.payloads_sent = _named_in_payload(messages, self.subscribe)
        self.payloads_received = _named_in_payload(messages, self.subscribed)


class _Parts:
    """The messages of a connection and of its topics, by which way they go."""

    def __init__(self, connection: Connection, messages: Messages) -> None:
        own = connection.own
        self.connection = connection
        self.topics: list[TopicChannel] = [topic for topic in connection.topics if topic.protocol is None]
        self.discriminator = _discriminator(connection)
        self.own_received = own.received if own else ()
        self.own_sent = own.sent if own else ()
        self.own_requests = own.requests if own else ()
        self.own_events = _own_events(connection, messages)
        topics = [_TopicParts(topic.channel, messages) for topic in self.topics]
        on_topics = [name for topic in topics for name in (*topic.received, *topic.payloads_received)]
        to_topics = [name for topic in topics for name in (*topic.sent, *topic.payloads_sent)]
        self.received = (*self.own_received, *on_topics, *self.own_events)
        self.sent = (*self.own_sent, *to_topics)


def _discriminator(connection: Connection) -> str:
    if connection.own is not None:
        return connection.own.discriminator
    ordered = sorted(connection.topics, key=lambda topic: topic.protocol is not None)
    return ordered[0].channel.discriminator if ordered else _ACTION


def _own_events(connection: Connection, messages: Messages) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for topic in connection.topics:
        if topic.protocol == JOB_STREAM:
            channel = topic.channel
            names = messages.without(channel.received, channel.discriminator, CONTROL_ACTIONS | JOB_ACTIONS)
            found.update(dict.fromkeys(names))
    return tuple(found)


def _requests(channel: Channel, messages: Messages, actions: frozenset[str]) -> Sequence[Request]:
    key = channel.discriminator
    return [one for one in channel.requests if tuple(messages.without(one.messages, key, actions))]


def _named_in_payload(messages: Messages, name: str | None) -> tuple[str, ...]:
    found = None if name is None else messages.property(name, "payload")
    return () if found is None else tuple(references_in(found.type))
