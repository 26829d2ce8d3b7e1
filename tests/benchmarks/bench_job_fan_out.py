"""How long an event of a job takes until the last of many clients that watch it has it, and what each of them costs.

Run it with ``python -m tests.benchmarks.bench_job_fan_out [--clients 1 100 1000] [--rounds 15] [--burst 20]
[--server uvicorn]``. Beside the job's numbered and ``latest`` events, what needs no log: the same text as an event that
a ``Topic`` and a consumer pass through (``bench_fan_out`` has more of these). Each way is a server process of its own;
the rounds are interleaved, the figures medians. A job's event is appended to the log first, in the same round trip.

"CPU" is the server process's, for each frame it sent: of single events, and of ``--burst`` events at once (not of
``latest`` ones, of which clients may see only the newest then).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from chanx.bridge.entry import NewEntry
from chanx.bridge.transports.direct import DirectTransport
from chanx.layers import publisher_for
from chanx.testing.redis_server import redis_server
from tests.benchmarks.bench_fan_out import NO_PINGS, wait_until_idle
from tests.benchmarks.fan_out_apps import (
    LAYER_VARIABLE,
    LAYERS,
    PING,
    SUBSCRIBE,
    TOPIC,
    Match,
    PassesOn,
    Score,
    ScorePayload,
    use_layer,
)
from tests.benchmarks.frame_clients import FrameClients
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import Site, filled_job, running, servers
from tests.benchmarks.options import allow_sockets, positive

WARM_UP = 3
MAX_EVENTS = 450
"""Clients acknowledge nothing here, and without that a stream stops after 500."""
HEADLINE_CLIENTS = 1000
JOB_SITE = "tests.integration.asgi_apps:channels"
ORIGIN = {"task_id": "t1", "attempt": 1, "run_id": "r1", "time": "2026-01-01T00:00Z"}

Publish = Callable[[int], object]


@dataclass(slots=True)
class Run:
    """A way with its server and its clients, and what was measured of it."""

    way: str
    site: Site
    clients: FrameClients
    publish: Publish
    size: int
    seconds: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])
    burst_cpu: list[float] = field(default_factory=list[float])
    events: int = 0
    takes_bursts: bool = True

    def send(self, events: int) -> tuple[float, float]:
        """So many events, until every client has them; the time and the server's processor time."""
        expected = self.clients.frames + self.size * events
        cpu, began = self.site.cpu_seconds(), time.perf_counter()
        for _ in range(events):
            self.events += 1
            self.publish(self.events)
        seconds = self.clients.receive_until(expected) - began
        wait_until_idle(self.site)
        return seconds, self.site.cpu_seconds() - cpu

    def check(self) -> None:
        """That every client has had the newest event last."""
        for client in self.clients.clients:
            assert f'"minute":{self.events},'.encode() in client.last, client.last

    @property
    def milliseconds(self) -> float:
        return statistics.median(self.seconds) * 1e3

    def microseconds(self, cpu: Sequence[float], events: int = 1) -> str:
        """Per frame."""
        return f"{statistics.median(cpu) / self.size / events * 1e6:.1f}" if cpu else ""


def payload(number: int) -> ScorePayload:
    return ScorePayload(minute=number)


@contextmanager
def watched_job(layer: Any, url: str, delivery: str) -> Generator[tuple[str, Publish]]:
    """A new job: the frame that subscribes to it, and what publishes one of its events."""
    job = filled_job(url, 0)
    transport = DirectTransport(job.store, publisher_for(layer))

    def publish(number: int) -> None:
        fields = payload(number).model_dump_json()
        event = f'{{"action":"score","payload":{fields},{json.dumps({"job_id": job.job_id, **ORIGIN})[1:]}'
        if delivery == "log":
            transport.send(NewEntry(job.job_id, "score", event, "r1", number))
        else:
            transport.send(NewEntry(job.job_id, "score", event, "r1", number, "latest", patch={"score": fields}))

    yield json.dumps({"topic": job.topic, "action": "subscribe"}), publish
    job.store.close()


