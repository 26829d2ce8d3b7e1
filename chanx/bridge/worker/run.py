"""One execution of a task of a job: what it reports, what it publishes, and how it ended."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Final

from celery.exceptions import Ignore

from chanx.bridge import outcome
from chanx.bridge.context import JobContext
from chanx.bridge.encoding import EntryTerms, Origin
from chanx.bridge.entry import Deadline, Ending, Execution
from chanx.bridge.events import JobEvent, JobRetrying, JobStarted
from chanx.bridge.installed import Bridge
from chanx.bridge.observer import PATIENCE
from chanx.bridge.reach import Reach
from chanx.bridge.reporter import JobReporter
from chanx.bridge.scope import PublishScope, current_scope
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.worker.job import Job
from chanx.bridge.worker.observed_run import ObservedRun
from chanx.bridge.worker_id import WORKER
from chanx.errors import JobCancelled
from chanx.telemetry import OBSERVERS, carrier

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
        self.execution = Execution(
            context.job_id,
            context.publish_id,
            self.task_id,
            self.task_name,
            self.reporter.origin.attempt,
            run_id=self.reporter.origin.run_id,
            acks_late=bool(getattr(task, "acks_late", False)),
            pid=os.getpid(),
            is_root=context.is_root(self.task_id),
        )
        self._worker = WORKER.current if context.publish_id else ""
        self.is_ended = False
        self._observed: ObservedRun | None = None
        self._eta: object = request.eta
        setattr(request, _RUN, self)

    def register(self, task_id: str) -> str:
        publish_id = super().register(task_id)
        self.reporter.has_strays = self.reporter.has_strays or not publish_id
        return publish_id

    def start(self) -> None:
        """Makes this run the current one of its task, and tells of it."""
        if self._is_helper:
            return
        if OBSERVERS:
            self._observed = ObservedRun(self.context, self.execution, eta=self._eta)
            self.reporter.trace = carrier()
        if self.context.canvas and not self._is_begun:
            self.reporter.send(JobStarted(), only_if_queued=True)
        started = self._told(JobStarted())
        if self._is_part:
            self.reporter.send(started)
        else:
            self.reporter.send(started, claims=True, worker=self._worker, execution=self.execution)

    def end(self, event: JobEvent) -> None:
        """Tells how the run ended; ``event`` as if its task were the whole job."""
        if self.is_ended:
            return
        self.is_ended = True
        if self._observed is not None:
            self._observed.outcome = event.state
        if self._is_helper:
            self.give_up()
        elif self._is_part:
            self.job.finish(self._told(event))
        elif self.is_eager and isinstance(event, JobRetrying):
            # The next attempt is no message of its own: it goes on with this one's headers.
            self.job.finish(self._told(event))
        else:
            self._tell_end(self._told(event), outcome.ending_of(event, self.context.publish_id))

    def _tell_end(self, told: JobEvent, ending: Ending) -> None:
        terms = EntryTerms(ending=ending, worker=self._worker)
        if ending.outcome == "none":
            # The next attempt may have begun already, and then it is the current run.
            terms["task_id"] = ""
        self.job.finish(told, **terms)
        if told.state and told.state.is_terminal:
            self._worker = ""  # the store has released it

    def give_up(self) -> None:
        """The run ends without a word: others of the job go on in its place."""
        self.is_ended = True
        self.close(*filter(None, [self.context.publish_id]), noticed_by=self.reporter.origin)

    def close(self, *others: str, noticed_by: Origin) -> None:
        super().close(*others, noticed_by=noticed_by)
        if self.is_ended:
            self.release()
        if self._observed is not None:
            self._observed.close()

    def expect_word(self) -> None:
        """The run stopped without saying how; its parent process may know, or others end it later."""
        self.transport.set_deadline(Deadline("stopped", self.execution), seconds=PATIENCE)
        self.release()

    def release(self) -> None:
        """The run is over, or in others' hands: nobody has to end it, should its worker die."""
        if self._worker:
            worker, self._worker = self._worker, ""
            self.transport.release(worker, [self.context.publish_id], run_id=self.execution.run_id)

    @property
    def _is_helper(self) -> bool:
        return self.task_name in outcome.HELPERS

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
