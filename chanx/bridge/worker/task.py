"""The Celery task base class that gives a task its job."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from celery import Task
from celery.exceptions import Ignore

from chanx.bridge import outcome
from chanx.bridge.worker.job import Job
from chanx.bridge.worker.run import job_of, run_of
from chanx.errors import JobCancelled, JobError

if TYPE_CHECKING:
    _Task = Task[Any, Any]
else:
    _Task = Task  # generic in its type stubs only


class JobTask(_Task):
    """A task with ``self.job``::

        @app.task(bind=True, base=JobTask)
        def import_csv(self, upload_id: str) -> int:
            for row in self.job.track(rows(upload_id)): ...

    Start it with :func:`chanx.bridge.start_job`. Called or sent in any other way it runs as an ordinary task, and what
    it reports goes nowhere. A :class:`~chanx.errors.JobError` is among what it ``throws``, whatever else is: Celery
    logs it in a line, as expected, without a traceback.
    """

    abstract = True
    handles_cancellation = True
    throws: tuple[type[Exception], ...] = (JobError,)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        own: Any = cls.__dict__.get("throws")
        if own is not None:
            cls.throws = (*(own if isinstance(own, Iterable) else (own,)), JobError)

    @property
    def job(self) -> Job:
        """The job of the run that is going on."""
        return job_of(self)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the task, unless its job was cancelled before; a cancelled run is stored as REVOKED."""
        request: Any = self.request
        if request.called_directly:
            return cast(object, super().__call__(*args, **kwargs))
        try:
            if self.job.should_abort():
                raise JobCancelled
            return cast(object, self.run(*args, **kwargs))
        except JobCancelled:
            run = run_of(request)
            if run is not None:
                run.end(outcome.cancelled())
            # Last, because a result backend that is away raises: the task then fails, the job was cancelled.
            self.backend.mark_as_revoked(request.id, "the job was cancelled", request=request)
            raise Ignore from None
