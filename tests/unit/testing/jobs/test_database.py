"""Tasks that use a database, in the test's own thread and in that of ``start_job``."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from chanx.bridge import start_job
from chanx.testing.jobs import MemoryBridge
from tests.databases import alias_for, sqlite_settings
from tests.unit.testing.jobs.shop import Shop


@pytest.fixture
def alias(tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    """A file, as the connection to a database in memory is never closed."""
    with django_db_blocker.unblock(), alias_for(sqlite_settings(tmp_path)) as alias:
        yield alias


def asking(shop: Shop, alias: str, asked: list[Any]) -> tuple[Any, Any]:
    """Two tasks, of which the second runs the first; each uses the database, and notes its thread and connection."""

    def ask(self: Any) -> int:
        asked.append((threading.get_ident(), connections[alias]))
        with connections[alias].cursor() as cursor:
            return int(cursor.execute("SELECT 1").fetchone()[0])

    inner = shop.task(ask)

    def ask_twice(self: Any) -> int:
        inner.delay()
        return ask(self)

    return inner, shop.task(ask_twice)


async def test_what_a_thread_of_a_job_has_opened_is_closed(shop: Shop, memory: MemoryBridge, alias: str) -> None:
    """Given a task in another thread, which nobody would close a connection in, then none is left open."""
    asked: list[Any] = []
    for task in asking(shop, alias, asked):
        job = await start_job(task, owner="user:1")
        assert memory.job(job).result == 1

    assert threading.get_ident() not in {thread for thread, _ in asked}
    assert [connection.connection for _, connection in asked] == [None] * 3


def test_what_the_test_has_opened_stays_open(shop: Shop, memory: MemoryBridge, alias: str) -> None:
    """Given the test's own thread, then its connection and its transaction are its own, and the task's, too."""
    connection = connections[alias]
    asked: list[Any] = []
    connection.ensure_connection()
    before = connection.connection

    for task in asking(shop, alias, asked):
        assert memory.run(task).result == 1
    assert connection.connection is before
    assert {used for _, used in asked} == {connection}


def test_a_transaction_that_a_task_leaves_open_is_not_cut(shop: Shop, memory: MemoryBridge, alias: str) -> None:
    def begin(self: Any) -> None:
        connections[alias].ensure_connection()
        connections[alias].in_atomic_block = True

    memory.run(shop.task(begin))

    assert connections[alias].connection is not None
    connections[alias].in_atomic_block = False
