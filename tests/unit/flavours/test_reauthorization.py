"""Topics that ask again whether a client may go on: at intervals, and when its session ends."""

import asyncio
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from chanx.core.decorators import ws_handler
from chanx.core.sign_out import sign_out_group
from chanx.core.topic import Topic, TopicRefused
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

SESSION = SimpleNamespace(session_key="the key of a session")
NO_LONGER = {"reason": "unauthorized", "detail": "You may no longer be subscribed to 'room:1'."}


class News(BaseMessage):
    action: Literal["news"] = "news"
    payload: str


class Rooms:
    """A consumer with rooms for whom ``allowed`` has, and what was asked."""

    def __init__(self, base: Any, layer: Any, *, seconds: float | None = 3600.0) -> None:
        self.allowed: Any = {"ada"}
        self.asked: list[Any] = []
        self.left: list[str] = []
        rooms = self

        class Room(Topic):
            pattern = "room:{pk}"
            passthrough_events = [News]
            reauthorize_seconds = seconds

            @staticmethod
            def get_channel_layer(alias: str) -> Any:
                return layer

            async def authorize(self, pk: str) -> bool:
                rooms.asked.append(self.user)
                if isinstance(rooms.allowed, Exception):
                    raise rooms.allowed
                return self.user in rooms.allowed

            async def on_unsubscribe(self) -> None:
                rooms.left.append(self.topic)

        class Open(Topic):
            pattern = "open:{pk}"
            get_channel_layer = Room.get_channel_layer
            passthrough_events = [News]

        class Consumer(base):  # type: ignore[misc]  # of each flavour
            topics = [Room, Open]

            async def refreshed_user(self) -> Any:
                return rooms.user

            @ws_handler
            async def ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

        self.user = "ada"
        self.topic, self.open, self.consumer = Room, Open, Consumer


async def subscribed(client: Any, topic: str) -> None:
    await client.send({"topic": topic, "action": "subscribe"})
    assert (await client.frame())["action"] == "subscribed"


async def until(condition: Any) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # of a layer and a topic, which tell nobody
            await asyncio.sleep(0.001)


async def test_who_may_no_longer_be_there_is_told_and_hears_nothing_more(
    base: Any, layer: Any, connect: Connect
) -> None:
    # Given a client in two rooms of which it loses one, and in an open one
    rooms = Rooms(base, layer, seconds=0.02)
    client = await connect(rooms.consumer, user="ada")
    await subscribed(client, "room:1")
    await subscribed(client, "open:1")

    # When it may not go on
    await until(lambda: len(rooms.asked) > 2)
    rooms.allowed = set()

    # Then it is told, has left, and is in the other one still
    assert await client.frame() == {"version": 1, "topic": "room:1", "action": "error", "payload": NO_LONGER}
    assert rooms.left == ["room:1"]
    await rooms.topic.broadcast("room:1", News(payload="unheard"))
    await rooms.open.broadcast("open:1", News(payload="heard"))
    assert (await client.frame())["payload"] == "heard"
    await client.quiet()


async def test_a_user_that_is_another_by_now(base: Any, layer: Any, connect: Connect) -> None:
    rooms = Rooms(base, layer, seconds=0.02)
    client = await connect(rooms.consumer, user="ada")
    await subscribed(client, "room:1")
    rooms.user = "nobody"
    assert (await client.frame())["payload"] == NO_LONGER
    assert (rooms.asked[0], rooms.asked[-1]) == ("ada", "nobody")


@pytest.mark.parametrize(
    ("allowed", "payload"),
    [
        (
            TopicRefused("closed", "At night the room is closed."),
            {"reason": "closed", "detail": "At night the room is closed."},
        ),
        (RuntimeError("secret"), {"reason": "failed", "detail": "Whether you may go on could not be found out"}),
    ],
)
async def test_who_cannot_be_asked_about_does_not_go_on(
    base: Any, layer: Any, connect: Connect, allowed: Exception, payload: Any
) -> None:
    rooms = Rooms(base, layer, seconds=0.02)
    client = await connect(rooms.consumer, user="ada")
    await subscribed(client, "room:1")
    rooms.allowed = allowed
    assert (await client.frame())["payload"] == payload


async def test_a_session_that_ends_is_told_at_once(base: Any, layer: Any, connect: Connect) -> None:
    # Given connections of two sessions
    rooms = Rooms(base, layer)
    here, there = [
        await connect(rooms.consumer, user="ada", session=SimpleNamespace(session_key=key)) for key in ("a", "b")
    ]
    for client in (here, there):
        await subscribed(client, "room:1")
    await until(lambda: all(sign_out_group(key) in layer.groups for key in ("a", "b")))

    # When one signs out
    await rooms.consumer.announce_sign_out("a")

    # Then that one is nobody from now on, and the other one goes on
    assert (await here.frame())["payload"] == NO_LONGER
    assert here.consumer.user in {None, here.consumer.signed_out_user()}
    assert here.consumer.scope["user"] is here.consumer.user
    await there.quiet()
    await here.send({"topic": "room:1", "action": "subscribe"})
    assert (await here.frame())["payload"]["reason"] == "unauthorized"
    await here.disconnect()
    await there.disconnect()
    assert layer.groups == {}


async def test_a_topic_that_asks_for_nothing_is_not_asked_again(base: Any, layer: Any, connect: Connect) -> None:
    rooms = Rooms(base, layer, seconds=None)
    client = await connect(rooms.consumer, user="ada", session=SESSION)
    await subscribed(client, "room:1")
    rooms.allowed = set()
    await client.quiet()
    assert len(rooms.asked) == 1
    assert sign_out_group(SESSION.session_key) not in layer.groups


async def test_a_user_that_cannot_be_read_is_read_again(
    base: Any, layer: Any, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    rooms = Rooms(base, layer, seconds=0.01)
    failures = [RuntimeError("the database is away")]

    async def refreshed_user(self: Any) -> Any:
        if failures:
            raise failures.pop()
        return "nobody"

    rooms.consumer.refreshed_user = refreshed_user
    client = await connect(rooms.consumer, user="ada")
    await subscribed(client, "room:1")
    assert (await client.frame())["payload"] == NO_LONGER
    assert "user_not_refreshed" in caplog.text
    assert "ada" in rooms.asked[1:]


async def test_a_dedicated_connection_closes(base: Any, layer: Any, connect: Connect) -> None:
    rooms = Rooms(base, layer, seconds=0.02)
    consumer = rooms.topic.as_consumer(base, get_channel_layer=base.get_channel_layer)
    client = await connect(consumer, user="ada", path_params={"pk": "1"})
    assert (await client.frame())["action"] == "subscribed"
    rooms.allowed = set()
    assert (await client.frame())["payload"] == NO_LONGER
    assert await client.closed() is None


async def test_nothing_is_left_when_the_last_topic_is(base: Any, layer: Any, connect: Connect) -> None:
    rooms = Rooms(base, layer)
    client = await connect(rooms.consumer, user="ada", session=SESSION)
    await subscribed(client, "room:1")

    def task() -> list[str]:
        names = [task.get_name() for task in asyncio.all_tasks()]
        return [name for name in names if name.startswith("chanx-reauthorization")]

    assert len(task()) == 1
    await client.send({"topic": "room:1", "action": "unsubscribe"})
    assert (await client.frame())["action"] == "unsubscribed"
    await until(lambda: not task())

    # And it begins again with the next
    await subscribed(client, "room:1")
    assert len(task()) == 1
    await client.disconnect()
    await until(lambda: not task())
    assert layer.groups == {}
