"""How long an event takes from a task in a real worker to each of a hundred clients of one server process.

Run it with ``python -m tests.benchmarks.bench_task_fan_out [--seconds S] [--rate R] [--clients N] ...``. One prefork
worker broadcasts through the pub/sub layer on a Redis of its own, each event with the time it was sent at; the clients
run in a process of their own and subtract that from the time it arrived at (one clock). The publishing side is the same
in every row: plain Channels, chanx passing an event through, and chanx with a handler that makes an answer of it. chanx
makes no log entries of frames here, as Channels makes none.

Then the same task at full speed: whether everybody has everything in order, and when the last one has.

Plain Channels may be far behind at the end. It is waited for as long as ``--wait`` says; "lost" is whatever had not
come by then, and a line below says why: never published, or how far it got. "Clients" is how busy the process was that
measures: where that is near 100 %, it measures itself. With two of them (``--client-processes 2``) each has half of the
clients. "Stood" is how much of the time the server could have worked and had no processor (Linux), and "pace" is the
p99 of how late the task itself woke up for an event, before anybody has sent anything. Where one of them is more than a
few percent or milliseconds, other work on the machine is in all the figures.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from chanx.core.events import event_message
from chanx.layers import LayerSpec, RedisPubSubPublisher
from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import running, servers
from tests.benchmarks.options import positive, positive_float
from tests.benchmarks.timed_clients import Arrivals, Clients
from tests.benchmarks.timed_task import GROUP, Timed, TimedPayload, app, broadcast
from tests.integration.worker_process import worker

APP = "tests.benchmarks.timed_task"
SITE = "tests.benchmarks.timed_site"
WAYS = {"plain": "plain Channels", "passthrough": "chanx passthrough", "handler": "chanx event handler"}
CLIENTS = {"uvicorn": 100, "Daphne": 50}
_READY_SECONDS = 60
_HELLO_EVERY = 0.2


@dataclass(frozen=True, slots=True)
class Options:
    seconds: float
    rate: float
    clients: int
    burst: int
    wait: float
    client_processes: int
    ways: Sequence[str]
    servers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one task."""

    events: int
    clients: int
    arrivals: Arrivals
    sending_seconds: float
    seconds: float
    """From the first event to the last arrival."""
    server_cpu: float
    """Of one processor, in percent of those seconds; so are the next two."""
    server_stood: float
    clients_cpu: float
    late_ms: float
    """The 99th percentile of how late the task itself was with an event."""
    failures: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables."""
    options = read(arguments)
    with redis_server(private=True) as redis, TemporaryDirectory() as directory:
        app.conf.update(broker_url=redis.url, result_backend=redis.url)
        with worker(APP, app, redis.url, log=Path(directory) / "worker.log"):
            for server in options.servers:
                clients = min(options.clients, CLIENTS[server])
                steady(redis.url, server, clients, options)
            if options.burst and "uvicorn" in options.servers:
                full_speed(redis.url, options)
        app.close()


def read(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_task_fan_out", description=__doc__)
    parser.add_argument("--seconds", type=positive_float, default=30, help="how long the task sends (30)")
    parser.add_argument("--rate", type=positive_float, default=200, help="events a second (200)")
    parser.add_argument("--clients", type=positive, default=100, help="at most; on Daphne 50 at most (100)")
    parser.add_argument("--burst", type=int, default=5000, help="events at full speed; 0 for none of that (5000)")
    parser.add_argument(
        "--wait", type=positive_float, default=30, help="for what has not come when the task ends, seconds (30)"
    )
    parser.add_argument("--client-processes", type=positive, default=1, help="processes that share the clients (1)")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="some of them")
    parser.add_argument("--servers", nargs="+", choices=servers(), default=servers(), help="some of those installed")
    return Options(**vars(parser.parse_args(arguments)))


def steady(redis_url: str, server: str, clients: int, options: Options) -> None:
    """The table of one server at a steady pace."""
    events = round(options.rate * options.seconds)
    print(f"\n{server}, {clients} clients, {options.rate:g} events/s for {options.seconds:g} s; ms from the task")
    print(
        f"{'':<22}{'sent':>8}{'delivered':>11}{'lost':>9}{'disorder':>10}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}"
        f"{'server':>9}{'stood':>9}{'clients':>9}{'pace':>9}"
    )
    p99: dict[str, float] = {}
    for way in options.ways:
        done = one_run(redis_url, server, way, clients, events, options.rate, options)
        cut = statistics.quantiles(done.arrivals.delays_ms, n=100)
        p99[way] = cut[98]
        figures = "".join(f"{value:>9,.1f}" for value in (cut[49], cut[94], cut[98], max(done.arrivals.delays_ms)))
        print(
            f"{WAYS[way]:<22}{events:>8,}{done.arrivals.delivered:>11,}{done.arrivals.lost:>9,}"
            f"{done.arrivals.out_of_order:>10,}{figures}"
            f"{done.server_cpu:>7.0f} %{done.server_stood:>7.0f} %{done.clients_cpu:>7.0f} %"
            f"{done.late_ms:>9.1f}"
        )
        remarks(done, options)
        if way != "plain":
            target = "<= 10 ms" if server == "uvicorn" else None
            against = ("plain Channels", p99["plain"]) if "plain" in p99 else None
            headline(f"{server}, {clients} clients, {way}: p99", cut[98], "ms", against=against, target=target)
            headline(f"{server}, {clients} clients, {way}: lost", done.arrivals.lost, "", target="0")


def full_speed(redis_url: str, options: Options) -> None:
    """The table of a task that does not pause."""
    clients, events = min(options.clients, CLIENTS["uvicorn"]), options.burst
    print(f"\nuvicorn, {clients} clients, {events:,} events at full speed; seconds since the first was sent")
    print(
        f"{'':<22}{'delivered':>11}{'lost':>9}{'disorder':>10}{'task done':>11}{'last one':>10}{'deliveries/s':>14}"
        f"{'server':>9}{'stood':>9}{'clients':>9}"
    )
    taken: dict[str, float] = {}
    for way in options.ways:
        done = one_run(redis_url, "uvicorn", way, clients, events, 0, options)
        taken[way] = done.seconds
        print(
            f"{WAYS[way]:<22}{done.arrivals.delivered:>11,}{done.arrivals.lost:>9,}{done.arrivals.out_of_order:>10,}"
            f"{done.sending_seconds:>11.1f}{done.seconds:>10.1f}{done.arrivals.delivered / done.seconds:>14,.0f}"
            f"{done.server_cpu:>7.0f} %{done.server_stood:>7.0f} %{done.clients_cpu:>7.0f} %"
        )
        remarks(done, options)
        if way != "plain":
            against = ("plain Channels", taken["plain"]) if "plain" in taken else None
            wrong = done.arrivals.lost + done.arrivals.out_of_order + done.arrivals.repeated
            headline(f"{events:,} at full speed, {way}: until the last", done.seconds, "s", against=against)
            headline(f"{events:,} at full speed, {way}: lost or out of order", wrong, "", target="0")


def remarks(done: Run, options: Options) -> None:
    """What only sometimes is worth a line."""
    seen = done.arrivals
    unpublished = round(done.failures)
    if unpublished:
        print(f"{'':<22}{unpublished:,} never published: Redis did not answer in time, so the task went on without")
    if seen.lost > unpublished * done.clients:
        share = seen.delivered / (done.events * done.clients)
        print(
            f"{'':<22}given up {options.wait:g} s after the task: {share:.0%} was there, the client furthest behind "
            f"had number {seen.least:,} of {done.events:,}"
        )
    if seen.repeated or seen.closed:
        print(f"{'':<22}{seen.repeated:,} came twice, {seen.closed} connections ended")


def one_run(redis_url: str, server: str, way: str, clients: int, events: int, rate: float, options: Options) -> Run:
    """A server of its own, clients that are in the group, one task."""
    shares = [len(range(index, clients, options.client_processes)) for index in range(options.client_processes)]
    with running(server, f"{SITE}:{way}", redis_url) as site, ExitStack() as stack:
        processes = [stack.enter_context(Clients(site.port, share, events)) for share in shares if share]
        greet(redis_url, processes)
        before, stood_before = site.cpu_seconds(), stood_seconds(site.pid)
        result = broadcast.delay(events, rate)
        patience = (events / rate if rate else 0) + options.wait
        deadline = time.monotonic() + patience
        for each in processes:
            each.start_waiting(patience)
        arrivals = merged([each.arrivals() for each in processes])
        used, stood = site.cpu_seconds() - before, stood_seconds(site.pid) - stood_before
        task = result.get(timeout=max(deadline - time.monotonic(), 0) + 60)
    over = arrivals.last_at if not arrivals.lost else task["started_at"] + task["seconds"] + options.wait
    seconds = over - task["started_at"]
    return Run(
        events=events,
        clients=clients,
        arrivals=arrivals,
        sending_seconds=task["seconds"],
        seconds=seconds,
        server_cpu=100 * used / seconds,
        server_stood=100 * stood / seconds,
        clients_cpu=100 * arrivals.cpu_seconds / seconds,
        late_ms=1000 * task["late"] if rate else 0,
        failures=task["failures"],
    )


def greet(redis_url: str, processes: Sequence[Clients]) -> None:
    """Say hello until every client has heard it: joining a group returns before Redis has done it."""
    publisher = RedisPubSubPublisher(LayerSpec.redis_pubsub(redis_url))
    hello = event_message(Timed(payload=TimedPayload(number=0, at_us=0)))
    deadline = time.monotonic() + _READY_SECONDS
    for process in processes:
        while not process.is_ready(within=_HELLO_EVERY):
            assert time.monotonic() < deadline, "Not every client has heard of its group."
            publisher.group_send(GROUP, hello)
    publisher.close()


def merged(parts: Sequence[Arrivals]) -> Arrivals:
    """The arrivals of several processes as those of one; the CPU is that of the busiest."""
    return Arrivals(
        delivered=sum(part.delivered for part in parts),
        lost=sum(part.lost for part in parts),
        repeated=sum(part.repeated for part in parts),
        out_of_order=sum(part.out_of_order for part in parts),
        least=min(part.least for part in parts),
        closed=sum(part.closed for part in parts),
        last_at=max(part.last_at for part in parts),
        cpu_seconds=max(part.cpu_seconds for part in parts),
        delays_ms=[delay for part in parts for delay in part.delays_ms],
    )


def stood_seconds(pid: int) -> float:
    """How long a process's main thread was ready to run, and had no processor; 0 where that is not known."""
    try:
        _, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except OSError:
        return 0
    return int(waited) / 1e9


if __name__ == "__main__":
    main()
