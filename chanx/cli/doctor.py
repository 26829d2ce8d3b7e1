"""``chanx doctor``: what is wrong with a project's set-up, each with what to change."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import click

from chanx.cli.celery_app import app_option, celery_app
from chanx.cli.modules import look_in_current_directory, require_module
from chanx.doctor.finding import Level
from chanx.doctor.layers import REGISTER_PUBSUB, ConfiguredLayer, clustered_layers, configured_layers, no_layer
from chanx.doctor.project import Project, configuration
from chanx.doctor.secrets import secrets_of
from chanx.doctor.versions import installed, server_hints, supported, unsupported
from chanx.errors import ConfigurationError
from chanx.utils.extras import need
from chanx.utils.framework import django_has_settings

_SETTINGS: Final = "DJANGO_SETTINGS_MODULE"
_COLORS: Final[Mapping[Level, str]] = {"error": "red", "warning": "yellow", "info": "cyan"}


@click.command()
@app_option
@click.option("--settings", metavar="MODULE", help=f"A Django project, by its settings. [default: {_SETTINGS}]")
@click.option("--site", metavar="MODULE", help="The module of a FastAPI site that registers its channel layers.")
@click.option(
    "--timeout", type=click.FloatRange(min=0.1), default=2.0, show_default=True, help="Seconds for each answer."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def doctor(app: str | None, settings: str | None, site: str | None, timeout: float, as_json: bool) -> None:
    """Say what is wrong with a set-up: layer, job store, broker and workers, from where it is run.

    Run it where the site runs. Nothing is changed: it asks, and sends messages to a group of its own on the layers.

    Exit code 0: no errors. 1: errors. 2: wrong options.
    """
    if settings:
        os.environ[_SETTINGS] = settings
    diagnosis = _project(app, site).diagnosis(seconds=timeout)
    click.echo(diagnosis.json if as_json else diagnosis.text(_styled))
    if diagnosis.has_errors:
        raise SystemExit(1)


def _project(app: str | None, site: str | None) -> Project:
    look_in_current_directory()
    if site:
        require_module(site, option="--site")
        with redirect_stdout(sys.stderr):  # what it prints meanwhile is no output of ours
            import_module(site)
    installations = need("chanx.bridge.installed", extra="bridge")
    if app:
        bridge = installations.bridge_of(celery_app(app))
    elif site and not os.environ.get(_SETTINGS):
        bridge = None
    else:
        bridge = installations.bridge_or_none(_app_of_project())
    if django_has_settings() and find_spec("channels"):
        project: Project = need("chanx.channels.doctor", extra="channels").django_project(bridge)
        return project
    return _of_process(bridge, is_site=site is not None)


def _app_of_project() -> Any:
    """None of a Django project that makes no Celery app."""
    try:
        return celery_app(None)
    except ConfigurationError:
        if need("django.apps", extra="channels").apps.ready:
            return None
        raise


def _of_process(bridge: Any, *, is_site: bool) -> Project:
    """Without Django: the layers that are registered with fast-channels by now."""
    registry: Any = sys.modules.get("fast_channels.layers")
    layers: dict[str, Any] = (
        {alias: registry.get_channel_layer(alias) for alias in registry.channel_layers.list_aliases()}
        if registry
        else {}
    )
    configured = [ConfiguredLayer.of_object(alias, layer) for alias, layer in layers.items()]
    bounds = supported()
    findings = [*unsupported(installed(bounds), bounds), *server_hints(), *clustered_layers(configured)]
    if is_site and not layers:
        findings.append(no_layer(REGISTER_PUBSUB))
    if bridge is not None:
        bridges = need("chanx.doctor.bridges", extra="bridge")
        broker = need("chanx.doctor.separate_workers", extra="bridge").broker_of_app(bridge.app)
        findings += [
            *configured_layers(configured, broker=broker),
            *bridges.memory_store(bridge),
            *bridges.other_layer(bridge, layers),
            *bridges.lost_results(bridge.app),
        ]
    else:
        findings += configured_layers(configured, broker=None)
    return Project(bridge, layers, findings, secrets_of(*configuration(bridge), *map(_options_of, layers.values())))


def _options_of(layer: object) -> Mapping[str, object]:
    return {name: value for name, value in vars(layer).items() if name in ("hosts", "_args", "_kwargs")}


def _styled(text: str, level: Level | None) -> str:
    return click.style(text, fg=level and _COLORS[level], bold=True)
