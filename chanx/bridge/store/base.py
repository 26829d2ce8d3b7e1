"""The small abstract bases of a job store: log and snapshot, executions, leases, deadlines, index, cancellation.

All methods are synchronous and thread-safe: workers call them directly, the web side through
:class:`~chanx.bridge.store.async_store.AsyncJobStore`. A store that cannot be reached raises
:class:`StoreUnavailableError`, after a bounded time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from chanx.bridge.entry import Appended, Deadline, Execution, Head, JobOutcome, LogPage, NewEntry
from chanx.bridge.snapshot import JobRecord, JobSnapshot
from chanx.bridge.states import JobState
from chanx.errors import ChanxError, ConfigurationError, TooManyJobsError
from chanx.layers import Publisher

PAGE_BYTES = 1024 * 1024
"""What the events of one page have together, about: a page ends with the event that reaches it."""

MAX_RESULT_BYTES = 200 * 1024
"""What all results of a job's final tasks may have together, as JSON in UTF-8; beyond it they are omitted."""


class StoreUnavailableError(ChanxError):
    """The job store did not answer in time, or refused. The text names the server and the cause."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How much a store keeps: entries and bytes per job, and seconds after its end, or after its last event.

    ``max_bytes`` are those of the log's events, as JSON in UTF-8; the newest event is always kept. A store may trim
    in portions: it keeps at least nine tenths of both. Whole numbers from 1 on; others raise ``ConfigurationError``.

    On Redis or Valkey an empty job takes about 1 KiB, the first events 4 KiB, any further one its own bytes and 15 to
    30 more: 10,000 of 100 bytes 1.2 MiB, a full log 17 MiB. A canvas of 1,000 tasks takes 0.6 MiB while it runs.
    """

    max_entries: int = 10_000
    max_bytes: int = 16 * 1024 * 1024
    ended_seconds: int = 24 * 3600
    active_seconds: int = 30 * 24 * 3600

    def __post_init__(self) -> None:
        for limit in fields(self):
            value: object = getattr(self, limit.name)
            if not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"Retention({limit.name}={value!r}): use a whole number, 1 or more.")


class JobLog(ABC):
    """The ordered log of each job, and the snapshot its events patch."""

    @abstractmethod
    def create(
        self,
        record: JobRecord,
        *,
        pending: Mapping[str, str] | None = None,
        tasks: Mapping[str, bool] | None = None,
        first: NewEntry | None = None,
        max_active: int | None = None,
    ) -> str:
        """Stores a new job: state queued, no events; returns its id.

        ``pending`` are the executions that it waits for from the start (publish id -> task id). ``tasks`` are the ids
        of the tasks that it consists of, in order: True for a final one, whose result is the job's. Without any, that
        is the record's own task. ``first`` is the job's first event, appended in the same step; nobody is told of it.

        With ``max_active`` it raises :class:`~chanx.errors.TooManyJobsError`, and stores nothing, where the owner has
        that many jobs that have not ended, also when several are created at once.

        With an ``idempotency_key`` in the record that the owner has used within ``Retention.ended_seconds``, nothing is
        stored, and the id of that earlier job is returned, however many the owner has. What is refused uses no key. An
        id that is taken raises ``ConfigurationError``.
        """

    @abstractmethod
    def append(self, entry: NewEntry) -> Appended:
        """Appends one event in one atomic step.

        A ``log`` event gets the next ``seq``; a ``latest`` event gets the next ``rev`` and only patches the snapshot.
        The snapshot's state is replaced only by a newer one (:func:`~chanx.bridge.states.is_newer`). What does not
        apply changes nothing; the first of these is the answer:

        - UNKNOWN; DUPLICATE, where ``(run_id, n)`` was taken before; ENDED, after the terminal event.
        - REFUSED, where a condition of the entry does not hold.
        - SUPERSEDED, where another run of the same attempt of the task has claimed it since, or where the entry is a
          ``latest`` one of an attempt that a later one has followed. Not for a success.
        - REFUSED, where the execution that it ends is not pending. Not for a success.

        An ``ending`` then leaves the pending set, and what it says is kept for :meth:`JobExecutions.outcome`: the first
        result of each final task (all together at most ``MAX_RESULT_BYTES``), the first failure, the first
        cancellation. If it would also end the job while executions are pending, or other than as succeeded although
        every final task has, that is all: HELD. A terminal event without an ``ending`` waits for nobody.
        """

    def announcing_append(self, publisher: Publisher) -> Callable[[NewEntry], Appended] | None:
        """An ``append`` that also tells the job's group on the publisher's layer, and lists of its state, in one step.

        The messages are those of :mod:`chanx.bridge.transports.direct`. None, as here, where the store
        cannot do that. An answer that is not ``announced`` leaves it to the caller all the same.
        """
        return None

    @abstractmethod
    def read(self, job_id: str, *, after: int, limit: int) -> LogPage | None:
        """The first ``limit`` entries with ``seq > after`` that are still there; None for an unknown job.

        Fewer where they reach ``PAGE_BYTES``, but one at least where there is one.
        """

    @abstractmethod
    def snapshot(self, job_id: str) -> JobSnapshot | None:
        """The job as it stands, with its position, read atomically; None for an unknown job."""

    @abstractmethod
    def heads(self, job_ids: Sequence[str]) -> list[Head | None]:
        """Where each log ends, in the order asked, in one round trip; None for an unknown job."""

    @abstractmethod
    def delete(self, job_id: str) -> bool:
        """Forgets all of a job that has ended, also that its idempotency key was used.

        False for one that has not ended, or is unknown.
        """


