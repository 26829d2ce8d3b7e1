"""Serving one connection as an ASGI application, the same on every framework.

server ─> receive_loop ─┐
                        ├─> dispatch ─> the method a message's type names
channel layer ─> hub ───┘
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final, Protocol

from chanx.core.channel_layer import open_to_synchronous_code
from chanx.core.connection_layer import ConnectionLayer
from chanx.core.direct_sending import DirectSending
from chanx.core.ending import ended
from chanx.core.events import ReceiveEvent
from chanx.core.failures import log_failure
from chanx.core.foreign_scope import refuse
from chanx.core.hub import Hub, Mailbox, SharedMessage, hub_of
from chanx.core.interruptible import Interruptible
from chanx.core.own_context import resumed
from chanx.core.receive_loop import end_with, receive_loop
from chanx.core.stray_cancellation import is_being_cancelled, stray_cancellation_fails
from chanx.core.websocket import CLOSE_INTERNAL_ERROR, CLOSE_TRY_AGAIN_LATER
from chanx.log import log_event
from chanx.metrics import CONNECTIONS, SLOW_CLIENTS
from chanx.telemetry import OBSERVERS, measure
from chanx.utils import log_context
from chanx.utils.asyncio import create_task

NO_CLOSE_CODE: Final = 1005
CLOSE_SERVICE_RESTART: Final = 1012

CLEAN_UP_SECONDS: Final = 10.0
STEP_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Signals:
    """The exceptions with which a framework's consumers say what to do."""

    accept: type[Exception]
    deny: type[Exception]
    stop: type[Exception]


class Upkeep(Protocol):
    """What a framework wants done now and then between messages."""

    @property
    def due(self) -> bool: ...
    async def close(self) -> None: ...


