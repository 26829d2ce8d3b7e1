"""The base of clients: one connection, its own messages, and what happens to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Any, ClassVar, Self, TypeVar, overload

from pydantic import BaseModel, ValidationError
from websockets.asyncio.client import ClientConnection, connect

from .address import origin_of, websocket_url
from .errors import (
    AccessDeniedError,
    ClientError,
    NotConnectedError,
    RequestRefusedError,
    object_of,
)
from .messages import (
    ACTION,
    COMPLETIONS,
    AuthenticationMessage,
    ErrorMessage,
    Frame,
    UnknownMessage,
    frame_of,
)
from .questions import Questions
from .socket import ReconnectingSocket, SocketEvents
from .source import MessageSource, ReceivedT, timeouts_say
from .tasks import Tasks, logger

A = TypeVar("A", bound=BaseModel)
B = TypeVar("B", bound=BaseModel)
C = TypeVar("C", bound=BaseModel)
D = TypeVar("D", bound=BaseModel)

DENIED_STATUSES = frozenset({401, 403, 404})


class BaseClient(MessageSource[ReceivedT]):
    """A connection, for ``async with``; ``async for message in client`` gives what the server sends.

    ``base_url`` is ``host:port`` or a whole URL; ``protocol`` is ``ws`` or ``wss`` where it has none; ``headers`` go
    with the opening request (``{"Cookie": …}``, ``{"Authorization": …}``), which names the server itself as its origin
    unless they name another; ``path_params`` fill the ``path``.

    A lost connection is opened again, later each time, unless ``reconnects`` is false or the server does not let the
    client in any more: then loops and calls raise ``AccessDeniedError``. What was sent meanwhile by others is missed,
    but for what topics and jobs catch up with.
    """

    path: ClassVar[str] = "/"
    discriminator: ClassVar[str] = ACTION
    reconnects: ClassVar[bool] = True

    def __init__(
        self,
        base_url: str,
        /,
        protocol: str = "ws",
        headers: Mapping[str, str] | None = None,
        path_params: Mapping[str, object] | None = None,
    ) -> None:
        self._client_tasks = Tasks()
        super().__init__(self, self._client_tasks, self.discriminator)
        self.path_params = dict(path_params or {})
        self.url = websocket_url(base_url, self.path, protocol=protocol, path_params=self.path_params)
        self.headers = dict(headers or {})
        self._socket: ReconnectingSocket | None = None
        self._opened = asyncio.Event()
        self._questions = Questions()

    # The connection

    async def connect(self) -> Self:
        """Opens the connection; ``async with`` does it. Raises ``NotConnectedError`` or ``AccessDeniedError``."""
        if self._socket is not None:
            raise ClientError("The client is connected already: make another one for a second connection.")
        self._begin()
        events = SocketEvents(self._on_open, self._on_frame, self._on_lost, self._on_ended)
        socket = ReconnectingSocket(events, self.open_websocket, url=self.url, reconnects=self.reconnects)
        self._socket = socket
        self._prepare(socket)
        try:
            await socket.open()
        except BaseException:
            self._socket = None
            raise
        return self

    async def close(self) -> None:
        """Ends the connection and everything on it: loops end, who waits for something gets an error."""
        socket, self._socket = self._socket, None
        if socket is not None:
            try:
                await socket.close()
            finally:
                self._end_all(None)
                await self._client_tasks.end()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection just now."""
        return self._socket is not None and self._socket.is_open

    async def open_websocket(self) -> ClientConnection:
        """Opens a WebSocket whenever one is needed; override it for options of ``websockets`` (``ssl``, ``proxy``)."""
        names_origin = any(name.lower() == "origin" for name in self.headers)
        return await connect(
            self.url,
            additional_headers=self.headers,
            # Sites that check it, to protect browsers, refuse who has none.
            origin=None if names_origin else origin_of(self.url),
            max_size=None,
            close_timeout=2,
        )

    # Messages

    async def send_message(self, message: BaseModel, *, timeout: float | None = 10.0) -> None:
        """Sends a message that names no topic; waits for a connection if there is none just now.

        Raises ``AnswerTimeoutError`` or ``NotConnectedError`` if there is none in time.
        """
        socket = self._connected_socket()
        with timeouts_say(f"The message was not sent within {timeout} seconds: there is no connection."):
            async with asyncio.timeout(timeout):
                await self._until_open(socket)
                await self._send(socket, message)

    @overload
    async def ask(self, message: BaseModel, answer: type[A], /, *, timeout: float | None = 10.0) -> A: ...
    @overload
    async def ask(
        self, message: BaseModel, answer: type[A], or_: type[B], /, *, timeout: float | None = 10.0
    ) -> A | B: ...
    @overload
    async def ask(
        self, message: BaseModel, answer: type[A], or_: type[B], or_2: type[C], /, *, timeout: float | None = 10.0
    ) -> A | B | C: ...
    @overload
    async def ask(
        self,
        message: BaseModel,
        answer: type[A],
        or_: type[B],
        or_2: type[C],
        or_3: type[D],
        /,
        *more: type[D],
        timeout: float | None = 10.0,
    ) -> A | B | C | D: ...
    async def ask(self, message: BaseModel, /, *answers: type[Any], timeout: float | None = 10.0) -> Any:
        """Sends a message that names no topic, and returns the next one of these types; a loop gets it too.

        Nothing in a message says what it answers: one that is sent to everybody counts as well. Calls that ask for the
        same type have their answers one after the other, each is sent when the one before it is done.

        Raises ``RequestRefusedError`` where an error comes meanwhile, ``AnswerTimeoutError``, and ``NotConnectedError``
        where the connection is lost: whether the server has dealt with the message is not known then.
        """
        if not answers:
            raise TypeError("ask() needs the types of the answer; send_message() is for messages without one.")
        what = " or ".join(answer.__name__ for answer in answers)
        with timeouts_say(f"No {what} came within {timeout} seconds."):
            async with asyncio.timeout(timeout), self._questions.turn(answers) as question:
                socket = self._connected_socket()
                await self._until_open(socket)
                coming = question.expect()
                await self._send(socket, message)
                answer = await coming
        if answer is None:
            raise self._why_over or NotConnectedError("The connection was lost before the answer came.")
        if isinstance(answer, ErrorMessage):
            raise RequestRefusedError(answer.payload)
        return answer

    # Hooks

    async def on_connected(self) -> None:
        """Called each time a connection is there, beside everything else."""

    async def on_disconnected(self, code: int | None, reason: str) -> None:
        """Called each time a connection is lost, with what the server closed it with, if it did."""

    def on_authenticated(self, message: AuthenticationMessage) -> None:
        """Called with the result of signing in, where the server tells it."""

    def on_message(self, message: BaseModel) -> None:
        """Called with each message that names no topic, before anybody else has it."""

    def on_unknown_message(self, message: UnknownMessage) -> None:
        """Called with a message of a type that this client was not generated with; by default it is ignored."""

    def on_invalid_frame(self, error: ValidationError, frame: Frame) -> None:
        """Called with a message that is not what its type says, which no loop gets; logs it by default."""
        logger.warning("%s: %s is not as declared: %s", self.url, frame.get(self.discriminator), error)

    def on_overflow(self, message: BaseModel) -> None:
        """Called with the oldest of too many messages that nobody takes, which is dropped; logs it by default."""
        logger.warning("%s: %s is dropped: nobody takes what comes", self.url, type(message).__name__)

    # What the socket tells

    def _connected_socket(self) -> ReconnectingSocket:
        if self._why_over is not None:
            raise self._why_over
        if self._socket is None:
            name = type(self).__name__
            raise NotConnectedError(f"There is no connection: write `async with {name}(…) as client:` around it.")
        return self._socket

    async def _send(self, socket: ReconnectingSocket, message: BaseModel) -> None:
        try:
            await socket.send(frame_of(message))
        except NotConnectedError as error:
            if self._why_over is None:
                raise
            raise self._why_over from error

    async def _until_open(self, socket: ReconnectingSocket) -> None:
        while not socket.is_open:
            self._opened.clear()
            await self._opened.wait()
            if self._why_over is not None:
                raise self._why_over

    def _prepare(self, socket: ReconnectingSocket) -> None:
        """A connection is about to be opened."""

    def _on_open(self) -> None:
        self._opened.set()
        self._client_tasks.start(self.on_connected())

    def _on_lost(self, code: int | None, reason: str) -> None:
        self._opened.clear()
        self._questions.lost()
        self._client_tasks.start(self.on_disconnected(code, reason))

    def _on_ended(self, error: ClientError) -> None:
        self._end_all(error)

    def _end_all(self, error: ClientError | None) -> None:
        self._finish(error)
        self._questions.lost()
        self._opened.set()

    def _told(self, message: BaseModel) -> None:
        self._questions.told(message)
        self.on_message(message)

    def _on_frame(self, frame: Frame) -> None:
        action = frame.get(self.discriminator)
        if action == "authentication":
            self._authenticated(frame)
        elif action not in COMPLETIONS:
            self._take(frame)

    def _authenticated(self, frame: Frame) -> None:
        try:
            message = AuthenticationMessage.model_validate({**frame, ACTION: "authentication"})
        except ValidationError as error:
            self.on_invalid_frame(error, frame)
            return
        self.on_authenticated(message)
        payload = message.payload
        if payload.status_code in DENIED_STATUSES and self._socket is not None:
            detail = str(object_of(payload.data).get("detail") or payload.status_text)
            self._socket.denied = AccessDeniedError(detail, status=payload.status_code)
