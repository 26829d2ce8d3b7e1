"""What consumers tell of connections, frames, handlers and deliveries."""

import asyncio
from collections.abc import Iterator
from typing import Any, Literal

import pytest
from opentelemetry.trace import StatusCode

from chanx.core.decorators import event_handler, ws_handler
from chanx.core.hub.mailbox import MAX_WAITING_MESSAGES
from chanx.core.topic import Topic, TopicRefused
from chanx.layers import publisher_for
from chanx.messages.base import BaseMessage
from chanx.metrics import FRAMES_SENT, Metric
from chanx.telemetry import OBSERVERS, Attributes, Observer, observe
from tests.unit.channels.client import SECONDS
from tests.unit.conftest import Connect
from tests.unit.telemetry_sdk import Sdk, instrumented, is_child


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class Noted(BaseMessage):
    action: Literal["noted"] = "noted"
    payload: str


@pytest.fixture
def sdk() -> Iterator[Sdk]:
    with instrumented() as sdk:
        yield sdk


@pytest.fixture
def room(base: Any) -> Any:
    """Repeats what is said to everybody, and takes notes."""

    class Talk(Topic):
        pattern = "talk:{name}"
        passthrough_events = (Said,)

        @ws_handler
        async def say(self, message: Say) -> Said:
            if message.payload == "secret":
                raise TopicRefused("no", "Not here.")
            return Said(payload=message.payload)

    Talk.get_channel_layer = staticmethod(lambda alias: base.get_channel_layer(alias))  # type: ignore[method-assign]

    class Room(base):  # type: ignore[misc]
        groups = ["room"]
        passthrough_events = (Said,)
        topics = [Talk]
        talk = Talk

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.waits = asyncio.Event()

        @ws_handler(output_type=Said)
        async def say(self, message: Say) -> None:
            if message.payload == "fail":
                raise ValueError("no")
            if message.payload == "wait":
                self.waits.set()
                await asyncio.Event().wait()
            await self.broadcast_message(Said(payload=message.payload))

        @event_handler
        async def noted(self, event: Noted) -> Said:
            if event.payload == "fail":
                raise ValueError("no")
            return Said(payload=event.payload)

    return Room


CONSUMER = {"chanx.consumer": "Room"}


