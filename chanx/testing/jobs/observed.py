"""A job as a test looks at it: how it stands, its events, and what it came to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from chanx.bridge.cancelling import job_not_found
from chanx.bridge.events import ErrorPayload
from chanx.bridge.installed import Bridge
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.core.rekeying import decoded
from chanx.errors import JobError
from chanx.testing.jobs.events import JobEvents
from chanx.testing.jobs.recorded import Recorded
from chanx.testing.jobs.store import RecordingStore

_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class ObservedJob:
    """``snapshot`` is the job as it stood when it was looked at, ``events`` what it has told.

    ``exception`` is the last one that a task of the job has raised in this process, and None otherwise.
    """

    snapshot: JobSnapshot
    events: JobEvents
    exception: BaseException | None = None

    @property
    def job_id(self) -> str:
        return self.snapshot.job_id

    @property
    def state(self) -> JobState:
        return self.snapshot.state

    @property
    def result(self) -> Any:
        """What the job returned, as JSON data; ``AssertionError`` for one that has not succeeded."""
        __tracebackhide__ = True
        if self.state is not JobState.SUCCEEDED:
            raise AssertionError(f"{self._came_to()}\n{self.events!r}") from _from_the_task_on(self.exception)
        return self.snapshot.fields.get("result")

    @property
    def error(self) -> ErrorPayload | None:
        """What the people who watch are told of the job's failure; None for one that has not failed."""
        error = self.snapshot.fields.get("error")
        return None if error is None else ErrorPayload.model_validate(error)

    def output(self, stream: str = "stdout") -> str:
        """The whole text that the job has put out on a stream."""
        return self.events.output(stream)

    def _came_to(self) -> str:
        if not self.state.is_terminal:
            return f"The job {self.job_id} has not ended: it is {self.state}."
        told = f": {self.error.message!r} ({self.error.code})" if self.error else ""
        raised = self.exception if not isinstance(self.exception, JobError) else None  # whose text is what is told
        because = f", because of {type(raised).__name__}: {raised}" if raised is not None else ""
        return f"The job {self.job_id} has {self.state}{told}{because}" if told else f"The job was {self.state}."


def _from_the_task_on(error: BaseException | None) -> BaseException | None:
    """Without the frames of Celery before the task's own, whose source would be pages of the report."""
    traceback = error.__traceback__ if error else None
    while traceback is not None and _is_around_tasks(traceback.tb_frame.f_globals.get("__name__", "")):
        traceback = traceback.tb_next
    return error if error is None or traceback is None else error.with_traceback(traceback)


def _is_around_tasks(module: str) -> bool:
    return module.startswith(("celery.", "chanx."))


def observed(bridge: Bridge, job_id: str) -> ObservedJob:
    """The job as it stands now. Raises :class:`~chanx.errors.JobNotFoundError`."""
    store = bridge.store
    snapshot = store.snapshot(job_id)
    if snapshot is None:
        raise job_not_found(job_id)
    if isinstance(store, RecordingStore):
        failures = store.failures.get(job_id)
        return ObservedJob(snapshot, JobEvents(store.recorded, job_id=job_id), failures[-1] if failures else None)
    return ObservedJob(snapshot, JobEvents(list(_in_log(store, job_id))))


def _in_log(store: JobStore, job_id: str) -> Iterator[Recorded]:
    after = 0
    while (page := store.read(job_id, after=after, limit=_PAGE)) and page.entries:
        for entry in page.entries:
            yield Recorded(job_id, str(decoded(entry.event).get("action", "")), entry.event)
        after = page.entries[-1].seq
