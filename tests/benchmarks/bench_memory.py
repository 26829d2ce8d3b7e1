"""What an idle connection costs in memory: a bare ASGI application, a consumer of Channels, and the same with chanx.

Run it with ``python -m tests.benchmarks.bench_memory [--connections N] [--server S] [--layer L] [--deflate]``. Each
figure is of a server process of its own, on a Redis of its own: what it has grown by with N connections (1,000), after
the first 100, which stay. USS is what is the process's alone, RSS is with what it shares; both after a collection. The
kernel's buffers of the sockets are in neither. ``--deflate`` has uvicorn compress (Daphne never does).

``--census`` tells what the connections consist of, object by object (Linux, as all of this).
"""

import argparse
import asyncio
from typing import Any

from chanx.testing.redis_server import redis_server
from tests.benchmarks.census import per_connection
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import Site, running, servers
from tests.benchmarks.options import allow_sockets, positive
from tests.integration.connections_site import Visitor, asked, visitors

LAYERS = ("pubsub", "core")
SITUATIONS = ("alone", "shared", "own")
WARM_UP = 100


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_memory")
    parser.add_argument("--connections", type=positive, default=1000)
    parser.add_argument("--server", choices=servers(), action="append")
    parser.add_argument("--layer", choices=LAYERS, action="append")
    parser.add_argument("--deflate", action="store_true")
    parser.add_argument("--census", action="store_true")
    chosen = parser.parse_args()
    allow_sockets(2 * (WARM_UP + chosen.connections))  # Channels' consumers on the core layer have one to Redis each
    with_deflate = ", with permessage-deflate" if chosen.deflate else ""
    print(f"KB for each of {chosen.connections:,} idle connections{with_deflate}: USS (RSS)")
    print(f"{'':<16}{'bare':>16}{'group':>9}{'Channels':>16}{'chanx':>16}{'ratio':>8}")
    for server in chosen.server or servers():
        for layer in chosen.layer or LAYERS:
            compare(server, layer, chosen.connections, deflate=chosen.deflate and server == "uvicorn")
            if chosen.census:
                show_census(server, layer, chosen.connections)


def compare(server: str, layer: str, connections: int, *, deflate: bool) -> None:
    """Print the lines of a server and a layer."""
    bare = grown(server, layer, "/bare/alone", connections, deflate=deflate)
    for situation in SITUATIONS:
        plain, typed = (
            grown(server, layer, f"/{kind}/{situation}", connections, deflate=deflate) for kind in ("channels", "chanx")
        )
        figures = [f"{uss:>8.1f} ({rss:.1f})" for uss, rss in (bare, plain, typed)]
        ratio = typed[0] / plain[0]
        print(
            f"{server + ' ' + layer:<16}{figures[0]:>16}{situation:>9}{figures[1]:>16}{figures[2]:>16}{ratio:>8.2f}",
            flush=True,
        )
        what = f"an idle connection, {situation}, {server}, {layer}"
        headline(what, typed[0], "KB", against=("Channels", plain[0]), target=1)


def grown(server: str, layer: str, path: str, connections: int, *, deflate: bool) -> tuple[float, float]:
    """KB a connection, of USS and of RSS."""
    with (
        redis_server(private=True) as redis,
        running(server, f"tests.integration.connections_app:{layer}", redis.url) as site,
    ):
        before, after = asyncio.run(at_both_ends(site, path, connections, "/memory", deflate=deflate))
    uss, rss = (float(after[name] - before[name]) / connections / 1024 for name in ("uss", "rss"))
    return uss, rss


async def at_both_ends(
    site: Site, path: str, connections: int, question: str, *, deflate: bool = False
) -> tuple[Any, Any]:
    """What the site answers with the first connections, and with so many more."""
    answers: list[Any] = []
    present: list[Visitor] = []
    for many in (WARM_UP, connections):
        present += await visitors(site, path, many, deflate=deflate)
        answers.append(await asyncio.to_thread(asked, site, question))
    assert not any(visitor.is_lost.is_set() for visitor in present), "a connection was lost meanwhile"
    before, after = answers
    return before, after


def show_census(server: str, layer: str, connections: int) -> None:
    """Print the objects that a connection in a group has, the largest first."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for kind in ("channels", "chanx"):
        with (
            redis_server(private=True) as redis,
            running(server, f"tests.integration.connections_app:{layer}", redis.url) as site,
        ):
            before, after = asyncio.run(at_both_ends(site, f"/{kind}/shared", connections, "/census"))
        found[kind] = per_connection(before, after, connections)
    plain, typed = found["channels"], found["chanx"]
    print(f"\n{server}, {layer}: objects of a connection in the shared group, number and bytes")
    print(f"{'Channels':>16}{'chanx':>16}")
    total = [sum(size for _, size in each.values()) for each in (plain, typed)]
    print(f"{total[0]:>16,.0f}{total[1]:>16,.0f}  all")
    for name in sorted({*plain, *typed}, key=lambda name: -max(plain.get(name, (0, 0))[1], typed.get(name, (0, 0))[1])):
        cells = (f"{each[name][0]:.1f} {each[name][1]:>8,.0f}" if name in each else "" for each in (plain, typed))
        print("".join(f"{cell:>16}" for cell in cells) + f"  {name}")
    print()


if __name__ == "__main__":
    main()
