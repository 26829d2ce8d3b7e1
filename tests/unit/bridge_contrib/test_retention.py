"""A job whose retention is over is invisible from that moment; its rows go by themselves, or by a command."""

from io import StringIO

import pytest
from django.core.management import call_command

from chanx.bridge.contrib import forgetting
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.entry import AppendStatus
from chanx.bridge.states import JobState
from chanx.bridge.store.base import Retention
from chanx.errors import TooManyJobsError
from tests.contract.jobs import Run, create, record, texts

TABLES = ("event", "patch", "run", "execution", "task", "listing", "key", "job")


def let_expire(store: DjangoJobStore, *job_ids: str) -> None:
    for job_id in job_ids:
        store._database.ask(("UPDATE chanx_jobs_job SET expires_at = NOW() - 1 WHERE job_id = %s", (job_id,)))
        store._database.ask(("UPDATE chanx_jobs_key SET expires_at = NOW() - 1 WHERE job_id = %s", (job_id,)))


def rows_of(store: DjangoJobStore, job_id: str) -> dict[str, int]:
    answers = store._database.ask(
        *((f"SELECT count(*) FROM chanx_jobs_{table} WHERE job_id = %s", (job_id,)) for table in TABLES)
    )
    return {table: rows[0][0] for table, rows in zip(TABLES, answers, strict=True) if rows[0][0]}


def seconds_left(store: DjangoJobStore, job_id: str) -> float:
    ((left,),) = store._database.ask(("SELECT expires_at - NOW() FROM chanx_jobs_job WHERE job_id = %s", (job_id,)))[0]
    return float(left)


@pytest.fixture
def expired(store: DjangoJobStore) -> str:
    """A job with rows in every table."""
    job_id = store.create(record(key="k"), pending={"p1": "t1"}, tasks={"t1": True})
    Run(store, job_id, task_id="t1").append(state=JobState.STARTED, claims=True, patch={"a": "1"})
    let_expire(store, job_id)
    return job_id


def test_an_expired_job_is_unknown(store: DjangoJobStore, expired: str) -> None:
    assert store.snapshot(expired) is None
    assert store.read(expired, after=0, limit=9) is None
    assert store.heads([expired]) == [None]
    assert store.jobs_of("user:1") == []
    assert store.pending(expired) == store.unclaimed(expired) == {}
    assert store.outcome(expired) is None
    assert not store.add_pending(expired, "p2", "t2")
    assert not store.drop_pending(expired, ["p1"])
    assert store.request_cancel(expired) is None
    assert not store.is_cancelled(expired)
    assert not store.delete(expired)
    assert Run(store, expired).append() is AppendStatus.UNKNOWN


def test_an_expired_job_counts_no_more(store: DjangoJobStore, expired: str) -> None:
    store.create(record(), max_active=1)

    with pytest.raises(TooManyJobsError):
        store.create(record(), max_active=1)


def test_its_key_and_its_id_are_free_again(store: DjangoJobStore, expired: str) -> None:
    again = record(key="k").model_copy(update={"job_id": expired})

    assert store.create(again) == expired

    assert texts(store, expired) == []
    assert store.pending(expired) == {}
    assert store.create(record(key="k")) == expired


def test_a_new_job_takes_two_expired_ones_away(store: DjangoJobStore) -> None:
    expired = [create(store) for _ in range(3)]
    let_expire(store, *expired)

    create(store)
    assert sorted(len(rows_of(store, job_id)) for job_id in expired)[:2] == [0, 0]
    create(store)
    assert [rows_of(store, job_id) for job_id in expired] == [{}, {}, {}]


def test_the_command_takes_all_of_them_away(
    store: DjangoJobStore, expired: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a log of more events than are deleted at once, and a job that is still kept
    monkeypatch.setattr(forgetting, "_PORTION", 2)
    long, kept = create(store), create(store)
    let_expire(store, expired)
    run = Run(store, long)
    for _ in range(7):
        run.append()
    let_expire(store, long)
    said = StringIO()

    # When
    call_command("chanx_purge_jobs", database=store.alias, stdout=said)

    # Then
    assert (rows_of(store, expired), rows_of(store, long)) == ({}, {})
    assert rows_of(store, kept)
    assert said.getvalue() in ("1 jobs deleted\n", "2 jobs deleted\n")
    assert store.purge() == 0


def test_a_deleted_job_leaves_no_row(store: DjangoJobStore) -> None:
    job_id = store.create(record(key="k"), pending={"p1": "t1"})
    Run(store, job_id).append(state=JobState.FAILED, patch={"a": "1"})

    assert store.delete(job_id)

    assert rows_of(store, job_id) == {}


def test_a_job_is_kept_longer_with_its_events_and_shorter_from_its_end(sqlite_alias: str) -> None:
    # Given
    store = DjangoJobStore(sqlite_alias, retention=Retention(active_seconds=1000, ended_seconds=100))
    job_id = create(store)
    run = Run(store, job_id)
    assert seconds_left(store, job_id) == pytest.approx(1000, abs=5)

    # When it is written to at half time
    store._database.ask(("UPDATE chanx_jobs_job SET expires_at = expires_at - 500 WHERE job_id = %s", (job_id,)))
    run.append()

    # Then
    assert seconds_left(store, job_id) == pytest.approx(1000, abs=5)
    run.append(state=JobState.SUCCEEDED)
    assert seconds_left(store, job_id) == pytest.approx(100, abs=5)
    store.close()
