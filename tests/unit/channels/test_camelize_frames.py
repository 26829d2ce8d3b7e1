"""camelCase on the wire, in and out: answers, broadcasts, passthrough events, topics and errors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload
from chanx.routing.discovery import RouteInfo
from tests.unit.conftest import Connect

WHEN = datetime(2026, 1, 2, tzinfo=UTC)


class UserPayload(BaseModel):
    user_name: str
    user_data: dict[str, Any] = {"snake_key": 1}
    last_seen: datetime = WHEN


class UserMessage(BaseMessage):
    action: Literal["user_message"] = "user_message"
    payload: UserPayload


class UserEvent(UserMessage):
    action: Literal["user_event"] = "user_event"


class Undeclared(UserMessage):
    action: Literal["undeclared"] = "undeclared"


class Room(Topic):
    pattern = "room:{id}"
    passthrough_events = [UserEvent]

    async def subscribed_payload(self, payload: Any) -> Any:
        return {"snake_key": payload}

    @ws_handler
    async def on_user(self, message: UserMessage) -> UserMessage:
        return message


class Entry(BaseModel):
    nick_name: str
    is_quiet: bool = False


class Hall(Topic):
    """Says what its subscribers say of themselves; ``plain`` what it was given."""

    pattern = "hall"
    subscribe_payload_type = Entry | None
    subscribed_payload_type = list[Entry]

    async def subscribed_payload(self, payload: Any) -> Any:
        assert payload == self.subscribe_payload
        entry = Entry.model_validate(payload or {"nick_name": "nobody"})
        return [entry, entry.model_dump()]


class FixedHall(Hall):
    pattern = "fixed"
    protocol = "halls"
    sends = [UserEvent]

    @ws_handler
    async def on_user(self, message: UserMessage) -> UserMessage:
        await self.send_message(UserEvent(payload=message.payload))
        return message


class Users(AsyncJsonWebsocketConsumer):
    groups = ["users"]
    topics = [Room]
    passthrough_events = [UserEvent]

    @ws_handler
    async def on_user(self, message: UserMessage) -> UserMessage:
        assert message.payload.user_data == {"snake_key": 1, "camelKey": 2}
        return message


class CamelUsers(Users):
    camelize = True


def frame(action: str) -> dict[str, Any]:
    data = {"snake_key": 1, "camelKey": 2}
    return {"action": action, "payload": {"userName": "Ada", "userData": data, "lastSeen": "2026-01-02T00:00:00Z"}}


def message(kind: type[UserMessage]) -> UserMessage:
    return kind(payload=UserPayload(user_name="Ada", user_data={"snake_key": 1, "camelKey": 2}))  # type: ignore[call-arg]


@pytest.mark.parametrize("name", ["userName", "user_name"])
async def test_a_message_and_its_answer(connect: Connect, name: str) -> None:
    client = await connect(CamelUsers)
    sent = frame("user_message")
    sent["payload"][name] = sent["payload"].pop("userName")

    await client.send(sent)

    assert await client.frame() == frame("user_message")


async def test_the_setting_is_read_for_every_message_and_the_class_wins(connect: Connect, settings: Any) -> None:
    # Given
    client, plain = await connect(Users), await connect(type("Plain", (Users,), {"camelize": False}))

    # When
    settings.CHANX = {"CAMELIZE": True}
    await client.send(frame("user_message"))
    assert await client.frame() == frame("user_message")
    settings.CHANX = {"CAMELIZE": False}
    await client.send(frame("user_message"))

    # Then
    assert (await client.frame())["payload"][0]["loc"] == ["user_message", "payload", "user_name"]
    settings.CHANX = {"CAMELIZE": True}
    await plain.send(frame("user_message"))
    assert (await plain.frame())["action"] == "error"


async def test_problems_are_placed_where_the_client_sees_them(connect: Connect) -> None:
    client = await connect(CamelUsers)

    await client.send({"action": "user_message", "payload": {"lastSeen": "no time"}})

    places = [problem["loc"] for problem in (await client.frame())["payload"]]
    assert places == [["user_message", "payload", "userName"], ["user_message", "payload", "lastSeen"]]


@pytest.mark.parametrize(
    ("camelize", "topic", "nick_name", "is_quiet"),
    [
        (True, "hall", "nickName", "isQuiet"),
        (False, "hall", "nick_name", "is_quiet"),
        (True, "fixed", "nick_name", "is_quiet"),
    ],
)
async def test_what_a_topic_is_subscribed_with(
    connect: Connect, camelize: bool, topic: str, nick_name: str, is_quiet: str
) -> None:
    """
    Given: topics that say what they are subscribed with, and answer; one of them has a fixed protocol
    When: a client of a camelizing consumer subscribes
    Then: both payloads have the names that the AsyncAPI document has: camelCase, except for the fixed protocol
    """
    consumer = type("Halls", (AsyncJsonWebsocketConsumer,), {"topics": [Hall, FixedHall], "camelize": camelize})
    client = await connect(consumer)
    entry = {nick_name: "Ada", is_quiet: True}

    for payload, answer in [(entry, entry), (None, {nick_name: "nobody", is_quiet: False})]:
        await client.send({"action": "subscribe", "topic": topic, "payload": payload})
        assert (await client.frame())["payload"] == [answer, answer]

    document = AsyncAPIGenerator([RouteInfo("/", None, "ws://localhost", consumer)]).generate()
    name = "FixedHallSubscribedMessage" if topic == "fixed" else "HallSubscribedMessage"
    items = document["components"]["schemas"][name]["properties"]["payload"]["items"]["$ref"].rpartition("/")[2]
    assert list(document["components"]["schemas"][items]["properties"]) == [nick_name, is_quiet]


async def test_what_a_fixed_protocol_sends(connect: Connect) -> None:
    """Given a topic with a protocol, When it sends one of its messages, Then it has the names of the protocol."""
    consumer = type("Halls", (AsyncJsonWebsocketConsumer,), {"topics": [FixedHall], "camelize": True})
    client = await connect(consumer)
    await client.send({"action": "subscribe", "topic": "fixed"})
    await client.frame()

    await client.send({**frame("user_message"), "topic": "fixed"})

    assert list((await client.frame())["payload"]) == ["user_name", "user_data", "last_seen"]
    assert list((await client.frame())["payload"]) == ["userName", "userData", "lastSeen"]


@pytest.mark.parametrize("text", ["{", "[1]", '"text"', '{"action": []}', '{"action": "nothing"}', "{}"])
async def test_what_is_no_message_is_still_answered(connect: Connect, text: str) -> None:
    client = await connect(CamelUsers)

    await client.send(text=text)

    assert (await client.frame())["action"] == "error"


async def test_passthrough_events(connect: Connect) -> None:
    client = await connect(CamelUsers)

    await CamelUsers.broadcast_event(message(UserEvent))

    assert await client.frame() == frame("user_event")


class Announcer(CamelUsers):
    @ws_handler
    async def on_user(self, message: UserMessage) -> None:
        await self.broadcast_message(Undeclared(payload=message.payload))
        await self.broadcast_message({"action": "user_event", "payload": {"user_name": "x", "user_data": {"a_b": 1}}})
        await self.broadcast_message({"action": "free", "payload": {"snake_key": 1}})


async def test_broadcasts_also_of_types_that_are_not_declared_and_of_dicts(connect: Connect) -> None:
    sender, member = await connect(Announcer), await connect(CamelUsers)
    plain = await connect(Users)

    await sender.send(frame("user_message"))

    expected = [
        frame("undeclared"),
        {"action": "user_event", "payload": {"userName": "x", "userData": {"a_b": 1}}},
        {"action": "free", "payload": {"snake_key": 1}},
    ]
    assert await sender.frames(3) == expected
    assert await member.frames(3) == expected
    assert [list(content["payload"]) for content in await plain.frames(3)] == [
        ["user_name", "user_data", "last_seen"],
        ["user_name", "user_data"],
        ["snake_key"],
    ]


async def test_a_member_camelizes_what_a_sender_that_does_not_broadcasts(connect: Connect) -> None:
    class PlainAnnouncer(Announcer):
        camelize = False

    sender, member = await connect(PlainAnnouncer), await connect(CamelUsers)

    await sender.send({"action": "user_message", "payload": {"user_name": "Ada"}})

    await member.frame()
    assert (await member.frame())["payload"] == {"userName": "x", "userData": {"a_b": 1}}


async def test_topics_follow_their_consumer(connect: Connect) -> None:
    # Given
    client = await connect(CamelUsers)
    await client.send({"topic": "room:1", "action": "subscribe", "payload": {"b_c": 1}})
    assert (await client.frame())["payload"] == {"snake_key": {"b_c": 1}}

    # When
    await client.send({"topic": "room:1", **frame("user_message")})
    await Room.broadcast("room:1", message(UserEvent))

    # Then
    assert await client.frame() == {"version": 1, "topic": "room:1", **frame("user_message")}
    assert await client.frame() == {"version": 1, "topic": "room:1", **frame("user_event")}
    await client.send({"topic": "room:1", "action": "user_message", "payload": {}})
    assert (await client.frame())["payload"][0]["loc"] == ["user_message", "payload", "userName"]


async def test_hooks_see_what_is_on_the_wire(connect: Connect) -> None:
    seen: list[Any] = []

    class Watched(CamelUsers):
        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            seen.append(content)
            await super().receive_json(content)

        async def send_json(self, content: Any, close: bool = False) -> None:
            seen.append(content)
            await super().send_json(content, close)

    client = await connect(Watched)
    await client.send(frame("user_message"))

    assert await client.frame() == frame("user_message")
    assert seen == [frame("user_message"), frame("user_message")]


async def test_send_json_renames_what_is_declared_and_nothing_else(connect: Connect) -> None:
    class Sends(CamelUsers):
        async def post_authentication(self) -> None:
            await self.send_json({"action": "user_event", "payload": {"user_name": "x"}})
            await self.send_json({"action": ["odd"], "snake_key": 1})
            await self.send_json([{"snake_key": 1}])
            await self.send_message(
                AuthenticationMessage(
                    payload=AuthenticationPayload(status_code=200, status_text="OK", data={"snake_key": 1})
                )
            )

    client = await connect(Sends)

    assert await client.frames(4) == [
        {"action": "user_event", "payload": {"userName": "x"}},
        {"action": ["odd"], "snake_key": 1},
        [{"snake_key": 1}],
        {"action": "authentication", "payload": {"statusCode": 200, "statusText": "OK", "data": {"snake_key": 1}}},
    ]
