"""Topics: subscribing, addressed frames, events, and their hooks."""

import asyncio
import logging
from typing import Any, Literal

import pytest
from asgiref.sync import sync_to_async

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic, TopicRefused
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Tick(BaseMessage):
    action: Literal["tick"] = "tick"
    payload: int


class Room(Topic):
    """``secret`` rooms are refused, and ``log`` of the consumer says which hooks ran."""

    pattern = "room:{id}"
    passthrough_events = [Tick]

    def note(self, text: str) -> None:
        self.consumer.log.append(f"{text} {self.topic}")  # type: ignore[attr-defined] # the consumer below

    async def authorize(self, id: str) -> bool:
        self.note("authorize")
        return not id.startswith("secret")

    async def subscribed_payload(self, payload: Any) -> Any:
        self.note("payload")
        if payload == "refuse":
            raise TopicRefused("full", "There is no seat left.")
        if payload == "fail":
            raise ValueError("the secret text")
        if payload == "event":
            await Room.broadcast(self.topic, Tick(payload=0))
        return {"id": self.params["id"], "asked": payload, "user": self.user, "path": self.scope["path"]}

    async def on_subscribe(self) -> None:
        self.note("subscribe")

    async def on_resubscribe(self) -> None:
        self.note("resubscribe")

    async def on_unsubscribe(self) -> None:
        self.note("unsubscribe")

    @ws_handler
    async def say(self, message: Say) -> Said:
        match message.payload:
            case "fail":
                raise ValueError("the secret text")
            case "refuse":
                raise TopicRefused("muted", "You may not speak.")
            case "push":
                await self.send_message(Tick(payload=5), seq=9)
        return Said(payload=message.payload)

    @event_handler
    async def said(self, event: Said) -> Said:
        return event


class Silent(Topic):
    pattern = "silent"


class Host(AsyncJsonWebsocketConsumer):
    topics = [Room, Silent]
    max_topics = 3

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class Completing(Host):
    send_completion = True


def frame(topic: str, action: str, payload: Any = None, ref: Any = None) -> dict[str, Any]:
    given = {"topic": topic, "action": action, "payload": payload, "ref": ref}
    return {key: value for key, value in given.items() if value is not None}


def reply(topic: str, action: str, payload: Any = None, **more: Any) -> dict[str, Any]:
    return {"version": 1, "topic": topic, **more, "action": action, "payload": payload}


async def subscribe(client: Client, topic: str, payload: Any = None) -> None:
    await client.send(frame(topic, "subscribe", payload, ref="s"))
    answer = await client.frame()
    assert (answer["action"], answer["topic"], answer["ref"]) == ("subscribed", topic, "s")


async def test_the_hooks_of_subscribing_in_their_order(connect: Connect, layer: Any) -> None:
    client = await connect(Host, user="me")
    await client.send(frame("room:1", "subscribe", "hello", ref=7))
    payload = {"id": "1", "asked": "hello", "user": "me", "path": "/ws/"}
    assert await client.frame() == reply("room:1", "subscribed", payload, ref=7)
    assert list(layer.groups) == ["Room.room-1"]
    await client.send(frame("room:1", "subscribe"))
    assert (await client.frame())["action"] == "subscribed"
    await client.send(frame("room:1", "unsubscribe", ref="u"))
    assert await client.frame() == reply("room:1", "unsubscribed", ref="u")
    await client.send(frame("room:1", "unsubscribe"))
    assert await client.frame() == reply("room:1", "unsubscribed")
    hooks = ["authorize", "payload", "subscribe", "authorize", "payload", "resubscribe", "unsubscribe"]
    assert client.consumer.log == [f"{hook} room:1" for hook in hooks]
    assert layer.groups == {}


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (frame("nowhere:1", "subscribe", ref="1"), "unknown_topic"),
        (frame("nowhere:1", "say", "x", ref="1"), "unknown_topic"),
        (frame("nowhere:1", "unsubscribe", ref="1"), "unknown_topic"),
        (frame("room:secret", "subscribe", ref="1"), "unauthorized"),
        (frame("room:1", "say", "x", ref="1"), "not_subscribed"),
        (frame("room:1", "subscribe", "refuse", ref="1"), "full"),
        (frame("room:1", "subscribe", "fail", ref="1"), "failed"),
    ],
)
async def test_errors_have_a_reason_and_leave_no_subscription(
    connect: Connect, layer: Any, sent: dict[str, Any], reason: str
) -> None:
    client = await connect(Host)
    await client.send(sent)
    error = await client.frame()
    assert set(error) == {"version", "topic", "ref", "action", "payload"}
    assert (error["topic"], error["ref"], error["action"]) == (sent["topic"], "1", "error")
    assert error["payload"]["reason"] == reason
    assert "secret text" not in str(error)
    assert layer.groups == {}
    assert not any(entry.startswith(("subscribe", "unsubscribe")) for entry in client.consumer.log)


