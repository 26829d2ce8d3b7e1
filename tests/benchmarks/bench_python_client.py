"""What a generated Python client costs beside a loop over a bare WebSocket: 10,000 events of a job, one by one.

Run it with ``python -m tests.benchmarks.bench_python_client [EVENTS]``. A real uvicorn, a Redis of its own; the ways
take turns. The bare loops acknowledge every hundredth event, as the protocol wants it: the first decodes each frame as
JSON, the second validates it with Pydantic too. The processor's time is that of the client's process alone.
"""

import asyncio
import importlib
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import TypeAdapter
from websockets.asyncio.client import connect

from chanx.asyncapi.generator import AsyncAPIGenerator
from chanx.bridge import JobTopic
from chanx.client_generator.generator import ClientGenerator
from chanx.fast_channels.websocket import AsyncJsonWebsocketConsumer
from chanx.routing.discovery import RouteInfo
from chanx.testing.redis_server import redis_server
from tests.benchmarks.headlines import headline
from tests.benchmarks.job_sites import FilledJob, Site, filled_job, running

ROUNDS = 7
PACKAGE = "benchmarked_client"
_ACK_EVERY = 100


class JobsConsumer(AsyncJsonWebsocketConsumer):
    topics = [JobTopic]


async def received(site: Site, job: FilledJob, decoded: Callable[[str | bytes], Any]) -> None:
    """The bare loop."""
    async with connect(f"ws://127.0.0.1:{site.port}/ws/jobs", max_size=None) as socket:
        await socket.send(json.dumps({"topic": job.topic, "ref": "1", "action": "subscribe"}))
        await socket.recv()
        for seq in range(1, job.events + 1):
            decoded(await socket.recv())
            if seq % _ACK_EVERY == 0:
                await socket.send(json.dumps({"topic": job.topic, "action": "ack", "payload": {"seq": seq}}))


async def followed(site: Site, job: FilledJob, client_class: Any) -> None:
    """The generated client."""
    seen = 0
    async with client_class(f"127.0.0.1:{site.port}") as client:
        async for _ in client.job(job.job_id):
            seen += 1
            if seen == job.events:
                return


def ways(directory: Path) -> dict[str, Callable[[Site, FilledJob], Awaitable[None]]]:
    document = AsyncAPIGenerator([RouteInfo("/ws/jobs", None, "ws://localhost", JobsConsumer)]).generate()
    (directory / "asyncapi.json").write_text(json.dumps(document))
    ClientGenerator(directory / "asyncapi.json", directory / PACKAGE).generate()
    sys.path.insert(0, str(directory))
    client = importlib.import_module(PACKAGE).JobsClient
    line: Any = importlib.import_module(f"{PACKAGE}.jobs_job").JobLogLine
    events: TypeAdapter[Any] = TypeAdapter(line)
    return {
        "bare, JSON": lambda site, job: received(site, job, json.loads),
        "bare, Pydantic": lambda site, job: received(site, job, events.validate_json),
        "generated client": lambda site, job: followed(site, job, client),
    }


def main(events: int = 10_000) -> None:
    """Print the table."""
    with redis_server(private=True) as redis, TemporaryDirectory() as directory:
        job = filled_job(redis.url, events)
        taken: dict[str, list[tuple[float, float]]] = {}
        with running("uvicorn", "tests.integration.asgi_apps:channels", redis.url) as site:
            all_ways = ways(Path(directory))
            for _ in range(ROUNDS):
                for name, way in all_ways.items():
                    wall, processor = time.perf_counter(), time.process_time()
                    asyncio.run(asyncio.wait_for(way(site, job), 120))
                    figures = (time.perf_counter() - wall, time.process_time() - processor)
                    taken.setdefault(name, []).append(figures)
        job.store.close()
    print(f"{events:,} events to one client, medians of {ROUNDS}")
    print(f"{'way':<20}{'seconds':>10}{'events/s':>12}{'processor, µs/event':>22}{'times the first':>18}")
    base = statistics.median(processor for _, processor in taken["bare, JSON"])
    costs: dict[str, float] = {}
    for name, rounds in taken.items():
        wall, processor = (statistics.median(figures) for figures in zip(*rounds, strict=True))
        each = costs[name] = processor / events * 1e6
        print(f"{name:<20}{wall:>10.2f}{events / wall:>12,.0f}{each:>22.1f}{processor / base:>18.2f}")
    client = costs.pop("generated client")
    for name, cost in costs.items():
        headline(
            "an event to a generated Python client, its processor",
            client,
            "µs",
            against=(f"loop over a WebSocket: {name}", cost),
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
