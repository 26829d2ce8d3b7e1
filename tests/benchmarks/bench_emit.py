"""What an event of a job costs its task: appended to the log and published, against a bare XADD and PUBLISH.

Run it with ``python -m tests.benchmarks.bench_emit``. All ways take short turns in one process, against servers of its
own, as in ``bench_publish``; the second run has client and servers on one core: that is the work itself. The bare way
is one round trip of redis-py, and so is a job's on a pub/sub layer that shares the store's Redis; any other is two.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any, Literal

from channels_redis.core import RedisChannelLayer
from pydantic import BaseModel

from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus
from chanx.bridge.events import JobEvent
from chanx.bridge.names import job_group, new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.transports.direct import DirectTransport, live_message
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.worker.job import Job
from chanx.layers import LayerSpec, publisher_for
from chanx.testing.redis_server import redis_server
from tests.benchmarks.bench_publish import (
    Costs,
    Ways,
    close,
    consumer_on,
    headline_of,
    pubsub_layer,
    redis_client,
    show,
)

JOB_ID = new_job_id()

CORE = "core layer, watched by one process"


class RowPayload(BaseModel):
    line: int
    error: str


class RowRejected(JobEvent):
    """A small event, as a task sends many of."""

    action: Literal["row_rejected"] = "row_rejected"
    payload: RowPayload


EVENT = RowRejected(payload=RowPayload(line=17, error="no number"))


def main() -> None:
    """Print both tables."""
    print("Client and servers wherever the scheduler puts them")
    costs = run()
    if hasattr(os, "sched_setaffinity"):
        print("\nClient and servers on one core")
        # The servers inherit it.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        costs = run()
    for name in ("pub/sub on the same Redis", "pub/sub on another Redis", CORE):
        headline_of(f"job.emit(), {name}", costs, f"emit: {name}", "redis-py pipeline of XADD and PUBLISH")


def run() -> Costs:
    """One table, on servers of its own."""
    with (
        redis_server(private=True) as server,
        redis_server(private=True) as other_server,
        redis_client(server.url) as client,
    ):
        store = RedisJobStore(server.url)
        store.create(JobRecord(job_id=JOB_ID, owner="u", name="t", task_id="t1", created_at=datetime.now(UTC)))
        layer = pubsub_layer(server.url)
        layers = {
            "pub/sub on the same Redis": layer,
            "the same, JSON serializer": LayerSpec.redis_pubsub(server.url, serializer="json"),
            "pub/sub on another Redis": LayerSpec.redis_pubsub(other_server.url),
            "pub/sub, encrypted": LayerSpec.redis_pubsub(server.url, symmetric_encryption_keys=["secret"]),
            CORE: RedisChannelLayer(hosts=[server.url], capacity=1000),
        }
        publishers = {name: publisher_for(each) for name, each in layers.items()}
        emits = {name: emitting(DirectTransport(store, publisher)) for name, publisher in publishers.items()}
        consumer = consumer_on(layer)
        ways: Ways = {
            "(a) bare pipeline of XADD and PUBLISH": bare_way(client, layer, store),
            **{f"emit: {name}": emit for name, emit in emits.items()},
            f"emit: {CORE}": trimming(emits[CORE], client),
            "emit: to nowhere": emitting(NowhereTransport()),
            "Consumer.send_event_sync(event, group)": lambda: consumer.send_event_sync(EVENT, "room"),
        }
        costs = show("One event of a job", ways)
        snapshot = store.snapshot(JOB_ID)
        assert snapshot is not None
        assert snapshot.seq > 0
        close(*publishers.values())
        store.close()
        return costs


def bare_way(client: Any, layer: Any, store: RedisJobStore) -> Callable[[], object]:
    """The least that stores the same bytes and tells the same watchers."""
    entry = encode_event(EVENT, Origin(JOB_ID, "t1", 1, "0123456789ab"), 1)
    body = layer.serialize(live_message(entry, Appended(AppendStatus.APPENDED, 1, 0, "01234567-0")))

    def bare() -> None:
        pipeline = client.pipeline(transaction=False)
        pipeline.xadd("log", {"e": entry.event}, maxlen=store.retention.max_entries, approximate=False)
        pipeline.publish(f"asgi__group__{job_group(JOB_ID)}", body)
        pipeline.execute()

    return bare


def emitting(transport: JobTransport) -> Callable[[], object]:
    """A run of the benchmark's job that emits there."""
    job = Job(JobReporter(transport, job_id=JOB_ID, task_id="t1", attempt=1, of_run=True))
    return lambda: job.emit(EVENT)


def trimming(send: Callable[[], object], client: Any) -> Callable[[], object]:
    """On the core layer the queue of a watching process stays short, as with one that keeps up."""
    client.zadd(f"asgi:group:{job_group(JOB_ID)}", {"specific.a!1": time.time()})
    sent = count(1)

    def both() -> None:
        send()
        if next(sent) % 50 == 0:
            client.zremrangebyrank("asgispecific.a!", 0, -20)

    return both


if __name__ == "__main__":
    main()
