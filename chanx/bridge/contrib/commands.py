"""What the management commands share."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing, contextmanager

from chanx.bridge.contrib.installed import installed_store
from chanx.bridge.contrib.store import DjangoJobStore


@contextmanager
def store_of(alias: str | None) -> Generator[DjangoJobStore]:
    """The store in the database of that alias; without one, the installed store, or the one that routers name."""
    with closing((installed_store() if alias is None else None) or DjangoJobStore(alias)) as store:
        yield store
