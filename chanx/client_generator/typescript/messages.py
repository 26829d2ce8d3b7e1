"""Messages as a client sees them: what tells them apart, and what stands in them beside that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from chanx.client_generator.declarations import (
    Declaration,
    EnumDeclaration,
    Literals,
    ObjectDeclaration,
    Property,
    ReferenceTo,
    Type,
)
from chanx.client_generator.protocol import Protocol

JOB_STREAM: Final = "job-stream"
JOB_LIST: Final = "job-list"

CONTROL_ACTIONS: Final = frozenset(("subscribe", "subscribed", "unsubscribe", "unsubscribed"))
"""What the runtime sends and understands by itself on every topic."""

JOB_ACTIONS: Final = frozenset(
    [
        "ack",
        "cancel",
        "job_cancel_accepted",
        "job_cancel_requested",
        "job_cancelled",
        "job_failed",
        "job_gap",
        "job_interrupted",
        "job_log",
        "job_output",
        "job_progress",
        "job_queued",
        "job_retrying",
        "job_started",
        "job_succeeded",
        "job_task",
    ]
)
"""What it knows of jobs beside that."""


class Messages:
    """The declarations of a document, and which of them are messages.

    What a client sends has to name its action, also where the schema has a default for it.
    """

    def __init__(self, protocol: Protocol) -> None:
        self.declarations: dict[str, Declaration] = {one.name: one for one in protocol.declarations}
        for connection in protocol.connections:
            channels = [*([connection.own] if connection.own else []), *(topic.channel for topic in connection.topics)]
            for channel in channels:
                for name in channel.sent:
                    self._require(name, channel.discriminator)

    def action(self, name: str, discriminator: str) -> str | None:
        """What the message is told apart by, if that is a single text."""
        values = self.actions(name, discriminator)
        return values[0] if len(values) == 1 else None

    def actions(self, name: str, discriminator: str) -> tuple[str, ...]:
        """All texts that the message may be told apart by; empty where the schema does not say."""
        found = self.property(name, discriminator)
        return () if found is None else tuple(value for value in self._values(found.type) if isinstance(value, str))

    def property(self, name: str, wire_name: str) -> Property | None:
        """A property of a declaration."""
        declaration = self.declarations[name]
        properties = declaration.properties if isinstance(declaration, ObjectDeclaration) else ()
        return next((one for one in properties if one.wire_name == wire_name), None)

    def others(self, name: str, discriminator: str) -> tuple[Property, ...] | None:
        """The properties beside that one; None where it is not known what all of them are."""
        declaration = self.declarations[name]
        if not isinstance(declaration, ObjectDeclaration) or declaration.extra is not None:
            return None
        return tuple(one for one in declaration.properties if one.wire_name != discriminator)

    def without(self, names: Iterable[str], discriminator: str, actions: frozenset[str]) -> Iterator[str]:
        """The messages that have none of these actions."""
        for name in names:
            if not actions.intersection(self.actions(name, discriminator)):
                yield name

    def with_action(self, names: Iterable[str], discriminator: str, action: str) -> str | None:
        """The message that has the action."""
        return next((name for name in names if action in self.actions(name, discriminator)), None)

    def _values(self, found: Type) -> tuple[object, ...]:
        if isinstance(found, Literals):
            return found.values
        referred = self.declarations.get(found.name) if isinstance(found, ReferenceTo) else None
        return referred.values if isinstance(referred, EnumDeclaration) else ()

    def _require(self, name: str, discriminator: str) -> None:
        declaration = self.declarations[name]
        if isinstance(declaration, ObjectDeclaration):
            properties = tuple(
                replace(one, is_required=True) if one.wire_name == discriminator else one
                for one in declaration.properties
            )
            self.declarations[name] = replace(declaration, properties=properties)
