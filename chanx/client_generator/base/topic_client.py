"""Topics: many streams over one connection, each with requests, replies and pushes of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any, ClassVar, Final, Generic, Self, TypeVar, cast

from pydantic import BaseModel, TypeAdapter

from .address import filled
from .channel import Token
from .client import BaseClient
from .errors import ClientError, NotConnectedError, RequestRefusedError
from .job_channel import JobChannel
from .job_list import JobList, ListChannel
from .job_models import JobPosition, JobReference, job_id_of
from .jobs import JobT
from .messages import Frame, ProtocolMessage
from .requests import ReplyT, TopicRequests
from .socket import ReconnectingSocket
from .source import Hooks, MessageSource, ReceivedT, timeouts_say
from .subscriptions import Subscriptions
from .tasks import Tasks

SubscribeT = TypeVar("SubscribeT")
SubscribedT = TypeVar("SubscribedT")
HandleT = TypeVar("HandleT", bound="BaseTopicHandle[Any, Any, Any]")

SUBSCRIBE_WITHIN: Final = 10.0


class _TopicChannel:
    """What the subscriptions know of a handle."""

    hears_while_asking: ClassVar[bool] = True

    def __init__(self, topic: str, frame: Callable[[Frame], None], finish: Callable[[Exception], None]) -> None:
        self.topic: Final = topic
        self.subscribe_payload: Any = None
        self.answer: Any = None
        self.listeners: list[Callable[[Any], None]] = []
        self.last_trouble = ""
        self._frame = frame
        self._finish = finish

    def token(self) -> Token:
        return None

    def payload(self, token: str | None) -> Any:
        return self.subscribe_payload

    def subscribed(self, payload: Any) -> None:
        self.answer = payload
        for listener in list(self.listeners):
            listener(payload)

    def frame(self, frame: Frame) -> None:
        self._frame(frame)

    def lost(self) -> None: ...

    def trouble(self, payload: Any) -> None:
        self.last_trouble = f" The server says: {RequestRefusedError(payload)}"

    def refused(self, payload: Any) -> None:
        self._finish(RequestRefusedError(payload))

    def failed(self, error: Exception) -> None:
        self._finish(error)


class BaseTopicHandle(MessageSource[ReceivedT], Generic[ReceivedT, SubscribeT, SubscribedT]):
    """A topic of a connection: ``async with client.room(id="5") as room``, or ``subscribe`` and ``unsubscribe``.

    ``async for message in room`` gives what the server pushes. Once subscribed it is subscribed again after a lost
    connection, until the server refuses: then loops and calls raise ``RequestRefusedError``. What others sent
    meanwhile is missed: ``on_subscribed`` tells when to read anew what must be whole.
    """

    pattern: ClassVar[str]
    subscribed_type: ClassVar[Any] = Any

    def __init__(self, subscriptions: Subscriptions, hooks: Hooks, tasks: Tasks, topic: str) -> None:
        super().__init__(hooks, tasks, subscriptions.discriminator)
        self.topic: Final = topic
        self._subscriptions = subscriptions
        self._channel = _TopicChannel(topic, self._take, self._finish)
        self._requests = TopicRequests(self._channel, subscriptions)
        self._adapter: TypeAdapter[Any] = TypeAdapter(self.subscribed_type)

    @property
    def is_subscribed(self) -> bool:
        """Whether it is just now."""
        return self._subscriptions.is_open(self._channel)

    @property
    def seq(self) -> int | None:
        """The number that the server gave the message which the loop took last, if it numbers them."""
        return self._seq

    async def subscribe(self, payload: SubscribeT | None = None, *, timeout: float = SUBSCRIBE_WITHIN) -> SubscribedT:
        """Subscribes, or again with another payload; returns the payload of the answer.

        Raises ``RequestRefusedError`` (no such topic, or not for this client), ``AnswerTimeoutError``,
        ``NotConnectedError``, and ``ValidationError`` where the answer's payload is not as declared.
        """
        self._begin()
        channel = self._channel
        channel.subscribe_payload = (
            payload.model_dump(mode="json", by_alias=True) if isinstance(payload, BaseModel) else payload
        )
        channel.last_trouble = ""
        self._subscriptions.subscribe(channel)
        try:
            async with asyncio.timeout(timeout):
                await self._subscriptions.until_open(channel)
        except TimeoutError as error:
            self._subscriptions.release(channel)
            with timeouts_say(f"{self.topic!r} was not subscribed within {timeout:g} seconds.{channel.last_trouble}"):
                raise TimeoutError from error
        except asyncio.CancelledError:
            self._subscriptions.release(channel)
            raise
        return cast("SubscribedT", self._adapter.validate_python(channel.answer))

    async def unsubscribe(self) -> None:
        """Leaves the topic: loops end."""
        left = asyncio.Event()
        self._subscriptions.release(self._channel, left.set)
        self._finish(None)
        await left.wait()

    async def __aenter__(self) -> Self:
        await self.subscribe()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.unsubscribe()

    def on_subscribed(self, listener: Callable[[SubscribedT], None]) -> Callable[[], None]:
        """Calls ``listener`` with the answer each time it is subscribed; returns the function that ends it."""

        def tell(payload: Any) -> None:
            listener(self._adapter.validate_python(payload))

        self._channel.listeners.append(tell)

        def end() -> None:
            if tell in self._channel.listeners:
                self._channel.listeners.remove(tell)

        return end

    async def send_message(self, message: BaseModel, *, timeout: float | None = None) -> None:
        """Sends a message that has no reply; an error that the server answers comes as an ``ErrorMessage`` of the loop.

        Waits, 10 seconds by default, while there is no connection. Raises ``RequestRefusedError`` where the topic is
        refused, ``NotConnectedError``, ``AnswerTimeoutError``.
        """
        await self._requests.send(message, timeout)

    async def request(
        self, message: BaseModel, reply_types: type[ReplyT] | tuple[type[ReplyT], ...], *, timeout: float | None = None
    ) -> ReplyT:
        """Sends a message and returns its reply, which is one of these types; waits 30 seconds by default.

        Raises ``RequestRefusedError`` where the server answers with an error, ``UnexpectedAnswerError``,
        ``AnswerTimeoutError``, and ``NotConnectedError`` where the connection is lost meanwhile: whether the server
        has dealt with the message is not known then.
        """
        return await self._requests.request(message, reply_types, timeout)


class BaseTopicConnection(BaseClient[ReceivedT]):
    """A connection with topics. ``is_dedicated``: its address is that of one topic."""

    is_dedicated: ClassVar[bool] = False

    _subscriptions: Subscriptions | None = None

    def _prepare(self, socket: ReconnectingSocket) -> None:
        self._subscriptions = Subscriptions(
            socket, self._client_tasks, discriminator=self.discriminator, is_dedicated=self.is_dedicated
        )
        self._handles: dict[str, BaseTopicHandle[Any, Any, Any]] = {}
        self._jobs: dict[str, JobChannel] = {}
        self._lists: dict[str, ListChannel] = {}

    def _topic(self, kind: type[HandleT], params: Mapping[str, object] | None = None) -> HandleT:
        """The handle of a topic, always the same one."""
        subscriptions = self._connected()
        topic = filled(kind.pattern, self.path_params if params is None else params)
        handle = self._handles.get(topic)
        if not isinstance(handle, kind):
            handle = self._handles[topic] = kind(subscriptions, self, self._client_tasks, topic)
        return handle

    def _job(
        self, kind: type[JobT], ref: JobReference, *, token: Token = None, position: JobPosition | None = None
    ) -> JobT:
        """Watches a job, from a position on."""
        subscriptions = self._connected()
        job_id = job_id_of(ref)
        topic = filled(kind.pattern, {"job_id": job_id})
        channel = self._jobs.get(topic)
        if channel is None:
            channel = JobChannel(topic, job_id, subscriptions, partial(self._jobs.__delitem__, topic))
            self._jobs[topic] = channel
        return kind(channel, subscriptions, self, token=token, position=position)

    def _job_list(self, pattern: str, owner: str) -> JobList:
        """Follows the list of somebody's jobs."""
        subscriptions = self._connected()
        topic = filled(pattern, {"owner": owner})
        channel = self._lists.get(topic)
        if channel is None:
            channel = ListChannel(topic, subscriptions, None, partial(self._lists.__delitem__, topic))
            self._lists[topic] = channel
        return JobList(channel)

    def _connected(self) -> Subscriptions:
        self._connected_socket()
        if self._subscriptions is None:
            raise NotConnectedError("There is no connection.")
        return self._subscriptions

    def _on_open(self) -> None:
        super()._on_open()
        if self._subscriptions is not None:
            self._subscriptions.opened()

    def _on_lost(self, code: int | None, reason: str) -> None:
        if self._subscriptions is not None:
            self._subscriptions.lost()
        super()._on_lost(code, reason)

    def _on_frame(self, frame: Frame) -> None:
        if frame.get("topic") is None:
            super()._on_frame(frame)
        elif self._subscriptions is not None:
            self._subscriptions.frame(frame)

    def _end_all(self, error: ClientError | None) -> None:
        super()._end_all(error)
        if error is None:
            for job in list(self._jobs.values()):
                job.close()
            for jobs in list(self._lists.values()):
                jobs.close()
        if self._subscriptions is not None:
            self._subscriptions.fail(error or NotConnectedError("The client is closed."))


__all__ = ["BaseTopicConnection", "BaseTopicHandle", "ProtocolMessage"]
