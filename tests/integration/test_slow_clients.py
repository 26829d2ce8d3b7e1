"""A client that does not read, on real servers: what the others get meanwhile, and what becomes of it."""

import asyncio
import json
import os
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chanx.bridge.events import JobLogLine, JobSucceeded, LogPayload, SucceededPayload
from chanx.bridge.names import new_job_id
from chanx.bridge.reporter import JobReporter
from chanx.bridge.snapshot import JobRecord
from chanx.core.decorators import event_handler, ws_handler
from chanx.messages.incoming import PingMessage
from chanx.messages.outgoing import PongMessage
from chanx.testing.redis_server import redis_server
from tests.benchmarks.job_sites import Site, running
from tests.integration.asgi_apps import bridge_on
from tests.integration.connections_site import asked
from tests.integration.slow_clients_app import Tick, TickPayload
from tests.unit.flavours.conftest import FLAVOURS
from tests.waiting import wait_until

SERVERS: dict[str, tuple[str, list[str]]] = {
    "uvicorn": ("uvicorn", ["--ws", "websockets"]),
    "uvicorn-sansio": ("uvicorn", ["--ws", "websockets-sansio"]),
    "Daphne": ("Daphne", []),
}
SCOPE: dict[str, Any] = {"type": "websocket", "path": "/", "query_string": b"", "headers": [], "subprotocols": []}
OTHERS = 20
PORTION = 200
EVENTS = 6000
JOB_EVENTS = 3000
MEMBERS = 2000
SECONDS = 120

WAITING_MEGABYTES = 25
"""For 1,000 messages of 4 KB, as decoded and as frames; all that is sent would take several times as much."""


@pytest.fixture(scope="module")
def redis_of_sites() -> Iterator[str]:
    with redis_server(private=True) as server:
        yield server.url


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def started(server: str, application: str, redis_url: str) -> Any:
    name, options = SERVERS[server]
    return running(name, f"tests.integration.{application}", redis_url, options=options)


async def opened(site: Site, path: str = "/") -> ClientConnection:
    return await connect(f"ws://127.0.0.1:{site.port}{path}", compression=None, ping_interval=None, max_queue=None)


async def silent(site: Site, path: str = "/") -> ClientConnection:
    """One that takes next to nothing from its socket until it is read."""
    own = socket.socket()
    own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    own.setblocking(False)
    await asyncio.get_running_loop().sock_connect(own, ("127.0.0.1", site.port))
    url = f"ws://127.0.0.1:{site.port}{path}"
    return await connect(url, sock=own, compression=None, ping_interval=None, max_queue=1)


async def in_its_group(client: ClientConnection) -> None:
    await client.send(json.dumps({"action": "ping"}))
    assert json.loads(await client.recv())["action"] == "pong"


async def numbers(client: ClientConnection, many: int) -> list[int]:
    """Those of the next events."""
    return [json.loads(await client.recv())["payload"]["number"] for _ in range(many)]


async def the_rest(client: ClientConnection) -> tuple[list[int], int | None]:
    """The numbers of all events up to the end of the connection, or the last one; and its close code."""
    heard: list[int] = []
    try:
        while not heard or heard[-1] != EVENTS - 1:
            heard += await numbers(client, 1)
    except ConnectionClosed as closed:
        return heard, None if closed.rcvd is None else closed.rcvd.code
    return heard, None


@pytest.mark.timeout(2 * SECONDS)
async def test_a_silent_member_of_a_group_costs_the_others_nothing(server: str, redis_of_sites: str) -> None:
    async with AsyncExitStack() as stack, asyncio.timeout(SECONDS):
        # Given a group of clients one of whom does not read
        site = stack.enter_context(started(server, "slow_clients_app:application", redis_of_sites))
        others = [await stack.enter_async_context(await opened(site)) for _ in range(OTHERS)]
        quiet = await stack.enter_async_context(await silent(site))
        for client in (*others, quiet):
            await in_its_group(client)
        await asyncio.to_thread(group_is_joined, redis_of_sites)
        before = 0.0

        # When they are sent more than waits for anybody
        for start in range(0, EVENTS, PORTION):
            await asyncio.to_thread(asked, site, f"/send/{PORTION}")
            heard = await asyncio.gather(*(numbers(client, PORTION) for client in others))

            # Then the others get all of it in order
            assert heard == [list(range(start, start + PORTION))] * OTHERS
            before = before or site.peak_megabytes()

        # And the silent one what could be sent to it, and where the server can tell, that it is to try again later
        grown = site.peak_megabytes() - before
        got, code = await the_rest(quiet)
        assert got == list(range(len(got)))
        if server == "Daphne":  # which has no bound for what waits to be sent
            assert (len(got), code) == (EVENTS, None)
        else:
            assert len(got) < EVENTS
            assert code == 1013
            assert grown < WAITING_MEGABYTES


