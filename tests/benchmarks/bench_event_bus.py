"""What an event costs its task, and how long it takes to the subscriber, over the event bus and directly.

Run it with ``python -m tests.benchmarks.bench_event_bus [EVENTS] [ROUNDS]``. The ways take turns, each with a job of
its own in the same Redis: the task's side in this process, for each bus a relay in another. First the events are
emitted as fast as they are taken, and nobody listens; then one every 10 ms, and a subscriber of the job's group takes
the time.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from kombu import Connection
from pydantic import BaseModel

from chanx.bridge.events import JobEvent
from chanx.bridge.names import job_group, new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.store.base import JobStore, StoreUnavailableError
from chanx.bridge.store.redis import RedisJobStore
from chanx.bridge.transports.direct import DirectTransport
from chanx.bridge.transports.event_bus.brokers import bus_on
from chanx.bridge.transports.event_bus.publisher import EventBusPublisher
from chanx.bridge.transports.event_bus.store import EventBusStore
from chanx.bridge.worker.job import Job
from chanx.layers import LayerSpec, publisher_for
from chanx.testing.redis_server import redis_server
from tests.benchmarks.bench_publish import redis_client
from tests.benchmarks.headlines import headline
from tests.benchmarks.options import positive
from tests.celery_nodes.containers import rabbitmq_node
from tests.celery_nodes.process import NodeProcess
from tests.contract.jobs import record
from tests.waiting import wait_until

APP = "tests.integration.relay_app"
DIRECT = "directly"
PACE = 0.01
WAIT = 60.0

_AT = re.compile(rb'\\?"at\\?":([0-9.]+)')


class MeasuredPayload(BaseModel):
    at: float
    text: str = "line 17: no number"


class Measured(JobEvent):
    """A small event, with the time at which it was made."""

    action: Literal["measured"] = "measured"
    payload: MeasuredPayload


class Way:
    """A task's side, whose events come into the site's store."""

    def __init__(self, site: RedisJobStore, transport: DirectTransport) -> None:
        self._site = site
        self._transport = transport

    def job(self) -> tuple[str, Job]:
        """A new job, which has had its first event."""
        job_id = self._site.create(record())
        job = Job(JobReporter(self._transport, job_id=job_id, task_id="t1", attempt=1, of_run=True))
        emit(job)
        self.wait(job_id, 1)
        return job_id, job

    def wait(self, job_id: str, events: int) -> None:
        """Until the log has so many events."""
        wait_until(lambda: self._seq(job_id) >= events, seconds=WAIT, what="the last event in the log")

    def _seq(self, job_id: str) -> int:
        (head,) = self._site.heads([job_id])
        return head.seq if head else 0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_event_bus")
    parser.add_argument("events", nargs="?", type=positive, default=1000, metavar="EVENTS")
    parser.add_argument("rounds", nargs="?", type=positive, default=5, metavar="ROUNDS")
    chosen = parser.parse_args()
    with redis_server(private=True) as site, ways(site.url) as found, redis_client(site.url) as client:
        costs: dict[str, list[list[float]]] = {name: [] for name in found}
        delays: dict[str, list[list[float]]] = {name: [] for name in found}
        for _ in range(chosen.rounds):
            for name, way in found.items():
                costs[name].append(costs_of(way, chosen.events))
            for name, way in found.items():
                delays[name].append(delays_of(way, client, max(chosen.events // 10, 10)))
    print(f"{chosen.rounds} rounds of {chosen.events} events")
    show("microseconds in the task", "µs in the task", costs)
    show("milliseconds to the subscriber", "ms to the subscriber", delays)


@contextmanager
def ways(site_url: str) -> Generator[Mapping[str, Way]]:
    """Directly, and over each broker, with a relay of its own."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        site = stack.enter_context(closing(RedisJobStore(site_url)))
        publisher = publisher_for(LayerSpec.redis_pubsub(site_url))
        stack.callback(publisher.close)
        made = {DIRECT: Way(site, DirectTransport(site, publisher))}
        brokers = {
            "event bus on Redis": stack.enter_context(redis_server(private=True)).url,
            "event bus on RabbitMQ": stack.enter_context(rabbitmq_node(directory)).host_url,
        }
        for number, (name, url) in enumerate(brokers.items()):
            relay = NodeProcess(
                f"relay-{number}",
                [sys.executable, "-m", "chanx.cli", "relay", "--app", f"{APP}:app"],
                directory=directory,
                environment={"CHANX_TEST_STORE": site_url, "CHANX_TEST_BROKER": url},
            )
            stack.callback(relay.kill)
            store = stack.enter_context(closing(EventBusStore(bus_on(Connection(url)))))
            wait_until(partial(_is_read, store), seconds=WAIT, what="the relay's answer")
            made[name] = Way(site, DirectTransport(store, EventBusPublisher(store)))
        yield made


def _is_read(store: JobStore) -> bool:
    with suppress(StoreUnavailableError):
        return store.heads([new_job_id()]) == [None]
    return False


def costs_of(way: Way, events: int) -> list[float]:
    """Microseconds of each event in its task; none of them waits at the end."""
    job_id, job = way.job()
    costs = [emit(job) * 1e6 for _ in range(events)]
    way.wait(job_id, events + 1)
    return costs


def delays_of(way: Way, client: Any, events: int) -> list[float]:
    """Milliseconds from each event to whoever has subscribed to the job's group."""
    job_id, job = way.job()
    delays: list[float] = []
    with client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(f"asgi__group__{job_group(job_id)}")
        subscription.get_message(ignore_subscribe_messages=False, timeout=WAIT)

        def listen() -> None:
            for message in subscription.listen():
                now = time.perf_counter()
                found = _AT.search(message["data"])
                assert found, message
                delays.append((now - float(found[1])) * 1e3)
                if len(delays) == events:
                    return

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        paced = threading.Event()
        for _ in range(events):
            emit(job)
            paced.wait(PACE)
        listener.join(WAIT)
    assert len(delays) == events, f"{len(delays)} of {events} events came"
    return delays


def emit(job: Job) -> float:
    """The seconds that it took."""
    before = time.perf_counter()
    job.emit(Measured(payload=MeasuredPayload(at=before)))
    return time.perf_counter() - before


def show(title: str, unit: str, rounds: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """A table: medians of what the rounds' values are."""
    print(f"\n{title:36}{'mean':>10}{'median':>10}{'99 %':>10}{'max':>10}")
    means: dict[str, float] = {}
    for name, values in rounds.items():
        every = sorted(value for each in values for value in each)
        means[name] = statistics.median(statistics.fmean(each) for each in values)
        cells = (means[name], statistics.median(every), every[int(len(every) * 0.99)], every[-1])
        print(f"{name:36}" + "".join(f"{value:>10.2f}" for value in cells))
    word, _, rest = unit.partition(" ")
    for name, mean in means.items():
        headline(f"an event {rest}, {name}", mean, word, against=None if name == DIRECT else (DIRECT, means[DIRECT]))


if __name__ == "__main__":
    main()
