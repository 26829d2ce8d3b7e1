"""The life of a connection: opening, authentication, concurrency, limits, and that nothing outlives it."""

import asyncio
import json
from typing import Any, Literal

import pytest
from channels.exceptions import AcceptConnection, DenyConnection

from chanx.channels.database import OldConnections, old_connections
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload, PongMessage
from tests.unit.channels.client import Client
from tests.unit.conftest import Connect


class Wait(BaseMessage):
    action: Literal["wait"] = "wait"
    payload: int


class Base(AsyncJsonWebsocketConsumer):
    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


class Waiting(Base):
    """Each instance notes what its handlers do."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.log: list[Any] = []

    @ws_handler
    async def wait(self, message: Wait) -> Wait:
        self.log.append(message.payload)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.log.append("cancelled")
            raise
        return message

    async def disconnect(self, code: int) -> None:
        self.log.append(code)


class Token(BaseAuthenticator):
    async def authenticate(self) -> bool:
        token = self.get_query_param("token")
        if token == "broken":
            raise ValueError("the secret text")
        await self.send_message(
            AuthenticationMessage(
                payload=AuthenticationPayload(status_code=200, status_text=str(self.get_header("X-A")))
            )
        )
        self.user = token
        return token is not None


class OfScope(BaseAuthenticator):
    async def authenticate(self, scope: dict[str, Any]) -> bool:
        return bool(scope["path"] == "/ws/" and self.scope is scope and self.get_query_param("x", "y") == "y")


class Guarded(Base):
    authenticator_class = Token
    groups = ["guarded"]
    log: list[Any]

    async def post_authentication(self) -> None:
        self.log = [self.user, self.authenticator.user]

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        self.log = []
        await super().websocket_connect(message)


async def test_an_accepted_client_is_let_in_after_the_authenticators_own_message(connect: Connect) -> None:
    client = await connect(Guarded, query_string=b"token=me", headers=[(b"x-a", b"b")])
    assert (await client.frame())["payload"]["status_text"] == "b"
    await client.quiet()
    assert client.consumer.log == ["me", "me"]


async def test_a_refused_client_is_closed_without_a_code_and_nothing_else_runs(connect: Connect, layer: Any) -> None:
    client = await connect(Guarded)
    assert (await client.frame())["action"] == "authentication"
    assert await client.output() == {"type": "websocket.close"}
    await client.send({"action": "ping"})
    await client.disconnect()
    assert client.consumer.log == []
    assert layer.groups == {}


async def test_an_authenticator_that_fails_closes_with_general_words(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(Guarded, query_string=b"token=broken")
    assert await client.frame() == {"action": "error", "payload": {"detail": "Authentication failed"}}
    assert await client.output() == {"type": "websocket.close"}
    assert [record.event for record in caplog.records] == ["authenticator_failed"]  # type: ignore[attr-defined] # extras


async def test_an_authenticator_may_take_the_scope(connect: Connect) -> None:
    class Scoped(Base):
        authenticator_class = OfScope

    await (await connect(Scoped)).quiet()


async def test_a_failure_while_opening_closes_with_1011(connect: Connect) -> None:
    class Broken(Base):
        async def post_authentication(self) -> None:
            raise ValueError("the secret text")

    client = await connect(Broken)
    assert await client.frame() == {"action": "error", "payload": {"detail": "Failed to open the connection"}}
    assert await client.closed() == 1011


@pytest.mark.parametrize(
    ("error", "output"), [(AcceptConnection, "websocket.accept"), (DenyConnection, "websocket.close")]
)
async def test_connect_can_be_overridden_as_on_channels(error: type[Exception], output: str) -> None:
    class Own(Base):
        async def connect(self) -> None:
            raise error

    client = Client(Own)
    await client._communicator.send_input({"type": "websocket.connect"})
    assert (await client.output())["type"] == output
    await client.disconnect()


async def test_the_scope_has_the_path_parameters_and_the_consumer_its_user(connect: Connect) -> None:
    client = await connect(Base, url_route={"args": (), "kwargs": {"room": "7"}}, user="me")
    assert client.consumer.scope["path_params"] == client.consumer.url_params == {"room": "7"}
    assert client.consumer.user == "me"


async def test_a_slow_handler_does_not_block_the_next_frame(connect: Connect) -> None:
    client = await connect(Waiting)
    await client.send({"action": "wait", "payload": 1})
    await client.quiet()
    client.consumer.gate.set()
    assert (await client.frame())["payload"] == 1


async def test_with_a_concurrency_of_one_frames_are_handled_in_order(connect: Connect) -> None:
    class Ordered(Waiting):
        message_concurrency = 1

    client = await connect(Ordered)
    await client.send({"action": "wait", "payload": 1})
    await client.send({"action": "ping"})
    client.consumer.gate.set()
    assert await client.actions(2) == ["wait", "pong"]


@pytest.mark.parametrize("way", ["disconnect", "end"])
async def test_nothing_outlives_the_connection(connect: Connect, layer: Any, way: str) -> None:
    class Grouped(Waiting):
        groups = ["somewhere"]

    before = asyncio.all_tasks()
    client = await connect(Grouped)
    await client.send({"action": "wait", "payload": 1})
    await client.quiet()
    assert "somewhere" in layer.groups

    await getattr(client, way)()

    assert client.consumer.log[:2] == [1, "cancelled"]
    assert asyncio.all_tasks() == before
    assert "somewhere" not in layer.groups


async def test_disconnect_is_called_with_the_code_and_its_failure_is_logged(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Waiting):
        async def disconnect(self, code: int) -> None:
            await super().disconnect(code)
            raise ValueError("broken")

    client = await connect(Broken)
    await client.disconnect(4001)
    assert client.consumer.log == [4001]
    assert [record.event for record in caplog.records] == ["disconnect_failed"]  # type: ignore[attr-defined] # extras


@pytest.mark.parametrize(
    ("text", "closed"), [("x" * 100, False), ("x" * 101, True), ("é" * 50, False), ("é" * 51, True)]
)
async def test_a_frame_over_the_limit_closes_with_1009(connect: Connect, text: str, closed: bool) -> None:
    class Small(Base):
        max_message_bytes = 100

    client = await connect(Small)
    await client.send(text=text)
    if closed:
        assert await client.closed() == 1009
    else:
        assert await client.actions(1) == ["error"]


async def test_a_server_that_refuses_a_protocol_code_gets_a_private_one(connect: Connect) -> None:
    class Small(Base):
        max_message_bytes = 10

    client = await connect(Small)
    send = client.consumer.base_send

    async def as_daphne(message: dict[str, Any]) -> None:
        code = message.get("code", 1000)
        if code != 1000 and not 3000 <= code <= 4999:
            raise Exception(f"invalid close code {code}")
        await send(message)

    client.consumer.base_send = as_daphne
    await client.send(text="x" * 11)
    assert await client.closed() == 4009


async def test_too_many_waiting_frames_close_with_1013(connect: Connect) -> None:
    client = await connect(Waiting)
    for number in range(Waiting.message_concurrency + 1001):
        await client.send({"action": "wait", "payload": number})
    assert await client.closed() == 1013


async def test_a_burst_of_quick_frames_is_answered_whole(connect: Connect) -> None:
    client = await connect(Base)
    for _ in range(3000):
        await client.send({"action": "ping"})
    assert set(await client.actions(3000)) == {"pong"}


async def test_nothing_is_sent_after_closing(connect: Connect) -> None:
    client = await connect(Base)
    await client.consumer.send_json({"action": "bye"}, close=True)
    await client.consumer.send_message(PongMessage())
    await client.consumer.close(4000)
    assert await client.actions(1) == ["bye"]
    assert await client.output() == {"type": "websocket.close"}
    await client.disconnect()
    assert client._communicator.output_queue.empty()


def test_a_consumer_is_built_without_arguments_and_keeps_groups_set_before() -> None:
    class Early(Base):
        def __init__(self) -> None:
            self.groups = ["early"]
            super().__init__()

    assert Early().groups == ["early"]
    assert Base().groups == []


async def test_old_database_connections_are_closed_once_a_second_not_for_every_message(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[None] = []

    async def count() -> None:
        closed.append(None)

    monkeypatch.setattr("chanx.channels.database.aclose_old_connections", count)
    clock = [1000.0]
    monkeypatch.setattr("chanx.channels.database.time.monotonic", lambda: clock[0])
    monkeypatch.setattr(old_connections, "_due", 0.0)
    client = await connect(Base)
    for _ in range(20):
        await client.quiet()
    assert len(closed) == 1
    clock[0] += 1.5
    await client.quiet()
    await client.quiet()
    assert len(closed) == 2


def test_the_first_message_of_a_process_finds_the_clean_up_due() -> None:
    assert OldConnections().due


async def test_what_a_client_sends_is_decoded_as_json_whether_hooks_are_overridden_or_not(connect: Connect) -> None:
    class Strict(BaseMessage, strict=True):
        action: Literal["strict"] = "strict"
        payload: tuple[int, ...]

    class Direct(Base):
        @ws_handler
        async def strict(self, message: Strict) -> Strict:
            return message

    class Decoded(Direct):
        async def receive_json(self, content: Any, **kwargs: Any) -> None:
            await super().receive_json(content, **kwargs)

    for consumer in (Direct, Decoded):
        client = await connect(consumer)
        await client.send({"action": "strict", "payload": [1, 2]})
        assert json.dumps(await client.frame()) == '{"action": "strict", "payload": [1, 2]}'
