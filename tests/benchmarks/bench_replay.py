"""How long 10,000 events of a job take to one client that comes late, and what others of the same process feel of it.

Run it with ``python -m tests.benchmarks.bench_replay [EVENTS]``. Real server processes (those installed of Daphne and
uvicorn), a Redis of its own. The base line is an application that reads the stream with redis-py, by as many entries at
a time, and writes each as a text frame: no order to keep, no acknowledgement to wait for, no topic.
"""

import asyncio
import json
import os
import statistics
import sys
import time
from typing import Any

from redis.asyncio import Redis

from chanx.bridge.store.shared_reads import PAGE
from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import FilledJob, Site, Watcher, filled_job, running, servers

WAYS = {"bare": "tests.benchmarks.bench_replay:bare", "chanx": "tests.integration.asgi_apps:channels"}
ROUNDS = 5
PING_EVERY = 0.005


async def bare(scope: Any, receive: Any, send: Any) -> None:
    """The base line: it sends the job that the first frame names."""
    client: Any = Redis  # whose types are unknown in part
    redis = client.from_url(os.environ["CHANX_REDIS_URL"])
    await receive()
    await send({"type": "websocket.accept"})
    topic = json.loads((await receive())["text"])["topic"]
    log, after = f"chanx:{{{topic.removeprefix('job:')}}}:log", "0-0"
    while entries := await redis.xrange(log, f"({after}", count=PAGE):
        for entry_id, fields in entries:
            after = entry_id.decode()
            place = f'{{"version":1,"topic":"{topic}","seq":{after.partition("-")[0]},'
            await send({"type": "websocket.send", "text": place + fields[b"e"].decode()[1:]})
    while (await receive())["type"] != "websocket.disconnect":
        pass
    await redis.aclose()


async def replayed(site: Site, job: FilledJob) -> float:
    """Seconds from subscribing until one client has all."""
    watcher = await Watcher.connected(site, job.topic)
    started = time.perf_counter()
    watcher.subscribe(until=job.events)
    await asyncio.wait_for(watcher.caught_up.wait(), 120)
    taken = time.perf_counter() - started
    watcher.close()
    return taken


async def pings(site: Site, until: asyncio.Event) -> list[float]:
    """Milliseconds that another client waits for each answer to its pings meanwhile."""
    waited: list[float] = []
    answered = asyncio.Event()
    watcher = await Watcher.connected(site, "none")
    watcher.on_frame = lambda text: answered.set()
    while not until.is_set():
        answered.clear()
        started = time.perf_counter()
        watcher.send({"action": "ping"})
        await asyncio.wait_for(answered.wait(), 60)
        waited.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(PING_EVERY)
    watcher.close()
    return waited


async def beside_replay(site: Site, job: FilledJob, clients: int) -> list[float]:
    done = asyncio.Event()
    pinging = asyncio.create_task(pings(site, done))
    if clients:
        await asyncio.gather(*(replayed(site, job) for _ in range(clients)))
    else:
        await asyncio.sleep(1)
    done.set()
    return await pinging


def main(events: int = 10_000) -> None:
    """Print the tables."""
    with redis_server(private=True) as redis:
        job = filled_job(redis.url, events)
        print(f"{events:,} events to one client")
        print(f"{'server':<10}{'way':<10}{'seconds':>10}{'events/s':>12}{'times the base':>16}")
        for server in servers():
            seconds: dict[str, float] = {}
            for way, application in WAYS.items():
                with running(server, application, redis.url) as site:
                    seconds[way] = statistics.median(asyncio.run(replayed(site, job)) for _ in range(ROUNDS))
                rate, times = events / seconds[way], seconds[way] / seconds["bare"]
                print(f"{server:<10}{way:<10}{seconds[way]:>10.2f}{rate:>12,.0f}{times:>16.2f}")
            base = ("bare reading and writing", seconds["bare"] * 1e3)
            headline(f"{events:,} events to one client, {server}", seconds["chanx"] * 1e3, "ms", against=base)
        print("\nmilliseconds that another client of the process waits for the answer to a ping")
        print(f"{'server':<10}{'replays':>8}{'p50':>8}{'p99':>8}{'max':>8}")
        for server in servers():
            with running(server, "tests.integration.asgi_apps:channels", redis.url) as site:
                asyncio.run(replayed(site, job))  # so that everything is imported
                longest: dict[int, float] = {}
                for clients in (0, 1, 20):
                    cut = statistics.quantiles(waited := asyncio.run(beside_replay(site, job, clients)), n=100)
                    longest[clients] = max(waited)
                    print(f"{server:<10}{clients:>8}{cut[49]:>8.1f}{cut[98]:>8.1f}{longest[clients]:>8.1f}")
            alone = ("no replay", longest[0])
            headline(f"longest wait of another client beside 20 replays, {server}", longest[20], "ms", against=alone)
        job.store.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
