"""What an event of a job costs its task: appended to the log and published, against a bare XADD and PUBLISH.

Run it with ``python -m tests.benchmarks.bench_emit``. All ways take short turns in one process, against a server of its
own, as in ``bench_publish``; the second run has client and server on one core: that is the work itself.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Literal

import redis
from channels_redis.pubsub import RedisPubSubChannelLayer
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
from tests.benchmarks.bench_publish import Ways, consumer_on, show

JOB_ID = new_job_id()


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
    print("Client and server wherever the scheduler puts them")
    run()
    if hasattr(os, "sched_setaffinity"):
        print("\nClient and server on one core")
        # The server inherits it.
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        run()


def run() -> None:
    """One table, on a server of its own."""
    with redis_server(private=True) as server, redis.Redis.from_url(server.url) as client:
        store = RedisJobStore(server.url)
        store.create(JobRecord(job_id=JOB_ID, owner="u", name="t", task_id="t1", created_at=datetime.now(UTC)))
        layer = RedisPubSubChannelLayer(hosts=[server.url])
        publisher = publisher_for(layer)
        encrypted = publisher_for(LayerSpec.redis_pubsub(server.url, symmetric_encryption_keys=["secret"]))
        one_step, two_steps = (job_on(DirectTransport(store, each)) for each in (publisher, encrypted))
        nowhere = job_on(NowhereTransport())
        consumer = consumer_on(layer)
        entry = encode_event(EVENT, Origin(JOB_ID, "t1", 1, "0123456789ab"), 1)
        body = layer.serialize(live_message(entry, Appended(AppendStatus.APPENDED, 1, 0, "01234567-0")))

        def bare() -> None:
            pipeline = client.pipeline(transaction=False)
            pipeline.xadd("log", {"e": entry.event}, maxlen=store.retention.max_entries, approximate=False)
            pipeline.publish(f"asgi__group__{job_group(JOB_ID)}", body)
            pipeline.execute()

        ways: Ways = {
            "(a) bare pipeline of XADD and PUBLISH": bare,
            "(b) job.emit(event)": lambda: one_step.emit(EVENT),
            "(c) job.emit(event), encrypted layer": lambda: two_steps.emit(EVENT),
            "(d) job.emit(event), to nowhere": lambda: nowhere.emit(EVENT),
            "(e) Consumer.send_event_sync(event, group)": lambda: consumer.send_event_sync(EVENT, "room"),
        }
        show("One event of a job", ways)
        snapshot = store.snapshot(JOB_ID)
        assert snapshot is not None
        assert snapshot.seq > 0
        assert publisher.failures == encrypted.failures == 0
        publisher.close()
        encrypted.close()
        store.close()


def job_on(transport: JobTransport) -> Job:
    """A run of the benchmark's job."""
    return Job(JobReporter(transport, job_id=JOB_ID, task_id="t1", attempt=1, of_run=True))


if __name__ == "__main__":
    main()
