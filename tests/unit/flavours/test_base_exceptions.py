"""What is raised past ``except Exception``, such as pytest's ``fail`` or eventlet's timeout, is a failure too."""

import asyncio
from typing import Any, Literal

import pytest

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


class Timeout(BaseException):
    """As eventlet has it."""


class Break(BaseMessage):
    action: Literal["break"] = "break"
    payload: Literal["at once", "later"] = "at once"


class Room(Topic):
    pattern = "room:{id}"

    async def authorize(self, id: str) -> bool:
        if id == "broken":
            raise Timeout
        return True

    @ws_handler
    async def break_it(self, message: Break) -> None:
        raise Timeout


class Authenticator(BaseAuthenticator):
    async def authenticate(self) -> bool:
        raise Timeout


@pytest.fixture
def consumer(base: Any) -> Any:
    class Host(base):  # type: ignore[misc]  # made for each flavour
        groups = ["everybody"]
        topics = [Room]

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        @ws_handler
        async def break_it(self, message: Break) -> None:
            if message.payload == "later":
                await asyncio.sleep(0)
            raise Timeout

        @event_handler(input_type=Break)
        async def break_event(self, event: Break) -> None:
            await self.break_it(event)

        @event_handler(input_type=PingMessage)
        async def ping_event(self, event: PingMessage) -> PongMessage:
            return PongMessage()

    return Host


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize("when", ["at once", "later"])
async def test_a_message_handler_fails(connect: Connect, consumer: Any, when: str, concurrency: int) -> None:
    consumer.message_concurrency = concurrency
    client = await connect(consumer)
    await client.send({"action": "break", "payload": when})
    assert await client.frame() == {"action": "error", "payload": {"detail": "Failed to process message for break"}}
    await client.quiet()


@pytest.mark.parametrize("when", ["at once", "later"])
async def test_an_event_handler_fails(connect: Connect, consumer: Any, when: Any) -> None:
    client = await connect(consumer)
    await consumer.broadcast_event(Break(payload=when))
    await consumer.broadcast_event(PingMessage())
    assert (await client.frame())["action"] == "pong"
    await client.quiet()


async def test_a_topic_fails(connect: Connect, consumer: Any) -> None:
    client = await connect(consumer)
    await client.send({"topic": "room:broken", "action": "subscribe"})
    assert (await client.frame())["payload"]["reason"] == "failed"
    await client.send({"topic": "room:1", "action": "subscribe"})
    assert (await client.frame())["action"] == "subscribed"
    await client.send({"topic": "room:1", "action": "break"})
    assert (await client.frame())["payload"] == {"detail": "Failed to process message for break"}
    await client.quiet()


async def test_an_authenticator_fails(connect: Connect, consumer: Any) -> None:
    consumer.authenticator_class = Authenticator
    client = await connect(consumer)
    assert (await client.frame())["payload"] == {"detail": "Authentication failed"}
    assert await client.closed() is None


@pytest.mark.parametrize("source", ["client", "channel layer"])
async def test_one_of_an_overridden_method_ends_the_connection(
    connect: Connect, consumer: Any, layer: Any, source: str
) -> None:
    """Nobody would read its client's messages any more, not even that the client has gone."""

    class Hooked(consumer):  # type: ignore[misc]  # made for each flavour
        async def receive_message(self, message: BaseMessage) -> None:
            raise Timeout

        async def receive_event(self, event: Any) -> None:
            raise Timeout

    before = asyncio.all_tasks()
    client = await connect(Hooked)
    if source == "client":
        await client.send({"action": "break"})
    else:
        await Hooked.broadcast_event(Break())
    assert await client.closed() == 1011
    await client.disconnect()
    assert layer.groups == layer.channels == {}
    assert asyncio.all_tasks() == before
