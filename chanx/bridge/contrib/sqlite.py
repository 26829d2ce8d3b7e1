"""The job store's connections to a SQLite file."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.sqlite3.base import DatabaseWrapper

from chanx.bridge.contrib.connections import Connection, Rows, Statement, unavailable
from chanx.errors import ConfigurationError

_PRIMARY_CODE: Final = 0xFF
_BETWEEN_TRIES: Final = 0.001

_SQL: Final = {
    "%s": "?",
    "NOW()": "((julianday('now') - 2440587.5) * 86400.0)",
    "FOR UPDATE SKIP LOCKED": "",
    "FOR UPDATE": "",
    ' COLLATE "C"': "",
}
"""What is said otherwise. Nothing is locked row by row, as one transaction writes at a time."""


class SqliteConnection(Connection):
    """``timeout`` (seconds) bounds the wait for other writers."""

    begin = (("BEGIN IMMEDIATE", ()),)
    lock = ()
    errors = sqlite3.Error

    def __init__(self, parameters: Mapping[str, Any], *, timeout: float) -> None:
        super().__init__()
        self._timeout = timeout
        try:
            self._connection = sqlite3.connect(**parameters)
            # So that readers do not wait for the writer. The file stays in this mode.
            self._execute("PRAGMA journal_mode = wal", ())
            (_, _, path), *_ = self._connection.execute("PRAGMA database_list").fetchall()
            boot = _this_boot()
            if boot:
                # What the machine loses when its power fails begins a new epoch: no need to wait for the disk.
                self._connection.execute("PRAGMA synchronous = normal")
            # Another inode: another file has taken its place, under the same name.
            self.identity = f"{os.stat(path).st_ino}/{boot}"
        except (sqlite3.Error, OSError) as error:
            raise unavailable(error) from error

    @property
    def is_ready(self) -> bool:
        return not self._connection.in_transaction

    def close(self) -> None:
        self._connection.close()

    def _ask(self, statements: Sequence[Statement]) -> list[Rows]:
        return [self._execute(_for_sqlite(sql), parameters) for sql, parameters in statements]

    def _execute(self, sql: str, parameters: Sequence[object]) -> Rows:
        # SQLite waits by itself too, but longer and longer: who comes often keeps the others out for seconds.
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                rows: Rows = self._connection.execute(sql, parameters).fetchall()
            except sqlite3.OperationalError as error:
                is_busy = error.sqlite_errorcode & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
                if not is_busy or self._connection.in_transaction or time.monotonic() > deadline:
                    raise
            else:
                return rows
            time.sleep(_BETWEEN_TRIES)


def connect(django: BaseDatabaseWrapper, *, timeout: float) -> SqliteConnection:
    """A connection with the settings of an alias."""
    return SqliteConnection(parameters_of(django), timeout=timeout)


def parameters_of(django: BaseDatabaseWrapper) -> Mapping[str, Any]:
    """Those of ``sqlite3.connect``; ``ConfigurationError`` for a database in memory."""
    if isinstance(django, DatabaseWrapper) and django.is_in_memory_db():
        raise ConfigurationError(
            f"DATABASES[{django.alias!r}] is in memory, where the job store's own connection sees nothing of it. Give "
            'the job store a file ("NAME": BASE_DIR / "jobs.sqlite3"), or use MemoryJobStore in tests'
        )
    return {**django.get_connection_params(), "detect_types": 0, "timeout": 0, "isolation_level": None}


@cache
def _this_boot() -> str:
    """Changes whenever the machine starts; empty where it does not tell (not on Linux)."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


@cache
def _for_sqlite(sql: str) -> str:
    for theirs, ours in _SQL.items():
        sql = sql.replace(theirs, ours)
    return sql
