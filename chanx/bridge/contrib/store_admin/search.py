"""Finding jobs in a store that can only list them by their owner and time.

Search of a query ─> the store's lists, newest first ─> what matches, and where to look on
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from chanx.bridge.names import is_job_id
from chanx.bridge.owner import is_owner
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore

SHOWN: Final = 50
LOOKED_AT: Final = 1000
"""Jobs that one request looks at, at most: where few match, one looks on with the next."""

_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Search:
    """``name`` is a part of the task's name; what is empty does not matter.

    ``before`` and ``before_id`` are the time and the id of a job: only those after it.
    """

    owner: str = ""
    state: str = ""
    name: str = ""
    before: datetime | None = None
    before_id: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Search:
        """That of a URL's query; what is not understood there is left out."""
        state, before_id = query.get("state", ""), query.get("before_id", "")
        return cls(
            owner=query.get("owner", "").strip(),
            state=state if state in set(JobState) else "",
            name=query.get("name", "").strip(),
            before=_moment(query.get("before", "")),
            before_id=before_id if is_job_id(before_id) else "",
        )

    @property
    def is_possible(self) -> bool:
        """Whether the owner could be one."""
        return not self.owner or is_owner(self.owner)

    def matches(self, job: JobSnapshot) -> bool:
        """Whether the job is one of those looked for, whosever it is."""
        return self.state in ("", job.state) and self.name.lower() in job.name.lower()


@dataclass(frozen=True, slots=True)
class Found:
    """``last`` is the job after which to look on, None where there is nothing more."""

    jobs: tuple[JobSnapshot, ...]
    last: JobSnapshot | None = None


def find(store: JobStore, search: Search, *, shown: int = SHOWN, looked_at: int = LOOKED_AT) -> Found:
    """The newest jobs that match. Raises ``StoreUnavailableError``."""
    found: list[JobSnapshot] = []
    before, before_id, seen = search.before, search.before_id, 0
    while page := _page(store, search, before, before_id):
        for job in page:
            before, before_id, seen = *job.place, seen + 1
            if search.matches(job):
                found.append(job)
            if len(found) == shown or seen == looked_at:
                return Found(tuple(found), job)
    return Found(tuple(found))


def _page(store: JobStore, search: Search, before: datetime | None, before_id: str) -> list[JobSnapshot]:
    if search.owner:
        return store.jobs_of(search.owner, limit=_PAGE, before=before, before_id=before_id)
    return store.all_jobs(limit=_PAGE, before=before, before_id=before_id)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
