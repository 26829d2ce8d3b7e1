"""Whether the job store answers, for the site's health endpoints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from chanx.core.health import Check
from chanx.utils.extras import need

if TYPE_CHECKING:
    from chanx.bridge.installed import Bridge

_NO_JOB = "chanx-health"


def store_checks(bridge: Bridge | None = None) -> dict[str, Check]:
    """The check ``store`` of a bridge, by default of the project's Celery app; none where there is no bridge."""
    found = bridge or _bridge_of_project()
    return {} if found is None else {"store": _check(found)}


def _bridge_of_project() -> Bridge | None:
    if "celery" not in sys.modules:  # nor need it be installed
        return None
    installed = need("chanx.bridge.installed", extra="bridge")
    found: Bridge | None = installed.bridge_or_none(installed.project_app())
    return found


def _check(bridge: Bridge) -> Check:
    async def ask() -> None:
        await bridge.async_store.heads([_NO_JOB])

    return ask
