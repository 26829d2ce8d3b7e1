"""A job's events as rows to read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from chanx.bridge.entry import LogEntry
from chanx.bridge.snapshot import JobSnapshot
from chanx.bridge.store.base import JobStore

ROWS: Final = 200
MOST: Final = 2000
"""Characters of an event that are shown."""

_POSITION: Final = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Row:
    """``text`` is the event's payload, or all of an event that cannot be read."""

    seq: int
    time: datetime | None
    action: str
    task_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Consecutive events, the oldest first; ``older`` and ``newer`` are the ``after`` of their neighbours, if any."""

    rows: Sequence[Row]
    older: int | None = None
    newer: int | None = None


def timeline_of(store: JobStore, job: JobSnapshot, *, after: int | None = None, rows: int = ROWS) -> Timeline:
    """The events after ``after``, by default the newest ones."""
    first = max(job.seq - rows, 0) if after is None else min(max(after, 0), job.seq)
    page = store.read(job.job_id, after=first, limit=rows)
    if page is None or not page.entries:
        return Timeline([])
    begin, end = page.entries[0].seq, page.entries[-1].seq
    return Timeline(
        [_row(entry) for entry in page.entries],
        older=max(begin - 1 - rows, 0) if begin > page.oldest else None,
        newer=end if end < page.head else None,
    )


def position_of(text: str) -> int | None:
    """That of a URL's query, None for what is no number of an event."""
    return int(text) if _POSITION.fullmatch(text) else None


def clipped(text: str) -> str:
    """The text, cut off where it is very long."""
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def as_json(value: object) -> str:
    """A value to read, over several lines."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def _row(entry: LogEntry) -> Row:
    try:
        event: dict[str, Any] = json.loads(entry.event)
        time = datetime.fromisoformat(event["time"]) if event.get("time") else None
    except (ValueError, TypeError):  # an integer of more than 4,300 digits, a time that is none
        return Row(entry.seq, None, "", "", clipped(entry.event))
    payload = event.get("payload")
    text = "" if payload is None else clipped(json.dumps(payload, ensure_ascii=False))
    return Row(entry.seq, time, str(event.get("action", "")), str(event.get("task_id") or ""), text)
