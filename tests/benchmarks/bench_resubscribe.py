"""How long 500 clients of one job need that come back at once after their server was killed and started again.

Run it with ``python -m tests.benchmarks.bench_resubscribe [CLIENTS [EVENTS ...]]``: real server processes (those
installed of Daphne and uvicorn), a Redis of its own. While the server is away, EVENTS more (1,000 and 10,000) come into
the log, which all clients are missing then. The time is that from the first attempt to connect until the last one has
everything; the memory is the most that the new server process has had, beside that before anybody came.
"""

import asyncio
import sys
import time

from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import FilledJob, Site, Watcher, filled_job, running, servers

AT_ONCE = 50
"""Connections that are being opened at a time: more than a server's backlog would wait a second for TCP."""


async def connected(site: Site, watchers: list[Watcher]) -> list[Watcher]:
    """New connections of the same clients."""
    found: list[Watcher] = []
    for start in range(0, len(watchers), AT_ONCE):
        some = watchers[start : start + AT_ONCE]
        found += await asyncio.gather(
            *(Watcher.connected(site, old.topic, after=old.seq, epoch=old.epoch) for old in some)
        )
    return found


async def caught_up(watchers: list[Watcher], job: FilledJob) -> list[float]:
    """When each of them has everything, in order."""
    times: list[float] = []

    async def one(watcher: Watcher) -> None:
        await asyncio.wait_for(watcher.caught_up.wait(), 900)
        times.append(time.perf_counter())

    for watcher in watchers:
        watcher.subscribe(until=job.events)
    await asyncio.gather(*map(one, watchers))
    return times


async def resubscribed(site: Site, job: FilledJob, clients: int, events: int) -> tuple[float, float, float, float]:
    """Seconds until the connections are open, until half of the clients have everything, until all; megabytes."""
    watchers = await connected(site, [Watcher(job.topic, after=0) for _ in range(clients)])
    await caught_up(watchers, job)
    site.kill()
    for watcher in watchers:
        watcher.close()
    job.add(events)
    site.start()
    before = site.peak_megabytes()
    started = time.perf_counter()
    watchers = await connected(site, watchers)
    opened = time.perf_counter() - started
    times = await caught_up(watchers, job)
    memory = site.peak_megabytes() - before
    for watcher in watchers:
        watcher.close()
    return opened, times[len(times) // 2] - started, times[-1] - started, memory


def main(clients: int = 500, *events: int) -> None:
    """Print the table."""
    print(f"{clients} clients come back at once, each missing so many events")
    print(f"{'server':<10}{'missing':>9}{'connected':>11}{'half':>9}{'all':>9}{'frames/s':>11}{'MB more':>9}")
    for server in servers():
        for missing in events or (1_000, 10_000):
            with redis_server(private=True) as redis:
                job = filled_job(redis.url, 10)
                with running(server, "tests.integration.asgi_apps:channels", redis.url) as site:
                    opened, half, last, memory = asyncio.run(resubscribed(site, job, clients, missing))
                rate = clients * missing / last
                print(
                    f"{server:<10}{missing:>9,}{opened:>10.1f}s{half:>8.1f}s{last:>8.1f}s{rate:>11,.0f}{memory:>9.0f}",
                    flush=True,
                )
                what = f"{clients} clients back at once, each missing {missing:,}, {server}"
                headline(f"{what}: until all have them", last, "s")
                headline(f"{what}: the server's memory", memory, "MB")
                job.store.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
