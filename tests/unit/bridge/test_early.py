"""What comes before a stream is there: the newest of it, and not too much."""

from chanx.bridge.entry import LogEntry
from chanx.bridge.web.early import EarlyEvents
from chanx.bridge.web.merge import HOLD, HOLD_BYTES


def test_the_newest_are_kept() -> None:
    early = EarlyEvents()

    for seq in range(1, HOLD + 11):
        early.add(LogEntry(seq, "x"), "e")

    assert early.take() == [(LogEntry(seq, "x"), "e") for seq in range(11, HOLD + 11)]
    assert early.take() == []


def test_no_more_than_may_be_held_in_bytes() -> None:
    early = EarlyEvents()
    quarter = "x" * (HOLD_BYTES // 4)

    for seq in range(1, 11):
        early.add(LogEntry(seq, quarter), "e")

    assert [entry.seq for entry, _ in early.take() if isinstance(entry, LogEntry)] == [7, 8, 9, 10]


def test_one_that_is_too_large_by_itself_is_kept_as_it_tells_where_the_log_ends() -> None:
    early = EarlyEvents()
    early.add(LogEntry(1, "x"), "e")

    early.add(LogEntry(2, "x" * (HOLD_BYTES + 1)), "e")

    assert [entry.seq for entry, _ in early.take() if isinstance(entry, LogEntry)] == [2]
