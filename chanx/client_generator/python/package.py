"""What a package consists of, and what everything in it is called: a module for each channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chanx.client_generator.declarations import Declaration, Type
from chanx.client_generator.protocol import Connection, Protocol, Request, TopicChannel


@dataclass(frozen=True, slots=True)
class Method:
    """A request, as a method. Messages and replies are names of message classes.

    ``is_empty``: the message can be made without an argument.
    """

    name: str
    request: Request
    messages: tuple[str, ...]
    replies: tuple[str, ...]
    is_empty: bool


@dataclass(frozen=True, slots=True)
class TopicClass:
    """The handle of a topic. ``subscribe`` and ``subscribed`` are the types of those payloads."""

    name: str
    topic: TopicChannel
    received: tuple[str, ...]
    received_name: str
    methods: tuple[Method, ...]
    subscribe: Type | None
    subscribed: Type | None


@dataclass(frozen=True, slots=True)
class Module:
    """A directory of the package. ``own`` and ``shared`` are the types it needs, in the document's order."""

    name: str
    title: str
    client: ClientClass | None = None
    topic: TopicClass | None = None
    own: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TopicMethod:
    """What gives a topic on a connection. ``module`` is where its class is, None for a list of jobs.

    ``parameters``: those of the pattern, each with its name in Python.
    """

    name: str
    topic: TopicChannel
    parameters: Mapping[str, str]
    module: Module | None = None


@dataclass(frozen=True, slots=True)
class ClientClass:
    """The client of a connection."""

    name: str
    connection: Connection
    received: tuple[str, ...]
    received_name: str
    methods: tuple[Method, ...]
    topics: tuple[TopicMethod, ...]


@dataclass(frozen=True, slots=True)
class Package:
    """``shared``: the types that several channels have, in the document's order. ``messages``: which types are some."""

    protocol: Protocol
    modules: tuple[Module, ...]
    shared: tuple[str, ...]
    messages: frozenset[str]
    declarations: Mapping[str, Declaration]
