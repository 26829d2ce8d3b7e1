"""The runtime of generated Python clients against a real site and a real worker, which go away in the middle."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from chanx.bridge import install
from chanx.client_generator.base import (
    AccessDeniedError,
    BaseJob,
    BaseTopicConnection,
    BaseTopicHandle,
    ErrorMessage,
    JobCancelledError,
    JobList,
    JobPosition,
    JobRefusedError,
    JobReset,
    NotConnectedError,
    ProtocolMessage,
    ProtocolModel,
    RequestRefusedError,
    UnknownMessage,
)
from chanx.testing.redis_server import redis_server
from tests.benchmarks.job_sites import Site as Server
from tests.integration.python_client_app import app
from tests.integration.worker_process import worker
from tests.ports import free_port


class Ping(ProtocolMessage):
    action: Literal["ping"] = "ping"


class Pong(ProtocolMessage):
    action: Literal["pong"] = "pong"
    payload: None = None


class StartCount(ProtocolMessage):
    action: Literal["start_count"] = "start_count"
    payload: tuple[int, int, str]


class Ref(ProtocolModel):
    job_id: str
    topic: str


class Accepted(ProtocolMessage):
    action: Literal["accepted"] = "accepted"
    payload: Ref


class Say(ProtocolMessage):
    action: Literal["say"] = "say"
    payload: str


class Said(ProtocolMessage):
    action: Literal["said"] = "said"
    payload: str


class Opened(ProtocolModel):
    members: int


class Counted(ProtocolMessage):
    action: Literal["counted"] = "counted"
    payload: int


class Progress(ProtocolMessage):
    action: Literal["job_progress"] = "job_progress"
    payload: dict[str, Any]


class Succeeded(ProtocolMessage):
    action: Literal["job_succeeded"] = "job_succeeded"
    payload: dict[str, Any]


class CountJob(BaseJob[Counted | Progress | Succeeded]):
    received = (Counted, Progress, Succeeded)


class Room(BaseTopicHandle[Said, Any, Opened]):
    pattern = "room:{id}"
    received = (Said,)
    subscribed_type = Opened


class Site(BaseTopicConnection[Pong | Accepted]):
    path = "/ws/"
    received = (Pong, Accepted)

    def room(self, id: str) -> Room:
        return self._topic(Room, {"id": id})

    def job(self, ref: Ref | str, position: JobPosition | None = None) -> CountJob:
        return self._job(CountJob, ref, position=position)

    def jobs(self, owner: str = "me") -> JobList:
        return self._job_list("jobs:{owner}", owner)

    async def count(self, first: int, last: int, gate: Path) -> CountJob:
        await self.send_message(StartCount(payload=(first, last, str(gate))))
        return self.job((await self.wait_for(Accepted)).payload)


class ClosedSite(Site):
    path = "/ws/closed/"


class RoomSite(BaseTopicConnection[Any]):
    path = "/ws/room/{id}/"
    is_dedicated = True

    def room(self) -> Room:
        return self._topic(Room)


@pytest.fixture(scope="module")
def redis() -> Iterator[str]:
    with redis_server(private=True) as server:
        app.conf.update(broker_url=server.url, result_backend=server.url)
        bridge = install(app, store=server.url)
        yield server.url
        bridge.store.close()
        app.pool.force_close_all()
        app.close()


@pytest.fixture(scope="module")
def counting(redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    log = tmp_path_factory.mktemp("worker") / "worker.log"
    with worker("tests.integration.python_client_app", app, redis, log=log):
        yield


def started(name: str, redis: str) -> Iterator[Server]:
    server = Server(name, "tests.integration.python_client_app:application", redis)
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module", params=["Daphne", "uvicorn"])
def server(redis: str, request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from started(request.param, redis)


@pytest.fixture(params=["Daphne", "uvicorn"])
def mortal(redis: str, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that a test may kill and start again."""
    yield from started(request.param, redis)


def address(server: Server) -> str:
    return f"127.0.0.1:{server.port}"


