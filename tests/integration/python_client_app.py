"""What the Python client's runtime is tested against: a worker's app, and a site. The Redis is ``CHANX_REDIS_URL``.

``application`` has a consumer with messages, a topic and jobs of its own at ``/ws/``, a topic at an address of its own
at ``/ws/room/<id>/``, and refuses everybody at ``/ws/closed/``.
"""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

from celery import Celery
from channels.routing import URLRouter
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.bridge import JobEvent, JobListTopic, JobTask, JobTopic, install, start_job
from chanx.bridge.started import JobRef
from chanx.channels.routing import path
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.authenticator import BaseAuthenticator
from chanx.core.decorators import event_handler, ws_handler
from chanx.core.topic import Topic, TopicRefused
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import AuthenticationMessage, AuthenticationPayload, PongMessage
from tests.waiting import wait_until

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")

app = Celery("python_client", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True)
layer = RedisPubSubChannelLayer(hosts=[URL], prefix="python-client")
bridge = install(app, store=URL, layer=layer)


class Counted(JobEvent):
    """A job's own event."""

    action: Literal["counted"] = "counted"
    payload: int


@app.task(bind=True, base=JobTask)
def count(self: Any, first: int, last: int, gate: str) -> dict[str, int]:
    """Counts to ``first``, waits until the file ``gate`` is there, counts on to ``last``."""
    for n in self.job.track(range(last), total=last):
        if n == first:
            wait_until(Path(gate).exists, seconds=100)
        self.job.emit(Counted(payload=n))
    return {"counted": last}


class Say(BaseMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(BaseMessage):
    action: Literal["said"] = "said"
    payload: str


class StartCount(BaseMessage):
    action: Literal["start_count"] = "start_count"
    payload: tuple[int, int, str]


class Accepted(BaseMessage):
    action: Literal["accepted"] = "accepted"
    payload: JobRef


class Room(Topic):
    pattern = "room:{id}"

    async def authorize(self, id: str) -> bool:
        if id == "secret":
            raise TopicRefused("members_only", "This room is for its members.")
        return True

    async def subscribed_payload(self, payload: Any) -> Any:
        return {"members": 1}

    @ws_handler
    async def say(self, message: Say) -> Said:
        if message.payload == "boom":
            raise RuntimeError("not for the client")
        await Room.broadcast(self.topic, Said(payload=f"all: {message.payload}"), seq=7)
        return Said(payload=message.payload.upper())

    @event_handler
    async def said(self, event: Said) -> Said:
        return event


class CountTopic(JobTopic):
    sends = (Counted,)


class SiteConsumer(AsyncJsonWebsocketConsumer):
    topics = [CountTopic, JobListTopic, Room]
    send_completion = True
    get_channel_layer = staticmethod(lambda alias: layer)

    async def connect(self) -> None:
        self.user = self.scope["user"] = SimpleNamespace(pk=1)
        await super().connect()

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()

    @ws_handler
    async def start_count(self, message: StartCount) -> Accepted:
        job = await start_job(count, *message.payload, owner=self.user)
        return Accepted(payload=job.ref)


class Nobody(BaseAuthenticator):
    async def authenticate(self, scope: Any) -> bool:
        payload = AuthenticationPayload(status_code=403, status_text="Forbidden", data={"detail": "Members only."})
        await self.send_message(AuthenticationMessage(payload=payload))
        return False


class ClosedConsumer(SiteConsumer):
    authenticator_class = Nobody


Room.get_channel_layer = staticmethod(lambda alias: layer)
RoomConsumer = Room.as_consumer(AsyncJsonWebsocketConsumer, get_channel_layer=staticmethod(lambda alias: layer))

application = URLRouter(
    [
        path("ws/", SiteConsumer.as_asgi()),
        path("ws/closed/", ClosedConsumer.as_asgi()),
        path("ws/room/<str:id>/", RoomConsumer.as_asgi()),
    ]
)
