"""One suite over every job store: the first event of a job, how many an owner may have, and how a job is forgotten."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from chanx.bridge.entry import AppendStatus, Ending, NewEntry
from chanx.bridge.names import list_group, new_job_id
from chanx.bridge.snapshot import JobRecord
from chanx.bridge.states import JobState
from chanx.bridge.store.base import JobStore
from chanx.errors import TooManyJobsError
from tests.contract.jobs import Run, create, outcome_of, record, snapshot_of, texts

QUEUED = '{"action":"job_queued","ü":1}'


def queued(job: JobRecord, run_id: str = "r1") -> NewEntry:
    return NewEntry(job.job_id, "job_queued", QUEUED, run_id, 1, state=JobState.QUEUED, patch={"from": '"ü"'})


def test_the_first_event_is_appended_with_the_job(store: JobStore) -> None:
    # Given
    job = record()

    # When
    store.create(job, pending={"p1": "t1"}, first=queued(job))

    # Then
    snapshot = snapshot_of(store, job.job_id)
    assert (snapshot.state, snapshot.attempt, snapshot.seq, snapshot.rev) == ("queued", 0, 1, 0)
    assert snapshot.fields == {"from": "ü"}
    assert texts(store, job.job_id) == [(1, QUEUED)]
    assert store.append(queued(job)).status is AppendStatus.DUPLICATE
    assert Run(store, job.job_id).send().seq == 2
    assert store.pending(job.job_id) == {"p1": "t1"}


def test_the_first_event_of_a_job_that_was_started_before_is_not_appended(store: JobStore) -> None:
    job, again = record(key="k"), record(key="k")
    store.create(job, first=queued(job))

    assert store.create(again, first=queued(again, "r2")) == job.job_id

    assert texts(store, job.job_id) == [(1, QUEUED)]
    assert store.read(again.job_id, after=0, limit=1) is None
    without_key = again.model_copy(update={"idempotency_key": None})
    store.create(without_key, first=queued(again, "r2"))
    assert texts(store, again.job_id) == [(1, QUEUED)]


def test_jobs_that_are_created_at_once_with_one_key_are_one(store: JobStore) -> None:
    # When
    def start(_: int) -> str:
        job = record(key="k")
        return store.create(job, pending={job.job_id: "t1"}, first=queued(job), max_active=20)

    with ThreadPoolExecutor(8) as pool:
        started = set(pool.map(start, range(16)))

    # Then
    (job_id,) = started
    assert [job.job_id for job in store.jobs_of("user:1")] == [job_id]
    assert store.pending(job_id) == {job_id: "t1"}
    assert texts(store, job_id) == [(1, QUEUED)]


def test_an_owner_has_as_many_active_jobs_as_are_allowed(store: JobStore) -> None:
    # Given
    first, second = (store.create(record(), max_active=2) for _ in range(2))
    refused = record()

    # When
    with pytest.raises(TooManyJobsError, match="2 jobs"):
        store.create(refused, max_active=2, pending={"p1": "t1"}, first=queued(refused))

    # Then nothing is stored
    assert store.snapshot(refused.job_id) is None
    assert store.pending(refused.job_id) == {}
    assert {job.job_id for job in store.jobs_of("user:1")} == {first, second}

    # And others may go on, as may this one once a job has ended
    store.create(record(owner="user:2", watchers=("user:1",)), max_active=1)
    Run(store, first).append(state=JobState.CANCELLED)
    assert store.create(refused, max_active=2) == refused.job_id


def test_a_job_that_is_only_watched_is_not_counted(store: JobStore) -> None:
    store.create(record(owner="user:2", watchers=("user:1",)))

    store.create(record(), max_active=1)

    with pytest.raises(TooManyJobsError):
        store.create(record(watchers=("user:3",)), max_active=1)


def test_a_job_that_was_started_before_is_not_one_too_many(store: JobStore) -> None:
    # Given
    job_id = store.create(record(key="k"), max_active=1)

    # Then
    assert store.create(record(key="k"), max_active=1) == job_id

    # And a key is not used by what was refused
    refused = record(key="other")
    with pytest.raises(TooManyJobsError):
        store.create(refused, max_active=1)
    Run(store, job_id).append(state=JobState.SUCCEEDED)
    another = record(key="other")
    assert store.create(another, max_active=1) == another.job_id


def test_jobs_that_are_created_at_once_are_not_more_than_allowed(store: JobStore) -> None:
    # When
    def start(_: int) -> bool:
        try:
            store.create(record(), max_active=5)
        except TooManyJobsError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        started = list(pool.map(start, range(40)))

    # Then those that are stored are those that were said to be
    assert len(store.jobs_of("user:1")) == sum(started) <= 5
    while sum(started) < 5:  # two that came too many together may both have been refused
        started.append(start(0))
    assert not start(0)


def test_a_job_that_has_ended_can_be_deleted(store: JobStore) -> None:
    # Given
    job = record(key="k", watchers=("project:7",))
    store.create(job, pending={"p1": "t1"}, first=queued(job))
    Run(store, job.job_id).append(state=JobState.FAILED)
    kept = store.create(record())

    # When
    assert store.delete(job.job_id)

    # Then
    assert store.snapshot(job.job_id) is None
    assert store.read(job.job_id, after=0, limit=9) is None
    assert store.heads([job.job_id]) == [None]
    assert [found.job_id for found in store.jobs_of("user:1")] == [kept]
    assert store.jobs_of("project:7") == []
    assert Run(store, job.job_id).append() is AppendStatus.UNKNOWN
    assert not store.delete(job.job_id)

    # And its key is free again, as is its id
    again = record(key="k")
    assert store.create(again) == again.job_id
    assert store.create(job.model_copy(update={"idempotency_key": None})) == job.job_id
    assert texts(store, job.job_id) == []
    assert Run(store, job.job_id).append() is AppendStatus.APPENDED
    assert store.append(queued(job)).status is AppendStatus.APPENDED


def test_a_key_that_another_job_has_is_not_freed_with_a_job(store: JobStore) -> None:
    one, other = store.create(record(key="k")), store.create(record(owner="user:2", key="k"))
    Run(store, one).append(state=JobState.SUCCEEDED)

    store.delete(one)

    assert store.create(record(owner="user:2", key="k")) == other


def test_a_job_that_goes_on_is_not_deleted(store: JobStore, job_id: str) -> None:
    Run(store, job_id).append(state=JobState.STARTED)

    assert not store.delete(job_id)
    assert not store.delete(new_job_id())

    assert snapshot_of(store, job_id).state is JobState.STARTED


def test_watchers_are_listed_the_jobs_they_may_see(store: JobStore) -> None:
    # Given
    watched = store.create(record(watchers=("project:7", "project:ü")))
    also = store.create(record(owner="project:7", age=timedelta(minutes=1), watchers=("project:7",)))
    store.create(record())

    # Then
    assert [job.job_id for job in store.jobs_of("project:7")] == [watched, also]
    assert [job.job_id for job in store.jobs_of("project:ü")] == [watched]
    assert store.jobs_of("project:7")[0].watchers == snapshot_of(store, watched).watchers == ("project:7", "project:ü")
    assert "project" not in snapshot_of(store, watched).model_dump_json()


def test_older_jobs_come_page_by_page(store: JobStore) -> None:
    # Given
    now = datetime.now(UTC)
    ages = [0, 1, 1, 1, 1, 2, 2]
    jobs = [record().model_copy(update={"created_at": now - timedelta(microseconds=age)}) for age in ages]
    jobs.sort(key=lambda job: job.place, reverse=True)
    for job in jobs:
        store.create(job)

    # When
    pages = [store.jobs_of("user:1", limit=3)]
    while pages[-1]:
        last = pages[-1][-1]
        pages.append(store.jobs_of("user:1", limit=3, before=last.created_at, before_id=last.job_id))

    # Then
    assert [[job.job_id for job in page] for page in pages] == [
        [job.job_id for job in jobs[place : place + 3]] for place in (0, 3, 6, 9)
    ]


def test_a_change_of_the_state_is_one_for_the_lists(store: JobStore) -> None:
    # Given
    job_id = store.create(record(watchers=("project:7", "user:1")), pending={"p1": "t1"})
    groups = (list_group("user:1"), list_group("project:7"))
    first, second = Run(store, job_id), Run(store, job_id, attempt=2)

    # Then
    assert first.send(state=JobState.STARTED).list_groups == groups
    assert first.send().list_groups == ()
    assert first.send(delivery="latest").list_groups == ()
    assert second.send(state=JobState.STARTED).list_groups == groups
    assert first.send(state=JobState.RETRYING).list_groups == ()  # the second attempt has begun already
    assert second.send(state=JobState.STARTED).list_groups == ()
    assert second.send(state=JobState.FAILED, only_if_complete=True).list_groups == ()
    assert second.send(state=JobState.FAILED, ending=Ending("", "failed")).list_groups == ()  # held
    assert second.send(state=JobState.FAILED).list_groups == groups
    assert second.send(state=JobState.FAILED).list_groups == ()


def test_the_first_cancel_request_s_reason_is_kept(store: JobStore) -> None:
    # Given
    job_id = create(store, pending={"p1": "t1"})
    assert snapshot_of(store, job_id).cancel_reason is None

    # When
    store.request_cancel(job_id, reason="“too slow”")
    store.request_cancel(job_id, reason="another")

    # Then
    assert snapshot_of(store, job_id).cancel_reason == outcome_of(store, job_id).cancel_reason == "“too slow”"
    Run(store, job_id).append(state=JobState.CANCELLED)
    assert snapshot_of(store, job_id).cancel_reason == "“too slow”"


def test_a_cancel_request_needs_no_reason(store: JobStore, job_id: str) -> None:
    store.request_cancel(job_id)

    outcome = outcome_of(store, job_id)
    assert (outcome.cancelled, outcome.cancel_reason) == (True, None)
    snapshot = snapshot_of(store, job_id)
    assert (snapshot.cancel_requested, snapshot.cancel_reason) == (True, None)


def test_a_reason_that_comes_after_the_end_is_not_kept(store: JobStore, job_id: str) -> None:
    Run(store, job_id).append(state=JobState.SUCCEEDED)

    store.request_cancel(job_id, reason="late")

    assert snapshot_of(store, job_id).cancel_reason is None
