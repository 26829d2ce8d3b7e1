"""What the templates show of a connection: names, types and pieces of source, all ready to be written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MethodView:
    """``parameters`` and ``body`` are source; ``comment`` too, with its indentation.

    ``message`` is the declaration that the first parameter is, without the key ``fills_in`` if that is not None;
    None where there is no such parameter. ``sends`` is a declaration that is sent, and ``answers`` the actions of what
    comes of it, where no reply says which message it answers.
    """

    name: str
    comment: str
    parameters: str
    returns: str
    body: str
    message: str | None
    fills_in: str | None
    sends: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic of a project's own: a class, and the method of the client that opens it.

    ``subscribe`` and ``subscribed`` are the types of those payloads; ``actions`` those of what the server sends.
    """

    class_name: str
    method: str
    comment: str
    pattern: str
    parameters: tuple[str, ...]
    received: str
    sent: str
    subscribe: str | None
    subscribed: str
    actions: tuple[str, ...]
    methods: tuple[MethodView, ...]


@dataclass(frozen=True, slots=True)
class UnionView:
    """A union that the client's types are named by; ``options`` are names of types."""

    name: str
    comment: str
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """One address: a directory with ``messages.ts`` and ``client.ts``.

    ``received`` and ``sent`` are the declarations that go each way, over the connection and all of its topics.
    ``parameters`` are those of the address; ``own_events`` is the union of jobs' own events, if there are any.
    """

    directory: str
    title: str
    class_name: str
    comment: str
    description: str | None
    address: str
    parameters: tuple[str, ...]
    server: str | None
    discriminator: str
    has_heartbeat: bool
    is_dedicated: bool
    has_jobs: bool
    has_job_list: bool
    own_events: str | None
    union_received: str
    union_sent: str
    unions: tuple[UnionView, ...]
    received: tuple[str, ...]
    sent: tuple[str, ...]
    actions: tuple[str, ...]
    methods: tuple[MethodView, ...]
    topics: tuple[TopicView, ...]
