"""What publishing a small event costs, way by way: alone, in batches of 100, and on the core layer.

Run it with ``python -m tests.benchmarks.bench_publish``. All ways of a table take short turns in one process, against a
server of its own, so that they share whatever else the machine does; the figures are medians of the rounds. Where the
scheduler puts the client and the server changes a round trip several-fold (waking an idle core is slow), so there is a
second run with both on one core: that is the work itself.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any, Literal

import redis
from asgiref.sync import async_to_sync
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from pydantic import BaseModel

from chanx.core.websocket import ChanxWebsocketConsumerMixin
from chanx.layers import LoopPublisher, Publisher, publisher_for
from chanx.messages.base import BaseMessage
from chanx.testing.redis_server import RedisServer, redis_server
from tests.benchmarks.headlines import headline

ROUNDS = 60
SECONDS_PER_TURN = 0.02
GROUP = "job.0123456789abcdef"
BATCH = 100

Ways = dict[str, Callable[[], object]]
Costs = dict[str, tuple[float, float]]
"""Of each way the microseconds an event, and the median of its rounds' times against the first way's."""


class ProgressPayload(BaseModel):
    current: int = 10
    total: int = 100
    fraction: float = 0.1
    message: str = "Reading rows"


class Progress(BaseMessage):
    """A small event, as a task sends many of."""

    action: Literal["job_progress"] = "job_progress"
    payload: ProgressPayload


EVENT = Progress(payload=ProgressPayload())
MESSAGE = {"type": "handle_channel_event", "event_data": EVENT.model_dump(mode="json")}


def main() -> None:
    """Print the tables."""
    print("Client and server wherever the scheduler puts them")
    costs = run()
    if hasattr(os, "sched_setaffinity"):
        print("\nClient and server on one core")
        # The server inherits it.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        costs = run()
    tell(*costs)


def run() -> list[Costs]:
    """Every table, each on a server of its own."""
    costs: list[Costs] = []
    for table in (one_event_on_pubsub, a_batch_on_pubsub, one_event_on_core):
        with redis_server(private=True) as server, redis_client(server.url) as client:
            costs.append(table(server, client))
    return costs


def tell(alone: Costs, batch: Costs, core: Costs) -> None:
    """The figures of the table."""
    headline_of("broadcast_event_sync, pub/sub layer", alone, "(c)", "redis-py publish")
    other, _ = way(alone, "(e)")
    cost, _ = way(alone, "(c)")
    headline("broadcast_event_sync, pub/sub layer", cost, "µs", against=("async_to_sync(layer.group_send)", other))
    headline_of(f"an event of a batch of {BATCH}, pub/sub layer", batch, "(b)", "redis-py pipeline")
    headline_of("publisher.group_send, core layer", core, "(b)", "redis-py pipeline")


def headline_of(what: str, costs: Costs, name: str, first: str) -> None:
    """The way whose name starts so, beside the first."""
    cost, ratio = way(costs, name)
    bare, _ = way(costs, "(a)")
    headline(what, cost, "µs", against=(first, bare), ratio=ratio)


def way(costs: Costs, name: str) -> tuple[float, float]:
    return next(cost for each, cost in costs.items() if each.startswith(name))


def redis_client(url: str) -> Any:
    """A bare client: redis-py's types are unknown in part."""
    client: Any = redis.Redis
    return client.from_url(url)


def pubsub_layer(url: str) -> Any:
    """A layer, which has no types."""
    return RedisPubSubChannelLayer(hosts=[url])


def one_event_on_pubsub(server: RedisServer, client: Any) -> Costs:
    """A message alone, on the pub/sub layer."""
    layer, other_layer = pubsub_layer(server.url), pubsub_layer(server.url)
    general = LoopPublisher(other_layer)
    consumer = consumer_on(layer)
    body, channel = layer.serialize(MESSAGE), f"asgi__group__{GROUP}"
    direct = publisher_for(layer)
    ways: Ways = {
        "(a) bare redis-py publish of the same bytes": lambda: client.publish(channel, body),
        "(b) publisher.group_send": lambda: direct.group_send(GROUP, MESSAGE),
        "(c) Consumer.broadcast_event_sync(event)": lambda: consumer.broadcast_event_sync(EVENT, groups=GROUP),
        "(d) Consumer.send_event_sync(event, group)": lambda: consumer.send_event_sync(EVENT, GROUP),
        "(e) async_to_sync(layer.group_send)": lambda: async_to_sync(layer.group_send)(GROUP, MESSAGE),
        "(f) LoopPublisher.group_send": lambda: general.group_send(GROUP, MESSAGE),
    }
    costs = show("One event on the pub/sub layer", ways)
    close(direct, general)
    return costs


