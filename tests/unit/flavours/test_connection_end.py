"""However a connection ends: it is closed with the right code, `disconnect` is called once, and nothing outlives it."""

import asyncio
import gc
from collections import Counter
from contextlib import suppress
from typing import Any, Literal

import pytest

from chanx.core import receive_loop, serving
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.hub import reader
from chanx.core.topic import Topic
from chanx.errors import ConfigurationError
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect


class Hold(BaseMessage):
    action: Literal["hold"] = "hold"
    payload: None = None


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: int


class Room(Topic):
    pattern = "room:{id}"

    @event_handler
    async def hold(self, event: Hold) -> None:
        await self.consumer.hold(event)

    async def on_unsubscribe(self) -> None:
        self.consumer.log.append("left the room")


@pytest.fixture
def consumer(base: Any) -> Any:
    """A consumer with a group and a topic; each instance notes what happens to it."""

    class Noting(base):  # type: ignore[misc]  # made for each flavour
        groups = ["everybody"]
        topics = [Room]

        def __init__(self) -> None:
            super().__init__()
            self.log: list[Any] = []
            self.holding = asyncio.Event()

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def hold(self, message: Hold) -> None:
            self.holding.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.log.append("cancelled")

        @event_handler
        async def note(self, event: Note) -> Note:
            return event

        @event_handler(input_type=Hold)
        async def hold_event(self, event: Hold) -> None:
            await self.hold(event)

        async def disconnect(self, code: int) -> None:
            self.log.append(code)

    return Noting


async def busy(client: Client) -> None:
    """Have a handler run and a topic open."""
    await client.send({"action": "hold"})
    await client.send({"topic": "room:1", "action": "subscribe"})
    assert (await client.frame())["action"] == "subscribed"
    await client.quiet()


def last_output(client: Client) -> Any:
    """What is left in the client's hands of an application that was cancelled."""
    return client._communicator.output_queue.get_nowait()


def outputs(client: Client) -> list[Any]:
    """All that is left there."""
    queue = client._communicator.output_queue
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.mark.parametrize("way", ["the client", "the server", "the consumer"])
async def test_nothing_outlives_a_connection(consumer: Any, layer: Any, connect: Connect, way: str) -> None:
    before = asyncio.all_tasks()
    client = await connect(consumer)
    await busy(client)
    assert set(layer.groups) == {"everybody", Room.group_name("room:1")}

    match way:
        case "the client":
            await client.disconnect(1001)
            code = 1001
        case "the server":
            await client.end()
            assert last_output(client) == {"type": "websocket.close", "code": 1012}
            code = 1012
        case _:
            await client.consumer.close(4001)
            assert await client.closed() == 4001
            await client.disconnect(4001)
            code = 4001

    assert client.consumer.log == ["cancelled", "left the room", code]
    assert asyncio.all_tasks() == before
    assert layer.groups == layer.channels == {}


async def test_a_server_that_refuses_protocol_codes_gets_a_private_one_on_shutdown(
    consumer: Any, connect: Connect
) -> None:
    client = await connect(consumer)
    send = client.consumer.base_send

    async def as_daphne(message: dict[str, Any]) -> None:
        code = message.get("code", 1000)
        if code != 1000 and not 3000 <= code <= 4999:
            raise Exception(f"invalid close code {code}")
        await send(message)

    client.consumer.base_send = as_daphne
    await client.end()
    assert last_output(client) == {"type": "websocket.close", "code": 4012}


async def test_the_close_frame_is_sent_in_the_very_turn_of_the_cancellation(consumer: Any, connect: Connect) -> None:
    """Daphne waits for the first of its connections only."""
    client = await connect(consumer)
    await busy(client)
    future: Any = client._communicator.future
    future.cancel()
    await asyncio.sleep(0)
    assert last_output(client)["type"] == "websocket.close"
    await client.end()


async def test_groups_are_left_although_the_server_cancels_again_and_again(
    consumer: Any, layer: Any, connect: Connect
) -> None:
    # Given a layer that takes its time
    client = await connect(consumer)
    await busy(client)
    group_discard, leaving, leave = layer.group_discard, asyncio.Event(), asyncio.Event()

    async def slowly(*arguments: Any) -> None:
        leaving.set()
        await leave.wait()
        await group_discard(*arguments)

    layer.group_discard = slowly
    future: Any = client._communicator.future

    # When the client goes, and the server cancels, again in the middle of the clean-up
    await client._communicator.send_input({"type": "websocket.disconnect", "code": 1001})
    await leaving.wait()
    for _ in range(5):
        future.cancel()
        await asyncio.sleep(0)
    assert not future.done()
    leave.set()

    # Then it comes to its end all the same, and once
    await client.end()
    assert layer.groups == {}
    assert client.consumer.log == ["cancelled", "left the room", 1001]
    assert client._communicator.output_queue.empty()


