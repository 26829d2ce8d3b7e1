"""What clients can do, as it is read from documents: chanx's own, and those of others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chanx.client_generator.protocol import Connection, Protocol
from chanx.client_generator.reading import protocol_of
from chanx.errors import DocumentError
from tests.unit.client_generator.documents import channel, document, message_schema, operation, ref

SCHEMAS = {name: message_schema(name.lower()) for name in ("Ping", "Pong", "Chat", "News", "Say", "Subscribe")}


def connections(protocol: Protocol) -> dict[str, Connection]:
    return {connection.name: connection for connection in protocol.connections}


def site() -> dict[str, Any]:
    """A consumer with two topics, and a topic with a route of its own."""
    room = {"name": "room", "pattern": "room:{id}", "parameters": ["id"]}
    job = {"name": "job", "pattern": "job:{job_id}", "parameters": ["job_id"], "protocol": "job-stream"}
    channels = {
        "chat": channel(
            "ws/{pk}/",
            "ping",
            "pong",
            "news",
            title="chat",
            description="Talks.",
            parameters={"pk": {"description": "Path parameter for pk (int)"}},
        ),
        "chat_room": channel("ws/{pk}/", "say", "ping", "pong", **{"x-topic": room}),
        "chat_job": channel("ws/{pk}/", "subscribe", **{"x-topic": job}),
        "lobby": channel("ws/lobby/", "say", **{"x-topic": {**room, "name": "lobby"}, "x-discriminator": "kind"}),
    }
    operations = {
        "ping": operation("receive", "chat", ["ping"], ["pong"], summary="Pings.", description="Is it there?"),
        "log": operation("receive", "chat", ["chat"] if "chat" in channels["chat"]["messages"] else ["ping"], None),
        "news": operation("send", "chat", ["news", "pong"], summary="", description=""),
        "silent_event": operation("send", "chat", None),
        "say": operation("receive", "chat_room", ["say"], ["say"]),
        "chat_room_ping": operation("receive", "chat_room", ["ping"], ["pong"]),
        "subscribe": operation("receive", "chat_job", ["subscribe"]),
        "lobby_say": operation("receive", "lobby", ["say"]),
    }
    return document(channels, operations, SCHEMAS)


def test_the_document_of_a_consumer() -> None:
    # When
    protocol = protocol_of(site())

    # Then
    assert (protocol.title, protocol.version, protocol.host, protocol.protocol) == (
        "Chat",
        "1.0.0",
        "localhost:8000",
        "ws",
    )
    assert [declaration.name for declaration in protocol.declarations] == list(SCHEMAS)
    chat = connections(protocol)["chat"]
    assert (chat.address, chat.parameters, chat.description) == (
        "ws/{pk}/",
        {"pk": "Path parameter for pk (int)"},
        "Talks.",
    )
    assert chat.own is not None
    assert chat.own.discriminator == "action"
    assert [(one.name, one.messages, one.replies) for one in chat.own.requests] == [
        ("ping", ("Ping",), ("Pong",)),
        ("log", ("Ping",), ()),
    ]
    assert (chat.own.requests[0].summary, chat.own.requests[0].description) == ("Pings.", "Is it there?")
    assert chat.own.sent == ("Ping",)
    assert chat.own.received == ("Pong", "News")


def test_topics_belong_to_the_connection_of_their_address() -> None:
    found = connections(protocol_of(site()))

    assert list(found) == ["chat", "lobby"]
    room, job = found["chat"].topics
    assert (room.name, room.pattern, room.parameters, room.protocol) == ("room", "room:{id}", ("id",), None)
    assert (job.name, job.protocol) == ("job", "job-stream")
    assert [one.name for one in room.channel.requests] == ["say", "ping"]  # not chat_room_ping
    assert found["lobby"].own is None
    (lobby,) = found["lobby"].topics
    assert lobby.channel.discriminator == "kind"
    assert [one.name for one in lobby.channel.requests] == ["say"]


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        (("main_room", "main_job"), "main"),
        (("mainSiteRoom", "mainSiteJob"), "mainSite"),
        (("room",), "room"),
    ],
)
def test_a_connection_of_topics_alone_has_the_name_of_their_consumer(keys: tuple[str, ...], name: str) -> None:
    topics = ({"name": "room", "pattern": "room:{id}"}, {"name": "job", "pattern": "job:{id}"})
    channels = {key: channel("ws/", "say", **{"x-topic": topic}) for key, topic in zip(keys, topics, strict=False)}
    (connection,) = protocol_of(document(channels, {}, SCHEMAS)).connections
    assert connection.name == name
    assert len(connection.topics) == len(keys)
    assert connection.topics[0].parameters == ("id",)


def test_a_prefix_that_is_part_of_a_name_stays() -> None:
    # Given an operation that ends as one of another channel does, and is not named after its channel
    channels = {"one": channel("a/", "say", "ping"), "two": channel("b/", "say")}
    operations = {
        "say": operation("receive", "one", ["say"]),
        "do_say": operation("receive", "two", ["say"]),
        "one_say": operation("receive", "one", ["ping"]),
    }

    # Then
    one, two = protocol_of(document(channels, operations, SCHEMAS)).connections
    assert one.own is not None
    assert two.own is not None
    assert [request.name for request in two.own.requests] == ["do_say"]
    assert [request.name for request in one.own.requests] == ["say", "one_say"]


def test_a_number_after_the_prefix_goes_with_it() -> None:
    """Given three channels that have an operation of one name, two of which give it the same prefix."""
    topic = {"name": "room", "pattern": "room:{id}", "parameters": ["id"]}
    channels = {
        "chat": channel("ws/chat/", "ping"),
        "chat_room": channel("ws/chat/", "ping", **{"x-topic": topic}),
        "room": channel("ws/room/{id}/", "ping", **{"x-topic": topic}),
    }
    owners = {"say": "chat", "room_say": "chat_room", "room_say_2": "room", "step": "chat", "step_2": "room"}
    operations = {key: operation("receive", owner, ["ping"]) for key, owner in owners.items()}

    found = protocol_of(document(channels, operations, {"Ping": message_schema("ping")}))

    names = {
        topic.channel.key: [request.name for request in topic.channel.requests]
        for connection in found.connections
        for topic in connection.topics
    }
    assert names == {"chat_room": ["say"], "room": ["say", "step_2"]}


def test_a_document_of_another_maker() -> None:
    # Given messages, schemas and channels that are written in place, or in components, as the standard allows
    orders = {
        "address": "/orders",
        "messages": {
            "place-order": {
                "name": "placeOrder",
                "payload": {
                    "type": "object",
                    "required": ["event", "order"],
                    "properties": {
                        "event": {"const": "place"},
                        "order": {"type": "object", "properties": {"id": {"type": "string"}}},
                    },
                },
            },
            "done": ref("components", "messages", "done"),
            "failed": {
                "payload": {
                    "schemaFormat": "application/schema+json;version=draft-07",
                    "schema": {"type": "object", "properties": {"event": {"const": "failed"}}},
                }
            },
        },
    }
    components = {
        "channels": {"orders": orders},
        "operations": {"place": operation("receive", "orders", ["place-order"], ["done"])},
        "messages": {
            "done": {"payload": {"oneOf": [ref("components", "schemas", "A"), ref("components", "schemas", "B")]}}
        },
        "schemas": {
            name: {"type": "object", "properties": {"event": {"const": f"done_{name}"}}} for name in ("A", "B")
        },
    }
    content = document(
        {"orders": ref("components", "channels", "orders")},
        {"place": ref("components", "operations", "place"), "notify": operation("send", "orders")},
        components=components,
        servers={
            "queue": {"host": "kafka", "protocol": "kafka"},
            "site": {"host": "x.test", "pathname": "/v1/", "protocol": "wss"},
        },
    )

    # When
    protocol = protocol_of(content)

    # Then
    assert (protocol.host, protocol.protocol) == ("x.test/v1", "wss")
    (connection,) = protocol.connections
    assert connection.own is not None
    assert connection.own.discriminator == "event"
    assert connection.own.sent == ("PlaceOrder",)
    assert connection.own.received == ("A", "B", "Failed")  # an operation without messages has those of no other
    assert [declaration.name for declaration in protocol.declarations] == [
        "A",
        "B",
        "PlaceOrder",
        "PlaceOrderOrder",
        "Done",
        "Failed",
    ]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"asyncapi": "2.6.0"}, r"AsyncAPI 2.6.0 is not supported, only 3.x: convert .*asyncapi convert"),
        ({"asyncapi": 2}, "AsyncAPI 2 is not supported"),
        ({"asyncapi": None}, 'no AsyncAPI document: it has no "asyncapi"'),
        ({"asyncapi": None, "openapi": "3.1.0"}, "no AsyncAPI document: it is one of openapi"),
        ({"info": {}}, "no info.title"),
        ({"servers": {"a": {"host": "x", "protocol": "kafka"}}}, "no server with the protocol ws or wss, only kafka"),
        ({"channels": {"chat": {"messages": {}}}, "operations": {}}, "The channel 'chat' has no address"),
        ({"channels": {"chat": {"address": None}}, "operations": {}}, "The channel 'chat' has no address"),
        ({"channels": {"chat": ref("components", "channels", "x")}}, r"#/components/channels/x' leads nowhere"),
        ({"operations": {"go": {"action": "publish"}}}, "The operation 'go' has the action 'publish'"),
        ({"operations": {"go": {"action": "send"}}}, "The operation 'go' names no channel"),
        ({"operations": {"go": operation("send", "nowhere")}}, "#/channels/nowhere' leads nowhere"),
        ({"operations": {"go": operation("send", "chat", ["nothing"])}}, "#/channels/chat/messages/nothing' leads now"),
        (
            {"operations": {"go": {**operation("send", "chat"), "messages": [{"payload": {}}]}}},
            "The operation 'go' has a message that is no",
        ),
        ({"channels": {"chat": channel("/", **{"x-topic": {"name": "a"}})}, "operations": {}}, "'chat' has no pattern"),
        ({"components": {"messages": {"say": {}}}}, "The message 'say' has no payload"),
        ({"components": {"messages": {"say": {"payload": {"type": "string"}}}}}, "'say' is not always an object"),
        (
            {"components": {"messages": {"say": {"payload": {"anyOf": [{"type": "object"}, True]}}}}},
            "not always an obj",
        ),
        (
            {"components": {"messages": {"say": {"payload": {"schemaFormat": "application/avro", "schema": {}}}}}},
            "the document has one in application/avro",
        ),
        (
            {"components": {"messages": {"say": {"payload": ref("components", "schemas", "X")}}}},
            "schemas/X' leads nowh",
        ),
        (
            {"components": {"messages": {"say": {"payload": {"$ref": "./x.json"}}}}},
            r"leads out of the document: bundle",
        ),
        (
            {"components": {"schemas": {"A": ref("components", "schemas", "A")}}, "operations": {}, "channels": {}},
            "A -> A lead back to themselves",
        ),
        ({"components": {"messages": {"say": ref("components", "messages", "say")}}}, "leads back to itself"),
    ],
)
def test_a_document_that_cannot_be_read(change: dict[str, Any], error: str) -> None:
    content = document({"chat": channel("/", "say")}, {"say": operation("receive", "chat", ["say"])}, SCHEMAS)
    content |= change
    with pytest.raises(DocumentError, match=error):
        protocol_of({key: value for key, value in content.items() if value is not None})


def test_the_same_document_gives_the_same_protocol() -> None:
    assert protocol_of(site()) == protocol_of(json.loads(json.dumps(site())))
