"""What can go wrong between accepting a connection and its first frame: it is closed, and nobody stays by accident."""

import asyncio
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from tests.unit.conftest import Connect

CLOSE = {"type": "websocket.close"}
FAILED = {"action": "error", "payload": {"detail": "Authentication failed"}}


class Deciding(BaseAuthenticator):
    """Does what the token says."""

    async def authenticate(self) -> bool:
        token = self.get_query_param("token")
        if token == "broken":
            raise ValueError("the secret text")
        if token == "cut":
            await self.send_message.__self__.close(4001)  # type: ignore[attr-defined] # the consumer's bound method
        self.user = token
        return token in ("ada", "cut")


class Unbuildable(BaseAuthenticator):
    def __init__(self, send_message: Any) -> None:
        raise ValueError("the secret text")

    async def authenticate(self) -> bool:
        return True


class Forgetful(BaseAuthenticator):
    async def authenticate(self) -> bool:
        return None  # type: ignore[return-value] # a forgotten return


@pytest.fixture
def consumer(base: Any) -> Any:
    class Guarded(base):  # type: ignore[misc] # made for each flavour
        authenticator_class: Any = Deciding
        groups: ClassVar[Any] = ["guarded"]
        log: ClassVar[list[str]] = []

        def __init__(self) -> None:
            super().__init__()
            self.log = []  # type: ignore[misc] # of the instance

        async def post_authentication(self) -> None:
            self.log.append("opened")

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            self.log.append("ping")
            return PongMessage()

    return Guarded


async def assert_nothing_ran(client: Any, layer: Any) -> None:
    for _ in range(3):
        await client.send({"action": "ping"})
    await client.disconnect()
    assert client.consumer.log == []
    assert layer.groups == {}
    assert client._communicator.output_queue.empty()


async def test_who_is_accepted_is_the_consumers_user(connect: Connect, consumer: Any) -> None:
    client = await connect(consumer, query_string=b"token=ada")
    await client.quiet()
    assert client.consumer.log == ["opened", "ping"]
    assert client.consumer.user == client.consumer.authenticator.user == "ada"


async def test_who_is_refused_gets_no_hook_and_no_handler(connect: Connect, consumer: Any, layer: Any) -> None:
    client = await connect(consumer)
    assert await client.output() == CLOSE
    await assert_nothing_ran(client, layer)


@pytest.mark.parametrize("authenticator", [Deciding, Unbuildable])
async def test_a_failing_authenticator_is_logged_and_tells_nothing(
    connect: Connect, consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture, authenticator: Any
) -> None:
    consumer.authenticator_class = authenticator
    client = await connect(consumer, query_string=b"token=broken")
    assert await client.frame() == FAILED
    assert await client.output() == CLOSE
    await assert_nothing_ran(client, layer)
    assert [record.event for record in caplog.records] == ["authenticator_failed"]  # type: ignore[attr-defined] # extras
    assert "the secret text" in caplog.text


async def test_a_forgotten_return_refuses(connect: Connect, consumer: Any, layer: Any) -> None:
    consumer.authenticator_class = Forgetful
    client = await connect(consumer)
    assert await client.output() == CLOSE
    await assert_nothing_ran(client, layer)


@pytest.mark.parametrize("where", ["authenticator", "hook"])
async def test_nobody_stays_connected_because_telling_them_failed(
    connect: Connect, consumer: Any, layer: Any, where: str
) -> None:
    class Mute(consumer):  # type: ignore[misc] # made for each flavour
        async def send_message(self, message: Any, **kwargs: Any) -> None:
            raise OSError("no one there")

        async def post_authentication(self) -> None:
            raise ValueError("broken")

    client = await connect(Mute, query_string=b"token=broken" if where == "authenticator" else b"token=ada")
    assert (await client.output()).get("code") == (None if where == "authenticator" else 1011)
    await assert_nothing_ran(client, layer)


async def test_a_connection_that_was_closed_meanwhile_is_not_opened(
    connect: Connect, consumer: Any, layer: Any
) -> None:
    client = await connect(consumer, query_string=b"token=cut")
    assert await client.closed() == 4001
    await assert_nothing_ran(client, layer)


