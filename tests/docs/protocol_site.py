"""The site that the exchanges of docs/protocol are held with: chat, a notice board, and the jobs of one user.

What its tasks do is done by the sentences of :attr:`Site.steps`, which the pages have word for word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Literal

import redis
from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer
from pydantic import BaseModel
from rest_framework.permissions import IsAuthenticated  # type: ignore[import-untyped] # it has no types

from chanx.bridge import Bridge, JobListTopic, JobTopic, install
from chanx.bridge.events import (
    JobEvent,
    JobLogLine,
    JobProgress,
    JobStarted,
    JobSucceeded,
    LogPayload,
    ProgressPayload,
    SucceededPayload,
)
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.redis import RedisJobStore
from chanx.channels.authenticator import DjangoAuthenticator
from chanx.channels.testing import WebsocketCommunicator
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic
from chanx.fast_channels.testing import WebsocketCommunicator as FastCommunicator
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

ADA = SimpleNamespace(pk=1, is_authenticated=True)
SECRET = "a secret of the documentation"


class ChatPayload(BaseModel):
    room_name: str
    text: str


class ChatMessage(BaseMessage):
    action: Literal["chat"] = "chat"
    payload: ChatPayload


class SearchMessage(BaseMessage):
    action: Literal["search"] = "search"
    payload: str


class NoticePayload(BaseModel):
    text: str


class Notice(BaseMessage):
    action: Literal["notice"] = "notice"
    payload: NoticePayload


class PinNotice(BaseMessage):
    action: Literal["pin"] = "pin"
    payload: NoticePayload


class Pinned(BaseMessage):
    action: Literal["pinned"] = "pinned"
    payload: int


class Board(Topic):
    pattern = "board:{name}"

    async def authorize(self, name: str) -> bool:
        return name != "staff"

    @ws_handler
    async def pin(self, message: PinNotice) -> Pinned:
        return Pinned(payload=1)

    @event_handler
    async def noticed(self, event: Notice) -> Notice:
        return event


class News(Topic):
    pattern = "news"
    passthrough_events = [Notice]


@dataclass(frozen=True, slots=True)
class Flavour:
    """What a framework has of its own."""

    base: Any
    layer: Any
    communicator: Any


FLAVOURS = {
    "Django": Flavour(AsyncJsonWebsocketConsumer, RedisPubSubChannelLayer, WebsocketCommunicator),
    "FastAPI": Flavour(FastConsumer, FastPubSubLayer, FastCommunicator),
}


class Site:
    """One world for one exchange; all of its names begin with ``prefix``."""

    def __init__(self, url: str, prefix: str, framework: str = "Django") -> None:
        self.framework = framework
        self.flavour = FLAVOURS[framework]
        self._celery = Celery(prefix, broker=url, backend=url, set_as_current=False)
        self._store = RedisJobStore(url, prefix=prefix)
        self._layer = self.flavour.layer(hosts=[url], prefix=prefix)
        self.bridge: Bridge = install(self._celery, store=self._store, layer=self._layer, secret=SECRET)
        self._reporter = JobReporter(self.bridge.transport, job_id="J", task_id="T1", attempt=1)
        self._jobs = 0
        self.steps: dict[str, Callable[[], object]] = {
            "The consumer has `camelize = True`.": lambda: self._set(camelize=True),
            'The consumer has `discriminator_field = "type"`.': lambda: self._set(discriminator_field="type"),
            "The consumer has `send_completion = True`.": lambda: self._set(send_completion=True),
            "The consumer has `max_topics = 1`.": lambda: self._set(max_topics=1),
            "The consumer has an authenticator that wants a user, and there is none.": lambda: self._set(
                authenticator_class=_SignedIn, user_of_site=None
            ),
            "A notice is sent to the board.": lambda: self.board.broadcast_sync("board:lobby", _NOTICE),
            "A notice is sent to the consumer's group.": lambda: self.consumer.broadcast_event_sync(
                _NOTICE, groups=["lobby"]
            ),
            "A job is started.": self._start,
            "Its task starts, logs a line and reports progress.": lambda: self._report(
                JobStarted(), _line("Reading the file"), _PROGRESS
            ),
            "Its task starts.": lambda: self._report(JobStarted()),
            "Its task logs a line.": lambda: self._report(_line("Two rows had no date")),
            "Its task reports progress.": lambda: self._report(_PROGRESS),
            "Its task returns.": lambda: self._report(JobSucceeded(payload=SucceededPayload(result={"rows": 4}))),
            "Another job is started.": self._start,
            "The job is deleted.": lambda: self.bridge.delete("J"),
            "The server of the log comes back as it was a while ago.": self._rewind,
            "Nobody is signed in.": lambda: self._set(user_of_site=None),
        }
        self.board: Any = type("Board", (Board,), {"get_channel_layer": staticmethod(self._layer_of)})
        self.consumer = self._consumer()

    async def run(self, sentence: str) -> None:
        """Do what a sentence of the page says."""
        await asyncio.to_thread(self.steps[sentence])

    def close(self) -> None:
        self._store.close()
        self._celery.close()

    def _layer_of(self, alias: str) -> Any:
        return self._layer

    def _consumer(self) -> Any:
        site = self

        class Jobs(JobTopic):
            pass

        class Lists(JobListTopic):
            pass

        Jobs.bridge = Lists.bridge = self.bridge

        class DocumentedConsumer(self.flavour.base):  # type: ignore[misc, name-defined] # made for each framework
            topics = [Jobs, Lists, site.board, News]
            groups = ["lobby"]
            get_channel_layer = staticmethod(site._layer_of)

            user_of_site: Any = ADA

            async def connect(self) -> None:
                self.user = self.scope["user"] = self.user_of_site
                await super().connect()  # pyright: ignore[reportUnknownMemberType] -- of either framework

            @ws_handler
            async def ping(self, message: PingMessage) -> PongMessage:
                return PongMessage()

            @ws_handler(output_type=ChatMessage)
            async def chat(self, message: ChatMessage) -> None:
                await self.broadcast_message(message)

            @ws_handler
            async def search(self, message: SearchMessage) -> PongMessage:
                raise RuntimeError("the search is broken")

            @event_handler
            async def noticed(self, event: Notice) -> Notice:
                return event

        return DocumentedConsumer

    def _set(self, **options: Any) -> None:
        self.consumer = type("DocumentedConsumer", (self.consumer,), options)

    def _start(self) -> None:
        created_at = datetime.now(UTC) + timedelta(seconds=self._jobs)
        job_id = "J" if self._jobs == 0 else f"J{self._jobs + 1}"
        self._jobs += 1
        record = JobRecord(
            job_id=job_id, owner="user:1", name="shop.import_csv", task_id=f"T{self._jobs}", created_at=created_at
        )
        self._store.create(record)

    def _rewind(self) -> None:
        """What the store makes of another server's run id: it knows its own by the start of the epoch."""
        job = self._store.snapshot("J")
        assert job is not None
        (key,) = self._store._client.job_keys("J", "job")  # pyright: ignore[reportPrivateUsage]
        with closing(redis.Redis.from_url(self._store.url)) as server:  # pyright: ignore[reportUnknownMemberType]
            server.hset(key, "epoch", f"{job.epoch[:8]}-of-before")

    def _report(self, *events: JobEvent) -> None:
        for event in events:
            self._reporter.send(event)


class _SignedIn(DjangoAuthenticator):
    permission_classes = [IsAuthenticated]


def _line(text: str) -> JobLogLine:
    return JobLogLine(payload=LogPayload(message=text))


_NOTICE = Notice(payload=NoticePayload(text="The shop closes at six."))
_PROGRESS = JobProgress(payload=ProgressPayload(current=1, total=4, unit="rows", fraction=0.25))
