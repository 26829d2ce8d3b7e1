"""A Django project as ``chanx doctor`` and ``manage.py chanx_doctor`` examine it."""

from __future__ import annotations

import sys
from typing import Any

from django.conf import settings

from chanx.channels.checks import check_bridge_of, check_layers, check_packages, check_servers, layer_objects
from chanx.doctor.check_messages import findings_of
from chanx.doctor.finding import Finding
from chanx.doctor.project import Project, configuration
from chanx.doctor.secrets import secrets_of
from chanx.utils.extras import need


def django_project(bridge: Any) -> Project:
    """The project of the settings, with this bridge or None."""
    messages: list[Any] = [
        *(check_layers() + check_servers() + check_packages()),
        *([] if bridge is None else check_bridge_of(bridge)),
        *_of_database(bridge),
    ]
    layers, unusable = layer_objects()
    return Project(
        bridge,
        layers,
        [*findings_of(messages), *unusable, *_of_results(bridge)],
        secrets_of(
            *configuration(bridge),
            getattr(settings, "CHANNEL_LAYERS", None),
            settings.DATABASES,
            {"secret": settings.SECRET_KEY},
        ),
    )


def _of_results(bridge: Any) -> list[Finding]:
    """No system check: it would be told at each start of a site whose results nobody needs."""
    return [] if bridge is None else list(need("chanx.doctor.bridges", extra="bridge").lost_results(bridge.app))


def _of_database(bridge: Any) -> list[Any]:
    """What the checks of the store in a database say, of a bridge that has it."""
    contrib = sys.modules.get("chanx.bridge.contrib.store")
    if contrib is None or bridge is None or not isinstance(bridge.store, contrib.DjangoJobStore):
        return []
    database, checks = (need(f"chanx.bridge.contrib.{name}", extra="postgres") for name in ("database", "checks"))
    said: list[Any] = database.check_application()
    if said:
        return said
    said = checks.check_store_of(bridge.store)
    return said or checks.check_database_of(bridge.store)