async def test_a_subscription_that_is_refused_later_ends(connect: Connect, layer: Any) -> None:
    client = await connect(Host)
    await subscribe(client, "room:1")
    await client.send(frame("room:1", "subscribe", "refuse"))
    assert (await client.frame())["payload"]["reason"] == "full"
    assert client.consumer.log[-1] == "unsubscribe room:1"
    assert layer.groups == {}


@pytest.mark.parametrize("wrong", [{"topic": 1}, {"topic": ["room:1"]}, {"topic": "room:1", "ref": {}}, {"topic": {}}])
async def test_a_wrong_envelope_is_answered_with_its_problems(connect: Connect, wrong: dict[str, Any]) -> None:
    client = await connect(Host)
    await client.send({"action": "subscribe", **wrong})
    error = await client.frame()
    assert error["action"] == "error"
    assert {part["loc"][0] for part in error["payload"]} <= {"topic", "ref"}
    await client.quiet()


async def test_frames_without_a_topic_go_to_the_consumer_even_where_the_word_occurs(connect: Connect) -> None:
    client = await connect(Host)
    for extra in ({}, {"topic": None}, {"payload": None, "x": '"topic"'}):
        await client.send({"action": "ping", "ref": "r", **extra})
        assert await client.frame() == {"action": "pong", "payload": None}
    await client.send(text='{"topic": ')
    assert (await client.frame())["payload"][0]["type"] == "json_invalid"


async def test_messages_to_a_topic_are_answered_on_it(connect: Connect) -> None:
    client = await connect(Host)
    await subscribe(client, "room:1")
    await client.send(frame("room:1", "say", "hi", ref="r"))
    assert await client.frame() == reply("room:1", "said", "hi", ref="r")
    await client.send(frame("room:1", "say", "push"))
    assert await client.frames(2) == [reply("room:1", "tick", 5, seq=9), reply("room:1", "said", "push")]


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("say", "fail", {"detail": "Failed to process message for say"}),
        ("say", "refuse", {"reason": "muted", "detail": "You may not speak."}),
        ("nope", None, "union_tag_invalid"),
        ("say", 3, "string_type"),
    ],
)
async def test_what_fails_in_a_topic_is_answered_on_it(
    connect: Connect, action: str, payload: Any, answer: Any
) -> None:
    client = await connect(Host)
    await subscribe(client, "room:1")
    await client.send(frame("room:1", action, payload, ref="r"))
    error = await client.frame()
    assert (error["topic"], error["ref"], error["action"]) == ("room:1", "r", "error")
    assert answer in (error["payload"], error["payload"][0]["type"] if isinstance(error["payload"], list) else None)


async def test_a_topic_without_handlers_says_so(connect: Connect) -> None:
    client = await connect(Host)
    await subscribe(client, "silent")
    await client.send(frame("silent", "say", "x"))
    assert (await client.frame())["payload"]["reason"] == "no_handler"


async def test_completions_follow_the_topic_and_the_setting_not_the_host(connect: Connect, settings: Any) -> None:
    client = await connect(Completing)
    await subscribe(client, "room:1")
    await client.send(frame("room:1", "say", "a", ref="r"))
    assert await client.actions(1) == ["said"]
    await subscribe(client, "room:1")  # handled after the frame before has been dealt with
    settings.CHANX = {"SEND_COMPLETION": True}
    await client.send(frame("room:1", "say", "b", ref="r"))
    assert await client.frames(2) == [reply("room:1", "said", "b", ref="r"), reply("room:1", "complete", ref="r")]
    await Room.broadcast("room:1", Tick(payload=1))
    assert await client.frames(2) == [reply("room:1", "tick", 1), reply("room:1", "event_complete")]


async def test_a_broadcast_reaches_the_subscribers_of_exactly_that_topic(connect: Connect) -> None:
    one, two = await connect(Host), await connect(Host)
    await subscribe(one, "room:a b")
    await subscribe(two, "room:a-b")
    assert Room.group_name("room:a b") == Room.group_name("room:a-b")
    await Room.broadcast("room:a b", Said(payload="x"), seq=4)
    await Room.broadcast("room:a-b", Tick(payload=1))
    assert await one.frame() == reply("room:a b", "said", "x", seq=4)
    assert await two.frame() == reply("room:a-b", "tick", 1)


async def test_leaving_one_of_two_topics_that_share_a_group_keeps_the_other(connect: Connect) -> None:
    client = await connect(Host)
    await subscribe(client, "room:a b")
    await subscribe(client, "room:a-b")
    await client.send(frame("room:a b", "unsubscribe"))
    assert await client.actions(1) == ["unsubscribed"]
    await Room.broadcast("room:a-b", Tick(payload=1))
    assert await client.frame() == reply("room:a-b", "tick", 1)


