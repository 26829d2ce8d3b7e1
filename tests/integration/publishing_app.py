"""The Celery app of a worker whose tasks publish events as any project's tasks do: through a consumer class."""

import os
from typing import Any, Literal

from celery import Celery
from channels.layers import InMemoryChannelLayer
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer

from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.layers import publisher_for
from chanx.messages.base import BaseMessage

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")
LAYER_URL = os.environ.get("CHANX_LAYER_URL", URL)

app = Celery("publishing_app", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1)

LAYERS: dict[str, Any] = {
    "pubsub": RedisPubSubChannelLayer(hosts=[LAYER_URL]),
    "core": RedisChannelLayer(hosts=[LAYER_URL]),
    "encrypted core": RedisChannelLayer(hosts=[LAYER_URL], symmetric_encryption_keys=["secret"]),
    "in memory": InMemoryChannelLayer(),
}


class Counted(BaseMessage):
    action: Literal["counted"] = "counted"
    payload: int


class CountConsumer(ChanxWebsocketConsumerMixin):
    get_channel_layer = staticmethod(LAYERS.__getitem__)


@app.task
def publish(kind: str, groups: list[str], events: int) -> tuple[int, int]:
    """Publish ``events`` events to the groups; the process's id and how many messages it has lost so far."""

    class Consumer(CountConsumer):
        channel_layer_alias = kind

    for n in range(events):
        Consumer.broadcast_event_sync(Counted(payload=n), groups=groups)
    return os.getpid(), publisher_for(LAYERS[kind]).failures
