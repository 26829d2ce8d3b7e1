"""One execution of a task of a job: what it reports, what it publishes, and how it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from celery.exceptions import Ignore

from chanx.bridge import outcome
from chanx.bridge.context import JobContext
from chanx.bridge.entry import Suspect
from chanx.bridge.events import JobEvent, JobRetrying, JobStarted
from chanx.bridge.installed import Bridge
from chanx.bridge.reach import Reach
from chanx.bridge.reporter import JobReporter
from chanx.bridge.scope import PublishScope, current_scope
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.worker.job import Job
from chanx.errors import JobCancelled

HELPERS: Final = frozenset({"celery.chord_unlock", "celery.backend_cleanup"})
"""Tasks of Celery's own that say nothing to whoever watches a job."""

_NOWHERE: Final = NowhereTransport()
_RUN = "chanx_run"
_JOB = "chanx_job"


class PlainTaskCancelled(Ignore, JobCancelled):
    """The cancellation of a task that is no ``JobTask``: anything but an ``Exception`` would end its process."""


class Run(PublishScope):
    """Made at a task's prerun. It ends once; the job waits for it until then.

    In eager mode, one that is a part of what replaces a task only tells of itself: the replaced task has the outcome.
    """

    def __init__(self, bridge: Bridge, context: JobContext, task: Any) -> None:
        super().__init__(bridge.transport, replace(context, begun=True))
        request = task.request
        self.task_id: str = request.id
        self.running = self.task_id
        self.task_name: str = task.name
        self.is_eager = bool(request.is_eager)
        self._is_begun = context.begun
        self._is_part = self.is_eager and not context.publish_id and _is_under(request.id)
        self.reporter = JobReporter(
            bridge.transport,
            job_id=context.job_id,
            task_id=request.id,
            attempt=attempt_of(request),
            is_member=context.canvas or context.is_root(request.id),
            of_run=not self._is_part,
        )
        self.job = Job(
            self.reporter,
            reach=Reach(bridge.transport, context),
            in_canvas=context.canvas,
            cancelled=JobCancelled if getattr(task, "handles_cancellation", False) else PlainTaskCancelled,
        )
        self.is_ended = False
        setattr(request, _RUN, self)

    def start(self) -> None:
        """Makes this run the current one of its task, and tells of it."""
        if self._is_helper:
            return
        if self.context.canvas and not self._is_begun:
            self.reporter.send(JobStarted(), only_if_queued=True)
        self.reporter.send(self._told(JobStarted()), claims=not self._is_part)

    def end(self, event: JobEvent) -> None:
        """Tells how the run ended; ``event`` as if its task were the whole job."""
        if self.is_ended:
            return
        self.is_ended = True
        if self._is_helper:
            self.give_up()
        elif self._is_part:
            self.job.finish(self._told(event))
        elif not isinstance(event, JobRetrying):
            self.job.finish(self._told(event), ending=outcome.ending_of(event, self.context.publish_id))
        elif self.is_eager:
            # The next attempt is no message of its own: it goes on with this one's headers.
            self.job.finish(self._told(event))
        else:
            # The next attempt may have begun already, and then it is the current run.
            self.job.finish(self._told(event), task_id="", ending=outcome.ending_of(event, self.context.publish_id))

    def give_up(self) -> None:
        """The run ends without a word: others of the job go on in its place."""
        self.is_ended = True
        self.close(*filter(None, [self.context.publish_id]), noticed_by=self.reporter.origin)

    def suspect(self) -> None:
        """The run stopped without saying how; somebody else may know, or ends it later."""
        self.transport.suspect(
            Suspect(
                job_id=self.context.job_id,
                publish_id=self.context.publish_id,
                task_id=self.task_id,
                task_name=self.task_name,
                attempt=self.reporter.origin.attempt,
            )
        )

    @property
    def _is_helper(self) -> bool:
        return self.task_name in HELPERS

    def _told(self, event: JobEvent) -> JobEvent:
        if self._is_part:
            return outcome.as_nested(event, self.task_name)
        return outcome.as_told(event, self.context, task_id=self.task_id, task_name=self.task_name)


def _is_under(task_id: str) -> bool:
    """Whether the code runs inside of a run of this task: what replaces an eager task runs there, under its id."""
    enclosing = current_scope()
    return isinstance(enclosing, Run) and enclosing.task_id == task_id


def run_of(request: Any) -> Run | None:
    """The run of a Celery request that is executed in this process; None for one that belongs to no job."""
    run = getattr(request, _RUN, None)
    return run if isinstance(run, Run) else None


def context_of(request: Any) -> JobContext | None:
    """The job context in the headers of a Celery request."""
    return JobContext.from_headers(getattr(request, "headers", None))


def attempt_of(request: Any) -> int:
    """1 for the first attempt of a task."""
    return (getattr(request, "retries", 0) or 0) + 1


def job_of(task: Any) -> Job:
    """The job of the task's current request; one that reports to nobody if the request belongs to none."""
    request = task.request
    run = run_of(request)
    if run is not None:
        return run.job
    job = getattr(request, _JOB, None)
    if not isinstance(job, Job):
        job = null_job(str(request.id))
        setattr(request, _JOB, job)
    return job


def null_job(task_id: str = "") -> Job:
    """A job for code that runs without one: everything works, nothing is sent."""
    return Job(JobReporter(_NOWHERE, job_id="", task_id=task_id, attempt=1))
