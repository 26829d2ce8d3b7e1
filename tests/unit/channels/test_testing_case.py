"""The Django test case for a consumer, and what its communicator knows about authentication."""

import asyncio
import subprocess
import sys
import textwrap
import time
import unittest
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from asgiref.sync import sync_to_async
from channels import db
from channels.db import database_sync_to_async
from channels.routing import ProtocolTypeRouter, URLRouter
from django.contrib.auth.models import User
from django.db import connection
from django.test import TestCase, override_settings
from django.urls import path

from chanx.channels.testing import DjangoWebsocketCommunicator, WebsocketCommunicator, WebsocketTestCase
from chanx.channels.utils.settings import override_chanx_settings
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload, PongMessage


class StatusOfPath(BaseAuthenticator):
    """Sends the status that the query string asks for."""

    async def authenticate(self) -> bool:
        status = int(self.get_query_param("status", "200") or 0)
        if status:
            payload = AuthenticationPayload(status_code=status, status_text="Text", data={"detail": "x"})
            await self.send_message(AuthenticationMessage(payload=payload))
        return status == 200


class Pinged(AsyncJsonWebsocketConsumer):
    send_completion = True
    authenticator_class = StatusOfPath
    disconnected: ClassVar[list[int]] = []

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    async def disconnect(self, code: int) -> None:
        self.disconnected.append(code)


class Quiet(AsyncJsonWebsocketConsumer):
    """Sends nothing."""


router = URLRouter([path("ws/ping/", Pinged.as_asgi())])
application = ProtocolTypeRouter({"websocket": router})
no_websockets = ProtocolTypeRouter({})

PROJECT = f"{__name__}.application"
NO_WEBSOCKETS = f"{__name__}.no_websockets"


class PingCase(WebsocketTestCase):
    """What the test cases below share."""

    ws_path = "/ws/ping/"
    router = router
    consumer = Pinged

    def setUp(self) -> None:
        super().setUp()
        Pinged.disconnected.clear()


class TestCommunicators(PingCase):
    def get_ws_headers(self) -> list[tuple[bytes, bytes]]:
        return [(b"cookie", b"a=1")]

    def get_subprotocols(self) -> list[str]:
        return ["chat"]

    def test_set_up_stores_headers_and_subprotocols(self) -> None:
        assert (self.ws_headers, self.subprotocols) == ([(b"cookie", b"a=1")], ["chat"])

    def test_a_communicator_has_them_and_the_path(self) -> None:
        scope = self.create_communicator().scope
        assert (scope["path"], scope["headers"], scope["subprotocols"]) == (
            "/ws/ping/",
            [(b"cookie", b"a=1")],
            ["chat"],
        )

    def test_all_of_it_can_be_given(self) -> None:
        other = Pinged.as_asgi()
        one = self.create_communicator(router=other, ws_path="/x/", headers=[], subprotocols=[])
        assert (one.scope["path"], one.scope["headers"], one.scope["subprotocols"]) == ("/x/", [], [])
        assert isinstance(one, DjangoWebsocketCommunicator)
        assert one.consumer is Pinged

    async def test_the_first_communicator_is_not_connected(self) -> None:
        first = self.auth_communicator
        assert first is self.auth_communicator
        assert self.create_communicator() is not first
        assert first.input_queue.empty()
        assert await first.connect() == (True, None)

    async def test_a_communicator_created_before_is_the_first(self) -> None:
        created = self.create_communicator()
        assert self.auth_communicator is created

    async def test_messages(self) -> None:
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok(max_auth_time=5)
        await self.auth_communicator.send_message(PingMessage())
        assert await self.auth_communicator.receive_all_messages() == [PongMessage()]


class TestAuthentication(PingCase):
    async def test_the_result_of_authentication(self) -> None:
        communicator = self.create_communicator(ws_path="/ws/ping/?status=403")
        await communicator.connect()
        message = await communicator.wait_for_auth(max_auth_time=5, after_auth_time=0)
        assert isinstance(message, AuthenticationMessage)
        assert message.payload.status_code == 403
        await communicator.assert_closed()

    async def test_a_result_that_is_not_ok(self) -> None:
        communicator = self.create_communicator(ws_path="/ws/ping/?status=404")
        await communicator.connect()
        with pytest.raises(AssertionError, match="Authentication ended with 404 Text"):
            await communicator.assert_authenticated_status_ok(max_auth_time=5)

    async def test_no_result_in_time(self) -> None:
        communicator = self.create_communicator(router=silent)
        await communicator.connect()
        with pytest.raises(TimeoutError):
            await communicator.wait_for_auth(max_auth_time=0.01)

    async def test_none_is_expected(self) -> None:
        await self.auth_communicator.connect()
        began = time.monotonic()
        assert await self.auth_communicator.wait_for_auth(False, max_auth_time=0.02) is None
        assert time.monotonic() - began >= 0.02

    @override_chanx_settings(SEND_AUTHENTICATION_MESSAGE=False)
    async def test_the_setting_says_that_none_is_expected(self) -> None:
        await self.auth_communicator.connect()
        assert await self.auth_communicator.wait_for_auth(max_auth_time=0.01) is None
        assert await self.auth_communicator.wait_for_auth(True, 5, after_auth_time=0) is not None


