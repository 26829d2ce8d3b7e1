"""What a client says about a list of jobs, and what it is told."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, Field

from chanx.bridge.names import JOB_ID
from chanx.bridge.snapshot import JobSnapshot
from chanx.messages.base import BaseMessage
from chanx.utils.json_schema import SchemaOf

PAGE: Final = 50
"""How many jobs a page has, at most."""


class JobListRequest(BaseModel):
    """Which jobs are asked for: the newest, or with ``before`` and ``before_id`` those after a job of that time and id.

    Without a ``before_id`` those created earlier than ``before``.
    """

    before: AwareDatetime | None = None
    before_id: Annotated[str, Field(pattern=f"^({JOB_ID})?$")] = ""
    limit: Annotated[int, Field(ge=1, le=PAGE)] = PAGE


class ListedJob(JobSnapshot):
    """A job on a list: its snapshot without the fields that are long, which ``omitted_fields`` names."""

    omitted_fields: list[str]


class JobListPage(BaseModel):
    """The jobs that were asked for, newest first; ``more``: whether there are older ones."""

    jobs: list[ListedJob]
    more: bool


class JobChangedPayload(BaseModel):
    """The job as it stands."""

    job: ListedJob


class JobChanged(BaseMessage):
    """A job is new on the list, or has changed: it replaces what the client had of it."""

    action: Literal["job_changed"] = "job_changed"
    payload: Annotated[dict[str, Any], SchemaOf(JobChangedPayload)]


class JobRemovedPayload(BaseModel):
    """Which job."""

    job_id: str


class JobRemoved(BaseMessage):
    """A job is no longer on the list."""

    action: Literal["job_removed"] = "job_removed"
    payload: Annotated[dict[str, str], SchemaOf(JobRemovedPayload)]
