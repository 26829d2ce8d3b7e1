"""Testing consumers on Django: communicators, and a test case that makes and disconnects them."""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, cast

from asgiref.sync import async_to_sync
from django.test import TransactionTestCase

from chanx.channels.settings import chanx_settings
from chanx.channels.testing_connections import open_connections
from chanx.channels.utils.asgi import get_websocket_application
from chanx.core.testing import WebsocketCommunicatorMixin
from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.errors import MissingExtraError
from chanx.messages.outgoing import AuthenticationMessage

try:
    from channels.testing import WebsocketCommunicator as ChannelsCommunicator
except ModuleNotFoundError as error:
    if error.name is None or error.name.split(".")[0] != "daphne":
        raise
    raise MissingExtraError('Channels\' test helpers need daphne: pip install "channels[daphne]"') from error

Headers = list[tuple[bytes, bytes]]
Consumer = type[ChanxWebsocketConsumerMixin[Any]]


class WebsocketCommunicator(WebsocketCommunicatorMixin, ChannelsCommunicator):  # type: ignore[misc] # channels has no types
    """A typed test client of one connection::

        async with WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/", consumer=ChatConsumer) as client:
            await client.send_message(ChatMessage(payload="Hello"))
            assert await client.receive_all_messages() == [EchoMessage(payload="Hello")]

    It has the methods of Channels' own communicator too.
    """

    async def receive_output(self, timeout: float = 1) -> dict[str, Any]:
        """The next ASGI message of the application; the test's database connections are left alone meanwhile."""
        with open_connections.kept():
            return await super().receive_output(timeout)


class DjangoWebsocketCommunicator(WebsocketCommunicator):
    """A test client that also knows what a ``DjangoAuthenticator`` sends."""

    async def wait_for_auth(
        self,
        send_authentication_message: bool | None = None,
        max_auth_time: float = 0.5,
        after_auth_time: float = 0.1,
    ) -> AuthenticationMessage | None:
        """The result of authentication, which is the next frame; then what follows it has a moment to happen.

        Without ``send_authentication_message`` (None: as ``SEND_AUTHENTICATION_MESSAGE`` says) no frame is expected: it
        waits for ``max_auth_time`` seconds and returns None.
        """
        expected = send_authentication_message
        if expected is None:
            expected = bool(chanx_settings.SEND_AUTHENTICATION_MESSAGE)
        if not expected:
            await asyncio.sleep(max_auth_time)
            return None
        frame = await self.receive_json_from(max_auth_time)
        message = self.wire.read_as([AuthenticationMessage], frame)
        await asyncio.sleep(after_auth_time)
        return cast(AuthenticationMessage, message)

    async def assert_authenticated_status_ok(self, max_auth_time: float = 0.5) -> None:
        """Expect the result of authentication now, and that it is 200."""
        message = await self.wait_for_auth(True, max_auth_time)
        assert message is not None
        payload = message.payload
        assert payload.status_code == 200, f"Authentication ended with {payload.status_code} {payload.status_text}"


class WebsocketTestCase(TransactionTestCase):
    """A test case for one consumer; what ``create_communicator`` made is disconnected when a test ends.

    ``ws_path``: the path to connect to; ``consumer``: the class that serves it; ``router``: the application, by default
    the project's own for WebSockets.
    """

    ws_path: str
    consumer: Consumer
    router: Any = None

    ws_headers: Headers
    subprotocols: list[str]

    def __init__(self, methodName: str = "runTest") -> None:
        super().__init__(methodName)
        self._communicators: list[DjangoWebsocketCommunicator] = []

    def __call__(self, result: Any = None) -> None:
        """Run the test, as unittest does."""
        self._disconnect_inside_test()
        super().__call__(result)

    def debug(self) -> None:
        """Run the test without catching what it raises, as unittest does."""
        self._disconnect_inside_test()
        super().debug()

    def setUp(self) -> None:
        super().setUp()
        self.ws_headers = self.get_ws_headers()
        self.subprotocols = self.get_subprotocols()

    def tearDown(self) -> None:
        if self._communicators:
            async_to_sync(self._disconnect_all)()
        super().tearDown()

    def get_ws_headers(self) -> Headers:
        """The headers of connections, such as a session's cookie. Overridable."""
        return []

    def get_subprotocols(self) -> list[str]:
        """The subprotocols that connections offer. Overridable."""
        return []

    def create_communicator(
        self,
        *,
        router: Any = None,
        ws_path: str | None = None,
        headers: Headers | None = None,
        subprotocols: list[str] | None = None,
    ) -> DjangoWebsocketCommunicator:
        """A new communicator, not connected; what is not given is the test case's own.

        Raises ``AttributeError`` without a ``ws_path`` and ``ValueError`` without anything that serves it.
        """
        communicator = DjangoWebsocketCommunicator(
            self._application() if router is None else router,
            self._path() if ws_path is None else ws_path,
            self.ws_headers if headers is None else headers,
            self.subprotocols if subprotocols is None else subprotocols,
            consumer=self.consumer,
        )
        self._communicators.append(communicator)
        return communicator

    @property
    def auth_communicator(self) -> DjangoWebsocketCommunicator:
        """The first communicator of this test, made when it is first asked for, and not connected."""
        return self._communicators[0] if self._communicators else self.create_communicator()

    def _application(self) -> Any:
        application = self.router if self.router is not None else get_websocket_application()
        if application is None:
            raise ValueError(
                f"{type(self).__name__} has no router, and the project serves no WebSockets: set router, or let "
                'ASGI_APPLICATION name a ProtocolTypeRouter with a "websocket" entry.'
            )
        return application

    def _path(self) -> str:
        path: str | None = getattr(self, "ws_path", None)
        if path is None:
            raise AttributeError(f"ws_path is not set in {type(self).__name__}: it is the path to connect to")
        return path

    def _disconnect_inside_test(self) -> None:
        # A connection lives in the event loop of its test, which is gone when tearDown runs.
        test = getattr(self, self._testMethodName)
        if inspect.iscoroutinefunction(test):
            setattr(self, self._testMethodName, self._then_disconnecting(test))

    def _then_disconnecting(self, test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(test)
        async def run(*args: Any, **kwargs: Any) -> None:
            try:
                await test(*args, **kwargs)
            finally:
                await self._disconnect_all()

        return run

    async def _disconnect_all(self) -> None:
        communicators, self._communicators = self._communicators, []
        ends = await asyncio.gather(*(one.disconnect() for one in communicators), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
