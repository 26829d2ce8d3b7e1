"""What the job stores take for the same work: appending events, reading a log, and snapshots.

Run it with ``python -m tests.benchmarks.bench_stores``. The stores take turns, each with a server or a file of its own;
the best of several turns counts. PostgreSQL waits for its disk at each append, as it does by default; Redis and SQLite
(in the mode that the store chooses) do not. The server of PostgreSQL is the one on the standard port, if there is any.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from uuid import uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from chanx.bridge.contrib.store import DjangoJobStore  # noqa: E402
from chanx.bridge.entry import NewEntry  # noqa: E402
from chanx.bridge.store.base import JobStore, Retention  # noqa: E402
from chanx.bridge.store.memory import MemoryJobStore  # noqa: E402
from chanx.bridge.store.redis import RedisJobStore  # noqa: E402
from chanx.testing.redis_server import redis_server  # noqa: E402
from tests.benchmarks.headlines import headline  # noqa: E402
from tests.contract.jobs import record  # noqa: E402
from tests.databases import migrated, postgres_settings, sqlite_settings  # noqa: E402

EVENTS = 1000
THREADS = 4
PAGE = 500
TURNS = 3

RETENTION = Retention(max_entries=100_000)
EVENT = '{"action":"row_rejected","payload":{"line":17,"error":"no number"},"job_id":"' + "x" * 150 + '"}'
PATCH = {"job_progress": '{"current":17,"total":100,"fraction":0.17}'}


def main() -> None:
    """Print the table: each measure per second, a column for each store."""
    with stores() as found:
        rows = {
            "log events, one writer": one_writer,
            f"log events, {THREADS} writers, {THREADS} jobs": many_writers,
            "latest events, one writer": latest,
            f"events read, pages of {PAGE}": read,
            "snapshots": snapshots,
        }
        print(f"{'per second':36}" + "".join(f"{name:>14}" for name in found))
        for name, measure in rows.items():
            best = {store: max(measure(made) for _ in range(TURNS)) for store, made in found.items()}
            print(f"{name:36}" + "".join(f"{best[store]:14,.0f}" for store in found), flush=True)
            if measure in (one_writer, snapshots):
                tell("an event appended" if measure is one_writer else "a snapshot", best)


def tell(what: str, rates: Mapping[str, float]) -> None:
    """The figures of the table: microseconds in each store that waits for somebody, beside Redis."""
    costs = {store: 1e6 / rate for store, rate in rates.items()}
    headline(f"{what}, Redis", costs["Redis"], "µs")
    for store in ("SQLite", "PostgreSQL"):
        headline(f"{what}, {store}", costs[store], "µs", against=("Redis", costs["Redis"]))


@contextmanager
def stores() -> Generator[Mapping[str, JobStore]]:
    with ExitStack() as stack:
        redis = stack.enter_context(redis_server(private=True))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres = stack.enter_context(migrated(stack.enter_context(postgres_settings(durable=True))))
        sqlite = stack.enter_context(migrated(sqlite_settings(directory)))
        made: dict[str, JobStore] = {
            "memory": MemoryJobStore(RETENTION),
            "Redis": RedisJobStore(redis.url, retention=RETENTION),
            "PostgreSQL": DjangoJobStore(postgres, retention=RETENTION),
            "SQLite": DjangoJobStore(sqlite, retention=RETENTION),
        }
        for store in made.values():
            stack.enter_context(closing(store))
        yield made


def one_writer(store: JobStore) -> float:
    return per_second(EVENTS, lambda: write(store, store.create(record())))


def many_writers(store: JobStore) -> float:
    jobs = [store.create(record()) for _ in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as pool:
        return per_second(THREADS * EVENTS, lambda: list(pool.map(write, [store] * THREADS, jobs)))


def latest(store: JobStore) -> float:
    job_id = store.create(record())
    return per_second(EVENTS, lambda: write(store, job_id, latest=True))


def read(store: JobStore) -> float:
    job_id = store.create(record())
    write(store, job_id)

    def read_all() -> None:
        after = 0
        while page := store.read(job_id, after=after, limit=PAGE):
            if not page.entries:
                return
            after = page.entries[-1].seq

    return per_second(EVENTS, read_all)


def snapshots(store: JobStore) -> float:
    job_id = store.create(record())
    write(store, job_id, latest=True)
    return per_second(100, lambda: [store.snapshot(job_id) for _ in range(100)])


def write(store: JobStore, job_id: str, *, latest: bool = False) -> None:
    run_id, numbers = uuid4().hex[:12], count(1)
    for n, _ in zip(numbers, range(EVENTS), strict=False):
        if latest:
            store.append(NewEntry(job_id, "job_progress", EVENT, run_id, n, "latest", attempt=1, patch=PATCH))
        else:
            store.append(NewEntry(job_id, "row_rejected", EVENT, run_id, n, attempt=1))


def per_second(amount: int, work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return amount / (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
