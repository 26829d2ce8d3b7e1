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
group members, subscriptions). Clients that were refused, or lost without their doing, are "lost".
"""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack

from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import Site, running, servers
from tests.integration.connections_site import Visitor, asked, closed, come_and_gone, counts, visitors

KINDS = {"channels": "Channels", "chanx": "chanx"}
LAYERS = ("pubsub", "core")
WARM_UP = 100
LONGEST = 30.0
AFTER_RESETS = 5.0

Counts = dict[str, int]


async def left(site: Site, before: Counts, *, seconds: float = LONGEST) -> tuple[float, str]:
    """The seconds until as much is there as before, at most so many, and what there is more of then."""
    began = time.perf_counter()
    while True:
        now = await asyncio.to_thread(counts, site)
        more = {name: many - before[name] for name, many in now.items() if many > before[name]}
        taken = time.perf_counter() - began
        if not more or taken > seconds:
            return taken, ", ".join(f"{many} {name}" for name, many in more.items()) or "nothing"
        await asyncio.sleep(0.02)


async def warm(site: Site, path: str, connections: int = WARM_UP) -> Counts:
    """Have some connections come and go, and count what is there without any; what they left is no later ones'."""
    await come_and_gone(site, path, connections, may_fail=True)
    await left(site, dict.fromkeys(counts(site), 0) | {"tasks": 4}, seconds=3)
    return await asyncio.to_thread(counts, site)


async def burst(site: Site, kind: str, clients: int) -> tuple[list[str], float]:
    path = f"/{kind}/shared"
    before = await warm(site, path)
    began = time.perf_counter()
    present = await visitors(site, path, clients, may_fail=True)
    joined = time.perf_counter() - began
    began = time.perf_counter()
    await closed(present)
    _, rest = await left(site, before)
    gone = time.perf_counter() - began
    return [
        f"joined in {joined:.1f} s",
        f"gone in {gone:.1f} s",
        _lost(clients, present),
        f"left: {rest}",
    ], joined + gone


async def cycles(site: Site, kind: str, connections: int) -> tuple[list[str], float]:
    path = f"/{kind}/shared"
    before = await warm(site, path, connections // 10)
    rss = await _rss(site)
    began = time.perf_counter()
    done = await come_and_gone(site, path, connections, may_fail=True)
    taken = time.perf_counter() - began
    _, rest = await left(site, before, seconds=AFTER_RESETS)
    grown = await _rss(site) - rss
    rate = f"{connections / taken:,.0f} a second"
    return [f"{grown:+,.0f} KB", rate, f"{connections - done} lost", f"left: {rest}"], grown


async def abrupt(site: Site, kind: str, clients: int) -> tuple[list[str], float]:
    path = f"/{kind}/shared"
    before = await warm(site, path)
    present = await visitors(site, path, clients, may_fail=True)
    for visitor in present:
        visitor.reset()
    taken, rest = await left(site, before, seconds=AFTER_RESETS)
    now = await asyncio.to_thread(counts, site)
    remaining = sum(max(0, many - before[name]) for name, many in now.items())
    return [f"after {taken:.1f} s", _lost(clients, present), f"left: {rest}"], remaining


async def idle(site: Site, kind: str, clients: int, minutes: float) -> tuple[list[str], float]:
    path = f"/{kind}/shared"
    await warm(site, path)
    present = await visitors(site, path, clients, may_fail=True)
    await asyncio.sleep(60 * minutes)
    lost = sum(visitor.code is not None or visitor.is_lost.is_set() for visitor in present)
    await asyncio.to_thread(asked, site, f"/tell/{kind}")
    heard = await asyncio.gather(
        *(asyncio.wait_for(visitor.heard(2), 5) for visitor in present), return_exceptions=True
    )
    got = sum(result is None for result in heard)
    return [f"{clients - lost} of {clients} still there", f"{got} got the event"], clients - got


def _lost(clients: int, present: Sequence[Visitor]) -> str:
    return f"{clients - len(present)} lost"


async def _rss(site: Site) -> float:
    return float((await asyncio.to_thread(asked, site, "/memory"))["rss"]) / 1024


Part = Callable[[Site, str], Awaitable[tuple[list[str], float]]]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_connections")
    parser.add_argument("parts", nargs="*", metavar="PART", help="burst, cycles, abrupt, idle; all by default")
    parser.add_argument("--server", choices=servers(), action="append")
    parser.add_argument("--layer", choices=LAYERS, action="append")
    parser.add_argument("--clients", type=int, default=2000, help="of the burst; half as many are abrupt")
    parser.add_argument("--cycles", type=int, default=10_000)
    parser.add_argument("--idle-minutes", type=float, default=1.0)
    chosen = parser.parse_args()
    parts: dict[str, tuple[Part, str, str]] = {
        "burst": (
            lambda site, kind: burst(site, kind, chosen.clients),
            f"{chosen.clients:,} clients join and leave",
            "s",
        ),
        "cycles": (lambda site, kind: cycles(site, kind, chosen.cycles), f"{chosen.cycles:,} cycles, growth", "KB"),
        "abrupt": (
            lambda site, kind: abrupt(site, kind, chosen.clients // 2),
            f"{chosen.clients // 2:,} resets, left over",
            "things",
        ),
        "idle": (
            lambda site, kind: idle(site, kind, 100, chosen.idle_minutes),
            f"100 idle for {chosen.idle_minutes:g} min, without the event",
            "clients",
        ),
    }
    if unknown := {*chosen.parts} - {*parts}:
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    places = [(server, layer) for server in chosen.server or servers() for layer in chosen.layer or LAYERS]
    for name in chosen.parts or parts:
        part, title, unit = parts[name]
        print(f"\n{title}")
        for together in [places] if name == "idle" else [[place] for place in places]:
            run(together, part, title, unit)


def run(places: Sequence[tuple[str, str]], part: Part, title: str, unit: str) -> None:
    """One part at several places, at the same time, with each kind; print its lines."""
    figures: dict[tuple[str, str, str], float] = {}
    with ExitStack() as stack:
        sites = [(server, layer, kind, _site(stack, server, layer)) for server, layer in places for kind in KINDS]

        async def all_of_them() -> list[tuple[list[str], float]]:
            if len(places) > 1:
                return await asyncio.gather(*(part(site, kind) for *_, kind, site in sites))
            return [await part(site, kind) for *_, kind, site in sites]

        for (server, layer, kind, _), (cells, value) in zip(sites, asyncio.run(all_of_them()), strict=True):
            figures[server, layer, kind] = value
            print(f"{server:<8} {layer:<7} {KINDS[kind]:<9} " + "; ".join(cells), flush=True)
    for server, layer in places:
        other = ("Channels", figures[server, layer, "channels"])
        target = "0" if unit in ("things", "clients") else None
        headline(f"{title}, {server}, {layer}", figures[server, layer, "chanx"], unit, against=other, target=target)


def _site(stack: ExitStack, server: str, layer: str) -> Site:
    redis = stack.enter_context(redis_server(private=True))
    return stack.enter_context(running(server, f"tests.integration.connections_app:{layer}", redis.url))


if __name__ == "__main__":
    main()
