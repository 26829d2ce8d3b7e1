"""The bridge of this process, as the admin and the checks find it."""

from __future__ import annotations

from typing import Any

from celery import _state

from chanx.bridge.contrib.store import DjangoJobStore
from chanx.bridge.installed import Bridge, bridge_or_none


def project_app() -> Any:
    """The project's Celery app, None where it has none: ``current_app`` would make one, which other checks find."""
    state: Any = _state
    return state._tls.current_app or state.default_app


def bridge_on_database() -> Bridge | None:
    """The bridge of the project's Celery app, if its jobs are in a database."""
    bridge = bridge_or_none(project_app())
    return bridge if bridge and isinstance(bridge.store, DjangoJobStore) else None


def installed_store() -> DjangoJobStore | None:
    """The store of that bridge."""
    bridge = bridge_on_database()
    return bridge.store if bridge and isinstance(bridge.store, DjangoJobStore) else None
