"""One event on its way into a job's log, and what comes out of the log again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from chanx.bridge.states import JobState

Delivery = Literal["log", "latest"]
"""How an event type is delivered.

``log``: numbered, kept, replayed, never dropped. ``latest``: only the newest of its action counts; it lives in the
snapshot and newer ones overwrite older ones.
"""


Outcome = Literal["succeeded", "failed", "cancelled", "none"]
"""What the end of an execution says about its job; "none": nothing, as another execution of the task follows."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The end of one execution: ``publish_id`` leaves the job's pending set.

    ``value`` is the JSON text of the result, of the failure's ``ErrorPayload``, or of the cancellation's reason; empty
    for a result that is too large to keep. Without a ``publish_id`` (the execution was never registered, as in eager
    mode) only the outcome is recorded.
    """

    publish_id: str
    outcome: Outcome
    value: str = "null"


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution of a task of a job: what one must know to end it in its place, should it stop without a word.

    ``run_id`` is the run that has begun it, empty where none has; ``pid`` the process that runs it. ``acks_late``: its
    message comes again if its worker dies. ``is_root``: its task speaks for the job.
    """

    job_id: str
    publish_id: str
    task_id: str
    task_name: str
    attempt: int
    run_id: str = ""
    acks_late: bool = False
    pid: int = 0
    is_root: bool = False


DeadlineKind = Literal["stopped", "redelivery", "enqueue", "terminate"]
"""What is overdue.

``stopped``: word from the parent process of how an execution ended. ``redelivery``: the message of a task that
acknowledges late, after its worker died. ``enqueue``: the end of ``start_job``, or of a publication by a worker that
died. ``terminate``: the end of a job that was cancelled and has to be terminated now.
"""


@dataclass(frozen=True, slots=True)
class Deadline:
    """Something that is done to an execution at a certain time, unless it has ended by then."""

    kind: DeadlineKind
    execution: Execution


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An event to append. ``event`` and the values of ``patch`` are JSON texts, so that a store never parses them.

    ``(run_id, n)`` makes an append idempotent: n counts 1, 2, 3, … within a run, and a store that has seen ``n``
    appends nothing again. ``state`` is the state this event reports, if any.

    ``task_id`` is the task whose run this is, empty for an event from outside of a run. With ``claims`` the run becomes
    the current one of its task's attempt: entries of the attempt's other runs are refused from then on, all but a
    success. ``in_place_of`` is another run that this one speaks for: where that one may not speak any more, neither may
    this one; with ``claims`` it takes the task over from it. An ``execution`` without a run is not begun any more then:
    whoever gets its message next claims it again.

    Conditions: with ``only_if_queued`` the store refuses the entry unless no run has started yet, with
    ``only_if_complete`` unless the pending set is empty.

    ``worker`` is the worker in whose care the run is, empty where there is none: with ``claims``, the store has it
    hold ``execution`` before it appends; with an ``ending`` of the job, it has it released afterwards, if it has it for
    this run. Both whatever the answer is. What has no publish id is not held.

    ``fraction`` (0..1) is how far the task is. In a job of several tasks the text ``"@fraction@"`` in the event and its
    patch becomes the fraction of the whole job, ``"@done@"`` the tasks' sum of fractions, ``"@tasks@"`` their number.

    ``trace`` is where the event comes from, as observers have it; it goes with the live message, not into the log.
    """

    job_id: str
    action: str
    event: str
    run_id: str
    n: int
    delivery: Delivery = "log"
    state: JobState | None = None
    attempt: int = 0
    patch: Mapping[str, str] = field(default_factory=dict[str, str])
    only_if_queued: bool = False
    only_if_complete: bool = False
    task_id: str = ""
    claims: bool = False
    ending: Ending | None = None
    fraction: float | None = None
    worker: str = ""
    execution: Execution | None = None
    in_place_of: str = ""
    trace: Mapping[str, str] | None = None

    @property
    def gives_back(self) -> bool:
        """Whether nobody has begun the execution any more."""
        return bool(self.in_place_of and self.execution and not self.execution.run_id)


class AppendStatus(StrEnum):
    """What became of an append."""

    APPENDED = "appended"
    DUPLICATE = "duplicate"  # this (run_id, n) is in the log already
    ENDED = "ended"  # the job has its terminal event, nothing comes after it
    REFUSED = "refused"  # a condition of the entry does not hold, or the execution it ends is not pending
    HELD = "held"  # it may not end the job (executions are pending, or it has succeeded): only its outcome is recorded
    SUPERSEDED = "superseded"  # another run of the task's attempt is the current one
    UNKNOWN = "unknown"  # no such job, or its retention is over


@dataclass(frozen=True, slots=True)
class Appended:
    """The job's position after an append.

    ``cancelled`` saves the task a question: somebody asked to cancel the job. ``complete``: no execution is pending
    and the job has not ended, so whoever reads this has to end it. ``event`` is the text as it was appended, where the
    store filled in the job's fraction. ``announced``: the store has told the watchers too; otherwise ``list_groups``
    are the groups on the channel layer that are told of a change of the job's state.
    """

    status: AppendStatus
    seq: int = 0
    rev: int = 0
    epoch: str = ""
    cancelled: bool = False
    complete: bool = False
    event: str | None = None
    announced: bool = False
    list_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What is known of a job's tasks once none is pending. The values are JSON texts.

    ``results`` maps the final tasks that have succeeded, in the order of the canvas, to their results; None for one
    that was too large to keep. ``unfinished``: how many final tasks have not succeeded. ``failure`` and
    ``cancellation`` are the first ones reported.
    """

    results: Mapping[str, str | None]
    unfinished: int
    failure: str | None = None
    cancellation: str | None = None
    cancelled: bool = False
    cancel_reason: str | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the tasks have come to anything yet."""
        return self.unfinished == 0 or self.failure is not None or self.cancellation is not None or self.cancelled


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A numbered event of a log: ``seq`` 1, 2, 3, … and the event's JSON text."""

    seq: int
    event: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some consecutive entries, with where the log begins (``oldest``), where it ends (``head``), and its epoch."""

    entries: tuple[LogEntry, ...]
    oldest: int
    head: int
    epoch: str


@dataclass(frozen=True, slots=True)
class Head:
    """Where a log ends: the newest ``seq`` and the newest ``rev`` of its ``latest`` events.

    ``complete`` is that of :class:`Appended`: whoever reads it has to end the job. ``ended``: nothing comes after it.
    """

    epoch: str
    seq: int
    rev: int
    complete: bool = False
    ended: bool = False
