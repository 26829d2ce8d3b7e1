"""The bridge of this process, as the admin and the checks find it."""

from __future__ import annotations

from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.installed import Bridge, bridge_or_none, project_app


def bridge_on_database() -> Bridge | None:
    """The bridge of the project's Celery app, if its jobs are in a database."""
    bridge = bridge_or_none(project_app())
    return bridge if bridge and isinstance(bridge.store, DjangoJobStore) else None


def installed_store() -> DjangoJobStore | None:
    """The store of that bridge."""
    bridge = bridge_on_database()
    return bridge.store if bridge and isinstance(bridge.store, DjangoJobStore) else None
