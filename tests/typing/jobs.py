"""How jobs look to a type checker, from who starts them and from a task: checked in strict mode, never run."""

from typing import Any, Literal, assert_type

from celery import Celery, chain, chord, group
from celery.signals import task_failure, task_success

from chanx.bridge import Job, StartedJob, current_job, detach, install, start_job, start_job_sync
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
