"""What progress and output cost a task, in its own thread, and how many events they become.

Run it with ``python -m tests.benchmarks.bench_progress [CALLS]``. The log and the pub/sub layer are on a server of its
own; the same calls on a job that sends nothing show what is ours and what is Redis's.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from chanx.bridge.events import JobCancelledEvent
from chanx.bridge.names import new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.base import JobTransport
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.worker.job import Job
from chanx.layers import LayerSpec, publisher_for
from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline

ROUNDS = 5


def progress(job: Job, calls: int) -> None:
    for i in range(calls):
        job.progress(i, calls)


def track(job: Job, calls: int) -> None:
    for _ in job.track(range(calls)):
        pass


def output(job: Job, calls: int) -> None:
    for _ in range(calls):
        job.output("token ")


WAYS: dict[str, Callable[[Job, int], None]] = {
    "progress()": progress,
    "track(), an item": track,
    "output()": output,
}


def main(calls: int = 20_000) -> None:
    """Print the table."""
    with redis_server(private=True) as server:
        store = RedisJobStore(server.url)
        transport = DirectTransport(store, publisher_for(LayerSpec.redis_pubsub(server.url)))
        print(f"{calls:,} calls at full speed, medians of {ROUNDS}")
        print(f"{'call':<20}{'us a call':>12}{'to nowhere':>12}{'events':>10}")
        for name, way in WAYS.items():
            timed = [measured(way, calls, transport, store) for _ in range(ROUNDS)]
            alone = [measured(way, calls, NowhereTransport(), store) for _ in range(ROUNDS)]
            costs = [statistics.median(seconds for seconds, _ in runs) / calls * 1e6 for runs in (timed, alone)]
            events = statistics.median(count for _, count in timed)
            print(f"{name:<20}{costs[0]:>12.2f}{costs[1]:>12.2f}{events:>10.0f}")
            headline(f"{name}, {calls:,} at full speed", costs[0], "µs", against=("a job that sends nothing", costs[1]))


def measured(
    way: Callable[[Job, int], None], calls: int, transport: JobTransport, store: RedisJobStore
) -> tuple[float, int]:
    """Seconds, the end of the run included, and the events it became."""
    job_id = new_job_id()
    store.create(JobRecord(job_id=job_id, owner="user:1", name="t", task_id="t1", created_at=datetime.now(UTC)))
    job = Job(JobReporter(transport, job_id=job_id, task_id="t1", attempt=1))
    started = time.perf_counter()
    way(job, calls)
    job.finish(JobCancelledEvent())
    seconds = time.perf_counter() - started
    snapshot = store.snapshot(job_id)
    return seconds, snapshot.seq + snapshot.rev - 1 if snapshot else 0


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
