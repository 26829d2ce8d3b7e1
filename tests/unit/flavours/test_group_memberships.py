"""A connection leaves every group that it has joined, whoever joined it, and however that meets its end."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chanx.core import serving
from chanx.core.connection_layer import ConnectionLayer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.hub import Hub, Mailbox
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.utils.asyncio import create_task
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect
from tests.unit.flavours.conftest import FLAVOURS

OWN = "specific.inmemory!own"
OTHER = "specific.inmemory!other"


class Join(BaseMessage):
    action: Literal["join"] = "join"
    payload: str


class Leave(BaseMessage):
    action: Literal["leave"] = "leave"
    payload: str


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: str


class Room(Topic):
    pattern = "room:{id}"


def member_of(base: Any) -> Any:
    """A consumer that joins and leaves as it is told, in handlers, in event handlers and in tasks of its own."""

    class Member(base):  # type: ignore[misc]  # made for each flavour
        groups = ["declared"]
        topics = [Room]

        async def post_authentication(self) -> None:
            await self.channel_layer.group_add("opened", self.channel_name)

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def join(self, message: Join) -> None:
            await self.channel_layer.group_add(message.payload, self.channel_name)

        @ws_handler
        async def leave(self, message: Leave) -> None:
            await self.channel_layer.group_discard(message.payload, self.channel_name)

        @event_handler(input_type=Join)
        async def join_by_event(self, event: Join) -> None:
            await self.channel_layer.group_add(event.payload, self.channel_name)

        @event_handler(input_type=Note)
        async def join_in_a_task(self, event: Note) -> None:
            create_task(self.channel_layer.group_add(event.payload, self.channel_name))

    return Member


@pytest.fixture
def consumer(base: Any) -> Any:
    return member_of(base)


@pytest.mark.parametrize("way", ["disconnect", "end"])
async def test_a_group_that_is_not_in_the_list_of_groups_is_left(
    consumer: Any, layer: Any, connect: Connect, way: str
) -> None:
    client = await connect(consumer)
    await client.send({"action": "join", "payload": "by_handler"})
    await client.quiet()
    assert set(layer.groups) == {"declared", "opened", "by_handler"}

    await getattr(client, way)()

    assert layer.groups == layer.channels == {}


async def test_a_group_that_was_left_is_left_once(consumer: Any, layer: Any, connect: Connect) -> None:
    client = await connect(consumer)
    await client.send({"action": "leave", "payload": "opened"})
    await client.quiet()
    assert set(layer.groups) == {"declared"}
    discarded: list[str] = []
    group_discard = layer.group_discard

    async def noting(group: str, channel: str) -> None:
        discarded.append(group)
        await group_discard(group, channel)

    layer.group_discard = noting
    await client.disconnect()
    assert discarded == ["declared"]


def connection_layer_of(layer: Any) -> ConnectionLayer:
    """That of a connection which is nothing but a name."""
    return ConnectionLayer(layer, OWN, Hub(layer), Mailbox(cast("Any", None)))


async def test_what_is_not_about_its_own_channel_is_the_layers_own(layer: Any) -> None:
    connection_layer = connection_layer_of(layer)
    await connection_layer.group_add("room", OTHER)
    await connection_layer.group_add("hall", channel=OTHER)
    await connection_layer.group_discard("hall", OTHER)
    await connection_layer.group_send("room", {"type": "note"})
    assert await connection_layer.receive(OTHER) == {"type": "note"}

    await connection_layer.leave_groups()

    assert set(layer.groups["room"]) == {OTHER}
    assert connection_layer.group_expiry == layer.group_expiry  # type: ignore[attr-defined]  # of this layer
    with pytest.raises(AttributeError, match="no_such_thing"):
        connection_layer.no_such_thing  # type: ignore[attr-defined]  # noqa: B018


class Slow:
    """A layer whose group operations take turns of the event loop before and after they take effect."""

    def __init__(self, layer: Any, turns: Callable[[], int]) -> None:
        self._layer = layer
        self._turns = turns

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    async def group_add(self, group: str, channel: str) -> None:
        await self._slowly(self._layer.group_add(group, channel))

    async def group_discard(self, group: str, channel: str) -> None:
        await self._slowly(self._layer.group_discard(group, channel))

    async def _slowly(self, operation: Any) -> None:
        try:
            await passed(self._turns())
        except BaseException:
            operation.close()
            raise
        await operation
        await passed(self._turns())


async def passed(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_joins_and_leaves_take_effect_in_the_order_they_are_called(layer: Any) -> None:
    turns = iter([9, 9, 0, 0, 5, 5, 0, 0])
    connection_layer = connection_layer_of(Slow(layer, lambda: next(turns)))
    await asyncio.gather(
        connection_layer.group_add("room", OWN),
        connection_layer.group_discard("room", OWN),
        connection_layer.group_add("room", OWN),
        connection_layer.group_discard("room", OWN),
    )
    assert layer.groups == {}


async def test_after_the_end_no_group_is_joined_any_more(layer: Any, caplog: pytest.LogCaptureFixture) -> None:
    # Given a join that is long under way, and another that waits for it
    turns = iter([20])
    connection_layer = connection_layer_of(Slow(layer, lambda: next(turns, 0)))
    under_way = asyncio.create_task(connection_layer.group_add("room", OWN))
    waiting = asyncio.create_task(connection_layer.group_add("hall", OWN))
    await asyncio.sleep(0)

    # When the connection ends, and joins once more
    await connection_layer.leave_groups()
    assert not under_way.done()
    await asyncio.gather(under_way, waiting)
    await connection_layer.group_add("late", OWN)

    # Then it is nowhere
    assert layer.groups == {}
    refused = [record.values["group"] for record in caplog.records]  # type: ignore[attr-defined]  # extras
    assert refused == ["hall", "late"]


async def test_a_group_that_cannot_be_left_does_not_keep_the_others(
    consumer: Any, layer: Any, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(consumer)
    group_discard = layer.group_discard

    async def failing(group: str, channel: str) -> None:
        if group == "declared":
            raise ValueError("the secret text")
        await group_discard(group, channel)

    layer.group_discard = failing
    await client.disconnect()
    assert set(layer.groups) == {"declared"}
    assert [record.event for record in caplog.records] == ["group_discard_failed"]  # type: ignore[attr-defined]  # extras


@pytest.mark.parametrize("way", ["leave", "disconnect"])
async def test_a_group_that_was_joined_past_the_connection_is_left_by_it(
    consumer: Any, layer: Any, connect: Connect, way: str
) -> None:
    """Given a view, say, that puts a connection's channel into a group of the layer, which the connection knows of."""
    client = await connect(consumer)
    await layer.group_add("by_view", client.consumer.channel_name)
    if way == "leave":
        await client.send({"action": "leave", "payload": "by_view"})
        await client.quiet()
        assert set(layer.groups) == {"declared", "opened"}
    else:
        client.consumer.groups.append("by_view")
        await client.disconnect()
        assert layer.groups == layer.channels == {}