async def silent(scope: Any, receive: Any, send: Any) -> None:
    """An application that accepts, and sends nothing."""
    await receive()
    await send({"type": "websocket.accept"})
    await receive()


def results_of(case: type[WebsocketTestCase], test: Callable[..., Any]) -> unittest.TestResult:
    """Run one function as the only test of such a case."""
    result = unittest.TestResult()
    type("Case", (case,), {"test": test})("test")(result)
    return result


@pytest.mark.django_db(transaction=True)
class TestTheEndOfATest:
    def test_every_connection_is_disconnected(self) -> None:
        async def test(self: PingCase) -> None:
            self.create_communicator()
            for _ in range(2):
                await self.create_communicator().connect()
            assert Pinged.disconnected == []

        result = results_of(PingCase, test)
        assert (result.errors, result.failures) == ([], [])
        assert Pinged.disconnected == [1000, 1000]

    def test_also_after_a_failure(self) -> None:
        async def test(self: PingCase) -> None:
            await self.auth_communicator.connect()
            raise ValueError("of the test")

        result = results_of(PingCase, test)
        ((_, text),) = result.errors
        assert "of the test" in text
        assert Pinged.disconnected == [1000]

    def test_what_the_test_disconnected_itself_stays_so(self) -> None:
        async def test(self: PingCase) -> None:
            async with self.auth_communicator:
                pass

        assert results_of(PingCase, test).wasSuccessful()
        assert Pinged.disconnected == [1000]

    def test_a_synchronous_test(self) -> None:
        def test(self: PingCase) -> None:
            self.create_communicator()

        assert results_of(PingCase, test).wasSuccessful()

    def test_tear_down_disconnects_what_is_left(self) -> None:
        case = PingCase("setUp")
        case.setUp()

        async def connect() -> None:
            await case.auth_communicator.connect()

        asyncio.run(connect())
        case.tearDown()
        assert case._communicators == []
        assert len(Pinged.disconnected) == 1


@pytest.mark.django_db(transaction=True)
class TestWhatIsMissing:
    def test_no_path(self) -> None:
        class Case(WebsocketTestCase):
            router = router
            consumer = Pinged

        case = Case()
        case.setUp()
        with pytest.raises(AttributeError, match="ws_path is not set in Case"):
            _ = case.auth_communicator

    @pytest.mark.parametrize("name", [None, NO_WEBSOCKETS])
    def test_no_router_and_no_websockets_in_the_project(self, name: str | None) -> None:
        class Case(WebsocketTestCase):
            ws_path = "/ws/ping/"
            consumer = Pinged

        case = Case()
        case.setUp()
        with override_settings(ASGI_APPLICATION=name), pytest.raises(ValueError, match="Case has no router"):
            case.create_communicator()


@override_settings(ASGI_APPLICATION=PROJECT)
class TestTheProjectsApplication(WebsocketTestCase):
    ws_path = "/ws/ping/"
    consumer = Pinged

    async def test_it_is_used_without_a_router(self) -> None:
        await self.auth_communicator.connect()
        await self.auth_communicator.assert_authenticated_status_ok(max_auth_time=5)


class UsesTheDatabase(AsyncJsonWebsocketConsumer):
    send_completion = True

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage | None:
        count = await database_sync_to_async(User.objects.count)()
        return PongMessage() if count == 1 else None


class TestTheDatabase(TestCase):
    """In a test inside a transaction, the connection that holds it stays open."""

    async def test_the_tests_own_rows_are_seen(self) -> None:
        await User.objects.acreate(username="ada")
        async with WebsocketCommunicator(UsesTheDatabase.as_asgi(), "/", consumer=UsesTheDatabase) as client:
            await client.send_message(PingMessage())
            assert await client.receive_all_messages() == [PongMessage()]
        assert await User.objects.acount() == 1
        assert await sync_to_async(lambda: connection.in_atomic_block)()


async def test_the_application_closes_no_connections_while_it_is_waited_for() -> None:
    before = db.close_old_connections
    found: list[Any] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        found.append(db.close_old_connections)
        await send({"type": "websocket.accept"})
        await receive()

    async with WebsocketCommunicator(application, "/", consumer=Quiet):
        assert found != [before]
        assert db.close_old_connections is before


async def test_nothing_stays_patched_when_clients_wait_at_the_same_time() -> None:
    # Given two clients that wait at once, the second longer than the first
    before = db.close_old_connections
    clients = [WebsocketCommunicator(Quiet.as_asgi(), "/", consumer=Quiet) for _ in range(2)]
    for client in clients:
        await client.connect()

    async def wait(client: WebsocketCommunicator, seconds: float) -> None:
        with pytest.raises(TimeoutError):
            await client.receive_output(seconds)

    await asyncio.gather(wait(clients[0], 0.01), wait(clients[1], 0.03))
    # Then Channels closes connections as before
    assert db.close_old_connections is before
    for client in clients:
        await client.disconnect()


def test_without_daphne_it_says_what_to_install() -> None:
    # Given an interpreter where daphne is not installed, which channels.testing imports
    program = """
        import sys
        sys.modules["daphne"] = None
        import django
        from django.conf import settings
        settings.configure(INSTALLED_APPS=["channels"])
        django.setup()
        import chanx.channels.testing
    """
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=False, timeout=60
    )
    assert 'need daphne: pip install "channels[daphne]"' in result.stderr
