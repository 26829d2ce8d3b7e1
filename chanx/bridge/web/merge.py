"""Joins what the log says and what the channel layer says into one stream: in order, no gap, no duplicate.

    live frames (lossy, repeated, reordered) ─┐
                                              ├─> StreamMerge ─> take() ─> the client
    pages of the log (complete, asked for)   ─┘

No I/O and no time in here, so that its promise can be tested over every interleaving: what :meth:`StreamMerge.take`
has handed out after position p is the log after p.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chanx.bridge.entry import LogEntry, LogPage

HOLD = 256
"""How many live events are held for a client while the log is read, at most; what is beyond is read from the log."""

CREDIT = 500
"""How many numbered events a client is sent beyond the last one it acknowledged."""


@dataclass(frozen=True, slots=True)
class LatestEntry:
    """A ``latest`` event, sent when the log ended at ``head``; newer than another if its ``rev`` is greater."""

    head: int
    rev: int
    action: str
    event: str


class StreamMerge:
    """The position of one client in one job's log, and what may be sent to it next.

    ``position`` is the newest seq handed out, ``head`` the newest seq known to exist. Memory is bounded by ``HOLD``
    live events and one event for each ``latest`` action.
    """

    def __init__(self, *, position: int, head: int, rev: int = 0) -> None:
        self.position = position
        self.head = max(head, position)
        self._acknowledged = position
        self._held: dict[int, str] = {}
        self._latest: dict[str, LatestEntry] = {}
        self._snapshot_rev = rev
        self._sent_revs: dict[str, int] = {}

    @property
    def needs_log(self) -> bool:
        """Whether the next thing to send has to be read from the log: it exists, may be sent, and is not held."""
        next_seq = self.position + 1
        return self.position < self.head and self._may_send(next_seq) and next_seq not in self._held

    def live(self, entry: LogEntry) -> None:
        """Takes a numbered event from the channel layer; repeated and late ones are nothing new."""
        self.head = max(self.head, entry.seq)
        if self.position < entry.seq <= self.position + HOLD:
            self._held[entry.seq] = entry.event

    def latest(self, entry: LatestEntry) -> None:
        """Takes a ``latest`` event from the channel layer. It also tells that the log reaches up to its ``head``."""
        self.head = max(self.head, entry.head)
        waiting = self._latest.get(entry.action)
        newest = waiting.rev if waiting else self._sent_revs.get(entry.action, self._snapshot_rev)
        if entry.rev > newest:
            self._latest[entry.action] = entry

    def page(self, page: LogPage, *, asked_at_head: int) -> None:
        """Takes a page read from the log after :attr:`position`, asked for when :attr:`head` was ``asked_at_head``."""
        for entry in page.entries:
            if entry.seq > self.position:
                self._held[entry.seq] = entry.event
        if not page.entries and self.head == asked_at_head:
            # An event is appended before it is published, so the log is right: whoever claimed more was wrong.
            self.head = max(page.head, self.position)
        self.head = max(self.head, page.head)

    def at_least(self, head: int) -> None:
        """Learns that the log reaches up to ``head``: asked for, because the layer may have lost the last event."""
        self.head = max(self.head, head)

    def acknowledge(self, seq: int) -> None:
        """The client has dealt with everything up to ``seq``. It cannot acknowledge what it was not sent."""
        self._acknowledged = max(self._acknowledged, min(seq, self.position))

    def take(self) -> Iterable[LogEntry | LatestEntry]:
        """Everything that can be sent now, in order; it counts as sent.

        A ``latest`` event comes right after the numbered one it was sent after, so that the last progress of a job is
        seen before its end.
        """
        sent: list[LogEntry | LatestEntry] = [*self._take_latest()]
        while self._may_send(self.position + 1) and self.position + 1 in self._held:
            self.position += 1
            sent.append(LogEntry(self.position, self._held.pop(self.position)))
            sent += self._take_latest()
        for seq in [seq for seq in self._held if seq <= self.position]:
            del self._held[seq]
        return sent

    def _take_latest(self) -> list[LatestEntry]:
        if not self._latest:
            return []
        due = [entry for entry in self._latest.values() if entry.head <= self.position]
        for entry in due:
            del self._latest[entry.action]
            self._sent_revs[entry.action] = entry.rev
        return sorted(due, key=lambda entry: entry.rev)

    def _may_send(self, seq: int) -> bool:
        return seq <= self._acknowledged + CREDIT
