"""What is known of a job, and the place in its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from pydantic import ConfigDict, Field

from .messages import ProtocolModel


@dataclass(frozen=True, slots=True)
class JobPosition:
    """Up to where a job's log was taken: events are numbered 1, 2, 3, … within an ``epoch``."""

    epoch: str
    seq: int


class HasJobId(Protocol):
    """What a server answers when it has started a job."""

    @property
    def job_id(self) -> str: ...


JobReference: TypeAlias = str | HasJobId | Mapping[str, Any]
"""A job's id, or what the server gave as a reference to it: an object, or JSON, with ``job_id``."""


def job_id_of(ref: JobReference) -> str:
    """Raises ``ValueError`` where there is no id."""
    found: Any = ref
    if isinstance(ref, Mapping):
        found = ref.get("job_id", ref.get("jobId"))
    elif not isinstance(ref, str):
        found = getattr(ref, "job_id", None)
    if not isinstance(found, str) or not found:
        raise ValueError(f"{ref!r} names no job: pass its id, or the reference with the job_id that the server gave.")
    return found


class JobSnapshot(ProtocolModel):
    """A job as it stands. ``fields`` holds what its events have set: ``result``, ``error``, ``job_progress``, …"""

    model_config = ConfigDict(extra="allow")

    job_id: str
    owner: str
    name: str
    meta: dict[str, Any]
    created_at: datetime
    state: str
    attempt: int
    cancel_requested: bool
    cancel_reason: str | None = None
    epoch: str
    seq: int
    oldest: int
    rev: int
    fields: dict[str, Any]


class ListedJob(JobSnapshot):
    """A job on a list: without the fields that are long, which ``omitted_fields`` names."""

    omitted_fields: list[str] = Field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class JobReset:
    """What a loop has had of the job's events is void: the log begins anew after ``position``, and comes from there.

    ``snapshot`` is the job as it stands, with what the events that are gone have made of it.
    """

    position: JobPosition
    snapshot: JobSnapshot
