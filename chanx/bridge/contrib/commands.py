"""What the management commands share."""

from __future__ import annotations

from chanx.bridge.contrib.installed import installed_store
from chanx.bridge.contrib.store import DjangoJobStore


def store_of(alias: str | None) -> DjangoJobStore:
    """The store in the database of that alias; without one, the installed store, or the one that routers name."""
    return (installed_store() if alias is None else None) or DjangoJobStore(alias)
