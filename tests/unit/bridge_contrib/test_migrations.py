"""The migrations make the tables that the models describe, where the router puts them."""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections, router

from chanx.bridge.contrib.models import Job
from chanx.bridge.contrib.routers import JobsRouter
from tests.databases import alias_for, sqlite_settings
from tests.unit.channels.rooms.models import Room


def test_no_migration_is_missing(queries: None) -> None:
    call_command("makemigrations", "chanx_jobs", check=True, dry_run=True, skip_checks=True, stdout=StringIO())


@pytest.fixture
def routed_alias(tmp_path: Path, queries: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with alias_for(sqlite_settings(tmp_path)) as alias:
        monkeypatch.setitem(router.__dict__, "routers", [type("Router", (JobsRouter,), {"database": alias})()])
        yield alias


def test_the_router_keeps_the_tables_in_a_database_of_their_own(routed_alias: str) -> None:
    call_command("migrate", database=routed_alias, verbosity=0, skip_checks=True)

    tables = set(connections[routed_alias].introspection.table_names())
    assert {table for table in tables if not table.startswith(("chanx_jobs_", "sqlite_"))} == {"django_migrations"}
    assert "chanx_jobs_job" in tables
    assert (router.db_for_read(Job), router.db_for_write(Job)) == (routed_alias, routed_alias)
    assert (router.db_for_read(Room), router.db_for_write(Room)) == ("default", "default")
    assert not router.allow_migrate("default", "chanx_jobs")
    assert router.allow_migrate("default", "rooms")
