"""How long one event takes from PUBLISH until the last of many clients of one server process has it, way by way.

Run it with ``python -m tests.benchmarks.bench_fan_out [--clients 100 1000 2000] [--layer pubsub] [--rounds 9]
[--server uvicorn ...] [--way plain ...] [--deflate] [--quiet]``. Each way is a server process of its own with all of
its clients; the rounds of the ways are interleaved, the figures medians. "CPU" is the server process's, its threads
included, for each frame it sent. The clients are in the benchmark's process (``frame_clients``) and cost it about the
"client" figure per frame: next to that the bare way looks slower than it is. All frames are the same, but for the
topic's envelope.

chanx makes a log entry for each frame unless a project turns that off (``--quiet``). Uvicorn drops such entries by
their level; Daphne sets the root logger to INFO, and so writes a line for each.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from chanx.layers import publisher_for
from chanx.testing.redis_server import redis_server
from tests.benchmarks.fan_out_apps import (
    LAYER_VARIABLE,
    LAYERS,
    PING,
    QUIET_VARIABLE,
    SUBSCRIBE,
    TOPIC,
    Answers,
    Match,
    PassesOn,
    Score,
    ScoreChanged,
    ScorePayload,
    use_layer,
)
from tests.benchmarks.frame_clients import FrameClients
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import Site, running, servers
from tests.benchmarks.options import allow_sockets, positive

WARM_UP_EVENTS = 3
NO_PINGS = {"uvicorn": ["--ws-ping-interval", "3600"], "Daphne": ["--ping-interval", "3600"]}
"""The clients read only while it is their turn."""
HEADLINE_CLIENTS = 1000
TARGETS: dict[str, list[tuple[str, str, float | None]]] = {
    "uvicorn": [
        ("passthrough", "plain", 0.1),
        ("passthrough", "bare", 2),
        ("handler", "plain", 1 / 3),
        ("topic", "plain", None),
        ("broadcast", "plain", None),
    ],
    "Daphne": [("passthrough", "plain", 0.25), ("passthrough", "bare", 2), ("handler", "plain", None)],
}
"""Of the headlines: a way, what it is compared with, and at most so many times that one's time."""


@dataclass(frozen=True, slots=True)
class Way:
    """``publish`` sends one event; ``hello`` is answered in the group (None: who is connected is in it)."""

    name: str
    application: str
    hello: str | None
    publish: Callable[[Any, Score], object]


def encoded_event(group: str) -> Callable[[Any, Score], None]:
    def publish(layer: Any, score: Score) -> None:
        message = {"type": "encoded_event", "text": score.model_dump_json()}
        publisher_for(layer).group_send(group, message)

    return publish


def broadcast_message(layer: Any, score: Score) -> None:
    """What the method of that name sends."""
    message: dict[str, Any] = {"message": score.model_dump(mode="json"), "tags": ["action"], "exclude": None}
    publisher_for(layer).group_send("broadcast", {"type": "handle_group_message", **message})


WAYS = (
    Way("(a) plain Channels consumer", "plain", None, encoded_event("plain")),
    Way("(b) bare ASGI, a loop over sockets", "bare", None, encoded_event("bare")),
    Way("(c) chanx passthrough_events", "passthrough", PING, lambda _, score: PassesOn.broadcast_event_sync(score)),
    Way(
        "(d) chanx @event_handler, a reply each",
        "handler",
        PING,
        lambda _, score: Answers.broadcast_event_sync(ScoreChanged(payload=score.payload)),
    ),
    Way("(e) chanx Topic, passthrough_events", "topic", SUBSCRIBE, lambda _, score: Match.broadcast_sync(TOPIC, score)),
    Way("(f) chanx broadcast_message", "broadcast", PING, broadcast_message),
)


@dataclass(slots=True)
class Run:
    """A way with its server and its clients, and what was measured of it."""

    way: Way
    site: Site
    clients: FrameClients
    size: int
    seconds: list[float] = field(default_factory=list[float])
    server_cpu: list[float] = field(default_factory=list[float])
    client_cpu: list[float] = field(default_factory=list[float])

    def send(self, layer: Any, number: int) -> None:
        """One round: an event, until every client has it and the server has nothing left to do."""
        score = Score(payload=ScorePayload(minute=number))
        expected = self.clients.frames + self.size
        server_cpu, client_cpu = self.site.cpu_seconds(), time.process_time()
        began = time.perf_counter()
        self.way.publish(layer, score)
        self.seconds.append(self.clients.receive_until(expected) - began)
        self.client_cpu.append(time.process_time() - client_cpu)
        wait_until_idle(self.site)
        self.server_cpu.append(self.site.cpu_seconds() - server_cpu)

    def check(self, number: int) -> None:
        """That every client has had the same event last."""
        text = Score(payload=ScorePayload(minute=number)).model_dump_json().encode()[1:]
        for client in self.clients.clients:
            assert client.last.endswith(text), client.last

    def forget(self) -> None:
        for figures in (self.seconds, self.server_cpu, self.client_cpu):
            figures.clear()

    @property
    def milliseconds(self) -> float:
        return statistics.median(self.seconds) * 1e3

    def microseconds(self, cpu: list[float]) -> float:
        """Per frame."""
        return statistics.median(cpu) / self.size * 1e6