@pytest.mark.parametrize("turns", range(5))
async def test_nothing_outlives_a_connection_that_is_cancelled_again_while_its_client_leaves(
    consumer: Any, layer: Any, connect: Connect, turns: int
) -> None:
    before, leaving = asyncio.all_tasks(), asyncio.Event()

    class Slow(consumer):  # type: ignore[misc]  # made for each flavour
        async def disconnect(self, code: int) -> None:
            leaving.set()
            for _ in range(20):
                await asyncio.sleep(0)

    client = await connect(Slow)
    await busy(client)
    await client._communicator.send_input({"type": "websocket.disconnect", "code": 1001})
    await leaving.wait()
    future: Any = client._communicator.future
    for _ in range(3):
        future.cancel()
        for _ in range(turns):
            await asyncio.sleep(0)
    await client.end()
    assert asyncio.all_tasks() == before
    assert layer.groups == layer.channels == {}


async def test_a_clean_up_that_hangs_is_given_up(
    consumer: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(serving, "CLEAN_UP_SECONDS", 0.05)
    before = asyncio.all_tasks()

    class Hanging(consumer):  # type: ignore[misc]  # made for each flavour
        async def disconnect(self, code: int) -> None:
            await asyncio.Event().wait()

    client = await connect(Hanging)
    await client.disconnect()
    await asyncio.sleep(0)
    assert [record.event for record in caplog.records] == ["clean_up_took_too_long"]  # type: ignore[attr-defined]  # extras
    assert asyncio.all_tasks() == before


async def held(client: Client, where: str) -> None:
    """Have a handler, an event handler, or one of a topic run."""
    match where:
        case "handler":
            await client.send({"action": "hold"})
        case "event handler":
            await type(client.consumer).send_event(Hold(), client.consumer.channel_name)
        case _:
            await client.send({"topic": "room:1", "action": "subscribe"})
            assert (await client.frame())["action"] == "subscribed"
            event = {"type": "handle_topic_event", "topic": "room:1", "event_data": {"action": "hold", "payload": None}}
            await client.consumer.channel_layer.group_send(Room.group_name("room:1"), event)
    await client.consumer.holding.wait()


WAYS = {"the client": "disconnect", "the server": "end"}


@pytest.mark.parametrize("where", ["handler", "event handler", "topic"])
@pytest.mark.parametrize("way", WAYS)
async def test_what_still_runs_is_cancelled_before_groups_are_left(
    consumer: Any, layer: Any, connect: Connect, where: str, way: str
) -> None:
    before = asyncio.all_tasks()
    client = await connect(consumer)
    log, group_discard = client.consumer.log, layer.group_discard
    await held(client, where)

    async def noting(*arguments: Any) -> None:
        log.append("leaving")
        await group_discard(*arguments)

    layer.group_discard = noting
    await getattr(client, WAYS[way])()

    assert log[:2] == ["cancelled", "leaving"]
    assert layer.groups == layer.channels == {}
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("way", WAYS)
async def test_a_channel_never_has_two_receivers(consumer: Any, layer: Any, connect: Connect, way: str) -> None:
    """Of which the core layer of channels-redis would leave a queue behind, with a task that waits for it."""
    receive, receiving, most = layer.receive, Counter[str](), 0

    async def counted(channel: str) -> Any:
        nonlocal most
        receiving[channel] += 1
        most = max(most, receiving[channel])
        try:
            return await receive(channel)
        finally:
            receiving[channel] -= 1

    layer.receive = counted
    layer.__class__ = type("Unknown", (type(layer),), {})  # so that a task receives from each channel
    client = await connect(consumer)
    await busy(client)
    await getattr(client, WAYS[way])()
    assert (receiving.total(), most) == (0, 1)


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_cancelled_handler_broadcasts_does_not_outlive_its_connection(
    consumer: Any, layer: Any, connect: Connect, way: str
) -> None:
    class Telling(consumer):  # type: ignore[misc]  # made for each flavour
        @ws_handler
        async def hold(self, message: Hold) -> None:
            try:
                await super().hold(message)
            finally:
                await self.broadcast_message(Note(payload=0))

    client, other = await connect(Telling), await connect(consumer)
    await busy(client)
    await getattr(client, WAYS[way])()
    assert await other.frame() == {"action": "note", "payload": 0}
    await other.disconnect()
    assert layer.groups == layer.channels == {}


@pytest.mark.parametrize("where", ["handler", "event handler", "topic"])
@pytest.mark.parametrize("way", WAYS)
async def test_a_handler_that_suppresses_its_cancellation_holds_up_nothing(
    consumer: Any,
    layer: Any,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    where: str,
    way: str,
) -> None:
    monkeypatch.setattr(serving, "STEP_SECONDS", 0.05)
    monkeypatch.setattr(receive_loop, "STOP_SECONDS", 0.05)
    release = asyncio.Event()

    class Stubborn(consumer):  # type: ignore[misc]  # made for each flavour
        @ws_handler
        async def hold(self, message: Hold) -> None:
            self.holding.set()
            while not release.is_set():
                with suppress(asyncio.CancelledError):
                    await release.wait()
            await self.channel_layer.group_add("late", self.channel_name)
            await self.send_message(PongMessage())

    # Given a handler that does not end
    before = asyncio.all_tasks()
    client = await connect(Stubborn)
    await held(client, where)

    # When the connection does
    await getattr(client, WAYS[way])()

    # Then all of it ends, and what the handler does later has no effect
    assert client.consumer.log[-1] == (1000 if way == "the client" else 1012)
    assert layer.groups == {}
    assert {record.event for record in caplog.records} <= {"clean_up_took_too_long", "cancellation_ignored"}  # type: ignore[attr-defined]  # extras
    assert caplog.records
    release.set()
    while tasks := asyncio.all_tasks() - before:
        await asyncio.wait(tasks)
    assert layer.groups == {}
    assert {message["type"] for message in outputs(client)} <= {"websocket.close"}


async def test_a_hook_that_hangs_does_not_keep_disconnect_from_being_called(
    consumer: Any, layer: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "STEP_SECONDS", 0.05)

    class Hanging(Room):
        pattern = "hanging:{id}"

        async def on_unsubscribe(self) -> None:
            await asyncio.Event().wait()

    class Host(consumer):  # type: ignore[misc]  # made for each flavour
        topics = [Hanging]

    client = await connect(Host)
    await client.send({"topic": "hanging:1", "action": "subscribe"})
    assert (await client.frame())["action"] == "subscribed"
    await client.disconnect(1001)
    assert client.consumer.log == [1001]
    assert layer.groups == layer.channels == {}


async def test_a_layer_that_hangs_does_not_keep_disconnect_from_being_called(
    consumer: Any, layer: Any, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "STEP_SECONDS", 0.05)
    client = await connect(consumer)
    await busy(client)

    async def never(*arguments: Any) -> None:
        await asyncio.Event().wait()

    layer.group_discard = never
    await client.disconnect(1001)
    assert client.consumer.log == ["cancelled", "left the room", 1001]


async def test_events_are_handled_one_after_the_other_in_their_order(base: Any, connect: Connect) -> None:
    log: list[Any] = []

    class Taking(base):  # type: ignore[misc]  # made for each flavour
        @event_handler
        async def note(self, event: Note) -> Note:
            log.append(("begun", event.payload))
            for _ in range(5 - event.payload):  # each quicker than the one before
                await asyncio.sleep(0)
            log.append(("ended", event.payload))
            return event

    client = await connect(Taking)
    for number in range(5):
        await Taking.send_event(Note(payload=number), client.consumer.channel_name)
    assert [frame["payload"] for frame in await client.frames(5)] == list(range(5))
    assert log == [(what, number) for number in range(5) for what in ("begun", "ended")]


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_client_that_never_connected_and_is_dropped_with_its_loop_is_no_failure(
    consumer: Any, is_stopped: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A test that does not await the end of its client drops the application in the middle. Warnings fail this one."""

    async def start() -> None:
        client = Client(consumer)
        assert client._communicator.future
        await passed(9)
        if is_stopped:
            client._communicator.stop()

    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # "Task was destroyed but it is pending", which it is
    loop.run_until_complete(start())
    loop.close()
    del loop
    gc.collect()
    assert caplog.records == []


async def passed(turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_a_channel_that_is_left_in_the_middle_of_an_event_is_released(
    consumer: Any, layer: Any, connect: Connect
) -> None:
    """The layer forgets a channel whose ``receive`` is cancelled; here none is running, and more events wait."""
    client = await connect(consumer)
    sending = asyncio.Event()

    async def hang(message: dict[str, Any]) -> None:
        sending.set()
        await asyncio.Event().wait()

    client.consumer.base_send = hang
    for number in range(3):
        await consumer.send_event(Note(payload=number), client.consumer.channel_name)
    await sending.wait()
    client.consumer.base_send = quietly
    await client.end()
    assert layer.channels == {}


async def quietly(message: dict[str, Any]) -> None:
    """A send that takes everything."""


async def test_a_connection_that_never_opened_leaves_nothing(consumer: Any, layer: Any) -> None:
    client = Client(consumer)
    await client._communicator.send_input({"type": "websocket.disconnect", "code": 1006})
    await client._communicator.wait(30)
    assert layer.groups == layer.channels == {}


async def test_a_client_that_has_gone_is_no_failure(
    consumer: Any, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """ASGI servers raise an OSError for what is sent after the client has gone."""
    client = await connect(consumer)
    attempts: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def gone(message: dict[str, Any]) -> None:
        attempts.put_nowait(message)
        raise BrokenPipeError

    client.consumer.base_send = gone
    await client.send({"action": "ping"})
    assert (await attempts.get())["type"] == "websocket.send"
    await client.consumer.send_message(PongMessage())
    await client.send({"action": "ping"})
    await client.disconnect(1006)
    assert attempts.empty()
    assert client.consumer.log == [1006]
    assert caplog.records == []


async def test_closing_for_a_client_that_has_gone_is_no_failure(consumer: Any, connect: Connect) -> None:
    client = await connect(consumer)

    async def gone(message: dict[str, Any]) -> None:
        raise BrokenPipeError

    client.consumer.base_send = gone
    await client.consumer.close(1009)
    assert client.consumer.is_closed


class Broken(Exception):
    """What a layer raises whose server is away."""


def broken(*arguments: Any) -> Any:
    raise Broken("the secret text")


async def test_a_layer_that_cannot_be_reached_refuses_the_connection(
    consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    layer.new_channel = broken
    client = Client(consumer)
    await client._communicator.send_input({"type": "websocket.connect"})
    assert await client.output() == {"type": "websocket.close", "code": 1011}
    await client._communicator.wait(30)
    assert [record.event for record in caplog.records] == ["connection_failed"]  # type: ignore[attr-defined]  # extras


async def test_a_layer_that_fails_for_a_while_is_received_from_again(
    consumer: Any, layer: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reader, "RETRY_SECONDS", 0)
    receive, failures = layer.receive, iter([Broken("gone")] * 3)

    async def failing(channel: str) -> Any:
        for failure in failures:
            raise failure
        return await receive(channel)

    layer.receive = failing
    layer.__class__ = type("Unknown", (type(layer),), {})  # so that a task receives from each channel
    client = Client(consumer)
    await client.connect()
    await consumer.broadcast_event(Note(payload=1))
    assert await client.frame() == {"action": "note", "payload": 1}
    await client.disconnect()
    assert [record.event for record in caplog.records] == ["channel_layer_not_read"]  # type: ignore[attr-defined]  # extras


async def test_an_http_request_to_a_consumer_is_told_to_upgrade(consumer: Any) -> None:
    """Whoever mounts a consumer gets HTTP requests there as well."""
    answers: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        answers.append(message)

    await consumer.as_asgi()({"type": "http", "path": "/"}, broken, send)
    assert answers[0]["status"] == 426
    assert answers[1]["type"] == "http.response.body"


async def test_a_consumer_has_no_lifespan(consumer: Any) -> None:
    with pytest.raises(ConfigurationError, match="lifespan"):
        await consumer.as_asgi()({"type": "lifespan"}, broken, broken)


async def test_a_topic_that_is_being_left_when_the_connection_ends_is_left(
    consumer: Any, layer: Any, connect: Connect
) -> None:
    # Given an unsubscribe whose leaving of the group takes its time
    client = await connect(consumer)
    await busy(client)
    group_discard, leaving = layer.group_discard, asyncio.Event()

    async def never(*arguments: Any) -> None:
        leaving.set()
        await asyncio.Event().wait()

    layer.group_discard = never
    await client.send({"topic": "room:1", "action": "unsubscribe"})
    await leaving.wait()

    # When the client goes meanwhile, Then the group is left all the same
    layer.group_discard = group_discard
    await client.disconnect()
    assert layer.groups == {}
    assert "left the room" in client.consumer.log
