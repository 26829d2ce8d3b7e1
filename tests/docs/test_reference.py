"""The tables of the reference have what the code has, no more and no less."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

import click
import pytest
from django.core.management import get_commands
from pydantic import BaseModel

import chanx.bridge
import chanx.errors
import chanx.testing.jobs
from chanx.bridge.events import JOB_EVENTS, ErrorPayload, JobEvent
from chanx.bridge.outcome import STOPPED_MESSAGES
from chanx.channels.settings import DEFAULTS, SettingsConfig
from chanx.channels.websocket import AsyncJsonWebsocketConsumer
from chanx.cli.main import cli
from chanx.core.config import Config
from chanx.testing import plugin
from tests.docs.pages import DOCS, ROOT

REFERENCE = DOCS / "reference"
PACKAGE = ROOT / "chanx"


def rows(page: str, first_cell: str) -> list[list[str]]:
    """The rows of the table with that heading, their cells without the marks of code."""
    lines = (REFERENCE / page).read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_cell} |"))
    found: list[list[str]] = []
    for line in lines[begin + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def value(cell: str) -> object:
    return ast.literal_eval(cell.strip("`"))


def test_the_settings_of_django() -> None:
    table = rows("settings.md", "Key")

    assert {names(key)[0]: value(default) for key, default, *_ in table} == dict(DEFAULTS)
    attributes = {names(attribute)[0] for _, _, attribute, _ in table if attribute}
    assert attributes == {name for name in vars(SettingsConfig) if not name.startswith("_")}
    assert all(getattr(AsyncJsonWebsocketConsumer, name) is None for name in attributes)


def test_the_options_outside_django() -> None:
    table = {names(option)[0]: value(default) for option, default in rows("settings.md", "Option")}

    assert table == {name: getattr(Config(), name) for name in Config.__slots__}


def test_the_options_of_a_consumer_class() -> None:
    for attribute, default, _ in rows("settings.md", "Attribute"):
        found = getattr(AsyncJsonWebsocketConsumer, names(attribute)[0])
        assert (found or None) == (value(default) or None), attribute


def test_the_environment_variables() -> None:
    sources = "\n".join(file.read_text() for file in PACKAGE.rglob("*.py"))
    used = set(re.findall(r"[\"'](CHANX_[A-Z_]+|DJANGO_SETTINGS_MODULE)[\"']", sources))

    assert {names(row[0])[0] for row in rows("settings.md", "Name")} == used


def test_the_events() -> None:
    table = {
        names(action)[0]: (names(class_)[0], names(delivery)[0], names(payload))
        for action, class_, delivery, payload, _ in rows("events.md", "Action")
    }

    assert table == {_action(event): (event.__name__, event.delivery, _payload_fields(event)) for event in JOB_EVENTS}


def _action(event: type[JobEvent]) -> Any:
    return event.model_fields["action"].default


def _payload_fields(event: type[JobEvent]) -> list[str]:
    payload = event.model_fields["payload"].annotation
    if not (inspect.isclass(payload) and issubclass(payload, BaseModel)):
        return []
    fields = list(payload.model_fields)
    return [*fields, *ErrorPayload.model_fields] if fields == ["error"] else fields


def test_every_error_is_on_the_page() -> None:
    """``automodule`` has those of chanx.errors; the page names each that stands elsewhere."""
    elsewhere = {
        f"{class_.__module__}.{class_.__name__}"
        for class_ in _subclasses(chanx.errors.ChanxError)
        if class_.__module__.startswith("chanx.") and class_.__module__ != "chanx.errors"
    }
    public = {name for name in elsewhere if not name.rsplit(".", 1)[1].startswith("_")}
    page = (REFERENCE / "errors.md").read_text()

    assert ".. automodule:: chanx.errors\n" in page
    assert public == set(re.findall(r"autoexception:: (\S+)", page))


def _subclasses(class_: type[Exception]) -> Iterator[type[Exception]]:
    for subclass in class_.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def test_the_codes_of_failed_jobs() -> None:
    used = set(STOPPED_MESSAGES) | {"error"} | _strings(r"code=\"(\w+)\"") | {"not_committed"}

    assert {names(code)[0] for code, _ in rows("errors.md", "Code")} == used


def _strings(pattern: str) -> set[str]:
    return {found for file in (PACKAGE / "bridge").rglob("*.py") for found in re.findall(pattern, file.read_text())}


def test_the_reasons_of_refusals() -> None:
    sources = "\n".join(file.read_text() for part in ("core", "bridge") for file in (PACKAGE / part).rglob("*.py"))
    constants = dict(re.findall(r"^([A-Z_]+)(?:: Final)? = \"(\w+)\"$", sources, re.MULTILINE))
    used = {
        constants.get(reason, reason.strip('"')) for reason in re.findall(r"TopicRefused\((\"\w+\"|[A-Z_]+),", sources)
    }

    assert {names(reason)[0] for reason, _ in rows("errors.md", "Reason")} == used


def _commands(group: click.Group, path: tuple[str, ...]) -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield " ".join((*path, name))
        if isinstance(command, click.Group):
            yield from _commands(command, (*path, name))


def test_every_command_is_on_the_page() -> None:
    shown = set(re.findall(r"\{command-help\} (.+)", (REFERENCE / "commands.md").read_text()))
    ours = {name for name, app in get_commands().items() if app.startswith("chanx.")}

    assert shown == {"chanx", *_commands(cli, ("chanx",)), *(f"manage.py {name}" for name in ours)}


def test_the_options_of_pytest() -> None:
    parser = _IniOptions()
    plugin.pytest_addoption(cast("pytest.Parser", parser))

    table = {names(option)[0]: value(default) for option, default, _ in rows("settings.md", "In pytest's ini file")}
    assert table == parser.defaults


class _IniOptions:
    """Takes down what a plugin adds."""

    def __init__(self) -> None:
        self.defaults: dict[str, object] = {}

    def addini(self, name: str, help: str, type: str, default: object) -> None:
        self.defaults[name] = default


def test_the_fixtures_of_pytest() -> None:
    fixtures = set(re.findall(r"@pytest\.fixture\ndef (\w+)", inspect.getsource(plugin)))

    assert {names(row[0])[0] for row in rows("testing.md", "Fixture")} == fixtures


@pytest.mark.parametrize("package", [chanx.bridge, chanx.testing.jobs])
def test_every_public_name_is_in_the_reference(package: ModuleType) -> None:
    documented = {
        name.rsplit(".", 1)[1]
        for page in REFERENCE.glob("*.md")
        for name in re.findall(r"auto(?:class|function|exception):: (\S+)", page.read_text())
    }
    aliases = {"Delivery", "JobAction"}  # types that are told where they are used

    assert set(package.__all__) - documented <= aliases


@pytest.mark.parametrize("page", sorted(path.name for path in REFERENCE.glob("*.md")))
def test_public_paths_only(page: str) -> None:
    """What a page documents can be imported from where the page says."""
    for name in re.findall(r"auto(?:class|function|exception):: (\S+)", (REFERENCE / page).read_text()):
        module, attribute = name.rsplit(".", 1)
        assert hasattr(__import__(module, fromlist=[attribute]), attribute), name
