"""Jobs of a generated client: their state, result and cancelling, and lists of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from chanx.client_generator.base import (
    AccessDeniedError,
    AnswerTimeoutError,
    JobCancelledError,
    JobClosedError,
    JobFailedError,
    JobPosition,
    JobRefusedError,
    JobReset,
    UnknownMessage,
)
from tests.unit.client_generator.base.fakes import run, settled
from tests.unit.client_generator.base.job_server import JobServer
from tests.unit.client_generator.base.messages import Line, Progress, Site, Succeeded


def test_events_come_typed_and_end_with_the_job() -> None:
    async def main() -> None:
        server = JobServer()
        server.append()
        async with Site(server.network) as client:
            job, seen = client.job("a"), list[Any]()
            assert (job.id, job.topic, job.state, job.ended, job.position) == ("a", "job:a", "connecting", False, None)
            async for event in job:
                seen.append(event)
                if isinstance(event, Line):
                    server.report(0.5)
                elif isinstance(event, Progress):
                    assert job.progress == {"fraction": 0.5}
                    assert job.position == JobPosition("1", 1)
                    server.append("own_event", {"x": 1})
                elif isinstance(event, UnknownMessage):
                    server.append("job_succeeded", {"result": {"rows": 3}, "result_omitted": False})
            assert [type(event) for event in seen] == [Line, Progress, UnknownMessage, Succeeded]
            assert (seen[2].action, seen[2].content["payload"]) == ("own_event", {"x": 1})
            assert await job.result() == {"rows": 3}
            assert (job.state, job.ended, job.position) == ("succeeded", True, JobPosition("1", 3))
            assert job.snapshot is not None
            assert job.snapshot.fields["result"] == {"rows": 3}

    run(main())


def test_the_result_alone_reads_no_events() -> None:
    async def main() -> None:
        server = JobServer()
        for _ in range(400):
            server.append()
        async with Site(server.network) as client:
            waiting = asyncio.create_task(client.job({"job_id": "a"}).result())
            await settled()
            assert [frame.get("payload") for frame in server.network.last.sent("subscribe")] == [
                None,
                {"epoch": "1", "after": 400},
            ]
            server.append("job_succeeded", {"result": 7})
            assert await waiting == 7
        assert server.network.last.sent("ack") == []

    run(main())


def test_a_job_that_has_ended_long_ago() -> None:
    async def main() -> None:
        server = JobServer()
        for _ in range(20):
            server.append()
        server.append("job_succeeded", {"result": 7, "result_omitted": True})
        async with Site(server.network) as client:
            job = client.job("a")
            assert await job.result() is None
            assert len([event async for event in job]) == 21
            assert len([event async for event in job]) == 21
            assert await job.cancel() == "succeeded"

    run(main())


def test_a_job_that_failed_or_was_cancelled() -> None:
    async def main() -> None:
        server = JobServer()
        async with Site(server.network) as client:
            failed = asyncio.create_task(client.job("a").result())
            await settled()
            error = {"message": "The file is empty.", "code": "EmptyFile", "reference": "t1"}
            server.append("job_failed", {"error": error})
            with pytest.raises(JobFailedError, match=r"The file is empty\.") as raised:
                await failed
            assert (raised.value.code, raised.value.reference, raised.value.job_id) == ("EmptyFile", "t1", "a")

        server = JobServer()
        async with Site(server.network) as client:
            cancelled = asyncio.create_task(client.job("a").result())
            await settled()
            server.append("job_cancel_requested", {"reason": "enough"})
            server.append("job_cancelled", {"reason": None})
            with pytest.raises(JobCancelledError, match="enough"):
                await cancelled

    run(main())


def test_a_result_has_a_deadline() -> None:
    async def main() -> None:
        async with Site(JobServer().network) as client:
            with pytest.raises(AnswerTimeoutError, match="The job a has not ended within 5 seconds"):
                await client.job("a").result(timeout=5)

    run(main())


def test_another_s_job() -> None:
    async def main() -> None:
        server = JobServer()
        server.refusals = [{"reason": "unauthorized", "detail": "There is no such job."}]
        async with Site(server.network) as client:
            job = client.job("a")
            for call in (job.result(), job.cancel(), anext(job.events())):
                server.refusals = [{"reason": "unauthorized", "detail": "There is no such job."}]
                with pytest.raises(JobRefusedError, match="no such job") as refused:
                    await call
                assert (refused.value.reason, job.state) == ("unauthorized", "refused")

    run(main())


def test_tokens_go_with_every_subscription() -> None:
    tokens = iter(["one", "two", "three"])

    async def fresh() -> str:
        return next(tokens)

    async def main() -> None:
        server = JobServer()
        server.append()
        async with Site(server.network) as client:
            job = client.job("a", token=fresh)
            assert isinstance(await anext(job.events()), Line)
            server.drop_all()
            await asyncio.sleep(2)
            last = server.network.last.sent("subscribe")[0]["payload"]
            assert last["token"] in {"two", "three"}

    run(main())


@pytest.mark.parametrize("is_async", [False, True])
def test_without_a_token_it_is_tried_again_later(is_async: bool) -> None:
    answers: list[str | None] = [None, "two"]

    def token() -> str:
        answer = answers.pop(0)
        if answer is None:
            raise OSError("the service that signs is away")
        return answer

    async def fresh() -> str:
        return token()

    async def main() -> None:
        server = JobServer()
        server.append("job_succeeded", {"result": 7})
        async with Site(server.network) as client:
            assert await client.job("a", token=fresh if is_async else token).result(timeout=5) == 7
        assert [frame["payload"]["token"] for frame in server.network.last.sent("subscribe")] == ["two"]

    run(main())


def test_cancelling_is_asked_again_after_a_lost_connection() -> None:
    async def main() -> None:
        server = JobServer()
        async with Site(server.network) as client:
            job = client.job("a")
            assert await job.cancel("enough") == "started"
            server.drop_all()
            assert await job.cancel() == "started"
        first, second = (socket.sent("cancel")[0] for socket in server.network.sockets)
        assert (first["payload"], second["payload"]) == ({"reason": "enough"}, {})

    run(main())


def test_a_log_that_does_not_reach_back_says_so() -> None:
    async def main() -> None:
        server = JobServer()
        for _ in range(10):
            server.append()
        server.trim(6)
        server.append("job_succeeded", {"result": 1, "id": "last"})
        async with Site(server.network) as client:
            seen = [event async for event in client.job("a", position=JobPosition("1", 3))]
            assert isinstance(seen[0], JobReset)
            assert (seen[0].position, seen[0].snapshot.state) == (JobPosition("1", 6), "succeeded")
            assert len(seen) == 6

    run(main())


def test_closing_a_job_ends_its_loops() -> None:
    async def main() -> None:
        server = JobServer()
        async with Site(server.network) as client:
            job = client.job("a")

            async def loop() -> int:
                return len([event async for event in job])

            looping, waiting = asyncio.create_task(loop()), asyncio.create_task(job.result())
            await settled()
            job.close()
            assert await looping == 0
            with pytest.raises(JobClosedError):
                await waiting
            await settled()
            assert server.network.last.frames[-1]["action"] == "unsubscribe"

    run(main())


def test_leaving_a_loop_leaves_nothing_behind() -> None:
    async def main() -> None:
        server = JobServer()
        server.append()
        async with Site(server.network) as client:
            job = client.job("a")
            async for event in job:
                assert isinstance(event, Line)
                break
            await settled()
            assert [type(reader).__name__ for reader in client._jobs["job:a"]._readers] == ["Follower"]

    run(main())


def test_the_end_of_the_connection_is_that_of_its_jobs() -> None:
    async def main() -> None:
        server = JobServer()
        async with Site(server.network) as client:
            job = client.job("a")
            looping = asyncio.create_task(anext(job.events()))
            await settled()
            server.network.last.drop(4401)
            for call in (looping, job.result(), job.cancel()):
                with pytest.raises(AccessDeniedError):
                    await call

        client = await Site(JobServer().network).connect()
        job = client.job("a")
        waiting = asyncio.create_task(job.result())
        await settled()
        await client.close()
        with pytest.raises(JobClosedError):
            await waiting

    run(main())


def test_a_loop_that_is_slow_has_at_most_five_hundred_events_waiting_for_it() -> None:
    async def main() -> None:
        server = JobServer()
        for _ in range(3000):
            server.append()
        async with Site(server.network) as client:
            events = client.job("a").events()
            for number in range(1, 1001):
                event = await anext(events)
                assert isinstance(event, Line)
                assert event.payload["id"] == f"1/{number}"
            await settled()
            acked = [frame["payload"]["seq"] for frame in server.network.last.sent("ack")]
            assert acked == list(range(100, 1001, 100))
            await events.aclose()

    run(main())


@pytest.mark.parametrize("ref", ["", None, {"id": "a"}, 7])
def test_what_names_no_job(ref: Any) -> None:
    async def main() -> None:
        async with Site(JobServer().network) as client:
            with pytest.raises(ValueError, match="names no job"):
                client.job(ref)

    run(main())
