"""The events of this worker's own, beside progress and log lines; a browser knows them by their action."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from chanx.bridge import Delivery, JobEvent
from example_worker.kinds import Kind
from example_worker.profile import TableProfile


class ColumnStats(JobEvent):
    """The statistics of all columns so far; only the newest count."""

    delivery: ClassVar[Delivery] = "latest"
    action: Literal["column_stats"] = "column_stats"
    payload: TableProfile


class BadRowPayload(BaseModel):
    """The physical line the row begins at, from 1, why it was left out, and its shortened text."""

    line: int
    reason: str
    text: str


class BadRow(JobEvent):
    """A row that was left out."""

    action: Literal["bad_row"] = "bad_row"
    payload: BadRowPayload


class FileProfile(BaseModel):
    """One of many files: ``size`` in bytes, ``kinds`` says how many columns there are of each.

    ``error`` is the reason, for people, why the file could not be read; the figures are 0 then.
    """

    name: str
    size: int = 0
    rows: int = 0
    bad_rows: int = 0
    kinds: dict[Kind, int] = Field(default_factory=dict)
    error: str | None = None


class FileProfiled(JobEvent):
    """One of many files is done."""

    action: Literal["file_profiled"] = "file_profiled"
    payload: FileProfile
