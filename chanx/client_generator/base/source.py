"""Where messages come from, for whoever wants them: a loop, one who waits for a type, handlers of a type."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Generic, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from .buffer import Buffer
from .errors import AnswerTimeoutError, NotConnectedError
from .messages import ErrorMessage, Frame, MessageTypes, UnknownMessage
from .tasks import Tasks

logger = logging.getLogger("chanx.client")

ReceivedT = TypeVar("ReceivedT")
MessageT = TypeVar("MessageT", bound=BaseModel)

MAX_WAITING: Final = 10_000


class Hooks(Protocol):
    """What a client is told of what no loop gets."""

    def on_unknown_message(self, message: UnknownMessage) -> None: ...

    def on_invalid_frame(self, error: ValidationError, frame: Frame) -> None: ...

    def on_overflow(self, message: BaseModel) -> None: ...


class MessageSource(Generic[ReceivedT]):
    """``async for message in source``: messages of the declared types, and errors; at most 10,000 wait, the newest.

    One loop at a time: what it leaves waits for the next one. Types that are not known go to the client's hooks.
    """

    received: ClassVar[tuple[type[BaseModel], ...]] = ()

    def __init__(self, hooks: Hooks, tasks: Tasks, discriminator: str) -> None:
        self._hooks = hooks
        self._tasks = tasks
        self._types: MessageTypes[BaseModel] = MessageTypes((*self.received, ErrorMessage), discriminator)
        self._buffer: Buffer[tuple[Any, int | None]] = Buffer(MAX_WAITING, lambda item: hooks.on_overflow(item[0]))
        self._handlers: list[tuple[type[BaseModel], Callable[[Any], object]]] = []
        self._waiters: list[tuple[type[BaseModel], asyncio.Future[Any]]] = []
        self._why_over: Exception | None = None

    def __aiter__(self) -> AsyncIterator[ReceivedT | ErrorMessage]:
        return self

    async def __anext__(self) -> ReceivedT | ErrorMessage:
        message, self._seq = await self._buffer.next()
        return message  # type: ignore[no-any-return]  # the declared types are all it reads

    _seq: int | None = None

    def on(
        self, message_type: type[MessageT], handler: Callable[[MessageT], Awaitable[None] | None]
    ) -> Callable[[], None]:
        """Calls ``handler`` with every message of a type, beside the loop; returns the function that ends it.

        One that is a coroutine function runs as a task of the client's.
        """
        entry: tuple[type[BaseModel], Callable[[Any], object]] = (message_type, handler)
        self._handlers.append(entry)

        def end() -> None:
            if entry in self._handlers:
                self._handlers.remove(entry)

        return end

    async def wait_for(self, message_type: type[MessageT], timeout: float | None = 10.0) -> MessageT:
        """The next message of a type that comes from now on; a loop gets it too.

        Raises ``AnswerTimeoutError``, or what the connection ended with.
        """
        if self._why_over is not None:
            raise self._why_over
        found: asyncio.Future[MessageT] = asyncio.get_running_loop().create_future()
        entry = (message_type, found)
        self._waiters.append(entry)
        try:
            with timeouts_say(f"No {message_type.__name__} came within {timeout} seconds."):
                async with asyncio.timeout(timeout):
                    return await found
        finally:
            if entry in self._waiters:
                self._waiters.remove(entry)

    def _take(self, frame: Frame) -> None:
        try:
            message = self._types.read(frame)
        except ValidationError as error:
            self._hooks.on_invalid_frame(error, frame)
            return
        if isinstance(message, UnknownMessage):
            self._hooks.on_unknown_message(message)
            return
        self._told(message)
        for message_type, found in list(self._waiters):
            if isinstance(message, message_type) and not found.done():
                found.set_result(message)
        for message_type, handler in list(self._handlers):
            if isinstance(message, message_type):
                self._call(handler, message)
        self._buffer.put((message, frame.get("seq") if isinstance(frame.get("seq"), int) else None))

    def _told(self, message: BaseModel) -> None:
        """A message has come."""

    def _call(self, handler: Callable[[Any], object], message: BaseModel) -> None:
        try:
            doing = handler(message)
        except Exception:
            logger.exception("A handler of %s has failed", type(message).__name__)
            return
        if asyncio.iscoroutine(doing):
            self._tasks.start(doing)

    def _begin(self) -> None:
        self._why_over = None
        self._buffer.begin()

    def _finish(self, error: Exception | None) -> None:
        """Nothing comes any more: a loop ends, or raises ``error``; who waits for a type gets an error anyway."""
        self._why_over = error or NotConnectedError("Nothing comes any more: it was closed.")
        self._buffer.end(error)
        for _, found in self._waiters:
            if not found.done():
                found.set_exception(self._why_over)


@contextmanager
def timeouts_say(what: str) -> Generator[None, None, None]:
    """Makes a ``TimeoutError`` one of the client's."""
    try:
        yield
    except AnswerTimeoutError:
        raise
    except TimeoutError as error:
        raise AnswerTimeoutError(what) from error