def opened(stack: ExitStack, server: str, url: str, clients: int, layer: Any) -> Generator[Run]:
    """The ways, each with a server and its clients."""

    def run(way: str, application: str, publish: Publish, hello: str) -> Run:
        environment = {LAYER_VARIABLE: "pubsub"}
        options = NO_PINGS[server]
        site = stack.enter_context(running(server, application, url, options=options, environment=environment))
        found = Run(way, site, FrameClients(site.port), publish, clients)
        stack.callback(found.clients.close)
        found.clients.open(clients, hello)
        return found

    # The job's site has a prefix for all its keys, also for those of the layer.
    prefixed = LAYERS["pubsub"](hosts=[url], prefix="chanx")
    stack.callback(publisher_for(prefixed).close)
    for way, delivery in (("a job's numbered event", "log"), ("a job's latest event", "latest")):
        hello, publish = stack.enter_context(watched_job(prefixed, url, delivery))
        found = run(way, JOB_SITE, publish, hello)
        found.takes_bursts = delivery == "log"
        yield found

    def on_topic(number: int) -> None:
        Match.broadcast_sync(TOPIC, Score(payload=payload(number)))

    def on_consumer(number: int) -> None:
        PassesOn.broadcast_event_sync(Score(payload=payload(number)))

    yield run("topic, passed through", "tests.benchmarks.fan_out_apps:topic", on_topic, SUBSCRIBE)
    yield run("consumer, passed through", "tests.benchmarks.fan_out_apps:passthrough", on_consumer, PING)


def measured(server: str, clients: int, rounds: int, burst: int) -> list[Run]:
    """The figures of all ways, side by side."""
    bursts = max(1, (MAX_EVENTS - WARM_UP - rounds) // burst)
    with ExitStack() as stack:
        url = stack.enter_context(redis_server(private=True)).url
        layer = use_layer(url, "pubsub")
        stack.callback(publisher_for(layer).close)
        runs = list(opened(stack, server, url, clients, layer))
        for turn in range(WARM_UP + rounds):
            for run in runs[turn % len(runs) :] + runs[: turn % len(runs)]:
                seconds, cpu = run.send(1)
                if turn >= WARM_UP:
                    run.seconds.append(seconds)
                    run.cpu.append(cpu)
        for _ in range(min(5, bursts)):
            for run in runs:
                if run.takes_bursts:
                    run.burst_cpu.append(run.send(burst)[1])
        for run in runs:
            run.check()
    return runs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=positive, nargs="+", default=[1, 100, 1000])
    parser.add_argument("--rounds", type=positive, default=15)
    parser.add_argument("--burst", type=positive, default=20)
    parser.add_argument("--server", choices=servers(), nargs="+", default=["uvicorn"])
    chosen = parser.parse_args()
    if WARM_UP + chosen.rounds + chosen.burst > MAX_EVENTS:
        parser.error(f"more than {MAX_EVENTS} events")
    allow_sockets(max(chosen.clients) * 4)
    print(f"{'server':<9}{'clients':>8}  {'way':<28}{'ms':>9}{'CPU µs':>9}{f'of {chosen.burst} at once':>14}")
    for server in chosen.server:
        for clients in chosen.clients:
            runs = measured(server, clients, chosen.rounds, chosen.burst)
            for run in runs:
                single, many = run.microseconds(run.cpu), run.microseconds(run.burst_cpu, chosen.burst)
                line = f"{run.milliseconds:>9.1f}{single:>9}{many:>14}"
                print(f"{server:<9}{clients:>8,}  {run.way:<28}{line}", flush=True)
            if clients == HEADLINE_CLIENTS:
                tell(server, runs)


def tell(server: str, runs: Sequence[Run]) -> None:
    """What the table of all benchmarks shows."""
    *jobs, _, passed = runs
    for run in jobs:
        against = (passed.way, passed.milliseconds)
        headline(f"{server}: {run.way}, {run.size:,} watchers", run.milliseconds, "ms", against=against)


if __name__ == "__main__":
    main()
