"""The promise of the job stream, over every interleaving hypothesis can think of: in order, no gap, no duplicate."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chanx.bridge.entry import LogEntry, LogPage
from chanx.bridge.web.merge import (
    CREDIT,
    CREDIT_BYTES,
    HOLD,
    HOLD_BYTES,
    SURE_CREDIT,
    LatestEntry,
    StreamMerge,
)


class MergeMachine(RuleBasedStateMachine):
    """A log, a layer that drops, repeats and reorders, reads that answer late, and a client that acks at will."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[LogEntry] = []
        self.rev = 0
        self.newest: dict[str, LatestEntry] = {}
        self.on_the_wire: list[LogEntry | LatestEntry] = []
        self.reads: list[tuple[LogPage, int]] = []
        self.seen: list[LogEntry] = []
        self.seen_latest: list[tuple[LatestEntry, int]] = []
        self.start = 0
        self.client = StreamMerge(position=0, head=0)

    @initialize(events=st.integers(0, 30), start=st.integers(0, 30))
    def some_history(self, events: int, start: int) -> None:
        for _ in range(events):
            self.log.append(LogEntry(len(self.log) + 1, f"e{len(self.log) + 1}"))
        self.start = min(start, events)
        self.client = StreamMerge(position=self.start, head=len(self.log))

    @rule(count=st.integers(1, 40), lost=st.sets(st.integers(0, 39)), repeated=st.sets(st.integers(0, 39)))
    def publish(self, count: int, lost: set[int], repeated: set[int]) -> None:
        for i in range(count):
            entry = LogEntry(len(self.log) + 1, f"e{len(self.log) + 1}")
            self.log.append(entry)
            self.on_the_wire += [entry] * ((i not in lost) + (i in repeated))

    @rule(action=st.sampled_from(["progress", "statistics"]), lost=st.booleans())
    def publish_latest(self, action: str, lost: bool) -> None:
        self.rev += 1
        entry = self.newest[action] = LatestEntry(len(self.log), self.rev, action, f"{action} {self.rev}")
        if not lost:
            self.on_the_wire.append(entry)

    @precondition(lambda self: self.on_the_wire)
    @rule(data=st.data())
    def deliver_one_of(self, data: st.DataObject) -> None:
        entry = self.on_the_wire.pop(data.draw(st.integers(0, len(self.on_the_wire) - 1)))
        self.deliver(entry)

    @rule()
    def deliver_all(self) -> None:
        while self.on_the_wire:
            self.deliver(self.on_the_wire.pop(0))

    @precondition(lambda self: self.client.needs_log and not self.reads)
    @rule(limit=st.integers(1, 50))
    def ask_the_log(self, limit: int) -> None:
        after = self.client.position
        page = LogPage(tuple(self.log[after : after + limit]), 1, len(self.log), "e")
        self.reads.append((page, self.client.head))

    @precondition(lambda self: self.reads)
    @rule()
    def the_log_answers(self) -> None:
        page, asked_at_head = self.reads.pop()
        self.client.page(page, asked_at_head=asked_at_head)

    @precondition(lambda self: self.client.misses_latest)
    @rule()
    def the_newest_are_read(self) -> None:
        entries = [replace(entry, head=len(self.log)) for entry in self.newest.values()]
        self.client.newest(entries, rev=self.rev, asked_for_rev=self.client.missed_rev)
        assert not self.client.misses_latest

    @rule()
    def head_is_polled(self) -> None:
        self.client.at_least(len(self.log), self.rev)

    @rule(behind=st.integers(-5, 30))
    def client_acknowledges(self, behind: int) -> None:
        self.client.acknowledge(self.client.position - behind)

    @rule()
    def send(self) -> None:
        for entry in self.client.take():
            if isinstance(entry, LogEntry):
                self.seen.append(entry)
            else:
                self.seen_latest.append((entry, self.start + len(self.seen)))

    @invariant()
    def what_was_seen_is_the_log(self) -> None:
        assert self.seen == self.log[self.start : self.start + len(self.seen)]
        assert self.client.position == self.start + len(self.seen)

    @invariant()
    def latest_only_moves_forward_and_never_ahead_of_the_log(self) -> None:
        for action in ("progress", "statistics"):
            revs = [entry.rev for entry, _ in self.seen_latest if entry.action == action]
            assert revs == sorted(set(revs))
        assert all(entry.head <= position for entry, position in self.seen_latest)

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.client._held) <= HOLD + 50
        assert len(self.client._latest) <= 2

    def teardown(self) -> None:
        """In the end everything arrives, if the head is asked for and the client acknowledges."""
        self.on_the_wire.clear()
        self.reads.clear()
        self.head_is_polled()
        if self.client.misses_latest:
            self.the_newest_are_read()
        while not self.client.is_at(seq=len(self.log), rev=self.rev):
            before = len(self.seen) + len(self.seen_latest)
            self.client.acknowledge(self.client.position)
            if self.client.needs_log:
                self.ask_the_log(50)
                self.the_log_answers()
            self.send()
            assert len(self.seen) + len(self.seen_latest) > before
        self.what_was_seen_is_the_log()
        assert len(self.seen) == len(self.log) - self.start
        last = {entry.action: entry.event for entry, _ in self.seen_latest}
        assert last == {action: entry.event for action, entry in self.newest.items()}

    def deliver(self, entry: LogEntry | LatestEntry) -> None:
        if isinstance(entry, LogEntry):
            self.client.live(entry)
        else:
            self.client.latest(entry)


