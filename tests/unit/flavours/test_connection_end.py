"""However a connection ends: it is closed with the right code, `disconnect` is called once, and nothing outlives it."""

import asyncio
from collections.abc import Callable
from typing import Any, Literal

import pytest

from chanx.core import serving
from chanx.core.decorators import event_handler, ws_handler
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

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def hold(self, message: Hold) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                self.log.append("cancelled")

        @event_handler
        async def note(self, event: Note) -> Note:
            return event

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
    await client._communicator.wait(5)
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


def broken_later(calls: int) -> Callable[..., Any]:
    async def receive(channel: str) -> Any:
        nonlocal calls
        calls -= 1
        if calls < 0:
            raise Broken("the secret text")
        return {"type": "handle_channel_event", "event_data": {"action": "note", "payload": calls}}

    return receive


async def test_a_layer_that_cannot_be_reached_refuses_the_connection(
    consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    layer.new_channel = broken
    client = Client(consumer)
    await client._communicator.send_input({"type": "websocket.connect"})
    assert await client.output() == {"type": "websocket.close", "code": 1011}
    await client._communicator.wait(5)
    assert [record.event for record in caplog.records] == ["connection_failed"]  # type: ignore[attr-defined]  # extras


async def test_a_layer_that_goes_away_closes_with_1011(
    consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    layer.receive = broken_later(1)
    client = Client(consumer)
    await client.connect()
    assert (await client.frame())["action"] == "note"
    assert await client.closed() == 1011
    await client._communicator.wait(5)
    assert client.consumer.log == [1011]
    assert [record.event for record in caplog.records] == ["connection_failed"]  # type: ignore[attr-defined]  # extras


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