async def told(condition: Any) -> None:
    """Wait until what is told after the frame was sent has been told."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110  # what tells has no event to set
            await asyncio.sleep(0)


async def test_connections_and_frames(sdk: Sdk, room: Any, connect: Connect) -> None:
    # When
    clients = [await connect(room) for _ in range(3)]
    await clients[0].send({"action": "say", "payload": "hi"})
    for client in clients:
        assert await client.frame() == {"action": "said", "payload": "hi"}

    # Then
    await told(lambda: sdk.value("chanx.frames.sent", CONSUMER) == 3)
    assert sdk.value("chanx.frames.received", CONSUMER) == 1
    assert sdk.value("chanx.connections", CONSUMER) == 3
    for client in clients:
        await client.disconnect()
    assert sdk.value("chanx.connections", CONSUMER) == 0


async def test_a_broadcast_is_one_delivery_in_the_trace_of_its_frame(sdk: Sdk, room: Any, connect: Connect) -> None:
    # Given
    clients = [await connect(room) for _ in range(3)]

    # When
    await clients[0].send({"action": "say", "payload": "hi"})
    for client in clients:
        await client.frame()
    await told(lambda: "deliver broadcast" in sdk.names)

    # Then
    spans = sdk.spans
    assert sorted(sdk.names) == ["deliver broadcast", "handle say"]
    assert is_child(spans["deliver broadcast"], spans["handle say"])
    assert dict(spans["deliver broadcast"].attributes or {}) == {"chanx.kind": "broadcast", "chanx.clients": 3}
    assert spans["handle say"].parent is None
    assert sdk.count("chanx.delivery.duration", {"chanx.kind": "broadcast"}) == 1
    handled = {**CONSUMER, "chanx.action": "say", "chanx.kind": "message"}
    assert sdk.count("chanx.handler.duration", handled) == 1


@pytest.mark.parametrize("synchronous", [False, True])
async def test_an_event_is_one_delivery_in_the_trace_of_its_sender(
    sdk: Sdk, room: Any, connect: Connect, synchronous: bool
) -> None:
    # Given
    clients = [await connect(room) for _ in range(2)]

    # When
    with sdk.tracer.start_as_current_span("request"):
        if synchronous:
            room.broadcast_event_sync(Said(payload="hi"))
        else:
            await room.broadcast_event(Said(payload="hi"))
    for client in clients:
        assert await client.frame() == {"action": "said", "payload": "hi"}
    await told(lambda: "deliver event" in sdk.names)

    # Then
    assert sorted(sdk.names) == ["deliver event", "request"]
    assert is_child(sdk.spans["deliver event"], sdk.spans["request"])
    assert sdk.count("chanx.delivery.duration", {"chanx.kind": "event"}) == 1
    await told(lambda: sdk.value("chanx.frames.sent", CONSUMER) == 2)


async def test_an_event_from_outside_of_any_trace_makes_none(sdk: Sdk, room: Any, connect: Connect) -> None:
    client = await connect(room)

    await room.broadcast_event(Said(payload="hi"))
    await client.frame()
    await told(lambda: sdk.count("chanx.delivery.duration", {"chanx.kind": "event"}) == 1)

    assert sdk.names == []


async def test_a_handled_event_has_a_duration_for_each_client_and_no_span(
    sdk: Sdk, room: Any, connect: Connect
) -> None:
    # Given
    clients = [await connect(room) for _ in range(2)]

    # When
    with sdk.tracer.start_as_current_span("request"):
        await room.broadcast_event(Noted(payload="hi"))
    for client in clients:
        await client.frame()
    await told(lambda: "deliver event" in sdk.names)

    # Then
    handled = {**CONSUMER, "chanx.action": "noted", "chanx.kind": "event"}
    assert sdk.count("chanx.handler.duration", handled) == 2
    assert sorted(sdk.names) == ["deliver event", "request"]


async def test_handlers_that_raise(sdk: Sdk, room: Any, connect: Connect) -> None:
    # When
    client = await connect(room)
    await client.send({"action": "say", "payload": "fail"})
    assert (await client.frame())["action"] == "error"
    await room.broadcast_event(Noted(payload="fail"))
    await told(lambda: sdk.count("chanx.delivery.duration", {"chanx.kind": "event"}) == 1)

    # Then
    for action, kind in (("say", "message"), ("noted", "event")):
        failed = {**CONSUMER, "chanx.action": action, "chanx.kind": kind, "error.type": "ValueError"}
        assert sdk.value("chanx.handler.errors", failed) == 1
        assert sdk.count("chanx.handler.duration", failed) == 1
    assert sdk.spans["handle say"].status.status_code is StatusCode.ERROR


async def test_a_handler_whose_client_leaves_has_not_failed(sdk: Sdk, room: Any, connect: Connect) -> None:
    # Given a handler that is at work
    client = await connect(room)
    await client.send({"action": "say", "payload": "wait"})
    async with asyncio.timeout(SECONDS):
        await client.consumer.waits.wait()

    # When
    await client.disconnect()

    # Then
    span = sdk.spans["handle say"]
    assert span.status.status_code is StatusCode.UNSET
    assert span.events == ()
    assert (span.attributes or {})["chanx.cancelled"] is True
    assert sdk.points("chanx.handler.errors") == {}
    assert sdk.count("chanx.handler.duration", {**CONSUMER, "chanx.action": "say", "chanx.kind": "message"}) == 1


async def test_topics(sdk: Sdk, room: Any, connect: Connect) -> None:
    # Given
    client = await connect(room)
    await client.send({"action": "subscribe", "topic": "talk:a"})
    assert (await client.frame())["action"] == "subscribed"

    # When
    await client.send({"action": "say", "topic": "talk:a", "payload": "hi"})
    await client.send({"action": "say", "topic": "talk:a", "payload": "secret"})
    assert [frame["action"] for frame in await client.frames(2)] == ["said", "error"]
    assert sdk.spans["handle say"].status.status_code is StatusCode.UNSET
    with sdk.tracer.start_as_current_span("request"):
        await room.talk.broadcast("talk:a", Said(payload="there"))
    assert (await client.frame())["payload"] == "there"
    await told(lambda: "deliver topic" in sdk.names)

    # Then
    handled = {"chanx.consumer": "Talk", "chanx.action": "say", "chanx.kind": "message"}
    assert sdk.count("chanx.handler.duration", handled) == 2
    assert sdk.points("chanx.handler.errors") == {}  # a refusal is none
    assert is_child(sdk.spans["deliver topic"], sdk.spans["request"])
    await told(lambda: sdk.value("chanx.frames.received", CONSUMER) == 3)
    await told(lambda: sdk.value("chanx.frames.sent", CONSUMER) == 4)


async def test_a_client_that_does_not_read(sdk: Sdk, room: Any, connect: Connect) -> None:
    # Given one whose socket takes nothing any more
    client = await connect(room)
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    send = client.consumer.base_send

    async def blocked(message: dict[str, Any]) -> None:
        await (never if message["type"] == "websocket.send" else send(message))

    client.consumer.base_send = blocked

    # When
    for _ in range(MAX_WAITING_MESSAGES + 2):
        await room.broadcast_event(Said(payload="hi"))
    assert await client.closed() == 1013

    # Then
    assert sdk.value("chanx.slow_clients", {"chanx.reason": "events"}) == 1


async def test_who_does_not_observe_the_sender_is_delivered_to_all_the_same(
    layer: Any, room: Any, connect: Connect
) -> None:
    """A site that observes takes messages of one that does not, or of another version, as before."""
    with instrumented() as sdk:
        client = await connect(room)
        for sent in (None, "odd", {}, {"at": "x", "trace": None}, {"at": 1.0, "trace": 7}):
            message = {"type": "handle_channel_event", "event_data": {"action": "said", "payload": "hi"}}
            await layer.group_send("room", message if sent is None else {**message, "sent": sent})
            assert await client.frame() == {"action": "said", "payload": "hi"}
        await told(lambda: sdk.value("chanx.frames.sent", CONSUMER) == 5)
        assert sdk.count("chanx.delivery.duration", {"chanx.kind": "event"}) == 1  # only the last has a time


async def test_where_nobody_observes_nothing_is_added_to_messages(layer: Any, room: Any) -> None:
    # Given
    channel = await layer.new_channel()
    await layer.group_add("room", channel)

    # When
    await room.broadcast_event(Said(payload="hi"))

    # Then
    assert OBSERVERS == []
    event_data = {"action": "said", "payload": "hi"}
    assert await layer.receive(channel) == {"type": "handle_channel_event", "event_data": event_data}
    publisher_for(layer).close()


async def test_an_observer_that_raises_disturbs_no_connection(room: Any, connect: Connect) -> None:
    # Given
    class Broken(Observer):
        def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
            raise RuntimeError("broken")

        def spanned(self, *_: Any) -> None:
            raise RuntimeError("broken")

        def inject(self, carrier: dict[str, str]) -> None:
            raise RuntimeError("broken")

    stop = observe(Broken())
    try:
        # When
        clients = [await connect(room) for _ in range(2)]
        await clients[0].send({"action": "say", "payload": "hi"})

        # Then
        for client in clients:
            assert await client.frame() == {"action": "said", "payload": "hi"}
            await client.disconnect()
    finally:
        stop()


async def test_who_begins_to_observe_late_counts_no_connection_that_ends(room: Any, connect: Connect) -> None:
    # Given
    early = await connect(room)

    # When
    with instrumented() as sdk:
        late = await connect(room)
        await early.disconnect()

        # Then
        assert sdk.value("chanx.connections", CONSUMER) == 1
        await late.disconnect()
        assert sdk.value("chanx.connections", CONSUMER) == 0


async def test_frames_to_many_clients_are_told_of_a_few_times(room: Any, connect: Connect) -> None:
    # Given
    class Counting(Observer):
        def __init__(self) -> None:
            self.values: list[float] = []

        def measured(self, metric: Metric, value: float, attributes: Attributes) -> None:
            if metric is FRAMES_SENT:
                self.values.append(value)

    clients = [await connect(room) for _ in range(50)]
    counting = Counting()
    stop = observe(counting)

    # When
    try:
        await room.broadcast_event(Said(payload="hi"))
        for client in clients:
            await client.frame()
        await told(lambda: sum(counting.values) == 50)
    finally:
        stop()

    # Then
    assert len(counting.values) <= 3
