"""``chanx doctor``: what is wrong with a project's set-up, each with what to change."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import click

from chanx.cli.celery_app import app_option, celery_app
from chanx.cli.modules import look_in_current_directory, require_module
from chanx.doctor.finding import Finding, Level
from chanx.doctor.layers import REGISTER_PUBSUB, ConfiguredLayer, clustered_layers, configured_layers, no_layer
from chanx.doctor.secrets import secrets_of, without
from chanx.doctor.versions import installed, server_hints, supported, unsupported
from chanx.errors import ConfigurationError
from chanx.utils.extras import need
from chanx.utils.framework import django_has_settings

_SETTINGS: Final = "DJANGO_SETTINGS_MODULE"
_LEVELS: Final[Mapping[Level, str]] = {"error": "red", "warning": "yellow", "info": "cyan"}
_NO_BRIDGE: Final = "The project has no Celery app with a bridge, so nothing was said of jobs."


@dataclass(frozen=True, slots=True)
class _Project:
    """A project as it is configured: its bridge, its consumers' layers, what its settings tell, what not to print."""

    bridge: Any
    layers: Mapping[str, Any]
    findings: Sequence[Finding]
    secrets: frozenset[str]


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
    project = _project(app, site)
    with _quiet():
        examined = need("chanx.doctor.examination", extra="bridge").examine(
            project.bridge, project.layers, seconds=timeout
        )
    # By the settings two names may be two servers; what was heard is certain.
    known = [found for found in project.findings if not (examined.listened and found.id == "chanx.W006")]
    findings = [_without_secrets(found, project.secrets) for found in (*known, *examined.findings)]
    findings.sort(key=lambda found: (list(_LEVELS).index(found.level), found.id))
    click.echo(_json(findings, examined) if as_json else _text(findings, examined, project))
    if any(found.level == "error" for found in findings):
        raise SystemExit(1)


def _project(app: str | None, site: str | None) -> _Project:
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
        return _of_django(bridge)
    return _of_process(bridge, is_site=site is not None)


def _app_of_project() -> Any:
    """None of a Django project that makes no Celery app."""
    try:
        return celery_app(None)
    except ConfigurationError:
        if need("django.apps", extra="channels").apps.ready:
            return None
        raise


def _of_django(bridge: Any) -> _Project:
    checks = need("chanx.channels.checks", extra="channels")
    messages: list[Any] = [
        *(checks.check_layers() + checks.check_servers() + checks.check_packages()),
        *([] if bridge is None else checks.check_bridge_of(bridge)),
        *_of_database(bridge),
    ]
    settings = need("django.conf", extra="channels").settings
    found: list[Finding] = need("chanx.doctor.check_messages", extra="channels").findings_of(messages)
    layers, unusable = checks.layer_objects()
    return _Project(
        bridge,
        layers,
        [*found, *unusable, *_of_results(bridge)],
        secrets_of(
            *_configuration(bridge),
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


def _of_process(bridge: Any, *, is_site: bool) -> _Project:
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
            *_of_results(bridge),
        ]
    else:
        findings += configured_layers(configured, broker=None)
    return _Project(bridge, layers, findings, secrets_of(*_configuration(bridge), *map(_options_of, layers.values())))


def _options_of(layer: object) -> Mapping[str, object]:
    return {name: value for name, value in vars(layer).items() if name in ("hosts", "_args", "_kwargs")}


def _configuration(bridge: Any) -> Iterator[object]:
    if bridge is not None:
        yield bridge.app.conf.table(censored=False)
        yield getattr(bridge.store, "url", None)


@contextmanager
def _quiet() -> Generator[None]:
    """What libraries log of a server that is away is a finding already, and may hold what is not to be printed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _without_secrets(found: Finding, secrets: frozenset[str]) -> Finding:
    return Finding(found.id, without(secrets, found.text), without(secrets, found.fix))


def _json(findings: Sequence[Finding], examined: Any) -> str:
    """``{"findings": [{"id", "level", "text", "fix"}, …], "looked_at": [words], "workers": [names]}``."""
    listed = [{"id": found.id, "level": found.level, "text": found.text, "fix": found.fix} for found in findings]
    content = {"findings": listed, "looked_at": _looked_at(examined), "workers": list(examined.workers)}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _text(findings: Sequence[Finding], examined: Any, project: _Project) -> str:
    lines = [line for found in findings for line in _lines(found)]
    lines.append(f"Looked at: {', '.join(_looked_at(examined))}.")
    if project.bridge is None:
        lines.append(_NO_BRIDGE)
    elif examined.workers:
        lines.append(f"Workers that answered: {', '.join(examined.workers)}.")
    counts = [(level, sum(found.level == level for found in findings)) for level in ("error", "warning")]
    lines.append(", ".join(f"{count} {level}{'' if count == 1 else 's'}" for level, count in counts) + ".")
    return "\n".join(lines)


def _looked_at(examined: Any) -> list[str]:
    return ["settings", "packages", *examined.looked_at]


def _lines(found: Finding) -> Iterator[str]:
    level = click.style(f"{found.level:<7}", fg=_LEVELS[found.level], bold=True)
    yield f"{level}  {click.style(found.id, bold=True)}  {found.text}"
    yield f"         {found.fix}"
    yield ""
