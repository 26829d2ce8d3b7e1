"""System checks of a project's set-up: what would lose events later is said by ``manage.py check``.

W001 to W003, W005   the channel layers, by their settings
W004                 the core layer on Redis Cluster (``check --deploy`` only, because it asks the server)
W006, E202           the bridge of the project's Celery app
W401, W402, W501     installed packages

What they mean, and what asks workers and servers too, is in :mod:`chanx.doctor`.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

from channels.exceptions import InvalidChannelLayerError
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.checks import CheckMessage
from django.utils.module_loading import import_string

from chanx.doctor.check_messages import messages_of
from chanx.doctor.finding import Finding
from chanx.doctor.layers import ConfiguredLayer, clustered_layers, configured_layers, no_layer
from chanx.doctor.separate_workers import broker_of, broker_of_app
from chanx.doctor.versions import installed, server_hints, supported, unsupported
from chanx.utils.extras import need


def check_layers(**_: object) -> list[CheckMessage]:
    """W001, W002, W003 and W005: what the settings tell."""
    if not _layers():
        return messages_of([no_layer()])
    return messages_of(configured_layers(_configured(), broker=_broker_of_workers()))


def check_servers(**_: object) -> list[CheckMessage]:
    """W004: what the servers tell. One that does not answer at once is passed over."""
    return messages_of(clustered_layers(_configured()))


def check_bridge(**_: object) -> list[CheckMessage]:
    """W006 and E202, where a bridge is installed on the project's Celery app."""
    # A project of consumers may do without Celery; one with a bridge has imported it by now.
    installations: Any = sys.modules.get("chanx.bridge.installed")
    bridge = installations.bridge_or_none(_celery_app()) if installations else None
    return [] if bridge is None else check_bridge_of(bridge)


def check_bridge_of(bridge: Any) -> list[CheckMessage]:
    """W006 and E202 of a bridge."""
    bridges = need("chanx.doctor.bridges", extra="bridge")
    return messages_of([*bridges.memory_store(bridge), *bridges.other_layer(bridge, layer_objects()[0])])


def check_packages(**_: object) -> list[CheckMessage]:
    """W401, W402 and W501: what is installed beside chanx."""
    bounds = supported()
    return messages_of([*unsupported(installed(bounds), bounds), *server_hints()])


def layer_objects() -> tuple[dict[str, Any], list[Finding]]:
    """The project's channel layers by alias, and E007 for each that Channels cannot make."""
    made: dict[str, Any] = {}
    findings: list[Finding] = []
    for alias in _layers():
        try:
            made[alias] = get_channel_layer(alias)
        except (InvalidChannelLayerError, TypeError, ValueError) as error:
            findings.append(
                Finding(
                    "chanx.E007",
                    f"CHANNEL_LAYERS[{alias!r}] cannot be made: {type(error).__name__}: {error}",
                    "Correct its BACKEND and its CONFIG.",
                )
            )
    return made, findings


def _layers() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", getattr(settings, "CHANNEL_LAYERS", None) or {})


def _configured() -> list[ConfiguredLayer]:
    found: list[ConfiguredLayer] = []
    for alias, entry in _layers().items():
        with suppress(ImportError, KeyError):  # Channels has a better error for it
            backend = import_string(entry["BACKEND"])
            found.append(ConfiguredLayer(f"CHANNEL_LAYERS[{alias!r}]", backend, entry.get("CONFIG") or {}))
    return found


def _celery_app() -> Any:
    """The project's, None where it has made none: ``current_app`` would make one, which other checks find."""
    state: Any = sys.modules.get("celery._state")
    return (state._tls.current_app or state.default_app) if state else None


def _broker_of_workers() -> str | None:
    """The scheme of Celery's broker, if there is one that workers of their own read from."""
    # A project that uses Celery has made its app by now.
    app = _celery_app()
    if app is not None:
        return broker_of_app(app)
    broker: Any = getattr(settings, "CELERY_BROKER_URL", None)
    return broker_of(broker, eager=getattr(settings, "CELERY_TASK_ALWAYS_EAGER", False))
