"""What observers are told of an append to a job's log."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.events import JobGap
from chanx.metrics import JOB_APPEND_DURATION, JOB_EVENTS_PUBLISHED, JOB_GAPS
from chanx.telemetry import measure

_FAILED: Final = "error"
_GAP: Final = JobGap.model_fields["action"].default


def observed_append(append: Callable[[NewEntry], Appended], entry: NewEntry, *, is_log: bool) -> Appended:
    """What ``append`` returns. ``is_log``: it is the log itself, and no way to a process that appends."""
    began, status = time.perf_counter(), _FAILED
    try:
        appended = append(entry)
        status = appended.status.value
    finally:
        measure(JOB_APPEND_DURATION, time.perf_counter() - began, {"chanx.status": status})
    if is_log and appended.status is AppendStatus.APPENDED:
        measure(JOB_EVENTS_PUBLISHED, 1, {"chanx.action": entry.action})
        if entry.action == _GAP:
            measure(JOB_GAPS, 1, {})
    return appended
