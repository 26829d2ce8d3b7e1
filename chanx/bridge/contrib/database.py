"""The database of the job store: its connections, and what a transaction on them is.

store ─> Database.ask           one round trip, autocommit
     └─> Database.transaction ─> Transaction.ask … ─> later …   begun by its first question, ended with its last writes
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Final, Protocol, cast

from django.apps import apps
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper

from chanx.bridge.contrib.connections import Connection, Rows, Statement, digest_of
from chanx.bridge.contrib.epoch import confirm_epoch
from chanx.bridge.store.base import StoreUnavailableError
from chanx.errors import ConfigurationError
from chanx.utils.process import PerProcess

APP: Final = "chanx.bridge.contrib"

_IDLE_SECONDS: Final = 60.0
"""How long a connection that nobody uses stays open."""

_LIFE_SECONDS: Final = 300.0
"""How long one stays open at all: behind a pooler it does not break where the server is replaced by a copy."""

_AT_ONCE: Final = 16
"""Statements of one round trip, about: those of an append are fewer, and a large canvas is not to take too long."""

_BACKENDS: Final = {"postgresql": "chanx.bridge.contrib.postgres", "sqlite": "chanx.bridge.contrib.sqlite"}


@register()  # here, as the application that would register it is what may be missing
def check_application(**_: object) -> list[CheckMessage]:
    """E101: the store is imported, and its tables are not known to Django."""
    if apps.is_installed(APP):
        return []
    hint = f'Add "{APP}" to INSTALLED_APPS, and run: manage.py migrate'
    return [Error("DjangoJobStore is used, but its application is not installed.", hint=hint, id="chanx.E101")]


class _Backend(Protocol):
    def parameters_of(self, django: BaseDatabaseWrapper) -> Mapping[str, Any]: ...
    def connect(self, django: BaseDatabaseWrapper, *, timeout: float) -> Connection: ...


class Transaction:
    """A transaction on one connection. The statements for ``later`` are sent with the commit, in one round trip."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._later: list[Statement] = []
        self._begun = False

    def ask(self, *statements: Statement) -> list[Rows]:
        """The rows of each statement, in one round trip with what was left for later."""
        before = [*(() if self._begun else self._connection.begin), *self._later]
        self._later.clear()
        self._begun = True
        while len(before) > _AT_ONCE:
            self._connection.ask(*before[:_AT_ONCE])
            del before[:_AT_ONCE]
        return self._connection.ask(*before, *statements)[len(before) :]

    def lock(self, name: str) -> None:
        """With the next question, waits until no other transaction has a lock of this name."""
        self.later(*((sql, (digest_of(name),)) for sql in self._connection.lock))

    def later(self, *statements: Statement) -> None:
        """Statements whose rows nobody needs."""
        self._later += statements

    def commit(self) -> None:
        if self._begun or self._later:
            self.ask(("COMMIT", ()))

    def roll_back(self) -> None:
        """Whatever has been asked is undone; where that cannot be said, by the end of the connection."""
        if self._begun:
            with suppress(StoreUnavailableError):
                self._connection.ask(("ROLLBACK", ()))


class Database:
    """The database of one alias. Safe across forks and threads: each process opens as many connections as it uses."""

    def __init__(self, using: str | None, *, timeout: float) -> None:
        self._using = using
        self._timeout = timeout
        self._idle: PerProcess[deque[Connection]] = PerProcess(deque)

    @property
    def alias(self) -> str:
        """The alias that was given, or that the routers of the project name for the store's tables."""
        if self._using is not None:
            return self._using
        if not apps.is_installed(APP):
            raise ConfigurationError(f'DjangoJobStore needs "{APP}" in INSTALLED_APPS, and manage.py migrate')
        return router.db_for_write(apps.get_model("chanx_jobs", "Job"))

    @property
    def place(self) -> str:
        """Which database it is, by the settings; empty where that cannot be said."""
        try:
            alias = self.alias
            settings = connections.settings.get(alias, {})
        except (ConfigurationError, ImproperlyConfigured, AppRegistryNotReady):
            return ""
        engine, host, port = (str(settings.get(name) or "") for name in ("ENGINE", "HOST", "PORT"))
        words = [
            engine.rpartition(".")[2],
            str(settings.get("NAME", "")),
            "on" if host else "",
            f"{host}:{port}".strip(":"),
        ]
        which = " ".join(filter(None, words))
        return f"DATABASES[{alias!r}]{f', {which}' if which else ''}"

    def check_settings(self) -> None:
        """Raises ``ConfigurationError`` unless the settings lead to a database that the store can use."""
        django, backend = self._django()
        backend.parameters_of(django)

    def ask(self, *statements: Statement) -> list[Rows]:
        """The rows of each statement. They are one transaction or not, as the database likes."""
        with self._connection() as connection:
            return connection.ask(*statements)

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """A transaction, committed at the end of the block unless an error leaves it."""
        with self._connection() as connection:
            transaction = Transaction(connection)
            try:
                yield transaction
                transaction.commit()
            except BaseException:
                transaction.roll_back()
                raise

    def close(self) -> None:
        """Closes the connections that are not in use."""
        for connection in self._idle.reset() or ():
            connection.close()

    @contextmanager
    def _connection(self) -> Generator[Connection]:
        """A connection for the caller alone; kept for the next one unless it broke, or the store was closed."""
        idle = self._idle.get()
        connection = _ready(idle) or self._open()
        try:
            yield connection
        finally:
            if connection.is_ready and self._idle.get() is idle:
                connection.used_at = time.monotonic()
                idle.append(connection)
            else:
                connection.close()
            _close_old(idle)

    def _open(self) -> Connection:
        django, backend = self._django()
        connection = backend.connect(django, timeout=self._timeout)
        try:
            confirm_epoch(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _django(self) -> tuple[BaseDatabaseWrapper, _Backend]:
        """Django's connection, which is used for its settings only, and the module that knows its database."""
        try:
            alias = self.alias
            if alias not in connections.settings:
                raise ConfigurationError(f"DATABASES has no {alias!r}, where DjangoJobStore is to keep the jobs")
            django = connections.create_connection(alias)
        except (ImproperlyConfigured, AppRegistryNotReady) as error:
            raise ConfigurationError(f"DjangoJobStore needs Django: {error}") from error
        module = _BACKENDS.get(django.vendor)
        if module is None:
            raise ConfigurationError(
                f"DATABASES[{django.alias!r}] is {django.vendor}: DjangoJobStore works on PostgreSQL and SQLite. Name "
                "another alias, DjangoJobStore(using=...), or keep the jobs in Redis"
            )
        return django, cast("_Backend", import_module(module))


def _ready(idle: deque[Connection]) -> Connection | None:
    """The connection that was used last, if it can be used still."""
    while True:
        try:
            connection = idle.pop()
        except IndexError:
            return None
        if time.monotonic() - connection.opened_at < _LIFE_SECONDS and connection.is_ready:
            return connection
        connection.close()


def _close_old(idle: deque[Connection]) -> None:
    """The connections that were needed at the same time once, and are not any more."""
    while idle and time.monotonic() - idle[0].used_at > _IDLE_SECONDS:
        try:
            idle.popleft().close()
        except IndexError:  # another thread was quicker
            return
