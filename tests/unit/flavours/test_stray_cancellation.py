"""A hook that awaits something which was cancelled has failed: nobody asked for the end of its connection."""

import asyncio
from typing import Any

import pytest

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import ws_handler
from chanx.core.topic import Topic
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect


async def cancelled_work() -> None:
    """As of a client library that cancels what is under way when it is closed."""
    working = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    working.cancel()
    await working


class Room(Topic):
    pattern = "room:{id}"

    async def authorize(self, id: str) -> bool:
        if id == "broken":
            await cancelled_work()
        return True

    async def subscribed_payload(self, payload: Any) -> None:
        if self.params["id"] == "half":
            await cancelled_work()

    async def on_unsubscribe(self) -> None:
        self.consumer.log.append(self.topic)  # type: ignore[attr-defined]  # the consumer below
        await cancelled_work()


class Authenticator(BaseAuthenticator):
    async def authenticate(self) -> bool:
        await cancelled_work()
        return True


@pytest.fixture
def consumer(base: Any) -> Any:
    class Host(base):  # type: ignore[misc]  # made for each flavour
        topics = [Room]

        def __init__(self) -> None:
            super().__init__()
            self.log: list[Any] = []

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

        async def disconnect(self, code: int) -> None:
            self.log.append(code)

    return Host


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.event for record in caplog.records]  # type: ignore[attr-defined]  # extras


async def test_of_an_authenticator(connect: Connect, consumer: Any, caplog: pytest.LogCaptureFixture) -> None:
    consumer.authenticator_class = Authenticator
    client = await connect(consumer)
    assert await client.frame() == {"action": "error", "payload": {"detail": "Authentication failed"}}
    assert await client.closed() is None
    await client.disconnect()
    assert events(caplog) == ["authenticator_failed"]


async def test_of_the_hook_that_opens(connect: Connect, consumer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Opening(consumer):  # type: ignore[misc]  # made for each flavour
        async def post_authentication(self) -> None:
            await cancelled_work()

    client = await connect(Opening)
    assert await client.frame() == {"action": "error", "payload": {"detail": "Failed to open the connection"}}
    assert await client.closed() == 1011
    await client.disconnect()
    assert events(caplog) == ["connecting_failed"]


async def test_of_the_hook_that_accepts(connect: Connect, consumer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Accepting(consumer):  # type: ignore[misc]  # made for each flavour
        async def connect(self) -> None:
            await self.accept()
            await cancelled_work()

    client = await connect(Accepting)
    assert await client.closed() == 1011
    await client.disconnect()
    assert events(caplog) == ["connecting_failed"]


async def test_of_topics_hooks(connect: Connect, consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture) -> None:
    client = await connect(consumer)
    for name in ("broken", "half", "1", "2", "3"):
        await client.send({"topic": f"room:{name}", "action": "subscribe"})
        assert (await client.frame())["action"] == ("subscribed" if name in "123" else "error")
    assert set(layer.groups) == {Room.group_name(f"room:{number}") for number in (1, 2, 3)}
    await client.send({"topic": "room:1", "action": "unsubscribe"})
    assert (await client.frame())["action"] == "unsubscribed"
    await client.quiet()
    await client.disconnect(1001)
    assert client.consumer.log == ["room:1", "room:2", "room:3", 1001]
    assert events(caplog) == [*["topic_frame_failed"] * 2, *["on_unsubscribe_failed"] * 3]


async def test_of_disconnect(connect: Connect, consumer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Ending(consumer):  # type: ignore[misc]  # made for each flavour
        async def disconnect(self, code: int) -> None:
            await cancelled_work()

    client = await connect(Ending)
    await client.disconnect()
    assert events(caplog) == ["disconnect_failed"]


async def test_of_taking_an_event(connect: Connect, consumer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Taking(consumer):  # type: ignore[misc]  # made for each flavour
        async def handle_channel_event(self, message: dict[str, Any]) -> None:
            await cancelled_work()

    client = await connect(Taking)
    for _ in range(2):
        await Taking.send_event(PingMessage(), client.consumer.channel_name)
    pong = {"type": "handle_group_message", "message": {"action": "pong", "payload": None}}
    await client.consumer.channel_layer.send(client.consumer.channel_name, pong)
    assert (await client.frame())["action"] == "pong"
    await client.disconnect(1001)
    assert events(caplog) == ["channel_message_failed"] * 2
    assert client.consumer.log == [1001]
