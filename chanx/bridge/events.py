"""The events of a job: Pydantic messages that go into its log, and from there to everybody who watches it."""

from __future__ import annotations

from abc import ABC
from datetime import datetime
from typing import Any, ClassVar, Final, Literal

from pydantic import BaseModel, Field

from chanx.bridge.entry import Delivery
from chanx.bridge.states import JobState
from chanx.messages.base import BaseMessage, action_of


class JobEvent(BaseMessage, ABC):
    """The base of every job event; subclass it for your own and send it with ``self.job.emit(event)``.

    ``delivery`` says how it is delivered (see :data:`~chanx.bridge.entry.Delivery`). The fields below are filled in
    when the event is sent: which job, task, attempt and run it comes from, and when (UTC).
    """

    delivery: ClassVar[Delivery] = "log"
    state: ClassVar[JobState | None] = None

    job_id: str | None = None
    task_id: str | None = None
    attempt: int | None = None
    run_id: str | None = None
    time: datetime | None = None

    def patch(self) -> dict[str, Any]:
        """The snapshot fields this event sets. A ``latest`` event lives there, under its action; others set none."""
        if self.delivery == "latest":
            return {action_of(self): self.payload}
        return {}


class JobQueued(JobEvent):
    """The job exists and its task is on its way to a worker."""

    state = JobState.QUEUED
    action: Literal["job_queued"] = "job_queued"
    payload: None = None


class JobStarted(JobEvent):
    """A worker has begun to run the job's task: for the first time, again after a failed attempt, or after its death.

    The bar begins anew.
    """

    state = JobState.STARTED
    action: Literal["job_started"] = "job_started"
    payload: None = None

    def patch(self) -> dict[str, Any]:
        return {"started_at": self.time, "job_progress": None}


TaskState = Literal["started", "retrying", "succeeded", "failed", "cancelled"]


class TaskPayload(BaseModel):
    """``name`` is the task's; ``state`` what has become of it."""

    name: str
    state: TaskState


class JobTaskState(JobEvent):
    """A task of a job with several began or ended: one of its canvas, or one that another of its tasks published."""

    action: Literal["job_task"] = "job_task"
    payload: TaskPayload


class ProgressPayload(BaseModel):
    """``unit`` of the amounts ("rows", "bytes"); ``fraction`` 0..1; ``rate`` per second; ``eta`` in seconds.

    ``step`` names the open steps, the outermost first. The amounts and ``rate`` are those of the innermost one,
    ``fraction`` and ``eta`` those of the task as a whole: null where its total is not known. ``rate`` is null before
    the second report.
    """

    current: float
    total: float | None = None
    unit: str | None = None
    fraction: float | None = None
    rate: float | None = None
    eta: float | None = None
    message: str | None = None
    step: tuple[str, ...] = ()


class JobProgress(JobEvent):
    """How far the job is, in absolute numbers."""

    delivery = "latest"
    action: Literal["job_progress"] = "job_progress"
    payload: ProgressPayload


LogLevel = Literal["debug", "info", "warning", "error"]


class LogPayload(BaseModel):
    """A line of text, and how grave it is."""

    level: LogLevel = "info"
    message: str


class JobLogLine(JobEvent):
    """A line for the people who watch."""

    action: Literal["job_log"] = "job_log"
    payload: LogPayload


class OutputPayload(BaseModel):
    """A chunk: the whole text of a ``stream`` is its chunks in order, with nothing between them."""

    text: str
    stream: str = "stdout"


class JobOutput(JobEvent):
    """A piece of what the job puts out while it runs: the words of a language model, the lines of a program."""

    action: Literal["job_output"] = "job_output"
    payload: OutputPayload


class RetryPayload(BaseModel):
    """``reason`` is a text to show; ``countdown`` is in seconds, null where the retry has no delay of its own."""

    reason: str
    countdown: float | None = None


class JobRetrying(JobEvent):
    """This attempt failed, another one follows."""

    state = JobState.RETRYING
    action: Literal["job_retrying"] = "job_retrying"
    payload: RetryPayload


class InterruptedPayload(BaseModel):
    """``reason`` is a text to show; ``task`` the interrupted task's name."""

    task: str
    reason: str


class JobInterrupted(JobEvent):
    """The worker of a task died. The broker delivers the task's message again; if it does not in time, the job fails.

    Events of the interrupted run are refused from then on.
    """

    action: Literal["job_interrupted"] = "job_interrupted"
    payload: InterruptedPayload


class GapPayload(BaseModel):
    """``lost`` is how many events of the run were not kept."""

    lost: int


class JobGap(JobEvent):
    """Events were lost here: the store was away longer than the process could keep them."""

    action: Literal["job_gap"] = "job_gap"
    payload: GapPayload


class ReasonPayload(BaseModel):
    """``reason`` is what whoever cancelled said, if anything."""

    reason: str | None = None


class JobCancelRequested(JobEvent):
    """Somebody asked to cancel; the task stops at its next step."""

    action: Literal["job_cancel_requested"] = "job_cancel_requested"
    payload: ReasonPayload = Field(default_factory=ReasonPayload)


class SucceededPayload(BaseModel):
    """``result`` is what the task returned, as JSON; null where it is too long to keep: ``result_omitted`` says so."""

    result: Any = None
    result_omitted: bool = False


class JobSucceeded(JobEvent):
    """The end: the task returned. ``result`` is its value as JSON; omitted where it is larger than an event may be."""

    state = JobState.SUCCEEDED
    action: Literal["job_succeeded"] = "job_succeeded"
    payload: SucceededPayload

    def patch(self) -> dict[str, Any]:
        return {"ended_at": self.time, "result": self.payload.result, "result_omitted": self.payload.result_omitted}


class ErrorPayload(BaseModel):
    """``message`` is safe to show; ``reference`` (the task id) finds the traceback in the worker's log."""

    message: str
    code: str = "error"
    reference: str | None = None


class FailedPayload(BaseModel):
    """Why it failed."""

    error: ErrorPayload


class JobFailed(JobEvent):
    """The end: the task raised, was killed or could not be run."""

    state = JobState.FAILED
    action: Literal["job_failed"] = "job_failed"
    payload: FailedPayload

    def patch(self) -> dict[str, Any]:
        return {"ended_at": self.time, "error": self.payload.error}


class JobCancelledEvent(JobEvent):
    """The end: it was cancelled."""

    state = JobState.CANCELLED
    action: Literal["job_cancelled"] = "job_cancelled"
    payload: ReasonPayload = Field(default_factory=ReasonPayload)

    def patch(self) -> dict[str, Any]:
        return {"ended_at": self.time}


JOB_EVENTS: Final[tuple[type[JobEvent], ...]] = (
    JobQueued,
    JobStarted,
    JobTaskState,
    JobProgress,
    JobLogLine,
    JobOutput,
    JobRetrying,
    JobInterrupted,
    JobGap,
    JobCancelRequested,
    JobSucceeded,
    JobFailed,
    JobCancelledEvent,
)
"""Every event of chanx itself, in about the order of a job's life."""
