"""Joins what the log says and what the channel layer says into one stream: in order, no gap, no duplicate.

    live frames (lossy, repeated, reordered) ─┐
    pages of the log (complete, asked for)   ─┼─> StreamMerge ─> take() ─> the client
    the newest ``latest`` events (asked for) ─┘

No I/O and no time in here, so that its promise can be tested over every interleaving: what :meth:`StreamMerge.take`
has handed out after position p is the log after p.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from chanx.bridge.entry import LogEntry, LogPage

HOLD = 256
"""How many live events are held for a client while the log is read, at most; what is beyond is read from the log."""

HOLD_BYTES = 1024 * 1024
"""What the live events that are held may have together, about; a page of the log may come on top."""

CREDIT = 500
"""How many numbered events a client is sent beyond the last one it acknowledged."""

SURE_CREDIT = 100
"""How many of them it is sent however large they are, so that who acknowledges every hundredth never waits."""

CREDIT_BYTES = 1024 * 1024
"""What the events may have together that are sent beyond the last acknowledged one, if they are more than that."""


@dataclass(frozen=True, slots=True)
class LatestEntry:
    """A ``latest`` event, sent when the log ended at ``head``; newer than another if its ``rev`` is greater."""

    head: int
    rev: int
    action: str
    event: str


class StreamMerge:
    """The position of one client in one job's log, and what may be sent to it next.

    ``position`` is the newest seq handed out, ``head`` the newest seq known to exist; ``missed_rev`` that of the newest
    ``latest`` event that was lost, 0 for none. Memory is bounded by what the constants above allow, a page of the log,
    and one event for each ``latest`` action.
    """

    def __init__(self, *, position: int, head: int, rev: int = 0) -> None:
        self.position = position
        self.head = max(head, position)
        self._unacknowledged: deque[int] = deque()  # the size of each event that was sent since
        self._unacknowledged_size = 0
        self._held: dict[int, LogEntry] = {}
        self._held_size = 0
        self._latest: dict[str, LatestEntry] = {}
        self._sent_revs: dict[str, int] = {}
        self._first_rev = self._newest_rev = rev
        self.missed_rev = 0

    @property
    def needs_log(self) -> bool:
        """Whether the next thing to send has to be read from the log: it exists, may be sent, and is not held."""
        return self.position < self.head and self._may_send and self.position + 1 not in self._held

    @property
    def waits_for_ack(self) -> bool:
        """Whether there is more than the client may be sent before it acknowledges."""
        return self.position < self.head and not self._may_send

    @property
    def misses_latest(self) -> bool:
        """Whether a ``latest`` event was lost that may still be the newest of its action."""
        return self.missed_rev > 0

    def is_at(self, *, seq: int, rev: int) -> bool:
        """Whether everything up to ``seq`` and ``rev`` was handed out."""
        return self.position >= seq and self._newest_rev >= rev and not self._latest and not self.misses_latest

    def live(self, entry: LogEntry) -> None:
        """Takes a numbered event from the channel layer; repeated and late ones are nothing new."""
        self.head = max(self.head, entry.seq)
        if self.position < entry.seq <= self.position + HOLD and self._held_size + len(entry.event) <= HOLD_BYTES:
            self._hold(entry)

    def latest(self, entry: LatestEntry) -> None:
        """Takes a ``latest`` event from the channel layer. It also tells that the log reaches up to its ``head``."""
        if entry.rev > self._newest_rev + 1:
            self.missed_rev = max(self.missed_rev, entry.rev - 1)
        self._newest_rev = max(self._newest_rev, entry.rev)
        self._offer(entry)

    def page(self, page: LogPage, *, asked_at_head: int) -> None:
        """Takes a page read from the log after :attr:`position`, asked for when :attr:`head` was ``asked_at_head``."""
        for entry in page.entries:
            if entry.seq > self.position:
                self._hold(entry)
        if not page.entries and self.head == asked_at_head:
            # An event is appended before it is published, so the log is right: whoever claimed more was wrong.
            self.head = max(page.head, self.position)
        self.head = max(self.head, page.head)

    def newest(self, entries: Iterable[LatestEntry], *, rev: int, asked_for_rev: int) -> None:
        """Takes the newest event of each ``latest`` action, of which the newest had ``rev``.

        They were asked for when :attr:`missed_rev` was ``asked_for_rev``; if there is none that new, that is settled.
        """
        for entry in entries:
            self._offer(entry)
        self._newest_rev = max(self._newest_rev, rev)
        if self.missed_rev <= max(rev, asked_for_rev):
            self.missed_rev = 0

    def at_least(self, head: int, rev: int = 0) -> None:
        """Learns that the log reaches up to ``head`` and ``rev``: asked for, because the layer may have lost events."""
        self.head = max(self.head, head)
        if rev > self._newest_rev:
            self.missed_rev = max(self.missed_rev, rev)

    def acknowledge(self, seq: int) -> None:
        """The client has dealt with everything up to ``seq``. It cannot acknowledge what it was not sent."""
        while self._unacknowledged and self.position - len(self._unacknowledged) < seq:
            self._unacknowledged_size -= self._unacknowledged.popleft()

    def take(self) -> list[LogEntry | LatestEntry]:
        """Everything that can be sent now, in order; it counts as sent.

        A ``latest`` event comes right after the numbered one it was sent after, so that the last progress of a job is
        seen before its end.
        """
        sent: list[LogEntry | LatestEntry] = []
        if self._latest:
            sent += self._take_latest()
        while self.position + 1 in self._held and self._may_send:
            self.position += 1
            entry = self._held.pop(self.position)
            size = len(entry.event)
            self._held_size -= size
            self._unacknowledged.append(size)
            self._unacknowledged_size += size
            sent.append(entry)
            if self._latest:
                sent += self._take_latest()
        return sent

    def _hold(self, entry: LogEntry) -> None:
        if entry.seq not in self._held:
            self._held[entry.seq] = entry
            self._held_size += len(entry.event)

    def _offer(self, entry: LatestEntry) -> None:
        self.head = max(self.head, entry.head)
        waiting = self._latest.get(entry.action)
        newest = waiting.rev if waiting else self._sent_revs.get(entry.action, self._first_rev)
        if entry.rev > newest:
            self._latest[entry.action] = entry

    def _take_latest(self) -> list[LatestEntry]:
        due = [entry for entry in self._latest.values() if entry.head <= self.position]
        for entry in due:
            del self._latest[entry.action]
            self._sent_revs[entry.action] = entry.rev
        return sorted(due, key=lambda entry: entry.rev)

    @property
    def _may_send(self) -> bool:
        sent = len(self._unacknowledged)
        return sent < SURE_CREDIT or (sent < CREDIT and self._unacknowledged_size < CREDIT_BYTES)
