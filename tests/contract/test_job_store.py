"""One suite over every job store: what a log, an index and a cancel flag promise, whoever keeps them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chanx.bridge.entry import AppendStatus
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore, Retention
from chanx.errors import ConfigurationError
from tests.contract.jobs import Run, create, page_of, snapshot_of, texts


def test_a_new_job_is_queued_and_empty(store: JobStore, job_id: str) -> None:
    # When
    snapshot = store.snapshot(job_id)

    # Then
    assert snapshot is not None
    assert (snapshot.state, snapshot.attempt, snapshot.seq, snapshot.oldest, snapshot.rev) == ("queued", 0, 0, 1, 0)
    assert (snapshot.owner, snapshot.meta, snapshot.task_id) == ("user:1", {"title": "é"}, "t1")
    assert snapshot.epoch
    assert texts(store, job_id) == []


def test_an_id_is_created_once(store: JobStore, job_id: str) -> None:
    record = JobRecord(job_id=job_id, owner="user:2", name="n", task_id="t", created_at=datetime.now(UTC))

    with pytest.raises(ConfigurationError, match="is taken"):
        store.create(record)

    snapshot = snapshot_of(store, job_id)
    assert snapshot.owner == "user:1"


@pytest.mark.parametrize("ask", [lambda s: s.snapshot("nope"), lambda s: s.read("nope", after=0, limit=9)])
def test_an_unknown_job_is_none(store: JobStore, ask: Callable[[JobStore], object]) -> None:
    assert ask(store) is None
    assert store.heads(["nope"]) == [None]
    assert store.request_cancel("nope") is None
    assert not store.is_cancelled("nope")
    assert Run(store, "nope").append() is AppendStatus.UNKNOWN


def test_log_events_are_numbered_without_gaps(store: JobStore, job_id: str) -> None:
    # Given
    run = Run(store, job_id)

    # When
    answers = [store.append(run.entry(f'{{"i":{i},"t":"ü"}}')) for i in range(1, 6)]

    # Then
    assert [answer.seq for answer in answers] == [1, 2, 3, 4, 5]
    assert texts(store, job_id) == [(i, f'{{"i":{i},"t":"ü"}}') for i in range(1, 6)]
    assert [seq for seq, _ in texts(store, job_id, after=2, limit=2)] == [3, 4]
    page = page_of(store, job_id, after=5, limit=10)
    assert (page.entries, page.oldest, page.head, page.epoch) == ((), 1, 5, answers[0].epoch)


def test_concurrent_writers_share_one_sequence(store: JobStore, job_id: str) -> None:
    # When 4 runs append 25 events each at the same time (50 are kept)
    def write(_: int) -> list[int]:
        run = Run(store, job_id)
        return [store.append(run.entry()).seq for _ in range(25)]

    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(write, range(4)))

    # Then
    assert sorted(seq for seqs in written for seq in seqs) == list(range(1, 101))
    assert all(seqs == sorted(seqs) for seqs in written)


def test_a_repeated_append_adds_nothing(store: JobStore, job_id: str) -> None:
    # Given
    run = Run(store, job_id)
    first, second = run.entry('{"i":1}'), run.entry('{"i":2}', state=JobState.SUCCEEDED)
    store.append(first)
    store.append(second)

    # When
    answers = [store.append(first), store.append(second)]

    # Then
    assert [(answer.status, answer.seq) for answer in answers] == [(AppendStatus.DUPLICATE, 2)] * 2
    assert texts(store, job_id) == [(1, '{"i":1}'), (2, '{"i":2}')]


def test_a_repeated_append_adds_nothing_whoever_wrote_since(store: JobStore, job_id: str) -> None:
    # Given two runs that take turns
    runs = [Run(store, job_id) for _ in range(2)]
    sent = [run.entry() for _ in range(3) for run in runs]
    for entry in sent:
        store.append(entry)

    # When
    answers = {store.append(entry).status for entry in sent}

    # Then
    assert answers == {AppendStatus.DUPLICATE}
    assert len(texts(store, job_id)) == 6


def test_latest_events_live_in_the_snapshot_only(store: JobStore, job_id: str) -> None:
    # Given
    run = Run(store, job_id)
    store.append(run.entry())

    # When
    answers = [store.append(run.entry(delivery="latest", patch={"p": f'{{"n":{n}}}'})) for n in (1, 2)]

    # Then
    assert [(answer.seq, answer.rev) for answer in answers] == [(1, 1), (1, 2)]
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.seq, snapshot.rev, snapshot.fields) == (1, 2, {"p": {"n": 2}})
    assert len(texts(store, job_id)) == 1
    head = store.heads([job_id, "nope"])
    assert head[0] is not None
    assert (head[0].seq, head[0].rev, head[0].epoch) == (1, 2, snapshot.epoch)
    assert head[1] is None


def test_a_value_that_cannot_be_read_again_hides_nothing_else(store: JobStore, job_id: str) -> None:
    Run(store, job_id).append(delivery="latest", patch={"huge": "9" * 5000, "p": "1"})

    assert [job.fields for job in store.jobs_of("user:1")] == [{"huge": None, "p": 1}]


def test_the_oldest_entries_make_room(store: JobStore, job_id: str) -> None:
    # When
    run = Run(store, job_id)
    for i in range(1, 71):
        store.append(run.entry(f'{{"i":{i}}}'))

    # Then
    snapshot = snapshot_of(store, job_id)
    assert snapshot.seq == 70
    assert 21 <= snapshot.oldest <= 26  # a store may trim in portions
    assert [seq for seq, _ in texts(store, job_id)] == list(range(snapshot.oldest, 71))


def test_states_of_two_attempts_may_come_in_any_order(store: JobStore, job_id: str) -> None:
    # Given attempt 2 that starts before attempt 1 has said that it is retrying
    first, second = Run(store, job_id, attempt=1), Run(store, job_id, attempt=2)
    first.append(state=JobState.STARTED)
    second.append(state=JobState.STARTED)

    # When
    first.append(state=JobState.RETRYING)

    # Then
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.state, snapshot.attempt) == (JobState.STARTED, 2)


@pytest.mark.parametrize("end", [JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED])
def test_nothing_comes_after_the_end(store: JobStore, job_id: str, end: JobState) -> None:
    # Given
    run = Run(store, job_id)
    run.append(state=JobState.STARTED)
    run.append(state=end, patch={"result": "1"})

    # When
    late = [
        run.append(state=JobState.FAILED, patch={"result": "2"}),
        Run(store, job_id, attempt=9).append(state=JobState.STARTED),
        run.append(delivery="latest", patch={"p": "1"}),
        run.append(),
    ]

    # Then
    assert late == [AppendStatus.ENDED] * 4
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.state, snapshot.seq, snapshot.rev, snapshot.fields) == (end, 2, 0, {"result": 1})


def test_only_if_queued_ends_a_job_that_nobody_began(store: JobStore) -> None:
    # Given
    waiting, running = create(store), create(store)
    Run(store, running).append(state=JobState.STARTED)

    # When
    answers = [
        Run(store, job_id).append(state=JobState.CANCELLED, only_if_queued=True) for job_id in (waiting, running)
    ]

    # Then
    assert answers == [AppendStatus.APPENDED, AppendStatus.REFUSED]
    assert Run(store, waiting).append(state=JobState.STARTED) is AppendStatus.ENDED


def test_a_cancel_request_shows_in_every_answer(store: JobStore, job_id: str) -> None:
    # Given
    run = Run(store, job_id)
    before = store.append(run.entry(state=JobState.STARTED))

    # When
    state = store.request_cancel(job_id)

    # Then
    assert (before.cancelled, state) == (False, JobState.STARTED)
    assert store.is_cancelled(job_id)
    assert store.append(run.entry()).cancelled
    snapshot = snapshot_of(store, job_id)
    assert snapshot.cancel_requested


def test_an_ended_job_cannot_be_cancelled(store: JobStore, job_id: str) -> None:
    Run(store, job_id).append(state=JobState.SUCCEEDED)

    assert store.request_cancel(job_id) is JobState.SUCCEEDED
    assert not store.is_cancelled(job_id)


def test_an_owner_sees_their_own_jobs_newest_first(store: JobStore) -> None:
    # Given
    jobs = [create(store, "user:7", timedelta(minutes=age)) for age in range(5)]
    create(store, "user:8")

    # Then
    assert [job.job_id for job in store.jobs_of("user:7")] == jobs
    assert [job.job_id for job in store.jobs_of("user:7", limit=2)] == jobs[:2]
    assert store.jobs_of("user:9") == []


def test_an_operator_sees_the_jobs_of_all_owners_newest_first(store: JobStore) -> None:
    # Given
    assert store.all_jobs() == []
    jobs = [create(store, f"user:{age}", timedelta(minutes=age)) for age in range(5)]
    Run(store, jobs[1]).append(state=JobState.FAILED)

    # Then
    found = store.all_jobs()
    assert [job.job_id for job in found] == jobs
    assert [job.job_id for job in store.all_jobs(limit=2)] == jobs[:2]
    assert [job.job_id for job in store.all_jobs(limit=2, before=found[1].created_at)] == jobs[2:4]

    # When
    assert store.delete(jobs[1])

    # Then
    assert [job.job_id for job in store.all_jobs()] == [jobs[0], *jobs[2:]]


@pytest.mark.parametrize(
    "limits", [{"max_entries": 0}, {"max_bytes": 0}, {"ended_seconds": 0.5}, {"active_seconds": timedelta(days=1)}]
)
def test_a_retention_that_keeps_nothing_is_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{next(iter(limits))}=.*use a whole number"):
        Retention(**limits)
