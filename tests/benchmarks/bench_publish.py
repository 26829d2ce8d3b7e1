"""What publishing one small event costs, way by way, against a bare PUBLISH of the same bytes.

Run it with ``python -m tests.benchmarks.bench_publish``. All ways take short turns in one process, against a server of
its own, so that they share whatever else the machine does; the figures are medians of the rounds. Where the scheduler
puts the client and the server changes a round trip several-fold (waking an idle core is slow), so there is a second
table with both on one core: that is the work itself.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Literal

import redis
from asgiref.sync import async_to_sync
from channels_redis.pubsub import RedisPubSubChannelLayer
from pydantic import BaseModel

from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.layers import LayerSpec, LoopPublisher, RedisPubSubPublisher, publisher_for
from chanx.messages.base import BaseMessage
from chanx.testing.redis_server import redis_server

ROUNDS = 60
SECONDS_PER_TURN = 0.02
GROUP = "job.0123456789abcdef"


class ProgressPayload(BaseModel):
    current: int = 10
    total: int = 100
    fraction: float = 0.1
    message: str = "Reading rows"


class Progress(BaseMessage):
    """A small event, as a task sends many of."""

    action: Literal["job_progress"] = "job_progress"
    payload: ProgressPayload


def main() -> None:
    """Print the tables."""
    print("Client and server wherever the scheduler puts them")
    run()
    if hasattr(os, "sched_setaffinity"):
        print("\nClient and server on one core")
        # The server inherits it.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        run()


def run() -> None:
    """One server, all ways, one table."""
    with redis_server(private=True) as server:
        client = redis.Redis.from_url(server.url)
        layer = RedisPubSubChannelLayer(hosts=[server.url])
        direct = RedisPubSubPublisher(LayerSpec.redis_pubsub(server.url))
        general = LoopPublisher(layer)
        event = Progress(payload=ProgressPayload())

        class JobConsumer(ChanxWebsocketConsumerMixin):
            get_channel_layer = staticmethod(lambda alias: layer)

        message = {"type": "handle_channel_event", "event_data": event.model_dump(mode="json")}
        body = layer.serialize(message)
        channel = f"asgi__group__{GROUP}"

        ways: dict[str, Callable[[], object]] = {
            "(a) bare redis-py publish of the same bytes": lambda: client.publish(channel, body),
            "(b) publisher.group_send": lambda: direct.group_send(GROUP, message),
            "(c) Consumer.broadcast_event_sync(event)": lambda: JobConsumer.broadcast_event_sync(event, groups=GROUP),
            "(d) async_to_sync(layer.group_send)": lambda: async_to_sync(layer.group_send)(GROUP, message),
            "(e) LoopPublisher.group_send": lambda: general.group_send(GROUP, message),
        }
        rates = measure(ways)
        show(rates)
        for publisher in (direct, general, publisher_for(layer)):
            assert publisher.failures == 0
            publisher.close()
        client.close()


def measure(ways: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Events a second of each way in each round; every round gives each way one turn."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for send in ways.values():
        send()  # connect
    for _ in range(ROUNDS):
        for name, send in ways.items():
            rates[name].append(turn(send))
    return rates


def turn(send: Callable[[], object]) -> float:
    """Send for a fixed time; events a second."""
    sent = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS_PER_TURN:
        for _ in range(10):
            send()
        sent += 10
    return sent / elapsed


def show(rates: dict[str, list[float]]) -> None:
    """The table: the median rate, and the median over the rounds of the time against the first way's in that round."""
    bare = next(iter(rates.values()))
    print(f"{'way':<46}{'events/s':>10}{'µs/event':>10}{'time / (a)':>12}")
    for name, values in rates.items():
        ratio = statistics.median(a / value for a, value in zip(bare, values, strict=True))
        rate = statistics.median(values)
        print(f"{name:<46}{rate:>10,.0f}{1e6 / rate:>10.1f}{ratio:>12.2f}")


if __name__ == "__main__":
    main()
