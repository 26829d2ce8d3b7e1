"""One suite over every job store: how much of a log is kept, how long a page is, and what the snapshot is made of."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chanx.bridge.entry import AppendStatus, NewEntry
from chanx.bridge.states import JobState
from chanx.bridge.store.base import PAGE_BYTES, JobStore, Retention
from tests.contract.jobs import Run, create, page_of, snapshot_of

StoreMaker = Callable[[Retention], JobStore]

LIMITS = Retention(max_entries=30, max_bytes=2000)

examples = settings(
    max_examples=25,
    deadline=None,
    # Each example makes its own store, or its own job in one.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def event(size: int) -> str:
    """A JSON text of so many bytes, three at least, most of whose letters take two."""
    return json.dumps("ü" * ((size - 2) // 2) + "u" * (size % 2), ensure_ascii=False)


def assert_keeps_enough(store: JobStore, job_id: str, sizes: list[int]) -> None:
    """The newest events, within the limits, and so many of them that one more is over nine tenths of a limit."""
    page = page_of(store, job_id)
    kept = [len(entry.event.encode()) for entry in page.entries]
    assert kept == sizes[-len(kept) :]
    assert [entry.seq for entry in page.entries] == list(range(page.oldest, page.head + 1))
    assert (page.head, page.oldest) == (len(sizes), len(sizes) - len(kept) + 1)
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.seq, snapshot.oldest) == (page.head, page.oldest)
    assert 1 <= len(kept) <= LIMITS.max_entries
    assert len(kept) == 1 or sum(kept) <= LIMITS.max_bytes
    if len(kept) < len(sizes):
        with_one_more = sizes[-len(kept) - 1 :]
        assert len(with_one_more) > 0.9 * LIMITS.max_entries or sum(with_one_more) > 0.9 * LIMITS.max_bytes


@examples
@given(sizes=st.lists(st.sampled_from([3, 7, 20, 60, 61, 250, 1999, 2000, 2001, 5000]), min_size=1, max_size=60))
def test_a_log_keeps_its_newest_events_within_its_limits(store_with: StoreMaker, sizes: list[int]) -> None:
    store = store_with(LIMITS)
    run = Run(store, create(store))
    for number, size in enumerate(sizes, start=1):
        run.append(event(size))
        assert_keeps_enough(store, run.job_id, sizes[:number])
    store.close()


def test_what_has_made_room_is_not_read_again(store_with: StoreMaker) -> None:
    # Given
    store = store_with(LIMITS)
    run = Run(store, create(store))
    for _ in range(7):
        run.append(event(499))

    # When
    page = page_of(store, run.job_id, after=0, limit=2)

    # Then
    assert page.oldest in (4, 5)
    assert [entry.seq for entry in page.entries] == [page.oldest, page.oldest + 1]
    assert store.append(NewEntry(run.job_id, "x", "{}", run.run_id, 1)).status is AppendStatus.DUPLICATE


def test_latest_events_take_no_room_in_the_log(store_with: StoreMaker) -> None:
    store = store_with(LIMITS)
    run = Run(store, create(store))
    run.append(event(1000))

    for _ in range(40):
        run.append(event(1900), delivery="latest", patch={"p": event(1900)})

    assert [len(entry.event.encode()) for entry in page_of(store, run.job_id).entries] == [1000]


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        ([PAGE_BYTES // 4] * 7, [4, 3]),
        ([PAGE_BYTES // 4 - 1] * 7, [5, 2]),
        ([PAGE_BYTES - 1, 3, 3], [2, 1]),
        ([PAGE_BYTES, 3], [1, 1]),
        ([3, PAGE_BYTES * 2, 3], [2, 1]),
    ],
)
def test_a_page_ends_with_the_event_that_fills_it(store: JobStore, sizes: list[int], lengths: list[int]) -> None:
    # Given
    run = Run(store, create(store))
    for size in sizes:
        run.append(event(size))

    # When
    found: list[int] = []
    seen = 0
    while page := page_of(store, run.job_id, after=seen).entries:
        assert [entry.seq for entry in page] == list(range(seen + 1, seen + len(page) + 1))
        found.append(len(page))
        seen = page[-1].seq

    # Then
    assert found == lengths


@dataclass
class Fold:
    """What a snapshot is, by the events that were appended: nothing else goes into it."""

    state: JobState = JobState.QUEUED
    attempt: int = 0
    seq: int = 0
    rev: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)

    def take(self, entry: NewEntry) -> None:
        self.fields |= {name: json.loads(value) for name, value in entry.patch.items()}
        if entry.delivery == "log":
            self.seq += 1
            self.log.append(entry.event)
        else:
            self.rev += 1
            self.latest[entry.action] = self.rev
        order = [JobState.QUEUED, JobState.STARTED, JobState.RETRYING]
        if entry.state in order and (entry.attempt, order.index(entry.state)) < (self.attempt, order.index(self.state)):
            return
        if entry.state:
            self.state, self.attempt = entry.state, entry.attempt


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
patches = st.dictionaries(
    st.sampled_from(["result", "job_progress", "ä ö", "state"]),
    json_values.map(lambda value: json.dumps(value, ensure_ascii=False)),
    max_size=2,
)
# Mostly states that are not the last, or most histories would be short.
states = st.sampled_from([None] * 6 + list(JobState)[:3] * 3 + [JobState.SUCCEEDED])
steps = st.lists(
    st.tuples(
        st.integers(0, 2),  # which run
        st.booleans(),  # sent twice
        st.fixed_dictionaries(
            {
                "action": st.sampled_from(["job_progress", "row", "é"]),
                "event": json_values.map(json.dumps),
                "delivery": st.sampled_from(["log", "latest"]),
                "state": states,
                "attempt": st.integers(0, 3),
                "patch": patches,
            }
        ),
    ),
    max_size=25,
)


@examples
@given(steps=steps)
def test_the_snapshot_is_what_its_events_make_of_it(
    store: JobStore, steps: list[tuple[int, bool, dict[str, Any]]]
) -> None:
    # Given
    job_id = create(store)
    runs = [Run(store, job_id) for _ in range(3)]
    fold = Fold()

    # When
    for place, is_repeated, values in steps:
        run = runs[place]
        run.n += 1
        entry = NewEntry(job_id=job_id, run_id=run.run_id, n=run.n, **values)
        expected = AppendStatus.ENDED if fold.state.is_terminal else AppendStatus.APPENDED
        assert store.append(entry).status is expected
        if expected is AppendStatus.APPENDED:
            fold.take(entry)
            if is_repeated:
                assert store.append(entry).status is AppendStatus.DUPLICATE

    # Then
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.state, snapshot.attempt, snapshot.seq, snapshot.rev) == (
        fold.state,
        fold.attempt,
        fold.seq,
        fold.rev,
    )
    assert (snapshot.fields, snapshot.latest) == (fold.fields, fold.latest)
    assert [entry.event for entry in page_of(store, job_id).entries] == fold.log
