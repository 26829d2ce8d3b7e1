"""The Celery app of a worker whose task broadcasts events with the time they were sent at: what the fan-out watches."""

import os
import time
from statistics import quantiles
from typing import Any, Literal

from celery import Celery
from channels_redis.pubsub import RedisPubSubChannelLayer
from pydantic import BaseModel

from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.layers import publisher_for
from chanx.messages.base import BaseMessage

URL = os.environ.get("CHANX_REDIS_URL", "redis://127.0.0.1:1/0")
GROUP = "timed"

app = Celery("timed_task", broker=URL, backend=URL)
app.conf.update(broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)

LAYER = RedisPubSubChannelLayer(hosts=[URL])


class TimedPayload(BaseModel):
    number: int  # from 1 on; 0 is a hello, which counts for nothing
    at_us: int  # microseconds since the epoch, by this machine's clock
    note: str = "as much text as a line of a log may have"


class Timed(BaseMessage):
    action: Literal["timed"] = "timed"
    payload: TimedPayload


class TimedConsumer(ChanxWebsocketConsumerMixin):
    """What the task publishes through; which consumers the site has is the site's business."""

    @staticmethod
    def get_channel_layer(alias: str) -> Any:
        return LAYER


@app.task
def broadcast(events: int, per_second: float) -> dict[str, float]:
    """Send events at a steady pace, or with ``per_second`` 0 as fast as it can; how that went."""
    failed = publisher_for(LAYER).failures
    began, started_at, late = time.perf_counter(), time.time(), [0.0, 0.0]
    for number in range(1, events + 1):
        if per_second:
            due = began + (number - 1) / per_second
            time.sleep(max(due - time.perf_counter(), 0))
            late.append(time.perf_counter() - due)
        payload = TimedPayload(number=number, at_us=time.time_ns() // 1000)
        TimedConsumer.broadcast_event_sync(Timed(payload=payload), groups=GROUP)
    seconds = time.perf_counter() - began
    failures = publisher_for(LAYER).failures - failed
    return {"started_at": started_at, "seconds": seconds, "late": quantiles(late, n=100)[98], "failures": failures}
