"""The events of this worker's own, beside progress and log lines; a browser knows them by their action."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel

from chanx.bridge import Delivery, JobEvent
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


class OutputLinePayload(BaseModel):
    stream: Literal["stdout", "stderr"]
    line: str


class OutputLine(JobEvent):
    """A line that a command printed."""

    action: Literal["output_line"] = "output_line"
    payload: OutputLinePayload
