"""AsyncAPI 3.0 documents, made from the routes of an application.

routes ─> ChannelSource ─> Operation ─> MessageRegistry (names, schemas) ─> channels, operations, components
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from pydantic_core import from_json, to_json

from chanx.asyncapi.channels import channel_object
from chanx.asyncapi.constants import (
    ASYNCAPI_VERSION,
    DEFAULT_ASYNCAPI_TITLE,
    DEFAULT_ASYNCAPI_VERSION,
    DEFAULT_SERVER_PROTOCOL,
    DEFAULT_SERVER_URL,
)
from chanx.asyncapi.dialect import asyncapi_schema
from chanx.asyncapi.operations import Operation, operations_of
from chanx.asyncapi.pointers import escaped
from chanx.asyncapi.sources import ChannelSource, channel_sources
from chanx.core.registry import MESSAGES, MessageRegistry, Registered, parts
from chanx.core.schema_forms import unique_name
from chanx.routing.discovery import RouteInfo
from chanx.utils.naming import camel_case

_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "0.0.0.0", "::1")


@dataclass(frozen=True, slots=True)
class _Registered:
    operation: Operation
    inputs: list[Registered]
    outputs: list[Registered]


class AsyncAPIGenerator:
    """Makes the document of some routes: ``AsyncAPIGenerator(discovery.discover_routes()).generate()``.

    ``server_url`` is the host that clients connect to, ``server_protocol`` ``ws`` or ``wss``. ``camelize``: keys of
    channels, operations and messages are camelCase, and so are the fields of messages; those of a consumer with a
    ``camelize`` of its own are as that says, for so its frames are. The same routes give the same document.
    ``channels`` and ``operations`` are the parts that were built so far. Every method that builds raises
    ``DescriptionError`` for a message that has no JSON Schema.
    """

    def __init__(
        self,
        routes: Iterable[RouteInfo],
        title: str = DEFAULT_ASYNCAPI_TITLE,
        version: str = DEFAULT_ASYNCAPI_VERSION,
        description: str | None = None,
        server_url: str = DEFAULT_SERVER_URL,
        server_protocol: str = DEFAULT_SERVER_PROTOCOL,
        camelize: bool = False,
    ) -> None:
        self.routes = list(routes)
        self.title = title
        self.version = version
        self.description = description
        self.server_url = server_url
        self.server_protocol = server_protocol
        self.camelize = camelize
        self.registry = MessageRegistry(camelize=camelize)
        self.channels: dict[str, Any] = {}
        self.operations: dict[str, Any] = {}

    def generate(self) -> dict[str, Any]:
        """The document: objects, arrays, texts, numbers, true, false and null, no part of which is there twice."""
        self.build_channels()
        self.build_operations()
        schemas = self.registry.schema_objects
        document = {
            "asyncapi": ASYNCAPI_VERSION,
            "info": self._info(),
            "servers": self._servers(),
            "channels": self.channels,
            "operations": self.operations,
            "components": {
                "messages": self.registry.message_objects,
                "schemas": {name: asyncapi_schema(schema) for name, schema in schemas.items()},
            },
        }
        # What YAML writes as an alias, or JSON cannot say (a default that is infinite), is gone after this.
        copy: dict[str, Any] = from_json(to_json(document, inf_nan_mode="null"))
        return copy

    def build_channels(self) -> dict[str, Any]:
        """``channels``, by key."""
        self.channels = {source.key: channel_object(source, self._message_keys(source)) for source in self._sources}
        return self.channels

    def build_operations(self) -> dict[str, Any]:
        """``operations``, by key: the operation's name, after its consumer's where another has it already."""
        self.operations = {}
        for source in self._sources:
            for entry in self._registered[source.key]:
                self.operations[self._operation_key(source, entry.operation.name)] = self._operation(source, entry)
        return self.operations

    def get_channel_messages(self, consumer: type) -> dict[str, dict[str, str]]:
        """The ``messages`` of the channels that a consumer, or a topic, has."""
        keys = {key for source in self._sources if source.cls is consumer for key in self._message_keys(source)}
        return {key: {"$ref": MESSAGES + key} for key in sorted(keys)}

    def build_output(self, channel_name: str, message_type: Any) -> list[dict[str, str]]:
        """References to the messages that a type, a union, a list or a tuple stands for, in one channel."""
        source = next(source for source in self._sources if source.key == channel_name)
        wire = source.wire("out")
        entries = [entry for part in parts(message_type) for entry in self.registry.add(part, source.name, wire)]
        return self._references(source, entries)

    @cached_property
    def _sources(self) -> list[ChannelSource]:
        return channel_sources(self.routes, camelize=self.camelize)

    @cached_property
    def _registered(self) -> dict[str, list[_Registered]]:
        return {
            source.key: [self._register(source, part) for part in operations_of(source)] for source in self._sources
        }

    def _register(self, source: ChannelSource, operation: Operation) -> _Registered:
        taken, sent = (source.wire(way, is_protocol=operation.is_protocol) for way in ("in", "out"))
        name, (key, output_key) = source.name, operation.keys
        inputs = self.registry.add(operation.inputs, name, taken, key=key)
        return _Registered(operation, inputs, self.registry.add(operation.outputs, name, sent, key=output_key))

    def _message_keys(self, source: ChannelSource) -> set[str]:
        registered = self._registered[source.key]
        return {self.registry.message_key(part) for entry in registered for part in (*entry.inputs, *entry.outputs)}

    def _operation_key(self, source: ChannelSource, name: str) -> str:
        candidates = (name, f"{source.cls.snake_name}_{name}", f"{source.title}_{name}")
        cased = [camel_case(candidate) for candidate in candidates] if self.camelize else candidates
        return unique_name(self.operations, cased, "" if self.camelize else "_")

    def _operation(self, source: ChannelSource, entry: _Registered) -> dict[str, Any]:
        operation, channel = entry.operation, {"$ref": f"#/channels/{escaped(source.key)}"}
        content: dict[str, Any] = {
            "action": "receive" if operation.inputs else "send",
            "channel": channel,
            "description": operation.description,
            "summary": operation.summary,
        }
        if operation.tags:
            content["tags"] = [{"name": tag} for tag in operation.tags]
        messages = self._references(source, entry.inputs or entry.outputs)
        if messages:
            content["messages"] = messages
        if entry.inputs and entry.outputs:
            content["reply"] = {"channel": channel, "messages": self._references(source, entry.outputs)}
        return content

    def _references(self, source: ChannelSource, entries: Iterable[Registered]) -> list[dict[str, str]]:
        start = f"#/channels/{escaped(source.key)}/messages/"
        keys = dict.fromkeys(self.registry.message_key(entry) for entry in entries)
        return [{"$ref": start + key} for key in keys]

    def _info(self) -> dict[str, Any]:
        info = {"title": self.title, "version": self.version}
        return {**info, "description": self.description} if self.description else info

    def _servers(self) -> dict[str, Any]:
        host = self.server_url
        is_local = not host or any(name in host for name in _LOCAL_HOSTS)
        return {"development" if is_local else "production": {"host": host, "protocol": self.server_protocol}}
