"""The small abstract bases of a job store: the log with its snapshot, the index of an owner's jobs, cancellation.

All methods are synchronous and thread-safe: workers call them directly, the web side through
:class:`~chanx.bridge.store.async_store.AsyncJobStore`. A store that cannot be reached raises
:class:`StoreUnavailableError`, after a bounded time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from chanx.bridge.entry import Appended, Head, LogPage, NewEntry
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.errors import ChanxError


class StoreUnavailableError(ChanxError):
    """The job store did not answer in time, or refused. The text names the server and the cause."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much a store keeps: entries per job, and seconds after the end, or after the start of one that never ends."""

    max_entries: int = 10_000
    ended_seconds: int = 24 * 3600
    active_seconds: int = 30 * 24 * 3600


class JobLog(ABC):
    """The ordered log of each job, and the snapshot its events patch."""

    @abstractmethod
    def create(self, record: JobRecord) -> None:
        """Stores a new job: state queued, no events. An id that is taken raises ``ConfigurationError``."""

    @abstractmethod
    def append(self, entry: NewEntry) -> Appended:
        """Appends one event in one atomic step.

        A ``log`` event gets the next ``seq``; a ``latest`` event gets the next ``rev`` and only patches the snapshot.
        The snapshot's state is replaced only by a newer one (:func:`~chanx.bridge.states.is_newer`). After the
        terminal event every append answers ENDED and changes nothing.
        """

    @abstractmethod
    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        """The first ``limit`` entries with ``seq > after`` that are still there; None for an unknown job."""

    @abstractmethod
    def snapshot(self, job_id: str) -> JobSnapshot | None:
        """The job as it stands, with its position, read atomically; None for an unknown job."""

    @abstractmethod
    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        """Where each log ends, in the order asked, in one round trip; None for an unknown job."""


class JobIndex(ABC):
    """Which jobs an owner has."""

    @abstractmethod
    def jobs_of(self, owner: str, *, limit: int = 50) -> list[JobSnapshot]:
        """The owner's newest jobs that are still kept, newest first."""


class Cancellation(ABC):
    """The flag that rules: a task asks it at its next step, whatever Celery's own revoke did or did not reach."""

    @abstractmethod
    def request_cancel(self, job_id: str) -> JobState | None:
        """Sets the flag unless the job has ended; returns the job's state, None for an unknown job."""

    @abstractmethod
    def is_cancelled(self, job_id: str) -> bool:
        """Whether the flag is set."""


class JobStore(JobLog, JobIndex, Cancellation, ABC):
    """All of it in one place, as every shipped store has it."""

    @abstractmethod
    def close(self) -> None:
        """Lets go of connections; the store opens new ones when it is used again."""
