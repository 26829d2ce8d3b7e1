"""Clients that come and go, all at once or one after the other, politely or not: how long it takes, and what is left.

Run it with ``python -m tests.benchmarks.bench_connections [burst] [cycles] [abrupt] [idle] [--server S] [--layer L]``,
for the long way with ``--idle-minutes 10``. A consumer of Channels and the same with chanx, each on a server process
and a Redis of its own, in one group:

burst   2,000 clients come, 50 at a time, and all go at once: seconds until the last is in its group, and until the
        server has nothing left of them
cycles  10,000 connections that are opened and closed again, after the first 1,000: what the process has grown by
abrupt  1,000 clients whose sockets are reset: what is left after 5 seconds
idle    100 clients that say nothing for a minute: how many still have their connection, and get an event then

"left" is what the process has more of than before (tasks, groups, members, channels, buffers, ...), and Redis (keys,
group members, subscriptions). Clients that were refused, or lost without their doing, are "lost". Each part runs once.
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import Site, running, servers
from tests.benchmarks.options import allow_sockets, positive, positive_float
from tests.integration.connections_site import asked, closed, come_and_gone, counts, visitors

KINDS = {"channels": "Channels", "chanx": "chanx"}
LAYERS = ("pubsub", "core")
WARM_UP = 100
LONGEST = 30.0
AFTER_RESETS = 5.0

IDLE_CLIENTS = 100

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a part: for people, and for the table."""

    cells: Sequence[str]
    wrong: int
    """Connections lost, and things left: 0 where all is well."""
    cost: float | None = None
    """None where there is none, or it has no end."""


async def left(site: Site, before: Counts, *, seconds: float = LONGEST) -> tuple[float, Counts]:
    """The seconds until as much is there as before, at most so many, and what there is more of then."""
    began = time.perf_counter()
    while True:
        now = await asyncio.to_thread(counts, site)
        more = {name: many - before[name] for name, many in now.items() if many > before[name]}
        taken = time.perf_counter() - began
        if not more or taken > seconds:
            return taken, more
        await asyncio.sleep(0.02)


async def warm(site: Site, path: str, connections: int = WARM_UP) -> Counts:
    """Have some connections come and go, and count what is there without any; what they left is no later ones'."""
    await come_and_gone(site, path, connections, may_fail=True)
    await left(site, dict.fromkeys(counts(site), 0) | {"tasks": 4}, seconds=3)
    return await asyncio.to_thread(counts, site)


async def burst(site: Site, kind: str, clients: int) -> Result:
    path = f"/{kind}/shared"
    before = await warm(site, path)
    began = time.perf_counter()
    present = await visitors(site, path, clients, may_fail=True)
    joined = time.perf_counter() - began
    began = time.perf_counter()
    await closed(present)
    _, rest = await left(site, before)
    gone = time.perf_counter() - began
    cells = [f"joined in {joined:.1f} s", f"gone in {gone:.1f} s"]
    return _result(cells, clients - len(present), rest, None if rest else joined + gone)


