"""A real job whose events go into a list."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chanx.bridge.entry import Appended, AppendStatus, NewEntry
from chanx.bridge.reporter import JobReporter
from chanx.bridge.transports.nowhere import NowhereTransport
from chanx.bridge.worker.job import Job


class RecordingTransport(NowhereTransport):
    """Keeps every event; the job counts as cancelled once ``cancel_when`` is true."""

    def __init__(self, cancel_when: Callable[[RecordingTransport], bool] = lambda _: False) -> None:
        self.events: list[dict[str, Any]] = []
        self._cancel_when = cancel_when

    def send(self, entry: NewEntry, **_: Any) -> Appended:
        self.events.append(json.loads(entry.event))
        return Appended(AppendStatus.APPENDED, seq=len(self.events), cancelled=self._cancel_when(self))

    def is_cancelled(self, job_id: str) -> bool:
        return self._cancel_when(self)

    def payloads(self, action: str) -> list[Any]:
        return [event["payload"] for event in self.events if event["action"] == action]


def recording_job(transport: RecordingTransport) -> Job:
    return Job(JobReporter(transport, job_id="j1", task_id="t1", attempt=1))
