"""The job store's connections to PostgreSQL, by psycopg 3."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from functools import cache
from selectors import EVENT_READ, DefaultSelector
from typing import Any, Final, TypeVar, cast

from django.db.backends.base.base import BaseDatabaseWrapper

from chanx.bridge.contrib.connections import Connection, Rows, Statement, unavailable
from chanx.errors import MissingExtraError

try:
    import psycopg
except ImportError as error:  # pragma: no cover - it is installed wherever the tests run
    raise MissingExtraError('The job store in PostgreSQL needs psycopg 3: pip install "psycopg[binary]"') from error

T = TypeVar("T")

_GRACE: Final = 0.25
"""Seconds that the server gets on top, to give up by itself before its connection is dropped."""

_IDENTITY_PARTS: Final = (
    "SELECT system_identifier::text FROM pg_control_system()",  # another server
    "SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)",  # a replica that was promoted, a restored base backup
    "SELECT 'chanx_jobs_event'::regclass::oid::text",  # a dump that was read back
)

_REFUSED: Final = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.ObjectNotInPrerequisiteState,
)


class PostgresConnection(Connection):
    """``timeout`` (seconds) bounds every answer, also that of a server that hangs."""

    errors = psycopg.Error
    lock = ("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",)

    def __init__(self, parameters: Mapping[str, Any], *, role: str | None, timeout: float) -> None:
        super().__init__()
        milliseconds = round(timeout * 1000)
        # For the transaction only, as a pooler may give the server's side to somebody else afterwards.
        self.begin = (
            ("BEGIN ISOLATION LEVEL READ COMMITTED", ()),
            (f"SET LOCAL statement_timeout = {milliseconds}", ()),
            (f"SET LOCAL lock_timeout = {milliseconds}", ()),
            # So that a machine that is gone, or stands still, keeps nobody waiting for its locks.
            (f"SET LOCAL idle_in_transaction_session_timeout = {10 * milliseconds}", ()),
        )
        try:
            self._connection = _BoundedConnection.connect(**parameters)
        except psycopg.Error as failure:
            raise unavailable(failure) from failure
        self._connection.bound = timeout + _GRACE
        try:
            if role:
                self._ask([("SELECT set_config('role', %s, false)", (role,))])
            self.identity = "/".join(map(self._told, _IDENTITY_PARTS))
        except psycopg.Error as failure:
            self.close()
            raise unavailable(failure) from failure

    @property
    def is_ready(self) -> bool:
        if self._connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            return False
        with DefaultSelector() as selector:
            selector.register(self._connection.fileno(), EVENT_READ)
            # A server that closes an idle connection says so, or sends its end.
            return not selector.select(0)

    def close(self) -> None:
        self._connection.close()

    def _ask(self, statements: Sequence[Statement]) -> list[Rows]:
        text = _for_postgres(";".join(sql for sql, _ in statements))
        values = [value for _, parameters in statements for value in parameters]
        answers: list[Rows] = []
        with self._connection.cursor() as cursor:
            cursor.execute(text, values)
            for _ in statements:
                answers.append(cursor.fetchall() if cursor.description else [])
                cursor.nextset()
        return answers

    def _told(self, question: str) -> str:
        """The answer; empty where the server gives none, as a hosted one may."""
        try:
            ((answer,),) = self._ask([(question, ())])[0]
        except _REFUSED:
            return ""
        return str(answer)


def connect(django: BaseDatabaseWrapper, *, timeout: float) -> PostgresConnection:
    """A connection with the settings of an alias."""
    options: Mapping[str, Any] = django.settings_dict["OPTIONS"]
    parameters = {"connect_timeout": max(2, round(timeout)), **parameters_of(django)}  # libpq knows no less than 2
    return PostgresConnection(parameters, role=options.get("assume_role"), timeout=timeout)


def parameters_of(django: BaseDatabaseWrapper) -> Mapping[str, Any]:
    """Those of ``psycopg.connect``."""
    return {
        "application_name": "chanx",
        **django.get_connection_params(),
        "autocommit": True,
        "context": None,
        # It sends values and statements as one text: many statements are one round trip, and poolers do no harm.
        "cursor_factory": psycopg.ClientCursor,
        "prepare_threshold": None,
    }


@cache
def _for_postgres(sql: str) -> bytes:
    # One time for a statement: what may change within it finds nothing by an index.
    return sql.replace("NOW()", "extract(epoch from statement_timestamp())::float8").encode()


class _BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """It waits for ``bound`` seconds at most where psycopg would wait for ever."""

    bound: float | None = None

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        if self.bound is None:
            return super().wait(gen, *args, **options)
        try:
            return super().wait(_until(time.monotonic() + self.bound, gen), *args, **options)
        except TimeoutError as error:
            # What is on its way would be taken for the answer to the next question.
            self.close()
            raise psycopg.OperationalError(f"no answer within {self.bound:g} s") from error


def _until(deadline: float, steps: Generator[Any, Any, T]) -> Generator[Any, Any, T]:
    """A conversation with the server, broken off after the deadline.

    Whoever drives it resumes it several times a second, also when nothing has come.
    """
    try:
        wanted = next(steps)
        while True:
            ready = yield wanted
            if not ready and time.monotonic() > deadline:
                raise TimeoutError
            wanted = steps.send(ready)
    except StopIteration as end:
        return cast("T", end.value)
