"""Connections of the job store's own, beside those of Django: no transaction of a request reaches them.

They speak one SQL, written for PostgreSQL, but ``NOW()`` is a number of seconds; what SQLite says otherwise is
translated. Django's settings say where to connect. Its connection objects are left out: they belong to a thread, refuse
to work inside a running event loop, and keep every statement where DEBUG is on.
"""

from __future__ import annotations

import hashlib
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

from chanx.bridge.store.base import StoreUnavailableError

Statement: TypeAlias = tuple[str, Sequence[object]]
Rows: TypeAlias = list[tuple[Any, ...]]


class Connection(ABC):
    """A connection in autocommit mode, used by one thread at a time. What goes wrong is ``StoreUnavailableError``."""

    begin: Sequence[Statement]
    """What a transaction that writes begins with."""
    lock: Sequence[str]
    """The statements, with a name for a parameter, that keep others with that name waiting until the end of theirs."""
    identity: str
    """Tells this database from the same one after it was restored from a backup, as far as the server lets on."""
    errors: ClassVar[type[Exception]]
    """Those of the driver."""

    def __init__(self) -> None:
        self.opened_at = self.used_at = time.monotonic()

    def ask(self, *statements: Statement) -> list[Rows]:
        """Runs the statements, in one round trip where there are round trips; the rows of each."""
        try:
            return self._ask(statements)
        except self.errors as error:
            raise unavailable(error) from error

    @property
    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it can be used, as far as one can tell without asking: it is open, and in no transaction."""

    @abstractmethod
    def close(self) -> None:
        """Ends it, and what it has begun."""

    @abstractmethod
    def _ask(self, statements: Sequence[Statement]) -> list[Rows]: ...


def digest_of(text: str) -> str:
    """A text of any length and characters as a short one, for an index."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def unavailable(error: Exception) -> StoreUnavailableError:
    """What the store raises for an error of the database, with what to change where that can be told."""
    text = " ".join(str(error).split())
    return StoreUnavailableError(f"The job store did not answer: {type(error).__name__}: {text}{_hint(text)}")


def _hint(text: str) -> str:
    if "no such table" in text or ("relation" in text and "does not exist" in text):
        return '. Add "chanx.bridge.contrib" to INSTALLED_APPS and run: manage.py migrate (--database=<its alias>)'
    if "database is locked" in text:
        return (
            ". Another connection is writing to this file. If that is your own transaction (start_job inside atomic()),"
            " give the job store a file of its own: another alias in DATABASES, and DjangoJobStore(using=...)"
        )
    return ""
