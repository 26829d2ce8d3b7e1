"""What a worker needs to report with: one method to send an event, one to ask whether the job was cancelled."""

from __future__ import annotations

from abc import ABC, abstractmethod

from chanx.bridge.entry import Appended, NewEntry


class JobTransport(ABC):
    """Carries job events to the log. Synchronous, thread-safe, fork-safe; it never raises and never stalls a task."""

    @abstractmethod
    def send(self, entry: NewEntry) -> Appended | None:
        """Sends one event; None where it is not known (yet) what became of it."""

    @abstractmethod
    def is_cancelled(self, job_id: str) -> bool:
        """Whether somebody asked to cancel the job; False where that cannot be known now."""
