"""How jobs look to a type checker, from who starts them and from a task: checked in strict mode, never run."""

from collections.abc import Mapping
from typing import Any, Literal, assert_type

from celery import Celery, chain, chord, group
from celery.signals import task_failure, task_success
from fastapi import FastAPI, Request

from chanx.bridge import (
    Job,
    JobAction,
    JobListTopic,
    JobSnapshot,
    JobTopic,
    StartedJob,
    current_job,
    detach,
    install,
    start_job,
    start_job_sync,
)
from chanx.bridge.states import JobState
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.fast_channels.jobs import jobs_router, static_files
from chanx.messages.base import BaseMessage

app = Celery("typed")
bridge = install(app, store="redis://localhost", watch=["reports.*"], owner=lambda name, args, kwargs: kwargs["user"])


class Note(BaseMessage):
    action: Literal["note"] = "note"
    payload: None = None


@app.task
def add(x: int, y: int) -> int:
    current_job().notify(Note(), groups=["staff"])
    current_job().reply(Note())
    return x + y


@bridge.on_signal(task_success, sender=add)
def tell_staff(result: int, **_: Any) -> tuple[Note, list[str]]:
    return Note(), ["staff"]


@bridge.on_signal(task_failure)
def tell_owner(**_: Any) -> Note | None:
    return None


def start() -> None:
    assert_type(start_job_sync(add, 1, 2, owner="user:1", groups=["team"], reply_to="specific.x"), StartedJob)
    start_job_sync(add.s(1, 2), owner="user:1", idempotency_key="once")
    start_job_sync(chain(add.s(1, 2), add.s(3)), owner="user:1", on_commit=True)
    start_job_sync(group([add.s(1, 2), add.s(3, 4)]), owner="user:1")
    start_job_sync(chord([add.s(1, 2), add.s(3, 4)], add.s(5)), owner="user:1")
    with detach():
        add.delay(1, 2)


async def start_asynchronously() -> None:
    assert_type(await start_job(add, 1, 2, owner="user:1"), StartedJob)


assert_type(current_job(), Job)
assert_type(tell_staff(result=1), tuple[Note, list[str]])


def only_staff(job: JobSnapshot, scope: Mapping[str, Any]) -> bool | set[JobAction]:
    return {"subscribe"} if scope["user"].is_staff else False


async def projects_of(scope: Mapping[str, Any]) -> list[str]:
    return ["project:7"]


shared = install(
    app,
    store="redis://localhost",
    authorize=only_staff,
    watches_as=projects_of,
    secret=["a new secret …", "an old one …"],
)
start_job_sync(add, 1, 2, owner="user:1", watchers=["project:7"])
assert_type(shared.cancel("job", reason="enough", terminate_after=10), JobState)
assert_type(shared.job("job"), JobSnapshot)
assert_type(shared.jobs_of("user:1", limit=10), list[JobSnapshot])
shared.delete("job")
assert_type(shared.token("job", actions=("subscribe", "cancel"), expires_in=60), str)


class StaffJobs(JobTopic):
    async def allows(self, job: JobSnapshot, action: JobAction) -> bool:
        return action == "subscribe" or await super().allows(job, action)

    async def watches_as(self) -> list[str]:
        return [*await super().watches_as(), "project:7"]


class Site(AsyncJsonWebsocketConsumer):
    topics = [StaffJobs, JobListTopic]


def current_user(request: Request) -> str | None:
    return request.headers.get("x-user")


site = FastAPI()
site.include_router(jobs_router(shared, user=current_user), prefix="/jobs")
site.mount("/chanx", static_files())
