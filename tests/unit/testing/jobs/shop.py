"""A project's Celery app on servers that do not exist, and tasks of all kinds."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Literal

from celery import Celery
from pydantic import BaseModel

from chanx.bridge import Bridge, JobError, JobEvent, JobTask, install
from chanx.messages.base import BaseMessage

NOWHERE = "redis://127.0.0.1:1/0"


class RowPayload(BaseModel):
    line: int
    reason: str = "too short"


class RowRejected(JobEvent):
    action: Literal["row_rejected"] = "row_rejected"
    payload: RowPayload


class Plain(BaseMessage):
    """A message that is no job event."""

    action: Literal["plain"] = "plain"
    payload: dict[str, Any]


class Shop:
    """``app`` and its tasks."""

    def __init__(self) -> None:
        self.app = Celery("shop", broker=NOWHERE, backend=NOWHERE, set_as_current=False)
        self.bridge: Bridge = install(self.app, store=NOWHERE)
        self.import_rows = self.task(import_rows)
        self.fail = self.task(fail)
        self.refuse = self.task(refuse)
        self.repeat = self.task(repeat, max_retries=2)
        self.put_out = self.task(put_out)
        self.count = self.task(count)
        self.tell = self.task(tell)
        self.double = self.task(double)
        self.add = self.task(add)
        self.emit = self.task(emit)

    def task(self, function: Any, **options: Any) -> Any:
        decorate: Any = self.app.task(bind=True, base=JobTask, shared=False, **options)
        return decorate(function)


@contextmanager
def shop() -> Generator[Shop]:
    made = Shop()
    yield made
    made.app.close()


def import_rows(self: JobTask, lines: int) -> dict[str, int]:
    for line in self.job.track(range(1, lines + 1), unit="rows"):
        if line % 2 == 0:
            self.job.emit(RowRejected(payload=RowPayload(line=line)))
    return {"rows": lines}


def fail(self: JobTask) -> None:
    raise ValueError("a secret of the server")


def refuse(self: JobTask) -> None:
    raise JobError("The file is empty.", code="empty_file")


def repeat(self: JobTask) -> str:
    retries: int = self.request.retries
    if retries < 2:
        raise self.retry(countdown=0)
    return "done"


def put_out(self: JobTask, words: list[str]) -> None:
    for word in words:
        self.job.output(word)
        self.job.output("!", "stderr")


def count(self: JobTask, number: int) -> None:
    for word in range(number):
        self.job.output(str(word))


def tell(self: JobTask, **to: Any) -> None:
    self.job.notify(Plain(payload={"told": True}), **to)


def double(self: JobTask, number: int) -> int:
    return number * 2


def add(self: JobTask, numbers: list[int]) -> int:
    return sum(numbers)


def emit(self: JobTask, payload: dict[str, Any]) -> None:
    self.job.emit(Plain(payload=payload))
