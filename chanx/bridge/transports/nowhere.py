"""The transport of tasks that run without a job: everything works, nothing is sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from chanx.bridge.entry import Appended, Deadline, JobOutcome, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.transports.base import JobTransport


class NowhereTransport(JobTransport):
    """Takes everything and keeps nothing. A base for doubles, too."""

    def send(self, entry: NewEntry, *, later: Callable[[Appended], None] | None = None) -> Appended | None:
        return None

    def is_cancelled(self, job_id: str) -> bool:
        return False

    def cancel_reason(self, job_id: str) -> str | None:
        return None

    def add_pending(self, job_id: str, publish_id: str, task_id: str, *, worker: str = "") -> bool:
        return False

    def drop_pending(
        self, job_id: str, publish_ids: Collection[str], *, later: Callable[[bool], None] | None = None
    ) -> bool:
        return False

    def drop_unclaimed(self, job_id: str, *, later: Callable[[bool], None] | None = None) -> bool:
        return False

    def outcome(self, job_id: str, *, later: Callable[[JobOutcome | None], None] | None = None) -> JobOutcome | None:
        return None

    def release(self, worker: str, publish_ids: Collection[str], *, run_id: str | None = None) -> None:
        pass

    def set_deadline(self, deadline: Deadline, *, seconds: float) -> None:
        pass

    def clear_deadline(self, deadline: Deadline) -> None:
        pass

    def tell(self, names: Collection[str], message: Mapping[str, Any]) -> None:
        pass

    def tell_lists(self, groups: Collection[str], job_id: str, state: JobState) -> None:
        pass
