"""What a worker needs to report with: send events, and tell which executions of a job are to come or over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from typing import Any

from chanx.bridge.entry import Appended, Deadline, JobOutcome, NewEntry
from chanx.bridge.states import JobState


class JobTransport(ABC):
    """Carries job events to the log. Synchronous, thread-safe, fork-safe; it never raises and never stalls a task.

    What is lost is logged, and counted in ``failures``. Of a method with ``later``, that gets the answer if it comes
    after the method has returned, in whatever thread; it may be a long time.
    """

    failures: int = 0

    @abstractmethod
    def send(self, entry: NewEntry, *, later: Callable[[Appended], None] | None = None) -> Appended | None:
        """Sends one event; None where it is not known (yet) what became of it. Those of a run stay in order."""

    def give_up(self, seconds: float) -> None:
        """Sends what still waits here, for about so many seconds at most, as the process is about to end."""
        return

    @abstractmethod
    def is_cancelled(self, job_id: str) -> bool:
        """Whether somebody asked to cancel the job; False where that cannot be known now."""

    @abstractmethod
    def cancel_reason(self, job_id: str) -> str | None:
        """Why the job was cancelled; None where nobody said so, or that cannot be known now."""

    @abstractmethod
    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        """The job waits for this execution too, which a task in ``worker``'s care publishes, if any does.

        False where it does not wait: it ended, or that could not be stored.
        """

    @abstractmethod
    def drop_pending(
        self, job_id: str, publish_ids: Collection[str], *, later: Callable[[bool], None] | None = None
    ) -> bool:
        """The job no longer waits for these. Whether it is complete now, so that the caller has to end it."""

    @abstractmethod
    def drop_unclaimed(self, job_id: str, *, later: Callable[[bool], None] | None = None) -> bool:
        """As :meth:`drop_pending`, for all that no run has claimed yet."""

    @abstractmethod
    def outcome(self, job_id: str, *, later: Callable[[JobOutcome | None], None] | None = None) -> JobOutcome | None:
        """What the job's tasks have come to; None where it has ended, or that cannot be known now."""

    @abstractmethod
    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        """The worker no longer has these executions; with ``run_id`` those that this run has begun.

        Not before everything that was sent earlier is in the store.
        """

    @abstractmethod
    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        """In so many seconds; one that is set already stays as it is."""

    @abstractmethod
    def clear_deadline(self, deadline: Deadline) -> None:
        """Forgets one."""

    @abstractmethod
    def tell(self, names: Collection[str], message: Mapping[str, Any]) -> None:
        """Hands a message to groups of the channel layer, and to connections where a name is their channel.

        Nothing of it is kept. A user's mistake does raise: ``InvalidNameError``, ``PublisherError`` for a message that
        a layer cannot carry, ``EventTooLargeError``.
        """

    @abstractmethod
    def tell_lists(self, groups: Collection[str], job_id: str, state: JobState) -> None:
        """Tells these lists of jobs (:func:`~chanx.bridge.names.list_group`) that a job has come into this state."""
