"""An ASGI application with a group whose members are sent thousands of events: ``slow_clients_app:application``.

Over HTTP ``/send/N`` sends the next N events to the group. The Redis is ``CHANX_REDIS_URL``, the prefix of all keys
``CHANX_PREFIX``.
"""

import asyncio
import os
from itertools import count
from typing import Any, Literal

from channels_redis.pubsub import RedisPubSubChannelLayer
from pydantic import BaseModel

from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.messages.base import BaseMessage
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

GROUP = "members"
PADDING = "x" * 4000
IN_A_ROW = 100


class TickPayload(BaseModel):
    number: int
    padding: str = PADDING


class Tick(BaseMessage):
    action: Literal["tick"] = "tick"
    payload: TickPayload


class Member(AsyncJsonWebsocketConsumer):
    """Answers a ping, which says that it is in its group."""

    groups = [GROUP]
    passthrough_events = [Tick]

    @ws_handler
    async def ping(self, message: PingMessage) -> PongMessage:
        return PongMessage()


_numbers = count()
_consumer: Any = Member.as_asgi()


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        await _consumer(scope, receive, send)
        return
    for n in range(int(scope["path"].rpartition("/")[2])):
        await Member.broadcast_event(Tick(payload=TickPayload(number=next(_numbers))))
        if n % IN_A_ROW == 0:
            await asyncio.sleep(0)
    body = b"null"
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_layer = RedisPubSubChannelLayer(
    hosts=[os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")], prefix=os.environ.get("CHANX_PREFIX", "slow")
)
Member.get_channel_layer = staticmethod(lambda alias: _layer)  # type: ignore[method-assign]
