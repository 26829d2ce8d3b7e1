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


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An event to append. ``event`` and the values of ``patch`` are JSON texts, so that a store never parses them.

    ``(run_id, n)`` makes an append idempotent: n counts 1, 2, 3, … within a run, and a store that has seen ``n``
    appends nothing again. ``state`` is the state this event reports, if any. With ``only_if_queued`` the store refuses
    the entry unless no run has started yet.
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


class AppendStatus(StrEnum):
    """What became of an append."""

    APPENDED = "appended"
    DUPLICATE = "duplicate"  # this (run_id, n) is in the log already
    ENDED = "ended"  # the job has its terminal event, nothing comes after it
    REFUSED = "refused"  # only_if_queued, but a run has started
    UNKNOWN = "unknown"  # no such job, or its retention is over


@dataclass(frozen=True, slots=True)
class Appended:
    """The job's position after an append. ``cancelled`` saves the task a question: somebody asked to cancel the job."""

    status: AppendStatus
    seq: int = 0
    rev: int = 0
    epoch: str = ""
    cancelled: bool = False


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
    """Where a log ends: the newest ``seq`` and the newest ``rev`` of its ``latest`` events."""

    epoch: str
    seq: int
    rev: int