class ServedConsumer(DirectSending[ReceiveEvent]):
    """A consumer that is an ASGI application; a flavour adds its framework's consumer class, signals and layer.

    Whatever ends a connection (its client, the server, a failure), what runs for it is cancelled, its topics and groups
    are left, and ``disconnect`` is called, once. A server that shuts down by cancelling it closes it with 1012. Pings
    are the server's business: Daphne and Uvicorn send them by themselves, and have options for it.

    ``connection_id`` names the connection in the log.
    """

    signals: ClassVar[Signals]
    upkeep: ClassVar[Upkeep | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_begun = False
        self._hub: Hub | None = None
        self._mailbox: Mailbox | None = None
        self._ended: asyncio.Future[None] | None = None
        self._event_handling = Interruptible()
        self._ending: asyncio.Task[None] | None = None
        self._last_code = NO_CLOSE_CODE
        self.connection_id = secrets.token_hex(6)

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[dict[str, Any]]],
        send: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> None:
        """Serve one connection, from its first message to its last. What is logged meanwhile names it."""
        if scope["type"] != "websocket":
            await refuse(scope, send)
            return
        # Before anything of it runs: its handlers, tasks and events inherit it.
        bound = log_context.bind(connection=self.connection_id)
        self.scope = scope
        self.base_send = send
        layer, loop = self.find_channel_layer(), asyncio.get_running_loop()
        self.channel_layer = None
        is_counted = bool(OBSERVERS)  # and so at its end, though somebody begins to observe meanwhile
        try:
            if is_counted:
                measure(CONNECTIONS, 1, {"chanx.consumer": type(self).__name__})
            if layer is not None:
                hub, self._mailbox = hub_of(layer), Mailbox(self)
                self.channel_name = await hub.open(self._mailbox)
                self._hub = hub
                self.channel_layer = ConnectionLayer(layer, self.channel_name, hub, self._mailbox)
                open_to_synchronous_code(layer)
            self._has_begun = True
            self._ended = loop.create_future()
            await receive_loop(receive, self.dispatch, self.frame_queues, self._ended, self._opened, self._restart)
        except self.signals.stop:
            pass
        except Exception as error:
            if _is_running(loop):
                log_failure("connection_failed", error, consumer=type(self).__name__)
                await self._close_with(CLOSE_INTERNAL_ERROR)
        finally:
            if is_counted:
                measure(CONNECTIONS, -1, {"chanx.consumer": type(self).__name__})
            self._ended = None
            if _is_running(loop):
                await self.end_connection()
            log_context.unbind(bound)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand a message of the server or of the channel layer to the method its type names.

        What is no message, or what such a method raises, is logged and does not end the connection.
        """
        try:
            name, is_event = _method_of(message["type"])
            if is_event and self.is_closed:
                return
            method = getattr(self, name)
            if self.upkeep is not None and self.upkeep.due:
                await self.upkeep.close()
            if not is_event:
                await method(message)
                return
            with self._event_handling:
                await method(message)
                if self.is_closed:
                    await asyncio.sleep(0)
            if self.is_closed and is_being_cancelled():
                raise asyncio.CancelledError  # which a handler has suppressed
        except self.signals.stop:
            raise
        except (Exception, asyncio.CancelledError) as error:
            if isinstance(error, asyncio.CancelledError) and is_being_cancelled():
                raise
            log_failure("channel_message_failed", error, consumer=type(self).__name__, type=message.get("type"))

    async def finish_send(self, sending: Coroutine[Any, Any, None], awaited: Any) -> None:
        """Go on with the sending of a message of the channel layer, which waits for a client that reads slowly."""
        try:
            with self._event_handling:
                await resumed(sending, awaited)
        except OSError:
            self.is_closed = True
        except Exception as error:
            log_failure("channel_message_failed", error, consumer=type(self).__name__)

    def refuse_message(self, message: SharedMessage) -> None:
        """Close the connection with 1013: so much waits already for its client to read, or for its handlers.

        But not for a message that its topics find again by themselves: it is dropped.
        """
        if self.is_closed or self._last_code == CLOSE_TRY_AGAIN_LATER or self.can_miss(message):
            return
        self._last_code = CLOSE_TRY_AGAIN_LATER
        # By the layer's reader, which works for all connections.
        log_event("too_many_events", consumer=type(self).__name__, connection=self.connection_id)
        measure(SLOW_CLIENTS, 1, {"chanx.reason": "events"})
        create_task(self._close_with(CLOSE_TRY_AGAIN_LATER), name=f"chanx-close-{type(self).__name__}")

    def end_with(self, error: BaseException) -> None:
        """End the connection for what dispatching a message of the channel layer has raised."""
        if self._ended is not None:
            end_with(self._ended, error)

    async def connect(self) -> None:
        """Accept the connection. Overridable; the framework's exceptions for accepting and denying work here."""
        await self.accept()

    async def open_socket(self) -> None:
        """Run ``connect`` as the framework does."""
        try:
            await self.connect()
        except self.signals.accept:
            await self.accept()
        except self.signals.deny:
            await self.close()

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        """End the connection, which the client or the server has closed."""
        self._last_code = message.get("code", NO_CLOSE_CODE)
        await self.end_connection()
        raise self.signals.stop

    async def end_connection(self) -> None:
        """Cancel what still runs, leave topics and groups, call ``disconnect``. Safe to call again."""
        self.is_closed = True
        if self._ending is None:
            self._ending = create_task(self._end(), name=f"chanx-end-{type(self).__name__}")
        await ended(self._ending, seconds=CLEAN_UP_SECONDS)

    async def _end(self) -> None:
        if not self._has_begun:
            return
        await self._step("cancel handlers", self._cancel_handlers())
        await self._step("leave groups", self._leave_layer())
        if self.topic_session.has_topics:
            await self._step("end topics", self.topic_session.close())
        try:
            with stray_cancellation_fails("disconnect()"):
                await self.disconnect(self._last_code)
        except Exception as error:
            log_failure("disconnect_failed", error, consumer=type(self).__name__)
        if self.upkeep is not None and self.upkeep.due:
            await self.upkeep.close()

    async def _cancel_handlers(self) -> None:
        if self._event_handling.is_running:
            await asyncio.gather(self._event_handling.interrupt(), self.drop_frames())
        else:
            await self.drop_frames()

    async def _leave_layer(self) -> None:
        try:
            await self.leave_groups()
        finally:
            if self._hub is not None:
                hub, self._hub = self._hub, None
                await hub.close(self.channel_name)

    def _opened(self) -> None:
        if self._hub is not None and self._mailbox is not None:
            self._hub.release(self._mailbox)

    async def _step(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """One step of the clean-up; neither its failure nor its hanging keeps the next from being taken."""
        await ended(create_task(work, name=f"{type(self).__name__}: {name}"), seconds=STEP_SECONDS)

    async def _restart(self) -> None:
        with suppress(TimeoutError):  # a client that does not read must not keep a server from shutting down
            async with asyncio.timeout(STEP_SECONDS):
                await self._close_with(CLOSE_SERVICE_RESTART)

    async def _close_with(self, code: int) -> None:
        if self.is_closed:
            return
        self._last_code = code
        try:
            await self.close(code)
        except Exception as error:
            log_failure("close_failed", error, consumer=type(self).__name__, code=code)


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether this code is run by that loop: who drops a loop with its tasks has their ``finally`` run without it."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False


@lru_cache(maxsize=256)
def _method_of(message_type: str) -> tuple[str, bool]:
    """The method for messages of a type, and whether they are events: not the server's, but the channel layer's."""
    name = message_type.replace(".", "_")
    if name.startswith("_"):
        raise ValueError(f"The type of a message must not begin with an underscore: {name!r}")
    return name, not name.startswith("websocket_")
