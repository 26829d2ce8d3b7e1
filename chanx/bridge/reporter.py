"""Sends the events of one run, numbered, so that a repeated send appends nothing twice."""

from __future__ import annotations

import secrets
import threading

from chanx.bridge.encoding import Origin, encode_event
from chanx.bridge.entry import Appended, AppendStatus
from chanx.bridge.transports.base import JobTransport
from chanx.messages.base import BaseMessage


class JobReporter:
    """One per run (an execution of an attempt), or per single report from elsewhere. Thread-safe; never loses order.

    ``aborted`` turns true when an answer says that the job was cancelled, or has ended although its root task reports:
    the other tasks of a job (callbacks, nested ones) may outlive it.
    """

    def __init__(
        self, transport: JobTransport, *, job_id: str, task_id: str, attempt: int, is_root: bool = True
    ) -> None:
        self.origin = Origin(job_id, task_id, attempt, secrets.token_hex(6))
        self.aborted = False
        self._is_root = is_root
        self._transport = transport
        self._n = 0
        self._lock = threading.Lock()

    def send(self, event: BaseMessage, *, only_if_queued: bool = False) -> Appended | None:
        """Sends one event; raises only for a user's mistake in it (too large, no JSON form)."""
        with self._lock:
            entry = encode_event(event, self.origin, self._n + 1, only_if_queued=only_if_queued)
            self._n += 1
            appended = self._transport.send(entry)
        if appended and (appended.cancelled or (self._is_root and appended.status is AppendStatus.ENDED)):
            self.aborted = True
        return appended

    def ask_cancelled(self) -> bool:
        """Asks the store; one round trip."""
        self.aborted = self.aborted or self._transport.is_cancelled(self.origin.job_id)
        return self.aborted