async def cycles(site: Site, kind: str, connections: int) -> Result:
    path = f"/{kind}/shared"
    before = await warm(site, path, connections // 10)
    rss = await _rss(site)
    began = time.perf_counter()
    done = await come_and_gone(site, path, connections, may_fail=True)
    taken = time.perf_counter() - began
    _, rest = await left(site, before, seconds=AFTER_RESETS)
    grown = await _rss(site) - rss
    cells = [f"{grown:+,.0f} KB", f"{connections / taken:,.0f} a second"]
    return _result(cells, connections - done, rest, grown)


async def abrupt(site: Site, kind: str, clients: int) -> Result:
    path = f"/{kind}/shared"
    before = await warm(site, path)
    present = await visitors(site, path, clients, may_fail=True)
    for visitor in present:
        visitor.reset()
    taken, rest = await left(site, before, seconds=AFTER_RESETS)
    return _result([f"after {taken:.1f} s"], clients - len(present), rest)


async def idle(site: Site, kind: str, clients: int, minutes: float) -> Result:
    path = f"/{kind}/shared"
    await warm(site, path)
    present = await visitors(site, path, clients, may_fail=True)
    await asyncio.sleep(60 * minutes)
    still = [visitor for visitor in present if visitor.code is None and not visitor.is_lost.is_set()]
    await asyncio.to_thread(asked, site, f"/tell/{kind}")
    heard = await asyncio.gather(*(asyncio.wait_for(visitor.heard(2), 5) for visitor in still), return_exceptions=True)
    got = sum(result is None for result in heard)
    return Result([f"{len(still)} of {clients} still there", f"{got} got the event"], clients - got)


def _result(cells: Sequence[str], lost: int, rest: Counts, cost: float | None = None) -> Result:
    left_over = ", ".join(f"{many} {name}" for name, many in rest.items()) or "nothing"
    return Result([*cells, f"{lost} lost", f"left: {left_over}"], lost + sum(rest.values()), cost)


async def _rss(site: Site) -> float:
    return float((await asyncio.to_thread(asked, site, "/memory"))["rss"]) / 1024


Part = Callable[[Site, str], Awaitable[Result]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_connections")
    parser.add_argument("parts", nargs="*", metavar="PART", help="burst, cycles, abrupt, idle; all by default")
    parser.add_argument("--server", choices=servers(), action="append")
    parser.add_argument("--layer", choices=LAYERS, action="append")
    parser.add_argument("--clients", type=positive, default=2000, help="of the burst; half as many are abrupt")
    parser.add_argument("--cycles", type=positive, default=10_000)
    parser.add_argument("--idle-minutes", type=positive_float, default=1.0)
    chosen = parser.parse_args()
    parts: dict[str, tuple[Part, str, str]] = {
        "burst": (
            lambda site, kind: burst(site, kind, chosen.clients),
            f"{chosen.clients:,} clients join and leave",
            "s",
        ),
        "cycles": (lambda site, kind: cycles(site, kind, chosen.cycles), f"{chosen.cycles:,} cycles, growth", "KB"),
        "abrupt": (lambda site, kind: abrupt(site, kind, chosen.clients // 2), f"{chosen.clients // 2:,} resets", ""),
        "idle": (
            lambda site, kind: idle(site, kind, IDLE_CLIENTS, chosen.idle_minutes),
            f"{IDLE_CLIENTS} idle for {chosen.idle_minutes:g} min",
            "",
        ),
    }
    if unknown := {*chosen.parts} - {*parts}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    places = [(server, layer) for server in chosen.server or servers() for layer in chosen.layer or LAYERS]
    # Channels' consumers on the core layer have a connection to Redis each; the idle ones of all places are together.
    allow_sockets(max(2 * chosen.clients, IDLE_CLIENTS * len(KINDS) * len(places)))
    for name in chosen.parts or parts:
        part, title, unit = parts[name]
        print(f"\n{title}")
        for together in [places] if name == "idle" else [[place] for place in places]:
            run(together, part, title, unit)


def run(places: Sequence[tuple[str, str]], part: Part, title: str, unit: str) -> None:
    """One part at several places, at the same time, with each kind; print its lines."""
    results: dict[tuple[str, str, str], Result] = {}
    with ExitStack() as stack:
        sites = [(server, layer, kind, _site(stack, server, layer)) for server, layer in places for kind in KINDS]

        async def all_of_them() -> list[Result]:
            if len(places) > 1:
                return await asyncio.gather(*(part(site, kind) for *_, kind, site in sites))
            return [await part(site, kind) for *_, kind, site in sites]

        for (server, layer, kind, _), result in zip(sites, asyncio.run(all_of_them()), strict=True):
            results[server, layer, kind] = result
            print(f"{server:<8} {layer:<7} {KINDS[kind]:<9} " + "; ".join(result.cells), flush=True)
    for server, layer in places:
        typed, plain = (results[server, layer, kind] for kind in ("chanx", "channels"))
        if typed.cost is not None:
            against = "Channels, never rid of all" if plain.cost is None else ("Channels", plain.cost)
            headline(f"{title}, {server}, {layer}", typed.cost, unit, against=against)
        headline(
            f"{title}, {server}, {layer}: lost or left", typed.wrong, "", against=("Channels", plain.wrong), target="0"
        )


def _site(stack: ExitStack, server: str, layer: str) -> Site:
    redis = stack.enter_context(redis_server(private=True))
    return stack.enter_context(running(server, f"tests.integration.connections_app:{layer}", redis.url))


if __name__ == "__main__":
    main()