def group_is_joined(redis_url: str) -> None:
    """Wait until Redis knows of the group: joining it returns before that."""
    client: Any = Redis  # whose types are unknown in part
    with client.from_url(redis_url, decode_responses=True) as redis:
        wait_until(lambda: redis.pubsub_channels("chanx__group__members"), what="the group's subscription")


@pytest.mark.timeout(2 * SECONDS)
async def test_a_silent_watcher_of_a_job_has_all_of_it_once_it_reads(server: str, redis_of_sites: str) -> None:
    prefix = f"{server}-{os.getpid()}"
    bridge = bridge_on(redis_of_sites, "chanx", RedisPubSubChannelLayer(hosts=[redis_of_sites], prefix="chanx"))
    job_id = new_job_id()
    record = JobRecord(job_id=job_id, owner="user:1", name=prefix, task_id="t1", created_at=datetime.now(UTC))
    bridge.store.create(record)
    reporter = JobReporter(bridge.transport, job_id=job_id, task_id="t1", attempt=1)
    topic = f"job:{job_id}"

    def work() -> None:
        for number in range(JOB_EVENTS):
            reporter.send(JobLogLine(payload=LogPayload(message=f"{number} {'x' * 1000}")))
        reporter.send(JobSucceeded(payload=SucceededPayload(result=None)))

    async with AsyncExitStack() as stack, asyncio.timeout(SECONDS):
        # Given a watcher that reads nothing after its subscription, while the job runs
        site = stack.enter_context(started(server, "asgi_apps:channels", redis_of_sites))
        quiet = await stack.enter_async_context(await silent(site, "/ws/jobs"))
        await quiet.send(json.dumps({"topic": topic, "action": "subscribe"}))
        assert json.loads(await quiet.recv())["action"] == "subscribed"
        await asyncio.to_thread(work)

        # When it reads
        seqs: list[int] = []
        frame: dict[str, Any] = {}
        while frame.get("action") != "job_succeeded":
            frame = json.loads(await quiet.recv())
            seqs.append(frame["seq"])
            if frame["seq"] % 50 == 0:
                await quiet.send(json.dumps({"topic": topic, "action": "ack", "payload": {"seq": frame["seq"]}}))

        # Then it has missed nothing
        assert seqs == list(range(1, JOB_EVENTS + 2))
    bridge.store.close()


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("is_passed_on", [True, False])
async def test_a_ping_is_answered_in_the_middle_of_a_fan_out(flavour: str, is_passed_on: bool) -> None:
    base: Any = FLAVOURS[flavour].base
    layer = FLAVOURS[flavour].new_layer()
    served: list[int] = []
    served_before_pong: list[int] = []
    are_in, left = asyncio.Semaphore(0), asyncio.Event()
    pings: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    pings.put_nowait({"type": "websocket.connect"})

    class Pinged(base):  # type: ignore[misc]  # made for each flavour
        @staticmethod
        def get_channel_layer(alias: str) -> Any:
            return layer

        async def post_authentication(self) -> None:
            are_in.release()

        @ws_handler
        async def ping(self, message: PingMessage) -> PongMessage:
            return PongMessage()

    class Passing(Pinged):
        groups = ["members"]
        passthrough_events = [Tick]

    class Handling(Pinged):
        groups = ["members"]

        @event_handler
        async def tick(self, event: Tick) -> Tick:
            return event

    # Given many connections in a group
    async def member(number: int) -> None:
        opening = iter([{"type": "websocket.connect"}])

        async def receive() -> dict[str, Any]:
            if (message := next(opening, None)) is not None:
                return message
            await left.wait()
            return {"type": "websocket.disconnect", "code": 1000}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                if not served:  # the first one's frame: now somebody else asks for something
                    pings.put_nowait({"type": "websocket.receive", "text": '{"action":"ping"}'})
                served.append(number)
                if len(served) == MEMBERS:
                    left.set()
                    pings.put_nowait({"type": "websocket.disconnect", "code": 1000})

        await consumer(dict(SCOPE), receive, send)

    async def ponged(message: dict[str, Any]) -> None:
        if "pong" in message.get("text", ""):
            served_before_pong.append(len(served))

    chosen = Passing if is_passed_on else Handling
    consumer = chosen.as_asgi()
    running_ones = [asyncio.create_task(member(number)) for number in range(MEMBERS)]
    running_ones.append(asyncio.create_task(Pinged.as_asgi()(dict(SCOPE), pings.get, ponged)))
    async with asyncio.timeout(SECONDS):
        for _ in running_ones:
            await are_in.acquire()

        # When they are sent an event, at whose beginning another connection sends a ping
        await chosen.broadcast_event(Tick(payload=TickPayload(number=0)), "members")
        await asyncio.gather(*running_ones)

    # Then that is answered long before the last of them is served
    assert len(served) == len(set(served)) == MEMBERS
    assert len(served_before_pong) == 1
    assert served_before_pong[0] < MEMBERS / 4
