"""What one client has been shown of an owner's jobs, so that it is told of what differs, and of nothing twice.

No I/O and no time in here. It reaches from the owner's newest job down to the oldest page that the client asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from chanx.bridge.entry import Head
from chanx.bridge.snapshot import JobSnapshot

MAX_SHOWN: Final = 500
"""How many jobs a client's list has, at most: the newest."""

FIELD_BYTES: Final = 4096
"""A field of a snapshot that takes more, as JSON, is left out of a list."""


def listed(job: JobSnapshot) -> dict[str, Any]:
    """A job as lists show it: its snapshot without what is long, which ``omitted_fields`` names."""
    omitted = [name for name, value in job.fields.items() if _is_long(value)]
    content = job.model_dump(mode="json", exclude={"fields": set(omitted)})
    return {**content, "omitted_fields": omitted}


def _is_long(value: Any) -> bool:
    # A page may have fifty values of a quarter of a megabyte: the loop does not stand still to measure them.
    room = FIELD_BYTES
    parts: list[Any] = [value]
    while parts:
        part = parts.pop()
        kind = part.__class__
        if kind in (str, list, dict):
            room -= len(part)
        if room < 0:
            return True
        if kind is dict:
            parts += part.keys()
            parts += part.values()
        elif kind is list:
            parts += part
    return len(json.dumps(value)) > FIELD_BYTES


@dataclass(frozen=True, slots=True)
class _Shown:
    place: tuple[datetime, str]
    epoch: str
    head: tuple[int, int]
    is_active: bool
    is_hidden: bool


class JobList:
    """At most ``limit`` jobs: beyond it the oldest leave the list."""

    def __init__(self, *, limit: int = MAX_SHOWN) -> None:
        self._limit = limit
        self._jobs: dict[str, _Shown] = {}
        # The list goes back to here; None where there is nothing older.
        self._floor: tuple[datetime, str] | None = (datetime.max.replace(tzinfo=UTC), "")

    @property
    def room(self) -> int:
        """How many jobs it can still take."""
        return self._limit - len(self._jobs)

    @property
    def active(self) -> set[str]:
        """The jobs the client sees that have not ended."""
        return {job_id for job_id, job in self._jobs.items() if job.is_active and not job.is_hidden}

    def covers(self, job: JobSnapshot) -> bool:
        """Whether it belongs to the list, new as it may be."""
        return self._floor is None or job.place >= self._floor

    def shows(self, job_id: str) -> bool:
        """Whether the client sees the job."""
        return job_id in self._jobs and not self._jobs[job_id].is_hidden

    def is_news(self, job: JobSnapshot) -> bool:
        """Whether the list has not had the job as it stands here; what it has had newer is none."""
        known = self._jobs.get(job.job_id)
        if known is None:
            return self.covers(job)
        return job.epoch != known.epoch or (job.seq, job.rev) > known.head

    def is_behind(self, job_id: str, head: Head) -> bool:
        """Whether the job has gone on since."""
        known = self._jobs.get(job_id)
        return known is not None and (head.epoch != known.epoch or (head.seq, head.rev) > known.head)

    def take(self, job: JobSnapshot, *, is_hidden: bool) -> None:
        """The client has been told of the job as it stands here, or is not to see it."""
        is_active, head = not job.state.is_terminal, (job.seq, job.rev)
        self._jobs[job.job_id] = _Shown(job.place, job.epoch, head, is_active, is_hidden)

    def remove(self, job_id: str) -> None:
        """The job is gone, and the client has been told."""
        self._jobs.pop(job_id, None)

    def gone(self, job_ids: Collection[str]) -> list[str]:
        """What is on the list but not among ``job_ids``, which is all that belongs to it."""
        return [job_id for job_id in self._jobs if job_id not in job_ids]

    def overflow(self) -> list[str]:
        """The oldest jobs, as many as are too many; the list goes back no further than to those that stay."""
        too_many = -self.room
        if too_many <= 0:
            return []
        oldest_first = sorted(self._jobs, key=lambda job_id: self._jobs[job_id].place)
        self._floor = self._jobs[oldest_first[too_many]].place
        return oldest_first[:too_many]

    def extend(self, jobs: Sequence[JobSnapshot], *, reaches_end: bool) -> None:
        """The list goes back over these, and with ``reaches_end`` there is nothing older."""
        if reaches_end:
            self._floor = None
        elif self._floor is not None and jobs:
            self._floor = min(self._floor, *(job.place for job in jobs))
