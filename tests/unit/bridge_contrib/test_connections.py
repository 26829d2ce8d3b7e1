"""The connections of the job store are its own: no transaction, thread, fork or event loop is in their way."""

import os
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from django.db import connections, router, transaction

from chanx.bridge.contrib import database
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.entry import AppendStatus
from chanx.bridge.store.base import StoreUnavailableError
from chanx.errors import ConfigurationError
from tests.contract.jobs import Run, create, record, texts
from tests.databases import alias_for


async def test_it_works_inside_a_running_event_loop(store: DjangoJobStore) -> None:
    job_id = create(store)

    assert Run(store, job_id).append() is AppendStatus.APPENDED
    assert texts(store, job_id) == [(1, '{"a":1}')]


def test_a_forked_child_has_connections_of_its_own(store: DjangoJobStore, job_id: str) -> None:
    # Given a connection of the parent
    Run(store, job_id).append('{"by":"parent"}')

    # When
    child = os.fork()
    if child == 0:
        status = Run(store, job_id).append('{"by":"child"}')
        os._exit(0 if status is AppendStatus.APPENDED else 1)
    _, code = os.waitpid(child, 0)

    # Then
    assert code == 0
    assert Run(store, job_id).append('{"by":"parent"}') is AppendStatus.APPENDED
    assert [event for _, event in texts(store, job_id)] == [
        f'{{"by":"{who}"}}' for who in ("parent", "child", "parent")
    ]


def test_a_start_inside_a_transaction_on_the_same_file_says_what_to_do(
    store: DjangoJobStore, queries: None, job_id: str
) -> None:
    with transaction.atomic(using=store.alias):
        with connections[store.alias].cursor() as cursor:
            cursor.execute("UPDATE chanx_jobs_job SET name = name")

        with pytest.raises(StoreUnavailableError, match=r"inside atomic\(\).*a file of its own"):
            create(store)

    assert create(store)


def test_what_reads_does_not_wait_for_a_writer(store: DjangoJobStore, queries: None, job_id: str) -> None:
    with transaction.atomic(using=store.alias):
        with connections[store.alias].cursor() as cursor:
            cursor.execute("UPDATE chanx_jobs_job SET state = 'failed'")

        snapshot = store.snapshot(job_id)

    assert snapshot is not None
    assert snapshot.state == "queued"


def test_missing_tables_are_named_with_the_command(empty_alias: str) -> None:
    with (
        closing(DjangoJobStore(empty_alias)) as store,
        pytest.raises(StoreUnavailableError, match=r"manage.py migrate"),
    ):
        store.snapshot("job")


def test_a_file_that_cannot_be_opened_is_an_unavailable_store() -> None:
    with (
        alias_for({"ENGINE": "django.db.backends.sqlite3", "NAME": "/nowhere/jobs.sqlite3"}) as alias,
        pytest.raises(StoreUnavailableError, match="unable to open"),
    ):
        create(DjangoJobStore(alias))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"NAME": ":memory:"}, "is in memory.*MemoryJobStore"),
        ({"ENGINE": "tests.unit.bridge_contrib.oracle", "NAME": "x"}, "is oracle: .* PostgreSQL and SQLite"),
    ],
)
def test_a_database_that_cannot_be_used_is_refused(settings: dict[str, Any], text: str) -> None:
    with alias_for(settings) as alias, pytest.raises(ConfigurationError, match=text):
        DjangoJobStore(alias).snapshot("job")


def test_an_unknown_alias_is_named() -> None:
    with pytest.raises(ConfigurationError, match="has no 'jobz'"):
        DjangoJobStore("jobz").snapshot("job")


def test_without_an_alias_the_routers_decide(store: DjangoJobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    class Router:
        def db_for_write(self, model: type, **_: object) -> str:
            return store.alias

    monkeypatch.setitem(router.__dict__, "routers", [Router()])

    assert DjangoJobStore().alias == store.alias


def test_connections_are_closed_once_they_are_old(
    store: DjangoJobStore, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda **options: opened.append(connect(**options)) or opened[-1])
    store.close()
    for _ in range(2):
        store.snapshot(job_id)
    assert len(opened) == 1

    monkeypatch.setattr(database, "_LIFE_SECONDS", 0.0)
    store.snapshot(job_id)

    assert len(opened) == 2
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


def test_an_error_leaves_no_transaction_behind(store: DjangoJobStore, job_id: str) -> None:
    with pytest.raises(ConfigurationError, match="is taken"):
        store.create(record().model_copy(update={"job_id": job_id}))

    assert Run(store, job_id).append() is AppendStatus.APPENDED