async def test_a_connection_joins_and_leaves_groups_for_another(consumer: Any, layer: Any, connect: Connect) -> None:
    """Given one that shuts another out of a group, Then that gets its messages no more; once each while it is in it."""
    moderator, other = await connect(consumer), await connect(consumer)
    groups, name = moderator.consumer.channel_layer, other.consumer.channel_name
    message = {"type": "handle_group_message", "message": {"action": "said", "payload": None}}

    await groups.group_add("opened", name)
    await layer.group_send("opened", message)
    assert await other.actions(1) == ["said"]
    await other.quiet()

    await groups.group_discard("opened", name)
    await layer.group_send("opened", message)
    assert await moderator.actions(2) == ["said", "said"]
    await other.quiet()

    await groups.group_add("hall", name)
    for client in (moderator, other):
        await client.disconnect()
    assert layer.groups == layer.channels == {}


async def test_a_connection_whose_leaving_is_cut_is_in_no_group_in_the_end(
    consumer: Any, layer: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a layer that hangs for long, but not for ever."""
    monkeypatch.setattr(serving, "STEP_SECONDS", 0.05)
    client = await connect(consumer)
    group_discard, gate, first = layer.group_discard, asyncio.Event(), asyncio.Event()

    async def hanging(group: str, channel: str) -> None:
        if not first.is_set():
            first.set()
            await gate.wait()
        await group_discard(group, channel)

    layer.group_discard = hanging
    mailbox = client.consumer.channel_layer._mailbox
    groups = client.consumer._hub._groups
    await client.disconnect()
    await passed(20)
    assert [name for name, group in groups.items() if mailbox in group.members] == []
    assert len(layer.groups) == 1  # the one that was given up


GROUPS = st.sampled_from(["declared", "opened", "a", "b"])
STEPS = st.one_of(
    st.tuples(st.just("frame"), st.sampled_from(["join", "leave"]), GROUPS),
    st.tuples(st.just("event"), st.sampled_from(["join", "note"]), GROUPS),
    st.tuples(st.just("topic"), st.sampled_from(["subscribe", "unsubscribe"]), st.sampled_from(["room:1", "room:2"])),
    st.tuples(st.just("turns"), st.integers(1, 12), st.none()),
)


@pytest.mark.parametrize("name", FLAVOURS)
@pytest.mark.parametrize("way", ["disconnect", "end"])
@settings(deadline=None, max_examples=150)
@given(steps=st.lists(STEPS, max_size=14), speeds=st.lists(st.integers(0, 30), min_size=1, max_size=12))
async def test_however_they_meet_its_end_the_connection_is_in_no_group(
    name: str, way: str, steps: list[tuple[str, Any, Any]], speeds: list[int]
) -> None:
    # Given a layer that takes its time
    layer = FLAVOURS[name].new_layer()
    taken = 0

    def turns() -> int:
        nonlocal taken
        taken += 1
        return speeds[taken % len(speeds)]

    slow = Slow(layer, turns)
    consumer = member_of(type("Base", (FLAVOURS[name].base,), {"get_channel_layer": staticmethod(lambda alias: slow)}))
    before = asyncio.all_tasks()
    client = Client(consumer)
    await client.connect()

    # When a connection joins and leaves in every way, and ends in the middle of it
    for kind, what, value in steps:
        match kind:
            case "frame":
                await client.send({"action": what, "payload": value})
            case "topic":
                await client.send({"action": what, "topic": value})
            case "event":
                event: Any = Join(payload=value) if what == "join" else Note(payload=value)
                await consumer.send_event(event, client.consumer.channel_name)
            case _:
                await passed(what)
    await getattr(client, way)()
    while tasks := asyncio.all_tasks() - before:
        await asyncio.wait(tasks)

    # Then nothing of it is left
    assert layer.groups == {}
