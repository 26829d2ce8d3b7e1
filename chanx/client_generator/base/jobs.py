"""A job as a client sees it. Made by the connection that it is watched on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, ClassVar, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from .channel import Token
from .errors import JobCancelledError, JobClosedError, JobFailedError
from .job_channel import JobChannel
from .job_models import JobPosition, JobReset, JobSnapshot
from .job_reader import EventReader, Follower
from .job_states import REFUSED, TERMINAL_STATES
from .messages import Frame, MessageTypes, UnknownMessage
from .requests import ReplyT, TopicRequests
from .source import Hooks, timeouts_say
from .subscriptions import Subscriptions

EventT = TypeVar("EventT")

CANCEL_WITHIN: Final = 30.0


class BaseJob(Generic[EventT]):
    """``async for event in job`` gives every event of the log in order, from the start or from the ``position`` given.

    Nothing is left out and nothing comes twice, whatever happens to the connection. Where the log no longer reaches
    back to where the loop stands, a ``JobReset`` comes first: what the loop has had is void. Between the events of the
    log come values of which only the newest counts (``job_progress``). An event of a type that this client was not
    generated with is an ``UnknownMessage``. The loop ends with the job; it raises ``JobRefusedError`` where there is
    no such job for this client, and what the connection ended with.
    """

    pattern: ClassVar[str] = "job:{job_id}"
    received: ClassVar[tuple[type[BaseModel], ...]] = ()

    def __init__(
        self,
        channel: JobChannel,
        subscriptions: Subscriptions,
        hooks: Hooks,
        *,
        token: Token = None,
        position: JobPosition | None = None,
    ) -> None:
        self._channel = channel
        self._hooks = hooks
        self._start = position
        self._types: MessageTypes[EventT] = MessageTypes(self.received, subscriptions.discriminator)
        self._requests = TopicRequests(channel, subscriptions)
        self._reader: EventReader | None = None
        self._outcome: asyncio.Event = asyncio.Event()
        self._is_closed = False
        self._follower = Follower(self._changed, self.close)
        channel.join(self._follower, token)

    @property
    def id(self) -> str:
        return self._channel.job_id

    @property
    def topic(self) -> str:
        return self._channel.topic

    @property
    def state(self) -> str:
        """``connecting`` until something is known; ``refused``: no such job, or not yours."""
        return self._channel.fold.state

    @property
    def ended(self) -> bool:
        """Whether it succeeded, failed or was cancelled."""
        return self.state in TERMINAL_STATES

    @property
    def snapshot(self) -> JobSnapshot | None:
        """The job as it stands; None before the first answer."""
        content = self._channel.fold.snapshot
        return None if content is None else JobSnapshot.model_validate(content)

    @property
    def progress(self) -> dict[str, Any] | None:
        """The payload of the newest ``job_progress``, as JSON; None where there is none."""
        return self._channel.fold.fields.get("job_progress")

    @property
    def cancel_requested(self) -> bool:
        return self._channel.fold.cancel_requested

    @property
    def position(self) -> JobPosition | None:
        """Up to where the newest loop has taken the events: give it to another client to go on from there."""
        return self._start if self._reader is None else self._reader.position

    def __aiter__(self) -> AsyncIterator[EventT | UnknownMessage | JobReset]:
        return self.events()

    async def events(self) -> AsyncGenerator[EventT | UnknownMessage | JobReset, None]:
        """What ``async for event in job`` loops over; each call begins at the start, or the position given."""
        if self._is_closed:
            return
        self._reader = reader = EventReader(self._start, self._channel.took)
        self._channel.join(reader)
        try:
            while (item := await reader.next()) is not None:
                yield item if isinstance(item, JobReset) else self._read(item)
        finally:
            self._channel.leave(reader)

    async def result(self, timeout: float | None = None) -> Any:
        """What the task returned, once it has; None where that was too large to keep.

        Raises ``JobFailedError``, ``JobCancelledError``, ``JobRefusedError``, ``JobClosedError``,
        ``AnswerTimeoutError``, or what the connection ended with.
        """
        with timeouts_say(f"The job {self.id} has not ended within {timeout} seconds."):
            async with asyncio.timeout(timeout):
                while not (self.ended or self._is_closed or self.state == REFUSED):
                    self._outcome.clear()
                    await self._outcome.wait()
        return self._settled()

    async def cancel(self, reason: str | None = None, *, timeout: float = CANCEL_WITHIN) -> str:
        """Asks the job to stop at its next step; returns its state when the server has taken the request.

        Raises ``JobRefusedError`` where this client may watch, but not cancel.
        """
        if self._is_closed:
            raise JobClosedError(self.id)
        with timeouts_say(f"The server did not take the request within {timeout:g} seconds."):
            async with asyncio.timeout(timeout):
                return await self._channel.cancel(reason)

    async def send_message(self, message: BaseModel, *, timeout: float | None = None) -> None:
        """Sends a message of the project's own to the job's topic."""
        await self._requests.send(message, timeout)

    async def request(
        self, message: BaseModel, reply_types: type[ReplyT] | tuple[type[ReplyT], ...], *, timeout: float | None = None
    ) -> ReplyT:
        """Sends a message of the project's own, and returns its reply."""
        return await self._requests.request(message, reply_types, timeout)

    def close(self) -> None:
        """Ends the watching: loops end. The job itself goes on."""
        if self._is_closed:
            return
        self._is_closed = True
        self._outcome.set()
        if self._reader is not None:
            self._reader.close()
            self._channel.leave(self._reader)
        self._channel.leave(self._follower)

    def _changed(self) -> None:
        self._outcome.set()

    def _read(self, frame: Frame) -> EventT | UnknownMessage:
        try:
            return self._types.read(frame)
        except ValidationError as error:
            self._hooks.on_invalid_frame(error, frame)
            return UnknownMessage(action=frame["action"], content=frame)

    def _settled(self) -> Any:
        fold = self._channel.fold
        if fold.state == "succeeded":
            return None if fold.fields.get("result_omitted") else fold.fields.get("result")
        if fold.state == "failed":
            raise JobFailedError(self.id, fold.fields.get("error"))
        if fold.state == "cancelled":
            raise JobCancelledError(self.id, fold.cancel_reason)
        if fold.state == REFUSED and self._channel.error is not None:
            raise self._channel.error
        raise JobClosedError(self.id)


JobT = TypeVar("JobT", bound=BaseJob[Any])