async def test_broadcasting_from_a_thread(connect: Connect) -> None:
    client = await connect(Host)
    await subscribe(client, "room:1")
    await sync_to_async(Room.broadcast_sync)("room:1", Tick(payload=1), seq=2)
    assert await client.frame() == reply("room:1", "tick", 1, seq=2)


async def test_an_event_during_subscribing_comes_after_the_reply(connect: Connect) -> None:
    client = await connect(Host)
    await client.send(frame("room:1", "subscribe", "event"))
    assert await client.actions(2) == ["subscribed", "tick"]


async def test_events_that_no_handler_takes_are_only_logged(
    connect: Connect, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(Host)
    await subscribe(client, "room:1")
    await Room.broadcast("room:1", PongMessage())
    await layer.group_send("Room.room-1", {"type": "handle_topic_event", "topic": "room:other"})
    await Room.broadcast("room:1", Tick(payload=1))
    assert await client.actions(1) == ["tick"]
    assert [record.event for record in caplog.records] == ["event_not_handled"]  # type: ignore[attr-defined] # extras


async def test_a_connection_has_so_many_topics_and_no_more(connect: Connect) -> None:
    client = await connect(Host)
    for number in range(Host.max_topics):
        await subscribe(client, f"room:{number}")
    await client.send(frame("room:x", "subscribe"))
    assert (await client.frame())["payload"]["reason"] == "too_many_topics"
    await subscribe(client, "room:0")
    await client.send(frame("room:0", "unsubscribe"))
    assert await client.actions(1) == ["unsubscribed"]
    await subscribe(client, "room:x")


async def test_topic_frames_are_handled_in_order_without_holding_up_others(connect: Connect) -> None:
    gate = asyncio.Event()

    class Slow(Room):
        async def authorize(self, id: str) -> bool:
            await gate.wait()
            return True

    class SlowHost(Host):
        topics = [Slow]

    client = await connect(SlowHost)
    await client.send(frame("room:1", "subscribe", ref="1"))
    await client.send(frame("room:1", "say", "hi", ref="2"))
    await client.quiet()
    gate.set()
    assert [answer["ref"] for answer in await client.frames(2)] == ["1", "2"]


@pytest.mark.parametrize("way", ["disconnect", "end"])
async def test_a_disconnect_ends_every_subscription_once(connect: Connect, layer: Any, way: str) -> None:
    client = await connect(Host)
    await subscribe(client, "room:1")
    await subscribe(client, "room:2")
    await getattr(client, way)()
    assert client.consumer.log[-2:] == ["unsubscribe room:1", "unsubscribe room:2"]
    assert client.consumer.log.count("unsubscribe room:1") == 1
    assert layer.groups == {}


async def test_a_disconnect_while_subscribing_leaves_nothing(connect: Connect, layer: Any) -> None:
    started = asyncio.Event()

    class Endless(Room):
        async def subscribed_payload(self, payload: Any) -> Any:
            started.set()
            await asyncio.Event().wait()

    class EndlessHost(Host):
        topics = [Endless]

    before = asyncio.all_tasks()
    client = await connect(EndlessHost)
    await client.send(frame("room:1", "subscribe"))
    async with asyncio.timeout(30):
        await started.wait()
    await client.disconnect()
    assert client.consumer.log == ["authorize room:1"]
    assert layer.groups == {}
    assert asyncio.all_tasks() == before


async def test_a_hook_that_fails_is_logged_and_the_others_run(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Room):
        async def on_unsubscribe(self) -> None:
            await super().on_unsubscribe()
            raise ValueError("broken")

    class BrokenHost(Host):
        topics = [Broken]

    client = await connect(BrokenHost)
    await subscribe(client, "room:1")
    await subscribe(client, "room:2")
    await client.disconnect()
    assert client.consumer.log[-2:] == ["unsubscribe room:1", "unsubscribe room:2"]
    assert [record.event for record in caplog.records] == ["on_unsubscribe_failed"] * 2  # type: ignore[attr-defined] # extras


def test_topics_that_are_none_are_refused() -> None:
    with pytest.raises(TypeError, match="must be a Topic subclass with a pattern"):

        class Wrong(AsyncJsonWebsocketConsumer):
            topics = [Topic]


async def test_every_topic_frame_in_and_out_is_logged_once(connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
    client = await connect(Host)
    with caplog.at_level(logging.INFO, logger="chanx"):
        for action in ("subscribe", "say", "unsubscribe"):
            await client.send({"topic": "room:1", "action": action, "payload": "x"})
            await client.frame()
    assert [(record.event, record.values["action"]) for record in caplog.records] == [  # type: ignore[attr-defined] # extras
        ("Websocket received", "subscribe"),
        ("Websocket sent", "subscribed"),
        ("Websocket received", "say"),
        ("Websocket sent", "said"),
        ("Websocket received", "unsubscribe"),
        ("Websocket sent", "unsubscribed"),
    ]
