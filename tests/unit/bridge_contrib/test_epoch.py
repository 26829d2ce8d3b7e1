"""The epoch changes when the file is another one, when the machine has started again, and when an operator says so."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from chanx.bridge.contrib import sqlite
from chanx.bridge.contrib.store import DjangoJobStore
from tests.contract.jobs import create, snapshot_of
from tests.databases import migrated, sqlite_settings


@pytest.fixture
def alias(tmp_path: Path, queries: None) -> Iterator[str]:
    with migrated(sqlite_settings(tmp_path)) as alias:
        yield alias


def epoch_of(alias: str, job_id: str) -> str:
    with closing(DjangoJobStore(alias)) as store:
        return snapshot_of(store, job_id).epoch


@pytest.fixture
def job_id(alias: str) -> str:
    with closing(DjangoJobStore(alias)) as store:
        return create(store)


def test_it_stays_while_nothing_happens(alias: str, job_id: str) -> None:
    assert epoch_of(alias, job_id) == epoch_of(alias, job_id)


def test_a_file_in_the_place_of_the_file_begins_a_new_one(alias: str, job_id: str, tmp_path: Path) -> None:
    before = epoch_of(alias, job_id)

    shutil.copy(tmp_path / "jobs.sqlite3", tmp_path / "backup")
    (tmp_path / "backup").rename(tmp_path / "jobs.sqlite3")

    assert epoch_of(alias, job_id) != before
    assert epoch_of(alias, job_id) == epoch_of(alias, job_id)


def test_a_start_of_the_machine_begins_a_new_one(alias: str, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power may have failed, and the disk not have what was acknowledged last."""
    before = epoch_of(alias, job_id)

    monkeypatch.setattr(sqlite, "_this_boot", lambda: "another")

    assert epoch_of(alias, job_id) != before


def test_the_disk_is_waited_for_where_a_start_of_the_machine_is_not_seen(
    alias: str, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def synchronous() -> object:
        with closing(DjangoJobStore(alias)) as store:
            return store._database.ask(("PRAGMA synchronous", ()))[0][0][0]

    normal, full = 1, 2
    assert synchronous() == normal

    monkeypatch.setattr(sqlite, "_this_boot", lambda: "")

    assert synchronous() == full


def test_the_command_begins_a_new_one_for_processes_that_run(alias: str, job_id: str) -> None:
    with closing(DjangoJobStore(alias)) as store:
        before = snapshot_of(store, job_id).epoch

        call_command("chanx_new_epoch", database=alias, stdout=StringIO())

        assert snapshot_of(store, job_id).epoch != before
        head = store.heads([job_id])[0]
        page = store.read(job_id, after=0, limit=1)
        assert head is not None
        assert page is not None
        assert head.epoch == page.epoch == snapshot_of(store, job_id).epoch
