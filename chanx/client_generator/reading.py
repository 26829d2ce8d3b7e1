"""What clients can do, read from a document.

document ─┬─ servers, channels ──> connections: those of one address are one, a consumer's own and its topics
          └─ operations ─────────> what each channel's client sends and gets
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from chanx.asyncapi.pointers import resolved
from chanx.client_generator.channel_reading import ChannelReader
from chanx.client_generator.json_schema import mapping, strings, text
from chanx.client_generator.protocol import Channel, Connection, Protocol, TopicChannel
from chanx.errors import DocumentError
from chanx.utils.naming import camel_case

_PARAMETER: Final = re.compile(r"\{([^{}]+)\}")
_WEBSOCKETS: Final = ("ws", "wss")


def protocol_of(document: Mapping[str, Any]) -> Protocol:
    """Reads an AsyncAPI 3 document, chanx's or another one about WebSockets and JSON.

    Raises ``DocumentError`` for what is none, for other versions, and for one with parts that are missing or broken.
    """
    _check_version(document)
    info = mapping(document.get("info"))
    if "title" not in info:
        raise DocumentError("The document has no info.title, which AsyncAPI requires.")
    server = _server(document)
    reader = ChannelReader(document)
    connections = _connections(document, reader)
    return Protocol(
        title=str(info["title"]),
        version=str(info.get("version", "")),
        description=text(info.get("description")),
        host=_host(server),
        protocol=text(server.get("protocol")),
        connections=connections,
        declarations=reader.messages.types.declarations(),
    )


def _check_version(document: Mapping[str, Any]) -> None:
    version = document.get("asyncapi")
    if version is None:
        other = next((name for name in ("openapi", "swagger") if name in document), None)
        what = f"it is one of {other}" if other else 'it has no "asyncapi"'
        raise DocumentError(f"This is no AsyncAPI document: {what}.")
    if str(version).split(".")[0] != "3":
        raise DocumentError(
            f"AsyncAPI {version} is not supported, only 3.x: convert the document with the AsyncAPI CLI, "
            "`asyncapi convert FILE --target-version=3.0.0`."
        )


def _server(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first server for WebSockets; an empty one where the document names no server."""
    servers = [mapping(resolved(document, server)) for server in mapping(document.get("servers")).values()]
    found = next((server for server in servers if text(server.get("protocol")) in _WEBSOCKETS), None)
    if servers and found is None:
        protocols = ", ".join(str(server.get("protocol")) for server in servers)
        raise DocumentError(f"The document has no server with the protocol ws or wss, only {protocols}.")
    return found or {}


def _host(server: Mapping[str, Any]) -> str | None:
    host = text(server.get("host"))
    return host and host + (text(server.get("pathname")) or "").rstrip("/")


def _connections(document: Mapping[str, Any], reader: ChannelReader) -> tuple[Connection, ...]:
    own: dict[str, list[Channel]] = {}
    topics: dict[str, list[TopicChannel]] = {}
    channels: dict[str, Mapping[str, Any]] = {}
    for key, pointer in reader.channels.items():
        content = reader.content(pointer)
        address = content.get("address")
        if not isinstance(address, str):
            raise DocumentError(f"The channel {key!r} has no address: clients have to know where to connect.")
        channels.setdefault(address, content)
        if "x-topic" in content:
            topics.setdefault(address, []).append(_topic(key, content["x-topic"], reader.channel(key)))
        else:
            own.setdefault(address, []).append(reader.channel(key))
    return tuple(
        connection
        for address, content in channels.items()
        for connection in _at_address(
            address, _parameters(document, address, content), own.get(address, []), topics.get(address, [])
        )
    )


def _at_address(
    address: str, parameters: Mapping[str, str | None], own: Sequence[Channel], topics: Sequence[TopicChannel]
) -> list[Connection]:
    if not own:
        name = min((_host_name(topic) for topic in topics), key=len)
        description = topics[0].channel.description if len(topics) == 1 else None
        return [Connection(name, address, parameters, description, None, tuple(topics))]
    hosts = [_host_of(topic, own) for topic in topics]
    return [
        Connection(
            channel.key,
            address,
            parameters,
            channel.description,
            channel,
            tuple(topic for topic, host in zip(topics, hosts, strict=True) if host is channel),
        )
        for channel in own
    ]


def _host_of(topic: TopicChannel, own: Sequence[Channel]) -> Channel:
    """The channel that a topic is reached through: the one it is named after, if several have the address."""
    name = _host_name(topic)
    return next((channel for channel in own if channel.key == name), own[0])


def _host_name(topic: TopicChannel) -> str:
    """The name of the consumer that has the topic; of a topic's own route it is that of the topic."""
    key, name = topic.channel.key, topic.name
    camel = camel_case(name)
    for ending in (f"_{name}", camel[:1].upper() + camel[1:]):
        if key.endswith(ending) and key != ending:
            return key.removesuffix(ending)
    return key


def _topic(key: str, value: Any, channel: Channel) -> TopicChannel:
    content = mapping(value)
    pattern, parameters = text(content.get("pattern")), strings(content.get("parameters"))
    if pattern is None:
        raise DocumentError(
            f"The topic of the channel {key!r} has no pattern: x-topic needs name, pattern, parameters."
        )
    return TopicChannel(
        channel=channel,
        name=text(content.get("name")) or key,
        pattern=pattern,
        parameters=tuple(parameters or _PARAMETER.findall(pattern)),
        protocol=text(content.get("protocol")),
    )


def _parameters(document: Mapping[str, Any], address: str, channel: Mapping[str, Any]) -> dict[str, str | None]:
    given = mapping(channel.get("parameters"))
    described = {name: mapping(resolved(document, value)).get("description") for name, value in given.items()}
    return {name: text(described.get(name)) for name in _PARAMETER.findall(address)}
