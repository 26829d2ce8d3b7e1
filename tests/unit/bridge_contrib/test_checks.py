"""What ``manage.py check`` says of the job store."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from django.apps import apps
from django.core.management import call_command

from chanx.bridge import install
from chanx.bridge.contrib import checks, installed
from chanx.bridge.contrib.checks import check_database, check_store
from chanx.bridge.contrib.database import check_application
from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.store.base import JobStore
from chanx.bridge.store.memory import MemoryJobStore
from chanx.layers import LayerSpec
from tests.databases import alias_for, sqlite_settings


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[Celery]:
    """The project's Celery app."""
    with closing(Celery("checked", broker="memory://", set_as_current=False)) as app:
        monkeypatch.setattr(installed, "project_app", lambda: app)
        yield app


def use(app: Celery, store: JobStore) -> None:
    install(app, store=store, layer=LayerSpec.redis_pubsub("redis://127.0.0.1:1/0"))


def said(*messages: Any) -> list[tuple[str, str]]:
    return [(message.id, f"{message.msg} {message.hint}") for message in messages]


def test_a_file_of_its_own_is_all_right(app: Celery, sqlite_alias: str, queries: None) -> None:
    use(app, DjangoJobStore(sqlite_alias))

    assert check_application() == check_store() == check_database(databases=[sqlite_alias]) == []


@pytest.mark.parametrize("store", [None, MemoryJobStore()])
def test_without_the_store_there_is_nothing_to_say(app: Celery, store: JobStore | None) -> None:
    if store:
        use(app, store)

    assert check_store() == check_database(databases=["default"]) == []


def test_a_missing_application_is_an_error(settings: Any) -> None:
    assert apps.is_installed("chanx.bridge.contrib")
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "chanx.bridge.contrib"]

    ((number, text),) = said(*check_application())

    assert number == "chanx.E101"
    assert 'Add "chanx.bridge.contrib" to INSTALLED_APPS' in text


@pytest.mark.parametrize(("alias", "text"), [("jobz", "no 'jobz'"), ("default", "is in memory")])
def test_a_database_that_cannot_be_used_is_an_error(app: Celery, alias: str, text: str) -> None:
    use(app, DjangoJobStore(alias))

    ((number, found),) = said(*check_store())

    assert number == "chanx.E102"
    assert text in found


def test_a_shared_file_is_warned_of(app: Celery, tmp_path: Path) -> None:
    with alias_for(sqlite_settings(tmp_path)) as alias:
        use(app, DjangoJobStore(alias))
        assert check_store() == []

        with alias_for(sqlite_settings(tmp_path)):
            ((number, text),) = said(*check_store())

    assert number == "chanx.W103"
    assert "JobsRouter" in text


def test_missing_tables_are_warned_of(app: Celery, empty_alias: str, queries: None) -> None:
    use(app, DjangoJobStore(empty_alias))

    ((number, text),) = said(*check_database(databases=[empty_alias]))
    assert number == "chanx.W104"
    assert "chanx_jobs_job" in text
    assert f"migrate --database={empty_alias}" in text

    # which does not keep the migration from making them
    call_command("migrate", "chanx_jobs", database=empty_alias, verbosity=0)
    assert check_database(databases=[empty_alias]) == []


def test_the_clock_of_another_host_is_warned_of(
    app: Celery, postgres_alias: str, queries: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(app, DjangoJobStore(postgres_alias))
    assert check_database(databases=[postgres_alias]) == []

    # When this host is half a minute late
    monkeypatch.setattr(checks, "time", SimpleNamespace(time=lambda: time.time() - 30))
    ((number, text),) = said(*check_database(databases=[postgres_alias]))

    assert number == "chanx.W105"
    assert "30.0 s ahead of this host's" in text
    # which is asked for databases that are to be looked at only
    assert check_database(databases=["default"]) == check_database() == []