@pytest.mark.usefixtures("counting")
async def test_a_job_is_followed_while_its_site_is_killed(mortal: Server, tmp_path: Path) -> None:
    async with asyncio.timeout(90), Site(address(mortal)) as client:
        # Given a job that waits in its middle
        gate = tmp_path / "gate"
        job = await client.count(700, 2000, gate)
        counted, kinds = list[int](), set[type]()

        # When the site is killed while a loop reads, and comes back while the job goes on
        async for event in job:
            kinds.add(type(event))
            assert not isinstance(event, JobReset)
            if isinstance(event, Counted):
                counted.append(event.payload)
                if event.payload == 650:
                    await asyncio.to_thread(mortal.kill)
                    gate.touch()
                    await asyncio.to_thread(mortal.start)

        # Then it has had every event once, in order, and the result
        assert counted == list(range(2000))
        assert kinds >= {Counted, Succeeded, UnknownMessage}  # job_queued is one that this client does not know
        assert await job.result() == {"counted": 2000}
        assert (job.state, (job.progress or {})["fraction"]) == ("succeeded", 1.0)
        last = job.position

    # And a program that kept its position goes on from there
    assert last is not None
    async with asyncio.timeout(30), Site(address(mortal)) as client:
        later = client.job(job.id, position=JobPosition(last.epoch, last.seq - 3))
        rest = [event async for event in later]
        assert [type(event) for event in rest] == [Counted, Counted, Succeeded]


@pytest.mark.usefixtures("counting")
async def test_jobs_are_listed_and_cancelled(server: Server, tmp_path: Path) -> None:
    async with asyncio.timeout(60), Site(address(server)) as client:
        jobs = client.jobs()
        assert all(listed.owner == "user:1" for listed in await anext(jobs))
        job = await client.count(1, 10, tmp_path / "gate")
        async for listed in jobs:
            if any(one.job_id == job.id and one.state == "started" for one in listed):
                break
        assert await job.cancel("enough") == "started"
        (tmp_path / "gate").touch()
        with pytest.raises(JobCancelledError, match="enough"):
            await job.result()
        async for listed in jobs:
            if any(one.job_id == job.id and one.state == "cancelled" for one in listed):
                break
        with pytest.raises(JobRefusedError):
            await client.job("0" * 32).result()
        with pytest.raises(JobRefusedError):
            await anext(client.jobs("user:2"))


async def test_messages_and_topics(server: Server) -> None:
    async with asyncio.timeout(60), Site(f"http://{address(server)}") as client:
        await client.send_message(Ping())
        assert await anext(client) == Pong()
        await client.send_message(Say(payload="no handler"))
        assert isinstance(await anext(client), ErrorMessage)

        room = client.room("5")
        assert await room.subscribe() == Opened(members=1)
        assert await room.request(Say(payload="hi"), Said) == Said(payload="HI")
        assert await anext(room) == Said(payload="all: hi")
        assert room.seq == 7
        with pytest.raises(RequestRefusedError, match="Failed to process message for say"):
            await room.request(Say(payload="boom"), Said)
        with pytest.raises(RequestRefusedError, match="does not match"):
            await room.request(Ping(), Pong)
        with pytest.raises(RequestRefusedError, match="for its members") as refused:
            await client.room("secret").subscribe()
        assert refused.value.reason == "members_only"
        await room.unsubscribe()


async def test_a_topic_at_an_address_of_its_own(server: Server) -> None:
    async with asyncio.timeout(60):
        async with RoomSite(address(server), path_params={"id": "a b"}) as client, client.room() as room:
            assert await room.request(Say(payload="hi"), Said) == Said(payload="HI")
            assert await anext(room) == Said(payload="all: hi")
        async with RoomSite(address(server), path_params={"id": "secret"}) as client:
            with pytest.raises(RequestRefusedError, match="for its members"):
                await client.room().subscribe()


async def test_who_is_not_let_in(server: Server) -> None:
    async with asyncio.timeout(60):
        async with ClosedSite(address(server)) as client:
            with pytest.raises(AccessDeniedError, match="Members only") as denied:
                await client.room("5").subscribe()
            assert denied.value.status == 403
        nowhere = f"127.0.0.1:{free_port()}"
        with pytest.raises(NotConnectedError, match=f"ws://{nowhere}/ws/ cannot be reached"):
            await Site(nowhere).connect()