def wait_until_idle(site: Site) -> None:
    """Until the server's processor time (nearly) stands still; at most for a second."""
    for _ in range(50):
        before = site.cpu_seconds()
        time.sleep(0.02)
        if site.cpu_seconds() - before < 0.001:
            return


@contextmanager
def opened(way: Way, server: str, url: str, chosen: argparse.Namespace, clients: int) -> Generator[Run]:
    """A server with the way's application, and its clients."""
    application = f"tests.benchmarks.fan_out_apps:{way.application}"
    environment = {LAYER_VARIABLE: chosen.layer, QUIET_VARIABLE: "yes" if chosen.quiet else ""}
    with running(server, application, url, options=NO_PINGS[server], environment=environment) as site:
        run = Run(way, site, FrameClients(site.port, deflate=chosen.deflate), clients)
        run.clients.open(clients, way.hello)
        try:
            yield run
        finally:
            run.clients.close()


def measured(server: str, clients: int, chosen: argparse.Namespace, ways: Sequence[Way]) -> list[Run]:
    """The figures of all ways, side by side."""
    numbers = count(100_000)
    with ExitStack() as stack:
        url = stack.enter_context(redis_server(private=True)).url
        layer = use_layer(url, chosen.layer)
        stack.callback(publisher_for(layer).close)
        runs = [stack.enter_context(opened(way, server, url, chosen, clients)) for way in ways]
        gc.collect()
        gc.freeze()
        stack.callback(gc.unfreeze)
        for turn in range(WARM_UP_EVENTS + chosen.rounds):
            if turn == WARM_UP_EVENTS:
                for run in runs:
                    run.forget()
            first = turn % len(runs)
            for run in runs[first:] + runs[:first]:
                number = next(numbers)
                run.send(layer, number)
                if not chosen.deflate:
                    run.check(number)
    return runs


def show(server: str, clients: int, runs: Sequence[Run]) -> None:
    """The rows of one number of clients."""
    for run in runs:
        ratios = "".join(_times(ratio(runs, run.way.application, other)) for other in ("plain", "bare"))
        cpu = "".join(f"{run.microseconds(figures):>9.1f}" for figures in (run.server_cpu, run.client_cpu))
        print(f"{server:<9}{clients:>8,}  {run.way.name:<40}{run.milliseconds:>10.1f}{ratios}{cpu}", flush=True)


def ratio(runs: Sequence[Run], application: str, other: str) -> float | None:
    """The time of one way divided by that of another; None if one of them was not measured."""
    named = {run.way.application: run.milliseconds for run in runs}
    return named[application] / named[other] if application in named and other in named else None


def _times(value: float | None) -> str:
    return f"{'' if value is None else format(value, '.3f'):>10}"


def headlines(server: str, clients: int, runs: Sequence[Run]) -> None:
    """What the table of all benchmarks shows."""
    named = {run.way.application: run.milliseconds for run in runs}
    for application, other, target in TARGETS[server]:
        if application in named and other in named:
            what = f"{server}: one event to {clients:,} clients, {application}"
            headline(what, named[application], "ms", against=(other, named[other]), target=target)


def main() -> None:
    """Print a table for each server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=positive, nargs="+", default=[100, 1000, 2000])
    parser.add_argument("--rounds", type=positive, default=9)
    parser.add_argument("--layer", choices=LAYERS, default="pubsub")
    parser.add_argument("--server", choices=servers(), nargs="+", default=servers())
    parser.add_argument("--way", choices=[way.application for way in WAYS], nargs="+", default=None)
    parser.add_argument("--deflate", action="store_true", help="clients offer permessage-deflate (Daphne refuses)")
    parser.add_argument("--quiet", action="store_true", help="chanx logs no frames")
    chosen = parser.parse_args()
    ways = [way for way in WAYS if chosen.way is None or way.application in chosen.way]
    allow_sockets(max(chosen.clients) * len(ways))
    print(f"One event to every client, {chosen.layer} layer, permessage-deflate {'on' if chosen.deflate else 'off'}")
    for server in chosen.server:
        print(
            f"{'server':<9}{'clients':>8}  {'way':<40}{'ms':>10}{'of (a)':>10}{'of (b)':>10}{'CPU µs':>9}{'client':>9}"
        )
        for clients in chosen.clients:
            runs = measured(server, clients, chosen, ways)
            show(server, clients, runs)
            if clients == HEADLINE_CLIENTS:
                headlines(server, clients, runs)


if __name__ == "__main__":
    main()
