"""How tests of jobs look to a type checker: checked in strict mode, never run."""

from typing import Literal, assert_type

from celery import Celery, chord

from chanx.bridge import JobEvent, StartedJob
from chanx.bridge.events import ErrorPayload, JobProgress, JobQueued, JobStarted, JobSucceeded
from chanx.bridge.states import JobState
from chanx.channels.testing import WebsocketCommunicator
from chanx.messages.base import BaseMessage
from chanx.testing.jobs import (
    JobEvents,
    JobWatcher,
    MemoryBridge,
    ObservedJob,
    like,
    wait_for_job,
    wait_for_job_async,
    watch_job,
)

app = Celery("typed")


class RowRejected(JobEvent):
    action: Literal["row_rejected"] = "row_rejected"
    payload: int


@app.task
def import_csv(path: str) -> int:
    return len(path)


def inline(memory_bridge: MemoryBridge) -> None:
    job = memory_bridge.run(import_csv, "a.csv", owner="user:7", cancel_after=like(JobProgress, fraction=0.5))
    memory_bridge.run(chord([import_csv.s("a.csv")], import_csv.s()), cancel_after=RowRejected)
    assert_type(job, ObservedJob)
    assert_type(job.state, JobState)
    assert_type(job.error, ErrorPayload | None)
    assert_type(job.events, JobEvents)
    assert_type(job.events[0], BaseMessage)
    assert_type(job.events.of_type(RowRejected), list[RowRejected])
    assert_type(job.output("stderr"), str)
    job.events.assert_sequence([JobQueued, JobStarted, ..., RowRejected(payload=3), like(JobProgress), JobSucceeded])


def elsewhere(job: StartedJob, memory_bridge: MemoryBridge) -> None:
    assert_type(wait_for_job(job, timeout=1), ObservedJob)
    assert_type(memory_bridge.job(job.ref), ObservedJob)
    assert_type(memory_bridge.told("staff"), JobEvents)
    with MemoryBridge(app, eager=False) as memory:
        assert_type(memory.cancel(job.job_id), JobState)


async def watching(client: WebsocketCommunicator, job: StartedJob) -> None:
    assert_type(await wait_for_job_async(job.job_id), ObservedJob)
    watcher = await watch_job(client, job)
    assert_type(watcher, JobWatcher)
    assert_type(await watcher.next(), BaseMessage)
    assert_type(await watcher.until(RowRejected), JobEvents)
    assert_type(await watcher.cancel(), JobState)