TestMerge = MergeMachine.TestCase
TestMerge.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def test_without_an_acknowledgement_a_client_gets_500_events_and_costs_no_more_memory() -> None:
    # Given a client at 0 that never acknowledges
    client = StreamMerge(position=0, head=0)

    # When 2,000 events come by
    sent = 0
    for seq in range(1, 2001):
        client.live(LogEntry(seq, "e"))
        sent += len(list(client.take()))

    # Then
    assert sent == CREDIT
    assert len(client._held) <= HOLD
    assert not client.needs_log

    # When it acknowledges, then it reads on from the log
    client.acknowledge(sent)
    assert next(iter(client.take())) == LogEntry(CREDIT + 1, "e")


def test_a_head_that_nobody_wrote_is_not_asked_for_for_ever() -> None:
    # Given a client that was told of an event 9
    client = StreamMerge(position=3, head=3)
    client.at_least(9)
    assert client.needs_log

    # When the log says that it ends at 3
    client.page(LogPage((), 1, 3, "e"), asked_at_head=9)

    # Then
    assert not client.needs_log


def test_the_last_progress_comes_before_the_end() -> None:
    # Given a client at 3, and one wake-up in which both arrived
    client = StreamMerge(position=3, head=3)
    progress, end = LatestEntry(4, 9, "job_progress", "p"), LogEntry(5, "job_succeeded")
    client.live(LogEntry(4, "x"))
    client.latest(progress)
    client.live(end)

    # Then
    assert list(client.take()) == [LogEntry(4, "x"), progress, end]


@pytest.mark.parametrize("seq", [1, 5])
def test_a_repeated_or_late_event_is_nothing_new(seq: int) -> None:
    client = StreamMerge(position=5, head=5)

    client.live(LogEntry(seq, "old"))

    assert list(client.take()) == []


def test_what_the_snapshot_told_is_nothing_new() -> None:
    # Given a client whose snapshot had the latest event 5
    client = StreamMerge(position=3, head=3, rev=5)

    # When it comes by late, and then a newer one
    client.latest(LatestEntry(3, 5, "job_progress", "old"))
    assert list(client.take()) == []
    client.latest(LatestEntry(3, 6, "job_progress", "new"))

    # Then
    assert [entry.event for entry in client.take()] == ["new"]


def test_what_was_not_sent_cannot_be_acknowledged() -> None:
    # Given a client that acknowledges the future
    client = StreamMerge(position=0, head=0)
    client.acknowledge(1_000_000)

    # When more comes than its credit
    sent = 0
    for seq in range(1, 1001):
        client.live(LogEntry(seq, "e"))
        sent += len(list(client.take()))

    # Then
    assert sent == CREDIT


def test_what_is_held_is_bounded_in_bytes_too() -> None:
    # Given a client that is missing event 1, and events of which four are as much as may be held
    client = StreamMerge(position=0, head=0)

    # When
    for seq in range(2, 12):
        client.live(LogEntry(seq, "x" * (HOLD_BYTES // 4)))

    # Then the others are read
    assert sorted(client._held) == [2, 3, 4, 5]
    client.page(LogPage((LogEntry(1, "1"),), 1, 11, "e"), asked_at_head=11)
    assert [entry.seq for entry in client.take() if isinstance(entry, LogEntry)] == [1, 2, 3, 4, 5]
    assert client.needs_log


def test_of_large_events_a_client_is_sent_a_hundred_beyond_the_last_acknowledged_one() -> None:
    # Given events of which 100 are more than the credit's bytes, so that whoever acknowledges every 100th goes on
    client = StreamMerge(position=0, head=0)
    large = "x" * (CREDIT_BYTES // (SURE_CREDIT - 1))

    def sent_of(events: int) -> int:
        sent = 0
        for seq in range(client.position + 1, client.position + events + 1):
            client.live(LogEntry(seq, large))
            sent += len(client.take())
        return sent

    # Then
    assert sent_of(CREDIT) == SURE_CREDIT
    client.acknowledge(SURE_CREDIT)
    assert sent_of(CREDIT) == SURE_CREDIT


def test_a_lost_latest_event_is_missed_when_the_next_one_of_any_action_comes() -> None:
    client = StreamMerge(position=0, head=0)

    client.latest(LatestEntry(0, 2, "statistics", "2"))

    assert client.misses_latest
    assert client.missed_rev == 1
    newest = [LatestEntry(0, 2, "statistics", "2"), LatestEntry(0, 1, "job_progress", "1")]
    client.newest(newest, rev=2, asked_for_rev=1)
    assert [entry.event for entry in client.take() if isinstance(entry, LatestEntry)] == ["1", "2"]


def test_a_latest_event_that_nobody_wrote_is_not_asked_for_for_ever() -> None:
    client = StreamMerge(position=0, head=0)
    client.latest(LatestEntry(0, 1000, "job_progress", "?"))
    assert client.missed_rev == 999

    client.newest([], rev=3, asked_for_rev=999)

    assert not client.misses_latest


def test_one_that_is_missed_while_the_newest_are_read_is_still_missed() -> None:
    client = StreamMerge(position=0, head=0)
    client.at_least(0, 5)

    # When another one is lost while those up to 5 are read
    client.at_least(0, 6)
    client.newest([LatestEntry(0, 5, "job_progress", "5")], rev=5, asked_for_rev=5)

    # Then
    assert client.missed_rev == 6
