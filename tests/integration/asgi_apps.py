"""ASGI applications for a real server: a consumer that shows jobs, in each flavour (``asgi_apps:fast_channels``, ...).

The Redis is ``CHANX_REDIS_URL``, the prefix of all keys ``CHANX_PREFIX``; the signed-in user is always number 1. The
store may be elsewhere, ``CHANX_STORE_URL``, and the layer's host be given as JSON, ``CHANX_LAYER_HOST``.
"""

import json
import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer
from fast_channels.layers import register_channel_layer
from fast_channels.layers.redis import RedisPubSubChannelLayer as FastPubSubLayer
from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from chanx.bridge import Bridge, JobTopic, install
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.core.decorators import ws_handler
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer as FastConsumer
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage

ADA = SimpleNamespace(pk=1)


def bridge_on(url: str, prefix: str, layer: Any) -> Bridge:
    celery = Celery(prefix, broker=url, backend=url, set_as_current=False)
    return install(celery, store=os.environ.get("CHANX_STORE_URL", url), layer=layer)


def consumer_on(base: Any, bridge: Bridge) -> Any:
    """A consumer of a flavour: jobs as topics, pings, and the user 1."""

    class Jobs(JobTopic):
        pass

    Jobs.bridge = bridge

    class JobsConsumer(base):  # type: ignore[misc]  # made for each flavour
        topics = [Jobs]
        groups = ["everybody"]

        async def connect(self) -> None:
            self.user = ADA
            self.scope["user"] = ADA
            await super().connect()

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    return JobsConsumer


def fast_application(bridge: Bridge, layer: Any) -> FastAPI:
    """FastAPI with the consumer at ``/ws/{name}``; the layer is registered as "default"."""
    register_channel_layer("default", layer)
    app = FastAPI()
    app.router.routes.append(WebSocketRoute("/ws/{name}", consumer_on(FastConsumer, bridge).as_asgi()))
    return app


def channels_application(bridge: Bridge, layer: Any) -> Any:
    """The Channels consumer at every path."""
    consumer = consumer_on(AsyncJsonWebsocketConsumer, bridge)
    consumer.get_channel_layer = staticmethod(lambda alias: layer)
    return consumer.as_asgi()


APPLICATIONS: dict[str, tuple[Callable[..., Any], Callable[[Bridge, Any], Any]]] = {
    "channels": (RedisPubSubChannelLayer, channels_application),
    "fast_channels": (FastPubSubLayer, fast_application),
}


def __getattr__(name: str) -> Any:
    if name not in APPLICATIONS:
        raise AttributeError(name)
    url, prefix = os.environ["CHANX_REDIS_URL"], os.environ["CHANX_PREFIX"]
    new_layer, application = APPLICATIONS[name]
    layer = new_layer(hosts=[json.loads(os.environ.get("CHANX_LAYER_HOST", "null")) or url], prefix=prefix)
    return application(bridge_on(url, prefix, layer), layer)