class JobExecutions(ABC):
    """Which executions of a job's tasks are still to come or running: the job ends when there are none.

    Until its end a job takes about 400 bytes for each of its tasks and executions, beside the results. What stays after
    it, but for the log and the snapshot, are about 50 bytes for each execution, which tell repeated appends.
    """

    @abstractmethod
    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        """The job waits for this execution too; called before it is published, by a task in ``worker``'s care if any.

        False if the job ended or is unknown.
        """

    @abstractmethod
    def drop_pending(self, job_id: str, publish_ids: Collection[str]) -> bool:
        """The job no longer waits for these, and nothing is said of them: they were not published after all.

        Returns whether the job is complete now: nothing is pending, and it has not ended.
        """

    @abstractmethod
    def pending(self, job_id: str) -> dict[str, str]:
        """What the job waits for: publish id -> task id; empty for an unknown job."""

    @abstractmethod
    def unclaimed(self, job_id: str, *, worker: str | None = None) -> dict[str, str]:
        """Of :meth:`pending`, those that no run has claimed (an entry with ``claims`` and their ``execution``).

        With ``worker`` only those that a task in its care has published.
        """

    @abstractmethod
    def outcome(self, job_id: str) -> JobOutcome | None:
        """What the job's tasks have come to so far; None for an unknown job, or one that has ended."""


class Leases(ABC):
    """Which workers live, and which executions are in the care of each, so that others can end those of a dead one."""

    @abstractmethod
    def renew_lease(self, worker: str) -> None:
        """The worker lives. Called by its parent process, once a second."""

    @abstractmethod
    def leases(self) -> dict[str, int]:
        """Every worker that has a lease, with a number that each renewal changes."""

    @abstractmethod
    def drop_lease(self, worker: str) -> None:
        """Forgets a worker and all that it holds."""

    @abstractmethod
    def hold(self, worker: str, executions: Sequence[Execution]) -> None:
        """The worker has these executions, too; again, with the same publish id, replaces what was said of it.

        But what no run has begun yet does not replace what one has: its claim may be faster than word of its receipt.
        """

    @abstractmethod
    def held(self, worker: str) -> list[Execution]:
        """What the worker has."""

    @abstractmethod
    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        """The worker no longer has these; with ``run_id`` only those that it has for that run.

        The same worker may have received the message again, and have another run of it.
        """


class Deadlines(ABC):
    """What has to happen to executions at a certain time, on the store's clock, whoever is there to do it then."""

    @abstractmethod
    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        """In so many seconds from now. One that is set already stays as it is."""

    @abstractmethod
    def due_deadlines(self, *, limit: int = 100) -> list[Deadline]:
        """Those whose time has come, the oldest first; each until it is cleared."""

    @abstractmethod
    def clear_deadline(self, deadline: Deadline) -> None:
        """Forgets one, whatever became of it."""


class JobIndex(ABC):
    """Which jobs an owner has, and which ones a watcher may see: a job is listed for its owner and its watchers."""

    @abstractmethod
    def jobs_of(
        self, owner: str, *, limit: int = 50, before: datetime | None = None, before_id: str = ""
    ) -> list[JobSnapshot]:
        """The newest jobs that are still kept, newest first; of those created at the same time, by their ids backwards.

        With ``before`` only those created earlier than that; with a ``before_id`` too, all that come after the job that
        has both, which need not be there any more.
        """

    @abstractmethod
    def all_jobs(self, *, limit: int = 50, before: datetime | None = None, before_id: str = "") -> list[JobSnapshot]:
        """The same of all owners: for operators, never for a page of a user's."""


class Cancellation(ABC):
    """The flag that rules: a task asks it at its next step, whatever Celery's own revoke did or did not reach."""

    @abstractmethod
    def request_cancel(self, job_id: str, *, reason: str | None = None) -> JobState | None:
        """Sets the flag unless the job has ended; returns the job's state, None for an unknown job.

        The first one's ``reason`` is kept: as ``cancel_reason`` of the snapshot, and of the outcome.
        """

    @abstractmethod
    def is_cancelled(self, job_id: str) -> bool:
        """Whether the flag is set."""


class JobStore(JobLog, JobExecutions, Leases, Deadlines, JobIndex, Cancellation, ABC):
    """All of it in one place, as every shipped store has it.

    ``is_observed_here``: processes that use it also see to what dead workers left behind.
    """

    is_observed_here: bool = True

    @property
    def place(self) -> str:
        """Where the jobs are, for people to read, without a password; empty where there is nothing to say."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """Lets go of connections; the store opens new ones when it is used again."""


def too_many_jobs(max_active: int) -> TooManyJobsError:
    """What ``create`` raises for an owner who has as many active jobs as are allowed."""
    return TooManyJobsError(f"At most {max_active} jobs at once: wait until one has ended, or cancel one.")


def id_taken(job_id: str) -> ConfigurationError:
    """What ``create`` raises for an id that a job has already."""
    return ConfigurationError(f"The job id {job_id} is taken. Let start_job mint the id.")