def a_batch_on_pubsub(server: RedisServer, client: Any) -> Costs:
    """A hundred messages in one round trip, on the pub/sub layer."""
    layer = pubsub_layer(server.url)
    consumer, direct = consumer_on(layer), publisher_for(layer)
    body, groups = layer.serialize(MESSAGE), [f"job.{n:016x}" for n in range(BATCH)]
    channels = [f"asgi__group__{group}" for group in groups]

    def bare() -> None:
        pipeline = client.pipeline(transaction=False)
        for channel in channels:
            pipeline.publish(channel, body)
        pipeline.execute()

    def batch() -> None:
        with direct.batch():
            for group in groups:
                direct.group_send(group, MESSAGE)

    ways: Ways = {
        "(a) bare redis-py pipeline of the same bytes": bare,
        "(b) with publisher.batch(): group_send": batch,
        "(c) Consumer.broadcast_event_sync, 100 groups": lambda: consumer.broadcast_event_sync(EVENT, groups=groups),
    }
    costs = show(f"{BATCH} events in a batch on the pub/sub layer", ways, size=BATCH)
    close(direct)
    return costs


def one_event_on_core(server: RedisServer, client: Any) -> Costs:
    """A message alone, on the core layer, to a group with members in two server processes."""
    layers: list[Any] = [RedisChannelLayer(hosts=[server.url], capacity=1000) for _ in range(2)]
    layer, other_layer = layers
    direct, general = publisher_for(layer), LoopPublisher(other_layer)
    members = {f"specific.{process}!{n}": time.time() for process in "ab" for n in range(5)}
    client.zadd(f"asgi:group:{GROUP}", members)
    body = layer.serialize(MESSAGE)
    # The queues stay at a few messages, as with consumers that keep up; this costs all ways the same.
    trim = [("ZREMRANGEBYRANK", f"asgispecific.{process}!", 0, -20) for process in "ab"]

    def then_trim(send: Callable[[], object]) -> Callable[[], object]:
        sent = 0

        def both() -> None:
            nonlocal sent
            send()
            sent += 1
            if sent % 50 == 0:
                for command in trim:
                    client.execute_command(*command)

        return both

    def bare() -> None:
        """What reaching two processes takes at the least: one pipeline."""
        pipeline = client.pipeline(transaction=False)
        now = time.time()
        for process in "ab":
            pipeline.zadd(f"asgispecific.{process}!", {os.urandom(12) + body: now})
            pipeline.expire(f"asgispecific.{process}!", 60)
        pipeline.execute()

    ways: Ways = {
        "(a) bare redis-py pipeline of ZADD and EXPIRE": bare,
        "(b) publisher.group_send": lambda: direct.group_send(GROUP, MESSAGE),
        "(c) async_to_sync(layer.group_send)": lambda: async_to_sync(layer.group_send)(GROUP, MESSAGE),
        "(d) LoopPublisher.group_send": lambda: general.group_send(GROUP, MESSAGE),
    }
    client.config_resetstat()
    for _ in range(100):
        direct.group_send(GROUP, MESSAGE)
    scripts = client.info("commandstats")["cmdstat_eval"]["calls"]
    client.delete("asgispecific.a!", "asgispecific.b!")
    costs = show("One event on the core layer", {name: then_trim(send) for name, send in ways.items()})
    print(f"    commands to the server for 100 events of (b): {scripts}")
    close(direct, general)
    return costs


def consumer_on(layer: Any) -> type[ChanxWebsocketConsumerMixin]:
    """A consumer class of a project that has this layer."""

    class JobConsumer(ChanxWebsocketConsumerMixin):
        @staticmethod
        def get_channel_layer(alias: str) -> Any:
            return layer

    return JobConsumer


def show(title: str, ways: Ways, *, size: int = 1) -> Costs:
    """Measure and print: the median rate, and the median over the rounds of the time against the first way's in it."""
    rates = measure(ways)
    bare = next(iter(rates.values()))
    costs: Costs = {}
    print(f"\n  {title:<46}{'events/s':>10}{'µs/event':>10}{'time / (a)':>12}")
    for name, values in rates.items():
        ratio = statistics.median(a / value for a, value in zip(bare, values, strict=True))
        rate = statistics.median(values) * size
        print(f"  {name:<46}{rate:>10,.0f}{1e6 / rate:>10.1f}{ratio:>12.2f}")
        costs[name] = 1e6 / rate, ratio
    return costs


def measure(ways: Ways) -> dict[str, list[float]]:
    """Calls a second of each way in each round; every round gives each way one turn."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for send in ways.values():
        send()  # connect
    for _ in range(ROUNDS):
        for name, send in ways.items():
            rates[name].append(turn(send))
    return rates


def turn(send: Callable[[], object]) -> float:
    """Send for a fixed time; calls a second."""
    sent = 0
    start = time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS_PER_TURN:
        for _ in range(5):
            send()
        sent += 5
    return sent / elapsed


def close(*publishers: Publisher) -> None:
    """Make sure that nothing was lost, which would be quick, and let go."""
    for publisher in publishers:
        assert publisher.failures == publisher.over_capacity == 0, publisher
        publisher.close()


if __name__ == "__main__":
    main()
