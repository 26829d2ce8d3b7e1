"""Where one subscription stands in a job's log: decides what each frame of the job is to it. No I/O.

The log numbers its events 1, 2, 3, … within an epoch. The epoch changes when the log may have been rewound.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from .job_states import TERMINAL_ACTIONS, TERMINAL_STATES


class Meaning(Enum):
    """``NEXT``: take it; ``STALE``: seen already; ``GAP``: something before it is missing.

    ``LATEST``: the newest value, without a number; ``PLAIN``: not of the log at all.
    """

    NEXT = auto()
    STALE = auto()
    GAP = auto()
    LATEST = auto()
    PLAIN = auto()


class LogPlace:
    """``seq`` is that of the last event that was taken, ``ended`` whether it was the job's last one.

    ``complete``: and there is a snapshot that holds it.
    """

    def __init__(self) -> None:
        self.epoch: str | None = None
        self.seq = 0
        self.ended = False
        self.complete = False
        self._snapshot_seq = 0
        self._snapshot_rev = 0
        self._revs: dict[str, int] = {}

    def go_to(self, epoch: str | None, seq: int) -> None:
        """The next subscribe is to begin after ``seq``; without an epoch that is known, after that of ``epoch``'s."""
        if self.epoch is None:
            self.epoch = epoch
        self.seq = seq
        self.ended = self.complete = False

    @property
    def payload(self) -> dict[str, Any]:
        """What a subscribe says of it; nothing asks for everything."""
        return {} if self.epoch is None else {"epoch": self.epoch, "after": self.seq}

    def subscribed(self, payload: dict[str, Any]) -> None:
        """Takes the ``subscribed`` answer: where the server's stream begins, and what the snapshot knows already."""
        snapshot = payload["snapshot"]
        if not payload["recovered"]:
            self.seq = max(0, snapshot["oldest"] - 1)
        self.epoch = payload["epoch"]
        self._snapshot_seq = payload["seq"]
        self._snapshot_rev = snapshot["rev"]
        self._revs.clear()
        self.complete = snapshot["state"] in TERMINAL_STATES and self.seq >= self._snapshot_seq
        self.ended = self.complete

    def accept(self, event: dict[str, Any]) -> Meaning:
        """What a frame means; one that is next is taken with that."""
        seq = event.get("seq")
        if not isinstance(seq, int):
            return self._accept_latest(event) if isinstance(event.get("rev"), int) else Meaning.PLAIN
        if seq <= self.seq:
            return Meaning.STALE
        if seq > self.seq + 1:
            return Meaning.GAP
        self.seq = seq
        self.ended = event["action"] in TERMINAL_ACTIONS
        self.complete = self.ended and self.in_snapshot(seq)
        return Meaning.NEXT

    def _accept_latest(self, event: dict[str, Any]) -> Meaning:
        action, rev = event["action"], event["rev"]
        if rev <= max(self._snapshot_rev, self._revs.get(action, 0)):
            return Meaning.STALE
        self._revs[action] = rev
        return Meaning.LATEST

    def in_snapshot(self, seq: int) -> bool:
        """Whether the last snapshot was taken after this event, so that it holds the event's effect."""
        return seq <= self._snapshot_seq
