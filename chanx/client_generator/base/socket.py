"""A WebSocket that is opened again whenever it is lost, also where nobody says so: what is asked has to be answered.

  open() ─> open ─ lost, silent ─> waiting ─> connecting ─> open ─> …
              └─ closed with 4401 or 4403, or not let in ─> ended

Silence is for ``websockets`` to notice, with its keep-alive pings.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from .backoff import Backoff
from .errors import AccessDeniedError, ClientError, NotConnectedError
from .messages import Frame, decoded, encoded

logger = logging.getLogger("chanx.client")

ANSWER_WITHIN = 10.0
CONNECT_WITHIN = 10.0
REFUSED_CODES = {4401: 401, 4403: 403}
REFUSED_STATUSES = frozenset({401, 403})
MISSING_STATUS = 404
FAILED_STATUS = 500  # also what Channels answers where it has no route
WITHOUT_ANSWER = "m"
"""How the ``ref`` of a frame begins whose sender waits for nothing: what comes with it is a push."""

Answered = Callable[[Frame | None], None]


@dataclass(frozen=True, slots=True)
class SocketEvents:
    """Who is told what happens on the connection. ``lost`` gets the close code and reason, ``ended`` why for good."""

    opened: Callable[[], None]
    frame: Callable[[Frame], None]
    lost: Callable[[int | None, str], None]
    ended: Callable[[ClientError], None]


@dataclass(slots=True)
class _Request:
    answered: Answered
    timer: asyncio.TimerHandle | None


class ReconnectingSocket:
    """``open_websocket`` opens a connection; with ``reconnects`` false the first lost one ends it."""

    def __init__(
        self,
        events: SocketEvents,
        open_websocket: Callable[[], Awaitable[ClientConnection]],
        *,
        url: str,
        reconnects: bool,
    ) -> None:
        self._events = events
        self._open_websocket = open_websocket
        self._url = url
        self._reconnects = reconnects
        self._loop = asyncio.get_running_loop()
        self._backoff = Backoff(self._loop)
        self._outgoing: deque[tuple[str, asyncio.Future[None] | None]] = deque()
        self._has_outgoing = asyncio.Event()
        self._is_up = asyncio.Event()
        self._requests: dict[str, _Request] = {}
        self._last_ref = 0
        self._running: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[tuple[int | None, str]] | None = None
        self.denied: AccessDeniedError | None = None
        self.is_open = False

    async def open(self) -> None:
        """Connects, and keeps the connection from then on. Raises ``NotConnectedError`` or ``AccessDeniedError``."""
        websocket = await self._connect(is_first=True)
        self._running = self._loop.create_task(self._run(websocket), name=f"chanx client {self._url}")
        try:
            await self._is_up.wait()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Ends the connection, and everything that waits for an answer."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait({running})

    def post(self, frame: Frame) -> None:
        """Sends a frame soon, if the connection is still there then."""
        self._put(encoded(frame), None)

    async def send(self, frame: Frame) -> None:
        """Sends a frame and returns when it is written. Raises ``NotConnectedError``."""
        if not self.is_open:
            raise NotConnectedError("The connection is lost just now.")
        written: asyncio.Future[None] = self._loop.create_future()
        self._put(encoded(frame), written)
        await written

    def next_ref(self) -> str:
        self._last_ref += 1
        return str(self._last_ref)

    def request(self, frame: Frame, answered: Answered, *, ref: str | None = None) -> None:
        """Sends a frame that the server has to answer soon: a connection on which it does not is given up.

        ``answered`` is called with the answer, or with None if the connection is lost before.
        """
        ref = ref or self.next_ref()
        timer = self._loop.call_later(ANSWER_WITHIN, self.drop, f"No answer within {ANSWER_WITHIN:g} seconds.")
        self._requests[ref] = _Request(answered, timer)
        self.post({**frame, "ref": ref})

    def expect(self, ref: str, answered: Answered) -> None:
        """The same for a frame that is sent otherwise, and whose answer may take its time."""
        self._requests[ref] = _Request(answered, None)

    def forget(self, ref: str) -> None:
        """Nobody waits for this answer any more."""
        request = self._requests.pop(ref, None)
        if request is not None and request.timer is not None:
            request.timer.cancel()

    def drop(self, why: str) -> None:
        """Gives the connection up, as if it were lost."""
        if self._reading is not None:
            logger.warning("%s: the connection is given up. %s", self._url, why)
            self._reading.cancel()

    # The connection

    async def _run(self, websocket: ClientConnection | None) -> None:
        try:
            while True:
                websocket = websocket or await self._connect_again()
                code, reason = await self._serve(websocket)
                websocket = None
                self._events.lost(code, reason)
                self._raise_if_final(code, reason)
        except ClientError as error:
            self._events.ended(error)
        except Exception as error:
            logger.exception("%s: the client has failed", self._url)
            self._events.ended(NotConnectedError(f"The client has failed: {error!r}"))

    def _raise_if_final(self, code: int | None, reason: str) -> None:
        if self.denied is not None:
            raise self.denied
        if code in REFUSED_CODES:
            raise AccessDeniedError(reason or "You are not signed in, or not any more.", status=REFUSED_CODES[code])
        if not self._reconnects:
            raise NotConnectedError(f"The server has closed the connection ({code}) {reason}".rstrip())

    async def _connect_again(self) -> ClientConnection:
        while True:
            await asyncio.sleep(self._backoff.next())
            try:
                return await self._connect(is_first=False)
            except NotConnectedError as error:
                logger.info("%s", error)

    async def _connect(self, *, is_first: bool) -> ClientConnection:
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                return await self._open_websocket()
        except InvalidStatus as error:
            status = error.response.status_code
            # A server that is just being replaced may not know the path yet: that counts at the beginning only.
            if status in REFUSED_STATUSES or (is_first and status == MISSING_STATUS):
                raise AccessDeniedError(f"{self._url} answers {status}: {_meaning(status)}", status=status) from error
            raise NotConnectedError(
                f"{self._url} answers {status} instead of opening a WebSocket.{_hint(status)}"
            ) from error
        except (OSError, InvalidHandshake, ConnectionClosed, EOFError) as error:
            said = str(error) or "no answer in time"
            raise NotConnectedError(f"{self._url} cannot be reached: {said}") from error

    async def _serve(self, websocket: ClientConnection) -> tuple[int | None, str]:
        """Until the connection is lost: its close code, None if it was given up, and the reason."""
        self._backoff.worked()
        self.is_open = True
        writing = self._loop.create_task(self._write(websocket))
        self._reading = reading = self._loop.create_task(self._read(websocket))
        try:
            self._events.opened()
            self._is_up.set()
            await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():  # what cannot be written to may still have said why
                await asyncio.wait({reading}, timeout=1)
        finally:
            self.is_open = False
            self._reading = None
            reading.cancel()
            writing.cancel()
            await asyncio.wait({reading, writing})
            try:
                await websocket.close()
            finally:
                self._fail_all()  # last: who is told finds out why, if it is for good
        if reading.cancelled():
            return None, ""
        return reading.result()

    async def _read(self, websocket: ClientConnection) -> tuple[int | None, str]:
        try:
            while True:
                self._received(await websocket.recv())
        except ConnectionClosed as closed:
            return (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, str(closed))

    async def _write(self, websocket: ClientConnection) -> None:
        while True:
            await self._has_outgoing.wait()
            while self._outgoing:
                text, written = self._outgoing[0]
                try:
                    await websocket.send(text)
                except ConnectionClosed:
                    return
                self._outgoing.popleft()
                if written is not None and not written.done():
                    written.set_result(None)
            self._has_outgoing.clear()

    def _put(self, text: str, written: asyncio.Future[None] | None) -> None:
        if self.is_open:
            self._outgoing.append((text, written))
            self._has_outgoing.set()

    def _received(self, text: str | bytes) -> None:
        frame = decoded(text)
        if frame is None:
            return
        try:
            self._handed_out(frame)
        except Exception:
            logger.exception("%s: a frame could not be dealt with", self._url)

    def _handed_out(self, frame: Frame) -> None:
        ref: Any = frame.get("ref")
        if ref is not None and frame.get("topic") is not None:
            request = self._requests.get(ref) if isinstance(ref, str) else None
            if request is not None:
                self.forget(ref)
                request.answered(frame)
                return
            if not str(ref).startswith(WITHOUT_ANSWER):
                return  # one more answer to something that was answered, or given up
        self._events.frame(frame)

    def _fail_all(self) -> None:
        for _, written in self._outgoing:
            if written is not None and not written.done():
                written.set_exception(NotConnectedError("The connection was lost before the message was written."))
        self._outgoing.clear()
        self._has_outgoing.clear()
        requests = list(self._requests.items())
        for ref, _ in requests:
            self.forget(ref)
        for _, request in requests:
            request.answered(None)


def _meaning(status: int) -> str:
    if status == MISSING_STATUS:
        return "there is no such WebSocket. Is the path right?"
    # Starlette answers 403 also where it has no route.
    return "you may not connect. Are the path and the headers right (cookie, authorization, origin)?"


def _hint(status: int) -> str:
    return " Is the path right?" if status == FAILED_STATUS else ""