async def test_a_group_that_cannot_be_joined_closes(
    connect: Connect, consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    consumer.groups = ["first", "not a valid name"]
    client = await connect(consumer, query_string=b"token=ada")
    assert await client.frame() == {"action": "error", "payload": {"detail": "Failed to open the connection"}}
    assert await client.closed() == 1011
    await client.disconnect()
    assert client.consumer.log == []
    assert "first" not in layer.groups
    assert caplog.records[0].event == "connecting_failed"  # type: ignore[attr-defined] # extras


async def test_a_hook_that_fails_after_accepting_closes(connect: Connect, consumer: Any, layer: Any) -> None:
    class Half(consumer):  # type: ignore[misc] # made for each flavour
        async def connect(self) -> None:
            await self.accept()
            raise ValueError("broken")

    client = await connect(Half, query_string=b"token=ada")
    assert await client.closed() == 1011
    await assert_nothing_ran(client, layer)


class Hanging(BaseAuthenticator):
    async def authenticate(self) -> bool:
        await asyncio.Event().wait()
        return True


class Stubborn(BaseAuthenticator):
    """Takes its cancellation for a failure that may be overlooked."""

    async def authenticate(self) -> bool:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return True


class ItsOwn(BaseAuthenticator):
    async def authenticate(self) -> bool:
        raise TimeoutError("the secret text")


@pytest.mark.parametrize("authenticator", [Hanging, Stubborn])
async def test_an_authenticator_that_hangs_refuses(
    connect: Connect, consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture, authenticator: Any
) -> None:
    consumer.authenticator_class = authenticator
    consumer.authentication_timeout = 0.01
    client = await connect(consumer)
    assert await client.output() == CLOSE
    await assert_nothing_ran(client, layer)
    assert [record.event for record in caplog.records] == ["authentication_timed_out"]  # type: ignore[attr-defined] # extras


async def test_an_authenticators_own_timeout_is_a_failure_of_it(
    connect: Connect, consumer: Any, layer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    consumer.authenticator_class = ItsOwn
    client = await connect(consumer)
    assert await client.frame() == FAILED
    assert await client.output() == CLOSE
    await assert_nothing_ran(client, layer)
    assert [record.event for record in caplog.records] == ["authenticator_failed"]  # type: ignore[attr-defined] # extras


async def test_without_a_timeout_an_authenticator_may_take_its_time(connect: Connect, consumer: Any) -> None:
    assert consumer.authentication_timeout == 10
    consumer.authentication_timeout = None
    await (await connect(consumer, query_string=b"token=ada")).quiet()


async def test_nothing_happens_after_the_hook_has_closed_the_connection(
    connect: Connect, base: Any, layer: Any
) -> None:
    log: list[str] = []

    class Room(Topic):
        pattern = "room:{room}"

        async def authorize(self, room: str) -> bool:
            log.append("authorize")
            return True

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            log.append("topic frame")
            return PongMessage()

    class Closing(base):  # type: ignore[misc] # made for each flavour
        default_topic = Room
        groups = ["everybody"]

        async def post_authentication(self) -> None:
            await self.close(4001)
            await self.send_message(PongMessage())
            await self.broadcast_message(PongMessage())
            await Closing.broadcast_event(PingMessage())

        @event_handler
        async def on_event(self, event: PingMessage) -> PongMessage:
            log.append("event")
            return PongMessage()

        @ws_handler
        async def on_frame(self, message: PingMessage) -> PongMessage:
            log.append("frame")
            return PongMessage()

    client = await connect(Closing, url_route={"args": (), "kwargs": {"room": "1"}}, path_params={"room": "1"})
    assert await client.closed() == 4001
    await client.send({"action": "ping"})
    await client.send({"action": "ping", "topic": "room:1"})
    await client.send({"action": "subscribe", "topic": "room:1"})
    await client.send(text="[")
    await client.disconnect(4001)
    assert log == []
    assert client._communicator.output_queue.empty()
    assert layer.groups == layer.channels == {}
