"""What jobs take in Redis while they are kept: with few events and with many, and a canvas before and after its run.

Run it with ``python -m tests.benchmarks.bench_job_memory``. It starts a Redis of its own, which keeps the jobs and
nothing else; their tasks run in this process. What a job takes is by how much ``used_memory`` has grown.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from typing import Any, Literal

import redis
from celery import Celery, group

from chanx.bridge import JobEvent, JobTask, current_job, install, start_job_sync
from chanx.layers import LayerSpec
from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline

JOBS = 500
TASKS = 1_000
KIB, MIB = 1024, 1024 * 1024


class Row(JobEvent):
    """An event of a task's own, of any size."""

    action: Literal["row"] = "row"
    payload: str


def main() -> None:
    """Print a line for each situation."""
    with redis_server(private=True) as server, closing(redis.Redis.from_url(server.url)) as connection:  # pyright: ignore[reportUnknownMemberType]
        app = Celery("bench", broker="memory://", set_as_current=False)
        bridge = install(app, store=server.url, layer=LayerSpec.redis_pubsub(server.url))

        @app.task(base=JobTask, name="bench.rows")
        def rows(count: int, size: int) -> None:
            for _ in range(count):
                current_job().emit(Row(payload="x" * size))

        def of_one(count: int, size: int) -> Callable[[], object]:
            return lambda: start_job_sync(rows.s(count, size), owner="user:1")

        def of_many() -> object:
            return start_job_sync(group(rows.s(0, 0) for _ in range(TASKS)), owner="user:1")

        def tell(what: str, work: Callable[[], object], unit: str, *, jobs: int = 1, runs: bool = True) -> None:
            app.conf.task_always_eager = runs
            work()  # the scripts, what is made once
            before = used(connection)
            for _ in range(jobs):
                work()
            value = (used(connection) - before) / jobs / (KIB if unit == "KiB" else MIB)
            print(f"{what:48}{value:8.2f} {unit}", flush=True)
            headline(what, value, unit)

        tell("a job that has not begun", of_one(0, 0), "KiB", jobs=JOBS, runs=False)
        tell("a job that has ended", of_one(0, 0), "KiB", jobs=JOBS)
        tell("one with 20 events of 300 bytes beside", of_one(20, 300), "KiB", jobs=JOBS)
        tell("one with 10,000 events of 100 bytes beside", of_one(10_000, 100), "MiB")
        tell("one whose log is full", of_one(10_000, 2_000), "MiB")
        tell(f"a canvas of {TASKS} tasks that has not begun", of_many, "MiB", runs=False)
        tell("one that has ended", of_many, "MiB")
        bridge.store.close()


def used(connection: redis.Redis) -> int:
    memory: Any = connection.info("memory")  # pyright: ignore[reportUnknownMemberType]
    return int(memory["used_memory"])


if __name__ == "__main__":
    main()
