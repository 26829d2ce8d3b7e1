"""Whether the job store answers, for the site's health endpoints."""

from __future__ import annotations

from chanx.bridge.installed import Bridge, bridge_or_none, project_app
from chanx.core.health import Check

_NO_JOB = "chanx-health"


def store_checks(bridge: Bridge | None = None) -> dict[str, Check]:
    """The check ``store`` of a bridge, by default of the project's Celery app; none where there is no bridge."""
    found = bridge or bridge_or_none(project_app())
    return {} if found is None else {"store": _check(found)}


def _check(bridge: Bridge) -> Check:
    async def ask() -> None:
        await bridge.async_store.heads([_NO_JOB])

    return ask
