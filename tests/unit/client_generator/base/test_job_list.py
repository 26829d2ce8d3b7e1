"""A list of jobs of a generated client."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chanx.client_generator.base import JobRefusedError
from chanx.client_generator.base.job_list import MOST
from tests.unit.client_generator.base.fakes import FakeNetwork, FakeSocket, Frame, run, settled, snapshot
from tests.unit.client_generator.base.messages import Site


def listed(number: int, **more: Any) -> dict[str, Any]:
    created = f"2026-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}Z"
    return snapshot(job_id=f"j{number}", created_at=created, omitted_fields=[], **more)


class ListServer:
    """Has so many jobs, and gives them by twos."""

    def __init__(self, jobs: int = 0) -> None:
        self.network = FakeNetwork(self.hear)
        self.jobs = [listed(number) for number in range(jobs, 0, -1)]
        self.refusal: Any = None

    def hear(self, socket: FakeSocket, frame: Frame) -> None:
        if frame["action"] == "unsubscribe":
            socket.answer(frame, "unsubscribed")
        elif self.refusal is not None:
            socket.answer(frame, "error", self.refusal)
        else:
            asked = frame.get("payload") or {}
            last = asked.get("before", "9").replace("+00:00", "Z"), asked.get("before_id", "")
            older = [job for job in self.jobs if (job["created_at"], job["job_id"]) < last]
            socket.answer(frame, "subscribed", {"jobs": older[:2], "more": len(older) > 2})

    def tell(self, action: str, payload: Any) -> None:
        self.network.last.say({"version": 1, "topic": "jobs:me", "action": action, "payload": payload})


def test_jobs_come_change_and_go() -> None:
    async def main() -> None:
        server = ListServer(1)
        async with Site(server.network) as client:
            jobs = client.jobs()
            assert jobs.jobs == []
            assert [(job.job_id, job.state) for job in await anext(jobs)] == [("j1", "started")]
            server.tell("job_changed", {"job": listed(2)})
            assert [job.job_id for job in await anext(jobs)] == ["j2", "j1"]
            server.tell("job_changed", {"job": listed(1, seq=5, state="succeeded")})
            server.tell("job_changed", {"job": listed(1, seq=4)})  # older than that
            server.tell("job_removed", {"job_id": "j2"})
            server.tell("job_removed", {"job_id": "j7"})
            server.tell("something_new", 1)
            await settled()
            assert [(job.job_id, job.state) for job in await anext(jobs)] == [("j1", "succeeded")]
            with pytest.raises(TimeoutError):  # nothing else has changed
                await asyncio.wait_for(anext(jobs), 60)

    run(main())


def test_jobs_of_the_same_time_are_all_there() -> None:
    async def main() -> None:
        server = ListServer(5)
        for job in server.jobs:
            job["created_at"] = "2026-01-01T00:00:00Z"
        async with Site(server.network) as client:
            jobs = client.jobs()
            seen = [[job.job_id for job in await anext(jobs)]]
            while jobs.has_more:
                jobs.more()
                seen.append([job.job_id for job in await anext(jobs)])
            assert seen == [["j5", "j4"], ["j5", "j4", "j3", "j2"], ["j5", "j4", "j3", "j2", "j1"]]

    run(main())


def test_older_jobs_are_asked_for_and_are_there_again_after_a_lost_connection() -> None:
    async def main() -> None:
        server = ListServer(5)
        async with Site(server.network) as client:
            jobs = client.jobs()
            assert (len(await anext(jobs)), jobs.has_more) == (2, True)
            jobs.more()
            assert [job.job_id for job in await anext(jobs)] == ["j5", "j4", "j3", "j2"]
            server.network.last.drop()
            server.jobs.insert(0, listed(6))
            await asyncio.sleep(2)
            assert [job.job_id for job in jobs.jobs] == ["j6", "j5", "j4", "j3"]
            jobs.more()
            await settled()
            assert (len(jobs.jobs), jobs.has_more) == (6, False)
            jobs.more()
            await settled()
            assert len(server.network.last.sent("subscribe")) == 3

    run(main())


def test_the_newest_are_kept() -> None:
    async def main() -> None:
        server = ListServer()
        async with Site(server.network) as client:
            jobs = client.jobs()
            await anext(jobs)
            for number in range(MOST + 5):
                server.tell("job_changed", {"job": listed(number)})
            await settled()
            assert [job.job_id for job in jobs.jobs] == [f"j{number}" for number in range(MOST + 4, 4, -1)]

    run(main())


def test_another_s_list() -> None:
    async def main() -> None:
        server = ListServer()
        server.refusal = {"reason": "unauthorized", "detail": "There is no such list."}
        async with Site(server.network) as client:
            with pytest.raises(JobRefusedError, match="no such list"):
                await anext(client.jobs("user:2"))

    run(main())


def test_two_look_at_one_list_and_the_last_one_ends_it() -> None:
    async def main() -> None:
        server = ListServer(1)
        async with Site(server.network) as client:
            one, other = client.jobs(), client.jobs()
            assert await anext(one) == await anext(other)
            ending = asyncio.create_task(anext(one))
            await settled()
            one.close()
            with pytest.raises(StopAsyncIteration):
                await ending
            assert server.network.last.sent("unsubscribe") == []
            other.close()
            await settled()
            assert len(server.network.last.sent("unsubscribe")) == 1
            looping = client.jobs()
        assert [jobs async for jobs in looping] == []

    run(main())
